"""Vertebrae that differ between simulated people."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from training.simulate.shapes import template_surface
from training.simulate.vertebrae import PARTS, individual

_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "anatomy"
ANATOMY = Path(os.environ.get("ORTHOMATCH_ANATOMY", str(_BESIDE)))

pytestmark = pytest.mark.skipif(not ANATOMY.is_dir(), reason="anatomy collection not available")


def test_other_bones_and_no_variation_change_nothing() -> None:
    assert individual(ANATOMY, "femur", 3, 1.0) == 0.0
    for bone in ("t1", "t7", "t12"):
        assert np.abs(individual(ANATOMY, bone, 3, 0.0)).max() < 1e-4


def test_people_differ_but_vertebrae_stay_vertebrae() -> None:
    base = template_surface(ANATOMY, "t7")[0]
    extent = float(np.ptp(base, axis=0).max())
    moves = [np.linalg.norm(np.asarray(individual(ANATOMY, "t7", seed, 1.0)), axis=1) for seed in range(12)]
    assert 0.5 < np.mean([move.mean() for move in moves]) < 0.08 * extent
    assert np.max([move.max() for move in moves]) < 0.4 * extent
    again = individual(ANATOMY, "t7", 4, 1.0)
    assert np.array_equal(np.asarray(again), np.asarray(individual(ANATOMY, "t7", 4, 1.0)))


def test_a_shifted_vertebra_looks_like_its_neighbour() -> None:
    """For the spinous process: it falls steeply in the middle of the thorax and hardly at its lower end."""

    def fall(vertices: np.ndarray) -> float:
        tip = vertices[vertices[:, 1].argmax()]
        return float(vertices[:, 2].mean() - tip[2])

    base = template_surface(ANATOMY, "t11")[0]
    falls = [fall(base + np.asarray(individual(ANATOMY, "t11", seed, 1.0))) for seed in range(20)]
    neighbours = [fall(template_surface(ANATOMY, name)[0]) for name in PARTS[0][8:12]]
    assert np.ptp(falls) > 0.3 * np.ptp(neighbours)
    assert 0.85 * min(neighbours) < min(falls)
    assert max(falls) < 1.2 * max(neighbours)
