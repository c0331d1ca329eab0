"""The whole benchmark on one set of annotated films: ``python -m training.bench CASES --json F``.

The shipped matcher with real references drawn from the set and, with ``--view``, with the shipped bank's
simulated references; then DISK with LightGlue on films of the same set in the same run. Saves one JSON
that can be compared between versions.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
from dataclasses import asdict
from pathlib import Path

from core import __version__
from core.adapters.bank import load_bank
from core.adapters.cases_folder import read_cases
from core.adapters.feature_cache import MemoryFeatureCache
from core.adapters.onnx import OnnxEncoder
from core.evaluation import evaluate
from core.matching.matcher import LandmarkMatcher
from core.measure.loader import load_catalogue


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(prog="python -m training.bench", description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--view", help="also match with the shipped bank's references of this view")
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--targets", type=int, default=16, help="films a draw")
    parser.add_argument("--peer-draws", type=int, default=0, help="draws for DISK with LightGlue")
    parser.add_argument("--peer-films", type=int, default=5, help="films a draw for DISK with LightGlue")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args()

    films = read_cases(args.cases)
    matcher = LandmarkMatcher(OnnxEncoder(), MemoryFeatureCache())
    report: dict[str, object] = {
        "version": __version__,
        "machine": platform.machine(),
        "set": args.cases.name,
    }
    real = evaluate(
        matcher, films, draws=args.draws, targets_per_draw=args.targets, seed=args.seed, progress=print
    )
    report["real_references"] = asdict(real)
    if args.view:
        references = load_bank().references(load_catalogue(), args.view)
        report["bank_references"] = asdict(
            evaluate(
                matcher, films, references=references, counts=(1, 5, 12), draws=2,
                targets_per_draw=2 * args.targets, seed=args.seed, progress=print,
            )
        )  # fmt: skip
    report["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if args.peer_draws:
        from training.bench import peer_lightglue as peer

        disk = peer.disk_lightglue_peer()
        report["disk_lightglue"] = peer.run(
            films, disk, draws=args.peer_draws, count=1, seed=args.seed, limit=args.peer_films
        )
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(json.dumps(report, indent=1, default=str) + "\n")
    for name in ("real_references", "bank_references"):
        if isinstance(part := report.get(name), dict):
            for count, line in part["counts"].items():
                print(
                    f"{name} {count:>3}: mean {line['mean']:.2f} median {line['median']:.2f} {part['unit']}"
                )


if __name__ == "__main__":
    main()
