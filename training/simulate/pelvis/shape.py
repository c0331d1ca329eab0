"""Shape of one hip: socket, femoral head and neck, and how they fit together.

Works on a left hip in the body frame (x lateral, y backwards, z up; millimetres). A right hip is
mirrored before and after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.simulate.pelvis.regions import FALSE_PROFILE, FemurRegions, HipBoneRegions
from training.simulate.pose import X_AXIS, Z_AXIS, ramp, rotation
from training.simulate.rules import fit_sphere
from training.simulate.scene import FloatArray

# The edge of the roof is the point of its rim farthest in a direction this much below level: at its side
# and at its front.
EDGE_DOWN_DEG = 12.0
FRONT_DOWN_DEG = 35.0
_TOUCHING_MM = 0.3


@dataclass(frozen=True)
class HipShape:
    """Random choices of one hip, named as a reader would say them.

    ``lateral_centre_edge_deg`` and ``roof_angle_deg`` (Toennis) are set for a pelvis that stands level;
    ``anterior_centre_edge_deg`` is the angle of the front edge, 65 degrees forwards of lateral.
    ``joint_space_mm`` is the gap of head and socket with the head in the middle, ``head_shift_mm`` [3]
    moves the head out of it, as far as the socket lets it.
    ``socket_shift_mm`` [3] moves the socket in the pelvis. ``head_size`` scales the head;
    ``neck_shaft_deg`` is the neck-shaft angle in space, ``neck_growth_mm`` lengthens the neck.
    """

    lateral_centre_edge_deg: float
    roof_angle_deg: float
    anterior_centre_edge_deg: float
    joint_space_mm: float
    head_shift_mm: FloatArray
    socket_shift_mm: FloatArray
    head_size: float
    neck_shaft_deg: float
    neck_growth_mm: float


@dataclass(frozen=True, eq=False)
class ShapedHip:
    """Vertices [V, 3] of hip bone and femur; ``socket_mm`` [3] is the middle of the socket."""

    hip_bone: FloatArray
    femur: FloatArray
    socket_mm: FloatArray
    head_radius_mm: float


def shape_hip(
    hip_bone: FloatArray,
    femur: FloatArray,
    regions: HipBoneRegions,
    femur_regions: FemurRegions,
    shape: HipShape,
) -> ShapedHip:
    """A left hip of the wanted shape; the femur's head stands where ``shape`` puts it."""
    femur = _neck(femur, femur_regions, shape)
    femur, radius = _head(femur, femur_regions, shape.head_size)
    hip_bone, centre = _socket(hip_bone, regions, radius + shape.joint_space_mm)
    hip_bone = _roof(hip_bone, regions, centre, shape)
    hip_bone = hip_bone + regions.fade[:, None] * shape.socket_shift_mm
    centre = centre + shape.socket_shift_mm
    head = fit_sphere(femur[femur_regions.head])[0]
    wall = hip_bone[np.concatenate([regions.cup, regions.lateral_rim])]
    place = _free(centre + shape.head_shift_mm, wall, radius + _TOUCHING_MM)
    return ShapedHip(hip_bone, femur + (place - head), centre, radius)


def _free(centre: FloatArray, wall: FloatArray, radius: float) -> FloatArray:
    """The ``centre`` [3] of a ball of this radius, moved until it no longer reaches into the ``wall``."""
    for _ in range(8):
        away = centre - wall
        distance = np.linalg.norm(away, axis=1)
        nearest = int(distance.argmin())
        if distance[nearest] >= radius:
            break
        centre = centre + away[nearest] * (radius / distance[nearest] - 1.0)
    return centre


