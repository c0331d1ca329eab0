"""Text of any script on a PDF page: a font for each run of characters, shaping and reading direction.

Direction follows the Unicode bidirectional algorithm (UAX 9) in its implicit part: no embedding or
isolate controls, which do not occur in the header of a film.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from reportlab.lib.abag import ABag
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont, shapeFragWord
from reportlab.pdfgen.canvas import Canvas

from core.errors import WriteError
from core.resources import resource_path

_REGULAR, _BOLD = "NotoSans-Regular", "NotoSans-Bold"
_OTHERS = (
    "NotoSansHebrew-Regular",
    "NotoSansArabic-Regular",
    "NotoSansDevanagari-Regular",
    "NotoSansThai-Regular",
    "DroidSansFallback",
    "DejaVuSans",
)
_SHAPED = frozenset({"NotoSansArabic-Regular", "NotoSansDevanagari-Regular", "NotoSansThai-Regular"})
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")


@dataclass(frozen=True)
class Run:
    """Characters in one font and one direction, in logical order."""

    text: str
    font: str
    right_to_left: bool = False


@lru_cache(maxsize=1)
def _fonts() -> dict[str, frozenset[int]]:
    """Every font with the characters it holds; registers them with the PDF library."""
    found = {}
    for name in (_REGULAR, _BOLD, *_OTHERS):
        path = resource_path("assets", "fonts", f"{name}.ttf")
        try:
            font = TTFont(name, str(path), shapable=name in _SHAPED)
        except Exception as error:  # the library raises its own and plain errors alike
            raise WriteError(
                "The report font cannot be read", path=path, remedy="Install the program again."
            ) from error
        pdfmetrics.registerFont(font)
        # Beyond the basic plane the library writes a wrong text layer, so such characters count as missing.
        found[name] = frozenset(code for code in font.face.charToGlyph if code <= 0xFFFF)
    return found


def clean(text: str) -> str:
    """``text`` composed, on one line, without controls; a character no font holds becomes its code."""
    fonts = _fonts()
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    shown = []
    for char in line:
        if unicodedata.category(char) in ("Cc", "Cf", "Cs") and char not in "\u200c\u200d":
            continue
        held = any(ord(char) in fonts[name] for name in (_REGULAR, *_OTHERS))
        shown.append(char if held or char in "\u200c\u200d" else f"[U+{ord(char):04X}]")
    return "".join(shown)


def runs(text: str, *, bold: bool = False) -> list[Run]:
    """The runs of ``clean`` text in the order in which they stand on the line, left to right."""
    levels = bidi_levels(text)
    pieces: list[tuple[int, Run]] = []
    font = ""
    for char, level in zip(text, levels, strict=True):
        font = _font_for(char, font, bold)
        if pieces and pieces[-1][0] == level and pieces[-1][1].font == font:
            pieces[-1] = (level, Run(pieces[-1][1].text + char, font, level % 2 == 1))
        else:
            pieces.append((level, Run(char, font, level % 2 == 1)))
    # Rule L2: from the highest level down, reverse every stretch at that level or above.
    for level in range(max(levels, default=0), 0, -1):
        start = 0
        while start < len(pieces):
            end = start
            while end < len(pieces) and pieces[end][0] >= level:
                end += 1
            pieces[start:end] = pieces[start:end][::-1]
            start = end + 1
    return [run for _, run in pieces]


def _font_for(char: str, previous: str, bold: bool) -> str:
    fonts = _fonts()
    joins = char in "\u200c\u200d" or unicodedata.category(char).startswith("M")
    if previous in _OTHERS and (joins or char == " ") and (ord(char) in fonts[previous] or joins):
        return previous
    for name in (_BOLD if bold else _REGULAR, *_OTHERS):
        if ord(char) in fonts[name]:
            return name
    return _REGULAR


def bidi_levels(text: str) -> list[int]:
    """The embedding level of each character: 0 left to right, 1 right to left, 2 numbers and Latin in it."""
    kinds = [unicodedata.bidirectional(char) for char in text]
    strong = [k for k in kinds if k in ("L", "R", "AL")]
    if not any(k in ("R", "AL") for k in strong):
        return [0] * len(text)
    base = 0 if strong[0] == "L" else 1
    resolved = _resolve(kinds, text, "R" if base else "L")
    numbers = {"L": 0 if base == 0 else 2, "R": 1, "N": 2}
    return [numbers[kind] for kind in resolved]


def _resolve(kinds: list[str], text: str, base: str) -> list[str]:
    """Bidi classes reduced to L, R and N (a number set right to left); rules W1 to W7 and N0 to N2."""
    result: list[str] = []
    strong = base
    for index, kind in enumerate(kinds):
        if kind == "NSM":
            result.append(result[-1] if result else strong)
            continue
        if kind in ("L", "R", "AL"):
            strong = "L" if kind == "L" else "R"
            result.append(strong)
        elif kind in ("EN", "AN"):
            result.append("L" if strong == "L" and kind == "EN" else "N")
        elif kind in ("ES", "CS", "ET") and result and result[-1] == "N" and _number_next(kinds, index):
            result.append("N")
        else:
            result.append("?")
    _brackets(result, text, base)
    return list(_neutrals(result, base))


def _brackets(kinds: list[str], text: str, base: str) -> None:
    """Give both brackets of a pair one direction (rule N0): that of the line if anything inside has it."""
    opened: list[int] = []
    for index, char in enumerate(text):
        if kinds[index] != "?" or char not in "()[]{}":
            continue
        if char in "([{":
            opened.append(index)
        elif opened and text[opened[-1]].translate(_MIRRORED) == char:
            start = opened.pop()
            inside = {"R" if k == "N" else k for k in kinds[start + 1 : index]} - {"?"}
            if not inside:
                continue
            before = next((k for k in reversed(kinds[:start]) if k != "?"), base)
            direction = base if base in inside else "L" if before == "L" else "R"
            kinds[start] = kinds[index] = direction


def _number_next(kinds: list[str], index: int) -> bool:
    return index + 1 < len(kinds) and kinds[index + 1] in ("EN", "AN")


def _neutrals(kinds: list[str], base: str) -> Iterator[str]:
    for index, kind in enumerate(kinds):
        if kind != "?":
            yield kind
            continue
        before = next((k for k in reversed(kinds[:index]) if k != "?"), base)
        after = next((k for k in kinds[index:] if k != "?"), base)
        sides = {"R" if k == "N" else k for k in (before, after)}
        yield sides.pop() if len(sides) == 1 else base


def _shape(run: Run, size: float) -> tuple[str, float]:
    """The run's characters in visual order and its width in points."""
    if run.font in _SHAPED:
        if not pdfmetrics.getFont(run.font).shapable:
            raise WriteError(
                "The text shaper for Arabic, Devanagari and Thai is missing",
                remedy="Install the program again.",
            )
        # Without discretionary ligatures: those add vowel signs that the file does not have.
        word = [0.0, (ABag(fontName=run.font, fontSize=size), run.text)]
        shaped = shapeFragWord(word, features={"kern": True, "liga": True, "dlig": False}, force=True)[1][1]
        return shaped, sum(part.x_advance for part in shaped.__shapeData__) * size / 1000.0
    text = run.text
    if run.right_to_left:
        text = _reverse_clusters(text.translate(_MIRRORED))
    return text, float(pdfmetrics.stringWidth(text, run.font, size))


