"""Pieces of the window that need no engine."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF

from app.notify import crash_text, message_for
from app.panels.measurements import explain
from app.tasks import TaskRunner
from app.viewer.orientation import EdgeLetters, edge_letters
from app.viewer.pyramid import Pyramid
from core.errors import Cancelled, ReadError
from core.film import NO_SPACING, Window, apply_window
from core.landmarks import LandmarkSet
from core.measure.evaluate import evaluate_view
from core.measure.loader import load_catalogue


def test_pyramid_shows_exactly_what_core_shows(film_of: Any) -> None:
    film = film_of(Path("x.dcm"), 700, 900)
    pyramid = Pyramid.of(film)
    for window in (*film.windows, Window(0, 2600, table=(0.0, 0.9, 1.0))):
        for inverted in (False, True):
            shown = pyramid.grey(0, window, inverted=inverted)
            assert np.array_equal(shown, apply_window(film.pixels, window, inverted=inverted))


def test_pyramid_of_fractions_is_close(film_of: Any) -> None:
    pixels = np.random.default_rng(0).random((50, 61)).astype(np.float32)
    film = film_of(Path("x.dcm"), pixels=pixels)
    shown = Pyramid.of(film).grey(0, Window(0.2, 0.7)).astype(int)
    assert np.abs(shown - apply_window(pixels, Window(0.2, 0.7))).max() <= 1


def test_pyramid_halves_and_chooses_levels(film_of: Any) -> None:
    pyramid = Pyramid.of(film_of(Path("x.dcm"), 1701, 1999))
    assert [level.shape for level in pyramid.levels] == [(1999, 1701), (1000, 851), (500, 426)]
    assert [pyramid.level_for(scale) for scale in (3.0, 1.0, 0.6, 0.5, 0.25, 0.01)] == [0, 0, 0, 1, 2, 2]
    means = [float(level.mean()) for level in pyramid.levels]
    assert means[2] == pytest.approx(means[0], rel=0.01)


def test_constant_film_can_be_shown(film_of: Any) -> None:
    film = film_of(Path("x.dcm"), pixels=np.full((20, 30), 7.0, np.float32))
    assert Pyramid.of(film).grey(0, Window(0, 14)).shape == (20, 30)


@pytest.mark.parametrize(
    ("tag", "flipped", "expected"),
    [
        (("L", "F"), False, EdgeLetters("R", "L", "H", "F")),
        (("L", "F"), True, EdgeLetters("L", "R", "H", "F")),
        (("A", "FL"), False, EdgeLetters("P", "A", "HR", "FL")),
        ((), False, EdgeLetters()),
        (("?", "F"), False, EdgeLetters("", "", "H", "F")),
    ],
)
def test_edge_letters(tag: tuple[str, ...], flipped: bool, expected: EdgeLetters) -> None:
    assert edge_letters(tag, flipped=flipped) == expected


@given(st.tuples(st.text(max_size=3), st.text(max_size=3)))
def test_edge_letters_never_fail_and_flip_twice_is_nothing(tag: tuple[str, str]) -> None:
    plain, flipped = edge_letters(tag), edge_letters(tag, flipped=True)
    assert (plain.left, plain.right, plain.top) == (flipped.right, flipped.left, flipped.top)


def test_zoom_keeps_the_place_under_the_pointer(window: Any) -> None:
    about = QPointF(123, 211)
    for scale in (0.7, 3.0, 17.0):
        before = window.view.to_film(about)
        window.view.zoom_to(scale, about)
        after = window.view.to_film(about)
        assert (after - before).manhattanLength() * scale <= 2.0  # rounding to whole screen pixels


def test_pixels_that_are_not_square_are_shown_undistorted(make_window: Any, film_of: Any, files: Any) -> None:
    from dataclasses import replace

    from core.film import Calibration, SpacingSource

    tall = Calibration(0.1, 0.2, SpacingSource.DETECTOR, "")
    window = make_window(
        backend=replace(files.backend(), read_film=lambda p, f: film_of(p, calibration=tall))
    )
    window.open_paths([Path("one.dcm")])
    matrix = window.view.transform()
    assert matrix.m22() == pytest.approx(2 * matrix.m11())


def test_film_is_drawn_where_its_coordinates_say(make_window: Any, film_of: Any, files: Any) -> None:
    """A bright pixel block must appear on screen where the view maps its coordinates."""
    from dataclasses import replace

    pixels = np.zeros((1700, 1300), np.float32)
    pixels[600:620, 901:921] = 1000.0
    film = film_of(Path("one.dcm"), pixels=pixels, windows=(Window(0, 1000),))
    window = make_window(backend=replace(files.backend(), read_film=lambda p, f: film))
    window.open_paths([Path("one.dcm")])
    window.view.overlay_visible = False
    centre = QPointF(910.5, 609.5)
    for zoom in (0.3, 0.55, 1.0, 2.7, 9.0):
        for flipped in (False, True):
            window.view.set_flipped(flipped)
            window.view.zoom_to(zoom)
            window.view.reveal(centre.x(), centre.y())
            window.view.pan_by(37, -23)
            at = window.view.to_screen().map(centre)
            half = 20 + int(11 * zoom)
            left, top = int(at.x()) - half, int(at.y()) - half
            picture = window.view.viewport().grab().toImage().copy(left, top, 2 * half, 2 * half)
            size = range(2 * half)
            bright = [(x, y) for y in size for x in size if picture.pixelColor(x, y).red() > 128]
            seen = np.mean(bright, axis=0) + 0.5 + (left, top)
            assert seen == pytest.approx((at.x(), at.y()), abs=0.7), (zoom, flipped)


def test_message_names_problem_file_and_remedy() -> None:
    error = ReadError("The file is empty", path="/a/b.dcm", remedy="Copy it again.")
    assert message_for(error) == "The file is empty (b.dcm).\nCopy it again."


def test_crash_text_has_causes_but_no_messages() -> None:
    try:
        try:
            raise KeyError("secret name")
        except KeyError as cause:
            raise RuntimeError("secret path") from cause
    except RuntimeError as error:
        text = crash_text(error)
    assert "RuntimeError" in text
    assert "KeyError" in text
    assert "secret" not in text


def test_threaded_runner_reports_results_errors_and_drops_superseded(qtbot: Any) -> None:
    runner = TaskRunner()
    got: list[Any] = []

    def slow(progress: Any, cancelled: Any) -> str:
        while not cancelled():
            time.sleep(0.005)
        raise Cancelled

    runner.start("a", "slow", slow, done=got.append, failed=got.append)
    runner.start("a", "quick", lambda p, c: (p(0.5, "half"), "quick")[1], done=got.append,
                 progress=lambda part, text: got.append((part, text)))  # fmt: skip
    runner.start("b", "bad", lambda p, c: 1 / 0, failed=got.append)
    qtbot.waitUntil(lambda: not runner.running, timeout=5000)
    assert "quick" in got
    assert (0.5, "half") in got
    assert sum(isinstance(item, ZeroDivisionError) for item in got) == 1
    assert len(got) == 3
    runner.shut_down()


def test_reading_films_can_be_loaded_ahead() -> None:
    code = (
        "import sys; from app.backend import prepare; before = 'pydicom' in sys.modules; prepare(); "
        "print(before, 'pydicom' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_explanation_of_a_measurement_warns_of_every_pitfall() -> None:
    view = load_catalogue().view("spine_lateral")
    results = evaluate_view(view, LandmarkSet({}), NO_SPACING)
    for definition, result in zip(view.measurements, results, strict=True):
        lines = explain(result, definition).splitlines()
        before = [f"Note: {result.note}"] if result.note else []
        assert lines[1 : len(before) + 3] == [*before, result.reason, definition.definition]
        assert [line for line in lines if line.startswith("Pitfall")] == [
            f"Pitfall: {pitfall}" for pitfall in definition.pitfalls
        ]
