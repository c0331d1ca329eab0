"""The table of measurements in a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.adapters.pdf_sheet import ALERT, BLACK, GREY, LIGHT, MARGIN, WIDTH, Sheet
from core.adapters.pdf_text import wrap
from core.measure.results import UNIT_TEXT, MeasurementResult, NormalRange, format_value

_SIZE, _SMALL, _LEAD = 8.5, 7.0, 10.5
_SIGNS = ("*", "\u2020", "\u2021", "\u00a7", "\u00b6")


@dataclass(frozen=True)
class _Columns:
    """Places in points from the margin; the value column is aligned right."""

    name: float
    name_room: float
    value_right: float
    interval: float
    normal: float | None


_WITH_NORMAL = _Columns(18.0, 212.0, 278.0, 290.0, 382.0)
_WITHOUT_NORMAL = _Columns(18.0, 290.0, 390.0, 410.0, None)


@dataclass
class _Sources:
    """Citations in the order of first use."""

    texts: list[str] = field(default_factory=list)

    def number(self, normal: NormalRange) -> int:
        mark = "" if normal.verified else " Not verified against the source."
        text = f"{normal.citation.rstrip('.')}.{mark}"
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1


def draw_results(sheet: Sheet, results: Sequence[MeasurementResult]) -> list[str]:
    """Draw all measurements, on further pages where needed; returns the numbered sources cited."""
    sources = _Sources()
    columns = _WITH_NORMAL if any(r.normal is not None for r in results) else _WITHOUT_NORMAL
    signs = _shared_remarks(results)
    sheet.heading("Measurements", follow=60.0)
    _head(sheet, columns)
    for number, result in enumerate(results, 1):
        _row(sheet, number, result, sources, columns, signs)
    if not results:
        sheet.paragraph("This view has no measurements.", _SIZE, GREY)
    for text, sign in signs.items():
        sheet.paragraph(f"{sign} {text}", _SMALL, GREY)
    sheet.y -= 8
    return [f"[{index}] {text}" for index, text in enumerate(sources.texts, 1)]


def _remarks(result: MeasurementResult) -> list[str]:
    return [text for text in (result.sign, result.note) if text]


def _shared_remarks(results: Sequence[MeasurementResult]) -> dict[str, str]:
    """Remarks of several measurements with the sign that stands for each; they go below the table."""
    uses = Counter(text for result in results for text in _remarks(result))
    shared = [text for text, count in uses.most_common(len(_SIGNS)) if count > 1]
    return dict(zip(shared, _SIGNS, strict=False))


def _head(sheet: Sheet, columns: _Columns) -> None:
    y = sheet.y - 9
    sheet.text(MARGIN + columns.name, y, "Measurement", _SMALL, GREY)
    sheet.text(MARGIN + columns.value_right, y, "Value", _SMALL, GREY, align="right")
    sheet.text(MARGIN + columns.interval, y, "90 % interval", _SMALL, GREY)
    if columns.normal is not None:
        sheet.text(MARGIN + columns.normal, y, "Normal range", _SMALL, GREY)
    sheet.rule(y - 4, width=0.8, colour=BLACK)
    sheet.y = y - 4


def _row(
    sheet: Sheet,
    number: int,
    result: MeasurementResult,
    sources: _Sources,
    columns: _Columns,
    signs: Mapping[str, str],
) -> None:
    marks = "".join(f" {signs[text]}" for text in _remarks(result) if text in signs)
    names = wrap(result.name + marks, _SIZE, columns.name_room)
    own = " \u00b7 ".join(text for text in _remarks(result) if text not in signs)
    remarks = wrap(own, _SMALL, columns.name_room) if own else []
    normal = [] if columns.normal is None else _normal_lines(result, sources, WIDTH - columns.normal)
    reason_at = columns.value_right - 44
    reasons = wrap(f"No value: {result.reason or 'not stated.'}", _SIZE, WIDTH - reason_at)
    left = _LEAD * len(names) + 9.0 * len(remarks)
    right = _LEAD * len(reasons) if result.value is None else _LEAD + 9.0 * max(0, len(normal) - 1)
    height = max(left, right) + 4.0
    if sheet.need(height):
        _head(sheet, columns)
    y = sheet.y - 10.0
    sheet.text(MARGIN, y, str(number), _SIZE, GREY)
    for index, line in enumerate(names):
        sheet.text(MARGIN + columns.name, y - _LEAD * index, line, _SIZE)
    for index, line in enumerate(remarks):
        sheet.text(MARGIN + columns.name, y - _LEAD * len(names) - 9.0 * index + 0.5, line, _SMALL, GREY)
    if result.value is None:
        for index, line in enumerate(reasons):
            sheet.text(MARGIN + reason_at, y - _LEAD * index, line, _SIZE, GREY)
    else:
        _value(sheet, y, result, result.value, columns)
        for index, line in enumerate(normal):
            colour, size = (BLACK, _SIZE) if index == 0 else (GREY, _SMALL)
            at = y - (_LEAD + 9.0 * (index - 1) if index else 0.0)
            sheet.text(MARGIN + (columns.normal or 0.0), at, line, size, colour)
    sheet.y -= height
    sheet.rule(sheet.y, colour=LIGHT)


def _value(sheet: Sheet, y: float, result: MeasurementResult, value: float, columns: _Columns) -> None:
    judged = judgement(result)
    text = format_value(value, result.unit)
    width = sheet.text(
        MARGIN + columns.value_right, y, text, _SIZE + 1, ALERT if judged else BLACK, bold=True, align="right"
    )
    if judged:
        mark = "\u25b2" if judged == "above" else "\u25bc"
        sheet.text(MARGIN + columns.value_right - width - 4, y, mark, _SIZE - 1, ALERT, align="right")
    if result.interval is None:
        sheet.text(MARGIN + columns.interval, y, "unknown", _SIZE, GREY)
    else:
        low, high = (format_value(end, result.unit) for end in result.interval)
        sheet.text(MARGIN + columns.interval, y, f"{_bare(low, result.unit)} to {high}", _SIZE)


def _limit(value: float, unit: str) -> str:
    """A limit with as many digits as its source gives."""
    return f"{value:g}".replace("-", "\u2212") + UNIT_TEXT.get(unit, f" {unit}")


def _bare(text: str, unit: str) -> str:
    return text if unit == "deg" else text.split(" ")[0]


def judgement(result: MeasurementResult) -> str:
    """``above`` or ``below`` when the value lies outside a verified normal range, else nothing."""
    normal, value = result.normal, result.value
    if normal is None or value is None or not normal.verified:
        return ""
    if normal.low is not None and value < normal.low:
        return "below"
    if normal.high is not None and value > normal.high:
        return "above"
    return ""


def _normal_lines(result: MeasurementResult, sources: _Sources, room: float) -> list[str]:
    normal = result.normal
    if normal is None:
        return ["\u2013"]
    low = None if normal.low is None else _limit(normal.low, result.unit)
    high = None if normal.high is None else _limit(normal.high, result.unit)
    if low is not None and high is not None:
        span = f"{_bare(low, result.unit)} to {high}"
    elif low is not None:
        span = f"at least {low}"
    elif high is not None:
        span = f"at most {high}"
    else:
        span = "see source"
    judged = judgement(result)
    first = f"{span} [{sources.number(normal)}]" + (f", {judged}" if judged else "")
    lines = wrap(first, _SIZE, room)
    if not normal.verified:
        lines += ["not verified, not applied"]
    if normal.population:
        lines += wrap(normal.population, _SMALL, room)
    return lines
