"""Simulated ankles: points lie where a reader marks them, scenes are repeatable and fit the film."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from training.simulate.ankle import ANKLE_POINT_DESCRIPTIONS, ANKLE_POINTS, ankle_camera, ankle_scene
from training.simulate.ankle_template import TEMPLATE_NAMES, load_template
from training.simulate.render import outline_mask
from training.simulate.scene import Camera, Scene

_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "anatomy"
ANATOMY = Path(os.environ.get("ORTHOMATCH_ANATOMY", str(_BESIDE)))

pytestmark = pytest.mark.skipif(not ANATOMY.is_dir(), reason="anatomy collection not available")

SEEDS = range(24)


def _film(seed: int, variation: float = 1.0) -> tuple[Scene, Camera, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    scene = ankle_scene(rng, anatomy=ANATOMY, variation=variation)
    camera = ankle_camera(scene, rng, (512, 512), 0.05)
    return scene, camera, scene.project_points(camera)


def _lateral_angle(points: dict[str, np.ndarray]) -> float:
    ends = [
        (points[f"tibial_shaft_{level}_medial"] + points[f"tibial_shaft_{level}_lateral"]) / 2.0
        for level in ("proximal", "distal")
    ]
    up, out = ends[0] - ends[1], points["tibial_plafond_lateral"] - points["tibial_plafond_medial"]
    return float(np.degrees(np.arccos(up @ out / np.linalg.norm(up) / np.linalg.norm(out))))


def test_descriptions_cover_the_points() -> None:
    assert tuple(ANKLE_POINT_DESCRIPTIONS) == ANKLE_POINTS
    assert all(text.strip() for text in ANKLE_POINT_DESCRIPTIONS.values())


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
    assert np.corrcoef(true, seen)[0, 1] > 0.5
    assert abs(float(np.mean(seen - true))) < 3.0


def test_without_variation_the_joint_is_level() -> None:
    for seed in range(6):
        _, _, points = _film(seed, variation=0.0)
        assert 84.0 < _lateral_angle(points) < 94.0


def test_close_and_lower_leg_films_both_occur() -> None:
    heights = [film[1].height * film[1].object_pixel_mm for film in map(_film, range(40))]
    assert min(heights) < 210.0
    assert 0.15 < np.mean(np.array(heights) > 240.0) < 0.6


@pytest.mark.parametrize("name", TEMPLATE_NAMES)
def test_templates_are_left_ankles_with_closed_outward_surfaces(name: str) -> None:
    template = load_template(ANATOMY, name)
    fibula, tibia = template.bones["fibula"][0], template.bones["tibia"][0]
    assert fibula[:, 0].mean() > tibia[:, 0].mean()
    assert template.bones["calcaneus"][0][:, 2].mean() > template.bones["navicular"][0][:, 2].mean()
    assert 22.0 < template.plafond_width_mm < 36.0
    for bone, (vertices, faces) in template.bones.items():
        a, b, c = (vertices[faces[:, k]] for k in range(3))
        assert np.einsum("ij,ij->", a, np.cross(b, c)) > 0, bone


@pytest.mark.parametrize("name", TEMPLATE_NAMES)
def test_scenes_keep_the_vertices_of_their_template(name: str) -> None:
    for seed in range(30):
        scene, _, _ = _film(seed)
        if scene.template == name:
            assert len(scene.bone("tibia").vertices_mm) == len(load_template(ANATOMY, name).bones["tibia"][0])
            assert scene.soft_tissue
            assert all(c.start_radius_mm > 5.0 for c in scene.soft_tissue)
            return
    pytest.fail(f"template {name} never drawn")
