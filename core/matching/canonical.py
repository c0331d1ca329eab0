"""The shape of the window in which a view's points lie: long and narrow for a leg, wide for a pelvis.

The network looks at any film in about the same number of pixels. A window that holds what the points need and
no more shows it larger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.matching.frames import Frame, Size

FloatArray = NDArray[np.float64]

STEP_PX = 16
"""Sides of windows are multiples of this."""

MOST_LARGER = 2.0
"""How much larger than in a square window things are shown at most."""

USUAL_ROOM, LEAST_ROOM = 0.1, 0.04
"""Free border beside the mean shape, and beside all points of references, as parts of a square window."""


@dataclass(frozen=True, eq=False)
class CanonicalWindow:
    """A window of ``size`` into which ``frame`` takes places in the square canonical window."""

    size: Size
    frame: Frame

    @classmethod
    def of(cls, size: Size, square_px: int) -> Self:
        """The window of a size that is centred in the square one of side ``square_px`` and as long."""
        larger = max(size) / square_px
        offset = (np.array(size) - 1.0) / 2 - larger * (square_px - 1.0) / 2
        return cls(size, Frame(larger * np.eye(2), offset))

    @property
    def part(self) -> float:
        """Pixels of the square window per pixel of this one: 1 when it is square, else less."""
        return 1.0 / self.frame.scale


def window_size(mean_px: FloatArray, shapes_px: FloatArray, square_px: int) -> Size:
    """Size of the window for a mean shape [N, 2] and the references' shapes [R, N, 2] (NaN: unknown)."""
    extent = np.nanmax(mean_px, axis=0) - np.nanmin(mean_px, axis=0)
    reach = 2.0 * np.nanmax(np.abs(shapes_px - (square_px - 1) / 2), axis=(0, 1))
    needed = np.maximum(extent + 2.0 * USUAL_ROOM * square_px, reach + 2.0 * LEAST_ROOM * square_px)
    return size_for(np.where(extent < extent.max(), needed, square_px), square_px)


def size_for(needed_px: FloatArray, square_px: int) -> Size:
    """Width and height of the window for what fills ``needed_px`` [2] of a square one of side ``square_px``.

    The window has about as many pixels as the square one, and its longer side holds all of the square's.
    """
    shorter = float(np.clip(needed_px.min() / square_px, MOST_LARGER**-2, 1.0))
    longer_px = STEP_PX * int(square_px / np.sqrt(shorter) / STEP_PX + 1e-9)
    shorter_px = STEP_PX * int(np.ceil(shorter * longer_px / STEP_PX - 1e-9))
    return Size(shorter_px, longer_px) if needed_px[0] < needed_px[1] else Size(longer_px, shorter_px)
