"""Asked before a case becomes a reference: which bank, from where, and whether the picture is anonymous."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from app.bank.known import chosen_bank
from app.network.review import ReviewDialog
from core.adapters.bank import GREY_PERCENTILES
from core.burnt_in import Rectangle
from core.film import Radiograph, Window

NOTE = (
    "Stored are the grey values as shown here and the points: nothing of the file's tags, its name, or the "
    "reader's name."
)


class AddToBankDialog(ReviewDialog):
    """Shows the film as it will be stored, and asks for bank, origin and terms."""

    def __init__(
        self,
        film: Radiograph,
        regions: Sequence[Rectangle],
        banks: Sequence[Path],
        parent: QWidget | None,
        *,
        tagged: bool = False,
        origin: str = "",
        licence: str = "",
    ) -> None:
        super().__init__(as_stored(film), regions, parent, tagged=tagged)
        self.setWindowTitle("Add to my bank")
        self.save_button.setText("Add")
        self.banks = QComboBox()
        self.banks.setAccessibleName("Bank")
        self.banks.setPlaceholderText("Choose a folder")
        for folder in banks:
            self._offer(folder)
        self.banks.setCurrentIndex(0 if banks else -1)
        other = QPushButton("Other folder\u2026")
        other.setToolTip("A bank, or an empty folder for a new one")
        other.clicked.connect(self._choose)
        self.origin, self.licence = QLineEdit(origin), QLineEdit(licence)
        self.origin.setPlaceholderText("Where the film comes from, without names, e.g. our archive")
        self.licence.setPlaceholderText("Terms under which it may be used, e.g. internal")
        row = QHBoxLayout()
        row.addWidget(self.banks, 1)
        row.addWidget(other)
        form = QFormLayout()
        form.addRow("Bank", row)
        form.addRow("Origin", self.origin)
        form.addRow("Terms", self.licence)
        note = QLabel(NOTE)
        note.setWordWrap(True)
        note.setProperty("role", "soft")
        self.column.insertLayout(0, form)
        self.column.insertWidget(1, note)
        self.banks.currentIndexChanged.connect(self.update_button)
        for field in (self.origin, self.licence):
            field.textChanged.connect(self.update_button)

    @property
    def bank(self) -> Path | None:
        """The chosen folder, None when there is none yet."""
        folder = self.banks.currentData()
        return None if folder is None else Path(folder)

    @property
    def may_save(self) -> bool:
        named = all(field.text().strip() for field in (self.origin, self.licence))
        return self.decided.isChecked() and named and self.bank is not None

    def choose_bank(self, folder: Path) -> None:
        """Offer ``folder`` and choose it, unless it is that of the shipped bank, which is not changed."""
        if chosen_bank(folder) is None:
            return
        if self.banks.findData(str(folder)) < 0:
            self._offer(folder)
        self.banks.setCurrentIndex(self.banks.findData(str(folder)))

    def _offer(self, folder: Path) -> None:
        self.banks.addItem(f"{folder.name}   {folder.parent}", str(folder))

    def _choose(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Bank, or empty folder for a new one")
        if name:
            self.choose_bank(Path(name))


def as_stored(film: Radiograph) -> Radiograph:
    """The film seen through the range of grey values that a bank keeps, so that nothing hides outside it."""
    low, high = (float(value) for value in np.percentile(film.pixels, GREY_PERCENTILES))
    return replace(film, windows=(Window(low, high),))
