"""Points, lines, circles and numbers of a construction, each for the nominal points and all draws.

Positions are complex numbers x + iy in the canonical frame: metric (millimetres, or square pixels
without spacing), y downwards as on screen, and mirrored back if the film is. Every array has one
entry per draw; entry 0 is the nominal position. With y downwards, a positive angle turns clockwise
as seen on the canonical image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from core.film import Calibration
from core.measure.results import XY

Complexes = NDArray[np.complex128]
Reals = NDArray[np.float64]


class Kind(StrEnum):
    """What an operation takes or gives."""

    POINT = "point"
    LINE = "line"
    CIRCLE = "circle"
    POLYLINE = "polyline"
    LENGTH = "length"
    ANGLE = "angle"
    RATIO = "ratio"


class DegenerateError(Exception):
    """The points do not determine the construction; the text is a sentence for the user."""


@dataclass(frozen=True, eq=False)
class PointGeo:
    """A point; ``z`` [draws]. ``note`` says what was chosen, with ``{0}`` ... for names of inputs."""

    z: Complexes
    note: str = ""


@dataclass(frozen=True, eq=False)
class LineGeo:
    """A directed line through ``origin`` [draws] along the unit vector ``direction`` [draws].

    ``ends`` are the nominal ends of the part that is drawn solid.
    """

    origin: Complexes
    direction: Complexes
    ends: tuple[complex, complex]


@dataclass(frozen=True, eq=False)
class CircleGeo:
    """A circle; ``centre`` and ``radius`` [draws]."""

    centre: Complexes
    radius: Reals


@dataclass(frozen=True, eq=False)
class PolylineGeo:
    """An open polyline; ``vertices`` [vertices, draws]."""

    vertices: Complexes


@dataclass(frozen=True, eq=False)
class NumberGeo:
    """A length, angle (degrees) or ratio; ``value`` [draws]. ``note`` as for points."""

    value: Reals
    note: str = ""


Geo = PointGeo | LineGeo | CircleGeo | PolylineGeo | NumberGeo


@dataclass(frozen=True)
class Frame:
    """The map between film pixels and the canonical frame.

    ``flipped`` tells that the film shows the mirror image of the canonical layout.
    """

    calibration: Calibration
    flipped: bool
    scale: tuple[float, float] = field(init=False)  # signed size of a pixel along x and y

    def __post_init__(self) -> None:
        x_step, y_step = (float(step) for step in self.calibration.to_metric(np.ones(2)))
        object.__setattr__(self, "scale", (-x_step if self.flipped else x_step, y_step))

    def to_film(self, z: complex) -> XY:
        """Film pixels (x, y) of a canonical position."""
        x_step, y_step = self.scale
        return float(z.real / x_step), float(z.imag / y_step)

    def length_px(self, length: float) -> float:
        """A canonical length in film pixels (geometric mean of both directions)."""
        x_step, y_step = self.scale
        return length / math.sqrt(abs(x_step * y_step))


def cross(a: Complexes, b: Complexes) -> Reals:
    """Cross product of plane vectors: positive when ``b`` lies clockwise of ``a`` on screen."""
    product: Reals = (np.conj(a) * b).imag
    return product


def dot(a: Complexes, b: Complexes) -> Reals:
    """Dot product of plane vectors."""
    product: Reals = (np.conj(a) * b).real
    return product
