"""Closed bodies of known volume, and cuts through them."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from training.simulate.raster import smooth_normals
from training.simulate.scene import Surface
from training.simulate.solids import (
    ball,
    bent_rod,
    box,
    cut,
    ribbon,
    rod,
    thickened,
    turned,
    unit,
    volume_mm3,
)

A, B = np.array([1.0, 2.0, 3.0]), np.array([5.0, -7.0, 30.0])
LENGTH = float(np.linalg.norm(B - A))


def closed(surface: Surface) -> bool:
    """Every directed edge has exactly as many opposite ones."""
    edges = surface.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    count: dict[tuple[int, int], int] = {}
    for a, b in edges.tolist():
        count[a, b] = count.get((a, b), 0) + 1
    return all(count.get((b, a), 0) == n for (a, b), n in count.items())


@pytest.mark.parametrize(
    ("surface", "volume"),
    [
        (ball(A, 5.0), 4 / 3 * np.pi * 125),
        (box(A, np.eye(3), np.array([2.0, 3.0, 4.0])), 24.0),
        (rod(A, B, 2.0), np.pi * 4 * LENGTH),
        (turned(A, B, np.array([[0.0, 3.0], [1.0, 1e-6]])), np.pi * 9 * LENGTH / 3),
        (bent_rod(A + np.linspace(0, 1, 9)[:, None] * (B - A), 1.5), np.pi * 2.25 * LENGTH),
        (ribbon(np.linspace(A, B, 5), np.tile([1.0, 0, 0], (5, 1)), 4.0, 2.0), 8 * LENGTH),
    ],
)  # fmt: skip
def test_bodies_are_closed_and_have_their_volume(surface: Surface, volume: float) -> None:
    assert closed(surface)
    assert volume_mm3(surface) == pytest.approx(volume, rel=1e-3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(-0.9, 0.9))
def test_a_cut_ball_has_the_volume_of_its_cap(seed: int, level: float) -> None:
    normal = unit(np.random.default_rng(seed).standard_normal(3))
    whole = ball(A, 10.0, 4)
    part = cut(whole, A + normal * level * 10.0, normal)
    height = 10.0 * (1 - level)
    assert closed(part)
    assert volume_mm3(part) == pytest.approx(np.pi * height**2 * (10.0 - height / 3), rel=0.01, abs=2.0)
    rest = cut(whole, A + normal * level * 10.0, -normal)
    assert volume_mm3(part) + volume_mm3(rest) == pytest.approx(volume_mm3(whole), rel=1e-6)
    assert ((part.vertices_mm - A) @ normal).min() > level * 10.0 - 1e-6


def test_a_cut_through_two_limbs_closes_both() -> None:
    ring = trimesh.creation.torus(10.0, 2.0)
    surface = Surface(np.asarray(ring.vertices), np.asarray(ring.faces, np.int32))
    half = cut(surface, np.array([0.13, 0, 0]), np.array([1.0, 0, 0]))
    assert closed(half)
    assert volume_mm3(half) == pytest.approx(volume_mm3(surface) / 2, rel=0.02)
    assert cut(surface, np.array([-50.0, 0, 0]), np.array([1.0, 0, 0])) is surface
    assert len(cut(surface, np.array([50.0, 0, 0]), np.array([1.0, 0, 0])).faces) == 0


def test_a_thickened_patch_of_a_ball_is_a_shell() -> None:
    whole = ball(np.zeros(3), 10.0, 5)
    chosen = whole.vertices_mm[whole.faces].mean(axis=1)[:, 2] > 0
    normals = smooth_normals(whole.vertices_mm, whole.faces, 0)
    shell = thickened(whole.vertices_mm, whole.faces, chosen, normals, 1.0, 2.0)
    assert closed(shell)
    assert volume_mm3(shell) == pytest.approx(2 / 3 * np.pi * (12.0**3 - 9.0**3), rel=0.02)


def test_a_vector_of_no_length_is_refused() -> None:
    with pytest.raises(ValueError, match="direction"):
        unit(np.zeros(3))
