"""From descriptors to places: answer maps, their fusion over references, and the tree of neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from core.matching.shape import ShapeTree

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.float64]


def look_up(maps: Float32, points_px: FloatArray, stride: int) -> Float32:
    """Unit descriptors [N, D] of ``maps`` [D, H, W] at window positions [N, 2], bilinear.

    Positions beyond the border take the border's value. Unknown points (NaN) give zero descriptors.
    """
    height, width = maps.shape[1:]
    known = np.asarray(np.isfinite(points_px).all(1))
    cells = (np.where(known[:, None], points_px, 0.0) + 0.5) / stride - 0.5
    x = np.clip(cells[:, 0], 0, width - 1)
    y = np.clip(cells[:, 1], 0, height - 1)
    x0, y0 = np.minimum(x.astype(np.intp), width - 2), np.minimum(y.astype(np.intp), height - 2)
    px, py = (x - x0).astype(np.float32), (y - y0).astype(np.float32)
    found = (
        maps[:, y0, x0] * ((1 - py) * (1 - px))
        + maps[:, y0, x0 + 1] * ((1 - py) * px)
        + maps[:, y0 + 1, x0] * (py * (1 - px))
        + maps[:, y0 + 1, x0 + 1] * (py * px)
    ).T
    found = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6)
    return np.asarray(np.where(known[:, None], found, 0.0), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Answers:
    """What a window answers to descriptors.

    ``coarse`` [Dc, h, w] and ``fine`` [Df, H, W] are its descriptors, each times the factor that the network
    was trained with.
    """

    coarse: Float32
    fine: Float32

    @classmethod
    def of(cls, coarse: Float32, fine: Float32, scale: tuple[float, float]) -> Self:
        """From the window's maps [Dc, h, w] and [Df, H, W] and the two factors."""
        return cls((coarse * scale[0]).astype(np.float32), (fine * scale[1]).astype(np.float32))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the maps of scores."""
        return self.fine.shape[1], self.fine.shape[2]

    def logits(self, wanted: Float32) -> Float32:
        """Scores [..., H, W] for descriptors [..., Dc + Df], coarse before fine.

        Those of the coarse map are brought to the cells of the fine one.
        """
        coarse, fine = wanted[..., : len(self.coarse)], wanted[..., len(self.coarse) :]
        rows, columns = self._between
        scores = np.matmul(rows, np.tensordot(coarse, self.coarse, 1) @ columns.T)
        scores += np.tensordot(fine, self.fine, 1)
        return np.asarray(scores, dtype=np.float32)

    def weighed(self, mass: Float32) -> Float32:
        """The descriptors [n, Dc + Df] of all cells, summed by ``mass`` [n, H, W]: ``logits`` transposed."""
        rows, columns = self._between
        rough = np.matmul(rows.T, mass) @ columns
        places = (1, 2), (1, 2)
        summed = np.tensordot(rough, self.coarse, places), np.tensordot(mass, self.fine, places)
        return np.concatenate(summed, axis=1)

    @property
    def _between(self) -> tuple[Float32, Float32]:
        (height, width), (low, narrow) = self.size, self.coarse.shape[1:]
        return _between_cells(low, height), _between_cells(narrow, width)


@lru_cache
def _between_cells(coarse: int, fine: int) -> Float32:
    """Shares [fine, coarse] of the coarse cells in each fine one along an axis: linear interpolation."""
    shares = cv2.resize(np.eye(coarse, dtype=np.float32), (coarse, fine), interpolation=cv2.INTER_LINEAR)
    return np.asarray(shares, dtype=np.float32)


def log_maps(logits: Float32) -> Float32:
    """Logarithm of the probability of every cell: [N, H, W] from scores [N, H, W]."""
    top = logits.max(axis=(1, 2), keepdims=True)
    return np.asarray(logits - (top + np.log(np.exp(logits - top).sum(axis=(1, 2), keepdims=True))))


def places(logits: Float32, prior: Float32, stride: int) -> FloatArray:
    """Where each of R references alone puts the points [R, N, 2], given ``prior`` maps [N, H, W].

    ``logits`` [R, N, H, W] are the scores that its descriptors get.
    """
    known = np.log(np.maximum(prior, np.float32(1e-30)))
    return np.stack([_strongest(one + known, stride) for one in logits])


LEAST_LOG = np.float32(np.log(1e-8))
"""Logarithm of the probability below which an answer cannot rule out a place."""


def fuse(logits: Iterable[Float32], weight: Float32) -> Float32:
    """One probability map a point [N, H, W] from the scores [N, H, W] of R references, of weights [R, N].

    Half way between the mean of the probabilities (one reference may be wrong) and the mean of their
    logarithms (agreement sharpens).
    """
    share = weight / np.maximum(weight.sum(0, keepdims=True), 1e-9)
    arithmetic, geometric = np.float32(0.0), np.float32(0.0)
    for scores, part in zip(logits, share[:, :, None, None], strict=True):
        answer = log_maps(scores)
        arithmetic = arithmetic + np.exp(answer) * part
        geometric = geometric + np.maximum(answer, LEAST_LOG) * part
    geometric = np.exp(geometric)
    geometric /= geometric.sum(axis=(1, 2), keepdims=True)
    return np.asarray(0.5 * arithmetic + 0.5 * geometric, dtype=np.float32)


def settled(answers: Float32, position: FloatArray, stride: int) -> FloatArray:
    """Window positions [N, 2]: the centre of what maps [N, H, W] hold about ``position`` [N, 2]."""
    x, y = _cell(position, answers, stride)
    return _settled_at(answers, x, y, stride)


def _settled_at(maps: Float32, x: NDArray[np.intp], y: NDArray[np.intp], stride: int) -> FloatArray:
    return _centre(np.log(np.maximum(maps, np.float32(1e-30))), x, y, stride)


def _cell(position: FloatArray, maps: Float32, stride: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Column [N] and row [N] of the cells of maps [N, H, W] nearest to positions [N, 2]."""
    height, width = maps.shape[1:]
    cell = np.rint((position + 0.5) / stride - 0.5).astype(np.intp)
    return np.clip(cell[:, 0], 0, width - 1), np.clip(cell[:, 1], 0, height - 1)


