"""Placing the bones of one person's left hand as it lies, palm down, on the detector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.simulate.hand.person import Person, tubular_shape, wobble
from training.simulate.hand.template import CARPALS, FOREARM, METACARPALS, RAYS, HandTemplate, phalanges
from training.simulate.scene import FloatArray

CARPUS_LENGTH = 1.20  # the template's carpus is short for its metacarpals
CARPUS_WIDTH = 1.06
_FOREARM_TILT_DEG = 10.0  # lays the template's slightly extended wrist flat
_FOREARM_SHIFT_MM = -4.2  # the template's forearm lies radially of where it is on films
# The template's proximal row lies too far to the ulnar side and its thumb base too close to the palm;
# (x, y) in mm of an average adult.
_SHIFT_MM: Mapping[str, tuple[float, float]] = {
    "triquetrum": (2.6, 0.6), "lunate": (4.2, -0.4), "scaphoid": (2.6, -1.6), "pisiform": (2.0, 0.6),
    "hamate": (0.3, -1.2), "capitate": (0.2, -0.4), "trapezoid": (1.0, 0.0), "trapezium": (3.6, -1.2),
    "first_metacarpal": (4.6, 0.0), "second_metacarpal": (1.2, 0.3),
}  # fmt: skip

# In-plane directions of metacarpals and fingers, fitted to the means of annotated films: degrees to the
# radial side of the third metacarpal; how far each ray follows a spread of all fingers; the finger's own
# rotation (roll).
_METACARPAL_DEG = (40.5, 8.0, 0.0, -8.8, -21.0)
_FINGER_DEG = (8.5, 1.2, -6.2, -20.0)  # the thumb follows its metacarpal
_SPREAD = (0.6, 0.75, 0.1, -0.65, -1.15)
_ROLL_DEG = (42.0, -6.0, -3.0, 0.0, 6.0)
# Sideways angle at the two interphalangeal joints, degrees to the radial side.
_DEVIATION_DEG = ((3.0, 0.0), (-0.7, -2.5), (-1.0, -2.5), (0.4, 0.8), (1.8, 3.0))


@dataclass
class Posed:
    """Bones in the hand frame: vertices [V, 3] in mm by name, and local axes (columns) of tubular bones."""

    vertices: dict[str, FloatArray]
    frames: dict[str, FloatArray]


def turn(deg: float) -> FloatArray:
    """In-plane rotation; positive turns an upright bone to the radial side."""
    c, s = np.cos(np.radians(deg)), np.sin(np.radians(deg))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def flex(deg: float) -> FloatArray:
    """Rotation about x; positive bends an upright bone to the palm."""
    c, s = np.cos(np.radians(deg)), np.sin(np.radians(deg))
    return np.array([[1.0, 0, 0], [0, c, s], [0, -s, c]])


def roll(deg: float) -> FloatArray:
    """Rotation about the long axis; positive turns the radial side to the palm."""
    c, s = np.cos(np.radians(deg)), np.sin(np.radians(deg))
    return np.array([[c, 0, -s], [0, 1.0, 0], [s, 0, c]])


def pose_hand(template: HandTemplate, person: Person, rng: np.random.Generator, variation: float) -> Posed:
    """All bones of the hand, shaped and posed at random, in the hand frame of ``hand_template``."""
    posed = Posed({}, {})
    _carpus_and_forearm(template, person, posed, rng, variation)
    spread = float(np.clip(rng.normal(0, 6.5), -9.0, 18.0))
    neighbour_deg = 90.0  # direction of the finger before, which the next one must not cross
    loose_joint = int(rng.integers(1, 5)) if rng.random() < 0.12 else 0  # a finger held bent
    for number in range(len(RAYS)):
        phi = _metacarpal(template, person, posed, rng, number, spread, variation)
        if number == 0:
            finger_deg = phi - 8.0 + float(rng.normal(0, 7))
        else:
            finger_deg = _FINGER_DEG[number - 1] + _SPREAD[number] * spread + float(rng.normal(0, 2.5))
            finger_deg = min(finger_deg, neighbour_deg - 1.0)
            neighbour_deg = finger_deg
        _finger(template, person, posed, rng, number, finger_deg, number == loose_joint, variation)
    return posed


def _scaled(point: FloatArray, person: Person) -> FloatArray:
    girth = CARPUS_WIDTH * person.breadth
    return np.asarray(point * [girth, CARPUS_LENGTH * person.size, girth])


def _placed(name: str, point: FloatArray, person: Person) -> FloatArray:
    """Where a point of a carpal, or the origin of a metacarpal, of the template comes to lie."""
    return _scaled(point, person) + person.size * np.array([*_SHIFT_MM.get(name, (0.0, 0.0)), 0.0])


def _carpus_and_forearm(
    template: HandTemplate, person: Person, posed: Posed, rng: np.random.Generator, variation: float
) -> None:
    centre = _scaled(template.wrist_centre, person)
    deviation = rng.normal(-2.0, 7)
    for name in CARPALS:
        bone = template.solid[name]
        shrink = person.ossified[name] or 0.4
        middle = _placed(name, bone.physis, person) + variation * rng.normal(0, 0.35, 3) * person.size
        own = 1 + 0.04 * variation * rng.normal(size=3)
        v = _scaled((bone.vertices - bone.physis) * own, person) * shrink
        v = wobble(v, rng, 0.35 * variation * person.size * shrink, 12 * person.size)
        v = v @ turn(variation * rng.normal(0, 3)).T + middle
        if name in ("scaphoid", "lunate", "triquetrum", "pisiform"):
            v = (v - centre) @ turn(-0.5 * deviation).T + centre
        posed.vertices[name] = v
    shift = (CARPUS_LENGTH - 1.0) * person.size * 24.0 + 0.35 * (person.joint_mm - 1.3)
    offset = np.array([_FOREARM_SHIFT_MM * person.breadth, shift, 0.0])
    rotation = turn(-deviation) @ flex(_FOREARM_TILT_DEG + rng.normal(0, 4))
    for name in FOREARM:
        bone = template.solid[name]
        girth = person.breadth * (1 + 0.05 * variation * rng.normal())
        v = bone.vertices * [girth, person.size, girth]
        middle = bone.physis * [girth, person.size, girth]
        v = wobble(v, rng, 0.5 * variation * person.size, 25 * person.size)
        if name == "ulna":
            v = (v - middle) @ roll(variation * rng.normal(0, 8)).T + middle
            v[:, 1] += rng.normal(0, 1.3) * variation * person.size
            if not person.ulnar_epiphysis and bone.epiphysis is not None:
                v[bone.epiphysis, 1] = np.maximum(v[bone.epiphysis, 1], middle[1])
        posed.vertices[name] = (v + offset - centre) @ rotation.T + centre


def _metacarpal(
    template: HandTemplate,
    person: Person,
    posed: Posed,
    rng: np.random.Generator,
    number: int,
    spread: float,
    variation: float,
) -> float:
    """Place one metacarpal; returns its in-plane direction in degrees."""
    bone = template.tubular[METACARPALS[number]]
    direction = -bone.frame[:, 1]
    own = float(np.degrees(np.arctan2(direction[0], -direction[1])))
    if number == 0:
        phi = float(np.clip(_METACARPAL_DEG[0] + _SPREAD[0] * spread + rng.normal(0, 6), 10, 60))
        frame = turn(phi - own) @ bone.frame @ flex(rng.normal(4, 7)) @ roll(rng.normal(0, 10))
    else:
        phi = _METACARPAL_DEG[number] + 0.12 * _SPREAD[number] * spread + rng.normal(0, 1.0)
        frame = turn(phi - own) @ bone.frame @ flex(rng.normal(0, 2)) @ roll(rng.normal(0, 3))
    v = tubular_shape(bone, person, rng, variation)
    origin = _placed(bone.name, bone.origin, person)
    origin = origin - frame[:, 1] * max(0.0, person.joint_mm - 1.3) * 0.5
    posed.frames[bone.name] = frame
    posed.vertices[bone.name] = v @ frame.T + origin
    return phi


def _finger(
    template: HandTemplate,
    person: Person,
    posed: Posed,
    rng: np.random.Generator,
    number: int,
    direction_deg: float,
    bent: bool,
    variation: float,
) -> None:
    """Hang the phalanges of one ray on its metacarpal, the first pointing in an in-plane direction."""
    thumb = number == 0
    tilt = rng.normal(8, 7) if thumb else rng.normal(3, 6)
    frame = turn(direction_deg) @ flex(tilt) @ roll(_ROLL_DEG[number] + rng.normal(0, 12 if thumb else 7))
    parent = METACARPALS[number]
    for joint, name in enumerate(phalanges(RAYS[number])):
        if joint > 0:
            bend = rng.normal(0, 8) if thumb else abs(rng.normal(5, 6)) - 2
            if bent:
                bend += rng.uniform(10, 28)
            side = _DEVIATION_DEG[number][joint - 1] + rng.normal(0, 1.8)
            frame = frame @ turn(side) @ flex(bend)
        bone, before = template.tubular[name], template.tubular[parent]
        v = tubular_shape(bone, person, rng, variation)
        radius = before.head_radius * person.breadth
        parent_vertices = posed.vertices[parent]
        pivot = parent_vertices[before.head].mean(axis=0) + radius * posed.frames[parent][:, 1]
        space = person.joint_mm * (0.85 if joint else 1.6 if thumb else 1.15) * rng.uniform(0.85, 1.15)
        posed.frames[name] = frame
        posed.vertices[name] = v @ frame.T + pivot - frame[:, 1] * (radius + space)
        parent = name
