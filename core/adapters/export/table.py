"""Results as CSV and JSON. Neither holds patient data."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence

from core.adapters.export.measured import Measured

COLUMNS = (
    "file", "sha256", "frame", "view", "view_conflict", "side", "side_conflict", "status", "confirmed_by",
    "confirmed_at", "measurement", "name", "definition", "value", "unit", "interval_low", "interval_high",
    "reason", "note", "spacing_source", "spacing_detail", "column_mm", "row_mm", "program_version",
    "model_sha256", "bank_sha256",
)  # fmt: skip


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows of any number of films under one heading (RFC 4180: comma, doubled quotes, CR LF)."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return stream.getvalue()


def csv_rows(measured: Measured) -> list[list[object]]:
    """One row a measurement, in the order of ``COLUMNS``; numbers in full, no value as an empty field."""
    case = measured.case
    done, scale, origin = case.confirmation, case.calibration, case.provenance
    head = [
        case.film_path, case.film_sha256, case.frame, case.view, str(case.view_conflict).lower(),
        case.side.side.value, str(case.side.conflict).lower(), measured.status,
        done.by if done else "", done.at if done else "",
    ]  # fmt: skip
    tail = [
        scale.source.value, scale.detail, scale.column_mm, scale.row_mm, origin.program_version,
        origin.model_sha256, origin.bank_sha256,
    ]  # fmt: skip
    rows: list[list[object]] = []
    for result in measured.results:
        low, high = result.interval or (None, None)
        values = [result.key, result.name, result.definition, result.value, result.unit, low, high]
        rows.append([*head, *values, result.reason, result.note, *tail])
    return rows


def json_text(reports: Sequence[dict[str, object]]) -> str:
    """The results file of any number of films."""
    document = {"program": "OrthoMatch", "certified_medical_device": False, "films": reports}
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def film_report(measured: Measured) -> dict[str, object]:
    """One film's results as plain values. Holds no patient data."""
    case, film, results = measured.case, measured.film, measured.results
    origin = case.provenance
    return {
        "file": case.film_path,
        "sha256": case.film_sha256,
        "frame": case.frame,
        "size_px": list(film.size_px),
        "status": measured.status,
        "view": case.view,
        "view_source": case.view_source,
        "view_text": case.view_text,
        "view_conflict": case.view_conflict,
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
