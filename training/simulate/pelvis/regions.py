"""Places of the left hip bone, femur and sacrum as vertex numbers, found once on the template.

The right bones are mirror images with the same numbers. Everything is chosen from the shape of the
template in the body frame (x to the left, y backwards, z up), then used on any person.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from training.simulate.people import People
from training.simulate.raster import smooth_normals
from training.simulate.rules import edges_of, fit_sphere
from training.simulate.scene import FloatArray, IntArray

_CUP_REACH_MM = 14.0  # how far outside the head the socket's floor may lie
_SPREAD_MM = 4.0  # width of the kernel that carries the socket's movement to the bone around it
_FADE_MM = 26.0  # depth of bone behind the socket's surface over which the movement fades
# The level direction, in the body frame, that a false profile of the left hip shows as forwards.
FALSE_PROFILE = np.array([np.cos(np.radians(65.0)), -np.sin(np.radians(65.0)), 0.0])
FALSE_PROFILE.setflags(write=False)


@dataclass(frozen=True, eq=False)
class FemurRegions:
    """Vertex numbers of the femur. Rings are cross-sections; ``head`` is the spherical part.

    ``upper_edges`` [E, 2] are those of head and neck, without the trochanters.
    """

    head: IntArray
    neck: IntArray
    shaft_high: IntArray
    shaft_low: IntArray
    greater_trochanter: IntArray
    lesser_trochanter: IntArray
    upper_edges: IntArray
    collar: IntArray
    lower_edges: IntArray


@dataclass(frozen=True, eq=False)
class HipBoneRegions:
    """Vertex numbers of the hip bone, and the field that carries the socket's movement.

    ``cup`` is the concave surface, ``lunate`` its articular part. ``near`` are the vertices
    that follow the socket; ``spread`` [near, cup] averages values given on the cup for them and fades
    them out with depth, ``fade`` [V] is what is left of a value that is the same everywhere.
    ``roof`` is the weight-bearing part of the lunate surface, ``roof_faces`` number into it and
    ``roof_rim`` [E, 2] are their free edges.
    """

    cup: IntArray
    lunate: NDArray[np.bool_]
    near: IntArray
    spread: FloatArray
    fade: FloatArray
    roof: IntArray
    roof_faces: IntArray
    roof_rim: IntArray
    roof_medial: IntArray
    lateral_rim: IntArray
    anterior_rim: IntArray
    teardrop: IntArray
    ischium: IntArray
    symphysis: IntArray


@lru_cache(maxsize=4)
def femur_regions(people: People) -> FemurRegions:
    """Regions of the template's left femur."""
    v, faces = people.template("femur")
    top = np.flatnonzero(v[:, 2] > v[:, 2].max() - 45.0)
    centre = v[top[v[top, 0].argmin()]] + [23.0, 0.0, 3.0]
    radius, head = 23.0, top.astype(np.int64)
    out = np.array([0.7, 0.0, -0.7])  # roughly along the neck, away from the head
    for tolerance in (3.0, 3.0, 3.0, 2.0, 2.0, 1.5, 1.0, 1.0, 1.0, 1.0):
        d = v - centre
        near = np.abs(np.linalg.norm(d, axis=1) - radius) < tolerance
        head = np.flatnonzero(near & (d @ out < 0.45 * radius))
        centre, radius = fit_sphere(v[head])
    lateral = v[:, 0] - centre[0]
    drop = (centre[2] - v[:, 2]) / radius
    shaft = [np.flatnonzero(np.abs(drop - level) < 0.25) for level in (4.2, 6.5)]
    high, low = (v[s].mean(axis=0) for s in shaft)
    axis = (high - low) / np.linalg.norm(high - low)
    along = (v - centre) @ axis / radius
    distance = np.linalg.norm(v - centre, axis=1) / radius
    out = _neck_direction(v, edges_of(faces), centre, radius, axis)
    slab = (v - centre) @ out / radius
    off_neck = np.sqrt(np.maximum(distance**2 - slab**2, 0.0))
    neck = _ring(v, np.flatnonzero((np.abs(slab - 1.05) < 0.15) & (distance < 1.6)), centre, out)
    off_axis = v - high - ((v - high) @ axis)[:, None] * axis
    trochanter = np.flatnonzero((along > -1.2) & (lateral > 1.25 * radius))
    lesser = np.flatnonzero((along < -2.4) & (along > -3.4))
    tip = lesser[(off_axis[lesser] @ np.array([-0.6, 0.8, 0.0])).argmax()]
    lesser = np.flatnonzero(np.linalg.norm(v - v[tip], axis=1) < 0.4 * radius)
    return FemurRegions(
        _ints(head),
        _ints(neck),
        _ints(shaft[0]),
        _ints(shaft[1]),
        _ints(trochanter),
        _ints(lesser),
        edges_of(faces, (slab > -0.5) & (slab < 1.7) & (off_neck < np.where(slab < 0.9, 1.3, 1.0))),
        _ints(np.flatnonzero((distance < 1.08) & (slab > -0.4))),
        edges_of(faces, (along < -2.5) & (along > -11.0)),
    )


