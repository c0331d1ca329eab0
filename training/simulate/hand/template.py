"""The left hand of the adult template, taken apart into bones in local frames.

Hand frame (mm): x to the radial side, y proximal (down a film with the fingers up), z palmar (towards
the detector); origin at the middle of the third metacarpal's base. A tubular bone's local frame has
its origin at the middle of its proximal surface and the same axes when the bone points straight up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from training.simulate.people import People
from training.simulate.scene import FloatArray, IntArray

RAYS = ("thumb", "index", "middle", "ring", "little")
CARPALS = ("scaphoid", "lunate", "triquetrum", "pisiform", "trapezium", "trapezoid", "capitate", "hamate")
METACARPALS = tuple(f"{order}_metacarpal" for order in ("first", "second", "third", "fourth", "fifth"))
FOREARM = ("radius", "ulna")

_FOREARM_LENGTH_MM = 105.0
_PARTNERS = ("trapezium", "trapezoid", "capitate", "hamate", "hamate")
_BASE_PARTNER = dict(zip(METACARPALS, _PARTNERS, strict=True))


@dataclass(frozen=True)
class Tubular:
    """A metacarpal or phalanx. ``vertices`` [V, 3] are local; ``origin`` and ``frame`` (columns: the
    local axes) place it in the hand frame. ``base`` and ``head`` are vertex numbers near the middle of
    the proximal and distal surfaces, ``base_rim`` and ``head_rim`` those of the whole end surfaces in
    the middle third of the width. ``length`` and ``width`` are in mm.
    """

    name: str
    vertices: FloatArray
    faces: IntArray
    origin: FloatArray
    frame: FloatArray
    length: float
    width: float
    head_radius: float
    base: IntArray
    head: IntArray
    base_rim: IntArray
    head_rim: IntArray


@dataclass(frozen=True)
class Ring:
    """Where a plane cuts a surface: points (1 - weight) * vertex[first] + weight * vertex[second]."""

    first: IntArray
    second: IntArray
    weight: FloatArray

    def points(self, vertices: FloatArray) -> FloatArray:
        """The ring [R, 3] on a deformed and posed copy of the surface, vertices [V, 3]."""
        w = self.weight[:, None]
        return vertices[self.first] * (1 - w) + vertices[self.second] * w


@dataclass(frozen=True)
class Solid:
    """A carpal or forearm bone in the hand frame. ``physis`` [3] is the middle of the growth plate of a
    forearm bone, ``metaphysis`` the outline ring just proximal to it; a carpal's physis is its centroid.
    """

    name: str
    vertices: FloatArray
    faces: IntArray
    physis: FloatArray
    metaphysis: Ring | None = None
    epiphysis: IntArray | None = None


@dataclass(frozen=True)
class HandTemplate:
    """All bones by name, and the centre [3] about which the wrist turns (the capitate head)."""

    tubular: Mapping[str, Tubular]
    solid: Mapping[str, Solid]
    wrist_centre: FloatArray


def phalanges(ray: str) -> tuple[str, ...]:
    """Names of the phalanges of a ray, from the base."""
    parts = ("proximal", "distal") if ray == "thumb" else ("proximal", "middle", "distal")
    return tuple(f"{ray}_{part}_phalanx" for part in parts)


HAND_BONES = (*CARPALS, *METACARPALS, *(bone for ray in RAYS for bone in phalanges(ray)))
"""The bones that are drawn from people."""


@lru_cache(maxsize=4)
def hand_template(people: People) -> HandTemplate:
    """The template's hand; cached, treat as read-only."""
    raw = {name: people.template(name) for name in (*FOREARM, *HAND_BONES)}
    rotation, origin = _hand_frame(raw)
    placed = {name: ((v - origin) @ rotation.T, f) for name, (v, f) in raw.items()}
    tubular: dict[str, Tubular] = {}
    for name, (vertices, faces) in placed.items():
        if name in METACARPALS or name.endswith("phalanx"):
            tubular[name] = _tubular(name, vertices, faces, placed)
    capitate = placed["capitate"][0]
    head = capitate[capitate[:, 1] > np.quantile(capitate[:, 1], 0.6)]
    solid = {name: Solid(name, *placed[name], placed[name][0].mean(axis=0)) for name in CARPALS}
    for name, depth_mm in (("radius", 8.5), ("ulna", 6.5)):
        solid[name] = _forearm(name, *placed[name], depth_mm)
    return HandTemplate(tubular, solid, head.mean(axis=0))


