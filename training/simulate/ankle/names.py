"""Names of the ankle points and what a reader marks at each of them.

Levels are multiples of the plafond width (medial to lateral end of the plafond line) above the
plafond centre along the tibial axis, so that they need no calibration. Medial is the image left on
the canonical view (left ankle seen from the front).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PROXIMAL_LEVEL = 3.5
DISTAL_LEVEL = 2.0
SYNDESMOSIS_LEVEL = 1.0 / 3.0
CLEAR_SPACE_LEVEL = 0.14

ANKLE_POINT_DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "tibial_shaft_proximal_medial": "Medial outer cortex of the tibia, 3.5 plafond widths above joint",
        "tibial_shaft_proximal_lateral": "Lateral outer cortex of the tibia, 3.5 plafond widths above joint",
        "tibial_shaft_distal_medial": "Medial outer cortex of the tibia, 2 plafond widths above joint",
        "tibial_shaft_distal_lateral": "Lateral outer cortex of the tibia, 2 plafond widths above joint",
        "tibial_plafond_medial": "Medial end of the flat subchondral line of the tibial plafond",
        "tibial_plafond_lateral": "Lateral end of the flat subchondral line of the tibial plafond",
        "medial_malleolus_tip": "Most distal point of the medial malleolus",
        "lateral_malleolus_tip": "Most distal point of the lateral malleolus",
        "medial_malleolus_articular": "Inner border of the medial malleolus, just below the dome corner",
        "talar_medial_facet": "Medial border of the talar body, just below the dome corner",
        "talar_dome_medial": "Medial corner of the talar dome",
        "talar_dome_lateral": "Lateral corner of the talar dome",
        "fibula_shaft_medial": "Medial outer cortex of the fibula, 2 plafond widths above joint",
        "fibula_shaft_lateral": "Lateral outer cortex of the fibula, 2 plafond widths above joint",
        "tibia_syndesmosis_posterior": "Lateral border of the posterior tibia, 1/3 plafond width above it",
        "tibia_syndesmosis_anterior": "Lateral border of the anterior tibia, 1/3 plafond width above it",
        "fibula_syndesmosis_medial": "Medial border of the fibula, 1/3 plafond width above it",
    }
)

ANKLE_POINTS: tuple[str, ...] = tuple(ANKLE_POINT_DESCRIPTIONS)
