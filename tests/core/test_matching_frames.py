"""Windows on films: where positions go, and what is seen there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import MatchError
from core.matching.frames import Frame, Size, normalise, standardise

SIZES = st.integers(2, 5000)


@given(SIZES, SIZES, st.booleans(), st.floats(-6000, 6000), st.floats(-6000, 6000))
def test_letterbox_there_and_back(width, height, mirrored, x, y):
    frame = Frame.letterbox((width, height), 256, mirrored=mirrored)
    point = np.array([x, y])
    assert frame.to_film(frame.to_window(point)) == pytest.approx(point, abs=1e-6)
    assert frame.mirrored is mirrored
    assert frame.scale == pytest.approx(256 / max(width, height))
    assert frame.rotation_deg == pytest.approx(0.0, abs=1e-9)


@given(SIZES, SIZES, st.booleans())
def test_letterbox_fills_the_window_along_the_longer_side(width, height, mirrored):
    frame = Frame.letterbox((width, height), 256, mirrored=mirrored)
    corners = frame.to_window(np.array([[-0.5, -0.5], [width - 0.5, height - 0.5]]))
    extent = np.ptp(corners, axis=0)
    assert extent.max() == pytest.approx(256)
    assert corners.mean(0) == pytest.approx([127.5, 127.5])
    assert (corners[0, 0] > corners[1, 0]) is np.True_ if mirrored else corners[0, 0] < corners[1, 0]


@given(st.floats(-179, 179), st.floats(0.05, 20), st.floats(-500, 500), st.booleans())
def test_any_similarity_there_and_back(angle, scale, shift, mirrored):
    turn = np.deg2rad(angle)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    frame = Frame(matrix @ np.diag([-1.0 if mirrored else 1.0, 1.0]), np.array([shift, -shift]))
    points = np.array([[0.0, 0.0], [300.0, 40.0], [-7.5, 900.0]])
    assert frame.to_film(frame.to_window(points)) == pytest.approx(points, abs=1e-6)
    assert frame.scale == pytest.approx(scale)
    assert frame.mirrored is mirrored
    assert frame.rotation_deg == pytest.approx(angle, abs=1e-6)


@pytest.mark.parametrize("side", [64, 200, 256, 700, 1999, 4000])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_spot_is_sampled_where_the_frame_says(side, mirrored):
    y, x = np.mgrid[:side, :side].astype(np.float32)
    spot = np.array([0.31, 0.62]) * side
    size = side / 40
    film = np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / (2 * size**2)).astype(np.float32)
    frame = Frame.letterbox((side, side), 256, mirrored=mirrored)
    seen = frame.sample(film, Size.square(256))
    rows, columns = np.mgrid[:256, :256]
    centre = np.array([(seen * columns).sum(), (seen * rows).sum()]) / seen.sum()
    assert centre == pytest.approx(frame.to_window(spot), abs=0.05)


def test_strong_reduction_averages_instead_of_picking_pixels():
    film = np.zeros((2048, 2048), dtype=np.float32)
    film[::2] = 1.0  # lines of one pixel
    seen = Frame.letterbox((2048, 2048), 128).sample(film, Size.square(128))
    assert np.abs(seen[4:-4, 4:-4] - 0.5).max() < 0.02


def test_a_long_window_shows_the_same_places():
    film = np.zeros((400, 200), dtype=np.float32)
    film[90:111, 50:71] = 1.0
    frame = Frame(0.5 * np.eye(2), np.array([5.0, 10.0]))
    seen = frame.sample(film, Size(120, 240))
    assert seen.shape == (240, 120)
    rows, columns = np.mgrid[:240, :120]
    centre = np.array([(seen * columns).sum(), (seen * rows).sum()]) / seen.sum()
    assert centre == pytest.approx(frame.to_window(np.array([60.0, 100.0])), abs=0.05)


def test_outside_the_film_is_black():
    film = np.ones((100, 400), dtype=np.float32)
    seen = Frame.letterbox((400, 100), 256).sample(film, Size.square(256))
    assert seen[:90].max() == 0.0
    assert seen[128, 128] == pytest.approx(1.0)


@given(st.floats(0.01, 1e4), st.floats(-10, 10))
def test_normalise_takes_out_gain_and_offset(gain, offset):
    film = np.random.default_rng(0).normal(size=(64, 80))
    plain = normalise(film.astype(np.float32))
    other = normalise((gain * (film + offset)).astype(np.float32))
    assert plain.min() == 0.0
    assert plain.max() == 1.0
    assert np.abs(other - plain).max() < 1e-4


@pytest.mark.parametrize(
    ("film", "words"),
    [
        (np.full((300, 200), 7.0), "uniform"),
        (np.zeros((300, 200)), "uniform"),
        (np.random.default_rng(0).random((31, 500)), "too small"),
        (np.random.default_rng(0).random((500, 8)), "too small"),
        (np.where(np.eye(64) > 0, np.nan, np.arange(64.0)), "not numbers"),
    ],
)
def test_films_that_show_nothing_are_refused(film, words):
    with pytest.raises(MatchError, match=words) as caught:
        normalise(film.astype(np.float32))
    assert caught.value.remedy


def test_a_film_with_one_small_bright_spot_has_contrast():
    film = np.zeros((400, 400), dtype=np.float32)
    film[200:204, 200:204] = 900.0
    assert normalise(film).max() == 1.0


def test_standardise():
    window = np.random.default_rng(1).normal(5, 3, (64, 64)).astype(np.float32)
    done = standardise(window)
    assert float(done.mean()) == pytest.approx(0.0, abs=1e-5)
    assert float(done.std()) == pytest.approx(1.0, abs=1e-4)
    assert np.isfinite(standardise(np.zeros((8, 8), np.float32))).all()
