"""Named points of the dorsoplantar foot, as rules on the projected bones.

On the film of a left foot toes point up and medial is to the right: looking from base to head of a bone,
the right-hand side is medial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from training.simulate.foot.parts import METATARSALS, FootParts
from training.simulate.rules import (
    SHARP_MM,
    Direction,
    Farthest,
    Mean,
    OutlineAt,
    ShaftBorder,
    SphereCentre,
    edges_of,
)
from training.simulate.scene import PointRule

MEDIAL, LATERAL = 1, -1
_SIDES = (("medial", MEDIAL), ("lateral", LATERAL))


def bone_axis(parts: FootParts, bone: str, turned_deg: float = 0.0) -> Direction:
    """Axis of a long bone on the film, from the middle of its base to the centre of its head."""
    base, head = parts.ends[bone]
    tip = SphereCentre(bone, head) if bone in METATARSALS else Mean(bone, head)
    return Direction(Mean(bone, base), tip, turned_deg)


def shaft_rules(
    parts: FootParts,
    bone: str,
    levels: Mapping[str, float],
    sides: Sequence[tuple[str, int]] = _SIDES,
) -> dict[str, PointRule]:
    """Both borders of a shaft at fractions of the distance from base to head, by level name."""
    edges, axis = edges_of(parts.faces[bone]), bone_axis(parts, bone)
    ends, every = (axis.tail, axis.tip), tuple(levels.values())
    return {
        f"{bone}_{level}_{side}": ShaftBorder(bone, edges, axis, axis.tail, ends, fraction, sign, every)
        for level, fraction in levels.items()
        for side, sign in sides
    }


_SHAFT = {"shaft_proximal": 0.36, "shaft_distal": 0.68}
_PHALANX = {"shaft_proximal": 0.42, "shaft_distal": 0.72}


@lru_cache(maxsize=4)
def foot_ap_rules(parts: FootParts) -> Mapping[str, PointRule]:
    """Rules of all points of ``foot_ap``, in the order of the catalogue."""
    rules: dict[str, PointRule] = {}
    for bone in ("first_metatarsal", "second_metatarsal", "fifth_metatarsal"):
        axis = bone_axis(parts, bone)
        rules[f"{bone}_base_centre"] = axis.tail
        rules |= shaft_rules(parts, bone, _SHAFT)
        rules[f"{bone}_head_centre"] = axis.tip
        if bone != "fifth_metatarsal":
            rules[f"{bone}_head_tip"] = Farthest(bone, parts.ends[bone][1], axis)
        if bone == "first_metatarsal":
            facet = parts.regions["first_metatarsal_facet"]
            for side, sign in _SIDES:
                across = bone_axis(parts, bone, 90.0 * sign)
                rules[f"{bone}_articular_{side}"] = Farthest(bone, facet, across)
    bone = "hallux_proximal_phalanx"
    axis = bone_axis(parts, bone)
    rules[f"{bone}_base_centre"] = axis.tail
    rules |= shaft_rules(parts, bone, _PHALANX)
    rules[f"{bone}_head_centre"] = axis.tip
    bone = "hallux_distal_phalanx"
    axis = bone_axis(parts, bone)
    rules[f"{bone}_base_centre"] = axis.tail
    rules[f"{bone}_tip"] = Farthest(bone, parts.ends[bone][1], axis)
    return MappingProxyType(rules | _tarsal_rules(parts))


def _tarsal_rules(parts: FootParts) -> dict[str, PointRule]:
    regions = parts.regions
    rules: dict[str, PointRule] = {}
    head, neck = Mean("talus", regions["talus_head"]), Mean("talus", regions["talus_neck"])
    talus = Direction(neck, head)
    chosen = np.zeros(len(parts.vertices["talus"]), dtype=np.bool_)
    chosen[regions["talus_neck"]] = True
    edges = edges_of(parts.faces["talus"], chosen)
    for side, sign in _SIDES:
        rules[f"talar_neck_{side}"] = OutlineAt("talus", edges, talus, 0.0, sign)
    for side, sign in _SIDES:
        across = Direction(neck, head, 90.0 * sign)
        rules[f"talar_head_{side}"] = Farthest("talus", regions["talus_head"], across)
    for side, sign in _SIDES:
        across = Direction(neck, head, 90.0 * sign)
        rules[f"navicular_proximal_{side}"] = Farthest("navicular", regions["navicular_socket"], across)
    heel = Direction(
        Mean("calcaneus", regions["tuber_plantar"]), Mean("calcaneus", regions["calcaneus_cuboid_facet"])
    )
    edges = edges_of(parts.faces["calcaneus"])
    for level, fraction in (("anterior", 0.88), ("posterior", 0.62)):
        rules[f"calcaneus_lateral_{level}"] = OutlineAt("calcaneus", edges, heel, fraction, LATERAL)
    for name, bone, ahead, degrees in _CORNERS:
        rules[name] = _corner(parts, bone, ahead, degrees)
    return rules


# Point, bone, the bone at whose joint it is the corner, and where the corner points: forwards is 0.
_CORNERS = (
    ("medial_cuneiform_distal_medial", "medial_cuneiform", "first_metatarsal", 70.0),
    ("cuboid_distal_lateral", "cuboid", "fifth_metatarsal", -70.0),
    ("cuboid_proximal_lateral", "cuboid", "calcaneus", -110.0),
)


def _corner(parts: FootParts, bone: str, beyond: str, degrees: float) -> Farthest:
    """The end of the joint surface of ``bone`` that faces the bone ``beyond``."""
    pair = (bone, beyond)
    facet = parts.contacts[pair].first if pair in parts.contacts else parts.contacts[beyond, bone].second
    second = bone_axis(parts, "second_metatarsal")
    return Farthest(bone, facet, Direction(second.tail, second.tip, degrees), SHARP_MM)
