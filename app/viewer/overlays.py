"""Paints points and construction lines over the film, readable on any grey.

Everything is drawn in screen pixels after mapping film coordinates, so that line widths and text do
not depend on the zoom and text is never mirrored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from core.disc import Disc
from core.landmarks import Landmark
from core.measure.results import Arc, Circle, Label, Segment, Shape

AUTOMATIC = QColor("#58c7f3")
LOOK = QColor("#ffb01f")
EDITED = QColor("#8ee07a")
LINE = QColor("#fff27a")
HALO = QColor(0, 0, 0, 190)
PLATE = QColor(0, 0, 0, 165)
_ARC_STEP_DEG = 3.0


@dataclass(frozen=True)
class Overlay:
    """What to paint. ``points`` in film pixels; ``used`` are the points of highlighted measurements."""

    points: Mapping[str, Landmark] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    needs_look: frozenset[str] = frozenset()
    selected: str = ""
    hovered: str = ""
    shapes: tuple[Shape, ...] = ()
    used: frozenset[str] = frozenset()
    all_names: bool = False


def point_colour(overlay: Overlay, key: str) -> QColor:
    """Colour of a point: amber needs a look, green was placed by hand, blue is automatic."""
    if overlay.points[key].edited:
        return EDITED
    return LOOK if key in overlay.needs_look else AUTOMATIC


def paint_overlay(
    painter: QPainter, overlay: Overlay, to_screen: QTransform, font: QFont, room: QRectF
) -> None:
    """Paint ``overlay``; ``to_screen`` maps film pixels to the painter's coordinates, ``room`` is the
    visible area, inside which names are kept.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    for shape in overlay.shapes:
        _paint_shape(painter, shape, to_screen, font)
    for key in overlay.points:
        _paint_point(painter, overlay, key, to_screen)
    _paint_names(painter, overlay, to_screen, font, room)


def _paint_names(
    painter: QPainter, overlay: Overlay, to_screen: QTransform, font: QFont, room: QRectF
) -> None:
    """Names beside their points; one that finds no free place is left out until there is more room."""
    first = [key for key in dict.fromkeys((overlay.selected, overlay.hovered)) if key in overlay.points]
    rest = [key for key in overlay.points if key not in first] if overlay.all_names else []
    places = {key: to_screen.map(QPointF(p.x_px, p.y_px)) for key, p in overlay.points.items()}
    taken = [QRectF(at.x() - 6, at.y() - 6, 12, 12) for at in places.values()] if rest else []
    for key in first + rest:
        text = overlay.names.get(key, key)
        size = text_plate(text, font)
        left = -16 - size.width()
        shifts = [
            QPointF(*shift) for shift in ((16, 4), (16, -12), (16, 20), (left, 4), (left, -12), (left, 20))
        ]
        plates = [size.translated(places[key] + shift) for shift in shifts]
        free = [i for i, plate in enumerate(plates) if room.contains(plate) and not _hits(plate, taken)]
        inside = [i for i, plate in enumerate(plates) if room.contains(plate)] if key in first else []
        if free or inside:
            best = (free or inside)[0]
            taken.append(plates[best])
            paint_text(painter, places[key] + shifts[best], text, font, QColor("#ffffff"))


def _hits(plate: QRectF, taken: list[QRectF]) -> bool:
    return any(plate.intersects(other) for other in taken)


def text_plate(text: str, font: QFont) -> QRectF:
    """The dark plate under ``text`` whose base line starts at (0, 0)."""
    metrics = QFontMetricsF(font)
    return QRectF(
        -4.0, -metrics.ascent() - 1.0, metrics.horizontalAdvance(text) + 8.0, metrics.height() + 2.0
    )


def paint_text(painter: QPainter, at: QPointF, text: str, font: QFont, colour: QColor) -> None:
    """Text on a dark plate; ``at`` is the left end of its base line."""
    if not text:
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(PLATE)
    painter.drawRoundedRect(text_plate(text, font).translated(at), 3.0, 3.0)
    painter.setFont(font)
    painter.setPen(colour)
    painter.drawText(at, text)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _pen(colour: QColor, width: float, *, dashed: bool = False) -> QPen:
    pen = QPen(colour, width)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dashed:
        pen.setDashPattern([5.0, 4.0])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    return pen


def _stroke(
    painter: QPainter, path: QPainterPath, colour: QColor, width: float, *, dashed: bool = False
) -> None:
    painter.strokePath(path, _pen(HALO, width + 2.4))
    painter.strokePath(path, _pen(colour, width, dashed=dashed))


def _round(centre: tuple[float, float], radius: float, start_deg: float, sweep_deg: float) -> QPolygonF:
    count = max(2, math.ceil(abs(sweep_deg) / _ARC_STEP_DEG) + 1)
    angles = [math.radians(start_deg + sweep_deg * i / (count - 1)) for i in range(count)]
    return QPolygonF(
        [QPointF(centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a)) for a in angles]
    )