def _strongest(logits: Float32, stride: int) -> FloatArray:
    """Window position [N, 2] of the strongest cell, to the centre of mass about it."""
    count, _, width = logits.shape
    y, x = np.divmod(logits.reshape(count, -1).argmax(1), width)
    return _centre(logits, x, y, stride)


BELL_CELLS, SHIFTS, REACH_CELLS = 1.0, 6, 5
"""Width of the bell in which the centre of mass of an answer is taken, how often it is moved there, and how
far from the start it sees."""


def _centre(logits: Float32, x: NDArray[np.intp], y: NDArray[np.intp], stride: int) -> FloatArray:
    """Where the mass about columns [N] and rows [N] lies, [N, 2] in window pixels.

    A bell is moved to the centre of what it covers, a few times (mean shift, Fukunaga and Hostetler 1975):
    which of two cells alike is a little the stronger makes hardly a difference.
    """
    count, height, width = logits.shape
    near = np.arange(-REACH_CELLS, REACH_CELLS + 1)
    rows, columns = y[:, None, None] + near[:, None], x[:, None, None] + near[None, :]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    part = logits[
        np.arange(count)[:, None, None], np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    ]
    top = part.max(axis=(1, 2), keepdims=True)
    mass = np.where(inside, np.exp((part - top).astype(np.float64)), 0.0)
    off = np.zeros((2, count))
    for _ in range(SHIFTS):
        across, down = np.exp(-((near - off[:, :, None]) ** 2) / (2.0 * BELL_CELLS**2))
        covered = mass * down[:, :, None] * across[:, None, :]
        by_column, by_row = covered.sum(1), covered.sum(2)
        off = np.stack([by_column @ near, by_row @ near]) / by_column.sum(1)
    return np.asarray((np.stack([x, y], axis=1) + off.T + 0.5) * stride - 0.5, dtype=np.float64)


