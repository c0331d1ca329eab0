"""Simulated knees and legs: points of the catalogue, repeatable, and measuring what the bones were given."""

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
from training.simulate.framing import framed
from training.simulate.knee.ap import knee_ap_scene
from training.simulate.knee.axial import knee_axial_scene
from training.simulate.knee.lateral import knee_lateral_scene
from training.simulate.knee.shape import LegShape, draw_leg_shape
from training.simulate.leg.full_leg import full_leg_scene
from training.simulate.leg.stance import Stance, draw_stance
from training.simulate.people import People
from training.simulate.scene import Camera, Scene
from training.simulate.views import view_maker

_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "anatomy"
ANATOMY = Path(os.environ.get("ORTHOMATCH_ANATOMY", str(_BESIDE)))

pytestmark = pytest.mark.skipif(not ANATOMY.is_dir(), reason="anatomy collection not available")

VIEWS = ("knee_ap", "full_leg_ap", "knee_lateral", "knee_axial")
PEOPLE = People(ANATOMY)


def _film(view: str, seed: int) -> tuple[Scene, Camera, dict[str, np.ndarray]]:
    scene, camera = view_maker(view)(np.random.default_rng([seed, 11]), 640, PEOPLE)
    return scene, camera, scene.project_points(camera)


def _shape(flexion: float = 0.0, **changes: float) -> LegShape:
    """A well-shaped leg."""
    shape = draw_leg_shape(np.random.default_rng(3), flexion)
    plain = {
        "ldfa_deg": 87.0,
        "mpta_deg": 87.0,
        "ldta_deg": 89.0,
        "slope_deg": 8.0,
        "neck_turn_deg": 0.0,
        "bow_mm": 0.0,
        "medial_space_mm": 4.5,
        "lateral_space_mm": 5.5,
        "tibial_rotation_deg": 0.0,
        "tibial_shift_mm": 0.0,
        "patella_size": 1.14,
        "patella_ratio": 1.1,
        "patella_space_mm": 4.0,
        "patella_tilt_deg": 4.0,
        "patella_shift_mm": 0.0,
        "groove": 1.8,
        "spine_mm": 2.0,
        "osteophyte_mm": 0.0,
    }
    return replace(shape, **{**plain, **changes})


def _measured(scene: Scene) -> dict[str, float]:
    """Every measurement of a film without magnification to speak of, in millimetres of the body."""
    camera = framed((-600.0, -600.0, 600.0, 600.0), 1200, 1e6, 1.0)
    points = scene.project_points(camera)
    landmarks = LandmarkSet({key: Landmark(float(x), float(y)) for key, (x, y) in points.items()})
    spacing = camera.object_pixel_mm
    calibration = Calibration(spacing, spacing, SpacingSource.FIDUCIAL, "Spacing of the simulated film.")
    view = default_catalogue().view(scene.view)
    values = {}
    for result in evaluate_view(view, landmarks, calibration):
        assert result.reason is None, result.key
        assert result.value is not None
        values[result.key] = result.value
    return values


def _frontal(**changes: float) -> dict[str, float]:
    rng = np.random.default_rng(5)
    return _measured(knee_ap_scene(rng, PEOPLE, _shape(**changes), turned=0.0, variation=0.0))


def _lateral(**changes: float) -> dict[str, float]:
    rng = np.random.default_rng(5)
    return _measured(knee_lateral_scene(rng, PEOPLE, _shape(30.0, **changes), turned=0.0, variation=0.0))


def _axial(**changes: float) -> dict[str, float]:
    rng = np.random.default_rng(5)
    return _measured(knee_axial_scene(rng, PEOPLE, _shape(45.0, **changes), turned=0.0, variation=0.0))


def _standing(stance: Stance) -> dict[str, float]:
    rng = np.random.default_rng(5)
    return _measured(full_leg_scene(rng, PEOPLE, stance, turned=0.0, variation=0.0))


