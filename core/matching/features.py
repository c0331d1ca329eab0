"""What is kept of references: where their points lie and what the film looks like there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import MatchError
from core.matching.canonical import CanonicalWindow, window_size
from core.matching.closeups import close_groups, close_ups
from core.matching.frames import Size
from core.matching.heatmaps import Answers, look_up
from core.matching.parallel import Workers
from core.matching.protocol import CancelCheck, Progress, Reference, stop_if
from core.matching.queries import learn_queries
from core.matching.reference_windows import ALIGNED, CLOSE, WHOLE, ReferenceWindow, looks, reference_windows
from core.matching.shape import fit_similarity, mean_shape, with_room

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.float64]

CANONICAL_MARGIN = 0.14
"""Free border of the canonical window around the mean shape, as a fraction of the window."""

FORMAT = 16
"""Changes whenever features of older versions must not be reused."""

LEARNERS, LESSONS, SHAKES = 24, 48, 3
"""References from which queries are learned, looks at them in all, and how often at most each is shaken for
it: where in a window a point lies must not matter. More hardly better them, but all are held in memory at
once."""

FURTHER_WORTH = 48.0
"""References that all further people together are worth at most in the mean and in the joint fit: references
and film may show others, as children, or be marked a little otherwise. The tree of neighbours counts each in
full."""

READING_SHARE = 0.2
"""Part of the time that reading the references' films takes, of all there is to learn."""


class Encoded(NamedTuple):
    """Coarse [Dc, h, w] and fine [Df, H, W] unit descriptors of a window and the unit code [D] of it all."""

    coarse: Float32
    fine: Float32
    code: Float32


class Encoder(Protocol):
    """The network: a standardised window in, descriptor maps out."""

    @property
    def model_sha256(self) -> str: ...

    @property
    def provider(self) -> str: ...

    @property
    def input_px(self) -> int:
        """Side of a square window. Others have about as many pixels, in whole cells of the coarse map."""

    @property
    def strides(self) -> tuple[int, int]:
        """Window pixels per cell of the coarse and the fine map."""

    @property
    def scales(self) -> tuple[float, float]:
        """Factors on the coarse and the fine correlation that the network was trained with."""

    def encode(self, window: Float32) -> Encoded:
        """What the network sees in a standardised window [H, W]."""


@dataclass(frozen=True, eq=False)
class ViewFeatures:
    """Descriptors of one view's references, [R, N, D] each, at their N points.

    ``whole`` ones come from the whole film, ``aligned`` ones from the canonical window, in which the
    points of all references lie as close as a turn, a scale and a shift can bring them, ``close`` ones,
    [R, L, N, D], from L levels of close-ups of the canonical window (see ``closeups``). A descriptor of
    zeros stands for a point that the film does not show, or not in such detail. ``on_film`` [R, N, 2] are the
    points as parts of the films' width and height; ``aligned_px`` [R, N, 2] those and ``mean_px`` [N, 2] the
    mean shape in the square canonical window, ``further_px`` [S, N, 2] the shapes of people of whom no film
    is kept. ``window_px`` [2] are the width and height of the canonical
    window as the network looks at it (see ``canonical``). ``aligned_query`` [N, D] and ``close_query``
    [L, N, D] are what all references together say to look for at each point (see ``queries``).
    ``whole_code`` and ``aligned_code`` [R, D] are the codes of the whole films and of the canonical windows.
    """

    view: str
    keys: tuple[str, ...]
    mean_px: FloatArray
    window_px: NDArray[np.intp]
    whole_code: Float32
    aligned_code: Float32
    on_film: FloatArray
    aligned_px: FloatArray
    further_px: FloatArray
    whole_coarse: Float32
    whole_fine: Float32
    aligned_coarse: Float32
    aligned_fine: Float32
    aligned_query: Float32
    close_coarse: Float32
    close_fine: Float32
    close_query: Float32

    def canonical(self, square_px: int) -> CanonicalWindow:
        """The canonical window as the network looks at it, for a square one of side ``square_px``."""
        width, height = (int(length) for length in self.window_px)
        return CanonicalWindow.of(Size(width, height), square_px)

    @property
    def shapes_px(self) -> FloatArray:
        """All shapes that are known, of references and further people [R + S, N, 2]."""
        return np.concatenate([self.aligned_px, self.further_px])

    @property
    def worths(self) -> FloatArray:
        """How much each of these shapes counts [R + S]."""
        return worths(len(self.aligned_px), len(self.further_px))

    def reordered(self, order: Sequence[int] | NDArray[np.intp]) -> ViewFeatures:
        """The features of the references ``order`` (their numbers), in that order."""
        chosen = [int(number) for number in order]
        arrays = {
            field.name: getattr(self, field.name)[chosen]
            for field in fields(self)
            if field.name not in ("view", "keys", *OF_ALL)
        }
        return replace(self, keys=tuple(self.keys[number] for number in chosen), **arrays)

    def only(self, points: NDArray[np.bool_]) -> ViewFeatures:
        """The features of these ``points`` [N] alone."""
        arrays = {
            field.name: getattr(self, field.name)[..., points, :]
            for field in fields(self)
            if field.name not in ("view", "keys", "mean_px", *OF_FILMS)
        }
        return replace(self, mean_px=self.mean_px[points], **arrays)

    def unlearned(self) -> ViewFeatures:
        """The same, looking for the mean of these references' descriptors: no other reference has a say."""
        return replace(
            self,
            aligned_query=_mean_shown(joined(self.aligned_coarse, self.aligned_fine)),
            close_query=_mean_shown(joined(self.close_coarse, self.close_fine)),
        )


