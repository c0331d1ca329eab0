"""Developed films and warps: range, polarity, repeatability, and points that follow the image."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.simulate.imaging import develop, exposed, random_exposure
from training.simulate.overlays import Collimation, Patch, Text, draw_overlays, readable
from training.simulate.render import Layers
from training.simulate.warp import Warp, random_warp


def _layers(rows: int = 256, columns: int = 200) -> Layers:
    """A tube of bone inside soft tissue, running down the film."""
    x = np.abs(np.arange(columns, dtype=np.float32) - columns / 2)[None, :].repeat(rows, axis=0)
    soft = 2 * np.sqrt(np.maximum(0, (columns * 0.25) ** 2 - x**2)) * (40 / columns)
    bone = 2 * np.sqrt(np.maximum(0, (columns * 0.08) ** 2 - x**2)) * (30 / columns)
    return Layers(bone.astype(np.float32), soft.astype(np.float32))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 2.5))
def test_any_exposure_gives_a_film_between_black_and_white(seed: int, strength: float) -> None:
    exposure = random_exposure(np.random.default_rng(seed), strength)
    film = develop(_layers(96, 80), exposure, np.random.default_rng(seed))
    assert film.dtype == np.float32
    assert film.shape == (96, 80)
    assert np.isfinite(film).all()
    assert film.min() >= 0
    assert film.max() <= 1
    assert film.std() > 0.003


def test_bone_is_bright_and_inversion_turns_it_dark() -> None:
    layers = _layers()
    exposure = random_exposure(np.random.default_rng(0), 0.0)
    film = develop(layers, exposure, np.random.default_rng(0))
    air, soft, bone = film[100, 5], film[100, 65], film[100, 100]
    assert air < 0.02
    assert air + 0.2 < soft < bone - 0.1
    assert bone > 0.9
    negative = develop(layers, dataclasses.replace(exposure, inverted=True), np.random.default_rng(0))
    assert np.allclose(negative, 1 - film, atol=1e-6)


def test_background_and_ceiling_are_the_ends_of_the_grey_scale() -> None:
    exposure = dataclasses.replace(
        random_exposure(np.random.default_rng(0), 0.0), background=0.4, ceiling=0.8
    )
    film = develop(_layers(), exposure, np.random.default_rng(0))
    assert film[100, 5] == pytest.approx(0.4, abs=0.02)
    assert film.max() == pytest.approx(0.8, abs=0.02)


def test_the_same_draw_gives_the_same_film_and_another_does_not() -> None:
    layers = _layers()
    exposure = random_exposure(np.random.default_rng(7), 1.5)
    assert exposure == random_exposure(np.random.default_rng(7), 1.5)
    first, again, other = (develop(layers, exposure, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_strength_widens_the_look() -> None:
    layers = _layers(128, 100)

    def spread(strength: float) -> float:
        films = [
            develop(layers, random_exposure(np.random.default_rng(s), strength), np.random.default_rng(s))
            for s in range(60)
        ]
        return float(np.std(films, axis=0).mean())

    plain, real, beyond = spread(0.0), spread(1.0), spread(2.0)
    assert plain < 0.05 < real < beyond
    assert any(random_exposure(np.random.default_rng(s), 2.0).inverted for s in range(100))
    assert not any(random_exposure(np.random.default_rng(s), 1.0).inverted for s in range(100))
    with pytest.raises(ValueError, match="negative"):
        random_exposure(np.random.default_rng(0), -0.1)


def test_developing_does_not_change_its_layers() -> None:
    layers = _layers(96, 80)
    bone, soft = layers.bone.copy(), layers.soft.copy()
    develop(layers, random_exposure(np.random.default_rng(3), 2.0), np.random.default_rng(3))
    assert np.array_equal(layers.bone, bone)
    assert np.array_equal(layers.soft, soft)


def test_an_empty_film_develops() -> None:
    nothing = np.zeros((64, 64), np.float32)
    film = develop(
        Layers(nothing, nothing), random_exposure(np.random.default_rng(1), 1.0), np.random.default_rng(1)
    )
    assert np.isfinite(film).all()


def test_overlays_lie_where_they_are_asked_to() -> None:
    picture = np.full((200, 300), 0.5, np.float32)
    patch = Patch(0.25, 0.5, 0.1, 0.2, 0.0, 1.0, 1.0, False)
    text = Text("L", 0.8, 0.1, 0.08, 1.0, False, 0, 0.0)
    draw_overlays(picture, Collimation(((90.0, 0.9),), 0.0, 0.001), (patch,), (text,))
    assert picture[100, 75] == pytest.approx(1.0)
    assert picture[100, 75 - 13] == pytest.approx(1.0, abs=0.01)
    assert picture[100, 75 - 18] == pytest.approx(0.5)
    assert (picture > 0.95).sum() > 30 * 60
    assert picture[198].max() < 0.01  # closed at the lower edge
    assert picture[180, 150] == pytest.approx(0.5)
    letter = picture[20:60, 240:290]
    assert letter.max() > 0.9
    assert letter.min() < 0.05


@pytest.mark.parametrize("seed", range(6))
def test_bone_stands_out_from_a_thick_trunk(seed: int) -> None:
    """Behind 250 mm of tissue a vertebra is still brighter than what lies beside it, unless made faint."""
    bone, soft = np.zeros((200, 160), np.float32), np.zeros((200, 160), np.float32)
    soft[:, 20:140] = 250.0
    bone[40:160, 70:90] = 14.0
    exposure = random_exposure(np.random.default_rng(seed), 1.0)
    exposure = dataclasses.replace(exposure, collimation=None, patches=(), texts=())
    exposure = dataclasses.replace(exposure, organs=0.0, gas=0.0, faint=0.0, soften=0.0)
    film = develop(Layers(bone, soft), exposure, np.random.default_rng(seed))
    beside = np.concatenate([film[60:140, 60:67], film[60:140, 93:100]], axis=1)
    assert film[60:140, 72:88].mean() > beside.mean() + 0.03


def test_organs_and_gas_lie_in_trunks_only() -> None:
    nothing, body = np.zeros((120, 120), np.float32), np.zeros((120, 120), np.float32)
    body[:, 20:100] = 1.0
    plain = random_exposure(np.random.default_rng(0), 0.0)
    crowded = dataclasses.replace(plain, organs=0.2, gas=40.0)
    for thick, changed in ((40.0, False), (220.0, True)):
        layers = Layers(nothing, thick * body)
        films = [develop(layers, exposure, np.random.default_rng(1)) for exposure in (plain, crowded)]
        assert bool(np.abs(films[0] - films[1]).max() > 0.05) is changed


def test_a_round_field_is_open_inside_and_closed_outside() -> None:
    picture = np.full((200, 300), 0.5, np.float32)
    draw_overlays(picture, Collimation((), 0.0, 0.001, (0.5, 0.5, 0.5)), (), ())
    y, x = np.mgrid[0:200, 0:300]
    away = np.hypot(x - 149.5, y - 99.5)
    assert (picture[away < 73] == 0.5).all()
    assert picture[away > 77].max() < 0.01


def test_grid_lines_have_their_period_and_direction() -> None:
    plain = dataclasses.replace(random_exposure(np.random.default_rng(0), 0.0), detail=(0.0, 0.0, 0.0))
    lined = dataclasses.replace(plain, grid=(0.05, 8.0, 0.0))
    flat = Layers(np.zeros((128, 128), np.float32), np.full((128, 128), 20.0, np.float32))
    film, bare = (develop(flat, e, np.random.default_rng(0)) for e in (lined, plain))
    spectrum = np.abs(np.fft.fft2(film - bare))
    spectrum[0, 0] = 0.0
    assert np.unravel_index(spectrum[:, :64].argmax(), (128, 64)) == (0, 16)


def test_metal_is_as_dense_as_so_much_bone() -> None:
    layers = _layers()
    exposure = random_exposure(np.random.default_rng(0), 0.0)
    extra = np.zeros_like(layers.bone)
    extra[40:50, 40:50] = 60.0
    film = develop(Layers(layers.bone, layers.soft, extra), exposure, np.random.default_rng(0))
    assert film[45, 45] > 0.95
    assert film[200, 100] == pytest.approx(
        develop(layers, exposure, np.random.default_rng(0))[200, 100], abs=0.05
    )


@pytest.mark.parametrize(("size", "limit_ms"), [(256, 15), (512, 40)])
def test_developing_is_fast_enough_for_training(size: int, limit_ms: float) -> None:
    layers = _layers(size, size)
    times = []
    for seed in range(12):
        exposure = random_exposure(np.random.default_rng(seed), 1.5)
        start = time.perf_counter()
        develop(layers, exposure, np.random.default_rng(seed))
        times.append(1e3 * (time.perf_counter() - start))
    assert np.median(times) < 2 * limit_ms  # the limit is for an idle core


def _strong(seed: int) -> Warp:
    return random_warp(np.random.default_rng(seed), (240, 200), 0.15, 6.0, 15.0, 0.08, 5.0)


@pytest.mark.parametrize("seed", range(12))
def test_a_dot_lands_where_points_says(seed: int) -> None:
    warp = _strong(seed)
    point = np.array([[100.3, 90.7]])
    y, x = np.mgrid[0:200, 0:240]
    dot = np.exp(-((x - point[0, 0]) ** 2 + (y - point[0, 1]) ** 2) / (2 * 1.5**2)).astype(np.float32)
    warped = warp.image(dot)
    found = np.array([(warped * x).sum(), (warped * y).sum()]) / warped.sum()
    assert np.abs(found - warp.points(point)[0]).max() < 0.1
    moved = np.linalg.norm(warp.points(point)[0] - point[0])
    assert moved > 0.3


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 40.0))
def test_points_solve_the_equation_of_the_image(seed: int, smooth_px: float) -> None:
    warp = random_warp(np.random.default_rng(seed), (256, 256), 0.2, 10.0, 20.0, 0.1, smooth_px)
    points = np.random.default_rng(seed).uniform(0, 255, (40, 2))
    moved = warp.points(points)
    back = moved + warp.displacement(moved)
    assert np.abs(back - (points @ warp.affine[:, :2].T + warp.affine[:, 2])).max() < 1e-3
    assert np.linalg.det(warp.affine[:, :2]) > 0


def test_a_warp_of_no_strength_changes_nothing() -> None:
    warp = random_warp(np.random.default_rng(0), (50, 40), 0.0, 0.0, 0.0, 0.0, 0.0)
    picture = np.random.default_rng(1).random((40, 50)).astype(np.float32)
    assert np.allclose(warp.image(picture), picture, atol=1e-5)
    points = np.array([[3.0, 4.0], [20.0, 30.0]])
    assert np.allclose(warp.points(points), points)
    larger = warp.image(picture, (60, 45), border=0.25)
    assert larger.shape == (45, 60)
    assert np.allclose(larger[:40, :50], picture, atol=1e-5)
    assert np.allclose(larger[42:], 0.25)
    assert warp.points(np.empty((0, 2))).shape == (0, 2)


def test_warps_scale_the_two_axes_unequally() -> None:
    ratios = [
        np.linalg.norm(w.affine[:, 0]) / np.linalg.norm(w.affine[:, 1])
        for w in (random_warp(np.random.default_rng(s), (100, 100), 0.2, 0, 0, 0, 0) for s in range(40))
    ]
    assert 0.05 < np.std(np.log(ratios)) < 0.2


@pytest.mark.parametrize(
    "collimation",
    [
        Collimation(((88.0, 0.8), (-3.0, 0.7)), 0.0, 0.02),
        Collimation(((180.0, 0.9),), 1.0, 0.001, (0.45, 0.55, 0.8)),
    ],
)
def test_points_are_readable_where_the_collimation_leaves_the_picture(collimation: Collimation) -> None:
    picture = np.full((120, 200), 0.5, np.float32)
    draw_overlays(picture, collimation, (), ())
    y, x = (part.ravel() for part in np.mgrid[0:120, 0:200])
    shown = readable(np.column_stack([x, y]).astype(float), collimation, (), (), (200, 120))
    left = 1.0 - np.abs(picture - 0.5).ravel() / abs(collimation.grey - 0.5)
    assert 0.0 < shown.mean() < 1.0
    assert (left[~shown] <= 0.5).all()
    assert (left[shown] > 0.2).all()  # where two edges meet, each leaves more than half
    assert readable(np.zeros((2, 2)), None, (), (), (200, 120)).all()


@pytest.mark.parametrize(
    ("patch", "hides"),
    [
        (Patch(0.5, 0.5, 0.2, 0.1, 0.0, 0.0, 1.0, False), True),
        (Patch(0.5, 0.5, 0.2, 0.1, 0.0, 1.0, 0.5, False), False),  # one sees through it
        (Patch(0.5, 0.5, 0.2, 0.02, 0.0, 1.0, 1.0, False), False),  # a thin wire
        (Patch(0.3, 0.5, 0.2, 0.1, 0.0, 0.0, 1.0, False), False),  # beside the point
    ],
)
def test_points_under_patches_are_not_readable(patch: Patch, hides: bool) -> None:
    middle = np.array([[100.0, 60.0], [-3.0, 500.0]])
    assert readable(middle, None, (patch,), (), (200, 120)).tolist() == [not hides, True]


def test_points_under_the_plate_of_a_letter_are_not_readable() -> None:
    points = np.array([[102.0, 55.0], [180.0, 20.0]])
    bare = Text("L", 0.5, 0.4, 0.1, 1.0, False, 0, None)
    assert readable(points, None, (), (bare,), (200, 120)).all()
    assert readable(points, None, (), (dataclasses.replace(bare, plate_grey=0.2),), (200, 120)).tolist() == [
        False,
        True,
    ]


def test_points_where_all_is_black_are_not_exposed() -> None:
    film = np.full((100, 200), 0.5, np.float32)
    film[:, 120:] = 0.0
    film[50, 150:] = 0.5  # a line: something to see
    points = np.array([[60.0, 50.0], [119.0, 20.0], [140.0, 20.0], [170.0, 50.0], [400.0, -3.0]])
    assert exposed(film, points).tolist() == [True, True, False, True, False]
    assert exposed(1.0 - film, points).all()
