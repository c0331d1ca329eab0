"""Constants of the expected error come out of errors that were made with them."""

import numpy as np
import pytest

pytest.importorskip("scipy")

from core.matching.confidence import ErrorModel, Evidence
from training.bench.calibrate import fit


def test_the_constants_that_errors_were_made_with_are_found():
    rng = np.random.default_rng(1)
    lengths = [np.exp(rng.normal(1.0, 1.0, 20_000)) for _ in range(5)]
    lengths[1] = rng.gamma(4.0, 1.0, 20_000)  # negative logarithms of probabilities
    evidence = Evidence(*lengths, rng.choice([1.0, 4.0, 60.0], 20_000))
    truth = ErrorModel(base=0.6, spread=0.6, apart=0.0, strain=0.2, film_strain=0.4, against=0.1, known=0.2)
    errors = truth.expected_error(evidence) * rng.gamma(2.0, 0.5, 20_000)
    kept = errors < 50.0
    assert kept.mean() > 0.98
    found = fit(errors[kept], Evidence(*(part[kept] for part in (*lengths, evidence.people))))
    assert found.base == pytest.approx(0.6, rel=0.1)
    assert found.spread == pytest.approx(0.6, abs=0.05)
    assert found.apart == pytest.approx(0.0, abs=0.03)
    assert found.strain == pytest.approx(0.2, abs=0.05)
    assert found.film_strain == pytest.approx(0.4, abs=0.05)
    assert found.against == pytest.approx(0.1, abs=0.02)
    assert found.known == pytest.approx(0.2, abs=0.02)
