"""Points of a knee seen from the side, its front on the right of the film."""

from __future__ import annotations

from training.simulate.knee.frontal import FrontalKnee
from training.simulate.knee.regions import LegRegions
from training.simulate.knee.rules import FloorAt
from training.simulate.rules import Direction, Farthest, Mean, ShaftBorder
from training.simulate.scene import PointRule

TIBIA_LEVELS = {"proximal": 1.7, "distal": 2.8}
FEMUR_LEVELS = {"distal": 1.8, "proximal": 2.7}
"""Levels of the shafts, in lengths of the patella."""
FLOOR = {"anterior_quarter": 0.25, "middle": 0.5, "posterior_quarter": 0.75}


def knee_lateral_rules(regions: LegRegions) -> dict[str, PointRule]:
    """Rules of all points of the view ``knee_lateral``, in the order of the catalogue."""
    knee = FrontalKnee(regions)
    down, up = knee.tibia_down, knee.femur_up
    patella, tibia = regions.patella, regions.tibia
    apex, base = Mean("patella", patella.apex), Mean("patella", patella.base)
    every = patella.outline
    # Clockwise turns: from down 90 degrees is the back, on the left of the film.
    front = Farthest("tibia", tibia.rim_medial, Direction(down.tail, down.tip, -140.0))
    back = Farthest("tibia", tibia.rim_medial, Direction(down.tail, down.tip, 130.0))
    rules: dict[str, PointRule] = {
        "patella_base": Farthest("patella", every, Direction(apex, base)),
        "patella_apex": Farthest("patella", every, Direction(base, apex)),
        "patella_articular_superior": Farthest("patella", patella.articular, Direction(apex, base, -30.0)),
        "patella_articular_inferior": Farthest("patella", patella.articular, Direction(base, apex, 35.0)),
        "tibial_tuberosity": ShaftBorder(
            "tibia",
            regions.patches["tibia_shaft"].whole_edges,
            down,
            Mean("tibia", tibia.insertion),
            (front, back),
            0.0,
            -1,
        ),
        "tibial_plateau_anterior_edge": front,
    }
    for name, part in FLOOR.items():
        patch = regions.patches["tibia_floor_medial"]
        rules[f"tibial_plateau_{name}"] = FloorAt("tibia", patch, (front, back), part, domed=False)
    rules["tibial_plateau_posterior_edge"] = back
    length = (rules["patella_base"], rules["patella_apex"])
    for level, lengths in TIBIA_LEVELS.items():
        for side, sign in (("anterior", -1), ("posterior", 1)):
            rules[f"tibial_shaft_{level}_{side}"] = ShaftBorder(
                "tibia",
                regions.patches["tibia_shaft"].whole_edges,
                down,
                front,
                length,
                lengths,
                sign,
                tuple(TIBIA_LEVELS.values()),
            )
    middle = rules["tibial_plateau_middle"]
    for level, lengths in FEMUR_LEVELS.items():
        for side, sign in (("anterior", 1), ("posterior", -1)):
            rules[f"femoral_shaft_{level}_{side}"] = ShaftBorder(
                "femur",
                regions.patches["femur_shaft"].whole_edges,
                up,
                middle,
                length,
                lengths,
                sign,
                tuple(FEMUR_LEVELS.values()),
            )
    return rules
