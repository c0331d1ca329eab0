"""From points to measurements: values, intervals, reasons and drawings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.film import Calibration, Side, SpacingSource
from core.landmarks import LandmarkSet
from core.measure.definitions import MeasurementDefinition, View
from core.measure.geometry import Complexes, DegenerateError, Frame, Geo, NumberGeo, PointGeo, Reals
from core.measure.ops import OPERATIONS, Operation
from core.measure.results import Label, MeasurementResult, Shape, format_value

_SEED = 20240229
_INTERVAL_LEVELS = (0.05, 0.95)
_MEAN_RADIUS = math.sqrt(math.pi / 2.0)  # mean distance of a plane Gaussian of unit standard deviation

TOGETHER = 0.8
"""Part of the expected errors by which points are displaced for the intervals. Points err together with their
neighbours, by which most values change less than by errors of single points: chosen so that about nine in
ten intervals hold the exact value (``python -m training.bench.measurements --split validation``: 90 % of
simulated films, 94 % of real hands)."""

_MOST_NAMES = 3

_SPACING_NOTES = {
    SpacingSource.USER: "spacing set by the user",
    SpacingSource.FIDUCIAL: "calibrated with an object of known size",
    SpacingSource.GEOMETRY: "corrected for an assumed geometry",
    SpacingSource.MAGNIFICATION: "corrected by the stated magnification",
    SpacingSource.DISTANCES: "corrected by the stated distances",
    SpacingSource.DETECTOR: "at the detector: not corrected for magnification",
    SpacingSource.SCANNED: "on the film: not corrected for magnification",
}


def shows_flipped(view: View, side: Side, *, mirrored: bool = False) -> bool:
    """Whether a film of ``side`` shows the mirror image of the view's canonical layout.

    ``mirrored`` tells that the stored image is the mirror image of how that side is usually seen.
    """
    return (side is not view.canonical_side) != mirrored


def evaluate_view(
    view: View, landmarks: LandmarkSet, calibration: Calibration, *, flipped: bool = False, draws: int = 200
) -> tuple[MeasurementResult, ...]:
    """Every measurement of ``view`` on one film, in the order of the definitions.

    ``flipped`` tells that the film shows the mirror image of the canonical layout (see
    ``shows_flipped``); signs then come out as on the canonical image. The 90 % interval is taken from
    ``draws`` random displacements (same every time) of the points: plane Gaussians whose mean distance is
    ``TOGETHER`` times the point's expected error. A point without an expected error does not vary; without
    any varying point, or with ``draws`` 0, there is no interval. Lengths vary with the error of the spacing,
    too.
    """
    frame = Frame(calibration, flipped)
    known: dict[tuple[object, ...], Geo | DegenerateError] = {}
    with np.errstate(all="ignore"):  # single draws may be degenerate; they are dropped
        placed = _placed(view, landmarks, frame, draws)
        return tuple(_evaluate(view, item, landmarks, frame, placed, known) for item in view.measurements)


def _placed(view: View, landmarks: LandmarkSet, frame: Frame, draws: int) -> dict[str, Complexes]:
    """Canonical positions [1 + draws] of the points that the film has.

    Displacements are drawn in the canonical orientation, so that a mirrored film gives the same ones.
    """
    noise = np.random.default_rng(_SEED).standard_normal((len(view.points), draws, 2))
    x_step, y_step = frame.scale
    placed: dict[str, Complexes] = {}
    for row, key in zip(noise, view.point_keys, strict=True):
        if key not in landmarks:
            continue
        point = landmarks[key]
        if not (math.isfinite(point.x_px) and math.isfinite(point.y_px)):
            continue
        z = np.full(draws + 1, complex(point.x_px * x_step, point.y_px * y_step))
        if point.expected_error_px is not None:
            step = row * (TOGETHER * point.expected_error_px / _MEAN_RADIUS)
            z[1:] += step[:, 0] * abs(x_step) + 1j * step[:, 1] * y_step
        placed[key] = z
    return placed


def _evaluate(
    view: View,
    definition: MeasurementDefinition,
    landmarks: LandmarkSet,
    frame: Frame,
    placed: Mapping[str, Complexes],
    known: dict[tuple[object, ...], Geo | DegenerateError],
) -> MeasurementResult:
    unit = frame.calibration.unit if definition.unit == "mm" else definition.unit
    empty = MeasurementResult(
        key=definition.key,
        name=definition.name,
        value=None,
        unit=unit,
        interval=None,
        reason=None,
        definition=definition.identifier,
        points=definition.points,
        shapes=(),
        normal=None if unit == "px" else definition.normal,
        sign=definition.sign,
        note=_note(frame.calibration) if definition.unit == "mm" else "",
    )
    missing = [view.point(key).name for key in definition.points if key not in placed]
    if missing:
        return replace(empty, reason=f"Not placed on this film: {', '.join(missing)}.")
    try:
        trail = _construct(definition, placed, known)
    except DegenerateError as error:
        return replace(empty, reason=str(error))
    number = trail[-1].result
    assert isinstance(number, NumberGeo)
    values = number.value * (100.0 if unit == "percent" else 1.0)
    value = float(values[0])
    if not math.isfinite(value):
        return replace(empty, reason="The points give no finite value.")
    varies = any(landmarks[key].expected_error_px for key in definition.points)
    spacing_error = frame.calibration.relative_error if unit == "mm" else 0.0
    if spacing_error:
        varies = True
        values = values.copy()
        values[1:] *= 1.0 + spacing_error * np.random.default_rng(_SEED + 1).standard_normal(len(values) - 1)
    interval = _interval(values, wraps=unit == "deg") if varies else None
    shapes = _drawing(frame, trail, f"{definition.short} {format_value(value, unit)}")
    parts = (
        _choices(view, definition, trail),
        _grade(definition, value, unit),
        _doubts(view, definition, landmarks),
        _cautions(view, definition, landmarks),
        empty.note,
    )
    note = " ".join(part for part in parts if part)
    return replace(empty, value=value, interval=interval, shapes=shapes, note=note)


def _grade(definition: MeasurementDefinition, value: float, unit: str) -> str:
    """The grade of the value in a sentence, "" without checked grades; those of lengths need millimetres."""
    grade = definition.grades.grade(value) if definition.grades is not None and unit != "px" else ""
    return f"Grade: {grade}." if grade else ""


def _doubts(view: View, definition: MeasurementDefinition, landmarks: LandmarkSet) -> str:
    """The points of which the program is not sure, in a sentence."""
    names = [view.point(key).name for key in definition.points if landmarks[key].uncertain]
    if not names:
        return ""
    if len(names) > _MOST_NAMES:
        return f"Rests on {len(names)} uncertain points."
    return f"Rests on uncertain points: {'; '.join(names)}."


def _cautions(view: View, definition: MeasurementDefinition, landmarks: LandmarkSet) -> str:
    """Why points that no person has placed are not to be left to the program, each reason once."""
    names: dict[str, list[str]] = {}
    for point in map(view.point, definition.points):
        if point.caution and not landmarks[point.key].edited:
            names.setdefault(point.caution, []).append(point.name)
    return " ".join(f"{'; '.join(of)}: {caution}" for caution, of in names.items())


def _choices(view: View, definition: MeasurementDefinition, trail: list[_Built]) -> str:
    """What operations chose among their points, by the part of the points' names before the comma."""
    notes = []
    for step, built in zip(definition.steps, trail, strict=True):
        if isinstance(built.result, PointGeo | NumberGeo) and built.result.note:
            names = [view.point(key).name.split(",")[0] for key in step.of]
            notes.append(built.result.note.format(*names))
    return " ".join(notes)


