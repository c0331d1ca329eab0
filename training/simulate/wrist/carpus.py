"""Carpals, metacarpals and phalanges: posture in the hand, then on the radius.

Hand and forearm frame share their directions: x radial, y proximal, z palmar (see ``regions``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

from training.simulate.pose import Z_AXIS, Vertices, rotation_between, turn
from training.simulate.rules import fit_sphere
from training.simulate.scene import FloatArray, IntArray
from training.simulate.wrist.forearm import lean, place_ulna, shape_radius, ulnar_corner
from training.simulate.wrist.joints import approach, side_gap
from training.simulate.wrist.pose import WristPose
from training.simulate.wrist.regions import (
    CARPALS,
    DISTAL_ROW,
    FOREARM,
    HAND,
    METACARPALS,
    PHALANGES,
    PROXIMAL_ROW,
    Regions,
    forearm_frame,
    hand_frame,
)

Sets = Mapping[str, IntArray]

# The template's carpus is short and narrow for its metacarpals, and its proximal row lies too far to the
# ulnar side: fitted to the mean positions on annotated hand films.
_CARPUS_SCALE = np.array([1.06, 1.20, 1.06])
_SHIFT_MM: Mapping[str, tuple[float, float]] = MappingProxyType({
    "triquetrum": (2.6, 0.6), "lunate": (4.2, -0.4), "scaphoid": (2.6, -1.6), "pisiform": (2.0, 0.6),
    "hamate": (0.3, -1.2), "capitate": (0.2, -0.4), "trapezoid": (1.0, 0.0), "trapezium": (3.6, -1.2),
    "first_metacarpal": (4.6, 0.0), "second_metacarpal": (1.2, 0.3),
})  # fmt: skip
_DISTAL = (*DISTAL_ROW, *METACARPALS, *PHALANGES)
_PROXIMALLY = np.array([0.0, 1.0, 0.0])
_TO_LUNATE = np.array([0.8, 0.6, 0.0])
_HOLLOW_FACES = np.array([-1.0, -0.5, 0.0])
_TO_HAMATE = np.array([0.6, -0.8, 0.0])


def pose_wrist(
    person: Mapping[str, FloatArray], regions: Regions, pose: WristPose, size: float
) -> dict[str, FloatArray]:
    """The bones of a person posed in the forearm frame, millimetres.

    ``person`` holds vertices by bone key in the whole-body frame, ``size`` the person's height relative
    to the template.
    """
    sets = regions.sets
    forearm, hand = forearm_frame(person["radius"], sets), hand_frame(person, sets)
    v: dict[str, FloatArray] = {name: forearm.local(person[name]) for name in FOREARM}
    v |= {name: hand.local(person[name]) for name in HAND}
    for name in CARPALS:
        v[name] = v[name] * _CARPUS_SCALE
    for name, shift in _SHIFT_MM.items():
        v[name] = v[name] + size * np.array([*shift, 0.0])
    _straighten_fingers(v, sets)
    shape_radius(v["radius"], sets, pose, size)
    place_ulna(v, sets, pose)
    _postures(v, sets, pose)
    _on_radius(v, regions, pose)
    return v


def lunate_horns(lunate: FloatArray, sets: Sets) -> tuple[FloatArray, FloatArray]:
    """The distal tips [3] of the palmar and the dorsal horn, in the sense of the bone as it stands."""
    palmar, dorsal = lunate[sets["lunate.palmar_half"]], lunate[sets["lunate.dorsal_half"]]
    distal = lunate[sets["lunate.distal_half"]].mean(axis=0) - lunate[sets["lunate.proximal_face"]].mean(0)
    return palmar[np.argmax(palmar @ distal)], dorsal[np.argmax(dorsal @ distal)]


def lunate_angle(lunate: FloatArray, sets: Sets) -> float:
    """Sagittal angle of the lunate in degrees: the normal of its horn line, palmar positive."""
    palmar, dorsal = lunate_horns(lunate, sets)
    d = palmar - dorsal
    return float(np.degrees(np.arctan2(d[1], d[2])))


def scaphoid_angle(scaphoid: FloatArray, sets: Sets) -> float:
    """Sagittal angle of the scaphoid in degrees: its palmar tangent, palmar positive."""
    a, b = scaphoid_poles(scaphoid, sets)
    return float(np.degrees(np.arctan2(b[2] - a[2], a[1] - b[1])))


def scaphoid_poles(scaphoid: FloatArray, sets: Sets) -> tuple[FloatArray, FloatArray]:
    """The palmar outline points [3] of the proximal and the distal pole on their common tangent."""
    near, far = scaphoid[sets["scaphoid.near_pole"]], scaphoid[sets["scaphoid.far_pole"]]
    along = far.mean(axis=0) - near.mean(axis=0)
    out = np.array([0.0, along[2], -along[1]])
    out = out if out[2] > 0 else -out
    for _ in range(3):
        a, b = near[np.argmax(near @ out)], far[np.argmax(far @ out)]
        out = np.array([0.0, b[2] - a[2], a[1] - b[1]])
    return a, b


def capitate_angle(capitate: FloatArray, sets: Sets) -> float:
    """Sagittal angle of the capitate in degrees: head centre to distal surface, palmar positive."""
    d = capitate[sets["capitate.distal_face"]].mean(axis=0) - head_centre(capitate, sets)
    return float(np.degrees(np.arctan2(d[2], -d[1])))


def head_centre(capitate: FloatArray, sets: Sets) -> FloatArray:
    """Centre [3] of the capitate's head."""
    return fit_sphere(capitate[sets["capitate.head"]])[0]


