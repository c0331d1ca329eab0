"""The vocabulary of constructions: what each takes and gives, its computation and its drawing.

Every operation is pure. The computation works on all draws at once (see ``geometry``) and raises
``DegenerateError`` when the nominal points do not determine the result; single draws may still give
NaN, which the caller drops. The drawing shows the nominal construction in film pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from core.measure import curves, drawing
from core.measure.geometry import (
    CircleGeo,
    Complexes,
    DegenerateError,
    Frame,
    Geo,
    Kind,
    LineGeo,
    NumberGeo,
    PointGeo,
    PolylineGeo,
    Reals,
    cross,
    dot,
)
from core.measure.results import Shape

_PARALLEL_SINE = 1e-6


@dataclass(frozen=True)
class Operation:
    """One entry of the vocabulary.

    ``check`` maps the kinds of the inputs to the kind of the result, or to a sentence that says what
    it takes instead. ``compute`` and ``draw`` take the inputs in order; ``words`` is the sentence of
    the manual, with ``{0}``, ``{1}`` ... or ``{all}`` for the inputs.
    """

    name: str
    check: Callable[[Sequence[Kind]], Kind | str]
    compute: Callable[..., Geo]
    draw: Callable[..., tuple[Shape, ...]]
    words: str


def _takes(*kinds: Kind, gives: Kind) -> Callable[[Sequence[Kind]], Kind | str]:
    def check(inputs: Sequence[Kind]) -> Kind | str:
        return gives if tuple(inputs) == kinds else f"takes {', '.join(kinds)}"

    return check


def _points(at_least: int, gives: Kind, *, pairs: bool = False) -> Callable[[Sequence[Kind]], Kind | str]:
    def check(inputs: Sequence[Kind]) -> Kind | str:
        fits = len(inputs) >= at_least and all(kind is Kind.POINT for kind in inputs)
        if fits and not (pairs and len(inputs) % 2):
            return gives
        return f"takes {at_least} or more points" + (" in pairs" if pairs else "")

    return check


def _vertebrae(at_least: int, gives: Kind) -> Callable[[Sequence[Kind]], Kind | str]:
    def check(inputs: Sequence[Kind]) -> Kind | str:
        fits = len(inputs) >= 4 * at_least and len(inputs) % 4 == 0
        if fits and all(kind is Kind.POINT for kind in inputs):
            return gives
        return f"takes the corners of {at_least} or more vertebrae, four points each"

    return check


def _alike(gives: Kind | None) -> Callable[[Sequence[Kind]], Kind | str]:
    def check(inputs: Sequence[Kind]) -> Kind | str:
        numbers = (Kind.LENGTH, Kind.ANGLE, Kind.RATIO)
        if len(inputs) == 2 and inputs[0] is inputs[1] and inputs[0] in numbers:
            return gives or inputs[0]
        return "takes two lengths, two angles or two ratios"

    return check


def _spans(size: Reals, what: str) -> None:
    """Refuse a nominal size of zero, below a millionth of a pixel or millimetre."""
    if not size[0] > 1e-6:
        raise DegenerateError(what)


def _through(start: Complexes, end: Complexes) -> LineGeo:
    span = end - start
    _spans(np.abs(span), "Two points that define a line lie on the same spot.")
    return LineGeo(start, span / np.abs(span), (complex(start[0]), complex(end[0])))


def _stack(points: Sequence[PointGeo]) -> Complexes:
    return np.stack([point.z for point in points])


def _midpoint(a: PointGeo, b: PointGeo) -> PointGeo:
    return PointGeo((a.z + b.z) / 2)


def _centroid(*points: PointGeo) -> PointGeo:
    return PointGeo(_stack(points).mean(axis=0))


def _line(a: PointGeo, b: PointGeo) -> LineGeo:
    return _through(a.z, b.z)


def _fit(z: Complexes) -> LineGeo:
    """Total least squares line through ``z`` [points, draws], directed from the first to the last.

    With u = z - mean, the direction of largest spread is half the argument of sum(u^2): that sum is
    Sxx - Syy + 2i Sxy, whose argument is twice the principal angle of the scatter matrix.
    """
    centre = z.mean(axis=0)
    offsets = z - centre
    moment = (offsets**2).sum(axis=0)
    spread = (np.abs(offsets) ** 2).sum(axis=0)
    _spans(np.sqrt(spread), "The points that define a line lie on the same spot.")
    _spans(np.abs(moment) / spread, "The points that define a line have no common direction.")
    direction = np.exp(0.5j * np.angle(moment))
    along = dot(direction, z[-1] - z[0])
    _spans(np.abs(along), "The first and last point of a line do not give it a direction.")
    direction = np.where(along < 0, -direction, direction)
    reach = dot(direction, offsets)[:, 0]
    middle, unit = complex(centre[0]), complex(direction[0])
    ends = (middle + unit * float(reach.min()), middle + unit * float(reach.max()))
    return LineGeo(centre, direction, ends)


def _fit_line(*points: PointGeo) -> LineGeo:
    return _fit(_stack(points))


def _shaft_axis(*points: PointGeo) -> LineGeo:
    z = _stack(points)
    middles = (z[0::2] + z[1::2]) / 2
    return _through(middles[0], middles[1]) if len(middles) == 2 else _fit(middles)


def _perpendicular(point: PointGeo, line: LineGeo) -> LineGeo:
    foot = complex(_foot(point, line)[0])
    here = complex(point.z[0])
    half = abs(line.ends[1] - line.ends[0]) / 2
    ends = (foot, here) if abs(here - foot) > 1e-6 else (here, here + 1j * complex(line.direction[0]) * half)
    return LineGeo(point.z, 1j * line.direction, ends)


def _parallel(point: PointGeo, line: LineGeo) -> LineGeo:
    half = (line.ends[1] - line.ends[0]) / 2
    here = complex(point.z[0])
    return LineGeo(point.z, line.direction, (here - half, here + half))


def _bisector(a: PointGeo, vertex: PointGeo, b: PointGeo) -> LineGeo:
    arms = a.z - vertex.z, b.z - vertex.z
    same = "The vertex of an angle lies on one of its arms' ends."
    for arm in arms:
        _spans(np.abs(arm), same)
    units = [arm / np.abs(arm) for arm in arms]
    _spans(np.abs(units[0] + units[1]), "The arms of an angle to halve point in opposite directions.")
    half = (units[0] + units[1]) / np.abs(units[0] + units[1])
    here = complex(vertex.z[0])
    return LineGeo(vertex.z, half, (here, here + complex(half[0]) * abs(arms[0][0])))


def _image_up(point: PointGeo, line: LineGeo) -> LineGeo:
    here = complex(point.z[0])
    end = here - 1j * abs(line.ends[1] - line.ends[0])
    return LineGeo(point.z, np.full_like(point.z, -1j), (here, end))


def _foot(point: PointGeo, line: LineGeo) -> Complexes:
    foot: Complexes = line.origin + line.direction * dot(line.direction, point.z - line.origin)
    return foot


def _projection(point: PointGeo, line: LineGeo) -> PointGeo:
    return PointGeo(_foot(point, line))


def _intersection(a: LineGeo, b: LineGeo) -> PointGeo:
    sine = cross(a.direction, b.direction)
    if not abs(sine[0]) > _PARALLEL_SINE:
        raise DegenerateError("Two lines that should cross are parallel.")
    reach = cross(b.origin - a.origin, b.direction) / sine
    return PointGeo(a.origin + a.direction * reach)


def _polyline(*points: PointGeo) -> PolylineGeo:
    return PolylineGeo(_stack(points))


def _circle(*points: PointGeo) -> CircleGeo:
    """Algebraic least squares circle (Kasa 1976), solved in complex form.

    With u = z - mean, the centre c solves c * sum|u|^2 + conj(c) * sum(u^2) = sum(u |u|^2).
    """
    z = _stack(points)
    mean = z.mean(axis=0)
    u = z - mean
    square = np.abs(u) ** 2
    a, b, r = square.sum(axis=0), (u**2).sum(axis=0), (u * square).sum(axis=0)
    determinant = a**2 - np.abs(b) ** 2
    _spans(a, "The points that define a circle lie on the same spot.")
    _spans(determinant / a**2 * 1e3, "The points that define a circle lie on a straight line.")
    c = (a * r - b * np.conj(r)) / determinant
    return CircleGeo(mean + c, np.sqrt(np.abs(c) ** 2 + a / len(z)))


def _centre(circle: CircleGeo) -> PointGeo:
    return PointGeo(circle.centre)


def _radius(circle: CircleGeo) -> NumberGeo:
    return NumberGeo(circle.radius)


def _distance(a: PointGeo, b: PointGeo) -> NumberGeo:
    return NumberGeo(np.abs(b.z - a.z))


def _signed_distance(point: PointGeo, line: LineGeo) -> NumberGeo:
    return NumberGeo(cross(line.direction, point.z - line.origin))


def _distance_along(a: PointGeo, b: PointGeo, line: LineGeo) -> NumberGeo:
    return NumberGeo(dot(line.direction, b.z - a.z))


def _polyline_length(path: PolylineGeo) -> NumberGeo:
    return NumberGeo(np.abs(np.diff(path.vertices, axis=0)).sum(axis=0))


def _gap(first: PolylineGeo, second: PolylineGeo) -> NumberGeo:
    return NumberGeo(drawing.closest(first.vertices, second.vertices)[0])


def _angle(a: LineGeo, b: LineGeo) -> NumberGeo:
    return NumberGeo(np.degrees(np.angle(np.conj(a.direction) * b.direction)))


def _angle_between(a: LineGeo, b: LineGeo) -> NumberGeo:
    return NumberGeo(np.degrees(np.abs(np.angle(np.conj(a.direction) * b.direction))))


def _vertex_angle(a: PointGeo, vertex: PointGeo, b: PointGeo) -> NumberGeo:
    first, second = a.z - vertex.z, b.z - vertex.z
    same = "The vertex of an angle lies on one of its arms' ends."
    _spans(np.abs(first), same)
    _spans(np.abs(second), same)
    return NumberGeo(np.degrees(np.abs(np.angle(np.conj(first) * second))))


def _ratio(a: NumberGeo, b: NumberGeo) -> NumberGeo:
    _spans(np.abs(b.value), "The value to divide by is zero.")
    return NumberGeo(a.value / b.value)


def _difference(a: NumberGeo, b: NumberGeo) -> NumberGeo:
    return NumberGeo(a.value - b.value)


def _sum(a: NumberGeo, b: NumberGeo) -> NumberGeo:
    return NumberGeo(a.value + b.value)


def _none(frame: Frame, result: Geo, *inputs: Geo) -> tuple[Shape, ...]:
    return ()


_P, _L, _C, _Y = Kind.POINT, Kind.LINE, Kind.CIRCLE, Kind.POLYLINE

_ALL = (
    Operation("midpoint", _takes(_P, _P, gives=_P), _midpoint, drawing.spokes, "midpoint of {all}"),
    Operation("centroid", _points(2, _P), _centroid, drawing.spokes, "centroid of {all}"),
    Operation("line", _takes(_P, _P, gives=_L), _line, drawing.line, "line from {0} to {1}"),
    Operation(
        "fit_line",
        _points(2, _L),
        _fit_line,
        drawing.line,
        "least-squares line through {all}, directed from the first to the last",
    ),
    Operation(
        "shaft_axis",
        _points(4, _L, pairs=True),
        _shaft_axis,
        drawing.shaft,
        "line through the midpoints of the pairs {pairs}, directed from the first pair to the last",
    ),
    Operation(
        "perpendicular",
        _takes(_P, _L, gives=_L),
        _perpendicular,
        drawing.helper_line,
        "line through {0} perpendicular to {1} (turned clockwise from it on the canonical image)",
    ),
    Operation(
        "parallel",
        _takes(_P, _L, gives=_L),
        _parallel,
        drawing.helper_line,
        "line through {0} parallel to {1}",
    ),
    Operation(
        "bisector",
        _takes(_P, _P, _P, gives=_L),
        _bisector,
        drawing.helper_line,
        "line from {1} that halves the angle between {0} and {2}",
    ),
    Operation(
        "image_up",
        _takes(_P, _L, gives=_L),
        _image_up,
        drawing.helper_line,
        "line through {0} straight up the image, drawn as long as {1}",
    ),
    Operation(
        "projection",
        _takes(_P, _L, gives=_P),
        _projection,
        drawing.spokes,
        "foot of the perpendicular from {0} to {1}",
    ),
    Operation(
        "intersection", _takes(_L, _L, gives=_P), _intersection, drawing.crossing, "intersection of {all}"
    ),
    Operation("circle", _points(3, _C), _circle, drawing.circle, "least-squares circle through {all}"),
    Operation("centre", _takes(_C, gives=_P), _centre, _none, "centre of {0}"),
    Operation("polyline", _points(2, _Y), _polyline, drawing.polyline, "polyline through {all}"),
    Operation("radius", _takes(_C, gives=Kind.LENGTH), _radius, drawing.radius, "radius of {0}"),
    Operation(
        "distance", _takes(_P, _P, gives=Kind.LENGTH), _distance, drawing.distance, "distance from {0} to {1}"
    ),
    Operation(
        "signed_distance",
        _takes(_P, _L, gives=Kind.LENGTH),
        _signed_distance,
        drawing.point_to_line,
        "distance of {0} from {1}, positive on the right of its direction on the canonical image",
    ),
    Operation(
        "distance_along",
        _takes(_P, _P, _L, gives=Kind.LENGTH),
        _distance_along,
        drawing.along,
        "distance from {0} to {1} along {2}, positive in its direction",
    ),
    Operation(
        "polyline_length",
        _takes(_Y, gives=Kind.LENGTH),
        _polyline_length,
        drawing.path_label,
        "length of {0}",
    ),
    Operation("gap", _takes(_Y, _Y, gives=Kind.LENGTH), _gap, drawing.gap, "shortest distance between {all}"),
    Operation(
        "angle",
        _takes(_L, _L, gives=Kind.ANGLE),
        _angle,
        drawing.angle,
        "angle from {0} to {1}, positive clockwise on the canonical image",
    ),
    Operation(
        "angle_between",
        _takes(_L, _L, gives=Kind.ANGLE),
        _angle_between,
        drawing.angle,
        "angle between {all}, 0 to 180 degrees",
    ),
    Operation(
        "vertex_angle",
        _takes(_P, _P, _P, gives=Kind.ANGLE),
        _vertex_angle,
        drawing.corner,
        "angle at {1} between {0} and {2}, 0 to 180 degrees",
    ),
    Operation("cobb", _vertebrae(2, Kind.ANGLE), curves.cobb, curves.draw_cobb, curves.LARGEST),
    Operation("cobb_above", _vertebrae(3, Kind.ANGLE), curves.cobb_above, curves.draw_above, curves.ABOVE),
    Operation("cobb_below", _vertebrae(3, Kind.ANGLE), curves.cobb_below, curves.draw_below, curves.BELOW),
    Operation("curve_apex", _vertebrae(3, _P), curves.curve_apex, curves.draw_apex, curves.APEX),
    Operation("ratio", _alike(Kind.RATIO), _ratio, _none, "{0} divided by {1}"),
    Operation("difference", _alike(None), _difference, _none, "{0} minus {1}"),
    Operation("sum", _alike(None), _sum, _none, "{0} plus {1}"),
)

OPERATIONS: Mapping[str, Operation] = MappingProxyType({operation.name: operation for operation in _ALL})
"""Every operation by name."""
