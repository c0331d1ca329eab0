"""Reads the catalogue files and checks them, so that evaluation can rely on them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from itertools import chain, pairwise
from pathlib import Path

from core.errors import CatalogueError
from core.film import Side
from core.measure.definitions import (
    Catalogue,
    Code,
    ConstructionStep,
    MeasurementDefinition,
    PointDefinition,
    RowDefinition,
    ShaftDefinition,
    View,
    ViewTags,
    nearest,
)
from core.measure.geometry import Kind
from core.measure.ops import OPERATIONS
from core.measure.results import Grade, GradeScale, NormalRange

LEAST_PARTS = 3
"""Parts of a row."""

_UNITS = {"deg": Kind.ANGLE, "mm": Kind.LENGTH, "ratio": Kind.RATIO, "percent": Kind.RATIO}


@cache
def default_catalogue() -> Catalogue:
    """The catalogue that ships with the program, read once. Raises ``CatalogueError``."""
    return load_catalogue()


def load_catalogue(folder: Path | None = None, *, own: Iterable[Path] = ()) -> Catalogue:
    """Read and check every ``<view>.toml`` of ``folder`` (None: the files of the program).

    ``own`` are folders with views that a user defined, read beside them; one that is not there is empty.
    Raises ``CatalogueError`` that names file, place and remedy for anything a definition gets wrong, and
    for a view that two files define.
    """
    views: dict[str, View] = {}
    places: dict[str, Path] = {}
    for path, text in chain(_files(folder), *(_files(other) for other in own if other.is_dir())):
        view = _view(_Table(path, "the file", _parse(path, text)))
        if view.key in views:
            raise CatalogueError(
                f"View '{view.key}' is defined twice",
                path=path,
                remedy=f"Give it another key or remove one file; the other is {places[view.key]}.",
            )
        places[view.key] = path
        if view.key != path.stem:
            raise CatalogueError(
                f"View '{view.key}' is in a file of another name",
                path=path,
                remedy=f"Name it {view.key}.toml.",
            )
        views[view.key] = view
    if not views:
        raise CatalogueError("No view is defined", path=folder, remedy="Put the view's .toml files there.")
    return Catalogue(views)


def _files(folder: Path | None) -> Iterator[tuple[Path, str]]:
    root = resources.files("core.measure") / "catalog" if folder is None else folder
    try:
        entries = sorted((entry.name, entry) for entry in root.iterdir() if entry.name.endswith(".toml"))
        for _, entry in entries:
            yield Path(str(entry)), entry.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(
            f"The catalogue cannot be read ({error})",
            path=str(root),
            remedy="Install the program again." if folder is None else "Save its files as UTF-8 text.",
        ) from error


def _parse(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"Not valid TOML: {error}", path=path, remedy="Correct that line.") from error


class _Table:
    """One table of a file: hands out its fields by type and in the end refuses the rest."""

    def __init__(self, path: Path, place: str, fields: Mapping[str, object]) -> None:
        self.path = path
        self.place = place
        self._fields = fields
        self._asked: set[str] = set()

    def error(self, what: str, remedy: str) -> CatalogueError:
        return CatalogueError(f"{self.place}: {what}", path=self.path, remedy=remedy)

    def _get(self, name: str, kinds: type | tuple[type, ...], what: str, optional: bool) -> object:
        self._asked.add(name)
        if name not in self._fields:
            if optional:
                return None
            raise self.error(f"field '{name}' is missing", f"Add {name} = ... ({what}).")
        value = self._fields[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            raise self.error(f"field '{name}' is not {what}", f"Write {name} as {what}.")
        return value

    def text(self, name: str, *, optional: bool = False) -> str:
        value = self._get(name, str, "a text", optional)
        if value is None:
            return ""
        text = " ".join(str(value).split())
        if not text and not optional:
            raise self.error(f"field '{name}' is empty", "Fill it in.")
        return text

    def integer(self, name: str) -> int:
        value = self._get(name, int, "a whole number", False)
        assert isinstance(value, int)
        if value < 1:
            raise self.error(f"field '{name}' is {value}", "Count from 1.")
        return value

    def number(self, name: str) -> float | None:
        value = self._get(name, (int, float), "a number", True)
        return None if value is None else float(str(value))

    def truth(self, name: str) -> bool:
        return bool(self._get(name, bool, "true or false", False))

    def flag(self, name: str) -> bool:
        """True or false; false when absent."""
        return bool(self._get(name, bool, "true or false", True))

    def texts(self, name: str, *, optional: bool = False) -> tuple[str, ...]:
        value = self._get(name, list, "a list of texts", optional)
        items = value if isinstance(value, list) else []
        if not all(isinstance(item, str) for item in items):
            raise self.error(f"field '{name}' is not a list of texts", f"Write {name} as a list of texts.")
        return tuple(" ".join(item.split()) for item in items)

    def lists(self, name: str, *, optional: bool = False) -> tuple[tuple[str, ...], ...]:
        value = self._get(name, list, "a list of lists of texts", optional)
        items = value if isinstance(value, list) else []
        if not all(isinstance(one, list) and one and all(isinstance(i, str) for i in one) for one in items):
            raise self.error(
                f"field '{name}' is not a list of lists of texts", f"Write {name} = [[...], [...]]."
            )
        return tuple(tuple(one) for one in items)

    def numbers(self, name: str) -> tuple[float, ...]:
        value = self._get(name, list, "a list of numbers", False)
        items = value if isinstance(value, list) else []
        if not all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in items):
            raise self.error(f"field '{name}' is not a list of numbers", f"Write {name} = [1.0, 2.0].")
        return tuple(float(item) for item in items)

    def table(self, name: str, *, optional: bool = False) -> _Table | None:
        value = self._get(name, dict, "a table", optional)
        return _Table(self.path, f"{self.place}, {name}", value) if isinstance(value, dict) else None

    def needed_table(self, name: str) -> _Table:
        table = self.table(name)
        assert table is not None
        return table

    def tables(self, name: str, *, optional: bool = False) -> list[_Table]:
        value = self._get(name, list, "a list of tables", optional)
        if value is None:
            return []
        items = value if isinstance(value, list) else []
        if not items or not all(isinstance(item, dict) for item in items):
            raise self.error(f"field '{name}' is not a list of tables", f"Give at least one {name}.")
        return [_Table(self.path, f"{self.place}, {name} {i + 1}", item) for i, item in enumerate(items)]

    def choice(self, name: str, allowed: Iterable[str]) -> str:
        value = self.text(name)
        if value not in allowed:
            raise self.error(f"unknown {name} '{value}'", nearest(value, allowed))
        return value

    def done(self) -> None:
        for name in self._fields:
            if name not in self._asked:
                raise self.error(f"unknown field '{name}'", nearest(name, sorted(self._asked)))


def _view(file: _Table) -> View:
    head = file.needed_table("view")
    head.place = "view"
    points = _points(file.tables("point"))
    measurements: list[MeasurementDefinition] = []
    for table in file.tables("measurement"):
        measurement = _measurement(table, [point.key for point in points])
        if measurement.key in {known.key for known in measurements}:
            raise table.error(f"key '{measurement.key}' is used twice", "Give each measurement its own key.")
        measurements.append(measurement)
    shafts = tuple(
        _shaft(table, [point.key for point in points]) for table in file.tables("shaft", optional=True)
    )
    rows = tuple(_row(table, [point.key for point in points]) for table in file.tables("row", optional=True))
    file.done()
    tags = head.needed_table("tags")
    view = View(
        key=_view_key(head),
        name=head.text("name"),
        synonyms=head.texts("synonyms", optional=True),
        version=head.integer("version"),
        body_part=head.text("body_part"),
        projection=head.text("projection"),
        canonical_side=Side(head.choice("canonical_side", [side.value for side in Side])),
        symmetric=head.flag("symmetric"),
        chosen_only=head.flag("chosen_only"),
        tags=ViewTags(
            body_parts=tags.texts("body_parts"),
            positions=tags.texts("positions"),
            region=_code(tags.needed_table("region")),
            projection=_code(tags.needed_table("projection")),
        ),
        points=points,
        measurements=tuple(measurements),
        shafts=shafts,
        rows=rows,
    )
    tags.done()
    head.done()
    return view


def _view_key(head: _Table) -> str:
    """The key, which also names the file and the folder of the view's references."""
    key = head.text("key")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", key):
        raise head.error(f"'{key}' cannot be a key", "Use letters, digits, '_' and '-'.")
    return key


