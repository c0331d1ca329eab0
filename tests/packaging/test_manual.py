"""The pages in docs/manual are those that the definitions give."""

from __future__ import annotations

from pathlib import Path

from core.measure.loader import load_catalogue
from core.measure.manual import manual_markdown

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "manual"


def test_manual_is_up_to_date() -> None:
    views = load_catalogue().views
    assert {page.stem for page in MANUAL.glob("*.md")} == set(views)
    stale = [
        key
        for key, view in views.items()
        if (MANUAL / f"{key}.md").read_text(encoding="utf-8") != manual_markdown(view)
    ]
    assert not stale, f"run: orthomatch manual docs/manual (out of date: {', '.join(stale)})"
