"""Contact sheets for looking at simulated films: ``python -m training.simulate.sheet --view KEY --out PNG``.

Every film is developed and its named points are drawn as numbered dots (numbers in the order of the
view's points; the order is printed).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.film import Side
from core.measure.loader import load_catalogue
from training.simulate.anatomy import anatomy_dir
from training.simulate.cases import SimulatedFilm, sides_of, simulate_film
from training.simulate.people import SPLITS
from training.simulate.views import VIEW_KEYS, scene_makers

_DOT = (60, 220, 255)


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--view", required=True, choices=VIEW_KEYS)
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--columns", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--side-px", type=int, default=640)
    parser.add_argument("--strength", type=float, default=0.6, help="of the exposure's randomisation")
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--plain", action="store_true", help="leave the points out")
    parser.add_argument("--anatomy", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    make = scene_makers(anatomy_dir(args.anatomy), args.split)[args.view]
    side = sides_of(args.view, load_catalogue(), Side.LEFT)[0]
    cells = []
    for index in range(args.count):
        rng = np.random.default_rng([args.seed, index])
        film = simulate_film(make, rng, args.side_px, index, side=side, strength=args.strength)
        cells.append(_cell(film, args.side_px, not args.plain))
        if index == 0:
            print(", ".join(f"{i + 1} {name}" for i, name in enumerate(film.points)))
    blank = np.zeros_like(cells[0])
    cells += [blank] * (-len(cells) % args.columns)
    rows = [np.hstack(cells[i : i + args.columns]) for i in range(0, len(cells), args.columns)]
    cv2.imwrite(str(args.out), np.vstack(rows))


def _cell(film: SimulatedFilm, side_px: int, points: bool) -> NDArray[np.uint8]:
    grey = np.rint(np.clip(film.image, 0, 1) * 255).astype(np.uint8)
    colour = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    if points:
        for number, (x, y) in enumerate(film.points.values(), start=1):
            place = (round(float(x)), round(float(y)))
            cv2.circle(colour, place, 2, _DOT, -1, cv2.LINE_AA)
            cv2.putText(colour, str(number), (place[0] + 3, place[1] - 3), 0, 0.35, _DOT, 1, cv2.LINE_AA)
    cell = np.zeros((side_px + 4, side_px + 4, 3), dtype=np.uint8)
    cell[: colour.shape[0], : colour.shape[1]] = colour
    return cell


if __name__ == "__main__":
    main()
