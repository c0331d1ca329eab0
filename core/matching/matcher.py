"""Universal landmark matching: a film is encoded, the references' points are looked for, and agree.

Steps: (1) the whole film, and its mirror image, are encoded once each; the references of the views
whose films have the most similar codes are looked for, which gives view, handedness and pose; (2) the
film is sampled again in the view's canonical window, encoded once, and every point is looked for by what
all references together say of it (``queries``) and of its neighbours; (3) close-ups place the points to the
detail; (4) all points are put where the answers and the references' shapes together are most likely, those on
shafts at their levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.errors import MatchError
from core.matching.confidence import LOOK_BEYOND_WINDOW, ErrorModel, Evidence, confidence
from core.matching.features import (
    Encoder,
    FeatureCache,
    ViewFeatures,
    compute_features,
    features_key,
    joined,
    known_points,
)
from core.matching.fit import Fit, Numbered, best_of_each_view
from core.matching.frames import Frame, Size, normalise, standardise
from core.matching.framing import expected_pose, framed
from core.matching.heatmaps import (
    Answers,
    covariances,
    log_maps,
    peaks,
    places,
    support,
    with_neighbours,
)
from core.matching.joint import Shapes, fit_jointly
from core.matching.parallel import Workers
from core.matching.protocol import CancelCheck, MatchResult, Progress, Reference, stop_if
from core.matching.refine import Look, Placed, Placing
from core.matching.rows import Row, likely_slips, numbered_otherwise, rows_among
from core.matching.search import Found, best_of_each_look, likeness, part_windows, search, whole_window
from core.matching.shafts import Shaft, at_levels, renumbered
from core.matching.shape import fit_similarity, fit_similarity_robust, shape_tree

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.float64]

VOTERS = 12
"""References, the most similar ones, that are also asked each alone: how far they agree tells how sure a
point is."""

SURE_SCORE = 0.88
"""Score of a view above which the film need not be searched turned and in parts."""

SUPPORT_SHARE, USUAL_SUPPORT = 0.1, -3.0
"""Weight in the score of what the single points say beside the likeness of the whole, and what is neither for
nor against it: another part of the body may look alike as a whole, an unusual grey scale unlike."""

UNUSUAL_MARGIN = 0.1
"""How much better a film must fit turned or in parts than upright as a whole: few films are stored so."""

MIRRORED_PARTS = 3
"""Most likely parts of which the mirror image is searched too."""

CANDIDATES = 3
"""Poses (of any view and handedness) that are looked at closely; the best fit wins."""

CANDIDATE_SHARE = 0.75
"""Poses with less than this share of the best one's promise are not looked at closely."""

REALIGN_BEYOND = 0.03
"""The film is sampled anew when the found points would move by more than this fraction of the window."""

REFITS = 2
"""How often the best fit's window is laid anew on where all points together are expected."""

RENUMBERINGS = 2
"""How often the members of rows may be numbered anew."""

DOUBTFUL_NUMBERING = 8.0
"""How much more plausible (a logarithm) the numbering of rows must be than any other not to be doubtful."""

HOPELESS = 1.2
"""How much worse, a point, the first look may speak for a numbering that is looked at closely."""


