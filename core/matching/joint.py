"""All points at once: what each answer leaves open is filled in by what the shape as a whole allows.

A shaft looks alike along its length, so that the answer for a point on it is sharp across and vague along it,
while the joints at both ends say how far along it the point must lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SMOOTH_PX, REACH_PX = 4.0, 50.0
"""How far smooth deformations move points, and over what distance they move them together."""

OWN_PX = 4.0
"""How far every point moves by itself."""

POSE_PX = 20.0
"""How far a shift, a turn or a scale moves points beyond the fitted window."""

WORTH = 4.0
"""Number of references that these expectations are worth beside the spread of the references themselves."""

SHARPEST_PX = 0.3
"""Uncertainty of the surest answer."""

TAIL = 4.0
"""Degrees of freedom of the answers' errors (Student's t): some are far off."""

ROUNDS = 6


@dataclass(frozen=True, eq=False)
class Joint:
    """``position`` [N, 2] of all points and ``strain`` [N], how badly the single answers fit in (1: well)."""

    position: FloatArray
    strain: FloatArray


def fit_jointly(position: FloatArray, covariance: FloatArray, mean: FloatArray, shapes: FloatArray) -> Joint:
    """The most likely shape, given answers at ``position`` [N, 2] spread by ``covariance`` [N, 2, 2].

    ``mean`` [N, 2] is the mean shape and ``shapes`` [R, N, 2] those of the references (NaN: unknown); all in
    pixels of the canonical window. A Gaussian model: shapes deviate from the mean as the references do, and
    smoothly. Answers that fit badly count less (iterative reweighting, Lange et al. 1989).
    """
    count = len(mean)
    prior = _prior(mean, shapes)
    noise = covariance + SHARPEST_PX**2 * np.eye(2)
    sharpness = np.linalg.inv(noise)
    moved = (position - mean).ravel()
    weight, strain, deviation = np.ones(count), np.zeros(count), np.zeros(2 * count)
    blocks = np.arange(2 * count).reshape(count, 2)
    for _ in range(ROUNDS):
        total = prior.copy()
        total[blocks[:, :, None], blocks[:, None, :]] += noise / weight[:, None, None]
        deviation = prior @ np.linalg.solve(total, moved)
        left = (moved - deviation).reshape(count, 2)
        strain = np.einsum("ni,nij,nj->n", left, sharpness, left)
        weight = (TAIL + 2.0) / (TAIL + strain)
    return Joint(mean + deviation.reshape(count, 2), np.sqrt(strain))


def _prior(mean: FloatArray, shapes: FloatArray) -> FloatArray:
    """Covariance [2N, 2N] of the points' deviations from the mean shape."""
    count = len(mean)
    apart = ((mean[:, None] - mean[None]) ** 2).sum(2)
    smooth = SMOOTH_PX**2 * np.exp(-apart / (2.0 * REACH_PX**2)) + OWN_PX**2 * np.eye(count)
    own = np.nan_to_num(shapes - mean).reshape(len(shapes), 2 * count)
    seen = own.T @ own  # the covariance of the references, times their number
    centred = mean - mean.mean(0)
    size = max(float(np.sqrt((centred**2).sum(1).mean())), 1e-6)
    turned = centred @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    pose = np.stack(
        [
            np.tile([1.0, 0.0], count),
            np.tile([0.0, 1.0], count),
            centred.ravel() / size,
            turned.ravel() / size,
        ]
    )
    expected = np.kron(smooth, np.eye(2)) * WORTH
    return np.asarray((seen + expected) / (len(shapes) + WORTH) + POSE_PX**2 * pose.T @ pose)
