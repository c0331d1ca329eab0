"""``orthomatch measure`` and ``orthomatch export``: films or saved cases in, results out."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from app.backend import Backend
from app.commandline.outputs import Outputs, labels_of
from core.adapters.case_file import load_case
from core.adapters.dicom import read_film
from core.adapters.export.measured import Measured
from core.adapters.sources import list_films
from core.adapters.views import known_catalogue
from core.engine import Engine, measure_case
from core.errors import CatalogueError, OrthoMatchError
from core.film import Side
from core.measure.results import format_value

WRONG_USAGE = 2


def measure_files(options: argparse.Namespace, view: str | None, side: Side | None) -> int:
    """Measure every film; a failed one is reported and the others go on. Returns the exit status."""
    engine = Engine.open(options.bank)
    if view is not None:
        try:
            engine.catalogue.view(view)
        except CatalogueError as error:
            return _wrong(str(error))
    films: list[Path] = []
    failed = False
    for path in options.files:
        try:
            films += [entry.path for entry in list_films(path)]
        except OrthoMatchError as error:
            failed = True
            _tell(error, path)
    outputs = Outputs.of(options, films)
    if outputs.complaint():
        return _wrong(outputs.complaint())
    for path, label in zip(films, labels_of(films), strict=True):
        try:
            film = read_film(path)
            case = engine.analyse(film, view=view, side=side, references=options.references)
            measured = Measured(case, film, engine.measure(case), engine.catalogue.view(case.view))
        except OrthoMatchError as error:
            failed = True
            _tell(error, path)
            continue
        _print(measured)
        outputs.add(measured, label)
    outputs.finish()
    return 1 if failed or outputs.failed else 0


def export_cases(options: argparse.Namespace) -> int:
    """Write the results of saved cases; a failed one is reported and the others go on."""
    catalogue, failed = known_catalogue(), False
    outputs = Outputs.of(options, [*options.cases, *_films_of(options.cases)])
    if outputs.complaint() or not outputs.wanted:
        return _wrong(outputs.complaint() or "say what to write, for example --csv results.csv")
    for path, label in zip(options.cases, labels_of(options.cases), strict=True):
        try:
            case, film = Backend().open_case(path)
            measured = Measured(case, film, measure_case(catalogue, case), catalogue.view(case.view))
        except OrthoMatchError as error:
            failed = True
            _tell(error, path)
            continue
        outputs.add(measured, label)
    outputs.finish()
    return 1 if failed or outputs.failed else 0


def _films_of(cases: list[Path]) -> list[Path]:
    """Where the films of the cases may be. A case that cannot be read is told of when it is its turn."""
    films: list[Path] = []
    for path in cases:
        with contextlib.suppress(OrthoMatchError):
            film = Path(load_case(path).film_path)
            films += [film, path.parent / film.name, path.parent / film]
    return films


def _wrong(text: str) -> int:
    print(f"orthomatch: {text}", file=sys.stderr)
    return WRONG_USAGE


def _tell(error: OrthoMatchError, path: Path) -> None:
    print(f"orthomatch: {error if error.path else f'{path}: {error}'}", file=sys.stderr)


def _print(measured: Measured) -> None:
    case, view = measured.case, measured.view
    views, sides = (" CONFLICT" if doubt else "" for doubt in (case.view_conflict, case.side.conflict))
    print(f"{case.film_path}\n  {view.name} ({case.view_text}){views}")
    print(f"  {case.side.side.value} ({case.side.text}){sides}")
    print(f"  {case.verdict.level.value}: {case.verdict.text}")
    print(f"  spacing: {case.calibration.detail}")
    for note in measured.film.notes:
        print(f"  note: {note}")
    for result in measured.results:
        if result.value is None:
            print(f"  {result.name:<52} -  {result.reason}")
            continue
        interval = ""
        if result.interval is not None:
            low, high = (format_value(value, result.unit) for value in result.interval)
            interval = f"  90 %: {low} to {high}"
        print(f"  {result.name:<52} {format_value(result.value, result.unit):>10}{interval}")
    print(
        f"  draft, {len(case.provenance.references)} references, {case.provenance.provider}, "
        f"{case.provenance.elapsed_ms:.0f} ms"
    )
