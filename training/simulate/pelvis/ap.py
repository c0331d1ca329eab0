"""Random pelvis films of adults, seen from the front (``pelvis_ap``)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.simulate.framing import framed
from training.simulate.pelvis.build import Placement, pelvis_bones, soft_tissue
from training.simulate.pelvis.coccyx import sacrum_tip
from training.simulate.pelvis.draw import draw_legs, draw_shapes
from training.simulate.pelvis.points import Deepest, Narrowest, OutlineBetween, SphereEdge
from training.simulate.pelvis.pose import SIDES, SUFFIX, assemble, stand
from training.simulate.pelvis.regions import femur_regions, hip_bone_regions
from training.simulate.pelvis.shape import EDGE_DOWN_DEG
from training.simulate.people import People
from training.simulate.rules import Between, Direction, Farthest, Mean, ShaftBorder, edges_of
from training.simulate.scene import Camera, PointRule, Scene

SHAFT_LEVELS = {"proximal": 0.6, "distal": 0.78}
"""Sections of the shaft, in distances of the two heads below the head."""


def pelvis_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random adult pelvis, supine or standing, the patient's right on the image left."""
    scene = pelvis_scene(rng, people)
    return scene, pelvis_camera(scene, rng, side_px)


def pelvis_scene(rng: np.random.Generator, people: People, variation: float = 1.0) -> Scene:
    """The scene of ``pelvis_film``; ``variation`` 0 gives average hips of a level pelvis seen straight.

    ``truth`` holds ``lateral_centre_edge_left`` and ``lateral_centre_edge_right``: what was set for a level
    pelvis whose heads stand in the middle of their sockets.
    """
    v = variation
    shapes, legs = draw_shapes(rng, v), draw_legs(rng, v)
    gap = float(np.clip(4.5 + 1.2 * v * rng.standard_normal(), 2.5, 9.0))
    pelvis = assemble(rng, people, shapes, legs, gap, v)
    spread = np.clip(v * rng.standard_normal(3), -2.6, 2.6) * [7.0, 2.5, 2.0] + [5.0, 0.0, 0.0]
    shift = v * rng.uniform([-12.0, 0.0, -5.0], [12.0, 0.0, 60.0])
    place = Placement(stand(*(float(s) for s in spread)), shift * pelvis.size)
    truth = {f"lateral_centre_edge_{side}": shape.lateral_centre_edge_deg for side, shape in shapes.items()}
    return Scene(
        "pelvis_ap",
        "bodyparts3d",
        pelvis_bones(rng, people, pelvis, place),
        soft_tissue(rng, pelvis, place),
        {},
        pelvis_rules(people),
        truth,
    )


def pelvis_rules(people: People) -> Mapping[str, PointRule]:
    """Rules of all points of ``pelvis_ap``, in the order of the view."""
    rules: dict[str, PointRule] = {}
    for side in SIDES:
        rules |= {f"{name}_{side}": rule for name, rule in _side_rules(people, side).items()}
    hips = hip_bone_regions(people)
    up = towards(people, "left", -90.0)
    rules["symphysis_superior"] = Between(
        *(Farthest(f"hip_bone{SUFFIX[side]}", hips.symphysis, up) for side in SIDES)
    )
    rules["sacrococcygeal_joint"] = Mean("sacrum", sacrum_tip(people))
    return rules


def towards(people: People, side: str, turned_deg: float = 0.0) -> Direction:
    """The lateral direction of a side along the line of the teardrops, turned clockwise on the film."""
    tear = hip_bone_regions(people).teardrop
    ends = [Mean("hip_bone_right", tear), Mean("hip_bone", tear)]
    tail, tip = ends if side == "left" else ends[::-1]
    return Direction(tail, tip, turned_deg)


def shaft_rules(
    people: People,
    side: str,
    start: PointRule,
    unit: tuple[PointRule, PointRule],
    levels: Mapping[str, float],
) -> dict[str, PointRule]:
    """Borders of the femoral shaft at two levels; for a left leg on a frontal film lateral is right.

    Levels are in lengths of ``unit``, below ``start`` along the shaft.
    """
    femora, femur = femur_regions(people), f"femur{SUFFIX[side]}"
    axis = Direction(Mean(femur, femora.shaft_high), Mean(femur, femora.shaft_low))
    lateral = -1 if side == "left" else 1  # the right-hand side of a shaft that points down is image left
    return {
        f"shaft_{level}_{border}": ShaftBorder(
            femur, femora.lower_edges, axis, start, unit, units, sign, tuple(levels.values())
        )
        for level, units in levels.items()
        for border, sign in (("medial", -lateral), ("lateral", lateral))
    }


