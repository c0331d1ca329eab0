"""Puts the bones of a person together as a foot that stands on the floor with a given posture.

Each bone is turned as a whole and hung on the bone before it at the centre of their joint. The sagittal
posture follows from heel and forefoot both bearing weight: talus and first metatarsal take the
declinations at which the arch, as high as the calcaneus puts it, just reaches the floor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from training.simulate.foot.parts import (
    BASES,
    BONES,
    JOINTS,
    LEG,
    METATARSALS,
    MIDFOOT,
    SESAMOIDS,
    TOES,
    FootParts,
)
from training.simulate.foot.posture import FootPosture
from training.simulate.people import Person
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, ramp, rotation, rotation_between
from training.simulate.rules import fit_sphere
from training.simulate.scene import FloatArray

# How much of a metatarsal's turn against the midfoot its cuneiform shares.
_SHARED = 0.35
# Largest turn of the talus on the calcaneus, seen from the side.
_SUBTALAR = 14.0


@dataclass
class _Assembly:
    """Bones before (``rest``) and after (``posed``) they are put together, with joint centres at rest."""

    parts: FootParts
    rest: dict[str, FloatArray]
    pivots: dict[str, FloatArray] = field(default_factory=dict)
    posed: dict[str, FloatArray] = field(default_factory=dict)
    turns: dict[str, FloatArray] = field(default_factory=dict)
    shifts: dict[str, FloatArray] = field(default_factory=dict)
    axes: dict[str, FloatArray] = field(default_factory=dict)

    def place(self, bone: str, matrix: FloatArray, pivot: FloatArray, target: FloatArray) -> None:
        """Turn a bone by ``matrix`` and put its point ``pivot`` (at rest) on ``target``."""
        self.turns[bone], self.shifts[bone] = matrix, target - matrix @ pivot
        self.posed[bone] = self.rest[bone] @ matrix.T + self.shifts[bone]

    def carried(self, bone: str, point: FloatArray) -> FloatArray:
        """Where a point at rest goes with a placed bone."""
        return np.asarray(self.turns[bone] @ point + self.shifts[bone])

    def hang(self, first: str, bone: str, matrix: FloatArray) -> None:
        """Turn a bone and hang it on ``first`` at the centre of its joint."""
        self.place(bone, matrix, self.pivots[bone], self.carried(first, self.pivots[bone]))

    def axis(self, bone: str) -> FloatArray:
        """Axis [3] of a long bone at rest, from base to head."""
        if bone not in self.axes:
            v = self.rest[bone]
            self.axes[bone] = _head(v, self.parts, bone) - _base(v, self.parts, bone)
        return self.axes[bone]


def stand(
    person: Person, parts: FootParts, posture: FootPosture, rng: np.random.Generator
) -> dict[str, FloatArray]:
    """Vertices [V, 3] by bone in the foot frame, lowest point of the calcaneus at z = 0.

    ``rng`` draws nothing that a measurement measures.
    """
    rest = {bone: person.vertices[bone] @ parts.matrix.T for bone in BONES}
    _lengthen(rest, posture)
    _tilt_articular_surface(rest, parts, posture.articular_tilt_deg)
    _tilt_plafond(rest, parts, posture.plafond_tilt_deg)
    _settle(rest, parts, posture, person.size)
    work = _Assembly(parts, rest)
    work.pivots.update(_pivots(rest, parts))
    _hindfoot(work, posture)
    directions = _metatarsal_directions(work, posture)
    _midfoot_and_metatarsals(work, posture, directions, rng)
    _toes(work, posture, directions)
    return work.posed


def _base(v: FloatArray, parts: FootParts, bone: str) -> FloatArray:
    return np.asarray(v[parts.ends[bone][0]].mean(axis=0))


def _head(v: FloatArray, parts: FootParts, bone: str) -> FloatArray:
    head = v[parts.ends[bone][1]]
    return fit_sphere(head)[0] if bone in METATARSALS else np.asarray(head.mean(axis=0))


def _lengthen(rest: dict[str, FloatArray], posture: FootPosture) -> None:
    for bone, factor in zip(METATARSALS, posture.lengths, strict=True):
        v = rest[bone]
        middle = v.mean(axis=0)
        axis = np.linalg.svd(v - middle, full_matrices=False)[2][0]
        rest[bone] = v + ((v - middle) @ axis)[:, None] * axis * (factor - 1.0)


def _tilt_articular_surface(rest: dict[str, FloatArray], parts: FootParts, degrees: float) -> None:
    """Turn the distal joint surface of the first metatarsal about the vertical, laterally if positive."""
    bone = "first_metatarsal"
    v = rest[bone]
    head, base = _head(v, parts, bone), _base(v, parts, bone)
    reach = (v - base) @ (head - base) / float((head - base) @ (head - base))
    amount = np.deg2rad(degrees) * ramp(reach, 0.8, 1.05)
    c, s = np.cos(amount), np.sin(amount)
    x, y = (v[:, :2] - head[:2]).T
    turned = np.stack([c * x - s * y, s * x + c * y], axis=1) + head[:2]
    rest[bone] = np.column_stack([turned, v[:, 2]])


def _tilt_plafond(rest: dict[str, FloatArray], parts: FootParts, degrees: float) -> None:
    """Bend the leg above the ankle: backwards if positive, so that the plafond faces further forwards."""
    joint = rest["tibia"][parts.regions["plafond"]].mean(axis=0)
    for bone in LEG:
        v = rest[bone]
        amount = np.deg2rad(degrees) * ramp(v[:, 2] - joint[2], 5.0, 45.0)
        c, s = np.cos(amount), np.sin(amount)
        y, z = (v[:, 1:] - joint[1:]).T
        rest[bone] = np.column_stack([v[:, 0], c * y + s * z + joint[1], c * z - s * y + joint[2]])


def _settle(rest: dict[str, FloatArray], parts: FootParts, posture: FootPosture, size: float) -> None:
    """Set every joint space: shift each bone until its facet lies off the one before it as it should."""
    tarsal, tarsometatarsal, mtp, ankle = posture.joint_space
    for first, bone in JOINTS:
        contact = parts.contacts[first, bone]
        width = mtp if first in METATARSALS or "phalanx" in first else tarsal
        width = tarsometatarsal if bone in METATARSALS else ankle if bone == "tibia" else width
        gap = contact.offset_mm * size + contact.normal * (width - 1.0) * 1.4 * size
        shift = rest[first][contact.first].mean(axis=0) + gap - rest[bone][contact.second].mean(axis=0)
        for follower in (bone, *_FOLLOWERS.get(bone, ())):
            rest[follower] = rest[follower] + shift


_FOLLOWERS = {"tibia": ("fibula",), "first_metatarsal": SESAMOIDS}


def _pivots(rest: dict[str, FloatArray], parts: FootParts) -> dict[str, FloatArray]:
    """The centre of every joint at rest, by the bone beyond it."""
    pivots = {}
    for first, bone in JOINTS:
        contact = parts.contacts[first, bone]
        facing = (rest[first][contact.first], rest[bone][contact.second])
        pivots[bone] = (facing[0].mean(axis=0) + facing[1].mean(axis=0)) / 2.0
        if bone == "navicular" or bone == "tibia":
            pivots[bone] = fit_sphere(facing[0])[0]
        elif first in METATARSALS:
            pivots[bone] = _head(rest[first], parts, first)
    # The talus turns on the calcaneus about the canal between its facets, behind its head.
    pivots["talus"] = (pivots["talus"] + pivots["navicular"]) / 2.0
    return pivots


def _declination(direction: FloatArray) -> float:
    """Degrees by which a direction points down, seen from the side (forwards is -y)."""
    return float(np.degrees(np.arctan2(-direction[2], -direction[1])))


def _azimuth(direction: FloatArray) -> float:
    """Degrees by which a direction points laterally, seen from above."""
    return float(np.degrees(np.arctan2(direction[0], -direction[1])))


def _tilted(declination_deg: float, azimuth_deg: float) -> FloatArray:
    """Turn of a bone by changes of declination and azimuth."""
    return np.asarray(rotation(Z_AXIS, azimuth_deg) @ rotation(X_AXIS, declination_deg))


def _towards(axis: FloatArray, declination_deg: float, azimuth_deg: float, roll_deg: float) -> FloatArray:
    """Turn that gives an axis this declination (from the side) and azimuth (from above), then rolls it."""
    target = np.array([np.tan(np.deg2rad(azimuth_deg)), -1.0, -np.tan(np.deg2rad(declination_deg))])
    return np.asarray(rotation(target, roll_deg) @ rotation_between(axis, target))


def talus_axis(v: FloatArray, parts: FootParts) -> FloatArray:
    """Axis [3] of the talus from the middle of its neck to the middle of its head, seen from the side.

    The middles are those a reader takes on a lateral film: halfway between dorsal and plantar outline.
    """
    neck = (
        v[parts.regions["neck_dorsal"]].mean(axis=0) + v[parts.regions["neck_plantar"]].mean(axis=0)
    ) / 2.0
    head = v[parts.regions["talus_head"]]
    along = (head.mean(axis=0) - neck)[1:]
    height = head[:, 1:] @ np.array([-along[1], along[0]])
    return np.asarray((head[height.argmax()] + head[height.argmin()]) / 2.0 - neck)


def meary_deg(vertices: Mapping[str, FloatArray], parts: FootParts) -> float:
    """The talus-first metatarsal angle of a posed foot in the sagittal plane, positive for a high arch."""
    v = vertices["first_metatarsal"]
    first = _head(v, parts, "first_metatarsal") - _base(v, parts, "first_metatarsal")
    return _declination(first) - _declination(talus_axis(vertices["talus"], parts))


def _hindfoot(work: _Assembly, posture: FootPosture) -> None:
    parts, rest = work.parts, work.rest
    heel = rest["calcaneus"]
    low, front = (heel[parts.regions[name]] for name in ("tuber_plantar", "anterior_plantar"))
    line = front[front[:, 2].argmin()] - low[low[:, 2].argmin()]
    matrix = rotation(Y_AXIS, -posture.heel_roll_deg) @ _tilted(-posture.pitch_deg - _declination(line), 0.0)
    work.place("calcaneus", matrix, heel.mean(axis=0), np.zeros(3))
    floor = float(work.posed["calcaneus"][:, 2].min())
    work.place("calcaneus", matrix, heel.mean(axis=0), np.array([0.0, 0.0, -floor]))
    declination = _talus_declination(work, posture)
    start = _talus_start(work, posture)
    # Talus and calcaneus turn against each other no further than their facets allow.
    with_heel = posture.pitch_deg + _declination(line)
    tilt = rotation(
        X_AXIS, float(np.clip(declination - start, -with_heel - _SUBTALAR, -with_heel + _SUBTALAR))
    )
    work.hang("calcaneus", "talus", tilt @ rotation(Z_AXIS, -posture.coverage_deg))
    upright = rotation_between(_leg_axis(rest["tibia"]), Z_AXIS)
    twist = rotation(Z_AXIS, -posture.coverage_deg + posture.leg_rotation_deg)
    lean = rotation(Y_AXIS, posture.leg_varus_deg) @ rotation(X_AXIS, posture.ankle_deg) @ twist @ upright
    for bone in LEG:
        work.place(bone, lean, work.pivots["tibia"], work.carried("talus", work.pivots["tibia"]))


def _leg_axis(tibia: FloatArray) -> FloatArray:
    """Direction [3] up the shaft of the tibia."""
    low, high = tibia[:, 2].min(), tibia[:, 2].max()
    levels = low + (high - low) * np.array([0.2, 0.7])
    lower, upper = (tibia[np.abs(tibia[:, 2] - level) < 12.0] for level in levels)
    return np.asarray(upper.min(axis=0) + upper.max(axis=0) - lower.min(axis=0) - lower.max(axis=0))


def _talus_start(work: _Assembly, posture: FootPosture) -> float:
    """Declination of the talus at rest, once it is turned against the navicular.

    The turn comes first, because it changes which parts of neck and head form the outline.
    """
    turned = work.rest["talus"] @ rotation(Z_AXIS, -posture.coverage_deg).T
    return _declination(talus_axis(turned, work.parts))


def _stands_at(work: _Assembly, bone: str) -> float:
    """Height of the centre of a metatarsal head above its own lowest point or its sesamoids'."""
    own = work.rest[bone]
    low = float(own[:, 2].min())
    if bone == "first_metatarsal":
        low = min(low, *(float(work.rest[s][:, 2].min()) for s in SESAMOIDS))
    return float(_head(own, work.parts, bone)[2]) - low


