"""Points on a shaft lie where their level says: its outline tells how far across they are, not how far along.

Matching finds the border of a shaft to a fraction of a millimetre, and slides several along it, because it
looks alike there. Where a view defines the level of such points by others (1.5 plateau widths above the
condyles), it is measured, as a reader would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

Numbers = tuple[int, ...]

LEAST_LENGTH_PX = 1.0
"""A shaft whose first and last points lie closer together has no direction."""

STEEPEST = 1.0
"""Slope of a border against its shaft from which its points are not on one."""


@dataclass(frozen=True)
class Shaft:
    """Points of one shaft by their numbers.

    ``borders`` hold a point for every one of the rising ``levels``. A level lies so many units along the
    shaft from the middle of the points ``start``; the unit is the distance of the middles of two sets of
    points. ``beside`` are borders of a neighbouring bone at the first levels: they lie at the levels, too,
    but do not tell the direction of the shaft.
    """

    borders: tuple[Numbers, ...]
    start: Numbers
    unit: tuple[Numbers, Numbers]
    levels: tuple[float, ...]
    beside: tuple[Numbers, ...] = ()

    @property
    def points(self) -> Numbers:
        """All points that the shaft needs."""
        return tuple({*sum((*self.borders, *self.beside), ()), *self.start, *self.unit[0], *self.unit[1]})


def renumbered(shafts: Sequence[Shaft], known: NDArray[np.bool_]) -> tuple[Shaft, ...]:
    """The shafts by the numbers of their points among the ``known`` [N]; those that lack one are left out."""
    number = np.cumsum(known) - 1

    def new(points: Numbers) -> Numbers:
        return tuple(int(number[point]) for point in points)

    return tuple(
        replace(
            shaft,
            borders=tuple(new(border) for border in shaft.borders),
            start=new(shaft.start),
            unit=(new(shaft.unit[0]), new(shaft.unit[1])),
            beside=tuple(new(border) for border in shaft.beside),
        )
        for shaft in shafts
        if all(known[point] for point in shaft.points)
    )


@dataclass(frozen=True, eq=False)
class Levelled:
    """Points put at their levels.

    ``position`` is [N, 2]. ``across`` [N, 2] is the unit direction at right angles to a point's shaft, zero
    for a point that belongs to none, and ``following`` [N, N] what a point's expected error has of others'.
    """

    position: FloatArray
    across: FloatArray
    following: FloatArray

    @property
    def _on_shaft(self) -> NDArray[np.bool_]:
        return np.asarray(self.across.any(axis=1))

    def only_across(self, away: FloatArray) -> FloatArray:
        """The parts of vectors [..., N, 2] that matter: across a shaft where the level is measured."""
        on_shaft = self._on_shaft[:, None]
        across = (away * self.across).sum(-1, keepdims=True) * self.across
        return np.asarray(np.where(on_shaft, across, away))

    def spread(self, covariance: FloatArray) -> FloatArray:
        """Standard deviations [N] by ``covariance`` [N, 2, 2]; on a shaft only that across it matters."""
        across = np.einsum("ni,nij,nj->n", self.across, covariance, self.across)
        total = np.trace(covariance, axis1=1, axis2=2)
        return np.asarray(np.sqrt(np.where(self._on_shaft, across, total)))

    def with_levels(self, expected_error: FloatArray) -> FloatArray:
        """Expected errors [N] with those of the points by which levels are measured."""
        return np.asarray(np.sqrt(expected_error**2 + self.following**2 @ expected_error**2))


def at_levels(
    position: FloatArray,
    shafts: Sequence[Shaft],
    on_film: Callable[[FloatArray], NDArray[np.bool_]] | None = None,
) -> Levelled:
    """Points [N, 2] moved along the borders of their shafts to where their levels lie.

    The borders are straight between their points and beyond; one of a single point runs along the shaft. A
    shaft is left as it is when its points do not lie in the order of its levels along it, or when a level
    lies farther off than the shaft is long: some of them are wrong. So is one whose levels the film does not
    show: ``on_film`` tells of places [n, 2] whether it shows them.
    """
    found, count = position.copy(), len(position)
    across, following = np.zeros((count, 2)), np.zeros((count, count))
    for shaft in shafts:
        ends = [position[[border[end] for border in shaft.borders]].mean(0) for end in (0, -1)]
        length = float(np.linalg.norm(ends[1] - ends[0]))
        if length < LEAST_LENGTH_PX:
            continue
        along = (ends[1] - ends[0]) / length
        side = np.array([-along[1], along[0]])
        borders = (*shaft.borders, *shaft.beside)
        places = [(position[list(border)] @ along, position[list(border)] @ side) for border in borders]
        if any((np.abs(np.diff(off)) >= STEEPEST * np.diff(depth)).any() for depth, off in places):
            continue
        first, second = (position[list(points)].mean(0) for points in shaft.unit)
        unit = float(np.linalg.norm(second - first))
        levels = position[list(shaft.start)].mean(0) @ along + unit * np.array(shaft.levels)
        if any(np.abs(levels[: len(depth)] - depth).max() > length for depth, _ in places):
            continue
        moved = [
            levels[: len(depth), None] * along + _extended(levels[: len(depth)], depth, off)[:, None] * side
            for depth, off in places
        ]
        if on_film is not None and not on_film(np.concatenate(moved)).all():
            continue
        for border, there in zip(borders, moved, strict=True):
            points = list(border)
            found[points], across[points] = there, side
            for point, level in zip(points, shaft.levels, strict=False):
                moves = np.zeros((count, 2))
                moves[list(shaft.start)] += along / len(shaft.start)
                for end, way in zip(shaft.unit, (first - second, second - first), strict=True):
                    moves[list(end)] += level * way / unit / len(end)
                # Errors are distances: half of their squares lie in any one direction.
                following[point] = np.sqrt(0.5) * np.linalg.norm(moves, axis=1)
    return Levelled(found, across, following)


def _extended(x: FloatArray, known_x: FloatArray, known_y: FloatArray) -> FloatArray:
    """Values at ``x`` of the line through known places, straight on beyond its ends; of one place: level."""
    if len(known_x) == 1:
        return np.full(len(x), known_y[0])
    slopes = np.diff(known_y) / np.diff(known_x)
    piece = np.clip(np.searchsorted(known_x, x) - 1, 0, len(slopes) - 1)
    return np.asarray(known_y[piece] + slopes[piece] * (x - known_x[piece]))
