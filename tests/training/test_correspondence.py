"""Tracked points: identities map one to one between films, positions repeat, outlines, visibility."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import trimesh

from training.simulate.films import expose, load_film, save_film
from training.simulate.phantom import phantom_camera, phantom_scene
from training.simulate.scene import Bone, Camera, Scene, Surface
from training.simulate.solids import cut
from training.simulate.views import scene_makers

ANATOMY = os.environ.get("ORTHOMATCH_ANATOMY")


def scene(stretch: float = 1.0, turn_deg: float = 0.0) -> Scene:
    """Two egg-shaped bones; ``stretch`` makes another person, ``turn_deg`` another pose."""
    ball = trimesh.creation.icosphere(subdivisions=4, radius=10.0)
    turn = trimesh.transformations.rotation_matrix(np.radians(turn_deg), [0, 1, 0])[:3, :3]
    v = (np.asarray(ball.vertices) * [1.0, 2.0 * stretch, 1.3]) @ turn.T
    faces = np.asarray(ball.faces, np.int32)
    shifts = (np.array([-18.0, 0, 0]), np.array([18.0, 5.0, 9.0]))
    bones = tuple(Bone(name, v + s, faces, 1.0) for name, s in zip("ab", shifts, strict=True))
    return Scene("eggs", "eggs", bones, (), {"origin": np.zeros(3)})


def camera(size: tuple[int, int] = (200, 240)) -> Camera:
    return Camera(1100.0, 1000.0, 0.5, *size, size[0] / 2, size[1] / 2)


def mapping(one, two) -> dict[tuple[float, ...], tuple[float, ...]]:
    """Positions on one film to positions on the other by identity."""
    common, i, j = np.intersect1d(one.tracked_id, two.tracked_id, return_indices=True)
    assert len(common) > 0
    return {
        tuple(a): tuple(b)
        for a, b in zip(one.tracked_px[i].tolist(), two.tracked_px[j].tolist(), strict=True)
    }


@pytest.mark.parametrize("turn_deg", [0.0, 4.0, 60.0])
def test_there_and_back_is_the_same_point(turn_deg: float) -> None:
    one, two = expose(scene(), camera(), 1), expose(scene(1.1, turn_deg), camera(), 2)
    there, back = mapping(one, two), mapping(two, one)
    assert len(there) == len(back) == len(set(there.values()))
    assert all(back[there[place]] == place for place in there)
    assert len(np.unique(one.tracked_id)) == len(one.tracked_id)


def test_equal_identity_is_the_same_vertex() -> None:
    one, two = expose(scene(), camera(), 1), expose(scene(1.1, 4.0), camera(), 2)
    by_place = {}
    for made, film in ((scene(), one), (scene(1.1, 4.0), two)):
        every = np.concatenate([camera().project(b.vertices_mm) for b in made.bones]).astype(np.float32)
        for number, place in zip(film.tracked_id.tolist(), film.tracked_px, strict=True):
            index = int(np.linalg.norm(every - place, axis=1).argmin())
            assert by_place.setdefault(number, index) == index


def test_the_same_scene_gives_the_same_positions() -> None:
    one, two = expose(scene(), camera(), 1), expose(scene(), camera(), 1)
    assert np.array_equal(one.tracked_px, two.tracked_px)
    assert np.array_equal(one.tracked_id, two.tracked_id)
    assert np.array_equal(one.layers.bone, two.layers.bone)
    assert np.array_equal(one.named["origin"], two.named["origin"])


def test_many_tracked_points_lie_on_the_outline() -> None:
    film = expose(scene(), camera(), 1)
    assert len(film.tracked_id) == 400
    on_rim = film.rim < 0.2
    assert on_rim.sum() > 200
    # Beside an outline point, outwards, there is no bone within a pixel or two.
    shown = film.layers.bone > 0.01
    edge = np.argwhere(shown & ~np.roll(shown, 1, 0) | shown & ~np.roll(shown, -1, 0))[:, ::-1]
    distance = np.linalg.norm(film.tracked_px[on_rim][:, None] - edge[None], axis=2).min(axis=1)
    assert np.median(distance) < 1.0


def test_similar_films_share_most_of_their_outline_points() -> None:
    one, two = expose(scene(), camera(), 1), expose(scene(1.05, 3.0), camera(), 2)
    rim = set(one.tracked_id[one.rim < 0.2].tolist())
    assert len(rim & set(two.tracked_id.tolist())) > 0.6 * len(rim)


def test_visible_says_what_is_on_the_film(tmp_path: Path) -> None:
    film = expose(scene(), camera((110, 240)), 1)
    inside = ((film.tracked_px >= 0) & (film.tracked_px <= [109, 239])).all(axis=1)
    assert film.visible is not None
    assert np.array_equal(film.visible, inside)
    assert 0 < inside.sum() < len(inside)
    save_film(tmp_path / "a.npz", film)
    again = load_film(tmp_path / "a.npz")
    assert np.array_equal(again.visible, inside)
    assert again.magnification == pytest.approx(1.1)
    assert again.layers.metal is None


def test_what_is_cut_away_is_not_tracked() -> None:
    whole = scene()
    bone = whole.bones[0]
    piece = cut(Surface(bone.vertices_mm, bone.faces), np.array([0.0, 3.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    half = dataclasses.replace(bone, drawn=(piece,))
    film = expose(dataclasses.replace(whole, bones=(half, whole.bones[1])), camera(), 1)
    ids = set(expose(whole, camera(), 1).tracked_id.tolist())
    first = film.tracked_id >> 24 == film.tracked_id[0] >> 24
    others = film.tracked_id >> 24 != film.tracked_id[0] >> 24
    assert others.sum() == 200
    assert film.tracked_px[first if first.sum() < 201 else others].size
    left = film.tracked_px[film.tracked_px[:, 0] < 100]
    assert left[:, 1].min() > camera().project(np.array([[0.0, 2.9, 0.0]]))[0, 1]
    assert set(film.tracked_id[others].tolist()) <= ids


def test_metal_is_stored(tmp_path: Path) -> None:
    film = expose(phantom_scene(), phantom_camera(200), 1)
    save_film(tmp_path / "a.npz", film)
    again = load_film(tmp_path / "a.npz")
    assert film.layers.metal is not None
    assert again.layers.metal == pytest.approx(film.layers.metal, abs=0.011)
    assert len(again.tracked_id) == 0


@pytest.mark.skipif(not ANATOMY, reason="needs the bone surfaces (ORTHOMATCH_ANATOMY)")
@pytest.mark.parametrize("view", ["hand_pa", "ankle_ap"])
def test_real_views_map_there_and_back(view: str) -> None:
    make = scene_makers(Path(str(ANATOMY)))[view]
    films = [expose(*make(np.random.default_rng([5, i]), 256), i) for i in range(3)]
    again = expose(*make(np.random.default_rng([5, 0]), 256), 0)
    assert np.array_equal(again.tracked_px, films[0].tracked_px)
    pairs = [(a, b) for a in films for b in films if a is not b and a.template == b.template]
    for one, two in pairs:
        there, back = mapping(one, two), mapping(two, one)
        assert all(back[there[place]] == place for place in there)
