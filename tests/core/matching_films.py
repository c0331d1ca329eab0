"""Made-up films of grey discs, and an encoder that recognises them: answers are exact, no model needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from core.film import Side
from core.matching.features import Encoded
from core.matching.protocol import Reference

LEVELS = np.linspace(1.0, 0.3, 8)
"""Grey of each disc, the brightest first. The film around them is black."""

MARK = 1.25
"""Grey of small marks all over the film, so that the greys of every window can be put to scale."""

LAYOUT = np.array(
    [
        (0.30, 0.20),
        (0.62, 0.15),
        (0.75, 0.38),
        (0.45, 0.45),
        (0.22, 0.55),
        (0.60, 0.65),
        (0.35, 0.80),
        (0.80, 0.85),
    ]
)
"""Disc centres as fractions of a square film; no mirror image of it resembles it."""


def disc_film(points_px: np.ndarray, size_px: tuple[int, int], radius: float) -> np.ndarray:
    """A film (width, height) of discs at ``points_px``, drawn with soft edges and a ``radius`` in pixels."""
    width, height = size_px
    film = np.zeros((height, width), dtype=np.float32)
    step, size = round(0.1 * min(size_px)), max(3, round(0.025 * min(size_px)))
    for offset in np.ndindex(size, size):
        film[offset[0] :: step, offset[1] :: step] = MARK
    y, x = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
    for level, (cx, cy) in zip(LEVELS, points_px, strict=True):
        left, right = max(int(cx - radius - 2), 0), min(int(cx + radius + 3), width)
        top, bottom = max(int(cy - radius - 2), 0), min(int(cy + radius + 3), height)
        distance = np.hypot(x[None, left:right] - np.float32(cx), y[top:bottom, None] - np.float32(cy))
        disc = np.clip(radius + 0.5 - distance, 0.0, 1.0) * level
        kept = np.clip(distance - radius - 1.5, 0.0, 1.0)
        film[top:bottom, left:right] = film[top:bottom, left:right] * kept + disc
    return film * 1000.0


def square_film(side_px: int = 512) -> tuple[np.ndarray, np.ndarray]:
    """The standard film and its disc centres [8, 2]."""
    points = LAYOUT * (side_px - 1)
    return disc_film(points, (side_px, side_px), 0.05 * side_px), points


def reference(
    key: str = "a",
    *,
    view: str = "discs",
    film: np.ndarray | None = None,
    points: np.ndarray | None = None,
    digest: str | None = None,
    read: Callable[[], np.ndarray] | None = None,
) -> Reference:
    """A reference of the standard film, or of another."""
    own_film, own_points = square_film()
    pixels = own_film if film is None else film
    places = own_points if points is None else points
    return Reference(
        key,
        view,
        Side.LEFT,
        read or (lambda: pixels),
        places,
        None,
        digest or f"{key}-{places.tobytes().hex()}",
    )


class FakeEncoder:
    """Finds the discs by their grey and answers with one smooth bump a disc."""

    def __init__(self, model_sha256: str = "fake", input_px: int = 256) -> None:
        self.model_sha256 = model_sha256
        self.provider = "FakeExecutionProvider"
        self.input_px = input_px
        self.strides = (16, 4)
        self.scales = (20.0, 20.0)
        self.windows: list[np.ndarray] = []

    def encode(self, window: np.ndarray) -> Encoded:
        self.windows.append(window)
        span = float(np.ptp(window))
        grey = MARK * (window - window.min()) / (span if span > 0 else 1.0)
        maps = [self._maps(grey, stride) for stride in self.strides]
        return Encoded(maps[0], maps[1], _layout_code(maps[1]))

    def _maps(self, grey: np.ndarray, stride: int) -> np.ndarray:
        down, across = ((np.arange(length // stride) + 0.5) * stride - 0.5 for length in grey.shape)
        around = np.ones((3, 3), np.uint8)
        flat = cv2.dilate(grey, around) - cv2.erode(grey, around) < 0.03  # not the slope of a brighter disc
        found = [np.full((len(down), len(across)), 0.3, np.float32)]
        width = 6.0 * stride / 4
        for level in LEVELS:
            mask = (flat & (np.abs(grey - level) < 0.03)).astype(np.uint8)
            mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
            rows, columns = np.nonzero(mask)
            bump = np.zeros_like(found[0])
            if len(rows):
                square = (across[None] - columns.mean()) ** 2 + (down[:, None] - rows.mean()) ** 2
                bump = np.exp(-square / (2 * width**2)).astype(np.float32)
            found.append(bump)
        stack = np.stack(found)
        return stack / np.linalg.norm(stack, axis=0, keepdims=True)


def _layout_code(fine: np.ndarray) -> np.ndarray:
    """Where the discs lie about their middle, as a unit vector; of a film without discs, another one."""
    code = np.zeros((len(LEVELS) + 1, 2), np.float32)
    code[-1, 0] = 1e-3
    for number, layer in enumerate(fine[1:]):
        if layer.max() > 0.5:
            code[number] = np.unravel_index(layer.argmax(), layer.shape)
    shown = code[:-1].any(axis=1)
    if shown.any():
        code[:-1][shown] -= code[:-1][shown].mean(axis=0)
    return np.asarray(code.ravel() / np.linalg.norm(code), dtype=np.float32)


class CountingCache:
    """Keeps features in memory and counts what is asked."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.hits = self.misses = 0

    def load(self, key: str) -> Any:
        found = self.kept.get(key)
        self.hits += found is not None
        self.misses += found is None
        return found

    def save(self, key: str, features: Any) -> None:
        self.kept[key] = features


def never_read() -> np.ndarray:
    raise AssertionError("the image of a cached reference was read")


def moved(
    points: np.ndarray, matrix: np.ndarray, centre: Sequence[float], shift: Sequence[float]
) -> np.ndarray:
    """Points turned and scaled about ``centre``, then shifted."""
    about = np.asarray(centre)
    return (points - about) @ matrix.T + about + np.asarray(shift)
