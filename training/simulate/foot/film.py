"""What the views of the foot have in common: bones with their mineral, soft tissue, place in the beam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from training.simulate.foot.assembly import stand
from training.simulate.foot.parts import BASES, BONES, LEG, METATARSALS, TOES, FootParts, foot_parts
from training.simulate.foot.posture import FootPosture
from training.simulate.people import People
from training.simulate.placement import Placement
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, rotation
from training.simulate.scene import Bone, Capsule, FloatArray, GrowthPlate

_CHILD_PROBABILITY = 0.12
_LEG_MM = 230.0


def from_the_side(turns_deg: tuple[float, float, float], mediolateral: bool) -> FloatArray:
    """Matrix from the foot frame to a lateral film with the toes to the left.

    ``turns_deg``: about the vertical (toes towards the film if positive), about the long axis of the foot
    and about the beam. A mediolateral film is looked at from behind, so its matrix mirrors.
    """
    side = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [1.0 if mediolateral else -1.0, 0.0, 0.0]])
    turn = rotation(Z_AXIS, turns_deg[2]) @ rotation(X_AXIS, turns_deg[1]) @ rotation(Y_AXIS, turns_deg[0])
    return np.asarray(turn @ side)


def _build_bones(
    vertices: Mapping[str, FloatArray],
    parts: FootParts,
    place: Placement,
    size: float,
    rng: np.random.Generator,
) -> tuple[Bone, ...]:
    """The bones of one exposure with random mineral, and with open growth plates in some feet."""
    density = float(rng.uniform(0.7, 1.2))
    cortex = float(rng.uniform(0.75, 1.3)) * size
    thickness = {"tibia": 4.2, "fibula": 2.6, "first_metatarsal": 2.6, "calcaneus": 1.2, "talus": 1.2}
    plates = _growth_plates(vertices, parts, rng, size) if rng.random() < _CHILD_PROBABILITY else {}
    bones = []
    for name in BONES:
        own: tuple[GrowthPlate, ...] = ()
        if name in plates:
            plate = plates[name]
            axis = place.matrix @ plate.axis
            own = (GrowthPlate(place(plate.centre_mm), axis, plate.gap_mm, plate.epiphysis_width),)
        usual = thickness.get(name, 1.0)
        usual = 2.2 if name in METATARSALS[1:] else 1.4 if "phalanx" in name else usual
        bones.append(
            Bone(
                name,
                place(vertices[name]),
                place.faces(parts.faces[name]),
                usual * cortex,
                density * float(rng.uniform(0.95, 1.05)),
                own,
            )
        )
    return tuple(bones)


@dataclass(frozen=True, eq=False)
class PlacedFoot:
    """A person's foot in the beam: ``vertices`` in the foot frame, ``bones`` and ``tissue`` in the scene."""

    parts: FootParts
    vertices: Mapping[str, FloatArray]
    bones: tuple[Bone, ...]
    tissue: tuple[Capsule, ...]


def draw_foot(
    rng: np.random.Generator, people: People, posture: FootPosture, matrix: FloatArray, central_bone: str
) -> PlacedFoot:
    """A random person's foot in a posture, turned to the scene by ``matrix`` [3, 3].

    The central ray passes through the middle of ``central_bone``.
    """
    parts = foot_parts(people)
    person = people.draw(rng, BONES)
    vertices = stand(person, parts, posture, rng)
    place = Placement(matrix, vertices[central_bone].mean(axis=0))
    bones = _build_bones(vertices, parts, place, person.size, rng)
    return PlacedFoot(parts, vertices, bones, _soft_tissue(vertices, place, person.size, rng))


