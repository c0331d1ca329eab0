"""The matcher with an encoder that answers exactly: what goes in moves what comes out."""

import math
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from core.adapters.feature_cache import DiskFeatureCache, MemoryFeatureCache
from core.errors import Cancelled, MatchError
from core.film import Side
from core.matching import fit as fit_module
from core.matching import matcher as matcher_module
from core.matching import search as search_module
from core.matching.canonical import CanonicalWindow, window_size
from core.matching.closeups import close_groups, close_ups
from core.matching.confidence import ErrorModel
from core.matching.features import CANONICAL_MARGIN, FURTHER_WORTH, SHAKES, worths
from core.matching.fit import UNEXPECTED, best_of_each_view
from core.matching.frames import Frame
from core.matching.matcher import SUPPORT_SHARE, USUAL_SUPPORT, VOTERS, LandmarkMatcher
from core.matching.parallel import MOST
from core.matching.search import Found, best_of_each_look
from core.matching.shafts import Shaft, at_levels
from core.matching.shape import mean_shape
from tests.core.matching_films import (
    LAYOUT,
    CountingCache,
    FakeEncoder,
    disc_film,
    moved,
    never_read,
    reference,
    square_film,
)

TOLERANCE = 0.01
"""Of the film's longer side: the discs are found in windows of 256 pixels, to about two of them."""


def matcher(**changes):
    return LandmarkMatcher(
        changes.pop("encoder", None) or FakeEncoder(), changes.pop("cache", None) or CountingCache()
    )


def worst(result, points):
    return float(np.linalg.norm(result.positions_px - points, axis=1).max())


def turn(angle_deg, scale=1.0):
    c, s = math.cos(math.radians(angle_deg)) * scale, math.sin(math.radians(angle_deg)) * scale
    return np.array([[c, -s], [s, c]])


def test_a_film_onto_itself():
    film, points = square_film()
    (result,) = matcher().match(film, [reference()])
    canonical_px = 512 * np.ptp(LAYOUT, axis=0).max() / (256 * 0.72)  # film pixels per window pixel
    assert worst(result, points) < 0.5 * canonical_px
    assert result.view == "discs"
    assert result.mirrored is False
    assert result.references == ("a",)
    assert abs(result.rotation_deg) < 1.0
    assert 0.5 < result.score <= 1.0
    assert result.confidence.min() > 0.5
    assert result.per_reference_px.shape == (1, 8, 2)
    assert result.per_reference_px[0] == pytest.approx(result.positions_px, abs=1.0)
    assert (result.expected_error_px > 0).all()


@pytest.mark.parametrize("shift", [(40, 0), (-60, 30), (20, 55)])
def test_shifted(shift):
    _, points = square_film()
    target = points + shift
    (result,) = matcher().match(disc_film(target, (512, 512), 25.0), [reference()])
    assert worst(result, target) < TOLERANCE * 512


@pytest.mark.parametrize("angle", [-25, -15, 15, 25])
def test_turned(angle):
    _, points = square_film()
    target = moved(points, turn(angle, 0.85), (255.5, 255.5), (0, 0))
    (result,) = matcher().match(disc_film(target, (512, 512), 21.0), [reference()])
    assert worst(result, target) < TOLERANCE * 512
    assert result.rotation_deg == pytest.approx(-angle, abs=2.0)


@pytest.mark.parametrize("side", [64, 200, 1000, 4000])
def test_other_film_sizes(side):
    film, points = square_film(side)
    (result,) = matcher().match(film, [reference()])
    assert worst(result, points) < TOLERANCE * side


@pytest.mark.parametrize("scale", [0.5, 0.7])
def test_smaller_on_the_same_film(scale):
    _, points = square_film()
    target = moved(points, turn(0, scale), (255.5, 255.5), (30, -20))
    (result,) = matcher().match(disc_film(target, (512, 512), 25.0 * scale), [reference()])
    assert worst(result, target) < TOLERANCE * 512


