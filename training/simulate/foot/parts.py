"""Parts of the foot found once on the template: joints, axes and regions as vertex numbers.

Foot frame (millimetres): the template turned about the vertical until the line from the heel to the
second metatarsal head points straight ahead: x laterally (left foot), y backwards, z up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.spatial import cKDTree

from training.simulate.foot.regions import find_regions
from training.simulate.people import People
from training.simulate.pose import Z_AXIS, rotation
from training.simulate.scene import FloatArray, IntArray

NUMBERS = ("first", "second", "third", "fourth", "fifth")
METATARSALS = tuple(f"{n}_metatarsal" for n in NUMBERS)
TOES: tuple[tuple[str, ...], ...] = (
    ("hallux_proximal_phalanx", "hallux_distal_phalanx"),
    *(tuple(f"{n}_toe_{p}_phalanx" for p in ("proximal", "middle", "distal")) for n in NUMBERS[1:]),
)
SESAMOIDS = ("hallux_sesamoid_1", "hallux_sesamoid_2")  # medial, lateral
LEG = ("tibia", "fibula")
MIDFOOT = ("navicular", "medial_cuneiform", "intermediate_cuneiform", "lateral_cuneiform", "cuboid")
BONES = (
    *LEG,
    "talus",
    "calcaneus",
    *MIDFOOT,
    *METATARSALS,
    *(bone for toe in TOES for bone in toe),
    *SESAMOIDS,
)

# What each metatarsal stands on.
BASES = ("medial_cuneiform", "intermediate_cuneiform", "lateral_cuneiform", "cuboid", "cuboid")
# Every joint: the bone nearer to the heel, then the bone that hangs on it, in the order of assembly.
JOINTS: tuple[tuple[str, str], ...] = (
    ("calcaneus", "talus"),
    ("talus", "tibia"),
    ("talus", "navicular"),
    ("calcaneus", "cuboid"),
    *(("navicular", bone) for bone in MIDFOOT[1:4]),
    *zip(BASES, METATARSALS, strict=True),
    *((metatarsal, toe[0]) for metatarsal, toe in zip(METATARSALS, TOES, strict=True)),
    *((toe[i], toe[i + 1]) for toe in TOES for i in range(len(toe) - 1)),
)
_CONTACT_MM = 3.2


@dataclass(frozen=True, eq=False)
class Contact:
    """A joint on the template: facing vertices of both bones, and the way across from the first bone.

    ``offset_mm`` [3] leads from the mean of the first facet to the mean of the second, ``normal`` [3]
    is the unit direction across the joint.
    """

    first: IntArray
    second: IntArray
    offset_mm: FloatArray
    normal: FloatArray


@dataclass(frozen=True, eq=False)
class FootParts:
    """What is known of the template's foot; see the module for the frame.

    ``matrix`` turns the whole-body frame into the foot frame. ``ends`` gives for long bones the vertices
    of the joint surface of the base and of the head (or the tuft). ``regions`` are further vertex sets by
    name.
    """

    matrix: FloatArray
    vertices: Mapping[str, FloatArray]
    faces: Mapping[str, IntArray]
    contacts: Mapping[tuple[str, str], Contact]
    ends: Mapping[str, tuple[IntArray, IntArray]]
    regions: Mapping[str, IntArray]


@lru_cache(maxsize=4)
def foot_parts(people: People) -> FootParts:
    """The parts of the template of these people; takes a second on the first call and is cached."""
    surfaces = {bone: people.template(bone) for bone in BONES}
    heel = surfaces["calcaneus"][0]
    heel = heel[heel[:, 1] > heel[:, 1].max() - 8.0].mean(axis=0)
    head = surfaces["second_metatarsal"][0]
    ahead = head[head[:, 1] < head[:, 1].min() + 8.0].mean(axis=0) - heel
    matrix = rotation(Z_AXIS, float(-90.0 - np.degrees(np.arctan2(ahead[1], ahead[0]))))
    vertices = {bone: v @ matrix.T for bone, (v, _) in surfaces.items()}
    faces = {bone: f for bone, (_, f) in surfaces.items()}
    contacts = {pair: _contact(vertices[pair[0]], vertices[pair[1]]) for pair in JOINTS}
    ends = _ends(vertices, contacts)
    facets = {f"{a}|{b}": contact.first for (a, b), contact in contacts.items()}
    facets |= {f"{b}|{a}": contact.second for (a, b), contact in contacts.items()}
    return FootParts(matrix, vertices, faces, contacts, ends, find_regions(vertices, faces, facets))


def _contact(first: FloatArray, second: FloatArray) -> Contact:
    distance, nearest = cKDTree(second).query(first)
    limit = max(_CONTACT_MM, float(distance.min()) + 1.5)
    one = np.flatnonzero(distance < limit).astype(np.int32)
    two = np.flatnonzero(cKDTree(first).query(second)[0] < limit).astype(np.int32)
    across = (second[nearest[one]] - first[one]).mean(axis=0)
    offset = second[two].mean(axis=0) - first[one].mean(axis=0)
    return Contact(one, two, offset, across / np.linalg.norm(across))


def _ends(
    vertices: Mapping[str, FloatArray], contacts: Mapping[tuple[str, str], Contact]
) -> dict[str, tuple[IntArray, IntArray]]:
    ends = {}
    for base, metatarsal in zip(BASES, METATARSALS, strict=True):
        along = _along(vertices[metatarsal])
        # The base of the fifth metatarsal lies between its styloid and its shaft, not on its facet.
        facet = contacts[base, metatarsal].second
        slab = np.flatnonzero((along > 0.14) & (along < 0.22)).astype(np.int32)
        head = np.flatnonzero(along > 0.87).astype(np.int32)
        ends[metatarsal] = (slab if metatarsal == "fifth_metatarsal" else facet, head)
    for metatarsal, toe in zip(METATARSALS, TOES, strict=True):
        joints = list(zip((metatarsal, *toe[:-1]), toe, strict=True))
        for index, (before, bone) in enumerate(joints):
            tuft = np.flatnonzero(_along(vertices[bone]) > 0.9).astype(np.int32)
            last = index + 1 == len(toe)
            ends[bone] = (
                contacts[before, bone].second,
                tuft if last else contacts[bone, toe[index + 1]].first,
            )
    return ends


def _along(v: FloatArray) -> FloatArray:
    """Place along the long axis of a bone that points forwards: 0 at its base, 1 at its tip."""
    direction = np.linalg.svd(v - v.mean(axis=0), full_matrices=False)[2][0]
    along = v @ direction * -np.sign(direction[1])
    return np.asarray((along - along.min()) / np.ptp(along))