def _growth_plates(
    vertices: Mapping[str, FloatArray], parts: FootParts, rng: np.random.Generator, size: float
) -> dict[str, GrowthPlate]:
    """Open physes: first metatarsal and phalanges at the base, other metatarsals at the neck, distal leg."""
    gap = float(rng.uniform(0.7, 2.0)) * size
    plates = {}
    for name in (*METATARSALS, *(toe[0] for toe in TOES), TOES[0][1]):
        ends = [vertices[name][numbers].mean(axis=0) for numbers in parts.ends[name]]
        axis = ends[1] - ends[0]
        distal = name in METATARSALS[1:]
        centre = ends[0] + axis * (0.84 if distal else 0.14 if name in METATARSALS else 0.2)
        unit = axis / np.linalg.norm(axis) * (1.0 if distal else -1.0)
        plates[name] = GrowthPlate(centre, unit, gap, float(rng.uniform(0.92, 1.0)))
    shaft = vertices["tibia"]
    joint = shaft[parts.regions["plafond"]].mean(axis=0)
    down = joint - shaft[parts.regions["tibial_shaft"]].mean(axis=0)
    down /= np.linalg.norm(down)
    for name, height in (("tibia", 10.0), ("fibula", 0.0)):
        v = vertices[name]
        slab = v[np.abs((v - joint) @ down + height * size) < 4.0]
        plates[name] = GrowthPlate((slab.min(axis=0) + slab.max(axis=0)) / 2.0, down, gap, 1.0)
    return plates


def _soft_tissue(
    vertices: Mapping[str, FloatArray], place: Placement, size: float, rng: np.random.Generator
) -> tuple[Capsule, ...]:
    """Heel, sole, instep, toes and lower leg."""
    fat = size * float(rng.uniform(0.92, 1.15))
    middle = {name: v.mean(axis=0) for name, v in vertices.items()}
    heel = vertices["calcaneus"]
    back = heel[heel[:, 1] > np.quantile(heel[:, 1], 0.85)].mean(axis=0)
    tuber = np.array([back[0], back[1] - 15.0 * size, heel[:, 2].min() + 13.0 * size])
    chains: list[list[tuple[FloatArray, float]]] = [
        [(tuber, 26.0), (middle["calcaneus"], 28.0), (middle["talus"], 25.0), (middle["navicular"], 21.5)],
        [(tuber, 25.0), (middle["cuboid"] - [0.0, 0.0, 4.0 * size], 21.0)],
    ]
    for number, (base, metatarsal, toe) in enumerate(zip(BASES, METATARSALS, TOES, strict=True)):
        v = vertices[metatarsal]
        head = v[v[:, 1] < np.quantile(v[:, 1], 0.2)].mean(axis=0) - [0.0, 0.0, 2.0 * size]
        big = number == 0
        chain = [(middle[base], 19.5), (middle[metatarsal], 17.0), (head, 16.0 if big else 13.5)]
        chain += [(middle[bone], 11.5 if big else 8.5 - 0.8 * i) for i, bone in enumerate(toe)]
        last = vertices[toe[-1]]
        chain.append((last[last[:, 1].argmin()], 9.0 if big else 5.5))
        chains.append(chain)
    leg = _leg(vertices, size)
    # The tendon of the calf, from the back of the heel.
    top = np.array([back[0], back[1] - 4.0 * size, float(heel[heel[:, 1] > back[1], 2].max()) - 6.0 * size])
    calf = leg[2][0] + np.array([0.0, 7.0, 0.0]) * size
    ankle = (leg[0][0] + top) / 2.0
    chains += [leg, [(top, 14.0), (calf, 26.0)], [(tuber, 24.0), (top, 14.0)], [(ankle, 24.0), (calf, 26.0)]]
    return tuple(
        Capsule(place(a), place(b), ra * fat, rb * fat)
        for chain in chains
        for (a, ra), (b, rb) in pairwise(chain)
    )


def _leg(vertices: Mapping[str, FloatArray], size: float) -> list[tuple[FloatArray, float]]:
    """Ankle and calf, up to the end of what a film of the foot can show."""
    leg = np.concatenate([vertices[name] for name in LEG])
    low = float(vertices["tibia"][:, 2].min())
    chain = []
    for height, back, radius in (
        (0.0, 4.0, 33.0),
        (35.0, 5.0, 32.0),
        (90.0, 8.0, 36.0),
        (_LEG_MM, 14.0, 52.0),
    ):
        level = low + height * size
        slab = leg[np.abs(leg[:, 2] - level) < 8.0 * size]
        centre = (slab.min(axis=0) + slab.max(axis=0)) / 2.0 if len(slab) else leg.mean(axis=0)
        chain.append((np.array([centre[0], centre[1] + back * size, level]), radius))
    return chain
