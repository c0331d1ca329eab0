"""What the network is told of where in the film its cells lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

LONGEST_WAVE, SIZE = 100.0, 0.5
"""Length of the longest wave in cells, as a part of 2 pi, and the waves' amplitude."""


def position_code(rows: int, columns: int, width: int, along: int) -> Float32:
    """Fixed sine and cosine code [rows * columns, width] of every cell's row and column.

    Places are those in a square of ``along`` cells a side in which the film is centred and fills the longer
    side: it is the same place of a film whatever the shape of the window.
    """
    frequency = LONGEST_WAVE ** -(np.arange(width // 4) / (width // 4))
    finer = max(rows, columns) / along

    def line(count: int) -> Float32:
        place = (np.arange(count) + 0.5 * (1 - count)) / finer + 0.5 * (along - 1)
        angle = place[:, None] * frequency[None]
        return np.concatenate([np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)

    down, across = line(rows), line(columns)
    code = np.concatenate([np.repeat(down, columns, axis=0), np.tile(across, (rows, 1))], axis=1)
    return np.asarray(SIZE * code, dtype=np.float32)
