"""The films of an opened folder or of several files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget


@dataclass(frozen=True)
class FilmRef:
    """One frame of one file."""

    path: Path
    frame: int
    label: str


def refs_of(entries: Sequence[Any]) -> list[FilmRef]:
    """One reference for each frame of each listed file."""
    refs = []
    for entry in entries:
        frames = max(1, int(getattr(entry, "frames", 1)))
        label = str(getattr(entry, "label", "") or Path(entry.path).name)
        for frame in range(frames):
            refs.append(
                FilmRef(Path(entry.path), frame, f"{label}  [{frame + 1}/{frames}]" if frames > 1 else label)
            )
    return refs


class FilmsPanel(QWidget):
    """A list; choosing an entry asks to open it."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QListWidget()
        self.list.setAccessibleName("Films")
        self.list.setUniformItemSizes(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 2, 6, 6)
        column.addWidget(self.list)
        self.list.itemActivated.connect(self._ask)
        self.list.itemClicked.connect(self._ask)
        self._current: FilmRef | None = None

    @property
    def refs(self) -> list[FilmRef]:
        """The listed films."""
        return [self.list.item(i).data(Qt.ItemDataRole.UserRole) for i in range(self.list.count())]

    @property
    def current(self) -> FilmRef | None:
        """The film that is open."""
        return self._current

    def show_films(self, refs: Sequence[FilmRef]) -> None:
        """List films."""
        self.list.clear()
        for ref in refs:
            item = QListWidgetItem(ref.label)
            item.setData(Qt.ItemDataRole.UserRole, ref)
            item.setToolTip(ref.path.name)
            self.list.addItem(item)

    def mark_current(self, ref: FilmRef | None) -> None:
        """Show which film is open."""
        self._current = ref
        refs = self.refs
        self.list.setCurrentRow(refs.index(ref) if ref in refs else -1)

    def neighbour(self, step: int) -> FilmRef | None:
        """The film before or after the open one."""
        refs = self.refs
        if self._current not in refs:
            return None
        index = refs.index(self._current) + step
        return refs[index] if 0 <= index < len(refs) else None

    def _ask(self, item: QListWidgetItem) -> None:
        ref = item.data(Qt.ItemDataRole.UserRole)
        if ref != self._current:
            self.chosen.emit(ref)
