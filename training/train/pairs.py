"""Training pairs: two developed films of one view and the points that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from core.matching.canonical import USUAL_ROOM, size_for
from core.matching.features import CANONICAL_MARGIN
from core.matching.frames import Size, standardise
from training.simulate.films import StoredFilm, load_film
from training.simulate.imaging import develop, random_exposure, with_side_letter
from training.simulate.overlays import Collimation, draw_overlays
from training.simulate.render import map_layers
from training.simulate.warp import Warp, random_warp

FloatArray = NDArray[np.float64]

CLOSE_PARTS = (0.12, 0.6)
"""Smallest and largest side of a close-up, as a part of the canonical window: even in its logarithm."""

SIDE_MARGIN = 0.08
"""Least free border beside a film's points in a long window, as a part of its shorter side."""

CLOSE_SHIFTS_PX = (6.0, 40.0)
"""Smallest and largest spread of a close-up's shift, even in its logarithm: its place may be wrong."""

COARSE_SHARE = 0.3
"""Part of the close-ups of films with half the detail."""

LOOKED_AT = 24
"""Films of a view that tell how long and narrow its windows are."""

MOST_OFTEN = 8.0
"""How many times as often as the view's usual point a lonely one is looked at, at most; crowded ones less."""

QUARTER_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


@dataclass(frozen=True)
class PairConfig:
    """How pairs are drawn.

    ``shares`` gives the share of pairs by folder of stored films. The ``batch`` pairs of a step have windows
    of one size: a square of ``input_px``, or, with the probability ``elongated``, one as long and narrow as
    suits a view, and then mostly of views that it suits. ``same_film`` is the probability
    that both sides show the same exposure, ``aligned`` that both are framed by their points (as they
    are once the film has been located), ``close`` that both show the surroundings of one shared point
    (as when points are placed to the detail); else framing varies widely. ``collimated`` is the
    probability that a film is closed off outside the bones, however far from the edge of the film
    that is, ``turned`` that a pair framed widely is turned by one, two or three quarters.
    ``symmetric`` are the folders whose films look like their own mirror images. ``most_films`` is how many
    films of a folder are used, None: all.
    """

    shares: tuple[tuple[str, float], ...]
    batch: int = 8
    input_px: int = 256
    elongated: float = 0.6
    named_points: int = 40
    tracked_points: int = 120
    same_film: float = 0.2
    aligned: float = 0.4
    close: float = 0.35
    collimated: float = 0.35
    turned: float = 0.35
    symmetric: frozenset[str] = frozenset()
    most_films: int | None = None


@dataclass(frozen=True, eq=False)
class _Step:
    """What the pairs of one step have in common: the windows' size and the share of each folder."""

    size: Size
    share: FloatArray


