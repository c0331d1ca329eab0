"""Time by stage and memory of matching: ``python -m training.bench.speed --json F``.

One film of a view is measured with 1, 5, 10 and 40 references of the shipped bank (repeated under other
names where the bank holds fewer), by default of the view with the most points. Stages: one pass of the
network; features of a reference, which are kept between runs; finding the pose; placing the points;
measuring. All times are medians by the clock. They hold for an idle machine: the load before the run is saved
with them, and a warning printed when it was not idle. Memory is that of this process: ``peak_mb`` with the
bank as it is, ``peak_40_mb`` with all counts of references held at once.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.adapters.bank import load_bank, read_reference_image
from core.adapters.feature_cache import DiskFeatureCache, MemoryFeatureCache
from core.adapters.onnx import OnnxEncoder
from core.adapters.view_matcher import view_matcher
from core.adapters.views import known_catalogue
from core.engine import Engine
from core.film import Calibration, Radiograph, SpacingSource, Window
from core.matching.features import compute_features
from core.matching.matcher import LandmarkMatcher
from core.matching.parallel import Workers
from core.matching.protocol import Reference
from core.resources import resource_path, user_cache_dir
from training.bench.program import header, save_json

COUNTS = (1, 5, 10, 40)
FIND, PLACE = "Finding", "Placing"
"""Beginnings of what the matcher says at the start of its two stages."""

IDLE_LOAD = 0.25
"""Load a core above which the machine is not idle."""


@dataclass(frozen=True)
class Stages:
    """Seconds of one film: finding view and pose, placing points, and the whole match."""

    find: float
    place: float
    whole: float


def timed_match(
    matcher: LandmarkMatcher, pixels: np.ndarray[Any, Any], references: Sequence[Reference]
) -> Stages:
    """Match once. The stages are told apart by the progress that the matcher reports."""
    marks: dict[str, float] = {}

    def progress(_: float, text: str) -> None:
        marks.setdefault(text.split()[0], time.perf_counter())

    began = time.perf_counter()
    matcher.match(pixels, references, progress=progress)
    ended = time.perf_counter()
    find, place = marks.get(FIND, began), marks.get(PLACE, ended)
    return Stages(place - find, ended - place, ended - began)


def median_seconds(action: Callable[[], object], runs: int) -> float:
    """Median time of ``runs`` calls."""
    spent = []
    for _ in range(runs):
        began = time.perf_counter()
        action()
        spent.append(time.perf_counter() - began)
    return float(np.median(spent))


def repeated(references: Sequence[Reference], count: int) -> list[Reference]:
    """``count`` references; after the last comes the first again under another name."""
    out = []
    for number in range(count):
        turn, index = divmod(number, len(references))
        found = references[index]
        out.append(found if turn == 0 else replace(found, key=f"{found.key} {turn + 1}"))
    return out


def peak_mb() -> float:
    """Greatest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_speed(engine: Engine, encoder: OnnxEncoder, view: str, runs: int) -> dict[str, Any]:
    """Times and memory for one view; the film is the bank's last reference of it."""
    entry = [entry for entry in engine.bank.entries if entry.view == view][-1]
    pixels = read_reference_image(engine.bank.folder, entry)
    spacing = Calibration(entry.spacing_mm, entry.spacing_mm, SpacingSource.GEOMETRY, "Of the bank.")
    film = Radiograph(Path(entry.image), pixels, (Window(0.0, 1.0),), spacing, entry.sha256)
    references = engine.bank.references(engine.catalogue, view)
    window = np.random.default_rng(0).normal(size=(encoder.input_px,) * 2).astype(np.float32)
    encoder.encode(window)
    out: dict[str, Any] = {
        "view": view,
        "points": len(engine.catalogue.view(view).points),
        "film_px": list(film.size_px),
        "bank_references": len(references),
        "encode_s": median_seconds(lambda: encoder.encode(window), 4 * runs),
        "reference_features_s": median_seconds(
            lambda: compute_features(encoder, references[:1], Workers()), runs
        ),
    }
    case = engine.analyse(film, view=view)
    out["measure_s"] = median_seconds(lambda: engine.measure(case), 4 * runs)
    out["analyse_view_given_s"] = median_seconds(lambda: engine.analyse(film, view=view), runs)
    engine.analyse(film)
    out["analyse_view_found_s"] = median_seconds(lambda: engine.analyse(film), runs)
    out["peak_mb"] = peak_mb()
    matcher = view_matcher(encoder, MemoryFeatureCache(), engine.catalogue)
    by_count = {}
    for count in COUNTS:
        some = repeated(references, count)
        matcher.features(some)
        timed_match(matcher, pixels, some)
        stages = [timed_match(matcher, pixels, some) for _ in range(runs)]
        by_count[str(count)] = {
            "find_s": float(np.median([s.find for s in stages])),
            "place_s": float(np.median([s.place for s in stages])),
            "match_s": float(np.median([s.whole for s in stages])),
        }
    few, many = by_count[str(COUNTS[0])], by_count[str(COUNTS[-1])]
    out["by_references"] = by_count
    out["further_reference_s"] = (many["match_s"] - few["match_s"]) / (COUNTS[-1] - COUNTS[0])
    out["peak_40_mb"] = peak_mb()
    return out


def largest_view(engine: Engine) -> str:
    """The view of the bank with the most points."""
    views = {entry.view for entry in engine.bank.entries}
    return max(sorted(views), key=lambda view: len(engine.catalogue.view(view).points))


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.bench.speed", description=__doc__)
    parser.add_argument("--view", help="default: the view of the bank with the most points")
    parser.add_argument("--runs", type=int, default=5, help="repetitions of every time")
    parser.add_argument("--bank", type=Path, help="default: the shipped one")
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args(arguments)
    before = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    began = time.perf_counter()
    catalogue = known_catalogue(args.bank)
    loaded = time.perf_counter()
    bank = load_bank(args.bank)
    read = time.perf_counter()
    encoder = OnnxEncoder()
    opened = time.perf_counter()
    cache = DiskFeatureCache(user_cache_dir(), shipped=resource_path("references", "features"))
    engine = Engine(catalogue, bank, view_matcher(encoder, cache, catalogue))
    view = args.view or largest_view(engine)
    if view not in {entry.view for entry in engine.bank.entries}:
        parser.error(f"the bank has no reference of {view!r}")
    report: dict[str, Any] = {
        "header": header(engine, args),
        "load_before": before,
        "idle": before is not None and before < IDLE_LOAD * (os.cpu_count() or 1),
        "load_catalogue_s": loaded - began,
        "load_bank_s": read - loaded,
        "load_model_s": opened - read,
        **measure_speed(engine, encoder, view, args.runs),
    }
    save_json(args.json, report)
    for key, value in report.items():
        if isinstance(value, float) and key.endswith("_s"):
            print(f"{key[:-2].replace('_', ' ')}: {1000 * value:.1f} ms")
    for count, line in report["by_references"].items():
        print(f"{count} references: {', '.join(f'{k[:-2]} {1000 * v:.0f} ms' for k, v in line.items())}")
    print(f"peak memory: {report['peak_mb']:.0f} MB")
    if not report["idle"]:
        print(f"The machine was not idle (load {before}): times are too long.", file=sys.stderr)


if __name__ == "__main__":
    main()
