"""Films with oblong pixels as the matcher needs them: a circle is a circle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_SQUARE = 0.005  # aspects that differ less from 1 are left alone: no point moves by as much as it is unsure


@dataclass(frozen=True, eq=False)
class SquarePixels:
    """A film sampled with square pixels of the same area.

    ``pixels`` is [rows, columns]; ``step`` is how many stored pixels (x, y) one of them spans.
    """

    pixels: NDArray[np.float32]
    step: tuple[float, float]

    def to_stored(self, points_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points [..., 2] (x, y) on ``pixels`` as points on the stored film. Centres are at integers."""
        return np.asarray((points_px + 0.5) * self.step - 0.5, dtype=np.float64)


def square_pixels(pixels: NDArray[np.float32], aspect: float) -> SquarePixels:
    """``pixels`` [rows, columns] sampled anew if they are oblong, else as they are.

    ``aspect`` is the height of a pixel divided by its width. The number of pixels stays about the same, so
    that neither memory nor the size of an error in pixels changes.
    """
    if abs(aspect - 1.0) < _SQUARE:
        return SquarePixels(pixels, (1.0, 1.0))
    rows, columns = pixels.shape
    stretch = math.sqrt(aspect)
    size = (max(1, round(columns / stretch)), max(1, round(rows * stretch)))
    shorter = (size[0], rows) if stretch > 1.0 else (columns, size[1])
    # Only averaging keeps fine patterns from turning into coarse ones where pixels are joined.
    joined = cv2.resize(pixels, shorter, interpolation=cv2.INTER_AREA)
    sampled = np.asarray(cv2.resize(joined, size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    return SquarePixels(sampled, (columns / size[0], rows / size[1]))
