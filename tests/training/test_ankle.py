"""Simulated ankles: points lie where a reader marks them, scenes are repeatable and fit the film."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.simulate.ankle.film import ankle_camera, ankle_film, ankle_scene
from training.simulate.ankle.names import ANKLE_POINTS
from training.simulate.ankle.regions import ANKLE_BONES, ankle_regions, in_ankle_frame, plafond_width
from training.simulate.people import SPLITS, People, Split
from training.simulate.render import outline_mask
from training.simulate.scene import Camera, Scene

_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "anatomy"
ANATOMY = Path(os.environ.get("ORTHOMATCH_ANATOMY", str(_BESIDE)))

pytestmark = pytest.mark.skipif(not ANATOMY.is_dir(), reason="anatomy collection not available")

SEEDS = range(24)


def _film(
    seed: int, variation: float = 1.0, split: Split = "train"
) -> tuple[Scene, Camera, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    scene = ankle_scene(rng, People(ANATOMY, split), variation)
    camera = ankle_camera(scene, rng, (512, 512), 0.05)
    return scene, camera, scene.project_points(camera)


def _lateral_angle(points: dict[str, np.ndarray]) -> float:
    ends = [
        (points[f"tibial_shaft_{level}_medial"] + points[f"tibial_shaft_{level}_lateral"]) / 2.0
        for level in ("proximal", "distal")
    ]
    up, out = ends[0] - ends[1], points["tibial_plafond_lateral"] - points["tibial_plafond_medial"]
    return float(np.degrees(np.arccos(up @ out / np.linalg.norm(up) / np.linalg.norm(out))))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_point_is_on_the_film_in_anatomical_order(seed: int) -> None:
    _, camera, points = _film(seed)
    assert set(points) == set(ANKLE_POINTS)
    for name, point in points.items():
        assert (point >= 0).all(), name
        assert (point <= [camera.width - 1, camera.height - 1]).all(), name
    width = np.linalg.norm(points["tibial_plafond_lateral"] - points["tibial_plafond_medial"])
    for name in ANKLE_POINTS:
        if name.endswith("_medial") and name[:-7] + "_lateral" in points:
            assert points[name][0] < points[name[:-7] + "_lateral"][0], name
    assert points["tibial_shaft_proximal_medial"][1] < points["tibial_shaft_distal_medial"][1] - width
    assert points["lateral_malleolus_tip"][1] > points["tibial_plafond_lateral"][1] + 0.3 * width
    assert points["medial_malleolus_tip"][1] > points["tibial_plafond_medial"][1]


@pytest.mark.parametrize("seed", SEEDS)
def test_border_points_lie_on_the_outline_of_their_bone(seed: int) -> None:
    scene, camera, points = _film(seed)
    for bone, level in (("tibial_shaft", "_proximal"), ("tibial_shaft", "_distal"), ("fibula_shaft", "")):
        mask = outline_mask(scene, camera, ["tibia" if bone == "tibial_shaft" else "fibula"])
        medial, lateral = points[f"{bone}{level}_medial"], points[f"{bone}{level}_lateral"]
        inwards = (lateral - medial) / np.linalg.norm(lateral - medial)
        for border, direction in ((medial, inwards), (lateral, -inwards)):
            x, y = np.rint(border + 1.5 * direction).astype(int)
            assert mask[y, x]
            x, y = np.rint(border - 1.5 * direction).astype(int)
            assert not mask[y, x]


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_of_a_malleolus_lies_beyond_its_tip(seed: int) -> None:
    scene, camera, points = _film(seed)
    upper = (points["tibial_shaft_proximal_medial"] + points["tibial_shaft_proximal_lateral"]) / 2.0
    lower = (points["tibial_shaft_distal_medial"] + points["tibial_shaft_distal_lateral"]) / 2.0
    down = (lower - upper) / np.linalg.norm(lower - upper)
    for bone, name in (("tibia", "medial_malleolus_tip"), ("fibula", "lateral_malleolus_tip")):
        film = camera.project(scene.bone(bone).vertices_mm)
        beyond = ((film - points[name]) @ down).max() * camera.object_pixel_mm
        assert -1e-6 < beyond < 1.5


def test_the_posterior_lip_is_not_taken_for_the_medial_malleolus() -> None:
    """On a film taken very obliquely the lip is the lowest part of the tibia."""
    scene, camera, points = _film(5)
    tibia = scene.bone("tibia")
    tip = np.linalg.norm(camera.project(tibia.vertices_mm) - points["medial_malleolus_tip"], axis=1).argmin()
    leant = tibia.vertices_mm - tibia.vertices_mm[tip]
    leant[:, 1] += 0.9 * leant[:, 2]
    bones = [replace(tibia, vertices_mm=leant + tibia.vertices_mm[tip]), *scene.bones]
    oblique = replace(scene, bones=tuple(b for b in bones if b is not tibia))
    film, found = camera.project(oblique.bone("tibia").vertices_mm), oblique.project_points(camera)
    across = points["tibial_plafond_lateral"] - points["tibial_plafond_medial"]
    assert (film[film[:, 1].argmax()] - points["medial_malleolus_tip"]) @ across > 0.2 * across @ across
    moved = np.linalg.norm(found["medial_malleolus_tip"] - points["medial_malleolus_tip"])
    assert moved < 0.3 * np.linalg.norm(across)


def test_same_seed_gives_the_same_scene_and_another_seed_another() -> None:
    a, b, c = _film(5), _film(5), _film(6)
    assert a[1] == b[1]
    for one, two in zip(a[0].bones, b[0].bones, strict=True):
        assert one.name == two.name
        assert np.array_equal(one.vertices_mm, two.vertices_mm)
    assert all(np.array_equal(a[2][name], b[2][name]) for name in ANKLE_POINTS)
    assert any(not np.array_equal(a[2][name], c[2][name]) for name in ANKLE_POINTS)


def test_points_follow_the_plafond_angle_of_the_skeleton() -> None:
    pairs = [(scene.truth["plafond_angle_deg"], _lateral_angle(p)) for scene, _, p in map(_film, range(60))]
    true, seen = np.array(pairs).T
    # How the leg is turned and tilted to the film spreads the angle by 1.9 degrees; that set, by 2.6.
    assert np.corrcoef(true, seen)[0, 1] > 0.65
    assert abs(float(np.mean(seen - true))) < 1.0
    assert float(np.std(seen - true)) < 2.5


def test_without_variation_the_joint_is_level() -> None:
    for seed in range(6):
        _, _, points = _film(seed, variation=0.0)
        assert 84.0 < _lateral_angle(points) < 94.0


def test_a_film_shows_the_ankle_or_the_lower_leg_by_where_the_ray_was_aimed() -> None:
    heights, below = [], []
    for _, camera, points in map(_film, range(40)):
        heights.append(camera.height * camera.object_pixel_mm)
        tips = (points[f"{side}_malleolus_tip"][1] for side in ("medial", "lateral"))
        below.append((max(tips) - camera.centre_y) * camera.object_pixel_mm)
    lower_leg = np.array(below) > 70.0  # millimetres from the central ray down to the ankle
    # Close films are at most 260 mm high, those of the lower leg at least that, without their margins.
    assert ((np.array(heights) > 285.0) == lower_leg).all()
    assert min(heights) < 160.0
    assert 5 <= lower_leg.sum() <= 23  # 35 % of 40 and three standard deviations


@pytest.mark.parametrize("split", SPLITS)
def test_joint_spaces_are_open_in_every_split(split: Split) -> None:
    for seed in range(30):
        _, camera, points = _film(seed, split=split)
        across = points["tibial_plafond_lateral"] - points["tibial_plafond_medial"]
        across = across / np.linalg.norm(across)
        down = np.array([-across[1], across[0]])
        medial = (points["talar_medial_facet"] - points["medial_malleolus_articular"]) @ across
        assert 0.0 <= medial * camera.object_pixel_mm < 9.0, seed
        dome = (points["talar_dome_medial"] + points["talar_dome_lateral"]) / 2.0
        space = (dome - points["tibial_plafond_medial"]) @ down * camera.object_pixel_mm
        assert 0.3 < space < 9.0, seed


def test_people_come_from_the_split() -> None:
    shapes = {split: _film(3, split=split)[0].bone("tibia").vertices_mm for split in SPLITS}
    assert not np.allclose(shapes["train"], shapes["validation"], atol=0.5)
    assert not np.allclose(shapes["train"], shapes["test"], atol=0.5)
    # Every bone of the ankle itself has subjects of its own in each split.
    for split in SPLITS[1:]:
        drawn = People(ANATOMY, split).draw(np.random.default_rng(3), ANKLE_BONES[:4])
        assert not any(name == "bodyparts3d" or name.startswith("llp26") for name in drawn.subjects)


def test_a_film_has_the_size_asked_for() -> None:
    _, camera = ankle_film(np.random.default_rng(1), 300, People(ANATOMY))
    assert (camera.width, camera.height) == (300, 300)


def test_people_stand_in_the_ankle_frame() -> None:
    people = People(ANATOMY)
    regions = ankle_regions(people)
    for seed in range(3):
        bones = in_ankle_frame(people.draw(np.random.default_rng(seed), ANKLE_BONES).vertices, regions)
        fibula, tibia = bones["fibula"], bones["tibia"]
        assert np.abs(tibia[regions.plafond_ends].mean(axis=0)).max() < 1e-9
        assert fibula[:, 0].mean() > tibia[:, 0].mean()
        assert bones["calcaneus"][:, 2].mean() > bones["navicular"][:, 2].mean()
        assert bones["calcaneus"][:, 1].mean() > 20.0
        assert abs(fibula[fibula[:, 1].argmax(), 2] - tibia[tibia[:, 1].argmax(), 2]) < 1e-6
        assert 22.0 < plafond_width(tibia, regions) < 40.0


def test_scenes_show_closed_outward_bones_and_soft_tissue() -> None:
    scene, _, _ = _film(2)
    for bone in scene.bones:
        a, b, c = (bone.vertices_mm[bone.faces[:, k]] for k in range(3))
        assert np.einsum("ij,ij->", a, np.cross(b, c)) > 0, bone.name
    assert set(ANKLE_BONES) <= {bone.name for bone in scene.bones}
    assert all(c.start_radius_mm > 5.0 for c in scene.soft_tissue)


def test_some_legs_have_growth_plates_and_some_a_lesion() -> None:
    scenes = [_film(seed)[0] for seed in range(40)]
    children = [scene for scene in scenes if scene.bone("tibia").growth_plates]
    assert 4 <= len(children) <= 34
    assert all(scene.bone("fibula").growth_plates for scene in children)
    assert any(bone.name.startswith("lesion") for scene in scenes for bone in scene.bones)
