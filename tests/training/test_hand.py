"""The simulated hand: rules on made-up bones, and whole scenes where the anatomy collection is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import trimesh

from training.simulate.anatomy import anatomy_dir, load_mesh, mirror_x, surface_volume
from training.simulate.hand.film import hand_camera, hand_scene
from training.simulate.hand.person import sample_person, wobble
from training.simulate.hand.points import HAND_POINT_DESCRIPTIONS, HAND_POINTS
from training.simulate.hand.pose import flex, roll, turn
from training.simulate.hand.rules import Border, Extreme
from training.simulate.hand.template import CARPALS, draw_hand, hand_template, ring_at
from training.simulate.people import People
from training.simulate.scene import Bone, Camera, GrowthPlate, Scene

SIZE = (600, 860)
UP = np.array([0.0, -1.0, 0.0])


@pytest.fixture(scope="module")
def anatomy() -> Path:
    beside = Path(__file__).resolve().parents[3] / "shared" / "anatomy"
    folder = Path(os.environ.get("ORTHOMATCH_ANATOMY", str(beside)))
    if not (folder / "bodyparts3d").is_dir():
        pytest.skip("anatomy collection not at hand (ORTHOMATCH_ANATOMY)")
    return folder


def _film(anatomy: Path, seed: int) -> tuple[Scene, Camera, np.ndarray]:
    rng = np.random.default_rng(seed)
    scene = hand_scene(rng, People(anatomy))
    camera = hand_camera(scene, rng, SIZE, 0.05)
    points = scene.project_points(camera)
    return scene, camera, np.array([points[key] for key in HAND_POINTS])


def _number(key: str) -> int:
    return HAND_POINTS.index(key)


def _camera() -> Camera:
    return Camera(1e6, 1e6, 0.5, 200, 200, 100.0, 100.0)


def _cylinder() -> Bone:
    mesh = trimesh.creation.cylinder(radius=5.0, height=40.0, sections=64)
    mesh = mesh.subdivide().subdivide()
    vertices = np.asarray(mesh.vertices)[:, [0, 2, 1]] * [1, 1, -1]
    return Bone("rod", vertices, np.asarray(mesh.faces, dtype=np.int32), 1.0)


def test_the_catalogue_names_37_points_in_the_conventions_order() -> None:
    assert len(HAND_POINTS) == len(set(HAND_POINTS)) == 37
    assert tuple(HAND_POINT_DESCRIPTIONS) == HAND_POINTS
    assert all(text.endswith(".") and "\n" not in text for text in HAND_POINT_DESCRIPTIONS.values())
    expected = {
        1: "ulna_metaphysis_ulnar_border", 5: "radius_metaphysis_radial_border", 11: "capitate_head",
        18: "first_metacarpal_base", 20: "thumb_proximal_phalanx_head", 22: "index_proximal_phalanx_base",
        29: "middle_distal_phalanx_tip", 36: "little_middle_phalanx_head",
    }  # fmt: skip
    assert {number: HAND_POINTS[number - 1] for number in expected} == expected


def test_rotations_turn_to_the_radial_side_bend_to_the_palm_and_roll_the_radial_side_down() -> None:
    assert np.allclose(turn(30) @ UP, [0.5, -np.sqrt(0.75), 0])
    assert np.allclose(flex(30) @ UP, [0, -np.sqrt(0.75), 0.5])
    assert np.allclose(roll(30) @ [1.0, 0, 0], [np.sqrt(0.75), 0, 0.5])
    for rotation in (turn(17), flex(17), roll(17)):
        assert np.allclose(rotation @ rotation.T, np.eye(3))
        assert np.linalg.det(rotation) == pytest.approx(1.0)


def test_a_ring_lies_on_its_plane_and_follows_the_bone() -> None:
    rod = _cylinder()
    ring = ring_at(rod.vertices_mm, rod.faces, np.array([0.0, 1.0, 0.0]), 3.3)
    points = ring.points(rod.vertices_mm)
    assert np.allclose(points[:, 1], 3.3)
    assert np.hypot(points[:, 0], points[:, 2]).max() == pytest.approx(5.0, abs=0.02)
    shift = np.array([1.0, 2.0, 3.0])
    assert np.allclose(ring.points(rod.vertices_mm + shift), points + shift)


@pytest.mark.parametrize("angle", [-40.0, 0.0, 65.0])
def test_borders_are_the_left_and_right_outline_of_the_upright_bone(angle: float) -> None:
    rod = _cylinder()
    ring = ring_at(rod.vertices_mm, rod.faces, np.array([0.0, 1.0, 0.0]), 3.3)
    tip = np.flatnonzero(rod.vertices_mm[:, 1] < -19.0).astype(np.int32)
    turned = Bone(rod.name, rod.vertices_mm @ turn(angle).T, rod.faces, 1.0)
    scene = Scene("test", "test", (turned,), (), {})
    camera = _camera()
    for sign in (-1.0, 1.0):
        place = Border("rod", ring, tip, sign)(scene, camera)
        true = camera.project((turn(angle) @ np.array([sign * 5.0, 3.3, 0.0]))[None])[0]
        assert np.allclose(place, true, atol=0.5)


def test_a_tip_moves_to_the_middle_with_a_narrow_epiphysis() -> None:
    rod = _cylinder()
    slanted = rod.vertices_mm.copy()
    slanted[:, 1] -= np.where(slanted[:, 1] < 0, 0.5 * slanted[:, 0], 0.0)
    ring = ring_at(rod.vertices_mm, rod.faces, np.array([0.0, 1.0, 0.0]), 3.3)
    tip = np.flatnonzero(rod.vertices_mm[:, 1] < -19.0).astype(np.int32)
    tail = np.flatnonzero(rod.vertices_mm[:, 1] > 19.0).astype(np.int32)
    rule = Extreme("rod", tip, "rod", tail, tip, ring=ring)

    def place(width: float) -> np.ndarray:
        plate = GrowthPlate(np.zeros(3), UP, 1.0, width)
        bone = Bone("rod", slanted, rod.faces, 1.0, growth_plates=(plate,))
        return rule(Scene("test", "test", (bone,), (), {}), _camera())

    assert place(1.0)[0] == pytest.approx(110.0, abs=1.0)
    assert place(0.6)[0] == pytest.approx(106.0, abs=1.0)
    assert place(0.6)[1] == pytest.approx(place(1.0)[1], abs=0.5)


def test_the_wobble_is_smooth_and_of_the_size_asked_for() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-30, 30, (4000, 3))
    moved = np.stack([wobble(points, np.random.default_rng(s), 0.5, 15.0) - points for s in range(60)])
    assert 0.35 < moved.std() < 0.65
    close = wobble(points + 0.1, np.random.default_rng(1), 0.5, 15.0) - points - 0.1
    assert np.abs(close - moved[1]).max() < 0.2


def test_children_lack_carpals_and_adults_have_closed_plates() -> None:
    rng = np.random.default_rng(0)
    people = [sample_person(rng, 1.0) for _ in range(4000)]
    # The standard error of a share is below 0.008.
    share = {stage: np.mean([p.stage == stage for p in people]) for stage in ("adult", "adolescent", "child")}
    assert share["adult"] == pytest.approx(0.40, abs=0.03)
    assert share["child"] == pytest.approx(0.25, abs=0.03)
    for person in people:
        assert set(person.ossified) == set(CARPALS)
        if person.stage == "adult":
            assert person.gap_mm == 0
            assert min(person.ossified.values()) == 1.0
        else:
            assert 0.4 < person.gap_mm < 2.5
    assert any(p.ossified["scaphoid"] == 0 for p in people if p.stage == "child")
    assert all(p.ossified["scaphoid"] > 0 for p in people if p.stage == "adolescent")


def test_a_missing_folder_or_bone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORTHOMATCH_ANATOMY", raising=False)
    with pytest.raises(FileNotFoundError, match="ORTHOMATCH_ANATOMY"):
        anatomy_dir()
    with pytest.raises(FileNotFoundError, match="absent"):
        anatomy_dir(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match=r"radius\.ply"):
        load_mesh(tmp_path / "radius.ply")
    monkeypatch.setenv("ORTHOMATCH_ANATOMY", str(tmp_path))
    assert anatomy_dir() == tmp_path


def test_meshes_come_out_closed_outward_and_mirrored(tmp_path: Path) -> None:
    mesh = trimesh.creation.icosphere(subdivisions=2, radius=10.0)
    mesh.apply_translation([20.0, 0, 0])
    mesh.invert()
    mesh.export(tmp_path / "ball.ply")
    vertices, faces = load_mesh(tmp_path / "ball.ply", 1)
    assert surface_volume(vertices, faces) == pytest.approx(4 / 3 * np.pi * 1000, rel=0.06)
    other, turned = mirror_x(vertices, faces)
    assert surface_volume(other, turned) == pytest.approx(surface_volume(vertices, faces))
    assert other[:, 0].mean() == pytest.approx(-20.0, abs=0.1)
    with pytest.raises(ValueError, match="read-only"):
        vertices[0] = 0


def test_the_same_seed_gives_the_same_hand_and_another_one_a_different_hand(anatomy: Path) -> None:
    first, camera, points = _film(anatomy, 7)
    second, again, same = _film(anatomy, 7)
    assert camera == again
    assert np.array_equal(points, same)
    for one, two in zip(first.bones, second.bones, strict=True):
        assert np.array_equal(one.vertices_mm, two.vertices_mm)
    assert not np.allclose(points, _film(anatomy, 8)[2], atol=1.0)


def test_bones_stay_closed_outward_and_keep_their_vertex_numbers(anatomy: Path) -> None:
    counts: dict[str, int] = {}
    for seed in range(12):
        for bone in _film(anatomy, seed)[0].bones:
            assert surface_volume(bone.vertices_mm, bone.faces) > 0
            assert counts.setdefault(bone.name, len(bone.vertices_mm)) == len(bone.vertices_mm)
            for plate in bone.growth_plates:
                assert 0.3 < plate.gap_mm <= 2.5
                assert 0.6 <= plate.epiphysis_width <= 1.0
                assert np.linalg.norm(plate.axis) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(15))
def test_points_lie_on_the_film_in_anatomical_order(anatomy: Path, seed: int) -> None:
    _, camera, points = _film(anatomy, seed)
    assert np.isfinite(points).all()
    assert (points >= 0).all()
    assert (points <= np.array(SIZE)).all()
    proximal = points[_number("third_metacarpal_base")] - points[_number("middle_proximal_phalanx_base")]
    proximal = proximal / np.linalg.norm(proximal)
    radial = np.array([proximal[1], -proximal[0]])
    bases = [_number(f"{order}_metacarpal_base") for order in ("fifth", "fourth", "third", "second", "first")]
    assert (np.diff(points[bases] @ radial) > 0).all()
    for finger in ("index", "middle", "ring", "little"):
        chain = [n for n, key in enumerate(HAND_POINTS) if key.startswith(finger)]
        assert (np.diff(points[chain] @ proximal) < 0).all()
    assert points[0] @ radial < points[2] @ radial < points[4] @ radial
    assert 80 < float(np.ptp(points[:, 1])) * camera.object_pixel_mm < 280


def test_neighbouring_finger_bones_neither_overlap_deeply_nor_float_apart(anatomy: Path) -> None:
    for seed in range(10):
        scene, camera, points = _film(anatomy, seed)
        for finger in ("index", "middle", "ring", "little"):
            for near, far in (("proximal", "middle"), ("middle", "distal")):
                head = points[_number(f"{finger}_{near}_phalanx_head")]
                bone = scene.bone(f"{finger}_{far}_phalanx").vertices_mm
                gap = np.linalg.norm(camera.project(bone) - head, axis=1).min() * camera.object_pixel_mm
                assert gap < 5.0


def test_the_mean_proportions_stay_those_they_were_fitted_to(anatomy: Path) -> None:
    # Point distances relative to the middle metacarpal, means of the annotated films that the lengths
    # were fitted to: this guards the fit and says nothing about other hands.
    ratios = {
        ("index_proximal_phalanx_base", "index_proximal_phalanx_head"): 0.587,
        ("ring_middle_phalanx_head", "ring_distal_phalanx_tip"): 0.289,
        ("second_metacarpal_base", "index_proximal_phalanx_base"): 1.027,
        ("ulna_metaphysis_ulnar_border", "radius_metaphysis_radial_border"): 0.668,
    }
    films = [_film(anatomy, seed)[2] for seed in range(40)]
    middle = ("third_metacarpal_base", "middle_proximal_phalanx_base")

    def length(points: np.ndarray, ends: tuple[str, str]) -> float:
        return float(np.linalg.norm(points[_number(ends[0])] - points[_number(ends[1])]))

    for ends, expected in ratios.items():
        mean = np.mean([length(p, ends) / length(p, middle) for p in films])
        assert mean == pytest.approx(expected, rel=0.08)


def test_shapes_of_people_differ_while_lengths_stay(anatomy: Path) -> None:
    people = People(anatomy)
    one, two = (draw_hand(people, np.random.default_rng(seed), 1.0) for seed in (1, 2))
    plain = hand_template(people)
    for name, bone in plain.tubular.items():
        shapes = [hand.tubular[name].vertices for hand in (one, two)]
        assert np.abs(shapes[0] - shapes[1]).max() > 0.1, name
        for shape in shapes:
            assert -shape[bone.head, 1].mean() == pytest.approx(bone.length)
            assert np.abs(shape[bone.base].mean(axis=0)).max() < 1e-9
            assert np.abs(shape - bone.vertices).max() < 0.3 * bone.length
    same = draw_hand(people, np.random.default_rng(1), 0.0)
    assert np.allclose(same.solid["capitate"].vertices, plain.solid["capitate"].vertices)
