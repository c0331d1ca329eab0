"""Curves of the spine on a frontal film: end vertebrae found automatically, angles and apex.

All take the corners of vertebral bodies in fours (upper right, upper left, lower right, lower left of
the patient), vertebra after vertebra from above to below. A vertebra's tilt is that of its mid-line,
through the middles of its right and left borders, which is steadier than one endplate. The choice
of vertebrae is made on the nominal points and kept for all draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.measure import drawing
from core.measure.geometry import (
    Complexes,
    DegenerateError,
    Frame,
    LineGeo,
    NumberGeo,
    PointGeo,
    Reals,
    cross,
)
from core.measure.results import Shape

_CORNERS = 4

# The sentences of the manual.
_AMONG = "among those with the corners {all}"
LARGEST = f"largest angle between the mid-lines of two vertebrae {_AMONG}"
ABOVE = f"largest angle between the upper end vertebra of the largest curve and a vertebra above it {_AMONG}"
BELOW = f"largest angle between the lower end vertebra of the largest curve and a vertebra below it {_AMONG}"
APEX = f"centre of the vertebra of the largest curve farthest from the line between its ends {_AMONG}"


def cobb(*corners: PointGeo) -> NumberGeo:
    """The largest angle between the mid-lines of any two vertebrae (Cobb 1948, on mid-lines)."""
    upper, lower = _largest(_midlines(corners))
    return _between(corners, upper, lower)


def cobb_above(*corners: PointGeo) -> NumberGeo:
    """The largest angle between the upper end vertebra of the largest curve and a vertebra above it."""
    upper, other = _end_above(_midlines(corners))
    return _between(corners, other, upper)


def cobb_below(*corners: PointGeo) -> NumberGeo:
    """The largest angle between the lower end vertebra of the largest curve and a vertebra below it."""
    lower, other = _end_below(_midlines(corners))
    return _between(corners, lower, other)


def curve_apex(*corners: PointGeo) -> PointGeo:
    """The centre of the vertebra of the largest curve farthest from the line between its ends' centres."""
    upper, lower = _largest(_midlines(corners))
    if lower - upper < 2:
        raise DegenerateError("The largest curve has no vertebra between its ends.")
    centres = _stack(corners).mean(axis=1)
    chord = centres[lower] - centres[upper]
    off = np.abs(cross(chord[None], centres[upper + 1 : lower] - centres[upper])[:, 0])
    apex = upper + 1 + int(np.argmax(off))
    return PointGeo(centres[apex], note=f"Apex {{{_CORNERS * apex}}}.")


def draw_cobb(frame: Frame, result: NumberGeo, *corners: PointGeo) -> tuple[Shape, ...]:
    """Both mid-lines of the largest curve and the angle between them."""
    return _draw(frame, result, corners, *_largest(_midlines(corners)))


def draw_above(frame: Frame, result: NumberGeo, *corners: PointGeo) -> tuple[Shape, ...]:
    """Both mid-lines of the curve above the largest one and the angle between them."""
    upper, other = _end_above(_midlines(corners))
    return _draw(frame, result, corners, other, upper)


def draw_below(frame: Frame, result: NumberGeo, *corners: PointGeo) -> tuple[Shape, ...]:
    """Both mid-lines of the curve below the largest one and the angle between them."""
    lower, other = _end_below(_midlines(corners))
    return _draw(frame, result, corners, lower, other)


def draw_apex(frame: Frame, result: PointGeo, *corners: PointGeo) -> tuple[Shape, ...]:
    """Dashed lines from the corners of the apical vertebra to its centre."""
    sets = [corners[i : i + _CORNERS] for i in range(0, len(corners), _CORNERS)]
    nearest = min(sets, key=lambda four: abs(sum(c.z[0] for c in four) / _CORNERS - result.z[0]))
    return drawing.spokes(frame, result, *nearest)


def _stack(corners: Sequence[PointGeo]) -> Complexes:
    """Corners [vertebrae, 4, draws]."""
    z = np.stack([corner.z for corner in corners])
    return z.reshape(-1, _CORNERS, z.shape[-1])


def _midlines(corners: Sequence[PointGeo]) -> Complexes:
    """Vectors [vertebrae, draws] from the middle of the right border to that of the left one."""
    z = _stack(corners)
    lines: Complexes = (z[:, 1] + z[:, 3] - z[:, 0] - z[:, 2]) / 2
    if not np.abs(lines[:, 0]).min() > 1e-6:
        raise DegenerateError("The right and left border of a vertebra lie on the same spot.")
    return lines


def _turn(lines: Complexes, first: int, second: int) -> Reals:
    """Angle in degrees from one mid-line to another, for all draws."""
    turn: Reals = np.degrees(np.angle(np.conj(lines[first]) * lines[second]))
    return turn


def _largest(lines: Complexes) -> tuple[int, int]:
    nominal = lines[:, 0]
    turns = np.abs(np.angle(np.conj(nominal)[:, None] * nominal[None]))
    upper, lower = np.unravel_index(int(np.argmax(np.triu(turns))), turns.shape)
    if upper == lower:
        raise DegenerateError("All vertebrae have the same tilt: there is no curve.")
    return int(upper), int(lower)


def _end_above(lines: Complexes) -> tuple[int, int]:
    upper, _ = _largest(lines)
    if upper == 0:
        raise DegenerateError("The largest curve begins at the uppermost vertebra: none lies above it.")
    return upper, int(np.argmax([abs(_turn(lines[:, :1], k, upper)[0]) for k in range(upper)]))


def _end_below(lines: Complexes) -> tuple[int, int]:
    _, lower = _largest(lines)
    if lower == len(lines) - 1:
        raise DegenerateError("The largest curve ends at the lowest vertebra: none lies below it.")
    below = range(lower + 1, len(lines))
    return lower, below[int(np.argmax([abs(_turn(lines[:, :1], lower, k)[0]) for k in below]))]


def _between(corners: Sequence[PointGeo], first: int, second: int) -> NumberGeo:
    turn = _turn(_midlines(corners), first, second)
    # Clockwise is positive: from above to below the mid-lines of a curve to the right turn back.
    side = "right" if turn[0] < 0 else "left"
    note = f"{{{_CORNERS * first}}} to {{{_CORNERS * second}}}, convex to the {side}."
    return NumberGeo(np.abs(turn), note=note)


def _draw(
    frame: Frame, result: NumberGeo, corners: Sequence[PointGeo], first: int, second: int
) -> tuple[Shape, ...]:
    z = _stack(corners)
    right, left = (z[:, side] + z[:, side + 2] for side in (0, 1))
    ends = []
    for index in (first, second):
        start, end = right[index] / 2, left[index] / 2
        span = end - start
        ends.append(LineGeo(start, span / np.abs(span), (complex(start[0]), complex(end[0]))))
    shapes: tuple[Shape, ...] = ()
    for line in ends:
        shapes += drawing.line(frame, line)
    return shapes + drawing.angle(frame, result, *ends)
