"""Named points of the wrist views and what a reader marks at each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from training.simulate.rules import (
    SHARP_MM,
    Between,
    Direction,
    Farthest,
    Mean,
    ShaftBorder,
    SphereCentre,
    outermost,
)
from training.simulate.scene import Camera, FloatArray, IntArray, PointRule, Scene
from training.simulate.wrist.joints import SCAPHOLUNATE_LEVEL
from training.simulate.wrist.regions import Regions

PA_LEVELS = {"proximal": 0.92, "distal": 0.45}
"""Levels of the radial shaft below its joint surface, in lengths of the third metacarpal."""

LATERAL_LEVELS = {"proximal": 1.5, "distal": 0.7}
"""The same on the lateral film, in distances of the joint surface from the far end of the capitate."""


@dataclass(frozen=True, eq=False)
class Tangent:
    """One end of the line that touches two parts of a bone's outline on the same side.

    ``near`` and ``far`` are the parts of ``bone``; ``sign`` +1 is the side clockwise of the direction from
    near to far. ``end`` chooses the touching point of the near (0) or far (1) part.
    """

    near: Mean
    far: Mean
    sign: int
    end: int

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        bone = scene.bone(self.near.bone).vertices_mm
        near, far = camera.project(bone[self.near.vertices]), camera.project(bone[self.far.vertices])
        along = far.mean(axis=0) - near.mean(axis=0)
        touching = (near[0], far[0])
        for _ in range(4):
            out = self.sign * np.array([-along[1], along[0]])
            touching = (near[np.argmax(near @ out)], far[np.argmax(far @ out)])
            along = touching[1] - touching[0]
        return np.asarray(touching[self.end])


@dataclass(frozen=True, eq=False)
class Facing:
    """A border of ``bone`` [2] where it faces ``other``, part of the way along the stretch that both share.

    ``along`` is the direction of the joint, ``fraction`` says how far along; ``sign`` +1 takes the border
    clockwise of it. ``edges`` [E, 2] are those of ``bone``. ValueError if the bones share no stretch.
    """

    bone: str
    edges: IntArray
    other: str
    along: Direction
    fraction: float
    sign: int

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        along = self.along(scene, camera)
        points = camera.project(scene.bone(self.bone).vertices_mm)
        depth, beside = points @ along, camera.project(scene.bone(self.other).vertices_mm) @ along
        low, high = max(depth.min(), beside.min()), min(depth.max(), beside.max())
        level = float(low + self.fraction * (high - low))
        refusal = f"{self.bone} and {self.other} do not lie side by side in this view."
        return outermost(points, self.edges, along, level, self.sign, refusal)


def _mean(regions: Regions, name: str) -> Mean:
    return Mean(name.split(".")[0], regions.sets[name])


def distally(regions: Regions, turned_deg: float = 0.0) -> Direction:
    """Along the radial shaft to the hand, turned clockwise on the film."""
    return Direction(_mean(regions, "radius.shaft_far"), _mean(regions, "radius.shaft_near"), turned_deg)


def _farthest(regions: Regions, name: str, direction: Direction) -> Farthest:
    return Farthest(name.split(".")[0], regions.sets[name], direction, SHARP_MM)


def _shaft(
    regions: Regions,
    sides: Mapping[str, int],
    levels: Mapping[str, float],
    start: PointRule,
    unit: tuple[PointRule, PointRule],
) -> dict[str, PointRule]:
    """Borders of the radial shaft; ``sides`` as seen looking down it, +1 to the right."""
    up, every = distally(regions), tuple(sorted(levels.values()))
    down = Direction(up.tip, up.tail)
    return {
        f"radius_shaft_{level}_{side}": ShaftBorder(
            "radius", regions.edges["radius"], down, start, unit, units, sign, every
        )
        for level, units in levels.items()
        for side, sign in sides.items()
    }


def pa_rules(regions: Regions) -> Mapping[str, PointRule]:
    """Rules of the points of ``wrist_pa``, in the view's order. Radial is the film's right."""
    up = distally(regions)
    third = Direction(
        _mean(regions, "third_metacarpal.base_face"), _mean(regions, "third_metacarpal.head_end")
    )
    down_third = Direction(third.tip, third.tail)
    ulnar = distally(regions, -27.0)
    edges = regions.edges
    rules: dict[str, PointRule] = {
        "radial_styloid_tip": _farthest(regions, "radius.styloid", up),
        "radius_ulnar_corner": Between(
            _farthest(regions, "radius.ulnar_corner_palmar", ulnar),
            _farthest(regions, "radius.ulnar_corner_dorsal", ulnar),
        ),
        "radius_lunate_fossa": _mean(regions, "radius.lunate_fossa_floor"),
        "radius_scaphoid_fossa": _mean(regions, "radius.scaphoid_fossa_floor"),
        "ulnar_head_distal": _farthest(regions, "ulna.dome", up),
        "scaphoid_ulnar_border": Facing("scaphoid", edges["scaphoid"], "lunate", up, SCAPHOLUNATE_LEVEL, -1),
        "scaphoid_proximal_corner": _farthest(regions, "scaphoid.near_pole", distally(regions, -130.0)),
        "lunate_radial_border": Facing("lunate", edges["lunate"], "scaphoid", up, SCAPHOLUNATE_LEVEL, 1),
        "lunate_proximal_corner": _farthest(regions, "lunate.all", distally(regions, 130.0)),
        "lunate_ulnar_border": _farthest(regions, "lunate.all", distally(regions, -90.0)),
        "capitate_head_centre": SphereCentre("capitate", regions.sets["capitate.head"]),
        "capitate_proximal": _farthest(regions, "capitate.proximal_half", down_third),
        "capitate_distal": _mean(regions, "capitate.distal_face"),
        "third_metacarpal_base": _mean(regions, "third_metacarpal.base_face"),
        "third_metacarpal_head": _farthest(regions, "third_metacarpal.head_end", third),
    }
    joint = Between(rules["radial_styloid_tip"], rules["radius_ulnar_corner"])
    metacarpal = (rules["third_metacarpal_base"], rules["third_metacarpal_head"])
    shaft = _shaft(regions, {"ulnar": 1, "radial": -1}, PA_LEVELS, joint, metacarpal)
    return MappingProxyType(shaft | rules)


def lateral_rules(regions: Regions) -> Mapping[str, PointRule]:
    """Rules of the points of ``wrist_lateral``, in the view's order. Palmar is the film's right."""
    near, far = _mean(regions, "scaphoid.near_pole"), _mean(regions, "scaphoid.far_pole")
    up_lunate = Direction(_mean(regions, "lunate.proximal_face"), _mean(regions, "lunate.distal_half"))
    rules: dict[str, PointRule] = {
        "radius_dorsal_rim": _farthest(regions, "radius.dorsal_rim", distally(regions, -35.0)),
        "radius_palmar_rim": _farthest(regions, "radius.palmar_rim", distally(regions, 35.0)),
        "lunate_dorsal_horn": _farthest(regions, "lunate.dorsal_half", up_lunate),
        "lunate_palmar_horn": _farthest(regions, "lunate.palmar_half", up_lunate),
        "scaphoid_proximal_palmar": Tangent(near, far, 1, 0),
        "scaphoid_distal_palmar": Tangent(near, far, 1, 1),
        "capitate_head_centre": SphereCentre("capitate", regions.sets["capitate.head"]),
        "capitate_distal": _mean(regions, "capitate.distal_face"),
    }
    joint = Between(rules["radius_dorsal_rim"], rules["radius_palmar_rim"])
    reach = (joint, rules["capitate_distal"])
    shaft = _shaft(regions, {"dorsal": 1, "palmar": -1}, LATERAL_LEVELS, joint, reach)
    return MappingProxyType(shaft | rules)