def _code(table: _Table) -> Code:
    code = Code(table.text("value"), table.text("scheme"), table.text("meaning"))
    table.done()
    return code


def _points(tables: list[_Table]) -> tuple[PointDefinition, ...]:
    points: dict[str, PointDefinition] = {}
    for table in tables:
        point = PointDefinition(
            table.text("key"),
            table.text("name"),
            table.text("description"),
            table.text("caution", optional=True),
        )
        table.done()
        if point.key in points:
            raise table.error(f"key '{point.key}' is used twice", "Give each point its own key.")
        points[point.key] = point
    return tuple(points.values())


def _shaft(table: _Table, point_keys: list[str]) -> ShaftDefinition:
    borders, start, unit = table.lists("borders"), table.texts("start"), table.lists("unit")
    levels, beside = table.numbers("levels"), table.lists("beside", optional=True)
    table.done()
    for key in sum((*borders, *beside, start, *unit), ()):
        if key not in point_keys:
            raise table.error(f"unknown point '{key}'", nearest(key, point_keys))
    if not start or len(unit) != 2:
        raise table.error(
            "start or unit is incomplete", "Give points to start from and both ends of the unit."
        )
    if len(levels) < 2 or any(high <= low for low, high in pairwise(levels)):
        raise table.error("the levels do not rise", "Give at least two, the nearest to the start first.")
    if not borders or any(len(border) != len(levels) for border in borders):
        raise table.error("a border has not one point a level", "Give every border one point for each level.")
    if any(len(border) > len(levels) for border in beside):
        raise table.error(
            "a border beside has more points than levels", "Give it points for the first levels."
        )
    on_shaft = sum((*borders, *beside), ())
    if len(set(on_shaft)) < len(on_shaft) or set(on_shaft) & {*start, *unit[0], *unit[1]}:
        raise table.error("a point is used twice", "Measure levels from points that lie on no border.")
    return ShaftDefinition(borders, start, (unit[0], unit[1]), levels, beside)


