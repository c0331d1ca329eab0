"""Where the program gets its work done. The window asks this module, tests replace it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from core.adapters.export.measured import Measured
from core.case import Case
from core.errors import ReadError
from core.film import Radiograph, Side
from core.matching.protocol import CancelCheck, Progress
from core.measure.definitions import Catalogue, View
from core.measure.results import MeasurementResult

if TYPE_CHECKING:
    from app.bank.guide import GuideFilm
    from core.adapters.export.formats import Format


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


EngineFactory = Callable[[Path | None], EngineLike]
"""Opens the engine with a bank, None for the shipped one."""


class EngineHolder:
    """Opens the engine once, on whichever worker thread asks first; ``put`` exchanges it for another."""

    def __init__(self, factory: EngineFactory, bank: Path | None = None) -> None:
        self.make = factory
        self._opening, self._changing = Lock(), Lock()
        self._bank = bank
        self._engine: EngineLike | None = None

    @property
    def bank(self) -> Path | None:
        """The bank in use, None for the shipped one."""
        return self._bank

    @property
    def opened(self) -> EngineLike | None:
        """The engine if it is open already."""
        return self._engine

    def get(self) -> EngineLike:
        """The engine, opened now if need be. Slow the first time: never call on the main thread."""
        with self._opening:
            if self._engine is None:
                made = self.make(self._bank)
                with self._changing:
                    self._engine = self._engine or made  # another bank may have been chosen meanwhile
            return self._engine

    def put(self, engine: EngineLike, bank: Path | None) -> None:
        """Use ``engine``, which was made with ``bank``."""
        with self._changing:
            self._engine, self._bank = engine, bank


def open_engine(bank: Path | None = None) -> EngineLike:
    """The engine with the shipped model and a bank, None for the shipped one."""
    from core.engine import Engine

    engine: EngineLike = Engine.open(bank)
    return engine


def read_film(path: Path, frame: int = 0) -> Radiograph:
    """Read one film."""
    from core.adapters.dicom import read_film as read

    return read(path, frame=frame)


def prepare() -> None:
    """Load what reads films, ahead of the first one."""
    for module in ("core.adapters.dicom", "core.adapters.sources"):
        import_module(module)


def glance_at_film(path: Path, frame: int = 0) -> Radiograph | None:
    """A first look at a film that takes long to read, None for others."""
    from core.adapters.dicom import glance_at_film as glance

    return glance(path, frame=frame)


def film_exists(path: Path) -> bool:
    """Whether there is a film file at a path, which may lead into an archive."""
    from core.adapters.archive import exists

    return exists(path)


def list_films(path: Path) -> Sequence[Any]:
    """The films at a path (a file, a folder or an archive)."""
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


def form_of(key: str) -> Format:
    """The form of export ``key``."""
    from core.adapters.export.formats import FORMATS

    return next(form for form in FORMATS if form.key == key)


def export(key: str, path: Path, measured: Measured, inputs: Sequence[Path]) -> None:
    """Write one film's results in the form ``key``; ``inputs`` are never written to."""
    from core.adapters.export.formats import write_export

    write_export(path, form_of(key).make(measured), inputs)


def read_guide(view: View, bank: Path | None) -> GuideFilm | None:
    """A reference film of ``view`` that shows where its points lie."""
    from app.bank.guide import read_guide as read

    return read(view, bank)


@dataclass(frozen=True)
class Backend:
    """The file operations, replaceable one by one."""

    read_film: Callable[[Path, int], Radiograph] = read_film
    list_films: Callable[[Path], Sequence[Any]] = list_films
    save_case: Callable[[Case, Path], None] = save_case
    load_case: Callable[[Path], Case] = load_case
    export: Callable[[str, Path, Measured, Sequence[Path]], None] = export
    read_guide: Callable[[View, Path | None], GuideFilm | None] = read_guide
    glance_at_film: Callable[[Path, int], Radiograph | None] = glance_at_film
    prepare: Callable[[], None] = prepare

    def open_case(self, path: Path) -> tuple[Case, Radiograph]:
        """A saved case and its film, which must be the very file that was measured.

        The film is looked for where it was, then beside the case file.
        """
        case = self.load_case(path)
        stored = Path(case.film_path)
        places = [stored, path.parent / stored.name, path.parent / stored]
        film_path = next((place for place in places if film_exists(place)), None)
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
