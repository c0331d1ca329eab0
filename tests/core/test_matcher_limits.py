"""The matcher at the ends of what it takes, with an encoder that answers exactly."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import MatchError
from core.matching.matcher import LandmarkMatcher
from tests.core.matching_films import (
    LAYOUT,
    CountingCache,
    FakeEncoder,
    disc_film,
    reference,
    square_film,
)


def match(film: np.ndarray, count: int = 1):
    references = [reference(chr(ord("a") + number)) for number in range(count)]
    return LandmarkMatcher(FakeEncoder(), CountingCache()).match(film, references)[0]


@pytest.mark.parametrize("size", [(6000, 4800), (4800, 6000), (64, 80)])
def test_the_largest_and_the_smallest_films(size):
    side = min(size)
    points = LAYOUT * (side - 1) + (np.array(size) - side) / 2
    result = match(disc_film(points, size, 0.05 * side))
    assert np.linalg.norm(result.positions_px - points, axis=1).max() < 0.01 * max(size)


@pytest.mark.parametrize("count", [1, 3])
def test_shapes_and_types(count):
    result = match(square_film()[0], count)
    assert result.positions_px.shape == (8, 2)
    assert result.per_reference_px.shape == (count, 8, 2)
    for numbers in (result.expected_error_px, result.spread_px, result.confidence):
        assert numbers.shape == (8,)
        assert numbers.dtype == np.float64
    assert result.positions_px.dtype == result.per_reference_px.dtype == np.float64
    assert result.references == ("a", "b", "c")[:count]


@pytest.mark.parametrize("value", [0.0, 1.0, -1000.0, 65535.0])
@pytest.mark.parametrize("size", [(64, 64), (33, 900), (2000, 1500)])
def test_constant_films_are_refused(value, size):
    with pytest.raises(MatchError, match="uniform") as caught:
        match(np.full(size, value, dtype=np.float32))
    assert caught.value.remedy


def test_films_with_values_that_are_no_numbers_are_refused():
    film, _ = square_film()
    film = film.copy()
    film[::7, ::7] = np.nan
    with pytest.raises(MatchError, match="not numbers"):
        match(film)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_other_types_of_pixels_show_the_same(dtype):
    film, points = square_film()
    scaled = film / film.max() * 250.0
    result = match(scaled.astype(dtype))
    assert np.linalg.norm(result.positions_px - points, axis=1).max() < 0.01 * 512
    assert result.positions_px.dtype == np.float64
