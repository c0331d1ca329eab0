"""Non-rigid registration: the template's surface is bent onto a subject's surface of the same bone.

After a similarity, displacements are fitted first as smooth functions of space (an affine map and Gaussian
kernels from wide to narrow), then vertex by vertex with a smoothing term (bi-Laplacian of the mesh). Closest
points count in both directions and only where normals agree, so that processes do not collapse. What a
partial surface lacks keeps the template's shape, into which the fit passes over smoothly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix, diags, identity
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from training.simulate.alignment import PointSurface, align, best_similarity
from training.simulate.pose import ramp
from training.simulate.scene import FloatArray, IntArray

_TARGET_POINTS = 24_000
_TEMPLATE_POINTS = 6_000
_PULLED = 1_400
_KERNELS = 220
_WIDTHS = (0.5, 0.3, 0.18, 0.11, 0.07)
_STIFFNESS = (60.0, 20.0, 8.0, 3.0, 1.5, 1.0)
_FOLD = -0.4
_FAR_SHARE = 0.05
# Of the bone's length: near the end of a partial surface nothing counts, as its cut may be closed; then the
# fit fades in.
_CUT_SHARE = 0.02
_FADE_SHARE = 0.15


@dataclass(frozen=True, eq=False)
class Registration:
    """The template's vertices [V, 3] on the subject's surface, and how well they lie there.

    ``fitted`` is in the subject's frame, ``shape`` the same moved, turned and scaled to lie as well as
    possible on the template. ``size`` is the subject's size relative to the template. ``mean_mm`` and
    ``p95_mm`` are distances between the two surfaces in both directions, in the subject's frame (for a
    partial surface: from it, away from its cut, to the fitted template). ``folded`` counts edges where the
    surface turns back onto itself and the template does not.
    """

    fitted: FloatArray
    shape: FloatArray
    size: float
    mean_mm: float
    p95_mm: float
    folded: int


@dataclass(frozen=True, eq=False)
class _Part:
    """What a partial surface shows of a bone: the levels from ``low`` to ``high`` (mm) along a unit ``axis``.

    An end that is not cut lies at infinity. ``fade`` is how far inwards from a cut end a fit fades in.
    """

    axis: FloatArray
    low: float
    high: float
    fade: float

    def shows(self, points: FloatArray) -> NDArray[np.bool_]:
        """Which points [N, 3] lie between the ends."""
        level = points @ self.axis
        return np.asarray((level > self.low) & (level < self.high))

    def weight(self, points: FloatArray) -> FloatArray:
        """From 0 beyond a cut end to 1 well inside the part, at points [N, 3]."""
        level = points @ self.axis
        inside = np.minimum(level - self.low, self.high - level)
        return ramp(np.minimum(inside, self.fade), 0.0, self.fade)


def _part(vertices: FloatArray, target: PointSurface) -> _Part:
    """Where along the long axis of the laid-on template [V, 3] a partial surface is cut."""
    axis = np.linalg.eigh(np.cov(vertices.T))[1][:, 2]
    own, shown = vertices @ axis, target.points @ axis
    length = float(np.ptp(own))
    low, high = float(shown.min()), float(shown.max())
    margin = _CUT_SHARE * length
    return _Part(
        axis,
        low + margin if own.min() < low - _FAR_SHARE * length else -np.inf,
        high - margin if own.max() > high + _FAR_SHARE * length else np.inf,
        _FADE_SHARE * length,
    )


def register(
    template: tuple[FloatArray, IntArray],
    subject: tuple[FloatArray, IntArray],
    hint: FloatArray | None = None,
    partial: bool = False,
) -> Registration:
    """Bend the template's surface onto the subject's; both as vertices [., 3] in mm and faces [., 3].

    Both must be bones of one side (mirror right ones before). ``hint`` is a rotation [3, 3] from template
    to subject, about right. A ``partial`` surface lacks one or both ends of a long bone and pulls only what
    it covers; it needs a hint.
    """
    vertices, faces = template
    source = PointSurface(vertices, faces, _TEMPLATE_POINTS)
    target = PointSurface(*subject, _TARGET_POINTS)
    start = align(source, target, hint, partial)
    rigid = start(vertices)
    part = _part(rigid, target) if partial else None
    warped = _fit_kernels(rigid, faces, target, part)
    fitted = _fit_vertices(warped, faces, target, part)
    if part is not None:
        fitted = rigid + part.weight(rigid)[:, None] * (fitted - rigid)
    fitted = _unfold(fitted, rigid, faces)
    weights = _vertex_areas(vertices, faces)
    back = best_similarity(fitted, vertices, weights)
    distances = _distances(fitted, faces, target, part)
    return Registration(
        fitted,
        back(fitted),
        1.0 / back.scale,
        float(distances.mean()),
        float(np.quantile(distances, 0.95)),
        len(_folds(fitted, rigid, faces)),
    )


def transfer(
    registration: Registration,
    template: tuple[FloatArray, IntArray],
    base: tuple[FloatArray, IntArray],
    others: FloatArray,
) -> list[Registration]:
    """Registrations of surfaces [S, W, 3] that correspond vertex by vertex with ``base``.

    ``registration`` is that of the template with ``base``. Every template vertex keeps its place relative
    to the nearest triangle of the base.
    """
    vertices, faces = template
    on_base, triangle = _closest_triangles(registration.fitted, *base)
    corners = np.asarray(base[1])[triangle]
    weights = trimesh.triangles.points_to_barycentric(base[0][corners], on_base, method="cramer")
    weights = np.nan_to_num(np.clip(weights, 0.0, 1.0), nan=1.0 / 3.0)
    weights /= weights.sum(axis=1, keepdims=True)
    rest = registration.fitted - np.einsum("vk,vkc->vc", weights, base[0][corners])
    results = []
    for other in others:
        turn = best_similarity(base[0], other)
        fitted = np.einsum("vk,vkc->vc", weights, other[corners]) + turn.scale * rest @ turn.rotation.T
        reference = turn(registration.fitted)
        fitted = _unfold(fitted, reference, faces)
        back = best_similarity(fitted, vertices, _vertex_areas(vertices, faces))
        distances = _distances(fitted, faces, PointSurface(other, base[1], _TARGET_POINTS))
        folded = len(_folds(fitted, reference, faces))
        figures = float(distances.mean()), float(np.quantile(distances, 0.95))
        results.append(Registration(fitted, back(fitted), 1.0 / back.scale, *figures, folded))
    return results


def _closest_triangles(
    points: FloatArray, vertices: FloatArray, faces: IntArray
) -> tuple[FloatArray, IntArray]:
    """Closest points [P, 3] of a surface and the triangles they lie in, among the ten nearest by centre."""
    triangles = vertices[faces]
    near = cKDTree(triangles.mean(axis=1)).query(points, k=10)[1]
    spots = trimesh.triangles.closest_point(triangles[near].reshape(-1, 3, 3), np.repeat(points, 10, axis=0))
    spots = spots.reshape(-1, 10, 3)
    best = np.linalg.norm(spots - points[:, None], axis=2).argmin(axis=1)
    every = np.arange(len(points))
    return spots[every, best], near[every, best].astype(np.int32)


def _normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    summed = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(summed, faces[:, k], across)
    return np.asarray(summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12))


def _vertex_areas(vertices: FloatArray, faces: IntArray) -> FloatArray:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6.0
    return np.asarray(np.bincount(faces.ravel(), np.repeat(area, 3), minlength=len(vertices)))


def _spread(points: FloatArray, count: int, seed: int = 0) -> IntArray:
    """Indices of points about evenly spread: repeatedly the one farthest from those chosen."""
    count = min(count, len(points))
    chosen = np.empty(count, dtype=np.int32)
    chosen[0] = np.random.default_rng(seed).integers(len(points))
    away = np.linalg.norm(points - points[chosen[0]], axis=1)
    for k in range(1, count):
        chosen[k] = away.argmax()
        away = np.minimum(away, np.linalg.norm(points - points[chosen[k]], axis=1))
    return chosen


def _pairs(
    vertices: FloatArray,
    faces: IntArray,
    target: PointSurface,
    forward: IntArray,
    backward: int,
    part: _Part | None,
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Vertices pulled, the points [P, 3] they are pulled to, and weights [P]."""
    normals = _normals(vertices, faces)
    far_mm = _FAR_SHARE * float(np.linalg.norm(np.ptp(vertices, axis=0)))
    points, facing = target.closest(vertices[forward])
    miss = np.linalg.norm(points - vertices[forward], axis=1)
    fits = np.einsum("ij,ij->i", facing, normals[forward]) > 0.4
    fits &= miss <= max(1.5 * float(np.quantile(miss, 0.9)), 0.5)
    if part is not None:
        # Of a template that reaches farther, only what lies straight above the surface is covered.
        offset = vertices[forward] - points
        along = np.abs(np.einsum("ij,ij->i", offset, facing))
        fits &= ((along > 0.9 * miss) & (miss < far_mm)) | (miss < target.spacing)
        fits &= part.shows(vertices[forward]) & part.shows(points)
    # Backwards: the nearest vertex whose normal agrees, found in space and direction at once.
    reach = 0.15 * float(np.linalg.norm(np.ptp(vertices, axis=0)))
    tree = cKDTree(np.hstack([vertices, reach * normals]))
    wanted, outwards = target.points[:backward], target.normals[:backward]
    index = tree.query(np.hstack([wanted, reach * outwards]))[1]
    agree = np.einsum("ij,ij->i", outwards, normals[index]) > 0.4
    if part is not None:
        agree &= np.linalg.norm(wanted - vertices[index], axis=1) < far_mm
        agree &= part.shows(wanted) & part.shows(vertices[index])
    # The share of the offset along the template's normal is what the vertex lacks; the rest is spacing.
    gap = np.einsum("ij,ij->i", wanted - vertices[index], normals[index])[:, None] * normals[index]
    far = wanted - vertices[index]
    far = np.where(np.linalg.norm(far, axis=1, keepdims=True) > 4.0 * target.spacing, far, gap)
    which = np.concatenate([forward[fits], index[agree]]).astype(np.int32)
    goal = np.concatenate([points[fits], (vertices[index] + far)[agree]])
    weights = np.concatenate([np.ones(int(fits.sum())), np.full(int(agree.sum()), 0.5)])
    return which, goal, weights


