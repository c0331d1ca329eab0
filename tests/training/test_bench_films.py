"""Films of the benchmarks: mirrored and turned ones keep their points on what they name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import ReadError
from core.film import NO_SPACING, Radiograph, Window
from core.measure.loader import load_catalogue
from tests.core.bank_folder import VIEW, make_cases, points_of
from training.bench.films import BenchFilm, annotated_films, mirrored, spread, turned


def spots(points: list[tuple[int, int]], size_px: tuple[int, int] = (80, 120)) -> BenchFilm:
    """A black film with one white pixel block at every point."""
    pixels = np.zeros(size_px[::-1], dtype=np.float32)
    for number, (x, y) in enumerate(points, 1):
        pixels[y - 2 : y + 3, x - 2 : x + 3] = 100.0 * number
    film = Radiograph(Path("spots"), pixels, (Window(0, 255),), NO_SPACING, "")
    return BenchFilm("spots", "made up", "ankle_ap", film, points_px=np.array(points, dtype=np.float64))


def brightness(film: BenchFilm) -> list[float]:
    pixels = film.radiograph.pixels
    return [float(pixels[round(y), round(x)]) for x, y in film.points_px]


POINTS = [(10, 20), (60, 30), (40, 100)]


def test_a_mirrored_film_shows_the_same_at_its_points() -> None:
    film = mirrored(spots(POINTS))
    assert film.flipped
    assert film.change == "mirrored"
    assert brightness(film) == [100.0, 200.0, 300.0]
    assert mirrored(film).points_px == pytest.approx(np.array(POINTS))


@pytest.mark.parametrize("angle", [-20.0, 7.0, 90.0, 180.0, 270.0])
def test_a_turned_film_shows_the_same_at_its_points(angle: float) -> None:
    film = turned(spots(POINTS), angle)
    assert not film.flipped
    assert brightness(film) == pytest.approx([100.0, 200.0, 300.0], abs=1.0)
    assert film.points_px.min() >= 0
    assert (film.points_px.max(0) < film.radiograph.size_px).all()


def test_turning_is_clockwise_on_screen() -> None:
    film = turned(spots(POINTS), 90.0)
    assert film.radiograph.size_px == (120, 80)
    assert film.points_px[0] == pytest.approx([120 - 1 - 20, 10])


def test_films_of_a_folder_have_spacing_and_points_in_the_order_of_the_view(tmp_path: Path) -> None:
    films = list(annotated_films(VIEW, make_cases(tmp_path / "set", mm_per_px=0.3), limit=2))
    assert [film.name for film in films] == ["film0.png", "film3.png"]
    assert films[0].source == "set"
    assert films[0].radiograph.calibration.column_mm == 0.3
    assert films[0].points_px == pytest.approx(np.array(list(points_of(0).values())))


def test_a_set_with_fewer_points_gives_the_first_and_one_with_more_is_refused(tmp_path: Path) -> None:
    folder = make_cases(tmp_path / "set")
    catalogue = load_catalogue()
    larger, smaller = catalogue.view("foot_ap"), catalogue.view("knee_axial")
    film = next(annotated_films(larger, folder))
    assert film.points_px.shape == (41, 2)
    assert np.isnan(film.points_px[17:]).all()
    assert np.isfinite(film.points_px[:17]).all()
    with pytest.raises(ReadError, match="17 points"):
        next(annotated_films(smaller, folder))


def test_spread_takes_the_ends_and_even_steps() -> None:
    assert spread(list(range(11)), 3) == [0, 5, 10]
    assert spread([1, 2], 5) == [1, 2]
