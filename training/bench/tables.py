"""Summaries of measured films by measurement, and the page that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.measure.definitions import Catalogue
from training.bench.published import PUBLISHED
from training.bench.records import AUTOMATIC, GIVEN, FilmRecord, Pair


@dataclass(frozen=True)
class MeasurementSummary:
    """One measurement over all films of a view that have an exact value.

    ``missing`` is the share without a measured value (refused or not found films among them); the errors
    are those of the others: mean, median and 95th percentile of the absolute ones, ``bias`` the mean signed
    one, ``mean_unflagged`` the mean absolute one where no point was marked, ``mean_scene`` against the body
    in 3-D (which differs by the projection), ``spread`` the standard deviation of the exact values,
    which is what a guess would be wrong by. ``coverage`` is that of the 90 % intervals, ``half_width``
    the median half of their width.
    """

    unit: str
    films: int
    missing: float
    mean: float | None
    median: float | None
    worst_5_percent: float | None
    bias: float | None
    spread: float
    mean_unflagged: float | None
    mean_scene: float | None
    coverage: float | None
    half_width: float | None
    flagged: float


def summarise(pairs: Sequence[Pair]) -> MeasurementSummary:
    """The summary of one measurement; ``pairs`` has one film's each and is not empty."""
    errors = np.array([np.nan if (e := pair.error()) is None else e for pair in pairs])
    measured = np.isfinite(errors)
    size = np.abs(errors[measured])
    unmarked = np.abs(errors[measured & ~np.array([pair.flagged for pair in pairs])])
    scene = [abs(e) for pair in pairs if (e := pair.error(scene=True)) is not None]
    covered = [c for pair in pairs if (c := pair.covered()) is not None]
    halves = [(p.high - p.low) / 2 for p in pairs if p.low is not None and p.high is not None]
    some = bool(measured.any())
    return MeasurementSummary(
        unit=pairs[0].unit,
        films=len(pairs),
        missing=float(1.0 - measured.mean()),
        mean=float(size.mean()) if some else None,
        median=float(np.median(size)) if some else None,
        worst_5_percent=float(np.percentile(size, 95)) if some else None,
        bias=float(errors[measured].mean()) if some else None,
        spread=float(np.std([pair.exact for pair in pairs])),
        mean_unflagged=float(unmarked.mean()) if len(unmarked) else None,
        mean_scene=float(np.mean(scene)) if scene else None,
        coverage=float(np.mean(covered)) if covered else None,
        half_width=float(np.median(halves)) if halves else None,
        flagged=float(np.mean([pair.flagged for pair in pairs])),
    )


def by_measurement(records: Sequence[FilmRecord], catalogue: Catalogue) -> dict[str, MeasurementSummary]:
    """Summaries of one view's films, in the order of the catalogue. A measurement with mixed units
    (films with and without spacing) is summarised over the films of its more common unit.
    """
    out = {}
    for definition in catalogue.view(records[0].view).measurements:
        pairs = [record.pairs[definition.key] for record in records if definition.key in record.pairs]
        if pairs:
            units = [pair.unit for pair in pairs]
            common = max(sorted(set(units)), key=units.count)
            out[definition.key] = summarise([pair for pair in pairs if pair.unit == common])
    return out


def tables(records: Sequence[FilmRecord], catalogue: Catalogue) -> dict[str, Any]:
    """Summaries by source, way, view and measurement."""
    out: dict[str, Any] = {}
    for record in records:
        out.setdefault(record.source, {}).setdefault(record.way, {}).setdefault(record.view, []).append(
            record
        )
    return {
        source: {
            way: {view: by_measurement(films, catalogue) for view, films in views.items()}
            for way, views in ways.items()
        }
        for source, ways in out.items()
    }


