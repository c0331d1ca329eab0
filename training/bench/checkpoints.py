"""Accuracy by checkpoint: ``python -m training.bench.checkpoints FILE ... --cases VIEW=FOLDER --json F``.

Every checkpoint is exported and evaluated as ``orthomatch evaluate`` does, on the same draws of references
and targets, so that errors can be set against training steps or the size of the network.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from core.adapters.cases_folder import read_cases
from core.adapters.feature_cache import MemoryFeatureCache
from core.adapters.onnx import OnnxEncoder
from core.evaluation import evaluate
from core.matching.matcher import LandmarkMatcher
from core.measure.loader import load_catalogue
from training.bench.program import commit, save_json
from training.bench.views import named_paths
from training.export.__main__ import export_checked, load_checkpoint


def measure(checkpoint: Path, cases: Sequence[tuple[str, Path]], args: argparse.Namespace) -> dict[str, Any]:
    """Steps and size of one checkpoint, and its errors on every set."""
    steps = torch.load(checkpoint, map_location="cpu", weights_only=True).get("step")
    weights = sum(part.numel() for part in load_checkpoint(checkpoint).parameters())
    line: dict[str, Any] = {"name": checkpoint.stem, "steps": steps, "weights": weights}
    with TemporaryDirectory() as folder:
        path, _ = export_checked(checkpoint, Path(folder), "not to be shared")
        encoder = OnnxEncoder(path)
    catalogue = load_catalogue()
    for view, films in cases:
        found = evaluate(
            LandmarkMatcher(encoder, MemoryFeatureCache()),
            read_cases(films),
            view=catalogue.view(view),
            counts=args.counts,
            draws=args.draws,
            targets_per_draw=args.targets,
            seed=args.seed,
        )
        line[view] = {
            "unit": found.unit,
            "mean": {count: summary.mean for count, summary in found.counts.items()},
            "median": {count: summary.median for count, summary in found.counts.items()},
        }
    return line


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.bench.checkpoints", description=__doc__)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--cases", action="append", required=True, metavar="VIEW=FOLDER")
    parser.add_argument("--counts", type=lambda text: [int(n) for n in text.split(",")], default=[1, 10])
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--targets", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args(arguments)
    cases = named_paths(args.cases, parser, list(load_catalogue().views))
    lines = []
    for checkpoint in args.checkpoints:
        lines.append(measure(checkpoint, cases, args))
        print(lines[-1], file=sys.stderr, flush=True)
    settings = {"counts": args.counts, "draws": args.draws, "targets": args.targets, "seed": args.seed}
    save_json(args.json, {"commit": commit(), "settings": settings, "checkpoints": lines})


if __name__ == "__main__":
    main()
