"""The measurement manual, generated from the definitions.

``python -m core.measure.manual FOLDER`` writes one Markdown page per view.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from core.errors import OrthoMatchError, WriteError
from core.film import Side
from core.measure.definitions import ConstructionStep, MeasurementDefinition, View
from core.measure.loader import default_catalogue
from core.measure.ops import OPERATIONS
from core.measure.results import NormalRange

_UNITS = {
    "deg": "degrees",
    "mm": "millimetres (pixels on a film without spacing)",
    "ratio": "ratio",
    "percent": "percent",
}


def manual_markdown(view: View) -> str:
    """The manual page of one view: points, then every measurement by group."""
    return "\n".join(_page(view)) + "\n"


def _page(view: View) -> Iterator[str]:
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
    yield ""
    yield "## Points"
    yield ""
    yield "| No. | Point | Key | Where |"
    yield "|---:|---|---|---|"
    for number, point in enumerate(view.points, start=1):
        yield f"| {number} | {point.name} | `{point.key}` | {point.description} |"
    group = ""
    for measurement in view.measurements:
        if measurement.group != group:
            group = measurement.group
            yield ""
            yield f"## {group}"
        yield ""
        yield from _section(view, measurement)


def _section(view: View, measurement: MeasurementDefinition) -> Iterator[str]:
    yield f"### {measurement.name}"
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
    suffix = {"deg": "°", "mm": " mm", "percent": " %"}.get(unit, "")
    if normal.low is None:
        limits = f"up to {normal.high:g}{suffix}"
    elif normal.high is None:
        limits = f"from {normal.low:g}{suffix}"
    else:
        limits = f"{normal.low:g} to {normal.high:g}{suffix}"
    checked = "" if normal.verified else " (source not checked)"
    return f"{limits}; {normal.population}; {normal.citation}{checked}"


def write_manual(folder: Path) -> list[Path]:
    """Write one page per view of the program's catalogue into ``folder``. Raises ``WriteError``."""
    pages = []
    for view in default_catalogue().views.values():
        path = folder / f"{view.key}.md"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(manual_markdown(view), encoding="utf-8")
        except OSError as error:
            raise WriteError(
                f"The manual cannot be written ({error})", path=path, remedy="Choose another folder."
            ) from error
        pages.append(path)
    return pages


def main(arguments: list[str]) -> int:
    """Command line: one argument, the folder. Returns the exit code."""
    if len(arguments) != 1:
        print("Usage: python -m core.measure.manual FOLDER", file=sys.stderr)
        return 2
    try:
        for path in write_manual(Path(arguments[0])):
            print(path)
    except OrthoMatchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