def _fit_kernels(rigid: FloatArray, faces: IntArray, target: PointSurface, part: _Part | None) -> FloatArray:
    forward = _spread(rigid, _PULLED)
    centres = rigid[forward[:_KERNELS]]
    middle, extent = rigid.mean(axis=0), float(np.linalg.norm(np.ptp(rigid, axis=0)))
    affine = np.column_stack([np.ones(len(rigid)), (rigid - middle) / extent])
    now = rigid
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    between = ((rigid[:, None] - centres[None]) ** 2).sum(axis=2)
    for step, width in enumerate(_WIDTHS):
        sigma = width * extent
        basis = np.hstack([affine, np.exp(-between / (2.0 * sigma**2))])
        energy = np.zeros((basis.shape[1],) * 2)
        energy[4:, 4:] = np.exp(-(apart**2) / (2.0 * sigma**2))
        # A partial surface says little of the far end: its affine part is held as well.
        hold = 1e-3 if part is None else 0.3
        energy[1:4, 1:4] += hold * np.eye(3)
        for _ in range(5):
            which, goal, weights = _pairs(now, faces, target, forward, _PULLED // 2, part)
            rows = basis[which] * weights[:, None]
            share = len(which) * 0.02 * 0.45**step
            system = rows.T @ basis[which] + share * energy + 1e-6 * len(which) * np.eye(len(energy))
            now = rigid + basis @ np.linalg.solve(system, rows.T @ (goal - rigid[which]))
    return now


def _laplacian(vertices: int, faces: IntArray) -> csr_matrix:
    i = faces.ravel()
    j = faces[:, [1, 2, 0]].ravel()
    links = coo_matrix((np.ones(len(i)), (i, j)), shape=(vertices, vertices)).tocsr()
    links = ((links + links.T) > 0).astype(np.float64)
    return (identity(vertices) - diags(1.0 / np.asarray(links.sum(axis=1)).ravel()) @ links).tocsr()


def _fit_vertices(
    warped: FloatArray, faces: IntArray, target: PointSurface, part: _Part | None
) -> FloatArray:
    laplacian = _laplacian(len(warped), faces)
    smooth = (laplacian.T @ laplacian).tocsc()
    every = np.arange(len(warped), dtype=np.int32)
    now = warped
    for stiffness in _STIFFNESS:
        which, goal, weights = _pairs(now, faces, target, every, len(warped) // 2, part)
        pull = np.bincount(which, weights, minlength=len(warped))
        solver = splu((diags(pull + 1e-5) + stiffness * smooth).tocsc())
        right = np.zeros_like(warped)
        np.add.at(right, which, weights[:, None] * (goal - warped[which]))
        now = warped + solver.solve(right)
    return np.asarray(now)


def _edges(faces: IntArray) -> IntArray:
    """Pairs of faces [E, 2] that share an edge."""
    mesh = trimesh.Trimesh(np.zeros((int(faces.max()) + 1, 3)), faces, process=False, validate=False)
    return np.asarray(mesh.face_adjacency, dtype=np.int32)


def _folds(vertices: FloatArray, reference: FloatArray, faces: IntArray) -> IntArray:
    pairs = _edges(faces)

    def bends(v: FloatArray) -> FloatArray:
        a, b, c = (v[faces[:, k]] for k in range(3))
        n = np.cross(b - a, c - a)
        n /= np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-12)
        return np.asarray(np.einsum("ij,ij->i", n[pairs[:, 0]], n[pairs[:, 1]]))

    return pairs[(bends(vertices) < _FOLD) & (bends(reference) > _FOLD + 0.2)]


def _unfold(vertices: FloatArray, reference: FloatArray, faces: IntArray) -> FloatArray:
    """Relax the displacement from ``reference`` around folds until none is left."""
    averaging = identity(len(vertices)) - _laplacian(len(vertices), faces)
    now = vertices
    for _ in range(40):
        folds = _folds(now, reference, faces)
        if not len(folds):
            break
        near = np.zeros(len(vertices))
        near[faces[folds.ravel()].ravel()] = 1.0
        near = np.clip(averaging @ near + near, 0.0, 1.0)[:, None]
        moved = now - reference
        now = reference + (1.0 - near) * moved + near * (averaging @ moved)
    return now


def _distances(
    vertices: FloatArray, faces: IntArray, target: PointSurface, part: _Part | None = None
) -> FloatArray:
    fitted = PointSurface(vertices, faces, _TARGET_POINTS, seed=1)
    some = target.points[:4000]
    if part is not None:
        some = some[part.weight(some) == 1.0]
    back = np.linalg.norm(fitted.closest(some)[0] - some, axis=1)
    if part is not None:
        return np.asarray(back)
    some = fitted.points[:4000]
    return np.concatenate([np.linalg.norm(target.closest(some)[0] - some, axis=1), back])