def with_neighbours(unary: Float32, tree: ShapeTree, stride: int, doubt: float = 0.02) -> Float32:
    """Posterior maps [N, H, W] when each point must also lie where its neighbours expect it.

    Sum-product on the tree (pictorial structure, Felzenszwalb and Huttenlocher 2005) with Gaussian
    offsets; exact but for what leaves the window at its border. ``doubt`` is the probability
    that a neighbour's word is worth nothing.
    """
    height, width = unary.shape[1:]
    uniform = 1.0 / (height * width)

    def expect(belief: Float32, offset: FloatArray, sigma: float) -> Float32:
        shift = np.array([[1.0, 0.0, offset[0] / stride], [0.0, 1.0, offset[1] / stride]])
        moved = cv2.warpAffine(belief, shift, (width, height), flags=cv2.INTER_LINEAR)
        blurred = cv2.GaussianBlur(moved, (0, 0), max(sigma / stride, 0.5), borderType=cv2.BORDER_CONSTANT)
        total = float(blurred.sum())
        blurred = blurred / total if total > 1e-9 else np.full_like(blurred, uniform)
        return np.asarray((1.0 - doubt) * blurred + doubt * uniform, dtype=np.float32)

    up_message: dict[int, Float32] = {}
    belief = unary.astype(np.float32) + np.float32(1e-9)
    for node in tree.order[::-1]:
        if tree.parent[node] >= 0:
            message = expect(_to_one(belief[node]), -tree.offset[node], float(tree.sigma[node]))
            up_message[int(node)] = message
            belief[tree.parent[node]] = _to_one(belief[tree.parent[node]] * message)
    for node in tree.order:
        above = tree.parent[node]
        if above >= 0:
            without = _to_one(belief[above] / up_message[int(node)])
            belief[node] = _to_one(belief[node] * expect(without, tree.offset[node], float(tree.sigma[node])))
    return belief


def _to_one(belief: Float32) -> Float32:
    return np.asarray(belief / max(float(belief.sum()), 1e-30), dtype=np.float32)


def support(answer: Float32, position: FloatArray, stride: int, larger: float = 1.0) -> FloatArray:
    """Logarithms [N] of the probabilities that maps [N, H, W], slightly blurred, give to positions [N, 2].

    ``larger`` tells how much larger the maps show the film than those whose cells are meant.
    """
    x, y = _cell(position, answer, stride)
    blurred = np.stack([cv2.GaussianBlur(layer, (0, 0), larger) for layer in answer])
    said = blurred[np.arange(len(answer)), y, x] * larger**2
    return np.asarray(np.log(said + 1e-6), dtype=np.float64)


def cells(count: int, stride: int) -> FloatArray:
    """Places [count] of the centres of a map's columns or rows, in window pixels."""
    return np.asarray((np.arange(count) + 0.5) * stride - 0.5, dtype=np.float64)


def moments(belief: Float32, columns: FloatArray, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means [N, 2] and covariances [N, 2, 2] of maps [N, H, W] over columns [N, W] and rows [N, H]."""
    across, down = belief.sum(1), belief.sum(2)
    total = np.maximum(across.sum(1), 1e-30)
    middle = np.stack([(across * columns).sum(1), (down * rows).sum(1)], axis=1) / total[:, None]
    x, y = columns - middle[:, :1], rows - middle[:, 1:]
    xx, yy = (across * x**2).sum(1) / total, (down * y**2).sum(1) / total
    xy = ((belief @ x.astype(np.float32)[:, :, None])[:, :, 0] * y).sum(1) / total
    return middle, np.stack([np.stack([xx, xy], 1), np.stack([xy, yy], 1)], axis=1)


def covariances(belief: Float32, position: FloatArray, stride: int) -> FloatArray:
    """Second moments [N, 2, 2] of maps [N, H, W] about positions [N, 2], in window pixels."""
    count, height, width = belief.shape
    columns, rows = (np.tile(cells(length, stride), (count, 1)) for length in (width, height))
    middle, spread = moments(belief, columns, rows)
    off = middle - position
    return np.asarray(spread + off[:, :, None] * off[:, None, :])


def peaks(posterior: Float32, stride: int, radius: int = 2) -> tuple[FloatArray, FloatArray]:
    """Window positions [N, 2] (pixels) and the parts [N] of the mass that lie near them.

    The position is where the mass about the strongest cell lies, the mass that within ``radius`` cells of it.
    """
    count, _, width = posterior.shape
    y, x = np.divmod(posterior.reshape(count, -1).argmax(1), width)
    position = _settled_at(posterior, x, y, stride)
    mass = np.empty(count)
    for n in range(count):
        near = posterior[
            n, max(y[n] - radius, 0) : y[n] + radius + 1, max(x[n] - radius, 0) : x[n] + radius + 1
        ]
        mass[n] = float(near.sum()) / float(posterior[n].sum())
    return position, mass
