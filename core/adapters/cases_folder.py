"""Annotated films as research sets keep them: a folder with images and ``landmarks.json``.

The file lists {file, width, height, landmarks [[x, y], ...]} with optional ``mm_per_px``, ``group``
(films that may show the same patient), ``side`` and ``names`` of the points. Pixel centres are at integers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from core.errors import ReadError
from core.film import Side

LANDMARKS = "landmarks.json"
LAYOUT = "Give a folder with images and a landmarks.json."


@dataclass(frozen=True, eq=False)
class AnnotatedFilm:
    """One film of such a set. ``points_px`` is [N, 2] (x, y), NaN where the set gives null.

    ``width_px`` is known of films with a ``side``.
    """

    path: Path
    points_px: NDArray[np.float64]
    names: tuple[str, ...]
    mm_per_px: float | None
    group: str
    height_px: int
    side: Side | None = None
    width_px: int | None = None


def read_cases(folder: Path) -> list[AnnotatedFilm]:
    """The annotated films of a folder, in file order. Raises ``ReadError``."""
    path = folder / LANDMARKS
    try:
        listed = json.loads(path.read_bytes())
    except OSError as error:
        raise ReadError("The list of landmarks cannot be read", path=path, remedy=LAYOUT) from error
    except (ValueError, RecursionError) as error:
        raise ReadError("The list of landmarks is not valid JSON", path=path, remedy=LAYOUT) from error
    if not isinstance(listed, list) or not listed:
        raise ReadError("The list of landmarks holds no films", path=path, remedy=LAYOUT)
    films = [_film(item, number, folder, path) for number, item in enumerate(listed, 1)]
    counts = {len(film.points_px) for film in films}
    if len(counts) > 1:
        raise ReadError(
            f"The films have different numbers of points ({sorted(counts)})", path=path, remedy=LAYOUT
        )
    return films


def _film(item: object, number: int, folder: Path, path: Path) -> AnnotatedFilm:
    try:
        if not isinstance(item, dict):
            raise TypeError("not an object")
        name = PurePosixPath(str(item["file"]))
        if name.is_absolute() or ".." in name.parts:
            raise ValueError("the file lies outside the folder")
        points = np.array(
            [(np.nan, np.nan) if p is None else (float(p[0]), float(p[1])) for p in item["landmarks"]],
            dtype=np.float64,
        ).reshape(-1, 2)
        if not len(points):
            raise ValueError("no points")
        if not all(
            p is None or np.isfinite(pair).all() for p, pair in zip(item["landmarks"], points, strict=True)
        ):
            raise ValueError("a point is not a number; write null for an unknown one")
        spacing = item.get("mm_per_px")
        if spacing is not None and not 0 < float(spacing) < 10:
            raise ValueError(f"mm_per_px is {spacing}")
        side = item.get("side")
        return AnnotatedFilm(
            path=folder / name,
            points_px=points,
            names=tuple(str(n) for n in item.get("names", ())),
            mm_per_px=None if spacing is None else float(spacing),
            group=str(item.get("group", item["file"])),
            height_px=int(item["height"]),
            side=None if side is None else Side(side),
            width_px=None if side is None else int(item["width"]),
        )
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise ReadError(f"Film {number} of the list is wrong ({error})", path=path, remedy=LAYOUT) from error
