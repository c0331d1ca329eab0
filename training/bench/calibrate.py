"""Fit the expected error to true errors: ``python -m training.bench.calibrate CASES ...``.

CASES is a folder of films that were not trained on (see ``python -m training.simulate``).
The shipped bank's references are matched onto every film and the constants of
``core.matching.confidence.ErrorModel`` are fitted by non-negative least squares on relative error, leaving
out gross errors, which no answer foresees. Prints them, and how well expected and true errors agree in five
classes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from core.adapters.bank import load_bank
from core.adapters.cases_folder import read_cases
from core.adapters.dicom import read_film
from core.adapters.feature_cache import MemoryFeatureCache
from core.adapters.onnx import OnnxEncoder
from core.matching.confidence import ErrorModel
from core.matching.matcher import LandmarkMatcher
from core.measure.loader import load_catalogue

FloatArray = NDArray[np.float64]


GROSS_PX = 40.0
"""Errors above this, in pixels of the canonical window, are left out of the fit."""


def collect(cases: Path, view: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """True error, mean distance and spread of every point, in window pixels."""
    catalogue = load_catalogue()
    references = load_bank().references(catalogue, view)
    only_distance = ErrorModel(floor=0.0, doubt=1.0, spread=0.0)
    matcher = LandmarkMatcher(OnnxEncoder(), MemoryFeatureCache(), only_distance)
    errors, distances, spreads = [], [], []
    for film in read_cases(cases):
        pixels = read_film(film.path).pixels
        result = matcher.match(pixels, references)[0]
        known = np.isfinite(film.points_px).all(1)
        error = np.linalg.norm(result.positions_px - film.points_px, axis=1)
        errors.append(error[known] * result.scale)
        distances.append(result.expected_error_px[known] * result.scale)
        spreads.append(result.spread_px[known] * result.scale)
    return np.concatenate(errors), np.concatenate(distances), np.concatenate(spreads)


def fit(error: FloatArray, distance: FloatArray, spread: FloatArray) -> ErrorModel:
    """The error model that fits best, weighting every point by the inverse of its rough error."""
    columns = np.stack([distance, spread], axis=1)
    weight = 1.0 / (1.0 + distance + spread)
    doubt, disagreement = nnls(columns * weight[:, None], error * weight)[0]
    return ErrorModel(doubt=float(doubt), spread=float(disagreement))


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(prog="python -m training.bench.calibrate", description=__doc__)
    parser.add_argument(
        "cases", type=Path, nargs="+", help="folders named after their view, e.g. out/hand_pa"
    )
    args = parser.parse_args()
    parts = [collect(folder, folder.name) for folder in args.cases]
    error, distance, spread = (np.concatenate(column) for column in zip(*parts, strict=True))
    fine = error < GROSS_PX
    model = fit(error[fine], distance[fine], spread[fine])
    print(f"ErrorModel(doubt={model.doubt:.2f}, spread={model.spread:.2f})")
    expected = model.expected_error(distance, spread)
    for low, high in zip(
        *[np.quantile(expected, q) for q in (np.arange(5) / 5, np.arange(1, 6) / 5)], strict=True
    ):
        part = (expected >= low) & (expected <= high)
        print(f"expected {expected[part].mean():6.2f}  true {error[part].mean():6.2f}  points {part.sum()}")


if __name__ == "__main__":
    main()
