"""Results of several versions beside each other: ``python -m training.bench.compare OLD NEW ...``.

Every number that the files have in common by its place (``counts.5.mean``) is a row, every file a column,
with the ratio to the first file. ``--only`` keeps the rows whose place holds one of the given parts, so that
``compare 1000.json 2000.json 4000.json --only real_references.counts.5.mean --csv curve.csv`` gives the
curve of an error over training steps. Single films (``records``) and what the run was made with
(``header``) are left out.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEFT_OUT = ("header", "records", "by_point", "per_draw", "machine")


@dataclass(frozen=True)
class Row:
    """One number of every file; None where a file lacks it."""

    place: str
    values: tuple[float | None, ...]

    def ratio(self, number: int) -> float | None:
        """That of file ``number`` to the first; None without either or for a first value of 0."""
        first, other = self.values[0], self.values[number]
        return None if first is None or other is None or first == 0 else other / first

    @property
    def change(self) -> float:
        """How far the last ratio is from 1, alike for halves and doubles; 0 where there is none."""
        ratio = self.ratio(len(self.values) - 1)
        if ratio is None:
            return 0.0
        return abs(math.log(ratio)) if ratio > 0 else math.inf


def numbers(tree: Any, place: str = "") -> Iterator[tuple[str, float]]:
    """Every number in a JSON document with its place; items of a list by their number."""
    if isinstance(tree, bool) or tree is None or isinstance(tree, str):
        return
    if isinstance(tree, int | float):
        yield place, float(tree)
        return
    items = tree.items() if isinstance(tree, dict) else ((str(i), item) for i, item in enumerate(tree))
    for key, value in items:
        if key not in LEFT_OUT:
            yield from numbers(value, f"{place}.{key}" if place else key)


def rows(documents: Sequence[Any], only: Sequence[str] = ()) -> list[Row]:
    """The numbers that at least two documents have, in the order of the first."""
    found = [dict(numbers(document)) for document in documents]
    places = dict.fromkeys(place for values in found for place in values)
    table = [Row(place, tuple(values.get(place) for values in found)) for place in places]
    shared = [row for row in table if sum(value is not None for value in row.values) > 1]
    return [row for row in shared if not only or any(part in row.place for part in only)]


def markdown(table: Sequence[Row], names: Sequence[str]) -> str:
    """Values and ratios as a table."""
    columns = ["", names[0]] + [text for name in names[1:] for text in (name, "ratio")]
    lines = [f"| {' | '.join(columns)} |", "|---|" + "---:|" * (len(columns) - 1)]
    for row in table:
        cells = [row.place, _text(row.values[0])]
        for number in range(1, len(names)):
            ratio = row.ratio(number)
            cells += [_text(row.values[number]), "" if ratio is None else f"{ratio:.3f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.bench.compare", description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument(
        "--only", action="append", default=[], metavar="PART", help="rows whose place has PART"
    )
    parser.add_argument(
        "--changed", type=float, default=0.0, metavar="PERCENT", help="leave out smaller changes"
    )
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args(arguments)
    if len(args.files) < 2:
        parser.error("give at least two files")
    documents = []
    for path in args.files:
        try:
            documents.append(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            parser.error(f"{path} is no result of a benchmark ({error})")
    table = rows(documents, args.only)
    if args.changed:
        table = [row for row in table if row.change > math.log1p(args.changed / 100.0)]
    if not table:
        parser.error("the files share no such number")
    names = [_name(path, document) for path, document in zip(args.files, documents, strict=True)]
    page = markdown(table, names)
    print(page, end="")
    if args.markdown:
        args.markdown.write_text(page, encoding="utf-8")
    if args.csv:
        with args.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["place", *names])
            writer.writerows([row.place, *row.values] for row in table)


def _name(path: Path, document: Any) -> str:
    """The file's name and the commit it was made at, where it says so."""
    head = document.get("header", {}) if isinstance(document, dict) else {}
    return f"{path.stem} ({head['commit']})" if head.get("commit") else path.stem


if __name__ == "__main__":
    main()
