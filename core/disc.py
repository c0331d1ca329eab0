"""Finding a ball or disc of metal on a film, to set the pixel spacing by its known size.

Edge points vote for the centre along their gradient, the best-covered circle around the given place is
taken, and its outline is then measured ray by ray to a fraction of a pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import OrthoMatchError

Array = NDArray[np.float64]

# Half-widths of the searched squares and by how much they are shrunk, in columns.
_WINDOWS = ((48, 1), (160, 1), (480, 2), (960, 4))
_SMALLEST_RADIUS = 6.0
_EDGE_POINTS = 12_000
_AIM_DEG = 12.0  # by how much an edge's gradient may miss the centre
_COVERAGE = 0.45  # of the outline that must be seen
_RAYS = 360
_SHARED_PX = 3.0  # neighbouring rays share noise: one in so many columns of the outline counts
# Where an edge lies depends on blur and penumbra: that much of the diameter stays unsure.
_EDGE_DEFINITION_PX = 0.4
_NOT_FOUND = "Ctrl+click near the middle of the ball, or draw a ruler along an object of known length."


@dataclass(frozen=True)
class Disc:
    """A round object: centre in film pixels (x, y), diameter in columns and its standard error."""

    x_px: float
    y_px: float
    diameter_px: float
    error_px: float


def find_disc(pixels: NDArray[np.float32], near_px: tuple[float, float], aspect: float = 1.0) -> Disc:
    """The bright round object around ``near_px`` (x, y) on ``pixels`` [rows, columns].

    ``aspect`` is the height of a pixel divided by its width. Raises ``OrthoMatchError`` when nothing round
    contains the place, or too little of its outline is seen.
    """
    best: tuple[float, Array] | None = None
    for half, shrink in _WINDOWS:
        found = _coarse(pixels, near_px, aspect, half, shrink)
        if found is not None and (best is None or found[0] > best[0]):
            best = found
    if best is None:
        raise OrthoMatchError("No round object was found there", remedy=_NOT_FOUND)
    return _refined(pixels, best[1], aspect)


def _square(
    pixels: NDArray[np.float32], centre: Array, aspect: float, half: float, step: float, border: int
) -> NDArray[np.float32]:
    """A square of the film around ``centre``, ``2 * half`` columns wide, with square pixels of ``step``."""
    count = max(2, round(2 * half / step)) + 1
    offset = (np.arange(count) - (count - 1) / 2) * step
    x, y = np.meshgrid(centre[0] + offset, centre[1] + offset / aspect)
    return _sampled(pixels, x, y, border)


def _sampled(pixels: NDArray[np.float32], x: Array, y: Array, border: int) -> NDArray[np.float32]:
    sampled: NDArray[np.float32] = cv2.remap(
        pixels,
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=border,
        borderValue=np.nan,
    )
    return sampled


def _coarse(
    pixels: NDArray[np.float32], near: tuple[float, float], aspect: float, half: int, shrink: int
) -> tuple[float, Array] | None:
    """Coverage and circle (x, y, radius in columns) of the best one in a square around ``near``."""
    centre = np.array(near, dtype=np.float64)
    left, top = int(max(0, near[0] - half)), int(max(0, near[1] - half / aspect))
    part = pixels[top : int(near[1] + half / aspect) + 1, left : int(near[0] + half) + 1]
    if min(part.shape) < 3 * _SMALLEST_RADIUS:
        return None
    patch = cv2.GaussianBlur(part, (0, 0), max(1.0, 0.6 * shrink))
    patch = _square(patch, centre - (left, top), aspect, half, shrink, cv2.BORDER_REPLICATE)
    rise_x, rise_y = cv2.Sobel(patch, cv2.CV_32F, 1, 0), cv2.Sobel(patch, cv2.CV_32F, 0, 1)
    strength = np.hypot(rise_x, rise_y)
    floor = max(
        np.partition(strength.ravel(), -_EDGE_POINTS)[-_EDGE_POINTS] if strength.size > _EDGE_POINTS else 0,
        1e-9,
    )
    rows, columns = np.nonzero(strength > max(floor, 0.1 * float(strength.max())))
    if len(rows) < 20:
        return None
    strong = strength[rows, columns]
    inward = np.stack([rise_x[rows, columns] / strong, rise_y[rows, columns] / strong], axis=1).astype(
        np.float64
    )
    edge = np.stack([columns, rows], axis=1).astype(np.float64)
    size = patch.shape[0]
    middle = (size - 1) / 2
    votes = _votes(edge, inward, size)
    best: tuple[float, Array] | None = None
    for _ in range(3):
        row, column = np.unravel_index(int(np.argmax(votes)), votes.shape)
        candidate = np.array([column, row], dtype=np.float64)
        covered, radius = _best_radius(
            edge, inward, candidate, float(np.hypot(*(candidate - middle))), 0.8 * middle
        )
        if covered >= _COVERAGE and (best is None or covered > best[0]):
            best = (
                covered,
                np.array([*(centre + (candidate - middle) * shrink * [1, 1 / aspect]), radius * shrink]),
            )
        votes[max(0, row - 4) : row + 5, max(0, column - 4) : column + 5] = 0
    return best


def _votes(edge: Array, inward: Array, size: int) -> NDArray[np.float32]:
    """How many edge points [n, 2] see each place [size, size] straight ahead of their gradient."""
    reach = np.arange(_SMALLEST_RADIUS / 2, 0.45 * size, 1.0)
    count = np.zeros(size * size)
    for block in range(0, len(edge), 2000):
        ahead = edge[block : block + 2000, None] + reach[None, :, None] * inward[block : block + 2000, None]
        place = np.rint(ahead).astype(np.int64)
        inside = ((place >= 0) & (place < size)).all(axis=2)
        # A long line passes more places by chance: near ones count more.
        weight = np.broadcast_to(1.0 / np.sqrt(reach), inside.shape)[inside]
        count += np.bincount(place[inside] @ [1, size], weights=weight, minlength=size * size)
    return np.asarray(cv2.GaussianBlur(count.reshape(size, size).astype(np.float32), (0, 0), 1.5))


def _best_radius(edge: Array, inward: Array, centre: Array, least: float, most: float) -> tuple[float, float]:
    """Share of the outline that is seen and radius of the best circle about ``centre``."""
    away = edge - centre
    distance = np.hypot(away[:, 0], away[:, 1])
    aims = -(away * inward).sum(axis=1) > math.cos(math.radians(_AIM_DEG)) * distance
    use = aims & (distance > max(least, _SMALLEST_RADIUS / 2)) & (distance < most)
    if use.sum() < 12:
        return 0.0, 0.0
    sector = ((np.arctan2(away[use, 1], away[use, 0]) / (2 * math.pi) + 0.5) * 72).astype(np.int64) % 72
    ring = np.rint(distance[use]).astype(np.int64)
    seen = np.zeros((ring.max() + 3, 72), dtype=np.bool_)
    for shift in (-1, 0, 1):
        seen[ring + shift, sector] = True
    covered = seen.mean(axis=1)
    radius = int(np.argmax(covered))
    around = ring[np.abs(ring - radius) <= 1]
    return float(covered[radius]), float(around.mean()) if len(around) else float(radius)


def _refined(pixels: NDArray[np.float32], circle: Array, aspect: float) -> Disc:
    """Measure the outline near ``circle`` along rays, fit, and repeat from the better centre."""
    angle = np.arange(_RAYS) * 2 * math.pi / _RAYS
    way = np.stack([np.cos(angle), np.sin(angle) / aspect], axis=1)
    kept = np.zeros(_RAYS, dtype=np.bool_)
    spread = 0.0
    margin = max(4.0, 0.2 * circle[2])
    for _ in range(6):
        radii, strength = _edges(pixels, circle, way, margin)
        usable = np.isfinite(radii)
        if usable.sum() < _COVERAGE * _RAYS:
            break
        kept = usable & (strength > 0.35 * np.median(strength[usable]))
        points = radii[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        for _ in range(4):
            shift, radius = _fit(points[kept])
            rest = np.hypot(*(points - shift).T) - radius
            spread = 1.4826 * float(np.median(np.abs(rest[kept])))
            kept &= np.abs(rest) <= max(3.0 * spread, 0.3)
            if kept.sum() < _COVERAGE * _RAYS:
                break
        circle = np.array([circle[0] + shift[0], circle[1] + shift[1] / aspect, radius])
        margin = max(3.0, 0.08 * radius)
    if kept.sum() < _COVERAGE * _RAYS or spread > 0.015 * circle[2] + 0.5:
        raise OrthoMatchError("The outline of the round object is not clear enough", remedy=_NOT_FOUND)
    independent = float(kept.mean()) * min(_RAYS / 2, 2 * math.pi * float(circle[2]) / _SHARED_PX)
    random = 2.0 * spread / math.sqrt(independent)
    return Disc(
        float(circle[0]), float(circle[1]), 2.0 * float(circle[2]), math.hypot(random, _EDGE_DEFINITION_PX)
    )


def _edges(pixels: NDArray[np.float32], circle: Array, way: Array, margin: float) -> tuple[Array, Array]:
    """Distance of the steepest fall of brightness on each ray, NaN if there is none, and its steepness."""
    step, blur_reach = 0.25, 3.0
    reach = np.arange(max(0.5, circle[2] - margin - blur_reach), circle[2] + margin + blur_reach, step)
    places = circle[:2] + reach[None, :, None] * way[:, None]
    rays = _sampled(pixels, places[..., 0], places[..., 1], cv2.BORDER_CONSTANT).astype(np.float64)
    width = 1.0 / step  # one column
    kernel_at = np.arange(-round(blur_reach * width), round(blur_reach * width) + 1)
    kernel = kernel_at * np.exp(-0.5 * (kernel_at / width) ** 2)
    fall = np.stack([np.convolve(ray, kernel, mode="same") for ray in rays])
    fall[:, : len(kernel) // 2] = fall[:, -(len(kernel) // 2) :] = -np.inf
    fall[~np.isfinite(fall)] = -np.inf
    at = np.argmax(fall, axis=1)
    row = np.arange(len(rays))
    inner = (at > 0) & (at < len(reach) - 1)
    at = np.clip(at, 1, len(reach) - 2)
    before, here, after = fall[row, at - 1], fall[row, at], fall[row, at + 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        offset = 0.5 * (before - after) / (before - 2 * here + after)
    good = inner & np.isfinite(here) & (here > 0) & np.isfinite(offset)
    return np.where(good, reach[at] + np.where(good, offset, 0.0) * step, np.nan), np.where(good, here, 0.0)


def _fit(points: Array) -> tuple[Array, float]:
    """Centre and radius of the circle with the least sum of squared distances to ``points`` [n, 2]."""
    design = np.column_stack([2 * points, np.ones(len(points))])
    solution = np.linalg.lstsq(design, (points**2).sum(axis=1), rcond=None)[0]
    centre, radius = solution[:2], math.sqrt(max(solution[2] + solution[:2] @ solution[:2], 1e-12))
    for _ in range(5):
        away = points - centre
        distance = np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-9)
        jacobian = np.column_stack([-away / distance[:, None], -np.ones(len(points))])
        change = np.linalg.lstsq(jacobian, -(distance - radius), rcond=None)[0]
        centre, radius = centre + change[:2], radius + float(change[2])
    return centre, radius
