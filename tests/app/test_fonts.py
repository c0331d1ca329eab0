"""Names in any script on screen."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QFont, QFontDatabase, QTextLayout

from app.main import load_fonts


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(
    "name",
    ["Ánna-Łucja", "山田 太郎 やまだ ﾀﾛｳ", "王小东", "김희중",
     "قباني, لنزار", "שרון", "นารี", "नमस्ते", "Նարեկ", "Διονυσιος", "Люкcей"],
)  # fmt: skip
def test_no_letter_is_a_box(name: str) -> None:
    if "김" in name and "Droid Sans Fallback" in QFontDatabase.families():
        pytest.skip("the computer's own font of that name may lack Hangul and hides the program's")
    load_fonts()
    layout = QTextLayout(name, QFont())
    layout.beginLayout()
    layout.createLine()
    layout.endLayout()
    glyphs = [glyph for run in layout.glyphRuns() for glyph in run.glyphIndexes()]
    assert glyphs
    assert all(glyphs)
