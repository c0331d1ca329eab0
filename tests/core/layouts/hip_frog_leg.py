"""A left hip in frog-leg position, millimetres: neck to the right, head of radius 25 around (0, 0)."""

from __future__ import annotations

import math

_DIAGONAL = 25 / math.sqrt(2)

POINTS: dict[str, tuple[float, float]] = {
    "femoral_head_1": (0, -25),
    "femoral_head_2": (-_DIAGONAL, -_DIAGONAL),
    "femoral_head_3": (-25, 0),
    "femoral_head_4": (-_DIAGONAL, _DIAGONAL),
    "femoral_head_5": (0, 25),
    "head_neck_junction_anterior": (15, -20),
    "femoral_neck_anterior": (30, -15),
    "femoral_neck_posterior": (30, 15),
}
VALUES: dict[str, float] = {
    "alpha_angle": math.degrees(math.atan2(20, 15)),
    "head_neck_offset": 10.0,
    "head_neck_offset_ratio": 0.2,
}
