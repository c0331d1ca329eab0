"""Placing points to the detail: close-ups of the fitted window, and closer ones where the film holds more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.matching.closeups import CloseUp, Group, close_frame, close_groups, close_ups, levels, seen_close
from core.matching.features import Encoder, ViewFeatures, joined
from core.matching.frames import Frame, standardise
from core.matching.heatmaps import Answers, cells, covariances, log_maps, peaks, places, settled, support
from core.matching.joint import Shapes, Words, expected_jointly, turned_back
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
    it, ``single`` [R, N, 2] what each reference alone says; all in window pixels. ``support`` [N] is the
    logarithm of the probability that the answers give to the position, in the mean of all looks.
    """

    position: FloatArray
    covariance: FloatArray
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
class Beliefs:
    """Where the points lie, by the ``answers`` [N, H, W] of windows into which ``frames`` take the film.

    ``part`` are pixels of the canonical window per pixel of these. ``maps`` [N, H, W] are the answers in the
    light of all other points, ``others`` [N, H, W] what these say of each. ``position`` [N, 2] and the
    ``covariance`` [N, 2, 2] about it are in pixels of the canonical window. ``words`` is what the answers
    were taken to say.
    """

    answers: Float32
    frames: Sequence[Frame]
    part: float
    maps: Float32
    others: Float32
    position: FloatArray
    covariance: FloatArray
    words: Words


class _Near(NamedTuple):
    """A close-up of the points of ``group``, and what the look before lets ``expect`` there [n, H, W]."""

    group: Group
    look: Look
    expected: Float32


