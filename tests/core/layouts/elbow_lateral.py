"""A left elbow from the side, millimetres: humeral shaft upright, front to the left, forearm level.

The capitellum has a radius of 10 about (-6, 0) and faces 40 degrees forwards; the radial axis passes 4 above
its centre, the anterior cortex 2 in front of it.
"""

from __future__ import annotations

import math

_FACES = math.radians(40)

POINTS: dict[str, tuple[float, float]] = {
    "humeral_shaft_proximal_anterior": (-8, -80),
    "humeral_shaft_proximal_posterior": (10, -80),
    "humeral_shaft_distal_anterior": (-8, -50),
    "humeral_shaft_distal_posterior": (10, -50),
    "capitellum_centre": (-6, 0),
    "capitellum_base_anterior": (-6 - 10 * math.cos(_FACES), -10 * math.sin(_FACES)),
    "capitellum_base_posterior": (-6 + 10 * math.cos(_FACES), 10 * math.sin(_FACES)),
    "radius_head_anterior": (-20, -14),
    "radius_head_posterior": (-20, 6),
    "radius_neck_anterior": (-40, -12),
    "radius_neck_posterior": (-40, 4),
    "ulnar_shaft_proximal_posterior": (-40, 30),
    "ulnar_shaft_distal_posterior": (-70, 26),
    "olecranon_tip": (13, 4),
    "coronoid_tip": (-17, -4),
}

VALUES: dict[str, float] = {
    "anterior_humeral_line": 10.0,
    "humerocapitellar_angle": 40.0,
    "radiocapitellar_offset": 20.0,
    "elbow_flexion": 90 + math.degrees(math.atan2(4, 30)),
    "trochlear_notch_opening": math.sqrt(30**2 + 8**2),
    "olecranon_posterior_distance": 3.0,
}
