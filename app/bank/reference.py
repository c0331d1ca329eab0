"""A confirmed case becomes a reference of a bank: what is refused, what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.adapters.bank import Bank, BankEntry, add_reference, open_or_create
from core.adapters.bank_check import same_film
from core.adapters.views import known_catalogue
from core.burnt_in import Rectangle, blackened
from core.case import Case
from core.errors import BankError
from core.film import Radiograph, Side
from core.measure.definitions import View
from core.measure.evaluate import shows_flipped


def check_case(case: Case, view: View, film: Radiograph, path: Path) -> None:
    """Refuse a case that others cannot learn from. Raises ``BankError`` that names ``path``, its file."""
    if case.is_draft:
        raise BankError(
            "The case is a draft",
            path=path,
            remedy="Confirm its points first; only then can others learn from it.",
        )
    if film.sha256 != case.film_sha256:
        raise BankError(
            "The film is not the one that was measured", path=film.path, remedy="Put the measured film back."
        )
    missing = [point.name for point in view.points if point.key not in case.landmarks]
    if missing:
        named = "; ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise BankError(
            f"A reference needs every point of the view; not placed: {named}",
            path=path,
            remedy="Place them and confirm again.",
        )
    width, height = film.size_px
    for point in view.points:
        at = case.landmarks[point.key]
        if not (-0.5 <= at.x_px <= width - 0.5 and -0.5 <= at.y_px <= height - 0.5):
            raise BankError(
                f"The point '{point.name}' lies off the film",
                path=path,
                remedy="Move it onto the film and confirm again.",
            )


def add_case(
    folder: Path,
    case: Case,
    film: Radiograph,
    *,
    origin: str,
    licence: str,
    blank: Sequence[Rectangle] = (),
    key: str = "",
) -> tuple[Bank, str]:
    """The bank in ``folder`` (made if it is not there) with ``case`` as a reference, and the reference's key.

    Stored are grey values, with ``blank`` blackened, and points: nothing of the film's tags, of its overlay
    planes, of its name or of the reader. Without ``key`` it is the view's with the next free number.
    Raises ``BankError`` for what ``check_case`` refuses, a key in use and a film that the bank holds already,
    ``CatalogueError`` for a view that the bank does not know, and ``WriteError``.
    """
    bank = open_or_create(folder)
    view = known_catalogue(folder).view(case.view)
    check_case(case, view, film, film.path)
    flipped = shows_flipped(view, case.side.side, mirrored=case.side.mirrored)
    points = {name: (case.landmarks[name].x_px, case.landmarks[name].y_px) for name in view.point_keys}
    pixels = blackened(film.pixels, blank)
    if flipped and view.canonical_side is Side.BOTH:
        # There is no other side to call it; the bank keeps the picture as it is usually seen.
        pixels = np.ascontiguousarray(pixels[:, ::-1])
        points = {name: (pixels.shape[1] - 1 - x, y) for name, (x, y) in points.items()}
    known = same_film(pixels, bank, view.key)
    if known is not None:
        raise BankError(
            f"The bank holds this film already, as {known}",
            path=folder,
            remedy=f"To replace it, first take it out: orthomatch bank remove {known}.",
        )
    entry = BankEntry(
        key=key or next_key(bank, view.key),
        view=view.key,
        side=view.canonical_side.other if flipped else view.canonical_side,
        image="",
        sha256="",
        size_px=(0, 0),
        points=points,
        spacing_mm=case.calibration.column_mm,
        origin=origin,
        licence=licence,
    )
    return add_reference(bank, entry, pixels), entry.key


def next_key(bank: Bank, view: str) -> str:
    """The first ``<view>-<number>`` that the bank does not use. It says nothing of the film."""
    used = {entry.key for entry in bank.entries} | {refused.key for refused in bank.refused}
    number = 1
    while f"{view}-{number:03d}" in used:
        number += 1
    return f"{view}-{number:03d}"
