"""Simple closed bodies as triangle meshes: balls, boxes, turned parts, bent rods, thickened patches.

All give outward-oriented surfaces in millimetres.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import trimesh
from numpy.typing import NDArray

from training.simulate.scene import FloatArray, IntArray, Surface

_SECTORS = 24


def unit(vector: FloatArray) -> FloatArray:
    """The vector [3] at length 1. ValueError for one of no length."""
    length = float(np.linalg.norm(vector))
    if length < 1e-12:
        raise ValueError("A vector of no length has no direction.")
    return np.asarray(vector, dtype=np.float64) / length


def across(axis: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two unit vectors that make a right-handed frame (first, second, axis) with the unit ``axis``."""
    helper = np.eye(3)[int(np.argmin(np.abs(axis)))]
    first = unit(np.cross(helper, axis))
    return first, np.cross(axis, first)


def ball(centre: FloatArray, radius_mm: float, subdivisions: int = 4) -> Surface:
    """A sphere of exactly the volume of a true one, so that its mean shadow is right."""
    mesh = trimesh.creation.icosphere(subdivisions=subdivisions, radius=1.0)
    fuller = (4.0 / 3.0 * np.pi / mesh.volume) ** (1.0 / 3.0)
    vertices = np.asarray(mesh.vertices) * radius_mm * fuller + np.asarray(centre)
    return Surface(vertices, np.asarray(mesh.faces, np.int32))


def box(centre: FloatArray, axes: FloatArray, size_mm: FloatArray) -> Surface:
    """A box with edges ``size_mm`` [3] along the rows of ``axes`` [3, 3], orthonormal and right-handed."""
    mesh = trimesh.creation.box(extents=size_mm)
    return Surface(np.asarray(mesh.vertices) @ axes + centre, np.asarray(mesh.faces, np.int32))


def turned(start: FloatArray, end: FloatArray, profile: FloatArray, sectors: int = _SECTORS) -> Surface:
    """A body of revolution about the line from ``start`` to ``end``.

    ``profile`` [N, 2] lists (part of the way, radius in mm) in order; its ends are closed by flat discs.
    The polygon of each cross-section has the area of the circle.
    """
    line = np.asarray(end, dtype=np.float64) - start
    rings = [np.asarray(start) + line * part for part, _ in profile]
    return _sweep(np.array(rings), np.asarray(profile)[:, 1], unit(line), sectors)


def rod(start: FloatArray, end: FloatArray, radius_mm: float, sectors: int = _SECTORS) -> Surface:
    """A straight cylinder with flat ends."""
    return turned(start, end, np.array([[0.0, radius_mm], [1.0, radius_mm]]), sectors)


def bent_rod(path_mm: FloatArray, radius_mm: FloatArray | float, sectors: int = 16) -> Surface:
    """A rod along a gently bent ``path_mm`` [N, 3]; radius one for all or [N]."""
    radii = np.broadcast_to(np.asarray(radius_mm, dtype=np.float64), len(path_mm))
    return _sweep(np.asarray(path_mm), radii, None, sectors)


def ribbon(path_mm: FloatArray, outwards: FloatArray, width_mm: float, thickness_mm: float) -> Surface:
    """A strip whose flat inner side lies along ``path_mm`` [N, 3], thick towards ``outwards`` [N, 3]."""
    path = np.asarray(path_mm, dtype=np.float64)
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    outward = outwards - (outwards * along).sum(1, keepdims=True) * along
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    side = np.cross(outward, along) * width_mm / 2
    up = outward * thickness_mm
    rings = np.stack([path - side, path + side, path + side + up, path - side + up], axis=1)
    return _closed(rings)


def prism(outline_mm: FloatArray, shift_mm: FloatArray) -> Surface:
    """The body that a plane convex outline [N, 3] sweeps when shifted by ``shift_mm`` [3]."""
    normal = np.cross(outline_mm[1] - outline_mm[0], outline_mm[2] - outline_mm[1])
    ring = outline_mm if normal @ shift_mm > 0 else outline_mm[::-1]
    return _closed(np.stack([ring, ring + shift_mm]))