def femur_axes(femur: FloatArray, regions: FemurRegions) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Head centre [3], unit neck direction [3] away from the head, unit shaft direction [3] upwards."""
    centre = fit_sphere(femur[regions.head])[0]
    neck = femur[regions.neck].mean(axis=0) - centre
    shaft = femur[regions.shaft_high].mean(axis=0) - femur[regions.shaft_low].mean(axis=0)
    return centre, neck / np.linalg.norm(neck), shaft / np.linalg.norm(shaft)


def _neck(femur: FloatArray, regions: FemurRegions, shape: HipShape) -> FloatArray:
    """Bend and stretch the neck at its base."""
    centre, neck, shaft = femur_axes(femur, regions)
    on_shaft = femur[regions.shaft_high].mean(axis=0)
    # Base of the neck: the point of the neck's line nearest to the shaft's line.
    normal = np.cross(neck, shaft)
    reach = float(np.cross(on_shaft - centre, shaft) @ normal / (normal @ normal))
    base = centre + reach * neck
    along = (base - femur) @ neck / reach
    # Head and neck follow wholly, the trochanters stay.
    weight = ramp(along, 0.05, 0.6)[:, None]
    # Valgus lifts the head: its direction turns upwards, about the normal of the neck-shaft plane.
    now = float(np.degrees(np.arccos(neck @ shaft)))
    lift = rotation(np.cross(-neck, shaft), shape.neck_shaft_deg - now)
    turned = (femur - base) @ lift.T + base - (lift @ neck) * shape.neck_growth_mm
    return np.asarray(femur + weight * (turned - femur))


def _head(femur: FloatArray, regions: FemurRegions, size: float) -> tuple[FloatArray, float]:
    """Scale the head and round its joint surface to a sphere."""
    centre, radius = fit_sphere(femur[regions.head])
    away = femur - centre
    distance = np.linalg.norm(away, axis=1)
    neck = femur[regions.neck].mean(axis=0) - centre
    towards_neck = (away @ neck) / (distance * np.linalg.norm(neck))
    scale = 1.0 + (size - 1.0) * (1.0 - ramp(distance / radius, 1.05, 1.8))
    head = regions.head
    rounded = (1.0 - ramp(towards_neck[head], 0.1, 0.45)) * (radius / distance[head] - 1.0)
    scale[head] += size * rounded
    return np.asarray(centre + away * scale[:, None]), radius * size


def _socket(hip_bone: FloatArray, regions: HipBoneRegions, radius: float) -> tuple[FloatArray, FloatArray]:
    """Round the joint surface to a sphere; the fossa keeps its depth below it."""
    cup = hip_bone[regions.cup]
    centre, fitted = fit_sphere(cup[regions.lunate])
    away = cup - centre
    distance = np.linalg.norm(away, axis=1)
    wanted = np.where(regions.lunate, radius, np.maximum(distance - fitted, 0.0) + radius)
    push = away * ((wanted - distance) / distance)[:, None]
    moved = hip_bone.copy()
    moved[regions.near] += regions.spread @ push
    return moved, centre


def _roof(hip_bone: FloatArray, regions: HipBoneRegions, centre: FloatArray, shape: HipShape) -> FloatArray:
    """Turn the roof about the socket's middle until its edges and its medial end lie where they should.

    Seen from the front, points of the roof stand at an angle from straight up: the rim at the
    centre-edge angle, the medial end at minus the centre-edge angle minus twice the roof angle, since
    both lie on one circle.
    """
    away = hip_bone - centre
    fade = ramp(away[:, 2], -4.0, 12.0) * regions.fade
    angle = _from_up(away, FALSE_PROFILE)
    edge_now = _edge_angle(away[regions.anterior_rim], FALSE_PROFILE, FRONT_DOWN_DEG)
    turn = (shape.anterior_centre_edge_deg - edge_now) * ramp(angle, 0.0, edge_now)
    away = _turned(away, FALSE_PROFILE, turn * fade)
    angle = _from_up(away, X_AXIS)
    rim_now = _edge_angle(away[regions.lateral_rim], X_AXIS, EDGE_DOWN_DEG)
    medial_now = float(angle[regions.roof_medial].mean())
    medial_wanted = -shape.lateral_centre_edge_deg - 2.0 * shape.roof_angle_deg
    share = ramp(angle, medial_now, rim_now)
    turn = (medial_wanted - medial_now) * (1.0 - share) + (shape.lateral_centre_edge_deg - rim_now) * share
    return np.asarray(_turned(away, X_AXIS, turn * fade) + centre)


def _edge_angle(rim: FloatArray, side: FloatArray, down_deg: float) -> float:
    """Angle from up of the edge as a reader finds it: the rim's point farthest out and a little down."""
    down = np.radians(down_deg)
    edge = (rim @ side * np.cos(down) - rim[:, 2] * np.sin(down)).argmax()
    return float(_from_up(rim[edge][None], side)[0])


def _from_up(away: FloatArray, side: FloatArray) -> FloatArray:
    """Angles [N] in degrees from straight up towards the level direction ``side`` [3]."""
    return np.asarray(np.degrees(np.arctan2(away @ side, away[:, 2])))


def _turned(away: FloatArray, side: FloatArray, degrees: FloatArray) -> FloatArray:
    """Points turned by ``degrees`` [N] from up towards the level direction ``side`` [3]."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    out, up = away @ side, away[:, 2]
    shift = ((c - 1.0) * out + s * up)[:, None] * side
    return np.asarray(away + shift + ((c - 1.0) * up - s * out)[:, None] * Z_AXIS)
