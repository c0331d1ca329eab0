"""What the user can have done: open, measure, save, export. Work runs as tasks, never on this thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.backend import Backend, EngineHolder, EngineLike
from app.bank.guide import GuideFilm
from app.notify import Notifier
from app.panels.films import FilmRef, refs_of
from app.session import Session
from app.tasks import TaskRunner
from app.viewer.pyramid import Pyramid
from core.adapters.export.measured import Measured
from core.case import Case
from core.film import Radiograph, Side
from core.matching.protocol import CancelCheck, Progress
from core.measure.definitions import Catalogue, View

CASE_SUFFIX = ".omcase"
_FILM, _LIST, _MATCH, _VALUES, _ENGINE, _SAVE, _EXPORT, _GUIDE = (
    "film",
    "list",
    "match",
    "values",
    "engine",
    "save",
    "export",
    "guide",
)


class Controller(QObject):
    """Connects session, backend, engine and tasks."""

    films_listed = Signal(list)
    film_opened = Signal(object)  # FilmRef
    catalogue_ready = Signal()
    progressed = Signal(float, str)

    def __init__(
        self,
        session: Session,
        backend: Backend,
        engine: EngineHolder,
        runner: TaskRunner,
        notifier: Notifier,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.session = session
        self.runner = runner
        self.pyramid: Pyramid | None = None
        self._backend = backend
        self._engine = engine
        self._notifier = notifier
        self._values_stale = False
        session.case_changed.connect(self.update_values)

    # -- engine ----------------------------------------------------------------------------------

    @property
    def catalogue(self) -> Catalogue | None:
        """The views, once the engine is open."""
        engine = self._engine.opened
        return engine.catalogue if engine is not None else None

    def view_of(self, case: Case | None) -> View | None:
        """Definition of the case's view, None while unknown."""
        catalogue = self.catalogue
        return catalogue.views.get(case.view) if catalogue is not None and case is not None else None

    def cautioned(self, case: Case | None) -> tuple[str, ...]:
        """Points of the case's view that are not to be left to the program."""
        view = self.view_of(case)
        return view.cautioned if view is not None else ()

    def open_engine(self, failed: Callable[[BaseException], None]) -> None:
        """Load what reads films, model and bank ahead of the first film."""

        def work(progress: Progress, cancelled: CancelCheck) -> EngineLike:
            self._backend.prepare()
            return self._engine.get()

        self.runner.start(
            _ENGINE,
            "Loading the model",
            work,
            done=lambda _: self.catalogue_ready.emit(),
            failed=failed,
        )

    def use_bank(self, bank: Path | None, done: Callable[[], None]) -> None:
        """Open another bank; ``done`` runs when it is in use. The one before stays when that fails."""
        engine = self._engine

        def put(made: EngineLike) -> None:
            engine.put(made, bank)
            self.catalogue_ready.emit()
            self.update_values()
            done()

        self.runner.start(
            _ENGINE,
            "Opening the bank",
            lambda progress, cancelled: engine.make(bank),
            done=put,
            failed=self._notifier.show_error,
        )

    def find_guide(self, view: View, done: Callable[[GuideFilm | None], None]) -> None:
        """Look for a reference film that shows the points of ``view``."""
        read, bank = self._backend.read_guide, self._engine.bank
        self.runner.start(
            _GUIDE,
            "Reading a reference",
            lambda progress, cancelled: read(view, bank),
            done=done,
            failed=self._notifier.show_error,
        )

    # -- opening ---------------------------------------------------------------------------------

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open a case file, a film, several films or a folder."""
        paths = list(paths)
        if not paths:
            return
        cases = [path for path in paths if path.suffix.lower() == CASE_SUFFIX]
        if cases:
            self.open_case(cases[0])
            return
        backend = self._backend

        def work(progress: Progress, cancelled: CancelCheck) -> list[FilmRef]:
            entries: list[Any] = []
            for path in paths:
                entries.extend(backend.list_films(path))
            return refs_of(entries)

        self.runner.start(
            _LIST, "Looking for films", work, done=self._on_listed, failed=self._notifier.show_error
        )

    def _on_listed(self, refs: list[FilmRef]) -> None:
        self.films_listed.emit(refs)
        if refs:
            self.open_film(refs[0])
        else:
            self._notifier.warn(
                "No film was found there. Open a DICOM file, a PNG or JPEG picture, or a folder."
            )

    def open_film(self, ref: FilmRef) -> None:
        """Read a film, show it (coarsely at first if it takes long), then start measuring it."""
        backend, session = self._backend, self.session
        before = session.film, session.case, session.case_path, self.pyramid

        def glance(progress: Progress, cancelled: CancelCheck) -> tuple[Radiograph, Pyramid] | None:
            film = backend.glance_at_film(ref.path, ref.frame)
            return None if film is None else (film, Pyramid.of(film))

        def looked(result: tuple[Radiograph, Pyramid] | None = None) -> None:
            if result is not None:
                film, self.pyramid = result
                self._drop_running()
                session.open_film(film)
            self.runner.start(_FILM, "Reading the film", work, done=done, failed=failed)

        def work(progress: Progress, cancelled: CancelCheck) -> tuple[Radiograph, Pyramid]:
            film = backend.read_film(ref.path, ref.frame)
            return film, Pyramid.of(film)

        def done(result: tuple[Radiograph, Pyramid]) -> None:
            film, self.pyramid = result
            self._drop_running()
            session.open_film(film)
            self.film_opened.emit(ref)
            self.analyse()

        def failed(error: BaseException) -> None:
            film, case, path, pyramid = before
            if session.film is not None and session.film.preliminary and film is not None:
                self.pyramid = pyramid
                session.open_film(film, case, path)
            self._notifier.show_error(error)

        # What is wrong with a film is said by reading it.
        self.runner.start(_FILM, "Reading the film", glance, done=looked, failed=lambda _: looked())

    def open_case(self, path: Path) -> None:
        """Open a saved case with its film; nothing changes when that fails."""
        backend = self._backend

        def work(progress: Progress, cancelled: CancelCheck) -> tuple[Case, Radiograph, Pyramid]:
            case, film = backend.open_case(path)
            return case, film, Pyramid.of(film)

        def done(result: tuple[Case, Radiograph, Pyramid]) -> None:
            case, film, self.pyramid = result
            self._drop_running()
            self.session.open_film(film, case, path)
            self.film_opened.emit(FilmRef(film.path, film.frame, film.path.name))

        self.runner.start(_FILM, "Opening the case", work, done=done, failed=self._notifier.show_error)

    def _drop_running(self) -> None:
        for channel in (_MATCH, _VALUES):
            self.runner.cancel(channel)
        self._values_stale = False

    # -- measuring -------------------------------------------------------------------------------

    def analyse(self, view: str = "", side: str = "") -> None:
        """Find the points anew; ``view`` and ``side`` fix what is not to be decided automatically."""
        film = self.session.film
        if film is None or film.preliminary:
            return
        engine = self._engine

        def work(progress: Progress, cancelled: CancelCheck) -> Case:
            return engine.get().analyse(
                film,
                view=view or None,
                side=Side(side) if side else None,
                progress=progress,
                cancelled=cancelled,
            )

        def done(case: Case) -> None:
            self.catalogue_ready.emit()
            self.session.take_analysis(case, self.cautioned(case))

        self.runner.start(
            _MATCH,
            "Finding the points",
            work,
            done=done,
            failed=self._notifier.show_error,
            progress=self.progressed.emit,
        )

    def annotate(self, view: str, side: str = "") -> None:
        """Begin a case of ``view`` without points, to be placed by hand."""
        film, catalogue = self.session.film, self.catalogue
        if film is None or film.preliminary or catalogue is None:
            return
        from core.engine import blank_case  # loaded with the engine, which is open

        self._drop_running()
        self.session.take_analysis(blank_case(film, catalogue.view(view), Side(side) if side else None))

    def update_values(self) -> None:
        """Measure the present case in the background.

        While a measurement runs, further requests wait as one; a drag never queues up work.
        """
        case = self.session.case
        if case is None:
            self.runner.cancel(_VALUES)
            self._values_stale = False
            return
        if self.runner.is_running(_VALUES):
            self._values_stale = True
            return
        self._values_stale = False
        engine = self._engine

        def failed(error: BaseException) -> None:
            self.session.set_results(())
            self._notifier.show_error(error)

        self.runner.start(
            _VALUES,
            "Measuring",
            lambda progress, cancelled: engine.get().measure(case),
            done=self._on_values,
            failed=failed,
        )

    def _on_values(self, results: tuple[Any, ...]) -> None:
        self.session.set_results(results)
        if self._values_stale:
            self.update_values()

    @property
    def values_current(self) -> bool:
        """Whether the shown values belong to the present points."""
        return not self.runner.is_running(_VALUES) and not self._values_stale

    def cancel(self) -> None:
        """Stop reading, listing and matching. What is open stays as it is."""
        stopped = [self.runner.cancel(channel) for channel in (_LIST, _FILM, _MATCH)]
        if any(stopped):
            self._notifier.info("Stopped.")

    def choose_side(self, side: str) -> None:
        """A person settles the side, or leaves it to the program again."""
        if self.session.case is None:
            self.analyse(side=side)
        elif side:
            self.session.settle_side(Side(side))
        else:
            self.analyse()

    # -- writing ---------------------------------------------------------------------------------

    def save(self, path: Path, then: Callable[[], None] | None = None) -> None:
        """Write the case; ``then`` runs after success."""
        case, save = self.session.case, self._backend.save_case
        if case is None:
            return

        def work(progress: Progress, cancelled: CancelCheck) -> None:
            save(case, path)

        def done(_: None) -> None:
            if self.session.case is case:
                self.session.saved(path)
            self._notifier.info(f"Saved {path.name}.")
            if then is not None:
                then()

        self.runner.start(_SAVE, "Saving", work, done=done, failed=self._notifier.show_error)

    def export(self, key: str, path: Path) -> None:
        """Write the results in the form ``key``, measured afresh: values and points belong together."""
        case, film, backend, engine = self.session.case, self.session.film, self._backend, self._engine
        if case is None or film is None:
            return
        inputs = [film.path, *([self.session.case_path] if self.session.case_path is not None else [])]

        def work(progress: Progress, cancelled: CancelCheck) -> None:
            opened = engine.get()
            view = opened.catalogue.views[case.view]
            backend.export(key, path, Measured(case, film, opened.measure(case), view), inputs)

        def done(_: None) -> None:
            state = " It is marked as a draft." if case.is_draft else ""
            self._notifier.info(f"Wrote {path.name}.{state}")

        self.runner.start(
            f"{_EXPORT} {key}", "Writing the results", work, done=done, failed=self._notifier.show_error
        )
