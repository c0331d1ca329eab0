"""Both legs under a pelvis: a person who stands before a long film, in body axes (x left, y back, z up)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from training.simulate.knee.joint import build_leg
from training.simulate.knee.regions import LegRegions, leg_regions
from training.simulate.knee.shape import LegShape, draw_leg_shape
from training.simulate.people import People, Person
from training.simulate.pose import Y_AXIS, Z_AXIS, rotation
from training.simulate.rules import fit_sphere
from training.simulate.scene import FloatArray, IntArray

FOOT = (
    "talus",
    "calcaneus",
    "navicular",
    "cuboid",
    "medial_cuneiform",
    "first_metatarsal",
    "second_metatarsal",
    "third_metatarsal",
    "fourth_metatarsal",
    "fifth_metatarsal",
)
BELOW = ("tibia", "fibula", *FOOT)
ABOVE = ("femur", "patella")
LEG = (*ABOVE, *BELOW)
SIDES = ("left", "right")
SUFFIX: Mapping[str, str] = {"left": "", "right": "_right"}
_MIRROR = np.array([-1.0, 1.0, 1.0])
# The right leg shares this part of what makes the left one special.
_ALIKE = 0.6


@dataclass(frozen=True)
class Stance:
    """How someone stands: degrees and millimetres, ``turned_out_deg`` and ``ankle_out_mm`` left then right.

    ``longer`` are the factors by which femur and lower leg of the right side differ from the left,
    ``level`` is the part of a difference in length that the pelvis takes up by tilting.
    """

    shapes: tuple[LegShape, LegShape]
    longer: tuple[float, float]
    turned_out_deg: tuple[float, float]
    ankle_out_mm: tuple[float, float]
    level: float


def draw_stance(rng: np.random.Generator) -> Stance:
    """A random stance, knees straight or nearly so."""
    left = draw_leg_shape(rng, float(np.clip(rng.normal(2.0, 4.0), -6.0, 14.0)))
    right = draw_leg_shape(rng, float(np.clip(left.flexion_deg + rng.normal(0.0, 2.0), -6.0, 16.0)))
    shared = ("ldfa_deg", "mpta_deg", "ldta_deg", "slope_deg", "neck_turn_deg", "bow_mm", "patella_ratio")
    alike = {
        key: _ALIKE * getattr(left, key) + (1.0 - _ALIKE) * getattr(right, key) for key in (*shared, "groove")
    }
    spread = 0.022 if rng.random() < 0.2 else 0.005
    longer = rng.normal(1.0, spread, 2)
    out = rng.normal(-4.0, 6.0, 2)
    apart = rng.uniform(45.0, 125.0)
    return Stance(
        shapes=(left, replace(right, **alike)),
        longer=(float(longer[0]), float(longer[1])),
        turned_out_deg=(float(np.clip(out[0], -20.0, 16.0)), float(np.clip(out[1], -20.0, 16.0))),
        ankle_out_mm=(float(apart + rng.normal(0.0, 8.0)), float(apart + rng.normal(0.0, 8.0))),
        level=float(rng.uniform(0.4, 1.0)),
    )


@dataclass(frozen=True, eq=False)
class Standing:
    """Bones in body axes by scene name, and the centres of hip, knee and ankle [3] of each side."""

    bones: dict[str, FloatArray]
    centres: Mapping[str, tuple[FloatArray, FloatArray, FloatArray]]


def stand(rng: np.random.Generator, people: People, person: Person, stance: Stance) -> Standing:
    """Shape both legs and put them under the pelvis, feet level as far as the pelvis tilts for it."""
    regions = leg_regions(people)
    legs: dict[str, dict[str, FloatArray]] = {}
    lengths = []
    for number, side in enumerate(SIDES):
        leg = {}
        for name in LEG:
            grown = stance.longer[0 if name in ABOVE else 1] if side == "right" else 1.0
            v = person.vertices[name + SUFFIX[side]] * (_MIRROR if side == "right" else 1.0)
            leg[name] = v * grown
        build_leg(leg, BELOW, regions, stance.shapes[number], rng)
        legs[side] = leg
        hip, ankle = _ends(leg, regions)
        lengths.append(float(np.linalg.norm(hip - ankle)))
    pelvis, sockets = _pelvis(people, person, stance, lengths)
    bones = dict(pelvis)
    centres = {}
    for number, side in enumerate(SIDES):
        sign = 1.0 if side == "left" else -1.0
        socket = sockets[side] * np.array([sign, 1.0, 1.0])
        placed = _under(
            legs[side], regions, socket, stance.ankle_out_mm[number], stance.turned_out_deg[number]
        )
        for name, v in placed.items():
            bones[name + SUFFIX[side]] = v * np.array([sign, 1.0, 1.0])
        hip, ankle = _ends(placed, regions)
        tibia = placed["tibia"]
        floors = (regions.tibia.floor_medial, regions.tibia.floor_lateral)
        knee = sum(tibia[floor].mean(axis=0) for floor in floors) / 2.0
        mirror = np.array([sign, 1.0, 1.0])
        centres[side] = (hip * mirror, knee * mirror, ankle * mirror)
    return Standing(bones, centres)


def _ends(leg: Mapping[str, FloatArray], regions: LegRegions) -> tuple[FloatArray, FloatArray]:
    """Centres of the femoral head and of the plafond."""
    hip, _ = fit_sphere(leg["femur"][regions.femur.head])
    return hip, leg["tibia"][regions.tibia.plafond].mean(axis=0)


@lru_cache(maxsize=4)
def _socket(people: People) -> IntArray:
    """The vertices of the hip bone that face the femoral head, found on the template."""
    femur, _ = people.template("femur")
    centre, radius = fit_sphere(femur[leg_regions(people).femur.head])
    hip_bone, _ = people.template("hip_bone")
    far = np.linalg.norm(hip_bone - centre, axis=1)
    return np.flatnonzero((far < radius + 6.0) & (far > radius - 1.5)).astype(np.int32)


def _pelvis(
    people: People, person: Person, stance: Stance, lengths: list[float]
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Hip bones and sacrum, tilted for legs of unequal length, and the centres of both sockets."""
    bones = {name: person.vertices[name] for name in ("hip_bone", "hip_bone_right", "sacrum")}
    cups = _socket(people)
    left, right = (fit_sphere(bones[name][cups])[0] for name in ("hip_bone", "hip_bone_right"))
    drop = []
    for length, hip, out in zip(lengths, (left[0], -right[0]), stance.ankle_out_mm, strict=True):
        drop.append(float(np.sqrt(length**2 - (hip - out) ** 2)))
    # A positive turn about the axis that points backwards lowers the left side.
    tilt = np.degrees(np.arctan2(stance.level * (drop[1] - drop[0]), left[0] - right[0]))
    middle = (left + right) / 2.0
    turned = rotation(Y_AXIS, float(tilt))
    moved = {name: (v - middle) @ turned.T for name, v in bones.items()}
    return moved, {"left": turned @ (left - middle), "right": turned @ (right - middle)}


def _under(
    leg: Mapping[str, FloatArray],
    regions: LegRegions,
    socket: FloatArray,
    ankle_out_mm: float,
    turned_out_deg: float,
) -> dict[str, FloatArray]:
    """The leg (as a left one) hung from its socket, with the ankle at a distance from the midline."""
    hip, ankle = _ends(leg, regions)
    length = float(np.linalg.norm(hip - ankle))
    own_z = (hip - ankle) / length
    own_x = np.array([1.0, 0.0, 0.0]) - own_z[0] * own_z
    lean = np.arcsin((socket[0] - ankle_out_mm) / length)
    new_z = np.array([np.sin(lean), 0.0, np.cos(lean)])
    new_x = np.array([np.cos(lean), 0.0, -np.sin(lean)])
    # Turning out brings the front (negative y) to the outside (x).
    spin = rotation(Z_AXIS, turned_out_deg)
    own = np.stack([own_x / np.linalg.norm(own_x), np.cross(own_z, own_x / np.linalg.norm(own_x)), own_z])
    new = np.stack([new_x, np.cross(new_z, new_x), new_z])
    matrix = new.T @ spin @ own
    return {name: (v - hip) @ matrix.T + socket for name, v in leg.items()}
