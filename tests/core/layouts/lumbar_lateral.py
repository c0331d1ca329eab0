"""A lumbar spine from the side, millimetres, the patient facing left: bodies 35 deep, 26 high, 36 apart."""

from __future__ import annotations

import math

from tests.core.vertebrae import stack, turned

_LEVELS = ("t12", "l1", "l2", "l3", "l4", "l5")
_FALL = {
    "t12": (-12.0, -13.0),
    "l1": (-15.0, -14.0),
    "l2": (-10.0, -8.0),
    "l3": (0.0, 0.0),
    "l4": (0.0, 14.0),
    "l5": (20.0, 33.0),
}
_SLOPE = 40.0
_DEPTH = 35.0

POINTS: dict[str, tuple[float, float]] = stack(
    _LEVELS,
    ("anterior", "posterior"),
    {level: (-upper, -lower) for level, (upper, lower) in _FALL.items()},
    {"l3": -7.0},
    (_DEPTH, 26.0),
    36.0,
)


def _sacrum() -> dict[str, tuple[float, float]]:
    """The sacral endplate 9 in front of and 12 below that of L5 at the back, seen along the sacrum."""
    x, y = POINTS["l5_inferior_posterior"]
    dx, dy = turned(9.0, 12.0, -_SLOPE)
    back = (x + dx, y + dy)
    along = turned(-36.0, 0.0, -_SLOPE)
    return {
        "s1_superior_anterior": (back[0] + along[0], back[1] + along[1]),
        "s1_superior_posterior": back,
    }


POINTS |= _sacrum()


def _middle(plate: str) -> tuple[float, float]:
    (ax, ay), (bx, by) = (POINTS[f"{plate}_{side}"] for side in ("anterior", "posterior"))
    return (ax + bx) / 2, (ay + by) / 2


def _slip_of_l4() -> float:
    """Both bodies stand above each other: only the tilts of the facing endplates part their corners."""
    half = _DEPTH / 2
    apart = math.cos(math.radians(14.0)) - math.cos(math.radians(20.0))
    lower = math.sin(math.radians(20.0)) - math.sin(math.radians(14.0))
    x, y = half * apart, half * lower - 10.0
    return -(x * math.cos(math.radians(20.0)) - y * math.sin(math.radians(20.0))) / _DEPTH * 100.0


VALUES: dict[str, float] = {
    "lordosis_l1_s1": _SLOPE + 15.0,
    "lordosis_l1_l5": 48.0,
    "lordosis_l4_s1": _SLOPE,
    "sacral_slope": _SLOPE,
    "disc_height_l1_l2": 10.0,
    "disc_height_l2_l3": math.hypot(7.0, 10.0),
    "disc_height_l3_l4": math.hypot(7.0, 10.0),
    "disc_height_l4_l5": 10.0,
    "disc_height_l5_s1": math.dist(_middle("l5_inferior"), _middle("s1_superior")),
    "slip_l3_l4": 20.0,
    "slip_l4_l5": _slip_of_l4(),
    "slip_l5_s1": 25.0,
}
