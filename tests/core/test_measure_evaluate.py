"""Invariances, intervals, units, notes and reasons of the evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.film import NO_SPACING, Calibration, Side, SpacingSource
from core.landmarks import Landmark, LandmarkSet
from core.measure.evaluate import TOGETHER, _interval, evaluate_view, shows_flipped
from core.measure.loader import default_catalogue
from core.measure.results import Arc, Label, MeasurementResult, Segment, format_value
from tests.core.measure_layouts import LAYOUTS, MM, landmarks

VIEWS = tuple(LAYOUTS)


def values(results: tuple[MeasurementResult, ...]) -> dict[str, float | None]:
    return {result.key: result.value for result in results}


def moved(points: LandmarkSet, change: Callable[[float, float], tuple[float, float]]) -> LandmarkSet:
    placed = {}
    for key in points:
        x, y = change(points[key].x_px, points[key].y_px)
        placed[key] = replace(points[key], x_px=x, y_px=y)
    return LandmarkSet(placed)


@st.composite
def varied(draw: st.DrawFn) -> tuple[str, LandmarkSet]:
    """A layout whose points are each displaced by up to 2 mm, with expected errors."""
    view = draw(st.sampled_from(VIEWS))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    points = landmarks(LAYOUTS[view][0], error_px=0.7)
    return view, moved(points, lambda x, y: (x + rng.uniform(-2, 2), y + rng.uniform(-2, 2)))


def same(
    first: tuple[MeasurementResult, ...],
    second: tuple[MeasurementResult, ...],
    *,
    scale: float = 1.0,
    skip: frozenset[str] = frozenset(),
    intervals: bool = True,
) -> None:
    for a, b in zip(first, second, strict=True):
        if a.key in skip:
            continue
        factor = scale if a.unit in {"mm", "px"} else 1.0
        assert a.value is not None
        assert b.value == pytest.approx(a.value * factor, rel=1e-6, abs=1e-6), a.key
        if intervals:
            assert a.interval is not None
            assert b.interval == pytest.approx([limit * factor for limit in a.interval], rel=1e-6, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(varied(), st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_a_shift_changes_nothing(case: tuple[str, LandmarkSet], dx: float, dy: float):
    view, points = default_catalogue().view(case[0]), case[1]
    shifted = moved(points, lambda x, y: (x + dx, y + dy))
    same(evaluate_view(view, points, MM), evaluate_view(view, shifted, MM))


@settings(max_examples=40, deadline=None)
@given(varied(), st.floats(-60, 60))
def test_a_rotation_changes_only_the_angle_to_the_image(case: tuple[str, LandmarkSet], turn: float):
    view, points = default_catalogue().view(case[0]), case[1]
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    turned = moved(points, lambda x, y: (c * x - s * y, s * x + c * y))
    before, after = evaluate_view(view, points, MM), evaluate_view(view, turned, MM)
    to_the_image = frozenset(
        m.key for m in view.measurements if any(step.op == "image_up" for step in m.steps)
    )
    same(before, after, skip=to_the_image, intervals=False)
    if view.key == "ankle_ap":
        was, now = values(before)["tibial_axis_vertical"], values(after)["tibial_axis_vertical"]
        assert was is not None
        assert now == pytest.approx(was + turn, abs=1e-6)  # clockwise on screen is positive


@settings(max_examples=40, deadline=None)
@given(varied(), st.floats(0.2, 20))
def test_a_scale_changes_lengths_only(case: tuple[str, LandmarkSet], scale: float):
    view, points = default_catalogue().view(case[0]), case[1]
    scaled = moved(points, lambda x, y: (x * scale, y * scale))
    before, after = evaluate_view(view, points, MM), evaluate_view(view, scaled, MM)
    same(before, after, scale=scale, intervals=False)


@settings(max_examples=40, deadline=None)
@given(varied(), st.floats(10, 3000))
def test_a_mirrored_film_gives_the_same_values_and_intervals(case: tuple[str, LandmarkSet], width: float):
    view, points = default_catalogue().view(case[0]), case[1]
    mirrored = moved(points, lambda x, y: (width - 1 - x, y))
    calibration = Calibration(0.3, 0.2, SpacingSource.USER, "Set by the user.")
    before = evaluate_view(view, points, calibration)
    after = evaluate_view(view, mirrored, calibration, flipped=True)
    same(before, after)
    for a, b in zip(before, after, strict=True):
        assert len(a.shapes) == len(b.shapes)
        for one, other in zip(a.shapes, b.shapes, strict=True):
            if isinstance(one, Segment) and isinstance(other, Segment):
                assert (width - 1 - one.start[0], one.start[1]) == pytest.approx(other.start, abs=1e-6)


def test_signs_turn_around_without_the_flag():
    view = default_catalogue().view("ankle_ap")
    points = landmarks(LAYOUTS["ankle_ap"][0])
    mirrored = moved(points, lambda x, y: (-x, y))
    wrong = values(evaluate_view(view, mirrored, MM))
    right = values(evaluate_view(view, points, MM))
    assert right["talar_tilt"] is not None
    assert wrong["talar_tilt"] == pytest.approx(-right["talar_tilt"])


@settings(max_examples=25, deadline=None)
@given(varied(), st.floats(0.05, 2), st.floats(0.05, 2))
def test_pixels_that_are_not_square_do_not_change_the_values(
    case: tuple[str, LandmarkSet], column: float, row: float
):
    view, points = default_catalogue().view(case[0]), case[1]
    stretched = moved(points, lambda x, y: (x / column, y / row))
    calibration = Calibration(column, row, SpacingSource.FIDUCIAL, "Spacing of the fiducial.")
    same(evaluate_view(view, points, MM), evaluate_view(view, stretched, calibration), intervals=False)
    lone = Calibration(None, None, SpacingSource.NONE, "None stated.", aspect=row / column)
    same(
        evaluate_view(view, points, MM),
        evaluate_view(view, stretched, lone),
        scale=1 / column,
        intervals=False,
    )


@pytest.mark.parametrize(
    ("side", "mirrored", "flipped"),
    [
        (Side.LEFT, False, False),
        (Side.RIGHT, False, True),
        (Side.LEFT, True, True),
        (Side.RIGHT, True, False),
    ],
)
def test_side_and_mirroring_give_the_layout(side: Side, mirrored: bool, flipped: bool):
    assert shows_flipped(default_catalogue().view("hand_pa"), side, mirrored=mirrored) is flipped


def test_lengths_without_spacing_are_pixels_and_say_why():
    view = default_catalogue().view("ankle_ap")
    results = evaluate_view(view, landmarks(LAYOUTS["ankle_ap"][0], scale=4), NO_SPACING)
    by_key = {result.key: result for result in results}
    width = by_key["tibial_shaft_width"]
    assert (width.value, width.unit) == (pytest.approx(80), "px")
    assert width.note == "Pixels: The file states no pixel spacing."
    assert by_key["medial_clear_space"].normal is None  # a range in millimetres does not apply
    assert by_key["ldta"].note == ""
    assert by_key["ldta"].normal is not None


@pytest.mark.parametrize(
    ("source", "note"),
    [
        (SpacingSource.DETECTOR, "at the detector: not corrected for magnification"),
        (SpacingSource.SCANNED, "on the film: not corrected for magnification"),
        (SpacingSource.FIDUCIAL, "calibrated with an object of known size"),
        (SpacingSource.GEOMETRY, "corrected for an assumed geometry"),
        (SpacingSource.MAGNIFICATION, "corrected by the stated magnification"),
        (SpacingSource.DISTANCES, "corrected by the stated distances"),
        (SpacingSource.USER, "spacing set by the user"),
    ],
)
def test_where_a_spacing_comes_from_is_noted(source: SpacingSource, note: str):
    view = default_catalogue().view("hand_pa")
    calibration = Calibration(0.2, 0.2, source, "From the file.")
    for result in evaluate_view(view, landmarks(LAYOUTS["hand_pa"][0]), calibration):
        assert result.note == (note if result.unit == "mm" else "")


def test_a_value_that_rests_on_uncertain_points_says_so():
    view, points = default_catalogue().view("ankle_ap"), landmarks(LAYOUTS["ankle_ap"][0])
    tips = ("medial_malleolus_tip", "lateral_malleolus_tip")
    for key in tips:
        points = points.with_point(key, replace(points[key], confidence=0.49))
    for result in evaluate_view(view, points, MM):
        doubted = [view.point(key).name for key in tips if key in result.points]
        said = f"Rests on uncertain points: {'; '.join(doubted)}."
        assert (said in result.note) is bool(doubted)
    # A point that a person placed is no longer uncertain; of many only the number is told.
    points = points.with_point(tips[0], points[tips[0]].moved_to(*points.positions_px()[0]))
    notes = [r.note for r in evaluate_view(view, points, MM) if tips[0] in r.points]
    assert notes
    assert not any(view.point(tips[0]).name in note for note in notes)
    unsure = LandmarkSet({key: replace(point, confidence=0.1) for key, point in points.points.items()})
    for result in evaluate_view(view, unsure, MM):
        many = f"Rests on {len(result.points)} uncertain points."
        assert (many in result.note) is (len(result.points) > 3)


def test_a_point_not_to_be_left_to_the_program_is_noted_until_a_person_places_it():
    view, points = default_catalogue().view("spine_lateral"), landmarks(LAYOUTS["spine_lateral"][0])
    lower = [p for p in view.points if p.key.startswith("femoral_head_lower_")]
    upper = [p for p in view.points if p.key.startswith("femoral_head_upper_")]
    assert view.cautioned == tuple(p.key for p in (*upper, *lower))
    assert lower[0].caution.startswith("Set by hand")

    def said(some):
        return f"{'; '.join(p.name for p in some)}: {some[0].caution}"

    results = {r.key: r for r in evaluate_view(view, points, MM)}
    on_heads = {"pelvic_incidence", "pelvic_tilt", "pi_minus_ll", "t1_pelvic_angle"}
    for key, result in results.items():
        assert (said(upper) in result.note) is (said(lower) in result.note) is (key in on_heads)
    for number, point in enumerate(lower, 1):
        points = points.with_point(
            point.key, points[point.key].moved_to(points[point.key].x_px, points[point.key].y_px)
        )
        for result in evaluate_view(view, points, MM):
            left = lower[number:]
            assert (said(upper) in result.note) is (result.key in on_heads)
            assert (lower[0].caution in result.note) is (bool(left) and result.key in on_heads)
            assert not left or result.key not in on_heads or said(left) in result.note


def test_results_carry_their_definition():
    view = default_catalogue().view("ankle_ap")
    result = evaluate_view(view, landmarks(LAYOUTS["ankle_ap"][0]), MM)[0]
    assert result.definition == "ldta@1"
    assert result.name == "Lateral distal tibial angle"
    assert result.points == view.point_keys[:6]
    assert result.sign.startswith("Below 90")
    assert result.normal is not None


def test_a_missing_point_gives_a_reason():
    view = default_catalogue().view("ankle_ap")
    points = dict(landmarks(LAYOUTS["ankle_ap"][0]).points)
    del points["talar_dome_medial"]
    points["medial_malleolus_tip"] = Landmark(math.nan, 3.0)
    by_key = {r.key: r for r in evaluate_view(view, LandmarkSet(points), MM)}
    tilt = by_key["talar_tilt"]
    assert (tilt.value, tilt.interval, tilt.shapes) == (None, None, ())
    assert tilt.reason == "Not placed on this film: Talar dome, medial corner."
    assert by_key["talocrural"].reason == "Not placed on this film: Medial malleolus, tip."
    assert by_key["ldta"].value is not None


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(VIEWS), st.data())
def test_no_placement_gives_anything_but_finite_numbers_or_a_reason(view_key: str, data: st.DataObject):
    view = default_catalogue().view(view_key)
    few = st.sampled_from([0.0, 1.0, 1e-9, -3.0, 1e9])
    points = {
        key: Landmark(data.draw(few), data.draw(few), data.draw(st.sampled_from([None, 0.0, 2.0])))
        for key in view.point_keys
    }
    for result in evaluate_view(view, LandmarkSet(points), MM, draws=40):
        if result.value is None:
            assert result.reason
            assert result.reason.endswith(".")
            assert result.shapes == ()
            assert result.interval is None
            continue
        assert result.reason is None
        assert math.isfinite(result.value)
        if result.interval is not None:
            assert result.interval[0] <= result.value <= result.interval[1]
            assert all(math.isfinite(limit) for limit in result.interval)
        for shape in result.shapes:
            numbers = [*shape.start, *shape.end] if isinstance(shape, Segment) else []
            if isinstance(shape, Arc):
                numbers = [*shape.centre, shape.radius, shape.start_deg, shape.sweep_deg]
            assert all(math.isfinite(number) for number in numbers)


def test_points_on_one_spot_give_a_reason_for_the_line():
    view = default_catalogue().view("ankle_ap")
    points = landmarks(LAYOUTS["ankle_ap"][0])
    points = points.with_point("tibial_plafond_medial", points["tibial_plafond_lateral"])
    by_key = {r.key: r for r in evaluate_view(view, points, MM)}
    for key in ("ldta", "talar_tilt", "talocrural", "superior_clear_space"):
        assert by_key[key].reason == "Two points that define a line lie on the same spot."
    assert by_key["plafond_width"].value == 0.0


def test_edited_points_do_not_vary():
    view = default_catalogue().view("hand_pa")
    certain = landmarks(LAYOUTS["hand_pa"][0])
    assert all(r.interval is None for r in evaluate_view(view, certain, MM))
    exact = landmarks(LAYOUTS["hand_pa"][0], error_px=0.0)
    assert all(r.interval is None for r in evaluate_view(view, exact, MM))
    key = "thumb_distal_phalanx_tip"
    one = certain.with_point(key, replace(certain[key], expected_error_px=1.0))
    with_interval = {r.key for r in evaluate_view(view, one, MM) if r.interval is not None}
    assert with_interval == {"thumb_distal_segment"}
    assert all(r.interval is None for r in evaluate_view(view, one, MM, draws=0))
    assert all(r.interval is None for r in evaluate_view(view, one.with_point(key, certain[key]), MM))


def test_interval_of_a_length_has_the_width_of_the_errors():
    """A plane Gaussian has the mean distance sigma sqrt(pi / 2); a distance of two has sqrt(2) sigma."""
    view = default_catalogue().view("ankle_ap")
    error = 0.5
    results = evaluate_view(view, landmarks(LAYOUTS["ankle_ap"][0], error_px=error), MM, draws=20000)
    width = next(r for r in results if r.key == "tibial_shaft_width")
    assert width.interval is not None
    sigma = TOGETHER * error / math.sqrt(math.pi / 2)
    half = 1.6449 * math.sqrt(2) * sigma
    assert width.interval == pytest.approx((20 - half, 20 + half), abs=0.03)


def test_an_unsure_spacing_widens_the_intervals_of_lengths_only():
    key, (layout, *_) = next(iter(LAYOUTS.items()))
    view = default_catalogue().views[key]
    points = landmarks(layout, error_px=None)
    unsure = replace(MM, source=SpacingSource.USER, relative_error=0.02)
    before = {r.key: r for r in evaluate_view(view, points, MM)}
    lengths = 0
    for result in evaluate_view(view, points, unsure):
        assert result.value == before[result.key].value
        if result.unit != "mm":
            assert result.interval is None
            continue
        lengths += 1
        half = abs(result.value) * 0.02 * 1.645
        assert result.interval == pytest.approx((result.value - half, result.value + half), rel=0.01)
        assert "± 2 %" in result.note
    assert lengths > 0


def test_the_drawn_displacements_have_their_mean_distance():
    from core.measure.evaluate import _placed
    from core.measure.geometry import Frame

    view = default_catalogue().view("hand_pa")
    placed = _placed(view, landmarks(LAYOUTS["hand_pa"][0], error_px=3.0), Frame(MM, False), 5000)
    off = np.concatenate([np.abs(z[1:] - z[0]) for z in placed.values()])
    assert off.mean() == pytest.approx(3.0 * TOGETHER, rel=0.01)


def test_an_interval_of_draws_covers_a_further_draw_nine_times_in_ten():
    rng = np.random.default_rng(4)
    covered, quantiles = [], []
    for _ in range(4000):
        values = np.concatenate([[0.0], rng.standard_normal(200)])
        interval = _interval(values, wraps=False)
        assert interval is not None
        covered.append(NormalDist().cdf(interval[1]) - NormalDist().cdf(interval[0]))
        quantiles.append(np.quantile(values[1:], (0.05, 0.95), method="weibull") - interval)
    assert np.mean(covered) == pytest.approx(0.9, abs=0.001)  # the spread of 0.021 over 4000 is 0.0003
    assert np.abs(quantiles).max() < 1e-12


@pytest.mark.parametrize("draws", [1, 2, 3, 18, 19])
def test_few_draws_give_their_extremes(draws: int):
    values = np.concatenate([[0.0], np.linspace(-1.0, 2.0, draws)])
    assert _interval(values, wraps=False) == pytest.approx((min(values), max(values)))


@lru_cache
def covering_share(view_key: str) -> Mapping[str, float]:
    """On how many of 150 films the interval of each measurement holds the true value, as a part of them."""
    view = default_catalogue().view(view_key)
    truth = values(evaluate_view(view, landmarks(LAYOUTS[view_key][0]), MM))
    exact = landmarks(LAYOUTS[view_key][0], error_px=0.8)
    rng = np.random.default_rng([5, VIEWS.index(view_key)])
    hits = dict.fromkeys(truth, 0)
    films = 150
    sigma = 0.8 * TOGETHER / math.sqrt(math.pi / 2)
    for _ in range(films):
        found = moved(exact, lambda x, y: (x + rng.normal(0, sigma), y + rng.normal(0, sigma)))
        for result in evaluate_view(view, found, MM):
            assert result.interval is not None
            true = truth[result.key]
            assert true is not None
            hits[result.key] += result.interval[0] <= true <= result.interval[1]
    return {key: count / films for key, count in hits.items()}


@pytest.mark.parametrize("view_key", VIEWS)
def test_no_interval_of_a_view_covers_the_truth_much_too_rarely(view_key: str):
    """150 films (0.024) and 200 draws, the same on every film (0.021), spread each of 300 shares by 0.032."""
    for key, share in covering_share(view_key).items():
        # Noise makes the shortest of several distances shorter: once in the points found, again in the draws.
        least = 0.75 if key == "acromiohumeral_distance" else 0.78
        assert share > least, key


def test_intervals_cover_the_truth_nine_times_in_ten():
    shares = [share for view_key in VIEWS for share in covering_share(view_key).values()]
    assert np.mean(shares) == pytest.approx(0.9, abs=0.01)  # other films: 0.892 to 0.896


def test_the_same_film_gives_the_same_interval_whatever_else_is_placed():
    view = default_catalogue().view("ankle_ap")
    points: Mapping[str, Landmark] = landmarks(LAYOUTS["ankle_ap"][0], error_px=1.0).points
    some = LandmarkSet({key: p for key, p in points.items() if key != "lateral_malleolus_tip"})
    full = {r.key: r.interval for r in evaluate_view(view, LandmarkSet(points), MM)}
    part = {r.key: r.interval for r in evaluate_view(view, some, MM)}
    assert part["ldta"] == full["ldta"]
    assert part["dome_width"] == full["dome_width"]


def test_the_text_on_the_film_gives_value_and_unit_once():
    for key, (points, _) in LAYOUTS.items():
        for result in evaluate_view(default_catalogue().view(key), landmarks(points), MM):
            texts = [shape.text for shape in result.shapes if isinstance(shape, Label)]
            assert len(texts) == 1
            assert result.value is not None
            assert texts[0].endswith(format_value(result.value, result.unit))


def test_values_are_printed_with_their_unit():
    assert format_value(12.345, "deg") == "12.3°"
    assert format_value(12.345, "mm") == "12.3 mm"
    assert format_value(12.345, "px") == "12.3 px"
    assert format_value(0.9044, "ratio") == "0.904"
    assert format_value(42.0, "percent") == "42.0 %"
