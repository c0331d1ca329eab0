"""Names and rules of the points of the spine views.

A corner of a vertebral body is the outermost point of the lip of its endplate, looking 20 degrees
beyond the line along the endplate, as a reader sets it on the outline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.simulate.pelvis.points import SphereEdge
from training.simulate.people import People
from training.simulate.rules import Direction, Farthest, FilmDirection, Mean, SphereCentre
from training.simulate.scene import Camera, FloatArray, IntArray, PointRule, Scene
from training.simulate.spine.regions import (
    ENDS,
    LEVELS,
    LUMBAR,
    Endplate,
    femoral_head,
    sacral_endplate,
    vertebral_body,
)

LUMBAR_LEVELS = ("t12", *LUMBAR)
_BEYOND_DEG = 20.0
_SOFT_MM = 1.0  # the side of a body is a flat wall along the rays, of which no single place is the corner
# Parts of an endplate and the poles of its line, by whether the view is frontal.
_FRONTAL, _LATERAL = ("right", "left"), ("anterior", "posterior")
_HALF = {"right": "right", "left": "left", "anterior": "front", "posterior": "back"}
# Directions on the film; the patient faces image left.
_RIM_DEG = {"superior": -90.0, "anterior": 180.0, "inferior": 90.0, "posterior": 0.0}


@dataclass(frozen=True, eq=False)
class Middle:
    """The middle of the projections of several sets of vertices of one bone, each set counted once."""

    bone: str
    sets: tuple[IntArray, ...]

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        vertices = scene.bone(self.bone).vertices_mm
        centre = np.mean([vertices[chosen].mean(axis=0) for chosen in self.sets], axis=0)
        return np.asarray(camera.project(centre[None])[0])


@dataclass(frozen=True, eq=False)
class HigherOrLower:
    """The point of the one of two heads whose centre is higher (sign -1) or lower (sign 1) on the film."""

    centres: tuple[SphereCentre, SphereCentre]
    points: tuple[PointRule, PointRule]
    sign: int

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        first, second = (self.sign * centre(scene, camera)[1] for centre in self.centres)
        return self.points[int(second > first)](scene, camera)


def corner_rules(bone: str, end: str, plate: Endplate, sides: tuple[str, str]) -> dict[str, PointRule]:
    """Both corners of one endplate; ``sides`` names them from image left to image right."""
    right, left, front, back = plate.poles
    first, second = (Mean(bone, pole) for pole in ((right, left) if sides == _FRONTAL else (front, back)))
    upwards = -1.0 if end == "superior" else 1.0
    rules: dict[str, PointRule] = {}
    for side, tip, tail, outwards in zip(sides, (first, second), (second, first), (-1.0, 1.0), strict=True):
        turned = outwards * upwards * _BEYOND_DEG
        direction = Direction(tail, tip, turned)
        rules[f"{bone}_{end}_{side}"] = Farthest(bone, plate.half(_HALF[side]), direction, _SOFT_MM)
    return rules


def body_rules(people: People, levels: tuple[str, ...], sides: tuple[str, str]) -> dict[str, PointRule]:
    """The four corners of each vertebral body, from above to below."""
    rules: dict[str, PointRule] = {}
    for bone in levels:
        body = vertebral_body(people, bone)
        for end in ENDS:
            rules |= corner_rules(bone, end, body.end(end), sides)
    return rules


def centre_rule(people: People, bone: str) -> Middle:
    """The centre of a vertebral body."""
    body = vertebral_body(people, bone)
    return Middle(bone, (*body.superior.poles, *body.inferior.poles))


def spine_ap_rules(people: People) -> Mapping[str, PointRule]:
    """Points of ``spine_ap`` in the order of the view."""
    rules = body_rules(people, LEVELS, _FRONTAL)
    rules["c7_centre"] = centre_rule(people, "c7")
    rules["s1_superior_centre"] = Middle("sacrum", sacral_endplate(people).poles)
    return rules


def spine_lateral_rules(people: People) -> Mapping[str, PointRule]:
    """Points of ``spine_lateral`` in the order of the view."""
    rules: dict[str, PointRule] = {"c7_centre": centre_rule(people, "c7")}
    rules |= body_rules(people, LEVELS, _LATERAL)
    rules |= _sacral_corners(people)
    head = femoral_head(people)
    centres = SphereCentre("femur", head), SphereCentre("femur_right", head)
    for which, sign in (("upper", -1), ("lower", 1)):
        for place, degrees in _RIM_DEG.items():
            towards = FilmDirection(degrees)
            rims = SphereEdge("femur", head, towards), SphereEdge("femur_right", head, towards)
            rules[f"femoral_head_{which}_{place}"] = HigherOrLower(centres, rims, sign)
    return rules


def lumbar_ap_rules(people: People) -> Mapping[str, PointRule]:
    """Points of ``lumbar_ap`` in the order of the view."""
    rules = body_rules(people, LUMBAR_LEVELS, _FRONTAL)
    for side, bone in (("right", "hip_bone_right"), ("left", "hip_bone")):
        v, _ = people.template(bone)
        crest = np.flatnonzero(v[:, 2] > v[:, 2].max() - 30.0).astype(np.int32)
        # Highest above the line that joins both sacral wings, so that a turned film changes nothing.
        right, left = sacral_endplate(people).poles[:2]
        up = Direction(Mean("sacrum", right), Mean("sacrum", left), -90.0)
        rules[f"iliac_crest_{side}"] = Farthest(bone, crest, up)
    rules["s1_superior_centre"] = Middle("sacrum", sacral_endplate(people).poles)
    return rules


def lumbar_lateral_rules(people: People) -> Mapping[str, PointRule]:
    """Points of ``lumbar_lateral`` in the order of the view."""
    return body_rules(people, LUMBAR_LEVELS, _LATERAL) | _sacral_corners(people)


def _sacral_corners(people: People) -> dict[str, PointRule]:
    corners = corner_rules("sacrum", "superior", sacral_endplate(people), _LATERAL)
    return {name.replace("sacrum", "s1"): rule for name, rule in corners.items()}
