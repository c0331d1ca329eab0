"""Report pages: header, footer, draft mark, and the vertical flow of blocks from page to page."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from core.adapters.pdf_text import draw, text_width, wrap
from core.case import Case
from core.film import FilmTags

MARGIN = 42.0
WIDTH = A4[0] - 2 * MARGIN
_TOP = A4[1] - 40.0
_BOTTOM = 58.0

BLACK = Color(0.08, 0.09, 0.11)
GREY = Color(0.42, 0.44, 0.47)
LIGHT = Color(0.82, 0.83, 0.85)
ALERT = Color(0.68, 0.08, 0.08)

STATEMENT = (
    "OrthoMatch is not a certified medical device. "
    "A qualified person must verify every point before any number is used."
)


class Sheet:
    """The current page and the height ``y`` (points from the bottom) down to which it is filled."""

    def __init__(self, canvas: Canvas, case: Case, tags: FilmTags, pages: int) -> None:
        self.canvas = canvas
        self.case = case
        self.tags = tags
        self.pages = pages  # as printed; a first pass that only counts may not know it
        self.page = 0
        self.y = 0.0
        self._begin()

    def need(self, height: float) -> bool:
        """Start a new page unless ``height`` points are left; returns whether one was started."""
        if self.y - height >= _BOTTOM:
            return False
        self._end()
        self._begin()
        return True

    def finish(self) -> int:
        """Complete the document; returns the number of pages."""
        self._end()
        self.canvas.save()
        return self.page

    def text(
        self, x: float, y: float, text: str, size: float, colour: Color = BLACK, *,
        bold: bool = False, align: Literal["left", "right", "centre"] = "left",
    ) -> float:  # fmt: skip
        """One line of text; returns its width."""
        self.canvas.setFillColor(colour)
        return draw(self.canvas, x, y, text, size, bold=bold, align=align)

    def rule(self, y: float, *, width: float = 0.5, colour: Color = LIGHT) -> None:
        """A line across the page."""
        self.canvas.setStrokeColor(colour)
        self.canvas.setLineWidth(width)
        self.canvas.line(MARGIN, y, MARGIN + WIDTH, y)

    def heading(self, text: str, follow: float = 24.0) -> None:
        """A section title, kept together with the next ``follow`` points."""
        self.need(16.0 + follow)
        self.y -= 10.0
        self.text(MARGIN, self.y, text, 9.0, BLACK, bold=True)
        self.y -= 5.0

    def paragraph(self, text: str, size: float, colour: Color = BLACK) -> None:
        """Wrapped text over the full width."""
        for line in wrap(text, size, WIDTH):
            self.need(size * 1.35)
            self.y -= size * 1.35
            self.text(MARGIN, self.y, line, size, colour)

    def _begin(self) -> None:
        self.page += 1
        y = _TOP
        width = self.text(MARGIN, y, "OrthoMatch", 14.0, BLACK, bold=True)
        self.text(MARGIN + width + 6, y, self.case.provenance.program_version, 9.0, GREY)
        if self.page == 1:
            self.text(MARGIN, y - 13, "Measurement report", 9.0, GREY)
        else:
            who = ", ".join(t for t in (self.tags.patient_name, self.tags.patient_id) if t)
            self.text(MARGIN, y - 13, who or "Measurement report", 9.0, GREY)
        self._status(y)
        self.rule(y - 21, width=0.8, colour=BLACK)
        self.y = y - 30

    def _status(self, y: float) -> None:
        right = MARGIN + WIDTH
        done = self.case.confirmation
        if done is not None:
            self.text(right, y, f"Confirmed by {done.by}", 10.0, BLACK, bold=True, align="right")
            self.text(right, y - 13, f"on {when(done.at)}", 9.0, GREY, align="right")
            return
        width = text_width("DRAFT", 12.0, bold=True) + 16
        self.canvas.setFillColor(BLACK)
        self.canvas.rect(right - width, y - 5, width, 18, stroke=0, fill=1)
        self.text(right - width / 2, y - 0.5, "DRAFT", 12.0, Color(1, 1, 1), bold=True, align="centre")
        self.text(right, y - 14.5, "The points have not been confirmed.", 8.0, GREY, align="right")

    def _end(self) -> None:
        canvas = self.canvas
        self.rule(44.0)
        self.text(MARGIN, 33.0, STATEMENT, 7.5, BLACK, bold=True)
        film = f"Film {self.case.film_sha256[:12]}"
        self.text(MARGIN, 22.5, film, 7.0, GREY)
        pages = f"Page {self.page} of {self.pages}"
        self.text(MARGIN + WIDTH, 22.5, pages, 7.0, GREY, align="right")
        if self.case.is_draft:
            canvas.saveState()
            canvas.translate(A4[0] / 2, A4[1] / 2)
            canvas.rotate(52)
            canvas.setFillColor(Color(0.2, 0.2, 0.2, alpha=0.07))
            draw(canvas, 0, -60, "DRAFT", 190.0, bold=True, align="centre")
            canvas.restoreState()
        canvas.showPage()


def when(moment: str) -> str:
    """An ISO 8601 time to the minute with its offset; unchanged when it is none."""
    try:
        time = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    offset = time.strftime("%z")
    zone = f" (UTC{offset[:3]}:{offset[3:5]})" if offset else ""
    return time.strftime("%Y-%m-%d %H:%M") + zone
