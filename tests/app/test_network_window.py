"""PACS, watched folders and the review of pictures in the window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.network.exchange import ImportDialog, SendDialog
from app.network.review import ReviewDialog
from app.network.settings_dialog import SettingsDialog
from app.tasks import SynchronousRunner, TaskRunner
from core.adapters.dicom import read_film
from core.adapters.pacs.services import send
from core.adapters.pacs.settings import PacsSettings, Peer, save_settings
from core.burnt_in import Rectangle, text_regions
from tests.core.dicom_files import dataset, encode, save
from tests.core.pacs_archive import Archive, film_files, free_port, running, settings


@pytest.fixture
def archive() -> Iterator[Archive]:
    with running(Archive(free_port())) as started:
        yield started


@pytest.fixture
def ours(archive: Archive, tmp_path: Path, monkeypatch: Any) -> PacsSettings:
    """Settings that the window finds in the user's folder."""
    monkeypatch.setenv("ORTHOMATCH_CONFIG", str(tmp_path / "config"))
    known = settings(tmp_path, archive.port)
    save_settings(known)
    return known


def listed(window: Any) -> list[str]:
    return [ref.path.name for ref in window.films.refs]


def test_network_is_off_by_default(window: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("ORTHOMATCH_CONFIG", str(tmp_path / "none"))
    for name in ("pacs_import", "pacs_send"):
        window.actions_by_name[name].trigger()
        assert "switched off" in window.bar.text
    window.actions_by_name["pacs_listen"].trigger()
    assert not window.actions_by_name["pacs_listen"].isChecked()
    assert window.receiver is None
    assert not window.listening.isVisible()


def test_listener_is_shown_and_its_films_are_offered(
    window: Any, ours: PacsSettings, tmp_path: Path, qtbot: Any
) -> None:
    action = window.actions_by_name["pacs_listen"]
    action.trigger()
    assert window.listening.isVisible()
    assert str(ours.listen_port) in window.listening.text()
    shown = window.session.film
    us = Peer("self", ours.ae_title, "127.0.0.1", ours.listen_port)
    assert len(send(ours, us, film_files(tmp_path)).paths) == 2
    qtbot.waitUntil(lambda: len(window.films.refs) == 3, timeout=5000)
    assert window.session.film is shown
    assert window.films_dock.isVisible()
    action.trigger()
    assert window.receiver is None
    assert not window.listening.isVisible()


def test_import_searches_and_fetches(window: Any, ours: PacsSettings, qtbot: Any) -> None:
    fetched: list[Path] = []
    runner = TaskRunner()
    dialog = ImportDialog(ours, runner, window, fetched.extend)
    dialog.show()
    assert not dialog.fetch_button.isEnabled()
    dialog.search()
    assert "every study" in dialog.status.text()
    dialog.name.setText("Doe*")
    dialog.search_button.click()
    assert dialog.stop_button.isEnabled()
    qtbot.waitUntil(lambda: dialog.status.text() == "1 found.", timeout=5000)
    assert [dialog.table.item(0, c).text() for c in range(3)] == ["20260102", "Doe, Jane", "4711"]
    dialog.fetch_button.click()
    qtbot.waitUntil(lambda: len(fetched) == 2, timeout=5000)
    assert dialog.status.text() == "2 films fetched."
    dialog.close()
    runner.shut_down()


def test_send_tells_how_it_went(window: Any, ours: PacsSettings, archive: Archive, tmp_path: Path) -> None:
    dialog = SendDialog(ours, SynchronousRunner(), window, film_files(tmp_path))
    dialog.send_button.click()
    assert dialog.status.text() == "2 of 2 files sent."
    archive.store_status = 0xA700
    dialog.send_button.click()
    assert dialog.status.text().startswith("0 of 2 files sent.")
    assert "0xA700" in dialog.status.text()
    dialog.close()


def test_settings_are_checked_and_tested(window: Any, ours: PacsSettings) -> None:
    dialog = SettingsDialog(ours, SynchronousRunner(), window)
    dialog.test()
    assert dialog.status.text() == "archive answered."
    dialog.title.setText("FAR TOO LONG A TITLE")
    dialog.accept()
    assert "AE title" in dialog.status.text()
    assert dialog.settings == ours
    dialog.title.setText("US")
    dialog.callers.setText("A, B")
    dialog.add_peer("second", "PACS2", "10.0.0.9", "104")
    dialog.accept()
    assert dialog.settings.allowed_callers == ("A", "B")
    assert dialog.settings.peers[1] == Peer("second", "PACS2", "10.0.0.9", 104)
    assert dialog.settings.ae_title == "US"


def test_watched_folder_offers_new_films(window: Any, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    window.watch_folder(folder)
    assert window.watching.isVisible()
    save(folder, encode(dataset()), "new.dcm")
    window.look()
    assert "new.dcm" not in listed(window)
    window.look()
    assert "new.dcm" in listed(window)
    window.watch_folder(None)
    assert not window.watching.isVisible()


def written(folder: Path) -> Path:
    ramp = np.add.outer(np.arange(160), np.arange(240)).astype(np.uint16) * 4
    strokes = np.zeros(ramp.shape, np.uint8)
    cv2.putText(strokes, "DOE JANE", (30, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
    pixels = np.where(strokes > 0, 4000, ramp).astype(np.uint16)
    return save(folder, encode(dataset(pixels, PatientName="DOE^JANE")))


def test_review_needs_a_decision_and_blackens(window: Any, tmp_path: Path, qtbot: Any) -> None:
    film = read_film(written(tmp_path))
    dialog = ReviewDialog(film, text_regions(film.pixels), window)
    dialog.show()
    qtbot.waitExposed(dialog)
    assert not dialog.save_button.isEnabled()
    dialog.cover.click()
    place = dialog.picture.place()
    scale = place.width() / 240
    start = place.topLeft() + QPoint(round(100 * scale), round(100 * scale))
    QTest.mousePress(dialog.picture, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(dialog.picture, start + QPoint(40, 20))
    QTest.mouseRelease(dialog.picture, Qt.MouseButton.LeftButton, pos=start + QPoint(40, 20))
    drawn = dialog.blank[-1]
    assert abs(drawn.x_px - 100) <= 2
    assert abs(drawn.y_px - 100) <= 2
    assert abs(drawn.width_px - 40 / scale) <= 2
    dialog.grab()
    dialog.clear.click()
    assert dialog.blank == dialog.picture.regions != ()
    dialog.decided.click()
    assert dialog.save_button.isEnabled()
    dialog.close()


def test_reviewed_film_is_written_without_identity(window: Any, tmp_path: Path) -> None:
    source = written(tmp_path)
    before = source.read_bytes()
    window.write_deidentified(source, tmp_path / "out", [Rectangle(20, 30, 150, 50)])
    clean = pydicom.dcmread(tmp_path / "out.dcm")
    assert clean.BurnedInAnnotation == "NO"
    assert (clean.pixel_array[30:80, 20:170] == 0).all()
    assert b"JANE" not in (tmp_path / "out.dcm").read_bytes()
    window.write_deidentified(source, source, [])
    assert "not overwritten" in window.bar.text
    assert source.read_bytes() == before
