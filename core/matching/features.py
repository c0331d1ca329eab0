"""What is kept of references: where their points lie and what the film looks like there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import MatchError
from core.matching.closeups import CLOSE_PARTS, Group, close_frame, close_groups, levels
from core.matching.frames import Frame, normalise, standardise
from core.matching.heatmaps import look_up
from core.matching.parallel import Workers
from core.matching.protocol import CancelCheck, Progress, Reference, stop_if
from core.matching.shape import fit_similarity, mean_shape

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.float64]

CANONICAL_MARGIN = 0.14
"""Free border of the canonical window around the mean shape, as a fraction of the window."""

FORMAT = 8
"""Changes whenever features of older versions must not be reused."""


class Encoded(NamedTuple):
    """Coarse [Dc, h, w] and fine [Df, H, W] unit descriptors of a window and the unit code [D] of it all."""

    coarse: Float32
    fine: Float32
    code: Float32


class Encoder(Protocol):
    """The network: a standardised square window in, descriptor maps out."""

    @property
    def model_sha256(self) -> str: ...

    @property
    def provider(self) -> str: ...

    @property
    def input_px(self) -> int: ...

    @property
    def strides(self) -> tuple[int, int]:
        """Window pixels per cell of the coarse and the fine map."""

    @property
    def scales(self) -> tuple[float, float]:
        """Factors on the coarse and the fine correlation that the network was trained with."""

    def encode(self, window: Float32) -> Encoded:
        """What the network sees in a standardised window [S, S]."""


@dataclass(frozen=True, eq=False)
class ViewFeatures:
    """Descriptors of one view's references, [R, N, D] each, at their N points.

    ``whole`` ones come from the whole film, ``aligned`` ones from the canonical window, in which the
    points of all references lie as close as a turn, a scale and a shift can bring them, ``close`` ones,
    [R, L, N, D], from L levels of close-ups of the canonical window (see ``closeups``). A descriptor of
    zeros stands for a point that the film does not show, or not in such detail. ``whole_px``
    and ``aligned_px`` [R, N, 2] are the points in those windows; ``mean_px`` [N, 2] is the mean shape
    in the canonical window. ``whole_code`` and ``aligned_code`` [R, D] are the codes of the
    whole films and of the canonical windows.
    """

    view: str
    keys: tuple[str, ...]
    mean_px: FloatArray
    whole_code: Float32
    aligned_code: Float32
    whole_px: FloatArray
    aligned_px: FloatArray
    whole_coarse: Float32
    whole_fine: Float32
    aligned_coarse: Float32
    aligned_fine: Float32
    close_coarse: Float32
    close_fine: Float32

    def reordered(self, order: Sequence[int] | NDArray[np.intp]) -> ViewFeatures:
        """The features of the references ``order`` (their numbers), in that order."""
        chosen = [int(number) for number in order]
        arrays = {
            field.name: getattr(self, field.name)[chosen]
            for field in fields(self)
            if field.name not in ("view", "keys", "mean_px")
        }
        return replace(self, keys=tuple(self.keys[number] for number in chosen), **arrays)


class FeatureCache(Protocol):
    """Keeps features between runs."""

    def load(self, key: str) -> ViewFeatures | None:
        """The features kept under this key, or None."""

    def save(self, key: str, features: ViewFeatures) -> None:
        """Keep features under this key."""


def features_key(model_sha256: str, references: Sequence[Reference]) -> str:
    """Cache key of these references, in this order, under this model."""
    digest = hashlib.sha256(f"{FORMAT}:{CANONICAL_MARGIN}:{model_sha256}".encode())
    for reference in references:
        digest.update(f"{reference.key}:{reference.digest}".encode())
    return digest.hexdigest()


def compute_features(
    encoder: Encoder,
    references: Sequence[Reference],
    workers: Workers,
    *,
    progress: Progress | None = None,
    cancelled: CancelCheck | None = None,
) -> ViewFeatures:
    """Encode the references of one view: each film whole, aligned and in close-ups.

    Raises ``MatchError`` when no reference has a point.
    """
    side = encoder.input_px
    if not any(np.isfinite(reference.points_px).all(1).any() for reference in references):
        raise MatchError(
            f"The references of view {references[0].view!r} have no points", remedy="Choose another bank."
        )
    mean = mean_shape([reference.points_px for reference in references], side, CANONICAL_MARGIN)
    groups = [close_groups(mean, side, part) for part in CLOSE_PARTS]

    def learn(numbered: tuple[int, Reference]) -> tuple[NDArray[Any], ...]:
        number, reference = numbered
        stop_if(cancelled)
        if progress is not None:
            progress(number / len(references), f"Learning reference {number + 1} of {len(references)}")
        return _row(encoder, reference, mean, groups)

    columns = workers.map(learn, enumerate(references))
    (
        whole_code,
        whole_px,
        whole_coarse,
        whole_fine,
        aligned_code,
        aligned_px,
        aligned_coarse,
        aligned_fine,
        close_coarse,
        close_fine,
    ) = (np.stack(column) for column in zip(*columns, strict=True))
    return ViewFeatures(
        view=references[0].view,
        keys=tuple(reference.key for reference in references),
        mean_px=mean,
        whole_code=_half(whole_code),
        aligned_code=_half(aligned_code),
        whole_px=whole_px,
        aligned_px=aligned_px,
        whole_coarse=_half(whole_coarse),
        whole_fine=_half(whole_fine),
        aligned_coarse=_half(aligned_coarse),
        aligned_fine=_half(aligned_fine),
        close_coarse=_half(close_coarse),
        close_fine=_half(close_fine),
    )


def _row(
    encoder: Encoder, reference: Reference, mean: FloatArray, groups: Sequence[Sequence[Group]]
) -> tuple[NDArray[Any], ...]:
    """What is kept of one reference, in the order of the arrays of ``ViewFeatures``."""
    side = encoder.input_px
    film = normalise(reference.read_image())
    height, width = film.shape
    whole = Frame.letterbox((width, height), side)
    # Fitted in the window: a lone point, which has no size, is then shown as large as on the whole film.
    aligned = whole.then(fit_similarity(whole.to_window(reference.points_px), mean))
    seen = encoder.encode(standardise(whole.sample(film, side)))
    whole_px, aligned_px = whole.to_window(reference.points_px), aligned.to_window(reference.points_px)
    fitted = encoder.encode(standardise(aligned.sample(film, side)))
    row: list[NDArray[Any]] = [seen.code, whole_px, *_descriptors(encoder, seen, whole_px)]
    row += [fitted.code, aligned_px, *_descriptors(encoder, fitted, aligned_px)]
    close = [np.zeros((len(CLOSE_PARTS), *part.shape), np.float32) for part in row[-2:]]
    for level in range(levels(aligned.scale)):
        for group in groups[level]:
            frame = close_frame(aligned, group, aligned_px, mean, side, CLOSE_PARTS[level])
            points = frame.to_window(reference.points_px[group.points])
            magnified = encoder.encode(standardise(frame.sample(film, side)))
            for part, found in zip(close, _descriptors(encoder, magnified, points), strict=True):
                part[level, group.points] = found
    return (*row, *close)


def known_points(points_px: FloatArray) -> Float32:
    """1 where a reference knows a point, else 0: [R, N] of points [R, N, 2]."""
    return np.asarray(np.isfinite(points_px).all(2), dtype=np.float32)


def joined(coarse: Float32, fine: Float32) -> Float32:
    """Descriptors [R, N, Dc + Df] as ``Answers`` takes them."""
    return np.concatenate([coarse, fine], axis=2)


def _half(descriptors: Float32) -> Float32:
    """Rounded to what the caches keep, so that fresh and cached features give the same points."""
    return descriptors.astype(np.float16).astype(np.float32)


def _descriptors(encoder: Encoder, seen: Encoded, points: FloatArray) -> tuple[Float32, Float32]:
    coarse, fine = encoder.strides
    return look_up(seen.coarse, points, coarse), look_up(seen.fine, points, fine)
