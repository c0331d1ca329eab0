"""A scoliotic spine from the front, millimetres: vertebrae 30 wide, 16 high, 24 apart, T1 at height 0."""

from __future__ import annotations

from tests.core.vertebrae import stack

_LEVELS = (*(f"t{n}" for n in range(1, 13)), *(f"l{n}" for n in range(1, 6)))
# Clockwise tilt of both endplates from T1 to L5: +25 at T5, -27 at T12, +8 at L5.
_TILT = (-12, -4, 4, 13, 25, 14, 7, 0, -5, -11, -17, -27, -15, -9, -3, 2, 8)

POINTS: dict[str, tuple[float, float]] = stack(
    _LEVELS,
    ("right", "left"),
    {level: (tilt, tilt) for level, tilt in zip(_LEVELS, _TILT, strict=True)},
    {"t5": -4.0, "t6": -12.0, "t7": -20.0, "t8": -36.0, "t9": -20.0, "t10": -12.0, "t11": -8.0},
    (30.0, 16.0),
    24.0,
) | {"c7_centre": (-9.0, -24.0), "s1_superior_centre": (3.0, 16 * 24.0 + 16.0)}

VALUES: dict[str, float] = {
    "cobb_largest": 52.0,
    "cobb_above": 37.0,
    "cobb_below": 35.0,
    "apical_translation": 39.0,  # T8, to the image left: the patient's right
    "coronal_balance": 12.0,
    "t1_s1_height": 16 * 24.0 + 16.0 + 8.0,
    "t1_tilt": 12.0,
    "l4_tilt": -2.0,
    "l5_tilt": -8.0,
}
