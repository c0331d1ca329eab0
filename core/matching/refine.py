"""Placing points to the detail: close-ups of the fitted window, and closer ones where the film holds more."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.matching.closeups import CLOSE_PARTS, Group, close_frame, close_groups, levels, seen_close
from core.matching.features import Encoder, ViewFeatures, joined
from core.matching.frames import Frame, standardise
from core.matching.heatmaps import Answers, covariances, fuse, peaks, places
from core.matching.parallel import Workers

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


@dataclass(frozen=True, eq=False)
class _Look:
    """What a close-up says of the points of its group, numbered 0..n-1.

    ``close`` takes the film to the close-up, in which the points lie at ``found`` [n, 2], ``away`` [n] in
    the mean; ``belief`` [n, H, W] says where else, ``single`` [R, n, 2] what each reference alone says.
    """

    group: Group
    close: Frame
    found: FloatArray
    away: FloatArray
    belief: Float32
    single: FloatArray


def refine(
    encoder: Encoder,
    workers: Workers,
    film: Float32,
    view: ViewFeatures,
    frame: Frame,
    posterior: Float32,
    start: FloatArray,
) -> Placed | None:
    """The points as close-ups show them, None where these would show nothing more.

    ``frame`` takes the film to the canonical window, in which the points were found at ``start`` [N, 2] and
    ``posterior`` [N, H, W] says where else they may lie.
    """
    side, stride, depth = encoder.input_px, encoder.strides[1], _depth(view, frame)
    if depth == 0:
        return None
    beliefs = [_Belief(each, frame) for each in posterior]
    position, count = start.copy(), len(start)
    covariance, distance, beyond = np.empty((count, 2, 2)), np.empty(count), np.zeros(count)
    single = np.empty((len(view.keys), count, 2))

    def look(level: int, group: Group) -> _Look:
        chosen = group.points
        close = close_frame(frame, group, position, view.mean_px, side, CLOSE_PARTS[level])
        seen = encoder.encode(standardise(close.sample(film, side)))
        answers = Answers.of(seen.coarse, seen.fine, encoder.scales)
        expected = np.concatenate(
            [seen_close(beliefs[n].map[None], beliefs[n].window, close, stride) for n in chosen]
        )
        expected += CLOSE_DOUBT * (1.0 / expected[0].size - expected)
        scores = answers.logits(
            joined(view.close_coarse[:, level, chosen], view.close_fine[:, level, chosen])
        )
        belief = fuse(scores, _detailed(view, level)[:, chosen]) * expected
        found, _, away = peaks(belief, stride)
        return _Look(group, close, found, away, belief, places(scores, expected, stride))

    for level, (before, part) in enumerate(pairwise((1.0, *CLOSE_PARTS[:depth]))):
        groups = close_groups(view.mean_px, side, part)
        for seen in workers.map(partial(look, level), groups):
            chosen = seen.group.points
            film_px = seen.close.to_film(seen.found)
            position[chosen] = frame.to_window(film_px)
            reach = 0.5 * side * part / before
            for n, place, belief in zip(chosen, film_px, seen.belief, strict=True):
                held = beliefs[n]
                beyond[n] += _beyond(held.map, held.window.to_window(place), stride, reach) * before
                beliefs[n] = _Belief(belief / max(float(belief.sum()), 1e-30), seen.close)
            turn = frame.matrix @ np.linalg.inv(seen.close.matrix)
            covariance[chosen] = turn @ covariances(seen.belief, seen.found, stride) @ turn.T
            distance[chosen] = seen.away * part + beyond[chosen]
            single[:, chosen] = frame.to_window(seen.close.to_film(seen.single))
    return Placed(position, covariance, distance, single)


def _depth(view: ViewFeatures, frame: Frame) -> int:
    """How many levels of close-ups show more of this film and of enough of the references."""
    depth = levels(frame.scale)
    while depth and _detailed(view, depth - 1).mean() < ENOUGH_DETAILED:
        depth -= 1
    return depth


def _detailed(view: ViewFeatures, level: int) -> Float32:
    """1 where a reference knows a point in the detail of a level, else 0: [R, N]."""
    return np.asarray(view.close_fine[:, level].any(2), dtype=np.float32)


def _beyond(belief: Float32, position: FloatArray, stride: int, reach: float) -> float:
    """What a belief [H, W] beyond ``reach`` of ``position`` [2] adds to the expected distance from it."""
    rows, columns = ((np.arange(n) + 0.5) * stride - 0.5 for n in belief.shape)
    across, down = np.abs(columns - position[0])[None, :], np.abs(rows - position[1])[:, None]
    outside = np.maximum(across, down) > reach
    return float((np.hypot(across, down) * belief * outside).sum() / max(float(belief.sum()), 1e-30))
