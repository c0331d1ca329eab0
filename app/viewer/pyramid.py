"""A film prepared for the screen: grey levels as table indices, in halving resolutions.

Changing the window then costs one table look-up of the resolution that is on screen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.film import Radiograph, Window, apply_window

_SMALLEST_PX = 400
_LEVELS = 65536


@dataclass(frozen=True, eq=False)
class Pyramid:
    """``levels[k]`` is [rows, columns] uint16 at 1 / 2**k of the film; index i stands for
    pixel value ``low + i * step`` and ``top`` is the highest index.
    """

    levels: tuple[NDArray[np.uint16], ...]
    low: float
    step: float
    size_px: tuple[int, int]
    top: int

    @classmethod
    def of(cls, film: Radiograph) -> Pyramid:
        """Prepare ``film``. Takes about 0.1 s for 5 megapixels; call it off the main thread."""
        pixels = film.pixels
        low, high = float(pixels.min()), float(pixels.max())
        # Whole-number films of up to 16 bit keep one index per value, so nothing is rounded.
        step = 1.0 if high - low < _LEVELS and _is_whole(pixels) else (high - low) / (_LEVELS - 1)
        step = step or 1.0
        index = ((pixels - np.float32(low)) / np.float32(step) + np.float32(0.5)).astype(np.uint16)
        levels = [np.ascontiguousarray(index)]
        while min(levels[-1].shape) >= 2 * _SMALLEST_PX:
            levels.append(_halved(levels[-1]))
        return cls(tuple(levels), low, step, film.size_px, int(index.max()))

    def level_for(self, scale: float) -> int:
        """The coarsest level that still has a pixel for each screen pixel at ``scale``."""
        if scale <= 0.0:
            return len(self.levels) - 1
        return int(min(max(np.floor(np.log2(1.0 / scale) + 0.1), 0), len(self.levels) - 1))

    def grey(
        self, level: int, window: Window, block: tuple[slice, slice] = np.s_[:, :], *, inverted: bool = False
    ) -> NDArray[np.uint8]:
        """A block (rows, columns) of a level through the window, [rows, columns] 0..255."""
        count = self.top + 1
        values = (np.arange(count, dtype=np.float32) * np.float32(self.step) + np.float32(self.low))[None, :]
        table = np.zeros(_LEVELS, dtype=np.uint8)
        table[:count] = apply_window(values, window, inverted=inverted)[0]
        return np.asarray(table[self.levels[level][block]])

    def auto_window(self, low_percent: float, high_percent: float, name: str) -> Window:
        """A window between two percentiles of the film."""
        low, high = np.percentile(self.levels[-1], [low_percent, high_percent])
        return Window(
            self.low + float(low) * self.step, self.low + max(float(high), float(low) + 1) * self.step, name
        )


def _is_whole(pixels: NDArray[np.float32]) -> bool:
    sample = pixels[:: max(1, pixels.shape[0] // 64)]
    return bool(np.all(sample == np.rint(sample))) and bool(np.all(pixels == np.rint(pixels)))


def _halved(level: NDArray[np.uint16]) -> NDArray[np.uint16]:
    rows, columns = level.shape
    if rows % 2 or columns % 2:
        level = np.pad(level, ((0, rows % 2), (0, columns % 2)), mode="edge")
    wide = level.astype(np.uint32)
    total = wide[0::2, 0::2] + wide[0::2, 1::2] + wide[1::2, 0::2] + wide[1::2, 1::2]
    return ((total + 2) // 4).astype(np.uint16)
