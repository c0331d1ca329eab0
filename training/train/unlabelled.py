"""Training pairs from films without points: two random looks at one film, which shows all places twice.

For comparison models only where the films' terms forbid weights trained on them to be shared.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from core.adapters.dicom import read_film
from core.matching.frames import Size, normalise, standardise
from training.simulate.warp import Warp, random_warp

FloatArray = NDArray[np.float64]
Image = NDArray[np.float32]

SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm")
LONGER_SIDE_PX = 1024
PARTS = (0.15, 1.2)
"""Smallest and largest side of a look, as a part of the film's longer side: even in its logarithm."""

QUARTER_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


class UnlabelledPairs(Dataset[tuple[Tensor, ...]]):
    """An endless, seeded stream of pairs as ``PairDataset`` gives them; all are of no view (-1).

    ``size_of`` tells the size of the windows of an item. Raises ``FileNotFoundError`` for a folder without
    films.
    """

    def __init__(
        self, folder: Path, seed: int, length: int, size_of: Callable[[int], Size], points: int
    ) -> None:
        self.paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
        if not self.paths:
            raise FileNotFoundError(f"{folder}: no films")
        self.seed, self.length, self.size_of, self.points = seed, length, size_of, points

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        rng = np.random.default_rng([self.seed, index, 1])
        film = _small(self.paths[int(rng.integers(len(self.paths)))])
        height, width = film.shape
        part = float(np.exp(rng.uniform(*np.log(PARTS))))
        # The smaller the look, the further from the middle it may lie.
        away = 0.5 * max(0.0, 1.0 - part)
        centre = (rng.uniform(-away, away, 2) + 0.5) * [width, height]
        pose = np.linalg.matrix_power(QUARTER_TURN, int(rng.integers(4)) if part > 0.8 else 0)
        pose = pose @ np.diag([-1.0 if rng.random() < 0.5 else 1.0, 1.0])
        size = self.size_of(index)
        warps = [_look(centre, max(size) / (part * max(width, height)) * pose, size, rng) for _ in range(2)]
        images = [
            standardise(_changed(np.asarray(warp.image(film, size), np.float32), rng)) for warp in warps
        ]
        places = _detailed_places(film, centre, part, self.points, rng)
        source, target = (warp.points(places) for warp in warps)
        last, shown = np.array(size) - 1, np.ones(len(places), dtype=bool)
        for at in (source, target):
            shown &= (at >= 0).all(1) & (at <= last).all(1)
        return (
            torch.from_numpy(images[0][None]),
            torch.from_numpy(images[1][None]),
            torch.from_numpy(np.clip(source, 0, last).astype(np.float32)),
            torch.from_numpy(np.clip(target, 0, last).astype(np.float32)),
            torch.from_numpy(shown.astype(np.float32)),
            torch.tensor(-1),
        )


def _look(centre: FloatArray, pose: FloatArray, size: Size, rng: np.random.Generator) -> Warp:
    """A random look about ``centre`` of a film; ``pose`` [2, 2] turns, mirrors and scales."""
    warp = random_warp(rng, size, 0.14, 14.0, 12.0, 0.08, rng.uniform(0, 8))
    offset = (np.array(size) - 1) / 2 - pose @ centre
    linear = warp.affine[:, :2]
    affine = np.hstack([linear @ pose, (linear @ offset + warp.affine[:, 2])[:, None]])
    return Warp(affine, warp.waves, warp.amplitude, warp.size)


class Mixture(Dataset[tuple[Tensor, ...]]):
    """Item i is that of the second stream with probability ``part``, else that of the first."""

    def __init__(
        self, first: Dataset[tuple[Tensor, ...]], second: UnlabelledPairs, part: float, seed: int
    ) -> None:
        self.first, self.second, self.part, self.seed = first, second, part, seed

    def __len__(self) -> int:
        return len(self.second)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        chosen = np.random.default_rng([self.seed, index, 2]).random() < self.part
        return self.second[index] if chosen else self.first[index]


@lru_cache(maxsize=128)
def _small(path: Path) -> Image:
    """The film in 0..1, its longer side at most ``LONGER_SIDE_PX``."""
    film = normalise(read_film(path).pixels)
    share = LONGER_SIDE_PX / max(film.shape)
    if share < 1.0:
        film = cv2.resize(film, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(film, dtype=np.float32)


def _detailed_places(
    film: Image, centre: FloatArray, part: float, count: int, rng: np.random.Generator
) -> FloatArray:
    """Places [count, 2] of the film near ``centre`` where something is to be seen."""
    tried = centre + rng.uniform(-0.55, 0.55, (20 * count, 2)) * part * max(film.shape)
    smooth = cv2.GaussianBlur(film, (0, 0), 2.0)
    slope = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    column, row = (np.rint(tried[:, axis]).astype(np.intp) for axis in (0, 1))
    inside = (column >= 0) & (row >= 0) & (column < film.shape[1]) & (row < film.shape[0])
    strength = np.where(inside, slope[row.clip(0, film.shape[0] - 1), column.clip(0, film.shape[1] - 1)], -1)
    return np.asarray(tried[np.argsort(-strength)[: 4 * count]][rng.permutation(4 * count)[:count]])


def _changed(image: Image, rng: np.random.Generator) -> Image:
    """The image in other greys: gamma, a curve, local contrast, a smooth field, blur and noise."""
    image = np.clip(image, 0.0, 1.0) ** np.float32(np.exp(rng.normal(0, 0.35)))
    steep = float(max(0.0, rng.normal(1.0, 2.0)))
    if steep > 0.05:
        image = 1.0 / (1.0 + np.exp(-steep * (2.0 * image - float(rng.uniform(0.6, 1.2)))))
    for width in (2.0, 6.0, 24.0):
        image = image + np.float32(rng.normal(0.15, 0.35)) * (image - cv2.GaussianBlur(image, (0, 0), width))
    field = cv2.resize(
        rng.standard_normal((4, 4)).astype(np.float32), image.shape[::-1], interpolation=cv2.INTER_CUBIC
    )
    image = image * (1.0 + np.float32(rng.uniform(0, 0.15)) * field)
    blur = float(rng.uniform(0.0, 1.2))
    if blur > 0.2:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    noise = rng.standard_normal(image.shape).astype(np.float32)
    return np.asarray(image + np.float32(rng.uniform(0, 0.04)) * noise, dtype=np.float32)