def _paint_shape(painter: QPainter, shape: Shape, to_screen: QTransform, font: QFont) -> None:
    path = QPainterPath()
    match shape:
        case Segment(start, end, dashed):
            path.moveTo(to_screen.map(QPointF(*start)))
            path.lineTo(to_screen.map(QPointF(*end)))
            _stroke(painter, path, LINE, 1.6, dashed=dashed)
        case Arc(centre, radius, start_deg, sweep_deg):
            path.addPolygon(to_screen.map(_round(centre, radius, start_deg, sweep_deg)))
            _stroke(painter, path, LINE, 2.0)
        case Circle(centre, radius):
            path.addPolygon(to_screen.map(_round(centre, radius, 0.0, 360.0)))
            _stroke(painter, path, LINE, 1.6)
        case Label(at, text):
            paint_text(painter, to_screen.map(QPointF(*at)) + QPointF(8, 5), text, font, LINE)


def _paint_point(painter: QPainter, overlay: Overlay, key: str, to_screen: QTransform) -> None:
    point = overlay.points[key]
    selected = key == overlay.selected
    colour = point_colour(overlay, key)
    strong = selected or key == overlay.hovered or key in overlay.needs_look
    if overlay.used and key not in overlay.used and not strong:
        colour = QColor(colour)
        colour.setAlpha(90)
    at = to_screen.map(QPointF(point.x_px, point.y_px))
    if point.expected_error_px and (strong or key in overlay.used or not overlay.used):
        _paint_error(painter, point, point.expected_error_px, to_screen, colour)
    size = 5.0 if selected else 4.0
    if selected:
        ring = QPainterPath()
        ring.addEllipse(at, 11.0, 11.0)
        _stroke(painter, ring, QColor("#ffffff"), 1.6)
    mark = QPainterPath()
    if point.edited:  # a square, so that the state does not rest on colour alone
        mark.addRect(QRectF(at.x() - size, at.y() - size, 2 * size, 2 * size))
    elif key in overlay.needs_look:
        up = size + 1.5
        mark.addPolygon(
            QPolygonF([at + QPointF(0, -up), at + QPointF(up, 0), at + QPointF(0, up), at + QPointF(-up, 0)])
        )
        mark.closeSubpath()
    else:
        mark.addEllipse(at, size, size)
    painter.strokePath(mark, _pen(HALO, 4.6))
    painter.strokePath(mark, _pen(colour, 1.8))
    painter.fillPath(_dot(at), colour)


def paint_ruler(
    painter: QPainter,
    start: tuple[float, float],
    end: tuple[float, float],
    to_screen: QTransform,
    aspect: float,
    font: QFont,
) -> None:
    """A ruler with ticks at its ends and its length in columns' widths."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    a, b = to_screen.map(QPointF(*start)), to_screen.map(QPointF(*end))
    along = b - a
    long = math.hypot(along.x(), along.y()) or 1.0
    across = QPointF(-along.y(), along.x()) * (7.0 / long)
    path = QPainterPath(a)
    path.lineTo(b)
    for place in (a, b):
        path.moveTo(place - across)
        path.lineTo(place + across)
    _stroke(painter, path, QColor("#ffffff"), 1.4)
    length = math.hypot(end[0] - start[0], (end[1] - start[1]) * aspect)
    paint_text(painter, b + QPointF(12, 4), f"{length:.1f} px", font, QColor("#ffffff"))


def paint_disc(painter: QPainter, disc: Disc, to_screen: QTransform, aspect: float, font: QFont) -> None:
    """The outline found for a round object, with its diameter in columns' widths."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    centre, radius = QPointF(disc.x_px, disc.y_px), disc.diameter_px / 2.0
    outline = QPainterPath()
    outline.addEllipse(centre, radius, radius / aspect)
    _stroke(painter, to_screen.map(outline), QColor("#ffffff"), 1.4)
    at = to_screen.map(centre + QPointF(0.0, radius / aspect)) + QPointF(0, 18)
    text = f"{disc.diameter_px:.1f} \u00b1 {disc.error_px:.1f} px"
    paint_text(painter, at, text, font, QColor("#ffffff"))


def _dot(at: QPointF) -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(at, 1.1, 1.1)
    return path


def _paint_error(
    painter: QPainter, point: Landmark, radius_px: float, to_screen: QTransform, colour: QColor
) -> None:
    path = QPainterPath()
    path.addPolygon(to_screen.map(_round((point.x_px, point.y_px), radius_px, 0.0, 360.0)))
    if path.boundingRect().width() < 14.0:  # hidden under the mark
        return
    soft = QColor(colour)
    soft.setAlpha(min(colour.alpha(), 150))
    painter.strokePath(path, _pen(QColor(0, 0, 0, 130), 2.2, dashed=True))
    painter.strokePath(path, _pen(soft, 1.3, dashed=True))


def text_width(text: str, font: QFont) -> float:
    """Width of ``text`` on screen."""
    return QFontMetricsF(font).horizontalAdvance(text)
