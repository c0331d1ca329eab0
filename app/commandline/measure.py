"""``orthomatch measure``: films in, JSON, overlay and report out."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2

from core.adapters.atomic import write_bytes
from core.adapters.sources import list_films
from core.case import Case
from core.engine import Engine
from core.errors import CatalogueError, OrthoMatchError
from core.film import Radiograph, Side
from core.measure.results import MeasurementResult, format_value
from core.overlay import overlay_image

WRONG_USAGE = 2


def measure_files(options: argparse.Namespace, view: str | None, side: Side | None) -> int:
    """Measure every film; a failed one is reported and the others go on. Returns the exit status."""
    engine = Engine.open(options.bank)
    if view is not None:
        try:
            engine.catalogue.view(view)
        except CatalogueError as error:
            print(f"orthomatch: {error}", file=sys.stderr)
            return WRONG_USAGE
    films: list[tuple[Path, int]] = []
    failed = False
    for path in options.files:
        try:
            films += [(entry.path, 0) for entry in list_films(path)]
        except OrthoMatchError as error:
            failed = True
            print(f"orthomatch: {error}", file=sys.stderr)
    labels = _labels([path for path, _ in films])
    reports: list[dict[str, object]] = []
    for (path, frame), label in zip(films, labels, strict=True):
        try:
            reports.append(_measure_one(engine, path, frame, options, view, side, label))
        except OrthoMatchError as error:
            failed = True
            print(f"orthomatch: {error if error.path else f'{path}: {error}'}", file=sys.stderr)
    if options.json is not None and reports:
        document = {"program": "OrthoMatch", "certified_medical_device": False, "films": reports}
        write_bytes(options.json, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())
    return 1 if failed else 0


def _measure_one(
    engine: Engine,
    path: Path,
    frame: int,
    options: argparse.Namespace,
    view: str | None,
    side: Side | None,
    label: str,
) -> dict[str, object]:
    from core.adapters.dicom import read_film

    film = read_film(path, frame=frame)
    case = engine.analyse(film, view=view, side=side, references=options.references)
    results = engine.measure(case)
    _print(engine, film, case, results)
    if options.overlay is not None:
        picture = overlay_image(film, case, results, crop_to_points=True)
        done, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        assert done
        write_bytes(_named(options.overlay, label), data.tobytes())
    if options.pdf is not None:
        from core.adapters.pdf import write_report

        definition = engine.catalogue.view(case.view)
        names = {point.key: point.name for point in definition.points}
        write_report(_named(options.pdf, label), case, film, results, definition.name, names)
    return film_report(film, case, results)


def _labels(films: list[Path]) -> list[str]:
    """What sets each film's outputs apart: nothing for a single film, else its name, with a number
    where films of several folders share one.
    """
    if len(films) == 1:
        return [""]
    labels: list[str] = []
    for film in films:
        label, number = film.stem, 2
        while label.casefold() in {other.casefold() for other in labels}:
            label, number = f"{film.stem}-{number}", number + 1
        labels.append(label)
    return labels


def _named(wanted: Path, label: str) -> Path:
    """The output path with the film's label in it."""
    return wanted.with_name(f"{wanted.stem}-{label}{wanted.suffix}") if label else wanted


def film_report(film: Radiograph, case: Case, results: tuple[MeasurementResult, ...]) -> dict[str, object]:
    """One film's results as plain values. Holds no patient data."""
    origin = case.provenance
    return {
        "file": case.film_path,
        "sha256": case.film_sha256,
        "frame": case.frame,
        "size_px": list(film.size_px),
        "status": "draft" if case.is_draft else "confirmed",
        "view": case.view,
        "view_source": case.view_source,
        "side": case.side.side.value,
        "side_source": case.side.source,
        "side_text": case.side.text,
        "side_conflict": case.side.conflict,
        "stored_mirrored": case.side.mirrored,
        "verdict": case.verdict.level.value,
        "verdict_text": case.verdict.text,
        "look_at": list(case.verdict.points),
        "notes": list(film.notes),
        "spacing": {
            "source": case.calibration.source.value,
            "detail": case.calibration.detail,
            "column_mm": case.calibration.column_mm,
            "row_mm": case.calibration.row_mm,
        },
        "points": [
            {
                "name": key,
                "x": point.x_px,
                "y": point.y_px,
                "expected_error_px": point.expected_error_px,
                "spread_px": point.spread_px,
                "confidence": point.confidence,
                "edited": point.edited,
            }
            for key, point in case.landmarks.points.items()
        ],
        "measurements": [
            {
                "key": result.key,
                "name": result.name,
                "value": result.value,
                "unit": result.unit,
                "interval": list(result.interval) if result.interval else None,
                "reason": result.reason,
                "note": result.note,
                "definition": result.definition,
            }
            for result in results
        ],
        "provenance": {
            "program_version": origin.program_version,
            "model_sha256": origin.model_sha256,
            "bank_sha256": origin.bank_sha256,
            "provider": origin.provider,
            "references": list(origin.references),
            "elapsed_ms": origin.elapsed_ms,
        },
    }


def _print(engine: Engine, film: Radiograph, case: Case, results: tuple[MeasurementResult, ...]) -> None:
    view = engine.catalogue.view(case.view)
    conflict = " CONFLICT" if case.side.conflict else ""
    print(f"{case.film_path}\n  {view.name}, {case.side.side.value} ({case.side.text}){conflict}")
    print(f"  {case.verdict.level.value}: {case.verdict.text}")
    print(f"  spacing: {case.calibration.detail}")
    for note in film.notes:
        print(f"  note: {note}")
    for result in results:
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