@pytest.mark.parametrize("size", [(512, 900), (900, 512)])
def test_wide_and_tall_films(size):
    _, points = square_film()
    target = points + (np.array(size) - 512) / 2
    (result,) = matcher().match(disc_film(target, size, 25.0), [reference()])
    assert worst(result, target) < TOLERANCE * 900


def test_a_mirrored_film_is_recognised_and_can_be_forbidden(monkeypatch):
    film, points = square_film()
    target = points * [-1.0, 1.0] + [511.0, 0.0]
    flipped = np.ascontiguousarray(film[:, ::-1])
    (result,) = matcher().match(flipped, [reference()])
    assert result.mirrored is True
    assert worst(result, target) < TOLERANCE * 512
    (kept,) = matcher().match(flipped, [reference()], mirrored=True)
    assert kept.positions_px == pytest.approx(result.positions_px)
    assert result.side_doubtful is False
    (gainsaid,) = matcher().match(flipped, [reference()], expected={"discs": False})
    assert gainsaid.positions_px == pytest.approx(result.positions_px)
    monkeypatch.setattr(fit_module, "UNEXPECTED", 9.0)
    monkeypatch.setattr(matcher_module, "CANDIDATE_SHARE", 0.0)
    (told,) = matcher().match(flipped, [reference()], expected={"discs": False})
    assert (told.mirrored, told.side_doubtful) == (False, True)
    (forbidden,) = matcher().match(flipped, [reference()], mirrored=False)
    assert forbidden.mirrored is False
    assert forbidden.score < result.score


@pytest.mark.parametrize("stored_mirrored", [False, True])
def test_handedness_of_a_symmetric_view_comes_from_the_file(stored_mirrored):
    film, _ = square_film()
    both = replace(reference(), side=Side.BOTH, symmetric=True)
    (result,) = matcher().match(film[:, ::-1], [both], stored_mirrored=stored_mirrored)
    assert result.mirrored is stored_mirrored
    # Beside views of one side too, and the others may still be mirrored.
    other = replace(reference("b"), view="other")
    results = matcher().match(film[:, ::-1], [both, other], stored_mirrored=stored_mirrored)
    assert {r.view: r.mirrored for r in results}.get("discs", stored_mirrored) is stored_mirrored
    assert {r.view: r.mirrored for r in results}["other"] is True


@pytest.mark.parametrize("size", [(64, 2000), (2000, 64), (33, 900)])
def test_extreme_shapes_give_numbers(size):
    film = np.random.default_rng(0).normal(100, 10, size[::-1]).astype(np.float32)
    (result,) = matcher().match(film, [reference()])
    assert result.positions_px.shape == (8, 2)
    for numbers in (result.positions_px, result.expected_error_px, result.spread_px, result.confidence):
        assert np.isfinite(numbers).all()
    assert 0.0 <= result.score <= 1.0


def test_a_film_with_nothing_of_the_view_scores_low():
    film = np.random.default_rng(0).normal(100, 10, (400, 400)).astype(np.float32)
    own = matcher().match(square_film()[0], [reference()])[0]
    foreign = matcher().match(film, [reference()])[0]
    assert foreign.score < 0.25 < own.score
    assert foreign.confidence.max() < own.confidence.min()
    assert foreign.expected_error_px.min() > own.expected_error_px.max()


def test_films_without_content_are_refused():
    with pytest.raises(MatchError, match="uniform"):
        matcher().match(np.full((300, 300), 5.0, np.float32), [reference()])
    with pytest.raises(MatchError, match="too small"):
        matcher().match(np.arange(400, dtype=np.float32).reshape(20, 20), [reference()])


def test_no_reference_is_refused():
    with pytest.raises(MatchError, match="no reference"):
        matcher().match(square_film()[0], [])


def test_several_references_agree():
    _, points = square_film()
    references = []
    for number, (angle, scale) in enumerate([(0, 1.0), (8, 0.8), (-12, 0.7)]):
        places = moved(points, turn(angle, scale), (255.5, 255.5), (5 * number, 0))
        references.append(
            reference(f"r{number}", film=disc_film(places, (512, 512), 25.0 * scale), points=places)
        )
    film, _ = square_film()
    (result,) = matcher().match(film, references)
    assert worst(result, points) < TOLERANCE * 512
    assert result.per_reference_px.shape == (3, 8, 2)
    assert result.spread_px.max() < TOLERANCE * 512
    (limited,) = matcher().match(film, references, limit=2)
    assert limited.references == ("r0", "r1")


