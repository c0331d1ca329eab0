"""Points on shafts at their levels: moved along their borders only, whatever the pose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.view_matcher import shafts_of
from core.matching.shafts import Shaft, at_levels, renumbered
from core.measure.loader import default_catalogue

# Start, both ends of a unit of 40, and two borders that widen downwards at levels of 1 and 2 units.
POINTS = np.array(
    [[0.0, 0.0], [-20.0, 0.0], [20.0, 0.0], [-10.0, 40.0], [-14.0, 80.0], [10.0, 40.0], [14.0, 80.0]]
)
SHAFT = Shaft(borders=((3, 4), (5, 6)), start=(0,), unit=((1,), (2,)), levels=(1.0, 2.0))


def test_points_at_their_levels_stay() -> None:
    levelled = at_levels(POINTS, [SHAFT])
    assert levelled.position == pytest.approx(POINTS)
    assert levelled.across.any(1).tolist() == [False] * 3 + [True] * 4
    assert levelled.across[3:] @ [1.0, 0.0] == pytest.approx(np.full(4, -1.0))


def test_points_that_slid_are_put_back_on_the_line_of_their_border() -> None:
    slid = POINTS.copy()
    for upper, lower in SHAFT.borders:
        way = POINTS[lower] - POINTS[upper]
        slid[upper], slid[lower] = POINTS[upper] + 0.3 * way, POINTS[lower] - 0.2 * way
    levelled = at_levels(slid, [SHAFT])
    assert levelled.position == pytest.approx(POINTS)
    assert np.abs(slid - POINTS).max() > 8.0


def test_a_border_of_three_points_keeps_its_bow() -> None:
    bowed = np.array([[0.0, 0.0], [-20.0, 0.0], [20.0, 0.0], [5.0, 20.0], [9.0, 40.0], [5.0, 60.0]])
    shaft = Shaft(((3, 4, 5),), (0,), ((1,), (2,)), (0.75, 1.0, 1.25))
    assert at_levels(bowed, [shaft]).position[3:] == pytest.approx(np.array([[7.0, 30], [9, 40], [7, 50]]))


def test_a_bone_beside_lies_at_the_levels_and_tells_no_direction() -> None:
    """One border of two points that leans by a quarter, and one of a single point."""
    beside = np.array([[30.0, 45.0], [42.5, 95.0], [60.0, 52.0]])
    shaft = Shaft(SHAFT.borders, SHAFT.start, SHAFT.unit, SHAFT.levels, beside=((7, 8), (9,)))
    levelled = at_levels(np.vstack([POINTS, beside]), [shaft])
    assert levelled.position == pytest.approx(
        np.vstack([POINTS, [[28.75, 40.0], [38.75, 80.0], [60.0, 40.0]]])
    )
    assert levelled.across[7:] @ [1.0, 0.0] == pytest.approx(np.full(3, -1.0))
    (kept,) = renumbered([shaft], np.ones(10, bool))
    assert kept == shaft
    assert not renumbered([shaft], np.arange(10) != 9)


@given(
    st.floats(-180, 180),
    st.floats(0.3, 3.0),
    st.tuples(st.floats(-300, 300), st.floats(-300, 300)),
    st.booleans(),
)
def test_pose_and_mirror_image_make_no_difference(turn_deg, scale, shift, mirrored) -> None:
    slid = POINTS + np.array([0.0, 6.0]) * (np.arange(len(POINTS)) > 2)[:, None]
    turn = np.radians(turn_deg)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = matrix @ np.diag([-1.0 if mirrored else 1.0, 1.0])
    plain = at_levels(slid, [SHAFT]).position
    posed = at_levels(slid @ matrix.T + shift, [SHAFT]).position
    assert posed == pytest.approx(plain @ matrix.T + shift, abs=1e-6)


def test_points_in_another_order_or_in_one_place_are_left_alone() -> None:
    for change in ([4, 3], [3, 3]):
        wrong = POINTS.copy()
        wrong[[3, 4]] = POINTS[change]
        levelled = at_levels(wrong, [SHAFT])
        np.testing.assert_array_equal(levelled.position, wrong)
        assert not levelled.across.any()
    far = POINTS + np.array([0.0, 41.0]) * (np.arange(len(POINTS)) > 2)[:, None]
    np.testing.assert_array_equal(at_levels(far, [SHAFT]).position, far)
    assert not at_levels(np.zeros_like(POINTS), [SHAFT]).across.any()


def test_a_shaft_whose_levels_the_film_does_not_show_is_left_alone() -> None:
    slid = POINTS - np.array([0.0, 6.0]) * (np.arange(len(POINTS)) > 2)[:, None]

    def film_to(bottom: float) -> Callable[[np.ndarray], np.ndarray]:
        return lambda places: places[:, 1] <= bottom

    assert at_levels(slid, [SHAFT], film_to(80.1)).position[:, 1].max() == pytest.approx(80.0)
    np.testing.assert_array_equal(at_levels(slid, [SHAFT], film_to(79.0)).position, slid)


def test_only_what_lies_across_counts() -> None:
    levelled = at_levels(POINTS, [SHAFT])
    away = np.tile([3.0, 4.0], (len(POINTS), 1))
    assert np.linalg.norm(levelled.only_across(away), axis=1) == pytest.approx([5.0] * 3 + [3.0] * 4)
    spread = np.tile(np.diag([1.0, 24.0]), (len(POINTS), 1, 1))
    assert levelled.spread(spread) == pytest.approx([5.0] * 3 + [1.0] * 4)


def test_errors_of_the_points_that_measure_a_level_add_up() -> None:
    """By a trial of many draws: errors of start and unit, half of their squares along the shaft."""
    shared = Shaft(SHAFT.borders, start=(7,), unit=((7,), (8,)), levels=(0.4, 0.8))
    points_px = np.vstack([POINTS, [[0.0, 0.0], [0.0, 100.0]]])
    for shaft, error in (
        (SHAFT, np.array([2.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])),
        (shared, np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 1.0])),  # the start is an end of the unit
    ):
        rng = np.random.default_rng(4)
        drawn = points_px + rng.normal(0, np.sqrt(0.5), (4000, *points_px.shape)) * error[:, None]
        found = np.array([at_levels(points, [shaft]).position for points in drawn])
        seen = np.sqrt(((found - points_px) ** 2).sum(2).mean(0))
        expected = at_levels(points_px, [shaft]).with_levels(error)
        assert expected[3:7] == pytest.approx(seen[3:7], rel=0.1)
        assert np.delete(expected, range(3, 7)).tolist() == np.delete(error, range(3, 7)).tolist()


def test_a_shaft_that_lacks_a_point_is_left_out() -> None:
    known = np.ones(9, bool)
    known[[1, 4]] = False  # of nine points, the third and the sixth of the shaft's seven are missing
    later = Shaft(((5, 6), (7, 8)), (0,), ((2,), (3,)), (1.0, 2.0))
    (kept,) = renumbered([later, SHAFT], known)
    assert kept == Shaft(((3, 4), (5, 6)), (0,), ((1,), (2,)), (1.0, 2.0))


def test_every_shaft_of_the_catalogue_is_numbered_by_its_keys() -> None:
    views = [view for view in default_catalogue().views.values() if view.shafts]
    assert {view.key for view in views} >= {"full_leg_ap", "knee_ap", "knee_lateral", "pelvis_ap"}
    for view in views:
        for shaft, definition in zip(shafts_of(view), view.shafts, strict=True):
            for numbers, keys in zip(shaft.borders, definition.borders, strict=True):
                assert [view.point_keys[number] for number in numbers] == list(keys)


def test_shafts_by_the_points_that_a_set_names() -> None:
    view = default_catalogue().view("knee_ap")
    femur, tibia = view.shafts
    names = [key for key in reversed(view.point_keys) if key not in tibia.placed - femur.needed]
    (shaft,) = shafts_of(view, names)
    assert shaft.levels == femur.levels
    assert [[names[number] for number in border] for border in shaft.borders] == [
        list(border) for border in femur.borders
    ]
    assert shafts_of(view, names[:3]) == ()