def markdown(report: dict[str, Any], catalogue: Catalogue) -> str:
    """The tables as a page."""
    head, trust = report["header"], report["confidence"]
    parts = [
        "# Errors of measurements\n",
        f"Version {head['version']}, commit {head['commit']}, model `{head['model_sha256'][:12]}`, bank "
        f"`{head['bank_sha256'][:12]}`, {head['settings']['films']} simulated films a view, split "
        f"{head['settings']['split']}, seed {head['settings']['seed']}.\n",
        "Absolute errors against the same construction on the exact points. *Scene* is the mean error "
        "against the value of the body in 3-D, from which the film differs by the projection. *Spread* is "
        "the standard deviation of the exact values: what a guess of the mean would be wrong by. *Covered* "
        "is the share of 90 % intervals that hold the exact value, *± half* their median half width, "
        "*marked* the share of films on which a point of the measurement is marked as needing a look. "
        "*Paper* is the error that Eschweiler et al. show for ten references, on real films against a "
        "reader; *readers* is the difference of their readers.\n",
        _beside_published(report["measurements"], catalogue),
    ]
    for source, ways in report["measurements"].items():
        for way, views in ways.items():
            overall = trust[way].get(source, {}).get("all")
            parts.append(f"## Films: {source}; view {way}\n")
            if way == AUTOMATIC:
                share = report["recognised"][source]["all"]
                parts.append(f"View recognised on {_percent(share)} % of the films.\n")
            if overall is not None:
                parts.append(trust_line(overall) + "\n")
            for view, lines in views.items():
                parts.append(f"### {catalogue.view(view).name}\n")
                parts.append(_table(view, lines, catalogue) + "\n")
    return "\n".join(parts)


def trust_line(overall: dict[str, Any]) -> str:
    """A summary of ``confidence`` in two sentences."""
    points, intervals = overall["points"], overall["intervals"]
    return (
        f"Points: mean error {_number(points['mean_mm'])} mm, median {_number(points['median_mm'])} mm "
        f"({points['points']} points); of the {points['wrong']} wrong by more than 10 mm "
        f"{_percent(points['flagged'])} % marked, of the others {_percent(points['false_alarms'])} %. "
        f"90 % intervals cover {_percent(intervals['coverage'])} % ({intervals['intervals']} intervals)."
    )


def _beside_published(measurements: dict[str, Any], catalogue: Catalogue) -> str:
    """The measurements that the paper has too, from all sources with the view given."""
    columns = ("view", "measurement", "unit", "films", "source", "mean", "median", "paper", "readers")
    rows = []
    for source, ways in measurements.items():
        for view, lines in ways.get(GIVEN, {}).items():
            names = {m.key: m.name for m in catalogue.view(view).measurements}
            rows += [
                f"| {catalogue.view(view).name} | {names[key]} | {line.unit} | {line.films} | {source} "
                f"| {_number(line.mean)} | {_number(line.median)} "
                f"| {PUBLISHED[key].ten_references} | {PUBLISHED[key].readers} |"
                for key, line in lines.items()
                if key in PUBLISHED
            ]
    if not rows:
        return ""
    head = [f"| {' | '.join(columns)} |", "|---|---|---|---:|---|---:|---:|---:|---:|"]
    return "## Beside published figures\n\n" + "\n".join([*head, *rows]) + "\n"


_COLUMNS = (
    "measurement", "unit", "films", "missing %", "mean", "median", "95 %", "bias", "spread", "unmarked mean",
    "scene", "covered %", "± half", "marked %", "paper", "readers",
)  # fmt: skip


def _table(view: str, lines: dict[str, MeasurementSummary], catalogue: Catalogue) -> str:
    names = {m.key: m.name for m in catalogue.view(view).measurements}
    rows = [f"| {' | '.join(_COLUMNS)} |", "|" + "---|" + "---:|" * (len(_COLUMNS) - 1)]
    for key, line in lines.items():
        paper = PUBLISHED.get(key)
        cells = [
            names[key],
            line.unit,
            str(line.films),
            _percent(line.missing),
            *(_number(v) for v in (line.mean, line.median, line.worst_5_percent, line.bias, line.spread)),
            _number(line.mean_unflagged),
            _number(line.mean_scene),
            _percent(line.coverage),
            _number(line.half_width),
            _percent(line.flagged),
            _number(paper.ten_references if paper else None),
            _number(paper.readers if paper else None),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 0.2 else f"{value:.2f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f}"
