"""Whether the references of a bank agree: each is measured with the others of its view.

A point far from where the others put it, two points that were exchanged, vertebrae under another
number, a wrong side and a mirrored image show in this way. The same matches tell how well each reference
alone predicts the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.adapters.feature_cache import MemoryFeatureCache
from core.adapters.view_matcher import rows_of
from core.errors import BankError
from core.matching.features import Encoder, FeatureCache, features_key
from core.matching.matcher import LandmarkMatcher
from core.matching.protocol import MatchResult, Reference
from core.matching.rows import LEAST_RUN, Row
from core.measure.definitions import View

FloatArray = NDArray[np.float64]

FEWEST = 3
"""References of a view with which they can be compared: of two that differ, either may be wrong."""

FAR_PERCENT, FAR_EXPECTED, FAR_OTHERS = 3.0, 2.5, 4.0
"""A point is outlying beyond this share of the size of the shape (the diagonal of all its points), this many
times the expected error, and this many times the median distance of that point on the other references.
All three must hold: points of long shafts lie far off on sound references too."""

NEAR = 1.0 / 3.0
"""Two points were exchanged when each lies near to where the other is expected: within this part of the
distance of the outlying one from its own place. So are parts of a row under another number."""


@dataclass(frozen=True)
class Outlier:
    """A point far from where the other references put it; ``exchanged_with`` tells for which other point."""

    point: str
    distance_px: float
    distance_percent: float
    distance_mm: float | None
    exchanged_with: str | None


@dataclass(frozen=True)
class Miscount:
    """Parts of a row that lie where the others put another one: how many ``parts``, ``of`` how many.

    ``points`` are those of the whole row.
    """

    row: str
    parts: int
    of: int
    points: tuple[str, ...]


@dataclass(frozen=True)
class Review:
    """One reference against the others of its view; distances in percent of the size of its shape.

    ``mean_percent`` is the mean distance of its points from where the others put them, ``predicts_percent``
    that of the others' points from where this one alone puts them (smaller is better). ``mirrored`` tells
    that it looks like the mirror image of the others.
    """

    key: str
    view: str
    mean_percent: float
    predicts_percent: float
    mirrored: bool
    outliers: tuple[Outlier, ...]
    miscounts: tuple[Miscount, ...]

    def problems(self) -> list[str]:
        """What is wrong, one sentence each."""
        if self.mirrored and self.outliers:
            return [f"{self.key}: the image is mirrored against its points and the other references"]
        if self.mirrored:
            return [f"{self.key}: looks like the mirror image of the other references; check its side"]
        found = [
            f"{self.key}: {miscount.parts} of {miscount.of} {miscount.row.lower()} lie where the other "
            "references put another one; count them"
            for miscount in self.miscounts
        ]
        counted = {point for miscount in self.miscounts for point in miscount.points}
        for outlier in self.outliers:
            if outlier.point in counted:
                continue
            distance = f"{outlier.distance_px:.0f} px"
            if outlier.distance_mm is not None:
                distance += f" ({outlier.distance_mm:.1f} mm)"
            other = outlier.exchanged_with
            hint = f"; exchanged with {other!r}?" if other is not None else ""
            found.append(
                f"{self.key}: point {outlier.point!r} lies {distance}, {outlier.distance_percent:.1f} % of "
                f"the shape, from where the others put it{hint}"
            )
        return found


def review_view(
    encoder: Encoder,
    cache: FeatureCache,
    view: View,
    references: Sequence[Reference],
    progress: Callable[[str], None] | None = None,
    *,
    shapes: Mapping[str, FloatArray] | None = None,
) -> list[Review]:
    """Each reference of a view measured with the others.

    References whose image is damaged are left out; fewer than ``FEWEST`` give no review. ``cache`` holds
    the features of all references together, ``shapes`` those of further people (see ``LandmarkMatcher``).
    """
    images = {reference.key: image for reference in references if (image := _image(reference)) is not None}
    sound = [reference for reference in references if reference.key in images]
    if len(sound) < FEWEST:
        return []
    features = LandmarkMatcher(encoder, cache, shapes=shapes).features(sound)
    results = []
    for number, reference in enumerate(sound):
        if progress is not None:
            progress(f"{reference.key} ({number + 1} of {len(sound)})")
        rest = [*sound[:number], *sound[number + 1 :]]
        others = MemoryFeatureCache()
        others.save(
            features_key(encoder.model_sha256, rest),
            features.reordered(np.delete(np.arange(len(sound)), number)).unlearned(),
        )
        matcher = LandmarkMatcher(encoder, others, rows={view.key: rows_of(view)})
        results.append(matcher.match(images[reference.key], rest)[0])
    return _reviews(view, sound, results)


def _image(reference: Reference) -> NDArray[np.float32] | None:
    try:
        return reference.read_image()
    except BankError:  # reported by the check of the files
        return None


def _reviews(view: View, references: Sequence[Reference], results: Sequence[MatchResult]) -> list[Review]:
    sizes = [_size(reference.points_px) for reference in references]
    away = np.stack(
        [
            100.0 * _distance(result.positions_px, reference.points_px) / size
            for reference, result, size in zip(references, results, sizes, strict=True)
        ]
    )
    predicted: dict[str, list[float]] = {reference.key: [] for reference in references}
    for reference, result, size in zip(references, results, sizes, strict=True):
        for key, single in zip(result.references, result.per_reference_px, strict=True):
            predicted[key].append(100.0 * _mean(_distance(single, reference.points_px)) / size)
    reviews = []
    for number, (reference, result) in enumerate(zip(references, results, strict=True)):
        usual = np.array([_median(column) for column in np.delete(away, number, axis=0).T])
        limit = np.maximum(
            FAR_EXPECTED * 100.0 * result.expected_error_px / sizes[number], FAR_OTHERS * usual
        )
        far = np.flatnonzero(away[number] > np.maximum(FAR_PERCENT, np.nan_to_num(limit)))
        reviews.append(
            Review(
                key=reference.key,
                view=view.key,
                mean_percent=_mean(away[number]),
                predicts_percent=float(np.mean(predicted[reference.key])),
                mirrored=result.mirrored,
                outliers=tuple(
                    Outlier(
                        point=view.point_keys[point],
                        distance_px=away[number, point] * sizes[number] / 100.0,
                        distance_percent=float(away[number, point]),
                        distance_mm=_millimetres(reference, away[number, point] * sizes[number] / 100.0),
                        exchanged_with=_exchanged(view, reference, result, point),
                    )
                    for point in far
                ),
                miscounts=tuple(_miscounts(view, reference, result)),
            )
        )
    return reviews


def _exchanged(view: View, reference: Reference, result: MatchResult, point: np.intp) -> str | None:
    """The point that lies where ``point`` is expected while ``point`` lies where that one is."""
    here = _distance(reference.points_px, result.positions_px[point])
    there = _distance(result.positions_px, reference.points_px[point])
    both = np.fmax(here, there)
    own, both[point] = float(both[point]), np.nan
    if np.isnan(both).all():
        return None
    best = int(np.nanargmin(both))
    return view.point_keys[best] if both[best] <= NEAR * own else None


def _miscounts(view: View, reference: Reference, result: MatchResult) -> Iterator[Miscount]:
    """The rows of which parts that follow each other lie where others of it are expected."""
    for definition, row in zip(view.rows, rows_of(view), strict=True):
        wrong = _elsewhere(row, reference.points_px, result.positions_px)
        runs = "".join("x" if moved else " " for moved in wrong).split()
        if any(len(run) >= LEAST_RUN for run in runs):
            points = tuple(view.point_keys[point] for part in row for point in part)
            yield Miscount(definition.name, int(wrong.sum()), len(row), points)


def _elsewhere(row: Row, marked: FloatArray, expected: FloatArray) -> NDArray[np.bool_]:
    """Which parts of a row are marked where another of them is expected."""
    here, there = (points[np.array(row)].mean(1) for points in (marked, expected))
    apart = np.linalg.norm(here[:, None] - there[None], axis=2)
    own = np.diagonal(apart)
    nearest = np.fmin.reduce(apart, axis=1)
    return np.asarray(nearest < NEAR * own)


def _distance(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(first - second, axis=-1), dtype=np.float64)


def _size(points: FloatArray) -> float:
    """Diagonal of the box around the known points."""
    known = points[np.isfinite(points).all(1)]
    return max(float(np.hypot(*np.ptp(known, axis=0))), 1.0)


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _median(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else 0.0


def _millimetres(reference: Reference, distance_px: float) -> float | None:
    return None if reference.spacing_mm is None else distance_px * reference.spacing_mm
