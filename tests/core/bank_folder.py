"""A small bank of made-up films on disk, and a set of annotated films."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.adapters.bank import MANIFEST, Bank, BankEntry, add_reference
from core.film import Side
from core.measure.loader import load_catalogue

VIEW = load_catalogue().view("ankle_ap")


def points_of(seed: int, size_px: tuple[int, int] = (160, 200)) -> dict[str, tuple[float, float]]:
    """Places for every point of the view, apart from each other and on the film."""
    rng = np.random.default_rng(seed)
    places = {}
    for i, key in enumerate(VIEW.point_keys):
        x = (0.15 + 0.7 * (i * 0.37 % 1)) * size_px[0] + rng.normal(0, 1)
        places[key] = (round(float(x), 3), round((0.1 + 0.8 * i / len(VIEW.points)) * size_px[1], 3))
    return places


def picture(seed: int, size_px: tuple[int, int] = (160, 200)) -> np.ndarray:
    """A film [rows, columns] of blurred noise with spots at the points."""
    rng = np.random.default_rng(seed)
    film = cv2.GaussianBlur(rng.normal(0, 40, size_px[::-1]).astype(np.float32), (0, 0), 3.0) + 100.0
    for i, (x, y) in enumerate(points_of(seed, size_px).values()):
        cv2.circle(film, (round(x), round(y)), 4, 140.0 + 6.0 * i, -1)
    return film


def entry(key: str, seed: int = 0, **changes: Any) -> BankEntry:
    """An entry whose image is still to be stored."""
    values: dict[str, Any] = {
        "key": key, "view": VIEW.key, "side": Side.LEFT, "image": "", "sha256": "", "size_px": (0, 0),
        "points": points_of(seed), "spacing_mm": 0.25, "origin": "made up", "licence": "CC0",
    }  # fmt: skip
    return BankEntry(**values | changes)


def make_bank(folder: Path, count: int = 2) -> Bank:
    """A sound bank with references ``r1`` ... in ``folder``."""
    bank = Bank(folder, "", ())
    for number in range(1, count + 1):
        bank = add_reference(bank, entry(f"r{number}", number), picture(number))
    return bank


def edit_manifest(folder: Path, change: Callable[[Any], Any]) -> None:
    """Rewrite the manifest after ``change`` worked on it."""
    path = folder / MANIFEST
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def make_cases(folder: Path, count: int = 4, **more: Any) -> Path:
    """A folder of annotated films as research sets keep them."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for number in range(count):
        name = f"film{number}.png"
        cv2.imwrite(str(folder / name), np.clip(picture(number), 0, 255).astype(np.uint8))
        places = [list(place) for place in points_of(number).values()]
        listed.append({"file": name, "width": 160, "height": 200, "landmarks": places, **more})
    (folder / "landmarks.json").write_text(json.dumps(listed), encoding="utf-8")
    return folder
