"""The shape of the canonical window, and what the network is told of places in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.matching.canonical import CanonicalWindow, size_for, window_size
from core.matching.frames import Size
from core.matching.position import position_code

SQUARE = 256
LINE = np.array([[128.0, 36.0], [127.0, 100.0], [129.0, 220.0]])


@given(st.floats(0.01, 1.0), st.booleans())
def test_windows_have_about_as_many_pixels_and_whole_cells(share, tall):
    needed = SQUARE * np.array([share, 1.0] if tall else [1.0, share])
    size = size_for(needed, SQUARE)
    assert size.width * size.height == pytest.approx(SQUARE**2, rel=0.1)
    assert (size.width % 16, size.height % 16) == (0, 0)
    assert max(size) <= 2 * SQUARE
    assert (size.height >= size.width) if tall else (size.width >= size.height)
    assert min(size) / max(size) * SQUARE > needed.min() - 1e-6


def test_what_needs_a_square_gets_one():
    assert size_for(np.array([256.0, 256.0]), SQUARE) == (SQUARE, SQUARE)
    corners = np.array([[36.0, 36.0], [220.0, 220.0]])
    assert window_size(corners, corners[None], SQUARE) == (SQUARE, SQUARE)


def test_a_line_gets_a_long_window_a_lone_point_a_square_one():
    upright = window_size(LINE, LINE[None], SQUARE)
    assert upright.height > 3 * upright.width
    lying = window_size(LINE[:, ::-1], LINE[None, :, ::-1], SQUARE)
    assert lying == (upright.height, upright.width)
    lone = LINE[:1]
    assert window_size(lone, lone[None], SQUARE) == (SQUARE, SQUARE)


def test_the_window_holds_the_points_of_all_references():
    aside = LINE + np.array([60.0, 0.0])
    size = window_size(LINE, np.stack([LINE, aside]), SQUARE)
    window = CanonicalWindow.of(size, SQUARE)
    shown = window.frame.to_window(aside)
    assert (shown >= 0).all()
    assert (shown <= np.array(size) - 1).all()
    unknown = np.stack([LINE, np.full_like(LINE, np.nan)])
    assert window_size(LINE, unknown, SQUARE) == window_size(LINE, LINE[None], SQUARE)


def test_the_longer_side_is_that_of_the_square():
    window = CanonicalWindow.of(Size(128, 512), SQUARE)
    assert window.part == pytest.approx(0.5)
    corners = window.frame.to_film(np.array([[-0.5, -0.5], [127.5, 511.5]]))
    assert corners == pytest.approx(np.array([[95.5, -0.5], [159.5, 255.5]]))
    assert CanonicalWindow.of(Size.square(SQUARE), SQUARE).frame.to_window(LINE) == pytest.approx(LINE)


def test_every_cell_has_its_own_position_code():
    code = position_code(16, 16, 96, 16)
    assert code.shape == (256, 96)
    distance = np.linalg.norm(code[:, None] - code[None], axis=2) + 10 * np.eye(256)
    assert distance.min() > 0.05


def test_the_same_place_has_the_same_code_in_every_window():
    square = position_code(16, 16, 96, 16).reshape(16, 16, 96)
    tall = position_code(32, 8, 96, 16).reshape(32, 8, 96)
    # A cell of the square covers four of the tall window, whose codes are those of places about its own.
    four = tall[[10, 10, 11, 11], [3, 4, 3, 4]]
    place = square[5, [7, 8]].mean(0)
    assert np.linalg.norm(four.mean(0) - place) < 0.35
    assert position_code(8, 32, 96, 16).reshape(8, 32, 96)[3, 20, 48:] == pytest.approx(tall[20, 3, :48])
