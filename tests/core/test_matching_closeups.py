"""Close-ups: which points share one, where it lies, and what the whole window's belief looks like in it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.matching.canonical import CanonicalWindow
from core.matching.closeups import (
    CLOSE_PARTS,
    REACH,
    Group,
    close_frame,
    close_groups,
    close_ups,
    levels,
    seen_close,
)
from core.matching.frames import Frame, Size

SQUARE = CanonicalWindow.of(Size.square(256), 256)
LEVELS = close_ups(SQUARE, 256)
LONG = CanonicalWindow.of(Size(128, 512), 256)
LONG_LEVELS = close_ups(LONG, 256)
PART = CLOSE_PARTS[0]
coordinate = st.floats(0.0, 255.0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=40),
    st.sampled_from([*LEVELS, *LONG_LEVELS]),
)
def test_every_point_lies_well_inside_exactly_one_close_up(points, level):
    mean = np.array([*points, (np.nan, np.nan)])
    groups = close_groups(mean, level)
    numbers = np.concatenate([group.points for group in groups])
    assert sorted(numbers) == list(range(len(points)))
    for group in groups:
        away = np.abs(mean[group.points] - group.centre_px).max(0)
        assert (away <= REACH * level.part * np.array(level.size) + 1e-6).all()


def test_points_that_fit_together_share_one():
    (group,) = close_groups(np.array([[100.0, 100.0], [130.0, 140.0], [np.nan, np.nan]]), LEVELS[0])
    assert group.points.tolist() == [0, 1]
    assert group.centre_px == pytest.approx([115.0, 120.0])
    assert close_groups(np.full((3, 2), np.nan), LEVELS[0]) == ()


def test_a_close_up_follows_its_own_points():
    mean = np.array([[100.0, 100.0], [130.0, 140.0], [20.0, 20.0]])
    group = Group(np.array([0, 1]), np.array([115.0, 120.0]))
    frame = Frame(np.array([[0.0, 0.5], [-0.5, 0.0]]), np.array([3.0, 200.0]))
    points = mean + np.array([7.0, -4.0])
    points[1] = np.nan
    close = close_frame(frame, group, points, mean, LEVELS[0])
    assert close.to_window(frame.to_film(np.array([122.0, 116.0]))) == pytest.approx([127.5, 127.5])
    assert close.scale == pytest.approx(frame.scale / PART)


SPREAD = np.array([[100.0, 100.0], [130.0, 140.0], [95.0, 150.0], [150.0, 95.0]])


def turned_by(angle_rad, points, middle):
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return (points - middle) @ np.array([[c, -s], [s, c]]).T + middle


@pytest.mark.parametrize("angle", [-0.5, 0.3])
def test_a_close_up_is_turned_as_its_points_and_those_about_them_are(angle):
    group, middle = Group(np.arange(4), SPREAD.mean(0)), SPREAD.mean(0)
    points = turned_by(angle, SPREAD, middle) + 5.0
    close = close_frame(Frame(np.eye(2), np.zeros(2)), group, points, SPREAD, LEVELS[0])
    upright = close_frame(Frame(np.eye(2), np.zeros(2)), group, SPREAD, SPREAD, LEVELS[0])
    assert np.deg2rad(close.rotation_deg) == pytest.approx(-angle, rel=0.1)
    # Up to how far the turn is held back, its points lie as upright ones do.
    assert np.abs(close.to_window(points) - upright.to_window(SPREAD)).max() < 0.1 * abs(angle) * 100
    lone = Group(np.array([0]), SPREAD[0])
    beside = close_frame(Frame(np.eye(2), np.zeros(2)), lone, points, SPREAD, LEVELS[0])
    assert np.deg2rad(beside.rotation_deg) == pytest.approx(-angle, rel=0.2)


def test_points_close_to_each_other_turn_a_close_up_little():
    mean = np.array([[100.0, 100.0], [102.0, 100.0], [np.nan, 9.0]])
    points = np.array([[100.0, 100.0], [100.0, 102.0], [1.0, 2.0]])
    group = Group(np.array([0, 1]), np.array([101.0, 100.0]))
    for some, least in ((points, 0.1), (np.full((3, 2), np.nan), 0.0)):
        close = close_frame(Frame(np.eye(2), np.zeros(2)), group, some, mean, LEVELS[0])
        assert abs(close.rotation_deg) <= least * 30.0


def test_belief_moves_with_the_magnification():
    window = Frame(np.eye(2) * 0.4, np.array([5.0, 9.0]))
    close = close_frame(
        window, Group(np.array([0]), np.array([90.0, 110.0])), np.zeros((1, 2)), np.zeros((1, 2)), LEVELS[0]
    )
    cells = (np.arange(64) + 0.5) * 4 - 0.5
    place = np.array([97.3, 101.9])
    belief = np.exp(-((cells - place[0]) ** 2 + (cells[:, None] - place[1]) ** 2) / (2 * 5.0**2))
    seen = seen_close(
        np.stack([belief, np.zeros_like(belief)]).astype(np.float32), window, close, Size.square(256), 4
    )
    expected = close.to_window(window.to_film(place))
    assert (seen[0] * cells).sum() == pytest.approx(expected[0], abs=0.3)
    assert (seen[0] * cells[:, None]).sum() == pytest.approx(expected[1], abs=0.3)
    assert seen.sum(axis=(1, 2)) == pytest.approx(1.0, abs=1e-4)
    assert np.ptp(seen[1]) == 0.0


def test_a_film_is_looked_at_as_closely_as_it_has_detail():
    assert [levels(scale) for scale in (0.1, 0.39, 0.41, 0.99, 1.0, 2.0)] == [2, 2, 1, 1, 0, 0]


def test_close_ups_of_a_long_window_show_more_of_it_and_larger():
    (square, _), (long, closest) = LEVELS, LONG_LEVELS
    shown = long.part * np.array(long.size)
    assert shown[1] > 1.3 * square.part * 256
    assert long.part < square.part / 1.3
    assert closest == LEVELS[1]
    line = np.column_stack([np.full(18, 128.0), np.linspace(40, 216, 18)])
    assert len(close_groups(line, long)) < len(close_groups(line, square))
