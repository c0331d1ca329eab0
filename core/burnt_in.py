"""Text burnt into a picture: where it probably is. A person decides what it says.

Digital text has sharp, even strokes much brighter or darker than what is around them, of a size that
does not change along a line. Bone has neither such edges nor such evenness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_CONTRAST = 0.22  # of the range of grey values: the least step from a stroke to its surroundings
_SMALLEST_PX, _LARGEST_PX = 6, 110  # height of a character
_MARGIN_PX = 4


@dataclass(frozen=True)
class Rectangle:
    """An area of the film in whole pixels; ``x_px``, ``y_px`` is its first pixel."""

    x_px: int
    y_px: int
    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        if min(self.x_px, self.y_px) < 0 or min(self.width_px, self.height_px) < 1:
            raise ValueError("a rectangle needs x, y of 0 or more and a width and height of 1 or more")

    def __str__(self) -> str:
        return f"{self.x_px},{self.y_px},{self.width_px},{self.height_px}"


def text_regions(pixels: NDArray[np.float32]) -> tuple[Rectangle, ...]:
    """Areas of ``pixels`` [rows, columns] that look like burnt-in text, from top to bottom.

    Finds lines of at least two characters. Handwriting, text on a patterned ground and single letters
    may be missed, and edges of implants or grids may be taken for text.
    """
    low, high = (float(v) for v in np.percentile(pixels, [0.1, 99.95]))
    high = max(high, float(pixels.max())) if high <= low else high
    grey = np.asarray(np.clip((pixels - low) / max(high - low, 1e-6), 0, 1) * 255, dtype=np.uint8)
    found = []
    for picture in (grey, 255 - grey):
        mask = np.zeros(grey.shape, np.uint8)
        boxes = _characters(picture)
        for x, y, w, h in boxes:
            # Neighbours on a line are closer than their height.
            cv2.rectangle(mask, (x - h // 2, y), (x + w + h // 2, y + h), 255, -1)
        found += _lines(mask, boxes)
    return tuple(sorted(_merged(found, grey.shape), key=lambda r: (r.y_px, r.x_px)))


def _characters(grey: NDArray[np.uint8]) -> list[tuple[int, int, int, int]]:
    """Boxes (x, y, width, height) of bright parts that could be characters."""
    size = 2 * (_LARGEST_PX // 8) + 1
    top_hat = cv2.morphologyEx(
        grey, cv2.MORPH_TOPHAT, cv2.getStructuringElement(cv2.MORPH_RECT, (size, size))
    )
    strokes = np.asarray(top_hat > _CONTRAST * 255, dtype=np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    edges = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 4.0
    boxes = []
    for label in range(1, count):
        x, y, w, h, area = (int(v) for v in stats[label])
        if not (_SMALLEST_PX <= h <= _LARGEST_PX and 1 <= w <= 2 * h and 0.08 * w * h < area):
            continue
        patch = (slice(max(y - 1, 0), y + h + 1), slice(max(x - 1, 0), x + w + 1))
        inside = np.asarray(labels[patch] == label, dtype=np.uint8)
        values = grey[patch][inside > 0]
        rim = (
            cv2.dilate(inside, np.ones((3, 3), np.uint8)) - cv2.erode(inside, np.ones((3, 3), np.uint8))
        ) > 0
        sharp = float(np.median(edges[patch][rim]))
        if sharp > 0.55 * _CONTRAST * 255 and float(np.ptp(np.percentile(values, [50, 90]))) < 70:
            boxes.append((x, y, w, h))
    return boxes


def _lines(mask: NDArray[np.uint8], boxes: list[tuple[int, int, int, int]]) -> list[Rectangle]:
    """Groups of at least two characters of about the same height that touch in ``mask``."""
    _, labels = cv2.connectedComponents(mask)
    groups: dict[int, list[tuple[int, int, int, int]]] = {}
    for box in boxes:
        groups.setdefault(int(labels[box[1] + box[3] // 2, box[0] + box[2] // 2]), []).append(box)
    lines = []
    for group in groups.values():
        heights = [box[3] for box in group]
        usual = float(np.median(heights))
        alike = [box for box in group if 0.5 * usual <= box[3] <= 2.0 * usual]
        if len(alike) < 2:
            continue
        x, y = min(b[0] for b in alike), min(b[1] for b in alike)
        right, bottom = max(b[0] + b[2] for b in alike), max(b[1] + b[3] for b in alike)
        if right - x > 1.2 * usual:
            lines.append(Rectangle(x, y, right - x, bottom - y))
    return lines


def _merged(found: list[Rectangle], shape: tuple[int, ...]) -> list[Rectangle]:
    """The areas with a margin; those that overlap as one."""
    mask = np.zeros(shape, np.uint8)
    for r in found:
        start = (max(r.x_px - _MARGIN_PX, 0), max(r.y_px - _MARGIN_PX, 0))
        end = (r.x_px + r.width_px + _MARGIN_PX - 1, r.y_px + r.height_px + _MARGIN_PX - 1)
        cv2.rectangle(mask, start, end, 255, -1)
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    return [Rectangle(*(int(v) for v in stats[label][:4])) for label in range(1, count)]


def blackened(pixels: NDArray[np.float32], areas: Sequence[Rectangle]) -> NDArray[np.float32]:
    """A copy of ``pixels`` [rows, columns] with ``areas`` at its darkest value."""
    copy = pixels.copy()
    dark = pixels.min()
    for a in areas:
        copy[a.y_px : a.y_px + a.height_px, a.x_px : a.x_px + a.width_px] = dark
    return copy
