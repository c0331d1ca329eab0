"""A view fitted to a film: what was found before the points are placed to the detail, and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.matching.features import ViewFeatures
from core.matching.frames import Frame
from core.matching.joint import Shapes, plausibility
from core.matching.refine import Look, Placed, Placing
from core.matching.search import Found

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.float64]

UNEXPECTED = 0.08
"""How much better a film must fit in the handedness that its side does not let expect. Films that can be told
from their mirror images differ by more; an axial kneecap may look alike from both sides."""

ANSWERS_SHARE = 0.35
"""What the answers to many references count for a numbering beside the shape: those of neighbouring points
err together. Those to a single one count half as much: how people differ, it does not show."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A view fitted to the film from ``start``, of the points ``known`` [N] to the references.

    ``view`` holds the references that are asked alone, ``shapes`` is what all let expect. ``frame`` takes the
    film to the square canonical window. ``seen`` is what the canonical window shows, ``posterior`` [n, H, W]
    where the points lie in it with their neighbours' word. ``position`` [n, 2] are its peaks, in pixels of
    the square one. ``score`` is the likeness of what was looked at first and of the canonical window, 0..1,
    better by what the answers say for the positions.
    """

    start: Found
    view: ViewFeatures
    shapes: Shapes
    known: NDArray[np.bool_]
    frame: Frame
    seen: Look
    posterior: Float32
    position: FloatArray
    score: float


@dataclass(frozen=True, eq=False)
class Numbered:
    """A fit and its points on their way, with the members of rows numbered in one of several ways."""

    fit: Fit
    placing: Placing

    @cached_property
    def placed(self) -> Placed:
        """The points placed to the detail."""
        return self.placing.placed()

    @cached_property
    def film_px(self) -> FloatArray:
        """The points [N, 2] on the film."""
        return self.fit.frame.to_film(self.placed.position)

    @cached_property
    def plausible(self) -> float:
        """How likely this numbering is: a logarithm, but for a constant."""
        placed = self.placed
        shape = plausibility(placed.position, placed.covariance, self.fit.shapes)
        references = len(self.fit.start.features.keys)
        share = ANSWERS_SHARE * references / (references + 1.0)
        return shape + share * float(placed.support.sum())


def best_of_each_view(fits: Sequence[Fit], expected: Mapping[str, bool]) -> list[Fit]:
    """The best fit of each view, in its ``expected`` handedness if that is hardly worse; the best first."""

    def rank(fit: Fit) -> float:
        as_expected = fit.frame.mirrored is expected.get(fit.view.view, fit.frame.mirrored)
        return fit.score - (0.0 if as_expected else UNEXPECTED)

    best: dict[str, Fit] = {}
    for fit in sorted(fits, key=lambda fit: -rank(fit)):
        best.setdefault(fit.view.view, fit)
    return sorted(best.values(), key=lambda fit: -fit.score)
