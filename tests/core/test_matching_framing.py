"""What a film's edges say about where its points lie."""

import numpy as np
import pytest

from core.matching.frames import Frame, Size
from core.matching.framing import ANY, expected_pose, pose_moves
from core.matching.framing import framed as framed_by

SPINE = np.array([[110.0 + 5.0 * np.sin(n), 40.0 + 10.0 * n] for n in range(18)])
"""A mean shape in the canonical window."""

SIZE = Size(500, 1500)
FRAME = Frame(np.eye(2) * 0.15, np.array([60.0, 20.0]))
"""A film's size, and the film to its canonical window."""


def framed(moved=(0.0, 0.0), grown=1.0):
    """The mean shape as parts of the film's sides, where it lies when moved by window pixels and grown."""
    middle = SPINE.mean(0)
    return (FRAME.to_film((SPINE - middle) * grown + middle + moved) + 0.5) / np.array(SIZE)


def references(count, moved=(0.0, 0.0), grown=1.0, apart=0.5):
    rng = np.random.default_rng(0)
    return np.stack([framed(np.array(moved) + rng.normal(0, apart, 2), grown) for _ in range(count)])


def shape_of(pose):
    return SPINE + (pose.mean @ pose_moves(SPINE)).reshape(SPINE.shape)


def test_moves_are_pixels():
    for move in pose_moves(SPINE):
        assert np.sqrt((move.reshape(-1, 2) ** 2).sum(1).mean()) == pytest.approx(1.0)


def test_a_film_framed_like_the_references_is_expected_where_they_are():
    pose = expected_pose(SPINE, references(10), SIZE, FRAME)
    assert np.abs(shape_of(pose) - SPINE).max() < 0.6
    assert np.sqrt(np.diag(pose.covariance)[:3]).max() < 5.0


@pytest.mark.parametrize("count", [2, 10])
def test_a_window_that_slid_by_one_level_is_put_back(count):
    pose = expected_pose(SPINE, references(count, moved=(0.0, 10.0)), SIZE, FRAME)
    down = (shape_of(pose) - SPINE)[:, 1]
    assert down == pytest.approx(10.0, abs=3.0 if count == 2 else 1.5)


def test_a_window_is_moved_to_where_the_film_s_edges_put_it():
    on_film = references(10, moved=(0.0, 10.0))
    frame = framed_by(FRAME, SPINE, on_film, SIZE)
    assert frame.to_window(FRAME.to_film(SPINE + np.array([0.0, 10.0]))) == pytest.approx(SPINE, abs=1.5)
    many_ways = references(10, moved=(0.0, 10.0), apart=40.0)
    assert framed_by(FRAME, SPINE, many_ways, SIZE) is FRAME
    turned = FRAME.turned(1, 256)
    assert framed_by(turned, SPINE, on_film, SIZE).to_window(SPINE) == pytest.approx(turned.to_window(SPINE))


def test_growth_is_seen():
    pose = expected_pose(SPINE, references(10, grown=1.05), SIZE, FRAME)
    assert np.ptp(shape_of(pose)[:, 1]) / np.ptp(SPINE[:, 1]) == pytest.approx(1.05, abs=0.015)


def test_the_mirror_image_is_framed_the_other_way_round():
    flip = Frame(np.diag([-1.0, 1.0]), np.array([2 * SPINE[:, 0].mean(), 0.0]))
    on_film = references(10, moved=(8.0, 0.0))
    mirror_image = on_film * [-1.0, 1.0] + [1.0, 0.0]
    pose = expected_pose(SPINE, mirror_image, SIZE, FRAME.then(flip))
    assert (shape_of(pose) - SPINE)[:, 0].mean() == pytest.approx(-8.0, abs=1.5)


def test_one_reference_says_little_and_a_turned_film_nothing():
    one = expected_pose(SPINE, references(1), SIZE, FRAME)
    assert np.sqrt(np.diag(one.covariance)[:2]).min() > 10.0
    turned = FRAME.turned(1, 256)
    assert expected_pose(SPINE, references(10), SIZE, turned) is ANY


def test_references_framed_in_many_ways_say_little():
    pose = expected_pose(SPINE, references(10, moved=(0.0, 12.0), apart=40.0), SIZE, FRAME)
    assert np.sqrt(np.diag(pose.covariance)[:2]).min() > 10.0


def test_a_film_that_is_cropped_otherwise_is_not_forced():
    pose = expected_pose(SPINE, references(10, moved=(0.0, 90.0)), SIZE, FRAME)
    assert abs(pose.mean[1]) < 25.0
    assert np.sqrt(pose.covariance[1, 1]) > 15.0


def test_unknown_points_do_not_count():
    on_film = references(10, moved=(0.0, 10.0))
    on_film[:, 12:] = np.nan
    on_film[3] = np.nan
    pose = expected_pose(SPINE, on_film, SIZE, FRAME)
    assert np.isfinite(pose.mean).all()
    assert (shape_of(pose) - SPINE)[:12, 1].mean() == pytest.approx(10.0, abs=2.5)
    assert expected_pose(SPINE, np.full((2, *SPINE.shape), np.nan), SIZE, FRAME) is ANY
