"""A window on made-up films and a made-up engine, with core's real types."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QSettings

from app.backend import Backend
from app.main_window import MainWindow
from app.tasks import SynchronousRunner, Task, TaskRunner
from app.theme import apply_theme
from core.case import Case, Provenance, SideDecision, Verdict, VerdictLevel
from core.errors import ReadError
from core.film import Calibration, FilmTags, Radiograph, Side, SpacingSource, Window
from core.landmarks import Landmark, LandmarkSet
from core.matching.protocol import CancelCheck, Progress
from core.measure.definitions import Catalogue, Code, PointDefinition, View, ViewTags
from core.measure.results import Arc, Circle, Label, MeasurementResult, NormalRange, Segment

_CODE = Code("1", "99TEST", "test")


def make_view(points: Sequence[PointDefinition], key: str = "box_ap", name: str = "Box AP") -> View:
    """A view with nothing but points."""
    tags = ViewTags((), (), _CODE, _CODE)
    return View(key, name, (), 1, "box", "", Side.LEFT, tags, tuple(points), ())


def make_film(path: Path, width: int = 240, height: int = 320, **changes: Any) -> Radiograph:
    """A film with a bright bar on a ramp."""
    rng = np.random.default_rng(len(path.name))
    pixels = np.linspace(100, 900, width, dtype=np.float32)[None, :] + np.zeros((height, 1), np.float32)
    pixels[:, width // 3 : width // 2] += 1500
    pixels = np.rint(pixels + rng.normal(0, 10, pixels.shape)).astype(np.float32)
    film = Radiograph(
        path,
        pixels,
        (Window(0, 2600, "Film"), Window(500, 1500, "Narrow")),
        Calibration(0.5, 0.5, SpacingSource.DETECTOR, "ImagerPixelSpacing"),
        f"sha-{path.name}",
        FilmTags(patient_name="Doe^Jane", patient_id="7", patient_orientation=("L", "F")),
    )
    return replace(film, **changes)


@dataclass(frozen=True)
class Entry:
    """A listed film."""

    path: Path
    frames: int
    label: str


class FakeEngine:
    """Places four points and measures their box."""

    provider = "FakeExecutionProvider"

    def __init__(self) -> None:
        keys = ("top_left", "top_right", "bottom_right", "bottom_left")
        self.points = tuple(
            PointDefinition(k, k.replace("_", " ").capitalize(), f"Where {k} is.") for k in keys
        )
        view = make_view(self.points)
        self.catalogue = Catalogue({view.key: view, "other": make_view(self.points, "other", "Other view")})
        self.conflict = self.view_conflict = False
        self.error: BaseException | None = None
        self.asked: list[dict[str, Any]] = []

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
        self.asked.append({"film": film.path.name, "view": view, "side": side})
        if self.error is not None:
            raise self.error
        if progress is not None:
            progress(0.5, "Half way")
        places = ((80.0, 60.0), (160.0, 60.0), (160.0, 240.0), (80.0, 240.0))
        points = LandmarkSet(
            {
                p.key: Landmark(x, y, 4.0 + 6.0 * i, 3.0, 0.95 - 0.1 * i)
                for i, (p, (x, y)) in enumerate(zip(self.points, places, strict=True))
            }
        )
        decided = SideDecision(
            side or Side.LEFT, "user" if side else "matcher", "Seen on the image.", self.conflict
        )
        return Case(
            str(film.path),
            film.sha256,
            film.frame,
            view or "box_ap",
            "user" if view else "matcher",
            decided,
            points,
            points,
            film.calibration,
            Verdict(VerdictLevel.CHECK, "One point needs a look.", ("bottom_left",)),
            Provenance("0.1.0", "a" * 64, "b" * 64, self.provider, ("r1", "r2"), 1234.0),
            view_text="The file's tags say FOOT, but the film looks like Box AP.",
            view_conflict=self.view_conflict and view is None,
        )

    def measure(self, case: Case) -> tuple[MeasurementResult, ...]:
        p = {k: (m.x_px, m.y_px) for k, m in case.landmarks.points.items()}
        width = float(np.hypot(p["top_right"][0] - p["top_left"][0], p["top_right"][1] - p["top_left"][1]))
        normal = NormalRange(30.0, 39.0, "adults", "Test 2020", True)
        return (
            MeasurementResult(
                "width", "Box width", width * 0.5, "mm", (width / 2 - 2, width / 2 + 2), None, "width@1",
                ("top_left", "top_right"),
                (Segment(p["top_left"], p["top_right"]),), normal, "Always positive",
            ),
            MeasurementResult(
                "lean", "Box lean", -3.25, "deg", (-4.5, -2.0), None, "lean@1", ("top_left", "bottom_left"),
                (
                    Segment(p["bottom_left"], p["top_left"], dashed=True),
                    Arc(p["bottom_left"], 30.0, -90.0, 25.0),
                    Circle(p["top_left"], 20.0),
                    Label(p["top_left"], "lean"),
                ),
                replace(normal, low=None, high=5.0, verified=False), "Positive to the right",
            ),
            MeasurementResult(
                "gone", "Box depth", None, "mm", None, "Not visible on this film", "gone@1", (), (),
            ),
        )  # fmt: skip


class FakeFiles:
    """Films and cases kept in memory."""

    def __init__(self) -> None:
        self.cases: dict[Path, Case] = {}
        self.exports: list[tuple[Any, ...]] = []

    def read_film(self, path: Path, frame: int = 0) -> Radiograph:
        if path.name.startswith("bad"):
            raise ReadError("The file is cut short", path=path, remedy="Copy it again.")
        return make_film(path, frame=frame)

    def list_films(self, path: Path) -> list[Entry]:
        if path.suffix:
            return [Entry(path, 1, path.name)]
        return [
            Entry(path / "a.dcm", 1, "a"),
            Entry(path / "b.dcm", 2, "b"),
            Entry(path / "bad.dcm", 1, "bad"),
        ]

    def save_case(self, case: Case, path: Path) -> None:
        self.cases[path] = case

    def load_case(self, path: Path) -> Case:
        return self.cases[path]

    def export(self, *arguments: Any) -> None:
        self.exports.append(arguments)

    def backend(self) -> Backend:
        """These files as the window's backend."""
        return Backend(self.read_film, self.list_films, self.save_case, self.load_case, self.export)


