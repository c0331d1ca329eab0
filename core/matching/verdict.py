"""The film-level judgement: can the automatic points be relied on?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from core.case import Case, Verdict, VerdictLevel
from core.film import Calibration
from core.landmarks import LOOK_BELOW_CONFIDENCE, Landmark, LandmarkSet
from core.matching.confidence import LOOK_BEYOND_MM, confidence

FILM_FITS = 0.81
"""Score below which a film is taken to show none of the bank's views.

Set for the model before the shipped one, between films of their views (simulated ones, real hands, spines, an
ankle and a hip), of which 99 % reach it, and films whose view the bank lacks, of which 4 % do."""


def judge(
    score: float,
    points: LandmarkSet,
    keys: tuple[str, ...],
    cautioned: Collection[str] = (),
    note: str = "",
) -> Verdict:
    """The verdict on the ``points`` of a match with this score; ``keys`` are all points of the view in order.

    The ``cautioned`` ones, which are not to be left to the program, must be looked at however sure it is, and
    so must the film where a ``note`` says why.
    """
    if score < FILM_FITS:
        return Verdict(
            VerdictLevel.OUTSIDE,
            f"The film hardly resembles the references of this view (score {score:.2f}). "
            "Place every point yourself.",
            tuple(keys),
        )
    return _of_points(points, cautioned, note)


def with_spacing(case: Case, calibration: Calibration, cautioned: Collection[str] = ()) -> Case:
    """The case with another spacing; its automatic points are marked by what their errors are in millimetres.

    The ``cautioned`` ones must be looked at anyway (see ``judge``). Without a spacing all stay marked as they
    are. The case is a draft again.
    """
    changed = case.with_calibration(calibration)
    if calibration.mean_mm is None:
        return changed
    automatic = marked(case.automatic, calibration)
    # A film outside the bank stays so; without a match there is nothing to judge anew.
    judged = bool(_confidences(automatic)) and case.verdict.level is not VerdictLevel.OUTSIDE
    return replace(
        changed,
        landmarks=marked(case.landmarks, calibration),
        automatic=automatic,
        verdict=_of_points(automatic, cautioned, case.verdict.note) if judged else case.verdict,
    )


def marked(points: LandmarkSet, calibration: Calibration) -> LandmarkSet:
    """The points with the confidence that follows from their expected errors in millimetres.

    As they are where the spacing, or a point's expected error, is not known.
    """
    spacing_mm = calibration.mean_mm
    if spacing_mm is None:
        return points

    def mark(point: Landmark) -> Landmark:
        if point.expected_error_px is None:
            return point
        error_mm = np.asarray(point.expected_error_px * spacing_mm)
        return replace(point, confidence=float(confidence(error_mm, LOOK_BEYOND_MM)))

    return LandmarkSet({key: mark(point) for key, point in points.points.items()})


def _confidences(points: LandmarkSet) -> dict[str, float]:
    return {key: point.confidence for key, point in points.points.items() if point.confidence is not None}


def _of_points(points: LandmarkSet, cautioned: Collection[str], note: str) -> Verdict:
    """The verdict on a film that fits the view: by its points' confidence, and those to look at anyway."""
    sure = _confidences(points)
    weak = tuple(key for key, value in sure.items() if value < LOOK_BELOW_CONFIDENCE or key in cautioned)
    if weak:
        text = f"{len(weak)} of {len(sure)} points are uncertain: look at them first."
    else:
        text = "All points were found with good agreement. Look at each before confirming."
    level = VerdictLevel.CHECK if weak or note else VerdictLevel.GOOD
    return Verdict(level, f"{note} {text}".lstrip(), weak, note)