def test_a_point_that_one_reference_lacks_comes_from_the_other():
    film, points = square_film()
    some = points.copy()
    some[2] = np.nan
    for order in (["a", "b"], ["b", "a"]):
        both = {"a": reference("a", points=some), "b": reference("b")}
        (result,) = matcher().match(film, [both[key] for key in order])
        assert worst(result, points) < TOLERANCE * 512
        assert np.isnan(result.per_reference_px[order.index("a"), 2]).all()
        assert np.isfinite(result.per_reference_px[order.index("b")]).all()
        assert np.isfinite(result.spread_px).all()


def test_a_point_that_no_reference_knows_stays_unknown():
    film, points = square_film()
    some = points.copy()
    some[2] = np.nan
    (result,) = matcher().match(film, [reference(points=some)])
    known = np.arange(8) != 2
    assert np.linalg.norm(result.positions_px - points, axis=1)[known].max() < TOLERANCE * 512
    assert np.isnan(result.positions_px[2]).all()
    assert np.isfinite(result.confidence[known]).all()


def test_references_without_any_point_are_refused():
    with pytest.raises(MatchError, match="no points"):
        matcher().match(square_film()[0], [reference(points=np.full((8, 2), np.nan))])


def test_a_reference_with_one_point():
    film, points = square_film()
    (result,) = matcher().match(film, [reference(points=points[3:4])])
    assert result.positions_px.shape == (1, 2)
    assert np.linalg.norm(result.positions_px[0] - points[3]) < 2 * TOLERANCE * 512


def test_two_views_are_ranked():
    film, points = square_film()
    other = points[::-1].copy()  # the same discs under other names: a shape the film does not show
    rng = np.random.default_rng(2)
    other = rng.permutation(other)
    results = matcher().match(
        film,
        [reference("x", view="other", points=points, film=disc_film(other, (512, 512), 25.0)), reference()],
    )
    assert results[0].view == "discs"
    assert all(r.view == "other" and r.score < results[0].score for r in results[1:])


def test_the_same_twice():
    film, _ = square_film()
    noisy = film + np.random.default_rng(0).normal(0, 3, film.shape).astype(np.float32)
    first, second = (matcher().match(noisy, [reference(), reference("b")])[0] for _ in range(2))
    assert (first.positions_px == second.positions_px).all()
    assert (first.expected_error_px == second.expected_error_px).all()
    assert first.score == second.score


def test_the_film_is_not_changed():
    film, _ = square_film()
    before = film.copy()
    matcher().match(film, [reference()])
    assert (film == before).all()


@pytest.mark.parametrize("calls", [0, 1, 2, 3])
def test_stops_when_asked_to(calls):
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) > calls

    with pytest.raises(Cancelled):
        matcher().match(square_film()[0], [reference()], cancelled=cancelled)
    assert calls < len(asked) <= calls + 1 + MOST  # every thread asks once more


def test_progress_is_told_in_order():
    told = []
    matcher().match(
        square_film()[0], [reference(), reference("b")], progress=lambda part, text: told.append((part, text))
    )
    parts = [part for part, _ in told]
    assert len(told) >= 4
    assert all(0.0 <= part <= 1.0 and text for part, text in told)
    assert parts[-1] > 0.5


def test_cached_references_are_not_read_again():
    cache, film = CountingCache(), square_film()[0]
    first = matcher(cache=cache).match(film, [reference()])[0]
    assert (cache.hits, cache.misses) == (0, 1)
    second = matcher(cache=cache).match(film, [reference(read=never_read)])[0]
    assert (cache.hits, cache.misses) == (1, 1)
    assert (first.positions_px == second.positions_px).all()


