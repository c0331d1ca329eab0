"""Alignment of point sets, mean shape, tree of neighbours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.matching.shape import fit_similarity, fit_similarity_robust, mean_shape, shape_tree, with_room

SHAPE = np.random.default_rng(3).uniform(0, 200, (14, 2))


def similarity(angle_deg, scale, shift):
    turn = np.deg2rad(angle_deg)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return lambda points: points @ matrix.T + np.asarray(shift)


@given(st.floats(-179, 179), st.floats(0.05, 20), st.floats(-500, 500), st.floats(-500, 500))
def test_a_known_similarity_is_recovered(angle, scale, x, y):
    target = similarity(angle, scale, (x, y))(SHAPE)
    frame = fit_similarity(SHAPE, target)
    assert frame.to_window(SHAPE) == pytest.approx(target, abs=1e-6)
    assert frame.scale == pytest.approx(scale)
    assert frame.rotation_deg == pytest.approx(angle, abs=1e-6)
    assert not frame.mirrored


def test_unknown_points_and_weightless_points_do_not_count():
    target = similarity(20, 1.5, (3, 4))(SHAPE)
    wrong, source = target.copy(), SHAPE.copy()
    wrong[0] += 500
    source[1] = np.nan
    wrong[2] = np.nan
    weight = np.ones(len(SHAPE))
    weight[0] = 0
    assert fit_similarity(source, wrong, weight).to_window(SHAPE) == pytest.approx(target)


def test_one_point_only_shifts_and_none_does_nothing():
    frame = fit_similarity(np.array([[5.0, 6.0]]), np.array([[7.0, 9.0]]))
    assert frame.to_window(np.array([5.0, 6.0])) == pytest.approx([7.0, 9.0])
    assert frame.scale == pytest.approx(1.0)
    nothing = fit_similarity(np.full((3, 2), np.nan), np.zeros((3, 2)))
    assert nothing.to_window(np.array([1.0, 2.0])) == pytest.approx([1.0, 2.0])


def test_a_mirror_image_is_not_fitted_by_a_mirror():
    assert not fit_similarity(SHAPE, SHAPE * [-1.0, 1.0]).mirrored


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(-90, 90), st.floats(0.5, 2))
def test_the_robust_fit_stands_thirty_percent_outliers(seed, angle, scale):
    rng = np.random.default_rng(seed)
    source = rng.uniform(0, 200, (20, 2))
    target = similarity(angle, scale, (10, -20))(source)
    wrong = rng.permutation(20)[:6]
    seen = target + rng.normal(0, 0.2, target.shape)
    seen[wrong] += rng.uniform(60, 150, (6, 1)) * np.array([[1.0, 0.0], [-1.0, 0.0]] * 3)
    frame, residual = fit_similarity_robust(source, seen, np.ones(20))
    assert np.linalg.norm(frame.to_window(source) - target, axis=1).max() < 1.5
    assert set(np.argsort(residual)[-6:]) == set(wrong)


def test_the_mean_shape_lies_in_the_window_with_its_margin():
    rng = np.random.default_rng(0)
    shapes = [
        similarity(rng.uniform(-20, 20), rng.uniform(0.5, 2), rng.uniform(-50, 50, 2))(SHAPE)
        for _ in range(5)
    ]
    mean = mean_shape(shapes, 256, 0.14)
    low, high = mean.min(0), mean.max(0)
    assert (high - low).max() == pytest.approx(256 * 0.72)
    assert (low + high) / 2 == pytest.approx([127.5, 127.5])
    assert fit_similarity(shapes[0], mean).to_window(shapes[0]) == pytest.approx(mean, abs=0.05)
    turns = [fit_similarity(shape, mean).rotation_deg for shape in shapes]
    assert np.mean(turns) == pytest.approx(0.0, abs=0.1)
    assert mean_shape(shapes[::-1], 256, 0.14) == pytest.approx(mean, abs=0.01)


def test_one_shape_keeps_its_orientation():
    assert fit_similarity(SHAPE, mean_shape([SHAPE], 256, 0.14)).rotation_deg == pytest.approx(0.0, abs=1e-6)


def test_a_point_known_in_one_shape_only_is_in_the_mean():
    shapes = [SHAPE.copy(), similarity(10, 2, (5, 5))(SHAPE)]
    shapes[0][3] = np.nan
    mean = mean_shape(shapes, 256, 0.1)
    assert np.isfinite(mean).all()
    complete = mean_shape([SHAPE, shapes[1]], 256, 0.1)
    assert mean == pytest.approx(complete, abs=1e-3)


def test_shapes_count_in_the_mean_as_they_are_weighted():
    other = SHAPE + np.random.default_rng(3).normal(0, 6, SHAPE.shape)
    once = mean_shape([SHAPE, other], 256, 0.1)
    assert mean_shape([SHAPE, other, other], 256, 0.1, np.array([1.0, 0.5, 0.5])) == pytest.approx(once)
    assert mean_shape([SHAPE, other], 256, 0.1, np.array([1.0, 0.0])) == pytest.approx(
        mean_shape([SHAPE], 256, 0.1)
    )
    assert np.abs(mean_shape([SHAPE, other], 256, 0.1, np.array([1.0, 3.0])) - once).max() > 0.5


@given(st.integers(1, 25), st.integers(0, 1000))
def test_the_tree_is_a_tree(count, seed):
    rng = np.random.default_rng(seed)
    mean = rng.uniform(0, 256, (count, 2))
    tree = shape_tree(np.stack([mean + rng.normal(0, 3, mean.shape) for _ in range(3)]), mean)
    assert sorted(tree.order) == list(range(count))
    assert (tree.parent == -1).sum() == 1
    assert tree.parent[tree.order[0]] == -1
    place = {int(node): at for at, node in enumerate(tree.order)}
    for node, parent in enumerate(tree.parent):
        if parent >= 0:
            assert place[int(parent)] < place[node]
            assert tree.offset[node] == pytest.approx(mean[node] - mean[parent])
    assert (tree.sigma > 0).all()


def test_the_tree_has_the_smallest_total_length():
    from scipy.sparse.csgraph import minimum_spanning_tree

    mean = np.random.default_rng(5).uniform(0, 256, (12, 2))
    tree = shape_tree(mean[None], mean)
    length = sum(np.linalg.norm(mean[n] - mean[p]) for n, p in enumerate(tree.parent) if p >= 0)
    distance = np.linalg.norm(mean[:, None] - mean[None], axis=2)
    assert length == pytest.approx(minimum_spanning_tree(distance).sum())


def test_spread_grows_with_what_the_references_show():
    mean = np.array([[50.0, 50.0], [100.0, 50.0], [100.0, 150.0]])
    rng = np.random.default_rng(0)
    calm = shape_tree(np.stack([mean] * 20), mean)
    wild = shape_tree(np.stack([mean + rng.normal(0, 40, mean.shape) for _ in range(20)]), mean)
    hanging = calm.parent >= 0
    assert (wild.sigma[hanging] > 2 * calm.sigma[hanging]).all()


def test_a_point_that_lies_far_off_on_some_films_is_given_room():
    circle = 60.0 * np.array([[np.cos(a), np.sin(a)] for a in np.arange(8) * np.pi / 4])
    shapes = [np.vstack([circle, [[-90.0 - 12.0 * number, 0.0]]]) for number in range(12)]
    mean = mean_shape(shapes, 256, 0.14)
    roomy = with_room(mean, shapes, 256)
    laid = np.array([fit_similarity_robust(s, roomy, np.ones(9))[0].to_window(s) for s in shapes])
    assert np.quantile(laid.reshape(12, -1).min(1), 0.03) > 0.0
    assert laid.max() < 255.0
    tight = np.array([fit_similarity_robust(s, mean, np.ones(9))[0].to_window(s) for s in shapes])
    assert tight.min() < -10.0
    frame = fit_similarity(mean, roomy)
    assert frame.to_window(mean) == pytest.approx(roomy)
    assert frame.scale < 1.0


def test_shapes_that_have_room_leave_the_mean_as_it_is():
    nowhere = np.full_like(SHAPE, np.nan)
    mean = mean_shape([SHAPE, SHAPE + 3.0], 256, 0.14)
    assert with_room(mean, [SHAPE, SHAPE + 3.0, nowhere], 256) is mean
