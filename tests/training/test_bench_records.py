"""Measurements and confidence of the benchmarks, against values worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.engine import Engine
from core.film import Calibration, Radiograph, SpacingSource, Window
from core.matching.protocol import MatchResult, Reference
from core.measure.loader import load_catalogue
from tests.core.bank_folder import VIEW, make_bank, picture, points_of
from training.bench import confidence
from training.bench.films import BenchFilm
from training.bench.program import WatchedMatcher, plain, save_json
from training.bench.records import AUTOMATIC, GIVEN, FilmRecord, Pair, measure_film
from training.bench.tables import markdown, summarise, tables

PLACES = np.array(list(points_of(1).values()))
SPACING = Calibration(0.5, 0.5, SpacingSource.GEOMETRY, "Made up.")


class ShiftingMatcher:
    """Finds every point ``shift_px`` to the right of where it is."""

    model_sha256 = "m" * 64
    provider = "FakeExecutionProvider"

    def __init__(self, shift_px: float = 0.0, score: float = 0.95, mirrored: bool = False) -> None:
        self.shift_px, self.score, self.mirrored = shift_px, score, mirrored

    def match(self, pixels: np.ndarray, references: Sequence[Reference], **options: Any) -> list[MatchResult]:
        count = len(PLACES)
        confident = np.full(count, 0.9)
        expected = np.full(count, 3.0)
        confident[0], expected[0] = 0.1, 12.0
        return [
            MatchResult(
                view=VIEW.key,
                mirrored=self.mirrored,
                score=self.score,
                rotation_deg=0.0,
                scale=1.0,
                positions_px=PLACES + np.array([self.shift_px, 0.0]),
                per_reference_px=PLACES[None],
                expected_error_px=expected,
                spread_px=np.full(count, 1.0),
                confidence=confident,
                references=tuple(reference.key for reference in references),
            )
        ]


def film(**changes: Any) -> BenchFilm:
    radiograph = Radiograph(Path("a.png"), picture(1), (Window(0, 255),), SPACING, "f" * 64)
    return BenchFilm("a", "made up", VIEW.key, radiograph, points_px=PLACES.copy(), **changes)


def measured(tmp_path: Path, matcher: ShiftingMatcher, shown: BenchFilm, way: str = GIVEN) -> FilmRecord:
    watched = WatchedMatcher(matcher)
    engine = Engine(load_catalogue(), make_bank(tmp_path), watched)
    return measure_film(engine, watched, shown, way)


def pair(measured: float | None, exact: float, **changes: Any) -> Pair:
    values: dict[str, Any] = {
        "unit": "deg", "measured": measured, "low": None, "high": None, "exact": exact, "scene": None,
        "flagged": False,
    }  # fmt: skip
    return Pair(**values | changes)


def record(
    error_px: Sequence[float | None], expected_px: Sequence[float | None], **changes: Any
) -> FilmRecord:
    values: dict[str, Any] = {
        "name": "a", "source": "made up", "view": VIEW.key, "change": "", "way": GIVEN, "found": VIEW.key,
        "score": 0.95, "flipped": False, "found_flipped": False, "verdict": "good", "mm_per_px": 0.5,
        "height_px": 200, "seconds": 1.0, "flagged": tuple(False for _ in error_px),
    }  # fmt: skip
    return FilmRecord(**values | {"error_px": tuple(error_px), "expected_px": tuple(expected_px)} | changes)


def test_exact_points_give_exact_values(tmp_path: Path) -> None:
    shown = film(truth={VIEW.measurements[0].key: 12.5})
    found = measured(tmp_path, ShiftingMatcher(), shown)
    assert found.error_px == pytest.approx([0.0] * 17)
    assert found.expected_px == pytest.approx([12.0, *[3.0] * 16])
    assert found.flagged == (True, *[False] * 16)
    assert set(found.pairs) <= {m.key for m in VIEW.measurements}
    assert len(found.pairs) > 5
    for key, single in found.pairs.items():
        assert single.error() == pytest.approx(0.0, abs=1e-9), key
        assert single.covered() is True
    first = found.pairs[VIEW.measurements[0].key]
    assert first.scene == 12.5
    first_point = VIEW.point_keys[0]
    for definition in VIEW.measurements:
        if definition.key in found.pairs:
            assert found.pairs[definition.key].flagged is (first_point in definition.points)


def test_shifted_points_are_wrong_by_the_shift_and_measure_the_same(tmp_path: Path) -> None:
    found = measured(tmp_path, ShiftingMatcher(4.0), film())
    assert found.error_px == pytest.approx([4.0] * 17)
    assert all(abs(single.error() or 0.0) < 1e-6 for single in found.pairs.values())


def test_an_unknown_point_is_left_out(tmp_path: Path) -> None:
    shown = film()
    shown.points_px[3] = np.nan
    found = measured(tmp_path, ShiftingMatcher(), shown)
    assert found.error_px[3] is None
    assert found.expected_px[3] is None
    lost = VIEW.point_keys[3]
    assert all(lost not in m.points for m in VIEW.measurements if m.key in found.pairs)


def test_a_film_taken_for_its_mirror_image_measures_other_signs(tmp_path: Path) -> None:
    found = measured(tmp_path, ShiftingMatcher(mirrored=True), film())
    assert found.found_flipped
    assert not found.flipped
    assert max(abs(single.error() or 0.0) for single in found.pairs.values()) > 1.0


def test_a_refused_film_has_no_values_but_counts(tmp_path: Path) -> None:
    found = measured(tmp_path, ShiftingMatcher(score=0.1), film(), AUTOMATIC)
    assert (found.found, found.score, found.verdict) == ("", 0.1, "")
    assert found.error_px == (None,) * 17
    assert len(found.pairs) > 5
    assert all(single.measured is None for single in found.pairs.values())


def test_angles_differ_by_less_than_half_a_turn() -> None:
    assert pair(179.0, -179.0).error() == pytest.approx(-2.0)
    assert pair(179.0, -179.0, unit="mm").error() == pytest.approx(358.0)
    assert pair(3.0, 1.0, scene=2.5).error(scene=True) == pytest.approx(0.5)
    assert pair(None, 1.0).error() is None
    assert pair(3.0, 1.0).error(scene=True) is None


def test_an_interval_covers_what_lies_in_it_across_half_a_turn_too() -> None:
    assert pair(5.0, 7.0, low=4.0, high=7.5).covered() is True
    assert pair(5.0, 8.0, low=4.0, high=7.5).covered() is False
    assert pair(5.0, 3.9, low=4.0, high=7.5).covered() is False
    assert pair(179.5, -179.5, low=178.0, high=181.0).covered() is True
    assert pair(5.0, 7.0).covered() is None


def test_the_summary_of_a_measurement() -> None:
    pairs = [
        pair(2.0, 1.0, low=0.5, high=3.5, scene=2.5),
        pair(5.0, 8.0, low=4.0, high=6.0, flagged=True),
        pair(4.0, 4.0),
        pair(None, 3.0),
    ]
    found = summarise(pairs)
    assert (found.films, found.missing, found.flagged) == (4, 0.25, 0.25)
    assert found.mean == pytest.approx(4 / 3)
    assert found.median == pytest.approx(1.0)
    assert found.bias == pytest.approx(-2 / 3)
    assert found.mean_unflagged == pytest.approx(0.5)
    assert found.mean_scene == pytest.approx(0.5)
    assert found.coverage == pytest.approx(0.5)
    assert found.half_width == pytest.approx(1.25)
    nothing = summarise([pair(None, 3.0)])
    assert (nothing.missing, nothing.mean, nothing.coverage) == (1.0, None, None)


def test_wrong_points_and_false_alarms() -> None:
    films = [
        record([30.0, 24.0, 2.0, 4.0], [20.0, 5.0, 12.0, 2.0], flagged=(True, False, True, False)),
        record([None, 6.0], [None, 2.0]),
        record([400.0], [1.0], mm_per_px=None),  # without spacing nothing is known in millimetres
    ]
    found = confidence.point_summary(films)
    assert (found.points, found.wrong) == (5, 2)
    assert found.mean_mm == pytest.approx((15 + 12 + 1 + 2 + 3) / 5)
    assert found.flagged == 0.5
    assert found.false_alarms == pytest.approx(1 / 3)
    assert found.flagged_by_expected == 0.5  # 10 mm and 2.5 mm expected
    assert found.false_alarms_by_expected == pytest.approx(1 / 3)
    assert found.tenth_mm == pytest.approx(1.0 + 0.8 * 5.0)
    assert found.flagged_at_tenth == 0.5
    empty = confidence.point_summary([])
    assert (empty.points, empty.flagged, empty.tenth_mm, empty.rank_correlation) == (0, None, None, None)


def test_the_rank_correlation_tells_whether_doubt_tells_points_apart() -> None:
    rising = confidence.point_summary([record([1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 5.0, 9.0])])
    falling = confidence.point_summary([record([1.0, 2.0, 3.0, 4.0], [9.0, 5.0, 3.0, 2.0])])
    assert rising.rank_correlation == pytest.approx(1.0)
    assert falling.rank_correlation == pytest.approx(-1.0)


def test_coverage_by_unit() -> None:
    pairs = {
        "a": pair(5.0, 7.0, low=4.0, high=7.5),
        "b": pair(5.0, 8.0, low=4.0, high=7.5),
        "c": pair(5.0, 5.0, low=4.0, high=7.5, unit="mm"),
        "d": pair(5.0, 5.0),
    }
    found = confidence.interval_summary([record([], [], pairs=pairs)])
    assert found.intervals == 3
    assert found.coverage == pytest.approx(2 / 3)
    assert found.coverage_by_unit == {"deg": 0.5, "mm": 1.0}


def test_saved_films_are_read_again_and_other_files_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = measured(tmp_path / "bank", ShiftingMatcher(2.5), film())
    file = tmp_path / "new" / "m.json"
    save_json(file, {"records": [one.to_json()]})
    (again,) = confidence.load_records(file)
    assert again == FilmRecord.from_json(json.loads(json.dumps(plain(one.to_json()))))
    assert confidence.point_summary([again]).mean_mm == pytest.approx(2.5 * 0.5)
    assert confidence.point_summary([again]).rank_correlation is None  # all expected errors are the same
    confidence.main([str(file), "--json", str(tmp_path / "c.json")])
    assert "points     17" in capsys.readouterr().out
    assert json.loads((tmp_path / "c.json").read_text())["made up"]["all"]["points"]["points"] == 17
    for text in ("{}", "[]", "no json", '{"records": [{}]}'):
        file.write_text(text)
        with pytest.raises(SystemExit):
            confidence.main([str(file)])
        assert "training.bench.measurements" in capsys.readouterr().err


def test_numbers_are_saved_with_five_digits_and_unknown_ones_as_null() -> None:
    given = {"a": np.float64(1.23456789), "b": [np.nan, np.inf], "c": np.bool_(True), "d": (np.int64(3), "x")}
    assert plain(given) == {"a": 1.2346, "b": [None, None], "c": True, "d": [3, "x"]}


def test_the_page_names_every_measurement_and_what_is_published() -> None:
    catalogue = load_catalogue()
    lateral = record([], [], view="knee_lateral", pairs={"insall_salvati": pair(1.1, 1.0, unit="ratio")})
    films = [replace(lateral, name="b"), lateral, replace(lateral, way=AUTOMATIC)]
    ways = {way: [film for film in films if film.way == way] for way in (GIVEN, AUTOMATIC)}
    report = {
        "header": {
            "version": "1", "commit": "c", "model_sha256": "m" * 64, "bank_sha256": "b" * 64,
            "settings": {"films": 2, "split": "test", "seed": 1},
        },
        "recognised": {"made up": {"all": 1.0}},
        "confidence": {way: confidence.summary(some) for way, some in ways.items()},
        "measurements": tables(films, catalogue),
    }  # fmt: skip
    page = markdown(report, catalogue)
    assert "## Beside published figures" in page
    assert page.count("| Insall-Salvati index | ratio | 2 |") == 2
    assert "| 0.100 | 0.100 | 0.07 | 0.15 |" in page
    assert "View recognised on 100 %" in page
    widths = {line.count("|") for line in page.splitlines() if line.startswith("|")}
    assert widths == {10, 17}
