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


Listed = dict[str, tuple[list[str], FloatArray]]
"""Points by key and their places [S, N, 2], by view, as a file lists them."""


def read_shapes(folder: Path, catalogue: Catalogue) -> dict[str, FloatArray]:
    """Shapes [S, N, 2] of the bank in ``folder`` by view, points in the order of the view's definition.

    Points that are not listed are NaN, views that the catalogue does not know are left out. Empty for a bank
    without shapes. Raises ``BankError`` for a damaged file.
    """
    found = {}
    for key, (points, shapes) in listed_shapes(folder).items():
        if key in catalogue.views:
            wanted = catalogue.view(key).point_keys
            found[key] = np.full((len(shapes), len(wanted), 2), np.nan)
            for number, point in enumerate(wanted):
                if point in points:
                    found[key][:, number] = shapes[:, points.index(point)]
    return found


def listed_shapes(folder: Path) -> Listed:
    """What the bank in ``folder`` lists, empty without shapes. Raises ``BankError`` for a damaged file."""
    path = folder / SHAPES
    if not path.exists():
        return {}
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BankError("The bank's shapes cannot be read", path=path, remedy=RESTORE) from error
    return parse_shapes(data, path, RESTORE)


def parse_shapes(data: bytes, path: Path, remedy: str) -> Listed:
    """What ``data``, of the file at ``path``, lists. Raises ``BankError`` with the remedy if damaged."""
    try:
        document = json.loads(data)
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise ValueError("another format or version")
        return {key: _shapes(item) for key, item in document["views"].items()}
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise BankError(f"The bank's shapes are damaged: {error}", path=path, remedy=remedy) from error


def join_shapes(own: Listed, other: Listed, path: Path) -> Listed:
    """The shapes of both, those that are the same once.

    Raises ``BankError``, which names the file at ``path``, when a view's points differ between both.
    """
    joined = dict(own)
    for key, (points, shapes) in other.items():
        if key not in joined:
            joined[key] = points, shapes
            continue
        known, there = joined[key]
        if set(known) != set(points):
            raise BankError(
                f"The bank knows shapes of the view {key} with other points",
                path=path,
                remedy="Unpack the file into a folder of its own.",
            )
        shapes = shapes[:, [points.index(point) for point in known]]
        new = [shape for shape in shapes if not any(np.array_equal(shape, old) for old in there)]
        joined[key] = known, np.concatenate([there, *[shape[None] for shape in new]])
    return joined


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
