"""From the shape of the answers to an error a reader can use.

The constants are fitted by ``python -m training.bench.calibrate`` on simulated films of the people kept for
validation, in all views; they belong to the model they were fitted for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ErrorModel:
    """Expected error in window pixels: doubt * mean distance + spread * disagreement, at least floor.

    ``floor`` is an eighth of a cell of the fine map: no answer is surer than that.
    """

    floor: float = 0.5
    doubt: float = 0.72
    spread: float = 0.43

    def expected_error(self, distance: FloatArray, spread: FloatArray) -> FloatArray:
        """Expected distance [N] to the true point, in window pixels.

        ``distance`` is the answer map's mean distance from its peak, ``spread`` the root mean square
        distance of the single references' answers from the consensus, both in window pixels.
        """
        return np.asarray(np.maximum(self.doubt * distance + self.spread * spread, self.floor))


def confidence(expected_error: FloatArray, window_px: int) -> FloatArray:
    """0..1: one half where the expected error is 2 % of the canonical window."""
    return np.asarray(1.0 / (1.0 + (expected_error / (0.02 * window_px)) ** 2))
