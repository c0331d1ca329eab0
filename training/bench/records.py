"""One film measured by the program, beside what is known of it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from core.case import Case
from core.engine import Engine
from core.errors import MatchError
from core.landmarks import Landmark, LandmarkSet
from core.measure.evaluate import evaluate_view
from core.measure.results import MeasurementResult
from training.bench.films import BenchFilm
from training.bench.program import WatchedMatcher

GIVEN, AUTOMATIC = "given", "automatic"
WAYS = (GIVEN, AUTOMATIC)
"""Whether the view was given to the program, or it had to recognise it."""


@dataclass(frozen=True)
class Pair:
    """One measurement on one film: the program's value and 90 % interval, and what is known.

    ``exact`` is the same construction on the exact points, ``scene`` the value of the body in 3-D (None
    where unknown). ``measured`` is None when the program gave no value. ``flagged`` tells that a point of it
    was marked as needing a look.
    """

    unit: str
    measured: float | None
    low: float | None
    high: float | None
    exact: float
    scene: float | None
    flagged: bool

    def error(self, scene: bool = False) -> float | None:
        """Measured minus exact value (or, with ``scene``, minus that of the body); angles within ±180."""
        known = self.scene if scene else self.exact
        if self.measured is None or known is None:
            return None
        return _difference(self.measured, known, self.unit)

    def covered(self) -> bool | None:
        """Whether the 90 % interval holds the exact value; None without interval."""
        error = self.error()
        if error is None or self.measured is None or self.low is None or self.high is None:
            return None
        return self.low - self.measured <= -error <= self.high - self.measured


@dataclass(frozen=True)
class FilmRecord:
    """What the program made of one film.

    ``found`` is the view found (empty when it was refused), ``score`` that of the best match. Points are in
    the order of the view's points: ``error_px`` the distance from the exact point, ``expected_px`` what the
    program expects it to be, ``flagged`` whether it asks to look there; None where the film or the program
    has no point. ``mm_per_px`` is None without spacing. ``pairs`` are the measurements by key.
    """

    name: str
    source: str
    view: str
    change: str
    way: str
    found: str
    score: float | None
    flipped: bool
    found_flipped: bool
    verdict: str
    mm_per_px: float | None
    height_px: int
    seconds: float
    error_px: tuple[float | None, ...] = ()
    expected_px: tuple[float | None, ...] = ()
    flagged: tuple[bool, ...] = ()
    pairs: Mapping[str, Pair] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> FilmRecord:
        """The record that ``to_json`` wrote."""
        pairs = {key: Pair(**pair) for key, pair in values["pairs"].items()}
        lists = {key: tuple(values[key]) for key in ("error_px", "expected_px", "flagged")}
        return cls(**{**values, **lists, "pairs": pairs})


def measure_film(engine: Engine, watched: WatchedMatcher, film: BenchFilm, way: str) -> FilmRecord:
    """Measure one film as ``orthomatch measure`` does; ``way`` is one of ``WAYS``. Side is never given."""
    began = time.perf_counter()
    case: Case | None = None
    try:
        case = engine.analyse(film.radiograph, view=film.view if way == GIVEN else None)
    except MatchError:
        if not watched.last:  # the film cannot be matched at all: too small, or without contrast
            raise
    results = engine.measure(case) if case is not None else ()
    seconds = time.perf_counter() - began
    best = watched.last[0]
    spacing = film.radiograph.calibration
    right_view = case is not None and case.view == film.view
    error, expected, flagged = _points(engine, film, case if right_view else None)
    return FilmRecord(
        name=film.name,
        source=film.source,
        view=film.view,
        change=film.change,
        way=way,
        found=case.view if case is not None else "",
        score=best.score,
        flipped=film.flipped,
        found_flipped=best.mirrored,
        verdict=str(case.verdict.level) if case is not None else "",
        mm_per_px=spacing.column_mm,
        height_px=film.radiograph.size_px[1],
        seconds=seconds,
        error_px=error,
        expected_px=expected,
        flagged=flagged,
        pairs=_pairs(engine, film, results if right_view else (), case),
    )


def measure_films(
    engine: Engine, watched: WatchedMatcher, films: Iterator[BenchFilm], ways: Sequence[str]
) -> Iterator[FilmRecord]:
    """Every film in every way; views that are never found by themselves are always given."""
    for film in films:
        for way in ways:
            if way == GIVEN or not engine.catalogue.view(film.view).chosen_only:
                yield measure_film(engine, watched, film, way)


def exact_results(engine: Engine, film: BenchFilm) -> dict[str, MeasurementResult]:
    """Measurements of the exact points by key, those with a value."""
    view = engine.catalogue.view(film.view)
    exact = {
        key: Landmark(float(x), float(y))
        for key, (x, y) in zip(view.point_keys, film.points_px, strict=True)
        if math.isfinite(x) and math.isfinite(y)
    }
    results = evaluate_view(
        view, LandmarkSet(exact), film.radiograph.calibration, flipped=film.flipped, draws=0
    )
    return {result.key: result for result in results if result.value is not None}


def _points(
    engine: Engine, film: BenchFilm, case: Case | None
) -> tuple[tuple[float | None, ...], tuple[float | None, ...], tuple[bool, ...]]:
    error: list[float | None] = []
    expected: list[float | None] = []
    flagged: list[bool] = []
    keys = engine.catalogue.view(film.view).point_keys if film.view else ()
    for key, exact in zip(keys, film.points_px, strict=True):
        point = case.landmarks.points.get(key) if case is not None else None
        if case is None or point is None or not np.isfinite(exact).all():
            error.append(None)
            expected.append(None)
            flagged.append(False)
            continue
        error.append(math.hypot(point.x_px - exact[0], point.y_px - exact[1]))
        expected.append(point.expected_error_px)
        flagged.append(key in case.verdict.points)
    return tuple(error), tuple(expected), tuple(flagged)


def _pairs(
    engine: Engine, film: BenchFilm, results: Sequence[MeasurementResult], case: Case | None
) -> dict[str, Pair]:
    if not film.view:
        return {}
    measured = {result.key: result for result in results}
    pairs = {}
    for key, exact in exact_results(engine, film).items():
        result = measured.get(key)
        low, high = result.interval if result is not None and result.interval is not None else (None, None)
        assert exact.value is not None
        pairs[key] = Pair(
            unit=exact.unit,
            measured=result.value if result is not None else None,
            low=low,
            high=high,
            exact=exact.value,
            scene=film.truth.get(key),
            flagged=case is not None and any(point in case.verdict.points for point in exact.points),
        )
    return pairs


def _difference(measured: float, known: float, unit: str) -> float:
    off = measured - known
    return (off + 180.0) % 360.0 - 180.0 if unit == "deg" else off
