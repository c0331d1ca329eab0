"""How fast films are made: ``python -m training.simulate.speed [--view KEY ...] [--workers N]``.

Prints, for every view, films a second at 512 pixels with all randomisation (scene, rendering,
developing): of all processes together by the clock, and of one core by processor time, which other
programs on the computer hardly change; then the share of each stage and the peak memory of the processes.
The first film of a process, which loads bones and compiled code, is not counted.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from training.simulate.anatomy import anatomy_dir
from training.simulate.films import expose
from training.simulate.imaging import develop, random_exposure
from training.simulate.views import VIEW_KEYS, scene_makers

STAGES = ("scene", "render", "develop")


def time_films(
    view: str, anatomy: Path, side_px: int, hardware: float, indices: Sequence[int]
) -> list[float]:
    """Processor seconds of the stages over all films, then seconds by the clock and peak memory in MiB."""
    cv2.setNumThreads(1)
    make = scene_makers(anatomy)[view]
    spent = np.zeros(len(STAGES))
    begin = time.perf_counter()
    for number, index in enumerate([-1, *indices]):
        rng = np.random.default_rng([90_003, index + 1])
        marks = [time.process_time()]
        if number == 1:
            begin = time.perf_counter()
        scene, camera = make(rng, side_px)
        marks.append(time.process_time())
        film = expose(scene, camera, index + 1, hardware)
        marks.append(time.process_time())
        develop(film.layers, random_exposure(rng), rng)
        marks.append(time.process_time())
        if number > 0:
            spent += np.diff(marks)
    wall = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kibibytes on Linux
    return [*spent, wall, peak]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with ``arguments`` (None: those of the process)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--view", nargs="*", choices=VIEW_KEYS, default=VIEW_KEYS, metavar="KEY")
    parser.add_argument("--count", type=int, default=20, help="films a process")
    parser.add_argument("--side-px", type=int, default=512)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--hardware", type=float, default=0.0)
    parser.add_argument("--anatomy", type=Path)
    args = parser.parse_args(arguments)
    anatomy = anatomy_dir(args.anatomy)
    print(f"{'view':16} films/s  a core  " + "  ".join(f"{stage:>8}" for stage in STAGES) + "  peak MiB")
    for view in args.view:
        with ProcessPoolExecutor(args.workers, mp_context=get_context("spawn")) as pool:
            jobs = [
                pool.submit(
                    time_films, view, anatomy, args.side_px, args.hardware,
                    range(worker * args.count, (worker + 1) * args.count),
                )
                for worker in range(args.workers)
            ]  # fmt: skip
            rows = np.array([job.result() for job in jobs])
        rate = float((args.count / rows[:, -2]).sum())
        core = float(args.count * args.workers / rows[:, : len(STAGES)].sum())
        share = rows[:, : len(STAGES)].sum(axis=0)
        share /= share.sum()
        parts = "  ".join(f"{100 * s:7.0f}%" for s in share)
        print(f"{view:16} {rate:7.1f}  {core:6.1f}  {parts}  {rows[:, -1].sum():8.0f}", flush=True)


if __name__ == "__main__":
    main()
