"""The film as a picture with points, construction lines and values, for reports and exports."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.case import Case
from core.film import Calibration, Radiograph
from core.landmarks import Landmark
from core.measure.results import Arc, Circle, Label, MeasurementResult, Segment, format_value
from core.overlay_paint import (
    Box,
    FilmView,
    Painter,
    Rgb,
    clip_segment,
    fit_view,
    render_film,
    text_size,
)
from core.overlay_shapes import along, around, draw_lines, free_place, overlap

CERTAIN_COLOUR: Rgb = (110, 235, 170)
LOOK_COLOUR: Rgb = (255, 176, 32)
EDITED_COLOUR: Rgb = (255, 255, 255)
TEXT_COLOUR: Rgb = (235, 246, 255)

_MAX_VALUE_LABELS = 14
_INSET_SHARE = 0.2  # of the picture's longer side
_CROP_MARGIN = 0.18  # of the points' extent, on each side


def needs_look(case: Case, key: str) -> bool:
    """Whether an automatic point should be looked at: listed by the verdict, or of low confidence."""
    point = case.landmarks[key]
    return not point.edited and (point.uncertain or key in case.verdict.points)


def marked_points(case: Case) -> dict[str, str]:
    """The letters under which edited points and points to look at are named on picture and report."""
    keys = [k for k in case.landmarks if case.landmarks[k].edited or needs_look(case, k)]
    return {key: _letters(index) for index, key in enumerate(keys)}


def _letters(index: int) -> str:
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def pixel_aspect(calibration: Calibration) -> float:
    """Height of a pixel divided by its width."""
    if calibration.column_mm and calibration.row_mm:
        return calibration.row_mm / calibration.column_mm
    return calibration.aspect


def overlay_image(
    film: Radiograph,
    case: Case,
    results: Sequence[MeasurementResult],
    *,
    max_side_px: int = 1600,
    highlight: Sequence[str] | None = None,
    labels: bool = True,
    crop_to_points: bool = False,
    mark_scale: float = 1.0,
) -> NDArray[np.uint8]:
    """The film through its default window with points and construction lines drawn over it.

    ``highlight`` restricts the construction lines to the measurements with these keys. Each line is
    labelled with the number of its measurement in ``results`` (from 1) and the value, as far as there
    is room; edited points and points to look at carry the letters of ``marked_points``. With
    ``crop_to_points`` only the surroundings of the points are shown, and the whole film as an inset.
    ``mark_scale`` enlarges points, lines and text, for pictures that are shown small.
    Returns RGB [height, width, 3] uint8, the longer side ``max_side_px``, pixels square.
    """
    aspect = pixel_aspect(case.calibration)
    whole = (0, 0, film.size_px[0], film.size_px[1])
    box = crop_box(film, case, aspect) if crop_to_points else whole
    view = fit_view(box, aspect, max_side_px)
    painter = Painter(render_film(film, view), unit=mark_scale * max(view.width, view.height) / 1000.0)

    shown = [(n, r) for n, r in enumerate(results, 1) if highlight is None or r.key in highlight]
    lines = draw_lines(painter, view, [shape for _, r in shown for shape in r.shapes])
    _draw_points(painter, view, case)
    taken: list[Box] = []
    if box != whole:
        taken.append(_draw_inset(painter, film, view, aspect, case))
    if case.is_draft:
        taken.append(_draw_draft(painter, taken))
    if labels:
        taken += [around(p, 7.0 * painter.unit) for p in view.to_picture(case.landmarks.positions_px())]
        taken += [around(p, 1.5 * painter.unit) for line in lines for p in along(line, painter)]
        _label_points(painter, view, case, taken)
        _label_results(painter, view, shown, taken)
    return painter.picture


def crop_box(film: Radiograph, case: Case, aspect: float) -> tuple[int, int, int, int]:
    """The film pixels around the points, or the whole film where a crop would gain little."""
    width, height = film.size_px
    whole = (0, 0, width, height)
    points = case.landmarks.positions_px()
    if len(points) == 0:
        return whole
    low, high = points.min(axis=0), points.max(axis=0)
    extent = np.maximum((high - low) * [1.0, aspect], 1.0)
    margin = _CROP_MARGIN * float(extent.max()) / np.array([1.0, aspect])
    # A very long or flat crop wastes the page: widen it to at most 3:2 or 2:3.
    size = (high - low) + 2.0 * margin
    least = np.array([size[1] * aspect / 1.5, size[0] / aspect / 1.5])
    size = np.maximum(size, least)
    centre = (low + high) / 2.0
    x0, y0 = np.floor(np.clip(centre - size / 2.0, 0, None)).astype(int)
    x1, y1 = np.ceil(np.minimum(centre + size / 2.0 + 1.0, [width, height])).astype(int)
    if x1 - x0 < 8 or y1 - y0 < 8 or (x1 - x0) * (y1 - y0) > 0.6 * width * height:
        return whole
    return int(x0), int(y0), int(x1), int(y1)


def _draw_points(painter: Painter, view: FilmView, case: Case) -> None:
    unit = painter.unit
    at = view.to_picture(case.landmarks.positions_px())
    painter.darken_discs(at, 6.0 * unit)
    for key, centre in zip(case.landmarks, at, strict=True):
        point: Landmark = case.landmarks[key]
        if point.edited:
            painter.diamond(centre, 7.0 * unit, EDITED_COLOUR, 2.0 * unit)
            painter.dot(centre, 2.0 * unit, EDITED_COLOUR)
        elif needs_look(case, key):
            painter.ring(centre, 7.5 * unit, LOOK_COLOUR, 2.2 * unit)
            painter.dot(centre, 2.6 * unit, LOOK_COLOUR)
        else:
            painter.dot(centre, 3.4 * unit, CERTAIN_COLOUR)


def _draw_draft(painter: Painter, taken: Sequence[Box]) -> Box:
    size = round(24 * painter.unit)
    width, height = text_size("DRAFT", size, bold=True)
    edge = round(14 * painter.unit)
    full_width, full_height = width + 2 * (size // 2), height + size // 4
    right = int(painter.bounds[2]) - edge - full_width
    spots = [(edge, edge), (right, edge)]
    boxes: list[Box] = [(x, y, x + full_width, y + full_height) for x, y in spots]
    free = [i for i, b in enumerate(boxes) if not any(overlap(b, t) for t in taken)]
    pick = free[0] if free else 0
    painter.tag(*spots[pick], "DRAFT", size, LOOK_COLOUR)
    return boxes[pick]


def _draw_inset(painter: Painter, film: Radiograph, view: FilmView, aspect: float, case: Case) -> Box:
    """The whole film in the corner that hides the fewest points, with the crop framed."""
    whole = (0, 0, film.size_px[0], film.size_px[1])
    small = fit_view(whole, aspect, max(16, round(_INSET_SHARE * max(view.width, view.height))))
    if small.width > view.width // 2 or small.height > view.height // 2:
        small = fit_view(whole, aspect, max(16, min(view.width, view.height) // 3))
    picture = render_film(film, small)
    columns = np.array([view.x0, view.x1, view.x1, view.x0, view.x0], dtype=np.float64)
    rows = np.array([view.y0, view.y0, view.y1, view.y1, view.y0], dtype=np.float64)
    inset = Painter(picture, painter.unit)
    outline = small.to_picture(np.stack([columns, rows], axis=1) - 0.5)
    inset.darken([outline], 5.0 * painter.unit)
    inset.polyline(outline, LOOK_COLOUR, 2.0 * painter.unit)

    edge = round(10 * painter.unit)
    far_x, far_y = view.width - small.width - edge, view.height - small.height - edge
    corners = [(far_x, edge), (edge, far_y), (far_x, far_y), (edge, edge)]
    points = view.to_picture(case.landmarks.positions_px())

    def hidden(corner: tuple[int, int]) -> int:
        reach = 4 * edge
        low = np.array(corner) - reach
        high = np.array(corner) + reach + np.array([small.width, small.height])
        inside = (points >= low) & (points <= high)
        return int(inside.all(axis=1).sum())

    x, y = min(corners, key=hidden)
    rim = max(1, round(1.5 * painter.unit))
    painter.picture[y - rim : y + small.height + rim, x - rim : x + small.width + rim] = 200
    painter.picture[y : y + small.height, x : x + small.width] = picture
    return x - rim, y - rim, x + small.width + rim, y + small.height + rim


def _label_points(painter: Painter, view: FilmView, case: Case, taken: list[Box]) -> None:
    size = round(21 * painter.unit)
    for key, letter in marked_points(case).items():
        point = case.landmarks[key]
        at = view.to_picture(np.array([point.x_px, point.y_px]))
        box = free_place(painter, at, text_size(letter, size, bold=True), taken)
        if box is not None:
            colour = EDITED_COLOUR if point.edited else LOOK_COLOUR
            painter.text(box[0], box[1], letter, size, colour, bold=True)
            taken.append(box)


def result_anchor(result: MeasurementResult, view: FilmView, bounds: Box) -> NDArray[np.float64] | None:
    """Where a measurement's label belongs.

    That is the place its definition names, else its arc, else the middle of its longest visible line.
    """
    for shape in result.shapes:
        if isinstance(shape, Label):
            return view.to_picture(np.array(shape.at))
    for shape in result.shapes:
        if isinstance(shape, Arc):
            middle = np.deg2rad(shape.start_deg + shape.sweep_deg / 2.0)
            rim = np.array(shape.centre) + shape.radius * np.array([np.cos(middle), np.sin(middle)])
            return view.to_picture(rim)
    best: tuple[float, NDArray[np.float64]] | None = None
    for shape in result.shapes:
        if isinstance(shape, Segment):
            start, end = view.to_picture(np.array([shape.start, shape.end]))
            part = clip_segment(start, end, bounds)
            if part is not None:
                rank = float(np.hypot(*(part[1] - part[0]))) * (0.1 if shape.dashed else 1.0)
                if best is None or rank > best[0]:
                    best = rank, (part[0] + part[1]) / 2.0
        elif isinstance(shape, Circle) and best is None:
            best = 0.0, view.to_picture(np.array([shape.centre[0] + shape.radius, shape.centre[1]]))
    return None if best is None else best[1]


def _label_results(
    painter: Painter, view: FilmView, shown: Sequence[tuple[int, MeasurementResult]], taken: list[Box]
) -> None:
    measured = [(n, r) for n, r in shown if r.value is not None]
    size = round(20 * painter.unit)
    for number, result in measured:
        anchor = result_anchor(result, view, painter.bounds)
        if anchor is None or result.value is None:
            continue
        value = format_value(result.value, result.unit)
        text = f"{number}: {value}" if len(measured) <= _MAX_VALUE_LABELS else str(number)
        box = free_place(painter, anchor, text_size(text, size), taken)
        if box is not None:
            painter.text(box[0], box[1], text, size, TEXT_COLOUR)
            taken.append(box)
