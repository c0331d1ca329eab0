"""Similarity alignment of two surfaces: best rotation, scale and shift, and closest-point iteration."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
import trimesh
from scipy.spatial import cKDTree

from training.simulate.scene import FloatArray, IntArray

_HINT_DEG = 50.0
_PARTIAL_SIZES = (0.8, 1.25)


@dataclass(frozen=True, eq=False)
class Similarity:
    """The map ``scale * points @ rotation.T + shift``."""

    rotation: FloatArray
    shift: FloatArray
    scale: float = 1.0

    def __call__(self, points: FloatArray) -> FloatArray:
        return np.asarray(self.scale * points @ self.rotation.T + self.shift)


class PointSurface:
    """A surface as points [N, 3] with unit normals [N, 3], searchable; drawn evenly over the area.

    The same ``seed`` draws the same points.
    """

    def __init__(self, vertices: FloatArray, faces: IntArray, count: int, seed: int = 0) -> None:
        mesh = trimesh.Trimesh(vertices, faces, process=False, validate=False)
        points, index = trimesh.sample.sample_surface(mesh, count, seed=seed)
        self.points = np.asarray(points, dtype=np.float64)
        self.normals = np.asarray(mesh.face_normals[index], dtype=np.float64)
        self.spacing = float(np.sqrt(mesh.area / count))
        self.tree = cKDTree(self.points)

    def closest(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Closest points [P, 3] of the surface to points [P, 3], and the surface's normals there.

        A point is projected onto the tangent plane of the nearest sample, so that the spacing of the
        samples does not limit the precision.
        """
        index = self.tree.query(points)[1]
        near, normal = self.points[index], self.normals[index]
        offset = points - near
        tangential = offset - np.einsum("ij,ij->i", offset, normal)[:, None] * normal
        length = np.linalg.norm(tangential, axis=1, keepdims=True)
        return near + tangential * np.minimum(1.0, self.spacing / np.maximum(length, 1e-12)), normal


def best_similarity(
    source: FloatArray, target: FloatArray, weights: FloatArray | None = None, scaled: bool = True
) -> Similarity:
    """Least-squares rotation, shift and (if ``scaled``) scale from source to target [N, 3] (Umeyama 1991)."""
    w = np.ones(len(source)) if weights is None else np.asarray(weights, dtype=np.float64)
    w = w / w.sum()
    a, b = w @ source, w @ target
    x, y = source - a, target - b
    u, s, vt = np.linalg.svd((y * w[:, None]).T @ x)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((s * sign).sum() / (w @ (x**2).sum(axis=1))) if scaled else 1.0
    return Similarity(rotation, b - scale * rotation @ a, scale)


def _iterate(
    source: PointSurface, target: PointSurface, start: Similarity, count: int, rounds: int, partial: bool
) -> Similarity:
    """Iterative closest points in both directions, from the target only if it is ``partial``."""
    now = start
    some, other = source.points[:count], target.points[:count]
    for k in range(rounds):
        back = (other - now.shift) @ now.rotation / now.scale
        nearest, normals = source.closest(back)
        agree = np.einsum("ij,ij->i", target.normals[:count] @ now.rotation, normals) > 0.0
        pairs = [(nearest[agree], other[agree])]
        if not partial:
            moved = now(some)
            nearest, normals = target.closest(moved)
            agree = np.einsum("ij,ij->i", source.normals[:count] @ now.rotation.T, normals) > 0.0
            pairs.append((some[agree], nearest[agree]))
        a, b = (np.concatenate(side) for side in zip(*pairs, strict=True))
        if len(a) < count // 4:
            return now
        miss = np.linalg.norm(now(a) - b, axis=1)
        kept = miss <= np.quantile(miss, 0.9)
        # Scaling would let a whole bone shrink into a part of one; it is freed when the place is found.
        scaled = not partial or 2 * k > rounds
        found = best_similarity(a[kept], b[kept], scaled=scaled)
        if partial and not _PARTIAL_SIZES[0] <= found.scale <= _PARTIAL_SIZES[1]:
            continue
        now = found
    return now


