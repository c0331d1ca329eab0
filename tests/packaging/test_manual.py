"""The pages in docs/manual are those that the definitions and the shipped bank give."""

from __future__ import annotations

import re
from pathlib import Path

import cv2

from core.adapters.bank import load_bank
from core.manual import IMAGES, drawn_views, manual_pages
from core.measure.loader import load_catalogue

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "manual"
LARGEST_BYTES = 12_000_000
AGAIN = "run: orthomatch manual docs/manual"


def test_manual_is_up_to_date() -> None:
    catalogue = load_catalogue()
    pages = manual_pages(catalogue, drawn_views(catalogue, load_bank()))
    assert {page.stem for page in MANUAL.glob("*.md")} == set(pages), AGAIN
    stale = [key for key, text in pages.items() if (MANUAL / f"{key}.md").read_text(encoding="utf-8") != text]
    assert not stale, f"{AGAIN} (out of date: {', '.join(stale)})"


def test_every_measurement_of_a_view_with_references_is_drawn() -> None:
    catalogue = load_catalogue()
    for key in {entry.view for entry in load_bank().entries}:
        for measurement in catalogue.view(key).measurements:
            picture = cv2.imread(str(MANUAL / IMAGES / key / f"{measurement.key}.jpg"))
            assert picture is not None, f"{key}/{measurement.key} has no drawing; {AGAIN}"
            assert max(picture.shape) >= 300
            assert picture.std() > 10.0  # something is on it


def test_pages_and_pictures_belong_together_and_stay_small() -> None:
    shown = {
        (MANUAL / name).resolve()
        for page in MANUAL.glob("*.md")
        for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    }
    stored = {path.resolve() for path in (MANUAL / IMAGES).rglob("*") if path.is_file()}
    assert stored == shown, AGAIN
    assert sum(path.stat().st_size for path in stored) <= LARGEST_BYTES
