"""Display windows computed from pixel values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.film import Window

PERCENTILES = (0.5, 99.5)
_SAMPLES = 1_000_000


def evenly(pixels: NDArray[Any]) -> NDArray[Any]:
    """At most about two million evenly spaced values of ``pixels``, in one dimension."""
    flat = pixels.ravel()
    return flat[:: max(flat.size // _SAMPLES, 1)]


def percentile_window(pixels: NDArray[np.float32], name: str = "From pixel values") -> Window:
    """The window from the 0.5 to the 99.5 percentile of ``pixels``. Large films are sampled evenly."""
    values = evenly(pixels)
    low, high = (float(v) for v in np.percentile(values, PERCENTILES))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    if high <= low:
        high = low + 1.0
    return Window(low, high, name)


def shows_something(window: Window, pixels: NDArray[np.float32]) -> bool:
    """Whether at least half a percent of the pixels falls between black and white of ``window``."""
    values = evenly(pixels)
    inside = np.count_nonzero((values > window.low) & (values < window.high))
    if inside >= 0.005 * values.size:
        return True
    black = bool(np.any(values <= window.low))
    white = bool(np.any(values >= window.high))
    return black and white
