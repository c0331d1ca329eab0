"""References against each other: what stands out is found and named, what is sound is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.adapters.bank import DamagedReferenceError
from core.adapters.feature_cache import MemoryFeatureCache
from core.film import Side
from core.leave_one_out import Review, review_view
from core.matching.protocol import Reference
from core.measure.definitions import Code, PointDefinition, RowDefinition, View, ViewTags
from tests.core.matching_films import LAYOUT, FakeEncoder, disc_film, reference

KEYS = tuple(f"p{i}" for i in range(len(LAYOUT)))
_CODE = Code("1", "99TEST", "test")
VIEW = View(
    "discs", "Discs", (), 1, "disc", "", Side.LEFT, ViewTags((), (), _CODE, _CODE),
    tuple(PointDefinition(key, key, key) for key in KEYS), (),
)  # fmt: skip


def films(count: int = 4) -> list[tuple[np.ndarray, np.ndarray]]:
    """Films of the same discs, each a little larger, with their centres."""
    found = []
    for number in range(count):
        side = 480 + 16 * number
        points = LAYOUT * (side - 1)
        found.append((disc_film(points, (side, side), 0.05 * side), points))
    return found


def reviews(references: list[Reference]) -> dict[str, Review]:
    found = review_view(FakeEncoder(), MemoryFeatureCache(), VIEW, references)
    return {review.key: review for review in found}


def references(**changes: Any) -> list[Reference]:
    """References a, b, c, d; ``changes`` gives (film, points) for some."""
    return [
        reference(key, film=film, points=points)
        for key, (film, points) in (dict(zip("abcd", films(), strict=True)) | changes).items()
    ]


def test_sound_references_have_no_problem() -> None:
    found = reviews(references())
    assert list(found) == ["a", "b", "c", "d"]
    assert [review.problems() for review in found.values()] == [[]] * 4
    assert all(review.mean_percent < 2.0 and review.predicts_percent < 2.0 for review in found.values())


def test_a_point_far_off_is_named_with_its_distance() -> None:
    film, points = films()[2]
    wrong = points.copy()
    wrong[3] += (60.0, 0.0)
    found = reviews(references(c=(film, wrong)))
    (outlier,) = found["c"].outliers
    assert outlier.point == "p3"
    assert outlier.distance_px == pytest.approx(60.0, abs=6.0)
    assert outlier.exchanged_with is None
    assert outlier.distance_mm is None
    (problem,) = found["c"].problems()
    assert "c: point 'p3' lies" in problem
    assert [key for key, review in found.items() if review.problems()] == ["c"]
    assert found["c"].predicts_percent > max(found[key].predicts_percent for key in "abd")


def test_exchanged_points_are_told_from_points_far_off() -> None:
    film, points = films()[1]
    wrong = points.copy()
    wrong[[2, 6]] = wrong[[6, 2]]
    found = reviews(references(b=(film, wrong)))
    assert {o.point: o.exchanged_with for o in found["b"].outliers} == {"p2": "p6", "p6": "p2"}
    assert "exchanged with 'p6'?" in found["b"].problems()[0]


def test_parts_of_a_row_under_a_neighbours_number_are_told_in_one_sentence() -> None:
    parts = ("p1", "p2", "p3", "p4", "p5")
    view = replace(VIEW, rows=(RowDefinition("Discs", tuple((part,) for part in parts)),))
    film, points = films()[1]
    wrong = points.copy()
    wrong[1:4] = points[2:5]
    faulty = references(b=(film, wrong))
    found = {r.key: r for r in review_view(FakeEncoder(), MemoryFeatureCache(), view, faulty)}
    (miscount,) = found["b"].miscounts
    assert (miscount.row, miscount.parts, miscount.of, miscount.points) == ("Discs", 3, 5, parts)
    assert found["b"].problems() == [
        "b: 3 of 5 discs lie where the other references put another one; count them"
    ]
    assert not any(found[key].miscounts for key in "acd")
    # Two that were exchanged are not a slip of the row.
    wrong = points.copy()
    wrong[[2, 3]] = wrong[[3, 2]]
    exchanged = review_view(FakeEncoder(), MemoryFeatureCache(), view, references(b=(film, wrong)))[1]
    assert not exchanged.miscounts
    assert {o.point for o in exchanged.outliers} == {"p2", "p3"}


def test_a_wrong_side_and_a_mirrored_image() -> None:
    film, points = films()[0]
    turned = points * (-1.0, 1.0) + (film.shape[1] - 1, 0.0)
    mirror = np.ascontiguousarray(film[:, ::-1])
    assert reviews(references(a=(mirror, turned)))["a"].problems() == [
        "a: looks like the mirror image of the other references; check its side"
    ]
    assert reviews(references(a=(mirror, points)))["a"].problems() == [
        "a: the image is mirrored against its points and the other references"
    ]


def test_unknown_points_are_no_problem() -> None:
    film, points = films()[3]
    some = points.copy()
    some[5] = np.nan
    found = reviews(references(d=(film, some)))
    assert all(review.problems() == [] for review in found.values())
    assert np.isfinite(found["d"].mean_percent)
    assert all(np.isfinite(review.predicts_percent) for review in found.values())


def test_damaged_references_are_left_out_and_too_few_are_not_compared() -> None:
    def damaged() -> np.ndarray:
        raise DamagedReferenceError("x", "b", None)  # type: ignore[arg-type]

    broken = reference("b", read=damaged)
    assert set(reviews([r if r.key != "b" else broken for r in references()])) == {"a", "c", "d"}
    assert reviews(references()[:2]) == {}
    assert reviews([references()[0], broken, references()[2]]) == {}


def test_millimetres_where_the_spacing_is_known() -> None:
    film, points = films()[0]
    wrong = points.copy()
    wrong[0] += (0.0, 60.0)
    some = references(a=(film, wrong))
    found = reviews([replace(some[0], spacing_mm=0.5), *some[1:]])
    (outlier,) = found["a"].outliers
    assert outlier.distance_mm == pytest.approx(outlier.distance_px / 2)
    assert " mm)" in found["a"].problems()[0]
