"""Places on vertebrae, sacrum and femur as vertex numbers, found once on the template.

Everything is chosen from the shape of the template in the body frame (x to the person's left, y
backwards, z up) and then used on any person.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from training.simulate.people import People
from training.simulate.rules import fit_sphere
from training.simulate.scene import FloatArray, IntArray

THORACIC = tuple(f"t{n}" for n in range(1, 13))
LUMBAR = tuple(f"l{n}" for n in range(1, 6))
LEVELS = THORACIC + LUMBAR
CERVICAL = ("c3", "c4", "c5", "c6", "c7")
SIDES = ("right", "left")
ENDS = ("superior", "inferior")

_FLAT = 0.85  # cosine of the steepest part of an endplate to its normal
_LIP = 0.16  # depth of the lip of an endplate as a fraction of the height of the body
_FRONT_HALF_MM = 13.5  # no vertebral body is less deep
_POLE = 0.14  # part of the width or depth of an endplate that counts as its end

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Endplate:
    """Vertex numbers of the lip of one endplate.

    ``left`` and ``right`` are its halves as seen from the front, without the posterior border that
    bears ribs and pedicles; ``front`` and ``back`` its ends seen from the side, near the midline.
    ``poles`` are the ends of both diameters: right, left, front, back.
    """

    left: IntArray
    right: IntArray
    front: IntArray
    back: IntArray
    poles: tuple[IntArray, IntArray, IntArray, IntArray]

    def corners(self, vertices: FloatArray) -> FloatArray:
        """The ends [4, 3] of the diameters: right, left, front, back."""
        return np.stack([vertices[pole].mean(axis=0) for pole in self.poles])

    def half(self, name: str) -> IntArray:
        """The vertices of one part by name."""
        return {"left": self.left, "right": self.right, "front": self.front, "back": self.back}[name]


@dataclass(frozen=True, eq=False)
class VertebralBody:
    """Both endplates of one vertebra.

    ``lips`` are the vertices of both lips, ``frame`` [3, 3] the axes of the template as columns: left,
    back, up.
    """

    superior: Endplate
    inferior: Endplate
    lips: IntArray
    frame: FloatArray

    def end(self, name: str) -> Endplate:
        """The endplate ``superior`` or ``inferior``."""
        return self.superior if name == "superior" else self.inferior


@lru_cache(maxsize=64)
def vertebral_body(people: People, bone: str) -> VertebralBody:
    """The endplates of a vertebra from C3 to L5."""
    v, f = people.template(bone)
    normal, area, centre = _face_geometry(v, f)
    up = np.array([0.0, 0.0, 1.0])
    body = np.ones(len(v), dtype=bool)
    middle = float(np.median(v[:, 0]))
    for _ in range(4):
        front = _front(up)
        along = v @ front
        wall = _posterior_wall(along[np.abs(v[:, 0] - middle) < 5.0])
        body = along >= wall - 0.5
        top, bottom = (body[f].all(axis=1) & (sign * (normal @ up) > _FLAT) for sign in (1, -1))
        plates = [np.average(normal[part], axis=0, weights=area[part]) for part in (top, bottom)]
        up = _unit(plates[0]) - _unit(plates[1])
        up = _unit(up)
    half_width = float(np.abs(v[f[top | bottom]][..., 0] - middle).max())
    body &= np.abs(v[:, 0] - middle) < half_width + 2.0
    levels = [np.average(centre[part], axis=0, weights=area[part]) for part in (top, bottom)]
    height = float((levels[0] - levels[1]) @ up)
    lips = [
        body & ((v - level) @ _unit(plate) > -_LIP * height)
        for level, plate in zip(levels, plates, strict=True)
    ]
    upper, lower = (_endplate(v, lip, front, wall) for lip in lips)
    left = np.array([1.0, 0.0, 0.0])
    left = _unit(left - (left @ up) * up)
    frame = np.stack([left, np.cross(up, left), up], axis=1)
    return VertebralBody(upper, lower, np.flatnonzero(lips[0] | lips[1]).astype(np.int32), frame)


@lru_cache(maxsize=4)
def sacral_endplate(people: People) -> Endplate:
    """The upper endplate of the sacrum."""
    v, f = people.template("sacrum")
    normal, area, centre = _face_geometry(v, f)
    middle = float(np.median(v[:, 0]))
    near = np.abs(centre[:, 0] - middle) < 24.0
    promontory = v[np.abs(v[:, 0] - middle) < 6.0]
    promontory = promontory[np.argmin(promontory[:, 1] - 0.6 * promontory[:, 2])]
    up = _unit(np.array([0.0, -0.55, 0.83]))
    chosen = np.zeros(len(f), dtype=bool)
    for _ in range(3):
        offset = centre - promontory
        reach = offset @ -_front(up)
        chosen = near & (normal @ up > _FLAT) & (reach > -3.0) & (reach < 36.0) & (np.abs(offset @ up) < 7.0)
        up = _unit(np.average(normal[chosen], axis=0, weights=area[chosen]))
    level = np.average(centre[chosen], axis=0, weights=area[chosen])
    front = _front(up)
    depth = (v - level) @ front
    flat = np.zeros(len(v), dtype=bool)
    flat[np.unique(f[chosen])] = True
    near_plane = np.abs((v - level) @ up) < 5.0
    low, high = depth[flat].min(), depth[flat].max()
    width = float(np.abs(v[flat, 0] - middle).max())
    inside = (depth > low - 1.0) & (depth < high + 3.0) & (np.abs(v[:, 0] - middle) < width + 1.0)
    along = v @ front
    return _endplate(v, near_plane & inside, front, float(along[flat].min()) - 0.5)


@lru_cache(maxsize=4)
def femoral_head(people: People) -> IntArray:
    """Vertices of the head of the left femur: those near a sphere fitted again and again."""
    v, _ = people.template("femur")
    top = float(v[:, 2].max())
    upper = v[:, 2] > top - 55.0
    chosen = upper & (v[:, 0] < v[upper, 0].min() + 28.0)
    shaft = v[v[:, 2] > top - 90.0].mean(axis=0)
    for _ in range(8):
        centre, radius = fit_sphere(v[chosen])
        spoke = v - centre
        near = np.abs(np.linalg.norm(spoke, axis=1) - radius) < 1.5
        chosen = near & (spoke @ _unit(centre - shaft) > -0.35 * radius)
    return np.flatnonzero(chosen).astype(np.int32)


def _endplate(v: FloatArray, lip: Mask, front: FloatArray, wall: float) -> Endplate:
    numbers = np.flatnonzero(lip).astype(np.int32)
    along = v[numbers] @ front
    depth = float(along.max()) - wall
    free = along > wall + 0.2 * depth
    low, high = float(v[numbers[free], 0].min()), float(v[numbers[free], 0].max())
    x, width = v[numbers, 0] - (low + high) / 2.0, (high - low) / 2.0
    central = np.abs(x) < 0.4 * width
    poles = (
        numbers[free & (x < (_POLE - 1.0) * width)],
        numbers[free & (x > (1.0 - _POLE) * width)],
        numbers[central & (along > wall + (1.0 - _POLE) * depth)],
        numbers[central & (along < wall + _POLE * depth)],
    )
    return Endplate(
        left=numbers[free & (x > 0.35 * width)],
        right=numbers[free & (x < -0.35 * width)],
        front=numbers[central & (along > wall + 0.65 * depth)],
        back=numbers[central & (along < wall + 0.35 * depth)],
        poles=poles,
    )


def _face_geometry(v: FloatArray, f: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Unit normals [F, 3], areas [F] and centres [F, 3] of faces."""
    a, b, c = (v[f[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    length = np.maximum(np.linalg.norm(normal, axis=1), 1e-12)
    return normal / length[:, None], length / 2.0, (a + b + c) / 3.0


def _posterior_wall(along: FloatArray) -> float:
    """Where the spinal canal begins: the widest gap behind the front half of the body near the midline."""
    ordered = np.sort(along)[::-1]
    gaps = ordered[:-1] - ordered[1:]
    # Flat endplates have few vertices: gaps that begin in their front half are not the canal.
    behind = ordered[:-1] < ordered[0] - _FRONT_HALF_MM
    return float(ordered[np.argmax(np.where(behind, gaps, 0.0))])


def _front(up: FloatArray) -> FloatArray:
    forwards = np.array([0.0, -1.0, 0.0])
    return _unit(forwards - (forwards @ up) * up)


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector))
