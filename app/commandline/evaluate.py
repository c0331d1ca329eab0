"""``orthomatch evaluate``: the matcher against readers' points."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace

import numpy as np

from core.adapters.atomic import write_bytes
from core.adapters.bank import load_bank
from core.adapters.cases_folder import read_cases
from core.adapters.feature_cache import MemoryFeatureCache
from core.adapters.onnx import OnnxEncoder
from core.adapters.view_matcher import matcher_for_points
from core.adapters.views import known_catalogue
from core.errors import ReadError
from core.evaluation import UNNAMED, Evaluation, as_reference, evaluate, keys_of
from core.matching.matcher import LandmarkMatcher


def evaluate_cases(options: argparse.Namespace) -> int:
    """Run the evaluation, print a table, write JSON. Returns the exit status."""
    targets = read_cases(options.cases)
    catalogue = known_catalogue(options.bank)
    view = catalogue.views.get(options.view or options.cases.resolve().name)
    symmetric = view is not None and view.symmetric
    encoder, cache = OnnxEncoder(), MemoryFeatureCache()
    keys = () if view is None else keys_of(targets[0], view)
    if view is None or len(keys) < len(targets[0].points_px):
        matcher = LandmarkMatcher(encoder, cache)
    else:
        matcher = matcher_for_points(encoder, cache, catalogue, view, keys)
    references = None
    if options.references_from is not None:
        films = read_cases(options.references_from)
        if films[0].names != targets[0].names:
            raise ReadError(
                "Its points are named otherwise than those of the films to match",
                path=options.references_from,
                remedy="Choose references with the same points in the same order.",
            )
        references = [
            as_reference(film, view.key if view else UNNAMED, symmetric=symmetric) for film in films
        ]
    elif options.bank is not None:
        if options.view is None:
            print("orthomatch: --bank needs --view", file=sys.stderr)
            return 2
        bank = load_bank(options.bank)
        references = bank.references(catalogue, options.view)
        if view is not None and set(keys) == set(view.point_keys):
            numbers = [view.point_keys.index(key) for key in keys]
            references = [replace(item, points_px=item.points_px[numbers]) for item in references]
    result = evaluate(
        matcher,
        targets,
        references=references,
        view=view,
        counts=options.counts,
        draws=options.draws,
        targets_per_draw=options.targets,
        seed=options.seed,
        progress=lambda text: print(text, file=sys.stderr),
    )
    window = np.zeros((encoder.input_px, encoder.input_px), dtype=np.float32)
    times = []
    for _ in range(10):
        began = time.perf_counter()
        encoder.encode(window)
        times.append(time.perf_counter() - began)
    result.seconds["encode"] = float(np.median(times))
    people = matcher.further_people(view.key) if view is not None else 0
    _print(result)
    print(f"beside the references, the shapes of {people} people are known")
    if options.json is not None:
        document = {**result.to_json(), "further_people": people}
        write_bytes(options.json, (json.dumps(document, indent=1) + "\n").encode())
    return 0


def _print(result: Evaluation) -> None:
    unit = "mm" if result.unit == "mm" else "% of height"
    print(f"{result.films} films, {result.points} points, errors in {unit}, {result.provider}")
    print("refs    mean  sd(draws)  median  worst 1%   <=2mm   <=4mm  <=10mm  s/film")
    per_film = result.seconds["per_film"]
    assert isinstance(per_film, dict)
    for count, line in result.counts.items():
        shares = "".join(
            f"{v:8.1f}" if v is not None else "       -" for v in (line.sdr_2mm, line.sdr_4mm, line.sdr_10mm)
        )
        print(
            f"{count:>4}{line.mean:8.2f}{line.sd_over_draws:11.2f}{line.median:8.2f}{line.worst_1_percent:10.2f}"
            f"{shares}{per_film[count]:8.2f}"
        )
    _print_values(result)
    print(f"encode {result.seconds['encode']:.3f} s a film; model {result.model_sha256[:12]}")


def _print_values(result: Evaluation) -> None:
    """Mean absolute errors of the measurements, by number of references."""
    columns = {count: line.by_measurement for count, line in result.counts.items()}
    for key in dict.fromkeys(key for values in columns.values() for key in values):
        known = [values[key] for values in columns.values() if key in values]
        means = "".join(
            f"{values[key].mean:9.2f}" if key in values else "        -" for values in columns.values()
        )
        print(f"{key:40}{means}  {known[0].unit}, mean error, {known[0].films} films")
