"""Typed definitions of views, points and measurements, as read from the catalogue files."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from core.errors import CatalogueError
from core.film import Side
from core.measure.results import GradeScale, NormalRange


@dataclass(frozen=True)
class Code:
    """A coded term: value, coding scheme designator and meaning."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True)
class ViewTags:
    """What a DICOM file of this view usually says, in upper case, and the codes to write."""

    body_parts: tuple[str, ...]
    positions: tuple[str, ...]
    region: Code
    projection: Code


@dataclass(frozen=True)
class PointDefinition:
    """One named point.

    ``description`` says where a reader sets it, ``caution`` why it is not to be left to the program (empty:
    it may be, as far as its expected error goes).
    """

    key: str
    name: str
    description: str
    caution: str = ""


@dataclass(frozen=True)
class ConstructionStep:
    """One geometric step: the operation ``op`` applied to earlier steps or points named in ``of``."""

    key: str
    op: str
    of: tuple[str, ...]


@dataclass(frozen=True)
class MeasurementDefinition:
    """One measurement. The last of ``steps`` gives the value.

    ``short`` is the text put on the film, ``group`` the heading it is listed under, ``definition``
    what is measured in words, ``sign`` what a positive value means (empty for values without a
    sign), ``source`` where the construction comes from. ``unit`` is ``deg``, ``mm`` (``px`` on a film
    without spacing), ``ratio`` or ``percent``. ``points`` are the points used, in the view's order.
    ``normal`` is the range that a value is compared with; ``by_group`` are ranges of single groups, such as
    ages, for the reader to choose from; ``grades`` are degrees of severity or types by value.
    ``code`` is the measurement's term in a standard coding scheme, where there is one.
    """

    key: str
    name: str
    short: str
    group: str
    synonyms: tuple[str, ...]
    version: int
    unit: str
    definition: str
    sign: str
    source: str
    pitfalls: tuple[str, ...]
    steps: tuple[ConstructionStep, ...]
    points: tuple[str, ...]
    normal: NormalRange | None
    by_group: tuple[NormalRange, ...] = ()
    grades: GradeScale | None = None
    code: Code | None = None

    @property
    def identifier(self) -> str:
        """Key and version, e.g. ``ldta@1``."""
        return f"{self.key}@{self.version}"


@dataclass(frozen=True)
class ShaftDefinition:
    """Points on the borders of a shaft, and how far along it they lie.

    ``borders`` hold a point for every one of the rising ``levels``. A level lies so many units along the
    shaft from the middle of the points ``start``; the unit is the distance of the middles of two sets of
    points. ``beside`` are borders of a neighbouring bone at the first levels, whose direction is not the
    shaft's.
    """

    borders: tuple[tuple[str, ...], ...]
    start: tuple[str, ...]
    unit: tuple[tuple[str, ...], tuple[str, ...]]
    levels: tuple[float, ...]
    beside: tuple[tuple[str, ...], ...] = ()

    @property
    def placed(self) -> frozenset[str]:
        """The points that lie at its levels."""
        return frozenset(sum((*self.borders, *self.beside), ()))

    @property
    def needed(self) -> frozenset[str]:
        """All its points: those at its levels and those that tell where the levels lie."""
        return self.placed.union(self.start, *self.unit)


@dataclass(frozen=True)
class RowDefinition:
    """Parts that follow each other and look alike, as vertebrae: ``name`` is what they are called together.

    ``parts`` are the points of each, from one end of the row to the other, those alike in the same places.
    """

    name: str
    parts: tuple[tuple[str, ...], ...]

    @property
    def points(self) -> frozenset[str]:
        """All their points."""
        return frozenset(sum(self.parts, ()))


@dataclass(frozen=True)
class View:
    """One radiographic view. ``points`` are in the order in which the bank's annotations are stored.

    ``canonical_side`` is the body side whose usual presentation is the canonical image: signs are
    defined there. It is BOTH for views of the midline or of both sides. ``shafts`` tell at which level points
    on them lie, ``rows`` which parts look alike. A ``symmetric`` view looks like its own mirror image (a
    frontal pelvis: the canonical image has the patient's right on the left), so that only the file can tell
    whether it is stored mirrored. A ``chosen_only`` view differs from another by something like an implant
    alone: it is measured when a person asks for it, never found by itself.
    ``projection`` says how film and patient are expected to be placed.
    """

    key: str
    name: str
    synonyms: tuple[str, ...]
    version: int
    body_part: str
    projection: str
    canonical_side: Side
    tags: ViewTags
    points: tuple[PointDefinition, ...]
    measurements: tuple[MeasurementDefinition, ...]
    shafts: tuple[ShaftDefinition, ...] = ()
    rows: tuple[RowDefinition, ...] = ()
    symmetric: bool = False
    chosen_only: bool = False

    @property
    def point_keys(self) -> tuple[str, ...]:
        """Keys of the points in annotation order."""
        return tuple(point.key for point in self.points)

    @property
    def cautioned(self) -> tuple[str, ...]:
        """Keys of the points that are not to be left to the program."""
        return tuple(point.key for point in self.points if point.caution)

    def point(self, key: str) -> PointDefinition:
        """The point ``key``. Raises ``CatalogueError`` for an unknown one."""
        for point in self.points:
            if point.key == key:
                return point
        raise unknown("point", key, self.point_keys)

    def measurement(self, key: str) -> MeasurementDefinition:
        """The measurement ``key``. Raises ``CatalogueError`` for an unknown one."""
        for measurement in self.measurements:
            if measurement.key == key:
                return measurement
        raise unknown("measurement", key, [m.key for m in self.measurements])


@dataclass(frozen=True)
class Catalogue:
    """All views by key."""

    views: Mapping[str, View] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "views", MappingProxyType(dict(self.views)))

    def view(self, key: str) -> View:
        """The view ``key``. Raises ``CatalogueError`` that names the nearest known one."""
        if key not in self.views:
            raise unknown("view", key, self.views)
        return self.views[key]


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that names the known name nearest to ``name``, or lists all when none is near."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Known: {', '.join(names) or 'none'}."


def unknown(what: str, name: str, known: Iterable[str]) -> CatalogueError:
    """The error for a name that is not in the catalogue."""
    return CatalogueError(f"Unknown {what} '{name}'", remedy=nearest(name, known))
