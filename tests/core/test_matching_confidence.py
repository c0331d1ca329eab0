"""Expected errors and confidence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.matching.confidence import ErrorModel, confidence


@given(st.floats(0, 200), st.floats(0, 200), st.floats(0, 50))
def test_more_doubt_or_disagreement_is_more_error(distance, spread, more):
    model = ErrorModel()
    base = model.expected_error(np.array([distance]), np.array([spread]))
    assert base[0] > 0
    assert model.expected_error(np.array([distance + more]), np.array([spread]))[0] >= base[0]
    assert model.expected_error(np.array([distance]), np.array([spread + more]))[0] >= base[0]


def test_confidence_is_one_half_at_two_percent_of_the_window():
    assert confidence(np.array([0.02 * 256]), 256) == pytest.approx([0.5])
    values = confidence(np.linspace(0, 300, 50), 256)
    assert values[0] == 1.0
    assert (np.diff(values) < 0).all()
    assert values.min() > 0
