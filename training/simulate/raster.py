"""Path lengths of X-rays through closed triangle meshes, by rasterising signed depths.

Every triangle adds the depth at which the ray of a pixel crosses it, positive where the ray leaves
the body and negative where it enters; the sum is the length inside. Vertices are snapped to a fine
integer grid and edges are tested exactly, with each shared edge owned by one of its two triangles,
so that no crossing is lost or counted twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.simulate.scene import Camera, FloatArray, IntArray

_SUBPIXEL = 1024  # grid steps per pixel; positions are exact to 1/2048 px


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels of the film: columns x0..x1-1, rows y0..y1-1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.y1 - self.y0, self.x1 - self.x0

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the window in an image [rows, columns]."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    @property
    def empty(self) -> bool:
        """Whether the window holds no pixel."""
        return self.x1 <= self.x0 or self.y1 <= self.y0


def window_of(film_px: FloatArray, camera: Camera, margin_px: int = 2) -> Window:
    """The part of the film that film points [N, 2] cover, widened by ``margin_px`` and clipped."""
    x, y = film_px[:, 0], film_px[:, 1]  # far faster by column than along the first axis of both
    return Window(
        max(0, int(np.floor(x.min())) - margin_px),
        max(0, int(np.floor(y.min())) - margin_px),
        min(camera.width, int(np.ceil(x.max())) + margin_px + 1),
        min(camera.height, int(np.ceil(y.max())) + margin_px + 1),
    )


@njit(cache=True)  # type: ignore[untyped-decorator]
def _owned(dx: int, dy: int) -> bool:
    """Whether a pixel exactly on this directed edge belongs to the triangle (its twin says the opposite)."""
    return dy > 0 or (dy == 0 and dx > 0)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _accumulate(
    grid_x: NDArray[np.int64],
    grid_y: NDArray[np.int64],
    distance: FloatArray,
    faces: IntArray,
    depth: FloatArray,
    crossings: NDArray[np.int32],
    step: int,
    near: float,
) -> None:
    """Add every triangle's signed depth to ``depth`` [H, W] and its sign to ``crossings`` [H, W]."""
    rows, columns = depth.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, bx, by, cx, cy = grid_x[a], grid_y[a], grid_x[b], grid_y[b], grid_x[c], grid_y[c]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0:
            continue
        # y points down and z away from the source: an outward triangle of positive area is an exit.
        sign = 1
        if area < 0:
            sign = -1
            b, c = c, b
            bx, by, cx, cy = cx, cy, bx, by
            area = -area
        x0 = max(0, -(-min(ax, bx, cx) // step))
        x1 = min(columns - 1, max(ax, bx, cx) // step)
        y0 = max(0, -(-min(ay, by, cy) // step))
        y1 = min(rows - 1, max(ay, by, cy) // step)
        if x0 > x1 or y0 > y1:
            continue
        # One over the distance from the source plane is linear on the film for a flat triangle.
        qa, qb, qc = 1.0 / distance[a], 1.0 / distance[b], 1.0 / distance[c]
        limit_a = 0 if _owned(cx - bx, cy - by) else 1
        limit_b = 0 if _owned(ax - cx, ay - cy) else 1
        limit_c = 0 if _owned(bx - ax, by - ay) else 1
        for y in range(y0, y1 + 1):
            py = y * step
            for x in range(x0, x1 + 1):
                px = x * step
                wa = (cx - bx) * (py - by) - (cy - by) * (px - bx)
                if wa < limit_a:
                    continue
                wb = (ax - cx) * (py - cy) - (ay - cy) * (px - cx)
                if wb < limit_b:
                    continue
                wc = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
                if wc < limit_c:
                    continue
                depth[y, x] += sign * (area / (wa * qa + wb * qb + wc * qc) - near)
                crossings[y, x] += sign


def path_in_window(vertices: FloatArray, faces: IntArray, camera: Camera, window: Window) -> FloatArray:
    """Length in millimetres [rows, columns] that each pixel's ray runs inside the mesh.

    ``vertices`` [V, 3] in the scene frame, ``faces`` [F, 3] oriented outwards. The result is signed:
    an inside-out mesh gives negative lengths. Pixels whose ray enters and leaves unequally often (a
    hole in the surface) get the mean of their sound neighbours. ValueError if a vertex lies at or
    behind the source.
    """
    distance = camera.source_object_mm + np.ascontiguousarray(vertices[:, 2], dtype=np.float64)
    if distance.min() <= 0:
        raise ValueError(
            "The mesh reaches the X-ray source: move it towards the detector or enlarge the distance."
        )
    film = camera.project(vertices)
    grid = np.rint((film - [window.x0, window.y0]) * _SUBPIXEL).astype(np.int64)
    depth = np.zeros(window.shape)
    crossings = np.zeros(window.shape, dtype=np.int32)
    _accumulate(
        np.ascontiguousarray(grid[:, 0]),
        np.ascontiguousarray(grid[:, 1]),
        distance,
        np.ascontiguousarray(faces, dtype=np.int32),
        depth,
        crossings,
        _SUBPIXEL,
        float(distance.mean()),
    )
    open_rays = crossings != 0
    if open_rays.any():
        depth = _fill(depth, open_rays)
    # A ray that is oblique to the central ray runs longer between two planes.
    x = (np.arange(window.x0, window.x1) - camera.centre_x) * camera.pixel_mm / camera.source_detector_mm
    y = (np.arange(window.y0, window.y1) - camera.centre_y) * camera.pixel_mm / camera.source_detector_mm
    return np.asarray(depth * np.sqrt(1.0 + x[None, :] ** 2 + y[:, None] ** 2))


def _fill(depth: FloatArray, bad: NDArray[np.bool_]) -> FloatArray:
    """Replace bad pixels by the mean of the good ones of their 3 x 3 neighbourhood (0 if none)."""
    total = np.zeros_like(depth)
    count = np.zeros_like(depth)
    values = np.pad(np.where(bad, 0.0, depth), 1)
    weights = np.pad((~bad).astype(np.float64), 1)
    for dy in range(3):
        for dx in range(3):
            here = (slice(dy, dy + depth.shape[0]), slice(dx, dx + depth.shape[1]))
            total += values[here]
            count += weights[here]
    return np.where(bad, total / np.maximum(count, 1.0), depth)


@njit(cache=True)  # type: ignore[untyped-decorator]
def smooth_normals(vertices: FloatArray, faces: IntArray, passes: int) -> FloatArray:
    """Outward unit normals [V, 3], area weighted, then averaged over the faces ``passes`` times."""
    count = vertices.shape[0]
    normals = np.zeros((count, 3))
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = (
            vertices[b, 0] - vertices[a, 0],
            vertices[b, 1] - vertices[a, 1],
            vertices[b, 2] - vertices[a, 2],
        )
        vx, vy, vz = (
            vertices[c, 0] - vertices[a, 0],
            vertices[c, 1] - vertices[a, 1],
            vertices[c, 2] - vertices[a, 2],
        )
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for v in (a, b, c):
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    _normalise(normals)
    for _ in range(passes):
        averaged = np.zeros((count, 3))
        for f in range(faces.shape[0]):
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            for k in range(3):
                mean = normals[a, k] + normals[b, k] + normals[c, k]
                averaged[a, k] += mean
                averaged[b, k] += mean
                averaged[c, k] += mean
        _normalise(averaged)
        normals = averaged
    return normals


@njit(cache=True)  # type: ignore[untyped-decorator]
def _normalise(vectors: FloatArray) -> None:
    """Scale every row to unit length in place; rows of no length stay zero."""
    for i in range(vectors.shape[0]):
        length = np.sqrt(vectors[i, 0] ** 2 + vectors[i, 1] ** 2 + vectors[i, 2] ** 2)
        if length > 0:
            for k in range(3):
                vectors[i, k] /= length