def _talus_declination(work: _Assembly, posture: FootPosture) -> float:
    """The declination of the talus at which the first metatarsal head reaches the floor."""
    rest, pivots = work.rest, work.pivots
    start = _talus_start(work, posture)
    first = work.axis("first_metatarsal")
    length, declination = float(np.linalg.norm(first)), _declination(first)
    canal = float(work.carried("calcaneus", pivots["talus"])[2])
    to_head = rotation(Z_AXIS, -posture.coverage_deg) @ (pivots["navicular"] - pivots["talus"])
    bridge = pivots["first_metatarsal"] - pivots["navicular"]
    foot = _base(rest["first_metatarsal"], work.parts, "first_metatarsal") - pivots["first_metatarsal"]
    wanted = _stands_at(work, "first_metatarsal")

    def height(talus_deg: float) -> float:
        metatarsal = talus_deg + posture.meary_deg
        bend = 0.5 * (talus_deg - start + metatarsal - declination) + posture.sag_deg
        z = canal + (_tilted(talus_deg - start, 0.0) @ to_head)[2] + (_tilted(bend, 0.0) @ bridge)[2]
        z += (_tilted(metatarsal - declination, 0.0) @ foot)[2]
        return float(z - length * np.sin(np.deg2rad(metatarsal)) - wanted)

    return _falls_to_zero(height, -5.0, 55.0)


