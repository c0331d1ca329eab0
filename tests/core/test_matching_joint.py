"""Points fitted jointly: vague answers are filled in, sharp ones stay, wrong ones are noticed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.matching.framing import Pose
from core.matching.heatmaps import cells, moments
from core.matching.joint import Shapes, expected_jointly, fit_jointly

LEG = np.array([[100.0, 30.0 + 15.0 * n] for n in range(14)] + [[140.0, 30.0 + 15.0 * n] for n in range(14)])
MANY = np.repeat(LEG[None], 12, axis=0)
"""References that agree: what the shape allows is known."""

SHARP = np.broadcast_to(0.3 * np.eye(2), (len(LEG), 2, 2))


def test_answers_that_are_sharp_stay_where_they_are():
    moved = LEG + np.random.default_rng(1).normal(0, 1.0, LEG.shape)
    joint = fit_jointly(moved, SHARP, Shapes.like(LEG, LEG[None]))
    assert np.abs(joint.position - moved).max() < 0.2
    assert joint.strain.mean() < 1.0


def test_a_point_that_slid_along_a_shaft_is_put_back():
    answers, spread = LEG.copy(), SHARP.copy()
    answers[6] += [0.5, 9.0]
    spread[6] = np.diag([0.3, 120.0])  # sharp across the shaft, vague along it
    joint = fit_jointly(answers, spread, Shapes.like(LEG, MANY))
    assert joint.position[6] == pytest.approx(LEG[6] + [0.5, 0.0], abs=1.5)
    others = np.delete(np.arange(len(LEG)), 6)
    assert np.abs(joint.position - LEG)[others].max() < 0.3


def test_a_point_that_is_sure_and_wrong_strains_the_shape_and_moves_no_other():
    answers = LEG.copy()
    answers[6] += [25.0, 0.0]
    joint = fit_jointly(answers, SHARP, Shapes.like(LEG, LEG[None]))
    assert joint.strain.argmax() == 6
    others = np.delete(np.arange(len(LEG)), 6)
    assert np.abs(joint.position - LEG)[others].max() < 0.5


def test_what_answers_and_shapes_leave_open_is_uncertain():
    spread = SHARP.copy()
    spread[6] = np.diag([0.3, 120.0])
    shapes = Shapes.like(LEG, MANY)
    joint = fit_jointly(LEG, spread, shapes)
    deviations = np.sqrt(np.linalg.eigvalsh(joint.covariance))
    # A sharp answer is hardly surer for the shape; a vague one is as uncertain as the shape lets it be.
    assert deviations[5] == pytest.approx([0.5, 0.5], abs=0.15)
    assert 2.0 * deviations[5, 1] < deviations[6, 1] < 0.7 * np.sqrt(120.0)
    wrong = LEG.copy()
    wrong[6, 0] += 25.0
    sure, doubted = (np.trace(fit_jointly(at, SHARP, shapes).covariance[6]) for at in (LEG, wrong))
    assert doubted > 3.0 * sure


@settings(max_examples=30, deadline=None)
@given(
    st.floats(-15, 15),
    st.tuples(st.floats(-15, 15), st.floats(-15, 15)),
    st.floats(0.9, 1.1),
    st.integers(1, 6),
)
def test_pose_is_free(turn_deg, shift, scale, references):
    turn = np.radians(turn_deg)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = LEG.mean(0)
    posed = (LEG - middle) @ matrix.T + middle + shift
    joint = fit_jointly(posed, SHARP, Shapes.like(LEG, np.repeat(LEG[None], references, axis=0)))
    assert np.abs(joint.position - posed).max() < 1.0


def test_how_references_differ_is_expected():
    bent = LEG + 12.0 * (LEG[:, 1:] > 130.0) * np.array([1.0, 0.0])  # the lower halves move together
    shapes = np.stack([LEG + a * (bent - LEG) for a in (-1.0, -0.5, 0.5, 1.0)])
    answers, spread = bent.copy(), SHARP.copy()
    answers[13], spread[13] = LEG[13], 400.0 * np.eye(2)
    known, plain = (
        np.abs(fit_jointly(answers, spread, Shapes.like(LEG, some)).position[13] - bent[13]).max()
        for some in (shapes, LEG[None])
    )
    assert known < plain
    assert known < 2.0


def test_points_that_no_reference_knows_and_a_lone_point():
    shapes = LEG[None].copy()
    shapes[0, 3] = np.nan
    assert np.isfinite(fit_jointly(LEG, SHARP, Shapes.like(LEG, shapes)).position).all()
    lone = fit_jointly(LEG[:1] + 3.0, SHARP[:1], Shapes.like(LEG[:1], LEG[None, :1]))
    assert lone.position == pytest.approx(LEG[:1] + 3.0, abs=0.2)


STRIDE, SIDE = 4, 64
CELLS = (np.tile(cells(SIDE, STRIDE), (len(LEG), 1)),) * 2
LEVEL = np.array([0.0, 15.0])


def answers_at(*places):
    """Maps [N, 64, 64] that name each of ``places`` (arrays [N, 2]) with equal right."""
    at = cells(SIDE, STRIDE)
    maps = np.zeros((len(places[0]), SIDE, SIDE), np.float32)
    for points in places:
        square = (at - points[:, 0, None])[:, None, :] ** 2 + (at - points[:, 1, None])[:, :, None] ** 2
        maps += np.exp(-square / (2 * 4.0**2)).astype(np.float32)
    return maps / maps.sum(axis=(1, 2), keepdims=True)


def centres(belief):
    return moments(belief, *CELLS)[0]


def test_expectations_are_maps_and_leave_clear_answers_where_they_are():
    belief = expected_jointly(answers_at(LEG), *CELLS, Shapes.like(LEG, LEG[None])).belief
    assert belief.sum(axis=(1, 2)) == pytest.approx(1.0, abs=1e-4)
    assert np.abs(centres(belief) - LEG).max() < 1.0


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_chain_whose_links_look_alike_is_told_by_its_ends(sign):
    ambiguous = answers_at(LEG, LEG + sign * LEVEL)
    ends = [0, 13, 14, 27]
    ambiguous[ends] = answers_at(LEG)[ends]
    belief = expected_jointly(ambiguous, *CELLS, Shapes.like(LEG, MANY)).belief
    assert np.abs(centres(belief) - LEG).max() < 3.0
    assert np.abs(centres(ambiguous) - LEG).max() > 5.0  # what the answers alone say


def test_an_answer_against_all_others_is_not_believed():
    answers = answers_at(LEG)
    answers[6] = answers_at(LEG + np.array([40.0, 0.0]))[6]
    belief = expected_jointly(answers, *CELLS, Shapes.like(LEG, LEG[None])).belief
    others = np.delete(np.arange(len(LEG)), 6)
    assert np.abs(centres(belief) - LEG)[others].max() < 1.0
    assert np.abs(centres(belief)[6] - LEG[6]).max() < 10.0


def test_maps_of_separate_windows_are_taken_together_as_maps_of_one_are():
    """Each point in a window of its own, four times as fine: the same word of the others reaches it."""
    moved = LEG + np.array([2.0, -3.0])
    corner, step = moved - 32.0, 1.0
    fine = tuple(corner[:, axis, None] + step * np.arange(SIDE) for axis in (0, 1))
    clear = np.exp(
        -((fine[0] - moved[:, :1])[:, None, :] ** 2 + (fine[1] - moved[:, 1:])[:, :, None] ** 2)
        / (2 * 2.0**2)
    ).astype(np.float32)
    clear[5] = 1.0  # says nothing
    middle, _ = moments(expected_jointly(clear, *fine, Shapes.like(LEG, LEG[None])).belief, *fine)
    assert np.abs(middle - moved).max() < 1.0


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turned_maps_say_the_same(quarters):
    """A quarter turn is exact: every map, and where it lies, is turned about the middle of the window."""
    moved = LEG + np.array([2.0, -3.0])
    answers = answers_at(moved, moved + LEVEL)
    answers[:4] = answers_at(moved)[:4]
    upright = expected_jointly(answers, *CELLS, Shapes.like(LEG, MANY))
    turn = np.linalg.matrix_power(np.array([[0.0, -1.0], [1.0, 0.0]]), quarters)
    middle = np.full(2, cells(SIDE, STRIDE).mean())
    start = turn @ middle - middle  # places of turned maps' cells, from the turned corner
    turned = expected_jointly(
        np.ascontiguousarray(np.rot90(answers, -quarters, axes=(1, 2))),
        CELLS[0] + start[0],
        CELLS[1] + start[1],
        Shapes.like(LEG, MANY),
        turns=np.tile(turn, (len(LEG), 1, 1)),
    )
    assert np.abs(np.rot90(turned.belief, quarters, axes=(1, 2)) - upright.belief).max() < 1e-4
    assert turned.words.precision == pytest.approx(upright.words.precision, rel=1e-3, abs=1e-6)
    assert turned.words.shift == pytest.approx(upright.words.shift, rel=1e-3, abs=1e-4)


def test_what_was_known_before_a_closer_look_still_counts():
    words = expected_jointly(answers_at(LEG), *CELLS, Shapes.like(LEG, MANY)).words
    either = answers_at(LEG, LEG + LEVEL)  # the whole chain may lie a link lower
    ignorant = expected_jointly(either, *CELLS, Shapes.like(LEG, MANY)).belief
    knowing = expected_jointly(either, *CELLS, Shapes.like(LEG, MANY), words).belief
    assert np.abs(centres(knowing) - LEG).max() < 3.0
    assert np.abs(centres(ignorant) - LEG).max() > 5.0


def test_the_more_references_agree_the_less_a_shape_may_differ():
    answers, spread = LEG.copy(), SHARP.copy()
    answers[6] += [0.0, 9.0]
    spread[6] = np.diag([0.3, 60.0])
    moved = [
        abs(fit_jointly(answers, spread, Shapes.like(LEG, MANY[:count])).position[6, 1] - LEG[6, 1])
        for count in (1, 4, 12)
    ]
    assert moved[0] > moved[1] > moved[2]


@pytest.mark.parametrize("shift_px", [-30.0, 30.0])
def test_clear_answers_stay_where_the_framing_lets_expect_others(shift_px):
    """All words point the same way, and none by itself is worth much: together they must not overshoot."""
    pose = Pose(np.array([shift_px, 0.0, 0.0, 0.0]), np.diag([16.0, 16.0, 16.0, 20.0]) ** 2)
    belief = expected_jointly(answers_at(LEG), *CELLS, Shapes.like(LEG, LEG[None], pose)).belief
    assert np.abs(centres(belief) - LEG).max() < 1.0


def test_an_expected_pose_tells_links_apart_that_look_alike():
    pose = Pose(np.array([0.0, 15.0, 0.0, 0.0]), np.diag([4.0, 4.0, 4.0, 20.0]) ** 2)
    either = answers_at(LEG, LEG + LEVEL)
    belief = expected_jointly(either, *CELLS, Shapes.like(LEG, MANY, pose)).belief
    assert np.abs(centres(belief) - LEG - LEVEL).max() < 3.0


def test_shapes_count_as_much_as_they_are_worth():
    some = LEG + np.random.default_rng(4).normal(0, 3, (4, *LEG.shape))
    once, twice = Shapes.like(LEG, some), np.concatenate([some] * 2)
    halved = Shapes.like(LEG, twice, worths=np.full(8, 0.5))
    assert halved.middle == pytest.approx(once.middle)
    assert halved.covariance == pytest.approx(once.covariance)
    assert halved.people == pytest.approx(once.people)
    assert np.trace(Shapes.like(LEG, twice).covariance) != pytest.approx(np.trace(once.covariance))
