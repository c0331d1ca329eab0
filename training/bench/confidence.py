"""Whether the program knows how far it can be trusted: ``python -m training.bench.confidence FILE ...``.

FILE is the JSON of ``python -m training.bench.measurements``. Prints, by view and in all, how many of the
points wrong by more than 10 mm the program marks, how many of the others, and how often the 90 % intervals
of measurements hold the exact value.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from core.matching.confidence import LOOK_BEYOND_MM
from training.bench.program import save_json
from training.bench.records import AUTOMATIC, GIVEN, FilmRecord

FloatArray = NDArray[np.float64]

WRONG_MM = 10.0
EXPECTED_MM = LOOK_BEYOND_MM
ALARMS = 0.10
"""Share of sound points that may be marked."""


@dataclass(frozen=True)
class PointSummary:
    """Points against what the program says of them. Shares are 0..1, None where there is nothing to count.

    ``flagged`` is the share of points wrong by more than ``WRONG_MM`` that the program asks to look at, and
    ``false_alarms`` that among the others. The fields ``by_expected`` use an expected error above
    ``EXPECTED_MM`` in place of the program's mark. ``at_tenth`` is the share of wrong points that would be
    caught if the marks were set by expected error so that ``ALARMS`` of the others are marked, which is
    everything above ``tenth_mm``. ``mean_expected_mm`` against ``mean_mm`` tells whether the
    expected errors are right on the whole, ``rank_correlation`` whether they tell points apart.
    """

    points: int
    wrong: int
    mean_mm: float | None
    median_mm: float | None
    mean_expected_mm: float | None
    rank_correlation: float | None
    flagged: float | None
    false_alarms: float | None
    flagged_by_expected: float | None
    false_alarms_by_expected: float | None
    flagged_at_tenth: float | None
    tenth_mm: float | None


@dataclass(frozen=True)
class IntervalSummary:
    """How often 90 % intervals hold the exact value, over ``intervals`` of them, by unit too."""

    intervals: int
    coverage: float | None
    coverage_by_unit: dict[str, float]


def point_summary(records: Iterable[FilmRecord]) -> PointSummary:
    """Over all points of films with a spacing, of which the true and the found place are known."""
    error, expected, marked = _points(records)
    wrong = error > WRONG_MM
    alarm = expected > EXPECTED_MM
    some = bool(len(error))
    tenth = float(np.quantile(expected[~wrong], 1.0 - ALARMS)) if (~wrong).any() else None
    return PointSummary(
        points=len(error),
        wrong=int(wrong.sum()),
        mean_mm=float(error.mean()) if some else None,
        median_mm=float(np.median(error)) if some else None,
        mean_expected_mm=float(expected.mean()) if some else None,
        rank_correlation=_rank_correlation(error, expected),
        flagged=_share(marked, wrong),
        false_alarms=_share(marked, ~wrong),
        flagged_by_expected=_share(alarm, wrong),
        false_alarms_by_expected=_share(alarm, ~wrong),
        flagged_at_tenth=_share(expected > tenth, wrong) if tenth is not None else None,
        tenth_mm=tenth,
    )


def interval_summary(records: Iterable[FilmRecord]) -> IntervalSummary:
    """Over all measurements that have an interval and an exact value."""
    by_unit: dict[str, list[bool]] = {}
    for record in records:
        for pair in record.pairs.values():
            covered = pair.covered()
            if covered is not None:
                by_unit.setdefault(pair.unit, []).append(covered)
    every = [covered for unit in by_unit.values() for covered in unit]
    return IntervalSummary(
        intervals=len(every),
        coverage=float(np.mean(every)) if every else None,
        coverage_by_unit={unit: float(np.mean(found)) for unit, found in sorted(by_unit.items())},
    )


def summary(records: Sequence[FilmRecord]) -> dict[str, Any]:
    """Points and intervals by source, then ``all`` and by view."""
    out: dict[str, Any] = {}
    for source in sorted({record.source for record in records}):
        own = [record for record in records if record.source == source]
        views = sorted({record.view for record in own})
        groups = {"all": own} | {view: [r for r in own if r.view == view] for view in views}
        out[source] = {
            name: {"points": asdict(point_summary(group)), "intervals": asdict(interval_summary(group))}
            for name, group in groups.items()
        }
    return out


def load_records(path: Path) -> list[FilmRecord]:
    """The films of a saved result. Raises ``ValueError`` for a file of another kind."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["records"]
        return [FilmRecord.from_json(item) for item in listed]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} holds no films; make it with python -m training.bench.measurements"
        ) from error


def _points(records: Iterable[FilmRecord]) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Errors and expected errors in mm, and the program's marks, of all points that have them."""
    rows = [
        (error * record.mm_per_px, expected * record.mm_per_px, mark)
        for record in records
        if record.mm_per_px is not None
        for error, expected, mark in zip(record.error_px, record.expected_px, record.flagged, strict=True)
        if error is not None and expected is not None
    ]
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2] > 0


def _share(marked: NDArray[np.bool_], among: NDArray[np.bool_]) -> float | None:
    return float(marked[among].mean()) if among.any() else None


def _rank_correlation(first: FloatArray, second: FloatArray) -> float | None:
    """Spearman's; None for fewer than three points, or where one of both is always the same."""
    if len(first) < 3 or np.ptp(first) < 1e-9 or np.ptp(second) < 1e-9:
        return None
    return float(np.asarray(np.corrcoef(rankdata(first), rankdata(second)))[0, 1])


def _row(name: str, line: dict[str, Any]) -> str:
    points, intervals = line["points"], line["intervals"]

    def percent(share: float | None) -> str:
        return "-" if share is None else f"{100 * share:.0f}"

    return (
        f"{name:<24} points {points['points']:>6}, wrong {points['wrong']:>4}: "
        f"marked {percent(points['flagged']):>3} %, false alarms {percent(points['false_alarms']):>3} %, "
        f"intervals {intervals['intervals']:>6} cover {percent(intervals['coverage']):>3} %"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.bench.confidence", description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--way", choices=(GIVEN, AUTOMATIC), default=GIVEN, help="view given or recognised")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(arguments)
    try:
        records = [r for path in args.files for r in load_records(path) if r.way == args.way]
    except (OSError, ValueError) as error:
        parser.error(str(error))
    report = summary(records)
    for source, groups in report.items():
        print(source)
        for name, line in groups.items():
            print("  " + _row(name, line))
    if args.json:
        save_json(args.json, report)


if __name__ == "__main__":
    main()
