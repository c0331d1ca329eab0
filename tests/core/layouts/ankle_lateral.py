"""Lateral ankle: upright tibia, plafond of chosen slope, round dome; hindfoot as on the lateral foot."""

from __future__ import annotations

import math

from tests.core.layouts.foot_lateral import CALCANEUS, CALCANEUS_VALUES, TALUS, Place

# The tibial axis is x = -40, the plafond rises 7 in 28 forwards, the dome is centred 3 mm in front of it.
_DOME: dict[str, Place] = {
    f"talar_dome_{number}": (
        -43.0 + 20.0 * math.sin(math.radians(degrees)),
        -70.0 - 20.0 * math.cos(math.radians(degrees)),
    )
    for number, degrees in enumerate((-40, -20, 0, 20, 40), start=1)
}
POINTS: dict[str, Place] = {
    "tibial_shaft_proximal_anterior": (-50.0, -200.0),
    "tibial_shaft_proximal_posterior": (-30.0, -200.0),
    "tibial_shaft_distal_anterior": (-52.0, -160.0),
    "tibial_shaft_distal_posterior": (-28.0, -160.0),
    "tibial_plafond_anterior": (-56.0, -100.0),
    "tibial_plafond_posterior": (-28.0, -93.0),
    **_DOME,
    **TALUS,
    **CALCANEUS,
}
_DEPTH = math.sqrt(28**2 + 7**2)

VALUES = {
    "adta": 90.0 - math.degrees(math.atan2(7, 28)),
    "tibiotalar_angle": 90.0 + 25.0,
    "tibiocalcaneal_angle": 90.0 - 20.0,
    "lateral_talar_station": 3.0,
    "talar_station_ratio": 3.0 / _DEPTH,
    "talar_dome_radius": 20.0,
    "plafond_depth": _DEPTH,
    **CALCANEUS_VALUES,
    "lateral_talocalcaneal_angle": 45.0,
}
