"""Shapes that a bank knows beside its films: the points of further people, of whom no film is kept.

A dozen references do not tell how people differ; points take no room. ``shapes.json`` in the bank's folder
lists them by view: the ``points`` by key, and ``shapes`` with x and y of each in turn, in any pixels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.adapters.atomic import write_bytes
from core.errors import BankError
from core.measure.definitions import Catalogue

FloatArray = NDArray[np.float64]

SHAPES = "shapes.json"
FORMAT, VERSION = "orthomatch-shapes", 1
RESTORE = "Restore the bank from its source, or install the program again."


def read_shapes(folder: Path, catalogue: Catalogue) -> dict[str, FloatArray]:
    """Shapes [S, N, 2] of the bank in ``folder`` by view, points in the order of the view's definition.

    Points that are not listed are NaN, views that the catalogue does not know are left out. Empty for a bank
    without shapes. Raises ``BankError`` for a damaged file.
    """
    path = folder / SHAPES
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_bytes())
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise ValueError("another format or version")
        listed = {key: _shapes(item) for key, item in document["views"].items()}
    except OSError as error:
        raise BankError("The bank's shapes cannot be read", path=path, remedy=RESTORE) from error
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise BankError(f"The bank's shapes are damaged: {error}", path=path, remedy=RESTORE) from error
    found = {}
    for key, (points, shapes) in listed.items():
        if key in catalogue.views:
            wanted = catalogue.view(key).point_keys
            found[key] = np.full((len(shapes), len(wanted), 2), np.nan)
            for number, point in enumerate(wanted):
                if point in points:
                    found[key][:, number] = shapes[:, points.index(point)]
    return found


def _shapes(item: Any) -> tuple[list[str], FloatArray]:
    points = [str(point) for point in item["points"]]
    shapes = np.array(item["shapes"], dtype=np.float64).reshape(-1, len(points), 2)
    if not np.isfinite(shapes).all():
        raise ValueError("a point is not a number")
    return points, shapes


def save_shapes(folder: Path, shapes: Mapping[str, tuple[Sequence[str], FloatArray]]) -> None:
    """Write points by key and shapes [S, N, 2] of every view. Raises ``WriteError``."""
    views = {
        key: {"points": list(points), "shapes": np.round(px, 1).reshape(len(px), -1).tolist()}
        for key, (points, px) in shapes.items()
    }
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(item)}" for key, item in views.items())
    head = f'"format": "{FORMAT}", "version": {VERSION}, "views": '
    write_bytes(folder / SHAPES, f"{{{head}{{\n{lines}\n}}}}\n".encode())
