"""A lumbar curve from the front, millimetres: vertebrae 40 wide, 26 high, 36 apart, T12 at height 0."""

from __future__ import annotations

import math

from tests.core.vertebrae import stack

_LEVELS = ("t12", "l1", "l2", "l3", "l4", "l5")
_TILT = {"t12": (3, 3), "l1": (-14, -14), "l2": (-7, -7), "l3": (-2, 2), "l4": (6, 8), "l5": (15, 21)}

POINTS: dict[str, tuple[float, float]] = stack(
    _LEVELS, ("right", "left"), _TILT, {"l2": 6.0, "l3": 18.0, "l4": 4.0}, (40.0, 26.0), 36.0
) | {
    "iliac_crest_right": (-120.0, 140.0),
    "iliac_crest_left": (120.0, 146.0),
    "s1_superior_centre": (-2.0, 204.0),
}

_CRESTS = math.degrees(math.atan2(6, 240))

VALUES: dict[str, float] = {
    "cobb_lumbar": 32.0,  # L1 at -14 to L5, between 15 and 21
    "apical_translation": -20.0,  # L3, to the patient's left
    "l3_tilt": 2.0,
    "l4_tilt": -6.0,
    "l5_tilt": -15.0,
    "pelvic_obliquity": -_CRESTS,
    "l5_to_crests": _CRESTS - 15.0,
    "l4_l5_wedge": 7.0,
    "l3_l4_wedge": 4.0,
}
