"""Universal landmark matching: a film is encoded, the references' points are looked for, and agree.

Steps: (1) the whole film, and its mirror image, are encoded once each; the references of the views
whose films have the most similar codes are looked for, which gives view, handedness and pose; (2) the
film is sampled again in the view's canonical window, encoded once, and every point is looked for by what
all references together say of it (``queries``) and of its neighbours; (3) close-ups place the points to the
detail; (4) all points are put where the answers and the references' shapes together are most likely.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from core.errors import MatchError
from core.matching.confidence import LOOK_BEYOND_WINDOW, ErrorModel, Evidence, confidence
from core.matching.features import (
    Encoded,
    Encoder,
    FeatureCache,
    ViewFeatures,
    compute_features,
    features_key,
    joined,
    known_points,
)
from core.matching.frames import Frame, Size, normalise, standardise
from core.matching.heatmaps import (
    Answers,
    covariances,
    fuse,
    log_maps,
    peaks,
    places,
    support,
    with_neighbours,
)
from core.matching.joint import fit_jointly
from core.matching.locate import Pose, find_pose
from core.matching.parallel import Workers
from core.matching.protocol import CancelCheck, MatchResult, Progress, Reference, stop_if
from core.matching.refine import Look, Placed, place
from core.matching.shape import fit_similarity_robust, shape_tree

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.float64]

LOCATING_REFERENCES = 5
"""References of a view that take part in finding view, handedness and pose."""

VOTERS = 12
"""References, the most similar ones, that are also asked each alone: how far they agree tells how sure a
point is."""

SURE_SCORE = 0.94
"""Score of a view above which the film need not be searched turned and in parts."""

SUPPORT_SHARE, USUAL_SUPPORT = 0.1, -3.0
"""Weight in the score of what the single points say beside the likeness of the whole, and what is neither for
nor against it: another part of the body may look alike as a whole, an unusual grey scale unlike."""

UNUSUAL_MARGIN = 0.1
"""How much better a film must fit turned or in parts than upright as a whole: few films are stored so."""

LIKELY = 6
"""Pairs of a view and a look at the film that are searched, the ones with the most similar codes."""

SIMILAR = 3
"""References of a view, the most similar ones, whose mean likeness is that of the view."""

PART = 0.5
"""Side of the parts, as a fraction of the film's longer side."""

MIRRORED_PARTS = 2
"""Most likely parts of which the mirror image is searched too."""

CANDIDATES = 3
"""Poses (of any view and handedness) that are looked at closely; the best fit wins."""

CANDIDATE_SHARE = 0.75
"""Poses with less than this share of the best one's support are not looked at closely."""

REALIGN_BEYOND = 0.03
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
class _Fit:
    """A view fitted to the film, of the points ``known`` [N] to the references.

    ``view`` holds the references that are asked alone, ``shapes`` [R, n, 2] the points of all. ``frame``
    takes the film to the square canonical window. ``seen`` is what the canonical window shows, ``posterior``
    [n, H, W] where the points lie in it with their neighbours' word. ``position`` [n, 2] and ``distance`` [n]
    are its peaks and mean distances from them, in pixels of the square one. ``score`` is the likeness of the
    whole, 0..1, better by what the answers say for the positions.
    """

    view: ViewFeatures
    shapes: FloatArray
    known: NDArray[np.bool_]
    frame: Frame
    seen: Look
    posterior: Float32
    position: FloatArray
    distance: FloatArray
    score: float


