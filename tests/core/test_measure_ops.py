"""Each operation of the vocabulary: value, drawing and degenerate input."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.film import Calibration, SpacingSource
from core.landmarks import Landmark, LandmarkSet
from core.measure.definitions import ConstructionStep, MeasurementDefinition, View
from core.measure.evaluate import evaluate_view
from core.measure.loader import default_catalogue
from core.measure.ops import OPERATIONS
from core.measure.results import Arc, Circle, Label, MeasurementResult, Segment
from tests.core.measure_layouts import MM

Points = Mapping[str, tuple[float, float]]
Step = tuple[str, ...]


def measure(
    points: Points,
    *steps: Step,
    unit: str = "mm",
    calibration: Calibration = MM,
    flipped: bool = False,
    error_px: float | None = None,
) -> MeasurementResult:
    """The result of a construction given as (key, op, inputs...) on points in pixels."""
    base = default_catalogue().view("ankle_ap")
    shipped = base.measurements[0]
    definition: MeasurementDefinition = replace(
        shipped,
        key="m",
        short="M",
        unit=unit,
        steps=tuple(ConstructionStep(key, op, of) for key, op, *rest in steps for of in [tuple(rest)]),
        points=tuple(points),
        normal=None,
    )
    named = tuple(replace(base.points[0], key=key, name=key) for key in points)
    view: View = replace(base, points=named, measurements=(definition,))
    placed = LandmarkSet({key: Landmark(x, y, error_px) for key, (x, y) in points.items()})
    return evaluate_view(view, placed, calibration, flipped=flipped)[0]


SQUARE: Points = {"a": (0, 0), "b": (4, 0), "c": (4, 3), "d": (0, 3)}
AB: Step = ("ab", "line", "a", "b")
DC: Step = ("dc", "line", "d", "c")


@pytest.mark.parametrize(
    ("points", "steps", "unit", "value"),
    [
        (SQUARE, [("v", "distance", "a", "c")], "mm", 5.0),
        (SQUARE, [("m", "midpoint", "a", "b"), ("v", "distance", "m", "c")], "mm", math.sqrt(13)),
        (SQUARE, [("m", "centroid", "a", "b", "c"), ("v", "distance", "a", "m")], "mm", math.hypot(8 / 3, 1)),
        (
            SQUARE,
            [AB, ("v", "signed_distance", "c", "ab")],
            "mm",
            3.0,
        ),  # below a line to the right: its right
        (SQUARE, [DC, ("v", "signed_distance", "a", "dc")], "mm", -3.0),
        (SQUARE, [AB, ("v", "distance_along", "a", "c", "ab")], "mm", 4.0),
        (SQUARE, [AB, ("v", "distance_along", "c", "a", "ab")], "mm", -4.0),
        (SQUARE, [AB, ("f", "projection", "c", "ab"), ("v", "distance", "a", "f")], "mm", 4.0),
        (
            SQUARE,
            [
                ("ac", "line", "a", "c"),
                ("bd", "line", "b", "d"),
                ("x", "intersection", "ac", "bd"),
                ("v", "distance", "a", "x"),
            ],
            "mm",
            2.5,
        ),
        (
            SQUARE,
            [AB, ("bd", "line", "b", "d"), ("v", "angle", "ab", "bd")],
            "deg",
            180 - math.degrees(math.atan2(3, 4)),
        ),
        (
            SQUARE,
            [AB, ("ad", "line", "a", "d"), ("v", "angle", "ab", "ad")],
            "deg",
            90.0,
        ),  # clockwise on screen
        (SQUARE, [AB, ("ad", "line", "a", "d"), ("v", "angle", "ad", "ab")], "deg", -90.0),
        (SQUARE, [AB, ("ad", "line", "a", "d"), ("v", "angle_between", "ad", "ab")], "deg", 90.0),
        (SQUARE, [AB, ("back", "line", "b", "a"), ("v", "angle_between", "ab", "back")], "deg", 180.0),
        (SQUARE, [AB, DC, ("v", "angle", "ab", "dc")], "deg", 0.0),
        (SQUARE, [("v", "vertex_angle", "b", "a", "c")], "deg", math.degrees(math.atan2(3, 4))),
        (SQUARE, [AB, ("p", "perpendicular", "c", "ab"), ("v", "angle", "ab", "p")], "deg", 90.0),
        (SQUARE, [AB, ("p", "parallel", "d", "ab"), ("v", "signed_distance", "a", "p")], "mm", -3.0),
        (SQUARE, [AB, ("up", "image_up", "a", "ab"), ("v", "angle", "ab", "up")], "deg", -90.0),
        (
            SQUARE,
            [AB, ("h", "bisector", "b", "a", "c"), ("v", "angle_between", "ab", "h")],
            "deg",
            math.degrees(math.atan2(3, 4)) / 2,
        ),
        (SQUARE, [("p", "polyline", "a", "b", "c", "d"), ("v", "polyline_length", "p")], "mm", 11.0),
        (
            SQUARE,
            [("p", "polyline", "a", "b"), ("q", "polyline", "d", "c"), ("v", "gap", "p", "q")],
            "mm",
            3.0,
        ),
        (
            SQUARE,
            [("p", "polyline", "a", "c"), ("q", "polyline", "b", "d"), ("v", "gap", "p", "q")],
            "mm",
            0.0,
        ),
        (SQUARE, [("k", "circle", "a", "b", "c", "d"), ("v", "radius", "k")], "mm", 2.5),
        (
            SQUARE,
            [("k", "circle", "a", "b", "c"), ("m", "centre", "k"), ("v", "distance", "a", "m")],
            "mm",
            2.5,
        ),
        (
            SQUARE,
            [("x", "distance", "a", "b"), ("y", "distance", "b", "c"), ("v", "ratio", "y", "x")],
            "ratio",
            0.75,
        ),
        (
            SQUARE,
            [("x", "distance", "a", "b"), ("y", "distance", "b", "c"), ("v", "ratio", "y", "x")],
            "percent",
            75.0,
        ),
        (
            SQUARE,
            [("x", "distance", "a", "b"), ("y", "distance", "b", "c"), ("v", "difference", "y", "x")],
            "mm",
            -1.0,
        ),
        (
            SQUARE,
            [("x", "distance", "a", "b"), ("y", "distance", "b", "c"), ("v", "sum", "y", "x")],
            "mm",
            7.0,
        ),
    ],
)
def test_values(points: Points, steps: list[Step], unit: str, value: float):
    result = measure(points, *steps, unit=unit)
    assert result.reason is None
    assert result.value == pytest.approx(value, abs=1e-9)


def test_every_operation_is_covered_here():
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in OPERATIONS if f'"{name}"' not in text] == []


def test_least_squares_line_is_the_principal_axis():
    """Offsets of +1, -2, +1 mm from a horizontal line do not turn it; the direction follows the points."""
    points: Points = {"a": (10, 1), "b": (0, -2), "c": (-10, 1), "e": (-10, 5), "f": (10, 5)}
    forward = measure(
        points,
        ("l", "fit_line", "a", "b", "c"),
        ("e_f", "line", "e", "f"),
        ("v", "angle", "l", "e_f"),
        unit="deg",
    )
    assert forward.value is not None
    assert abs(forward.value) == pytest.approx(180.0)
    offset = measure(points, ("l", "fit_line", "c", "b", "a"), ("v", "signed_distance", "e", "l"))
    assert offset.value == pytest.approx(5.0)


def test_least_squares_line_agrees_with_the_scatter_matrix():
    rng = np.random.default_rng(3)
    for _ in range(20):
        cloud = rng.normal(size=(6, 2)) * [8, 1] @ _turn(rng.uniform(-80, 80))
        points = {f"p{i}": (float(x), float(y)) for i, (x, y) in enumerate(cloud)}
        axis = np.linalg.eigh(np.cov(cloud.T))[1][:, 1]
        axis = axis if axis @ (cloud[-1] - cloud[0]) > 0 else -axis
        expected = math.degrees(math.atan2(axis[1], axis[0]))
        flat: Points = {**points, "o": (0, 0), "x": (1, 0)}
        result = measure(
            flat, ("l", "fit_line", *points), ("h", "line", "o", "x"), ("v", "angle", "h", "l"), unit="deg"
        )
        assert result.value == pytest.approx(expected, abs=1e-6)


def _turn(degrees: float) -> np.ndarray:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, s], [-s, c]])


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_shaft_axis_runs_through_the_middle_of_the_shaft(levels: int):
    """A shaft leaning 1 in 5 whose width grows from level to level."""
    points: dict[str, tuple[float, float]] = {"o": (0, 0), "up": (0, -1)}
    names = []
    for level in range(levels):
        x, y, half = 2.0 * level, -10.0 * level, 3.0 + level
        points |= {f"m{level}": (x - half, y), f"l{level}": (x + half, y)}
        names += [f"m{level}", f"l{level}"]
    result = measure(
        points,
        ("axis", "shaft_axis", *names),
        ("v_", "line", "o", "up"),
        ("v", "angle", "v_", "axis"),
        unit="deg",
    )
    assert result.value == pytest.approx(math.degrees(math.atan2(1, 5)))


def test_circle_fit_of_points_off_the_circle():
    """Points on a circle of radius 10 around (3, -2), alternately 0.1 inside and outside."""
    points = {}
    for i in range(12):
        radius = 10 + (0.1 if i % 2 else -0.1)
        points[f"p{i}"] = (3 + radius * math.cos(i * math.pi / 6), -2 + radius * math.sin(i * math.pi / 6))
    result = measure(points, ("k", "circle", *points), ("v", "radius", "k"))
    assert result.value == pytest.approx(10.0, abs=0.01)
    circle = next(shape for shape in result.shapes if isinstance(shape, Circle))
    assert circle.centre == pytest.approx((3, -2), abs=0.01)
    assert circle.radius == pytest.approx(10.0, abs=0.01)


def test_gap_of_polylines_that_meet_between_their_points():
    points: Points = {"a": (0, 0), "b": (10, 0), "c": (20, 6), "d": (4, 3), "e": (6, 3), "f": (30, 9)}
    result = measure(
        points, ("p", "polyline", "a", "b", "c"), ("q", "polyline", "d", "e", "f"), ("v", "gap", "p", "q")
    )
    # The nearest pair is the corner (20, 6) and its foot on the line from (6, 3) to (30, 9), 1 in 4.
    assert result.value == pytest.approx(0.5 * math.cos(math.atan2(1, 4)))
    (link,) = shapes(result, Segment)[-1:]
    assert link.start == pytest.approx((20, 6))


@pytest.mark.parametrize(
    ("points", "steps", "unit", "reason"),
    [
        (
            {"a": (1, 1), "b": (1, 1), "c": (2, 3)},
            [AB, ("v", "signed_distance", "c", "ab")],
            "mm",
            "line lie on the same spot",
        ),
        (
            SQUARE,
            [AB, DC, ("x", "intersection", "ab", "dc"), ("v", "distance", "a", "x")],
            "mm",
            "cross are parallel",
        ),
        (
            {"a": (0, 0), "b": (1, 1), "c": (2, 2)},
            [("k", "circle", "a", "b", "c"), ("v", "radius", "k")],
            "mm",
            "circle lie on a straight line",
        ),
        (
            {"a": (2, 2), "b": (2, 2), "c": (2, 2)},
            [("k", "circle", "a", "b", "c"), ("v", "radius", "k")],
            "mm",
            "circle lie on the same spot",
        ),
        (
            {"a": (2, 2), "b": (2, 2), "c": (4, 2)},
            [("v", "vertex_angle", "a", "b", "c")],
            "deg",
            "vertex of an angle",
        ),
        (
            {"a": (4, 2), "b": (2, 2), "c": (2, 2)},
            [("v", "vertex_angle", "a", "b", "c")],
            "deg",
            "vertex of an angle",
        ),
        (
            {"a": (4, 2), "b": (4, 2), "c": (2, 2)},
            [("x", "distance", "a", "b"), ("y", "distance", "a", "c"), ("v", "ratio", "y", "x")],
            "ratio",
            "divide by is zero",
        ),
        (
            {"a": (4, 2), "b": (4, 2), "c": (4, 2)},
            [("l", "fit_line", "a", "b", "c"), ("v", "signed_distance", "c", "l")],
            "mm",
            "line lie on the same spot",
        ),
        (
            SQUARE | {"b": (3, 0), "c": (3, 3)},
            [("l", "fit_line", "a", "b", "c", "d"), ("v", "signed_distance", "c", "l")],
            "mm",
            "no common direction",
        ),
        (
            {"a": (0, 0), "b": (10, 0), "c": (0, 0)},
            [("l", "fit_line", "a", "b", "c"), ("v", "signed_distance", "c", "l")],
            "mm",
            "do not give it a direction",
        ),
    ],
)
def test_degenerate_points_give_a_sentence(points: Points, steps: list[Step], unit: str, reason: str):
    result = measure(points, *steps, unit=unit, error_px=1.0)
    assert (result.value, result.interval, result.shapes) == (None, None, ())
    assert result.reason is not None
    assert reason in result.reason
    assert result.reason.endswith(".")


def test_overflow_gives_a_reason_rather_than_infinity():
    result = measure({"a": (0, 0), "b": (1.7e308, 1.7e308)}, ("v", "distance", "a", "b"))
    assert (result.value, result.reason) == (None, "The points give no finite value.")


def test_interval_goes_around_the_end_of_the_circle():
    """Two lines 179.9 degrees apart, with an error of a few degrees: the limits lie around the value."""
    points: Points = {"a": (0, 0), "b": (100, 0), "c": (100, 10), "d": (0, 10.1745)}
    result = measure(
        points, AB, ("cd", "line", "c", "d"), ("v", "angle", "ab", "cd"), unit="deg", error_px=2.0
    )
    assert result.value is not None
    assert result.interval is not None
    low, high = result.interval
    assert low < result.value < high
    assert high - low < 12


def test_no_interval_when_most_draws_are_degenerate():
    points: Points = {"a": (0, 0), "b": (1.0, 0)}
    result = measure(points, ("v", "distance", "a", "b"), error_px=math.inf)
    assert result.value == 1.0
    assert result.interval is None


def shapes(result: MeasurementResult, kind: type) -> list:
    return [shape for shape in result.shapes if isinstance(shape, kind)]


def test_an_angle_is_drawn_where_the_lines_meet():
    points: Points = {"a": (0, 0), "b": (10, 0), "c": (14, 4), "d": (14, 12)}
    result = measure(points, AB, ("cd", "line", "c", "d"), ("v", "angle", "ab", "cd"), unit="deg")
    (arc,) = shapes(result, Arc)
    assert arc.centre == pytest.approx((14, 0))
    assert (arc.start_deg, arc.sweep_deg) == (pytest.approx(0), pytest.approx(90))
    dashed = [(s.start, s.end) for s in shapes(result, Segment) if s.dashed]
    assert sorted(dashed) == [((10, 0), (14, 0)), ((14, 4), (14, 0))]


def test_nearly_parallel_lines_show_their_angle_at_the_second_line():
    points: Points = {"a": (0, 0), "b": (100, 0), "c": (0, 30), "d": (100, 33)}
    result = measure(points, AB, ("cd", "line", "c", "d"), ("v", "angle", "ab", "cd"), unit="deg")
    (arc,) = shapes(result, Arc)
    assert arc.centre == (0, 30)
    assert arc.sweep_deg == pytest.approx(math.degrees(math.atan2(3, 100)))
    (copy,) = [s for s in shapes(result, Segment) if s.dashed]
    assert copy.start == (0, 30)
    assert copy.end[1] == pytest.approx(30)


def test_the_arc_on_a_flipped_film_with_oblong_pixels_fits_the_drawn_lines():
    calibration = Calibration(0.2, 0.4, SpacingSource.USER, "Set by the user.")
    points: Points = {"a": (0, 0), "b": (-50, 10), "c": (-10, 40)}
    result = measure(
        points,
        AB,
        ("ac", "line", "a", "c"),
        ("v", "angle", "ab", "ac"),
        unit="deg",
        calibration=calibration,
        flipped=True,
    )
    (arc,) = shapes(result, Arc)
    assert arc.start_deg == pytest.approx(math.degrees(math.atan2(10, -50)))
    assert (arc.start_deg + arc.sweep_deg) % 360 == pytest.approx(math.degrees(math.atan2(40, -10)) % 360)
    one, two = math.atan2(10 * 0.4, 50 * 0.2), math.atan2(40 * 0.4, 10 * 0.2)
    assert result.value == pytest.approx(math.degrees(two - one))


def test_opposite_lines_still_have_a_place_for_the_text():
    points: Points = {"a": (0, 0), "b": (10, 0), "c": (10, 2), "d": (0, 2)}
    result = measure(points, AB, ("cd", "line", "c", "d"), ("v", "angle", "ab", "cd"), unit="deg")
    (label,) = shapes(result, Label)
    assert all(math.isfinite(number) for number in label.at)
    assert abs(shapes(result, Arc)[0].sweep_deg) == pytest.approx(180)


def test_distance_to_a_line_is_drawn_with_its_extension():
    points: Points = {"a": (0, 0), "b": (4, 0), "c": (9, 3)}
    result = measure(points, AB, ("v", "signed_distance", "c", "ab"))
    segments = {(s.start, s.end, s.dashed) for s in shapes(result, Segment)}
    assert segments == {((0, 0), (4, 0), False), ((9, 3), (9, 0), False), ((4, 0), (9, 0), True)}
    behind = measure({**points, "c": (-2, 3)}, AB, ("v", "signed_distance", "c", "ab"))
    assert Segment((0, 0), (-2, 0), True) in behind.shapes


def test_distance_along_a_line_is_drawn_with_the_step_to_the_second_point():
    result = measure(SQUARE, AB, ("v", "distance_along", "a", "c", "ab"))
    assert shapes(result, Segment) == [Segment((0, 0), (4, 0)), Segment((4, 0), (4, 3), True)]
    assert shapes(result, Label)[0].at == (2, 0)


def test_constructed_points_and_lines_are_drawn_dashed():
    result = measure(
        SQUARE,
        ("m", "midpoint", "a", "b"),
        ("dc", "line", "d", "c"),
        ("p", "perpendicular", "m", "dc"),
        ("q", "parallel", "a", "dc"),
        ("x", "intersection", "p", "q"),
        ("v", "distance", "x", "d"),
    )
    dashed = {(s.start, s.end) for s in shapes(result, Segment) if s.dashed}
    assert ((0, 0), (2, 0)) in dashed  # spoke to the midpoint
    assert ((2, 3), (2, 0)) in dashed  # perpendicular
    assert ((-2, 0), (2, 0)) in dashed  # parallel, as long as the line
    assert shapes(result, Segment)[-1] == Segment((2, 0), (0, 3))


def test_perpendicular_at_a_point_of_the_line_has_a_length():
    result = measure(SQUARE, AB, ("p", "perpendicular", "a", "ab"), ("v", "angle", "ab", "p"), unit="deg")
    assert Segment((0, 0), (0, 2), True) in result.shapes


def test_foot_of_a_perpendicular_outside_the_line_extends_it():
    points: Points = {"a": (0, 0), "b": (4, 0), "c": (9, 3)}
    result = measure(points, AB, ("f", "projection", "c", "ab"), ("v", "distance", "f", "c"))
    assert Segment((4, 0), (9, 0), True) in result.shapes


def test_corner_polyline_and_gap_are_drawn():
    corner = measure(SQUARE, ("v", "vertex_angle", "b", "a", "c"), unit="deg")
    assert len(shapes(corner, Segment)) == 2
    assert shapes(corner, Arc)[0].centre == (0, 0)
    path = measure(SQUARE, ("p", "polyline", "a", "b", "c"), ("v", "polyline_length", "p"))
    assert shapes(path, Segment) == [Segment((0, 0), (4, 0)), Segment((4, 0), (4, 3))]
    assert shapes(path, Label)[0] == Label((4, 0), "M 7.0 mm")
    gap = measure(SQUARE, ("p", "polyline", "a", "b"), ("q", "polyline", "d", "c"), ("v", "gap", "p", "q"))
    (link,) = [s for s in shapes(gap, Segment) if s.start[1] != s.end[1]]
    assert abs(link.start[1] - link.end[1]) == 3


def test_an_angle_on_one_of_its_lines_is_drawn_there_even_far_from_the_other():
    points: Points = {"a": (0, -70), "b": (0, -100), "c": (-14, 6), "d": (14, 6)}
    result = measure(points, AB, ("cd", "line", "c", "d"), ("v", "angle", "ab", "cd"), unit="deg")
    assert shapes(result, Arc)[0].centre == pytest.approx((0, 6))
    assert Segment((0, -70), (0, 6), True) in result.shapes


def spine(*tilts: float, shift: Mapping[int, float] | None = None) -> Points:
    """Vertebrae 10 high and 20 wide, 15 apart, tilted clockwise by so many degrees; shifted to the right."""
    points: dict[str, tuple[float, float]] = {}
    for index, tilt in enumerate(tilts):
        c, s = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
        middle = (shift or {}).get(index, 0.0)
        for corner, (x, y) in enumerate(((-10, -5), (10, -5), (-10, 5), (10, 5))):
            points[f"v{index}, {corner}"] = (middle + c * x - s * y, 15 * index + s * x + c * y)
    return points


@pytest.mark.parametrize(
    ("tilts", "above", "largest", "below", "note"),
    [
        ((-5, 10, 30, 0, -25, -10, 5), 35, 55, 30, "v2 to v4, convex to the right."),
        ((5, -10, -30, 0, 25, 10, -5), 35, 55, 30, "v2 to v4, convex to the left."),
        ((0, 20, -20, 0), 20, 40, 20, "v1 to v2, convex to the right."),
    ],
)
def test_the_end_vertebrae_of_curves_are_found(tilts, above, largest, below, note):
    points = spine(*tilts)
    for turn in (0.0, 40.0):  # the angle of a film does not matter
        c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        turned = {key: (c * x - s * y, s * x + c * y) for key, (x, y) in points.items()}
        for op, value in (("cobb_above", above), ("cobb", largest), ("cobb_below", below)):
            assert measure(turned, ("v", op, *points), unit="deg").value == pytest.approx(value)
        assert measure(turned, ("v", "cobb", *points), unit="deg").note == note
    drawn = measure(points, ("v", "cobb", *points), unit="deg").shapes
    assert sum(isinstance(shape, Arc) for shape in drawn) == 1
    assert sum(isinstance(shape, Segment) and not shape.dashed for shape in drawn) == 2


def test_the_apex_of_the_largest_curve_lies_farthest_out():
    points = spine(20, 10, 0, -20, 0, shift={1: -6.0, 2: -9.0, 4: -40.0})
    steps = (
        ("apex", "curve_apex", *points),
        ("middle", "midpoint", "v0, 0", "v0, 3"),
        ("v", "distance", "apex", "middle"),
    )
    result = measure(points, *steps)
    assert result.value == pytest.approx(math.hypot(9.0, 30.0))
    assert result.note.startswith("Apex v2.")


@pytest.mark.parametrize(
    ("tilts", "op", "reason"),
    [
        ((20, 0, -20), "cobb_above", "begins at the uppermost vertebra"),
        ((20, 0, -20), "cobb_below", "ends at the lowest vertebra"),
        ((0, 20, -20), "curve_apex", "no vertebra between its ends"),
    ],
)
def test_curves_that_are_not_there_give_a_reason(tilts, op, reason):
    points = spine(*tilts)
    steps = [("v", op, *points)]
    if op == "curve_apex":
        steps = [("a", op, *points), ("v", "distance", "a", "v0, 0")]
    result = measure(points, *steps, unit="mm" if op == "curve_apex" else "deg")
    assert result.value is None
    assert reason in (result.reason or "")


def test_vertebrae_without_width_or_tilt_give_a_reason():
    flat = dict.fromkeys(spine(0, 0), (3.0, 3.0))
    assert "same spot" in (measure(flat, ("v", "cobb", *flat), unit="deg").reason or "")
    assert measure(spine(0, 0), ("v", "cobb", *spine(0, 0)), unit="deg").reason is not None
