"""Placing points to the detail: close-ups of the fitted window, and closer ones where the film holds more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core.matching.closeups import Group, close_frame, close_groups, close_ups, levels, seen_close
from core.matching.features import Encoder, ViewFeatures, joined
from core.matching.frames import Frame, standardise
from core.matching.heatmaps import Answers, cells, covariances, log_maps, peaks, places, settled, support
from core.matching.joint import Shapes, Words, expected_jointly
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
    all in window pixels. ``support`` [N] is the logarithm of the probability that the answers give to the
    position, in the mean of all looks.
    """

    position: FloatArray
    covariance: FloatArray
    distance: FloatArray
    single: FloatArray
    support: FloatArray


@dataclass(frozen=True, eq=False)
class Look:
    """What is seen of some points in a window, into which ``frame`` takes the film.

    ``scores`` [R, N, H, W] are those of the references' descriptors, ``fused`` [N, H, W] what the references
    together say of each point by itself. ``larger`` tells how much larger than a square window of its kind it
    shows the film.
    """

    frame: Frame
    scores: Float32
    fused: Float32
    larger: float = 1.0

    def single(self, others: Float32, stride: int) -> FloatArray:
        """Film positions [R, N, 2] by each reference alone, given what ``others`` [N, H, W] say."""
        return self.frame.to_film(places(self.scores, others, stride))


@dataclass(frozen=True, eq=False)
class _Beliefs:
    """Where the points lie: maps [N, H, W] of windows into which ``frames`` take the film.

    ``others`` [N, H, W] is what all other points say of each.

    ``position`` [N, 2], ``away`` [N] (mean distance from it) and ``covariance`` [N, 2, 2] are in pixels of
    the canonical window. ``words`` is what the answers were taken to say.
    """

    maps: Float32
    others: Float32
    frames: Sequence[Frame]
    position: FloatArray
    away: FloatArray
    covariance: FloatArray
    words: Words


def place(
    encoder: Encoder,
    workers: Workers,
    film: Float32,
    view: ViewFeatures,
    shapes: Shapes,
    canonical: Frame,
    whole: Look,
) -> Placed:
    """The points, from a look at the ``whole`` canonical window and from close-ups where these show more.

    ``shapes`` are those expected in the square canonical window, to which ``canonical`` takes the film.
    """
    stride, count = encoder.strides[1], len(view.mean_px)
    close = close_ups(view.canonical(encoder.input_px), encoder.input_px)
    answers, frames = whole.fused, [whole.frame] * count
    part = 1.0 / whole.larger
    beliefs = _beliefs(answers, frames, part, canonical, shapes, stride, None, False)
    single, beyond = whole.single(beliefs.others, stride), np.zeros(count)
    looked: list[tuple[NDArray[np.intp], Look]] = [(np.arange(count), whole)]

    def look(number: int, group: Group) -> tuple[Look, Float32]:
        level, chosen = close[number], group.points
        frame = close_frame(canonical, group, beliefs.position, view.mean_px, level)
        seen = encoder.encode(standardise(frame.sample(film, level.size)))
        expected = np.concatenate(
            [seen_close(answers[n : n + 1], frames[n], frame, level.size, stride) for n in chosen]
        )
        expected += CLOSE_DOUBT * (1.0 / expected[0].size - expected)
        answer = Answers.of(seen.coarse, seen.fine, encoder.scales)
        wanted = joined(view.close_coarse[:, number, chosen], view.close_fine[:, number, chosen])
        fused = np.exp(log_maps(answer.logits(view.close_query[number, chosen])))
        return Look(frame, answer.logits(wanted), fused), expected

    for number in range(_depth(view, levels(canonical.scale))):
        groups = close_groups(view.mean_px, close[number])
        looks = workers.map(partial(look, number), groups)
        answers, frames = np.empty((count, *looks[0][1].shape[1:]), np.float32), list(frames)
        for group, (seen, expected) in zip(groups, looks, strict=True):
            known = seen.fused * expected
            answers[group.points] = known / np.maximum(known.sum(axis=(1, 2), keepdims=True), 1e-30)
            for n in group.points:
                frames[n] = seen.frame
        before, part = part, close[number].part
        wider = beliefs
        beliefs = _beliefs(
            answers, frames, part, canonical, shapes, stride, wider.words, number == len(close) - 1
        )
        reach = 0.5 * part / before * np.array(close[number].size)
        film_px = canonical.to_film(beliefs.position)
        for n, (belief, seen_in) in enumerate(zip(wider.maps, wider.frames, strict=True)):
            beyond[n] += before * _beyond(belief, seen_in.to_window(film_px[n]), stride, reach)
        for group, (seen, expected) in zip(groups, looks, strict=True):
            single[:, group.points] = seen.single(expected * beliefs.others[group.points], stride)
            looked.append((group.points, seen))
    return Placed(
        beliefs.position,
        beliefs.covariance,
        beliefs.away + beyond,
        canonical.to_window(single),
        _support(looked, canonical.to_film(beliefs.position), stride),
    )


def _beliefs(
    answers: Float32,
    frames: Sequence[Frame],
    part: float,
    canonical: Frame,
    shapes: Shapes,
    stride: int,
    former: Words | None,
    closest: bool,
) -> _Beliefs:
    """What ``answers`` [N, H, W] of windows that show ``part`` of the canonical one say together.

    ``former`` are the words of the look before.
    """
    corner = np.array([canonical.to_window(frame.to_film(np.zeros(2))) for frame in frames])
    height, width = answers.shape[1:]
    columns = corner[:, :1] + part * cells(width, stride)
    rows = corner[:, 1:] + part * cells(height, stride)
    maps, others, words = expected_jointly(answers, columns, rows, shapes, former)
    found, _, away = peaks(maps, stride)
    if closest:
        # Together they tell which of several places it is; where in it, the point's own answer knows best.
        found = settled(answers, found, stride)
    covariance = part**2 * covariances(maps, found, stride)
    return _Beliefs(maps, others, frames, corner + part * found, part * away, covariance, words)


def _support(looked: Sequence[tuple[NDArray[np.intp], Look]], film_px: FloatArray, stride: int) -> FloatArray:
    """What the looks, each at some of the points, say in the mean for positions [N, 2] on the film."""
    said, times = np.zeros(len(film_px)), np.zeros(len(film_px))
    for points, seen in looked:
        said[points] += support(seen.fused, seen.frame.to_window(film_px[points]), stride, seen.larger)
        times[points] += 1
    return said / times


def _depth(view: ViewFeatures, depth: int) -> int:
    """How many of the first ``depth`` levels of close-ups show more of enough of the references."""
    while depth and _detailed(view, depth - 1).mean() < ENOUGH_DETAILED:
        depth -= 1
    return depth


def _detailed(view: ViewFeatures, level: int) -> Float32:
    """1 where a reference knows a point in the detail of a level, else 0: [R, N]."""
    return np.asarray(view.close_fine[:, level].any(2), dtype=np.float32)


def _beyond(belief: Float32, position: FloatArray, stride: int, reach: FloatArray) -> float:
    """What a belief [H, W] beyond ``reach`` [2] of ``position`` [2] adds to the expected distance from it."""
    rows, columns = (cells(count, stride) for count in belief.shape)
    across, down = np.abs(columns - position[0])[None, :], np.abs(rows - position[1])[:, None]
    outside = (across > reach[0]) | (down > reach[1])
    return float((np.hypot(across, down) * belief * outside).sum() / max(float(belief.sum()), 1e-30))
