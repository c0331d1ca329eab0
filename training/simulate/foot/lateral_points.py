"""Named points of the lateral foot and ankle, as rules on the projected bones.

On the film of a left foot toes point to the left: looking from the heel to the toes, or from base to head
of a bone, the right-hand side is dorsal.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from training.simulate.foot.ap_points import bone_axis, shaft_rules
from training.simulate.foot.parts import FootParts
from training.simulate.rules import Between, Direction, Farthest, Mean, OutlineAt, ShaftBorder, edges_of
from training.simulate.scene import IntArray, PointRule

DORSAL, PLANTAR = 1, -1
_BORDERS = (("dorsal", DORSAL), ("plantar", PLANTAR))


def _every(parts: FootParts, bone: str) -> IntArray:
    return np.arange(len(parts.vertices[bone]), dtype=np.int32)


def _sole(parts: FootParts, degrees: float) -> Direction:
    """Direction of the sole on the film, heel to first metatarsal head, turned: +90 is dorsal."""
    heel = Mean("calcaneus", parts.regions["tuber_plantar"])
    return Direction(heel, Mean("first_metatarsal", parts.ends["first_metatarsal"][1]), degrees)


def calcaneus_rules(parts: FootParts, down: Direction | None = None) -> dict[str, PointRule]:
    """Points of the calcaneus on its outline; directions are relative to its long axis.

    ``down`` is the direction of the sole in which the tuberosity's lowest point is looked for.
    """
    regions = parts.regions
    back = Mean("calcaneus", regions["tuber_superior"])
    front = Mean("calcaneus", regions["calcaneus_cuboid_facet"])

    def end(region: str, degrees: float) -> Farthest:
        return Farthest("calcaneus", regions[region], Direction(back, front, degrees))

    lowest = end("tuber_plantar", -80.0)
    if down is not None:
        lowest = Farthest("calcaneus", regions["tuber_plantar"], down)
    return {
        "calcaneus_tuberosity_plantar": lowest,
        "calcaneus_anterior_plantar": end("anterior_plantar", -45.0),
        "calcaneus_tuberosity_superior": end("tuber_superior", 115.0),
        "calcaneus_posterior_facet_superior": end("posterior_facet", 85.0),
        "calcaneus_crucial_angle_apex": Mean("calcaneus", regions["groove"]),
        "calcaneus_anterior_process_superior": end("anterior_process", 80.0),
    }


def talus_rules(parts: FootParts) -> dict[str, PointRule]:
    """Points of the talus: top of the dome, lateral process, neck and head."""
    regions = parts.regions
    neck, head = Mean("talus", regions["talus_neck"]), Mean("talus", regions["talus_head"])
    dorsal, plantar = Direction(neck, head, 90.0), Direction(neck, head, -90.0)
    process, dome = Mean("talus", regions["talus_process"]), Mean("talus", regions["talus_dome"])
    return {
        "talar_dome_top": Farthest("talus", regions["talus_top"], Direction(process, dome)),
        "talar_lateral_process": Farthest("talus", regions["talus_process"], Direction(dome, process)),
        "talar_neck_dorsal": Mean("talus", regions["neck_dorsal"]),
        "talar_neck_plantar": Mean("talus", regions["neck_plantar"]),
        "talar_head_dorsal": Farthest("talus", regions["talus_head"], dorsal),
        "talar_head_plantar": Farthest("talus", regions["talus_head"], plantar),
    }


def _first_metatarsal(parts: FootParts) -> dict[str, PointRule]:
    bone, axis = "first_metatarsal", bone_axis(parts, "first_metatarsal")
    shaft = shaft_rules(parts, bone, {"shaft_proximal": 0.35, "shaft_distal": 0.68}, _BORDERS)
    return {f"{bone}_base_centre": axis.tail, **shaft, f"{bone}_head_centre": axis.tip}


@lru_cache(maxsize=4)
def foot_lateral_rules(parts: FootParts) -> Mapping[str, PointRule]:
    """Rules of all points of ``foot_lateral``, in the order of the catalogue."""
    down = _sole(parts, -90.0)
    fifth = parts.regions["fifth_metatarsal_base"]
    return MappingProxyType(
        {
            **calcaneus_rules(parts, down),
            **talus_rules(parts),
            **_first_metatarsal(parts),
            "medial_sesamoid_plantar": Farthest(
                "hallux_sesamoid_1", _every(parts, "hallux_sesamoid_1"), down
            ),
            "navicular_plantar": Farthest("navicular", parts.regions["navicular_plantar"], down),
            "medial_cuneiform_plantar": Farthest("medial_cuneiform", _every(parts, "medial_cuneiform"), down),
            "fifth_metatarsal_base_plantar": Farthest("fifth_metatarsal", fifth, down),
            "fifth_metatarsal_head_plantar": Farthest(
                "fifth_metatarsal", parts.ends["fifth_metatarsal"][1], down
            ),
        }
    )


SHAFT_LEVELS = {"proximal": 1.5, "distal": 0.9}
"""Levels of the tibial shaft above the middle of the plafond, in lengths of the hindfoot."""

# Spokes of the dome, from the middle of its joint surface; positive is further back.
_DOME_DEG = (-40.0, -20.0, 0.0, 20.0, 40.0)


def _tibia_rules(parts: FootParts) -> dict[str, PointRule]:
    roof, shaft = (Mean("tibia", parts.regions[name]) for name in ("plafond", "tibial_shaft"))
    edges = edges_of(parts.faces["tibia"])
    lips: dict[str, PointRule] = {
        f"tibial_plafond_{side}": Farthest("tibia", parts.regions["plafond"], Direction(roof, shaft, degrees))
        for side, degrees in (("anterior", -110.0), ("posterior", 110.0))
    }
    front, back = lips.values()
    up, middle = Direction(roof, shaft), Between(front, back)
    hindfoot = (
        calcaneus_rules(parts)["calcaneus_tuberosity_superior"],
        talus_rules(parts)["talar_head_dorsal"],
    )
    # Looking up the leg the front is on the left.
    rules: dict[str, PointRule] = {
        f"tibial_shaft_{level}_{side}": ShaftBorder(
            "tibia", edges, up, middle, hindfoot, lengths, sign, tuple(SHAFT_LEVELS.values())
        )
        for level, lengths in SHAFT_LEVELS.items()
        for side, sign in (("anterior", -1), ("posterior", 1))
    }
    return rules | lips


def _dome_rules(parts: FootParts) -> dict[str, PointRule]:
    """Five points of the talar dome from front to back, on spokes from the middle of its curve."""
    chosen = np.zeros(len(parts.vertices["talus"]), dtype=np.bool_)
    chosen[parts.regions["talus_trochlea"]] = True
    edges = edges_of(parts.faces["talus"], chosen)
    centre, top = (Mean("talus", parts.regions[name]) for name in ("dome_axis", "talus_dome"))
    return {
        f"talar_dome_{number}": OutlineAt("talus", edges, Direction(centre, top, degrees - 90.0), 0.0, 1)
        for number, degrees in enumerate(_DOME_DEG, start=1)
    }


@lru_cache(maxsize=4)
def ankle_lateral_rules(parts: FootParts) -> Mapping[str, PointRule]:
    """Rules of all points of ``ankle_lateral``, in the order of the catalogue."""
    talus = talus_rules(parts)
    kept = {name: rule for name, rule in talus.items() if name.startswith(("talar_neck", "talar_head"))}
    return MappingProxyType({**_tibia_rules(parts), **_dome_rules(parts), **kept, **calcaneus_rules(parts)})