def _straighten_fingers(v: Vertices, sets: Sets) -> None:
    """Lay each finger's first phalanx in line with its metacarpal; the thumb keeps its posture."""
    rays = (
        ("second_metacarpal", "index"), ("third_metacarpal", "middle"),
        ("fourth_metacarpal", "ring"), ("fifth_metacarpal", "little"),
    )  # fmt: skip
    for metacarpal, finger in rays:
        name = f"{finger}_proximal_phalanx"
        one, two = _ends(v, sets, metacarpal), _ends(v, sets, name)
        matrix = rotation_between(two[1] - two[0], (one[1] - one[0]) * [1.0, 1.0, 0.5])
        v[name] = (v[name] - two[0]) @ matrix.T + two[0]


def _ends(v: Vertices, sets: Sets, name: str) -> tuple[FloatArray, FloatArray]:
    return v[name][sets[f"{name}.base_end"]].mean(axis=0), v[name][sets[f"{name}.head_end"]].mean(axis=0)


def _postures(v: Vertices, sets: Sets, pose: WristPose) -> None:
    """Sagittal angles of lunate, scaphoid and capitate, and the hand's deviation."""
    missing = pose.capitate_deg - capitate_angle(v["capitate"], sets)
    _lean(v, _DISTAL, 0.5 * missing, head_centre(v["capitate"], sets))
    face = v["capitate"][sets["capitate.distal_face"]].mean(axis=0)
    _lean(v, ["capitate"], pose.capitate_deg - capitate_angle(v["capitate"], sets), face)
    lunate = v["lunate"].mean(axis=0)
    lean_lunate = pose.lunate_deg - lunate_angle(v["lunate"], sets)
    _lean(v, ["lunate"], lean_lunate, lunate)
    _lean(v, ["triquetrum", "pisiform"], 0.6 * lean_lunate, lunate)
    for _ in range(3):
        pole = v["scaphoid"][sets["scaphoid.near_pole"]].mean(axis=0)
        _lean(v, ["scaphoid"], pose.scaphoid_deg - scaphoid_angle(v["scaphoid"], sets), pole)
        far = v["scaphoid"][sets["scaphoid.far_pole"]].mean(axis=0) - pole
        upright = float(np.degrees(np.arctan2(-far[1], far[0])))
        # Turning about z is positive from x to y, so that it lowers the distal pole.
        turn(v, ["scaphoid"], Z_AXIS, upright - pose.scaphoid_upright_deg, pole)
        _face_capitate(v, sets)
    for _ in range(2):
        pole = v["scaphoid"][sets["scaphoid.near_pole"]].mean(axis=0)
        _lean(v, ["scaphoid"], pose.scaphoid_deg - scaphoid_angle(v["scaphoid"], sets), pole)
    # The head of the capitate sits in the hollow of the lunate.
    horns = lunate_horns(v["lunate"], sets)
    depth = float((horns[0] + horns[1])[2] / 2 - head_centre(v["capitate"], sets)[2])
    for name in _DISTAL:
        v[name] = v[name] + [0.0, 0.0, depth]
    centre = head_centre(v["capitate"], sets)
    turn(v, _DISTAL, Z_AXIS, -pose.deviation_deg, centre)
    turn(v, PROXIMAL_ROW, Z_AXIS, 0.3 * pose.deviation_deg, centre)