def thickened(
    vertices: FloatArray,
    faces: IntArray,
    chosen: NDArray[np.bool_],
    normals: FloatArray,
    below_mm: float,
    above_mm: float,
) -> Surface:
    """A shell over the ``chosen`` [F] faces of an outward surface, from below to above it."""
    patch = faces[chosen]
    used, where = np.unique(patch, return_inverse=True)
    patch = where.reshape(-1, 3).astype(np.int32)
    top, bottom = vertices[used] + normals[used] * above_mm, vertices[used] - normals[used] * below_mm
    count = len(used)
    edges = patch[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    there = {(int(a), int(b)) for a, b in edges}
    border = np.array([e for e in there if e[::-1] not in there], dtype=np.int64).reshape(-1, 2)
    a, b = border[:, 0], border[:, 1]
    wall = np.concatenate([np.stack([b, a, a + count], axis=1), np.stack([b, a + count, b + count], axis=1)])
    # The walls run down from the top's border, against its direction.
    return Surface(
        np.concatenate([top, bottom]),
        np.concatenate([patch, patch[:, ::-1] + count, wall]).astype(np.int32),
    )


def cut(surface: Surface, point: FloatArray, normal: FloatArray) -> Surface:
    """The part of a closed surface on the side of the plane to which ``normal`` points, closed by the plane.

    The cut face is a fan around one point of the plane; where the section is not convex its triangles
    overlap with opposite signs, which leaves path lengths right. No faces when nothing is left.
    """
    vertices, faces = surface.vertices_mm, surface.faces
    normal = unit(normal)
    height = (vertices - point) @ normal
    height = np.where(np.abs(height) < 1e-9, 1e-9, height)
    above = height > 0
    kept = above[faces].sum(axis=1)
    if (kept == 3).all():
        return surface
    # Every edge is cut once, so that its two triangles share the point.
    edges = faces[(kept == 1) | (kept == 2)][:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    edges = edges[above[edges[:, 0]] != above[edges[:, 1]]].astype(np.int64)
    code = np.unique(edges.min(axis=1) * len(vertices) + edges.max(axis=1))
    low, high = np.divmod(code, len(vertices))
    part = (height[low] / (height[low] - height[high]))[:, None]
    points = np.concatenate([vertices, vertices[low] + part * (vertices[high] - vertices[low])])

    def between(a: IntArray, b: IntArray) -> NDArray[np.int64]:
        wanted = np.minimum(a, b).astype(np.int64) * len(vertices) + np.maximum(a, b)
        return np.asarray(np.searchsorted(code, wanted) + len(vertices))

    found = [faces[kept == 3].astype(np.int64)]
    rims: list[NDArray[np.int64]] = []
    for count in (1, 2):
        crossing = faces[kept == count]
        odd = above[crossing] if count == 1 else ~above[crossing]
        first, rows = odd.argmax(axis=1), np.arange(len(crossing))
        lone, second, third = (crossing[rows, (first + k) % 3] for k in range(3))
        p, q = between(lone, second), between(lone, third)
        if count == 1:
            found.append(np.stack([lone, p, q], axis=1))
            rims.append(np.stack([q, p], axis=1))
        else:
            found += [np.stack([p, second, third], axis=1), np.stack([p, third, q], axis=1)]
            rims.append(np.stack([p, q], axis=1))
    rim = np.concatenate(rims)
    if len(rim):
        apex = points[rim.ravel()].mean(axis=0, keepdims=True)
        found.append(np.column_stack([rim, np.full(len(rim), len(points))]))
        points = np.concatenate([points, apex])
    left = np.concatenate(found)
    used = np.zeros(len(points), dtype=np.bool_)
    used[left] = True
    return Surface(points[used], (np.cumsum(used) - 1)[left].astype(np.int32))


def volume_mm3(surface: Surface) -> float:
    """Signed volume: positive for an outward-oriented closed surface."""
    a, b, c = (surface.vertices_mm[surface.faces[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6.0)


def _sweep(path: FloatArray, radii: FloatArray, axis: FloatArray | None, sectors: int) -> Surface:
    angle = np.arange(sectors) * 2 * np.pi / sectors
    # A polygon of the circle's area.
    fuller = np.sqrt(2 * np.pi / sectors / np.sin(2 * np.pi / sectors))
    along = np.gradient(path, axis=0) if axis is None else np.broadcast_to(axis, path.shape)
    first, _ = across(unit(path[-1] - path[0]))
    rings = []
    for centre, direction, radius in zip(path, along, radii, strict=True):
        direction = unit(direction)
        u = unit(first - (first @ direction) * direction)
        v = np.cross(direction, u)
        circle = np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v
        rings.append(centre + circle * radius * fuller)
    return _closed(np.array(rings))


def _closed(rings: FloatArray) -> Surface:
    """Walls between consecutive rings [N, K, 3] (counter-clockwise seen from the far end) and two caps."""
    count, corners, _ = rings.shape
    index = np.arange(count * corners).reshape(count, corners)
    a, b = index[:-1], np.roll(index[:-1], -1, axis=1)
    c, d = index[1:], np.roll(index[1:], -1, axis=1)
    walls = np.concatenate([np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)])
    fan = np.array([(0, k, k + 1) for k in range(1, corners - 1)], dtype=np.int64)
    caps = np.concatenate([index[0][fan[:, ::-1]], index[-1][fan]])
    return Surface(rings.reshape(-1, 3), np.concatenate([walls, caps]).astype(np.int32))


def moved(surface: Surface, shift_mm: FloatArray | Sequence[float]) -> Surface:
    """The surface shifted by ``shift_mm`` [3]."""
    return Surface(surface.vertices_mm + np.asarray(shift_mm), surface.faces)