OF_FILMS = ("window_px", "whole_code", "aligned_code")
"""Arrays of ``ViewFeatures`` that belong to films as a whole, not to points."""

OF_ALL = ("mean_px", "window_px", "further_px", "aligned_query", "close_query")
"""Arrays of ``ViewFeatures`` that belong to all references together."""


def worths(references: int, further: int) -> FloatArray:
    """How much each shape counts: a reference one, all further people together at most ``FURTHER_WORTH``."""
    each = min(1.0, FURTHER_WORTH / max(further, 1))
    return np.repeat([1.0, each], [references, further])


class FeatureCache(Protocol):
    """Keeps features between runs."""

    def load(self, key: str) -> ViewFeatures | None:
        """The features kept under this key, or None."""

    def save(self, key: str, features: ViewFeatures) -> None:
        """Keep features under this key."""


def features_key(
    model_sha256: str, references: Sequence[Reference], further: FloatArray | None = None
) -> str:
    """Cache key of these references, in this order, and ``further`` shapes [S, N, 2] under this model."""
    digest = hashlib.sha256(f"{FORMAT}:{CANONICAL_MARGIN}:{model_sha256}".encode())
    for reference in references:
        digest.update(f"{reference.key}:{reference.digest}".encode())
    if further is not None:
        digest.update(further.tobytes())
    return digest.hexdigest()


