"""The window's actions on the network, on watched folders, and for films without identity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QFileDialog, QLabel

from app.panels.films import refs_of
from app.window_actions import WindowActions
from core.errors import OrthoMatchError, ReadError

if TYPE_CHECKING:
    from core.adapters.folder_watch import FolderWatch
    from core.adapters.pacs.receiver import Receiver
    from core.adapters.pacs.settings import PacsSettings
    from core.adapters.sources import FilmEntry
    from core.burnt_in import Rectangle

_LOOK_MS = 2000


class NetworkActions(WindowActions):
    """Handlers of the entries ``pacs_*``, ``watch`` and ``deidentify``. The library of the network is loaded
    only when one of them is used, and a port is open only while the status bar says so.
    """

    film_received = Signal(object)  # Path
    film_refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.receiver: Receiver | None = None
        self.listening, self.watching = QLabel(), QLabel()
        for label in (self.listening, self.watching):
            label.hide()
        self.listening.setStyleSheet("color: #ffb01f; font-weight: 600;")
        self._watch: FolderWatch | None = None
        self._watch_timer = QTimer(self)
        self._watch_timer.setInterval(_LOOK_MS)
        self._watch_timer.timeout.connect(self.look)
        self.film_received.connect(lambda path: self.offer([path]))
        self.film_refused.connect(lambda reason: self.notifier.warn(f"A film was refused: {reason}."))

    # -- PACS ------------------------------------------------------------------------------------

    def _network(self) -> PacsSettings | None:
        """The settings when the network is on and knows a peer; else says why not."""
        from core.adapters.pacs.settings import load_settings

        try:
            settings = load_settings()
            settings.require_enabled()
        except OrthoMatchError as error:
            self.notifier.show_error(error)
            return None
        return settings

    def _with_peers(self) -> PacsSettings | None:
        settings = self._network()
        if settings is not None and not settings.peers:
            self.notifier.warn("No archive is known yet. Add one in File > PACS settings.")
            return None
        return settings

    def do_pacs_import(self) -> None:
        """Look for studies in an archive and fetch one."""
        settings = self._with_peers()
        if settings is not None:
            from app.network.exchange import ImportDialog

            ImportDialog(
                settings, self.runner, self, self.open_paths, listening=self.receiver is not None
            ).show()

    def do_pacs_send(self) -> None:
        """Send chosen files to an archive."""
        settings = self._with_peers()
        if settings is None:
            return
        names, _ = QFileDialog.getOpenFileNames(
            self, "Send to PACS", self._folder(), "DICOM (*.dcm *.dicom);;All files (*)"
        )
        if names:
            from app.network.exchange import SendDialog

            SendDialog(settings, self.runner, self, [Path(name) for name in names]).show()

    def do_pacs_settings(self) -> None:
        """Change the network's settings; an open listener is closed for that."""
        from app.network.settings_dialog import SettingsDialog
        from core.adapters.pacs.settings import load_settings, save_settings

        try:
            dialog = SettingsDialog(load_settings(), self.runner, self)
            if dialog.exec() == QDialog.DialogCode.Accepted:
                self.actions_by_name["pacs_listen"].setChecked(False)
                save_settings(dialog.settings)
        except OrthoMatchError as error:
            self.notifier.show_error(error)

    def do_pacs_listen(self, on: bool) -> None:
        """Open or close the port on which films are received."""
        if not on:
            self._stop_listening()
            return
        settings = self._network()
        if settings is not None:
            from core.adapters.pacs.receiver import Receiver

            receiver = Receiver(settings, self.film_received.emit, self.film_refused.emit)
            try:
                receiver.start()
            except OrthoMatchError as error:
                self.notifier.show_error(error)
            else:
                self.receiver = receiver
                self.listening.setText(f"Receiving films: {settings.ae_title}, port {settings.listen_port}")
                self.listening.show()
        if self.receiver is None:
            self.actions_by_name["pacs_listen"].setChecked(False)

    def _stop_listening(self) -> None:
        if self.receiver is not None:
            self.receiver.stop()
        self.receiver = None
        self.listening.hide()

    # -- folder ----------------------------------------------------------------------------------

    def do_watch(self, on: bool) -> None:
        """Watch a folder for new films, or stop that."""
        folder = QFileDialog.getExistingDirectory(self, "Watch a folder", self._folder()) if on else ""
        self.watch_folder(Path(folder) if folder else None)
        if on and self._watch is None:
            self.actions_by_name["watch"].setChecked(False)

    def watch_folder(self, folder: Path | None) -> None:
        """Watch ``folder``; None stops."""
        self._watch_timer.stop()
        self.runner.cancel("watch")
        self._watch = None
        self.watching.hide()
        if folder is None:
            return
        from core.adapters.folder_watch import FolderWatch

        try:
            self._watch = FolderWatch(folder)
        except ReadError as error:
            self.notifier.show_error(error)
            return
        self.watching.setText(f"Watching {folder.name}")
        self.watching.setToolTip(str(folder))
        self.watching.show()
        self._watch_timer.start()

    def look(self) -> None:
        """Look for new films in the watched folder, off this thread."""
        watch = self._watch
        if watch is None or self.runner.is_running("watch"):
            return

        def done(films: Sequence[FilmEntry]) -> None:
            if films:
                self._add_to_list(films)

        def failed(error: BaseException) -> None:
            self.actions_by_name["watch"].setChecked(False)
            self.notifier.show_error(error)

        self.runner.start("watch", "Watching", lambda *_: watch.poll(), done=done, failed=failed)

    # -- offering films --------------------------------------------------------------------------

    def offer(self, paths: Sequence[Path]) -> None:
        """Add films to the list without opening them."""
        from core.adapters.sources import list_films

        def work(*_: object) -> list[FilmEntry]:
            return [entry for path in paths for entry in list_films(path)]

        channel = f"offer {paths[0].name}"  # several may arrive before the first is read
        self.runner.start(channel, "Reading", work, done=self._add_to_list, failed=self.notifier.show_error)

    def _add_to_list(self, films: Sequence[FilmEntry]) -> None:
        new = [ref for ref in refs_of(films) if ref not in self.films.refs]
        if not new:
            return
        current = self.films.current
        # Films of one group stand together, wherever they come from.
        self.films.show_films(sorted([*self.films.refs, *new], key=lambda ref: ref.groups))
        self.films.mark_current(current)
        self.films_dock.show()
        self.notifier.info(f"{len(new)} new film{'s' if len(new) > 1 else ''}: see the list of films.")

    # -- identity --------------------------------------------------------------------------------

    def do_deidentify(self) -> None:
        """Review the open film and write it without identity."""
        film = self.session.film
        if film is None:
            return
        from core.adapters.deidentify import says_burned_in
        from core.burnt_in import text_regions

        self.runner.start(
            "review",
            "Looking for text",
            lambda *_: (text_regions(film.pixels), bool(says_burned_in(film.path))),
            done=lambda found: self._review(*found),
            failed=self.notifier.show_error,
        )

    def _review(self, regions: Sequence[Rectangle], tagged: bool) -> None:
        from app.network.review import ReviewDialog

        film = self.session.film
        if film is None:
            return
        dialog = ReviewDialog(film, regions, self, tagged=tagged)
        if dialog.exec() != QDialog.DialogCode.Accepted:
            return
        name, _ = QFileDialog.getSaveFileName(self, "Write film without identity", "film-0001")
        if name:
            self.write_deidentified(film.path, Path(name), dialog.blank)

    def write_deidentified(self, source: Path, target: Path, blank: Sequence[Rectangle]) -> None:
        """Write the reviewed film ``source`` without identity, with ``blank`` blackened."""
        from core.adapters.atomic import write_bytes
        from core.adapters.deidentify import Deidentifier

        def work(*_: object) -> Path:
            clean = Deidentifier().film(source, blank=blank, reviewed=True)
            path = (
                target
                if target.suffix.lower() == clean.suffix
                else target.with_name(target.name + clean.suffix)
            )
            if path.resolve() == source.resolve():
                raise ReadError(
                    "The film itself is not overwritten", path=path, remedy="Choose another name."
                )
            write_bytes(path, clean.data)
            return path

        self.runner.start(
            "deidentify",
            "Removing identity",
            work,
            done=lambda path: self.notifier.info(f"Wrote {path.name}."),
            failed=self.notifier.show_error,
        )

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        if event.isAccepted():
            self._watch_timer.stop()
            self._stop_listening()