def _reverse_clusters(text: str) -> str:
    clusters: list[str] = []
    for char in text:
        if clusters and unicodedata.category(char).startswith("M"):
            clusters[-1] += char
        else:
            clusters.append(char)
    return "".join(reversed(clusters))


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Width in points of one line."""
    return sum(_shape(run, size)[1] for run in runs(clean(text), bold=bold))


def wrap(text: str, size: float, width: float, *, bold: bool = False) -> list[str]:
    """``text`` broken into lines no wider than ``width`` points: at blanks, inside a word where it must."""
    lines: list[str] = []
    line = ""
    for word in clean(text).split(" "):
        candidate = f"{line} {word}" if line else word
        if text_width(candidate, size, bold=bold) <= width:
            line = candidate
            continue
        if line:
            lines.append(line)
        line = word
        while len(line) > 1 and text_width(line, size, bold=bold) > width:
            cut = len(line) - 1
            while cut > 1 and text_width(line[:cut], size, bold=bold) > width:
                cut -= 1
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line] if line or not lines else lines


def draw(
    canvas: Canvas, x: float, y: float, text: str, size: float, *, bold: bool = False, align: str = "left"
) -> float:
    """Draw one line with its baseline at ``y`` points; returns its width.

    ``align`` says whether ``x`` is the line's ``left`` edge, its ``right`` edge or its ``centre``.
    """
    pieces = [(run, *_shape(run, size)) for run in runs(clean(text), bold=bold)]
    width = sum(part for _, _, part in pieces)
    at = x - {"left": 0.0, "right": width, "centre": width / 2.0}[align]
    for run, shown, part in pieces:
        canvas.setFont(run.font, size)
        line = canvas.beginText(at, y)
        line.textOut(shown)
        canvas.drawText(line)
        at += part
    return width
