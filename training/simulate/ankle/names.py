"""Names of the ankle points and the levels at which a reader marks some of them.

Levels lie above the plafond centre along the tibial axis, so that they need no calibration: those of the
shafts are multiples of the height of the ankle (medial end of the plafond line to tip of the lateral
malleolus), the others of the plafond width (medial to lateral end).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SHAFT_LEVELS: Mapping[str, float] = MappingProxyType({"distal": 1.0, "proximal": 1.7})
SYNDESMOSIS_LEVEL = 1.0 / 3.0
CLEAR_SPACE_LEVEL = 0.14

ANKLE_POINTS: tuple[str, ...] = (
    "tibial_shaft_proximal_medial",
    "tibial_shaft_proximal_lateral",
    "tibial_shaft_distal_medial",
    "tibial_shaft_distal_lateral",
    "tibial_plafond_medial",
    "tibial_plafond_lateral",
    "medial_malleolus_tip",
    "lateral_malleolus_tip",
    "medial_malleolus_articular",
    "talar_medial_facet",
    "talar_dome_medial",
    "talar_dome_lateral",
    "fibula_shaft_medial",
    "fibula_shaft_lateral",
    "tibia_syndesmosis_posterior",
    "tibia_syndesmosis_anterior",
    "fibula_syndesmosis_medial",
)
