"""A left hip in false profile, millimetres: front of the body right, head of radius 25 around (0, 0)."""

from __future__ import annotations

import math

POINTS: dict[str, tuple[float, float]] = {
    "femoral_head_superior": (0, -25),
    "femoral_head_anterior": (25, 0),
    "femoral_head_inferior": (0, 25),
    "femoral_head_posterior": (-25, 0),
    "acetabular_edge_anterior": (18, -24),
    "sourcil_superior": (3, -29),
    "other_head_anterior": (-65, 6),
}
VALUES: dict[str, float] = {
    "vertical_centre_anterior": math.degrees(math.atan2(18, 24)),
    "joint_space_superior": math.hypot(3, 29) - 25,
    "head_gap_ratio": 80.0,
}