def misfit(
    source: PointSurface, target: PointSurface, now: Similarity, count: int, partial: bool = False
) -> float:
    """Mean closest distance in mm in both directions, raised where the normals disagree."""
    back = (target.points[:count] - now.shift) @ now.rotation / now.scale
    nearest, normals = source.closest(back)
    total = np.linalg.norm(nearest - back, axis=1).mean() * now.scale
    agreement = np.einsum("ij,ij->i", target.normals[:count] @ now.rotation, normals).mean()
    if not partial:
        moved = now(source.points[:count])
        nearest, normals = target.closest(moved)
        total += np.linalg.norm(nearest - moved, axis=1).mean()
        other = np.einsum("ij,ij->i", source.normals[:count] @ now.rotation.T, normals).mean()
        total, agreement = total / 2.0, (agreement + other) / 2.0
    return float(total * (2.0 - agreement))


def _axes(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    centred = points - points.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred / len(points))
    return axes[:, ::-1] * np.sign(np.linalg.det(axes[:, ::-1])), np.sqrt(values[::-1])


def _starts(source: PointSurface, target: PointSurface) -> list[Similarity]:
    """Proper rotations that lay principal axes on each other; axes of like length may also be exchanged."""
    a, long_a = _axes(source.points)
    b, long_b = _axes(target.points)
    middle_a, middle_b = source.points.mean(axis=0), target.points.mean(axis=0)
    scale = float(np.linalg.norm(long_b) / np.linalg.norm(long_a))
    starts = []
    for order in permutations(range(3)):
        if np.any(np.abs(np.log(long_a / (long_b[list(order)] / scale))) > 0.5):
            continue
        for signs in product((1.0, -1.0), repeat=3):
            rotation = (b[:, order] * np.array(signs)) @ a.T
            if np.linalg.det(rotation) > 0.0:
                starts.append(Similarity(rotation, middle_b - scale * rotation @ middle_a, scale))
    return starts


def align(
    source: PointSurface,
    target: PointSurface,
    hint: FloatArray | None = None,
    partial: bool = False,
) -> Similarity:
    """The similarity from the source surface to the target surface.

    ``hint`` is a rotation [3, 3] about right within 50 degrees; without one all ways of laying principal
    axes on each other are tried and the closest fit wins. A ``partial`` target covers only a part of the
    source; it needs a hint, and its coordinates must already be near those of the turned source's
    matching end (the shift is found from the parts that lie highest along the source's long axis).
    """
    if hint is not None:
        starts = [_hinted(source, target, hint, partial)]
        if not partial:
            starts += [s for s in _starts(source, target) if _angle(s.rotation @ hint.T) < _HINT_DEG]
    else:
        starts = _starts(source, target)
    rough = [_iterate(source, target, start, 250, 12, partial) for start in starts]
    rough.sort(key=lambda s: misfit(source, target, s, 250, partial))
    fine = [_iterate(source, target, start, 1200, 25, partial) for start in rough[:2]]
    return min(fine, key=lambda s: misfit(source, target, s, 1200, partial))


def _hinted(source: PointSurface, target: PointSurface, hint: FloatArray, partial: bool) -> Similarity:
    if partial:
        turned = source.points @ hint.T
        top, other = turned.max(axis=0), target.points.max(axis=0)
        middle = (turned[turned[:, 2] > top[2] - 60.0]).mean(axis=0)
        level = target.points[target.points[:, 2] > other[2] - 60.0].mean(axis=0)
        return Similarity(hint, level - middle)
    a, b = source.points - source.points.mean(axis=0), target.points - target.points.mean(axis=0)
    scale = float(np.sqrt((b**2).sum() / len(b)) / np.sqrt((a**2).sum() / len(a)))
    return Similarity(hint, target.points.mean(axis=0) - scale * hint @ source.points.mean(axis=0), scale)


def _angle(rotation: FloatArray) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1.0) / 2.0, -1.0, 1.0))))
