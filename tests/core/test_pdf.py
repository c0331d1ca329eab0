from __future__ import annotations

import os
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader

from core.adapters.pdf import write_report
from core.adapters.pdf_sheet import STATEMENT, when
from core.adapters.pdf_table import judgement
from core.adapters.pdf_text import bidi_levels, clean, runs, text_width, wrap
from core.case import Case
from core.errors import WriteError
from core.film import FilmTags
from core.measure.results import MeasurementResult
from tests.core import report_case as made

NAMES = (
    "Müller, Ánna-Łucja",
    "山田 太郎",
    "김철수",
    "محمد عبد الله",
    "כהן יוסף",
    "Петров, Иван",
    "Παπαδόπουλος",
    "Նարեկ",
)


def report(
    folder: Path,
    case: Case,
    tags: FilmTags | None = None,
    results: list[MeasurementResult] | None = None,
) -> Path:
    path = folder / "report.pdf"
    shown = made.results() if results is None else results
    write_report(path, case, made.film(tags), shown, "Test view", made.POINT_NAMES)
    return path


def page_texts(path: Path) -> list[str]:
    """The text of each page, on one line, with letter forms reduced to letters."""
    pages = [page.extract_text() for page in PdfReader(path).pages]
    return [" ".join(unicodedata.normalize("NFKC", page).split()) for page in pages]


def test_report_states_what_a_reader_needs(tmp_path: Path) -> None:
    tags = FilmTags(
        patient_name="Roe, Jane", patient_id="77-1", birth_date="1980-02-03", study_description="Foot"
    )
    path = report(tmp_path, made.case(conflict=True), tags)
    texts = page_texts(path)
    assert len(texts) in (1, 2)
    assert path.stat().st_size < 2_000_000
    whole = " ".join(texts)
    for part in (
        "OrthoMatch 9.8.7", "Roe, Jane", "77-1", "1980-02-03", "Foot", "Test view", "Left",
        "50.0 mm", "48.0 to 52.0 mm", "40 to 60 mm", "Verified A. Journal 1990; 1:1.",
        "\u221271.3°" if "\u221271.3°" in whole else "\u221271.2°", "40° to 60° [1], below",
        "No value: Two points coincide.", "a note", "A: Beta point", "B: Gamma point",
        "PixelSpacing of the file, with a fiducial.", "One point has little support.",
        "c0ffeec0ffee", "decadedecade", "TestProvider", "1.2 s", "ref-1, ref-2", "out@2",
        "Side not settled: The file says left, the references look right.",
    ):  # fmt: skip
        assert part in whole


def test_statement_and_page_number_on_every_page(tmp_path: Path) -> None:
    many = [replace(result, key=f"k{i}") for i in range(16) for result in made.results()]
    texts = page_texts(report(tmp_path, made.case(), results=many))
    assert len(texts) > 1
    for number, text in enumerate(texts, 1):
        assert STATEMENT in text
        assert f"Page {number} of {len(texts)}" in text
        assert "DRAFT" in text
        assert "Measurement Value" in text or "Measurement 90 % interval" in text or number == len(texts)


def test_every_measurement_is_listed_across_pages(tmp_path: Path) -> None:
    template = made.results()[0]
    many = [replace(template, key=f"k{i}", name=f"Length {i:02d}") for i in range(60)]
    whole = " ".join(page_texts(report(tmp_path, made.case(), results=many)))
    assert all(f"Length {i:02d}" in whole for i in range(60))


def test_a_remark_of_several_measurements_is_printed_once(tmp_path: Path) -> None:
    several = [replace(r, note="Same remark.", sign="") for r in made.results()]
    whole = " ".join(page_texts(report(tmp_path, made.case(), results=several)))
    assert whole.count("Same remark.") == 1
    assert "Inside length *" in whole


def test_draft_or_confirmed(tmp_path: Path) -> None:
    draft = page_texts(report(tmp_path, made.case()))[0]
    assert "DRAFT" in draft
    assert "Confirmed" not in draft
    done = page_texts(report(tmp_path, made.case(confirmation=made.CONFIRMED)))[0]
    assert "DRAFT" not in done
    assert "Confirmed by Dr. Vega on 2026-03-04 10:20 (UTC+01:00)" in done