def _row(table: _Table, point_keys: list[str]) -> RowDefinition:
    name, parts, ends = table.text("name"), table.texts("parts"), table.texts("points")
    table.done()
    row = RowDefinition(name, tuple(tuple(f"{part}_{end}" for end in ends) for part in parts))
    for key in sum(row.parts, ()):
        if key not in point_keys:
            raise table.error(f"unknown point '{key}'", nearest(key, point_keys))
    if len(parts) < LEAST_PARTS or len(row.points) < len(parts) * max(1, len(ends)):
        raise table.error(
            "the row is too short or names a point twice", f"Name at least {LEAST_PARTS} parts, each once."
        )
    return row


def _measurement(table: _Table, point_keys: list[str]) -> MeasurementDefinition:
    key = table.text("key")
    table.place = f"measurement '{key}'"
    unit = table.choice("unit", _UNITS)
    steps, gives, used = _steps(table, point_keys)
    if gives is not _UNITS[unit]:
        raise table.error(
            f"unit '{unit}' does not fit a last step of kind {gives}",
            f"A measurement in {unit} must end in a step of kind {_UNITS[unit]}.",
        )
    normal = table.table("normal", optional=True)
    by_group = table.table("by_group", optional=True)
    grades = table.table("grades", optional=True)
    code = table.table("code", optional=True)
    definition = MeasurementDefinition(
        key=key,
        name=table.text("name"),
        short=table.text("short"),
        group=table.text("group"),
        synonyms=table.texts("synonyms", optional=True),
        version=table.integer("version"),
        unit=unit,
        definition=table.text("definition"),
        sign=table.text("sign", optional=True),
        source=table.text("source"),
        pitfalls=table.texts("pitfalls", optional=True),
        steps=steps,
        points=tuple(point for point in point_keys if point in used),
        normal=_normal(normal) if normal is not None else None,
        by_group=_by_group(by_group) if by_group is not None else (),
        grades=_grades(grades) if grades is not None else None,
        code=_code(code) if code is not None else None,
    )
    table.done()
    return definition


def _normal(table: _Table) -> NormalRange:
    low, high = _limits(table)
    normal = NormalRange(low, high, table.text("population"), table.text("citation"), table.truth("verified"))
    table.done()
    return normal


