"""Where the program gets its work done. The window asks this module, tests replace it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from core.case import Case
from core.errors import ReadError
from core.film import Radiograph, Side
from core.matching.protocol import CancelCheck, Progress
from core.measure.definitions import Catalogue, View
from core.measure.results import MeasurementResult


class EngineLike(Protocol):
    """What the window needs of the engine."""

    @property
    def catalogue(self) -> Catalogue:
        """The views it knows."""

    @property
    def provider(self) -> str:
        """The execution provider in use."""

    def analyse(
        self,
        film: Radiograph,
        *,
        view: str | None = None,
        side: Side | None = None,
        references: int | None = None,
        progress: Progress | None = None,
        cancelled: CancelCheck | None = None,
    ) -> Case:
        """Find the points of a film."""

    def measure(self, case: Case) -> tuple[MeasurementResult, ...]:
        """Measure a case."""


EngineFactory = Callable[[], EngineLike]


class EngineHolder:
    """Opens the engine once, on whichever worker thread asks first."""

    def __init__(self, factory: EngineFactory) -> None:
        self._factory = factory
        self._lock = Lock()
        self._engine: EngineLike | None = None

    @property
    def opened(self) -> EngineLike | None:
        """The engine if it is open already."""
        return self._engine

    def get(self) -> EngineLike:
        """The engine, opened now if need be. Slow the first time: never call on the main thread."""
        with self._lock:
            if self._engine is None:
                self._engine = self._factory()
            return self._engine


def open_engine() -> EngineLike:
    """The engine that ships with the program."""
    from core.engine import Engine

    engine: EngineLike = Engine.open()
    return engine


def read_film(path: Path, frame: int = 0) -> Radiograph:
    """Read one film."""
    from core.adapters.dicom import read_film as read

    return read(path, frame=frame)


def list_films(path: Path) -> Sequence[Any]:
    """The films at a path (a file or a folder)."""
    from core.adapters.sources import list_films as listed

    return listed(path)


def save_case(case: Case, path: Path) -> None:
    """Write a case file."""
    from core.adapters.case_file import save_case as save

    save(case, path)


def load_case(path: Path) -> Case:
    """Read a case file."""
    from core.adapters.case_file import load_case as load

    return load(path)


def write_report(
    path: Path, case: Case, film: Radiograph, results: tuple[MeasurementResult, ...], view: View
) -> None:
    """Write the PDF report."""
    from core.adapters.pdf import write_report as write

    write(path, case, film, results, view.name, {point.key: point.name for point in view.points})


@dataclass(frozen=True)
class Backend:
    """The file operations, replaceable one by one."""

    read_film: Callable[[Path, int], Radiograph] = read_film
    list_films: Callable[[Path], Sequence[Any]] = list_films
    save_case: Callable[[Case, Path], None] = save_case
    load_case: Callable[[Path], Case] = load_case
    write_report: Callable[..., None] = write_report

    def open_case(self, path: Path) -> tuple[Case, Radiograph]:
        """A saved case and its film, which must be the very file that was measured.

        The film is looked for where it was, then beside the case file.
        """
        case = self.load_case(path)
        stored = Path(case.film_path)
        places = [stored, path.parent / stored.name, path.parent / stored]
        film_path = next((place for place in places if place.is_file()), None)
        if film_path is None:
            raise ReadError(
                f"The film of this case is not at {stored}",
                path=path,
                remedy="Put the film beside the case file and open the case again.",
            )
        film = self.read_film(film_path, case.frame)
        if film.sha256 != case.film_sha256:
            raise ReadError(
                "The film is not the one this case was measured on",
                path=film_path,
                remedy="Put the original film beside the case file, or open the film and measure it anew.",
            )
        return case, film
