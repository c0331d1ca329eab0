"""Fit the expected error to true errors: ``python -m training.bench.calibrate CASES ...``.

CASES is a folder of films that were not trained on, named after its view (see
``python -m training.simulate``). The shipped bank's references are matched onto every film, and so are a few
of them, as those of a small bank, and these without the shapes of people, as of an anatomy of which no more
is known. The constants of ``core.matching.confidence.ErrorModel`` are fitted: those with which the true
errors, taken as gamma distributed about the expected ones, are most likely, so that both agree in the mean.
Prints the constants and, for those in use and those fitted, how well expected and true errors agree in five
classes, and how well gross errors are told from others by the error expected in millimetres.
"""

from __future__ import annotations

import argparse
from dataclasses import astuple, fields
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from core.adapters.bank import default_bank_folder, load_bank
from core.adapters.cases_folder import read_cases
from core.adapters.dicom import read_film
from core.adapters.feature_cache import DiskFeatureCache
from core.adapters.onnx import OnnxEncoder
from core.adapters.view_matcher import shafts_of, view_matcher
from core.errors import MatchError
from core.matching.confidence import LOOK_BEYOND_MM, ErrorModel, Evidence
from core.matching.matcher import LandmarkMatcher
from core.measure.loader import load_catalogue
from core.resources import user_cache_dir

FloatArray = NDArray[np.float64]

POWERS = ("spread", "apart", "strain", "film_strain")
"""Evidence that the error model takes to a power, in the order of its constants."""

LARGEST = {"spread": 2.0, "apart": 2.0, "strain": 2.0, "film_strain": 4.0, "against": 0.3, "known": 1.0}
"""Bounds of the constants: of whole films there are few, which a fit would otherwise take for the rule."""

FEW = (1, 4)
"""Numbers of references that are also taken alone, with and without the shapes of further people."""

GROSS_MM = 10.0
CAPPED_PX = ErrorModel.ceiling
"""Errors above this, in pixels of the canonical window, count as this much: how much more is chance."""


class Recorder(ErrorModel):
    """An error model that remembers what it was shown."""

    def expected_error(self, evidence: Evidence) -> FloatArray:
        """What ``ErrorModel`` expects."""
        object.__setattr__(self, "seen", evidence)
        return super().expected_error(evidence)


def collect(cases: Path, view: str) -> FloatArray:
    """Rows of true error (window pixels, mm) and evidence (as in ``Evidence``), one a point.

    Points whose level on a shaft is measured by others are left out: their errors are mostly of these.
    """
    catalogue = load_catalogue()
    bank = load_bank()
    definition = catalogue.view(view)
    references = bank.references(catalogue, view)
    encoder, recorder = OnnxEncoder(), Recorder()
    cache = DiskFeatureCache(user_cache_dir(), shipped=default_bank_folder() / "features")
    shaped = view_matcher(encoder, cache, catalogue, recorder)
    plain = LandmarkMatcher(encoder, cache, recorder, shafts={view: shafts_of(definition)})
    order = np.random.default_rng(len(view)).permutation(len(references))
    ways = [(shaped, references)]
    ways += [(matcher, [references[i] for i in order[:few]]) for few in FEW for matcher in (shaped, plain)]
    on_shaft = frozenset[str]().union(*(shaft.placed for shaft in definition.shafts))
    by_itself = np.array([key not in on_shaft for key in definition.point_keys])
    rows = []
    for film in read_cases(cases):
        pixels = read_film(film.path).pixels
        expected = {} if film.side is None else {view: film.side is not definition.canonical_side}
        for matcher, some in ways:
            try:
                result = matcher.match(pixels, some, expected=expected)[0]
            except MatchError:
                continue
            evidence: Evidence = recorder.seen  # type: ignore[attr-defined]
            placed = np.isfinite(result.positions_px).all(1)
            error = np.linalg.norm(result.positions_px - film.points_px, axis=1)[placed]
            per_point = [np.broadcast_to(part, error.shape) for part in astuple(evidence)]
            row = np.stack([error * result.scale, error * (film.mm_per_px or np.nan), *per_point], axis=1)
            rows.append(row[np.isfinite(error) & by_itself[placed]])
    print(f"{view}: {len(rows)} matches", flush=True)
    return np.concatenate(rows)


