"""Store simulated exposures for training: ``python -m training.simulate.prerender --view KEY ...``.

Film i of a seed is the same on every machine; files that exist are kept, so the command resumes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from training.simulate.anatomy import anatomy_dir
from training.simulate.films import expose, save_film
from training.simulate.views import scene_makers


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--view", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--side-px", type=int, default=384)
    parser.add_argument("--out", type=Path, required=True, help="folder for one folder a view")
    parser.add_argument("--anatomy", type=Path, help="folder of bone surfaces; else ORTHOMATCH_ANATOMY")
    args = parser.parse_args()
    make = scene_makers(anatomy_dir(args.anatomy))[args.view]
    folder = args.out / args.view
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(args.first, args.first + args.count):
        path = folder / f"{index:06d}.npz"
        if not path.exists():
            scene, camera = make(np.random.default_rng([args.seed, index]), args.side_px)
            save_film(path, expose(scene, camera, index))


if __name__ == "__main__":
    main()
