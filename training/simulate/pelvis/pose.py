"""A whole pelvis with both femora: one person's bones, shaped, joined and put before the tube."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.simulate.pelvis.regions import femur_regions, hip_bone_regions
from training.simulate.pelvis.shape import HipShape, femur_axes, shape_hip
from training.simulate.people import People
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, Vertices, rotation, rotation_between
from training.simulate.scene import FloatArray, IntArray

SIDES = ("left", "right")
SUFFIX: Mapping[str, str] = {"left": "", "right": "_right"}
SPINE = ("sacrum", "l5", "l4", "l3")
BONES = ("hip_bone", "hip_bone_right", "femur", "femur_right", *SPINE)
_MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class LegPose:
    """How one femur stands. Degrees.

    ``adduction_deg`` and ``flexion_deg`` are angles of the shaft in the body frame. ``neck_forward_deg``
    is how far the neck points forwards towards the head: the anteversion less the inward turn of the leg.
    """

    adduction_deg: float
    flexion_deg: float
    neck_forward_deg: float


@dataclass(frozen=True, eq=False)
class Pelvis:
    """Bones in the body frame, the origin between the heads. ``sockets`` and ``heads`` by side [3]."""

    vertices: Mapping[str, FloatArray]
    faces: Mapping[str, IntArray]
    sockets: Mapping[str, FloatArray]
    size: float


def assemble(
    rng: np.random.Generator,
    people: People,
    shapes: Mapping[str, HipShape],
    legs: Mapping[str, LegPose],
    symphysis_mm: float,
    variation: float,
) -> Pelvis:
    """One random person's pelvis with hips of the given shapes and legs of the given poses.

    ``symphysis_mm`` is the width of the gap between the pubic bones at its narrowest.
    """
    person = people.draw(rng, BONES, variation)
    hips, femora = hip_bone_regions(people), femur_regions(people)
    vertices: Vertices = {name: v.copy() for name, v in person.vertices.items()}
    sockets: dict[str, FloatArray] = {}
    for side in SIDES:
        hip_name, femur_name = f"hip_bone{SUFFIX[side]}", f"femur{SUFFIX[side]}"
        mirror = _MIRROR if side == "right" else np.ones(3)
        hip, femur = vertices[hip_name] * mirror, vertices[femur_name] * mirror
        inner = float(np.quantile(hip[hips.symphysis, 0], 0.02))
        hip[:, 0] += symphysis_mm / 2.0 - inner
        shaped = shape_hip(hip, femur, hips, femora, shapes[side])
        femur = _pose_leg(shaped.femur, femur_axes(shaped.femur, femora), legs[side])
        vertices[hip_name], vertices[femur_name] = shaped.hip_bone * mirror, femur * mirror
        sockets[side] = shaped.socket_mm * mirror
    middle = (sockets["left"] + sockets["right"]) / 2.0
    return Pelvis(
        {name: v - middle for name, v in vertices.items()},
        person.faces,
        {side: socket - middle for side, socket in sockets.items()},
        person.size,
    )


def _pose_leg(femur: FloatArray, axes: tuple[FloatArray, FloatArray, FloatArray], leg: LegPose) -> FloatArray:
    """A left femur turned about its head."""
    centre, neck, shaft = axes
    # Adduction takes the knee to the middle (-x), flexion forwards (-y).
    up = np.array([np.tan(np.radians(leg.adduction_deg)), np.tan(np.radians(leg.flexion_deg)), 1.0])
    up = up / np.linalg.norm(up)
    matrix = rotation_between(shaft, up)
    neck = matrix @ neck
    lateral = X_AXIS - up[0] * up
    now = float(np.degrees(np.arctan2(neck @ np.cross(up, lateral), neck @ lateral)))
    matrix = rotation(up, leg.neck_forward_deg - now) @ matrix
    return np.asarray((femur - centre) @ matrix.T + centre)


def stand(tilt_deg: float, turned_deg: float, obliquity_deg: float) -> FloatArray:
    """Rotation [3, 3] of the whole person in the body frame.

    ``tilt_deg`` brings the symphysis down and back (anterior tilt), ``turned_deg`` turns the front to
    the person's left, ``obliquity_deg`` lifts the right side.
    """
    return np.asarray(
        rotation(Y_AXIS, obliquity_deg) @ rotation(Z_AXIS, turned_deg) @ rotation(X_AXIS, tilt_deg)
    )
