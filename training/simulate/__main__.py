"""Render simulated films with exact points: ``python -m training.simulate --view KEY --count N --out DIR``.

Writes PNG images (with ``--dicom`` DICOM files besides) and ``landmarks.json``: a list of {file, width,
height, mm_per_px, names, landmarks [[x, y] or null, ...], view, side, magnification, measurements}, pixel
centres at integers. ``measurements`` gives by key the value of the catalogue's construction on the exact
points (``from_points``) and, where the simulated body knows it, the value in 3-D (``from_scene``).
``mm_per_px`` holds in the plane of the bones. The same seed gives the same films. Their random streams
are apart from those of training films and of the shipped bank. The view ``phantom`` is a test body of
balls and wires whose places are known in closed form.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from core.film import Side
from core.measure.definitions import Catalogue
from core.measure.loader import load_catalogue
from training.simulate import phantom
from training.simulate.anatomy import anatomy_dir
from training.simulate.cases import annotation, sides_of, simulate_film
from training.simulate.dicom_file import STYLES, expected_spacing_mm, write_dicom
from training.simulate.films import SceneMaker
from training.simulate.people import SPLITS
from training.simulate.views import VIEW_KEYS, scene_makers

STREAM = 90_002


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with ``arguments`` (None: those of the process)."""
    parser = argparse.ArgumentParser(prog="python -m training.simulate", description=__doc__)
    parser.add_argument("--list-views", action="store_true", help="list the views and end")
    parser.add_argument("--view", default="all", help="view key, all (default), or phantom")
    parser.add_argument("--count", type=int, default=10, help="films a view")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--side-px", type=int, default=720, help="longer side of a film in pixels")
    parser.add_argument("--strength", type=float, default=1.0, help="of the exposure's randomisation")
    parser.add_argument("--split", choices=SPLITS, default="train", help="whose bones are drawn")
    parser.add_argument(
        "--side", choices=[s.value for s in (Side.LEFT, Side.RIGHT)] + ["both"], default="left"
    )
    parser.add_argument("--hardware", type=float, default=0.0, help="share of films with implants or disease")
    parser.add_argument("--dicom", action="store_true", help="write DICOM files too, in the styles of makers")
    parser.add_argument("--out", type=Path, help="folder for one folder a view")
    parser.add_argument("--anatomy", type=Path, help="folder of bone surfaces; else ORTHOMATCH_ANATOMY")
    args = parser.parse_args(arguments)
    if args.list_views:
        print("\n".join(VIEW_KEYS))
        return
    if args.out is None:
        parser.error("--out is needed")
    if args.view not in ("all", phantom.VIEW, *VIEW_KEYS):
        parser.error(f"unknown view {args.view!r}; known: {', '.join(VIEW_KEYS)}")
    if not 0.0 <= args.hardware <= 1.0:
        parser.error("--hardware is a share between 0 and 1")
    if args.view == phantom.VIEW:  # needs no bones
        makers: Mapping[str, SceneMaker] = {phantom.VIEW: phantom.phantom_film}
    else:
        makers = scene_makers(anatomy_dir(args.anatomy), args.split)
    catalogue = load_catalogue()
    for key in VIEW_KEYS if args.view == "all" else [args.view]:
        folder = args.out / key
        folder.mkdir(parents=True, exist_ok=True)
        listed = _write_films(folder, makers[key], catalogue, key, args)
        (folder / "landmarks.json").write_text(json.dumps(listed))
        print(f"{folder}: {len(listed)} films")


def _write_films(
    folder: Path, make: SceneMaker, catalogue: Catalogue, view: str, args: argparse.Namespace
) -> list[dict[str, object]]:
    listed = []
    sides = sides_of(view, catalogue, Side(args.side) if args.side != "both" else None)
    for index in range(args.count):
        rng = np.random.default_rng([STREAM, args.seed, index])
        film = simulate_film(
            make,
            rng,
            args.side_px,
            index,
            side=sides[index % len(sides)],
            strength=args.strength,
            hardware=args.hardware,
        )
        name = f"{index:04d}.png"
        cv2.imwrite(str(folder / name), np.rint(np.clip(film.image, 0, 1) * 255).astype(np.uint8))
        entry = annotation(film, catalogue, name)
        if args.dicom:
            style = STYLES[index % len(STYLES)]
            file = f"{index:04d}.dcm"
            write_dicom(folder / file, film, catalogue, style, (args.seed, index))
            entry["dicom"] = {
                "file": file,
                "style": style.name,
                "mm_per_px": expected_spacing_mm(film, style),
            }
        listed.append(entry)
    return listed


if __name__ == "__main__":
    main()
