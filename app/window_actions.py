"""What the main window's actions do. Dialogs are asked here; work goes to the controller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QDockWidget, QFileDialog, QInputDialog, QMainWindow, QWidget

from app.backend import EngineHolder, form_of
from app.controller import CASE_SUFFIX, Controller
from app.dialogs import Leave, about_dialog, keyboard_dialog
from app.notify import Notifier
from app.panels.films import FilmRef, FilmsPanel
from app.panels.study import StudyPanel
from app.session import Session
from app.tasks import TaskRunner
from app.viewer.scene import FilmView
from app.viewer.tools import ViewTools
from core.calibration import calibration_from_disc, calibration_from_ruler
from core.disc import find_disc
from core.errors import OrthoMatchError
from core.film import Window
from core.overlay import pixel_aspect

_FILM_FILTER = "Films (*.dcm *.dicom *.png *.jpg *.jpeg *.tif *.tiff *.zip DICOMDIR);;All files (*)"
_CASE_FILTER = f"OrthoMatch case (*{CASE_SUFFIX})"


class WindowActions(QMainWindow):
    """Handlers ``do_<name>`` for every entry of ``actions.ACTIONS``; ``MainWindow`` builds the rest."""

    session: Session
    controller: Controller
    runner: TaskRunner
    engine: EngineHolder
    notifier: Notifier
    settings: QSettings
    view: FilmView
    tools: ViewTools
    films: FilmsPanel
    films_dock: QDockWidget
    study: StudyPanel
    panes: tuple[QWidget, ...]
    presets: list[Window]
    actions_by_name: dict[str, QAction]
    ask_unsaved: Callable[[], Leave]

    def _show_overlay(self) -> None:
        raise NotImplementedError

    # -- opening ---------------------------------------------------------------------------------

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open films, a folder or a case, after asking about unsaved changes."""
        if paths:
            self._leaving(lambda: self.controller.open_paths(paths))

    def open_ref(self, ref: FilmRef) -> None:
        """Open one of the listed films."""
        self._leaving(lambda: self.controller.open_film(ref))
        # Until the film is read (or if the user stays), the list keeps showing the open one.
        self.films.mark_current(self.films.current)

    def _leaving(self, go: Callable[[], None]) -> None:
        """Run ``go`` once unsaved changes are saved or given up."""
        if not self.session.is_dirty:
            go()
            return
        answer = self.ask_unsaved()
        if answer is Leave.DISCARD:
            go()
        elif answer is Leave.SAVE:
            self._save_then(go)

    def _save_then(self, go: Callable[[], None]) -> None:
        path = self.session.case_path or self._ask_case_path()
        if path is not None:
            self.controller.save(path, then=go)

    def do_open(self) -> None:
        """Choose films."""
        names, _ = QFileDialog.getOpenFileNames(self, "Open film", self._folder(), _FILM_FILTER)
        self._opened_from(names)

    def do_open_folder(self) -> None:
        """Choose a folder."""
        name = QFileDialog.getExistingDirectory(self, "Open folder", self._folder())
        self._opened_from([name] if name else [])

    def do_open_case(self) -> None:
        """Choose a saved case."""
        name, _ = QFileDialog.getOpenFileName(self, "Open case", self._folder(), _CASE_FILTER)
        self._opened_from([name] if name else [])

    def _opened_from(self, names: Sequence[str]) -> None:
        if names:
            first = Path(names[0])
            self.settings.setValue("folder", str(first if first.is_dir() else first.parent))
            self.open_paths([Path(name) for name in names])

    def _folder(self) -> str:
        return str(self.settings.value("folder", "") or "")

    def do_next_film(self) -> None:
        """Open the film after this one in the list."""
        self._neighbour(1)

    def do_previous_film(self) -> None:
        """Open the film before this one in the list."""
        self._neighbour(-1)

    def _neighbour(self, step: int) -> None:
        ref = self.films.neighbour(step)
        if ref is not None:
            self.open_ref(ref)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        self.open_paths(paths)

    # -- saving and reporting ----------------------------------------------------------------------

    def do_save(self) -> None:
        """Save where the case already is, else ask."""
        if self.session.case_path is not None:
            self.controller.save(self.session.case_path)
        else:
            self.do_save_as()

    def do_save_as(self) -> None:
        """Save under a chosen name."""
        path = self._ask_case_path()
        if path is not None:
            self.controller.save(path)

    def _ask_case_path(self) -> Path | None:
        return self._ask_path("Save case", CASE_SUFFIX, _CASE_FILTER)

    def do_export(self, key: str) -> None:
        """Write the results in the form ``key``."""
        form = form_of(key)
        # A name of its own, so that it is never the film's or that of another form.
        ending = "" if key == "pdf" else f"-{key.replace('_', '-')}"
        filters = f"{form.title} (*{form.suffix})"
        path = self._ask_path(f"Export {form.title}", form.suffix, filters, ending)
        if path is not None:
            self.controller.export(key, path)

    def _ask_path(self, title: str, suffix: str, filters: str, ending: str = "") -> Path | None:
        film = self.session.film
        if film is None:
            return None
        start = self.session.case_path or beside(film.path)
        proposed = start.with_name(f"{start.stem}{ending}{suffix}")
        name, _ = QFileDialog.getSaveFileName(self, title, str(proposed), filters)
        if not name:
            return None
        path = Path(name)
        return path if path.suffix.lower() == suffix else path.with_name(path.name + suffix)

    def do_quit(self) -> None:
        """Leave the program."""
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        answer = self.ask_unsaved() if self.session.is_dirty else Leave.DISCARD
        if answer is Leave.SAVE:
            # Saving runs beside the window, which closes when the case is on disk.
            self._save_then(lambda: QTimer.singleShot(0, self.close))
        if answer is not Leave.DISCARD:
            event.ignore()
            return
        self.settings.setValue("geometry", self.saveGeometry())
        self.settings.setValue("state", self.saveState())
        self.settings.setValue("reader", self.study.reader.text().strip())
        self.runner.shut_down()
        event.accept()

    # -- editing and measuring ---------------------------------------------------------------------

    def do_undo(self) -> None:
        """Take the last step back."""
        if not self.session.dragging:
            self.session.undo_stack.undo()

    def do_redo(self) -> None:
        """Make the step again."""
        if not self.session.dragging:
            self.session.undo_stack.redo()

    def do_reset_point(self) -> None:
        """The selected point back to its automatic position."""
        if self.session.selected_point:
            self.session.reset_points(self.session.selected_point)

    def do_reset_all(self) -> None:
        """All points back to their automatic positions."""
        self.session.reset_points()

    def do_measure(self) -> None:
        """Find the points anew with the chosen view and side."""
        self.controller.analyse(self.study.chosen_view, self.study.chosen_side)

    def do_annotate(self) -> None:
        """Start with no point: choose the view, then click each of its points in turn."""
        catalogue, case = self.controller.catalogue, self.session.case
        if catalogue is None or self.session.film is None:
            return
        now = self.study.chosen_view or (case.view if case is not None else "")
        names = {view.name: key for key, view in catalogue.views.items()}
        shown = list(names.values()).index(now) if now in names.values() else 0
        name, chosen = QInputDialog.getItem(
            self, "Place points by hand", "View of the film:", list(names), shown, False
        )
        if chosen:
            self.annotate(names[name])

    def annotate(self, view: str) -> None:
        """Begin a case of ``view`` without points."""
        self.controller.annotate(view, self.study.chosen_side)
        self.session.walk(1)
        self.notifier.info(
            "Click where the selected point belongs; the text below the list of points says where that is. "
            "Tab and Shift+Tab select the next and the previous point."
        )
        self.view.setFocus()

    def do_cancel(self) -> None:
        """Stop the running task."""
        self.controller.cancel()

    def do_next_look(self) -> None:
        """Go to the next point that needs a look."""
        self.tools.walk(1, only_needing_look=True)

    def find_ball(self, x_px: float, y_px: float) -> None:
        """Show the outline of the round object at a place of the film."""
        film = self.session.film
        if film is None:
            return
        self.view.set_disc(None)
        try:
            self.view.set_disc(find_disc(film.pixels, (x_px, y_px), pixel_aspect(film.calibration)))
        except OrthoMatchError as error:
            self.notifier.info(str(error))

    def do_spacing(self) -> None:
        """Ask for the true size of what was marked and take the spacing from it."""
        if self.view.disc is not None:
            question = "True diameter of the ball in mm:"
        elif self.view.ruler is not None:
            question = "True length of the ruler in mm (at the bone):"
        else:
            self.notifier.info(
                "First mark an object of known size: hold Ctrl and click on a ball, or drag along a length."
            )
            return
        length, entered = QInputDialog.getDouble(self, "Set spacing", question, 25.0, 0.1, 2000.0, 2)
        if entered:
            self.set_spacing(length)

    def set_spacing(self, length_mm: float) -> None:
        """Make the drawn ruler, or the diameter of the outlined ball, ``length_mm`` long."""
        film, ruler, disc = self.session.film, self.view.ruler, self.view.disc
        if film is None or (ruler is None and disc is None):
            return
        aspect = pixel_aspect(film.calibration)
        try:
            if disc is not None:
                found = calibration_from_disc(disc, length_mm, aspect)
            else:
                assert ruler is not None
                found = calibration_from_ruler(*ruler, length_mm, aspect)
        except OrthoMatchError as error:
            self.notifier.show_error(error)
            return
        self.session.set_calibration(found, self.controller.cautioned(self.session.case))
        self.view.set_ruler(None)

    def do_confirm(self) -> None:
        """Confirm, or put the cursor where the reader's name goes."""
        self.study.ask_confirm()

    def confirm_as(self, name: str) -> None:
        """Confirm in the name of ``name``."""
        if self.session.confirm(name):
            self.view.setFocus()
        elif self.session.case is not None and self.session.case.doubts:
            what = "view" if self.session.case.view_conflict else "side"
            self.notifier.warn(f"The {what} is in doubt. Settle it before confirming.")

    # -- display -----------------------------------------------------------------------------------

    def do_fit(self) -> None:
        """Show the whole film."""
        self.view.fit()

    def do_actual_size(self) -> None:
        """One film pixel per screen pixel."""
        self.view.actual_size()

    def do_zoom_in(self) -> None:
        """Zoom in about the centre."""
        self.view.zoom_by(1.0)

    def do_zoom_out(self) -> None:
        """Zoom out about the centre."""
        self.view.zoom_by(-1.0)

    def do_invert(self, on: bool) -> None:
        """Swap black and white on screen."""
        self.view.set_inverted(on)

    def do_flip(self, on: bool) -> None:
        """Mirror the display."""
        self.view.set_flipped(on)

    def do_next_window(self) -> None:
        """The next window preset."""
        item = self.view.item
        if item is None or not self.presets:
            return
        index = self.presets.index(item.shown_through) + 1 if item.shown_through in self.presets else 0
        preset = self.presets[index % len(self.presets)]
        self.view.set_window(preset)
        self.notifier.info(f"Window: {preset.name or 'film'}")

    def do_overlay(self, on: bool) -> None:
        """Show or hide points and lines."""
        self.view.overlay_visible = on
        self.view.viewport().update()

    def do_graphics(self, on: bool) -> None:
        """Show or hide the overlay that the file brings."""
        self.view.set_graphics_visible(on)

    def do_names(self, on: bool) -> None:
        """Show all names or only those pointed at."""
        self._show_overlay()

    def do_next_pane(self) -> None:
        """Move the keyboard focus to the next pane."""
        shown = [pane for pane in self.panes if pane.isVisible()]
        if not shown:
            return
        focus = self.focusWidget()
        index = next((i for i, pane in enumerate(shown) if focus is not None and _holds(pane, focus)), -1)
        shown[(index + 1) % len(shown)].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def do_keyboard(self) -> None:
        """Show all keys."""
        keyboard_dialog(self).show()

    def do_about(self) -> None:
        """Show version and statement."""
        engine = self.engine.opened
        about_dialog(self, engine.provider if engine is not None else "").show()


def beside(film: Path) -> Path:
    """Where to offer to write what belongs to a film: beside it, or beside the archive that it is in."""
    folder = next((place for place in film.parents if place.is_dir()), Path.cwd())
    return folder / film.name


def _holds(pane: QWidget, widget: QWidget) -> bool:
    return pane is widget or pane.isAncestorOf(widget)