@dataclass(frozen=True, eq=False)
class View:
    """One side of a pair."""

    image: NDArray[np.float32]
    film: StoredFilm
    warp: Warp

    def place(self, film_px: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Window positions [N, 2] of film positions, and which of them lie on the film and in the window."""
        window_px = self.warp.points(film_px)
        return window_px, _within(film_px, self.film.layers.bone.shape) & _within(window_px, self.image.shape)

    def nearly_shows(self, film_px: FloatArray) -> NDArray[np.bool_]:
        """Which film positions [N, 2] lie in the window but for its smooth displacement."""
        window_px = film_px @ self.warp.affine[:, :2].T + self.warp.affine[:, 2]
        height, width = self.image.shape
        slack = 0.1 * max(height, width)
        return _within(window_px + slack, (int(height + 2 * slack), int(width + 2 * slack)))


@dataclass(frozen=True, eq=False)
class _Frame:
    """The part of a film that a window shows: centre [2] in film pixels, window pixels per film pixel."""

    kind: Literal["whole", "points", "close"]
    centre_px: FloatArray
    scale: float


def _whole_frame(film: StoredFilm, size: Size, rng: np.random.Generator) -> _Frame:
    height, width = film.layers.bone.shape
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    fitting = min(size.width / width, size.height / height)
    return _Frame("whole", centre, fitting * float(np.exp(rng.uniform(-0.5, 0.2))))


def _frame_of_points(film: StoredFilm, size: Size) -> _Frame:
    """The canonical window of the film's named points: its longer side has the canonical margin."""
    low, high = _box(film)
    free = CANONICAL_MARGIN if size.width == size.height else SIDE_MARGIN
    margin = np.where(np.array(size) == max(size), CANONICAL_MARGIN, free)
    room = np.array(size) * (1.0 - 2.0 * margin)
    return _Frame("points", (low + high) / 2, float((room / np.maximum(high - low, 1e-6)).min()))


def _box(film: StoredFilm) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest x and y of the film's named points."""
    named = np.array(list(film.named.values()))
    return np.nanmin(named, axis=0), np.nanmax(named, axis=0)


def _loneliness(films: Sequence[StoredFilm]) -> dict[str, float]:
    """How often each named point of a view is to be looked at: more often, the farther others are.

    Where dozens of points mark the spine and two the hips, hips would hardly be learned. The weight is the
    area that a point stands for, from the third nearest named point; 1 is the median of the view's points.
    """
    names = sorted({name for film in films for name in film.named})
    places = np.array([[film.named.get(name, (np.nan, np.nan)) for name in names] for film in films])
    away = np.linalg.norm(places[:, :, None] - places[:, None], axis=3)
    away = np.sort(np.where(np.isfinite(away), away, np.inf), axis=2)[:, :, min(3, len(names) - 1)]
    sizes = np.nanmax(places, axis=1) - np.nanmin(places, axis=1)
    part = np.median(np.minimum(away / np.linalg.norm(sizes, axis=1)[:, None], 1.0), axis=0)
    weight = np.clip((part / max(float(np.median(part)), 1e-6)) ** 2, 1.0 / MOST_OFTEN, MOST_OFTEN)
    return dict(zip(names, weight.tolist(), strict=True))


def _chances(names: Sequence[str], lonely: Mapping[str, float]) -> FloatArray:
    weight = np.array([lonely.get(name, 1.0) for name in names])
    return weight / weight.sum()


def _close_frames(
    first: StoredFilm, second: StoredFilm, size: Size, lonely: Mapping[str, float], rng: np.random.Generator
) -> tuple[_Frame, _Frame]:
    """The same part of both films' canonical windows, about a shared named point."""
    wholes = _frame_of_points(first, size), _frame_of_points(second, size)
    shared = [name for name in first.named if name in second.named]
    name = shared[int(rng.choice(len(shared), p=_chances(shared, lonely)))]
    part = float(np.exp(rng.uniform(*np.log(CLOSE_PARTS))))
    centres = first.named[name], second.named[name]
    if not all(np.isfinite(centre).all() for centre in centres):
        return wholes
    # One offset for both, so that the point may lie anywhere but what is seen is the same part.
    offset = rng.uniform(-0.3, 0.3, 2) * np.array(size) * part
    a, b = (
        _Frame("close", centre + offset / whole.scale, whole.scale / part)
        for centre, whole in zip(centres, wholes, strict=True)
    )
    return a, b


def _needed(films: Sequence[StoredFilm], square_px: int) -> FloatArray:
    """What the points of a view's films fill [2] of a square canonical window, with a border beside them."""
    sides = np.median([high - low for low, high in map(_box, films)], axis=0)
    shown = sides / sides.max() * (1.0 - 2.0 * CANONICAL_MARGIN)
    return np.minimum(shown + 2.0 * USUAL_ROOM, 1.0) * square_px


class PairDataset(Dataset[tuple[Tensor, ...]]):
    """An endless, seeded stream: item i is the same pair whenever it is asked for.

    An item is two films [1, H, W], the points of both [N, 2], their weights [N] and the number of the
    films' view, handedness and quarter turn (-1: a close-up, which shows no view).
    """

    def __init__(self, films: Path, config: PairConfig, seed: int, length: int) -> None:
        self.config, self.seed, self.length = config, seed, length
        stored = [sorted((films / name).glob("[0-9]*.npz")) for name, _ in config.shares]
        self.folders = [paths[: config.most_films] for paths in stored]
        for (name, _), paths in zip(config.shares, self.folders, strict=True):
            if len(paths) < 2:
                raise FileNotFoundError(f"{films / name}: fewer than two stored films")
        share = np.array([s for _, s in config.shares])
        self.share = share / share.sum()
        seen = [[load_film(path) for path in paths[:LOOKED_AT]] for paths in self.folders]
        needed = np.array([_needed(films, config.input_px) for films in seen])
        self.lonely = [_loneliness(films) for films in seen]
        self.length_of = np.log(needed[:, 1] / needed[:, 0])

    @property
    def classes(self) -> int:
        """How many kinds of film there are: views, mirrored or not, in four quarter turns."""
        return 8 * len(self.folders)

    def __len__(self) -> int:
        return self.length

    def size_of(self, index: int) -> Size:
        """Size of the windows of item ``index``, the same for all of a step."""
        return self._step(index // self.config.batch).size

    def _step(self, number: int) -> _Step:
        rng, side = np.random.default_rng([self.seed, number, 3]), self.config.input_px
        if rng.random() >= self.config.elongated:
            return _Step(Size(side, side), self.share)
        length = self.length_of[rng.choice(len(self.share), p=self.share)] + rng.normal(0.0, 0.2)
        suits = self.share * np.exp(-0.5 * ((self.length_of - length) / 0.3) ** 2)
        size = size_for(side * np.exp(np.minimum([-length, length], 0.0)), side)
        return _Step(size, suits / suits.sum())

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        step = self._step(index // self.config.batch)
        size = step.size
        rng = np.random.default_rng([self.seed, index])
        folder = int(rng.choice(len(self.folders), p=step.share))
        paths = self.folders[folder]
        first = load_film(paths[rng.integers(len(paths))])
        second = first
        if rng.random() >= self.config.same_film:
            for _ in range(8):  # films of one template share tracked points
                second = load_film(paths[rng.integers(len(paths))])
                if second.template == first.template or rng.random() < 0.25:
                    break
        kind, mirrored = rng.random(), bool(rng.random() < 0.5)
        quarters = 0
        if kind < self.config.aligned:
            frames = _frame_of_points(first, size), _frame_of_points(second, size)
        elif kind < self.config.aligned + self.config.close:
            frames = _close_frames(first, second, size, self.lonely[folder], rng)
        else:
            frames = _whole_frame(first, size, rng), _whole_frame(second, size, rng)
            if rng.random() < self.config.turned:
                quarters = int(rng.integers(1, 4))
        pose = np.linalg.matrix_power(QUARTER_TURN, quarters) @ np.diag([-1.0 if mirrored else 1.0, 1.0])
        a, b = (
            self._view(film, frame, size, rng, pose)
            for film, frame in zip((first, second), frames, strict=True)
        )
        source, target, weight = self._common_points(a, b, self.lonely[folder], rng)
        return (
            torch.from_numpy(a.image[None]),
            torch.from_numpy(b.image[None]),
            torch.from_numpy(source.astype(np.float32)),
            torch.from_numpy(target.astype(np.float32)),
            torch.from_numpy(weight),
            torch.tensor(self._class_of(folder, mirrored, quarters) if frames[0].kind != "close" else -1),
        )

    def _class_of(self, folder: int, mirrored: bool, quarters: int) -> int:
        """Number of a view, handedness and quarter turn, below ``classes``."""
        flipped = mirrored and self.config.shares[folder][0] not in self.config.symmetric
        return 8 * folder + 4 * int(flipped) + quarters

    def _view(
        self, film: StoredFilm, frame: _Frame, size: Size, rng: np.random.Generator, pose: FloatArray
    ) -> View:
        larger = max(size) / self.config.input_px
        if frame.kind == "whole":
            warp = random_warp(rng, size, 0.22, 24.0, 16.0, 0.08, rng.uniform(0, 10))
        elif frame.kind == "points":
            warp = random_warp(rng, size, 0.09, 8.0 * larger, 6.0, 0.04, rng.uniform(0, 6) * larger)
        else:
            shift = float(np.exp(rng.uniform(*np.log(CLOSE_SHIFTS_PX))))
            warp = random_warp(rng, size, 0.09, shift, 8.0, 0.05, rng.uniform(0, 6))
        before = frame.scale * pose
        offset = (np.array(size) - 1) / 2 - before @ frame.centre_px
        linear = warp.affine[:, :2]
        affine = np.hstack([linear @ before, (linear @ offset + warp.affine[:, 2])[:, None]])
        warp = replace(warp, affine=affine)
        parts = _reduction(frame, float(np.sqrt(abs(np.linalg.det(affine[:, :2])))), rng)
        of_reduced = replace(warp, affine=_of_reduced(affine, parts))

        def shown(layer: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.asarray(of_reduced.image(_reduced(layer, parts), size), np.float32)

        layers = map_layers(film.layers, shown)
        # The window may be mirrored or show no whole film, so that no side letter would be true.
        exposure = with_side_letter(random_exposure(rng, float(rng.choice([0.7, 1.0, 1.0, 1.5]))), None)
        image = develop(layers, exposure, rng)
        if frame.kind != "close" and rng.random() < self.config.collimated:
            image = np.ascontiguousarray(image)
            bones_px = warp.points(film.tracked_px.astype(np.float64))
            draw_overlays(image, _collimation_around(bones_px, size, rng), (), ())
        image = standardise(image)
        return View(image, film, warp)

    def _common_points(
        self, a: View, b: View, lonely: Mapping[str, float], rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, NDArray[np.float32]]:
        names = [name for name in a.film.named if name in b.film.named]
        source = [np.array([a.film.named[n] for n in names]).reshape(-1, 2)]
        target = [np.array([b.film.named[n] for n in names]).reshape(-1, 2)]
        wanted, chances = [self.config.named_points], [_chances(names, lonely)]
        if a.film.template == b.film.template:
            _, i, j = np.intersect1d(
                a.film.tracked_id, b.film.tracked_id, assume_unique=True, return_indices=True
            )
            rim = np.maximum(a.film.rim[i], b.film.rim[j])
            keep = (rim < 0.45) | (rng.random(len(i)) < 0.15)
            source.append(a.film.tracked_px[i[keep]].astype(np.float64))
            target.append(b.film.tracked_px[j[keep]].astype(np.float64))
            wanted.append(self.config.tracked_points)
            chances.append(np.ones(len(source[-1])))
        total = self.config.named_points + self.config.tracked_points
        out_source, out_target = np.zeros((total, 2)), np.zeros((total, 2))
        weight = np.zeros(total, dtype=np.float32)
        filled = 0
        for from_px, to_px, count, chance in zip(source, target, wanted, chances, strict=True):
            # Those that the affine parts of the warps keep in both windows, or nearly so: placing is slow.
            near = np.flatnonzero(a.nearly_shows(from_px) & b.nearly_shows(to_px))
            # The smallest of exponential waiting times are a draw without replacement by these chances.
            waiting = rng.exponential(size=len(near)) / chance[near]
            tried = near[np.argsort(waiting)[: 2 * count]]
            (p, shown_a), (q, shown_b) = a.place(from_px[tried]), b.place(to_px[tried])
            chosen = np.flatnonzero(shown_a & shown_b)[:count]
            end = filled + len(chosen)
            out_source[filled:end], out_target[filled:end], weight[filled:end] = p[chosen], q[chosen], 1.0
            filled = end
        return out_source, out_target, weight


def _reduction(frame: _Frame, scale: float, rng: np.random.Generator) -> int:
    """By how much the film is reduced before a window shows it at ``scale``.

    As the program does it, so that strong reduction does not alias. Some close-ups show a film of less detail
    than it has, as there are such films.
    """
    least = 2 if frame.kind == "close" and rng.random() < COARSE_SHARE else 1
    return max(int(1.0 / scale), least)


def _reduced(layer: NDArray[np.float32], parts: int) -> NDArray[np.float32]:
    """The means of ``parts`` x ``parts`` pixels; what is left over on the right and below is cut off."""
    if parts == 1:
        return layer
    height, width = (max(length // parts, 1) for length in layer.shape)
    whole = layer[: height * parts, : width * parts]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _of_reduced(affine: FloatArray, parts: int) -> FloatArray:
    """``affine`` [2, 3] of a film's pixels as one of those of the reduced film."""
    corner = affine[:, :2] @ np.full(2, 0.5 * parts - 0.5) + affine[:, 2]
    return np.hstack([affine[:, :2] * parts, corner[:, None]])


def _within(points: FloatArray, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which points [N, 2] lie in an image of ``shape`` (height, width)."""
    inside = (points >= 0).all(1) & (points <= [shape[1] - 1, shape[0] - 1]).all(1)
    return np.asarray(np.isfinite(points).all(1) & inside)


def _collimation_around(points: FloatArray, size: Size, rng: np.random.Generator) -> Collimation:
    """Edges between the bones and the border of the window, on some sides, often far inside."""
    centre = (np.array(size) - 1) / 2
    seen = np.clip(points, 0, 2 * centre) / centre - 1.0
    low, high = np.percentile(seen, [1, 99], axis=0)
    reach = {0: high[0], 90: high[1], 180: -low[0], 270: -low[1]}  # towards right, below, left, above
    tilt = float(rng.normal(0, 3))
    sides = [angle for angle in reach if rng.random() < 0.6]
    edges = tuple((angle + tilt, float(rng.uniform(min(reach[angle] + 0.04, 1.0), 1.0))) for angle in sides)
    grey = float(rng.uniform(0.8, 1.0) if rng.random() < 0.75 else rng.uniform(0.0, 0.15))
    return Collimation(edges, grey, float(np.exp(rng.uniform(np.log(0.002), np.log(0.12)))))


@lru_cache(maxsize=1)
def worker_threads(_worker: int = 0) -> None:
    """Keep a loading process to one thread; the trainer needs the cores."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
