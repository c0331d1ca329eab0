"""One object that does the product's main job: a film in, a measured case out."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np

from core import __version__
from core.adapters.bank import Bank, DamagedReferenceError, load_bank
from core.adapters.feature_cache import DiskFeatureCache
from core.adapters.onnx import OnnxEncoder
from core.adapters.view_matcher import view_matcher
from core.adapters.views import known_catalogue
from core.case import Case, Provenance, SideDecision, Verdict, VerdictLevel
from core.errors import MatchError
from core.film import FilmTags, Radiograph, Side
from core.landmarks import Landmark, LandmarkSet
from core.matching.protocol import CancelCheck, Matcher, MatchResult, Progress, Reference
from core.matching.verdict import FILM_FITS, judge, marked
from core.measure.definitions import Catalogue, View
from core.measure.evaluate import evaluate_view, shows_flipped
from core.measure.results import MeasurementResult
from core.resources import resource_path, user_cache_dir
from core.square_pixels import square_pixels
from core.view_tags import decide_view

log = logging.getLogger(__name__)


class Engine:
    """Catalogue, bank and matcher, opened once and used for many films."""

    def __init__(self, catalogue: Catalogue, bank: Bank, matcher: Matcher) -> None:
        self.catalogue = catalogue
        self.bank = bank
        self.matcher = matcher
        self._damaged: set[str] = set()
        for refused in bank.refused:
            log.warning("%s is not used: %s", bank.folder, refused.what)

    @classmethod
    def open(cls, bank: Path | None = None) -> Self:
        """The engine with the shipped model and catalogue and a bank (default: the shipped one).

        Raises ``ModelError``, ``BankError`` or ``CatalogueError``.
        """
        cache = DiskFeatureCache(user_cache_dir(), shipped=resource_path("references", "features"))
        catalogue, opened = known_catalogue(bank), load_bank(bank)
        return cls(catalogue, opened, view_matcher(OnnxEncoder(), cache, catalogue))

    @property
    def provider(self) -> str:
        """The execution provider in use."""
        return self.matcher.provider

    def analyse(
        self,
        film: Radiograph,
        *,
        view: str | None = None,
        side: Side | None = None,
        references: int | None = None,
        progress: Progress | None = None,
        cancelled: CancelCheck | None = None,
    ) -> Case:
        """Recognise view and side (unless given) and place the view's points.

        ``references`` limits how many references of the view vote. Raises ``MatchError`` when no view
        was given and the film fits none of the bank, or shows nothing; ``Cancelled`` when stopped.
        A view that was given is used even if the film does not fit it; the verdict then says so.
        """
        began = time.perf_counter()
        candidates, results = self._match(film, view, side, references, progress, cancelled)
        best = results[0]
        if view is None and best.score < FILM_FITS:
            known = ", ".join(sorted({self.catalogue.view(c.view).name for c in candidates}))
            raise MatchError(
                f"The film looks like no view of the bank (best: {best.view}, score {best.score:.2f})",
                path=film.path,
                remedy=f"The bank knows: {known}. If the film is one of these, choose the view yourself.",
            )
        definition = self.catalogue.view(best.view)
        points = marked(_landmarks(definition, best), film.calibration)
        text, conflict = decide_view(self.catalogue, definition, film.tags, given=view is not None)
        return Case(
            film_path=str(film.path),
            film_sha256=film.sha256,
            frame=film.frame,
            view=best.view,
            view_source="matcher" if view is None else "user",
            view_text=text,
            view_conflict=conflict,
            side=decide_side(definition, best.mirrored, film.tags, side, doubtful=best.side_doubtful),
            landmarks=points,
            automatic=points,
            calibration=film.calibration,
            verdict=judge(
                best.score,
                points,
                definition.point_keys,
                definition.cautioned,
                _count_them(definition) if best.numbering_doubtful else "",
            ),
            provenance=Provenance(
                program_version=__version__,
                model_sha256=self.matcher.model_sha256,
                bank_sha256=self.bank.sha256,
                provider=self.matcher.provider,
                references=best.references,
                elapsed_ms=(time.perf_counter() - began) * 1000.0,
            ),
        )

    def _match(
        self,
        film: Radiograph,
        view: str | None,
        side: Side | None,
        limit: int | None,
        progress: Progress | None,
        cancelled: CancelCheck | None,
    ) -> tuple[list[Reference], list[MatchResult]]:
        """The references that were used and what they found. One whose image is damaged is left out."""
        square = square_pixels(film.pixels, film.calibration.aspect)
        expected = _expected_handedness(self.catalogue, film.tags, side)
        while True:
            found = self.bank.references(self.catalogue, view)
            candidates = [
                reference
                for reference in found
                if reference.key not in self._damaged
                and (view is not None or not self.catalogue.view(reference.view).chosen_only)
            ]
            if not candidates:
                wanted = f"of view {view!r} " if view else ""
                raise MatchError(
                    f"The bank holds no reference {wanted}to match with",
                    path=self.bank.folder,
                    remedy="Choose another bank or add references of this view.",
                )
            try:
                results = self.matcher.match(
                    square.pixels,
                    candidates,
                    expected=expected,
                    stored_mirrored=film.tags.stored_mirrored,
                    limit=limit,
                    progress=progress,
                    cancelled=cancelled,
                )
            except DamagedReferenceError as error:
                log.warning("%s", error)
                self._damaged.add(error.key)
            else:
                return candidates, [
                    replace(
                        result,
                        positions_px=square.to_stored(result.positions_px),
                        per_reference_px=square.to_stored(result.per_reference_px),
                    )
                    for result in results
                ]

    def measure(self, case: Case) -> tuple[MeasurementResult, ...]:
        """Every measurement of the case's view from its current points. Takes milliseconds."""
        return measure_case(self.catalogue, case)


