"""``orthomatch catalogue``: views, points and measurements that the program knows."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from core.adapters.atomic import write_bytes
from core.adapters.views import known_catalogue
from core.measure.definitions import View


def list_catalogue(view_key: str | None, json_file: Path | None, bank: Path | None = None) -> int:
    """Print one view in full or all views in a line each; with ``json_file`` write their definitions.

    Raises ``CatalogueError`` for an unknown view.
    """
    catalogue = known_catalogue(bank)
    views = [catalogue.view(view_key)] if view_key else list(catalogue.views.values())
    if json_file is not None:
        text = json.dumps({"views": [asdict(view) for view in views]}, indent=1, ensure_ascii=False)
        write_bytes(json_file, f"{text}\n".encode())
        return 0
    lines = _view_lines(views[0]) if view_key else _all_lines(views)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _all_lines(views: Iterable[View]) -> Iterable[str]:
    points = measurements = 0
    for view in views:
        points += len(view.points)
        measurements += len(view.measurements)
        counted = f"{len(view.points):3} points {len(view.measurements):3} measurements"
        yield f"{view.key:<20} {view.name:<36} {counted}"
    yield f"{'in all':<57} {points:3} points {measurements:3} measurements"


def _view_lines(view: View) -> Iterable[str]:
    yield f"{view.key}@{view.version}: {view.name}. {view.projection}"
    yield ""
    yield "Points"
    for number, point in enumerate(view.points, start=1):
        yield f"{number:4} {point.key:<40} {point.description}"
    yield ""
    yield "Measurements"
    for measurement in view.measurements:
        yield f"     {measurement.identifier:<40} {measurement.name} [{measurement.unit}]"
