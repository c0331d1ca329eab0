"""Vertebrae found under another number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.adapters.cases_folder import AnnotatedFilm
from training.bench.levels import compare, level_shift


def column(moved: float = 0.0) -> np.ndarray:
    """Corners [17 * 4, 2] of vertebrae 20 pixels apart on a slight bend, ``moved`` levels down."""
    level = np.arange(17) + moved
    centre = np.stack([100.0 + 0.2 * (level - 8.0) ** 2, 40.0 + 20.0 * level], axis=1)
    corner = np.array([[-8.0, -6.0], [8.0, -6.0], [-8.0, 6.0], [8.0, 6.0]])
    return np.asarray((centre[:, None] + corner).reshape(-1, 2))


def film(points: np.ndarray) -> AnnotatedFilm:
    return AnnotatedFilm(Path("a.png"), points, (), None, "a", 400)


def test_what_is_right_stays_right() -> None:
    result = compare(film(column()), column())
    assert result.kind == "right"
    assert (result.as_annotated, result.best_numbering, result.nearest_vertebra) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("moved", [-1, 1])
def test_a_column_numbered_otherwise_is_outlined_well(moved: int) -> None:
    result = compare(film(column()), column(moved))
    assert result.kind == "moved"
    assert np.array(result.shift) == pytest.approx(moved, abs=0.15)
    assert result.as_annotated == pytest.approx(100.0 * 20.0 / 400.0, rel=0.1)
    assert result.best_numbering == pytest.approx(0.0, abs=1e-9)
    # The last one beyond the end has no vertebra of its own.
    assert result.nearest_vertebra < 0.1 * result.as_annotated


def test_a_part_that_slipped_is_mixed() -> None:
    found = column()
    found[24:48] = column(1.0)[24:48]
    result = compare(film(column()), found)
    assert result.kind == "mixed"
    assert result.best_numbering == result.as_annotated > 1.0
    assert result.nearest_vertebra == pytest.approx(0.0, abs=1e-9)


def test_shift_is_counted_along_the_column() -> None:
    true = column().reshape(17, 4, 2).mean(1)
    beside, below = true + np.array([3.0, 0.0]), true + np.array([0.0, 10.0])
    assert level_shift(true, beside) == pytest.approx(0.0, abs=0.3)
    assert level_shift(true, below)[4] == pytest.approx(0.5, abs=0.1)
