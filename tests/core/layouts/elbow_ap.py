"""A left elbow from the front, millimetres: humeral shaft upright, lateral to the right.

The ulna leans 6 in 30 and the midline of the forearm 5 in 30 to the lateral side, the growth plate rises
6 in 18 laterally, the joint surface falls 4 in 32 and the line of the epicondyles 3 in 60 medially.
"""

from __future__ import annotations

import math

POINTS: dict[str, tuple[float, float]] = {
    "capitellar_physis_lateral": (26, -14),
    "capitellar_physis_medial": (8, -8),
    "humeral_shaft_proximal_medial": (-11, -95),
    "humeral_shaft_proximal_lateral": (11, -95),
    "humeral_shaft_distal_medial": (-15, -65),
    "humeral_shaft_distal_lateral": (15, -65),
    "ulnar_shaft_proximal_medial": (-10, 30),
    "ulnar_shaft_proximal_lateral": (6, 30),
    "ulnar_shaft_distal_medial": (-3, 60),
    "ulnar_shaft_distal_lateral": (11, 60),
    "radial_shaft_proximal_lateral": (24, 30),
    "radial_shaft_distal_lateral": (27, 60),
    "medial_epicondyle": (-34, -13),
    "lateral_epicondyle": (26, -16),
    "trochlea_distal": (-16, 12),
    "capitellum_distal": (16, 8),
}


def _lean(across: float, along: float) -> float:
    return math.degrees(math.atan2(across, along))


VALUES: dict[str, float] = {
    "humeroulnar_angle": _lean(6, 30),
    "carrying_angle": _lean(5, 30),
    "baumann_angle": 90 - _lean(6, 18),
    "articular_surface_angle": 90 + _lean(4, 32),
    "epicondylar_width": math.sqrt(60**2 + 3**2),
    "epicondylar_angle": 90 + _lean(3, 60),
}