def test_another_model_or_reference_misses_the_cache():
    cache, film = CountingCache(), square_film()[0]
    matcher(cache=cache).match(film, [reference()])
    matcher(cache=cache, encoder=FakeEncoder("other model")).match(film, [reference()])
    assert (cache.hits, cache.misses) == (0, 2)
    matcher(cache=cache).match(film, [reference(digest="changed points")])
    assert (cache.hits, cache.misses) == (0, 3)
    matcher(cache=cache).match(film, [reference(), reference("b")])
    assert (cache.hits, cache.misses) == (0, 4)


def test_disk_cache_round_trip(tmp_path):
    film, folder = square_film()[0], tmp_path / "new" / "cache"
    first = matcher(cache=DiskFeatureCache(folder)).match(film, [reference()])[0]
    assert len(list(folder.iterdir())) == 1
    second = matcher(cache=DiskFeatureCache(folder)).match(film, [reference(read=never_read)])[0]
    assert (first.positions_px == second.positions_px).all()
    assert first.references == second.references


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "other"])
def test_a_damaged_cache_file_is_made_again(tmp_path, damage):
    film = square_film()[0]
    first = matcher(cache=DiskFeatureCache(tmp_path)).match(film, [reference()])[0]
    (file,) = tmp_path.iterdir()
    good = file.read_bytes()
    middle = len(good) // 2
    bad = {
        "empty": b"",
        "cut": good[:middle],
        "flipped": good[:middle] + bytes(255 - b for b in good[middle : middle + 64]) + good[middle + 64 :],
        "text": b"nothing of the kind",
        "other": npy(),
    }[damage]
    file.write_bytes(bad)
    again = matcher(cache=DiskFeatureCache(tmp_path)).match(film, [reference()])[0]
    assert (first.positions_px == again.positions_px).all()
    assert file.read_bytes() == good