def _face_capitate(v: Vertices, sets: Sets) -> None:
    """Roll the scaphoid about its long axis until its hollow faces the head of the capitate."""
    bone = v["scaphoid"]
    near, far = (bone[sets[f"scaphoid.{end}_pole"]].mean(axis=0) for end in ("near", "far"))
    axis = (far - near) / np.linalg.norm(far - near)
    hollow = bone[sets["scaphoid.capitate_facet"]].mean(axis=0) - near
    across = hollow - (hollow @ axis) * axis
    wanted = _HOLLOW_FACES - (_HOLLOW_FACES @ axis) * axis
    angle = np.degrees(np.arctan2(np.cross(across, wanted) @ axis, across @ wanted))
    turn(v, ["scaphoid"], axis, float(angle), near)


def _lean(v: Vertices, names: Iterable[str], degrees: float, pivot: FloatArray) -> None:
    matrix = lean(degrees)
    for name in names:
        v[name] = (v[name] - pivot) @ matrix.T + pivot


def _on_radius(v: Vertices, regions: Regions, pose: WristPose) -> None:
    """Set the lunate on the radius, the other bones of its row beside it, and the hand on the row."""
    sets, radius = regions.sets, v["radius"]
    lunate = v["lunate"]
    left, right = float(lunate[:, 0].min()), float(lunate[:, 0].max())
    fossa = radius[sets["radius.lunate_fossa"]].mean(axis=0)
    shift = np.array([
        ulnar_corner(radius, sets)[0] - (left + pose.uncovered * (right - left)),
        float(radius[:, 1].min()) - float(lunate[:, 1].max()),
        fossa[2] - float(lunate[sets["lunate.proximal_face"], 2].mean()),
    ])  # fmt: skip
    for name in HAND:
        v[name] = v[name] + shift
    end = radius[sets["radius.end"]]
    approach(v, HAND, v["lunate"][sets["lunate.proximal"]], end, _PROXIMALLY, pose.radiocarpal_mm)
    _place_scaphoid(v, regions, pose)
    # The capitate rests on both bones: less room to the scaphoid would be seen as overlap only.
    heads = v["capitate"][sets["capitate.proximal"]]
    row = np.concatenate([v[name][::2] for name in ("lunate", "scaphoid")])
    approach(v, _DISTAL, heads, row, _PROXIMALLY, pose.joint_mm, 0.10)
    beside = ["triquetrum", "pisiform"]
    for name, direction in (("lunate", _TO_LUNATE), ("hamate", _TO_HAMATE)):
        approach(v, beside, v["triquetrum"][::2], v[name][::2], direction, pose.joint_mm)


def _place_scaphoid(v: Vertices, regions: Regions, pose: WristPose) -> None:
    """Beside the lunate at the chosen gap, its proximal pole above the middle of its fossa.

    The space to the radius is that of the frontal film, where the palmar lip of the styloid overlaps.
    """
    sets, edges, radius = regions.sets, regions.edges, v["radius"]
    floor = radius[sets["radius.scaphoid_fossa"]]
    fossa = float(floor[:, 2].mean())
    pole = v["scaphoid"][sets["scaphoid.near_pole"]]
    v["scaphoid"] = v["scaphoid"] + [0.0, 0.0, fossa - float(pole[:, 2].min() + pole[:, 2].max()) / 2]
    for _ in range(3):
        bone = v["scaphoid"]
        lowest = bone[np.argmax(bone[:, 1])]
        near = floor[np.argsort(np.abs(floor[:, 0] - lowest[0]))[:25]]
        bone = bone + np.array([0.0, near[:, 1].mean() - pose.radiocarpal_mm - lowest[1], 0.0])
        gap = side_gap(v["lunate"], edges["lunate"], bone, edges["scaphoid"])
        v["scaphoid"] = bone + np.array([pose.scapholunate_mm - gap, 0.0, 0.0])


__all__ = ["head_centre", "lunate_horns", "pose_wrist", "scaphoid_poles"]
