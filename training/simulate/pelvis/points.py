"""Rules for points on hip films that a reader finds by a circle, an arc or a line of the pelvis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.simulate.rules import Direction, FilmDirection, crossings, fit_sphere
from training.simulate.scene import Camera, FloatArray, IntArray, PointRule, Scene


@dataclass(frozen=True, eq=False)
class SphereEdge:
    """The outermost film point of a bone's spherical part (its ``vertices``) in ``direction``."""

    bone: str
    vertices: IntArray
    direction: Direction | FilmDirection

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        centre, radius = fit_sphere(scene.bone(self.bone).vertices_mm[self.vertices])
        return BallEdge(centre, radius, self.direction)(scene, camera)


@dataclass(frozen=True, eq=False)
class BallEdge:
    """The outermost film point in ``direction`` of a ball around ``centre_mm`` [3]."""

    centre_mm: FloatArray
    radius_mm: float
    direction: Direction | FilmDirection

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        scale = camera.source_detector_mm / (camera.source_object_mm + self.centre_mm[2]) / camera.pixel_mm
        reach = self.radius_mm * scale * self.direction(scene, camera)
        return np.asarray(camera.project(self.centre_mm[None])[0] + reach)


@dataclass(frozen=True, eq=False)
class OutlineBetween:
    """Where the middle perpendicular of two other points last crosses the edges [E, 2] of a bone.

    ``sign`` +1 looks to the right-hand side of the direction from ``first`` to ``second`` (y down).
    ValueError if nothing is crossed.
    """

    bone: str
    edges: IntArray
    first: PointRule
    second: PointRule
    sign: int

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        first, second = self.first(scene, camera), self.second(scene, camera)
        along = (second - first) / np.linalg.norm(second - first)
        across = self.sign * np.array([-along[1], along[0]])
        points = camera.project(scene.bone(self.bone).vertices_mm)
        level = float((first + second) @ along / 2.0)
        found = crossings(np.stack([points @ across, points @ along], axis=1), self.edges, level)
        if not len(found):
            raise ValueError(f"The outline of {self.bone} does not reach between two points in this view.")
        return np.asarray(found.max() * across + level * along)


@dataclass(frozen=True, eq=False)
class Deepest:
    """The point of a bone's ``candidates`` farthest from the line through two other points.

    ``sign`` +1 takes the right-hand side of the direction from ``first`` to ``second`` (y down).
    """

    bone: str
    candidates: IntArray
    first: PointRule
    second: PointRule
    sign: int

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        along = self.second(scene, camera) - self.first(scene, camera)
        across = self.sign * np.array([-along[1], along[0]])
        points = camera.project(scene.bone(self.bone).vertices_mm[self.candidates])
        return np.asarray(points[(points @ across).argmax()])


@dataclass(frozen=True, eq=False)
class Narrowest:
    """One border of the femoral neck where it is narrowest at right angles to its axis.

    The axis runs from the centre of the head (sphere through ``head``) to the middle of the section
    ``neck``. Sections from ``start`` to ``end`` head radii from the centre are tried. ``sign`` +1 takes
    the border on the right-hand side of the axis (y down). ValueError if there is no section.
    """

    bone: str
    head: IntArray
    neck: IntArray
    edges: IntArray
    sign: int
    start: float = 0.9
    end: float = 1.45

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        vertices = scene.bone(self.bone).vertices_mm
        centre, radius = fit_sphere(vertices[self.head])
        ends = camera.project(np.stack([centre, vertices[self.neck].mean(axis=0)]))
        along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
        across = np.array([-along[1], along[0]])
        points = camera.project(vertices) - ends[0]
        film = np.stack([points @ across, points @ along], axis=1)
        reach = radius / camera.object_pixel_mm
        best: tuple[float, float, FloatArray] | None = None
        for level in np.linspace(self.start, self.end, 9) * reach:
            found = crossings(film, self.edges, float(level))
            # A section narrower than this runs past the end of the edges.
            if len(found) and np.ptp(found) > 1.05 * reach and (best is None or np.ptp(found) < best[0]):
                best = float(np.ptp(found)), float(level), found
        if best is None:
            raise ValueError(f"The neck of {self.bone} is not crossed in this view.")
        _, level, found = best
        side = found.max() if self.sign > 0 else found.min()
        return np.asarray(ends[0] + side * across + level * along)


@dataclass(frozen=True, eq=False)
class LeavesCircle:
    """Where the border of head and neck leaves the circle of the head, on one side of the neck.

    The circle is that of the sphere through ``head``. The border, the outermost of ``edges`` [E, 2] about its
    centre, is followed from right angles to the neck towards it and leaves the circle where it first lies
    ``beyond`` radii from the centre (Noetzli et al., J Bone Joint Surg Br 2002;84:556-560). ``along`` points
    along the neck; ``sign`` +1 takes the side on its right (y down). ValueError if it does not leave it.
    """

    bone: str
    head: IntArray
    edges: IntArray
    along: Direction
    sign: int
    beyond: float = 1.04

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        vertices = scene.bone(self.bone).vertices_mm
        centre, radius = fit_sphere(vertices[self.head])
        middle = camera.project(centre[None])[0]
        points = camera.project(vertices) - middle
        out = BallEdge(centre, radius, self.along)(scene, camera) - middle
        reach = float(np.linalg.norm(out))
        for degrees in np.arange(100.0, 15.0, -0.5):
            c, s = np.cos(np.radians(self.sign * degrees)), np.sin(np.radians(self.sign * degrees))
            ray = np.array([[c, -s], [s, c]]) @ (out / reach)
            film = np.stack([points @ ray, points @ [-ray[1], ray[0]]], axis=1)
            found = crossings(film, self.edges, 0.0)
            if len(found) and found.max() > self.beyond * reach:
                return np.asarray(middle + found.max() * ray)
        raise ValueError(f"The border of {self.bone} does not leave the circle of its head in this view.")


@dataclass(frozen=True, eq=False)
class Fixed:
    """The projection of a place of the scene, ``point_mm`` [3]."""

    point_mm: FloatArray

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        return np.asarray(camera.project(self.point_mm[None])[0])


@dataclass(frozen=True, eq=False)
class SceneDirection:
    """A unit direction [2] on the film: the projection of ``tail_mm`` to ``tip_mm``, turned clockwise."""

    tail_mm: FloatArray
    tip_mm: FloatArray
    turned_deg: float

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        tail, tip = camera.project(np.stack([self.tail_mm, self.tip_mm]))
        along = (tip - tail) / np.linalg.norm(tip - tail)
        c, s = np.cos(np.radians(self.turned_deg)), np.sin(np.radians(self.turned_deg))
        return np.asarray(np.array([[c, -s], [s, c]]) @ along)


@dataclass(frozen=True, eq=False)
class PieceFarthest:
    """The film point of one drawn piece of a bone that lies farthest in ``direction``.

    ``candidates`` are vertex numbers of the piece, None for all.
    """

    bone: str
    piece: int
    direction: Direction | SceneDirection
    candidates: IntArray | None = None

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        drawn = scene.bone(self.bone).drawn
        if drawn is None:
            raise ValueError(f"{self.bone} is not drawn in pieces.")
        vertices = drawn[self.piece].vertices_mm
        points = camera.project(vertices if self.candidates is None else vertices[self.candidates])
        return np.asarray(points[(points @ self.direction(scene, camera)).argmax()])
