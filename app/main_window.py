"""The main window: film in the middle, docks around it, actions. Work is done by the controller."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction, QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from app.actions import ACTIONS, MENU_TITLES, STATEMENT, ActionSpec
from app.backend import Backend, EngineFactory, EngineHolder, open_engine
from app.bank.actions import BankActions
from app.bank.known import KnownBanks
from app.controller import Controller
from app.dialogs import ask_unsaved
from app.notify import MessageBar, Notifier
from app.panels.films import FilmRef, FilmsPanel
from app.panels.landmarks import LandmarksPanel
from app.panels.measurements import MeasurementsPanel
from app.panels.study import StudyPanel
from app.session import Session
from app.tasks import TaskRunner
from app.viewer.overlays import Overlay
from app.viewer.scene import FilmView
from app.viewer.tools import ViewTools
from core.film import Window

_QUIET = ("values", "watch", "guide")  # channels that are not worth a progress bar


class MainWindow(BankActions):
    """Docks and actions."""

    def __init__(
        self,
        engine_factory: EngineFactory = open_engine,
        *,
        backend: Backend | None = None,
        runner: TaskRunner | None = None,
        settings: QSettings | None = None,
        crash_folder: Path | None = None,
    ) -> None:
        super().__init__()
        self.setWindowTitle("OrthoMatch")
        self.setAcceptDrops(True)
        self.settings = settings if settings is not None else QSettings("OrthoMatch", "OrthoMatch")
        self.session = Session(self)
        self.runner = runner if runner is not None else TaskRunner(self)
        self.bar = MessageBar()
        self.notifier = Notifier(self.bar, crash_folder)
        self.banks = KnownBanks(self.settings)
        self.engine = EngineHolder(engine_factory, self.banks.in_use)
        self.controller = Controller(
            self.session, backend or Backend(), self.engine, self.runner, self.notifier, self
        )
        self.view = FilmView()
        self.tools = ViewTools(self.view, self.session)
        self.films, self.study = FilmsPanel(), StudyPanel()
        self.measurements, self.landmarks = MeasurementsPanel(), LandmarksPanel()
        self.panes = (
            self.view,
            self.measurements.table,
            self.landmarks.list,
            self.study.view_box,
            self.films.tree,
        )
        self.ask_unsaved = lambda: ask_unsaved(self)
        self.actions_by_name = {}
        self.presets = []
        self._first_sizes: tuple[QDockWidget, ...] = ()
        self._names: dict[str, str] = {}

        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        self.empty = QLabel(
            "Open a film (Ctrl+O), a folder (Ctrl+Shift+O)\nor drop files here.",
            alignment=Qt.AlignmentFlag.AlignCenter,
        )
        self.empty.setProperty("role", "soft")
        column.addWidget(self.empty, 1)
        column.addWidget(self.view, 1)
        self.view.hide()
        self.setCentralWidget(centre)
        self._make_docks()
        self._make_actions()
        self._make_status_bar()
        self._connect()
        self._restore()
        self._update_actions()
        self.open_engine()

    # -- building --------------------------------------------------------------------------------

    def _make_docks(self) -> None:
        self.setDockNestingEnabled(True)
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        self.films_dock = self._dock("Films", self.films, left)
        study = self._dock("Study", self.study, left)
        measured = self._dock("Measurements", self.measurements, right)
        points = self._dock("Points", self.landmarks, right)
        self.films_dock.hide()
        self._first_sizes = (study, measured, points)

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(title.lower())
        dock.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetMovable | QDockWidget.DockWidgetFeature.DockWidgetClosable
        )
        dock.setWidget(widget)
        self.addDockWidget(area, dock)
        return dock

    def _make_actions(self) -> None:
        menus: dict[str, QMenu] = {}
        bar = QToolBar("Tools", self)
        bar.setObjectName("tools")
        bar.setMovable(False)
        self.addToolBar(bar)
        group = ""
        for spec in ACTIONS:
            if spec.menu not in menus:
                menus[spec.menu] = self.menuBar().addMenu(MENU_TITLES.get(spec.menu, f"&{spec.menu}"))
            action = self._action(spec)
            menus[spec.menu].addAction(action)
            if spec.toolbar:
                if group and group != spec.menu:
                    bar.addSeparator()
                group = spec.menu
                bar.addAction(action)
        self.window_menu = menus["View"].addMenu("Window presets")
        menus["Bank"].addMenu(self.bank_menu)
        docks = menus["View"].addMenu("Panes")
        for dock in self.findChildren(QDockWidget):
            docks.addAction(dock.toggleViewAction())
        for name in ("overlay", "graphics"):
            self.actions_by_name[name].setChecked(True)

    def _action(self, spec: ActionSpec) -> QAction:
        action = QAction(spec.text, self)
        action.setObjectName(spec.name)
        action.setShortcuts([QKeySequence(key) for key in spec.keys])
        action.setCheckable(spec.checkable)
        action.setIconText(spec.text.rstrip("\u2026"))
        keys = f" ({action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)})" if spec.keys else ""
        action.setToolTip((spec.tip or spec.text.rstrip("\u2026")) + keys)
        handler: Callable[..., None] = getattr(self, f"do_{spec.does or spec.name}")
        arguments = (spec.argument,) if spec.argument else ()
        if spec.checkable:
            action.toggled.connect(handler)
        else:
            action.triggered.connect(lambda *_: handler(*arguments))
        self.addAction(action)
        self.actions_by_name[spec.name] = action
        return action

    def _make_status_bar(self) -> None:
        self.task_text, self.progress = QLabel(), QProgressBar()
        self.progress.setRange(0, 100)
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(160)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.cancel_button.clicked.connect(lambda: self.do_cancel())
        self.scale_text = QLabel()
        self.statement = QLabel(STATEMENT)
        status = self.statusBar()
        status.setSizeGripEnabled(False)
        for widget in (self.task_text, self.progress, self.cancel_button):
            status.addWidget(widget)
            widget.hide()
        for widget in (self.listening, self.watching, self.bank_text):
            status.addPermanentWidget(widget)
        status.addPermanentWidget(self.scale_text)
        status.addPermanentWidget(self.statement)

    def _connect(self) -> None:
        session, controller = self.session, self.controller
        session.film_changed.connect(self._on_film)
        session.case_changed.connect(self._on_case)
        session.results_changed.connect(self._on_results)
        session.point_selected.connect(self._on_selected)
        session.highlight_changed.connect(self._show_overlay)
        session.path_changed.connect(self._update_title)
        session.undo_stack.cleanChanged.connect(self._update_title)
        session.undo_stack.indexChanged.connect(self._update_actions)
        controller.films_listed.connect(self._on_listed)
        controller.film_opened.connect(self._on_opened)
        controller.catalogue_ready.connect(self._on_catalogue)
        controller.progressed.connect(self._on_progress)
        self.runner.running_changed.connect(self._on_running)
        self.tools.hover_changed = self._show_overlay
        self.tools.ball_asked = self.find_ball
        self.view.scale_changed.connect(
            lambda scale: self.scale_text.setText(f"{scale:.0%}".replace("%", " %"))
        )
        self.measurements.chosen.connect(session.highlight)
        self.landmarks.chosen.connect(self._go_to_point)
        self.landmarks.reset_one.connect(self.do_reset_point)
        self.landmarks.reset_all.connect(self.do_reset_all)
        self.study.view_chosen.connect(lambda view: controller.analyse(view, self.study.chosen_side))
        self.study.side_chosen.connect(controller.choose_side)
        self.study.view_kept.connect(self.session.settle_view)
        self.study.confirm_asked.connect(self.confirm_as)
        self.films.chosen.connect(self.open_ref)

    def _restore(self) -> None:
        self.resize(1500, 940)
        geometry, state = self.settings.value("geometry"), self.settings.value("state")
        if geometry is not None and state is not None:
            self.restoreGeometry(geometry)
            self.restoreState(state)
            self.films_dock.hide()
            self._first_sizes = ()
        self.study.reader.setText(str(self.settings.value("reader", "") or ""))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._first_sizes:  # a layout that nobody has arranged yet
            study, measured, points = self._first_sizes
            self._first_sizes = ()
            unit = self.fontMetrics().averageCharWidth()
            # The film keeps about half of a small or strongly scaled screen.
            widths = [min(unit * 42, self.width() * 2 // 9), min(unit * 68, self.width() * 3 // 8)]
            self.resizeDocks([study, measured], widths, Qt.Orientation.Horizontal)
            self.resizeDocks([measured, points], [56, 44], Qt.Orientation.Vertical)

    def _go_to_point(self, key: str) -> None:
        self.session.select_point(key)
        case = self.session.case
        if case is not None and key in case.landmarks:
            self.view.show_point(case.landmarks[key].x_px, case.landmarks[key].y_px)

    # -- what changed ----------------------------------------------------------------------------

    def _on_film(self) -> None:
        film, pyramid = self.session.film, self.controller.pyramid
        if film is None or pyramid is None:
            return
        self.empty.hide()
        self.view.show()
        self.actions_by_name["invert"].setChecked(False)
        self.actions_by_name["flip"].setChecked(False)
        # Lay out now, so that the first picture is fitted to its final place.
        centre = self.view.parentWidget()
        if centre is not None and (layout := centre.layout()) is not None:
            layout.activate()
        self.view.show_film(film, pyramid)
        self.study.choose("", "")
        self.study.show_film(film)
        self._make_presets()
        self.view.setFocus()
        self._update_title()

    def _make_presets(self) -> None:
        film, pyramid = self.session.film, self.controller.pyramid
        if film is None or pyramid is None:
            return
        full = Window(float(film.pixels.min()), float(film.pixels.max()), "Full range")
        self.presets = [
            *film.windows,
            pyramid.auto_window(1.0, 99.5, "Soft (1 to 99.5 %)"),
            pyramid.auto_window(40.0, 99.8, "Bone (40 to 99.8 %)"),
            full,
        ]
        self.window_menu.clear()
        for number, preset in enumerate(self.presets):
            action = self.window_menu.addAction(preset.name or f"Film window {number + 1}")
            action.triggered.connect(lambda _=False, window=preset: self.view.set_window(window))

    def _on_case(self) -> None:
        case, view = self.session.case, self.controller.view_of(self.session.case)
        names = {p.key: p.name for p in view.points} if view is not None else {}
        self._names = names
        self.session.set_order(view.point_keys if view is not None else ())
        self.landmarks.set_definitions(
            names,
            {p.key: f"{p.description} {p.caution}".rstrip() for p in view.points} if view is not None else {},
        )
        measurements = view.measurements if view is not None else ()
        self.measurements.set_definitions({m.key: m for m in measurements})
        self.landmarks.show_case(case, self.session.needs_look(), self.session.selected_point)
        self.show_guide()
        self._show_study()
        self._show_overlay()
        self._update_actions()

    def _show_study(self) -> None:
        case, view = self.session.case, self.controller.view_of(self.session.case)
        names = {p.key: p.name for p in view.points} if view is not None else {}
        unvisited = tuple(names.get(k, k) for k in self.session.needs_look() if k not in self.session.visited)
        self.study.show_case(case, view.name if view is not None else (case.view if case else ""), unvisited)

    def _on_results(self) -> None:
        self.measurements.show_results(self.session.results)
        self._show_overlay()

    def _on_selected(self, key: str) -> None:
        self.landmarks.show_selected(key)
        self._show_study()
        self._show_overlay()
        self._update_actions()

    def _show_overlay(self) -> None:
        session = self.session
        if session.case is None:
            self.view.set_overlay(Overlay())
            return
        marked = [r for r in session.results if r.key in session.highlighted]
        self.view.set_overlay(
            Overlay(
                points=session.case.landmarks.points,
                names=self._names,
                needs_look=frozenset(session.needs_look()),
                selected=session.selected_point,
                hovered=self.tools.hovered,
                shapes=tuple(shape for result in marked for shape in result.shapes),
                used=frozenset(point for result in marked for point in result.points),
                all_names=self.actions_by_name["names"].isChecked(),
            )
        )

    def _on_catalogue(self) -> None:
        catalogue = self.controller.catalogue
        if catalogue is not None:
            self.study.set_views({key: view.name for key, view in catalogue.views.items()})
        if self.session.case is not None:
            self._on_case()

    def _on_listed(self, refs: list[FilmRef]) -> None:
        self.films.show_films(refs)
        self.films_dock.setVisible(len(refs) > 1)

    def _on_opened(self, ref: FilmRef) -> None:
        if ref not in self.films.refs:
            self.films.show_films([ref])
            self.films_dock.hide()
        self.films.mark_current(ref)

    def _on_running(self) -> None:
        shown = [task for task in self.runner.running if task.channel not in _QUIET]
        for widget in (self.task_text, self.progress, self.cancel_button):
            widget.setVisible(bool(shown))
        if shown:
            self.task_text.setText(f"{shown[-1].text}\u2026")
            self.progress.setRange(0, 0)
        self.cancel_button.setVisible(self._can_cancel())
        self.actions_by_name["cancel"].setEnabled(self._can_cancel())

    def _can_cancel(self) -> bool:
        return any(self.runner.is_running(channel) for channel in ("list", "film", "match"))

    def _on_progress(self, part: float, text: str) -> None:
        self.progress.setRange(0, 100)
        self.progress.setValue(round(100 * min(max(part, 0.0), 1.0)))
        self.task_text.setText(text or "Finding the points\u2026")

    def _update_title(self, *_: object) -> None:
        film, path = self.session.film, self.session.case_path
        name = path.name if path is not None else film.path.name if film is not None else ""
        self.setWindowTitle(f"{name}[*] - OrthoMatch" if name else "OrthoMatch[*]")
        self.setWindowModified(self.session.is_dirty)

    def _update_actions(self, *_: object) -> None:
        session, case = self.session, self.session.case
        enabled = {
            "deidentify": session.film is not None,
            "undo": session.undo_stack.canUndo(),
            "redo": session.undo_stack.canRedo(),
            "reset_point": bool(
                case is not None
                and session.selected_point in case.landmarks
                and case.landmarks[session.selected_point].edited
            ),
            "reset_all": case is not None and any(p.edited for p in case.landmarks.points.values()),
            "spacing": case is not None,
            "confirm": session.can_confirm,
            "next_look": bool(session.needs_look()),
        }
        exports = (spec.name for spec in ACTIONS if spec.menu == "Export")
        for name in ("save", "save_as", "add_to_bank", *exports):
            enabled[name] = case is not None
        for name in (
            "measure",
            "annotate",
            "fit",
            "actual_size",
            "zoom_in",
            "zoom_out",
            "invert",
            "flip",
            "next_window",
        ):
            enabled[name] = session.film is not None
        for name, on in enabled.items():
            self.actions_by_name[name].setEnabled(on)
        self.actions_by_name["cancel"].setEnabled(self._can_cancel())