def _stance(**changes: float) -> Stance:
    shape = _shape(**changes)
    plain = draw_stance(np.random.default_rng(1))
    return replace(
        plain, shapes=(shape, shape), longer=(1.0, 1.0), turned_out_deg=(0.0, 0.0), ankle_out_mm=(85.0, 85.0)
    )


@pytest.mark.parametrize("view", VIEWS)
def test_points_are_those_of_the_catalogue_and_lie_on_the_film(view: str) -> None:
    keys = default_catalogue().view(view).point_keys
    for seed in range(20):
        _, camera, points = _film(view, seed)
        assert tuple(points) == keys
        places = np.array(list(points.values()))
        assert np.isfinite(places).all()
        assert (places > 2.0).all()
        assert (places < [camera.width - 3.0, camera.height - 3.0]).all()


@pytest.mark.parametrize("view", VIEWS)
def test_same_seed_gives_the_same_film_and_another_seed_another(view: str) -> None:
    one, again, other = _film(view, 4), _film(view, 4), _film(view, 5)
    assert one[1] == again[1]
    assert all(np.array_equal(one[2][key], again[2][key]) for key in one[2])
    assert not all(np.array_equal(one[2][key], other[2][key]) for key in one[2])
    for bone, same in zip(one[0].bones, again[0].bones, strict=True):
        assert np.array_equal(bone.vertices_mm, same.vertices_mm)


@pytest.mark.parametrize("view", VIEWS)
def test_bones_face_outwards(view: str) -> None:
    scene, _, _ = _film(view, 2)
    for bone in scene.bones:
        a, b, c = (bone.vertices_mm[bone.faces[:, k]] for k in range(3))
        assert np.einsum("ij,ij->", a - a.mean(axis=0), np.cross(b - a, c - a)) > 0, bone.name


def test_medial_points_lie_left_of_lateral_ones_on_a_left_knee() -> None:
    for view in ("knee_ap", "knee_axial"):
        _, _, points = _film(view, 1)
        for key in points:
            if "medial" in key:
                assert points[key][0] < points[key.replace("medial", "lateral")][0], key


def test_a_standing_film_has_the_patients_right_on_the_left() -> None:
    _, _, points = _film("full_leg_ap", 1)
    for key in points:
        if key.endswith("_right"):
            assert points[key][0] < points[key.removesuffix("_right") + "_left"][0], key


def test_the_tibial_angle_of_a_frontal_knee_follows_the_bone() -> None:
    seen = [_frontal(mpta_deg=angle)["ampta"] for angle in (80.0, 87.0, 94.0)]
    # The bend below the joint shifts the knee against the ankle, which turns the mechanical axis too.
    assert np.diff(seen) == pytest.approx([8.0, 8.0], abs=1.8)
    assert seen[1] == pytest.approx(87.0, abs=2.0)


def test_the_femoral_angle_of_a_frontal_knee_follows_the_bone() -> None:
    seen = [_frontal(ldfa_deg=angle)["aldfa"] for angle in (82.0, 87.0, 92.0)]
    assert np.diff(seen) == pytest.approx([5.0, 5.0], abs=1.0)


def test_joint_spaces_and_their_angle_follow_the_bones() -> None:
    for medial, lateral in ((4.5, 5.5), (1.5, 7.0), (5.0, 2.0)):
        values = _frontal(medial_space_mm=medial, lateral_space_mm=lateral)
        assert values["medial_jsw_minimum"] == pytest.approx(medial, abs=1.7)
        assert values["lateral_jsw_minimum"] == pytest.approx(lateral, abs=1.7)
    open_laterally = _frontal(medial_space_mm=1.0, lateral_space_mm=8.0)["jlca"]
    open_medially = _frontal(medial_space_mm=7.0, lateral_space_mm=1.0)["jlca"]
    assert open_laterally - open_medially == pytest.approx(np.degrees(np.arctan(13.0 / 48.0)), abs=3.0)


