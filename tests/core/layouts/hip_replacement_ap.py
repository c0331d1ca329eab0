"""A replaced left hip (image right) and the other one, millimetres: the line of the teardrops is y = 0."""

from __future__ import annotations

import math

POINTS: dict[str, tuple[float, float]] = {
    "teardrop_inferior_operated": (30, 0),
    "ischial_tuberosity_inferior_operated": (45, 50),
    "lesser_trochanter_tip_operated": (80, 62),
    "teardrop_inferior_other": (-30, 0),
    "ischial_tuberosity_inferior_other": (-45, 50),
    "lesser_trochanter_tip_other": (-80, 55),
    "cup_lateral": (86, -35),
    "cup_medial": (42, 1),
    # Prosthetic head: radius 14 around (64, -17).
    "head_superolateral": (64 + 14 * math.sqrt(0.5), -17 - 14 * math.sqrt(0.5)),
    "head_lateral": (78, -17),
    "head_inferior": (64, -3),
    "head_medial": (50, -17),
    # Head of the other side: radius 24 around (-62, -20).
    "femoral_head_superior_other": (-62, -44),
    "femoral_head_medial_other": (-38, -20),
    "femoral_head_inferior_other": (-62, 4),
    "femoral_head_lateral_other": (-86, -20),
    # Upright shafts around x = 105 and x = -102.
    "shaft_proximal_medial_operated": (90, 80),
    "shaft_proximal_lateral_operated": (120, 80),
    "shaft_distal_medial_operated": (91, 140),
    "shaft_distal_lateral_operated": (119, 140),
    "shaft_proximal_medial_other": (-87, 80),
    "shaft_proximal_lateral_other": (-117, 80),
    "shaft_distal_medial_other": (-88, 140),
    "shaft_distal_lateral_other": (-116, 140),
    "stem_tip": (105, 150),
}
VALUES: dict[str, float] = {
    "cup_inclination": math.degrees(math.atan2(36, 44)),
    "cup_inclination_ischial": math.degrees(math.atan2(36, 44)),
    "head_radius": 14.0,
    "hip_centre_height_operated": 17.0,
    "hip_centre_distance_operated": 34.0,
    "femoral_offset_operated": 41.0,
    "lesser_trochanter_level_operated": 62.0,
    "hip_centre_height_other": 20.0,
    "hip_centre_distance_other": 32.0,
    "femoral_offset_other": 40.0,
    "lesser_trochanter_level_other": 55.0,
    "leg_length_difference": 7.0,
    "leg_length_difference_ischial": 7.0,
}
