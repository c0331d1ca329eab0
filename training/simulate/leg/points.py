"""Points of a standing film of both legs: hip, knee and ankle of each side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.simulate.knee.frontal import PLACES, FrontalKnee
from training.simulate.knee.regions import LegRegions, Patch
from training.simulate.pelvis.points import nearest_border
from training.simulate.rules import Between, Direction, Farthest, Mean, ShaftBorder, SphereCentre, crossings
from training.simulate.scene import Camera, FloatArray, PointRule, Scene

FEMUR_LEVELS = {"proximal": 0.3, "middle": 0.5, "distal": 0.7}
TIBIA_LEVELS = {"proximal": 0.25, "distal": 0.75}
"""Parts of the way from head to notch, and from the spines to the plafond."""

_STATIONS = np.linspace(0.65, 1.2, 23)  # along the neck, 1 at the middle of its region


@dataclass(frozen=True, eq=False)
class NeckBorder:
    """A border of the femoral neck where it is nearest to the neck's axis.

    ``axis`` runs from the centre of the head to the middle of the neck. ``sign`` as in ``OutlineAt``.
    """

    bone: str
    patch: Patch
    axis: Direction
    sign: int

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        axis = self.axis.tail(scene, camera), self.axis.tip(scene, camera)
        points = camera.project(scene.bone(self.bone).vertices_mm[self.patch.vertices])
        stations = _STATIONS * float(np.linalg.norm(axis[1] - axis[0]))
        return nearest_border(points, self.patch.edges, axis, stations, self.sign, camera)


@dataclass(frozen=True, eq=False)
class PlafondEnd:
    """One end of the dense line of the plafond: ``inset`` (of its width) in from the border of the roof.

    ``up`` points up the tibia. ``sign`` +1 takes the end to the right of that direction.
    """

    bone: str
    patch: Patch
    up: Direction
    sign: int
    inset: float

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        up = self.up(scene, camera)
        right = np.array([-up[1], up[0]])
        points = camera.project(scene.bone(self.bone).vertices_mm[self.patch.vertices])
        across = points @ right
        low, high = float(across.min()), float(across.max())
        inset = self.inset * (high - low)
        place = high - inset if self.sign > 0 else low + inset
        found = np.sort(crossings(np.stack([points @ up, across], axis=1), self.patch.edges, place))
        if not len(found):
            raise ValueError(f"The plafond of {self.bone} is not seen in this view.")
        return np.asarray(found[-max(1, len(found) // 4) :].mean() * up + place * right)


def _shaft_borders(
    bone: str,
    patch: Patch,
    up: Direction,
    ends: tuple[PointRule, PointRule],
    levels: Mapping[str, float],
    lateral: int,
) -> dict[str, PointRule]:
    """Both borders of a shaft by level and side; levels are parts of the way from end to end."""
    every = tuple(-part for part in levels.values())
    return {
        f"{level}_{side}": ShaftBorder(bone, patch.whole_edges, up, ends[0], ends, -part, sign, every)
        for level, part in levels.items()
        for side, sign in (("medial", -lateral), ("lateral", lateral))
    }


def leg_rules(regions: LegRegions, suffix: str, lateral: int) -> dict[str, PointRule]:
    """Rules of one leg's points; ``suffix`` of its bones, ``lateral`` +1 if right on the film."""
    knee = FrontalKnee(regions, suffix, lateral)
    femur, tibia = regions.femur, regions.tibia
    head = SphereCentre(knee.femur, femur.head)
    neck = Direction(head, Mean(knee.femur, femur.neck))
    rings = [Mean(knee.femur, ring) for ring in femur.rings]
    femur_up = Direction(rings[2], rings[0])
    lower = [Mean(knee.tibia, ring) for ring in tibia.rings]
    tibia_up = Direction(lower[2], lower[0])
    rules: dict[str, PointRule] = {
        "femoral_head_centre": head,
        "greater_trochanter_tip": Farthest(knee.femur, femur.trochanter, femur_up),
    }
    # From the head down and outwards the upper border is on the left of a left leg, seen along the neck.
    for border, sign in (("superior", -lateral), ("inferior", lateral)):
        rules[f"femoral_neck_{border}"] = NeckBorder(knee.femur, regions.patches["femur_neck"], neck, sign)
    shaft = regions.patches["femur_shaft"]
    borders = _shaft_borders(knee.femur, shaft, femur_up, (head, knee.notch), FEMUR_LEVELS, lateral)
    rules |= {f"femoral_shaft_{name}": rule for name, rule in borders.items()}
    for side in ("medial", "lateral"):
        rules[f"{side}_condyle_distal"] = knee.condyle(side)
    rules["intercondylar_notch_apex"] = knee.notch
    for side in ("medial", "lateral"):
        rules[f"{side}_tibial_spine"] = knee.spine(side)
    for side in ("medial", "lateral"):
        rules[f"{side}_plateau_edge"] = knee.plateau_edge(side)
    for side in ("medial", "lateral"):
        rules[f"{side}_plateau_middle"] = knee.floor(PLACES[side]["middle"])
    plafond: dict[str, PointRule] = {}
    # The lateral part of the roof is thin and mostly hidden by the fibula: its dense line ends sooner.
    for side, sign, inset in (("medial", -lateral, 0.08), ("lateral", lateral, 0.25)):
        plafond[f"tibial_plafond_{side}"] = PlafondEnd(
            knee.tibia, regions.patches["tibia_plafond"], tibia_up, sign, inset
        )
    ends = Between(knee.spine("medial"), knee.spine("lateral")), Between(*plafond.values())
    shaft = regions.patches["tibia_shaft"]
    borders = _shaft_borders(knee.tibia, shaft, tibia_up, ends, TIBIA_LEVELS, lateral)
    return rules | {f"tibial_shaft_{name}": rule for name, rule in borders.items()} | plafond
