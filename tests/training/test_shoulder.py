"""Simulated shoulders: points lie where a reader marks them, set shapes come out of the measurements."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from core.film import Calibration, SpacingSource
from core.landmarks import Landmark, LandmarkSet
from core.measure.evaluate import evaluate_view
from core.measure.loader import default_catalogue
from training.simulate.people import People
from training.simulate.render import outline_mask
from training.simulate.scene import Camera, Scene
from training.simulate.shoulder.ap import shoulder_ap_scene
from training.simulate.shoulder.shape import draw_pose
from training.simulate.shoulder.y import shoulder_y_scene
from training.simulate.views import view_maker

_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "anatomy"
ANATOMY = Path(os.environ.get("ORTHOMATCH_ANATOMY", str(_BESIDE)))

pytestmark = pytest.mark.skipif(not ANATOMY.is_dir(), reason="anatomy collection not available")

PEOPLE = People(ANATOMY)
VIEWS = ("shoulder_ap", "shoulder_y")
SEEDS = range(20)
Points = dict[str, np.ndarray]


@cache
def film(view: str, seed: int) -> tuple[Scene, Camera, Points]:
    scene, camera = view_maker(view)(np.random.default_rng(seed), 512, PEOPLE)
    return scene, camera, scene.project_points(camera)


def measured(view: str, camera: Camera, points: Points) -> dict[str, float]:
    """Values in degrees, ratios and millimetres of the plane through the joint."""
    pitch = camera.object_pixel_mm
    marks = LandmarkSet({key: Landmark(float(x), float(y)) for key, (x, y) in points.items()})
    spacing = Calibration(pitch, pitch, SpacingSource.FIDUCIAL, "Plane of the joint.")
    results = evaluate_view(default_catalogue().view(view), marks, spacing)
    assert all(result.reason is None for result in results)
    return {result.key: float(result.value) for result in results if result.value is not None}


def posed(view: str, seed: int, **changes: float) -> dict[str, float]:
    """Measurements of one person of average posture with some changes."""
    pose = replace(draw_pose(np.random.default_rng(0), variation=0.0), **changes)
    make = shoulder_ap_scene if view == "shoulder_ap" else shoulder_y_scene
    scene, camera = make(np.random.default_rng(seed), 512, PEOPLE, pose)
    return measured(view, camera, scene.project_points(camera))


@pytest.mark.parametrize("view", VIEWS)
def test_points_are_those_of_the_catalogue_and_lie_on_the_film(view: str) -> None:
    outside = 0
    for seed in SEEDS:
        _, camera, points = film(view, seed)
        assert tuple(points) == default_catalogue().view(view).point_keys
        places = np.array(list(points.values()))
        assert np.isfinite(places).all()
        size = np.array([camera.width, camera.height])
        outside += bool((places < 2).any() or (places > size - 3).any())
    assert outside == 0


@pytest.mark.parametrize("view", VIEWS)
def test_same_seed_gives_the_same_film(view: str) -> None:
    scene, camera, points = film(view, 3)
    again, camera_again = view_maker(view)(np.random.default_rng(3), 512, PEOPLE)
    assert camera == camera_again
    for one, two in zip(scene.bones, again.bones, strict=True):
        assert np.array_equal(one.vertices_mm, two.vertices_mm)
    repeated = again.project_points(camera_again)
    assert all(np.array_equal(points[key], repeated[key]) for key in points)
    assert not np.array_equal(
        film(view, 4)[2]["glenoid_superior" if view == "shoulder_ap" else "glenoid_centre"],
        points["glenoid_superior" if view == "shoulder_ap" else "glenoid_centre"],
    )


@pytest.mark.parametrize("view", VIEWS)
def test_bones_face_outwards(view: str) -> None:
    for bone in film(view, 0)[0].bones:
        a, b, c = (bone.vertices_mm[bone.faces[:, k]] for k in range(3))
        assert np.einsum("ij,ij->", a, np.cross(b, c)) > 0, bone.name


@pytest.mark.parametrize("seed", SEEDS)
def test_true_ap_film_shows_a_left_shoulder_upright(seed: int) -> None:
    points = film("shoulder_ap", seed)[2]
    assert points["greater_tuberosity_lateral"][0] > points["glenoid_fossa_middle"][0]
    assert points["supraspinatus_floor_medial"][0] < points["supraspinatus_floor_lateral"][0]
    assert points["glenoid_superior"][1] < points["glenoid_inferior"][1]
    assert points["acromion_inferolateral"][1] < points["glenoid_superior"][1]
    assert points["clavicle_inferior"][1] < points["coracoid_superior"][1]
    assert points["humeral_shaft_distal_medial"][0] < points["humeral_shaft_distal_lateral"][0]
    undersurface = [points[f"acromion_undersurface_{k}"][0] for k in range(1, 6)]
    assert undersurface == sorted(undersurface, reverse=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_y_film_shows_the_front_on_the_left(seed: int) -> None:
    points = film("shoulder_y", seed)[2]
    assert points["coracoid_inferior"][0] < points["glenoid_centre"][0] < points["acromion_posterior"][0]
    assert points["acromion_anterior"][0] < points["acromion_posterior"][0]
    head = [points[f"humeral_head_{k}"][0] for k in range(1, 8)]
    assert head == sorted(head)


@pytest.mark.parametrize("seed", range(6))
def test_outline_points_lie_on_the_border_of_their_bone(seed: int) -> None:
    scene, camera, points = film("shoulder_ap", seed)
    mask = outline_mask(scene, camera, ["humerus"])
    for level in ("proximal", "distal"):
        medial, lateral = (points[f"humeral_shaft_{level}_{side}"] for side in ("medial", "lateral"))
        inwards = 1.5 * (lateral - medial) / np.linalg.norm(lateral - medial)
        for border, step in ((medial, inwards), (lateral, -inwards)):
            x, y = np.rint(border + step).astype(int)
            assert mask[y, x]
            x, y = np.rint(border - step).astype(int)
            assert not mask[y, x]


def test_measurements_follow_the_shape_that_was_set() -> None:
    for seed in range(3):
        steep = posed("shoulder_ap", seed, glenoid_up_deg=8.0)
        level = posed("shoulder_ap", seed, glenoid_up_deg=-4.0)
        assert 8.0 < steep["glenoid_inclination"] - level["glenoid_inclination"] < 15.0
        assert steep["beta_angle"] + steep["glenoid_inclination"] == pytest.approx(90.0)
        long = posed("shoulder_ap", seed, acromion_lateral_mm=12.0)
        short = posed("shoulder_ap", seed, acromion_lateral_mm=0.0)
        assert 8.0 < long["critical_shoulder_angle"] - short["critical_shoulder_angle"] < 20.0
        assert long["acromion_index"] - short["acromion_index"] > 0.1
        flat = posed("shoulder_ap", seed, acromion_side_deg=5.0)
        sloped = posed("shoulder_ap", seed, acromion_side_deg=25.0)
        assert 10.0 < flat["lateral_acromion_angle"] - sloped["lateral_acromion_angle"] < 30.0
        bent = posed("shoulder_ap", seed, neck_shaft_deg=12.0)
        straight = posed("shoulder_ap", seed, neck_shaft_deg=0.0)
        assert 8.0 < bent["neck_shaft_angle"] - straight["neck_shaft_angle"] < 16.0
        low = posed("shoulder_ap", seed, acromiohumeral_mm=4.0)
        high = posed("shoulder_ap", seed, acromiohumeral_mm=11.0)
        assert 4.5 < high["acromiohumeral_interval"] - low["acromiohumeral_interval"] < 9.5
        assert low["upward_migration_index"] < high["upward_migration_index"]
        assert low["glenohumeral_centre_offset"] > high["glenohumeral_centre_offset"]


def test_hooked_and_tilted_acromia_show_on_y_films() -> None:
    for seed in range(3):
        plain = posed("shoulder_y", seed, arch_mm=0.0, hook_mm=0.0)
        hooked = posed("shoulder_y", seed, arch_mm=0.0, hook_mm=6.0)
        arched = posed("shoulder_y", seed, arch_mm=4.0, hook_mm=0.0)
        assert hooked["acromial_angle"] > plain["acromial_angle"] + 5.0
        assert arched["acromial_slope"] > plain["acromial_slope"] + 5.0
        assert arched["acromial_arch_ratio"] > plain["acromial_arch_ratio"]
        raised = posed("shoulder_y", seed, acromion_front_deg=-6.0)
        lowered = posed("shoulder_y", seed, acromion_front_deg=14.0)
        assert raised["acromial_tilt"] > lowered["acromial_tilt"] + 8.0


def test_joint_space_and_head_size_are_those_of_the_skeleton() -> None:
    for seed in range(3):
        wide = posed("shoulder_ap", seed, joint_space_mm=5.0)
        narrow = posed("shoulder_ap", seed, joint_space_mm=2.0)
        assert 2.0 < wide["glenohumeral_joint_space"] - narrow["glenohumeral_joint_space"] < 4.0
    ratios = []
    for seed in SEEDS:
        scene, camera, points = film("shoulder_ap", seed)
        diameter = measured("shoulder_ap", camera, points)["humeral_head_diameter"]
        ratios.append(diameter / scene.truth["humeral_head_diameter"])
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.04)


def test_pathology_of_every_kind_occurs() -> None:
    values = [measured("shoulder_ap", *film("shoulder_ap", seed)[1:]) for seed in SEEDS]
    angles = [v["critical_shoulder_angle"] for v in values]
    assert min(angles) < 31.0
    assert max(angles) > 37.0
    assert 28.0 < float(np.median(angles)) < 39.0
    assert min(v["acromiohumeral_interval"] for v in values) < 6.0
    assert 60.0 < np.median([v["lateral_acromion_angle"] for v in values]) < 95.0
