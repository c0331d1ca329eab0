"""Queries: what all references together say to look for."""

import numpy as np
import pytest

from core.matching.features import LESSONS
from core.matching.heatmaps import Answers, look_up
from core.matching.queries import learn_queries

SIDE, STRIDE = 16, 4
SCALE = (1.0, 20.0)


def window(rng, place, *, telling=1.0):
    """Maps in which the first channel marks ``place`` and all others are each film's own noise."""
    fine = 0.3 * rng.standard_normal((6, SIDE, SIDE))
    fine[1] += 1.0  # the same everywhere: tells nothing
    row, column = place
    fine[0, row, column] += telling
    fine /= np.linalg.norm(fine, axis=0)
    fine = fine.astype(np.float32)
    return Answers.of(np.zeros((2, 4, 4), np.float32), fine, SCALE), fine


def films(rng, count):
    places = rng.integers(2, SIDE - 2, (count, 2))
    seen = [window(rng, place) for place in places]
    points = (places[:, ::-1] + 0.5) * STRIDE - 0.5
    descriptors = np.stack(
        [
            np.concatenate([np.zeros((1, 2), np.float32), look_up(fine, point[None], STRIDE)], axis=1)
            for (_, fine), point in zip(seen, points, strict=True)
        ]
    )
    return descriptors, [answers for answers, _ in seen], points[:, None], places


def chance(query, answers, place):
    """The probability that the query's scores give to a place."""
    scores = answers.logits(query[None])[0]
    mass = np.exp(scores - scores.max())
    return float(mass[tuple(place)] / mass.sum())


def test_a_query_finds_the_point_better_than_the_mean_descriptor():
    rng = np.random.default_rng(1)
    descriptors, answers, points, _ = films(rng, 8)
    query = learn_queries(descriptors, answers, points, STRIDE)
    mean = descriptors.mean(0)
    found = {"query": [], "mean": []}
    for _ in range(20):
        place = rng.integers(2, SIDE - 2, 2)
        other, _ = window(rng, place)
        found["query"].append(chance(query[0], other, place))
        found["mean"].append(chance(mean[0], other, place))
    assert np.mean(found["query"]) > 1.3 * np.mean(found["mean"])


def test_what_is_the_same_everywhere_is_not_looked_for():
    descriptors, answers, points, _ = films(np.random.default_rng(2), 8)
    query, mean = learn_queries(descriptors, answers, points, STRIDE)[0], descriptors.mean(0)[0]
    assert query[2] / mean[2] > 1.1  # marks the point
    assert abs(query[3] / query[2]) < abs(mean[3] / mean[2])


def test_a_single_reference_hardly_moves_the_query():
    descriptors, answers, points, _ = films(np.random.default_rng(3), 1)
    moved = learn_queries(descriptors, answers, points, STRIDE)[0] - descriptors[0, 0]
    assert 0 < np.linalg.norm(moved) < 1.0


def test_it_is_the_least_of_a_convex_loss():
    descriptors, answers, points, _ = films(np.random.default_rng(4), 6)
    query = learn_queries(descriptors, answers, points, STRIDE).astype(np.float64)
    mean = descriptors.mean(0)

    def loss(tried):
        total = 8.0 * ((tried - mean) ** 2).sum()
        for window, point in zip(answers, points, strict=True):
            column, row = np.rint((point[0] + 0.5) / STRIDE - 0.5).astype(int)
            scores = window.logits(tried.astype(np.float32))[0].astype(np.float64)
            total += np.log(np.exp(scores).sum()) - scores[row, column]
        return total

    rng = np.random.default_rng(5)
    least = loss(query)
    for _ in range(30):
        assert loss(query + 0.05 * rng.standard_normal(query.shape)) > least


@pytest.mark.parametrize("lacking", ["point", "descriptor"])
def test_a_reference_without_the_point_is_left_out(lacking):
    descriptors, answers, points, _ = films(np.random.default_rng(6), 4)
    alone = learn_queries(descriptors[:3], answers[:3], points[:3], STRIDE)
    if lacking == "point":
        points[3] = np.nan
    descriptors[3] = 0.0
    assert np.allclose(learn_queries(descriptors, answers, points, STRIDE), alone, atol=1e-5)


def test_a_point_that_nobody_shows_is_not_looked_for():
    descriptors, answers, points, _ = films(np.random.default_rng(7), 3)
    assert not learn_queries(np.zeros_like(descriptors), answers, points, STRIDE).any()


def test_a_point_at_the_border():
    descriptors, answers, _, _ = films(np.random.default_rng(8), 2)
    points = np.array([[[-5.0, 0.0]], [[SIDE * STRIDE + 9.0, 3.0]]])
    assert np.isfinite(learn_queries(descriptors, answers, points, STRIDE)).all()


def test_lessons_fit_in_memory():
    # Each holds 192 x 64 x 64 numbers of four bytes, and two windows are learned at a time.
    assert 2 * LESSONS * 192 * 64 * 64 * 4 < 320e6
