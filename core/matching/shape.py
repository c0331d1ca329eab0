"""What the references' points say of each other: alignment, mean shape, and a tree of neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.matching.frames import Frame

FloatArray = NDArray[np.float64]

HELD, LEAST_ROOM = 0.97, 0.03
"""Share of the shapes that a window holds with all their points, and its free border about them as a part of
it."""


def fit_similarity(source: FloatArray, target: FloatArray, weight: FloatArray | None = None) -> Frame:
    """Similarity (turn, scale, shift; no mirror) that takes ``source`` [N, 2] closest to ``target``.

    Least squares (Umeyama 1991), weights [N]. Points with NaN are left out; with fewer than two
    distinct points the scale and turn stay those of the identity.
    """
    weight = np.ones(len(source)) if weight is None else weight
    known = np.isfinite(source).all(1) & np.isfinite(target).all(1) & (weight > 0)
    if not known.any():
        return Frame(np.eye(2), np.zeros(2))
    a, b, w = source[known], target[known], weight[known] / weight[known].sum()
    mean_a, mean_b = w @ a, w @ b
    a, b = a - mean_a, b - mean_b
    spread = float((w * (a**2).sum(1)).sum())
    if spread < 1e-9:
        return Frame(np.eye(2), mean_b - mean_a)
    cosine = float((w * (a * b).sum(1)).sum()) / spread
    sine = float((w * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])).sum()) / spread
    matrix = np.array([[cosine, -sine], [sine, cosine]])
    return Frame(matrix, mean_b - matrix @ mean_a)


def fit_similarity_robust(
    source: FloatArray, target: FloatArray, weight: FloatArray, rounds: int = 10
) -> tuple[Frame, FloatArray]:
    """Similarity that a few wrong points cannot pull away, and the residual [N] of every point.

    Iteratively reweighted with Geman-McClure weights around the median residual.
    """
    weights = weight
    frame = fit_similarity(source, target, weights)
    for _ in range(rounds):
        residual = np.linalg.norm(frame.to_window(source) - target, axis=1)
        size = max(1.5 * float(np.nanmedian(residual)), 1e-3)
        weights = weight / (1.0 + np.nan_to_num(residual / size, nan=1e3) ** 2) ** 2
        frame = fit_similarity(source, target, weights)
    return frame, np.linalg.norm(frame.to_window(source) - target, axis=1)


def mean_shape(
    shapes: Sequence[FloatArray], window_px: int, margin: float, worths: FloatArray | None = None
) -> FloatArray:
    """Mean [N, 2] of similarity-aligned shapes, centred in a square window with ``margin`` on each side.

    ``margin`` is a fraction of the window. It is turned as the shapes are on the average (generalised
    Procrustes analysis, three rounds), so that their order does not matter. Points unknown in a shape are NaN
    there, and NaN in the mean when no shape knows them. ``worths`` tell what each shape counts, by default
    the same.
    """
    worths = np.ones(len(shapes)) if worths is None else worths
    mean = shapes[0]
    for _ in range(3):
        stack = np.stack([fit_similarity(shape, mean).to_window(shape) for shape in shapes])
        known = np.isfinite(stack) * worths[:, None, None]
        total, counted = (np.nan_to_num(stack) * known).sum(axis=0), known.sum(axis=0)
        mean = np.where(counted > 0, total / np.where(counted > 0, counted, 1.0), np.nan)
    turns = [fit_similarity(shape, mean).matrix[:, 0] for shape in shapes]
    cosine, sine = worths @ [turn / np.linalg.norm(turn) for turn in turns] / worths.sum()
    if np.hypot(cosine, sine) > 1e-3:  # else they point in all directions
        mean = mean @ np.array([[cosine, -sine], [sine, cosine]])
    low, high = np.nanmin(mean, axis=0), np.nanmax(mean, axis=0)
    extent = max(float((high - low).max()), 1e-6)
    scale = window_px * (1.0 - 2.0 * margin) / extent
    return np.asarray((mean - (low + high) / 2) * scale + (window_px - 1) / 2, dtype=np.float64)


def with_room(mean: FloatArray, shapes: Sequence[FloatArray], window_px: int) -> FloatArray:
    """The mean shape [N, 2], shifted or smaller where ``shapes`` laid on most of its points leave the window.

    A point that lies now near the others and now far off (the other hip on an oblique film) draws little at
    the fit of a film, and may then lie far outside a window that holds the mean.
    """
    shown = [shape for shape in shapes if np.isfinite(shape).all(1).any()]
    laid = [fit_similarity_robust(s, mean, np.ones(len(s)))[0].to_window(s) for s in shown]
    low = np.quantile([np.nanmin(points, axis=0) for points in laid], 1.0 - HELD, axis=0)
    high = np.quantile([np.nanmax(points, axis=0) for points in laid], HELD, axis=0)
    low, high = np.minimum(low, np.nanmin(mean, axis=0)), np.maximum(high, np.nanmax(mean, axis=0))
    room = LEAST_ROOM * window_px
    if low.min() >= room and high.max() <= window_px - 1 - room:
        return mean
    scale = min(1.0, (window_px - 1 - 2.0 * room) / float((high - low).max()))
    return np.asarray((mean - (low + high) / 2) * scale + (window_px - 1) / 2, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class ShapeTree:
    """Which point hangs on which, and how far apart they lie.

    ``order`` lists the points from the root outwards, ``parent`` [N] is -1 for the root, ``offset``
    [N, 2] the mean position relative to the parent and ``sigma`` [N] its standard deviation.
    """

    order: NDArray[np.intp]
    parent: NDArray[np.intp]
    offset: FloatArray
    sigma: FloatArray

    def magnified(self, larger: float) -> ShapeTree:
        """The same tree in a window that shows everything so much larger."""
        return replace(self, offset=self.offset * larger, sigma=self.sigma * larger)


def shape_tree(
    shapes: FloatArray, mean: FloatArray, *, relative_sigma: float = 0.18, floor: float = 3.0
) -> ShapeTree:
    """Minimum spanning tree over the mean shape [N, 2], with spreads from aligned ``shapes`` [R, N, 2].

    A few references cannot tell how much an offset varies, so their spread is combined with a
    general expectation: ``relative_sigma`` of the offset's length plus ``floor`` pixels, worth four
    references.
    """
    count = len(mean)
    distance = np.linalg.norm(mean[:, None] - mean[None], axis=2)
    root = int(np.argmin(distance.sum(1)))
    parent = np.full(count, -1, dtype=np.intp)
    best, best_from = distance[root].copy(), np.full(count, root, dtype=np.intp)
    inside = np.zeros(count, dtype=bool)
    inside[root] = True
    order = [root]
    for _ in range(count - 1):
        nearest = int(np.argmin(np.where(inside, np.inf, best)))
        parent[nearest] = best_from[nearest]
        inside[nearest] = True
        order.append(nearest)
        closer = distance[nearest] < best
        best[closer], best_from[closer] = distance[nearest][closer], nearest
    up = np.maximum(parent, 0)
    offset = mean - mean[up]
    expected = relative_sigma * np.linalg.norm(offset, axis=1) + floor
    seen = shapes - shapes[:, up] - offset
    known = np.isfinite(seen).all(2)
    squares = np.where(known, np.nan_to_num(seen**2).sum(2) / 2, 0.0).sum(0)
    sigma = np.sqrt((4.0 * expected**2 + squares) / (4.0 + known.sum(0)))
    return ShapeTree(np.array(order, dtype=np.intp), parent, offset, sigma)
