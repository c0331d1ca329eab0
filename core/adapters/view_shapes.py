"""Shapes of people: the points of some hundred people for each shipped view, of whom no film is kept.

A few references do not tell how people differ, and points take little room. They belong to the definition of
a view, not to a bank: whoever matches with a few references of his own needs them most. ``assets/shapes.npz``
holds for every view ``VIEW.points``, the keys, and ``VIEW.px``, [S, N, 2] in any pixels.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.adapters.atomic import write_bytes
from core.errors import CatalogueError
from core.measure.definitions import Catalogue
from core.resources import resource_path

FloatArray = NDArray[np.float64]

POINTS, PX = ".points", ".px"


def shapes_file() -> Path:
    """The file of shapes that ships with the program."""
    return resource_path("assets", "shapes.npz")


def read_shapes(catalogue: Catalogue, path: Path | None = None) -> dict[str, FloatArray]:
    """Shapes [S, N, 2] by view, points in the order of the view's definition; by default the shipped ones.

    Points that are not listed are NaN, views that the catalogue does not know are left out. Raises
    ``CatalogueError`` for a missing or damaged file.
    """
    path = path or shapes_file()
    try:
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        views = [name.removesuffix(POINTS) for name in arrays if name.endswith(POINTS)]
        listed = {view: _listed(arrays[view + POINTS], arrays[view + PX]) for view in views}
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CatalogueError(
            f"The shapes of the views are damaged or missing: {error}",
            path=path,
            remedy="Install the program again.",
        ) from error
    found = {}
    for key in sorted(listed.keys() & catalogue.views.keys()):
        points, px = listed[key]
        wanted = catalogue.view(key).point_keys
        found[key] = np.full((len(px), len(wanted), 2), np.nan)
        for number, point in enumerate(wanted):
            if point in points:
                found[key][:, number] = px[:, points.index(point)]
    return found


def _listed(points: NDArray[np.generic], px: NDArray[np.generic]) -> tuple[list[str], FloatArray]:
    keys, places = [str(point) for point in points.tolist()], px.astype(np.float64)
    if places.ndim != 3 or places.shape[1:] != (len(keys), 2):
        raise ValueError(f"{len(keys)} points, but places of shape {places.shape}")
    if not np.isfinite(places).all():
        raise ValueError("a point is not a number")
    return keys, places


def save_shapes(path: Path, shapes: Mapping[str, tuple[Sequence[str], FloatArray]]) -> None:
    """Write points by key and shapes [S, N, 2] of every view, to 0.1 pixels. Raises ``WriteError``."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for view in sorted(shapes):
        points, px = shapes[view]
        arrays[view + POINTS] = np.array(points)
        arrays[view + PX] = np.round(px, 1).astype(np.float32)
    buffer = BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_bytes(path, buffer.getvalue())
