"""Implants, casts and disease: they fit the bones, keep the points and show on the film."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import trimesh

from training.simulate.bone_axis import fitted_sphere, joint_between, long_bone
from training.simulate.films import expose
from training.simulate.findings import KINDS, with_finding, with_findings
from training.simulate.imaging import develop, random_exposure
from training.simulate.render import render
from training.simulate.scene import Bone, Camera, Capsule, Scene
from training.simulate.solids import ball, box, unit, volume_mm3
from training.simulate.views import VIEW_KEYS, scene_makers

ANATOMY = os.environ.get("ORTHOMATCH_ANATOMY")
LIMB = (
    "plate",
    "nail",
    "wires",
    "screws",
    "cerclage",
    "foreign_body",
    "cast",
    "fracture",
    "arthrosis",
    "fused",
)


def tube(name: str, start: np.ndarray, end: np.ndarray, radius: float = 12.0) -> Bone:
    """A closed shaft with rounded ends between two places."""
    length = float(np.linalg.norm(end - start)) - 2 * radius
    mesh = trimesh.creation.capsule(height=length, radius=radius, count=[24, 24]).subdivide_to_size(6.0)
    mesh.apply_translation(-mesh.bounds.mean(axis=0))
    mesh.apply_transform(trimesh.geometry.align_vectors([0, 0, 1], unit(end - start)))
    return Bone(name, np.asarray(mesh.vertices) + (start + end) / 2, np.asarray(mesh.faces, np.int32), 4.0)


@pytest.fixture
def limb() -> tuple[Scene, Camera]:
    upper = tube("upper", np.array([0.0, -110.0, 0.0]), np.array([4.0, -2.0, 3.0]))
    lower = tube("lower", np.array([4.0, 2.0, 3.0]), np.array([0.0, 110.0, 0.0]))
    free = ball(np.array([30.0, 0, 0]), 4.0)
    loose = Bone("loose", free.vertices_mm, free.faces, 1.0)
    flesh = Capsule(np.array([0.0, -130.0, 0.0]), np.array([0.0, 130.0, 0.0]), 40.0, 35.0)
    points = {"top": upper.vertices_mm[0], "bottom": lower.vertices_mm[5]}
    camera = Camera(1100.0, 1000.0, 1.0, 120, 250, 60.0, 125.0)
    return Scene("limb", "limb", (upper, lower, loose), (flesh,), points, {}, {"length_mm": 220.0}), camera


def test_a_long_bone_has_its_axis_and_surface() -> None:
    start, end = np.array([3.0, -80.0, 5.0]), np.array([13.0, 80.0, -5.0])
    found = long_bone(tube("a", start, end))
    assert found is not None
    assert abs(found.axis @ unit(end - start)) == pytest.approx(1.0, abs=1e-3)
    assert found.centre(0.5) == pytest.approx((start + end) / 2, abs=0.2)
    side = unit(np.cross(found.axis, [0, 0, 1.0]))
    assert np.linalg.norm(found.surface(0.5, side) - found.centre(0.5)) == pytest.approx(12.0, abs=0.4)
    other = found.flipped()
    assert other.centre(0.2) == pytest.approx(found.centre(0.8), abs=1e-6)


def test_flat_short_and_curved_bones_are_not_long() -> None:
    sphere = ball(np.zeros(3), 20.0)
    assert long_bone(Bone("ball", sphere.vertices_mm, sphere.faces, 1.0)) is None
    whole = tube("a", np.array([0, -80.0, 0]), np.array([0, 80.0, 0]))
    flat = dataclasses.replace(whole, vertices_mm=whole.vertices_mm * [1.0, 1.0, 0.2])
    assert long_bone(flat) is None
    v = whole.vertices_mm
    bent = dataclasses.replace(whole, vertices_mm=v + np.outer(v[:, 1] ** 2 / 80.0 * 0.6, [1.0, 0, 0]))
    assert long_bone(bent) is None


def test_a_sphere_is_fitted_to_part_of_its_surface() -> None:
    v = ball(np.array([3.0, 4.0, 5.0]), 20.0).vertices_mm
    centre, radius = fitted_sphere(v[v[:, 1] > 12.0])
    assert centre == pytest.approx([3.0, 4.0, 5.0], abs=0.05)
    assert radius == pytest.approx(20.0, abs=0.1)


def test_joints_are_found_between_near_bones_only(limb: tuple[Scene, Camera]) -> None:
    upper, lower, loose = limb[0].bones
    joint = joint_between(upper, lower)
    assert joint is not None
    assert 2.0 < joint.gap_mm < 5.0
    assert joint_between(upper, loose) is None


@pytest.mark.parametrize("kind", LIMB)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_finding_shows_and_moves_no_point(limb: tuple[Scene, Camera], kind: str, seed: int) -> None:
    scene, camera = limb
    changed = with_finding(scene, camera, np.random.default_rng(seed), kind)
    assert changed is not None
    before, after = scene.project_points(camera), changed.project_points(camera)
    assert all(np.array_equal(before[key], after[key]) for key in before)
    healthy, film = render(scene, camera, 1), render(changed, camera, 1)
    assert (
        not np.array_equal(healthy.bone, film.bone)
        or not np.array_equal(healthy.soft, film.soft)
        or (film.metal is not None and film.metal.max() > 0)
    )
    for solid in changed.solids:
        assert np.isfinite(solid.vertices_mm).all()
    if film.metal is not None:
        assert film.metal.min() > -1e-3
    repeated = with_finding(scene, camera, np.random.default_rng(seed), kind)
    assert repeated is not None
    assert np.array_equal(render(repeated, camera, 1).bone, film.bone)


def test_a_bone_without_points_can_be_missing_and_is_not_tracked(limb: tuple[Scene, Camera]) -> None:
    scene, camera = limb
    changed = with_finding(scene, camera, np.random.default_rng(0), "missing")
    assert changed is not None
    assert changed.bone("loose").drawn == ()
    x, y = camera.project(np.array([[30.0, 0, 0]]))[0].round().astype(int)
    assert render(scene, camera).bone[y, x] > 0.5
    assert render(changed, camera).bone[y, x] == 0
    assert len(expose(changed, camera, 1).tracked_id) < len(expose(scene, camera, 1).tracked_id)


def test_an_implant_of_nothing_fits_nowhere() -> None:
    camera = Camera(1100.0, 1000.0, 1.0, 100, 100, 50.0, 50.0)
    empty = Scene("empty", "empty", (), (), {})
    for kind in KINDS:
        assert with_finding(empty, camera, np.random.default_rng(0), kind) is None
    assert with_findings(empty, camera, np.random.default_rng(0), 1.0) is empty


def test_the_share_decides_how_many_films_have_findings(limb: tuple[Scene, Camera]) -> None:
    scene, camera = limb
    changed = [with_findings(scene, camera, np.random.default_rng(s), 0.3) is not scene for s in range(80)]
    assert 12 <= sum(changed) <= 38
    assert with_findings(scene, camera, np.random.default_rng(0), 0.0) is scene
    with pytest.raises(ValueError, match="between 0 and 1"):
        with_findings(scene, camera, np.random.default_rng(0), 1.5)


def test_metal_is_white_and_leaves_the_grey_of_bone_alone(limb: tuple[Scene, Camera]) -> None:
    scene, camera = limb
    changed = with_finding(scene, camera, np.random.default_rng(1), "nail")
    assert changed is not None
    exposure = dataclasses.replace(random_exposure(np.random.default_rng(0), 0.0), hardening=0.0)
    plain, film = (
        develop(render(s, camera, 1), exposure, np.random.default_rng(0)) for s in (scene, changed)
    )
    metal = render(changed, camera, 1).metal
    assert metal is not None
    assert film[metal > 20].mean() > 0.95
    far = np.zeros_like(metal, dtype=bool)
    far[:, 90:] = True
    assert np.abs(film[far] - plain[far]).max() < 0.06


def test_the_other_limb_keeps_off_the_first_and_carries_no_points(limb: tuple[Scene, Camera]) -> None:
    scene, _ = limb
    camera = Camera(1100.0, 1000.0, 1.0, 240, 250, 70.0, 125.0)
    changed = with_finding(scene, camera, np.random.default_rng(3), "neighbour")
    assert changed is not None
    alone, both = render(scene, camera, 1), render(changed, camera, 1)
    own = camera.project(np.array([[40.0, 0, 0]]))[0, 0]
    assert (both.soft[:, 200:] > 0).sum() > 500
    assert alone.soft[:, 200:].max() == 0
    assert np.array_equal(both.bone[:, : round(own)], alone.bone[:, : round(own)])
    assert np.array_equal(expose(changed, camera, 1).tracked_id, expose(scene, camera, 1).tracked_id)
    narrow = dataclasses.replace(camera, width=80, centre_x=40.0)
    assert with_finding(scene, narrow, np.random.default_rng(3), "neighbour") is None


def test_surfaces_of_boxes_stay_closed() -> None:
    assert volume_mm3(box(np.zeros(3), np.eye(3), np.ones(3))) == pytest.approx(1.0)


@pytest.mark.skipif(not ANATOMY, reason="needs the bone surfaces (ORTHOMATCH_ANATOMY)")
@pytest.mark.parametrize(
    ("view", "kind", "cut_bone"),
    [("pelvis_ap", "total_hip", "femur"), ("knee_ap", "total_knee", "tibia"),
     ("shoulder_ap", "total_shoulder", "humerus")],
)  # fmt: skip
def test_joint_replacements_fit_real_bones(view: str, kind: str, cut_bone: str) -> None:
    if view not in VIEW_KEYS:
        pytest.skip("the view is not simulated")
    scene, camera = scene_makers(Path(str(ANATOMY)))[view](np.random.default_rng([11, 0]), 256)
    changed = with_finding(scene, camera, np.random.default_rng(2), kind)
    assert changed is not None
    cut = [b for b in changed.bones if b.drawn is not None]
    assert [b.name.removesuffix("_right") for b in cut] == [cut_bone]
    assert cut[0].drawn is not None
    whole = scene.bone(cut[0].name)
    assert np.array_equal(whole.vertices_mm, cut[0].vertices_mm)
    before, after = scene.project_points(camera), changed.project_points(camera)
    assert all(np.array_equal(before[key], after[key], equal_nan=True) for key in before)
    metal = render(changed, camera, 1).metal
    assert metal is not None
    assert metal.max() > 50
    assert metal.min() > -5.0