class HeldRunner(TaskRunner):
    """Keeps tasks of chosen channels until told to run them; runs the others at once."""

    def __init__(self, *held: str) -> None:
        super().__init__()
        self.held_channels = set(held)
        self.held: list[Task] = []

    def _submit(self, task: Task) -> None:
        if task.channel in self.held_channels:
            self.held.append(task)
        else:
            self.run(task)

    def run(self, task: Task) -> None:
        """Run one task now."""
        result, error = task.execute(lambda part, text: self._on_progress(task, part, text))
        self._on_finished(task, result, error)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def files() -> FakeFiles:
    return FakeFiles()


MakeWindow = Callable[..., MainWindow]


@pytest.fixture(scope="session")
def styled(qapp: Any) -> Any:
    apply_theme(qapp)
    return qapp


@pytest.fixture
def make_window(
    qtbot: Any, styled: Any, qapp: Any, engine: FakeEngine, files: FakeFiles, tmp_path: Path
) -> Iterator[MakeWindow]:
    made: list[MainWindow] = []

    def make(runner: TaskRunner | None = None, **changes: Any) -> MainWindow:
        settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
        window = MainWindow(
            changes.pop("engine_factory", lambda bank: engine),
            backend=changes.pop("backend", files.backend()),
            runner=runner or SynchronousRunner(),
            settings=settings,
            crash_folder=tmp_path / "crashes",
            **changes,
        )
        window.resize(1400, 900)
        window.show()
        qtbot.waitExposed(window)
        made.append(window)
        return window

    yield make
    for window in made:
        window.session.undo_stack.setClean()
        window.close()
        window.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    gc.collect()


@pytest.fixture
def window(make_window: MakeWindow, tmp_path: Path) -> MainWindow:
    """A window with one measured film."""
    shown = make_window()
    shown.open_paths([tmp_path / "one.dcm"])
    return shown


@pytest.fixture
def make_held() -> Callable[..., HeldRunner]:
    return HeldRunner


@pytest.fixture
def film_of() -> Callable[..., Radiograph]:
    return make_film
