"""The report of one case as a PDF: film with overlay, values, and everything a reader needs to judge them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from core.adapters.atomic import write_bytes
from core.adapters.pdf_sheet import BLACK, GREY, MARGIN, WIDTH, Sheet
from core.adapters.pdf_table import draw_results
from core.adapters.pdf_text import wrap
from core.case import Case, VerdictLevel
from core.film import FilmTags, Radiograph
from core.measure.results import MeasurementResult
from core.overlay import marked_points, overlay_image

# Store streams as they are: text-safe encoding makes files a quarter larger.
rl_config.useA85 = 0

_PICTURE_SIDE_PX = 1500
_JPEG_QUALITY = 85
_MARK_SCALE = 1.15
_PICTURE_WIDTH = 318.0  # points
_PICTURE_HEIGHTS = (400.0, 350.0, 300.0)  # to choose from, for as few pages as possible
_MAX_POINT_LINES = 12
_LEGEND = (
    "Discs are points as the program placed them, rings are points to look at, diamonds were placed by "
    "hand. Numbers are those of the table. Dashed lines only help to read the drawing."
)
_VERDICT_TEXT = {
    VerdictLevel.GOOD: "Match well supported",
    VerdictLevel.CHECK: "Check the listed points",
    VerdictLevel.OUTSIDE: "Film unlike the references",
}


@dataclass(frozen=True)
class _Content:
    """Everything a page is made from."""

    case: Case
    film: Radiograph
    results: Sequence[MeasurementResult]
    view_name: str
    point_names: Mapping[str, str]
    picture: ImageReader
    picture_size: tuple[int, int]


def write_report(
    path: Path,
    case: Case,
    film: Radiograph,
    results: Sequence[MeasurementResult],
    view_name: str,
    point_names: Mapping[str, str],
) -> None:
    """Write the report of ``case`` to ``path``, replacing a file of that name only when it is complete.

    The other arguments are those of :func:`report_bytes`. Raises WriteError when the folder or file cannot
    be written.
    """
    write_bytes(path, report_bytes(case, film, results, view_name, point_names))


def report_bytes(
    case: Case,
    film: Radiograph,
    results: Sequence[MeasurementResult],
    view_name: str,
    point_names: Mapping[str, str],
) -> bytes:
    """The report of ``case`` as a PDF document.

    ``point_names`` gives the names of points for the reader by key. The same inputs give the same bytes.
    """
    jpeg, size = _encode(
        overlay_image(
            film, case, results, max_side_px=_PICTURE_SIDE_PX, crop_to_points=True, mark_scale=_MARK_SCALE
        )
    )
    picture = ImageReader(io.BytesIO(jpeg))
    content = _Content(case, film, results, view_name, point_names, picture, size)
    return _fit(content)


def _fit(content: _Content) -> bytes:
    """The document on as few pages as any picture height gives, with the largest such picture."""
    counts: dict[float, int] = {}
    for height in _PICTURE_HEIGHTS:
        data, counts[height] = _compose(content, 1, height)
        if counts[height] == 1:
            return data
    height = min(_PICTURE_HEIGHTS, key=lambda h: (counts[h], -h))
    return _compose(content, counts[height], height)[0]


def _encode(picture: NDArray[np.uint8]) -> tuple[bytes, tuple[int, int]]:
    stream = io.BytesIO()
    # Full colour resolution: halved, thin coloured lines would smear.
    Image.fromarray(picture).save(stream, "JPEG", quality=_JPEG_QUALITY, subsampling=0, optimize=True)
    return stream.getvalue(), (picture.shape[1], picture.shape[0])


def _compose(content: _Content, pages: int, picture_height: float) -> tuple[bytes, int]:
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=A4, invariant=1, pageCompression=1, lang="en")
    canvas.setTitle("OrthoMatch measurement report")
    canvas.setSubject(content.view_name)
    canvas.setCreator(f"OrthoMatch {content.case.provenance.program_version}")
    sheet = Sheet(canvas, content.case, content.film.tags, pages)
    _draw_patient(sheet, content)
    _draw_conflict(sheet, content.case)
    told = _draw_film(sheet, content, picture_height)
    references = draw_results(sheet, content.results)
    _draw_references(sheet, references)
    if not told:
        sheet.heading("How the result was made")
        for text in _provenance(content):
            sheet.paragraph(text, 7.5)
    count = sheet.finish()
    return stream.getvalue(), count


def _draw_patient(sheet: Sheet, content: _Content) -> None:
    tags = content.film.tags
    side = content.case.side
    shown_side = side.side.value.capitalize() + (" (not settled)" if side.conflict else "")
    study = " \u00b7 ".join(t for t in (tags.study_description, tags.series_description) if t)
    rows = (
        (("Patient", tags.patient_name, 0.40), ("Patient ID", tags.patient_id, 0.22),
         ("Born", tags.birth_date, 0.16), ("Sex", _sex(tags), 0.22)),
        (("Study", study, 0.40), ("Study date", tags.study_date, 0.22),
         ("Accession", tags.accession, 0.16), ("Institution", tags.institution, 0.22)),
        (("Measured as", content.view_name, 0.40), ("Side", shown_side, 0.22),
         ("File", Path(content.case.film_path).name, 0.38)),
    )  # fmt: skip
    for row in rows:
        x = MARGIN
        lines = 1
        for title, value, share in row:
            sheet.text(x, sheet.y - 6.5, title, 6.5, GREY)
            shown = wrap(value or "not stated", 9.5, share * WIDTH - 8)
            for index, line in enumerate(shown[:3]):
                sheet.text(
                    x,
                    sheet.y - 18 - 11.5 * index,
                    line,
                    9.5,
                    BLACK if value else GREY,
                    bold=title == "Patient",
                )
            lines = max(lines, len(shown[:3]))
            x += share * WIDTH
        sheet.y -= 16 + 11.5 * lines
    sheet.y -= 2


def _sex(tags: FilmTags) -> str:
    return {"F": "female", "M": "male", "O": "other"}.get(tags.sex.strip().upper(), tags.sex)


def _draw_conflict(sheet: Sheet, case: Case) -> None:
    if not case.doubts:
        return
    lines = [line for text in case.doubts for line in wrap(text, 10, WIDTH - 20, bold=True)]
    height = 12.5 * len(lines) + 9
    sheet.canvas.setStrokeColor(BLACK)
    sheet.canvas.setLineWidth(1.2)
    sheet.canvas.rect(MARGIN, sheet.y - height, WIDTH, height)
    for index, line in enumerate(lines):
        sheet.text(MARGIN + 10, sheet.y - 14 - 12.5 * index, line, 10, BLACK, bold=True)
    sheet.y -= height + 8


def _draw_film(sheet: Sheet, content: _Content, room: float) -> bool:
    """The picture and the column beside it; returns whether the provenance found room there."""
    width, height = content.picture_size
    scale = min(_PICTURE_WIDTH / width, room / height)
    shown_width, shown_height = width * scale, height * scale
    top = sheet.y
    bottom = top - shown_height
    sheet.canvas.drawImage(content.picture, MARGIN, bottom, shown_width, shown_height)
    x = MARGIN + shown_width + 16
    y = _draw_findings(sheet, content, x, top)
    lines = [line for text in _provenance(content) for line in wrap(text, 7.5, MARGIN + WIDTH - x)]
    fits = y - 7 - 10 * len(lines) >= bottom
    if fits:
        sheet.text(x, y - 7, "How the result was made", 6.5, GREY)
        for index, line in enumerate(lines, 1):
            sheet.text(x, y - 7 - 10 * index, line, 7.5)
    sheet.y = min(bottom, y) - 14
    return fits


def _draw_findings(sheet: Sheet, content: _Content, x: float, top: float) -> float:
    """The column beside the film: verdict, points, side, spacing, legend. Returns where it ends."""
    case, names = content.case, content.point_names
    room = MARGIN + WIDTH - x
    letters = marked_points(case)
    edited = [k for k in letters if case.landmarks[k].edited]
    look = [k for k in letters if not case.landmarks[k].edited]
    y = top

    def block(title: str, lines: Sequence[str], lead: str = "") -> None:
        nonlocal y
        y -= 7
        sheet.text(x, y, title, 6.5, GREY)
        if lead:
            for line in wrap(lead, 9.5, room, bold=True):
                y -= 12
                sheet.text(x, y, line, 9.5, BLACK, bold=True)
        for text in lines:
            for line in wrap(text, 8, room):
                y -= 10.5
                sheet.text(x, y, line, 8, BLACK)
        y -= 9

    block("Automatic result", [case.verdict.text], _VERDICT_TEXT[case.verdict.level])
    if look:
        block("Points to look at", _point_lines(look, letters, names))
    if edited:
        block("Points placed by hand", _point_lines(edited, letters, names))
    block("Side", [f"{case.side.side.value.capitalize()}. {case.side.text}"])
    block("Pixel spacing", [case.calibration.detail])
    block("Drawing", [_LEGEND])
    return y


def _point_lines(keys: Sequence[str], letters: Mapping[str, str], names: Mapping[str, str]) -> list[str]:
    """One line for each point, or running text where that would take too much of the page."""
    lines = [f"{letters[key]}: {names.get(key, key)}" for key in keys]
    return lines if len(lines) <= _MAX_POINT_LINES else ["; ".join(lines) + "."]


def _draw_references(sheet: Sheet, references: Sequence[str]) -> None:
    if not references:
        return
    sheet.heading("Sources of the normal ranges")
    for text in references:
        sheet.paragraph(text, 7.5)
    sheet.y -= 6


def _provenance(content: _Content) -> list[str]:
    case, made = content.case, content.case.provenance
    chosen = "the user" if case.view_source == "user" else "the program"
    seconds = made.elapsed_ms / 1000.0
    frame = f", frame {case.frame + 1}" if case.frame else ""
    return [
        f"OrthoMatch {made.program_version}, model {made.model_sha256[:12] or 'none'}, "
        f"bank {made.bank_sha256[:12] or 'none'}. Computed by {made.provider} in {seconds:.1f} s.",
        f"View chosen by {chosen}. Film SHA-256 {case.film_sha256[:16]}{frame}.",
        f"References used: {', '.join(made.references) if made.references else 'none'}.",
        _definitions(content.results),
    ]


def _definitions(results: Sequence[MeasurementResult]) -> str:
    """Which definitions gave the values; the keys only where their versions differ."""
    definitions = list(dict.fromkeys(result.definition for result in results))
    versions = {definition.rpartition("@")[2] for definition in definitions}
    if len(definitions) > 1 and len(versions) == 1:
        return f"Definitions of measurements: all in version {versions.pop()}."
    return f"Definitions of measurements: {', '.join(definitions) or 'none'}."
