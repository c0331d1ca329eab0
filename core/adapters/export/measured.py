"""What every export starts from: the case, its film, its values and the view's definition."""

from __future__ import annotations

from dataclasses import dataclass

from core.case import Case
from core.film import Radiograph
from core.measure.definitions import View
from core.measure.results import MeasurementResult

STATEMENT = "Not a certified medical device. A qualified person must verify every point."


@dataclass(frozen=True, eq=False)
class Measured:
    """One measured film. ``results`` are those of ``case`` as it is, ``view`` the view's definition."""

    case: Case
    film: Radiograph
    results: tuple[MeasurementResult, ...]
    view: View

    @property
    def status(self) -> str:
        """``draft`` until a person has confirmed the case, then ``confirmed``."""
        return "draft" if self.case.is_draft else "confirmed"

    @property
    def status_text(self) -> str:
        """The status in words, for titles and notes."""
        if self.case.is_draft:
            return "DRAFT: not confirmed by a person"
        assert self.case.confirmation is not None
        return f"Confirmed by {self.case.confirmation.by} on {self.case.confirmation.at}"
