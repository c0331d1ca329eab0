"""Films whose numbering two readings found right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.bench.readings import disputed, undisputed

READINGS = """
[right]
below = [0, 1]
sure = ["clear", "cannot tell"]

[above]
below = [0, 1]
sure = ["clear", "likely"]

[sacrum]
below = [-1, 0]
sure = ["clear", "likely"]

[row]
below = [0, 0]
sure = ["clear", "clear"]
row = ["good", "skips one at L2"]
row_sure = ["cannot tell", "clear"]

[perhaps]
below = [0, 0]
sure = ["clear", "clear"]
row = ["good", "doubles at T7"]
row_sure = ["clear", "cannot tell"]
"""


def test_what_one_reading_found_wrong_is_disputed(tmp_path: Path) -> None:
    path = tmp_path / "readings.toml"
    path.write_text(READINGS)
    assert disputed(path) == {"above", "sacrum", "row"}


def test_the_readings_name_films_of_the_set() -> None:
    films = disputed()
    assert {"s046", "s281"} <= films
    assert all(name[0] == "s" and 0 <= int(name[1:]) < 299 for name in films)


def test_undisputed_films_are_linked_with_their_annotations(tmp_path: Path) -> None:
    cases, out = tmp_path / "cases", tmp_path / "out"
    cases.mkdir()
    listed = [{"file": f"{name}.jpg", "landmarks": [[1.0, 2.0]]} for name in ("s045", "s001")]
    (cases / "landmarks.json").write_text(json.dumps(listed))
    for entry in listed:
        (cases / str(entry["file"])).write_bytes(b"film")
    for _ in range(2):  # a second time is no error
        assert undisputed(cases, out) == (1, 2)
    assert json.loads((out / "landmarks.json").read_text()) == listed[1:]
    assert (out / "s001.jpg").read_bytes() == b"film"
    assert not (out / "s045.jpg").exists()


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        undisputed(tmp_path, tmp_path / "out")
