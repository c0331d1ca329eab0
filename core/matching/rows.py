"""Rows of parts that look alike, one after another, as vertebrae: which of them is which.

Every answer may name the neighbour, and where some do, a part of the row comes to lie one place off: two
members share a place, or all lie beside theirs. Shapes and close-ups of both numberings tell better than the
first look which of them it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from core.matching.joint import Shapes

FloatArray = NDArray[np.float64]

Row = tuple[tuple[int, ...], ...]
"""Points of each member by their numbers, from one end to the other; those alike are in the same places."""

LEAST_RUN = 3
"""Members that are moved at least, unless it is those at an end."""

NEAR_PX = 3.0
"""How far a moved member lies from its true place: the neighbours' places that it gets may be between two."""

LIKELIEST, LEAST_LIKELY = 3, -25.0
"""How many numberings are tried of which a part is moved, those likelier than what was found, and how likely
one must be that is moved as a whole: the difference of logarithms."""

ALIKE_PX = 1.5
"""How far two numberings that are both worth trying differ at least, in the mean over all points."""

ELSEWHERE = 0.35
"""Part of the distance to its neighbour by which a member lies elsewhere."""


def rows_among(rows: Sequence[Row], known: NDArray[np.bool_]) -> tuple[Row, ...]:
    """The rows by the numbers of their points among the ``known`` [N].

    Of points alike that one of the members lacks, those of no member are in it; a row without points is left
    out.
    """
    number = np.cumsum(known) - 1
    members = [np.array(row)[:, known[np.array(row)].all(axis=0)] for row in rows]
    return tuple(
        tuple(tuple(int(number[point]) for point in member) for member in row) for row in members if row.size
    )


def slipped(position: FloatArray, row: Row) -> Iterator[tuple[int, FloatArray]]:
    """How many members were moved, and where the row's points lie then, [N, 2] with NaN for all others.

    Members that follow each other are moved one place up or down the row, to where their neighbours are; the
    foremost of them also only halfway, should a place have been left out there. Beyond its ends the row goes
    on as it ended.
    """
    members, count = np.array(row), len(row)
    places = position[members]
    ends = 2.0 * places[[0, -1]] - places[[1, -2]]
    places = np.concatenate([ends[:1], places, ends[1:]])
    for step in (-1, 1):
        for first in range(count):
            for last in range(first, count):
                if first > 0 and last < count - 1 and last - first + 1 < LEAST_RUN:
                    continue
                moved = np.full_like(position, np.nan)
                moved[members] = places[1:-1]
                moved[members[first : last + 1]] = places[first + 1 + step : last + 2 + step]
                yield last - first + 1, moved
                foremost = last if step > 0 else first
                if 0 < foremost < count - 1:
                    halfway = moved.copy()
                    halfway[members[foremost]] = (places[foremost + 1] + places[foremost + 1 + step]) / 2
                    yield last - first + 1, halfway


def likely_slips(position: FloatArray, shapes: Shapes, rows: Sequence[Row]) -> list[FloatArray]:
    """Other numberings of points at ``position`` [N, 2] that are worth a closer look.

    Each is where a row's points lie then, [N, 2] with NaN for all others: these follow.
    """
    likely = []
    for row in rows:
        slips = list(slipped(position, row))
        own, *others = _likelihoods([position, *(places for _, places in slips)], shapes, row)
        parts: list[FloatArray] = []
        for number in np.argsort(others)[::-1]:
            (moved, places), better = slips[number], others[number] - own
            if moved == len(row):
                likely += [places] if better > LEAST_LIKELY else []
            elif better > 0.0 and len(parts) < LIKELIEST and not any(_alike(places, part) for part in parts):
                parts.append(places)
        likely += parts
    return likely


def _likelihoods(placed: Sequence[FloatArray], shapes: Shapes, row: Row) -> list[float]:
    """Logarithms, but for a constant, of how likely a row's points are at places [N, 2]."""
    points = np.array(row).ravel()
    both = (2 * points[:, None] + [0, 1]).ravel()
    blurred = np.linalg.inv(shapes.covariance[np.ix_(both, both)] + NEAR_PX**2 * np.eye(len(both)))
    off = np.array([(places - shapes.middle)[points].ravel() for places in placed])
    return [float(value) for value in -0.5 * np.einsum("ki,ij,kj->k", off, blurred, off, optimize=True)]


def _alike(a: FloatArray, b: FloatArray) -> bool:
    return bool(np.nanmean(np.abs(a - b).max(1)) <= ALIKE_PX)


def numbered_otherwise(found: FloatArray, other: FloatArray, rows: Sequence[Row]) -> bool:
    """Whether any member of a row lies elsewhere in ``other`` than in ``found`` [N, 2], of the same film."""
    for row in rows:
        a, b = (points[np.array(row)].mean(1) for points in (found, other))
        apart = np.median(np.linalg.norm(np.diff(a, axis=0), axis=1))
        if (np.linalg.norm(a - b, axis=1) > ELSEWHERE * apart).any():
            return True
    return False
