"""The review of a picture before it leaves: regions that look like text, areas to blacken, a decision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app import theme
from core.burnt_in import Rectangle
from core.film import Radiograph, apply_window

_MAX_ZOOM = 12.0


class ReviewPicture(QWidget):
    """The film with marked regions. Dragging adds an area to blacken, in film pixels; the wheel zooms."""

    def __init__(self, film: Radiograph, regions: Sequence[Rectangle]) -> None:
        super().__init__()
        grey = np.ascontiguousarray(apply_window(film.pixels, film.windows[0]))
        height, width = grey.shape
        self._image = QImage(grey.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()
        self.regions = tuple(regions)
        self.blank: list[Rectangle] = []
        self._start: QPoint | None = None
        self._end = QPoint()
        self._zoom, self._middle = 1.0, QPointF(0.5, 0.5)  # part of the film that is in the middle
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Film")

    def sizeHint(self) -> QSize:
        return self._image.size().scaled(760, 620, Qt.AspectRatioMode.KeepAspectRatio)

    def place(self) -> QRect:
        """Where the film is drawn."""
        size = self._image.size().scaled(self.size() * self._zoom, Qt.AspectRatioMode.KeepAspectRatio)
        left = self.width() / 2.0 - self._middle.x() * size.width()
        top = self.height() / 2.0 - self._middle.y() * size.height()
        return QRect(QPoint(int(left), int(top)), size)

    def _on_screen(self, area: Rectangle) -> QRect:
        place, scale = self.place(), self.place().width() / self._image.width()
        return QRect(
            round(place.x() + area.x_px * scale), round(place.y() + area.y_px * scale),
            max(round(area.width_px * scale), 2), max(round(area.height_px * scale), 2),
        )  # fmt: skip

    def _on_film(self, dragged: QRect) -> Rectangle | None:
        place = self.place()
        inside = dragged.normalized().intersected(place)
        if inside.width() < 3 or inside.height() < 3:
            return None
        scale = self._image.width() / place.width()
        x, y = int((inside.x() - place.x()) * scale), int((inside.y() - place.y()) * scale)
        width, height = round(inside.width() * scale), round(inside.height() * scale)
        return Rectangle(x, y, min(width, self._image.width() - x), min(height, self._image.height() - y))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(self.place(), self._image)
        for area in self.blank:
            painter.fillRect(self._on_screen(area), QColor("black"))
        painter.setPen(QPen(QColor(theme.AMBER), 2))
        for area in self.regions:
            painter.drawRect(self._on_screen(area))
        painter.setPen(QPen(QColor(theme.ACCENT), 1, Qt.PenStyle.DashLine))
        for area in self.blank:
            painter.drawRect(self._on_screen(area))
        if self._start is not None:
            painter.drawRect(QRect(self._start, self._end).normalized())

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom; what is under the pointer stays there."""
        before, at = self.place(), event.position()
        part_x, part_y = (at.x() - before.x()) / before.width(), (at.y() - before.y()) / before.height()
        self._zoom = min(max(self._zoom * 1.0015 ** event.angleDelta().y(), 1.0), _MAX_ZOOM)
        size = self.place().size()
        self._middle = QPointF(
            part_x - (at.x() - self.width() / 2.0) / size.width(),
            part_y - (at.y() - self.height() / 2.0) / size.height(),
        )
        if self._zoom == 1.0:
            self._middle = QPointF(0.5, 0.5)
        self.update()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._start = self._end = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._end = event.position().toPoint()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._start is None:
            return
        area = self._on_film(QRect(self._start, event.position().toPoint()))
        self._start = None
        if area is not None:
            self.blank.append(area)
        self.update()


class ReviewDialog(QDialog):
    """Shows a film and asks whether anything in the picture identifies somebody."""

    def __init__(
        self, film: Radiograph, regions: Sequence[Rectangle], parent: QWidget | None, *, tagged: bool = False
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("De-identify film")
        self.picture = ReviewPicture(film, regions)
        count = "1 area looks" if len(regions) == 1 else f"{len(regions) or 'No'} areas look"
        found = f"{count} like text{' (amber)' if regions else ''}."
        stated = " The file itself says that identifying text is burnt in." if tagged else ""
        text = QLabel(
            f"{found}{stated} Look at the whole picture (the wheel zooms); drag over what identifies a "
            "person to blacken it."
        )
        text.setWordWrap(True)
        self.cover, self.clear = QPushButton("Blacken amber areas"), QPushButton("Undo last area")
        self.cover.setEnabled(bool(regions))
        self.cover.clicked.connect(self._cover)
        self.clear.clicked.connect(self._undo)
        self.decided = QCheckBox("I looked at the picture: what is left in it identifies nobody.")
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        self.save_button = buttons.button(QDialogButtonBox.StandardButton.Save)
        self.save_button.setEnabled(False)
        self.decided.toggled.connect(self.update_button)
        buttons.addButton(self.cover, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self.clear, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = self.column = QVBoxLayout(self)
        column.addWidget(text)
        column.addWidget(self.picture, 1)
        column.addWidget(self.decided)
        column.addWidget(buttons)

    @property
    def blank(self) -> tuple[Rectangle, ...]:
        """Areas to blacken."""
        return tuple(self.picture.blank)

    @property
    def may_save(self) -> bool:
        """Whether everything is decided."""
        return self.decided.isChecked()

    def update_button(self) -> None:
        """Enable saving once everything is decided."""
        self.save_button.setEnabled(self.may_save)

    def _cover(self) -> None:
        self.picture.blank += [area for area in self.picture.regions if area not in self.picture.blank]
        self.picture.update()

    def _undo(self) -> None:
        if self.picture.blank:
            self.picture.blank.pop()
        self.picture.update()
