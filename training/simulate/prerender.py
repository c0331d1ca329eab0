"""Store simulated exposures for training: ``python -m training.simulate.prerender --view KEY ...``.

Film i of a seed is the same on every machine and with any number of workers; files that exist are kept,
so the command resumes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from training.simulate.anatomy import anatomy_dir
from training.simulate.films import SceneMaker, expose, save_film
from training.simulate.people import SPLITS, Split
from training.simulate.views import VIEW_KEYS, scene_makers


@dataclass(frozen=True)
class Job:
    """What to store: one view of one seed and split, into ``folder``."""

    view: str
    seed: int
    side_px: int
    split: Split
    hardware: float
    anatomy: Path
    folder: Path


def store(job: Job, index: int) -> None:
    """Render and store film ``index`` of a job unless it is there."""
    path = job.folder / f"{index:06d}.npz"
    if path.exists():
        return
    make = _maker(job.anatomy, job.split, job.view)
    scene, camera = make(np.random.default_rng([job.seed, index]), job.side_px)
    save_film(path, expose(scene, camera, index, job.hardware))


def store_all(job: Job, indices: Iterable[int], workers: int) -> None:
    """Store films in ``workers`` processes (1: in this one). Raises what any of them raises."""
    if workers == 1:
        for index in indices:
            store(job, index)
        return
    # Started afresh: a fork of a process in which other threads run may hang.
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_single_thread) as pool:
        for done in [pool.submit(store, job, index) for index in indices]:
            done.result()


@lru_cache(maxsize=1)
def _maker(anatomy: Path, split: Split, view: str) -> SceneMaker:
    return scene_makers(anatomy, split)[view]


def _single_thread() -> None:
    cv2.setNumThreads(1)  # the processes share the cores


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with ``arguments`` (None: those of the process)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--view", required=True, choices=VIEW_KEYS, metavar="KEY")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--side-px", type=int, default=384)
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--hardware", type=float, default=0.0, help="share of films with implants or disease")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, required=True, help="folder for one folder a view")
    parser.add_argument("--anatomy", type=Path, help="folder of bone surfaces; else ORTHOMATCH_ANATOMY")
    args = parser.parse_args(arguments)
    if not 0.0 <= args.hardware <= 1.0 or args.workers < 1:
        parser.error("--hardware is a share between 0 and 1, --workers at least 1")
    folder = args.out / args.view
    folder.mkdir(parents=True, exist_ok=True)
    anatomy = anatomy_dir(args.anatomy)
    job = Job(args.view, args.seed, args.side_px, args.split, args.hardware, anatomy, folder)
    store_all(job, range(args.first, args.first + args.count), args.workers)


if __name__ == "__main__":
    main()