@dataclass(frozen=True, eq=False)
class _Built:
    """One step after its computation."""

    operation: Operation
    inputs: tuple[Geo, ...]
    result: Geo


def _construct(
    definition: MeasurementDefinition,
    placed: Mapping[str, Complexes],
    known: dict[tuple[object, ...], Geo | DegenerateError],
) -> list[_Built]:
    """The steps in order. ``known`` keeps constructions that several measurements share.

    Raises ``DegenerateError`` when the points do not determine a step.
    """
    names: dict[str, tuple[object, ...]] = {key: (key,) for key in definition.points}
    items: dict[str, Geo] = {key: PointGeo(placed[key]) for key in definition.points}
    trail: list[_Built] = []
    for step in definition.steps:
        operation = OPERATIONS[step.op]
        inputs = tuple(items[name] for name in step.of)
        name = (step.op, *(names[source] for source in step.of))
        if name not in known:
            try:
                known[name] = operation.compute(*inputs)
            except DegenerateError as error:
                known[name] = error
        result = known[name]
        if isinstance(result, DegenerateError):
            raise result
        names[step.key], items[step.key] = name, result
        trail.append(_Built(operation, inputs, result))
    return trail


def _drawing(frame: Frame, trail: list[_Built], text: str) -> tuple[Shape, ...]:
    """Every shape once, and the text at the first place for it."""
    shapes: dict[Shape, None] = {}
    written = False
    for built in trail:
        for shape in built.operation.draw(frame, built.result, *built.inputs):
            if isinstance(shape, Label):
                if not written:
                    shapes[replace(shape, text=text)] = None
                written = True
            else:
                shapes[shape] = None
    return tuple(shapes)


def _interval(values: Reals, *, wraps: bool) -> tuple[float, float] | None:
    """The 90 % interval of the draws ``values[1:]`` around the value ``values[0]``; it contains it."""
    value = float(values[0])
    drawn = values[1:][np.isfinite(values[1:])]
    if len(drawn) * 2 <= len(values) - 1:
        return None
    off = drawn - value
    if wraps:
        off = (off + 180.0) % 360.0 - 180.0
    off.sort()
    low, high = (_quantile(off, level) for level in _INTERVAL_LEVELS)
    return value + min(low, 0.0), value + max(high, 0.0)


def _quantile(ordered: Reals, level: float) -> float:
    """The value below which a further draw lies with probability ``level``, from ordered draws.

    The k-th of n draws stands at the level k / (n + 1): definition 6 of Hyndman and Fan (The American
    Statistician 50, 1996). With k - 1 of n - 1 the interval of 200 draws would cover 89.1 instead of 90 %.
    """
    last = len(ordered) - 1
    place = min(max(level * (len(ordered) + 1) - 1.0, 0.0), last)
    index = min(int(place), max(last - 1, 0))
    after = min(index + 1, last)
    return float(ordered[index] + (ordered[after] - ordered[index]) * (place - index))


def _note(calibration: Calibration) -> str:
    if calibration.unit == "px":
        return f"Pixels: {calibration.detail}"
    if calibration.relative_error:
        return f"Spacing set by the user, ± {100 * calibration.relative_error:.2g} % (in the interval)."
    return _SPACING_NOTES[calibration.source]
