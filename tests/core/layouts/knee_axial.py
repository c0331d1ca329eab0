"""A left knee along the femur, millimetres, front at the top and lateral right; the sulcus is the origin."""

from __future__ import annotations

import math


def _atan(rise: float, run: float) -> float:
    return math.degrees(math.atan2(rise, run))


POINTS: dict[str, tuple[float, float]] = {
    "trochlear_sulcus": (0, 0),
    "medial_trochlear_crest": (-20, -8),
    "lateral_trochlear_crest": (20, -10),
    "patellar_ridge": (2, -4),
    "patella_medial_edge": (-22, -14),
    "patella_lateral_edge": (24, -10),
    "patella_medial_facet": (-13, -8),
    "patella_lateral_facet": (17, -9),
    "patella_anterior": (1, -30),
}

_MEDIAL, _LATERAL, _CRESTS = _atan(8, 20), _atan(10, 20), _atan(2, 40)
_WIDTH = math.hypot(46, 4)

VALUES: dict[str, float] = {
    "sulcus_angle": 180 - _MEDIAL - _LATERAL,
    "trochlear_depth": (40 * 8 + 2 * 20) / math.hypot(40, 2),
    "lateral_trochlear_inclination": _LATERAL - _CRESTS,
    "congruence_angle": _atan(2, 4) - (_MEDIAL - _LATERAL) / 2,
    "patellar_tilt": _CRESTS + _atan(4, 46),
    "lateral_patellofemoral_angle": _atan(5, 15) - _CRESTS,
    "lateral_displacement": (-2 * 40 + 6 * 2) / math.hypot(40, 2),
    "wiberg_angle": 180 - _atan(4, 15) - _atan(5, 15),
    "patella_width": _WIDTH,
    "patella_thickness": (26 * 46 - 4) / _WIDTH,
}

UNVERIFIED = {"congruence_angle"}
