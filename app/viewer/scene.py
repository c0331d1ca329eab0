"""The film on screen: zoom, pan, window/level, flip, orientation letters. Film coordinates never change."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPen, QResizeEvent, QTransform, QWheelEvent
from PySide6.QtWidgets import QGraphicsItem, QGraphicsScene, QGraphicsView, QStyleOptionGraphicsItem, QWidget

from app.viewer.orientation import edge_letters
from app.viewer.overlays import Overlay, paint_disc, paint_overlay, paint_ruler, paint_text, text_width
from app.viewer.pyramid import Pyramid
from core.disc import Disc
from core.film import Radiograph, Window
from core.overlay import pixel_aspect

_ZOOM_STEP = 1.2
_MAX_SCALE = 40.0
_LOUPE_PX = 230
_LOUPE_SCALE = 4.0
_BLOCK = 256
_KEPT_IMAGES = 6
_GRAPHICS_ARGB = 0xD0FFD75E


class FilmItem(QGraphicsItem):
    """Draws the film at the resolution the zoom calls for. The centre of pixel (0, 0) is at (0, 0)."""

    def __init__(self, pyramid: Pyramid, window: Window, graphics: NDArray[np.bool_] | None = None) -> None:
        super().__init__()
        self.pyramid = pyramid
        self.graphics_visible = True
        self._graphics = None if graphics is None else _mask_image(graphics)
        self.shown_through = window
        self.inverted = False
        self._images: dict[tuple[int, int, int, int, int], tuple[QImage, object]] = {}
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)  # gives exposedRect

    def boundingRect(self) -> QRectF:
        width, height = self.pyramid.size_px
        return QRectF(-0.5, -0.5, width, height)

    def show_through(self, window: Window, *, inverted: bool) -> None:
        """Change window or polarity."""
        self.shown_through, self.inverted = window, inverted
        self._images.clear()
        self.update()

    def image(self, level: int, left: int, top: int, right: int, bottom: int) -> QImage:
        """A block of the film at 1 / 2**level (columns, rows of that level) through the window."""
        key = (level, left, top, right, bottom)
        if key not in self._images:
            if len(self._images) >= _KEPT_IMAGES:
                self._images.pop(next(iter(self._images)))
            block = np.s_[top:bottom, left:right]
            grey = np.ascontiguousarray(
                self.pyramid.grey(level, self.shown_through, block, inverted=self.inverted)
            )
            rows, columns = grey.shape
            # The image does not own its memory: keep the array beside it.
            self._images[key] = (
                QImage(grey.data, columns, rows, columns, QImage.Format.Format_Grayscale8),
                grey,
            )
        return self._images[key][0]

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        matrix = painter.worldTransform()
        device = painter.device()
        ratio = device.devicePixelRatio() if device is not None else 1.0
        level = self.pyramid.level_for(math.hypot(matrix.m11(), matrix.m12()) * ratio)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self.draw_part(painter, option.exposedRect.intersected(self.boundingRect()), level)
        if self._graphics is not None and self.graphics_visible:
            painter.drawImage(self.boundingRect(), self._graphics)

    def draw_part(self, painter: QPainter, part: QRectF, level: int = 0) -> None:
        """Draw the film area ``part`` in place. Only the blocks it touches pass through the window."""
        if part.isEmpty():
            return
        size = 2**level
        rows, columns = self.pyramid.levels[level].shape
        left, top, right, bottom = (
            (part.left() + 0.5) / size, (part.top() + 0.5) / size,
            (part.right() + 0.5) / size, (part.bottom() + 0.5) / size,
        )  # fmt: skip
        # Whole blocks with a pixel to spare: smooth scaling looks at the neighbours.
        x0 = max(0, int(left - 1) // _BLOCK * _BLOCK)
        y0 = max(0, int(top - 1) // _BLOCK * _BLOCK)
        x1 = min(columns, (int(right + 1) // _BLOCK + 1) * _BLOCK)
        y1 = min(rows, (int(bottom + 1) // _BLOCK + 1) * _BLOCK)
        source = QRectF(left - x0, top - y0, right - left, bottom - top)
        painter.drawImage(part, self.image(level, x0, y0, x1, y1), source)


def _mask_image(mask: NDArray[np.bool_]) -> QImage:
    """``mask`` [rows, columns] as an image that is coloured where it is set and clear elsewhere."""
    rows, columns = mask.shape
    bits = np.packbits(mask, axis=1)
    width = (bits.shape[1] + 3) // 4 * 4  # lines of an image start at whole words
    padded = np.zeros((rows, width), dtype=np.uint8)
    padded[:, : bits.shape[1]] = bits
    image = QImage(padded.data, columns, rows, width, QImage.Format.Format_Mono).copy()
    image.setColorTable([0x00000000, _GRAPHICS_ARGB])
    return image


class FilmView(QGraphicsView):
    """Shows one film with its overlay. Gestures are added by ``tools.ViewTools``."""

    window_changed = Signal(object)
    scale_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        self.setFrameShape(QGraphicsView.Shape.NoFrame)
        self.setBackgroundBrush(QColor("#000000"))
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(320, 320)
        self.setAccessibleName("Film")
        self.item: FilmItem | None = None
        self.overlay = Overlay()
        self.overlay_visible = True
        self.loupe_at: tuple[float, float] | None = None
        self.ruler: tuple[tuple[float, float], tuple[float, float]] | None = None
        self.disc: Disc | None = None
        self.graphics_visible = True
        self.flipped = False
        self._orientation: tuple[str, ...] = ()
        self._aspect = 1.0
        self._fitted = True

    # -- film ------------------------------------------------------------------------------------

    def show_film(self, film: Radiograph, pyramid: Pyramid) -> None:
        """Replace the film; starts fitted, unflipped, with the film's first window."""
        self.scene().clear()
        self.item = FilmItem(pyramid, film.windows[0], film.graphics)
        self.item.graphics_visible = self.graphics_visible
        self.scene().addItem(self.item)
        self._orientation = film.tags.patient_orientation
        self._aspect = pixel_aspect(film.calibration)
        self.flipped = False
        self.loupe_at, self.ruler, self.disc = None, None, None
        self.overlay = Overlay()
        self.fit()
        self.window_changed.emit(self.item.shown_through)

    def set_window(self, window: Window) -> None:
        """Show through another window."""
        if self.item is not None:
            self.item.show_through(window, inverted=self.item.inverted)
            self.window_changed.emit(window)

    def set_inverted(self, inverted: bool) -> None:
        """Swap black and white on screen."""
        if self.item is not None:
            self.item.show_through(self.item.shown_through, inverted=inverted)

    def change_window(self, start: Window, dx: float, dy: float) -> None:
        """Window/level by a drag of (dx, dy) screen pixels from ``start``: right widens, down brightens."""
        if self.item is None:
            return
        span = max(start.high - start.low, 1e-6)
        width = span * math.exp(dx / 250.0)
        centre = (start.low + start.high) / 2.0 - span * dy / 400.0
        self.set_window(replace(start, low=centre - width / 2.0, high=centre + width / 2.0, name=""))

    # -- zoom and place --------------------------------------------------------------------------

    @property
    def scale_now(self) -> float:
        """Screen pixels per film column."""
        return abs(self.transform().m11())

    def to_screen(self) -> QTransform:
        """Film coordinates to viewport coordinates."""
        return self.viewportTransform()

    def to_film(self, at: QPointF) -> QPointF:
        """Viewport coordinates to film coordinates."""
        inverse, _ = self.viewportTransform().inverted()
        return inverse.map(at)

    def fit(self) -> None:
        """Show the whole film."""
        if self.item is None:
            return
        box = self.item.boundingRect()
        room = self.viewport().rect()
        scale = min(room.width() / box.width(), room.height() / (box.height() * self._aspect)) * 0.98
        self._set_scale(scale)
        self._place(box.center(), QPointF(room.center()))
        self._fitted = True

    def actual_size(self) -> None:
        """One film column per screen pixel, about the centre of what is shown."""
        self.zoom_to(1.0 / self.devicePixelRatioF())

    def zoom_to(self, scale: float, about: QPointF | None = None) -> None:
        """Zoom so that the film place under ``about`` (viewport coordinates) stays there."""
        if self.item is None:
            return
        about = QPointF(self.viewport().rect().center()) if about is None else about
        anchor = self.to_film(about)
        self._set_scale(min(max(scale, 0.02), _MAX_SCALE))
        self._place(anchor, about)
        self._fitted = False

    def zoom_by(self, steps: float, about: QPointF | None = None) -> None:
        """Zoom in by wheel steps (out when negative)."""
        self.zoom_to(self.scale_now * _ZOOM_STEP**steps, about)

    def pan_by(self, dx: float, dy: float) -> None:
        """Move the film by whole screen pixels."""
        self.horizontalScrollBar().setValue(self.horizontalScrollBar().value() - round(dx))
        self.verticalScrollBar().setValue(self.verticalScrollBar().value() - round(dy))
        self._fitted = False

    def show_point(self, x_px: float, y_px: float) -> None:
        """Bring a film place to the centre, zooming in when the whole film is small on screen."""
        if self.scale_now < 0.6:
            self._set_scale(1.0 / max(1.0, self.devicePixelRatioF()))
        self._place(QPointF(x_px, y_px), QPointF(self.viewport().rect().center()))
        self._fitted = False

    def reveal(self, x_px: float, y_px: float) -> None:
        """Centre a film place only when it is off screen."""
        at = self.to_screen().map(QPointF(x_px, y_px))
        if not QRectF(self.viewport().rect()).adjusted(20, 20, -20, -20).contains(at):
            self._place(QPointF(x_px, y_px), QPointF(self.viewport().rect().center()))
            self._fitted = False

    def set_flipped(self, flipped: bool) -> None:
        """Mirror the display left to right about the centre of the view. Coordinates stay."""
        if flipped == self.flipped:
            return
        centre = QPointF(self.viewport().rect().center())
        anchor = self.to_film(centre)
        self.flipped = flipped
        self._set_scale(self.scale_now)
        self._place(anchor, centre)

    def _set_scale(self, scale: float) -> None:
        if self.item is None:
            return
        # A margin of one viewport around the film: every place can come to the centre at any zoom.
        room = self.viewport().rect()
        wide, high = room.width() / scale + 1.0, room.height() / (scale * self._aspect) + 1.0
        self.setSceneRect(self.item.boundingRect().adjusted(-wide, -high, wide, high))
        self.setTransform(QTransform.fromScale(-scale if self.flipped else scale, scale * self._aspect))
        self.scale_changed.emit(scale * self.devicePixelRatioF())

    def _place(self, film: QPointF, screen: QPointF) -> None:
        now = self.to_screen().map(film)
        self.horizontalScrollBar().setValue(self.horizontalScrollBar().value() + round(now.x() - screen.x()))
        self.verticalScrollBar().setValue(self.verticalScrollBar().value() + round(now.y() - screen.y()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom_by(event.angleDelta().y() / 120.0, event.position())
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._fitted:
            self.fit()

    # -- painting --------------------------------------------------------------------------------

    def set_overlay(self, overlay: Overlay) -> None:
        """Replace what is painted over the film."""
        self.overlay = overlay
        self.viewport().update()

    def set_ruler(self, ruler: tuple[tuple[float, float], tuple[float, float]] | None) -> None:
        """Show a ruler between two film places, or none; a disc goes away."""
        self.ruler, self.disc = ruler, None
        self.viewport().update()

    def set_disc(self, disc: Disc | None) -> None:
        """Show the outline of a round object, or none; a ruler goes away."""
        self.ruler, self.disc = None, disc
        self.viewport().update()

    def set_graphics_visible(self, visible: bool) -> None:
        """Show or hide the overlay of the file."""
        self.graphics_visible = visible
        if self.item is not None:
            self.item.graphics_visible = visible
        self.viewport().update()

    def drawForeground(self, painter: QPainter, rect: QRectF | object) -> None:
        if self.item is None:
            return
        to_screen = self.to_screen()
        painter.save()
        painter.resetTransform()
        if self.overlay_visible:
            room = QRectF(self.viewport().rect()).adjusted(36, 6, -36, -6)  # clear of the edge letters
            paint_overlay(painter, self.overlay, to_screen, self.font(), room)
        if self.ruler is not None:
            paint_ruler(painter, *self.ruler, to_screen, self._aspect, self.font())
        if self.disc is not None:
            paint_disc(painter, self.disc, to_screen, self._aspect, self.font())
        self._paint_letters(painter)
        if self.loupe_at is not None:
            self._paint_loupe(painter, self.item, QPointF(*self.loupe_at))
        painter.restore()

    def _paint_letters(self, painter: QPainter) -> None:
        letters = edge_letters(self._orientation, flipped=self.flipped)
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 1.35)
        font.setBold(True)
        room = QRectF(self.viewport().rect())
        middle, white = room.center(), QColor("#f0f0f0")
        paint_text(painter, QPointF(8, middle.y()), letters.left, font, white)
        paint_text(
            painter,
            QPointF(room.right() - 8 - text_width(letters.right, font), middle.y()),
            letters.right,
            font,
            white,
        )
        paint_text(painter, QPointF(middle.x(), 24), letters.top, font, white)
        paint_text(painter, QPointF(middle.x(), room.bottom() - 10), letters.bottom, font, white)
        if self.flipped:
            note = "Display flipped"
            paint_text(painter, QPointF(10, room.bottom() - 10), note, self.font(), QColor("#ffb01f"))

    def _paint_loupe(self, painter: QPainter, item: FilmItem, film_at: QPointF) -> None:
        """An inset magnified about the held point, in the corner away from it."""
        room = QRectF(self.viewport().rect())
        at = self.to_screen().map(film_at)
        left = room.right() - _LOUPE_PX - 12 if at.x() < room.center().x() else room.left() + 12
        box = QRectF(left, room.top() + 12, _LOUPE_PX, _LOUPE_PX)
        zoom = max(_LOUPE_SCALE, self.scale_now * 2.0)
        painter.save()
        painter.setClipRect(box)
        painter.fillRect(box, QColor("#000000"))
        painter.translate(box.center())
        painter.scale(-zoom if self.flipped else zoom, zoom * self._aspect)
        painter.translate(-film_at)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        half = _LOUPE_PX / zoom
        part = QRectF(film_at.x() - half, film_at.y() - half, 2 * half, 2 * half)
        part = part.intersected(item.boundingRect())
        item.draw_part(painter, part)
        painter.restore()
        painter.setPen(QPen(QColor(0, 0, 0, 160), 3.0))
        self._paint_cross(painter, box)
        painter.setPen(QPen(QColor("#fff27a"), 1.0))
        self._paint_cross(painter, box)
        painter.setPen(QPen(QColor("#8a8f96"), 1.5))
        painter.drawRect(box)

    @staticmethod
    def _paint_cross(painter: QPainter, box: QRectF) -> None:
        centre, gap, arm = box.center(), 7.0, 34.0
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            painter.drawLine(centre + QPointF(dx * gap, dy * gap), centre + QPointF(dx * arm, dy * arm))
