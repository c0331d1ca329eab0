"""What close-ups say, brought back to the canonical window."""

from types import SimpleNamespace

import numpy as np
import pytest

from core.matching.frames import Frame
from core.matching.heatmaps import cells
from core.matching.joint import Shapes
from core.matching.refine import Placing

STRIDE, SIDE, PART = 4, 64, 0.4
POINTS = np.array([[100.0, 100.0], [130.0, 140.0], [95.0, 150.0], [150.0, 95.0]])


@pytest.mark.parametrize("angle", [0.0, 0.6, -1.2])
def test_a_turned_close_up_tells_place_and_spread_in_the_canonical_window(angle):
    """An answer that is long across the close-up comes to lie along its row, turned back."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, s], [-s, c]])
    centre, middle = POINTS.mean(0), np.full(2, STRIDE * SIDE / 2 - 0.5)
    canonical = Frame(0.5 * np.eye(2), np.array([20.0, -10.0]))
    close = canonical.then(Frame(turn / PART, middle - turn @ centre / PART))
    at = close.to_window(canonical.to_film(POINTS + 1.0))
    x, y = (cells(SIDE, STRIDE) - at[:, axis, None] for axis in (0, 1))
    maps = np.exp(-0.5 * ((x[:, None, :] / 16.0) ** 2 + (y[:, :, None] / 4.0) ** 2)).astype(np.float32)
    maps /= maps.sum(axis=(1, 2), keepdims=True)
    encoder, shapes = SimpleNamespace(strides=(16, STRIDE)), Shapes.like(POINTS, POINTS[None])
    placing = Placing(encoder, None, None, None, shapes, canonical, None)
    beliefs = placing.beliefs(maps, [close] * len(POINTS), PART)
    assert np.abs(beliefs.position - (POINTS + 1.0)).max() < 1.0
    longest = np.linalg.eigh(beliefs.covariance)[1][:, :, -1]
    assert np.abs(longest @ np.array([c, s])).min() > 0.99
