"""Placing points to the detail: close-ups of the fitted window, and closer ones where the film holds more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.matching.closeups import CLOSE_PARTS, close_frame, close_groups, levels, seen_close
from core.matching.features import Encoder, ViewFeatures, joined
from core.matching.frames import Frame, standardise
from core.matching.heatmaps import Answers, covariances, peaks

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.float64]

CLOSE_DOUBT = 0.05
"""Probability that a point lies where the look before does not expect it."""

ENOUGH_DETAILED = 0.5
"""Share of the references' points that must be known in as much detail for a closer look."""


@dataclass(frozen=True, eq=False)
class Placed:
    """Where points lie in the canonical window.

    ``position`` is [N, 2], ``covariance`` [N, 2, 2] how far and in which direction the answer is spread about
    it, ``distance`` [N] the expected distance from it, ``single`` [R, N, 2] what each reference alone says;
    all in window pixels.
    """

    position: FloatArray
    covariance: FloatArray
    distance: FloatArray
    single: FloatArray


@dataclass(frozen=True, eq=False)
class _Belief:
    """Where a point is expected: a map [H, W] of the window into which ``window`` takes the film."""

    map: Float32
    window: Frame


def refine(
    encoder: Encoder, film: Float32, view: ViewFeatures, frame: Frame, posterior: Float32, start: Placed
) -> Placed:
    """The points as close-ups show them; ``start`` where these would show nothing more.

    ``frame`` takes the film to the canonical window, in which ``posterior`` [N, H, W] says where points lie.
    """
    side, stride = encoder.input_px, encoder.strides[1]
    beliefs = [_Belief(each, frame) for each in posterior]
    position, single = start.position.copy(), start.single.copy()
    covariance, distance, beyond = start.covariance.copy(), start.distance.copy(), np.zeros(len(position))
    before = 1.0
    for level, part in enumerate(CLOSE_PARTS[: levels(frame.scale)]):
        coarse, fine = view.close_coarse[:, level], view.close_fine[:, level]
        detailed = np.asarray(fine.any(2), dtype=np.float32)
        if detailed.mean() < ENOUGH_DETAILED:
            break
        for group in close_groups(view.mean_px, side, part):
            chosen = group.points
            close = close_frame(frame, group, position, view.mean_px, side, part)
            seen = encoder.encode(standardise(close.sample(film, side)))
            answers = Answers.of(seen.coarse, seen.fine, encoder.scales)
            expected = np.concatenate(
                [seen_close(beliefs[n].map[None], beliefs[n].window, close, stride) for n in chosen]
            )
            expected += CLOSE_DOUBT * (1.0 / expected[0].size - expected)
            wanted = joined(coarse[:, chosen], fine[:, chosen])
            now = answers.fused(wanted, detailed[:, chosen]) * expected
            places, _, away = peaks(now, stride)
            film_px = close.to_film(places)
            position[chosen] = frame.to_window(film_px)
            single[:, chosen] = frame.to_window(close.to_film(answers.places(wanted, expected, stride)))
            for n, place, belief in zip(chosen, film_px, now, strict=True):
                held = beliefs[n]
                reach = 0.5 * side * part / before
                beyond[n] += _beyond(held.map, held.window.to_window(place), stride, reach) * before
                beliefs[n] = _Belief(belief / max(float(belief.sum()), 1e-30), close)
            distance[chosen] = away * part + beyond[chosen]
            turn = frame.matrix @ np.linalg.inv(close.matrix)
            covariance[chosen] = turn @ covariances(now, places, stride) @ turn.T
        before = part
    return Placed(position, covariance, distance, single)


def _beyond(belief: Float32, position: FloatArray, stride: int, reach: float) -> float:
    """What a belief [H, W] beyond ``reach`` of ``position`` [2] adds to the expected distance from it."""
    rows, columns = ((np.arange(n) + 0.5) * stride - 0.5 for n in belief.shape)
    across, down = np.abs(columns - position[0])[None, :], np.abs(rows - position[1])[:, None]
    outside = np.maximum(across, down) > reach
    return float((np.hypot(across, down) * belief * outside).sum() / max(float(belief.sum()), 1e-30))
