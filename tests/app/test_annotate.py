"""A film is annotated from nothing: guided list, clicks, undo, confirmation, file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPointF, Qt

from core.adapters.case_file import load_case, save_case
from core.engine import blank_case
from core.errors import MatchError
from core.film import FilmTags, Side
from core.measure.loader import default_catalogue
from tests.app.conftest import make_film

KEYS = ("top_left", "top_right", "bottom_right", "bottom_left")
PLACES = {"top_left": (60.0, 50.0), "top_right": (150.0, 52.0), "bottom_right": (152.0, 250.0)}


@pytest.fixture
def begun(make_window: Any, engine: Any, tmp_path: Path) -> Any:
    """A window in which the film fitted no view and is annotated by hand."""
    engine.error = MatchError("The film looks like no view of the bank")
    window = make_window()
    window.open_paths([tmp_path / "one.dcm"])
    assert window.session.case is None
    window.annotate("other")
    return window


def click(qtbot: Any, window: Any, place: tuple[float, float]) -> None:
    at = window.view.to_screen().map(QPointF(*place)).toPoint()
    qtbot.mouseClick(window.view.viewport(), Qt.MouseButton.LeftButton, pos=at)


def test_it_begins_with_the_first_point_and_no_place(begun: Any) -> None:
    session = begun.session
    assert (session.case.view, len(session.case.landmarks)) == ("other", 0)
    assert session.missing == KEYS
    assert session.selected_point == "top_left"
    assert [begun.landmarks.list.item(i).text()[-10:] for i in range(4)] == ["not placed"] * 4
    assert begun.landmarks.description.text() == "Where top_left is."
    assert not session.can_confirm


def test_clicks_place_the_points_in_turn(begun: Any, qtbot: Any) -> None:
    session = begun.session
    for place in PLACES.values():
        click(qtbot, begun, place)
    for key, (x, y) in PLACES.items():
        point = session.case.landmarks[key]
        assert (point.x_px, point.y_px) == pytest.approx((x, y), abs=1.0)
        assert point.edited
    assert session.selected_point == "bottom_left"


def test_keys_choose_which_point_comes_next_and_the_order_stays(begun: Any, qtbot: Any) -> None:
    session = begun.session
    qtbot.keyClick(begun.view, Qt.Key.Key_Tab)
    assert session.selected_point == "top_right"
    click(qtbot, begun, PLACES["top_right"])
    assert session.selected_point == "bottom_right"
    qtbot.keyClick(begun.view, Qt.Key.Key_Backtab)
    qtbot.keyClick(begun.view, Qt.Key.Key_Backtab)
    assert session.selected_point == "top_left"
    click(qtbot, begun, PLACES["top_left"])
    assert list(session.case.landmarks) == ["top_left", "top_right"]


def test_undo_and_reset_take_points_away(begun: Any, qtbot: Any) -> None:
    session = begun.session
    click(qtbot, begun, PLACES["top_left"])
    click(qtbot, begun, PLACES["top_right"])
    begun.do_undo()
    assert list(session.case.landmarks) == ["top_left"]
    begun.do_redo()
    session.select_point("top_left")
    assert begun.actions_by_name["reset_point"].isEnabled()
    begun.do_reset_point()
    assert list(session.case.landmarks) == ["top_right"]
    begun.do_reset_all()
    assert len(session.case.landmarks) == 0


def test_the_side_must_be_settled_before_the_confirmation(begun: Any, qtbot: Any) -> None:
    session = begun.session
    click(qtbot, begun, PLACES["top_left"])
    assert session.case.side.conflict
    assert not session.can_confirm
    session.settle_side(Side.RIGHT)
    assert session.can_confirm
    begun.confirm_as("Dr. Ada")
    assert not session.case.is_draft


def test_a_click_beside_placed_points_only_lets_go(window: Any, qtbot: Any) -> None:
    window.session.select_point("top_left")
    before = window.session.case
    click(qtbot, window, (20.0, 20.0))
    assert window.session.case is before
    assert window.session.selected_point == ""


def test_the_chooser_offers_every_view(begun: Any, monkeypatch: Any) -> None:
    offered: list[Any] = []

    def choose(parent: Any, title: str, label: str, names: list[str], at: int, editable: bool) -> Any:
        offered.extend((names, names[at]))
        return "Box AP", True

    monkeypatch.setattr("app.window_actions.QInputDialog.getItem", choose)
    begun.do_annotate()
    assert offered == [["Box AP", "Other view"], "Other view"]
    assert begun.session.case.view == "box_ap"


def test_the_side_comes_from_a_person_then_from_the_file(tmp_path: Path) -> None:
    film, view = make_film(tmp_path / "a.dcm", tags=FilmTags(laterality=Side.RIGHT)), default_catalogue().view
    ankle, pelvis = view("ankle_ap"), view("pelvis_ap")
    assert blank_case(film, ankle).side.side is Side.RIGHT
    assert blank_case(film, ankle).side.source == "tag"
    assert blank_case(film, ankle, Side.LEFT).side.side is Side.LEFT
    assert blank_case(replace(film, tags=FilmTags()), ankle).side.conflict
    both = blank_case(film, pelvis).side
    assert (both.side, both.conflict) == (Side.BOTH, False)


def test_such_a_case_is_saved_and_read(tmp_path: Path) -> None:
    case = blank_case(make_film(tmp_path / "a.dcm"), default_catalogue().view("ankle_ap"), Side.LEFT)
    keys = default_catalogue().view("ankle_ap").point_keys
    case = case.with_new_point(keys[3], 4.0, 5.0, keys).with_new_point(keys[1], 6.0, 7.0, keys)
    save_case(case, tmp_path / "a.omcase")
    again = load_case(tmp_path / "a.omcase")
    assert again == case
    assert list(again.landmarks) == [keys[1], keys[3]]
