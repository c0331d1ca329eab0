"""One film's measured state: what was found, what a person changed, and whether it is confirmed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from core.film import Calibration, Side
from core.landmarks import Landmark, LandmarkSet


class VerdictLevel(StrEnum):
    """How far the automatic result can be relied on."""

    GOOD = "good"
    CHECK = "check"  # look at the listed points
    OUTSIDE = "outside"  # the film looks like nothing in the bank


@dataclass(frozen=True)
class Verdict:
    """Film-level judgement of the match. ``points`` are the keys that need a look.

    ``note`` is what ``text`` says of the film beside its points; it stays when these are judged anew.
    """

    level: VerdictLevel
    text: str
    points: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class SideDecision:
    """Which side the film shows and how that was decided.

    ``source`` is ``tag``, ``matcher``, ``user`` or ``default``. ``conflict`` is True when tag and
    matcher disagree and no person has settled it.
    """

    side: Side
    source: str
    text: str
    conflict: bool = False
    mirrored: bool = False  # the stored image is the mirror image of how this side is usually seen


@dataclass(frozen=True)
class Provenance:
    """What produced the automatic points, as printed in every report."""

    program_version: str
    model_sha256: str
    bank_sha256: str
    provider: str
    references: tuple[str, ...]
    elapsed_ms: float


@dataclass(frozen=True)
class Confirmation:
    """Who confirmed the case, and when (ISO 8601 with time zone)."""

    by: str
    at: str


@dataclass(frozen=True)
class Case:
    """The whole state of one measured film. Immutable: an edit makes a new case.

    ``automatic`` keeps the points as the matcher placed them, ``landmarks`` the current ones.
    ``view_text`` says how the view was decided; ``view_conflict`` is True when the file's tags name another
    one and no person has settled it.
    ``calibration`` is the film's, or the user's own. A case without ``confirmation`` is a draft.
    """

    film_path: str
    film_sha256: str
    frame: int
    view: str
    view_source: str  # "matcher" or "user"
    side: SideDecision
    landmarks: LandmarkSet
    automatic: LandmarkSet
    calibration: Calibration
    verdict: Verdict
    provenance: Provenance
    confirmation: Confirmation | None = None
    view_text: str = ""
    view_conflict: bool = False

    @property
    def doubts(self) -> tuple[str, ...]:
        """What a person must settle before the case can be confirmed, as sentences."""
        stated = (
            ("View", self.view_text, self.view_conflict),
            ("Side", self.side.text, self.side.conflict),
        )
        return tuple(f"{what} not settled: {text}" for what, text, conflict in stated if conflict)

    @property
    def is_draft(self) -> bool:
        """Whether nobody has confirmed the points yet."""
        return self.confirmation is None

    def with_point(self, key: str, x_px: float, y_px: float) -> Case:
        """The case after a person moved point ``key``; it is a draft again."""
        moved = self.landmarks[key].moved_to(x_px, y_px)
        return replace(self, landmarks=self.landmarks.with_point(key, moved), confirmation=None)

    def with_new_point(self, key: str, x_px: float, y_px: float, order: tuple[str, ...]) -> Case:
        """The case after a person placed point ``key``, which it lacked; ``order`` are the view's keys."""
        placed = self.landmarks.with_point(key, Landmark(float(x_px), float(y_px), edited=True))
        return replace(self, landmarks=placed.in_order(order), confirmation=None)

    def with_automatic(self, key: str | None = None) -> Case:
        """The case with one point (or, with None, every point) back at its automatic position.

        A point that was not found automatically is taken away.
        """
        if key is None:
            restored = self.automatic
        elif key in self.automatic:
            restored = self.landmarks.with_point(key, self.automatic[key])
        else:
            restored = self.landmarks.without(key)
        return replace(self, landmarks=restored, confirmation=None)

    def with_side(self, side: Side) -> Case:
        """The case after a person settled the side. What the image shows stays as it is."""
        mirrored = self.side.mirrored if side is self.side.side else not self.side.mirrored
        decision = SideDecision(side, "user", "Set by the user.", conflict=False, mirrored=mirrored)
        return replace(self, side=decision, confirmation=None)

    def with_view_settled(self) -> Case:
        """The case after a person said that its view is right."""
        return replace(
            self, view_source="user", view_text="Set by the user.", view_conflict=False, confirmation=None
        )

    def with_calibration(self, calibration: Calibration) -> Case:
        """The case with another pixel spacing; it is a draft again."""
        return replace(self, calibration=calibration, confirmation=None)

    def confirmed(self, by: str, at: str) -> Case:
        """The case confirmed by a person."""
        return replace(self, confirmation=Confirmation(by, at))
