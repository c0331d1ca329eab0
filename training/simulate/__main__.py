"""Render simulated films with exact points: ``python -m training.simulate --view KEY --count N --out DIR``.

Writes PNG images and ``landmarks.json``: a list of {file, width, height, mm_per_px, names,
landmarks [[x, y], ...]}, pixel centres at integers. The same seed gives the same films. Their random
streams are apart from those of training films and of the shipped bank.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from core.measure.loader import load_catalogue
from training.simulate.anatomy import anatomy_dir
from training.simulate.films import expose
from training.simulate.imaging import develop, random_exposure
from training.simulate.views import scene_makers

STREAM = 90_002


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(prog="python -m training.simulate", description=__doc__)
    parser.add_argument("--list-views", action="store_true", help="list the views and end")
    parser.add_argument("--view", default="all", help="view key, or all (default)")
    parser.add_argument("--count", type=int, default=10, help="films a view")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--side-px", type=int, default=720)
    parser.add_argument("--strength", type=float, default=1.0, help="of the exposure's randomisation")
    parser.add_argument("--out", type=Path, help="folder for one folder a view")
    parser.add_argument("--anatomy", type=Path, help="folder of bone surfaces; else ORTHOMATCH_ANATOMY")
    args = parser.parse_args()
    makers = scene_makers(anatomy_dir(args.anatomy))
    if args.list_views:
        print("\n".join(makers))
        return
    if args.out is None:
        parser.error("--out is needed")
    if args.view != "all" and args.view not in makers:
        parser.error(f"unknown view {args.view!r}; known: {', '.join(makers)}")
    catalogue = load_catalogue()
    for key in makers if args.view == "all" else [args.view]:
        folder = args.out / key
        folder.mkdir(parents=True, exist_ok=True)
        listed = []
        for index in range(args.count):
            rng = np.random.default_rng([STREAM, args.seed, index])
            film = expose(*makers[key](rng, args.side_px), index)
            image = develop(film.layers, random_exposure(rng, args.strength), rng)
            name = f"{index:04d}.png"
            cv2.imwrite(str(folder / name), np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8))
            names = catalogue.view(key).point_keys
            listed.append(
                {
                    "file": name,
                    "width": image.shape[1],
                    "height": image.shape[0],
                    "mm_per_px": film.pixel_mm,
                    "names": list(names),
                    "landmarks": [[round(float(v), 3) for v in film.named[point]] for point in names],
                }
            )
        (folder / "landmarks.json").write_text(json.dumps(listed))
        print(f"{folder}: {len(listed)} films")


if __name__ == "__main__":
    main()
