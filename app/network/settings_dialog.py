"""The window of the network's settings."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.notify import message_for
from app.tasks import TaskRunner
from core.adapters.pacs.services import echo
from core.adapters.pacs.settings import PacsSettings, Peer
from core.errors import OrthoMatchError

_COLUMNS = ("Name", "AE title", "Address", "Port")


class SettingsDialog(QDialog):
    """Edits settings; :attr:`settings` holds what was accepted."""

    def __init__(self, settings: PacsSettings, runner: TaskRunner, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("PACS settings")
        self.settings = settings
        self._runner = runner
        self.enabled = QCheckBox("Use the network (off: no connection is ever opened)")
        self.enabled.setChecked(settings.enabled)
        self.title = QLineEdit(settings.ae_title)
        self.port = QLineEdit(str(settings.listen_port))
        self.callers = QLineEdit(", ".join(settings.allowed_callers))
        self.callers.setPlaceholderText("all that know our AE title")
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setHorizontalHeaderLabels(_COLUMNS)
        self.table.setAccessibleName("Archives")
        self.table.verticalHeader().hide()
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.horizontalHeader().setStretchLastSection(True)
        for peer in settings.peers:
            self.add_peer(peer.name, peer.ae_title, peer.host, str(peer.port))
        self.status = QLabel()
        self.status.setWordWrap(True)
        add, remove, self.test_button = QPushButton("Add"), QPushButton("Remove"), QPushButton("Test")
        add.clicked.connect(lambda: self.add_peer("", "", "", "104"))
        remove.clicked.connect(lambda: self.table.removeRow(self.table.currentRow()))
        self.test_button.clicked.connect(self.test)
        row = QHBoxLayout()
        for button in (add, remove, self.test_button):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addWidget(self.status, 1)
        form = QFormLayout()
        form.addRow(self.enabled)
        form.addRow("Our AE title", self.title)
        form.addRow("Our port", self.port)
        form.addRow("Films taken from", self.callers)
        form.addRow("Inbox", QLabel(f"{settings.inbox_folder}, at most {settings.max_inbox_mib} MiB"))
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(QLabel("Archives"))
        column.addWidget(self.table, 1)
        column.addLayout(row)
        column.addWidget(buttons)
        self.resize(620, 460)

    def add_peer(self, *words: str) -> None:
        """Add a row to the archives and select it."""
        row = self.table.rowCount()
        self.table.insertRow(row)
        for column, text in enumerate(words):
            self.table.setItem(row, column, QTableWidgetItem(text))
        self.table.setCurrentCell(row, 0)

    def entered(self) -> PacsSettings:
        """The settings as they stand in the fields. Raises ``ValueError`` with what is wrong."""
        callers = tuple(t.strip() for t in self.callers.text().split(",") if t.strip())
        return replace(
            self.settings,
            enabled=self.enabled.isChecked(),
            ae_title=self.title.text().strip(),
            listen_port=_port(self.port.text()),
            allowed_callers=callers,
            peers=tuple(self._peer(row) for row in range(self.table.rowCount())),
        )

    def _peer(self, row: int) -> Peer:
        items = (self.table.item(row, column) for column in range(len(_COLUMNS)))
        name, title, host, port = (item.text().strip() if item is not None else "" for item in items)
        return Peer(name, title, host, _port(port))

    def test(self) -> None:
        """Ask the selected archive for a sign of life."""
        row = self.table.currentRow()
        if row < 0:
            self.status.setText("Select an archive.")
            return
        try:
            settings = self.entered()
        except ValueError as error:
            self.status.setText(str(error))
            return
        peer = settings.peers[row]
        self.status.setText(f"Calling {peer.name}\u2026")

        def failed(error: BaseException) -> None:
            self.status.setText(message_for(error) if isinstance(error, OrthoMatchError) else "That failed.")

        self._runner.start(
            "pacs",
            "Calling the archive",
            lambda progress, cancelled: echo(settings, peer, cancelled=cancelled),
            done=lambda _: self.status.setText(f"{peer.name} answered."),
            failed=failed,
        )

    def accept(self) -> None:
        try:
            self.settings = self.entered()
        except ValueError as error:
            self.status.setText(str(error))
            return
        super().accept()

    def done(self, result: int) -> None:
        self._runner.cancel("pacs")
        super().done(result)

    def keyPressEvent(self, event: object) -> None:
        # Return ends the editing of a cell, not the whole window.
        key = getattr(event, "key", lambda: None)()
        if key not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)  # type: ignore[arg-type]


def _port(text: str) -> int:
    if not text.strip().isdecimal():
        raise ValueError(f"{text!r} is no port")
    return int(text)
