"""Simulated feet: repeatable, on the film, and measuring what their posture was set to."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.film import Calibration, SpacingSource
from core.landmarks import Landmark, LandmarkSet
from core.measure.evaluate import evaluate_view
from core.measure.loader import default_catalogue
from training.simulate.foot.foot_ap import foot_ap_scene
from training.simulate.foot.foot_lateral import foot_lateral_scene
from training.simulate.foot.parts import LEG
from training.simulate.foot.posture import FootPosture, draw_posture
from training.simulate.framing import framed
from training.simulate.people import People
from training.simulate.scene import Camera, Scene
from training.simulate.views import view_maker

_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "anatomy"
ANATOMY = Path(os.environ.get("ORTHOMATCH_ANATOMY", str(_BESIDE)))
PEOPLE = People(ANATOMY)
VIEWS = ("foot_ap", "foot_lateral", "ankle_lateral")
# A distant source and a film that is large enough for any foot: parallel projection, 0.5 mm a pixel.
PARALLEL = framed((-250.0, -250.0, 250.0, 250.0), 1000, 1e6, 50.0)

pytestmark = pytest.mark.skipif(not ANATOMY.is_dir(), reason="anatomy collection not available")


def _film(view: str, seed: int) -> tuple[Scene, Camera]:
    return view_maker(view)(np.random.default_rng(seed), 512, PEOPLE)


def _values(scene: Scene, camera: Camera) -> dict[str, float]:
    points = scene.project_points(camera)
    landmarks = LandmarkSet({key: Landmark(float(x), float(y)) for key, (x, y) in points.items()})
    spacing = Calibration(
        camera.object_pixel_mm, camera.object_pixel_mm, SpacingSource.FIDUCIAL, "Simulated."
    )
    results = evaluate_view(default_catalogue().view(scene.view), landmarks, spacing)
    return {result.key: result.value for result in results if result.value is not None}


def _posture(seed: int = 0) -> FootPosture:
    """An ordinary foot without turns that change how its angles project."""
    ordinary = replace(draw_posture(np.random.default_rng(seed)), pitch_deg=20.0, meary_deg=0.0, sag_deg=0.0)
    return replace(ordinary, heel_roll_deg=0.0, coverage_deg=8.0, hallux_valgus_deg=12.0)


def _lateral(posture: FootPosture, mediolateral: bool = False) -> Scene:
    return foot_lateral_scene(np.random.default_rng(3), PEOPLE, posture, (0.0, 0.0, 0.0), mediolateral)


def _from_above(posture: FootPosture) -> dict[str, float]:
    scene = foot_ap_scene(np.random.default_rng(3), PEOPLE, posture, 0.0, (0.0, 0.0))
    return _values(scene, PARALLEL)


@pytest.mark.parametrize("view", VIEWS)
def test_the_same_state_gives_the_same_film(view: str) -> None:
    (one, camera), (two, same) = _film(view, 5), _film(view, 5)
    assert camera == same
    for a, b in zip(one.bones, two.bones, strict=True):
        assert np.array_equal(a.vertices_mm, b.vertices_mm)
    other = _film(view, 6)[0]
    assert not np.allclose(one.bone("talus").vertices_mm, other.bone("talus").vertices_mm)


@pytest.mark.parametrize("view", VIEWS)
def test_points_are_those_of_the_catalogue_and_on_the_film(view: str) -> None:
    wanted = default_catalogue().view(view).point_keys
    for seed in range(12):
        scene, camera = _film(view, seed)
        points = scene.project_points(camera)
        assert tuple(points) == wanted
        found = np.array(list(points.values()))
        assert np.isfinite(found).all()
        assert (found >= 2.0).all(), seed
        assert (found <= np.array([camera.width, camera.height]) - 3.0).all(), seed
        assert all(np.isfinite(bone.vertices_mm).all() for bone in scene.bones)


@pytest.mark.parametrize("wanted", [-5.0, 12.0, 30.0, 45.0])
def test_hallux_valgus_is_as_set(wanted: float) -> None:
    values = _from_above(replace(_posture(), hallux_valgus_deg=wanted))
    assert values["hallux_valgus_angle"] == pytest.approx(wanted, abs=1.5)


@pytest.mark.parametrize("wanted", [4.0, 10.0, 20.0])
def test_intermetatarsal_angles_are_as_set(wanted: float) -> None:
    posture = replace(
        _posture(), intermetatarsal_1_2_deg=wanted, intermetatarsal_1_5_deg=wanted + 18.0, adductus_deg=0.0
    )
    values = _from_above(posture)
    assert values["intermetatarsal_1_2"] == pytest.approx(wanted, abs=1.0)
    assert values["intermetatarsal_1_5"] == pytest.approx(wanted + 18.0, abs=2.0)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ("coverage_deg", "talonavicular_coverage"),
        ("coverage_deg", "talocalcaneal_angle"),
        ("coverage_deg", "talus_first_metatarsal_ap"),
        ("adductus_deg", "metatarsus_adductus_angle"),
        ("articular_tilt_deg", "distal_metatarsal_articular_angle"),
        ("hallux_interphalangeus_deg", "hallux_interphalangeal_angle"),
    ],
)
def test_posture_moves_its_measurement_by_about_as_much(change: str, key: str) -> None:
    low, high = (_from_above(replace(_posture(), **{change: value}))[key] for value in (0.0, 10.0))
    assert high - low == pytest.approx(10.0, abs=4.0)


@pytest.mark.parametrize("wanted", [8.0, 20.0, 32.0])
def test_calcaneal_pitch_is_as_set(wanted: float) -> None:
    values = _values(_lateral(replace(_posture(), pitch_deg=wanted)), PARALLEL)
    assert values["calcaneal_pitch_horizontal"] == pytest.approx(wanted, abs=2.5)


@pytest.mark.parametrize("wanted", [-10.0, 0.0, 8.0])
def test_arch_angle_is_as_set_and_true(wanted: float) -> None:
    scene = _lateral(replace(_posture(), meary_deg=wanted, pitch_deg=20.0 + wanted / 2.0))
    values = _values(scene, PARALLEL)
    assert scene.truth["talus_first_metatarsal"] == pytest.approx(wanted, abs=1.5)
    assert values["talus_first_metatarsal"] == pytest.approx(wanted, abs=4.0)


def test_a_flat_foot_is_lower_than_a_high_arch() -> None:
    flat, high = (
        _values(_lateral(replace(_posture(), pitch_deg=pitch, meary_deg=meary)), PARALLEL)
        for pitch, meary in ((9.0, -10.0), (31.0, 10.0))
    )
    assert flat["medial_arch_angle"] > high["medial_arch_angle"] + 8.0
    assert flat["navicular_index"] < high["navicular_index"] - 0.03
    assert flat["calcaneal_fifth_metatarsal"] > high["calcaneal_fifth_metatarsal"] + 8.0


def test_the_foot_stands_on_heel_and_all_metatarsal_heads() -> None:
    for seed in range(8):
        scene = _lateral(draw_posture(np.random.default_rng(seed)))
        floor = scene.bone("calcaneus").vertices_mm[:, 1].max()
        for bone in ("hallux_sesamoid_1", "second_metatarsal", "third_metatarsal", "fifth_metatarsal"):
            assert abs(scene.bone(bone).vertices_mm[:, 1].max() - floor) < 9.0, (seed, bone)


@pytest.mark.parametrize("view", ["foot_lateral", "ankle_lateral"])
def test_a_beam_from_the_other_side_keeps_surfaces_facing_outwards(view: str) -> None:
    for seed in range(6):
        scene, _ = _film(view, seed)
        for bone in scene.bones:
            a, b, c = (bone.vertices_mm[bone.faces[:, k]] for k in range(3))
            assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() > 0.0, bone.name


def test_both_directions_of_the_beam_measure_the_same() -> None:
    near, far = (_values(_lateral(_posture(), side), PARALLEL) for side in (False, True))
    assert near == pytest.approx(far, abs=0.3)


_ORDER: dict[str, Callable[[dict[str, np.ndarray]], bool]] = {
    "foot_ap": lambda p: (
        p["hallux_distal_phalanx_tip"][1] < p["first_metatarsal_head_tip"][1] < p["talar_head_medial"][1]
        and p["first_metatarsal_head_centre"][0] > p["fifth_metatarsal_head_centre"][0]
    ),
    "foot_lateral": lambda p: (
        p["medial_sesamoid_plantar"][0] < p["talar_head_dorsal"][0] < p["calcaneus_tuberosity_plantar"][0]
        and p["talar_dome_top"][1] < p["talar_lateral_process"][1] < p["calcaneus_tuberosity_plantar"][1]
    ),
    "ankle_lateral": lambda p: (
        p["tibial_shaft_proximal_anterior"][1] < p["tibial_plafond_anterior"][1] < p["talar_head_plantar"][1]
        and p["talar_dome_1"][0] < p["talar_dome_5"][0] < p["calcaneus_tuberosity_superior"][0]
    ),
}


@pytest.mark.parametrize("view", VIEWS)
def test_films_lie_as_the_catalogue_says(view: str) -> None:
    for seed in range(8):
        scene, camera = _film(view, seed)
        assert _ORDER[view](scene.project_points(camera)), seed
        assert {bone.name for bone in scene.bones} >= {*LEG, "talus", "calcaneus"}
