"""Results of two versions beside each other."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from training.bench.compare import main, markdown, numbers, rows

OLD = {
    "header": {"commit": "abc", "cores": 2},
    "counts": {"1": {"mean": 2.0, "median": 0.0, "by_point": [1.0, 2.0]}, "5": {"mean": 1.0}},
    "idle": True,
    "text": "x",
    "none": None,
    "times": [4, 5],
    "records": [{"score": 1.0}],
}
NEW = {
    "header": {"commit": "def"},
    "counts": {"1": {"mean": 1.5, "median": 3.0}, "7": {"mean": 9.0}},
    "times": [8],
}


def test_numbers_have_places_and_films_and_header_are_left_out() -> None:
    assert dict(numbers(OLD)) == {
        "counts.1.mean": 2.0,
        "counts.1.median": 0.0,
        "counts.5.mean": 1.0,
        "times.0": 4.0,
        "times.1": 5.0,
    }


def test_shared_numbers_and_their_ratios() -> None:
    table = rows([OLD, NEW])
    assert [(row.place, row.values, row.ratio(1)) for row in table] == [
        ("counts.1.mean", (2.0, 1.5), 0.75),
        ("counts.1.median", (0.0, 3.0), None),
        ("times.0", (4.0, 8.0), 2.0),
    ]
    assert [row.place for row in rows([OLD, NEW], ["times", "median"])] == ["counts.1.median", "times.0"]
    half, double = rows([{"a": 2.0, "b": 2.0}, {"a": 1.0, "b": 4.0}])
    assert half.change == pytest.approx(double.change)


def test_the_table_has_a_ratio_to_the_first_for_every_further_file() -> None:
    page = markdown(rows([OLD, NEW, NEW]), ["old", "new", "newer"])
    assert "|  | old | new | ratio | newer | ratio |" in page
    assert "| counts.1.mean | 2 | 1.5 | 0.750 | 1.5 | 0.750 |" in page


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / "old.json", tmp_path / "new.json"]
    for file, document in zip(files, (OLD, NEW), strict=True):
        file.write_text(json.dumps(document))
    out = tmp_path / "c.csv"
    main([*map(str, files), "--csv", str(out), "--only", "counts"])
    assert "old (abc) | new (def)" in capsys.readouterr().out
    with out.open(newline="") as file:
        listed = list(csv.reader(file))
    assert listed[1] == ["counts.1.mean", "2.0", "1.5"]
    main([*map(str, files), "--changed", "50"])
    assert "counts.1.mean" not in capsys.readouterr().out


@pytest.mark.parametrize("text", ["no json", None, '{"other": 1}'])
def test_what_cannot_be_compared_is_named(
    tmp_path: Path, text: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(OLD))
    if text is not None:
        bad.write_text(text)
    with pytest.raises(SystemExit):
        main([str(good), str(bad)])
    said = capsys.readouterr().err
    assert "bad.json" in said or "no such number" in said
