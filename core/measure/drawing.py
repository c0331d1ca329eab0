"""Shapes that show one construction step on the film. Each takes the frame, the result and the inputs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from core.measure.geometry import (
    CircleGeo,
    Complexes,
    Frame,
    Geo,
    LineGeo,
    NumberGeo,
    PointGeo,
    PolylineGeo,
    Reals,
)
from core.measure.results import Arc, Circle, Label, Segment, Shape

Bools = NDArray[np.bool_]

_FAR = 1.0  # an intersection further off both lines than this many of their lengths is not drawn


def _segment(frame: Frame, start: complex, end: complex, *, dashed: bool = False) -> tuple[Shape, ...]:
    if abs(end - start) < 1e-9:
        return ()
    return (Segment(frame.to_film(start), frame.to_film(end), dashed),)


def _at(point: PointGeo) -> complex:
    return complex(point.z[0])


def label(frame: Frame, at: complex) -> Label:
    """The place for the measurement's text; the evaluation fills in the text."""
    return Label(frame.to_film(at), "")


def spokes(frame: Frame, result: PointGeo, *inputs: PointGeo | LineGeo) -> tuple[Shape, ...]:
    """Dashed lines from the points that were used to the point that came out."""
    shapes: tuple[Shape, ...] = ()
    for item in inputs:
        if isinstance(item, PointGeo):
            shapes += _segment(frame, _at(item), _at(result), dashed=True)
        else:
            shapes += _extension(frame, item, _at(result))
    return shapes


def line(frame: Frame, result: LineGeo, *inputs: PointGeo) -> tuple[Shape, ...]:
    """The solid part of a line."""
    return _segment(frame, *result.ends)


def helper_line(frame: Frame, result: LineGeo, *inputs: Geo) -> tuple[Shape, ...]:
    """A line that is constructed rather than seen on the film."""
    return _segment(frame, *result.ends, dashed=True)


def shaft(frame: Frame, result: LineGeo, *inputs: PointGeo) -> tuple[Shape, ...]:
    """The axis, and the widths whose midpoints it joins."""
    shapes = line(frame, result)
    for first, second in zip(inputs[0::2], inputs[1::2], strict=True):
        shapes += _segment(frame, _at(first), _at(second), dashed=True)
    return shapes


def _extension(frame: Frame, of: LineGeo, to: complex) -> tuple[Shape, ...]:
    """The dashed part from the nearer end of a line to ``to``, when that lies outside the line."""
    unit = complex(of.direction[0])
    start, end = sorted(of.ends, key=lambda z: (np.conj(unit) * z).real)
    reach = (np.conj(unit) * to).real
    if reach < (np.conj(unit) * start).real:
        return _segment(frame, start, to, dashed=True)
    if reach > (np.conj(unit) * end).real:
        return _segment(frame, end, to, dashed=True)
    return ()


def crossing(frame: Frame, result: PointGeo, a: LineGeo, b: LineGeo) -> tuple[Shape, ...]:
    """Extensions of both lines to their intersection."""
    return _extension(frame, a, _at(result)) + _extension(frame, b, _at(result))


def circle(frame: Frame, result: CircleGeo, *inputs: PointGeo) -> tuple[Shape, ...]:
    """The fitted circle."""
    return (Circle(frame.to_film(complex(result.centre[0])), frame.length_px(float(result.radius[0]))),)


def radius(frame: Frame, result: NumberGeo, of: CircleGeo) -> tuple[Shape, ...]:
    """The radius drawn to the right of the centre."""
    centre = complex(of.centre[0])
    edge = centre + float(of.radius[0])
    return (*_segment(frame, centre, edge), label(frame, (centre + edge) / 2))


def polyline(frame: Frame, result: PolylineGeo, *inputs: PointGeo) -> tuple[Shape, ...]:
    """The segments of the polyline."""
    shapes: tuple[Shape, ...] = ()
    for start, end in zip(result.vertices[:-1, 0], result.vertices[1:, 0], strict=True):
        shapes += _segment(frame, complex(start), complex(end))
    return shapes


