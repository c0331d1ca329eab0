"""The window end to end, with a made-up engine and made-up files."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest

from app.actions import ACTIONS, STATEMENT
from app.dialogs import Leave, about_text, keyboard_html
from app.main_window import MainWindow
from app.tasks import TaskRunner
from core.adapters.export.formats import FORMATS
from core.errors import BankError
from core.film import Side, SpacingSource


def place(window: MainWindow, key: str) -> QPoint:
    """Where a point is on screen."""
    assert window.session.case is not None
    point = window.session.case.landmarks[key]
    return window.view.to_screen().map(QPointF(point.x_px, point.y_px)).toPoint()


def drag(window: MainWindow, key: str, by: QPoint, *, release: bool = True) -> None:
    start, target = place(window, key), window.view.viewport()
    QTest.mousePress(target, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(target, start + by / 2)
    QTest.mouseMove(target, start + by)
    if release:
        QTest.mouseRelease(target, Qt.MouseButton.LeftButton, pos=start + by)


def at(window: MainWindow, key: str) -> tuple[float, float]:
    assert window.session.case is not None
    point = window.session.case.landmarks[key]
    return point.x_px, point.y_px


def test_open_shows_film_first_then_measures(make_window: Any, make_held: Any, tmp_path: Path) -> None:
    runner = make_held("match")
    window = make_window(runner)
    window.open_paths([tmp_path / "one.dcm"])
    assert window.view.isVisible()
    assert window.session.case is None
    assert window.progress.isVisible()
    assert window.study.patient.text().startswith("Doe Jane")
    runner.run(runner.held[0])
    assert window.session.case is not None
    assert not window.progress.isVisible()
    assert [r.key for r in window.session.results] == ["width", "lean", "gone"]
    assert not window.session.is_dirty


def test_a_slow_film_is_looked_at_but_not_measured_before_it_is_read(
    make_window: Any, make_held: Any, files: Any, engine: Any, film_of: Any, tmp_path: Path
) -> None:
    def glance(path: Path, frame: int) -> Any:
        return replace(film_of(path), preliminary=True)

    runner = make_held("film")
    window = make_window(runner=runner, backend=replace(files.backend(), glance_at_film=glance))
    window.open_paths([tmp_path / "slow.dcm"])
    runner.run(runner.held[0])
    assert window.session.film.preliminary
    assert window.view.isVisible()
    window.controller.analyse()
    assert not engine.asked
    runner.run(runner.held[1])
    assert not window.session.film.preliminary
    case = window.session.case
    assert case is not None

    window.open_paths([tmp_path / "bad.dcm"])
    runner.run(runner.held[2])
    assert window.session.case is None
    runner.run(runner.held[3])  # fails: what was open before comes back
    assert window.session.case is case
    assert not window.session.film.preliminary


def test_measurement_table_states_value_interval_range_and_reason(window: MainWindow) -> None:
    model = window.measurements.model
    texts = [[model.index(r, c).data() for c in range(4)] for r in range(3)]
    assert texts[0] == ["Box width", "40.0 mm", "38.0 to 42.0", "30 to 39\nabove"]
    assert texts[1] == ["Box lean", "\u22123.2\u00b0", "\u22124.5 to \u22122.0", "\u2264 5\nnot verified"]
    assert texts[2] == ["Box depth", "Not visible on this film", "", ""]
    tip = model.index(1, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert "Positive to the right" in tip
    assert "Test 2020 (source not verified)" in tip


def test_selecting_a_row_draws_its_lines(window: MainWindow) -> None:
    assert window.view.overlay.shapes == ()
    window.measurements.table.selectRow(1)
    assert window.session.highlighted == ("lean",)
    assert len(window.view.overlay.shapes) == 4
    assert window.view.overlay.used == {"top_left", "bottom_left"}
    window.grab()  # every kind of shape can be painted
    window.measurements.table.clearSelection()
    assert window.view.overlay.shapes == ()


def test_highlight_follows_a_moved_point(window: MainWindow) -> None:
    window.measurements.table.selectRow(0)
    before = window.view.overlay.shapes
    window.session.nudge_point("top_right", 5, 0)
    assert window.session.highlighted == ("width",)
    assert window.view.overlay.shapes != before


def test_drag_moves_by_the_pointer_and_is_one_step(window: MainWindow) -> None:
    x, y = at(window, "top_left")
    scale = window.view.scale_now
    drag(window, "top_left", QPoint(20, 10))
    assert at(window, "top_left") == pytest.approx((x + 20 / scale, y + 10 / scale), abs=1e-6)
    assert window.session.case is not None
    assert window.session.case.landmarks["top_left"].edited
    assert window.session.selected_point == "top_left"
    assert window.session.undo_stack.count() == 1
    assert window.session.results[0].value != pytest.approx(40.0)
    window.do_undo()
    assert at(window, "top_left") == (x, y)
    assert window.session.results[0].value == pytest.approx(40.0)
    window.do_redo()
    assert at(window, "top_left") != (x, y)


def test_drag_under_flip_keeps_coordinates(window: MainWindow) -> None:
    before = {key: at(window, key) for key in window.session.case.landmarks}
    window.actions_by_name["flip"].setChecked(True)
    assert {key: at(window, key) for key in before} == before
    assert place(window, "top_left").x() > place(window, "top_right").x()
    drag(window, "top_left", QPoint(-20, 0))
    assert at(window, "top_left")[0] == pytest.approx(before["top_left"][0] + 20 / window.view.scale_now)


def test_escape_abandons_a_drag(window: MainWindow) -> None:
    before = window.session.case
    drag(window, "top_left", QPoint(30, 30), release=False)
    assert window.session.case is not before
    assert window.view.loupe_at is not None
    window.grab()  # the loupe can be painted
    QTest.keyClick(window.view, Qt.Key.Key_Escape)
    assert window.session.case is before
    assert window.session.undo_stack.count() == 0


def test_undo_waits_for_the_end_of_a_drag(window: MainWindow) -> None:
    window.session.nudge_point("top_right", 5, 0)
    drag(window, "top_left", QPoint(30, 30), release=False)
    held = window.session.case
    window.do_undo()
    assert window.session.case is held


def test_match_arriving_during_a_drag_wins(window: MainWindow, engine: Any) -> None:
    drag(window, "top_left", QPoint(30, 30), release=False)
    window.do_measure()
    target = window.view.viewport()
    QTest.mouseRelease(target, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert at(window, "top_left") == (80.0, 60.0)


def test_click_without_movement_changes_nothing(window: MainWindow) -> None:
    before = window.session.case
    QTest.mouseClick(window.view.viewport(), Qt.MouseButton.LeftButton, pos=place(window, "top_right"))
    assert window.session.selected_point == "top_right"
    assert window.session.case is before
    assert not window.session.is_dirty


@pytest.mark.parametrize(
    ("modifier", "step"),
    [
        (Qt.KeyboardModifier.NoModifier, 1.0),
        (Qt.KeyboardModifier.ShiftModifier, 10.0),
        (Qt.KeyboardModifier.AltModifier, 0.1),
    ],
)
def test_arrow_keys_nudge_and_merge(window: MainWindow, modifier: Qt.KeyboardModifier, step: float) -> None:
    x, y = at(window, "top_left")
    window.session.select_point("top_left")
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Up):
        QTest.keyClick(window.view, key, modifier)
    assert at(window, "top_left") == pytest.approx((x + 2 * step, y - step))
    assert window.session.undo_stack.count() == 1
    window.session.select_point("top_right")
    QTest.keyClick(window.view, Qt.Key.Key_Down, modifier)
    assert window.session.undo_stack.count() == 2
    window.do_undo()
    window.do_undo()
    assert at(window, "top_left") == (x, y)


def test_nudge_right_stays_right_on_a_flipped_display(window: MainWindow) -> None:
    window.actions_by_name["flip"].setChecked(True)
    window.session.select_point("top_left")
    before = place(window, "top_left").x()
    QTest.keyClick(window.view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert place(window, "top_left").x() > before


def test_points_stay_on_the_film(window: MainWindow) -> None:
    window.session.nudge_point("top_left", -1e6, 1e6)
    assert at(window, "top_left") == (-0.5, 319.5)


def test_tab_walks_points_and_n_those_that_need_a_look(window: MainWindow) -> None:
    QTest.keyClick(window.view, Qt.Key.Key_Tab)
    assert window.session.selected_point == "top_left"
    QTest.keyClick(window.view, Qt.Key.Key_Tab)
    assert window.session.selected_point == "top_right"
    QTest.keyClick(window.view, Qt.Key.Key_Backtab)
    QTest.keyClick(window.view, Qt.Key.Key_Backtab)
    assert window.session.selected_point == "bottom_left"
    window.session.select_point("")
    assert "Bottom left" not in window.study.state.text()  # it has been looked at
    window.do_next_look()
    assert window.session.selected_point == "bottom_left"


def test_needs_look_filter_and_edit_settles_it(window: MainWindow) -> None:
    window.landmarks.only_look.setChecked(True)
    rows = window.landmarks.list
    shown = [i for i in range(rows.count()) if not rows.item(i).isHidden()]
    assert [rows.item(i).text().split("   ")[0] for i in shown] == ["\u25c6  Bottom left"]
    window.session.nudge_point("bottom_left", 1, 0)
    assert all(rows.item(i).isHidden() for i in range(rows.count()))
    assert window.session.needs_look() == ()


def test_choosing_in_the_list_selects_and_centres(window: MainWindow) -> None:
    window.view.zoom_to(6.0)
    window.landmarks.list.setCurrentRow(2)
    assert window.session.selected_point == "bottom_right"
    centre = window.view.viewport().rect().center()
    assert (place(window, "bottom_right") - centre).manhattanLength() <= 3
    assert window.landmarks.description.text() == "Where bottom_right is."


def test_reset_one_and_all(window: MainWindow) -> None:
    start = window.session.case
    assert start is not None
    window.session.nudge_point("top_left", 9, 0)
    window.session.nudge_point("top_right", 9, 0)
    window.session.select_point("top_left")
    window.do_reset_point()
    assert at(window, "top_left") == (80.0, 60.0)
    assert at(window, "top_right") == (169.0, 60.0)
    window.do_reset_all()
    assert window.session.case.landmarks == start.landmarks
    count = window.session.undo_stack.count()
    window.do_reset_all()
    assert window.session.undo_stack.count() == count


def test_confirm_then_edit_is_a_draft_again(window: MainWindow) -> None:
    assert not window.study.confirm_button.isEnabled()
    window.do_confirm()
    assert window.session.case.is_draft
    window.study.reader.setText("  Dr. Ada ")
    window.study.confirm_button.click()
    confirmation = window.session.case.confirmation
    assert confirmation is not None
    assert confirmation.by == "Dr. Ada"
    assert confirmation.at[-6] in "+-"  # with time zone
    assert window.study.state.text().startswith("CONFIRMED by Dr. Ada")
    window.session.nudge_point("top_left", 1, 0)
    assert window.session.case.is_draft
    assert window.study.state.text().startswith("DRAFT")
    window.do_undo()  # exactly the state that was confirmed
    assert window.session.case.confirmation == confirmation


def test_conflict_must_be_settled_before_confirming(make_window: Any, engine: Any, tmp_path: Path) -> None:
    engine.conflict = True
    window = make_window()
    window.open_paths([tmp_path / "one.dcm"])
    window.study.reader.setText("Dr. Ada")
    assert window.study.banner.isVisible()
    assert not window.study.confirm_button.isEnabled()
    window.confirm_as("Dr. Ada")
    assert window.session.case.is_draft
    assert "side" in window.bar.text
    window.study.side_chosen.emit("right")
    assert not window.study.banner.isVisible()
    assert window.session.case.side.side is Side.RIGHT
    assert window.session.case.side.source == "user"
    window.study.confirm_button.click()
    assert not window.session.case.is_draft


def test_a_view_in_doubt_is_settled_before_the_side(make_window: Any, engine: Any, tmp_path: Path) -> None:
    engine.conflict = engine.view_conflict = True
    window = make_window()
    window.open_paths([tmp_path / "one.dcm"])
    window.study.reader.setText("Dr. Ada")
    assert "tags say FOOT" in window.study.banner_text.text()
    assert window.study.keep_view.isVisible()
    assert "settle the view" in window.study.state.text()
    window.confirm_as("Dr. Ada")
    assert "view" in window.bar.text
    window.study.keep_view.click()
    assert window.session.case.view_source == "user"
    assert window.study.banner.isVisible()  # now for the side
    assert not window.study.keep_view.isVisible()
    window.study.side_chosen.emit("right")
    assert not window.study.banner.isVisible()
    window.do_undo()
    window.do_undo()
    assert window.session.case.view_conflict
    window.study.view_chosen.emit("other")  # another view settles it, too
    assert not window.session.case.view_conflict


def test_save_and_reload_is_the_same_case(window: MainWindow, files: Any, tmp_path: Path) -> None:
    film = tmp_path / "one.dcm"
    film.touch()
    window.session.nudge_point("top_left", 3, 4)
    window.confirm_as("Dr. Ada")
    assert window.isWindowModified()
    case, path = window.session.case, tmp_path / "one.omcase"
    window.controller.save(path)
    assert not window.isWindowModified()
    assert files.cases[path] == case
    window.open_paths([tmp_path / "two.dcm"])
    assert window.session.case != case
    window.open_paths([path])
    assert window.session.case == case
    assert window.session.case_path == path
    assert window.session.results[0].value == pytest.approx(38.55, abs=0.01)
    window.do_save()
    assert not window.session.is_dirty


def test_case_of_another_film_is_refused(window: MainWindow, files: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    (tmp_path / "one.dcm").touch()
    before = window.session.case
    path = tmp_path / "one.omcase"
    files.cases[path] = replace(before, film_sha256="other")
    window.open_paths([path])
    assert window.session.case is before
    assert "not the one this case was measured on" in window.bar.text
    files.cases[path] = replace(before, film_path=str(tmp_path / "moved" / "gone.dcm"))
    window.open_paths([path])
    assert window.session.case is before
    assert "beside the case file" in window.bar.text


def test_real_case_file_round_trip(window: MainWindow, tmp_path: Path) -> None:
    from app.backend import load_case, save_case

    window.session.nudge_point("top_left", 3, 4)
    path = tmp_path / "real.omcase"
    save_case(window.session.case, path)
    assert load_case(path) == window.session.case


def test_error_keeps_the_open_case(window: MainWindow, tmp_path: Path) -> None:
    film, case, results = window.session.film, window.session.case, window.session.results
    window.open_paths([tmp_path / "bad.dcm"])
    assert (window.session.film, window.session.case, window.session.results) == (film, case, results)
    assert window.bar.text == "The file is cut short (bad.dcm).\nCopy it again."
    assert not list(tmp_path.glob("crashes/*"))


def test_matching_error_leaves_the_film_on_show(make_window: Any, engine: Any, tmp_path: Path) -> None:
    engine.error = BankError("The bank is damaged", remedy="Install again.")
    window = make_window()
    window.open_paths([tmp_path / "one.dcm"])
    assert window.session.film is not None
    assert window.session.case is None
    assert window.bar.text == "The bank is damaged.\nInstall again."
    engine.error = None
    window.do_measure()
    assert window.session.case is not None


def test_engine_that_does_not_open_is_reported(make_window: Any, tmp_path: Path) -> None:
    def broken(bank: Path | None) -> Any:
        raise BankError("The bank is missing")

    window = make_window(engine_factory=broken)
    assert "The bank is missing" in window.bar.text
    window.open_paths([tmp_path / "one.dcm"])
    assert window.session.film is not None


def test_unknown_error_writes_a_crash_file_without_patient_data(
    make_window: Any, engine: Any, tmp_path: Path
) -> None:
    engine.error = ValueError("Doe^Jane 1970 /home/doe/film.dcm")
    window = make_window()
    window.open_paths([tmp_path / "one.dcm"])
    assert "ValueError" in window.bar.text
    (crash,) = (tmp_path / "crashes").glob("*.txt")
    text = crash.read_text(encoding="utf-8")
    assert "ValueError" in text
    assert "controller.py" in text
    assert "Doe" not in text
    assert "doe" not in text


def test_cancel_stops_matching_and_keeps_the_film(make_window: Any, make_held: Any, tmp_path: Path) -> None:
    runner = make_held("match")
    window = make_window(runner)
    window.open_paths([tmp_path / "one.dcm"])
    assert window.actions_by_name["cancel"].isEnabled()
    window.do_cancel()
    assert runner.held[0].stop.is_set()
    assert not window.actions_by_name["cancel"].isEnabled()
    runner.run(runner.held[0])
    assert window.session.film is not None
    assert window.session.case is None


def test_stale_match_of_another_film_is_dropped(make_window: Any, make_held: Any, tmp_path: Path) -> None:
    runner = make_held("match")
    window = make_window(runner)
    window.open_paths([tmp_path / "one.dcm"])
    window.open_paths([tmp_path / "two.dcm"])
    first, second = runner.held
    first.stop.clear()  # as if it had been too late to stop
    runner.run(first)
    assert window.session.case is None
    runner.run(second)
    assert window.session.case.film_path.endswith("two.dcm")


def test_measuring_during_a_drag_does_not_queue_up(make_window: Any, make_held: Any, tmp_path: Path) -> None:
    runner = make_held("values")
    window = make_window(runner)
    window.open_paths([tmp_path / "one.dcm"])
    for _ in range(10):
        window.session.nudge_point("top_right", 1, 0)
    assert len(runner.held) == 1
    assert not window.controller.values_current
    runner.run(runner.held[0])
    assert len(runner.held) == 2
    runner.run(runner.held[1])
    assert window.controller.values_current
    assert window.session.results[0].value == pytest.approx(45.0)


def test_measure_with_a_chosen_view_is_undoable(window: MainWindow, engine: Any) -> None:
    window.session.nudge_point("top_left", 5, 0)
    edited = window.session.case
    window.study.view_box.setCurrentIndex(window.study.view_box.findData("other"))
    window.do_measure()
    assert engine.asked[-1]["view"] == "other"
    assert window.session.case.view == "other"
    assert "Other view, chosen by the user" in window.study.view_text.text()
    window.do_undo()
    assert window.session.case == edited


def test_folder_fills_the_film_list(make_window: Any, tmp_path: Path) -> None:
    window = make_window()
    window.open_paths([tmp_path])
    assert [ref.label for ref in window.films.refs] == ["a", "b  [1/2]", "b  [2/2]", "bad"]
    assert window.films_dock.isVisible()
    window.do_next_film()
    window.do_next_film()
    assert window.session.film.frame == 1
    window.do_next_film()  # cannot be read
    assert window.session.film.frame == 1
    assert window.films.current == window.films.refs[2]
    assert window.films.tree.currentItem().text(0) == "b  [2/2]"


def test_drop_opens(make_window: Any, tmp_path: Path) -> None:
    window = make_window()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "dropped.dcm"))])
    left = Qt.MouseButton.LeftButton
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, left, Qt.KeyboardModifier.NoModifier)
    window.dropEvent(event)
    assert window.session.film.path.name == "dropped.dcm"


@pytest.mark.parametrize(
    ("answer", "moved_on"), [(Leave.STAY, False), (Leave.DISCARD, True), (Leave.SAVE, True)]
)
def test_unsaved_changes_are_asked_about(
    window: MainWindow, files: Any, tmp_path: Path, answer: Leave, moved_on: bool
) -> None:
    asked: list[int] = []
    window.ask_unsaved = lambda: asked.append(1) or answer  # type: ignore[func-returns-value]
    window.session.case_path = tmp_path / "kept.omcase"
    window.session.nudge_point("top_left", 5, 0)
    window.open_paths([tmp_path / "two.dcm"])
    assert asked == [1]
    assert (window.session.film.path.name == "two.dcm") is moved_on
    assert (tmp_path / "kept.omcase" in files.cases) is (answer is Leave.SAVE)


def test_close_asks_about_unsaved_changes(window: MainWindow) -> None:
    window.session.nudge_point("top_left", 5, 0)
    window.ask_unsaved = lambda: Leave.STAY
    assert not window.close()
    window.ask_unsaved = lambda: Leave.DISCARD
    assert window.close()
    assert not window.isVisible()


def test_close_saves_first_when_asked_to(qtbot: Any, window: MainWindow, files: Any, tmp_path: Path) -> None:
    window.session.case_path = tmp_path / "kept.omcase"
    window.session.nudge_point("top_left", 5, 0)
    window.ask_unsaved = lambda: Leave.SAVE
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=2000)
    assert files.cases[tmp_path / "kept.omcase"] == window.session.case


@pytest.mark.parametrize("key", ["pdf", "sr"])
def test_export_hands_over_case_and_fresh_values(
    window: MainWindow, files: Any, tmp_path: Path, key: str
) -> None:
    window.session.nudge_point("top_right", 10, 0)
    window.session.case_path = tmp_path / "kept.omcase"
    window.controller.export(key, tmp_path / "r.out")
    ((form, path, measured, inputs),) = files.exports
    assert (form, path) == (key, tmp_path / "r.out")
    assert measured.case is window.session.case
    assert measured.film is window.session.film
    assert measured.results[0].value == pytest.approx(45.0)
    assert measured.view.name == "Box AP"
    assert inputs == [window.session.film.path, tmp_path / "kept.omcase"]
    assert "draft" in window.bar.text


def test_export_menu_offers_every_form_under_its_own_name(
    window: MainWindow, files: Any, monkeypatch: Any
) -> None:
    asked: list[str] = []

    def answer(parent: Any, title: str, start: str, filters: str) -> tuple[str, str]:
        asked.append(start)
        return start, filters

    monkeypatch.setattr("app.window_actions.QFileDialog.getSaveFileName", answer)
    (menu,) = [a.menu() for a in window.menuBar().actions() if a.text() == "E&xport"]
    for action in menu.actions():
        assert action.isEnabled()
        action.trigger()
    assert {form for form, *_ in files.exports} == {form.key for form in FORMATS}
    assert len(set(asked)) == len(FORMATS)
    assert str(window.session.film.path) not in asked


def test_export_runs_beside_the_window(make_window: Any, make_held: Any, files: Any, tmp_path: Path) -> None:
    runner = make_held("export sr")
    window = make_window(runner)
    window.open_paths([tmp_path / "one.dcm"])
    window.controller.export("sr", tmp_path / "r.dcm")
    assert not files.exports
    runner.run(runner.held.pop())
    assert len(files.exports) == 1


def test_ruler_sets_the_spacing(window: MainWindow) -> None:
    viewport, control = window.view.viewport(), Qt.KeyboardModifier.ControlModifier
    start, end = QPoint(300, 300), QPoint(400, 300)
    window.do_spacing()
    assert "hold Ctrl" in window.bar.text
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, control, start)
    QTest.mouseMove(viewport, end)
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, control, end)
    assert window.view.ruler is not None
    window.grab()
    window.confirm_as("Dr. Ada")
    window.set_spacing(50.0)
    calibration = window.session.case.calibration
    assert calibration.source is SpacingSource.USER
    assert calibration.column_mm == pytest.approx(50.0 / (100 / window.view.scale_now))
    assert window.session.case.is_draft
    assert "set by the user" in window.study.spacing.text()
    window.do_measure()
    assert window.session.case.calibration == calibration
    window.do_undo()
    window.do_undo()
    assert window.session.case.calibration.source is SpacingSource.DETECTOR


def test_a_ball_sets_the_spacing(window: MainWindow) -> None:
    film = window.session.film
    height, width = film.pixels.shape
    rows, columns = np.mgrid[0:height, 0:width]
    ball = np.hypot(columns - 0.5 * width, rows - 0.5 * height) < 20.0
    window.session.film = replace(film, pixels=film.pixels + np.float32(5000) * ball)
    viewport, control = window.view.viewport(), Qt.KeyboardModifier.ControlModifier
    place = window.view.to_screen().map(QPointF(0.5 * width + 3, 0.5 * height)).toPoint()
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, control, place)
    assert window.view.disc is not None
    assert window.view.disc.diameter_px == pytest.approx(40.0, abs=0.8)
    window.grab()
    window.set_spacing(20.0)
    calibration = window.session.case.calibration
    assert calibration.column_mm == pytest.approx(0.5, abs=0.01)
    assert calibration.relative_error > 0.0
    assert "ball" in window.study.spacing.toolTip()
    assert "\u00b1" in window.study.spacing.text()
    assert window.view.disc is None


def test_no_ball_is_said(window: MainWindow) -> None:
    window.find_ball(5.0, 5.0)
    assert window.view.disc is None
    assert "round object" in window.bar.text


def test_the_overlay_of_the_file_is_drawn_and_hidden(window: MainWindow) -> None:
    film = window.session.film
    marks = np.zeros(film.pixels.shape, bool)
    marks[::2] = True
    window.view.show_film(replace(film, graphics=marks), window.controller.pyramid)
    shown = window.view.grab().toImage()
    window.actions_by_name["graphics"].setChecked(False)
    hidden = window.view.grab().toImage()
    assert shown != hidden
    window.actions_by_name["graphics"].setChecked(True)
    assert window.view.grab().toImage() == shown


def test_ruler_that_is_too_short_is_refused(window: MainWindow) -> None:
    window.view.set_ruler(((10.0, 10.0), (12.0, 10.0)))
    window.set_spacing(50.0)
    assert "too short" in window.bar.text
    assert window.session.case.calibration.source is SpacingSource.DETECTOR


def test_presets_invert_and_window_drag(window: MainWindow) -> None:
    assert window.view.item.shown_through.name == "Film"
    window.do_next_window()
    assert window.view.item.shown_through.name == "Narrow"
    window.actions_by_name["invert"].setChecked(True)
    assert window.view.item.inverted
    viewport = window.view.viewport()
    before = window.view.item.shown_through
    QTest.mousePress(viewport, Qt.MouseButton.RightButton, pos=QPoint(200, 200))
    QTest.mouseMove(viewport, QPoint(300, 200))
    QTest.mouseRelease(viewport, Qt.MouseButton.RightButton, pos=QPoint(300, 200))
    after = window.view.item.shown_through
    assert after.high - after.low > before.high - before.low
    assert after.high + after.low == pytest.approx(before.high + before.low)


def test_statement_is_always_on_show_and_keys_are_listed(window: MainWindow) -> None:
    assert window.statement.isVisible()
    assert window.statement.text() == STATEMENT
    assert STATEMENT in about_text("")
    page = keyboard_html()
    for spec in ACTIONS:
        assert not spec.keys or spec.text.rstrip("\u2026") in page
    keys = [key for spec in ACTIONS for key in spec.keys]
    assert len(keys) == len(set(keys))


def test_threads_deliver_on_the_main_thread(qtbot: Any, make_window: Any, tmp_path: Path) -> None:
    window = make_window(TaskRunner())
    seen: list[threading.Thread] = []
    window.session.case_changed.connect(lambda: seen.append(threading.current_thread()))
    window.open_paths([tmp_path / "one.dcm"])
    qtbot.waitUntil(lambda: len(window.session.results) == 3, timeout=5000)
    assert set(seen) == {threading.main_thread()}
    window.runner.shut_down()
