"""Rows of parts that look alike: other numberings, which of them are worth a look, and which one is kept."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import core.matching.matcher as matcher_module
from core.adapters.view_matcher import matcher_for_points, rows_of, view_matcher
from core.matching.features import Encoded
from core.matching.fit import Numbered
from core.matching.frames import normalise
from core.matching.joint import Shapes, Words, expected_jointly, plausibility
from core.matching.matcher import LandmarkMatcher
from core.matching.rows import likely_slips, numbered_otherwise, rows_among, slipped
from core.matching.search import search, whole_window
from core.measure.loader import default_catalogue
from tests.core.matching_films import CountingCache, FakeEncoder, disc_film, reference

# Six members of two points each, one below the other, and a point that belongs to none.
PITCH = 10.0
COLUMN = np.array([[x, PITCH * member] for member in range(6) for x in (-4.0, 4.0)] + [[30.0, 25.0]])
ROW = tuple((2 * member, 2 * member + 1) for member in range(6))


def people(rng: np.random.Generator, count: int = 40) -> Shapes:
    """The column of people who differ by a few percent from one member to the next, and as wholes."""
    shapes = []
    for _ in range(count):
        pitches = PITCH * rng.normal(1.0, 0.04) * (1.0 + rng.normal(0.0, 0.03, 5))
        heights = np.concatenate([[0.0], np.cumsum(pitches)]) + rng.normal(0.0, 6.0)
        shape = COLUMN.copy()
        shape[:12, 1] = np.repeat(heights, 2)
        shapes.append(shape)
    return Shapes.like(COLUMN, np.array(shapes))


def heights(points: np.ndarray) -> list[float]:
    return [float(value) for value in points[[member[0] for member in ROW], 1]]


def test_a_run_of_members_goes_to_its_neighbours_places() -> None:
    found = [(moved, heights(places)) for moved, places in slipped(COLUMN, ROW)]
    assert (6, [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]) in found
    assert (6, [-10.0, 0.0, 10.0, 20.0, 30.0, 40.0]) in found
    assert (2, [10.0, 20.0, 20.0, 30.0, 40.0, 50.0]) in found
    assert (3, [0.0, 20.0, 30.0, 40.0, 40.0, 50.0]) in found
    assert (1, [0.0, 10.0, 20.0, 30.0, 40.0, 60.0]) in found
    # One or two in the middle are not a slip of the row.
    assert not any(moved < 3 and places[0] == 0.0 and places[-1] == 50.0 for moved, places in found)
    runs, inwards = 6 * 7 // 2 - 4 - 3, 7
    assert len(found) == 2 * (runs + inwards)


def test_points_of_no_row_follow() -> None:
    for _, places in slipped(COLUMN, ROW):
        assert np.isfinite(places[:12]).all()
        assert np.isnan(places[12]).all()


@given(
    st.floats(-3.0, 3.0),
    st.floats(0.2, 5.0),
    st.tuples(st.floats(-100.0, 100.0), st.floats(-100.0, 100.0)),
    st.booleans(),
)
def test_slips_move_with_the_film(
    angle: float, scale: float, shift: tuple[float, float], mirrored: bool
) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn @ np.diag([-1.0 if mirrored else 1.0, 1.0])
    here, there = slipped(COLUMN, ROW), slipped(COLUMN @ turn.T + shift, ROW)
    for (_, places), (_, moved) in zip(here, there, strict=True):
        assert moved == pytest.approx(places @ turn.T + shift, nan_ok=True, abs=1e-6)


def test_rows_are_numbered_among_the_known_points() -> None:
    known = np.ones(13, bool)
    assert rows_among([ROW], known) == (ROW,)
    known[12] = False
    assert rows_among([ROW], known) == (ROW,)
    lower = tuple((a + 1, b + 1) for a, b in ROW)
    assert rows_among([lower], np.concatenate([[False], known])) == (ROW,)


def test_rows_hold_those_points_that_all_their_members_have() -> None:
    row = ((0, 1, 2), (3, 4, 5), (6, 7, 8))
    known = np.ones(9, bool)
    known[4] = False
    assert rows_among([row], known) == (((0, 2), (3, 4), (5, 7)),)
    known[[0, 8]] = False
    assert rows_among([row], known) == ()


def test_a_numbering_once_preferred_stays_so_unless_another_is_more_plausible_than_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def numbered(plausible: float, moved: float) -> SimpleNamespace:
        return SimpleNamespace(fit=fit, plausible=plausible, film_px=COLUMN + moved)

    fit = SimpleNamespace(view=SimpleNamespace(view="spine"), known=np.ones(len(COLUMN), bool))
    others = iter([[numbered(-81.0, 0.0)], [numbered(-83.0, 100.0)]])
    matcher = LandmarkMatcher(FakeEncoder(), CountingCache(), rows={"spine": [ROW]})
    monkeypatch.setattr(matcher_module, "Numbered", lambda _fit, _placing: numbered(-87.0, 50.0))
    monkeypatch.setattr(matcher, "_otherwise", lambda *_: next(others))
    # Laid anew, it seems less plausible than it did, and than the other.
    monkeypatch.setattr(matcher, "_held", lambda _film, _fit, at: numbered(-84.0, (at - COLUMN)[0, 0]))
    found, doubtful = matcher._numbered(np.zeros((8, 8), np.float32), fit, None)  # type: ignore[arg-type]
    assert found.film_px == pytest.approx(COLUMN)
    assert doubtful


def test_answers_to_a_single_reference_count_less_for_a_numbering() -> None:
    def plausible(references: int, support: float) -> float:
        start = SimpleNamespace(features=SimpleNamespace(keys=("a",) * references))
        fit = SimpleNamespace(start=start, shapes=people(np.random.default_rng(1)))
        said = np.full(len(COLUMN), support)
        placed = SimpleNamespace(position=COLUMN, covariance=np.tile(np.eye(2), (13, 1, 1)), support=said)
        return Numbered(fit, SimpleNamespace(placed=lambda: placed)).plausible  # type: ignore[arg-type]

    one, many = (plausible(count, -1.0) - plausible(count, -3.0) for count in (1, 40))
    assert many == pytest.approx(0.35 * 40 / 41 * 2 * 13)
    assert one == pytest.approx(0.35 / 2 * 2 * 13)


def test_two_members_in_one_place_call_for_another_numbering() -> None:
    shapes = people(np.random.default_rng(1))
    squeezed = COLUMN.copy()
    squeezed[:6, 1] += PITCH  # the upper three lie one place too low, the third where the fourth is
    likely = likely_slips(squeezed, shapes, [ROW])
    assert any(np.allclose(places[:12], COLUMN[:12]) for places in likely)
    passed_over = COLUMN.copy()
    passed_over[4:10, 1] -= PITCH  # three lie one place too high: the place above the last is nobody's
    likely = likely_slips(passed_over, shapes, [ROW])
    assert any(np.allclose(places[:12], COLUMN[:12]) for places in likely)
    # Of what fits already, only the row as a whole may be elsewhere.
    whole = likely_slips(COLUMN, shapes, [ROW])
    assert [heights(places)[1] - heights(places)[0] for places in whole] == [PITCH] * len(whole)
    assert likely_slips(COLUMN, shapes, []) == []


def test_a_squeezed_row_is_less_plausible_than_a_regular_one() -> None:
    shapes = people(np.random.default_rng(2))
    sure = np.tile(np.eye(2), (13, 1, 1))
    squeezed, off = COLUMN.copy(), COLUMN.copy()
    squeezed[:6, 1] += PITCH
    off[3, 1] += PITCH
    regular = plausibility(COLUMN, sure, shapes)
    # One point off is a wrong answer; half a row one place off is another shape.
    assert plausibility(squeezed, sure, shapes) < plausibility(off, sure, shapes) < regular


def test_members_elsewhere_are_told_from_small_differences() -> None:
    other = COLUMN + 0.3 * PITCH * np.array([0.0, 1.0])
    assert not numbered_otherwise(COLUMN, other, [ROW])
    other[:2] += 0.1 * PITCH
    assert numbered_otherwise(COLUMN, other, [ROW])
    assert not numbered_otherwise(COLUMN, other, [])


def test_held_points_are_looked_for_where_they_are_held() -> None:
    """Two points that keep their distance: the maps of both have two peaks, and one is held."""
    mean = np.array([[20.0, 20.0], [20.0, 44.0]])
    shapes = Shapes(mean, np.kron([[100.0, 99.0], [99.0, 100.0]], np.eye(2)), 10.0)
    at = np.arange(0.0, 64.0, 4.0)
    maps = np.array(
        [
            sum(np.exp(-((at[None] - x) ** 2 + (at[:, None] - y) ** 2) / 32.0) for x in (12.0, 28.0))
            for y in (20.0, 44.0)
        ],
        np.float32,
    )
    lines = np.tile(at, (2, 1))
    for x in (12.0, 28.0):
        words = Words.at(np.array([[x, 20.0], [np.nan, np.nan]]), shapes)
        assert not words.precision[1].any()
        assert not words.shift[1].any()
        belief = expected_jointly(maps, lines, lines, shapes, words).belief
        assert belief.sum(1) @ at == pytest.approx([x, x], abs=4.0)  # the peaks are 16 apart


@pytest.mark.parametrize("view", ["spine_ap", "spine_lateral", "lumbar_ap", "lumbar_lateral"])
def test_vertebrae_are_rows_from_above_to_below(view: str) -> None:
    definition = default_catalogue().view(view)
    (row,) = definition.rows
    first, last = ("t1", "l5") if view.startswith("spine") else ("t12", "l5")
    assert row.name == "Vertebrae"
    assert [part[0].split("_")[0] for part in (row.parts[0], row.parts[-1])] == [first, last]
    assert all([key.split("_", 1)[1] for key in part] == [k.split("_", 1)[1] for k in row.parts[0]]
               for part in row.parts)  # fmt: skip
    (numbers,) = rows_of(definition)
    assert [definition.point_keys[number] for number in numbers[1]] == list(row.parts[1])
    names = [key for key in definition.point_keys if key in row.points]
    assert len(rows_of(definition, names)) == 1
    assert rows_of(definition, names[1:]) == ()


def test_matchers_know_the_rows_of_their_points() -> None:
    catalogue = default_catalogue()
    view = catalogue.view("lumbar_ap")
    names = [key for key in view.point_keys if key in view.rows[0].points]
    some = matcher_for_points(FakeEncoder(), CountingCache(), catalogue, view, names)
    assert some._rows == {"lumbar_ap": rows_of(view, names)}
    every = view_matcher(FakeEncoder(), CountingCache(), catalogue)
    assert every._rows["lumbar_ap"] == rows_of(view)
    assert every._rows["knee_ap"] == ()


DISCS = np.array([[250.0, 60.0 + 50.0 * number] for number in range(8)])
BELOW = np.array([0.0, 50.0])
LINE = tuple((number,) for number in range(8))


class LookAlikes(FakeEncoder):
    """Sees that there are discs, but not which of them it is."""

    def encode(self, window: np.ndarray) -> Encoded:
        seen = super().encode(window)
        maps = (np.stack([layers[0], layers[1:].sum(0)]) for layers in (seen.coarse, seen.fine))
        coarse, fine = (layers / np.linalg.norm(layers, axis=0, keepdims=True) for layers in maps)
        return Encoded(coarse, fine, seen.code)


def started(held: np.ndarray | None) -> tuple[LandmarkMatcher, np.ndarray, Numbered]:
    """A matcher that knows a line of discs as a row, a film of them, and a fit held to places on it."""
    film = disc_film(DISCS, (500, 500), 15.0)
    placed = [DISCS + shift * BELOW for shift in (-0.6, 0.0, 0.8)]
    discs = [
        reference(str(n), film=disc_film(points, (500, 500), 15.0), points=points)
        for n, points in enumerate(placed)
    ]
    rng = np.random.default_rng(3)
    others = np.stack([DISCS * rng.normal(1.0, 0.02) + rng.normal(0.0, 2.0, (8, 2)) for _ in range(60)])
    matcher = LandmarkMatcher(LookAlikes(), CountingCache(), shapes={"discs": others}, rows={"discs": [LINE]})
    pixels = normalise(film)
    view = matcher.features(discs)
    side = matcher._encoder.input_px
    windows = [whole_window(pixels, side, mirrored=False)]
    found = search(matcher._encoder, matcher._workers, pixels, windows, [view], set())
    fit, placing = matcher._refitted(pixels, matcher._fits(pixels, found, None)[0])
    window_px = None if held is None else fit.frame.to_window(held)
    return matcher, pixels, Numbered(fit, replace(placing, held=window_px))


def test_a_row_one_place_off_is_put_right() -> None:
    for held in (None, DISCS, DISCS + BELOW, DISCS - BELOW):
        matcher, film, start = started(held)
        if held is not None:
            assert start.film_px[:, 1] == pytest.approx(held[:, 1], abs=12.0)
        kept, _ = matcher._numbered(film, start.fit, start.placing)
        assert kept.film_px == pytest.approx(DISCS, abs=12.0)
        assert len(kept.fit.view.keys) == 3  # each reference is asked alone again


def test_a_numbering_that_is_hardly_likelier_is_doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    matcher, film, start = started(DISCS)
    for margin, doubtful in ((0.0, False), (1e6, True)):
        monkeypatch.setattr("core.matching.matcher.DOUBTFUL_NUMBERING", margin)
        monkeypatch.setattr("core.matching.matcher.HOPELESS", 1e6)
        monkeypatch.setattr("core.matching.rows.LEAST_LIKELY", -1e6)
        assert matcher._numbered(film, start.fit, start.placing)[1] is doubtful


def test_the_numbering_that_was_left_makes_the_new_one_doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    matcher, film, start = started(DISCS + BELOW)
    offered = [[start.fit.frame.to_window(DISCS)], [], [start.fit.frame.to_window(DISCS)], []]
    monkeypatch.setattr("core.matching.matcher.likely_slips", lambda *_: offered.pop(0))
    for margin, doubtful in ((0.0, False), (1e6, True)):
        monkeypatch.setattr("core.matching.matcher.DOUBTFUL_NUMBERING", margin)
        kept, told = matcher._numbered(film, start.fit, start.placing)
        assert kept.film_px == pytest.approx(DISCS, abs=12.0)
        assert told is doubtful
    assert offered == []
