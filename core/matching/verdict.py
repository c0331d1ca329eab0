"""The film-level judgement: can the automatic points be relied on?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from core.case import Case, Verdict, VerdictLevel
from core.film import Calibration
from core.landmarks import LOOK_BELOW_CONFIDENCE, Landmark, LandmarkSet
from core.matching.confidence import LOOK_BEYOND_MM, confidence
from core.matching.protocol import MatchResult

FILM_FITS = 0.81
"""Score below which a film is taken to show none of the bank's views.

Set for the shipped model and bank between films of their views (simulated ones, real hands, spines, an ankle
and a hip), of which 99 % reach it and are taken for what they are, and films whose view the bank lacks, of
which 5 % do."""


def judge(match: MatchResult, keys: tuple[str, ...], cautioned: Collection[str] = ()) -> Verdict:
    """The verdict on one match; ``keys`` are the view's points in order.

    The ``cautioned`` ones, which are not to be left to the program, must be looked at however sure it is.
    """
    if match.score < FILM_FITS:
        return Verdict(
            VerdictLevel.OUTSIDE,
            f"The film hardly resembles the references of this view (score {match.score:.2f}). "
            "Place every point yourself.",
            tuple(keys),
        )
    return _of_points(dict(zip(keys, match.confidence, strict=True)), cautioned)


def with_spacing(case: Case, calibration: Calibration, cautioned: Collection[str] = ()) -> Case:
    """The case with another spacing; its automatic points are marked by what their errors are in millimetres.

    The ``cautioned`` ones must be looked at anyway (see ``judge``). Without a spacing all stay marked as they
    are. The case is a draft again.
    """
    changed = case.with_calibration(calibration)
    spacing_mm = calibration.mean_mm
    if spacing_mm is None:
        return changed
    automatic = _marked(case.automatic, spacing_mm)
    sure = {key: point.confidence for key, point in automatic.points.items() if point.confidence is not None}
    # A film outside the bank stays so; without a match there is nothing to judge anew.
    judged = bool(sure) and case.verdict.level is not VerdictLevel.OUTSIDE
    return replace(
        changed,
        landmarks=_marked(case.landmarks, spacing_mm),
        automatic=automatic,
        verdict=_of_points(sure, cautioned) if judged else case.verdict,
    )


def _marked(points: LandmarkSet, spacing_mm: float) -> LandmarkSet:
    """The points with the confidence that follows from their expected errors in millimetres."""

    def marked(point: Landmark) -> Landmark:
        if point.expected_error_px is None:
            return point
        error_mm = np.asarray(point.expected_error_px * spacing_mm)
        return replace(point, confidence=float(confidence(error_mm, LOOK_BEYOND_MM)))

    return LandmarkSet({key: marked(point) for key, point in points.points.items()})


def _of_points(sure: Mapping[str, float], cautioned: Collection[str]) -> Verdict:
    """The verdict on a film that fits the view: by its points' confidence, and those to look at anyway."""
    weak = tuple(key for key, value in sure.items() if value < LOOK_BELOW_CONFIDENCE or key in cautioned)
    if weak:
        return Verdict(
            VerdictLevel.CHECK, f"{len(weak)} of {len(sure)} points are uncertain: look at them first.", weak
        )
    return Verdict(
        VerdictLevel.GOOD, "All points were found with good agreement. Look at each before confirming."
    )
