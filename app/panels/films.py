"""The films of an opened folder or of several files, by patient, study and series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

_REF = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class FilmRef:
    """One frame of one file. ``groups`` are patient, study and series: what tells them apart, and words."""

    path: Path
    frame: int
    label: str
    groups: tuple[tuple[str, str], ...] = ()


def refs_of(entries: Sequence[Any]) -> list[FilmRef]:
    """One reference for each frame of each listed file."""
    refs = []
    for entry in entries:
        frames = max(1, int(getattr(entry, "frames", 1)))
        label = str(getattr(entry, "label", "") or Path(entry.path).name)
        words = getattr(entry, "headings", ("", "", ""))
        keys = words[0], str(getattr(entry, "study", "")), str(getattr(entry, "series", ""))
        groups = tuple(zip(keys, words, strict=True)) if any(words) else ()
        for frame in range(frames):
            text = f"{label}  [{frame + 1}/{frames}]" if frames > 1 else label
            refs.append(FilmRef(Path(entry.path), frame, text, groups))
    return refs


class FilmsPanel(QWidget):
    """A tree of patients, studies, series and films; choosing a film asks to open it."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Films")
        self.tree.setUniformRowHeights(True)
        self.tree.setHeaderHidden(True)
        self.tree.setIndentation(14)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 2, 6, 6)
        column.addWidget(self.tree)
        self.tree.itemActivated.connect(self._ask)
        self.tree.itemClicked.connect(self._ask)
        self._current: FilmRef | None = None
        self._items: dict[FilmRef, QTreeWidgetItem] = {}

    @property
    def refs(self) -> list[FilmRef]:
        """The listed films, as they stand from top to bottom."""
        return list(self._items)

    @property
    def current(self) -> FilmRef | None:
        """The film that is open."""
        return self._current

    def show_films(self, refs: Sequence[FilmRef]) -> None:
        """List films. Those of one group must stand together."""
        self.tree.clear()
        self._items = {}
        groups: dict[tuple[str, ...], QTreeWidgetItem] = {}
        for ref in dict.fromkeys(refs):
            parent = self.tree.invisibleRootItem()
            for depth, (_, words) in enumerate(ref.groups):
                key = tuple(name for name, _ in ref.groups[: depth + 1])
                if not words:
                    continue
                if key not in groups:
                    groups[key] = _item(parent, words)
                    groups[key].setFlags(Qt.ItemFlag.ItemIsEnabled)
                parent = groups[key]
            item = _item(parent, ref.label)
            item.setData(0, _REF, ref)
            item.setToolTip(0, ref.path.name)
            self._items[ref] = item
        self.tree.expandAll()

    def mark_current(self, ref: FilmRef | None) -> None:
        """Show which film is open."""
        self._current = ref
        item = self._items.get(ref) if ref is not None else None
        if item is not None:
            self.tree.setCurrentItem(item)
        else:
            self.tree.clearSelection()

    def neighbour(self, step: int) -> FilmRef | None:
        """The film before or after the open one."""
        refs = self.refs
        if self._current not in refs:
            return None
        index = refs.index(self._current) + step
        return refs[index] if 0 <= index < len(refs) else None

    def _ask(self, item: QTreeWidgetItem) -> None:
        ref = item.data(0, _REF)
        if ref is not None and ref != self._current:
            self.chosen.emit(ref)


def _item(parent: QTreeWidgetItem, text: str) -> QTreeWidgetItem:
    item = QTreeWidgetItem(parent)
    item.setText(0, text)
    return item
