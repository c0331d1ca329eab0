"""A left knee from the front, millimetres: tibia upright, femur leaning 6 in 30 to the lateral side.

The line along the plateau passes through the origin and rises 1 in 20 to the lateral side, the condyles
rise 2 in 46; condyle points stand over the plateau at whole distances.
"""

from __future__ import annotations

import math

_LONG = math.sqrt(401)
_ABOVE = (-1 / _LONG, -20 / _LONG)  # at right angles to the plateau


def _over(x: float, height: float) -> tuple[float, float]:
    return x + height * _ABOVE[0], -x / 20 + height * _ABOVE[1]


_PLACES = {
    "medial": {"outer": (-30, 4), "middle": (-24, 5), "inner": (-18, 6)},
    "lateral": {"inner": (18, 7), "middle": (26, 6), "outer": (34, 5)},
}

POINTS: dict[str, tuple[float, float]] = {
    "femoral_shaft_proximal_medial": (-5, -110),
    "femoral_shaft_proximal_lateral": (25, -110),
    "femoral_shaft_distal_medial": (-12, -80),
    "femoral_shaft_distal_lateral": (20, -80),
    "tibial_shaft_proximal_medial": (-12, 80),
    "tibial_shaft_proximal_lateral": (12, 80),
    "tibial_shaft_distal_medial": (-11, 110),
    "tibial_shaft_distal_lateral": (11, 110),
    "medial_condyle_distal": (-22, -6),
    "lateral_condyle_distal": (24, -8),
    "intercondylar_notch_apex": (2, -26),
    "medial_tibial_spine": (-8, -8),
    "lateral_tibial_spine": (6, -7),
    "medial_plateau_edge": (-38, 2),
    "lateral_plateau_edge": (38, 2),
}
for _side, _places in _PLACES.items():
    for _place, (_x, _height) in _places.items():
        POINTS[f"{_side}_plateau_{_place}"] = _over(_x, 0)
        POINTS[f"{_side}_condyle_{_place}"] = _over(_x, _height)

_FEMUR = math.degrees(math.atan2(6, 30))
_PLATEAU = math.degrees(math.atan2(1, 20))
_CONDYLES = math.degrees(math.atan2(2, 46))

VALUES: dict[str, float] = {
    "femorotibial_angle": _FEMUR,
    "aldfa": 90 - _CONDYLES - _FEMUR,
    "ampta": 90 - _PLATEAU,
    "jlca": _CONDYLES - _PLATEAU,
    "medial_jsw": 5.0,
    "medial_jsw_minimum": 4.0,
    "lateral_jsw": 6.0,
    "lateral_jsw_minimum": 5.0,
    "jsw_difference": 1.0,
    "plateau_width": 76.0,
    "interspinous_distance": math.sqrt(14**2 + 1),
    "medial_spine_height": (8 + 160) / _LONG,
    "lateral_spine_height": (-6 + 140) / _LONG,
    "notch_depth": 872 / math.sqrt(46**2 + 2**2),
    "spine_notch_distance": math.sqrt(3**2 + 18.5**2),
    "coronal_shift": -78.5 / _LONG,
}

UNVERIFIED = {"aldfa", "ampta", "jlca"}