def measure_case(catalogue: Catalogue, case: Case) -> tuple[MeasurementResult, ...]:
    """Every measurement of ``case``, for which neither model nor bank is needed.

    Raises ``CatalogueError`` for a view that the catalogue does not know.
    """
    view = catalogue.view(case.view)
    flipped = shows_flipped(view, case.side.side, mirrored=case.side.mirrored)
    return evaluate_view(view, case.landmarks, case.calibration, flipped=flipped)


def blank_case(film: Radiograph, view: View, side: Side | None = None) -> Case:
    """A case of ``view`` without points, for a person to place them all.

    The side is the given one, else what the file says; without either it must be settled. The film is taken
    to be stored as it is usually seen unless PatientOrientation says otherwise.
    """
    mirrored = film.tags.stored_mirrored
    known = side or film.tags.laterality
    if view.canonical_side is Side.BOTH:
        decision = decide_side(view, mirrored, film.tags, side)
    elif known is not None:
        decision = SideDecision(known, "user" if side else "tag", "", conflict=False, mirrored=mirrored)
    else:
        text = "Neither the file nor a person says which side it is."
        decision = SideDecision(view.canonical_side, "default", text, conflict=True, mirrored=mirrored)
    nothing = LandmarkSet({})
    return Case(
        film_path=str(film.path),
        film_sha256=film.sha256,
        frame=film.frame,
        view=view.key,
        view_source="user",
        side=decision,
        landmarks=nothing,
        automatic=nothing,
        calibration=film.calibration,
        verdict=Verdict(VerdictLevel.CHECK, "Every point is placed by hand; no reference took part."),
        provenance=Provenance(__version__, "", "", "", (), 0.0),
    )


def decide_side(
    view: View, looks_flipped: bool, tags: FilmTags, user: Side | None, *, doubtful: bool = False
) -> SideDecision:
    """Which side a film shows, from its look, its tags, and what a person said.

    ``looks_flipped`` tells that the film shows the mirror image of the view's canonical layout. A film
    stored seen from behind (PatientOrientation) shows the other side than it looks like. Tag and
    look that disagree are a conflict, which the user must settle. A view of both sides has no side to
    decide: ``user`` is ignored, and only the file can say that it is stored mirrored. ``doubtful`` tells that
    the look alone would have spoken for the other side, though hardly.
    """
    if view.canonical_side is Side.BOTH:
        text = "The view shows both sides"
        text += ", and PatientOrientation says it is stored mirrored." if looks_flipped else "."
        return SideDecision(Side.BOTH, "view", text, conflict=False, mirrored=looks_flipped)
    looks_like = view.canonical_side.other if looks_flipped else view.canonical_side
    reversed_store = tags.stored_mirrored
    seen = looks_like.other if reversed_store else looks_like
    how = "it hardly tells its side" if doubtful else f"it looks like a {looks_like} one"
    if reversed_store:
        how += f", and PatientOrientation says it is stored mirrored: {seen}"
    tag = tags.laterality
    if user is not None:
        text = f"Set by the user. Of the image: {how}."
        return SideDecision(user, "user", text, conflict=False, mirrored=user is not looks_like)
    if tag is None:
        text = f"The file states no side; {how}."
        return SideDecision(seen, "matcher", text, conflict=False, mirrored=seen is not looks_like)
    if tag is seen:
        agrees = "the image hardly tells its side" if doubtful else f"the image agrees ({how})"
        text = f"The file's tag says {tag}; {agrees}."
        return SideDecision(tag, "tag", text, conflict=False, mirrored=tag is not looks_like)
    text = f"The file's tag says {tag}, but of the image: {how}. Please settle the side."
    return SideDecision(tag, "tag", text, conflict=True, mirrored=tag is not looks_like)


def _expected_handedness(catalogue: Catalogue, tags: FilmTags, user: Side | None) -> dict[str, bool]:
    """Whether films of each view with sides look like mirror images, by the side known of this one."""
    known = user or tags.laterality
    if known not in (Side.LEFT, Side.RIGHT):
        return {}
    looks_like = known.other if tags.stored_mirrored else known
    return {
        view.key: looks_like is not view.canonical_side
        for view in catalogue.views.values()
        if view.canonical_side is not Side.BOTH
    }


def _count_them(view: View) -> str:
    """What a film is marked with on which the members of rows may be taken for their neighbours."""
    return f"{', '.join(row.name for row in view.rows)} may be numbered one off: count them."


def _landmarks(view: View, match: MatchResult) -> LandmarkSet:
    return LandmarkSet(
        {
            key: Landmark(
                x_px=float(match.positions_px[i, 0]),
                y_px=float(match.positions_px[i, 1]),
                expected_error_px=float(match.expected_error_px[i]),
                spread_px=float(match.spread_px[i]),
                confidence=float(match.confidence[i]),
            )
            for i, key in enumerate(view.point_keys)
            if np.isfinite(match.positions_px[i]).all()
        }
    )
