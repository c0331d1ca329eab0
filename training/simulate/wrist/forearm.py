"""Shape of the distal radius and place of the ulna, in the forearm frame (see ``regions``)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.simulate.pose import X_AXIS, Y_AXIS, Vertices, ramp, rotation, turn
from training.simulate.scene import FloatArray, IntArray
from training.simulate.wrist.joints import approach
from training.simulate.wrist.pose import WristPose

Sets = Mapping[str, IntArray]

# Where the shaft (0) turns into the end that moves as one (1): mm proximal of the joint surface.
_GROWN_MM = (25.0, 9.0)
_BROKEN_MM = (24.0, 13.0)


def styloid_tip(radius: FloatArray, sets: Sets) -> FloatArray:
    """The most distal point [3] of the radial styloid."""
    part = radius[sets["radius.styloid"]]
    return np.asarray(part[np.argmin(part[:, 1])])


def ulnar_corner(radius: FloatArray, sets: Sets) -> FloatArray:
    """The ulnar end [3] of the distal joint surface, midway between its palmar and dorsal corner."""
    towards = np.array([-0.5, -1.0, 0.0])  # ulnar and distal
    corners = []
    for side in ("palmar", "dorsal"):
        part = radius[sets[f"radius.ulnar_corner_{side}"]]
        corners.append(part[np.argmax(part @ towards)])
    return np.asarray((corners[0] + corners[1]) / 2)


def rim(radius: FloatArray, sets: Sets, side: str) -> FloatArray:
    """The tip [3] of the ``palmar`` or ``dorsal`` rim of the lunate facet."""
    part = radius[sets[f"radius.{side}_rim"]]
    towards = np.array([0.0, -1.0, 0.7 if side == "palmar" else -0.7])
    return np.asarray(part[np.argmax(part @ towards)])


def inclination(radius: FloatArray, sets: Sets) -> float:
    """Radial inclination in degrees in the plane x, y."""
    d = styloid_tip(radius, sets) - ulnar_corner(radius, sets)
    return float(np.degrees(np.arctan2(-d[1], d[0])))


def volar_tilt(radius: FloatArray, sets: Sets) -> float:
    """Palmar tilt of the joint surface in degrees in the plane y, z; negative if it faces dorsally."""
    d = rim(radius, sets, "palmar") - rim(radius, sets, "dorsal")
    return float(np.degrees(np.arctan2(d[1], d[2])))


def shape_radius(radius: FloatArray, sets: Sets, pose: WristPose, size: float) -> None:
    """Give the distal radius its inclination, tilt, length and displacement, in place."""
    start, end = _BROKEN_MM if pose.sharp else _GROWN_MM
    share = 1.0 - ramp(radius[:, 1], end * size, start * size)
    pivot_y = (start + end) / 2 * size
    for _ in range(3):
        angle = np.radians(pose.volar_tilt_deg - volar_tilt(radius, sets)) * share
        _bend(radius, 2, angle, pivot_y)
        angle = np.radians(pose.inclination_deg - inclination(radius, sets)) * share
        _bend(radius, 0, -angle, pivot_y)
    shift = np.array([pose.radial_shift_mm, pose.shortening_mm, -pose.dorsal_shift_mm])
    # The bent end has moved sideways with the pivot's distance; a fracture's displacement comes on top.
    middle = radius[sets["radius.articular"]].mean(axis=0)
    centred = np.array([-0.8 * middle[0] - 2.0 * size, 0.0, -0.8 * middle[2]]) if pose.sharp else np.zeros(3)
    radius += share[:, None] * (shift + centred)


def _bend(v: FloatArray, axis: int, angle: FloatArray, pivot_y: float) -> None:
    """Turn points about (0, pivot_y) in the plane of ``axis`` and y; positive lowers positive ``axis``."""
    c, s = np.cos(angle), np.sin(angle)
    a, y = v[:, axis].copy(), v[:, 1] - pivot_y
    v[:, axis], v[:, 1] = a * c - y * s, a * s + y * c + pivot_y


def place_ulna(v: Vertices, sets: Sets, pose: WristPose) -> None:
    """Turn the ulna from supination towards neutral rotation and set it beside the radius."""
    ulna, radius = v["ulna"], v["radius"]
    head = ulna[sets["ulna.head"]].mean(axis=0)
    turn(v, ["ulna"], Y_AXIS, pose.forearm_rotation_deg, head)
    ulna = v["ulna"]
    # The shafts run about parallel where a wrist film shows them.
    along = ulna[sets["ulna.far"]].mean(axis=0) - ulna[sets["ulna.head"]].mean(axis=0)
    wanted = np.array([0.03, 1.0, -0.03])
    axis = np.cross(along, wanted)
    sine = float(np.linalg.norm(axis) / np.linalg.norm(along) / np.linalg.norm(wanted))
    if sine > 1e-6:
        turn(v, ["ulna"], axis, float(np.degrees(np.arcsin(sine))), head)
    ulna = v["ulna"]
    corner = ulnar_corner(radius, sets)
    dome = ulna[sets["ulna.dome"], 1].min()
    notch = radius[sets["radius.ulnar_corner"]]
    centre = ulna[sets["ulna.head"]].mean(axis=0)
    ulna += [
        0.0,
        corner[1] - pose.ulnar_variance_mm - dome,
        float((notch[:, 2].min() + notch[:, 2].max()) / 2) - centre[2] - pose.ulna_dorsal_mm,
    ]
    end = np.flatnonzero(ulna[:, 1] < dome + 45.0)
    distal = radius[:, 1] < 45.0
    approach(v, ["ulna"], ulna[end], radius[distal], np.array([1.0, 0.0, 0.0]), pose.druj_mm)


def plate_axis(v: FloatArray, numbers: IntArray) -> tuple[FloatArray, FloatArray]:
    """Middle [3] of a slab of a forearm bone, and the distal direction [3]."""
    slab = v[numbers]
    return (slab.min(axis=0) + slab.max(axis=0)) / 2, np.asarray(-Y_AXIS)


def lean(degrees: float) -> FloatArray:
    """Rotation [3, 3] in the sagittal plane; positive turns a bone that points distally to the palm."""
    return rotation(X_AXIS, -degrees)
