"""The text of the measurement manual, from the definitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.film import Side
from core.measure.definitions import ConstructionStep, MeasurementDefinition, View
from core.measure.ops import OPERATIONS
from core.measure.results import GradeScale, NormalRange

_UNITS = {
    "deg": "degrees",
    "mm": "millimetres (pixels on a film without spacing)",
    "ratio": "ratio",
    "percent": "percent",
}


@dataclass(frozen=True)
class Drawings:
    """The pictures of one view's page, and where the films in them come from.

    ``points`` is the path of the picture with all points, relative to the page, ``measurements`` that of each
    measurement by key; a measurement without one is not shown. ``films`` names the films, one sentence each.
    """

    points: str
    measurements: Mapping[str, str]
    films: tuple[str, ...]


def manual_markdown(view: View, drawings: Drawings | None = None) -> str:
    """The manual page of one view: points, then every measurement by group, with their drawings if any."""
    return "\n".join(_page(view, drawings)) + "\n"


def _page(view: View, drawings: Drawings | None) -> Iterator[str]:
    yield f"# {view.name}"
    yield ""
    yield f"Key `{view.key}`, version {view.version}. Body part: {view.body_part}. {view.projection}"
    if view.synonyms:
        yield ""
        yield f"Also called: {', '.join(view.synonyms)}."
    yield ""
    seen = "the view" if view.canonical_side is Side.BOTH else f"a {view.canonical_side} side"
    yield (
        f"Signs are defined on the canonical image, {seen} as usually shown. "
        "A film that shows its mirror image gives the same values."
    )
    if view.chosen_only:
        yield ""
        yield "Never found by itself: choose this view for a film that is to be measured so."
    yield ""
    yield "## Points"
    yield ""
    if drawings is not None:
        yield f"![Points by number]({drawings.points})"
        yield ""
        yield (
            "Numbers in the drawings are those of this table. Solid lines are parts of the construction as "
            "they lie on the film, dashed lines its helpers and extensions; the value is that of the film. "
            "The films are simulated references of the shipped bank (key and start of the SHA-256): "
            f"{', '.join(drawings.films)}."
        )
        yield ""
    yield "| No. | Point | Key | Where |"
    yield "|---:|---|---|---|"
    for number, point in enumerate(view.points, start=1):
        where = f"{point.description} {point.caution}".rstrip()
        yield f"| {number} | {point.name} | `{point.key}` | {where} |"
    group = ""
    for measurement in view.measurements:
        if measurement.group != group:
            group = measurement.group
            yield ""
            yield f"## {group}"
        yield ""
        yield from _section(view, measurement, drawings)


def _section(view: View, measurement: MeasurementDefinition, drawings: Drawings | None) -> Iterator[str]:
    yield f"### {measurement.name}"
    yield ""
    picture = drawings.measurements.get(measurement.key) if drawings is not None else None
    if picture is not None:
        yield f"![{measurement.name}, drawn on a film]({picture})"
        yield ""
    yield measurement.definition
    yield ""
    yield f"- Definition: `{measurement.identifier}`, in {_UNITS[measurement.unit]}."
    if measurement.synonyms:
        yield f"- Also called: {', '.join(measurement.synonyms)}."
    if measurement.sign:
        yield f"- Sign: {measurement.sign}"
    yield f"- Source: {measurement.source}"
    if measurement.normal is not None:
        yield f"- Reference range: {range_words(measurement.normal, measurement.unit)}"
    if measurement.by_group:
        source = measurement.by_group[0]
        yield f"- Ranges of groups{_checked(source.verified)}: {source.citation}"
        for group in measurement.by_group:
            yield f"  - {_limits(group, measurement.unit)}; {group.population}"
    if measurement.grades is not None:
        yield f"- Grades: {_grade_words(measurement.grades, measurement.unit)}"
    for pitfall in measurement.pitfalls:
        yield f"- Pitfall: {pitfall}"
    yield ""
    yield "Construction:"
    yield ""
    names = {point.key: f"*{point.name}*" for point in view.points}
    for number, step in enumerate(measurement.steps, start=1):
        yield f"{number}. `{step.key}`: {_step_words(step, names)}."
        names[step.key] = f"`{step.key}`"


def _step_words(step: ConstructionStep, names: dict[str, str]) -> str:
    inputs = [names[name] for name in step.of]
    pairs = [f"({a}; {b})" for a, b in zip(inputs[0::2], inputs[1::2], strict=False)]
    return OPERATIONS[step.op].words.format(*inputs, all=_listed(inputs), pairs=_listed(pairs))


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def range_words(normal: NormalRange, unit: str) -> str:
    """A reference range in words, with population, source and whether the source was checked."""
    return f"{_limits(normal, unit)}; {normal.population}; {normal.citation}{_checked(normal.verified)}"


def _checked(verified: bool) -> str:
    return "" if verified else " (source not checked)"


def _suffix(unit: str) -> str:
    return {"deg": "°", "mm": " mm", "percent": " %"}.get(unit, "")


def _limits(normal: NormalRange, unit: str) -> str:
    if normal.low is None:
        return f"up to {normal.high:g}{_suffix(unit)}"
    if normal.high is None:
        return f"from {normal.low:g}{_suffix(unit)}"
    return f"{normal.low:g} to {normal.high:g}{_suffix(unit)}"


def _grade_words(scale: GradeScale, unit: str) -> str:
    names = [
        f"{grade.name} (below {grade.below:g}{_suffix(unit)})"
        if grade.below is not None
        else f"{grade.name} (from there)"
        for grade in scale.grades
    ]
    return f"{', '.join(names)}; {scale.population}; {scale.citation}{_checked(scale.verified)}"