class LandmarkMatcher:
    """``Matcher`` on top of an encoder, with the references' features cached."""

    def __init__(self, encoder: Encoder, cache: FeatureCache, error_model: ErrorModel | None = None) -> None:
        self._encoder = encoder
        self._cache = cache
        self._error_model = error_model or ErrorModel()
        self._workers = Workers()

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
            with self._workers.alone():
                features = compute_features(
                    self._encoder, references, self._workers, progress=progress, cancelled=cancelled
                )
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
        with self._workers.alone():
            return self._match(pixels, references, mirrored, stored_mirrored, limit, progress, cancelled)

    def _match(
        self,
        pixels: Float32,
        references: Sequence[Reference],
        mirrored: bool | None,
        stored_mirrored: bool,
        limit: int | None,
        progress: Progress | None,
        cancelled: CancelCheck | None,
    ) -> list[MatchResult]:
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
        if progress is not None:
            progress(0.6, "Placing points")
        fits = self._fits(film, found, cancelled)
        if not fits or fits[0].score < SURE_SCORE:
            turned = [_whole(film, side, flip).turned(q, side) for flip in flips for q in (1, 2, 3)]
            found = self._search(film, turned, views, impossible, cancelled)
            seen = self._search(film, _parts(film, side, flips[0]), views, impossible, cancelled)
            likely = list(dict.fromkeys(item.window for item in seen))[:MIRRORED_PARTS]
            others = [part.mirror_image(side) for part in likely if len(flips) > 1]
            found += seen + self._search(film, others, views, impossible, cancelled)
            upright = max((fit.score for fit in fits), default=0.0)
            fits += [
                fit for fit in self._fits(film, found, cancelled) if fit.score > upright + UNUSUAL_MARGIN
            ]
        best, *less = _best_of_each_view(fits)
        return [self._closer(film, best), *(self._result(fit) for fit in less)]

    def _fits(self, film: Float32, found: Sequence[_Found], cancelled: CancelCheck | None) -> list[_Fit]:
        """The best supported poses, fitted to the film, the best fit first."""
        stop_if(cancelled)
        looks = _best_of_each_look(found)[:CANDIDATES]
        likely = [look for look in looks if look.support >= CANDIDATE_SHARE * looks[0].support]
        fits = self._workers.map(lambda look: self._fit(film, look), likely)
        return sorted(fits, key=lambda fit: -fit.score)

    def _search(
        self,
        film: Float32,
        windows: Iterable[Frame],
        views: Sequence[ViewFeatures],
        impossible: Set[tuple[str, bool]],
        cancelled: CancelCheck | None,
    ) -> list[_Found]:
        """Poses of the views that the windows most likely show, the best supported first.

        ``impossible`` are pairs of a view and a handedness (mirrored or not) to leave out.
        """
        stop_if(cancelled)
        square = Size.square(self._encoder.input_px)

        def look(window: Frame) -> tuple[Frame, Encoded]:
            return window, self._encoder.encode(standardise(window.sample(film, square)))

        looks = [
            (likeness(seen.code, view.whole_code), window, seen, view)
            for window, seen in self._workers.map(look, windows)
            for view in views
            if (view.view, window.mirrored) not in impossible
        ]
        stop_if(cancelled)
        likely = sorted(looks, key=lambda look: -look[0])[:LIKELY]
        found = self._workers.map(lambda look: self._locate(*look[1:]), likely)
        return sorted(found, key=lambda item: -item.support)

    def _locate(self, window: Frame, seen: Encoded, view: ViewFeatures) -> _Found:
        take = _spread_over(len(view.keys), LOCATING_REFERENCES)
        answers = Answers.of(seen.coarse, seen.fine, self._encoder.scales)
        logits = answers.logits(joined(view.whole_coarse[take], view.whole_fine[take]))
        fused = fuse(logits, known_points(view.whole_px[take]))
        pose = find_pose(fused, view.mean_px, self._encoder.strides[1])
        return _Found(view, window, _canonical(window, pose), pose.support)

    def _fit(self, film: Float32, start: _Found) -> _Fit:
        """The view's points in its canonical window, which follows them."""
        known = np.asarray(np.isfinite(start.features.mean_px).all(1))
        view, frame = _only(start.features, known), start.frame
        side, stride = self._encoder.input_px, self._encoder.strides[1]
        window = view.canonical(side)
        tree = shape_tree(view.aligned_px, view.mean_px).magnified(1.0 / window.part)
        for last in (False, False, True):
            shown = frame.then(window.frame)
            seen = self._encoder.encode(standardise(shown.sample(film, window.size)))
            answers = Answers.of(seen.coarse, seen.fine, self._encoder.scales)
            unary = np.exp(log_maps(answers.logits(view.aligned_query)))
            posterior = with_neighbours(unary, tree, stride)
            found, mass, away = peaks(posterior, stride)
            position = window.frame.to_film(found)
            correction, _ = fit_similarity_robust(position, view.mean_px, mass)
            moved = np.linalg.norm(correction.to_window(view.mean_px) - view.mean_px, axis=1)
            if last or np.nanmax(moved) < REALIGN_BEYOND * side:
                break
            frame = frame.then(correction)
        similar = np.argsort(-(view.aligned_code @ seen.code), kind="stable")[:VOTERS]
        voters = view.reordered(np.sort(similar))
        logits = answers.logits(joined(voters.aligned_coarse, voters.aligned_fine))
        said = float(support(unary, found, stride, 1.0 / window.part).mean())
        alike = likeness(seen.code, view.aligned_code)
        return _Fit(
            voters,
            view.aligned_px,
            known,
            frame,
            Look(shown, logits, unary, 1.0 / window.part),
            posterior,
            position,
            window.part * away,
            alike + SUPPORT_SHARE * (said - USUAL_SUPPORT),
        )

    def _closer(self, film: Float32, fit: _Fit) -> MatchResult:
        """The points as close-ups show them, where these show more."""
        placed = place(self._encoder, self._workers, film, fit.view, fit.shapes, fit.frame, fit.seen)
        return self._as_result(fit, placed)

    def _result(self, fit: _Fit) -> MatchResult:
        """The points as the canonical window shows them."""
        seen, stride = fit.seen, self._encoder.strides[1]
        neighbours = np.asarray(fit.posterior / np.maximum(seen.fused, 1e-12), dtype=np.float32)
        found = seen.frame.to_window(fit.frame.to_film(fit.position))
        placed = Placed(
            fit.position,
            covariances(fit.posterior, found, stride) / seen.larger**2,
            fit.distance,
            fit.frame.to_window(seen.single(neighbours, stride)),
            support(seen.fused, found, stride, seen.larger),
        )
        return self._as_result(fit, placed)

    def _as_result(self, fit: _Fit, placed: Placed) -> MatchResult:
        view, frame, known = fit.view, fit.frame, fit.known
        score = float(np.clip(fit.score, 0.0, 1.0))
        joint = fit_jointly(placed.position, placed.covariance, view.mean_px, fit.shapes)
        shown = known_points(view.aligned_px)[..., None] > 0
        single = np.where(shown, placed.single, np.nan)
        even = np.ones((1, 1, 1), np.float32)
        alone = fit.seen.frame.to_film(places(fit.seen.scores, even, self._encoder.strides[1]))
        votes = np.where(shown, frame.to_window(alone), np.nan)
        spread = np.sqrt(np.nanmean(((single - placed.position) ** 2).sum(2), axis=0))
        expected = self._error_model.expected_error(
            Evidence(
                distance=placed.distance,
                against=-placed.support,
                apart=np.nanmedian(np.linalg.norm(votes - placed.position, axis=2), axis=0),
                odd=np.linalg.norm(joint.position - placed.position, axis=1),
                strain=float(joint.strain.mean()),
                score=score,
            )
        )
        return MatchResult(
            view=view.view,
            mirrored=frame.mirrored,
            score=score,
            rotation_deg=frame.rotation_deg,
            scale=frame.scale,
            positions_px=_spread_out(frame.to_film(joint.position), known, 0),
            per_reference_px=_spread_out(frame.to_film(single), known, 1),
            expected_error_px=_spread_out(expected / frame.scale, known, 0),
            spread_px=_spread_out(spread / frame.scale, known, 0),
            confidence=_spread_out(
                confidence(expected, LOOK_BEYOND_WINDOW * self._encoder.input_px), known, 0
            ),
            references=view.keys,
        )


def likeness(code: Float32, codes: Float32) -> float:
    """How similar a film's code [D] is to the most similar of a view's codes [R, D]: -1..1."""
    return float(np.sort(codes @ code)[-SIMILAR:].mean())


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


def _best_of_each_view(fits: Sequence[_Fit]) -> list[_Fit]:
    """The best fit of each view, the best first."""
    best: dict[str, _Fit] = {}
    for fit in sorted(fits, key=lambda fit: -fit.score):
        best.setdefault(fit.view.view, fit)
    return sorted(best.values(), key=lambda fit: -fit.score)


def _spread_over(count: int, wanted: int) -> NDArray[np.intp]:
    """Up to ``wanted`` indices spread evenly over 0..count-1."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(np.intp))


def _only(view: ViewFeatures, known: NDArray[np.bool_]) -> ViewFeatures:
    """The features of the ``known`` points [N] alone: those that at least one reference shows."""
    per_point = [
        field.name
        for field in fields(view)
        if field.name not in ("view", "keys", "mean_px", "window_px", "whole_code", "aligned_code")
    ]
    kept = {name: getattr(view, name)[..., known, :] for name in per_point}
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
