"""The film-level judgement: can the automatic points be relied on?"""

from __future__ import annotations

from core.case import Verdict, VerdictLevel
from core.matching.protocol import MatchResult

FILM_FITS = 0.925
"""Score below which a film is taken to show none of the bank's views.

Set for the shipped model and bank between films of their views (simulated ones of people kept for validation,
real hands, spines and an ankle), of which 95 % reach it, and other films, of which 2 % do."""

POINT_NEEDS_LOOK = 0.5
"""Confidence below which a point must be looked at."""


def judge(match: MatchResult, keys: tuple[str, ...]) -> Verdict:
    """The verdict on one match; ``keys`` are the view's points in order."""
    weak = tuple(key for key, value in zip(keys, match.confidence, strict=True) if value < POINT_NEEDS_LOOK)
    if match.score < FILM_FITS:
        return Verdict(
            VerdictLevel.OUTSIDE,
            f"The film hardly resembles the references of this view (score {match.score:.2f}). "
            "Place every point yourself.",
            tuple(keys),
        )
    if weak:
        return Verdict(
            VerdictLevel.CHECK,
            f"{len(weak)} of {len(keys)} points are uncertain: look at them first.",
            weak,
        )
    return Verdict(
        VerdictLevel.GOOD, "All points were found with good agreement. Look at each before confirming."
    )