@lru_cache(maxsize=4)
def hip_bone_regions(people: People) -> HipBoneRegions:
    """Regions of the template's left hip bone."""
    v, faces = people.template("hip_bone")
    femur = people.template("femur")[0]
    centre, radius = fit_sphere(femur[femur_regions(people).head])
    normals = smooth_normals(v, faces, 1)
    d = v - centre
    distance = np.linalg.norm(d, axis=1)
    facing = (normals * d).sum(axis=1) / distance
    cup = np.flatnonzero((distance < radius + _CUP_REACH_MM) & (facing < -0.55))
    fitted, cup_radius = centre, radius + 3.0
    lunate = np.ones(len(cup), dtype=bool)
    for _ in range(12):
        lunate = np.abs(np.linalg.norm(v[cup] - fitted, axis=1) - cup_radius) < 2.0
        fitted, cup_radius = fit_sphere(v[cup][lunate])
    # The flat part of the roof belongs to the joint surface too; the fossa lies medial and low.
    lunate |= (v[cup, 2] > centre[2] + 0.78 * radius) | (v[cup, 0] > centre[0])
    theta = np.degrees(np.arctan2(d[:, 0], d[:, 2]))  # from straight up, lateral positive
    forward = -d[:, 1]
    in_roof = np.zeros(len(v), dtype=bool)
    in_roof[cup] = lunate & (theta[cup] > -50.0) & (theta[cup] < 50.0) & (d[cup, 2] > 0)
    in_roof &= np.abs(forward) < 0.6 * radius
    roof_faces = faces[in_roof[faces].all(axis=1)]
    roof = np.unique(roof_faces)
    renumber = np.full(len(v), -1)
    renumber[roof] = np.arange(len(roof))
    cup_set = np.zeros(len(v), dtype=bool)
    cup_set[cup] = True
    medial = cup_set & (np.abs(theta + 46.0) < 6.0) & (np.abs(forward) < 8.0) & (d[:, 2] > 0)
    rim = (
        (distance < radius + 14.5)
        & (facing > -0.75)
        & (theta > 18.0)
        & (d[:, 2] > 0.6 * radius)
        & (np.abs(forward) < 18.0)
    )
    phi = np.degrees(np.arctan2(d @ FALSE_PROFILE, d[:, 2]))  # from straight up, forwards positive
    beside = np.abs(np.cross(d, FALSE_PROFILE)[:, 2]) < 13.0
    front = (
        (distance < radius + 10.0) & (facing > -0.75) & (phi > 15.0) & (phi < 75.0) & beside & (d[:, 2] > 0)
    )
    tear = (forward > -3.0) & (forward < 18.0) & (v[:, 0] < centre[0] - 17.0) & (np.abs(d[:, 2]) < 20.0)
    ischium = v[:, 2] < v[:, 2].min() + 0.3 * (centre[2] - v[:, 2].min())
    symphysis = (v[:, 0] < v[:, 0].min() + 8.0) & (v[:, 1] < centre[1])
    return HipBoneRegions(
        _ints(cup),
        lunate,
        *_spread(v, cup),
        _ints(roof),
        renumber[roof_faces].astype(np.int32),
        _free_edges(renumber[roof_faces]),
        *(_ints(np.flatnonzero(chosen)) for chosen in (medial, rim, front, tear, ischium, symphysis)),
    )


