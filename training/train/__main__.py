"""Train the matching network: ``python -m training.train --films DIR --out DIR``.

Resumes from the newest checkpoint in --out. Runs on a GPU when there is one, else on the CPU, in mixed
precision where the processor is faster with it. The same seed and step count give the same pairs.
"""

from __future__ import annotations

import argparse
import math
from functools import partial
from pathlib import Path

from training.train.loop import train
from training.train.parallel import run_team


def parse_shares(text: str) -> tuple[tuple[str, float], ...]:
    """``hand_pa=2,ankle_ap=1`` as names and shares."""
    return tuple((name, float(share)) for name, share in (item.split("=") for item in text.split(",")))


def _width(text: str) -> int:
    value = int(text)
    if value < 16 or value % 16:
        raise argparse.ArgumentTypeError("must be a multiple of 16")
    return value


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=Path, required=True, help="folder of stored films, one folder a view")
    parser.add_argument("--shares", type=parse_shares, required=True, help="e.g. hand_pa=2,ankle_ap=1")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and log")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=8, help="pairs a step")
    parser.add_argument("--peak-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="loading processes for each training process")
    parser.add_argument("--processes", type=int, default=1, help="training processes that share each step")
    parser.add_argument("--stop-after-minutes", type=float, default=math.inf)
    parser.add_argument("--width", type=_width, default=48, help="size of the network: channels at stride 4")
    parser.add_argument("--most-films", type=int, help="use at most so many stored films a view")
    parser.add_argument("--start-from", type=Path, help="checkpoint whose weights to start from")
    parser.add_argument(
        "--unlabelled", type=Path, help="folder of real films without points, for comparison models"
    )
    parser.add_argument("--unlabelled-part", type=float, default=0.3, help="share of pairs from these films")
    args = parser.parse_args()
    if args.processes < 1 or args.batch % args.processes:
        parser.error("--batch must be a multiple of --processes")
    args.out.mkdir(parents=True, exist_ok=True)
    run_team(partial(train, args), args.processes)


if __name__ == "__main__":
    main()
