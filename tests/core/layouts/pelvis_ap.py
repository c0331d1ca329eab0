"""A pelvis from the front, millimetres: the patient's left on the right, teardrops level at y = 0.

Heads of radius 25 stand 30 lateral to the teardrops, 15 (left) and 10 (right) above them. The left
shaft is upright, the right one leans 1 in 5.
"""

from __future__ import annotations

import math

# Lateral and downwards from the teardrop of the side, 60 mm from the middle.
_LEFT: dict[str, tuple[float, float]] = {
    "femoral_head_superior": (30, -40),
    "femoral_head_medial": (5, -15),
    "femoral_head_inferior": (15, 5),
    "femoral_head_lateral": (55, -15),
    "acetabular_edge": (45, -41),
    "sourcil_lateral": (42, -40),
    "sourcil_middle": (30, -43),
    "sourcil_medial": (10, -36),
    "acetabular_floor": (-3, -30),
    "teardrop_inferior": (0, 0),
    "ischial_tuberosity_inferior": (5, 40),
    "femoral_neck_superior": (70, -5),
    "femoral_neck_inferior": (50, 25),
    "greater_trochanter_tip": (85, -12),
    "lesser_trochanter_tip": (60, 50),
    "shaft_proximal_medial": (65, 90),
    "shaft_proximal_lateral": (95, 90),
    "shaft_distal_medial": (65, 130),
    "shaft_distal_lateral": (95, 130),
}
_RIGHT: dict[str, tuple[float, float]] = {
    "femoral_head_superior": (30, -35),
    "femoral_head_medial": (5, -10),
    "femoral_head_inferior": (15, 10),
    "femoral_head_lateral": (55, -10),
    "acetabular_edge": (40, -40),
    "sourcil_lateral": (38, -38),
    "sourcil_middle": (20, -38),
    "sourcil_medial": (6, -28),
    "acetabular_floor": (-6, -20),
    "teardrop_inferior": (0, 0),
    "ischial_tuberosity_inferior": (5, 44),
    "femoral_neck_superior": (70, -10),
    "femoral_neck_inferior": (60, 30),
    "greater_trochanter_tip": (85, -20),
    "lesser_trochanter_tip": (60, 42),
    "shaft_proximal_medial": (65, 87),
    "shaft_proximal_lateral": (95, 93),
    "shaft_distal_medial": (57, 127),
    "shaft_distal_lateral": (87, 133),
}
POINTS: dict[str, tuple[float, float]] = {
    **{f"{key}_left": (60 + x, y) for key, (x, y) in _LEFT.items()},
    **{f"{key}_right": (-60 - x, y) for key, (x, y) in _RIGHT.items()},
    "symphysis_superior": (1, 12),
    "sacrococcygeal_joint": (5, -20),
}


def _deg(rise: float, run: float) -> float:
    return math.degrees(math.atan2(rise, run))


_ISCHIAL = math.hypot(130, 4)  # from 44 below on the right to 40 on the left
_LONG = math.hypot(1, 5)  # the right shaft runs 8 inwards on 40 downwards, through (80, 90)

VALUES: dict[str, float] = {
    "lateral_centre_edge_left": _deg(15, 26),
    "lateral_centre_edge_right": _deg(10, 30),
    "tonnis_left": _deg(4, 32),
    "tonnis_right": _deg(10, 32),
    "sharp_left": _deg(41, 45),
    "sharp_right": 45.0,
    "extrusion_index_left": 20.0,
    "extrusion_index_right": 30.0,
    "acetabular_depth_ratio_left": 100 * (3 * 41 + 30 * 45) / (45**2 + 41**2),
    "acetabular_depth_ratio_right": 100 * (6 * 40 + 20 * 40) / (2 * 40**2),
    "joint_space_lateral_left": math.hypot(12, 25) - 25,
    "joint_space_lateral_right": math.hypot(8, 28) - 25,
    "joint_space_middle_left": 3.0,
    "joint_space_middle_right": math.hypot(10, 28) - 25,
    "joint_space_medial_left": 4.0,
    "joint_space_medial_right": math.hypot(24, 18) - 25,
    "neck_shaft_left": 90 + _deg(25, 30),
    "neck_shaft_right": 90 + _deg(20, 35) - _deg(1, 5),
    "femoral_offset_left": 50.0,
    # The axis is 20 further lateral at the height of the centre.
    "femoral_offset_right": 70 * 5 / _LONG,
    "neck_length_left": 50 * math.hypot(30, 25) / 30,
    # Neck 4 down on 7 out meets the shaft 5 x + ... : x = 100 - (y + 10) / 5 with y + 10 = 4 x' / 7.
    "neck_length_right": 70 / (1 + 4 / 35) * math.hypot(1, 4 / 7),
    "articulotrochanteric_left": 28.0,
    "articulotrochanteric_right": (15 * 5 - 55) / _LONG,
    "head_diameter_left": 50.0,
    "head_diameter_right": 50.0,
    "hip_centre_height_left": 15.0,
    "hip_centre_height_right": 10.0,
    "hip_centre_distance_left": 30.0,
    "hip_centre_distance_right": 30.0,
    "lesser_trochanter_level_left": 50.0,
    "lesser_trochanter_level_right": 42.0,
    "leg_length_difference": 8.0,
    "leg_length_difference_ischial": ((50 - 44) * 130 + 185 * 4 - (42 - 44) * 130 - (-55) * 4) / _ISCHIAL,
    "pelvic_obliquity": 0.0,
    "pelvic_obliquity_ischial": -_deg(4, 130),
    "sacrococcygeal_distance": 32.0,
    "sacrococcygeal_shift": 4.0,
}