def _neck_direction(
    v: FloatArray, edges: IntArray, centre: FloatArray, radius: float, shaft: FloatArray
) -> FloatArray:
    """Unit direction [3] from the head's centre to the middle of the neck's section beside the head."""
    lateral = np.array([1.0, 0.0, 0.0]) - shaft[0] * shaft
    out = 0.77 * lateral / np.linalg.norm(lateral) - 0.64 * shaft  # a neck-shaft angle of 130 degrees
    a, b = v[edges[:, 0]], v[edges[:, 1]]
    for _ in range(12):
        depth_a, depth_b = ((end - centre) @ out - radius for end in (a, b))
        cut = (depth_a > 0) != (depth_b > 0)
        t = (depth_a[cut] / (depth_a[cut] - depth_b[cut]))[:, None]
        section = a[cut] + t * (b[cut] - a[cut])
        middle = centre + radius * out
        section = section[np.linalg.norm(section - middle, axis=1) < 1.15 * radius]
        across = np.cross(out, shaft)
        frame = np.stack([across, np.cross(across, out)]) / np.linalg.norm(across)
        plane = (section - middle) @ frame.T
        out = radius * out + (plane.min(axis=0) + plane.max(axis=0)) / 2.0 @ frame
        out = out / np.linalg.norm(out)
    return out


def _ring(v: FloatArray, chosen: NDArray[np.integer], centre: FloatArray, axis: FloatArray) -> IntArray:
    """Of the ``chosen`` vertices one for every 30 degrees about the axis, so that their mean is on it."""
    across = np.cross(axis, [0.0, 1.0, 0.0])
    frame = np.stack([across, np.cross(axis, across)]) / np.linalg.norm(across)
    plane = (v[chosen] - centre) @ frame.T
    angle = np.degrees(np.arctan2(plane[:, 1], plane[:, 0]))
    turns = np.abs((angle[:, None] - np.arange(0.0, 360.0, 30.0) + 180.0) % 360.0 - 180.0)
    return np.asarray(chosen[turns.argmin(axis=0)], dtype=np.int32)


def _spread(v: FloatArray, cup: NDArray[np.integer]) -> tuple[IntArray, FloatArray, FloatArray]:
    """Fields ``near``, ``spread`` and ``fade`` of ``HipBoneRegions``."""
    squared = ((v[:, None, :] - v[None, cup, :]) ** 2).sum(axis=2)
    nearest = np.sqrt(squared.min(axis=1))
    t = np.clip(1.0 - nearest / _FADE_MM, 0.0, 1.0)
    fade = t * t * (3.0 - 2.0 * t)
    near = np.flatnonzero(fade > 1e-3)
    squared = squared[near]
    weights = np.exp(-(squared - squared.min(axis=1)[:, None]) / (2.0 * _SPREAD_MM**2))
    weights *= (fade[near] / weights.sum(axis=1))[:, None]
    return _ints(near), weights, np.where(fade > 1e-3, fade, 0.0)


def _free_edges(faces: NDArray[np.integer]) -> IntArray:
    """Directed edges [E, 2] of faces [F, 3] that have no neighbour."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    known = {(int(a), int(b)) for a, b in edges}
    return np.array(sorted(edge for edge in known if edge[::-1] not in known), dtype=np.int32)


def _ints(numbers: NDArray[np.integer]) -> IntArray:
    if not len(numbers):
        raise ValueError("A region of the template's hip is empty: the surface files have changed.")
    return numbers.astype(np.int32)
