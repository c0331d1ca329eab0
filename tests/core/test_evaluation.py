"""The evaluation against a matcher whose errors are known."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.adapters.cases_folder import AnnotatedFilm, read_cases
from core.adapters.feature_cache import MemoryFeatureCache
from core.errors import ReadError
from core.evaluation import as_reference, evaluate
from core.film import Side
from core.matching.matcher import LandmarkMatcher
from core.measure.definitions import ConstructionStep
from core.measure.loader import load_catalogue
from tests.core.bank_folder import make_cases
from tests.core.fake_matches import found
from tests.core.matching_films import FakeEncoder, disc_film, square_film


class OffsetMatcher:
    """Answers the truth, off by as many pixels as there are references."""

    model_sha256 = "m" * 64
    provider = "FakeExecutionProvider"

    def __init__(self, truth):
        self.truth = truth  # film's mean grey -> points
        self.used = []

    def match(self, pixels, references, **options):
        points = self.truth[round(float(pixels.mean()), 3)]
        self.used.append((points[0, 0], [r.key for r in references]))
        return [found("evaluated", references, points + np.array([float(len(references)), 0.0]))]


@pytest.fixture
def films(tmp_path):
    """Six films of 100 x 200 pixels; 0.5 mm a pixel."""
    made = []
    for number in range(6):
        path = tmp_path / f"f{number}.png"
        cv2.imwrite(str(path), np.full((200, 100), 10 * number + 10, np.uint8))
        points = np.array([[10.0 + number, 20.0], [30.0, 40.0], [50.0, 60.0]])
        made.append(AnnotatedFilm(path, points, (), 0.5, f"patient {number // 2}", 200))
    return made


def truth_of(films):
    return {float(10 * n + 10): film.points_px for n, film in enumerate(films)}


def test_errors_are_those_of_the_matcher(films):
    result = evaluate(OffsetMatcher(truth_of(films)), films, counts=(1, 2), draws=3, targets_per_draw=2)
    assert result.unit == "mm"
    assert set(result.counts) == {"1", "2"}
    assert result.counts["1"].mean == pytest.approx(0.5)
    assert result.counts["2"].mean == pytest.approx(1.0)
    assert result.counts["2"].median == pytest.approx(1.0)
    assert result.counts["1"].sd_over_draws == pytest.approx(0.0, abs=1e-9)
    assert result.counts["1"].sdr_2mm == 100.0
    assert result.counts["1"].mean_expected == pytest.approx(1.0)
    assert result.counts["1"].flagged is None
    assert result.counts["1"].false_alarms == 0.0
    assert result.counts["1"].by_point == pytest.approx((0.5, 0.5, 0.5))
    assert (result.films, result.points) == (6, 3)
    assert (result.model_sha256, result.provider) == ("m" * 64, "FakeExecutionProvider")


def test_shares_within_a_distance(films):
    wide = [replace(film, mm_per_px=3.0) for film in films]
    summary = evaluate(OffsetMatcher(truth_of(wide)), wide, counts=(1,), draws=2).counts["1"]
    assert (summary.sdr_2mm, summary.sdr_4mm, summary.sdr_10mm) == (0.0, 100.0, 100.0)


def test_without_spacing_errors_are_percent_of_the_height(films):
    plain = [*films[:-1], replace(films[-1], mm_per_px=None)]
    result = evaluate(OffsetMatcher(truth_of(plain)), plain, counts=(1,), draws=2)
    assert result.unit == "percent_of_height"
    assert result.counts["1"].mean == pytest.approx(100.0 / 200)
    assert result.counts["1"].sdr_2mm is None


def test_no_target_of_a_group_that_gave_a_reference(films):
    matcher = OffsetMatcher(truth_of(films))
    evaluate(matcher, films, counts=(1, 2), draws=6)
    group = {film.path.name: film.group for film in films}
    by_x = {film.points_px[0, 0]: film.group for film in films}
    assert len(matcher.used) > 20
    for x, references in matcher.used:
        assert by_x[x] not in {group[key] for key in references}


def test_draws_repeat_with_the_seed_and_change_with_it(films):
    def used(seed):
        matcher = OffsetMatcher(truth_of(films))
        evaluate(matcher, films, counts=(2,), draws=4, seed=seed)
        return matcher.used

    assert used(1) == used(1)
    assert used(1) != used(2)


def test_smaller_counts_use_the_first_references(films):
    matcher = OffsetMatcher(truth_of(films))
    evaluate(matcher, films, counts=(2, 1), draws=1)
    short = {tuple(keys) for _, keys in matcher.used if len(keys) == 1}
    long = {tuple(keys) for _, keys in matcher.used if len(keys) == 2}
    assert {keys[:1] for keys in long} == short


def test_unknown_points_do_not_count(films):
    odd = [replace(f, points_px=np.vstack([f.points_px[:2], [[np.nan, np.nan]]])) for f in films[:1]] + films[
        1:
    ]
    result = evaluate(OffsetMatcher(truth_of(odd)), odd, counts=(1,), draws=2)
    assert result.counts["1"].mean == pytest.approx(0.5)


def test_a_point_unknown_on_every_film_gives_valid_json(films):
    odd = [replace(f, points_px=np.vstack([f.points_px[:2], [[np.nan, np.nan]]])) for f in films]
    result = evaluate(OffsetMatcher(truth_of(odd)), odd, counts=(1,), draws=2)
    assert result.counts["1"].by_point[:2] == pytest.approx((0.5, 0.5))
    assert result.counts["1"].by_point[2] is None
    json.dumps(result.to_json(), allow_nan=False)


def test_too_small_sets_are_refused(films):
    with pytest.raises(ReadError, match="too few"):
        evaluate(OffsetMatcher(truth_of(films)), films[:2], counts=(1,))
    with pytest.raises(ReadError, match="No film is left"):
        evaluate(OffsetMatcher(truth_of(films)), films, counts=(6,))


def test_references_with_other_points_are_refused(films):
    other = replace(films[0], points_px=films[0].points_px[:2])
    with pytest.raises(ReadError, match="different numbers of points"):
        evaluate(OffsetMatcher(truth_of(films)), films, references=[as_reference(other, "v")])


def test_references_of_another_set_may_match_every_film(films):
    matcher = OffsetMatcher(truth_of(films))
    references = [as_reference(film, "evaluated") for film in films[:2]]
    evaluate(matcher, films, references=references, counts=(1, 10), draws=1)
    assert {len(keys) for _, keys in matcher.used} == {1, 2}
    assert {x for x, _ in matcher.used} == {film.points_px[0, 0] for film in films}


def test_sets_that_look_like_their_mirror_image_say_so_to_the_matcher(films):
    class Asked(OffsetMatcher):
        def match(self, pixels, references, **options):
            asked.update(reference.symmetric for reference in references)
            return super().match(pixels, references, **options)

    ankle = load_catalogue().view("ankle_ap")
    for symmetric in (False, True):
        asked: set[bool] = set()
        view = replace(ankle, points=ankle.points[:3], measurements=(), symmetric=symmetric)
        evaluate(Asked(truth_of(films)), films, view=view, counts=(1,), draws=1)
        assert asked == {symmetric}


def test_a_known_side_is_told_to_the_matcher(films):
    """As that of a file is: whether the film shows the mirror image of the references."""

    class Asked(OffsetMatcher):
        def match(self, pixels, references, *, expected=None, **options):
            asked.append(expected)
            (result,) = super().match(pixels, references)
            return [replace(result, mirrored=True)]

    wrong = {Side.LEFT: 100.0, Side.RIGHT: 0.0, Side.BOTH: 100.0, None: 100.0}
    told = {Side.LEFT: {"v": False}, Side.RIGHT: {"v": True}, Side.BOTH: {}, None: {}}
    references = [as_reference(films[0], "v")]
    for side in wrong:
        asked: list[dict[str, bool]] = []
        sided = [replace(film, side=side) for film in films[1:]]
        result = evaluate(Asked(truth_of(films)), sided, references=references, counts=(1,), draws=1)
        assert asked[1:] == [told[side]] * 5  # the first time is for the references
        assert result.counts["1"].mirrored_wrong_percent == wrong[side]


def test_errors_of_measurements(films):
    """Three points in a row, the first of which the matcher puts off: an angle and a length of theirs."""
    definition = load_catalogue().view("ankle_ap")
    a, b, c = (point.key for point in definition.points[:3])
    angle, length = (
        replace(
            definition.measurements[0],
            key=key,
            unit=unit,
            points=of,
            steps=(ConstructionStep("value", op, of),),
        )
        for key, unit, op, of in (
            ("bend", "deg", "vertex_angle", (a, b, c)),
            ("reach", "mm", "distance", (a, b)),
        )
    )
    view = replace(definition, points=definition.points[:3], measurements=(angle, length))

    class FirstOff(OffsetMatcher):
        def match(self, pixels, references, **options):
            (result,) = super().match(pixels, references, **options)
            moved = self.truth[round(float(pixels.mean()), 3)].copy()
            moved[0] = moved[1] + (moved[0] - moved[1]) * 1.5
            return [replace(result, positions_px=moved)]

    result = evaluate(FirstOff(truth_of(films)), films, view=view, counts=(1,), draws=1)
    errors = result.counts["1"].by_measurement
    assert errors["bend"].mean == pytest.approx(0.0, abs=1e-9)
    lengths = [np.linalg.norm(film.points_px[0] - film.points_px[1]) * 0.5 for film in films]
    assert errors["reach"].unit == "mm"
    assert 0.5 * min(lengths) <= errors["reach"].mean <= 0.5 * max(lengths)
    assert errors["reach"].films > 0


def test_the_digest_of_a_reference_follows_every_point(films):
    other = films[0].points_px.copy()
    other[-1, -1] += 1.0
    changed = replace(films[0], points_px=other)
    assert as_reference(films[0], "v").digest != as_reference(changed, "v").digest


@pytest.mark.parametrize("sides", [(), ("left", "right", "left")])
def test_with_the_real_matcher_on_disc_films(tmp_path, sides):
    _, points = square_film()
    listed = []
    for number, shift in enumerate([(0, 0), (20, 10), (-15, 25)]):
        places = (points + shift) / 2
        film = disc_film(places, (256, 256), 12.0)
        if sides and sides[number] == "right":
            places, film = places * [-1.0, 1.0] + [255.0, 0.0], film[:, ::-1]
        cv2.imwrite(str(tmp_path / f"{number}.png"), (film / 1000 * 255).astype(np.uint8))
        listed.append(
            {
                "file": f"{number}.png",
                "width": 256,
                "height": 256,
                "landmarks": places.tolist(),
                "mm_per_px": 0.4,
                **({"side": sides[number]} if sides else {}),
            }
        )
    (tmp_path / "landmarks.json").write_text(json.dumps(listed))
    matcher = LandmarkMatcher(FakeEncoder(), MemoryFeatureCache())
    result = evaluate(matcher, read_cases(tmp_path), counts=(1,), draws=2)
    assert result.counts["1"].mean < 1.0
    assert result.counts["1"].mirrored_wrong_percent == 0.0
    per_film = result.seconds["per_film"]
    assert isinstance(per_film, dict)
    assert per_film["1"] > 0


def test_the_sets_folder_feeds_the_evaluation(tmp_path):
    films = read_cases(make_cases(tmp_path, 2, mm_per_px=0.2))
    reference = as_reference(films[0], "evaluated")
    assert reference.read_image().shape == (200, 160)
    assert reference.points_px.shape == (17, 2)
