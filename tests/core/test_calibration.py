"""Spacing from a known length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calibration import calibration_from_disc, calibration_from_ruler
from core.disc import Disc
from core.errors import OrthoMatchError
from core.film import SpacingSource

places = st.tuples(st.floats(0, 3000), st.floats(0, 3000))


@given(places, places, st.floats(0.5, 500), st.floats(0.5, 2.0))
def test_ruler_has_the_given_length(
    start: tuple[float, float], end: tuple[float, float], length_mm: float, aspect: float
) -> None:
    if np.hypot(end[0] - start[0], (end[1] - start[1]) * aspect) < 10:
        with pytest.raises(OrthoMatchError, match="too short"):
            calibration_from_ruler(start, end, length_mm, aspect)
        return
    column_mm = length_mm / np.hypot(end[0] - start[0], (end[1] - start[1]) * aspect)
    if not (0.01 <= column_mm <= 5 and 0.01 <= column_mm * aspect <= 5):
        with pytest.raises(OrthoMatchError, match="not possible"):
            calibration_from_ruler(start, end, length_mm, aspect)
        return
    found = calibration_from_ruler(start, end, length_mm, aspect)
    metric = found.to_metric(np.array([start, end]))
    assert np.linalg.norm(metric[1] - metric[0]) == pytest.approx(length_mm)
    assert found.source is SpacingSource.USER
    assert found.row_mm == pytest.approx(found.column_mm * aspect)
    line_px = np.hypot(end[0] - start[0], (end[1] - start[1]) * aspect)
    assert found.relative_error == pytest.approx(2**0.5 / line_px)
    assert "Holds at the depth" in found.detail


@pytest.mark.parametrize("length_mm", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_length_is_refused(length_mm: float) -> None:
    with pytest.raises(OrthoMatchError, match="more than 0 mm"):
        calibration_from_ruler((0, 0), (100, 0), length_mm, 1.0)
    with pytest.raises(OrthoMatchError, match="more than 0 mm"):
        calibration_from_disc(Disc(5, 5, 100, 0.4), length_mm, 1.0)


def test_a_ball_sets_the_spacing_with_its_error() -> None:
    found = calibration_from_disc(Disc(50, 60, 160.0, 0.8), 25.0, 1.2)
    assert (found.column_mm, found.row_mm) == (pytest.approx(25 / 160), pytest.approx(1.2 * 25 / 160))
    assert found.relative_error == pytest.approx(0.005)
    assert found.source is SpacingSource.USER
    assert "a ball of 160.0 px is 25 mm across (± 0.5 %)" in found.detail