def _head_rules(people: People, side: str) -> dict[str, PointRule]:
    """The four points of a femoral head."""
    head, sign = femur_regions(people).head, 1 if side == "left" else -1
    spokes = {"superior": -90.0, "medial": 180.0, "inferior": 125.0, "lateral": 0.0}
    return {
        f"femoral_head_{name}": SphereEdge(
            f"femur{SUFFIX[side]}", head, towards(people, side, sign * down_deg)
        )
        for name, down_deg in spokes.items()
    }


def _middle(head: Mapping[str, PointRule]) -> PointRule:
    first, second, third, fourth = head.values()
    return Between(Between(first, second), Between(third, fourth))


def _side_rules(people: People, side: str) -> dict[str, PointRule]:
    hips, femora = hip_bone_regions(people), femur_regions(people)
    hip, femur = f"hip_bone{SUFFIX[side]}", f"femur{SUFFIX[side]}"
    sign = 1 if side == "left" else -1  # clockwise is downwards from lateral on the image right

    def lateral(down_deg: float) -> Direction:
        return towards(people, side, sign * down_deg)

    medial = Mean(hip, hips.roof_medial)
    edge = Farthest(hip, hips.lateral_rim, lateral(EDGE_DOWN_DEG))
    outer = Farthest(hip, hips.roof, lateral(35.0))
    tear = Farthest(hip, hips.teardrop, lateral(90.0))
    roof_edges = edges_of(hips.roof[hips.roof_faces])
    up_shaft = Direction(Mean(femur, femora.shaft_low), Mean(femur, femora.shaft_high))
    upper, lower = (
        Narrowest(femur, femora.head, femora.neck, femora.upper_edges, which) for which in (-sign, sign)
    )
    heads = {one: _head_rules(people, one) for one in SIDES}
    middle = {one: _middle(head) for one, head in heads.items()}
    unit = (middle["left"], middle["right"])
    shaft = shaft_rules(people, side, middle[side], unit, SHAFT_LEVELS)
    rules: dict[str, PointRule] = {
        **heads[side],
        "acetabular_edge": edge,
        "sourcil_lateral": outer,
        "sourcil_middle": OutlineBetween(hip, roof_edges, medial, outer, -sign),
        "sourcil_medial": medial,
        "acetabular_floor": Deepest(hip, hips.cup, edge, tear, sign),
        "teardrop_inferior": tear,
        "ischial_tuberosity_inferior": Farthest(hip, hips.ischium, lateral(90.0)),
        "femoral_neck_superior": upper,
        "femoral_neck_inferior": lower,
        "greater_trochanter_tip": Farthest(femur, femora.greater_trochanter, up_shaft),
        "lesser_trochanter_tip": Deepest(
            femur, femora.lesser_trochanter, lower, shaft["shaft_proximal_medial"], sign
        ),
    }
    return rules | shaft


def pelvis_camera(scene: Scene, rng: np.random.Generator, side_px: int) -> Camera:
    """A film of the whole pelvis or of its lower part with both hips."""
    source_detector = float(rng.uniform(1000.0, 1200.0))
    object_detector = float(rng.uniform(90.0, 150.0))
    plain = Camera(source_detector, source_detector - object_detector, 1.0, 1, 1, 0.0, 0.0)
    framing = (
        "shaft_distal", "ischial", "greater", "acetabular_edge", "symphysis", "sacrococcygeal", "cup", "stem"
    )  # fmt: skip
    rules = [rule for name, rule in scene.point_rules.items() if name.startswith(framing)]
    marks = np.array([rule(scene, plain) for rule in rules]) / plain.magnification
    crest = min(float(scene.bone(name).vertices_mm[:, 1].min()) for name in ("hip_bone", "hip_bone_right"))
    lowest, highest = float(marks[:, 1].max()), float(marks[:, 1].min())
    whole = rng.random() < 0.8
    top = crest + rng.uniform(-45.0, 12.0) if whole else rng.uniform(crest, highest - 12.0)
    upper = [scene.bone(f"femur{SUFFIX[side]}").vertices_mm for side in SIDES]
    across = np.concatenate([v[v[:, 1] < lowest, 0] for v in upper])
    left, right = float(across.min()), float(across.max())
    sides = rng.uniform([-4.0, -4.0], [60.0, 60.0])
    box = (left - sides[0], top, right + sides[1], lowest + rng.uniform(5.0, 50.0))
    return framed(box, side_px, source_detector, object_detector)