def path_label(frame: Frame, result: NumberGeo, path: PolylineGeo) -> tuple[Shape, ...]:
    """The text at the middle vertex of a polyline."""
    return (label(frame, complex(path.vertices[len(path.vertices) // 2, 0])),)


def distance(frame: Frame, result: NumberGeo, a: PointGeo, b: PointGeo) -> tuple[Shape, ...]:
    """The measured distance."""
    return (*_segment(frame, _at(a), _at(b)), label(frame, (_at(a) + _at(b)) / 2))


def point_to_line(frame: Frame, result: NumberGeo, point: PointGeo, of: LineGeo) -> tuple[Shape, ...]:
    """The perpendicular from a point to a line, and the line's extension if it ends outside."""
    here = _at(point)
    foot = here - 1j * complex(of.direction[0]) * float(result.value[0])
    return (
        *_segment(frame, here, foot),
        *_extension(frame, of, foot),
        label(frame, (here + foot) / 2),
    )


def along(frame: Frame, result: NumberGeo, a: PointGeo, b: PointGeo, of: LineGeo) -> tuple[Shape, ...]:
    """The distance along the line drawn from the first point, closed by the perpendicular to the second."""
    start = _at(a)
    corner_ = start + complex(of.direction[0]) * float(result.value[0])
    return (
        *_segment(frame, start, corner_),
        *_segment(frame, corner_, _at(b), dashed=True),
        label(frame, (start + corner_) / 2),
    )


def closest(first: Complexes, second: Complexes) -> tuple[Reals, complex, complex]:
    """Shortest distance of two polylines [vertices, draws] and the nominal pair of nearest points.

    For segments that do not cross, one of the nearest points is an end point; crossing segments
    have distance zero.
    """
    squares, here, there = _to_segments(first, second)
    back, ends, starts = _to_segments(second, first)
    crossings, meetings = _crossings(first, second)
    shortest = np.minimum(squares.min(axis=0), back.min(axis=0))
    best: Reals = np.where(crossings.any(axis=0), 0.0, np.sqrt(shortest))
    if crossings[:, 0].any():
        meeting = complex(meetings[np.argmax(crossings[:, 0])])
        return best, meeting, meeting
    if squares[:, 0].min() <= back[:, 0].min():
        nearest = int(np.argmin(squares[:, 0]))
        return best, complex(here[nearest]), complex(there[nearest])
    nearest = int(np.argmin(back[:, 0]))
    return best, complex(starts[nearest]), complex(ends[nearest])


def _to_segments(path: Complexes, other: Complexes) -> tuple[Reals, Complexes, Complexes]:
    """Squared distances of vertices of ``path`` from segments of ``other`` [pairs, draws], and nominal ends.

    Real and imaginary parts are kept apart: that is several times quicker than complex products.
    """
    start, span = other[:-1], np.diff(other, axis=0)
    off = path[:, None] - start
    x, y, dx, dy = off.real.copy(), off.imag.copy(), span.real.copy(), span.imag.copy()
    along = (x * dx + y * dy) / np.maximum(dx * dx + dy * dy, 1e-300)
    np.minimum(np.maximum(along, 0.0, out=along), 1.0, out=along)
    x -= along * dx
    y -= along * dy
    vertices = np.broadcast_to(path[:, None, 0], off.shape[:2])
    feet = start[:, 0] + span[:, 0] * along[:, :, 0]
    squares: Reals = (x * x + y * y).reshape(-1, path.shape[1])
    return squares, vertices.ravel(), feet.ravel()


def _crossings(first: Complexes, second: Complexes) -> tuple[Bools, Complexes]:
    """Which pairs of segments cross [pairs, draws], and where their lines meet nominally [pairs]."""
    one, two = np.diff(first, axis=0)[:, None], np.diff(second, axis=0)
    off = second[:-1] - first[:-1, None]
    x, y = off.real.copy(), off.imag.copy()
    x1, y1, x2, y2 = one.real.copy(), one.imag.copy(), two.real.copy(), two.imag.copy()
    sine, s, t = x1 * y2 - y1 * x2, x * y2 - y * x2, x * y1 - y * x1
    size = np.abs(sine)
    inside: Bools = (size > 0) & (s * sine >= 0) & (np.abs(s) <= size) & (t * sine >= 0) & (np.abs(t) <= size)
    with np.errstate(divide="ignore", invalid="ignore"):
        meetings: Complexes = first[:-1, None, 0] + one[:, :, 0] * (s[:, :, 0] / sine[:, :, 0])
    return inside.reshape(-1, first.shape[1]), meetings.ravel()


def gap(frame: Frame, result: NumberGeo, first: PolylineGeo, second: PolylineGeo) -> tuple[Shape, ...]:
    """The shortest connection of two polylines."""
    _, start, end = closest(first.vertices[:, :1], second.vertices[:, :1])
    return (*_segment(frame, start, end), label(frame, (start + end) / 2))


def _arc(frame: Frame, centre: complex, first: complex, second: complex, radius_: float) -> tuple[Shape, ...]:
    """The arc around ``centre`` from direction ``first`` to ``second``, the short way round."""
    middle = frame.to_film(centre)
    degrees = []
    for direction in (first, second):
        x, y = frame.to_film(centre + direction)
        degrees.append(math.degrees(math.atan2(y - middle[1], x - middle[0])))
    sweep = (degrees[1] - degrees[0] + 180.0) % 360.0 - 180.0
    bisector = first + second
    if abs(bisector) < 1e-6:
        bisector = 1j * first
    text = centre + bisector / abs(bisector) * radius_ * 1.3
    return (Arc(middle, frame.length_px(radius_), degrees[0], sweep), label(frame, text))


def _outside(of: LineGeo, point: complex) -> float:
    """How far ``point`` of a line lies from its solid part, 0 when on it."""
    return max(abs(point - of.ends[0]), abs(point - of.ends[1])) - abs(of.ends[1] - of.ends[0])


def angle(frame: Frame, result: NumberGeo, a: LineGeo, b: LineGeo) -> tuple[Shape, ...]:
    """The arc at the lines' intersection, with dashed extensions.

    Where the lines meet far away or never, the first line is copied to the start of the second.
    """
    u, v = complex(a.direction[0]), complex(b.direction[0])
    size_a, size_b = (abs(of.ends[1] - of.ends[0]) for of in (a, b))
    sine = (np.conj(u) * v).imag
    if abs(sine) > 1e-3:
        reach = (np.conj(b.ends[0] - a.ends[0]) * v).imag / sine
        meeting = complex(a.ends[0] + u * reach)
        if min(_outside(a, meeting) / size_a, _outside(b, meeting) / size_b) <= _FAR:
            arc = _arc(frame, meeting, u, v, 0.35 * min(size_a, size_b))
            return _extension(frame, a, meeting) + _extension(frame, b, meeting) + arc
    start = b.ends[0]
    return _segment(frame, start, start + u * size_b, dashed=True) + _arc(frame, start, u, v, 0.5 * size_b)


def corner(frame: Frame, result: NumberGeo, a: PointGeo, vertex: PointGeo, b: PointGeo) -> tuple[Shape, ...]:
    """Both arms and the arc between them."""
    at, first, second = _at(vertex), _at(a) - _at(vertex), _at(b) - _at(vertex)
    size = min(abs(first), abs(second))
    arc = _arc(frame, at, first / abs(first), second / abs(second), 0.35 * size)
    return _segment(frame, at, _at(a)) + _segment(frame, at, _at(b)) + arc
