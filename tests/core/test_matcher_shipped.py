"""The shipped model and one shipped reference: what is done to a film is done to its points."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from core.engine import Engine
from core.matching.protocol import MatchResult, Reference

pytestmark = pytest.mark.slow


@dataclass(frozen=True, eq=False)
class Shown:
    """A reference, and another film of its view with the points found on it with this one."""

    engine: Engine
    reference: Reference
    film: np.ndarray
    found: np.ndarray

    def match(self, film: np.ndarray) -> MatchResult:
        return self.engine.matcher.match(film, [self.reference])[0]

    def away(self, result: MatchResult, expected: np.ndarray) -> np.ndarray:
        """Distances [N] in percent of the longer side of the unchanged film."""
        return 100.0 * np.linalg.norm(result.positions_px - expected, axis=1) / max(self.film.shape)


@pytest.fixture(scope="module")
def shown(engine: Engine) -> Shown:
    references = {r.key: r for r in engine.bank.references(engine.catalogue, "hand_pa")}
    first, last = references["hand_pa-06"], references["hand_pa-09"]
    film = last.read_image()
    return Shown(engine, first, film, engine.matcher.match(film, [first])[0].positions_px)


def warped(film: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    height, width = film.shape
    return cv2.warpAffine(film, matrix, (width, height), borderValue=float(film.min()))


def about_the_middle(film: np.ndarray, angle_deg: float, scale: float) -> np.ndarray:
    height, width = film.shape
    return cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle_deg, scale)


def test_a_reference_onto_itself(shown: Shown) -> None:
    result = shown.match(shown.reference.read_image())
    error_px = np.linalg.norm(result.positions_px - shown.reference.points_px, axis=1)
    # In pixels of the window that the network saw: half of one on the mean, one at most.
    assert (error_px * result.scale).mean() <= 0.5
    assert (error_px * result.scale).max() <= 1.0
    assert result.score > 0.9
    assert not result.mirrored


def test_what_comes_out_has_the_promised_shapes_and_types(shown: Shown) -> None:
    result = shown.match(shown.film)
    count = len(shown.reference.points_px)
    assert result.positions_px.shape == (count, 2)
    assert result.per_reference_px.shape == (1, count, 2)
    for numbers in (result.expected_error_px, result.spread_px, result.confidence):
        assert numbers.shape == (count,)
    arrays = [getattr(result, name) for name in vars(result)]
    assert all(a.dtype == np.float64 and np.isfinite(a).all() for a in arrays if isinstance(a, np.ndarray))
    assert all(type(value) is float for value in (result.score, result.rotation_deg, result.scale))
    assert type(result.mirrored) is bool


@pytest.mark.parametrize(
    ("shift", "angle", "scale"),
    [((25.0, -18.0), 0.0, 1.0), ((0.0, 0.0), 0.0, 0.8), ((0.0, 0.0), 12.0, 0.9), ((10.0, 8.0), -12.0, 0.85)],
)
def test_points_move_with_the_film(
    shown: Shown, shift: tuple[float, float], angle: float, scale: float
) -> None:
    matrix = about_the_middle(shown.film, angle, scale)
    matrix[:, 2] += shift
    away = shown.away(shown.match(warped(shown.film, matrix)), shown.found @ matrix[:, :2].T + matrix[:, 2])
    assert away.mean() < 0.3
    assert away.max() < 2.5


@pytest.mark.parametrize("side", [64, 6000])
def test_a_film_of_any_size(shown: Shown, side: int) -> None:
    height, width = shown.film.shape
    factor = side / max(height, width)
    size = (round(width * factor), round(height * factor))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    result = shown.match(cv2.resize(shown.film, size, interpolation=how))
    back = (result.positions_px + 0.5) * [width / size[0], height / size[1]] - 0.5
    away = 100.0 * np.linalg.norm(back - shown.found, axis=1) / max(height, width)
    assert np.median(away) < (1.5 if side < 100 else 0.3)


@pytest.mark.parametrize("wide", [False, True])
def test_a_film_three_times_as_long_as_wide(shown: Shown, wide: bool) -> None:
    height, width = shown.film.shape
    ground = np.full((height, 3 * width) if wide else (3 * height, width), shown.film.min(), np.float32)
    left, top = (width, 0) if wide else (0, height)
    ground[top : top + height, left : left + width] = shown.film
    away = shown.away(shown.match(ground), shown.found + np.array([left, top]))
    assert np.median(away) < 0.5


def test_other_exposures_show_the_same_points(shown: Shown) -> None:
    low, high = float(shown.film.min()), float(shown.film.max())
    part = (shown.film - low) / (high - low)
    away = shown.away(shown.match((part**0.8 * 3000.0 + 500.0).astype(np.float32)), shown.found)
    assert np.median(away) < 0.5
    plain = shown.away(shown.match((part * 3000.0 + 500.0).astype(np.float32)), shown.found)
    assert plain.max() < 0.1