def fit(error: FloatArray, evidence: Evidence) -> ErrorModel:
    """The error model under which errors [N] in window pixels are most likely (gamma, logarithmic link)."""
    columns = np.stack(
        [
            np.ones_like(error),
            *(np.log1p(np.broadcast_to(getattr(evidence, name), error.shape)) for name in POWERS),
            np.broadcast_to(evidence.against, error.shape),
            -np.log(np.broadcast_to(evidence.people, error.shape)),
        ],
        axis=1,
    )
    true = np.clip(error, 0.05, CAPPED_PX)

    def deviance(weights: FloatArray) -> tuple[float, FloatArray]:
        line = columns @ weights
        ratio = true * np.exp(-line)
        return float((line + ratio).mean()), np.asarray(columns.T @ (1.0 - ratio) / len(true))

    bounds = [(None, None), *[(0.0, LARGEST[name]) for name in (*POWERS, "against", "known")]]
    weights = minimize(deviance, np.zeros(columns.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B").x
    return ErrorModel(ErrorModel.floor, float(np.exp(weights[0])), *(float(w) for w in weights[1:]))


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(prog="python -m training.bench.calibrate", description=__doc__)
    parser.add_argument(
        "cases", type=Path, nargs="+", help="folders named after their view, e.g. out/hand_pa"
    )
    args = parser.parse_args()
    rows = np.concatenate([collect(folder, folder.name) for folder in args.cases])
    error, error_mm = rows[:, 0], rows[:, 1]
    evidence = Evidence(*rows[:, 2:].T)
    for name, model in (("in use", ErrorModel()), ("fitted", fit(error, evidence))):
        said = ", ".join(f"{f.name}={getattr(model, f.name):.3f}" for f in fields(model))
        print(f"{name}: ErrorModel({said})")
        _print_agreement(error, error_mm, evidence, model.expected_error(evidence))


def _print_agreement(
    error: FloatArray, error_mm: FloatArray, evidence: Evidence, expected: FloatArray
) -> None:
    """How well expected errors [N], in window pixels, agree with true ones, in these and in millimetres."""
    edges = np.quantile(expected, np.arange(6) / 5)
    for low, high in pairwise(edges):
        part = (expected >= low) & (expected <= high)
        print(f"expected {expected[part].mean():6.2f}  true {error[part].mean():6.2f}  points {part.sum()}")
    expected_mm = expected * error_mm / np.maximum(error, 1e-9)
    for people in np.unique(evidence.people):
        those = evidence.people == people
        capped = np.minimum(error, CAPPED_PX)[those].mean()
        print(f"{people:.0f} people: expected {expected[those].mean():.2f}  true {capped:.2f}")
        _print_marks(error_mm[those] > GROSS_MM, expected_mm[those])


def _print_marks(gross: NDArray[np.bool_], expected_mm: FloatArray) -> None:
    """How well gross errors are told from others."""
    if gross.any():
        marked = expected_mm > LOOK_BEYOND_MM
        shares = f"{marked[gross].mean():.0%} of {gross.sum()} gross, {marked[~gross].mean():.0%} of others"
        print(f"  marked above {LOOK_BEYOND_MM} mm: {shares}")
        for alarms in (0.02, 0.05, 0.1):
            limit = float(np.quantile(expected_mm[~gross], 1.0 - alarms))
            found = 100.0 * (expected_mm[gross] > limit).mean()
            print(f"  above {limit:.2f} mm: {found:.0f} % of {gross.sum()} gross, {alarms:.0%} of others")


if __name__ == "__main__":
    main()