def draw_hand(people: People, rng: np.random.Generator, variation: float) -> HandTemplate:
    """The template with carpals, metacarpals and phalanges shaped as a random person's, as large as before.

    Lengths, places and the bones of the forearm stay those of the template; ``variation`` as for ``People``.
    """
    template = hand_template(people)
    drawn = people.draw(rng, HAND_BONES, variation).vertices
    tubular = {name: _reshaped(bone, drawn[name]) for name, bone in template.tubular.items()}
    carpals = {
        name: replace(template.solid[name], vertices=_fitted(drawn[name], template.solid[name].vertices))
        for name in CARPALS
    }
    return HandTemplate(tubular, {**template.solid, **carpals}, template.wrist_centre)


def _reshaped(bone: Tubular, vertices: FloatArray) -> Tubular:
    local = _fitted(vertices, bone.vertices)
    local = local - local[bone.base].mean(axis=0)
    local = local * (bone.length / float(-local[bone.head, 1].mean()))
    y = local[:, 1]
    width = float(np.ptp(local[y > y.max() - 0.3 * np.ptp(y), 0]))
    return replace(bone, vertices=local, width=width)


def _fitted(vertices: FloatArray, onto: FloatArray) -> FloatArray:
    """Vertices [V, 3] turned, scaled and moved onto others as well as that alone can (Umeyama 1991)."""
    middle, target = vertices.mean(axis=0), onto.mean(axis=0)
    a, b = vertices - middle, onto - target
    u, spread, vt = np.linalg.svd(b.T @ a)
    spread[2] *= np.sign(np.linalg.det(u @ vt))
    u[:, 2] *= np.sign(np.linalg.det(u @ vt))
    return np.asarray(a @ (u @ vt).T * (spread.sum() / (a**2).sum()) + target)


def _hand_frame(raw: Mapping[str, tuple[FloatArray, IntArray]]) -> tuple[FloatArray, FloatArray]:
    middle = raw["third_metacarpal"][0]
    y = np.linalg.svd(middle - middle.mean(axis=0), full_matrices=False)[2][0]
    y = y if y @ (raw["radius"][0].mean(axis=0) - middle.mean(axis=0)) > 0 else -y
    x = raw["second_metacarpal"][0].mean(axis=0) - raw["fourth_metacarpal"][0].mean(axis=0)
    x = x - (x @ y) * y
    x = x / np.linalg.norm(x)
    rotation = np.array([x, y, np.cross(x, y)])
    along = middle @ y
    return rotation, middle[along > along.max() - 2.0].mean(axis=0)


def _numbers(mask: NDArray[np.bool_]) -> IntArray:
    return np.flatnonzero(mask).astype(np.int32)


def _unit(v: FloatArray) -> FloatArray:
    return np.asarray(v / np.linalg.norm(v))


