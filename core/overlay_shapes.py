"""Construction lines on a picture, and free places for text beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.measure.results import Arc, Circle, Segment, Shape
from core.overlay_paint import Box, FilmView, Painter, Rgb, clip_segment, dashes

LINE_COLOUR: Rgb = (120, 214, 255)


def _lines_of(shape: Shape, view: FilmView, painter: Painter) -> list[NDArray[np.float64]]:
    if isinstance(shape, Segment):
        line = view.to_picture(np.array([shape.start, shape.end]))
        return dashes(line, 7 * painter.unit, 5 * painter.unit, painter.bounds) if shape.dashed else [line]
    if isinstance(shape, Arc):
        turn = np.deg2rad(shape.start_deg + np.linspace(0.0, shape.sweep_deg, 49))
    elif isinstance(shape, Circle):
        turn = np.linspace(0.0, 2.0 * np.pi, 145)
    else:
        return []
    rim = np.stack([np.cos(turn), np.sin(turn)], axis=1) * shape.radius
    return [view.to_picture(np.array(shape.centre) + rim)]


def draw_lines(painter: Painter, view: FilmView, shapes: Iterable[Shape]) -> list[NDArray[np.float64]]:
    """Draw all construction lines; returns them as polylines [N, 2] in the picture."""
    thin, thick = max(1.0, 0.8 * painter.unit), max(1.0, 1.1 * painter.unit)
    solid: list[NDArray[np.float64]] = []
    helper: list[NDArray[np.float64]] = []
    for shape in shapes:
        group = helper if isinstance(shape, Segment) and shape.dashed else solid
        group += _lines_of(shape, view, painter)
    painter.darken(solid, thick + 2.8 * painter.unit)
    painter.darken(helper, thin + 2.2 * painter.unit, 0.5)
    for line in helper:
        painter.polyline(line, LINE_COLOUR, thin)
    for line in solid:
        painter.polyline(line, LINE_COLOUR, thick)
    return solid + helper


def around(point: NDArray[np.float64], reach: float) -> Box:
    """The square about a point."""
    return point[0] - reach, point[1] - reach, point[0] + reach, point[1] + reach


def along(line: NDArray[np.float64], painter: Painter) -> list[NDArray[np.float64]]:
    """Points on the visible part of a polyline, close enough that no text fits between them."""
    found: list[NDArray[np.float64]] = []
    for start, end in pairwise(line):
        part = clip_segment(start, end, painter.bounds)
        if part is not None:
            count = int(np.hypot(*(part[1] - part[0])) / (8.0 * painter.unit)) + 2
            found += list(np.linspace(part[0], part[1], count))
    return found


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes share more than an edge."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def free_place(
    painter: Painter,
    anchor: NDArray[np.float64],
    size: tuple[int, int],
    taken: Sequence[Box],
    reaches: Sequence[float] = (5.0, 15.0, 30.0, 50.0),
) -> Box | None:
    """The free text box nearest to ``anchor``, at one of ``reaches`` (in hairlines); None without room."""
    width, height = size
    _, _, right, bottom = painter.bounds
    for reach in (step * painter.unit for step in reaches):
        for dx, dy in ((1, -1), (1, 1), (-1, -1), (-1, 1), (1, 0), (-1, 0), (0, -1), (0, 1)):
            x = anchor[0] + dx * reach - (width if dx < 0 else width / 2 if dx == 0 else 0)
            y = anchor[1] + dy * reach - (height if dy < 0 else height / 2 if dy == 0 else 0)
            box = (x, y, x + width, y + height)
            inside = x >= 0 and y >= 0 and box[2] <= right and box[3] <= bottom
            if inside and not any(overlap(box, other) for other in taken):
                return box
    return None
