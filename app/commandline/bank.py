"""``orthomatch bank``: list, check and change a bank of references."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.adapters.bank import (
    BankEntry,
    add_reference,
    add_references,
    check_bank,
    load_bank,
    open_or_create,
    remove_reference,
)
from core.adapters.case_file import load_case
from core.adapters.cases_folder import AnnotatedFilm, read_cases
from core.adapters.dicom import read_film
from core.errors import BankError, ReadError
from core.film import Side
from core.measure.definitions import View
from core.measure.evaluate import shows_flipped
from core.measure.loader import load_catalogue


def run_bank(options: argparse.Namespace) -> int:
    """Run one bank action. Returns the exit status."""
    actions = {"list": _list, "check": _check, "import": _import, "add": _add, "remove": _remove}
    return actions[options.action](options)


def _list(options: argparse.Namespace) -> int:
    bank = load_bank(options.bank)
    for entry in bank.entries:
        spacing = f"{entry.spacing_mm:.3f} mm/px" if entry.spacing_mm else "no spacing"
        row = f"{entry.key:<22} {entry.view:<12} {entry.side.value:<6} {len(entry.points):3} points"
        print(f"{row}  {spacing}  {entry.origin}")
    print(f"{len(bank.entries)} references, sha256 {bank.sha256}")
    return 0


def _check(options: argparse.Namespace) -> int:
    bank = load_bank(options.bank)
    problems = check_bank(bank, load_catalogue())
    for problem in problems:
        print(f"orthomatch: {bank.folder}: {problem}", file=sys.stderr)
    if problems:
        return 1
    print(f"{len(bank.entries)} references are sound, sha256 {bank.sha256}")
    return 0


def _import(options: argparse.Namespace) -> int:
    view = load_catalogue().view(options.view)
    films = read_cases(options.cases)
    for film in films:
        keys = film.names or view.point_keys
        if len(keys) != len(film.points_px) or set(keys) - set(view.point_keys):
            raise ReadError(
                f"The set has {len(film.points_px)} points; the view {view.key} has {len(view.point_keys)}",
                path=options.cases,
                remedy="Choose the view whose points were annotated.",
            )
    additions = [(_imported(film, view, options), _pixels_of(film)) for film in films]
    bank = add_references(open_or_create(options.bank), additions)
    print(f"{len(films)} references added to {bank.folder}, now {len(bank.entries)}")
    return 0


def _pixels_of(film: AnnotatedFilm) -> Callable[[], NDArray[np.float32]]:
    return lambda: read_film(film.path).pixels


def _imported(film: AnnotatedFilm, view: View, options: argparse.Namespace) -> BankEntry:
    keys = film.names or view.point_keys
    return BankEntry(
        key=f"{view.key}-{_as_key(film.path.stem)}",
        view=view.key,
        side=Side.BOTH if view.canonical_side is Side.BOTH else Side(options.side),
        image="",
        sha256="",
        size_px=(0, 0),
        points={
            key: (float(x), float(y))
            for key, (x, y) in zip(keys, film.points_px, strict=True)
            if np.isfinite(x) and np.isfinite(y)
        },
        spacing_mm=film.mm_per_px,
        origin=options.origin,
        licence=options.licence,
    )


def _as_key(name: str) -> str:
    """The file name with every character that a key may not hold replaced."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)


def _add(options: argparse.Namespace) -> int:
    case = load_case(options.case)
    if case.is_draft:
        raise BankError(
            "The case is a draft",
            path=options.case,
            remedy="Confirm its points first; only then can others learn from it.",
        )
    film_path = Path(case.film_path)
    if not film_path.exists():
        film_path = options.case.parent / film_path.name
    film = read_film(film_path, frame=case.frame)
    if film.sha256 != case.film_sha256:
        raise BankError(
            "The film is not the one that was measured", path=film_path, remedy="Put the measured film back."
        )
    view = load_catalogue().view(case.view)
    flipped = shows_flipped(view, case.side.side, mirrored=case.side.mirrored)
    points = {key: (point.x_px, point.y_px) for key, point in case.landmarks.points.items()}
    pixels = film.pixels
    if flipped and view.canonical_side is Side.BOTH:
        # There is no other side to call it; the bank keeps the picture as it is usually seen.
        pixels = np.ascontiguousarray(pixels[:, ::-1])
        points = {key: (pixels.shape[1] - 1 - x, y) for key, (x, y) in points.items()}
    spacing = case.calibration.column_mm
    entry = BankEntry(
        key=options.key,
        view=case.view,
        side=view.canonical_side.other if flipped else view.canonical_side,
        image="",
        sha256="",
        size_px=(0, 0),
        points=points,
        spacing_mm=spacing,
        origin=options.origin,
        licence=options.licence,
    )
    bank = add_reference(open_or_create(options.bank), entry, pixels)
    print(
        f"{entry.key} added to {bank.folder}, now {len(bank.entries)} references. Only grey values were "
        "stored: check the image for burnt-in names before you share the bank."
    )
    return 0


def _remove(options: argparse.Namespace) -> int:
    bank = remove_reference(open_or_create(options.bank), options.key)
    print(f"{options.key} removed, {len(bank.entries)} references left")
    return 0
