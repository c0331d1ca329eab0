"""A child's pelvis from the front, millimetres: patient's left on the right, Hilgenreiner's line at y = 0.

The left hip is sound, the right one displaced. The left shaft is upright, the right one leans 1 in 5.
"""

from __future__ import annotations

import math

# Lateral and downwards from the triradiate cartilage of the side, 35 mm from the middle.
_LEFT: dict[str, tuple[float, float]] = {
    "triradiate": (0, 0),
    "acetabular_edge": (25, -10),
    "ossified_head_medial": (7, 3),
    "ossified_head_lateral": (23, 5),
    "physis_medial": (6, 17),
    "physis_lateral": (26, 9),
    "shaft_proximal_medial": (24, 50),
    "shaft_proximal_lateral": (40, 50),
    "shaft_distal_medial": (24, 70),
    "shaft_distal_lateral": (40, 70),
}
_RIGHT: dict[str, tuple[float, float]] = {
    "triradiate": (0, 0),
    "acetabular_edge": (20, -15),
    "ossified_head_medial": (16, -2),
    "ossified_head_lateral": (32, 2),
    "physis_medial": (15, 11),
    "physis_lateral": (35, 6),
    "shaft_proximal_medial": (32, 49),
    "shaft_proximal_lateral": (42, 51),
    "shaft_distal_medial": (28, 69),
    "shaft_distal_lateral": (38, 71),
}
POINTS: dict[str, tuple[float, float]] = {
    **{f"{key}_left": (35 + x, y) for key, (x, y) in _LEFT.items()},
    **{f"{key}_right": (-35 - x, y) for key, (x, y) in _RIGHT.items()},
}


def _deg(rise: float, run: float) -> float:
    return math.degrees(math.atan2(rise, run))


VALUES: dict[str, float] = {
    "acetabular_index_left": _deg(10, 25),
    "acetabular_index_right": _deg(15, 20),
    "migration_percentage_left": -12.5,
    "migration_percentage_right": 75.0,
    "centre_edge_child_left": _deg(10, 14),
    "centre_edge_child_right": _deg(-4, 15),
    "head_shaft_left": 180 - _deg(8, 20),
    # The plate faces 14 degrees inwards from straight up, the shaft runs inwards by 11.3 degrees.
    "head_shaft_right": 180 - _deg(5, 20) - _deg(1, 5),
    "hilgenreiner_epiphyseal_left": _deg(8, 20),
    "hilgenreiner_epiphyseal_right": _deg(5, 20),
    "metaphysis_depth_left": 13.0,
    "metaphysis_depth_right": 8.5,
    "metaphysis_perkins_left": -9.0,
    "metaphysis_perkins_right": 5.0,
    "ossified_head_width_left": 16.0,
    "ossified_head_width_right": 16.0,
    "pelvic_obliquity_child": 0.0,
}
