"""Windows that fetch films from an archive and send files to one. All work runs as tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.notify import message_for
from app.tasks import TaskRunner
from core.adapters.pacs import services
from core.adapters.pacs.query import Study, StudyQuery
from core.adapters.pacs.settings import PacsSettings, Peer
from core.errors import OrthoMatchError

_CHANNEL = "pacs"
_COLUMNS = ("Date", "Patient", "Number", "Kind", "Study", "Objects")


class ExchangeDialog(QDialog):
    """A peer to choose, a line that tells what happens, and buttons. One task at a time."""

    def __init__(self, settings: PacsSettings, runner: TaskRunner, parent: QWidget, title: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.settings = settings
        self.runner = runner
        self.peers = QComboBox()
        self.peers.setAccessibleName("Archive")
        for peer in settings.peers:
            self.peers.addItem(f"{peer.name}  ({peer.ae_title}, {peer.host}:{peer.port})", peer)
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self.stop_button, self.close_button = QPushButton("Stop"), QPushButton("Close")
        self.stop_button.clicked.connect(self.stop)
        self.stop_button.setEnabled(False)
        self.close_button.clicked.connect(self.close)

    @property
    def peer(self) -> Peer:
        """The chosen peer."""
        chosen: Peer = self.peers.currentData()
        return chosen

    def buttons(self, *first: QPushButton) -> QHBoxLayout:
        """A row with ``first``, Stop and Close."""
        row = QHBoxLayout()
        row.addWidget(self.status, 1)
        for button in (*first, self.stop_button, self.close_button):
            button.setAutoDefault(False)
            row.addWidget(button)
        return row

    def work(self, text: str, work: Callable[..., object], done: Callable[[object], None]) -> None:
        """Run ``work(progress, cancelled)`` off this thread, then ``done(result)``."""
        self.status.setText(f"{text}\u2026")
        self._busy(True)

        def finished(result: object) -> None:
            self._busy(False)
            done(result)

        def failed(error: BaseException) -> None:
            self._busy(False)
            self.status.setText(
                message_for(error) if isinstance(error, OrthoMatchError) else "That failed unexpectedly."
            )

        self.runner.start(
            _CHANNEL, text, work, done=finished, failed=failed,
            progress=lambda part, words: self.status.setText(words),
        )  # fmt: skip

    def stop(self) -> None:
        """Stop what runs."""
        if self.runner.cancel(_CHANNEL):
            self._busy(False)
            self.status.setText("Stopped.")

    def _busy(self, busy: bool) -> None:
        self.stop_button.setEnabled(busy)
        self.peers.setEnabled(not busy)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.runner.cancel(_CHANNEL)
        super().closeEvent(event)


class ImportDialog(ExchangeDialog):
    """Looks for studies and fetches one. ``fetched`` receives the files."""

    def __init__(
        self,
        settings: PacsSettings,
        runner: TaskRunner,
        parent: QWidget,
        fetched: Callable[[Sequence[Path]], None],
        *,
        listening: bool = False,
    ) -> None:
        super().__init__(settings, runner, parent, "Import from PACS")
        self._fetched = fetched
        self._listening = listening
        self._studies: list[Study] = []
        self.name, self.number, self.accession, self.date = (QLineEdit() for _ in range(4))
        self.name.setPlaceholderText("Doe^J*")
        self.date.setPlaceholderText("20260131 or 20260101-20260131")
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setHorizontalHeaderLabels(_COLUMNS)
        self.table.setAccessibleName("Studies")
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(
            _COLUMNS.index("Study"), QHeaderView.ResizeMode.Stretch
        )
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.itemSelectionChanged.connect(self._update)
        self.table.itemActivated.connect(lambda _: self.fetch())
        self.search_button, self.fetch_button = QPushButton("Search"), QPushButton("Fetch")
        self.search_button.clicked.connect(self.search)
        self.fetch_button.clicked.connect(self.fetch)
        self.fetch_button.setProperty("primary", True)
        form = QFormLayout()
        form.addRow("Archive", self.peers)
        form.addRow("Patient's name", self.name)
        form.addRow("Patient's number", self.number)
        form.addRow("Accession number", self.accession)
        form.addRow("Date", self.date)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(self.table, 1)
        column.addLayout(self.buttons(self.search_button, self.fetch_button))
        for field in (self.name, self.number, self.accession, self.date):
            field.returnPressed.connect(self.search)
        self.resize(780, 560)
        self._update()

    def search(self) -> None:
        """Look for studies with the given keys."""
        try:
            query = StudyQuery(
                self.name.text().strip(), self.number.text().strip(), self.accession.text().strip(),
                self.date.text().strip(),
            )  # fmt: skip
        except OrthoMatchError as error:
            self.status.setText(message_for(error))
            return
        settings, peer = self.settings, self.peer

        def done(found: object) -> None:
            assert isinstance(found, list)
            self._show(found)

        self.work(
            "Searching",
            lambda progress, cancelled: services.find_studies(settings, peer, query, cancelled=cancelled),
            done,
        )

    def _show(self, studies: list[Study]) -> None:
        self._studies = studies
        self.table.setRowCount(len(studies))
        for row, study in enumerate(studies):
            films = "" if study.films is None else str(study.films)
            words = (
                study.date,
                study.patient_name,
                study.patient_id,
                study.modalities,
                study.description,
                films,
            )
            for column, text in enumerate(words):
                self.table.setItem(row, column, QTableWidgetItem(text))
        self.table.resizeColumnsToContents()
        if studies:
            self.table.selectRow(0)
        more = " Narrow the search: there may be more." if len(studies) >= services.MOST_MATCHES else ""
        self.status.setText(f"{len(studies)} found.{more}")
        self._update()

    def fetch(self) -> None:
        """Fetch the films of the selected study."""
        row = self.table.currentRow()
        if not 0 <= row < len(self._studies):
            return
        study, settings, peer, listening = self._studies[row], self.settings, self.peer, self._listening

        def done(result: object) -> None:
            assert isinstance(result, services.Retrieved)
            lost = f" {result.failed} objects were not delivered." if result.failed else ""
            self.status.setText(f"{len(result.paths)} films fetched.{lost}")
            if result.paths:
                self._fetched(result.paths)

        self.work(
            "Fetching",
            lambda progress, cancelled: services.retrieve(
                settings, peer, study.uid, progress=progress, cancelled=cancelled, listening=listening
            ),
            done,
        )

    def _busy(self, busy: bool) -> None:
        super()._busy(busy)
        self.search_button.setEnabled(not busy)
        self._update()

    def _update(self) -> None:
        self.fetch_button.setEnabled(self.table.currentRow() >= 0 and not self.stop_button.isEnabled())


class SendDialog(ExchangeDialog):
    """Sends chosen DICOM files."""

    def __init__(
        self, settings: PacsSettings, runner: TaskRunner, parent: QWidget, files: Sequence[Path]
    ) -> None:
        super().__init__(settings, runner, parent, "Send to PACS")
        self.files = list(files)
        listed = QListWidget()
        listed.setAccessibleName("Files")
        listed.addItems([path.name for path in files])
        note = QLabel("The files leave this computer as they are, with the patient's data in them.")
        note.setProperty("role", "soft")
        self.send_button = QPushButton("Send")
        self.send_button.setProperty("primary", True)
        self.send_button.clicked.connect(self.send)
        form = QFormLayout()
        form.addRow("Archive", self.peers)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(listed, 1)
        column.addWidget(note)
        column.addLayout(self.buttons(self.send_button))
        self.resize(560, 360)

    def send(self) -> None:
        """Send all files."""
        settings, peer, files = self.settings, self.peer, self.files

        def done(result: object) -> None:
            assert isinstance(result, services.Sent)
            lines = [f"{len(result.paths)} of {len(files)} files sent."]
            lines += [f"{path.name}: {reason}" for path, reason in result.failed[:5]]
            self.status.setText("\n".join(lines))

        self.work(
            "Sending",
            lambda progress, cancelled: services.send(
                settings, peer, files, progress=progress, cancelled=cancelled
            ),
            done,
        )

    def _busy(self, busy: bool) -> None:
        super()._busy(busy)
        self.send_button.setEnabled(not busy)
