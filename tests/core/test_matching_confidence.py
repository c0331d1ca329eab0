"""Expected errors and confidence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.matching.confidence import ErrorModel, Evidence, confidence

length = st.floats(0, 200)


def expected(people, *parts):
    model = ErrorModel(strain=0.1, film_strain=0.2, against=0.1, known=0.2)
    return float(model.expected_error(Evidence(*(np.array([part]) for part in parts), people))[0])


@given(
    st.integers(1, 100),
    st.tuples(length, length, length, length, length),
    st.integers(0, 4),
    st.floats(0, 50),
)
def test_more_doubt_or_disagreement_is_never_less_error(people, lengths, which, more):
    base = expected(people, *lengths)
    assert base >= ErrorModel.floor
    worse = [part + more * (which == number) for number, part in enumerate(lengths)]
    assert expected(people, *worse) >= base - 1e-9
    assert expected(0.5 * people, *lengths) >= base - 1e-9


def test_expected_error_is_a_product_of_powers():
    model = ErrorModel(
        floor=0.5, base=0.1, spread=1.0, apart=0.0, strain=2.0, film_strain=1.0, against=0.1, known=0.5
    )
    evidence = Evidence(np.array([4.0]), np.array([8.0]), np.array([99.0]), np.array([1.0]), 2.0, 4.0)
    assert model.expected_error(evidence) == pytest.approx([0.1 * 5.0 * np.exp(0.8) * 4.0 * 3.0 / 2.0])


def test_expected_errors_keep_within_what_was_counted():
    model = ErrorModel()
    nothing = Evidence(np.zeros(1), np.zeros(1), np.zeros(1), np.zeros(1), 0.0, 60.0)
    far = Evidence(np.full(1, 500.0), np.full(1, 90.0), np.full(1, 500.0), np.full(1, 500.0), 50.0, 1.0)
    assert model.expected_error(nothing) == pytest.approx([model.floor])
    assert model.expected_error(far) == pytest.approx([model.ceiling])


def test_confidence_is_one_half_at_its_limit():
    assert confidence(np.array([5.0]), 5.0) == pytest.approx([0.5])
    values = confidence(np.linspace(0, 300, 50), 5.0)
    assert values[0] == 1.0
    assert (np.diff(values) < 0).all()
    assert values.min() > 0
