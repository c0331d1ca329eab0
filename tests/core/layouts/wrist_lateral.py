"""A left wrist from the side, millimetres: radial shaft upright, palm to the right.

The joint surface falls 4 in 20 to the palm. The line through the horns of the lunate rises 3 in 15 to the
palm (the lunate looks dorsally), the scaphoid leans 12 in 16 and the capitate 2 in 20 to the palm.
"""

from __future__ import annotations

import math

POINTS: dict[str, tuple[float, float]] = {
    "radius_shaft_proximal_dorsal": (-6, 60),
    "radius_shaft_proximal_palmar": (6, 60),
    "radius_shaft_distal_dorsal": (-6, 30),
    "radius_shaft_distal_palmar": (6, 30),
    "radius_dorsal_rim": (-9, -2),
    "radius_palmar_rim": (11, 2),
    "lunate_dorsal_horn": (-6, -10),
    "lunate_palmar_horn": (9, -13),
    "scaphoid_proximal_palmar": (5, -4),
    "scaphoid_distal_palmar": (17, -20),
    "capitate_head_centre": (2, -15),
    "capitate_distal": (4, -35),
}

_LUNATE = math.degrees(math.atan2(3, 15))

VALUES: dict[str, float] = {
    "volar_tilt": math.degrees(math.atan2(4, 20)),
    "radiolunate_angle": _LUNATE,
    "scapholunate_angle": _LUNATE + math.degrees(math.atan2(12, 16)),
    "capitolunate_angle": _LUNATE + math.degrees(math.atan2(2, 20)),
    "dorsal_displacement": -1.0,
    "carpal_alignment": 4.0,
    "joint_surface_depth": math.sqrt(20**2 + 4**2),
}
