"""The list of points, with what is known of their error."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.panels.thumbnail import PointThumbnail
from app.viewer import overlays
from core.case import Case
from core.landmarks import Landmark

_KEY = Qt.ItemDataRole.UserRole


def error_text(point: Landmark, column_mm: float | None) -> str:
    """What is known of a point's error, in millimetres where the spacing is known."""
    if point.edited:
        return "placed by hand"
    parts = []
    if point.expected_error_px is not None:
        error = point.expected_error_px
        parts.append(f"\u00b1 {error * column_mm:.1f} mm" if column_mm else f"\u00b1 {error:.1f} px")
    if point.confidence is not None:
        parts.append(f"conf. {point.confidence:.0%}".replace("%", " %"))
    return ", ".join(parts) or "automatic"


class LandmarksPanel(QWidget):
    """Points in the view's order; choosing one selects it on the film."""

    chosen = Signal(str)
    reset_one = Signal()
    reset_all = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: Mapping[str, str] = {}
        self._descriptions: Mapping[str, str] = {}
        self.only_look = QCheckBox("Only points that need a look")
        self.list = QListWidget()
        self.list.setAccessibleName("Points")
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setUniformItemSizes(True)
        self.description = QLabel()
        self.description.setWordWrap(True)
        self.description.setTextFormat(Qt.TextFormat.PlainText)
        self.description.setProperty("role", "soft")
        self.description.hide()
        self.thumbnail = PointThumbnail()
        self.reset_button = QPushButton("Reset point")
        self.reset_all_button = QPushButton("Reset all")
        row = QHBoxLayout()
        row.addWidget(self.reset_button)
        row.addWidget(self.reset_all_button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 2, 6, 6)
        column.addWidget(self.only_look)
        column.addWidget(self.list, 1)
        words = QVBoxLayout()
        words.addWidget(self.description)
        words.addStretch(1)
        words.addLayout(row)
        about = QHBoxLayout()
        about.addWidget(self.thumbnail, 0, Qt.AlignmentFlag.AlignTop)
        about.addLayout(words, 1)
        column.addLayout(about)
        self.only_look.toggled.connect(lambda *_: self._filter())
        self.list.currentItemChanged.connect(self._on_current)
        self.list.itemClicked.connect(lambda item: self.chosen.emit(item.data(_KEY)))
        self.reset_button.clicked.connect(self.reset_one)
        self.reset_all_button.clicked.connect(self.reset_all)

    def set_definitions(self, names: Mapping[str, str], descriptions: Mapping[str, str]) -> None:
        """Names and descriptions of the view's points by key."""
        self._names, self._descriptions = names, descriptions

    def show_case(self, case: Case | None, look: tuple[str, ...], selected: str) -> None:
        """Show the points of a case."""
        points: dict[str, Landmark | None] = {}
        if case is not None:
            points = {key: case.landmarks.points.get(key) for key in self._names or case.landmarks}
            points |= case.landmarks.points
        blocked = self.list.blockSignals(True)
        if [self.list.item(i).data(_KEY) for i in range(self.list.count())] != list(points):
            self.list.clear()
            for key in points:
                item = QListWidgetItem()
                item.setData(_KEY, key)
                self.list.addItem(item)
        spacing = case.calibration.column_mm if case is not None else None
        for i, (key, point) in enumerate(points.items()):
            self._fill(self.list.item(i), key, point, key in look, spacing)
        self.list.blockSignals(blocked)
        self.only_look.setText(f"Only points that need a look ({len(look)})")
        self.reset_all_button.setEnabled(any(point is not None and point.edited for point in points.values()))
        self._filter()
        self.show_selected(selected)

    def show_selected(self, key: str) -> None:
        """Follow the selection made elsewhere."""
        blocked = self.list.blockSignals(True)
        self.list.setCurrentRow(-1)
        for i in range(self.list.count()):
            if self.list.item(i).data(_KEY) == key:
                self.list.setCurrentRow(i)
                self.list.scrollToItem(self.list.item(i))
        self.list.blockSignals(blocked)
        self.description.setText(self._descriptions.get(key, ""))
        self.description.setVisible(bool(self.description.text()))
        self.thumbnail.show_point(key)
        item = self.list.currentItem()
        self.reset_button.setEnabled(bool(item is not None and item.data(_KEY + 1)))

    def _fill(
        self, item: QListWidgetItem, key: str, point: Landmark | None, look: bool, spacing: float | None
    ) -> None:
        item.setToolTip(self._descriptions.get(key, ""))
        item.setData(_KEY + 2, look or point is None)
        if point is None:
            item.setText(f"\u2013  {self._names.get(key, key)}   not placed")
            item.setForeground(QColor(theme.SOFT))
            item.setData(_KEY + 1, False)
            return
        sign = "\u25a0" if point.edited else "\u25c6" if look else "\u25cb"
        colour = overlays.EDITED if point.edited else overlays.LOOK if look else QColor(theme.TEXT)
        item.setText(f"{sign}  {self._names.get(key, key)}   {error_text(point, spacing)}")
        item.setForeground(colour)
        item.setData(_KEY + 1, point.edited)

    def _filter(self) -> None:
        for i in range(self.list.count()):
            item = self.list.item(i)
            item.setHidden(self.only_look.isChecked() and not item.data(_KEY + 2))

    def _on_current(self, item: QListWidgetItem | None, _: QListWidgetItem | None) -> None:
        if item is not None:
            self.chosen.emit(item.data(_KEY))
