"""Finding a ball of known size on a film."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.disc import find_disc
from core.errors import OrthoMatchError

_FINE = 3


def ball_film(
    radius: float,
    centre: tuple[float, float],
    size: int,
    rng: np.random.Generator,
    *,
    aspect: float = 1.0,
    noise: float = 5.0,
    contrast: float = 100.0,
    blur: float = 1.0,
) -> np.ndarray:
    """A film [size, size] with soft tissue, a bright shaft and a metal ball of ``radius`` columns."""
    y, x = (np.mgrid[0 : size * _FINE, 0 : size * _FINE] + 0.5) / _FINE - 0.5
    inside = radius**2 - (x - centre[0]) ** 2 - ((y - centre[1]) * aspect) ** 2
    metal = contrast * (1.0 - np.exp(-2.0 * np.sqrt(np.maximum(inside, 0.0)) / (0.06 * radius)))
    metal = metal.reshape(size, _FINE, size, _FINE).mean(axis=(1, 3))
    rows, columns = np.mgrid[0:size, 0:size]
    tissue = 60.0 + 30.0 * np.sin(columns / 97) + 20.0 * np.cos(rows / 71)
    tissue += 50.0 * (np.abs(columns - 0.3 * size - 0.2 * rows) < 0.12 * size)
    film = cv2.GaussianBlur(metal + tissue, (0, 0), blur) + rng.normal(0.0, noise, (size, size))
    return film.astype(np.float32)


@pytest.mark.parametrize("radius", [9.3, 14.0, 25.2, 61.7, 140.4])
@pytest.mark.parametrize("aspect", [1.0, 1.3])
def test_a_ball_is_measured_to_half_a_pixel(radius: float, aspect: float) -> None:
    rng = np.random.default_rng(round(radius * 10))
    size = int(max(200, 4 * radius))
    centre = (0.52 * size + 0.3, 0.47 * size + 0.7)
    film = ball_film(radius, centre, size, rng, aspect=aspect)
    angle, off = rng.uniform(0, 6.28), 0.5 * radius  # clicked well beside the centre
    clicked = centre[0] + off * np.cos(angle), centre[1] + off * np.sin(angle) / aspect
    found = find_disc(film, clicked, aspect)
    assert abs(found.diameter_px - 2 * radius) < 0.6
    assert np.hypot(found.x_px - centre[0], (found.y_px - centre[1]) * aspect) < 0.5


def test_the_stated_error_is_honest() -> None:
    rng = np.random.default_rng(3)
    ratios = []
    for _ in range(15):
        radius = float(np.exp(rng.uniform(np.log(10), np.log(50))))
        centre = (100 + rng.uniform(-9, 9), 100 + rng.uniform(-9, 9))
        noise, blur, contrast = rng.uniform(1, 12), rng.uniform(0.7, 1.8), rng.uniform(60, 200)
        film = ball_film(radius, centre, 200, rng, noise=noise, blur=blur, contrast=contrast)
        found = find_disc(film, centre)
        ratios.append((found.diameter_px - 2 * radius) / found.error_px)
    assert np.sqrt(np.mean(np.square(ratios))) < 1.3
    assert np.max(np.abs(ratios)) < 3.5


def test_a_ball_cut_by_the_edge_of_the_film_is_measured() -> None:
    film = ball_film(40.0, (30.0, 100.0), 200, np.random.default_rng(1))
    assert abs(find_disc(film, (35.0, 100.0)).diameter_px - 80.0) < 1.0


def test_without_a_ball_nothing_is_found() -> None:
    rng = np.random.default_rng(2)
    shaft = ball_film(1e-3, (5.0, 5.0), 300, rng)
    blank = np.full((300, 300), 7.0, np.float32)
    for film in (shaft, blank, rng.normal(0, 1, (300, 300)).astype(np.float32)):
        with pytest.raises(OrthoMatchError, match="round object"):
            find_disc(film, (150.0, 150.0))


@pytest.mark.parametrize("near", [(-50.0, 10.0), (1e6, 1e6), (0.0, 0.0)])
def test_a_place_beside_the_film_finds_nothing(near: tuple[float, float]) -> None:
    with pytest.raises(OrthoMatchError):
        find_disc(np.zeros((40, 60), np.float32), near)
