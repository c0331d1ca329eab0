"""Two standing legs, millimetres: each leg is built with lateral to the right, the right one is mirrored.

Angles are those of whole-number slopes. All directions are clockwise of straight up, lateral positive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class _Leg:
    """``head`` and ``ankle`` stand beside the knee; the others are rises or falls over fixed runs."""

    head: float
    rise_condyles: float  # over 48
    rise_plateau: float  # over 50
    ankle: float
    drop_plafond: float  # over 28
    drop_trochanter: float  # over 50


def _atan(rise: float, run: float) -> float:
    return math.degrees(math.atan2(rise, run))


def _points(leg: _Leg) -> dict[str, tuple[float, float]]:
    x = leg.head
    points = {
        "femoral_head_centre": (x, -420),
        "greater_trochanter_tip": (x + 50, -420 + leg.drop_trochanter),
        "femoral_neck_superior": (x + 40, -407),
        "femoral_neck_inferior": (x + 20, -383),
        "medial_condyle_distal": (-24, -2),
        "lateral_condyle_distal": (24, -2 - leg.rise_condyles),
        "intercondylar_notch_apex": (0, -20),
        "medial_tibial_spine": (-7, -4),
        "lateral_tibial_spine": (7, -4),
        "medial_plateau_edge": (-38, 6),
        "lateral_plateau_edge": (38, 6),
        "medial_plateau_middle": (-25, 5),
        "lateral_plateau_middle": (25, 5 - leg.rise_plateau),
        "tibial_plafond_medial": (leg.ankle - 14, 376),
        "tibial_plafond_lateral": (leg.ankle + 14, 376 + leg.drop_plafond),
    }
    for level, y, middle in (("proximal", -300, 18), ("middle", -210, 12), ("distal", -120, 6)):
        points[f"femoral_shaft_{level}_medial"] = (middle - 15, y)
        points[f"femoral_shaft_{level}_lateral"] = (middle + 15, y)
    for level, y, middle in (("proximal", 90, 2), ("distal", 270, 8)):
        points[f"tibial_shaft_{level}_medial"] = (middle - 12, y)
        points[f"tibial_shaft_{level}_lateral"] = (middle + 12, y)
    return points


def _values(leg: _Leg) -> dict[str, float]:
    low = 376 + leg.drop_plafond / 2
    femur, tibia = _atan(leg.head, 400), _atan(-leg.ankle, low + 4)
    shaft, shin = _atan(12, 180), _atan(-6, 180)
    condyles, plateau = _atan(leg.rise_condyles, 48), _atan(leg.rise_plateau, 50)
    ldfa, mpta = 90 - condyles - femur, 90 - plateau - tibia
    run, fall = leg.ankle - leg.head, low + 420
    length = math.hypot(run, fall)
    return {
        "hka": femur - tibia,
        "mldfa": ldfa,
        "mpta": mpta,
        "jlca": condyles - plateau,
        "ahka": mpta - ldfa,
        "jlo": mpta + ldfa,
        # The spines (0, -4) lie this far beside the line from the head to the ankle.
        "mad": -(leg.head + run * 416 / fall) * fall / length,
        "wbl_ratio": 100 * (leg.head + run * 426 / fall + 38) / 76,
        "ama": shaft - femur,
        "femorotibial_angle": shaft - shin,
        "lpfa": 90 + femur - _atan(leg.drop_trochanter, 50),
        "neck_shaft": 180 - shaft - _atan(30, 25),
        "ldta": 90 + _atan(leg.drop_plafond, 28) - tibia,
        "femur_length": math.hypot(leg.head, 400),
        "tibia_length": math.hypot(leg.ankle, low + 4),
        "leg_length": length,
    }


_LEGS = {"left": _Leg(-20, 2, 3, 12, 1, 4), "right": _Leg(10, 3, -1, -9, -2, -3)}
_LOWER = 7  # the right leg as a whole

POINTS: dict[str, tuple[float, float]] = {
    f"{key}_{side}": (90 + x, y) if side == "left" else (-90 - x, y + _LOWER)
    for side, leg in _LEGS.items()
    for key, (x, y) in _points(leg).items()
}

_BOTH = {side: _values(leg) for side, leg in _LEGS.items()}
VALUES: dict[str, float] = {f"{key}_{side}": v for side, values in _BOTH.items() for key, v in values.items()}
for _bone, _key in (("leg", "leg_length"), ("femur", "femur_length"), ("tibia", "tibia_length")):
    VALUES[f"{_bone}_length_difference"] = _BOTH["left"][_key] - _BOTH["right"][_key]
VALUES["femoral_head_level"] = float(_LOWER)

UNVERIFIED = {f"{key}_{side}" for key in ("jlca", "lpfa", "ldta") for side in ("left", "right")}
