"""The whole benchmark on one set of annotated films: ``python -m training.bench CASES --json F``.

The shipped matcher with real references drawn from the set and, with ``--view``, with the shipped bank's
simulated references; then, with ``--peer-draws``, the matcher, DISK with LightGlue, and SIFT on the same
pairs of films of the set. Saves one JSON; ``python -m training.bench.compare`` shows those of several
versions side by side.
"""

from __future__ import annotations

import argparse
import platform
import resource
from dataclasses import asdict
from pathlib import Path

from core import __version__
from core.adapters.bank import load_bank
from core.adapters.cases_folder import read_cases
from core.adapters.feature_cache import MemoryFeatureCache
from core.adapters.onnx import OnnxEncoder
from core.adapters.view_matcher import view_matcher
from core.evaluation import evaluate
from core.matching.matcher import LandmarkMatcher
from core.measure.loader import load_catalogue
from training.bench import peer_lightglue as peers
from training.bench.program import commit, save_json


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(prog="python -m training.bench", description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--view", help="also match with the shipped bank's references of this view")
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--targets", type=int, default=16, help="films a draw")
    parser.add_argument("--peer-draws", type=int, default=0, help="draws for general-purpose matchers")
    parser.add_argument("--peer-films", type=int, default=5, help="films a draw for these")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args()

    films = read_cases(args.cases)
    matcher = LandmarkMatcher(OnnxEncoder(), MemoryFeatureCache())
    report: dict[str, object] = {
        "version": __version__,
        "commit": commit(),
        "machine": platform.machine(),
        "set": args.cases.name,
    }
    real = evaluate(
        matcher, films, draws=args.draws, targets_per_draw=args.targets, seed=args.seed, progress=print
    )
    report["real_references"] = asdict(real)
    if args.view:
        bank, catalogue = load_bank(), load_catalogue()
        references = bank.references(catalogue, args.view)
        shaped = view_matcher(OnnxEncoder(), MemoryFeatureCache(), catalogue)
        report["bank_references"] = asdict(
            evaluate(
                shaped, films, references=references, counts=(1, 5, 12), draws=2,
                targets_per_draw=2 * args.targets, seed=args.seed, progress=print,
            )
        )  # fmt: skip
    report["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if args.peer_draws:
        names = [peers.OWN, *peers.PEERS]
        report["same_pairs"] = peers.compare(
            films, names, draws=args.peer_draws, count=1, seed=args.seed, limit=args.peer_films
        )
    save_json(args.json, report)
    for name in ("real_references", "bank_references"):
        if isinstance(part := report.get(name), dict):
            for count, line in part["counts"].items():
                print(
                    f"{name} {count:>3}: mean {line['mean']:.2f} median {line['median']:.2f} {part['unit']}"
                )


if __name__ == "__main__":
    main()