def _tubular(
    name: str, vertices: FloatArray, faces: IntArray, placed: Mapping[str, tuple[FloatArray, IntArray]]
) -> Tubular:
    centre = vertices.mean(axis=0)
    axis = np.linalg.svd(vertices - centre, full_matrices=False)[2][0]
    wrist = placed["capitate"][0].mean(axis=0)
    axis = axis if axis @ (wrist - centre) > 0 else -axis  # proximal
    for _ in range(2):
        s = (vertices - centre) @ axis
        low, high = s.min(), s.max()
        near = vertices[(s > high - 0.22 * (high - low))].mean(axis=0)
        far = vertices[(s < low + 0.22 * (high - low))].mean(axis=0)
        axis = _unit(near - far)
        centre = (near + far) / 2
    lateral = _lateral(name, vertices, centre, axis)
    frame = np.stack([lateral, axis, np.cross(lateral, axis)], axis=1)
    local = (vertices - centre) @ frame
    y = local[:, 1]
    length = float(np.ptp(y))
    base_part, head_part = y > y.max() - 0.3 * length, y < y.min() + 0.25 * length
    width = float(np.ptp(local[base_part, 0]))
    if name in METACARPALS:
        partner = cKDTree(placed[_BASE_PARTNER[name]][0])
        distance = partner.query(vertices)[0]
        facing = distance < max(2.2, float(np.quantile(distance, 0.06)))
        base = base_rim = _numbers(facing)
    else:
        base, base_rim = _end(local, base_part, 1.0)
    head, head_rim = _end(local, head_part, -1.0)
    offset = local[base].mean(axis=0)
    local = local - offset
    return Tubular(
        name, local, faces, centre + frame @ offset, frame, float(-local[head, 1].mean()), width,
        0.45 * float(np.ptp(local[head_part, 2])), base, head, base_rim, head_rim,
    )  # fmt: skip


def _lateral(name: str, vertices: FloatArray, centre: FloatArray, axis: FloatArray) -> FloatArray:
    """The direction of the bone's width, pointing to the radial side as the hand lies flat."""
    x = np.array([1.0, 0.0, 0.0])
    if name in METACARPALS and name != "first_metacarpal":
        return _unit(x - (x @ axis) * axis)
    s = (vertices - centre) @ axis
    part = vertices[s > s.max() - 0.3 * np.ptp(s)] if name != "first_metacarpal" else vertices
    flat = part - part.mean(axis=0)
    flat = flat - np.outer(flat @ axis, axis)
    lateral = np.linalg.svd(flat, full_matrices=False)[2][0]
    return _unit(lateral if lateral @ x > 0 else -lateral)


def _end(local: FloatArray, part: NDArray[np.bool_], sign: float) -> tuple[IntArray, IntArray]:
    """Vertex numbers of the middle of an end surface, and of the surface's middle strip."""
    end = local[part]
    middle = (end.min(axis=0) + end.max(axis=0)) / 2
    half = np.ptp(end, axis=0) / 2
    off = (local - middle) / half
    along = sign * local[:, 1]
    strip = part & (np.abs(off[:, 0]) < 0.25) & (along > along.max() - 0.14 * np.ptp(along))
    spot = part & (np.abs(off[:, 0]) < 0.35) & (np.abs(off[:, 2]) < 0.5)
    limit = np.quantile(along[spot], 0.5)
    return _numbers(spot & (along >= limit)), _numbers(strip)


def _forearm(name: str, vertices: FloatArray, faces: IntArray, depth_mm: float) -> Solid:
    """One forearm bone, shortened to its distal part by flattening the rest onto the cut."""
    top = float(np.quantile(vertices[vertices[:, 1] < vertices[:, 1].min() + 14.0, 1], 0.35))
    level = top + depth_mm
    part = np.abs(vertices[:, 1] - level) < 4.0
    slab = vertices[part]
    middle = (slab.min(axis=0) + slab.max(axis=0)) / 2
    middle[1] = level
    ring = ring_at(vertices, faces, np.array([0.0, 1.0, 0.0]), level + 2.2)
    cut = vertices.copy()
    cut[:, 1] = np.minimum(cut[:, 1], top + _FOREARM_LENGTH_MM)
    return Solid(name, cut, faces, middle, ring, _numbers(vertices[:, 1] < level))


def ring_at(vertices: FloatArray, faces: IntArray, normal: FloatArray, level: float) -> Ring:
    """The edges of a surface that cross the plane normal . p = level, and where they cross it."""
    height = vertices @ normal - level
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    a, b = height[edges[:, 0]], height[edges[:, 1]]
    crossing = (a > 0) != (b > 0)
    a, b, edges = a[crossing], b[crossing], edges[crossing]
    return Ring(edges[:, 0].astype(np.int32), edges[:, 1].astype(np.int32), a / (a - b))
