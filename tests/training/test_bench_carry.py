"""Points carried along matches that agree with one similarity."""

from __future__ import annotations

import numpy as np
import pytest

from training.bench.carry import similarity_transfer
from training.bench.peer_lightglue import draws_of

RNG = np.random.default_rng(4)
THERE = RNG.uniform(0, 400, (60, 2))
TURN = 1.2 * np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
HERE = THERE @ TURN.T + [30.0, -20.0]
POINTS = np.array([[50.0, 60.0], [350.0, 200.0]])
TRUE = POINTS @ TURN.T + [30.0, -20.0]


def test_wrong_matches_do_not_move_a_point() -> None:
    wrong = HERE.copy()
    wrong[::3] = RNG.uniform(0, 400, (20, 2))
    assert similarity_transfer(POINTS, THERE, wrong) == pytest.approx(TRUE, abs=0.1)
    assert np.abs(similarity_transfer(POINTS, THERE, wrong)).max() < 1000


def test_a_point_follows_its_neighbourhood() -> None:
    bent = HERE.copy()
    near = np.linalg.norm(THERE - POINTS[0], axis=1) < 140
    bent[near] += [6.0, 0.0]
    moved = similarity_transfer(POINTS, THERE, bent)
    assert moved[0, 0] - TRUE[0, 0] > 4.0
    assert abs(moved[1, 0] - TRUE[1, 0]) < 2.0


def test_too_few_matches_find_nothing() -> None:
    assert np.isnan(similarity_transfer(POINTS, THERE[:3], HERE[:3])).all()
    scattered = RNG.uniform(0, 4000, (5, 2))
    assert np.isnan(similarity_transfer(POINTS, THERE[:5], scattered)).all()
    nothing = np.empty((0, 2))
    assert np.isnan(similarity_transfer(POINTS, nothing, nothing)).all()


def test_one_seed_gives_all_matchers_the_same_films() -> None:
    first, again, other = (list(draws_of(9, 3, 2, seed)) for seed in (5, 5, 6))
    assert first == again
    assert first != other
    for references, targets in first:
        assert len(references) == 2
        assert sorted(references + targets) == list(range(9))
