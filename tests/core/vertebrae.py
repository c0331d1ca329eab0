"""Stacks of rectangular vertebrae of chosen tilt, for layouts of the spine."""

from __future__ import annotations

import math
from collections.abc import Mapping

Point = tuple[float, float]


def turned(x: float, y: float, degrees: float) -> Point:
    """The vector (x, y) turned clockwise on screen."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return c * x - s * y, s * x + c * y


def body(
    level: str, sides: tuple[str, str], centre: Point, upper_deg: float, lower_deg: float, size: Point
) -> dict[str, Point]:
    """Corners of one body, named from image left to image right.

    The endplates are ``size[0]`` long, ``size[1]`` apart at their middles, which lie above each other,
    and turned clockwise by so many degrees.
    """
    points: dict[str, Point] = {}
    width, height = size
    for end, degrees, y in (("superior", upper_deg, -height / 2), ("inferior", lower_deg, height / 2)):
        for side, x in zip(sides, (-width / 2, width / 2), strict=True):
            dx, dy = turned(x, 0.0, degrees)
            points[f"{level}_{end}_{side}"] = (centre[0] + dx, centre[1] + y + dy)
    return points


def stack(
    levels: tuple[str, ...],
    sides: tuple[str, str],
    tilts: Mapping[str, tuple[float, float]],
    middles: Mapping[str, float],
    size: Point,
    step: float,
) -> dict[str, Point]:
    """Bodies one above the other, the first centred at height 0; ``middles`` are their x (0 if absent)."""
    points: dict[str, Point] = {}
    for index, level in enumerate(levels):
        points |= body(level, sides, (middles.get(level, 0.0), step * index), *tilts[level], size)
    return points
