"""How bones of one person are put together: each follows the neighbour it is jointed with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
from scipy.spatial import cKDTree

from training.simulate.scene import FloatArray, IntArray
from training.simulate.shapes import template_surface


def _rays(prefix: str, base: str, names: Iterable[str]) -> dict[str, str]:
    """Phalanges of one ray, each with the bone before it."""
    chain = [base, *(f"{prefix}_{name}_phalanx" for name in names)]
    return dict(zip(chain[1:], chain[:-1], strict=True))


_THREE = ("proximal", "middle", "distal")
_TWO = ("proximal", "distal")
_SPINE = [f"l{k}" for k in range(5, 0, -1)] + [f"t{k}" for k in range(12, 0, -1)]
_SPINE += [f"c{k}" for k in range(7, 0, -1)]

NEIGHBOURS: Mapping[str, str] = MappingProxyType(
    {
        "hip_bone": "sacrum",
        "femur": "hip_bone",
        "tibia": "femur",
        "fibula": "tibia",
        "patella": "femur",
        "talus": "tibia",
        "calcaneus": "talus",
        "navicular": "talus",
        "cuboid": "calcaneus",
        "medial_cuneiform": "navicular",
        "intermediate_cuneiform": "navicular",
        "lateral_cuneiform": "navicular",
        "first_metatarsal": "medial_cuneiform",
        "second_metatarsal": "intermediate_cuneiform",
        "third_metatarsal": "lateral_cuneiform",
        "fourth_metatarsal": "cuboid",
        "fifth_metatarsal": "cuboid",
        "hallux_sesamoid_1": "first_metatarsal",
        "hallux_sesamoid_2": "first_metatarsal",
        **_rays("hallux", "first_metatarsal", _TWO),
        **_rays("second_toe", "second_metatarsal", _THREE),
        **_rays("third_toe", "third_metatarsal", _THREE),
        **_rays("fourth_toe", "fourth_metatarsal", _THREE),
        **_rays("fifth_toe", "fifth_metatarsal", _THREE),
        "ulna": "humerus",
        "radius": "ulna",
        "scaphoid": "radius",
        "lunate": "radius",
        "triquetrum": "lunate",
        "pisiform": "triquetrum",
        "capitate": "lunate",
        "hamate": "capitate",
        "trapezium": "scaphoid",
        "trapezoid": "scaphoid",
        "first_metacarpal": "trapezium",
        "second_metacarpal": "trapezoid",
        "third_metacarpal": "capitate",
        "fourth_metacarpal": "hamate",
        "fifth_metacarpal": "hamate",
        **_rays("thumb", "first_metacarpal", _TWO),
        **_rays("index", "second_metacarpal", _THREE),
        **_rays("middle", "third_metacarpal", _THREE),
        **_rays("ring", "fourth_metacarpal", _THREE),
        **_rays("little", "fifth_metacarpal", _THREE),
        **dict(zip(_SPINE, ["sacrum", *_SPINE[:-1]], strict=True)),
    }
)
"""The bone that each bone follows, by key."""

# Bones that lie along their neighbour and meet it at both ends.
_MEETING_TWICE = ("fibula", "radius")
_GAP_MM = 4.0
_PAIRS = 150
# How strongly a bone keeps its own orientation, relative to the spread of its joint surface.
_STIFFNESS = 0.6
_SYMPHYSIS_MM = 9.0


@dataclass(frozen=True, eq=False)
class Contact:
    """Vertices [K] of a bone and of its neighbour that face each other across a joint of the template.

    ``gaps`` [K, 3] are the vectors in mm from the neighbour's vertices to the bone's.
    """

    own: IntArray
    other: IntArray
    gaps: FloatArray


@lru_cache(maxsize=256)
def contact(anatomy: Path, bone: str, other: str) -> Contact:
    """Where two bones of the template meet: the closest pairs of vertices, within 4 mm of the closest one."""
    a, b = template_surface(anatomy, bone)[0], template_surface(anatomy, other)[0]
    distance, nearest = cKDTree(b).query(a)
    parts = [np.arange(len(a))]
    if bone in _MEETING_TWICE:
        upper = a[:, 2] > (a[:, 2].min() + a[:, 2].max()) / 2.0
        parts = [np.flatnonzero(upper), np.flatnonzero(~upper)]
    chosen = []
    for part in parts:
        order = part[np.argsort(distance[part])]
        order = order[distance[order] < distance[order[0]] + _GAP_MM]
        chosen.append(order[np.linspace(0, len(order) - 1, _PAIRS).astype(np.int32)])
    own = np.concatenate(chosen).astype(np.int32)
    met = nearest[own].astype(np.int32)
    return Contact(own, met, a[own] - b[met])


@lru_cache(maxsize=8)
def _symphysis(anatomy: Path) -> IntArray:
    """Vertices of the left hip bone that face the right one."""
    across = template_surface(anatomy, "hip_bone")[0][:, 0]
    return np.flatnonzero(across < across.min() + _SYMPHYSIS_MM / 2.0).astype(np.int32)


def assemble(anatomy: Path, vertices: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Left and midline bones [V, 3] moved, but not bent, so that joint surfaces lie as in the template.

    A bone whose neighbour is not there stays where it is. Template bones come back unchanged.
    """
    placed: dict[str, FloatArray] = {}

    def place(bone: str) -> FloatArray:
        if bone not in placed:
            other = NEIGHBOURS.get(bone)
            follows = other is not None and other in vertices
            if follows and other is not None:
                met = contact(anatomy, bone, other)
                start = _follow(vertices[other], place(other), vertices[bone], met.other)
                own, goal = met.own, place(other)[met.other] + met.gaps
            else:
                start, own, goal = vertices[bone], np.empty(0, dtype=np.int32), np.empty((0, 3))
            if bone == "hip_bone":
                # The symphysis stays in the middle of the body.
                face = _symphysis(anatomy)
                wanted = start[face].copy()
                wanted[:, 0] = template_surface(anatomy, bone)[0][face, 0]
                repeat = max(1, len(own) // max(len(face), 1))
                own = np.concatenate([own, np.repeat(face, repeat)])
                goal = np.concatenate([goal, np.repeat(wanted, repeat, axis=0)])
            placed[bone] = _moved(start, start[own], goal) if len(own) else start
        return placed[bone]

    return {bone: place(bone) for bone in vertices}


def _follow(before: FloatArray, after: FloatArray, bone: FloatArray, joint: IntArray) -> FloatArray:
    """The bone shifted as the neighbour was at the joint."""
    return np.asarray(bone + (after[joint] - before[joint]).mean(axis=0))


def _moved(bone: FloatArray, points: FloatArray, goal: FloatArray) -> FloatArray:
    """The bone moved rigidly so that its points come close to their goals; its own orientation counts too."""
    a, b = points.mean(axis=0), goal.mean(axis=0)
    covariance = (goal - b).T @ (points - a)
    spread = float(((points - a) ** 2).sum())
    u, _, vt = np.linalg.svd(covariance + _STIFFNESS * spread * np.eye(3))
    u[:, 2] *= np.sign(np.linalg.det(u @ vt))
    return np.asarray((bone - a) @ (u @ vt).T + b)
