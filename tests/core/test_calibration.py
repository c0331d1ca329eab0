"""Spacing from a known length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calibration import calibration_from_ruler
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
    found = calibration_from_ruler(start, end, length_mm, aspect)
    metric = found.to_metric(np.array([start, end]))
    assert np.linalg.norm(metric[1] - metric[0]) == pytest.approx(length_mm)
    assert found.source is SpacingSource.USER
    assert found.row_mm == pytest.approx(found.column_mm * aspect)


@pytest.mark.parametrize("length_mm", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_length_is_refused(length_mm: float) -> None:
    with pytest.raises(OrthoMatchError, match="more than 0 mm"):
        calibration_from_ruler((0, 0), (100, 0), length_mm, 1.0)
