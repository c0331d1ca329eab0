"""The window's actions on banks: choose and make one, add the open case, show points on a reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QDialog, QFileDialog, QLabel, QMenu

from app.bank.known import KnownBanks, bank_name, check_free, chosen_bank, create_bank
from app.network.actions import NetworkActions
from app.notify import message_for
from app.panels.landmarks import LandmarksPanel
from core.case import Case
from core.errors import BankError, CatalogueError, OrthoMatchError
from core.film import Radiograph
from core.measure.evaluate import shows_flipped

if TYPE_CHECKING:
    from app.bank.guide import GuideFilm
    from core.adapters.bank import Bank
    from core.burnt_in import Rectangle


class BankActions(NetworkActions):
    """Handlers of the Bank menu. The shipped bank can always be used and is never changed."""

    banks: KnownBanks
    landmarks: LandmarksPanel

    def __init__(self) -> None:
        super().__init__()
        self.bank_text = QLabel()
        self.bank_menu = QMenu("Use", self)
        self.bank_menu.aboutToShow.connect(self._fill_bank_menu)
        self._guided: tuple[str, Path | None] | None = None  # view and bank of the shown guide

    # -- which bank ------------------------------------------------------------------------------

    def open_engine(self) -> None:
        """Open model and bank at the start; a bank that cannot be used gives way to the shipped one."""
        self.show_bank()

        def failed(error: BaseException) -> None:
            if self.engine.bank is None or not isinstance(error, BankError | CatalogueError):
                self.notifier.show_error(error)
                return
            text = f"{message_for(error)}\nThe shipped bank is in use instead."
            self.controller.use_bank(None, lambda: self._bank_changed(text))

        self.controller.open_engine(failed)

    def use_bank(self, folder: Path | None) -> None:
        """Measure with the bank in ``folder`` from now on, None for the shipped one."""
        self.controller.use_bank(folder, self._bank_changed)

    def _bank_changed(self, warning: str = "") -> None:
        bank = self.engine.bank
        if not warning:  # one that could not be used is tried again at the next start
            self.banks.use(bank)
        self.show_bank()
        self.show_guide()
        film, case = self.session.film, self.session.case
        if film is not None and (case is None or self.runner.is_running("match")):
            self.do_measure()
        if warning:
            self.notifier.warn(warning)
        elif case is not None:
            self.notifier.info(f"Bank in use: {bank_name(bank)}. Measure (F5) finds the points anew with it.")

    def show_bank(self) -> None:
        """Say in the status bar which bank is in use."""
        bank = self.engine.bank
        self.bank_text.setText(f"Bank: {bank_name(bank)}")
        self.bank_text.setToolTip("The bank that came with the program" if bank is None else str(bank))

    def _fill_bank_menu(self) -> None:
        self.bank_menu.clear()
        group = QActionGroup(self.bank_menu)
        for folder in (None, *self.banks.own):
            text = "Shipped bank" if folder is None else f"{folder.name}   ({folder.parent})"
            action = self.bank_menu.addAction(text.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(folder == self.engine.bank)
            action.triggered.connect(lambda _=False, chosen=folder: self.use_bank(chosen))
            group.addAction(action)

    def do_choose_bank(self) -> None:
        """Choose the folder of a bank."""
        name = QFileDialog.getExistingDirectory(self, "Choose bank", self._bank_folder())
        if name:
            self.use_bank(chosen_bank(Path(name)))

    def do_new_bank(self) -> None:
        """Make an empty bank and use it."""
        name = QFileDialog.getExistingDirectory(self, "Empty folder for a new bank", self._bank_folder())
        if name:
            self.make_bank(Path(name))

    def make_bank(self, folder: Path) -> None:
        """Make an empty bank in ``folder`` and use it."""
        self.runner.start(
            "bank",
            "Making the bank",
            lambda *_: create_bank(folder),
            done=lambda _: self.use_bank(folder),
            failed=self.notifier.show_error,
        )

    def _bank_folder(self) -> str:
        return str(self.banks.own[0].parent) if self.banks.own else ""

    # -- adding ----------------------------------------------------------------------------------

    def do_add_to_bank(self) -> None:
        """Review the film of the open case, then store it as a reference."""
        case, film, view = self.session.case, self.session.film, self.controller.view_of(self.session.case)
        if case is None or film is None or view is None:
            return
        from app.bank.reference import check_case
        from core.adapters.deidentify import says_burned_in
        from core.burnt_in import text_regions

        try:
            check_case(case, view, film, film.path)
        except OrthoMatchError as error:
            self.notifier.show_error(error)
            return
        self.runner.start(
            "review",
            "Looking for text",
            lambda *_: (text_regions(film.pixels), bool(says_burned_in(film.path))),
            done=lambda found: self._ask_bank(case, film, *found),
            failed=self.notifier.show_error,
        )

    def _ask_bank(self, case: Case, film: Radiograph, regions: Sequence[Rectangle], tagged: bool) -> None:
        from app.bank.dialog import AddToBankDialog

        if self.session.case is not case:  # something else is open by now
            return
        dialog = AddToBankDialog(
            film,
            regions,
            self.banks.own,
            self,
            tagged=tagged,
            origin=str(self.settings.value("bank_origin", "") or ""),
            licence=str(self.settings.value("bank_licence", "") or ""),
        )
        if dialog.exec() == QDialog.DialogCode.Accepted and dialog.bank is not None:
            origin, licence = dialog.origin.text().strip(), dialog.licence.text().strip()
            self.settings.setValue("bank_origin", origin)
            self.settings.setValue("bank_licence", licence)
            self.add_to_bank(dialog.bank, case, film, origin, licence, dialog.blank)

    def add_to_bank(
        self,
        folder: Path,
        case: Case,
        film: Radiograph,
        origin: str,
        licence: str,
        blank: Sequence[Rectangle],
    ) -> None:
        """Store ``case``, whose ``film`` was reviewed, in the bank in ``folder``."""
        from app.bank.reference import add_case
        from core.adapters.bank import MANIFEST

        def work(*_: object) -> tuple[Bank, str]:
            if not (folder / MANIFEST).exists():
                check_free(folder)
            return add_case(folder, case, film, origin=origin, licence=licence, blank=blank)

        def done(added: tuple[Bank, str]) -> None:
            bank, key = added
            text = f"Added to {folder.name} as {key}; references there: {len(bank.entries)}."
            self.banks.remember(folder)
            if folder == self.engine.bank:
                self._guided = None
                self.controller.use_bank(folder, lambda: self.notifier.info(text))
            else:
                self.notifier.info(f"{text} Bank > Use measures with it.")

        self.runner.start("bank", "Adding to the bank", work, done=done, failed=self.notifier.show_error)

    # -- guide -----------------------------------------------------------------------------------

    def show_guide(self) -> None:
        """Show points on a reference film of the case's view, turned as the film is seen."""
        case, view = self.session.case, self.controller.view_of(self.session.case)
        if case is None or view is None:
            return
        flipped = shows_flipped(view, case.side.side, mirrored=case.side.mirrored) != self.view.flipped
        self.landmarks.thumbnail.set_flipped(flipped)
        wanted = (view.key, self.engine.bank)
        if wanted == self._guided:
            return
        self._guided = wanted

        def done(guide: GuideFilm | None) -> None:
            self.landmarks.thumbnail.set_guide(guide)

        self.controller.find_guide(view, done)

    def do_flip(self, on: bool) -> None:
        """Mirror the display, and the reference with it."""
        super().do_flip(on)
        self.show_guide()
