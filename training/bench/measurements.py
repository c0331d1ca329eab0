"""Every measurement's error from the bundled bank: ``python -m training.bench.measurements --json F``.

Films of people kept for testing are simulated (the same that ``python -m training.simulate --split test
--side both --seed S`` writes) and measured as ``orthomatch measure`` does, with the view given and with the
view left to the program. Each value is compared with the same construction on the exact points, and with the
value of the body in 3-D where the simulator knows it. ``--real VIEW=FOLDER`` adds films with readers'
points. Saves all films and summaries as JSON (``python -m training.bench.confidence`` and ``compare`` read
it) and a table as Markdown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from core.measure.definitions import Catalogue
from core.measure.loader import load_catalogue
from training.bench import confidence
from training.bench.films import BenchFilm, annotated_films, simulated_films
from training.bench.program import header, open_engine, save_json
from training.bench.records import AUTOMATIC, GIVEN, WAYS, FilmRecord, measure_films
from training.bench.tables import MeasurementSummary, markdown, tables, trust_line
from training.bench.views import chosen_views, named_paths
from training.simulate.anatomy import anatomy_dir
from training.simulate.people import SPLITS
from training.simulate.views import VIEW_KEYS, scene_makers


def recognised(records: Sequence[FilmRecord]) -> dict[str, Any]:
    """Of the films whose view was left to the program: shares by source and view."""
    out: dict[str, Any] = {}
    for record in records:
        if record.way == AUTOMATIC:
            for view in ("all", record.view):
                out.setdefault(record.source, {}).setdefault(view, []).append(record.found == record.view)
    return {s: {v: float(np.mean(found)) for v, found in views.items()} for s, views in out.items()}


def films_of(
    args: argparse.Namespace, catalogue: Catalogue, views: Sequence[str], real: Sequence[tuple[str, Path]]
) -> Iterator[BenchFilm]:
    """Simulated films of ``views``, then the real ones."""
    if args.films and views:
        makers = scene_makers(anatomy_dir(args.anatomy), args.split)
        for view in views:
            yield from simulated_films(
                catalogue, view, makers[view], count=args.films, seed=args.seed, hardware=args.hardware
            )
    for view, folder in real:
        yield from annotated_films(catalogue.view(view), folder, args.real_films)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.bench.measurements", description=__doc__)
    parser.add_argument("--views", default="all", help="all (that the bank has), none, or keys with commas")
    parser.add_argument("--films", type=int, default=20, help="simulated films a view")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--split", choices=SPLITS, default="test", help="whose bones are drawn")
    parser.add_argument("--hardware", type=float, default=0.0, help="share of films with implants or disease")
    parser.add_argument("--real", action="append", default=[], metavar="VIEW=FOLDER", help="annotated films")
    parser.add_argument("--real-films", type=int, help="films of each folder (default: all)")
    parser.add_argument("--ways", choices=("both", *WAYS), default="both", help="view given, or recognised")
    parser.add_argument("--bank", type=Path, help="default: the shipped one")
    parser.add_argument("--anatomy", type=Path, help="folder of bone surfaces; else ORTHOMATCH_ANATOMY")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args(arguments)

    catalogue = load_catalogue()
    engine, watched = open_engine(args.bank)
    in_bank = {entry.view for entry in engine.bank.entries}
    known = [view for view in VIEW_KEYS if view in in_bank]
    views = chosen_views(args.views, parser, known)
    real = named_paths(args.real, parser, known)
    ways = WAYS if args.ways == "both" else (args.ways,)
    records = []
    for record in measure_films(engine, watched, films_of(args, catalogue, views, real), ways):
        records.append(record)
        found = record.found or "refused"
        print(f"{record.name} {record.way}: {found}, {record.seconds:.1f} s", file=sys.stderr, flush=True)
    report: dict[str, Any] = {
        "header": header(engine, args),
        "recognised": recognised(records),
        "confidence": {way: confidence.summary([r for r in records if r.way == way]) for way in ways},
        "measurements": tables(records, catalogue),
    }
    page = markdown(report, catalogue)
    if args.markdown:
        args.markdown.parent.mkdir(parents=True, exist_ok=True)
        args.markdown.write_text(page, encoding="utf-8")
    report["measurements"] = _as_plain(report["measurements"])
    save_json(args.json, report | {"records": [record.to_json() for record in records]})
    for source, group in report["confidence"].get(GIVEN, {}).items():
        print(f"{source}: {trust_line(group['all'])}")


def _as_plain(tree: Any) -> Any:
    if isinstance(tree, MeasurementSummary):
        return asdict(tree)
    return {key: _as_plain(value) for key, value in tree.items()}


if __name__ == "__main__":
    main()
