"""Random frog-leg films of a left hip (``hip_frog_leg``): pelvis seen from the front, femur from the side.

The thigh is lifted, spread and turned outwards, so that the femoral neck lies along its shaft. The patient's
middle is on the image left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from training.simulate.framing import framed
from training.simulate.pelvis.build import Placement, pelvis_bones, soft_tissue
from training.simulate.pelvis.draw import draw_legs, draw_shapes
from training.simulate.pelvis.points import LeavesCircle, Narrowest, SphereEdge
from training.simulate.pelvis.pose import LegPose, assemble, stand
from training.simulate.pelvis.regions import femur_regions
from training.simulate.people import People
from training.simulate.pose import ramp
from training.simulate.rules import Direction, FilmDirection, Mean, SphereCentre, fit_sphere
from training.simulate.scene import Bone, Camera, PointRule, Scene

CAM_SHARE, MOST_CAM_MM = 0.3, 4.0
"""Share of people with a cam deformity, and the most bone that it adds in front of the neck."""

CAM_DEG, CAM_WIDTH_DEG = 52.0, 22.0
"""Angle at the head's centre from the neck's axis at which that bone is highest, and how wide it is."""

HEAD_DEG = (-45.0, -90.0, -135.0, 180.0, 135.0)
"""Film directions of the points on the head, 0 to the right and 90 down: from above the neck by the top
and the medial side to below. The neck may point at the viewer: its direction would tell no place."""


def frog_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random frog-leg film of a left hip."""
    scene = frog_scene(rng, people)
    return scene, _camera(scene, rng, side_px)


def frog_scene(rng: np.random.Generator, people: People, variation: float = 1.0) -> Scene:
    """The scene of ``frog_film``; ``variation`` 0 gives an average hip, spread by 56 degrees on the film."""
    v = variation
    shapes, legs = draw_shapes(rng, v), dict(draw_legs(rng, v))
    legs["left"] = _frog_leg(rng, v)
    if rng.random() < 0.5:
        legs["right"] = replace(_frog_leg(rng, v), adduction_deg=legs["left"].adduction_deg)
    pelvis = assemble(rng, people, shapes, legs, 4.5, v)
    spread = np.clip(v * rng.standard_normal(3), -2.4, 2.4) * [6.0, 4.0, 2.5] + [2.0, 0.0, 0.0]
    turn = stand(*(float(s) for s in spread))
    aim = v * rng.uniform([-70.0, 0.0, -40.0], [20.0, 0.0, 40.0]) * pelvis.size
    place = Placement(turn, turn @ pelvis.sockets["left"] + aim)
    cam_mm = MOST_CAM_MM * v * float(rng.uniform()) if rng.random() < CAM_SHARE else 0.0
    bones = pelvis_bones(rng, people, pelvis, place)
    return Scene(
        "hip_frog_leg",
        "bodyparts3d",
        tuple(_with_cam(bone, people, cam_mm) if bone.name == "femur" else bone for bone in bones),
        soft_tissue(rng, pelvis, place),
        {},
        frog_rules(people),
    )


def _frog_leg(rng: np.random.Generator, v: float) -> LegPose:
    own = np.clip(v * rng.standard_normal(3), -2.2, 2.2)
    return LegPose(
        adduction_deg=-56.0 + 9.0 * float(own[0]),
        flexion_deg=40.0 + 10.0 * float(own[1]),
        neck_forward_deg=72.0 + 13.0 * float(own[2]),
    )


def _with_cam(femur: Bone, people: People, height_mm: float) -> Bone:
    """The femur with bone added where the front of its head passes into the neck."""
    if height_mm <= 0.0:
        return femur
    regions, vertices = femur_regions(people), femur.vertices_mm
    centre, radius = fit_sphere(vertices[regions.head])
    neck = vertices[regions.neck].mean(axis=0) - centre
    neck = neck / np.linalg.norm(neck)
    # On the film the front of the turned femur is its upper border.
    front = np.array([0.0, -1.0, 0.0]) + neck[1] * neck
    front = front / np.linalg.norm(front)
    angle = np.radians(CAM_DEG)
    top = np.cos(angle) * neck + np.sin(angle) * front
    away = vertices - centre
    distance = np.linalg.norm(away, axis=1)
    off_deg = np.degrees(np.arccos(np.clip(away @ top / distance, -1.0, 1.0)))
    height = (
        height_mm * np.exp(-0.5 * (off_deg / CAM_WIDTH_DEG) ** 2) * (1.0 - ramp(distance / radius, 1.3, 1.9))
    )
    return replace(femur, vertices_mm=vertices + away * (height / distance)[:, None])


def frog_rules(people: People) -> Mapping[str, PointRule]:
    """Rules of all points of ``hip_frog_leg``, in the order of the view."""
    femora = femur_regions(people)
    axis = SphereCentre("femur", femora.head), Mean("femur", femora.neck)
    rules: dict[str, PointRule] = {
        f"femoral_head_{number}": SphereEdge("femur", femora.head, FilmDirection(degrees))
        for number, degrees in enumerate(HEAD_DEG, 1)
    }
    rules["head_neck_junction_anterior"] = LeavesCircle(
        "femur", femora.head, femora.upper_edges, Direction(*axis), -1
    )
    for border, sign in (("anterior", -1), ("posterior", 1)):
        rules[f"femoral_neck_{border}"] = Narrowest(
            "femur", femora.head, femora.neck, femora.upper_edges, sign
        )
    return rules


def _camera(scene: Scene, rng: np.random.Generator, side_px: int) -> Camera:
    """A film of one hip, from less than half to all of its half of the pelvis, with part of the thigh."""
    source_detector = float(rng.uniform(1000.0, 1200.0))
    object_detector = float(rng.uniform(90.0, 150.0))
    plain = Camera(source_detector, source_detector - object_detector, 1.0, 1, 1, 0.0, 0.0)
    rules = scene.point_rules.values()
    marks = np.array([rule(scene, plain) for rule in rules]) / plain.magnification
    left, top, right, bottom = rng.uniform([12.0, 12.0, 25.0, 25.0], [140.0, 170.0, 130.0, 190.0])
    low, high = marks.min(axis=0), marks.max(axis=0)
    box = (float(low[0]) - left, float(low[1]) - top, float(high[0]) + right, float(high[1]) + bottom)
    return framed(box, side_px, source_detector, object_detector)
