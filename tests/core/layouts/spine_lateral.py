"""A spine from the side, millimetres, the patient facing left: bodies 30 deep, 16 high, 24 apart.

T1 stands at height 0. The sacral endplate falls forwards by 4 in 3, its middle lies 30 behind and 80
above the middle between the femoral heads.
"""

from __future__ import annotations

import math

from tests.core.vertebrae import stack

_LEVELS = (*(f"t{n}" for n in range(1, 13)), *(f"l{n}" for n in range(1, 6)))
_SIDES = ("anterior", "posterior")
# Forward fall of the upper and lower endplate of each body, degrees.
_FALL = dict.fromkeys(_LEVELS, (0.0, 0.0)) | {
    "t1": (22.0, 20.0),
    "t4": (18.0, 15.0),
    "t10": (-6.0, -9.0),
    "t12": (-15.0, -17.0),
    "l1": (-16.0, -14.0),
    "l2": (-12.0, -8.0),
    "l4": (11.0, 14.0),
    "l5": (22.0, 33.0),
}
_SLOPE = math.degrees(math.atan2(4, 3))


def _head(which: str, x: float, y: float) -> dict[str, tuple[float, float]]:
    """A head 48 wide about its centre."""
    places = {
        "superior": (0.0, -24.0),
        "anterior": (-24.0, 0.0),
        "inferior": (0.0, 24.0),
        "posterior": (24.0, 0.0),
    }
    return {f"femoral_head_{which}_{place}": (x + dx, y + dy) for place, (dx, dy) in places.items()}


POINTS: dict[str, tuple[float, float]] = stack(
    _LEVELS,
    _SIDES,
    {level: (-upper, -lower) for level, (upper, lower) in _FALL.items()},
    {"t1": 12.0},
    (30.0, 16.0),
    24.0,
) | {
    "c7_centre": (-7.0, -26.0),
    "s1_superior_anterior": (11.0, 424.0),
    "s1_superior_posterior": (29.0, 400.0),
    **_head("upper", -20.0, 490.0),
    **_head("lower", 0.0, 494.0),
}

_TILT = math.degrees(math.atan2(30, 80))
_TO_T1 = math.degrees(math.atan2(22, 492))

VALUES: dict[str, float] = {
    "kyphosis_t4_t12": 35.0,
    "kyphosis_t1_t12": 39.0,
    "kyphosis_t10_l2": 2.0,
    "lordosis_l1_s1": _SLOPE + 16.0,
    "lordosis_l1_l5": 49.0,
    "lordosis_l4_s1": _SLOPE - 11.0,
    "pelvic_incidence": _TILT + _SLOPE,
    "pelvic_tilt": _TILT,
    "sacral_slope": _SLOPE,
    "pi_minus_ll": _TILT - 16.0,
    "sagittal_vertical_axis": 36.0,
    "t1_pelvic_angle": _TILT - _TO_T1,
    "t1_slope": 22.0,
}
