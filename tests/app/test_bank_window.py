"""The user's own bank in the window: choose, make, add a confirmed case, points on a reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLabel

from app.backend import EngineHolder
from app.bank.dialog import AddToBankDialog
from app.bank.guide import GuideFilm, read_guide
from app.bank.known import KnownBanks
from app.main_window import MainWindow
from core.adapters.bank import MANIFEST, default_bank_folder, load_bank
from core.adapters.bank_check import check_bank
from core.adapters.dicom import read_film
from core.burnt_in import Rectangle
from core.case import Case
from core.errors import BankError
from core.film import Radiograph
from core.landmarks import Landmark, LandmarkSet
from core.measure.loader import default_catalogue
from tests.core.dicom_files import dataset, encode, save

CATALOGUE = default_catalogue()
ANKLE = CATALOGUE.view("ankle_ap")
PLACES = {key: Landmark(20.0 + 11 * i, 30.0 + 7 * i, edited=True) for i, key in enumerate(ANKLE.point_keys)}


class AnkleEngine:
    """Knows the shipped views and places ankle points; remembers which banks it was opened with."""

    provider = "FakeExecutionProvider"

    def __init__(self, engine: Any) -> None:
        self.catalogue = CATALOGUE
        self.engine = engine
        self.opened: list[Path | None] = []
        self.refused: set[Path] = set()

    def open(self, bank: Path | None) -> AnkleEngine:
        if bank in self.refused:
            raise BankError("The bank's manifest cannot be read", path=bank, remedy="Choose another.")
        self.opened.append(bank)
        return self

    def analyse(self, film: Radiograph, **wanted: Any) -> Case:
        points = LandmarkSet(PLACES)
        case: Case = self.engine.analyse(film, **wanted)
        return replace(case, view="ankle_ap", landmarks=points, automatic=points)

    def measure(self, case: Case) -> tuple[()]:
        return ()


@pytest.fixture
def ankle(engine: Any) -> AnkleEngine:
    return AnkleEngine(engine)


def written(folder: Path) -> Path:
    """A film with a name burnt in, and in its tags."""
    y, x = np.mgrid[0:280, 0:320]
    pixels = (x * 3 + y * 2 + 300 * np.sin(x / 17.0) + 300 * np.sin(y / 11.0) + 700).astype(np.uint16)
    strokes = np.zeros(pixels.shape, np.uint8)
    cv2.putText(strokes, "DOE JANE", (30, 260), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
    return save(folder, encode(dataset(np.where(strokes > 0, 4000, pixels), PatientName="DOE^JANE")))


@pytest.fixture
def opened(make_window: Any, ankle: AnkleEngine, files: Any, tmp_path: Path) -> MainWindow:
    """A window with a measured film that has text burnt in."""
    path = written(tmp_path)
    backend = replace(files.backend(), read_film=lambda path, frame: read_film(path, frame=frame))
    window: MainWindow = make_window(engine_factory=ankle.open, backend=backend)
    window.open_paths([path])
    return window


def answer(monkeypatch: Any, *, decide: bool = True, folder: Path | None = None) -> list[Any]:
    """Let the dialog be answered; returns the dialogs that were shown."""
    shown: list[Any] = []

    def run(dialog: AddToBankDialog) -> QDialog.DialogCode:
        shown.append(dialog)
        if folder is not None:
            dialog.choose_bank(folder)
        dialog.origin.setText("our archive")
        dialog.licence.setText("internal")
        dialog.cover.click()
        dialog.decided.setChecked(decide)
        accepted = dialog.save_button.isEnabled()
        return QDialog.DialogCode.Accepted if accepted else QDialog.DialogCode.Rejected

    monkeypatch.setattr(AddToBankDialog, "exec", run)
    return shown


def test_a_draft_and_missing_points_are_refused_with_words(opened: MainWindow, monkeypatch: Any) -> None:
    shown = answer(monkeypatch)
    opened.do_add_to_bank()
    assert "draft" in opened.bar.text
    assert "Confirm its points first" in opened.bar.text
    case = opened.session.case
    assert case is not None
    opened.session.put_case(replace(case, landmarks=case.landmarks.without("talar_dome_medial")))
    opened.confirm_as("Dr. Ada")
    opened.do_add_to_bank()
    assert "not placed: Talar dome, medial corner" in opened.bar.text
    assert shown == []


def test_a_confirmed_case_is_stored_after_the_review(
    opened: MainWindow, monkeypatch: Any, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    shown = answer(monkeypatch, folder=mine)
    opened.confirm_as("Dr. Ada")
    opened.do_add_to_bank()
    assert len(shown) == 1
    texts = [label.text() for label in shown[0].findChildren(QLabel)]
    assert any("like text (amber)" in text for text in texts)
    assert "as ankle_ap-001; references there: 1" in opened.bar.text
    bank = load_bank(mine)
    (entry,) = bank.entries
    assert check_bank(bank, CATALOGUE) == []
    assert (entry.key, entry.origin, entry.licence) == ("ankle_ap-001", "our archive", "internal")
    assert entry.points["tibial_plafond_medial"] == pytest.approx((64.0, 58.0))
    stored = b"".join(path.read_bytes() for path in mine.rglob("*") if path.is_file())
    for secret in (b"DOE", b"JANE", b"Ada", b"4711"):
        assert secret not in stored
    image = cv2.imread(str(mine / entry.image), cv2.IMREAD_UNCHANGED)
    assert shown[0].blank
    for area in shown[0].blank:
        assert not image[area.y_px : area.y_px + area.height_px, area.x_px : area.x_px + area.width_px].any()
    assert opened.engine.bank is None  # adding does not change what is measured with
    assert opened.banks.own == (mine,)


def test_without_a_decision_nothing_is_stored(opened: MainWindow, monkeypatch: Any, tmp_path: Path) -> None:
    answer(monkeypatch, decide=False, folder=tmp_path / "mine")
    opened.confirm_as("Dr. Ada")
    opened.do_add_to_bank()
    assert not (tmp_path / "mine").exists()


def test_the_same_film_is_not_stored_twice(opened: MainWindow, tmp_path: Path) -> None:
    opened.confirm_as("Dr. Ada")
    case, film = opened.session.case, opened.session.film
    assert case is not None
    assert film is not None
    mine = tmp_path / "mine"
    mine.mkdir()
    for _ in range(2):
        opened.add_to_bank(mine, case, film, "o", "l", [Rectangle(20, 230, 180, 40)])
    assert "holds this film already, as ankle_ap-001" in opened.bar.text
    assert len(load_bank(mine).entries) == 1


def test_a_folder_with_other_files_is_no_bank(opened: MainWindow, tmp_path: Path) -> None:
    opened.confirm_as("Dr. Ada")
    case, film = opened.session.case, opened.session.film
    assert case is not None
    assert film is not None
    opened.add_to_bank(tmp_path, case, film, "o", "l", [])
    assert "is not empty" in opened.bar.text
    assert not (tmp_path / MANIFEST).exists()
    opened.make_bank(tmp_path)
    assert "is not empty" in opened.bar.text


def test_the_review_shows_what_is_stored(opened: MainWindow) -> None:
    film = opened.session.film
    assert film is not None
    dialog = AddToBankDialog(film, (), (), opened)
    assert not dialog.save_button.isEnabled()
    dialog.decided.setChecked(True)
    dialog.origin.setText("o")
    dialog.licence.setText("l")
    assert not dialog.save_button.isEnabled()
    dialog.choose_bank(default_bank_folder())
    assert dialog.bank is None  # the shipped bank is not changed
    dialog.choose_bank(Path("mine"))
    assert dialog.save_button.isEnabled()
    dialog.licence.setText(" ")
    assert not dialog.save_button.isEnabled()
    dialog.close()


def test_the_review_zooms_about_the_pointer(opened: MainWindow, qtbot: Any) -> None:
    film = opened.session.film
    assert film is not None
    dialog = AddToBankDialog(film, (), (), opened)
    dialog.resize(700, 700)
    dialog.show()
    qtbot.waitExposed(dialog)
    picture = dialog.picture
    before = picture.place()
    at = QPointF(before.x() + before.width() * 0.25, before.y() + before.height() * 0.5)

    def wheel(steps: int) -> None:
        delta = QPoint(0, 120 * steps)
        none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
        picture.wheelEvent(QWheelEvent(at, at, QPoint(), delta, *none, False))

    wheel(8)
    zoomed = picture.place()
    assert zoomed.width() > 3 * before.width()
    assert zoomed.x() + zoomed.width() * 0.25 == pytest.approx(at.x(), abs=2)
    start = at.toPoint()
    QTest.mousePress(picture, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseRelease(picture, Qt.MouseButton.LeftButton, pos=start + QPoint(60, 30))
    (area,) = dialog.blank
    assert (area.x_px, area.y_px) == pytest.approx((80, 140), abs=2)  # a quarter and a half of 320 x 280
    assert area.width_px == pytest.approx(60 * 320 / zoomed.width(), abs=1)
    dialog.grab()
    wheel(-20)
    assert picture.place() == before
    dialog.close()


def test_the_bank_in_use_is_shown_and_kept(
    opened: MainWindow, ankle: AnkleEngine, make_window: Any, tmp_path: Path
) -> None:
    assert opened.bank_text.text() == "Bank: shipped"
    assert opened.bank_text.isVisible()
    mine = tmp_path / "mine"
    mine.mkdir()
    opened.make_bank(mine)
    assert load_bank(mine).entries == ()
    assert opened.bank_text.text() == "Bank: mine"
    assert ankle.opened == [None, mine]
    assert "Measure (F5)" in opened.bar.text
    opened.bank_menu.aboutToShow.emit()
    offered = opened.bank_menu.actions()
    assert [action.isChecked() for action in offered] == [False, True]
    again = make_window(engine_factory=ankle.open)
    assert again.bank_text.text() == "Bank: mine"
    offered[0].trigger()
    assert opened.bank_text.text() == "Bank: shipped"
    assert KnownBanks(opened.settings).in_use is None
    assert KnownBanks(opened.settings).own == (mine,)


def test_a_bank_that_cannot_be_used_changes_nothing(
    opened: MainWindow, ankle: AnkleEngine, make_window: Any, tmp_path: Path
) -> None:
    lost = tmp_path / "lost"
    ankle.refused.add(lost)
    opened.use_bank(lost)
    assert "cannot be read" in opened.bar.text
    assert opened.bank_text.text() == "Bank: shipped"
    KnownBanks(opened.settings).use(lost)
    again = make_window(engine_factory=ankle.open)
    assert "The shipped bank is in use instead" in again.bar.text
    assert again.bank_text.text() == "Bank: shipped"
    assert again.engine.opened is ankle


def test_a_film_without_points_is_measured_with_the_new_bank(
    opened: MainWindow, engine: Any, tmp_path: Path
) -> None:
    engine.error = BankError("The bank holds no reference to match with")
    opened.open_paths([written(tmp_path)])
    assert opened.session.case is None
    engine.error = None
    opened.use_bank(tmp_path / "any")
    assert opened.session.case is not None


def test_the_new_bank_wins_over_one_still_opening(engine: Any, ankle: Any) -> None:
    def make(bank: Path | None) -> Any:
        holder.put(ankle, Path("mine"))  # chosen while the first one is being opened
        return engine

    holder = EngineHolder(make)
    assert holder.get() is ankle
    assert holder.opened is ankle
    assert holder.bank == Path("mine")


def test_a_selected_point_is_shown_on_a_reference(make_window: Any, files: Any, tmp_path: Path) -> None:
    grey = np.zeros((100, 80), np.uint8)
    grey[:, 40:] = 255
    guide = GuideFilm("r1", grey, {"top_left": (39.5, 30.0), "bottom_right": (60.0, 90.0)})
    asked: list[Any] = []

    def find(view: Any, bank: Any) -> GuideFilm:
        asked.append((view.key, bank))
        return guide

    window = make_window(backend=replace(files.backend(), read_guide=find))
    window.open_paths([tmp_path / "one.dcm"])
    assert asked == [("box_ap", None)]
    picture = window.landmarks.thumbnail
    assert not picture.isVisible()
    window.session.select_point("top_left")
    assert picture.isVisible()
    assert picture.part().center().toTuple() == (40.0, 30.5)

    def edges() -> list[int]:
        image = picture.grab().toImage()
        return [image.pixelColor(image.width() * part // 10, 12).lightness() for part in (1, 9)]

    assert edges() == [0, 255]  # the film is dark on the left
    window.actions_by_name["flip"].setChecked(True)
    assert edges() == [255, 0]
    window.actions_by_name["flip"].setChecked(False)
    assert edges() == [0, 255]
    window.session.select_point("top_right")
    assert not picture.isVisible()
    window.session.nudge_point("top_right", 1, 0)
    assert len(asked) == 1


def test_the_guide_is_of_the_own_bank_else_shipped(opened: MainWindow, tmp_path: Path) -> None:
    shipped = read_guide(ANKLE, None)
    assert shipped is not None
    assert set(shipped.points) == set(ANKLE.point_keys)
    mine = tmp_path / "mine"
    mine.mkdir()
    opened.make_bank(mine)
    from_empty = read_guide(ANKLE, mine)
    assert from_empty is not None
    assert from_empty.reference == shipped.reference
    opened.confirm_as("Dr. Ada")
    case, film = opened.session.case, opened.session.film
    assert case is not None
    assert film is not None
    opened.add_to_bank(mine, case, film, "o", "l", [])
    own = read_guide(ANKLE, mine)
    assert own is not None
    assert own.reference == "ankle_ap-001"
    assert own.grey.shape == (280, 320)
    assert read_guide(replace(ANKLE, key="unknown"), None) is None
