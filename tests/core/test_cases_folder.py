"""Folders of annotated films."""

import json

import numpy as np
import pytest

from core.adapters.cases_folder import read_cases
from core.errors import ReadError
from tests.core.bank_folder import make_cases, points_of

ITEM = {"file": "a.png", "width": 10, "height": 20, "landmarks": [[1, 2], [3.5, 4]]}


def written(folder, listed):
    (folder / "landmarks.json").write_text(json.dumps(listed), encoding="utf-8")
    return folder


def test_films_in_order(tmp_path):
    films = read_cases(make_cases(tmp_path, 3))
    assert [f.path.name for f in films] == ["film0.png", "film1.png", "film2.png"]
    assert films[1].points_px == pytest.approx(np.array(list(points_of(1).values())))
    assert films[0].mm_per_px is None
    assert films[0].group == "film0.png"
    assert films[0].names == ()
    assert films[0].height_px == 200


def test_optional_fields_and_unknown_points(tmp_path):
    item = ITEM | {"mm_per_px": 0.1, "group": 7, "names": ["a", "b"], "landmarks": [None, [3, 4]]}
    (film,) = read_cases(written(tmp_path, [item]))
    assert (film.mm_per_px, film.group, film.names) == (0.1, "7", ("a", "b"))
    assert np.isnan(film.points_px[0]).all()
    assert film.points_px[1] == pytest.approx([3.0, 4.0])


@pytest.mark.parametrize(
    "change",
    [
        {"file": "../a.png"},
        {"file": "/a.png"},
        {"landmarks": []},
        {"landmarks": [[1]]},
        {"landmarks": [["x", 1]]},
        {"landmarks": 5},
        {"mm_per_px": 0},
        {"mm_per_px": -1},
        {"mm_per_px": "x"},
        {"mm_per_px": 50},
        {"height": None},
        {"height": float("inf")},
        {"names": 5},
    ],
)
def test_wrong_films_are_named(tmp_path, change):
    written(tmp_path, [ITEM, ITEM | change])
    with pytest.raises(ReadError, match="Film 2 of the list is wrong") as caught:
        read_cases(tmp_path)
    assert caught.value.path == tmp_path / "landmarks.json"
    assert caught.value.remedy


@pytest.mark.parametrize("listed", [[], {}, 5, ["a"], [{}]])
def test_wrong_lists(tmp_path, listed):
    with pytest.raises(ReadError):
        read_cases(written(tmp_path, listed))


def test_different_numbers_of_points(tmp_path):
    with pytest.raises(ReadError, match="different numbers"):
        read_cases(written(tmp_path, [ITEM, ITEM | {"landmarks": [[1, 2]]}]))


def test_no_list_and_no_json(tmp_path):
    with pytest.raises(ReadError, match="cannot be read"):
        read_cases(tmp_path)
    (tmp_path / "landmarks.json").write_bytes(b"\xff{")
    with pytest.raises(ReadError, match="not valid JSON"):
        read_cases(tmp_path)
