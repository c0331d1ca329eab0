"""A left shoulder from its side, millimetres: front to the left, head a circle of radius 20 around (2, 0).

The undersurface of the acromion is straight in its front third and in its rear two thirds.
"""

from __future__ import annotations

import math

_RADIUS = 20.0
_HEAD = ["humeral_head_anterior", *(f"humeral_head_{i}" for i in range(1, 8)), "humeral_head_posterior"]
_TURNS = [math.radians(-170.0 + 20.0 * k) for k in range(9)]

POINTS: dict[str, tuple[float, float]] = {
    "acromion_anterior": (-18, -30),
    "acromion_undersurface_1": (-12, -33),
    "acromion_undersurface_2": (-6, -36),
    "acromion_undersurface_3": (0, -34.5),
    "acromion_undersurface_4": (6, -33),
    "acromion_undersurface_5": (12, -31.5),
    "acromion_posterior": (18, -30),
    "coracoid_inferior": (-30, -14),
    "glenoid_centre": (-1, 4),
    **{
        name: (2 + _RADIUS * math.cos(turn), _RADIUS * math.sin(turn))
        for name, turn in zip(_HEAD, _TURNS, strict=True)
    },
}

_NEAREST = POINTS["humeral_head_5"]  # the vertex of the outline highest towards the rear of the acromion

VALUES: dict[str, float] = {
    "acromial_slope": 2 * math.degrees(math.atan2(4.5, 18)),
    "acromial_tilt": math.degrees(math.atan2(16, 48)),
    "acromial_angle": math.degrees(math.atan2(6, 12) + math.atan2(6, 24)),
    "acromial_arch_ratio": 4.5 / 36,
    "acromiohumeral_distance": (-6 * (_NEAREST[0] + 6) + 24 * (_NEAREST[1] + 36)) / math.hypot(6, 24),
    "humeral_head_centring": 5 / _RADIUS,
    "humeral_head_diameter": 2 * _RADIUS,
}
