"""Film in, case out: side, provenance, verdict, refusals."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.adapters.bank import Bank
from core.adapters.dicom import read_film
from core.adapters.feature_cache import MemoryFeatureCache
from core.adapters.view_matcher import view_matcher
from core.case import VerdictLevel
from core.engine import Engine, blank_case, decide_side
from core.errors import CatalogueError, MatchError
from core.film import NO_SPACING, Calibration, FilmTags, Radiograph, Side, SpacingSource, Window
from core.landmarks import Landmark, LandmarkSet
from core.matching.confidence import LOOK_BEYOND_MM
from core.matching.verdict import FILM_FITS, judge, with_spacing
from core.measure.definitions import Catalogue, RowDefinition
from core.measure.evaluate import shows_flipped
from core.measure.loader import load_catalogue
from core.overlay import needs_look
from core.resources import resource_path
from tests.core.bank_folder import VIEW, make_bank, picture, points_of
from tests.core.fake_matches import found

CATALOGUE = load_catalogue()
LEFT, RIGHT = Side.LEFT, Side.RIGHT


def tags(laterality, stored_mirrored):
    return FilmTags(laterality=laterality, patient_orientation=("R", "F") if stored_mirrored else ("L", "F"))


# canonical side LEFT. Looks flipped, stored mirrored -> what the anatomy says.
@pytest.mark.parametrize(
    ("flipped", "stored", "seen"),
    [(False, False, LEFT), (True, False, RIGHT), (False, True, RIGHT), (True, True, LEFT)],
)
@pytest.mark.parametrize("tag", [None, LEFT, RIGHT])
def test_side_from_tag_and_look(flipped, stored, seen, tag):
    assert VIEW.canonical_side is LEFT
    decision = decide_side(VIEW, flipped, tags(tag, stored), None)
    assert decision.side is (tag or seen)
    assert decision.source == ("tag" if tag else "matcher")
    assert decision.conflict is (tag is not None and tag is not seen)
    assert seen in decision.text
    if tag:
        assert f"tag says {tag}" in decision.text


@pytest.mark.parametrize("user", [LEFT, RIGHT])
def test_the_user_has_the_last_word(user):
    for flipped, stored, tag in itertools.product((False, True), (False, True), (None, LEFT, RIGHT)):
        decision = decide_side(VIEW, flipped, tags(tag, stored), user)
        assert decision.side is user
        assert decision.source == "user"
        assert not decision.conflict


@pytest.mark.parametrize("flipped", [False, True])
def test_a_view_of_both_sides_has_no_side_to_decide(flipped):
    view = replace(VIEW, canonical_side=Side.BOTH, symmetric=True)
    for tag, user in itertools.product((None, LEFT, RIGHT), (None, LEFT, RIGHT)):
        decision = decide_side(view, flipped, tags(tag, flipped), user)
        assert decision.side is Side.BOTH
        assert not decision.conflict
        assert shows_flipped(view, decision.side, mirrored=decision.mirrored) is flipped


def test_side_and_mirror_together_say_what_the_image_shows():
    sides = (None, LEFT, RIGHT)
    for view, flipped, stored, tag, user in itertools.product(
        (VIEW, replace(VIEW, canonical_side=RIGHT)), (False, True), (False, True), sides, sides
    ):
        decision = decide_side(view, flipped, tags(tag, stored), user)
        assert shows_flipped(view, decision.side, mirrored=decision.mirrored) is flipped


class FixedMatcher:
    """Puts the points where a test wants them."""

    model_sha256 = "m" * 64
    provider = "FakeExecutionProvider"

    def __init__(self, score=0.95, mirrored=False, confidence=0.9, lost=(), **changes):
        self.score, self.mirrored, self.confidence, self.lost = score, mirrored, confidence, lost
        self.changes = changes
        self.asked, self.expected = [], {}

    def match(self, pixels, references, *, limit=None, expected=None, **options):
        self.asked.append((len(references), limit))
        self.expected = expected
        places = np.array(list(points_of(1).values()))
        places[list(self.lost)] = np.nan
        confidence = np.full(len(places), self.confidence)
        changes = {"score": self.score, "mirrored": self.mirrored, "confidence": confidence} | self.changes
        return [found(VIEW.key, references, places, **changes)]


def film(seed=1, **changes):
    values = {
        "path": Path("film.png"), "pixels": picture(seed), "windows": (Window(0, 255),),
        "calibration": NO_SPACING, "sha256": "f" * 64,
    }  # fmt: skip
    return Radiograph(**values | changes)


@pytest.fixture
def bank(tmp_path):
    return make_bank(tmp_path)


def test_a_case_holds_what_was_found(bank):
    matcher = FixedMatcher()
    engine = Engine(CATALOGUE, bank, matcher)
    case = engine.analyse(film(), references=1)
    assert matcher.asked == [(2, 1)]
    assert (case.view, case.view_source) == (VIEW.key, "matcher")
    assert case.is_draft
    assert tuple(case.landmarks) == VIEW.point_keys
    assert case.landmarks == case.automatic
    point = case.landmarks[VIEW.point_keys[0]]
    assert (point.x_px, point.y_px) == pytest.approx(points_of(1)[VIEW.point_keys[0]])
    assert (point.expected_error_px, point.spread_px, point.confidence) == (2.0, 1.0, 0.9)
    assert case.provenance.model_sha256 == "m" * 64
    assert case.provenance.bank_sha256 == bank.sha256
    assert case.provenance.provider == engine.provider == "FakeExecutionProvider"
    assert case.provenance.references == ("r1", "r2")
    assert case.provenance.elapsed_ms > 0
    assert case.film_sha256 == "f" * 64
    results = engine.measure(case)
    assert [r.key for r in results] == [m.key for m in VIEW.measurements]


def test_the_side_of_a_mirrored_match(bank):
    engine = Engine(CATALOGUE, bank, FixedMatcher(mirrored=True))
    assert engine.analyse(film()).side.side is RIGHT
    asked = engine.analyse(film(), side=LEFT).side
    assert (asked.side, asked.source, asked.mirrored) == (LEFT, "user", True)


@pytest.mark.parametrize(
    ("tag", "user", "stored_mirrored", "mirrored"),
    [(None, None, False, None), (LEFT, None, False, False), (RIGHT, None, False, True),
     (LEFT, RIGHT, False, True), (RIGHT, None, True, False), (Side.BOTH, None, False, None)],
)  # fmt: skip
def test_the_matcher_is_told_how_a_film_of_the_known_side_looks(bank, tag, user, stored_mirrored, mirrored):
    matcher = FixedMatcher()
    orientation = ("R", "F") if stored_mirrored else ()
    tags = FilmTags(laterality=tag, patient_orientation=orientation)
    assert tags.stored_mirrored is stored_mirrored
    Engine(CATALOGUE, bank, matcher).analyse(film(tags=tags), side=user)
    assert matcher.expected.get(VIEW.key) is mirrored
    both = [key for key, view in CATALOGUE.views.items() if view.canonical_side is Side.BOTH]
    assert both
    assert not set(both) & set(matcher.expected)


def test_an_image_that_hardly_tells_its_side_is_not_said_to_agree():
    sure = decide_side(VIEW, False, FilmTags(laterality=LEFT), None)
    doubtful = decide_side(VIEW, False, FilmTags(laterality=LEFT), None, doubtful=True)
    assert "agrees" in sure.text
    assert "agrees" not in doubtful.text
    assert "hardly tells its side" in doubtful.text
    assert replace(doubtful, text=sure.text) == sure


def test_points_that_no_reference_knows_are_left_out(bank):
    engine = Engine(CATALOGUE, bank, FixedMatcher(lost=(2,)))
    case = engine.analyse(film())
    assert VIEW.point_keys[2] not in case.landmarks
    assert len(case.landmarks) == len(VIEW.points) - 1
    results = engine.measure(case)
    missing = [m.key for m in VIEW.measurements if VIEW.point_keys[2] in m.points]
    assert missing
    for result in results:
        assert (result.value is None) == (result.key in missing)
        assert bool(result.reason) == (result.key in missing)


def test_a_foreign_film_is_refused_unless_the_view_is_given(bank):
    engine = Engine(CATALOGUE, bank, FixedMatcher(score=FILM_FITS - 0.01))
    with pytest.raises(MatchError, match="looks like no view") as caught:
        engine.analyse(film())
    assert VIEW.name in caught.value.remedy
    assert caught.value.path == Path("film.png")
    case = engine.analyse(film(), view=VIEW.key)
    assert case.view_source == "user"
    assert case.verdict.level is VerdictLevel.OUTSIDE
    assert case.verdict.points == VIEW.point_keys


def test_an_empty_bank_and_unknown_or_absent_views(bank, tmp_path):
    with pytest.raises(MatchError, match="no reference"):
        Engine(CATALOGUE, Bank(tmp_path, "", ()), FixedMatcher()).analyse(film())
    engine = Engine(CATALOGUE, bank, FixedMatcher())
    with pytest.raises(MatchError, match="of view 'hand_pa'"):
        engine.analyse(film(), view="hand_pa")
    with pytest.raises(CatalogueError, match="Did you mean"):
        engine.analyse(film(), view="ankle_app")


def test_a_view_that_must_be_chosen_is_not_found_by_itself(bank):
    catalogue = Catalogue({VIEW.key: replace(VIEW, chosen_only=True)})
    engine = Engine(catalogue, bank, FixedMatcher())
    with pytest.raises(MatchError, match="no reference"):
        engine.analyse(film())
    assert engine.analyse(film(), view=VIEW.key).view == VIEW.key


def test_the_verdict_names_the_points_to_look_at():
    sure = {key: Landmark(1.0, 2.0, confidence=0.9) for key in VIEW.point_keys}
    assert judge(1.0, LandmarkSet(sure), VIEW.point_keys).level is VerdictLevel.GOOD
    unsure = {VIEW.point_keys[i]: Landmark(1.0, 2.0, confidence=0.3) for i in (1, 4)}
    verdict = judge(1.0, LandmarkSet({**sure, **unsure}), VIEW.point_keys)
    assert verdict.level is VerdictLevel.CHECK
    assert verdict.points == (VIEW.point_keys[1], VIEW.point_keys[4])


def test_points_not_to_be_left_to_the_program_must_be_looked_at_however_sure_it_is(bank):
    first, last = VIEW.points[0], VIEW.points[-1]
    points = (replace(first, caution="Set by hand."), *VIEW.points[1:])
    view = replace(VIEW, points=points)
    engine = Engine(
        replace(CATALOGUE, views={**CATALOGUE.views, view.key: view}), bank, FixedMatcher(confidence=0.9)
    )
    case = engine.analyse(film(calibration=NO_SPACING))
    assert case.verdict.level is VerdictLevel.CHECK
    assert case.verdict.points == (first.key,)
    # A spacing marks other points, but does not take that one off the list.
    changed = case
    for spacing_mm, marked in ((0.1, (first.key,)), (3.0, VIEW.point_keys), (0.1, (first.key,))):
        calibration = Calibration(spacing_mm, spacing_mm, SpacingSource.USER, "")
        changed = with_spacing(changed, calibration, view.cautioned)
        assert changed.verdict.points == marked
    assert needs_look(case, first.key)
    assert not needs_look(case, last.key)
    assert not needs_look(case.with_point(first.key, 3.0, 4.0), first.key)


def test_an_error_that_is_large_in_millimetres_must_be_looked_at(bank):
    engine = Engine(CATALOGUE, bank, FixedMatcher(confidence=0.9))  # it expects 2 px
    for spacing_mm, level in ((None, VerdictLevel.GOOD), (0.1, VerdictLevel.GOOD), (3.0, VerdictLevel.CHECK)):
        calibration = Calibration(spacing_mm, spacing_mm, SpacingSource.DETECTOR, "")
        case = engine.analyse(film(calibration=calibration))
        assert case.verdict.level is level
    assert case.landmarks[VIEW.point_keys[0]].confidence == pytest.approx(1 / (1 + (6 / LOOK_BEYOND_MM) ** 2))


def test_a_spacing_of_the_user_s_own_tells_again_what_to_look_at(bank):
    """Points are marked as if the file had given the spacing; what a person placed stays unmarked."""
    engine = Engine(CATALOGUE, bank, FixedMatcher(confidence=0.9))  # it expects 2 px
    coarse = Calibration(3.0, 3.0, SpacingSource.USER, "")
    case = engine.analyse(film(calibration=NO_SPACING)).with_point(VIEW.point_keys[2], 5.0, 6.0)
    changed = with_spacing(case, coarse)
    from_file = engine.analyse(film(calibration=coarse))
    assert changed.calibration == coarse
    assert changed.verdict == from_file.verdict
    assert changed.automatic == from_file.automatic
    assert changed.landmarks[VIEW.point_keys[0]] == from_file.landmarks[VIEW.point_keys[0]]
    assert changed.landmarks[VIEW.point_keys[2]] == case.landmarks[VIEW.point_keys[2]]
    finer = with_spacing(changed, replace(coarse, column_mm=0.1, row_mm=0.1))
    assert finer.verdict.level is VerdictLevel.GOOD
    assert with_spacing(changed, NO_SPACING).verdict == changed.verdict
    outside = replace(case, verdict=replace(case.verdict, level=VerdictLevel.OUTSIDE))
    assert with_spacing(outside, coarse).verdict == outside.verdict


def test_parts_that_may_be_one_off_are_to_be_counted(bank):
    row = RowDefinition("Posts", tuple((key,) for key in VIEW.point_keys[:3]))
    engine = Engine(
        Catalogue({VIEW.key: replace(VIEW, rows=(row,))}), bank, FixedMatcher(numbering_doubtful=True)
    )
    case = engine.analyse(film(calibration=NO_SPACING))
    assert case.verdict.level is VerdictLevel.CHECK
    assert case.verdict.points == ()
    assert case.verdict.text.startswith("Posts may be numbered one off: count them. ")
    # A spacing judges the points anew; the parts are still to be counted.
    for spacing_mm, weak in ((0.1, ()), (3.0, VIEW.point_keys)):
        changed = with_spacing(case, Calibration(spacing_mm, spacing_mm, SpacingSource.USER, ""))
        assert (changed.verdict.level, changed.verdict.points) == (VerdictLevel.CHECK, weak)
        assert changed.verdict.text.startswith(case.verdict.note)
    sure = Engine(CATALOGUE, bank, FixedMatcher()).analyse(film(calibration=NO_SPACING))
    assert (sure.verdict.level, sure.verdict.note) == (VerdictLevel.GOOD, "")


def test_a_spacing_says_nothing_of_points_that_no_reference_placed():
    case = blank_case(film(calibration=NO_SPACING), VIEW)
    changed = with_spacing(case, Calibration(0.1, 0.1, SpacingSource.USER, ""))
    assert changed.verdict == case.verdict
    assert changed.verdict.level is VerdictLevel.CHECK


def test_settling_the_side_keeps_what_the_image_shows(bank):
    for mirrored, user in itertools.product((False, True), (None, LEFT, RIGHT)):
        case = Engine(CATALOGUE, bank, FixedMatcher(mirrored=mirrored)).analyse(film(), side=user)
        for settled in (LEFT, RIGHT):
            changed = case.with_side(settled)
            assert changed.side.side is settled
            assert changed.side.source == "user"
            assert not changed.side.conflict
            assert shows_flipped(VIEW, settled, mirrored=changed.side.mirrored) is mirrored
            back = changed.with_side(settled.other)
            assert shows_flipped(VIEW, settled.other, mirrored=back.side.mirrored) is mirrored


def test_changes_make_a_confirmed_case_a_draft(bank):
    case = Engine(CATALOGUE, bank, FixedMatcher()).analyse(film()).confirmed("A", "2026-01-01T00:00:00+00:00")
    assert not case.is_draft
    key = VIEW.point_keys[0]
    for changed in (
        case.with_point(key, 1.0, 2.0),
        case.with_side(RIGHT),
        case.with_calibration(NO_SPACING),
        case.with_automatic(),
    ):
        assert changed.is_draft
    moved = case.with_point(key, 1.0, 2.0)
    assert moved.landmarks[key].edited
    assert moved.with_automatic(key).landmarks[key] == case.automatic[key]


@pytest.fixture(scope="session")
def demo():
    return read_film(resource_path("assets", "demo", "RG3.dcm"))


@pytest.fixture(scope="session")
def demo_case(engine, demo):
    return engine.analyse(demo, view="hand_pa")


def test_real_model_gives_every_point_as_a_number(engine, demo, demo_case):
    view = engine.catalogue.view("hand_pa")
    assert tuple(demo_case.landmarks) == view.point_keys
    for point in demo_case.landmarks.points.values():
        assert np.isfinite([point.x_px, point.y_px, point.expected_error_px, point.spread_px]).all()
        assert 0.0 <= point.confidence <= 1.0
        assert point.expected_error_px > 0
    assert demo_case.provenance.model_sha256 == engine.matcher.model_sha256
    assert demo_case.provenance.bank_sha256 == engine.bank.sha256
    assert len(demo_case.provenance.references) == len(engine.bank.references(engine.catalogue, "hand_pa"))
    results = engine.measure(demo_case)
    assert [r.key for r in results] == [m.key for m in view.measurements]
    assert all((r.value is None) == bool(r.reason) for r in results)


def test_real_model_twice_and_from_a_fresh_cache(engine, demo, demo_case):
    again = engine.analyse(demo, view="hand_pa")
    assert again.landmarks == demo_case.landmarks
    matcher = view_matcher(engine.matcher._encoder, MemoryFeatureCache(), engine.catalogue)
    fresh = Engine(engine.catalogue, engine.bank, matcher)
    few = fresh.analyse(demo, view="hand_pa", references=2)
    assert len(few.provenance.references) == 2
    known = engine.analyse(demo, view="hand_pa", references=2)
    assert few.landmarks.positions_px() == pytest.approx(known.landmarks.positions_px(), abs=1e-3)


def test_real_model_follows_the_mirror_image(engine, demo):
    """Only that the stored mirror image swaps what is tried: both orders see the same two windows."""
    references = engine.bank.references(engine.catalogue, "ankle_ap")
    plain = engine.matcher.match(demo.pixels, references, limit=2)[0]
    flipped = np.ascontiguousarray(demo.pixels[:, ::-1])
    mirror = engine.matcher.match(flipped, references, limit=2)[0]
    assert mirror.mirrored is not plain.mirrored
    expected = plain.positions_px * [-1.0, 1.0] + [demo.size_px[0] - 1.0, 0.0]
    assert mirror.positions_px == pytest.approx(expected, abs=0.02 * demo.size_px[0])
