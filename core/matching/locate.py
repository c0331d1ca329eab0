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

Complex = NDArray[np.complex128]

HYPOTHESES = 600
BLUR_CELLS = 2.0
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
    probability that the maps, slightly blurred, give to where it puts all points. Deterministic.
    """
    position, mass = peaks(answer, stride)
    known = np.isfinite(mean_px).all(1)
    position, mass, mean, answer = position[known], mass[known], mean_px[known], answer[known]
    extent = float(np.ptp(mean, axis=0).max())
    whole, _ = fit_similarity_robust(mean, position, mass)
    turn, shift = _hypotheses(_complex(mean), _complex(position), mass + 1e-3, 0.25 * extent)
    turn = np.append(turn, complex(whole.matrix[0, 0], whole.matrix[1, 0]))
    shift = np.append(shift, complex(*whole.offset))
    allowed = (np.abs(turn) >= SCALES[0]) & (np.abs(turn) <= SCALES[1])
    if not allowed.any():
        return Pose(Frame(np.eye(2), np.zeros(2)), 0.0)  # the answers collapse into a spot: no pose at all
    turn, shift = turn[allowed], shift[allowed]
    support = _support(answer, turn[:, None] * _complex(mean) + shift[:, None], stride)
    best = int(np.argmax(support))
    frame = _frame(turn[best], shift[best])
    residual = np.linalg.norm(frame.to_window(mean) - position, axis=1)
    tolerance = max(0.12 * extent * frame.scale, stride)
    refined = fit_similarity(mean, position, mass / (1.0 + (residual / tolerance) ** 4))
    within = SCALES[0] <= refined.scale <= SCALES[1]
    return Pose(refined if within else frame, float(support[best]))


def _hypotheses(
    mean: Complex, position: Complex, chance: FloatArray, apart: float
) -> tuple[Complex, Complex]:
    """Turn-and-scale and shift [K] of the similarities through random pairs of points not too close."""
    if len(mean) < 2:
        return np.empty(0, dtype=np.complex128), np.empty(0, dtype=np.complex128)
    rng = np.random.default_rng(0)
    i, j = rng.choice(len(mean), (2, HYPOTHESES), p=chance / chance.sum())
    kept = np.abs(mean[i] - mean[j]) > max(apart, 1e-6)
    i, j = i[kept], j[kept]
    turn = (position[j] - position[i]) / (mean[j] - mean[i])
    return turn, position[i] - turn * mean[i]


def _support(answer: Float32, predicted: Complex, stride: int) -> FloatArray:
    """How far the maps [N, H, W] agree with predicted positions [K, N]: 0..1 for every hypothesis."""
    blurred = np.stack(
        [cv2.GaussianBlur(layer, (0, 0), BLUR_CELLS, borderType=cv2.BORDER_CONSTANT) for layer in answer]
    )
    count, height, width = blurred.shape
    column = np.rint((predicted.real + 0.5) / stride - 0.5).astype(np.intp)
    row = np.rint((predicted.imag + 0.5) / stride - 0.5).astype(np.intp)
    inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    density = blurred[np.arange(count)[None], np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
    certain = 1.0 / (2 * np.pi * BLUR_CELLS**2)  # an answer without any doubt, after the blur
    return np.asarray(np.where(inside, np.sqrt(np.minimum(density / certain, 1.0)), 0.0).mean(1))


def _complex(points: FloatArray) -> Complex:
    return np.asarray(points[:, 0] + 1j * points[:, 1], dtype=np.complex128)


def _frame(turn: complex, shift: complex) -> Frame:
    matrix = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return Frame(matrix, np.array([shift.real, shift.imag]))
