"""Points carried from a reference to a film along matches, and joined over references."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NEAREST = 15
"""Matches that move a point."""

FEWEST = 4
"""Matches that a similarity is taken from."""

INLIER_PART = 0.06
"""How far a match may lie from the similarity, as a part of the extent of all matches: fingers spread."""


def transfer(points_px: Array, matches_from_px: Array, matches_to_px: Array, nearest: int = NEAREST) -> Array:
    """Points [N, 2] moved by the mean displacement of the ``nearest`` matches around each.

    ``matches_from_px`` and ``matches_to_px`` are [M, 2] on reference and film; with fewer matches than
    ``nearest`` all of them count, without any the points are NaN.
    """
    if len(matches_from_px) == 0:
        return np.full_like(points_px, np.nan)
    distance = np.linalg.norm(points_px[:, None] - matches_from_px[None], axis=2)
    close = np.argsort(distance, axis=1, kind="stable")[:, :nearest]
    return np.asarray(points_px + (matches_to_px - matches_from_px)[close].mean(axis=1))


def similarity_transfer(points_px: Array, matches_from_px: Array, matches_to_px: Array) -> Array:
    """Points [N, 2] moved by the turn, scale and shift that most matches agree with, then by what the
    ``NEAREST`` of these deviate from it on the mean; NaN where fewer than ``FEWEST`` agree.
    """
    nothing = np.full_like(points_px, np.nan)
    if len(matches_from_px) < FEWEST:
        return nothing
    cv2.setRNGSeed(1)
    within_px = INLIER_PART * float(np.ptp(matches_to_px, axis=0).max())
    affine, inlier = cv2.estimateAffinePartial2D(
        matches_from_px, matches_to_px, method=cv2.RANSAC, ransacReprojThreshold=within_px, maxIters=5000
    )
    if affine is None or inlier.sum() < FEWEST:
        return nothing
    kept = inlier.ravel() > 0
    there, here = matches_from_px[kept], matches_to_px[kept]
    off = here - (there @ affine[:, :2].T + affine[:, 2])
    local = transfer(points_px, there, there + off) - points_px
    return np.asarray(points_px @ affine[:, :2].T + affine[:, 2] + local)


def geometric_median(answers_px: Array, steps: int = 100) -> Array:
    """Points [N, 2] with the least sum of distances to the answers [R, N, 2]; NaN answers are left out.

    Weiszfeld's iteration from the median of each coordinate; a point without an answer stays NaN.
    """
    known = np.asarray(np.isfinite(answers_px).all(axis=2))
    filled = np.where(known[..., None], answers_px, 0.0)
    centre = np.full(answers_px.shape[1:], np.nan)
    some = known.any(axis=0)
    centre[some] = np.nanmedian(answers_px[:, some], axis=0)
    for _ in range(steps):
        distance = np.maximum(np.linalg.norm(filled - centre, axis=2), 1e-6)
        weight = np.where(known, 1.0 / distance, 0.0)[..., None]
        moved = np.full_like(centre, np.nan)
        moved[some] = (weight * filled).sum(axis=0)[some] / weight.sum(axis=0)[some]
        if np.array_equal(np.round(moved, 4), np.round(centre, 4), equal_nan=True):
            return moved
        centre = moved
    return centre
