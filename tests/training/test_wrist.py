"""Simulated wrists and elbows: repeatable, on the film, and measured as they were set."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.film import Calibration, SpacingSource
from core.landmarks import Landmark, LandmarkSet
from core.measure.evaluate import evaluate_view
from core.measure.loader import default_catalogue
from training.simulate.elbow import pose as elbow
from training.simulate.elbow.film import elbow_scene
from training.simulate.framing import framed
from training.simulate.people import People
from training.simulate.scene import Camera, Scene
from training.simulate.views import view_maker
from training.simulate.wrist import pose as wrist
from training.simulate.wrist.film import wrist_scene

_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "anatomy"
ANATOMY = Path(os.environ.get("ORTHOMATCH_ANATOMY", str(_BESIDE)))

pytestmark = pytest.mark.skipif(not ANATOMY.is_dir(), reason="anatomy collection not available")

VIEWS = ("wrist_pa", "wrist_lateral", "elbow_ap", "elbow_lateral")
PEOPLE = People(ANATOMY)
# Parallel beam at true scale, for comparison with what was set in three dimensions.
FAR = framed((-150.0, -150.0, 150.0, 150.0), 3000, 1e6, 0.0)
STRAIGHT = (0.0, 0.0, 0.0)


def _measured(scene: Scene, camera: Camera = FAR) -> dict[str, float]:
    mm = Calibration(camera.object_pixel_mm, camera.object_pixel_mm, SpacingSource.FIDUCIAL, "Simulated.")
    points = {key: Landmark(*map(float, p)) for key, p in scene.project_points(camera).items()}
    results = evaluate_view(default_catalogue().view(scene.view), LandmarkSet(points), mm)
    return {r.key: r.value for r in results if r.value is not None}


def _wrist(view: str, rolls: tuple[float, float, float] = STRAIGHT, **changes: float) -> Scene:
    pose = replace(wrist.draw_pose(np.random.default_rng(0), 0.0), **changes)
    return wrist_scene(np.random.default_rng(1), PEOPLE, view, pose, rolls, 0.0)


def _elbow(view: str, rolls: tuple[float, float, float] = STRAIGHT, **changes: float) -> Scene:
    pose = replace(elbow.draw_pose(np.random.default_rng(0), view == "elbow_lateral", 0.0), **changes)
    return elbow_scene(np.random.default_rng(1), PEOPLE, view, pose, rolls, 0.0)


@pytest.mark.parametrize("view", VIEWS)
def test_points_are_those_of_the_catalogue(view: str) -> None:
    scene, camera = view_maker(view)(np.random.default_rng(3), 400, PEOPLE)
    assert tuple(scene.project_points(camera)) == default_catalogue().view(view).point_keys


@pytest.mark.parametrize("view", VIEWS)
def test_the_same_state_gives_the_same_film(view: str) -> None:
    (one, camera), (two, other) = (view_maker(view)(np.random.default_rng(7), 400, PEOPLE) for _ in range(2))
    assert camera == other
    for a, b in zip(one.bones, two.bones, strict=True):
        np.testing.assert_array_equal(a.vertices_mm, b.vertices_mm)


@pytest.mark.parametrize("view", VIEWS)
def test_points_lie_on_the_film(view: str) -> None:
    for seed in range(10):
        scene, camera = view_maker(view)(np.random.default_rng([5, seed]), 500, PEOPLE)
        points = np.array(list(scene.project_points(camera).values()))
        assert np.isfinite(points).all()
        assert (points >= 2).all()
        assert (points <= [camera.width - 3, camera.height - 3]).all()
        assert all(np.isfinite(value) for value in _measured(scene, camera).values())


@pytest.mark.parametrize("inclination", [12.0, 23.0, 30.0])
@pytest.mark.parametrize("variance", [-3.0, 0.0, 4.0])
def test_frontal_wrist_measures_what_was_set(inclination: float, variance: float) -> None:
    found = _measured(_wrist("wrist_pa", inclination_deg=inclination, ulnar_variance_mm=variance))
    assert found["radial_inclination"] == pytest.approx(inclination, abs=2.0)
    assert found["ulnar_variance"] == pytest.approx(variance, abs=0.6)


@pytest.mark.parametrize("gap", [1.0, 2.0, 5.0])
def test_scapholunate_gap_is_what_was_set(gap: float) -> None:
    assert _measured(_wrist("wrist_pa", scapholunate_mm=gap))["scapholunate_gap"] == pytest.approx(
        gap, abs=0.3
    )


@pytest.mark.parametrize("tilt", [-25.0, 0.0, 11.0, 20.0])
def test_volar_tilt_is_what_was_set(tilt: float) -> None:
    assert _measured(_wrist("wrist_lateral", volar_tilt_deg=tilt))["volar_tilt"] == pytest.approx(
        tilt, abs=2.5
    )


@pytest.mark.parametrize(("lunate", "scaphoid"), [(0.0, 47.0), (-25.0, 65.0), (20.0, 55.0)])
def test_carpal_angles_are_what_was_set(lunate: float, scaphoid: float) -> None:
    found = _measured(_wrist("wrist_lateral", lunate_deg=lunate, scaphoid_deg=scaphoid, capitate_deg=0.0))
    assert found["radiolunate_angle"] == pytest.approx(-lunate, abs=3.0)
    assert found["capitolunate_angle"] == pytest.approx(-lunate, abs=3.0)
    assert found["scapholunate_angle"] == pytest.approx(scaphoid - lunate, abs=6.0)


def test_healthy_average_wrist_is_in_the_reference_ranges() -> None:
    for view in ("wrist_pa", "wrist_lateral"):
        found = _measured(_wrist(view))
        for key in (
            "radial_inclination",
            "radial_height",
            "ulnar_variance",
            "scapholunate_gap",
            "volar_tilt",
        ):
            normal = default_catalogue().view(view)
            item = next((m for m in normal.measurements if m.key == key), None)
            if item is not None and item.normal is not None:
                assert item.normal.low <= found[key] <= item.normal.high, key


@pytest.mark.parametrize("carrying", [-15.0, 0.0, 11.0, 25.0])
def test_carrying_angle_is_what_was_set(carrying: float) -> None:
    found = _measured(_elbow("elbow_ap", carrying_deg=carrying))
    assert found["humeroulnar_angle"] == pytest.approx(carrying, abs=2.5)


@pytest.mark.parametrize("baumann", [60.0, 72.0, 85.0])
def test_baumann_angle_is_what_was_set(baumann: float) -> None:
    assert _measured(_elbow("elbow_ap", baumann_deg=baumann))["baumann_angle"] == pytest.approx(
        baumann, abs=2.0
    )


@pytest.mark.parametrize("condylar", [10.0, 40.0, 58.0])
def test_sagittal_elbow_measures_what_was_set(condylar: float) -> None:
    found = _measured(_elbow("elbow_lateral", condylar_deg=condylar))
    assert found["humerocapitellar_angle"] == pytest.approx(condylar, abs=3.0)
    assert abs(found["radiocapitellar_offset"]) < 15.0


def test_extension_of_the_condyle_moves_the_capitellum_behind_the_anterior_humeral_line() -> None:
    extended, normal, flexed = (
        _measured(_elbow("elbow_lateral", condylar_deg=angle))["anterior_humeral_line"]
        for angle in (5.0, 40.0, 60.0)
    )
    assert extended > normal > flexed
    assert abs(normal) < 25.0


def test_a_dislocated_radial_head_leaves_the_radiocapitellar_line() -> None:
    found = _measured(_elbow("elbow_lateral", radius_forward_mm=14.0))["radiocapitellar_offset"]
    assert found > 40.0


@pytest.mark.parametrize("view", VIEWS)
def test_turning_the_film_changes_no_measurement(view: str) -> None:
    make = _wrist if view.startswith("wrist") else _elbow
    upright, turned = _measured(make(view)), _measured(make(view, (0.0, 0.0, 12.0)))
    for key, value in upright.items():
        assert turned[key] == pytest.approx(value, abs=0.05 + 0.03 * abs(value)), key
