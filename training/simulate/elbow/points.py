"""Named points of the elbow views and what a reader marks at each of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from training.simulate.elbow.regions import ElbowRegions
from training.simulate.rules import Between, Direction, Farthest, Mean, OutlineAt, ShaftBorder, SphereCentre
from training.simulate.scene import PointRule

_SHAFTS = {"ulna": "ulnar_shaft", "radius": "radial_shaft"}
_LEVELS = {"proximal": 0.0, "distal": 1.0}

HUMERUS_LEVELS = {"proximal": 1.4, "distal": 0.9}
FOREARM_LEVELS = {"proximal": 0.5, "distal": 1.0}
"""Levels on the frontal film from the joint, in widths between the epicondyles."""


def _mean(regions: ElbowRegions, name: str) -> Mean:
    return Mean(name.split(".")[0], regions.sets[name])


def _along(regions: ElbowRegions, bone: str, turned_deg: float = 0.0) -> Direction:
    """Distally along a shaft, turned clockwise on the film."""
    if bone == "radius":
        return Direction(_mean(regions, "radius.head_rim"), _mean(regions, "radius.neck"), turned_deg)
    return Direction(
        _mean(regions, f"{bone}.shaft_proximal"), _mean(regions, f"{bone}.shaft_distal"), turned_deg
    )


def _shaft(
    regions: ElbowRegions,
    bone: str,
    name: str,
    sides: Mapping[str, int],
    levels: Mapping[str, float] = _LEVELS,
) -> dict[str, PointRule]:
    axis = _along(regions, bone)
    return {
        f"{name}_{level}_{side}": OutlineAt(bone, regions.edges[bone], axis, fraction, sign)
        for level, fraction in levels.items()
        for side, sign in sides.items()
    }


def _farthest(regions: ElbowRegions, name: str, direction: Direction) -> Farthest:
    return Farthest(name.split(".")[0], regions.sets[name], direction)


def ap_rules(regions: ElbowRegions) -> Mapping[str, PointRule]:
    """Rules of the points of ``elbow_ap`` on outlines, in the view's order. Lateral is the film's right."""
    down, forearm = _along(regions, "humerus"), _along(regions, "ulna")
    sides = {"medial": 1, "lateral": -1}
    ends: dict[str, PointRule] = {
        "medial_epicondyle": _farthest(regions, "humerus.end", _along(regions, "humerus", 90.0)),
        "lateral_epicondyle": _farthest(regions, "humerus.end", _along(regions, "humerus", -90.0)),
        "trochlea_distal": _farthest(regions, "humerus.trochlea_lip", down),
        "capitellum_distal": _farthest(regions, "humerus.capitellum_end", down),
    }
    joint = Between(ends["trochlea_distal"], ends["capitellum_distal"])
    width = (ends["medial_epicondyle"], ends["lateral_epicondyle"])
    low, high = sorted(HUMERUS_LEVELS.values())
    up = Direction(down.tip, down.tail)
    # Looking up the humerus the lateral side is on the right.
    rules: dict[str, PointRule] = {
        f"humeral_shaft_{level}_{side}": ShaftBorder(
            "humerus", regions.edges["humerus"], up, joint, width, widths, -sign, (low, high)
        )
        for level, widths in HUMERUS_LEVELS.items()
        for side, sign in sides.items()
    }
    ulna, levels = ("ulna", regions.edges["ulna"]), tuple(FOREARM_LEVELS.values())
    for bone, borders in (("ulna", sides), ("radius", {"lateral": -1})):
        rules |= {
            f"{_SHAFTS[bone]}_{level}_{side}": ShaftBorder(
                bone, regions.edges[bone], forearm, joint, width, widths, sign, levels, ulna
            )
            for level, widths in FOREARM_LEVELS.items()
            for side, sign in borders.items()
        }
    return MappingProxyType(rules | ends)


def lateral_rules(regions: ElbowRegions) -> Mapping[str, PointRule]:
    """Rules of the points of ``elbow_lateral``, in the view's order. Anterior is the film's left."""
    sides = {"anterior": 1, "posterior": -1}
    rules: dict[str, PointRule] = _shaft(regions, "humerus", "humeral_shaft", sides)
    rules |= {
        "capitellum_centre": SphereCentre("humerus", regions.sets["humerus.capitellum"]),
        "capitellum_base_anterior": _mean(regions, "humerus.capitellum_anterior"),
        "capitellum_base_posterior": _mean(regions, "humerus.capitellum_posterior"),
    }
    # Looking along the forearm of a flexed elbow, its front is on the right.
    rules |= _shaft(regions, "radius", "radius", sides, {"head": 0.0, "neck": 1.0})
    rules |= {
        f"ulnar_shaft_{level}_posterior": OutlineAt(
            "ulna", regions.edges["ulna"], _along(regions, "ulna"), fraction, -1
        )
        for level, fraction in _LEVELS.items()
    }
    rules |= {
        "olecranon_tip": _farthest(regions, "ulna.olecranon", _along(regions, "ulna", 160.0)),
        "coronoid_tip": _farthest(regions, "ulna.coronoid", _along(regions, "ulna", 150.0)),
    }
    return MappingProxyType(rules)
