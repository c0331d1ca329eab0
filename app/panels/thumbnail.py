"""A small picture of where a point lies on a reference film."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.viewer.overlays import HALO, LOOK

if TYPE_CHECKING:
    from app.bank.guide import GuideFilm

_SIDE_PX = 128
_PART = 0.36  # of the extent of all points: enough to recognise the place, and the point on it
_RING_PX = 9.0


class PointThumbnail(QWidget):
    """The surroundings of one point; hidden while there is no reference that has it."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("The point on a reference film")
        self.guide: GuideFilm | None = None
        self.point = ""
        self._flipped = False
        self._image = QImage()
        self.hide()

    def sizeHint(self) -> QSize:
        return QSize(_SIDE_PX, _SIDE_PX)

    def set_guide(self, guide: GuideFilm | None) -> None:
        """Show points on another reference film."""
        self.guide = guide
        self._image = QImage()
        if guide is not None:
            rows, columns = guide.grey.shape
            data = guide.grey.tobytes()
            self._image = QImage(data, columns, rows, columns, QImage.Format.Format_Grayscale8).copy()
            self.setToolTip(f"On the reference {guide.reference}")
        self.show_point(self.point)

    def set_flipped(self, flipped: bool) -> None:
        """Show the mirror image, as the film looks."""
        if flipped != self._flipped:
            self._flipped = flipped
            self.update()

    def show_point(self, key: str) -> None:
        """Show another point."""
        self.point = key
        self.setVisible(self.guide is not None and key in self.guide.points)
        self.update()

    def part(self) -> QRectF:
        """The part of the reference film that is shown, in its pixels; the point is its middle."""
        if self.guide is None or self.point not in self.guide.points:
            return QRectF()
        side = max(_PART * self.guide.extent_px, 24.0)
        x, y = self.guide.points[self.point]
        return QRectF(x + 0.5 - side / 2.0, y + 0.5 - side / 2.0, side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        part = self.part()
        if part.isEmpty():
            return
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("black"))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        scale = self.width() / part.width()
        if self._flipped:
            painter.translate(self.width(), 0.0)
            painter.scale(-1.0, 1.0)
        inside = part.intersected(QRectF(self._image.rect()))
        placed = QRectF(
            (inside.x() - part.x()) * scale,
            (inside.y() - part.y()) * scale,
            inside.width() * scale,
            inside.height() * scale,
        )
        painter.drawImage(placed, self._image, inside)
        middle = QPointF(self.width() / 2.0, self.height() / 2.0)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((HALO, 4.0), (LOOK, 1.8)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(middle, _RING_PX, _RING_PX)
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                step = QPointF(dx, dy)
                painter.drawLine(middle + step * _RING_PX, middle + step * (_RING_PX + 8.0))
