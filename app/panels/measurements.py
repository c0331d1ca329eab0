"""The table of measurements. Choosing a row draws its lines on the film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QLabel,
    QScrollArea,
    QSplitter,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app import theme
from core.measure.definitions import MeasurementDefinition
from core.measure.results import MeasurementResult, NormalRange, format_value

_Index = QModelIndex | QPersistentModelIndex
_HEADS = ("Measurement", "Value", "90 % interval", "Normal")


def interval_text(result: MeasurementResult) -> str:
    """The 90 % interval, "" when unknown."""
    if result.interval is None:
        return ""
    return " to ".join(
        format_value(end, result.unit).split("\u00b0")[0].split(" ")[0] for end in result.interval
    )


def range_text(normal: NormalRange | None) -> str:
    """The normal range, "" when there is none."""
    if normal is None:
        return ""
    if normal.low is None:
        text = f"\u2264 {normal.high:g}"
    elif normal.high is None:
        text = f"\u2265 {normal.low:g}"
    else:
        text = f"{normal.low:g} to {normal.high:g}"
    text = text.replace("-", "\u2212")
    return text if normal.verified else f"{text}\nnot verified"


def beside_range(result: MeasurementResult) -> str:
    """``below`` or ``above`` a verified normal range, else ""."""
    normal, value = result.normal, result.value
    if normal is None or value is None or not normal.verified:
        return ""
    if normal.low is not None and value < normal.low:
        return "below"
    return "above" if normal.high is not None and value > normal.high else ""


def explain(result: MeasurementResult, definition: MeasurementDefinition | None = None) -> str:
    """Name, what this value rests on or lacks, its definition, sign, citation and pitfalls, one per line."""
    lines = [f"{result.name} ({result.definition})"]
    if result.note:
        lines.append(f"Note: {result.note}")
    if result.reason:
        lines.append(result.reason)
    if definition is not None:
        lines.append(definition.definition)
    if result.sign:
        lines.append(f"Sign: {result.sign}")
    if result.normal is not None:
        checked = "" if result.normal.verified else " (source not verified)"
        people = f" in {result.normal.population}" if result.normal.population else ""
        lines.append(f"Normal range{people}: {result.normal.citation}{checked}")
    if definition is not None:
        lines += [f"Pitfall: {pitfall}" for pitfall in definition.pitfalls]
    return "\n".join(lines)


class ResultModel(QAbstractTableModel):
    """Measurements as rows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.results: tuple[MeasurementResult, ...] = ()
        self.definitions: Mapping[str, MeasurementDefinition] = {}

    def take(self, results: tuple[MeasurementResult, ...]) -> None:
        """Show other results; the rows stay selected when the measurements are the same."""
        same = [r.key for r in results] == [r.key for r in self.results]
        if same and results:
            self.results = results
            self.dataChanged.emit(self.index(0, 0), self.index(len(results) - 1, len(_HEADS) - 1))
            return
        self.beginResetModel()
        self.results = results
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt signature
        return 0 if parent.isValid() else len(self.results)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt signature
        return len(_HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _HEADS[section]
        return None

    def data(self, index: _Index, role: int = 0) -> Any:
        result, column = self.results[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(result, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return explain(result, self.definitions.get(result.key))
        if role == Qt.ItemDataRole.ForegroundRole:
            if result.value is None:
                return QColor(theme.SOFT)
            if column == 1:
                return QColor(theme.AMBER if beside_range(result) else theme.STRONG)
            return QColor(theme.TEXT) if column == 0 else QColor(theme.SOFT)
        if role == Qt.ItemDataRole.FontRole and column == 1 and result.value is not None:
            font = QFont()
            font.setBold(True)
            font.setPointSizeF(font.pointSizeF() * 1.1)
            return font
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (1, 2) and result.value is not None:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    @staticmethod
    def _text(result: MeasurementResult, column: int) -> str:
        if column == 0:
            # Where the spacing comes from belongs beside every length.
            return (
                f"{result.name}\n{result.note}"
                if result.unit in ("mm", "px") and result.note
                else result.name
            )
        if result.value is None:
            return (result.reason or "Not measured") if column == 1 else ""
        if column == 1:
            return format_value(result.value, result.unit)
        if column == 2:
            return interval_text(result)
        side = beside_range(result)
        return f"{range_text(result.normal)}\n{side}" if side else range_text(result.normal)


class _RoomyRows(QStyledItemDelegate):
    """A little space above and below each row."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        size = super().sizeHint(option, index)
        return QSize(size.width() + 6, size.height() + 8)


class MeasurementsPanel(QWidget):
    """Table and, below it, what the chosen measurement means."""

    chosen = Signal(tuple)  # keys of the selected measurements

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ResultModel(self)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setAccessibleName("Measurements")
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.setShowGrid(False)
        self.table.setItemDelegate(_RoomyRows(self.table))
        self.table.setWordWrap(True)
        self.table.verticalHeader().hide()
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(60)
        # A name wraps over more rows as its column narrows.
        self._rows_timer = QTimer(self)
        self._rows_timer.setSingleShot(True)
        self._rows_timer.setInterval(0)
        self._rows_timer.timeout.connect(self.table.resizeRowsToContents)
        header.sectionResized.connect(lambda *_: self._rows_timer.start())
        self.detail = QLabel()
        self.detail.setWordWrap(True)
        self.detail.setTextFormat(Qt.TextFormat.PlainText)
        self.detail.setProperty("role", "soft")
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.detail.setAlignment(Qt.AlignmentFlag.AlignTop)
        # A long explanation scrolls instead of taking the table's room.
        self._detail_area = QScrollArea()
        self._detail_area.setWidget(self.detail)
        self._detail_area.setWidgetResizable(True)
        self._detail_area.setFrameShape(QFrame.Shape.NoFrame)
        self._detail_area.setAccessibleName("What the chosen measurement means")
        self._detail_area.hide()
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.setChildrenCollapsible(False)
        parts.addWidget(self.table)
        parts.addWidget(self._detail_area)
        parts.setStretchFactor(0, 3)
        parts.setStretchFactor(1, 1)
        parts.setSizes([300, 100])
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 2, 6, 6)
        column.addWidget(parts)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._select())

    def set_definitions(self, definitions: Mapping[str, MeasurementDefinition]) -> None:
        """How each measurement is defined, by key."""
        self.model.definitions = definitions
        self._describe()

    def show_results(self, results: tuple[MeasurementResult, ...]) -> None:
        """Show measurements."""
        reset = [r.key for r in results] != [r.key for r in self.model.results]
        self.model.take(results)
        self.table.clearSpans()
        for row, result in enumerate(results):
            if result.value is None:  # the reason needs the room of the other columns
                self.table.setSpan(row, 1, 1, len(_HEADS) - 1)
        self._rows_timer.start()
        if reset:
            self._select()
        else:
            self._describe()

    def selected_keys(self) -> tuple[str, ...]:
        """Keys of the selected rows, in table order."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return tuple(self.model.results[row].key for row in rows)

    def _select(self) -> None:
        self._describe()
        self._detail_area.verticalScrollBar().setValue(0)
        self.chosen.emit(self.selected_keys())

    def _describe(self) -> None:
        keys = self.selected_keys()
        one = [r for r in self.model.results if r.key in keys]
        self._detail_area.setVisible(len(one) == 1)
        self.detail.setText(explain(one[0], self.model.definitions.get(one[0].key)) if len(one) == 1 else "")