def test_a_standing_leg_measures_what_its_bones_were_given() -> None:
    for changes in ({}, {"ldfa_deg": 93.0, "mpta_deg": 81.0}, {"ldfa_deg": 81.0, "mpta_deg": 92.0}):
        values = _standing(_stance(**changes))
        for side in ("left", "right"):
            assert values[f"mldfa_{side}"] == pytest.approx(changes.get("ldfa_deg", 87.0), abs=1.0)
            # The beam meets the plateau obliquely: its lines are projected a few degrees into varus.
            assert values[f"mpta_{side}"] == pytest.approx(changes.get("mpta_deg", 87.0), abs=4.0)
            parts = values[f"mpta_{side}"] - values[f"mldfa_{side}"]
            assert values[f"ahka_{side}"] == pytest.approx(parts)
            assert values[f"hka_{side}"] == pytest.approx(parts - values[f"jlca_{side}"], abs=1e-6)
            # A varus axis passes medially to the knee.
            if abs(values[f"hka_{side}"]) > 2.0:
                assert values[f"mad_{side}"] * values[f"hka_{side}"] < 0
        assert values["hka_left"] == pytest.approx(values["hka_right"], abs=0.3)
        assert abs(values["leg_length_difference"]) < 1.0


def test_standing_legs_have_plausible_hips_and_ankles() -> None:
    values = _standing(_stance())
    assert 4.0 < values["ama_left"] < 9.0
    assert 115.0 < values["neck_shaft_left"] < 140.0
    assert 80.0 < values["lpfa_left"] < 105.0
    assert values["ldta_left"] == pytest.approx(89.0, abs=5.0)
    assert 380.0 < values["femur_length_left"] < 460.0
    steeper = _standing(_stance(neck_turn_deg=8.0))["neck_shaft_left"]
    assert steeper > values["neck_shaft_left"] + 4.0


def test_a_longer_leg_is_measured_longer_and_its_hip_stands_higher() -> None:
    values = _standing(replace(_stance(), longer=(1.03, 1.03), level=1.0))
    assert values["leg_length_difference"] == pytest.approx(-0.03 * values["leg_length_left"], abs=2.0)
    assert values["femoral_head_level"] == pytest.approx(values["leg_length_difference"], abs=4.0)


def test_the_slope_of_a_lateral_knee_follows_the_bone() -> None:
    seen = [_lateral(slope_deg=slope) for slope in (2.0, 8.0, 14.0)]
    for key in ("slope_posterior_cortex", "slope_mid_diaphyseal", "slope_anterior_cortex"):
        assert np.diff([values[key] for values in seen]) == pytest.approx([6.0, 6.0], abs=2.0)
    assert seen[0]["slope_posterior_cortex"] < seen[0]["slope_anterior_cortex"]


def test_the_height_of_the_patella_and_the_bend_follow_the_bones() -> None:
    seen = [_lateral(patella_ratio=ratio) for ratio in (0.85, 1.1, 1.4)]
    for key in ("insall_salvati", "caton_deschamps", "blackburne_peel", "modified_insall_salvati"):
        assert (np.diff([values[key] for values in seen]) > 0.08).all(), key
    assert [values["insall_salvati"] for values in seen] == pytest.approx([0.85, 1.1, 1.4], abs=0.2)
    assert seen[1]["knee_flexion"] == pytest.approx(30.0, abs=10.0)


def test_tilt_shift_and_groove_of_an_axial_knee_follow_the_bones() -> None:
    plain = _axial()
    tilted = _axial(patella_tilt_deg=16.0)
    assert tilted["patellar_tilt"] - plain["patellar_tilt"] == pytest.approx(12.0, abs=3.0)
    assert tilted["lateral_patellofemoral_angle"] < plain["lateral_patellofemoral_angle"] - 5.0
    shifted = _axial(patella_shift_mm=7.0)
    assert shifted["lateral_displacement"] - plain["lateral_displacement"] == pytest.approx(7.0, abs=2.0)
    assert shifted["congruence_angle"] > plain["congruence_angle"] + 10.0
    assert abs(plain["congruence_angle"]) < 12.0
    flat = _axial(groove=0.5)
    assert flat["sulcus_angle"] > plain["sulcus_angle"] + 8.0
    assert flat["trochlear_depth"] < plain["trochlear_depth"] - 1.0