@dataclass(frozen=True, eq=False)
class Placing:
    """One view's points on their way to their places on one film.

    ``shapes`` are those expected in the square canonical window, to which ``canonical`` takes the film;
    ``whole`` is the look at it. Points that are ``held`` to lie about places [N, 2] in the canonical window
    (NaN: not held) are looked for there.
    """

    encoder: Encoder
    workers: Workers
    film: Float32
    view: ViewFeatures
    shapes: Shapes
    canonical: Frame
    whole: Look
    held: FloatArray | None = None

    @cached_property
    def close(self) -> tuple[CloseUp, ...]:
        """The levels of close-ups."""
        return close_ups(self.view.canonical(self.encoder.input_px), self.encoder.input_px)

    @cached_property
    def first(self) -> Beliefs:
        """What the look at the whole canonical window says."""
        whole, held = self.whole, self.held
        words = None if held is None else Words.at(held, self.shapes)
        return self.beliefs(whole.fused, [whole.frame] * len(whole.fused), 1.0 / whole.larger, words)

    @property
    def first_support(self) -> float:
        """What the answers of that look give its own places: the mean logarithm of their probability."""
        return float(self._said([(np.arange(len(self.whole.fused)), self.whole)], self.first.position).mean())

    def placed(self) -> Placed:
        """The points, from the look at the whole canonical window and from close-ups that show more."""
        stride, beliefs = self.encoder.strides[1], self.first
        single = self.whole.single(beliefs.others, stride)
        looked: list[tuple[NDArray[np.intp], Look]] = [(np.arange(len(single[0])), self.whole)]
        for number in range(_depth(self.view, levels(self.canonical.scale))):
            wider, near = beliefs, self.looks(number, beliefs)
            beliefs = self.closer(number, wider, near)
            for group, seen, expected in near:
                single[:, group.points] = seen.single(expected * beliefs.others[group.points], stride)
                looked.append((group.points, seen))
        return Placed(
            beliefs.position,
            beliefs.covariance,
            self.canonical.to_window(single),
            self._said(looked, beliefs.position),
        )

    def _said(self, looked: Sequence[tuple[NDArray[np.intp], Look]], position: FloatArray) -> FloatArray:
        """What looks, each at some of the points, say in the mean of each ``position`` [N, 2]."""
        film_px, stride = self.canonical.to_film(position), self.encoder.strides[1]
        said, times = np.zeros(len(film_px)), np.zeros(len(film_px))
        for points, seen in looked:
            said[points] += support(seen.fused, seen.frame.to_window(film_px[points]), stride, seen.larger)
            times[points] += 1
        return said / times

    def beliefs(
        self,
        answers: Float32,
        frames: Sequence[Frame],
        part: float,
        former: Words | None = None,
        *,
        closest: bool = False,
    ) -> Beliefs:
        """What ``answers`` [N, H, W] say together; ``former`` are the words of the look before."""
        stride, canonical = self.encoder.strides[1], self.canonical
        corner = np.array([canonical.to_window(frame.to_film(np.zeros(2))) for frame in frames])
        # Turns from the canonical window to these; places in them count from its turned corner.
        back = np.linalg.inv(canonical.matrix)
        turns = part * np.array([frame.matrix @ back for frame in frames])
        start = np.einsum("nij,nj->ni", turns, corner)
        height, width = answers.shape[1:]
        columns = start[:, :1] + part * cells(width, stride)
        rows = start[:, 1:] + part * cells(height, stride)
        maps, others, words = expected_jointly(answers, columns, rows, self.shapes, former, turns=turns)
        found, _ = peaks(maps, stride)
        if closest:
            # Together they tell which of several places it is; where in it, each answer knows best.
            found = settled(answers, found, stride)
        covariance = part**2 * turned_back(turns, covariances(maps, found, stride))
        position = corner + part * np.einsum("nji,nj->ni", turns, found)
        return Beliefs(answers, frames, part, maps, others, position, covariance, words)

    def looks(self, number: int, wider: Beliefs) -> list[_Near]:
        """Close-ups of a level, each where ``wider`` puts its points."""
        groups = close_groups(self.view.mean_px, self.close[number])
        return self.workers.map(partial(self._look, number, wider), groups)

    def closer(self, number: int, wider: Beliefs, near: Sequence[_Near]) -> Beliefs:
        """What the close-ups of a level say together, in the light of what ``wider`` did."""
        count = len(self.view.mean_px)
        answers, frames = np.empty((count, *near[0].expected.shape[1:]), np.float32), list(wider.frames)
        for group, seen, expected in near:
            known = seen.fused * expected
            answers[group.points] = known / np.maximum(known.sum(axis=(1, 2), keepdims=True), 1e-30)
            for n in group.points:
                frames[n] = seen.frame
        closest = number == len(self.close) - 1
        return self.beliefs(answers, frames, self.close[number].part, wider.words, closest=closest)

    def _look(self, number: int, wider: Beliefs, group: Group) -> _Near:
        view, level, chosen = self.view, self.close[number], group.points
        frame = close_frame(self.canonical, group, wider.position, view.mean_px, level)
        seen = self.encoder.encode(standardise(frame.sample(self.film, level.size)))
        stride = self.encoder.strides[1]
        expected = np.concatenate(
            [seen_close(wider.answers[n : n + 1], wider.frames[n], frame, level.size, stride) for n in chosen]
        )
        expected += CLOSE_DOUBT * (1.0 / expected[0].size - expected)
        answer = Answers.of(seen.coarse, seen.fine, self.encoder.scales)
        wanted = joined(view.close_coarse[:, number, chosen], view.close_fine[:, number, chosen])
        fused = np.exp(log_maps(answer.logits(view.close_query[number, chosen])))
        return _Near(group, Look(frame, answer.logits(wanted), fused), expected)


def _depth(view: ViewFeatures, depth: int) -> int:
    """How many of the first ``depth`` levels of close-ups show more of enough of the references."""
    while depth and _detailed(view, depth - 1).mean() < ENOUGH_DETAILED:
        depth -= 1
    return depth


def _detailed(view: ViewFeatures, level: int) -> Float32:
    """1 where a reference knows a point in the detail of a level, else 0: [R, N]."""
    return np.asarray(view.close_fine[:, level].any(2), dtype=np.float32)
