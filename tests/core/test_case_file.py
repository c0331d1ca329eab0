"""A saved case reads back identically; anything else is refused in words."""

import json
import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.adapters.case_file import load_case, save_case
from core.case import Case, Confirmation, Provenance, SideDecision, Verdict, VerdictLevel
from core.errors import ReadError, WriteError
from core.film import NO_SPACING, Calibration, Side, SpacingSource
from core.landmarks import Landmark, LandmarkSet

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=1e-300, allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=12)
POINTS = st.dictionaries(
    TEXTS,
    st.builds(
        Landmark,
        NUMBERS,
        NUMBERS,
        st.none() | NUMBERS,
        st.none() | NUMBERS,
        st.none() | NUMBERS,
        st.booleans(),
    ),
    max_size=4,
).map(LandmarkSet)
CASES = st.builds(
    Case,
    film_path=TEXTS,
    film_sha256=TEXTS,
    frame=st.integers(0, 10**6),
    view=TEXTS,
    view_source=TEXTS,
    side=st.builds(SideDecision, st.sampled_from(Side), TEXTS, TEXTS, st.booleans(), st.booleans()),
    landmarks=POINTS,
    automatic=POINTS,
    calibration=st.builds(
        Calibration,
        st.none() | POSITIVE,
        st.none() | POSITIVE,
        st.sampled_from(SpacingSource),
        TEXTS,
        POSITIVE,
    ),
    verdict=st.builds(
        Verdict, st.sampled_from(VerdictLevel), TEXTS, st.lists(TEXTS, max_size=3).map(tuple), TEXTS
    ),
    provenance=st.builds(
        Provenance, TEXTS, TEXTS, TEXTS, TEXTS, st.lists(TEXTS, max_size=3).map(tuple), NUMBERS
    ),
    confirmation=st.none() | st.builds(Confirmation, TEXTS, TEXTS),
    view_text=TEXTS,
    view_conflict=st.booleans(),
)
POINT = LandmarkSet(
    {"b": Landmark(1 / 3, 0.1 + 0.2, 1e-17, 5e-324, 0.5), "a": Landmark(-0.0, 7, edited=True)}
)
CASE = Case(
    film_path="/films/käse.dcm",
    film_sha256="ab" * 32,
    frame=0,
    view="ankle_ap",
    view_source="matcher",
    side=SideDecision(Side.RIGHT, "tag", "From the tag."),
    landmarks=POINT,
    automatic=POINT,
    calibration=NO_SPACING,
    verdict=Verdict(VerdictLevel.CHECK, "Look.", ("a",)),
    provenance=Provenance("1.0", "m", "b", "CPU", ("r1", "r2"), 12.5),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=CASES)
def test_loading_gives_back_what_was_saved(tmp_path, case):
    path = tmp_path / "case.json"
    save_case(case, path)
    loaded = load_case(path)
    assert loaded == case
    assert list(loaded.landmarks) == list(case.landmarks)


def test_numbers_and_order_survive_exactly(tmp_path):
    save_case(CASE, tmp_path / "case.json")
    loaded = load_case(tmp_path / "case.json")
    assert list(loaded.landmarks) == ["b", "a"]
    assert repr(loaded.landmarks["a"].x_px) == "-0.0"
    assert loaded.landmarks["b"].x_px.hex() == (1 / 3).hex()
    assert loaded == CASE


def test_a_case_saved_again_is_the_same_file(tmp_path):
    save_case(CASE, tmp_path / "a.json")
    save_case(load_case(tmp_path / "a.json"), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def refusal(path) -> ReadError:
    with pytest.raises(ReadError) as caught:
        load_case(path)
    assert caught.value.path == path
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        "not json",
        '{"format": "other", "version": 1}',
        '{"a": NaN}',
        "[" * 100_000,
        "\xff",
    ],
)
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "case.json"
    path.write_bytes(text.encode("latin-1"))
    refusal(path)


def test_a_missing_file(tmp_path):
    refusal(tmp_path / "case.json")
    refusal(tmp_path)


def changed(tmp_path, change):
    path = tmp_path / "case.json"
    save_case(CASE, path)
    root = json.loads(path.read_text())
    change(root)
    path.write_text(json.dumps(root))
    return path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r.update(version=2), "newer"),
        (lambda r: r.update(version="1"), "version"),
        (lambda r: r.update(version=True), "version"),
        (lambda r: r.pop("landmarks"), "'landmarks' is missing"),
        (lambda r: r.update(extra=1), "unknown field 'extra'"),
        (lambda r: r["film"].update(frame=-1), "film.frame"),
        (lambda r: r["film"].update(frame=0.5), "film.frame"),
        (lambda r: r["side"].update(side="middle"), "side.side"),
        (lambda r: r["side"].update(conflict=0), "side.conflict"),
        (lambda r: r["view"].update(conflict=0), "view.conflict"),
        (lambda r: r["landmarks"][0].update(x_px="3"), "landmarks[0].x_px"),
        (lambda r: r["landmarks"][0].update(x_px=10**400), "damaged"),
        (lambda r: r["landmarks"][0].pop("spread_px"), "landmarks[0].spread_px"),
        (lambda r: r["landmarks"][1].update(key="b"), "twice"),
        (lambda r: r.update(landmarks=[1]), "list of objects"),
        (lambda r: r["verdict"].update(points=[1]), "verdict.points"),
        (lambda r: r["calibration"].update(column_mm=0), "not positive"),
        (lambda r: r["calibration"].update(source="magic"), "calibration.source"),
        (lambda r: r["provenance"].update(more=[]), "provenance.more"),
        (lambda r: r.update(confirmation=[]), "confirmation"),
    ],
)
def test_wrong_fields_are_named(tmp_path, change, words):
    assert words in refusal(changed(tmp_path, change)).what


def test_an_infinite_number_written_large_is_refused(tmp_path):
    path = tmp_path / "case.json"
    save_case(CASE, path)
    path.write_text(path.read_text().replace("12.5", "1e999"))
    assert "elapsed_ms" in refusal(path).what


def test_a_position_that_is_no_number_is_not_saved(tmp_path):
    path = tmp_path / "case.json"
    save_case(CASE, path)
    before = path.read_bytes()
    with pytest.raises(WriteError, match="not a number"):
        save_case(CASE.with_point("a", float("nan"), 0.0), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["case.json"]


def test_confirmation_is_kept(tmp_path):
    done = replace(CASE, confirmation=Confirmation("Dr A", "2026-11-22T10:00:00+01:00"))
    save_case(done, tmp_path / "case.json")
    assert load_case(tmp_path / "case.json").confirmation == done.confirmation
