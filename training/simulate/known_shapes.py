"""Draw the shapes of people that ship with the views: ``python -m training.simulate.known_shapes``.

Only points are drawn, no film: see ``core.adapters.view_shapes``. The random streams are apart from those of
training, bank and test films. Features of the bank depend on the shapes; make them anew afterwards
(``python -m training.simulate.bank --out references --features-only``).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.adapters.view_shapes import read_shapes, save_shapes, shapes_file
from core.matching.frames import Size
from core.measure.definitions import View
from core.measure.loader import load_catalogue
from training.simulate.anatomy import anatomy_dir
from training.simulate.bank import SIDE_PX, complete
from training.simulate.films import SceneMaker
from training.simulate.views import scene_makers

FloatArray = NDArray[np.float64]

STREAM = 90_002
PEOPLE = 200
"""With one reference the mean error of six views of test people was 4.4 mm without further people, 3.1 with
48 and 2.9 with 200, each of whom counted as much as a reference; on four of them 600 were no better."""


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=shapes_file())
    parser.add_argument("--views", default="all", help="keys, or all; the others stay as they are")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--anatomy", type=Path)
    args = parser.parse_args()
    makers, catalogue = scene_makers(anatomy_dir(args.anatomy)), load_catalogue()
    wanted = list(catalogue.views) if args.views == "all" else args.views.split(",")
    known = {} if args.views == "all" else read_shapes(catalogue, args.out)
    shapes = {key: (catalogue.view(key).point_keys, px) for key, px in known.items()}
    for key in wanted:
        view = catalogue.view(key)
        shapes[key] = view.point_keys, drawn_shapes(view, makers[key], PEOPLE, args.seed)
        print(key, flush=True)
    save_shapes(args.out, shapes)


def drawn_shapes(view: View, make: SceneMaker, people: int, seed: int) -> FloatArray:
    """Points [S, N, 2] of so many people, in pixels of films that are not made."""
    shapes: list[FloatArray] = []
    trial = 0
    while len(shapes) < people:
        rng = np.random.default_rng([STREAM, seed, trial])
        scene, camera = make(rng, SIDE_PX)
        trial += 1
        named = scene.project_points(camera)
        if complete(named, view, Size(camera.width, camera.height)):
            shapes.append(np.array([named[key] for key in view.point_keys]))
    return np.stack(shapes)


if __name__ == "__main__":
    main()
