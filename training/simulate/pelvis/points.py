"""Rules for points on hip films that a reader finds by a circle, an arc or a line of the pelvis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.simulate.rules import Direction, FilmDirection, crossings, farthest, fit_sphere, soft_mean
from training.simulate.scene import Camera, FloatArray, IntArray, PointRule, Scene

# Along the neck, in radii of the head from its centre: beyond, the trochanters lie over it.
_STATIONS = np.linspace(0.9, 1.2, 13)


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
        across = self.sign * np.array([-along[1], along[0]]) / np.linalg.norm(along)
        points = camera.project(scene.bone(self.bone).vertices_mm[self.candidates])
        return farthest(points, across, camera)


@dataclass(frozen=True, eq=False)
class Narrowest:
    """One border of the femoral neck where it is nearest to the neck's axis.

    The axis runs from the centre of the head (sphere through ``head``) to the middle of the section
    ``neck``. Sections from 0.9 to 1.2 head radii from the centre are tried. ``sign`` +1 takes the border on
    the right-hand side of the axis (y down). ValueError if there is no section.
    """

    bone: str
    head: IntArray
    neck: IntArray
    edges: IntArray
    sign: int

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        vertices = scene.bone(self.bone).vertices_mm
        centre, radius = fit_sphere(vertices[self.head])
        head, neck = camera.project(np.stack([centre, vertices[self.neck].mean(axis=0)]))
        stations = _STATIONS * radius / camera.object_pixel_mm
        return nearest_border(camera.project(vertices), self.edges, (head, neck), stations, self.sign, camera)


def nearest_border(
    points: FloatArray,
    edges: IntArray,
    axis: tuple[FloatArray, FloatArray],
    stations: FloatArray,
    sign: int,
    camera: Camera,
) -> FloatArray:
    """Where the outline of edges [E, 2] of points [V, 2] on one side of an axis is nearest to it.

    The outline is looked for at the ``stations`` [S], pixels along the axis from its first point. ``sign`` +1
    takes the side to the right of its direction (y down). ValueError if no station crosses the outline.
    """
    along = (axis[1] - axis[0]) / np.linalg.norm(axis[1] - axis[0])
    across = sign * np.array([-along[1], along[0]])
    turned = np.stack([(points - axis[0]) @ across, (points - axis[0]) @ along], axis=1)
    found = [(station, crossings(turned, edges, float(station))) for station in stations]
    places, away = np.array([(at, crossed.max()) for at, crossed in found if len(crossed)]).reshape(-1, 2).T
    if not len(places):
        raise ValueError("The neck of the femur is not crossed in this view.")
    place = soft_mean(places, -away, camera)
    return np.asarray(axis[0] + place * along + float(np.interp(place, places, away)) * across)


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
        return farthest(points, self.direction(scene, camera), camera)
