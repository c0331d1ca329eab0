"""Places on outlines: the middle of blunt ends, the tip of sharp ones, the waist of a neck."""

from __future__ import annotations

import numpy as np
import pytest

from training.simulate.pelvis.points import nearest_border
from training.simulate.rules import farthest
from training.simulate.scene import Camera

CAMERA = Camera(1000.0, 1000.0, 0.5, 100, 100, 50.0, 50.0)  # half a millimetre a pixel
DOWN = np.array([0.0, 1.0])


def test_farthest_of_a_flat_end_is_its_middle() -> None:
    flat = np.array([[10.0, 30.0], [20.0, 30.0], [30.0, 30.0], [20.0, -400.0]])
    assert farthest(flat, DOWN, CAMERA) == pytest.approx([20.0, 30.0])


def test_points_count_less_by_e_for_every_soft_mm() -> None:
    # The second point lies two pixels, one millimetre, farther in.
    points = np.array([[10.0, 30.0], [20.0, 28.0]])
    share = 1.0 / (1.0 + np.exp(-2.0))
    assert farthest(points, DOWN, CAMERA, 0.5) == pytest.approx([10.0 * share + 20.0 * (1.0 - share), 30.0])
    assert farthest(points, DOWN, CAMERA, 0.01) == pytest.approx([10.0, 30.0])


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_neck_is_marked_at_its_waist(sign: int) -> None:
    along = np.linspace(0.0, 40.0, 81)
    away = 10.0 + 0.05 * (along - 24.0) ** 2
    outline = np.column_stack([along, sign * away])
    edges = np.column_stack([np.arange(80), np.arange(1, 81)]).astype(np.int32)
    axis = np.zeros(2), np.array([1.0, 0.0])
    found = nearest_border(outline, edges, axis, np.linspace(8.25, 39.75, 64), sign, CAMERA)
    assert found == pytest.approx([24.0, sign * 10.0], abs=0.1)


def test_a_neck_that_is_not_there_is_refused() -> None:
    edges = np.array([[0, 1]], dtype=np.int32)
    with pytest.raises(ValueError, match="not crossed"):
        nearest_border(np.zeros((2, 2)), edges, (np.zeros(2), np.ones(2)), np.array([5.0]), 1, CAMERA)