def _limits(table: _Table) -> tuple[float | None, float | None]:
    low, high = table.number("low"), table.number("high")
    if low is None and high is None:
        raise table.error("neither low nor high is given", "Give at least one limit or drop the range.")
    if low is not None and high is not None and low > high:
        raise table.error(f"low {low:g} is above high {high:g}", "Exchange them.")
    return low, high


def _by_group(table: _Table) -> tuple[NormalRange, ...]:
    """The ranges of the groups, which share citation and check."""
    citation, verified = table.text("citation"), table.truth("verified")
    ranges: dict[str, NormalRange] = {}
    for row in table.tables("ranges"):
        low, high = _limits(row)
        group = row.text("group")
        row.done()
        if group in ranges:
            raise row.error(f"group '{group}' is used twice", "Give each group one range.")
        ranges[group] = NormalRange(low, high, group, citation, verified)
    table.done()
    return tuple(ranges.values())


def _grades(table: _Table) -> GradeScale:
    rows = table.tables("scale")
    grades: list[Grade] = []
    for row in rows:
        grade = Grade(row.text("name"), row.number("below"))
        row.done()
        if (grade.below is None) is not (row is rows[-1]):
            raise row.error(
                f"grade '{grade.name}' has {'no' if grade.below is None else 'a'} limit",
                "Give each grade but the last the value that it lies below.",
            )
        last = grades[-1].below if grades else None
        if last is not None and grade.below is not None and grade.below <= last:
            raise row.error(
                f"limit {grade.below:g} is not above {last:g}", "Order the grades by rising values."
            )
        if grade.name in {known.name for known in grades}:
            raise row.error(f"grade '{grade.name}' is used twice", "Give each grade its own name.")
        grades.append(grade)
    if len(grades) < 2:
        raise table.error("there is only one grade", "Give at least two, or drop them.")
    scale = GradeScale(
        tuple(grades), table.text("population"), table.text("citation"), table.truth("verified")
    )
    table.done()
    return scale


def _steps(table: _Table, point_keys: list[str]) -> tuple[tuple[ConstructionStep, ...], Kind, set[str]]:
    """The checked steps, the kind of the last one and every name that is used."""
    tables = table.tables("steps")
    steps: list[ConstructionStep] = []
    for entry in tables:
        step = ConstructionStep(entry.text("key"), entry.text("op"), entry.texts("of"))
        entry.place = f"{table.place}, step '{step.key}'"
        entry.done()
        steps.append(step)
    kinds = dict.fromkeys(point_keys, Kind.POINT)
    later = {step.key for step in steps}
    used: set[str] = set()
    gives = Kind.POINT
    for step, entry in zip(steps, tables, strict=True):
        if step.key in kinds:
            raise entry.error("this key is already a point or a step", "Give the step its own key.")
        if step.op not in OPERATIONS:
            raise entry.error(f"unknown operation '{step.op}'", nearest(step.op, OPERATIONS))
        for name in step.of:
            if name not in kinds and name in _built_on(step.key, steps):
                raise entry.error(
                    f"it is constructed from '{name}', which is constructed from it",
                    "Construct one of the two from points.",
                )
            if name not in kinds and name in later:
                raise entry.error(f"'{name}' is used before it is constructed", "Put its step earlier.")
            if name not in kinds:
                raise entry.error(f"unknown point or step '{name}'", nearest(name, kinds))
        found = OPERATIONS[step.op].check([kinds[name] for name in step.of])
        if not isinstance(found, Kind):
            got = ", ".join(kinds[name] for name in step.of) or "nothing"
            raise entry.error(f"operation '{step.op}' got {got}", f"It {found}.")
        kinds[step.key] = gives = found
        used.update(step.of)
    for step, entry in list(zip(steps, tables, strict=True))[:-1]:
        if step.key not in used:
            raise entry.error("its result is never used", "Remove the step or use it.")
    return tuple(steps), gives, used


def _built_on(key: str, steps: list[ConstructionStep]) -> set[str]:
    """The steps that are constructed, directly or by others, from the step ``key``; itself included."""
    found = {key}
    while more := {step.key for step in steps if found.intersection(step.of)} - found:
        found |= more
    return found
