"""Universal landmark matching: a film is encoded, the references' points are looked for, and agree.

Steps: (1) the whole film, and its mirror image, are encoded once each and every view's references
are looked for, which gives view, handedness and pose; (2) the film is sampled again in the view's
canonical window, encoded once, and all references vote for every point, together with what their
own points say about neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from core.errors import MatchError
from core.matching.closeups import CLOSE_PART, close_frame, close_groups, seen_close
from core.matching.confidence import ErrorModel, confidence
from core.matching.features import (
    Encoder,
    FeatureCache,
    ViewFeatures,
    compute_features,
    features_key,
)
from core.matching.frames import Frame, normalise, standardise
from core.matching.heatmaps import answer_maps, fuse, mass_near, peaks, with_neighbours
from core.matching.locate import Pose, find_pose
from core.matching.protocol import CancelCheck, MatchResult, Progress, Reference, stop_if
from core.matching.shape import ShapeTree, fit_similarity_robust, shape_tree

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.float64]

LOCATING_REFERENCES = 5
"""References of a view that take part in finding view, handedness and pose; all vote afterwards."""

SURE_SUPPORT = 0.6
"""Support of a pose above which the film need not be searched in parts."""

PART = 0.5
"""Side of the parts, as a fraction of the film's longer side."""

MIRRORED_PARTS = 2
"""Most likely parts of which the mirror image is searched too."""

CANDIDATES = 3
"""Poses (of any view and handedness) that are looked at closely; the best fit wins."""

CANDIDATE_SHARE = 0.75
"""Poses with less than this share of the best one's support are not looked at closely."""

CLOSE_DOUBT = 0.05
"""Probability that a point lies where the whole window does not expect it."""

REALIGN_BEYOND = 0.06
"""The film is sampled anew when the found points would move by more than this fraction of the window."""


@dataclass(frozen=True, eq=False)
class _Found:
    """A pose of one view on the film or its mirror image.

    ``frame`` maps film to canonical window, ``window`` to the window in which the pose was found.
    """

    features: ViewFeatures
    window: Frame
    frame: Frame
    support: float


@dataclass(frozen=True, eq=False)
class _Votes:
    """Answer maps of the references [R, N, H, W], fused [N, H, W], and fused with the neighbours' word."""

    answers: Float32
    unary: Float32
    posterior: Float32