@pytest.mark.parametrize("name", NAMES)
def test_names_in_any_script_can_be_read_back(tmp_path: Path, name: str) -> None:
    text = page_texts(report(tmp_path, made.case(), FilmTags(patient_name=name)))[0]
    assert unicodedata.normalize("NFKC", name) in text


def test_shaped_scripts_and_missing_glyphs_do_not_fail(tmp_path: Path) -> None:
    tags = FilmTags(
        patient_name="क्षत्रिय ทดสอบ \U0001f600 \ue000 \u202e\x07 x" + "y" * 300, institution="\u200d"
    )
    text = page_texts(report(tmp_path, made.case(), tags))[0]
    assert "[U+1F600]" in text
    assert "[U+E000]" in text


def test_same_input_gives_same_bytes(tmp_path: Path) -> None:
    tags = FilmTags(patient_name="محمد 山田 क्षत्रिय")
    first = report(tmp_path, made.case(confirmation=made.CONFIRMED), tags).read_bytes()
    assert report(tmp_path, made.case(confirmation=made.CONFIRMED), tags).read_bytes() == first


def test_only_embedded_fonts(tmp_path: Path) -> None:
    page = PdfReader(report(tmp_path, made.case(), FilmTags(patient_name="山田"))).pages[0]
    used = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    shown = [font for font in used if font["/BaseFont"] != "/Helvetica"]  # the library's unused default
    assert shown
    assert all("/FontFile2" in font["/FontDescriptor"] for font in shown)
    assert b"/F1 " not in page.get_contents().get_data().replace(b"/F1 12 Tf", b"")


def test_no_results_and_nothing_known(tmp_path: Path) -> None:
    text = page_texts(report(tmp_path, made.case(), results=[]))[0]
    assert "This view has no measurements." in text
    assert "not stated" in text


def test_unverified_range_judges_nothing() -> None:
    inside, below, doubt, none = made.results()
    assert [judgement(r) for r in (inside, below, doubt, none)] == ["", "below", "", ""]
    assert judgement(replace(inside, value=61.0)) == "above"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX permissions")
def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        target = tmp_path / "file"
        target.write_bytes(b"")
        with pytest.raises(WriteError) as caught:
            report(target, made.case())
    else:
        tmp_path.chmod(0o500)
        with pytest.raises(WriteError) as caught:
            report(tmp_path, made.case())
    assert caught.value.remedy
    assert caught.value.path is not None


def test_failed_write_keeps_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = report(tmp_path, made.case())
    before = path.read_bytes()

    def refuse(*_: object) -> None:
        raise PermissionError(13, "denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(WriteError, match="may not be written"):
        report(tmp_path, made.case(confirmation=made.CONFIRMED))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["report.pdf"]


def test_reading_direction_of_mixed_text() -> None:
    assert bidi_levels("ab 12") == [0] * 5
    assert bidi_levels("שלום 12") == [1, 1, 1, 1, 1, 2, 2]
    assert bidi_levels("a (שב) b") == [0, 0, 0, 1, 1, 0, 0, 0]
    # Brackets around Latin in a right-to-left line belong to the line.
    assert bidi_levels("של (ab)") == [1, 1, 1, 1, 2, 2, 1]
    assert next(run.text for run in runs("של ab")) == "ab"


def test_wrapping_fills_lines_and_loses_nothing() -> None:
    text = "one two three " + "w" * 90 + " four"
    lines = wrap(text, 9.0, 120.0)
    assert all(text_width(line, 9.0) <= 120.0 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert wrap("", 9.0, 100.0) == [""]
    assert clean(" a\n b\x00 ") == "a b"


def test_time_is_shown_to_the_minute() -> None:
    assert when("2026-03-04T10:20:30+01:00") == "2026-03-04 10:20 (UTC+01:00)"
    assert when("2026-03-04T10:20:30") == "2026-03-04 10:20"
    assert when("yesterday") == "yesterday"