def npy():
    from io import BytesIO

    buffer = BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def test_a_cache_folder_that_cannot_be_written_costs_nothing_else(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    cache = DiskFeatureCache(tmp_path / "file" / "cache")
    (result,) = matcher(cache=cache).match(square_film()[0], [reference()])
    assert worst(result, square_film()[1]) < TOLERANCE * 512
    assert "not writable" in caplog.text


def test_the_best_fit_of_each_view_counts():
    def fit(view, score):
        return SimpleNamespace(
            view=SimpleNamespace(view=view), score=score, frame=SimpleNamespace(mirrored=False)
        )

    mirrored, right, other = fit("hip", 0.97), fit("hip", 0.99), fit("knee", 1.02)
    assert best_of_each_view([mirrored, right, other], {}) == [other, right]


def test_the_side_that_is_known_decides_only_where_the_film_hardly_does():
    def best(plain, mirrored, expected):
        fits = [
            SimpleNamespace(view=SimpleNamespace(view="kneecap"), score=s, frame=SimpleNamespace(mirrored=m))
            for s, m in ((plain, False), (mirrored, True))
        ]
        (chosen,) = best_of_each_view(fits, expected)
        return chosen.frame.mirrored

    assert best(0.96, 0.94, {}) is False
    assert best(0.96, 0.94, {"kneecap": True}) is True
    assert best(0.96, 0.94, {"kneecap": False}) is False
    assert best(0.96, 0.94, {"hip": True}) is False
    assert best(0.96, 0.94 - UNEXPECTED, {"kneecap": True}) is False


def test_the_most_promising_look_is_taken_first():
    """A pose that more answers support does not win over a film that looks like the view as a whole."""
    frame, features = Frame(np.eye(2), np.zeros(2)), SimpleNamespace(view="discs")
    alike = Found(features, frame, frame, likeness=0.9, support=0.4)
    supported = Found(features, frame, frame, likeness=0.4, support=0.5)
    unlike = Found(SimpleNamespace(view="other"), frame, frame, likeness=-0.6, support=0.7)
    assert best_of_each_look([supported, unlike, alike]) == [alike, unlike]
    assert unlike.promise == pytest.approx(0.35)


def bent_film():
    """The standard discs, the lower ones bent aside: most agree on a pose in which the others lie far off."""
    points = LAYOUT * 511.0
    points[-3:, 0] += [-90.0, -110.0, -140.0]
    return disc_film(points, (512, 512), 25.6)


@pytest.mark.parametrize("better", [True, False])
def test_a_window_is_laid_anew_on_all_points_where_that_fits_better(monkeypatch, better):
    frames, fit = [], LandmarkMatcher._fit

    def seen(self, film, start, laid=None):
        found = fit(self, film, start, laid)
        if laid is not None:
            found = replace(found, score=found.score + (0.1 if better else -0.1))
        frames.append((laid, found))
        return found

    monkeypatch.setattr(LandmarkMatcher, "_fit", seen)
    (result,) = matcher().match(bent_film(), [reference()], mirrored=False)
    first = max((found for laid, found in frames if laid is None), key=lambda found: found.score)
    again = [found for laid, found in frames if laid is not None]
    assert again
    assert result.rotation_deg == (again[-1] if better else first).frame.rotation_deg
    assert again[0].frame.rotation_deg != pytest.approx(first.frame.rotation_deg, abs=1.0)


def test_a_score_is_better_the_more_the_whole_film_and_the_window_look_like_the_view(monkeypatch):
    def score(whole, window):
        monkeypatch.setattr(search_module, "likeness", lambda *_: whole)
        monkeypatch.setattr(matcher_module, "likeness", lambda *_: window)
        (result,) = matcher().match(square_film()[0], [reference()], mirrored=False)
        return result.score

    monkeypatch.setattr(matcher_module, "SURE_SCORE", -9.0)
    monkeypatch.setattr(matcher_module, "support", lambda answer, *_: np.full(len(answer), USUAL_SUPPORT))
    assert score(0.8, 0.4) == pytest.approx(0.6)
    assert score(0.2, 0.4) == pytest.approx(0.3)


def test_a_score_is_better_the_more_the_points_say(monkeypatch):
    def score(support):
        monkeypatch.setattr(matcher_module, "support", lambda answer, *_: np.full(len(answer), support))
        (result,) = matcher().match(square_film()[0], [reference()])
        return result.score

    assert score(-6.0) - score(-9.0) == pytest.approx(3.0 * SUPPORT_SHARE, abs=1e-6)
    assert score(0.0) == 1.0


def test_memory_cache():
    cache, film = MemoryFeatureCache(), square_film()[0]
    matcher(cache=cache).match(film, [reference()])
    matcher(cache=cache).match(film, [reference(read=never_read)])


def test_each_window_is_encoded_once():
    encoder = FakeEncoder()
    matcher(encoder=encoder).match(square_film()[0], [reference(), reference("b")])
    mean = mean_shape([LAYOUT], 256, CANONICAL_MARGIN)
    window = CanonicalWindow.of(window_size(mean, mean[None], 256), 256)
    close = len(close_groups(mean, close_ups(window, 256)[0]))
    # References: whole; aligned and close-ups, still and shaken. The film: whole and mirrored, then up to
    # three poses in up to three windows and the close-ups each.
    references = 2 * (1 + (1 + SHAKES) * (1 + close))
    assert references + 2 + 1 + close <= len(encoder.windows) <= references + 2 + 3 * (3 + close)
    assert {w.shape for w in encoder.windows} == {(256, 256), window.size[::-1]}
    assert all(w.dtype == np.float32 for w in encoder.windows)
    assert all(abs(float(w.mean())) < 1e-3 for w in encoder.windows)


def test_a_reference_image_with_noise_and_another_exposure_gives_the_same_place():
    film, points = square_film()
    brighter = cv2.GaussianBlur(film, (0, 0), 1.0) * 3.0 + 200.0
    (result,) = matcher().match(brighter, [reference()])
    assert worst(result, points) < TOLERANCE * 512


def test_points_on_a_shaft_come_to_lie_at_their_levels():
    film, _ = square_film()
    shaft = Shaft(borders=((0, 6),), start=(1,), unit=((2,), (7,)), levels=(0.2, 0.9))
    (plain,) = matcher().match(film, [reference()])
    cache = CountingCache()
    (levelled,) = LandmarkMatcher(FakeEncoder(), cache, shafts={"discs": [shaft], "other": [shaft]}).match(
        film, [reference()]
    )
    moved_px = np.linalg.norm(levelled.positions_px - plain.positions_px, axis=1)
    assert moved_px[[0, 6]].min() > 10.0
    assert np.delete(moved_px, [0, 6]).max() < 0.01
    assert levelled.positions_px == pytest.approx(at_levels(plain.positions_px, [shaft]).position, abs=0.01)
    # However sure they look, the points that measure the level have errors of their own.
    others = plain.expected_error_px.copy()
    others[[0, 6]] = 0.0
    least = at_levels(plain.positions_px, [shaft]).with_levels(others)[[0, 6]]
    assert (least > 0).all()
    assert (levelled.expected_error_px[[0, 6]] > least).all()


def test_shapes_of_further_people_are_known_by_view_and_kept_apart():
    _, points = square_film()
    turned = np.stack([moved(points, turn(angle, 0.7), (255.5, 255.5), (9, 4)) for angle in (-20, 30)])
    cache = CountingCache()
    plain = LandmarkMatcher(FakeEncoder(), cache).features([reference()])
    shaped = LandmarkMatcher(FakeEncoder(), cache, shapes={"discs": turned}).features([reference()])
    other = LandmarkMatcher(FakeEncoder(), cache, shapes={"other": turned}).features([reference()])
    assert plain.further_px.shape == other.further_px.shape == (0, len(points), 2)
    assert shaped.further_px == pytest.approx(np.stack([shaped.mean_px] * 2), abs=0.05)
    assert len(shaped.shapes_px) == 3
    assert shaped.worths.tolist() == [1.0, 1.0, 1.0]
    assert worths(2, 400).sum() == pytest.approx(2.0 + FURTHER_WORTH)
    assert worths(0, 0).tolist() == []
    assert shaped.reordered([0]).further_px.shape == shaped.further_px.shape


def test_a_point_that_no_reference_shows_is_not_placed_by_the_shapes_of_people():
    film, points = square_film()
    lacking = points.copy()
    lacking[2] = np.nan
    one = replace(reference(), points_px=lacking)
    shapes = {"discs": np.repeat(points[None], 5, axis=0)}
    matcher = LandmarkMatcher(FakeEncoder(), CountingCache(), shapes=shapes)
    assert np.isnan(matcher.features([one]).mean_px[2]).all()
    found = matcher.match(film, [one])[0].positions_px
    assert np.isfinite(found).all(1).tolist() == [number != 2 for number in range(len(points))]


def test_many_people_count_no_more_in_the_mean_than_they_are_worth():
    _, points = square_film()
    other = points + np.random.default_rng(2).normal(0, 6, points.shape)

    def mean_px(people):
        shapes = {"discs": np.repeat(other[None], people, axis=0)}
        return LandmarkMatcher(FakeEncoder(), CountingCache(), shapes=shapes).features([reference()]).mean_px

    assert mean_px(10 * int(FURTHER_WORTH)) == pytest.approx(mean_px(int(FURTHER_WORTH)), abs=1e-6)
    assert np.abs(mean_px(1) - mean_px(int(FURTHER_WORTH))).max() > 0.5


def test_all_people_whose_shape_is_known_count_for_the_expected_error():
    """Not only those whose references are asked alone, but no more than they are worth together."""

    class Watched(ErrorModel):
        def expected_error(self, evidence):
            people.append(evidence.people)
            return super().expected_error(evidence)

    film, points = square_film()
    many = [reference(str(number)) for number in range(VOTERS + 2)]
    for further, worth in ((0, 0.0), (3, 3.0), (200, FURTHER_WORTH)):
        people: list[float] = []
        shapes = {many[0].view: np.repeat(points[None], further, axis=0)} if further else None
        LandmarkMatcher(FakeEncoder(), MemoryFeatureCache(), Watched(), shapes).match(film, many)
        assert people == pytest.approx([len(many) + worth] * len(people))
        assert people
