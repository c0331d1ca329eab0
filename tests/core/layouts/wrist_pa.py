"""A left wrist from behind, millimetres: radial shaft upright, thumb to the right.

The joint surface rises 10 in 25 from the ulnar corner to the styloid; the line through both fossae is
level at y = -4, so that carpal heights are plain differences of y. The third metacarpal is upright.
"""

from __future__ import annotations

import math

POINTS: dict[str, tuple[float, float]] = {
    "radius_shaft_proximal_ulnar": (-8, 60),
    "radius_shaft_proximal_radial": (8, 60),
    "radius_shaft_distal_ulnar": (-10, 30),
    "radius_shaft_distal_radial": (10, 30),
    "radial_styloid_tip": (13, -10),
    "radius_ulnar_corner": (-12, 0),
    "radius_lunate_fossa": (-7, -4),
    "radius_scaphoid_fossa": (3, -4),
    "ulnar_head_distal": (-24, 2),
    "scaphoid_ulnar_border": (0, -10),
    "scaphoid_proximal_corner": (1, -8),
    "lunate_radial_border": (-1.5, -12),
    "lunate_proximal_corner": (-2, -7),
    "lunate_ulnar_border": (-15.5, -9),
    "capitate_head_centre": (-3, -18),
    "capitate_proximal": (-3, -14),
    "capitate_distal": (0, -36),
    "third_metacarpal_base": (0, -38),
    "third_metacarpal_head": (0, -106),
}

VALUES: dict[str, float] = {
    "radial_inclination": math.degrees(math.atan2(10, 25)),
    "radial_height": 10.0,
    "ulnar_variance": -2.0,
    "carpal_height_ratio": 34 / 68,
    "capitate_height_ratio": 34 / math.sqrt(22**2 + 3**2),
    "scapholunate_gap": 2.5,
    "proximal_arc_step": 1.0,
    "lunate_uncovering": 25.0,
    "carpal_radial_ratio": 16 / 68,
}
