"""Finding a view on a film: which turn, scale and shift of the mean shape fits the answers best."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.matching.frames import Frame
from core.matching.heatmaps import peaks
from core.matching.shape import fit_similarity, fit_similarity_robust

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.float64]

HYPOTHESES = 400
SCALES = (0.25, 3.0)  # of the canonical window: from a joint at the foot of a long film to a close-up


@dataclass(frozen=True, eq=False)
class Pose:
    """Where the mean shape lies in a window.

    ``frame`` takes mean-shape positions to window positions; ``support`` 0..1 is the share of the
    answers that agree with it.
    """

    frame: Frame
    support: float


def find_pose(answer: Float32, mean_px: FloatArray, stride: int) -> Pose:
    """The similarity of the mean shape [N, 2] best supported by fused answer maps [N, H, W].

    Hypotheses come from pairs of confident answers and from the whole of them; each is judged by the
    probability that the maps, blurred by a tenth of the shape's size, give to where it puts all
    points. Deterministic.
    """
    position, mass, _ = peaks(answer, stride)
    known = np.isfinite(mean_px).all(1)
    position, mass, mean, answer = position[known], mass[known], mean_px[known], answer[known]
    extent = float(np.ptp(mean, axis=0).max())
    rng = np.random.default_rng(0)
    whole, _ = fit_similarity_robust(mean, position, mass)
    frames = [whole]
    if len(mean) >= 2:
        chance = (mass + 1e-3) / (mass + 1e-3).sum()
        for _ in range(HYPOTHESES):
            i, j = rng.choice(len(mean), 2, replace=False, p=chance)
            if np.linalg.norm(mean[i] - mean[j]) > 0.25 * extent:
                frames.append(fit_similarity(mean[[i, j]], position[[i, j]]))
    frames = [frame for frame in frames if SCALES[0] <= frame.scale <= SCALES[1]] or [whole]
    blurred = np.stack(
        [cv2.GaussianBlur(layer, (0, 0), 2.0, borderType=cv2.BORDER_CONSTANT) for layer in answer]
    )
    support = [_support(blurred, frame.to_window(mean), stride) for frame in frames]
    best = frames[int(np.argmax(support))]
    residual = np.linalg.norm(best.to_window(mean) - position, axis=1)
    tolerance = max(0.12 * extent * best.scale, stride)
    near = mass / (1.0 + (residual / tolerance) ** 4)
    for frame in (fit_similarity(mean, position, near), best):
        if SCALES[0] <= frame.scale <= SCALES[1]:
            return Pose(frame, float(max(support)))
    return Pose(Frame(np.eye(2), np.zeros(2)), 0.0)  # the answers collapse into a spot: no pose at all


def _support(blurred: Float32, predicted: FloatArray, stride: int) -> float:
    height, width = blurred.shape[1:]
    cell = np.rint((predicted + 0.5) / stride - 0.5).astype(np.intp)
    inside = (cell >= 0).all(1) & (cell[:, 0] < width) & (cell[:, 1] < height)
    n = np.flatnonzero(inside)
    density = blurred[n, cell[n, 1], cell[n, 0]]
    best_possible = 1.0 / (2 * np.pi * 2.0**2)  # a certain answer right on the spot, after the blur
    return float(np.sqrt(np.minimum(density / best_possible, 1.0)).sum() / len(predicted))