def _falls_to_zero(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function passes zero between two limits; the nearer limit if it does not."""
    for _ in range(20):
        middle = (low + high) / 2.0
        low, high = (middle, high) if function(middle) > 0.0 else (low, middle)
    return low


def _metatarsal_directions(work: _Assembly, posture: FootPosture) -> FloatArray:
    """Azimuth [5] of the metatarsals."""
    second = _azimuth(work.axis("second_metatarsal")) + posture.abduction_deg - posture.adductus_deg
    first = second - posture.intermetatarsal_1_2_deg
    fifth = first + posture.intermetatarsal_1_5_deg
    third, fourth = second + (fifth - second) * np.array([0.22, 0.57]) + posture.fan_deg
    return np.array([first, second, third, fourth, fifth])


def _midfoot_and_metatarsals(
    work: _Assembly, posture: FootPosture, directions: FloatArray, rng: np.random.Generator
) -> None:
    talus = _declination(talus_axis(work.posed["talus"], work.parts))
    start = _talus_start(work, posture)
    axis = work.axis("first_metatarsal")
    first = talus + posture.meary_deg
    bend = 0.5 * (talus - start + first - _declination(axis)) + posture.sag_deg
    turn = _tilted(bend, posture.abduction_deg)
    work.hang("talus", "navicular", turn)
    for bone, metatarsal, direction in zip(MIDFOOT[1:4], METATARSALS, directions, strict=False):
        own = direction - _azimuth(work.axis(metatarsal)) - posture.abduction_deg
        work.hang("navicular", bone, _tilted(bend, posture.abduction_deg + _SHARED * own))
    work.hang("calcaneus", "cuboid", _tilted(_cuboid_declination(work, posture), posture.abduction_deg))
    pronation = 0.25 * (posture.hallux_valgus_deg - 10.0)
    for number, (base, bone, direction) in enumerate(zip(BASES, METATARSALS, directions, strict=True)):
        axis = work.axis(bone)
        declination = _resting(work, base, bone)
        roll = pronation if number == 0 else float(rng.normal(0.0, 2.0))
        work.hang(base, bone, _towards(axis, declination, float(direction), roll))
    lag = np.array([float(np.clip(0.24 * (posture.hallux_valgus_deg - 12.0), -1.5, 8.5)), 0.0, 0.0])
    for bone in SESAMOIDS:
        matrix = work.turns["first_metatarsal"]
        head = _head(work.rest["first_metatarsal"], work.parts, "first_metatarsal")
        work.place(bone, matrix, head, work.carried("first_metatarsal", head) + lag)


def _cuboid_declination(work: _Assembly, posture: FootPosture) -> float:
    """Turn of the cuboid that puts the fifth metatarsal at the slope of this arch."""
    bone = "fifth_metatarsal"
    slope = np.deg2rad(np.clip(11.0 + 0.45 * (posture.pitch_deg - 20.0), 4.0, 20.0))
    wanted = _stands_at(work, bone) + float(np.linalg.norm(work.axis(bone))) * np.sin(slope)
    # The joint lies lower than the line from base to head.
    wanted += work.pivots[bone][2] - _base(work.rest[bone], work.parts, bone)[2]
    start = float(work.carried("calcaneus", work.pivots["cuboid"])[2])
    reach = work.pivots[bone] - work.pivots["cuboid"]
    return _falls_to_zero(lambda deg: start + (_tilted(deg, 0.0) @ reach)[2] - wanted, -18.0, 18.0)


def _resting(work: _Assembly, base: str, bone: str) -> float:
    """The declination at which a metatarsal, hung on its base, rests with its head on the floor."""
    axis = work.axis(bone)
    start = work.carried(base, work.pivots[bone])[2]
    drop = start - _stands_at(work, bone)
    sine = float(np.clip(drop / np.linalg.norm(axis), -0.1, 0.75))
    return float(np.degrees(np.arcsin(sine)))


def _toes(work: _Assembly, posture: FootPosture, directions: FloatArray) -> None:
    hallux = directions[0] + posture.hallux_valgus_deg
    pronation = 0.5 * (posture.hallux_valgus_deg - 10.0)
    azimuths = [np.array([hallux, hallux + posture.hallux_interphalangeus_deg])]
    declinations = [posture.hallux_declinations_deg]
    pressed = hallux
    for number in range(4):
        own = directions[number + 1] + posture.toe_directions_deg[number]
        # A hallux that leans over pushes the toes beside it along.
        push = max(0.0, pressed - 6.0 - float(own[0]))
        azimuths.append(own + push)
        declinations.append(posture.toe_declinations_deg[number])
        pressed = float(own[0]) + 0.6 * push
    for metatarsal, toe, azimuth, declination in zip(METATARSALS, TOES, azimuths, declinations, strict=True):
        before = metatarsal
        for bone, a, d in zip(toe, azimuth, declination, strict=True):
            roll = pronation if before == METATARSALS[0] or toe is TOES[0] else 0.0
            work.hang(before, bone, _towards(work.axis(bone), float(d), float(a), roll))
            before = bone
