"""What to look for at each point, learned from the references: the point itself, and what is not the point.

The descriptor of a reference says what a point looks like, but not which of its features tell it from its
surroundings and are the same in everyone. All references of a view together say so: a query is the
descriptor whose scores put the point where it lies in every reference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.matching.heatmaps import Answers, log_maps

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.float64]

WORTH = 8.0
"""How strongly queries are held to the mean descriptor, in windows and squared units of descriptors."""

ROUNDS = 12


def learn_queries(
    descriptors: Float32, seen: Sequence[Answers], points_px: FloatArray, stride: int
) -> Float32:
    """Queries [N, D] for points that lie at ``points_px`` [R, N, 2] of R windows ``seen`` on references.

    ``descriptors`` [R, N, D] are those at the points; zeros: the window does not show the point. A point
    that none shows gets zeros.

    Logistic regression over the cells of every window, held to the mean descriptor; by gradient descent
    with step lengths of Barzilai and Borwein (1988), every point by itself.
    """
    shown = np.asarray(descriptors.any(2) & np.isfinite(points_px).all(2))
    count = np.maximum(shown.sum(0), 1)[:, None]
    mean = (descriptors * shown[:, :, None]).sum(0) / count
    if not shown.any():
        return np.asarray(mean, dtype=np.float32)
    targets = [_cells(points, window, stride) for points, window in zip(points_px, seen, strict=True)]

    def slope(queries: Float32) -> Float32:
        total = 2.0 * WORTH * (queries - mean)
        for window, known, (index, share) in zip(seen, shown, targets, strict=True):
            surplus = np.exp(log_maps(window.logits(queries[known])))
            flat = surplus.reshape(len(surplus), math.prod(window.size))
            np.subtract.at(flat, (np.arange(len(flat))[:, None], index[known]), share[known])
            total[known] += window.weighed(surplus)
        return np.asarray(total / count, dtype=np.float32)

    queries: Float32 = mean.astype(np.float32)
    steep = slope(queries)
    # The first step goes a hundredth of the mean descriptor's length.
    length = 0.01 * np.linalg.norm(mean, axis=1, keepdims=True)
    step = length / np.maximum(np.linalg.norm(steep, axis=1, keepdims=True), 1e-9)
    for _ in range(ROUNDS):
        moved: Float32 = queries - (step * steep).astype(np.float32)
        new = slope(moved)
        way, turn = moved - queries, new - steep
        step = (way**2).sum(1, keepdims=True) / np.maximum((way * turn).sum(1, keepdims=True), 1e-12)
        queries, steep = moved, new
    return queries


def _cells(points_px: FloatArray, window: Answers, stride: int) -> tuple[NDArray[np.intp], Float32]:
    """The four cells about each point (numbers [N, 4]) and their shares [N, 4]."""
    height, width = window.size
    size = np.array([width, height])
    place = np.clip((np.nan_to_num(points_px) + 0.5) / stride - 0.5, 0.0, size - 1.0)
    low = np.minimum(np.floor(place), size - 2.0)
    right, down = (place - low).T
    column, row = low.astype(np.intp).T
    first = row * width + column
    index = np.stack([first, first + 1, first + width, first + width + 1], axis=1)
    share = np.stack([(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right], axis=1)
    return index, share.astype(np.float32)
