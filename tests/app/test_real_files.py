"""The window on the real readers, writers, catalogue and formulas; only the matcher is made up."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import MediaStorageDirectoryStorage
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

from app.backend import Backend
from core.adapters.export.sr_read import read_sr
from core.case import Case
from core.engine import decide_side
from core.film import Radiograph, Side
from core.landmarks import Landmark, LandmarkSet
from core.measure.evaluate import evaluate_view, shows_flipped
from core.measure.loader import load_catalogue
from core.measure.results import MeasurementResult
from core.resources import resource_path
from tests.core.dicom_files import RAMP, dataset, encode, save


class PlacedEngine:
    """Spreads a view's points over the film; measures with the real formulas."""

    provider = "CPUExecutionProvider"

    def __init__(self, template: Any) -> None:
        self.catalogue = load_catalogue()
        self._template = template

    def analyse(
        self, film: Radiograph, *, view: str | None = None, side: Side | None = None, **_: Any
    ) -> Case:
        key = view or next(iter(self.catalogue.views))
        definition = self.catalogue.views[key]
        width, height = film.size_px
        points = {
            name: Landmark(
                width * (0.2 + 0.6 * (i * 0.37 % 1)), height * (0.1 + 0.8 * (i * 0.61 % 1)), 5.0, 4.0, 0.8
            )
            for i, name in enumerate(definition.point_keys)
        }
        case: Case = self._template.analyse(film)
        return replace(
            case,
            view=key,
            landmarks=LandmarkSet(points),
            automatic=LandmarkSet(points),
            side=decide_side(definition, False, film.tags, side),
            verdict=replace(case.verdict, points=(definition.point_keys[0],)),
        )

    def measure(self, case: Case) -> tuple[MeasurementResult, ...]:
        view = self.catalogue.view(case.view)
        flipped = shows_flipped(view, case.side.side, mirrored=case.side.mirrored)
        return evaluate_view(view, case.landmarks, case.calibration, flipped=flipped)


@pytest.mark.parametrize("view", sorted(load_catalogue().views))
def test_demo_film_is_opened_measured_saved_and_reported(
    make_window: Any, engine: Any, tmp_path: Path, view: str
) -> None:
    window = make_window(engine_factory=lambda bank: PlacedEngine(engine), backend=Backend())
    window.open_paths([resource_path("assets", "demo", "RG3.dcm")])
    window.controller.analyse(view)
    case = window.session.case
    assert case is not None, window.bar.text
    definition = load_catalogue().views[view]
    assert [r.key for r in window.session.results] == [m.key for m in definition.measurements]
    assert window.landmarks.list.count() == len(definition.points)
    for row in range(len(window.session.results)):
        window.measurements.table.selectRow(row)
        window.grab()
    if case.side.conflict:
        window.study.side_chosen.emit("right")
    window.confirm_as("Dr. Ada")
    window.session.nudge_point(definition.point_keys[0], 2, 0)
    case = window.session.case
    window.controller.save(tmp_path / "a.omcase")
    window.controller.export("pdf", tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF"), window.bar.text
    window.controller.export("sr", tmp_path / "a.dcm")
    assert read_sr(tmp_path / "a.dcm").case.landmarks == case.landmarks, window.bar.text
    window.open_paths([tmp_path / "a.omcase"])
    assert window.session.case == case, window.bar.text


def disc(folder: Path) -> Path:
    """A folder with two films in a folder of their own and the index that lists them."""
    records = []
    for number in (1, 2):
        save(folder, encode(dataset(RAMP + number, SeriesInstanceUID="1.2.3")), f"FILMS/IM{number}")
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.ReferencedFileID = ["FILMS", f"IM{number}"]
        records.append(record)
    index = Dataset()
    index.SOPClassUID, index.SOPInstanceUID = MediaStorageDirectoryStorage, "1.2.3"
    index.DirectoryRecordSequence = records
    return save(folder, encode(index), "DICOMDIR")


@pytest.mark.parametrize("kind", ["folder", "archive", "index", "films"])
def test_what_holds_films_can_be_dropped(make_window: Any, tmp_path: Path, kind: str) -> None:
    index = disc(tmp_path / "disc")
    films = sorted((tmp_path / "disc" / "FILMS").iterdir())
    archive = tmp_path / "disc.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in (*films, index):
            packed.write(path, path.relative_to(tmp_path))
    window = make_window(backend=Backend())
    dropped = {"folder": [index.parent], "archive": [archive], "index": [index], "films": films}[kind]
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in dropped])
    window.dropEvent(
        QDropEvent(
            QPointF(5, 5),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )
    assert [ref.path.name for ref in window.films.refs] == ["IM1", "IM2"], window.bar.text
    assert window.session.film.pixels[0, 0] == 1
    window.do_next_film()
    assert window.session.film.pixels[0, 0] == 2
