"""Films with oblong pixels: the matcher sees true shapes, points come back in stored pixels."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.adapters.dicom import read_film
from core.engine import Engine
from core.film import Calibration, SpacingSource
from core.resources import resource_path
from core.square_pixels import square_pixels


def blob(rows: int, columns: int, x: float, y: float, wide: float, high: float) -> np.ndarray:
    """A bright spot centred at (x, y)."""
    down, across = np.mgrid[:rows, :columns]
    return np.exp(-(((across - x) / wide) ** 2) - ((down - y) / high) ** 2).astype(np.float32)


@pytest.mark.parametrize("aspect", [0.25, 0.8, 1.3, 2.0, 7.0])
def test_a_round_spot_is_round_and_its_place_comes_back(aspect: float) -> None:
    pixels = blob(400, 300, 120.0, 260.0, 16.0 * aspect**0.5, 16.0 / aspect**0.5)
    square = square_pixels(pixels, aspect)
    assert square.pixels.dtype == np.float32
    assert abs(square.pixels.size / pixels.size - 1.0) < 0.02
    total = square.pixels.sum(dtype=float)
    down, across = np.indices(square.pixels.shape)
    centre = np.array([(square.pixels * across).sum() / total, (square.pixels * down).sum() / total])
    width, height = (
        np.sqrt((square.pixels * (place - middle) ** 2).sum() / total)
        for place, middle in ((across, centre[0]), (down, centre[1]))
    )
    assert width / height == pytest.approx(1.0, abs=0.02)
    assert square.to_stored(centre) == pytest.approx([120.0, 260.0], abs=0.1)


def test_square_pixels_are_left_alone() -> None:
    pixels = blob(40, 30, 12.0, 20.0, 5.0, 5.0)
    square = square_pixels(pixels, 1.001)
    assert square.pixels is pixels
    assert np.array_equal(square.to_stored(np.array([[3.0, 4.0]])), [[3.0, 4.0]])


@pytest.mark.slow
@pytest.mark.parametrize("aspect", [0.7, 1.5])
def test_a_film_with_oblong_pixels_gets_the_same_points(aspect: float) -> None:
    engine = Engine.open()
    film = read_film(resource_path("assets", "demo", "RG3.dcm"))
    rows, columns = film.pixels.shape
    stored = cv2.resize(film.pixels, (columns, round(rows / aspect)), interpolation=cv2.INTER_AREA)
    true_aspect = rows / len(stored)
    spacing = Calibration(0.1, 0.1 * true_aspect, SpacingSource.DETECTOR, "", true_aspect)
    oblong = replace(film, pixels=stored, calibration=spacing)
    expected, found = (engine.analyse(f, view="ankle_ap").landmarks.points for f in (film, oblong))
    away = [
        np.hypot(p.x_px - expected[k].x_px, (p.y_px + 0.5) * true_aspect - 0.5 - expected[k].y_px)
        for k, p in found.items()
    ]
    assert np.median(away) < 0.005 * rows
    assert max(away) < 0.02 * rows