class LandmarkMatcher:
    """``Matcher`` on top of an encoder, with the references' features cached."""

    def __init__(
        self,
        encoder: Encoder,
        cache: FeatureCache,
        error_model: ErrorModel | None = None,
        shapes: Mapping[str, FloatArray] | None = None,
        shafts: Mapping[str, Sequence[Shaft]] | None = None,
        rows: Mapping[str, Sequence[Row]] | None = None,
    ) -> None:
        """What is known of views beside their films.

        ``shapes`` are the points [S, N, 2] of further people, of whom no film is kept; ``shafts`` tell at
        which levels points on them lie, ``rows`` which parts follow each other and look alike.
        """
        self._encoder = encoder
        self._cache = cache
        self._error_model = error_model or ErrorModel()
        self._shapes, self._shafts, self._rows = shapes or {}, shafts or {}, rows or {}
        self._workers = Workers()

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the model file in use."""
        return self._encoder.model_sha256

    @property
    def provider(self) -> str:
        """The execution provider really in use."""
        return self._encoder.provider

    def further_people(self, view: str) -> int:
        """Number of people beside the references by whose shapes the view is known."""
        return len(self._shapes.get(view, ()))

    def features(
        self,
        references: Sequence[Reference],
        *,
        progress: Progress | None = None,
        cancelled: CancelCheck | None = None,
    ) -> ViewFeatures:
        """Features of one view's references, from the cache when they are there."""
        further = self._shapes.get(references[0].view)
        key = features_key(self.model_sha256, references, further)
        features = self._cache.load(key)
        if features is None:
            with self._workers.alone():
                features = compute_features(
                    self._encoder,
                    references,
                    self._workers,
                    further=further,
                    progress=progress,
                    cancelled=cancelled,
                )
            self._cache.save(key, features)
        return features

    def match(
        self,
        pixels: Float32,
        references: Sequence[Reference],
        *,
        mirrored: bool | None = None,
        expected: Mapping[str, bool] | None = None,
        stored_mirrored: bool = False,
        limit: int | None = None,
        progress: Progress | None = None,
        cancelled: CancelCheck | None = None,
    ) -> list[MatchResult]:
        """See ``core.matching.protocol.Matcher.match``. Views of the least likely poses are left out."""
        with self._workers.alone():
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

            def look_in(windows: Iterable[Frame]) -> list[Found]:
                stop_if(cancelled)
                return search(self._encoder, self._workers, film, windows, views, impossible)

            found = look_in(whole_window(film, side, mirrored=flip) for flip in flips)
            if progress is not None:
                progress(0.6, "Placing points")
            fits = self._fits(film, found, cancelled)
            if not fits or fits[0].score < SURE_SCORE:
                wholes = [whole_window(film, side, mirrored=flip) for flip in flips]
                turned = look_in(whole.turned(quarters, side) for whole in wholes for quarters in (1, 2, 3))
                seen = look_in(part_windows(film, side, mirrored=flips[0]))
                likely = list(dict.fromkeys(item.window for item in seen))[:MIRRORED_PARTS]
                others = look_in(part.mirror_image(side) for part in likely if len(flips) > 1)
                upright = max((fit.score for fit in fits), default=0.0)
                unusual = self._fits(film, turned + seen + others, cancelled)
                fits += [fit for fit in unusual if fit.score > upright + UNUSUAL_MARGIN]
            best, *less = best_of_each_view(fits, expected or {})
            size = Size(film.shape[1], film.shape[0])
            doubtful = any(fit.view.view == best.view.view and fit.score > best.score for fit in fits)
            closer = replace(self._closer(film, best, cancelled), side_doubtful=doubtful)
            return [closer, *(self._result(fit, size) for fit in less)]

    def _fits(self, film: Float32, found: Sequence[Found], cancelled: CancelCheck | None) -> list[Fit]:
        """The most promising poses, fitted to the film, the best fit first."""
        stop_if(cancelled)
        looks = best_of_each_look(found)[:CANDIDATES]
        likely = [look for look in looks if look.promise >= CANDIDATE_SHARE * looks[0].promise]
        fits = self._workers.map(lambda look: self._fit(film, look), likely)
        return sorted(fits, key=lambda fit: -fit.score)

    def _fit(self, film: Float32, start: Found, laid: Frame | None = None, voters: int = VOTERS) -> Fit:
        """The view's points in its canonical window, which follows them unless it is ``laid`` already."""
        known = np.asarray(np.isfinite(start.features.mean_px).all(1))
        view, film_size = start.features.only(known), Size(film.shape[1], film.shape[0])
        frame = laid or framed(start.frame, view.mean_px, view.on_film, film_size)
        side, stride = self._encoder.input_px, self._encoder.strides[1]
        window = view.canonical(side)
        tree = shape_tree(view.shapes_px, view.mean_px).magnified(1.0 / window.part)
        shafts = self._shafts_of(view.view, known)
        for last in (False, False, True) if laid is None else (True,):
            shown = frame.then(window.frame)
            seen = self._encoder.encode(standardise(shown.sample(film, window.size)))
            answers = Answers.of(seen.coarse, seen.fine, self._encoder.scales)
            unary = np.exp(log_maps(answers.logits(view.aligned_query)))
            posterior = with_neighbours(unary, tree, stride)
            found, mass = peaks(posterior, stride)
            position = window.frame.to_film(found)
            # Points on shafts slide along them, from film to film and from window to window.
            steady = at_levels(position, shafts).position
            correction, _ = fit_similarity_robust(steady, view.mean_px, mass)
            if last or not self._matters(correction, view.mean_px):
                break
            frame = frame.then(correction)
        similar = np.argsort(-(view.aligned_code @ seen.code), kind="stable")[:voters]
        asked = view.reordered(np.sort(similar))
        logits = answers.logits(joined(asked.aligned_coarse, asked.aligned_fine))
        said = float(support(unary, found, stride, 1.0 / window.part).mean())
        pose = expected_pose(view.mean_px, view.on_film, film_size, frame)
        alike = 0.5 * (start.likeness + likeness(seen.code, view.aligned_code))
        return Fit(
            start,
            asked,
            Shapes.like(view.mean_px, view.shapes_px, pose, view.worths),
            known,
            frame,
            Look(shown, logits, unary, 1.0 / window.part),
            posterior,
            position,
            alike + SUPPORT_SHARE * (said - USUAL_SUPPORT),
        )

    def _refitted(self, film: Float32, fit: Fit) -> tuple[Fit, Placing]:
        """The fit with its window laid on where all points together are expected, if that fits better.

        A fit holds to the points that agree with each other: of a strongly curved spine to a part, and the
        rest may then lie outside the window.
        """
        placing = self._placing(film, fit)
        for _ in range(REFITS):
            expected = at_levels(placing.first.position, self._shafts_of(fit.view.view, fit.known)).position
            correction = fit_similarity(expected, fit.view.mean_px)
            if not self._matters(correction, fit.view.mean_px):
                break
            again = self._fit(film, fit.start, fit.frame.then(correction))
            if again.score <= fit.score:
                break
            fit, placing = again, self._placing(film, again)
        return fit, placing

    def _placing(self, film: Float32, fit: Fit) -> Placing:
        return Placing(self._encoder, self._workers, film, fit.view, fit.shapes, fit.frame, fit.seen)

    def _matters(self, correction: Frame, mean_px: FloatArray) -> bool:
        """Whether the film is to be sampled anew: whether a correction moves any point far enough."""
        moved = np.linalg.norm(correction.to_window(mean_px) - mean_px, axis=1)
        return bool(np.nanmax(moved) >= REALIGN_BEYOND * self._encoder.input_px)

    def _shafts_of(self, view: str, known: NDArray[np.bool_]) -> tuple[Shaft, ...]:
        """The shafts of a view all of whose points are among the ``known`` ones [N], numbered by these."""
        return renumbered(self._shafts.get(view, ()), known)

    def _closer(self, film: Float32, fit: Fit, cancelled: CancelCheck | None) -> MatchResult:
        """The points as close-ups show them, where these show more."""
        found, doubtful = self._numbered(film, *self._refitted(film, fit), cancelled)
        result = self._as_result(found.fit, found.placed, Size(film.shape[1], film.shape[0]))
        return replace(result, numbering_doubtful=doubtful)

    def _numbered(
        self, film: Float32, fit: Fit, placing: Placing, cancelled: CancelCheck | None = None
    ) -> tuple[Numbered, bool]:
        """The points with rows numbered most plausibly, and whether another numbering is hardly less so."""
        found, rows = Numbered(fit, placing), rows_among(self._rows.get(fit.view.view, ()), fit.known)
        rivals: list[Numbered] = []
        reached = -np.inf  # laid anew, the same numbering comes out a little more or less plausible
        for _ in range(RENUMBERINGS if rows else 0):
            stop_if(cancelled)
            others = self._otherwise(film, found, rows)
            best = max(others, key=lambda one: one.plausible, default=found)
            rivals += others
            if best.plausible <= max(found.plausible, reached):
                break
            reached = best.plausible
            rivals.append(found)
            # Once more from where it came to lie, with each reference asked alone. Should that come to lie
            # otherwise, the numbering before, which is a rival now, makes it doubtful.
            found = self._held(film, found.fit, best.film_px)
        doubtful = [one for one in rivals if one.plausible > found.plausible - DOUBTFUL_NUMBERING]
        return found, any(numbered_otherwise(found.film_px, one.film_px, rows) for one in doubtful)

    def _otherwise(self, film: Float32, found: Numbered, rows: Sequence[Row]) -> list[Numbered]:
        """The points with rows numbered in all other ways that may be as plausible."""
        likely = likely_slips(found.placed.position, found.fit.shapes, rows)
        slips = [found.fit.frame.to_film(points) for points in likely]
        # What each reference says alone is asked of the numbering that is kept.
        tried = self._workers.map(lambda film_px: self._held(film, found.fit, film_px, voters=1), slips)
        least = found.placing.first_support - HOPELESS
        hopeful = [one for one in tried if one.placing.first_support > least]
        return [one for one in hopeful if numbered_otherwise(found.film_px, one.film_px, rows)]

    def _held(self, film: Float32, fit: Fit, film_px: FloatArray, voters: int = VOTERS) -> Numbered:
        """The points placed anew from where they are held to lie, [N, 2] on the film."""
        window = fit.frame.then(fit_similarity(fit.frame.to_window(film_px), fit.view.mean_px))
        again = self._fit(film, fit.start, window, voters)
        return Numbered(again, replace(self._placing(film, again), held=again.frame.to_window(film_px)))

    def _result(self, fit: Fit, film: Size) -> MatchResult:
        """The points as the canonical window shows them."""
        seen, stride = fit.seen, self._encoder.strides[1]
        neighbours = np.asarray(fit.posterior / np.maximum(seen.fused, 1e-12), dtype=np.float32)
        found = seen.frame.to_window(fit.frame.to_film(fit.position))
        placed = Placed(
            fit.position,
            covariances(fit.posterior, found, stride) / seen.larger**2,
            fit.frame.to_window(seen.single(neighbours, stride)),
            support(seen.fused, found, stride, seen.larger),
        )
        return self._as_result(fit, placed, film)

    def _as_result(self, fit: Fit, placed: Placed, film: Size) -> MatchResult:
        view, frame, known = fit.view, fit.frame, fit.known
        score = float(np.clip(fit.score, 0.0, 1.0))
        joint = fit_jointly(placed.position, placed.covariance, fit.shapes)

        def on_film(window_px: FloatArray) -> NDArray[np.bool_]:
            film_px = frame.to_film(window_px)
            return np.asarray(((film_px >= 0.0) & (film_px <= np.array(film) - 1.0)).all(1))

        levelled = at_levels(joint.position, self._shafts_of(view.view, known), on_film)
        shown = known_points(view.aligned_px)[..., None] > 0
        single = np.where(shown, placed.single, np.nan)
        even = np.ones((1, 1, 1), np.float32)
        alone = fit.seen.frame.to_film(places(fit.seen.scores, even, self._encoder.strides[1]))
        votes = np.where(shown, frame.to_window(alone), np.nan)
        spread = np.sqrt(np.nanmean(((single - placed.position) ** 2).sum(2), axis=0))
        expected = self._error_model.expected_error(
            Evidence(
                spread=levelled.spread(joint.covariance),
                against=-placed.support,
                apart=np.nanmedian(
                    np.linalg.norm(levelled.only_across(votes - placed.position), axis=2), axis=0
                ),
                strain=joint.strain,
                film_strain=float(joint.strain.mean()),
                people=fit.shapes.people,
            )
        )
        expected = levelled.with_levels(expected)
        return MatchResult(
            view=view.view,
            mirrored=frame.mirrored,
            score=score,
            rotation_deg=frame.rotation_deg,
            scale=frame.scale,
            positions_px=_spread_out(frame.to_film(levelled.position), known, 0),
            per_reference_px=_spread_out(frame.to_film(single), known, 1),
            expected_error_px=_spread_out(expected / frame.scale, known, 0),
            spread_px=_spread_out(spread / frame.scale, known, 0),
            confidence=_spread_out(
                confidence(expected, LOOK_BEYOND_WINDOW * self._encoder.input_px), known, 0
            ),
            references=view.keys,
        )


def _by_view(references: Sequence[Reference], limit: int | None) -> list[list[Reference]]:
    groups: dict[str, list[Reference]] = {}
    for reference in references:
        group = groups.setdefault(reference.view, [])
        if limit is None or len(group) < limit:
            group.append(reference)
    return list(groups.values())


def _spread_out(values: FloatArray, known: NDArray[np.bool_], axis: int) -> FloatArray:
    """Values of the ``known`` points along ``axis`` at their places among all points, NaN for the others."""
    shape = list(values.shape)
    shape[axis] = len(known)
    out = np.full(shape, np.nan)
    out[(slice(None),) * axis + (known,)] = values
    return out
