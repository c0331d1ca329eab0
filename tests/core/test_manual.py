"""The manual's drawings: which film, what is on it, and the files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.adapters.bank import load_bank
from core.errors import WriteError
from core.manual import drawn_views, page_drawings, write_manual
from core.manual_pictures import drawn_view, measurement_picture, points_picture
from core.matching.protocol import Reference
from core.measure.loader import default_catalogue
from core.measure.manual import manual_markdown
from core.overlay import CERTAIN_COLOUR
from core.overlay_shapes import LINE_COLOUR

VIEW = default_catalogue().view("ankle_ap")


@pytest.fixture(scope="module")
def references() -> list[Reference]:
    return load_bank().references(default_catalogue(), "ankle_ap")


def picture(data: bytes) -> NDArray[np.uint8]:
    """[height, width, 3] RGB."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image[:, :, ::-1], dtype=np.uint8)


def test_drawings_are_on_the_first_reference(references: list[Reference]) -> None:
    drawn = drawn_view(VIEW, references)
    assert drawn is not None
    assert [film.key for film in drawn.films] == [references[0].key]
    assert set(drawn.measured_on) == {measurement.key for measurement in VIEW.measurements}


def test_what_the_first_reference_lacks_is_drawn_on_another(references: list[Reference]) -> None:
    points = references[0].points_px.copy()
    points[VIEW.point_keys.index("medial_malleolus_tip")] = np.nan
    drawn = drawn_view(VIEW, [replace(references[0], points_px=points), *references[1:]])
    assert drawn is not None
    assert [film.key for film in drawn.films] == [references[0].key, references[1].key]
    without = {m.key for m in VIEW.measurements if "medial_malleolus_tip" in m.points}
    assert {key for key, film in drawn.measured_on.items() if film.key == references[1].key} == without


def test_a_view_without_references_gets_text_only() -> None:
    assert drawn_view(VIEW, []) is None
    assert "knee_axial" not in drawn_views(default_catalogue(), replace(load_bank(), entries=()))
    assert "![" not in manual_markdown(VIEW)


def test_lines_points_and_value_are_drawn_about_the_measurement(references: list[Reference]) -> None:
    drawn = drawn_view(VIEW, references)
    assert drawn is not None
    film = drawn.measured_on["ldta"]
    shown = picture(measurement_picture(VIEW, "ldta", film)).astype(int)
    assert max(shown.shape) == 460
    assert (np.abs(shown - LINE_COLOUR).max(axis=2) < 40).sum() > 150
    without_lines = replace(film, results={"ldta": replace(film.results["ldta"], shapes=())})
    plain = picture(measurement_picture(VIEW, "ldta", without_lines)).astype(int)
    assert (np.abs(plain - LINE_COLOUR).max(axis=2) < 40).sum() == 0


def test_all_points_are_marked_on_the_picture_of_the_view(references: list[Reference]) -> None:
    drawn = drawn_view(VIEW, references)
    assert drawn is not None
    shown = picture(points_picture(VIEW, drawn.films[0])).astype(int)
    assert max(shown.shape) == 900
    marks = np.asarray(np.abs(shown - CERTAIN_COLOUR).max(axis=2) < 60, dtype=np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(marks)
    found = int((stats[1:, cv2.CC_STAT_AREA] > 12).sum())
    assert len(VIEW.points) - 2 <= found <= len(VIEW.points)  # some may touch


def test_pages_name_their_pictures_and_films(references: list[Reference]) -> None:
    drawn = drawn_view(VIEW, references)
    assert drawn is not None
    page = manual_markdown(VIEW, page_drawings(VIEW, drawn))
    assert "![Points by number](images/ankle_ap.jpg)" in page
    for measurement in VIEW.measurements:
        assert f"(images/ankle_ap/{measurement.key}.jpg)" in page
    assert f"`{references[0].key}` ({references[0].digest[:12]})" in page


def test_writing_removes_pictures_that_are_no_longer_drawn(tmp_path: Path) -> None:
    old = tmp_path / "images" / "ankle_ap" / "gone.jpg"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"")
    pages = write_manual(tmp_path)
    assert [path.name for path in pages] == [f"{key}.md" for key in sorted(default_catalogue().views)]
    assert not old.exists()
    assert (tmp_path / "images" / "ankle_ap" / "ldta.jpg").stat().st_size > 3000


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises(WriteError, match="Choose another folder"):
        write_manual(blocked)
