"""Groups of neighbouring points that are looked at once more, magnified, and some once more again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from core.matching.canonical import CanonicalWindow
from core.matching.frames import Frame, Size

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.float64]

CLOSE_PARTS = (0.4, 0.12)
"""Side of the close-ups, and of the closer ones after them, as a part of the square canonical window."""

REACH = 0.36
"""How far from the centre of a close-up its points may lie in the mean shape, as a part of its sides."""

POINT_ERROR_PX, USUAL_TURN_RAD = 3.0, 0.2
"""How far points are wrong before a close-up, and how far parts of the body are turned against the whole."""


class CloseUp(NamedTuple):
    """A level of close-ups: the ``size`` of each, and pixels of the canonical window per pixel (``part``)."""

    size: Size
    part: float

    @property
    def reach_px(self) -> FloatArray:
        """How far right or left and above or below its centre [2] points may lie, in the canonical window."""
        return np.asarray(REACH * self.part * np.array(self.size), dtype=np.float64)


def close_ups(window: CanonicalWindow, square_px: int) -> tuple[CloseUp, ...]:
    """Both levels. Of a long window, the first are as long: they show more of it and show it larger."""
    first, second = CLOSE_PARTS
    return CloseUp(window.size, first * float(np.sqrt(window.part))), CloseUp(Size.square(square_px), second)


@dataclass(frozen=True, eq=False)
class Group:
    """Points (numbers [n]) that share a close-up, and its centre [2] in the canonical window."""

    points: NDArray[np.intp]
    centre_px: FloatArray


def levels(scale: float) -> int:
    """How many levels to look at: as long as the look before makes the film smaller than it is.

    ``scale`` are the pixels of the square canonical window per film pixel; a long one, which shows more, is
    looked at as closely.
    """
    return sum(scale / before < 1.0 for before in (1.0, *CLOSE_PARTS[:-1]))


def close_groups(mean_px: FloatArray, close: CloseUp) -> tuple[Group, ...]:
    """Groups that together hold every known point of the mean shape [N, 2] once, for close-ups of a level.

    Greedy cover: the window that takes in most of the points that are left, again and again; then every
    point goes to the close-up in whose middle it lies best.
    """
    known = np.flatnonzero(np.isfinite(mean_px).all(1))
    places = mean_px[known]
    reach = close.reach_px
    centres: list[FloatArray] = []
    left = np.ones(len(known), dtype=bool)
    while left.any():
        # The corner of the best window lies at the place of one point in a row, of another in a column.
        corners = places[left] + reach
        inside = (np.abs(places[None] - corners[:, None]) <= reach + 1e-9) & left[:, None]
        beside, above = inside[..., 0].astype(np.float32), inside[..., 1].astype(np.float32)
        down, right = np.divmod((above @ beside.T).argmax(), len(corners))
        taken = inside[right, :, 0] & inside[down, :, 1]
        centres.append((places[taken].min(0) + places[taken].max(0)) / 2)
        left &= ~taken
    stack = np.stack(centres) if centres else np.zeros((0, 2))
    away = np.abs(places[:, None] - stack[None]) / reach
    nearest = away.max(2).argmin(1) if len(known) else np.zeros(0, np.intp)
    return tuple(
        Group(known[nearest == number], centre)
        for number, centre in enumerate(stack)
        if (nearest == number).any()
    )


def close_frame(
    frame: Frame, group: Group, points_px: FloatArray, mean_px: FloatArray, close: CloseUp
) -> Frame:
    """The close-up of a group on a film, as a map from film to close-up pixels.

    ``frame`` maps the film to its canonical window, in which its points lie at ``points_px`` [N, 2]
    (NaN: unknown) where the mean shape has ``mean_px``: the close-up follows its own points, and is turned as
    these and those about them are.
    """
    moved = points_px[group.points] - mean_px[group.points]
    moved = moved[np.isfinite(moved).all(1)]
    shift = moved.mean(0) if len(moved) else np.zeros(2)
    angle = _turn_about(group.centre_px, points_px, mean_px, close)
    upright = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / close.part
    middle = (np.array(close.size) - 1) / 2
    return frame.then(Frame(upright, middle - upright @ (group.centre_px + shift)))


def _turn_about(centre_px: FloatArray, points_px: FloatArray, mean_px: FloatArray, close: CloseUp) -> float:
    """How far (radians) the points in a close-up about ``centre_px`` [2] are turned from the mean shape.

    Least squares, points near the middle counting more, held to no turn: where there are few points near each
    other, they say little.
    """
    known = np.isfinite(points_px).all(1) & np.isfinite(mean_px).all(1)
    if not known.any():
        return 0.0
    off = (mean_px[known] - centre_px) / (close.part * np.array(close.size) / 2)
    weight = np.exp(-0.5 * (off**2).sum(1))
    a, b = (points - weight @ points / weight.sum() for points in (mean_px[known], points_px[known]))
    along = weight @ (a * b).sum(1) + (POINT_ERROR_PX / USUAL_TURN_RAD) ** 2
    return float(np.arctan2(weight @ (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]), along))


def seen_close(maps: Float32, window: Frame, close: Frame, size: Size, stride: int) -> Float32:
    """Probability maps [N, h, w] of a window, as they appear in the close-up [N, H, W]; each sums to 1.

    ``window`` and ``close`` map the film to the two windows, ``size`` is that of the close-up; a map without
    anything there is uniform.
    """
    cells = Size(size.width // stride, size.height // stride)
    # From cells of the close-up to cells of the window.
    half = 0.5 * stride - 0.5
    matrix = window.matrix @ np.linalg.inv(close.matrix)
    offset = window.offset - matrix @ close.offset
    offset = (matrix @ np.full(2, half) + offset - half) / stride
    affine = np.hstack([matrix, offset[:, None]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = np.stack([cv2.warpAffine(layer, affine, cells, flags=flags) for layer in maps])
    total = seen.sum(axis=(1, 2), keepdims=True)
    uniform = np.float32(1.0 / (cells.width * cells.height))
    return np.asarray(np.where(total > 1e-6, seen / np.maximum(total, 1e-6), uniform), dtype=np.float32)
