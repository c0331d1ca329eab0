"""Random true AP (Grashey) films of a left shoulder: lateral on the image right, head up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from training.simulate.people import People
from training.simulate.rules import (
    SHARP_MM,
    Between,
    Direction,
    Farthest,
    FilmDirection,
    Mean,
    ShaftBorder,
    SphereCentre,
)
from training.simulate.scene import Camera, PointRule, Scene
from training.simulate.shoulder.film import camera_around, posed_body, view_matrix
from training.simulate.shoulder.outline import Above, Border, OnArc
from training.simulate.shoulder.shape import ShoulderPose, draw_pose
from training.simulate.shoulder.template import shoulder_template

HEAD_POINTS = 7  # between both ends of the articular outline
SHAFT_LEVELS = {"proximal": 1.6, "distal": 2.3}
"""Distances of both ends of the head's joint surface, below their middle."""
_UNDERSURFACE = (0.1, 0.3, 0.5, 0.7, 0.9)  # from the lateral end to the joint with the clavicle


def shoulder_ap_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random true AP film of a left shoulder whose longer side is ``side_px`` pixels."""
    return shoulder_ap_scene(rng, side_px, people, draw_pose(rng))


def shoulder_ap_scene(
    rng: np.random.Generator, side_px: int, people: People, pose: ShoulderPose
) -> tuple[Scene, Camera]:
    """The film of a given posture; see ``shoulder_ap_film``."""
    body = posed_body(rng, people, pose)
    frame = body.frame
    # The patient turned too little or too far, the beam from above or below, the film askew.
    turn = rng.normal(0.0, 5.0) if rng.random() < 0.75 else rng.uniform(-15.0, 15.0)
    askew = view_matrix(
        roll_deg=float(np.clip(rng.normal(0.0, 4.0), -10.0, 10.0)),
        caudal_deg=float(np.clip(rng.normal(11.0, 5.5), -4.0, 25.0)),
        turn_deg=float(turn),
    )
    view = askew @ np.stack([frame.out, -frame.up, frame.back])
    ray = frame.centre + rng.uniform(-25.0, 15.0) * frame.out + rng.uniform(-25.0, 15.0) * frame.up
    scene = body.scene("shoulder_ap", view, ray, shoulder_ap_rules(people), rng)
    margins = rng.uniform([8.0, 20.0, 15.0, 6.0], [80.0, 60.0, 65.0, 50.0])
    return scene, camera_around(scene, margins, float(rng.uniform(60.0, 130.0)), rng, side_px)


@lru_cache(maxsize=8)
def shoulder_ap_rules(people: People) -> Mapping[str, PointRule]:
    """The rules of all points of ``shoulder_ap``, in the order of the catalogue."""
    t = shoulder_template(people)
    upwards = (Mean("scapula", t.glenoid_low), Mean("scapula", t.glenoid_high))

    def glenoid(turned_deg: float) -> Farthest:
        return Farthest("scapula", t.glenoid_rim, Direction(*upwards, turned_deg))

    rules: dict[str, PointRule] = {"glenoid_superior": glenoid(40.0), "glenoid_inferior": glenoid(140.0)}
    axis = Direction(*upwards)
    for name, part in (("upper", 0.95), ("middle", 0.5), ("lower", 0.05)):
        rules[f"glenoid_fossa_{name}"] = Border(t.glenoid_patch, *upwards, axis, part, -1)
    outer, across = Farthest("scapula", t.acromion, Direction(*upwards, 125.0)), Direction(*upwards, 90.0)
    inner = Mean("scapula", t.acromion_facet)
    rules["acromion_inferolateral"] = outer
    for number, part in enumerate(_UNDERSURFACE, start=1):
        rules[f"acromion_undersurface_{number}"] = Border(t.roof_patch, outer, inner, across, part)
    rules["supraspinatus_floor_lateral"] = Mean("scapula", t.floor_lateral)
    rules["supraspinatus_floor_medial"] = Mean("scapula", t.floor_medial)
    rules["coracoid_superior"] = coracoid = Farthest("scapula", t.coracoid, FilmDirection(-90.0))
    rules["clavicle_inferior"] = Above(t.clavicle_patch, coracoid)
    rules["acromion_superomedial"] = Farthest("scapula", t.acromion_facet, Direction(*upwards, -35.0))
    rules["clavicle_superolateral"] = Farthest("clavicle", t.clavicle_outer, Direction(*upwards, 55.0))
    head = SphereCentre("humerus", t.cap[::12])
    neck = Direction(head, Mean("humerus", t.cap))
    ends = [
        Farthest("humerus", t.cap, Direction(neck.tail, neck.tip, turned), SHARP_MM)
        for turned in (90.0, -90.0)
    ]
    arc = [
        OnArc(t.head_patch, head, ends[0], ends[1], number / (HEAD_POINTS + 1))
        for number in range(HEAD_POINTS + 2)
    ]
    for name, point in zip(("superior", *range(1, HEAD_POINTS + 1), "inferior"), arc, strict=True):
        rules[f"humeral_head_{name}"] = point
    shaft = (Mean("humerus", t.shaft_low), Mean("humerus", t.shaft_high))
    rules["greater_tuberosity_superior"] = Farthest("humerus", t.tuberosity, Direction(*shaft, 15.0))
    rules["greater_tuberosity_lateral"] = Farthest("humerus", t.proximal, across)
    down = Direction(shaft[1], shaft[0])
    edges, levels = t.shaft_patch.vertices[t.shaft_patch.edges], tuple(SHAFT_LEVELS.values())
    for name, level in SHAFT_LEVELS.items():
        for side, sign in (("medial", 1), ("lateral", -1)):
            rules[f"humeral_shaft_{name}_{side}"] = ShaftBorder(
                "humerus", edges, down, Between(arc[0], arc[-1]), (arc[0], arc[-1]), level, sign, levels
            )
    return rules
