"""Random anatomy and posture of one elbow, and the bones of a person brought into it.

All work is done in the elbow frame (see ``regions``): x lateral, y distal, z posterior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.simulate.elbow.regions import (
    ElbowRegions,
    capitellum_centre,
    elbow_frame,
    trochlea_centre,
)
from training.simulate.pose import X_AXIS, Z_AXIS, Vertices, ramp, turn
from training.simulate.scene import FloatArray, IntArray
from training.simulate.wrist.joints import approach
from training.simulate.wrist.regions import shaft_axes

FOREARM = ("radius", "ulna")
# The humerus bends between these levels above the axis of flexion, mm.
_BEND_MM = (15.0, 62.0)
# This part of a carrying angle, up to a limit, lies in the joint and the rest in the humerus.
_JOINT_SHARE, _JOINT_DEG = 0.35, 5.0
_JOINT_MM = 1.6


@dataclass(frozen=True)
class ElbowPose:
    """Random choices of one elbow, in degrees and millimetres.

    ``carrying_deg`` is the angle from humeral to ulnar shaft in the plane of the palm with the elbow
    straight, lateral positive. ``condylar_deg`` is the angle in the sagittal plane from the humeral shaft to
    the perpendicular of the base of the capitellum, anterior positive.
    ``radius_forward_mm`` moves the radial head out of line. ``grown`` is the size against an adult.
    """

    carrying_deg: float
    condylar_deg: float
    flexion_deg: float
    pronation_deg: float
    joint_mm: float
    radius_forward_mm: float
    baumann_deg: float
    grown: float
    open_physes: bool


def draw_pose(rng: np.random.Generator, lateral: bool, variation: float = 1.0) -> ElbowPose:
    """A random elbow for an AP or a ``lateral`` film; ``variation`` 0 gives the average adult."""

    def normal(mean: float, spread: float, low: float, high: float) -> float:
        return float(np.clip(mean + variation * spread * rng.standard_normal(), low, high))

    carrying, condylar = normal(11.5, 4.0, 0.0, 22.0), normal(40.0, 5.0, 28.0, 54.0)
    malunion = rng.random() < 0.25 * variation
    crooked = rng.uniform([-18.0, 0.0], [28.0, 62.0])
    if malunion:
        carrying, condylar = (float(v) for v in crooked)
    dislocated = rng.random() < 0.1 * variation
    forward = float(rng.uniform(-4.0, 16.0))
    child = rng.random() < 0.3 * variation
    grown = float(rng.uniform(0.55, 0.82))
    return ElbowPose(
        carrying_deg=carrying,
        condylar_deg=condylar,
        flexion_deg=normal(90.0, 6.0, 72.0, 110.0) if lateral else normal(3.0, 3.5, -5.0, 14.0),
        pronation_deg=normal(85.0, 12.0, 50.0, 120.0) if lateral else normal(5.0, 8.0, -5.0, 35.0),
        joint_mm=normal(_JOINT_MM, 0.4, 0.6, 2.6),
        radius_forward_mm=forward if dislocated else 0.0,
        baumann_deg=normal(72.0, 5.0, 58.0, 90.0),
        grown=grown if child else 1.0,
        open_physes=child,
    )


def pose_elbow(
    person: Mapping[str, FloatArray], regions: ElbowRegions, pose: ElbowPose
) -> dict[str, FloatArray]:
    """Humerus, radius and ulna of a person posed in the elbow frame, millimetres.

    ``person`` holds vertices by bone key in the whole-body frame.
    """
    sets = regions.sets
    frame = elbow_frame(person["humerus"], sets)
    v: dict[str, FloatArray] = {name: frame.local(person[name]) for name in ("humerus", *FOREARM)}
    _pronate(v, sets, pose.pronation_deg)
    axis, centre = _flexion_axis(v["humerus"], sets)
    # The shafts are set with the elbow straight, where the carrying angle is defined.
    turn(v, FOREARM, axis, -_flexion(v, sets), centre)
    missing = _JOINT_SHARE * (pose.carrying_deg - carrying_angle(v, sets))
    turn(v, FOREARM, Z_AXIS, -float(np.clip(missing, -_JOINT_DEG, _JOINT_DEG)), centre)
    for _ in range(3):
        _bend(v["humerus"], 0, pose.carrying_deg - carrying_angle(v, sets))
        _bend(v["humerus"], 2, pose.condylar_deg - condylar_angle(v["humerus"], sets))
        turn(v, FOREARM, axis, -_flexion(v, sets), centre)
    turn(v, FOREARM, axis, pose.flexion_deg, centre)
    _set_spaces(v, sets, pose)
    return {name: bone * pose.grown for name, bone in v.items()}


def _flexion_axis(humerus: FloatArray, sets: Mapping[str, IntArray]) -> tuple[FloatArray, FloatArray]:
    """Axis of flexion [3] (positive flexes) and its middle [3]."""
    a, b = trochlea_centre(humerus, sets), capitellum_centre(humerus, sets)[0]
    return np.asarray((a - b) / np.linalg.norm(a - b)), (a + b) / 2


def shaft(v: FloatArray, sets: Mapping[str, IntArray], bone: str) -> FloatArray:
    """Distal direction [3] of the shaft of humerus or ulna, by the middles of two slabs."""
    proximal, distal = (v[sets[f"{bone}.{level}"]] for level in ("shaft_proximal", "shaft_distal"))
    return np.asarray(shaft_axes(proximal, distal, X_AXIS)[0][1])


def carrying_angle(v: Mapping[str, FloatArray], sets: Mapping[str, IntArray]) -> float:
    """Angle from humeral to ulnar shaft in the plane x, y, in degrees, lateral positive."""
    a, b = shaft(v["humerus"], sets, "humerus"), shaft(v["ulna"], sets, "ulna")
    return float(np.degrees(np.arctan2(b[0], b[1]) - np.arctan2(a[0], a[1])))


def condylar_angle(humerus: FloatArray, sets: Mapping[str, IntArray]) -> float:
    """Angle from the humeral shaft to the lateral condyle in the plane y, z, anterior positive."""
    a = shaft(humerus, sets, "humerus")
    front, back = (
        humerus[sets[f"humerus.capitellum_{end}"]].mean(axis=0) for end in ("anterior", "posterior")
    )
    base = back - front
    return float(np.degrees(np.arctan2(base[1], base[2]) - np.arctan2(-a[2], a[1])))


def _flexion(v: Mapping[str, FloatArray], sets: Mapping[str, IntArray]) -> float:
    """Angle from humeral to ulnar shaft in the sagittal plane, in degrees; positive is flexion."""
    a, b = shaft(v["humerus"], sets, "humerus"), shaft(v["ulna"], sets, "ulna")
    return float(np.degrees(np.arctan2(-b[2], b[1]) - np.arctan2(-a[2], a[1])))


def _bend(humerus: FloatArray, axis: int, degrees: float) -> None:
    """Turn the shaft against the joint in the plane of ``axis`` and y, in place.

    Positive turns the proximal shaft to the positive side of the axis, which opens the angle to a
    forearm on that side.
    """
    share = ramp(-humerus[:, 1], *_BEND_MM)
    angle = np.radians(degrees if axis == 0 else -degrees) * share
    pivot = -(_BEND_MM[0] + _BEND_MM[1]) / 2
    c, s = np.cos(angle), np.sin(angle)
    a, y = humerus[:, axis].copy(), humerus[:, 1] - pivot
    humerus[:, axis], humerus[:, 1] = a * c + y * s * -1.0, a * s + y * c + pivot


def _pronate(v: Vertices, sets: Mapping[str, IntArray], degrees: float) -> None:
    """Turn the radius about the line from its head to the ulnar head; positive pronates."""
    head = v["radius"][sets["radius.head"]].mean(axis=0)
    axis = v["ulna"][sets["ulna.distal"]].mean(axis=0) - head
    turn(v, ["radius"], axis, degrees, head)


def _set_spaces(v: Vertices, sets: Mapping[str, IntArray], pose: ElbowPose) -> None:
    """Bring both forearm bones up to the humerus, and the radial head out of line where it is dislocated."""
    humerus = v["humerus"][sets["humerus.end"]]
    up = -shaft(v["ulna"], sets, "ulna")
    # The hook of the olecranon leaves no way to bring the ulna up along its shaft: it turned in place.
    v["ulna"] = v["ulna"] - 0.6 * (pose.joint_mm - _JOINT_MM) * up
    # The neck of the radius points at the centre of the capitellum.
    head = v["radius"][sets["radius.head_rim"]].mean(axis=0)
    neck = head - v["radius"][sets["radius.neck"]].mean(axis=0)
    neck = neck / np.linalg.norm(neck)
    aside = capitellum_centre(v["humerus"], sets)[0] - head
    v["radius"] = v["radius"] + (aside - (aside @ neck) * neck)
    approach(v, ["radius"], v["radius"][sets["radius.head"]], humerus, neck, pose.joint_mm, 0.02)
    # Across the forearm in the sagittal plane, to the front.
    forward = np.array([0.0, up[2], -up[1]])
    forward = forward if forward @ np.array([0.0, -1.0, -1.0]) > 0 else -forward
    share = ramp(
        np.linalg.norm(v["radius"] - v["radius"][sets["radius.head"]].mean(axis=0), axis=1), 0.0, 150.0
    )
    v["radius"] = v["radius"] + np.outer(1.0 - share, pose.radius_forward_mm * forward)
