"""Annotated films become references of a bank: names of points, checks, entries."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.adapters.bank import BankEntry
from core.adapters.cases_folder import AnnotatedFilm
from core.adapters.dicom import read_film
from core.errors import ReadError
from core.film import Side
from core.measure.definitions import View, nearest

Addition = tuple[BankEntry, Callable[[], NDArray[np.float32]]]

LEFT_OUT = "-"
"""In an order of points: a point of the set that the view does not have."""


@dataclass(frozen=True)
class PointNames:
    """How a set calls the view's points.

    ``order`` are the keys of unnamed points in the set's order, ``LEFT_OUT`` for one to leave out; empty
    when the set follows the view. ``renamed`` gives the key for a name of the set, None to leave it out.
    """

    order: tuple[str, ...] = ()
    renamed: Mapping[str, str | None] | None = None


def read_point_names(path: Path) -> PointNames:
    """Names from a JSON file: a list of keys in order, or an object with the key for each name.

    ``null`` leaves a point out. Raises ``ReadError``.
    """
    remedy = 'Write {"their name": "key", ...} or ["key", ...], null for a point to leave out.'
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ReadError("The file of names cannot be read", path=path, remedy=remedy) from error
    except (ValueError, RecursionError) as error:
        raise ReadError(f"The file of names is not valid JSON ({error})", path=path, remedy=remedy) from error
    values = document.values() if isinstance(document, dict) else document
    if not isinstance(document, dict | list) or not all(v is None or isinstance(v, str) for v in values):
        raise ReadError("The file of names is neither a list nor an object", path=path, remedy=remedy)
    if isinstance(document, list):
        return PointNames(order=tuple(LEFT_OUT if key is None else key for key in document))
    return PointNames(renamed=document)


def additions(
    films: Sequence[AnnotatedFilm],
    view: View,
    *,
    side: Side,
    origin: str,
    licence: str,
    names: PointNames | None = None,
    spacing_mm: float | None = None,
) -> list[Addition]:
    """Entries for ``bank.add_references``, with what reads their films.

    ``side`` is the side that the films look like; films of a view of both sides have side both.
    ``spacing_mm`` holds for films that state none. Raises ``ReadError`` for points that the view does not
    have, and on reading for points off the film.
    """
    names = names or PointNames()
    entries = [
        BankEntry(
            key=f"{view.key}-{_as_key(film.path.stem.removesuffix('_image'))}",
            view=view.key,
            side=Side.BOTH if view.canonical_side is Side.BOTH else side,
            image="",
            sha256="",
            size_px=(0, 0),
            points=named_points(film, view, names),
            spacing_mm=film.mm_per_px or spacing_mm,
            origin=origin,
            licence=licence,
        )
        for film in films
    ]
    return [(entry, _pixels_of(film.path, entry)) for film, entry in zip(films, entries, strict=True)]


def named_points(film: AnnotatedFilm, view: View, names: PointNames) -> dict[str, tuple[float, float]]:
    """The film's known points by key of the view, in the view's order. Raises ``ReadError``."""
    if film.names:
        if len(film.names) != len(film.points_px):
            raise ReadError(
                f"{len(film.points_px)} points have {len(film.names)} names",
                path=film.path,
                remedy="Name every point.",
            )
        renamed = names.renamed or {}
        wanted = [renamed.get(name, name) for name in film.names]
    else:
        order = names.order or view.point_keys
        if len(order) != len(film.points_px):
            whose = "--points names" if names.order else f"the view {view.key} has"
            raise ReadError(
                f"The film has {len(film.points_px)} points; {whose} {len(order)}",
                path=film.path,
                remedy=f"Name each point in the set's order with --points ({LEFT_OUT} leaves one out).",
            )
        wanted = [None if key == LEFT_OUT else key for key in order]
    known = {_plain(name): point.key for point in view.points for name in (point.name, point.key)}
    found: dict[str, tuple[float, float]] = {}
    for name, (x, y) in zip(wanted, film.points_px, strict=True):
        if name is None:
            continue
        key = known.get(_plain(name))
        if key is None:
            raise ReadError(
                f"The view {view.key} has no point '{name}'",
                path=film.path,
                remedy=f"{nearest(name, view.point_keys)} Map other names with --mapping.",
            )
        if key in found:
            raise ReadError(f"Point '{key}' is there twice", path=film.path, remedy="Keep one of them.")
        if np.isfinite(x) and np.isfinite(y):
            found[key] = (float(x), float(y))
    if not found:
        raise ReadError("The film shows no point of the view", path=film.path, remedy="Leave it out.")
    return {key: found[key] for key in view.point_keys if key in found}


def _pixels_of(path: Path, entry: BankEntry) -> Callable[[], NDArray[np.float32]]:
    def read() -> NDArray[np.float32]:
        pixels = read_film(path).pixels
        height, width = pixels.shape
        for key, (x, y) in entry.points.items():
            if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
                raise ReadError(
                    f"Point '{key}' at ({x:g}, {y:g}) lies off the film of {width} x {height} pixels",
                    path=path,
                    remedy="Give points as column and row of this very image.",
                )
        return pixels

    return read


def _plain(name: str) -> str:
    return "_".join(name.lower().replace("-", " ").replace("_", " ").replace(",", " ").split())


def _as_key(name: str) -> str:
    """The file name with every character that a key may not hold replaced."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
