"""A left knee from the side, millimetres, front to the right: plateau falling 1 in 10 to the back."""

from __future__ import annotations

import math


def _atan(rise: float, run: float) -> float:
    return math.degrees(math.atan2(rise, run))


POINTS: dict[str, tuple[float, float]] = {
    "patella_base": (42, -54),
    "patella_apex": (42, -10),
    "patella_articular_superior": (38, -50),
    "patella_articular_inferior": (35, -20),
    "tibial_tuberosity": (30, 30),
    "tibial_plateau_anterior_edge": (25, 0),
    "tibial_plateau_anterior_quarter": (13.75, 1.125),
    "tibial_plateau_middle": (2.5, 2.25),
    "tibial_plateau_posterior_quarter": (-8.75, 3.375),
    "tibial_plateau_posterior_edge": (-20, 4.5),
    "tibial_shaft_proximal_anterior": (24, 75),
    "tibial_shaft_proximal_posterior": (-8, 75),
    "tibial_shaft_distal_anterior": (20, 125),
    "tibial_shaft_distal_posterior": (-10, 125),
    "femoral_shaft_distal_anterior": (10, -70),
    "femoral_shaft_distal_posterior": (-20, -70),
    "femoral_shaft_proximal_anterior": (-2, -110),
    "femoral_shaft_proximal_posterior": (-28, -110),
}

_SURFACE = math.hypot(3, 30)
_TENDON = math.hypot(12, 40)

VALUES: dict[str, float] = {
    "insall_salvati": _TENDON / 44,
    "modified_insall_salvati": math.hypot(5, 50) / _SURFACE,
    "caton_deschamps": math.hypot(10, 20) / _SURFACE,
    # (10, -20) from the front edge stands 190 / sqrt(101) off the line with direction (-10, 1).
    "blackburne_peel": 190 / math.sqrt(101) / _SURFACE,
    "patella_morphology": 44 / _SURFACE,
    "patella_length": 44.0,
    "tendon_length": _TENDON,
    "slope_posterior_cortex": _atan(1, 10) + _atan(2, 50),
    "slope_mid_diaphyseal": _atan(1, 10) + _atan(3, 50),
    "slope_anterior_cortex": _atan(1, 10) + _atan(4, 50),
    "knee_flexion": _atan(3, 50) + _atan(10, 40),
    "plateau_depth": math.hypot(45, 4.5),
}