class LandmarkMatcher:
    """``Matcher`` on top of an encoder, with the references' features cached."""

    def __init__(self, encoder: Encoder, cache: FeatureCache, error_model: ErrorModel | None = None) -> None:
        self._encoder = encoder
        self._cache = cache
        self._error_model = error_model or ErrorModel()

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the model file in use."""
        return self._encoder.model_sha256

    @property
    def provider(self) -> str:
        """The execution provider really in use."""
        return self._encoder.provider

    def features(
        self,
        references: Sequence[Reference],
        *,
        progress: Progress | None = None,
        cancelled: CancelCheck | None = None,
    ) -> ViewFeatures:
        """Features of one view's references, from the cache when they are there."""
        key = features_key(self.model_sha256, references)
        features = self._cache.load(key)
        if features is None:
            features = compute_features(self._encoder, references, progress=progress, cancelled=cancelled)
            self._cache.save(key, features)
        return features

    def match(
        self,
        pixels: Float32,
        references: Sequence[Reference],
        *,
        mirrored: bool | None = None,
        stored_mirrored: bool = False,
        limit: int | None = None,
        progress: Progress | None = None,
        cancelled: CancelCheck | None = None,
    ) -> list[MatchResult]:
        """See ``core.matching.protocol.Matcher.match``. Views of the least likely poses are left out."""
        groups = _by_view(references, limit)
        if not groups:
            raise MatchError("There is no reference to match with", remedy="Check the bank.")
        film = normalise(pixels)
        views = [self.features(group, progress=progress, cancelled=cancelled) for group in groups]
        stop_if(cancelled)
        if progress is not None:
            progress(0.3, "Finding view and side")
        flips = (False, True) if mirrored is None else (mirrored,)
        symmetric = {r.view for r in references if r.symmetric} if mirrored is None else set()
        impossible = {(view, not stored_mirrored) for view in symmetric}
        if len(symmetric) == len(groups):
            flips = (stored_mirrored,)
        side = self._encoder.input_px
        found = self._search(film, [_whole(film, side, flip) for flip in flips], views, impossible, cancelled)
        if found[0].support < SURE_SUPPORT:
            seen = self._search(film, _parts(film, side, flips[0]), views, impossible, cancelled)
            likely = list(dict.fromkeys(item.window for item in seen))[:MIRRORED_PARTS]
            others = [part.mirror_image(side) for part in likely if len(flips) > 1]
            found += seen + self._search(film, others, views, impossible, cancelled)
        found = _best_of_each_look(found)
        if progress is not None:
            progress(0.6, "Placing points")
        results: list[MatchResult] = []
        for candidate in found[:CANDIDATES]:
            if candidate.support < CANDIDATE_SHARE * found[0].support:
                break
            stop_if(cancelled)
            results.append(self._place(film, candidate))
        return _best_of_each_view(results)

    def _search(
        self,
        film: Float32,
        windows: Iterable[Frame],
        views: Sequence[ViewFeatures],
        impossible: Set[tuple[str, bool]],
        cancelled: CancelCheck | None,
    ) -> list[_Found]:
        """Every view's best pose in every window, the best supported first.

        ``impossible`` are pairs of a view and a handedness (mirrored or not) to leave out.
        """
        found: list[_Found] = []
        for window in windows:
            stop_if(cancelled)
            possible = [view for view in views if (view.view, window.mirrored) not in impossible]
            found += self._locate(film, window, possible)
        return sorted(found, key=lambda item: -item.support)

    def _locate(self, film: Float32, window: Frame, views: Iterable[ViewFeatures]) -> list[_Found]:
        side = self._encoder.input_px
        coarse, fine = self._encoder.encode(standardise(window.sample(film, side)))
        found = []
        for view in views:
            take = _spread_over(len(view.keys), LOCATING_REFERENCES)
            answers = answer_maps(
                coarse, fine, view.whole_coarse[take], view.whole_fine[take], self._encoder.scales
            )
            pose = find_pose(
                fuse(answers, _known(view.whole_px[take])), view.mean_px, self._encoder.strides[1]
            )
            found.append(_Found(view, window, _canonical(window, pose), pose.support))
        return found

    def _vote(self, film: Float32, view: ViewFeatures, frame: Frame, tree: ShapeTree) -> _Votes:
        side, stride = self._encoder.input_px, self._encoder.strides[1]
        coarse, fine = self._encoder.encode(standardise(frame.sample(film, side)))
        answers = answer_maps(coarse, fine, view.aligned_coarse, view.aligned_fine, self._encoder.scales)
        unary = fuse(answers, _known(view.aligned_px))
        return _Votes(answers, unary, with_neighbours(unary, tree, stride))

    def _look_closer(
        self, film: Float32, view: ViewFeatures, frame: Frame, votes: _Votes, position: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Points [N, 2], those of the single references [R, N, 2] and expected distances [N], magnified.

        All in the canonical window ``frame``, where the votes put the points at ``position``.
        """
        side, stride = self._encoder.input_px, self._encoder.strides[1]
        placed = position.copy()
        distance = np.empty(len(position))
        single = np.empty((len(view.keys), *position.shape))
        for group in close_groups(view.mean_px, side):
            close = close_frame(frame, group, position, view.mean_px, side)
            coarse, fine = self._encoder.encode(standardise(close.sample(film, side)))
            chosen = group.points
            answers = answer_maps(
                coarse, fine, view.close_coarse[:, chosen], view.close_fine[:, chosen], self._encoder.scales
            )
            expected = seen_close(votes.posterior[chosen], frame, close, stride)
            expected = (1.0 - CLOSE_DOUBT) * expected + CLOSE_DOUBT / expected[0].size
            posterior = fuse(answers, _known(view.aligned_px[:, chosen])) * expected
            places, _, away = peaks(posterior, stride)
            placed[chosen] = frame.to_window(close.to_film(places))
            distance[chosen] = away * CLOSE_PART + _beyond(
                votes.posterior[chosen], placed[chosen], stride, side
            )
            for number, answer in enumerate(answers):
                single[number, chosen] = frame.to_window(close.to_film(peaks(answer * expected, stride)[0]))
        return placed, single, distance

    def _place(self, film: Float32, start: _Found) -> MatchResult:
        known = np.asarray(np.isfinite(start.features.mean_px).all(1))
        view, frame = _only(start.features, known), start.frame
        side, stride = self._encoder.input_px, self._encoder.strides[1]
        tree = shape_tree(view.aligned_px, view.mean_px)
        for last in (False, False, True):
            votes = self._vote(film, view, frame, tree)
            position, mass, distance = peaks(votes.posterior, stride)
            correction, _ = fit_similarity_robust(position, view.mean_px, mass)
            moved = np.linalg.norm(correction.to_window(view.mean_px) - view.mean_px, axis=1)
            if last or np.nanmax(moved) < REALIGN_BEYOND * side:
                break
            frame = frame.then(correction)
        score = float(mass_near(votes.unary, position, stride).mean()) * start.support**0.5
        if frame.scale < 1.0:  # else the window shows all the detail that the film has
            position, single, distance = self._look_closer(film, view, frame, votes, position)
        else:
            context = votes.posterior / np.maximum(votes.unary, 1e-12)
            single = np.stack([peaks(answer * context, stride)[0] for answer in votes.answers])
        single[_known(view.aligned_px) == 0] = np.nan
        spread = np.sqrt(np.nanmean(((single - position) ** 2).sum(2), axis=0))
        expected = self._error_model.expected_error(distance, spread)
        return MatchResult(
            view=view.view,
            mirrored=frame.mirrored,
            score=score,
            rotation_deg=frame.rotation_deg,
            scale=frame.scale,
            positions_px=_spread_out(frame.to_film(position), known, 0),
            per_reference_px=_spread_out(frame.to_film(single), known, 1),
            expected_error_px=_spread_out(expected / frame.scale, known, 0),
            spread_px=_spread_out(spread / frame.scale, known, 0),
            confidence=_spread_out(confidence(expected, side), known, 0),
            references=view.keys,
        )


def _beyond(posterior: Float32, position: FloatArray, stride: int, window_px: int) -> FloatArray:
    """What the belief outside the close-up adds to the expected distance [N] from ``position`` [N, 2]."""
    cells = (np.arange(posterior.shape[2]) + 0.5) * stride - 0.5
    across = np.abs(cells - position[:, :1])[:, None, :]
    down = np.abs(cells - position[:, 1:])[:, :, None]
    outside = np.maximum(across, down) > 0.5 * CLOSE_PART * window_px
    return np.asarray((np.hypot(across, down) * posterior * outside).sum(axis=(1, 2)), dtype=np.float64)


def _by_view(references: Sequence[Reference], limit: int | None) -> list[list[Reference]]:
    groups: dict[str, list[Reference]] = {}
    for reference in references:
        group = groups.setdefault(reference.view, [])
        if limit is None or len(group) < limit:
            group.append(reference)
    return list(groups.values())


def _whole(film: Float32, window_px: int, mirrored: bool) -> Frame:
    height, width = film.shape
    return Frame.letterbox((width, height), window_px, mirrored=mirrored)


def _parts(film: Float32, window_px: int, mirrored: bool) -> list[Frame]:
    """Overlapping squares of ``PART`` of the film's longer side that show something."""
    height, width = film.shape
    side = PART * max(height, width)
    frames = []
    for centre_y in _centres(height, side):
        for centre_x in _centres(width, side):
            frames.append(Frame.square(np.array([centre_x, centre_y]), side, window_px, mirrored=mirrored))
    return frames


def _centres(length: int, side: float) -> list[float]:
    if length <= side:
        return [(length - 1) / 2]
    low, high = side / 2, length - side / 2
    return [low, (low + high) / 2, high] if high - low > 0.3 * side else [low, high]


def _best_of_each_look(found: Sequence[_Found]) -> list[_Found]:
    """The best pose of each view and handedness, the best supported first."""
    best: dict[tuple[str, bool], _Found] = {}
    for item in sorted(found, key=lambda item: -item.support):
        best.setdefault((item.features.view, item.frame.mirrored), item)
    return list(best.values())


def _best_of_each_view(results: Sequence[MatchResult]) -> list[MatchResult]:
    best: dict[str, MatchResult] = {}
    for result in sorted(results, key=lambda item: -item.score):
        best.setdefault(result.view, result)
    return list(best.values())


def _spread_over(count: int, wanted: int) -> NDArray[np.intp]:
    """Up to ``wanted`` indices spread evenly over 0..count-1."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(np.intp))


def _known(points_px: FloatArray) -> Float32:
    return np.asarray(np.isfinite(points_px).all(2), dtype=np.float32)


def _only(view: ViewFeatures, known: NDArray[np.bool_]) -> ViewFeatures:
    """The features of the ``known`` points [N] alone: those that at least one reference shows."""
    per_point = [field.name for field in fields(view) if field.name not in ("view", "keys", "mean_px")]
    kept = {name: getattr(view, name)[:, known] for name in per_point}
    return replace(view, mean_px=view.mean_px[known], **kept)


def _spread_out(values: FloatArray, known: NDArray[np.bool_], axis: int) -> FloatArray:
    """Values of the ``known`` points along ``axis`` at their places among all points, NaN for the others."""
    shape = list(values.shape)
    shape[axis] = len(known)
    out = np.full(shape, np.nan)
    out[(slice(None),) * axis + (known,)] = values
    return out


def _canonical(window: Frame, pose: Pose) -> Frame:
    """Film to canonical window: through the whole-film window and back along the pose."""
    inverse = np.asarray(np.linalg.inv(pose.frame.matrix), dtype=np.float64)
    return window.then(Frame(inverse, -inverse @ pose.frame.offset))