def compute_features(
    encoder: Encoder,
    references: Sequence[Reference],
    workers: Workers,
    *,
    further: FloatArray | None = None,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> ViewFeatures:
    """Encode the references of one view: each film whole, aligned and in close-ups.

    ``further`` are the points [S, N, 2] of people of whom no film is kept, in any pixels. Raises
    ``MatchError`` when no reference has a point.
    """
    side = encoder.input_px
    if not any(np.isfinite(reference.points_px).all(1).any() for reference in references):
        raise MatchError(
            f"The references of view {references[0].view!r} have no points", remedy="Choose another bank."
        )
    own = [reference.points_px for reference in references]
    # A point that no reference shows is not placed: how people differ does not tell what it looks like.
    shown = np.asarray(np.isfinite(own).all(axis=2).any(axis=0))
    others = [np.where(shown[:, None], px, np.nan) for px in (() if further is None else further)]
    mean = mean_shape([*own, *others], side, CANONICAL_MARGIN, worths(len(own), len(others)))
    mean = with_room(mean, [*own, *others], side)
    aligned_px, further_px = (
        np.array([fit_similarity(points_px, mean).to_window(points_px) for points_px in shapes])
        for shapes in (own, others)
    )
    canonical = CanonicalWindow.of(window_size(mean, aligned_px, side), side)
    close = close_ups(canonical, side)
    spots = [(number, group) for number, level in enumerate(close) for group in close_groups(mean, level)]

    def report(share: float) -> None:
        stop_if(cancelled)
        if progress is not None:
            progress(share, f"Learning {len(references)} references")

    def read(numbered: tuple[int, Reference]) -> tuple[dict[int, ReferenceWindow], FloatArray]:
        number, reference = numbered
        report(READING_SHARE * number / len(references))
        return reference_windows(reference, mean, canonical, close, spots, side)

    films, on_film = zip(*workers.map(read, enumerate(references)), strict=True)
    shown_by = {n: [r for r, film in enumerate(films) if n in film] for n in range(CLOSE + len(spots))}
    kinds = [n for n, numbers in shown_by.items() if numbers]

    def learn(n: int) -> _Learned:
        report(READING_SHARE + (1.0 - READING_SHARE) * n / (CLOSE + len(spots)))
        return _learn(encoder, [films[r][n] for r in shown_by[n]], cancelled, queries=n != WHOLE)

    learned = dict(zip(kinds, workers.map(learn, kinds), strict=True))
    whole, aligned = learned.pop(WHOLE), learned.pop(ALIGNED)
    shape, dims = (len(close), len(mean)), (aligned.coarse.shape[2], aligned.fine.shape[2])
    close_coarse, close_fine = (np.zeros((len(references), *shape, dim), np.float32) for dim in dims)
    close_query = np.zeros((*shape, sum(dims)), np.float32)
    for n, found in learned.items():
        level, group = spots[n - CLOSE]
        numbers = np.array(shown_by[n])[:, None]
        close_coarse[numbers, level, group.points] = found.coarse
        close_fine[numbers, level, group.points] = found.fine
        close_query[level, group.points] = found.query
    return ViewFeatures(
        view=references[0].view,
        keys=tuple(reference.key for reference in references),
        mean_px=mean,
        window_px=np.array(canonical.size),
        whole_code=_half(whole.code),
        aligned_code=_half(aligned.code),
        on_film=np.stack(on_film),
        aligned_px=canonical.frame.to_film(aligned.points_px),
        further_px=further_px.reshape(-1, *mean.shape),
        whole_coarse=_half(whole.coarse),
        whole_fine=_half(whole.fine),
        aligned_coarse=_half(aligned.coarse),
        aligned_fine=_half(aligned.fine),
        aligned_query=_half(aligned.query),
        close_coarse=_half(close_coarse),
        close_fine=_half(close_fine),
        close_query=_half(close_query),
    )


class _Learned(NamedTuple):
    """What is kept of one window, the same on several references.

    Codes [R, D], coarse and fine descriptors [R, n, D], the points [R, n, 2], and of all references together
    a query for each point [n, D].
    """

    code: Float32
    coarse: Float32
    fine: Float32
    points_px: FloatArray
    query: Float32


def _learn(
    encoder: Encoder, windows: Sequence[ReferenceWindow], cancelled: CancelCheck | None, *, queries: bool
) -> _Learned:
    """Encode one window, the same of all references that have it, and learn what its points look like."""
    shakes = min(SHAKES, LESSONS // min(len(windows), LEARNERS) - 1)
    code: list[Float32] = []
    described: list[Float32] = []
    lessons: list[tuple[Float32, Answers, FloatArray]] = []
    for number, window in enumerate(windows):
        teaches = queries and number < LEARNERS
        for turn, (image, points_px) in enumerate(looks(window, shakes if teaches else 0, number)):
            stop_if(cancelled)
            seen = encoder.encode(image)
            descriptors = joined(
                look_up(seen.coarse, points_px, encoder.strides[0]),
                look_up(seen.fine, points_px, encoder.strides[1]),
            )
            if turn == 0:
                code.append(seen.code)
                described.append(descriptors)
            if teaches:
                answers = Answers.of(seen.coarse, seen.fine, encoder.scales)
                lessons.append((descriptors, answers, points_px))
    both, dim = np.stack(described), seen.coarse.shape[0]
    points_px = np.stack([window.points_px for window in windows])
    query = np.zeros(both.shape[1:], np.float32)
    if lessons:
        wanted, answers_of, points_of = zip(*lessons, strict=True)
        query = learn_queries(np.stack(wanted), answers_of, np.stack(points_of), encoder.strides[1])
    return _Learned(np.stack(code), both[..., :dim], both[..., dim:], points_px, query)


def known_points(points_px: FloatArray) -> Float32:
    """1 where a reference knows a point, else 0: [R, N] of points [R, N, 2]."""
    return np.asarray(np.isfinite(points_px).all(2), dtype=np.float32)


def joined(coarse: Float32, fine: Float32) -> Float32:
    """Descriptors [..., Dc + Df] as ``Answers`` takes them."""
    return np.concatenate([coarse, fine], axis=-1)


def _mean_shown(descriptors: Float32) -> Float32:
    """Mean [..., D] over the references [R, ..., D] that show a point (zeros: do not), else zeros."""
    shown = descriptors.any(axis=-1, keepdims=True).sum(axis=0)
    return np.asarray(descriptors.sum(axis=0) / np.maximum(shown, 1), dtype=np.float32)


def _half(descriptors: Float32) -> Float32:
    """Rounded to what the caches keep, so that fresh and cached features give the same points."""
    return descriptors.astype(np.float16).astype(np.float32)
