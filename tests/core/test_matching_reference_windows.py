"""Windows on references: what the network gets, and that points keep to what the film shows there."""

import cv2
import numpy as np
import pytest

from core.film import Side
from core.matching.canonical import CanonicalWindow
from core.matching.closeups import close_groups, close_ups
from core.matching.features import CANONICAL_MARGIN
from core.matching.frames import Frame, Size
from core.matching.protocol import Reference
from core.matching.reference_windows import ALIGNED, CLOSE, WHOLE, ReferenceWindow, looks, reference_windows
from core.matching.shape import mean_shape

SIDE = 128
POINTS = np.array([[150.0, 120.0], [220.0, 300.0], [260.0, 180.0], [np.nan, np.nan]])


def film_of_dots() -> np.ndarray:
    """Bright dots at the points."""
    y, x = np.mgrid[:400, :400].astype(np.float32)
    dots = [np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 6.0**2)) for px, py in POINTS[:3]]
    return np.asarray(sum(dots), dtype=np.float32)


def brightest_near(image: np.ndarray, point: np.ndarray, radius: int = 6) -> np.ndarray:
    x, y = np.rint(point).astype(int)
    part = image[y - radius : y + radius + 1, x - radius : x + radius + 1]
    row, column = np.unravel_index(part.argmax(), part.shape)
    return np.array([x - radius + column, y - radius + row])


@pytest.fixture
def window() -> ReferenceWindow:
    return ReferenceWindow.on(film_of_dots(), Frame.letterbox((400, 400), SIDE), Size.square(SIDE), POINTS)


def test_the_first_look_is_the_window_itself(window):
    image, points = next(looks(window, 3, seed=1))
    assert image.shape == (SIDE, SIDE)
    assert image.mean() == pytest.approx(0.0, abs=1e-3)
    assert image.std() == pytest.approx(1.0, abs=1e-2)
    for point in points[:3]:
        assert brightest_near(image, point) == pytest.approx(point, abs=1.0)


def test_points_follow_the_film_when_a_window_is_shaken(window):
    shaken = list(looks(window, 20, seed=1))[1:]
    assert len(shaken) == 20
    moved = np.array([points[0] - window.points_px[0] for _, points in shaken])
    assert moved.std(axis=0).min() > 3.0
    for image, points in shaken:
        assert np.isnan(points[3]).all()
        for point in points[:3]:
            if np.isfinite(point).all() and ((point > 8) & (point < SIDE - 9)).all():
                assert brightest_near(image, point) == pytest.approx(point, abs=1.2)


def test_a_point_that_leaves_a_shaken_window_is_unknown():
    at_the_edge = ReferenceWindow.on(
        film_of_dots(), Frame.letterbox((400, 400), SIDE), Size.square(SIDE), np.array([[1.0, 200.0]])
    )
    seen = [np.isfinite(points).all() for _, points in list(looks(at_the_edge, 30, seed=2))[1:]]
    assert True in seen
    assert False in seen


def test_shakes_are_the_same_every_time(window):
    once, again = (list(looks(window, 2, seed=5)) for _ in range(2))
    assert all((a[0] == b[0]).all() for a, b in zip(once, again, strict=True))
    other = list(looks(window, 2, seed=6))
    assert not np.allclose(once[1][0], other[1][0])


def test_the_windows_of_a_reference():
    reference = Reference(
        key="dots",
        view="test",
        side=Side.LEFT,
        read_image=film_of_dots,
        points_px=POINTS,
        spacing_mm=None,
        digest="0",
        symmetric=False,
    )
    mean = mean_shape([POINTS], SIDE, CANONICAL_MARGIN)
    canonical = CanonicalWindow.of(Size(SIDE - 16, SIDE + 16), SIDE)
    close = close_ups(canonical, SIDE)
    spots = [(number, group) for number, level in enumerate(close) for group in close_groups(mean, level)]
    windows, on_film = reference_windows(reference, mean, canonical, close, spots, SIDE)
    assert on_film == pytest.approx((POINTS + 0.5) / 400, nan_ok=True)
    assert {WHOLE, ALIGNED, CLOSE} <= set(windows)
    assert windows[ALIGNED].points_px[:3] == pytest.approx(canonical.frame.to_window(mean[:3]), abs=0.5)
    image, points = windows[ALIGNED].still
    assert image.shape == (SIDE + 16, SIDE - 16)
    for point in points[:3]:
        assert brightest_near(cv2.GaussianBlur(image, (0, 0), 4.0), point) == pytest.approx(point, abs=1.5)
    for n, window in windows.items():
        if n >= CLOSE:
            assert len(window.points_px) == len(spots[n - CLOSE][1].points)
