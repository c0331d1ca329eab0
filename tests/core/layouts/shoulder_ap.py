"""A left shoulder from the front, millimetres: glenoid and humeral shaft upright, lateral to the right.

The head is a circle of radius 22 around (24, 0); the undersurface of the acromion rises 1 in 4 medially.
"""

from __future__ import annotations

import math

_RADIUS = 22.0
_TURNS = [math.radians(-60.0 - 22.5 * k) for k in range(9)]
_HEAD = ["humeral_head_superior", *(f"humeral_head_{i}" for i in range(1, 8)), "humeral_head_inferior"]

POINTS: dict[str, tuple[float, float]] = {
    "glenoid_superior": (0, -22),
    "glenoid_inferior": (0, 18),
    "glenoid_fossa_upper": (-2, -10),
    "glenoid_fossa_middle": (-2, 0),
    "glenoid_fossa_lower": (-2, 10),
    "acromion_inferolateral": (36, -32),
    **{f"acromion_undersurface_{i}": (35 - 5 * i, -28.75 - 1.25 * i) for i in range(1, 6)},
    "supraspinatus_floor_lateral": (-20, -5),
    "supraspinatus_floor_medial": (-60, -9),
    "coracoid_superior": (-15, -30),
    "clavicle_inferior": (-15, -42),
    "acromion_superomedial": (5, -45),
    "clavicle_superolateral": (2, -49),
    **{
        name: (24 + _RADIUS * math.cos(turn), _RADIUS * math.sin(turn))
        for name, turn in zip(_HEAD, _TURNS, strict=True)
    },
    "greater_tuberosity_superior": (44, -18),
    "greater_tuberosity_lateral": (54, 0),
    "humeral_shaft_proximal_medial": (30, 70),
    "humeral_shaft_proximal_lateral": (50, 70),
    "humeral_shaft_distal_medial": (30, 100),
    "humeral_shaft_distal_lateral": (50, 100),
}

_ROOF = math.hypot(20, 5)


def _below_roof(x: float, y: float) -> float:
    """Distance below the line of the undersurface, which passes through (30, -30)."""
    return (-5 * (x - 30) + 20 * (y + 30)) / _ROOF


VALUES: dict[str, float] = {
    "critical_shoulder_angle": math.degrees(math.atan2(36, 50)),
    "lateral_acromion_angle": 90 - math.degrees(math.atan2(5, 20)),
    "acromion_index": 36 / 54,
    # The vertex of the head's outline that lies highest towards the acromion.
    "acromiohumeral_interval": _below_roof(*POINTS["humeral_head_1"]),
    "upward_migration_index": _below_roof(24, 0) / _RADIUS,
    "glenoid_inclination": math.degrees(math.atan2(4, 40)),
    "beta_angle": 90 - math.degrees(math.atan2(4, 40)),
    "glenoid_height": 40.0,
    "glenohumeral_joint_space": POINTS["humeral_head_5"][0] + 2,
    "glenohumeral_centre_offset": -2.0,
    "neck_shaft_angle": 120.0,
    "humeral_head_diameter": 2 * _RADIUS,
    "greater_tuberosity_height": _RADIUS - 18,
    "humeral_head_medial_offset": 16.0,
    "coracoclavicular_distance": 12.0,
    "acromioclavicular_distance": 5.0,
}
