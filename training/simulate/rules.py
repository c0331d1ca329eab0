"""Named points that a reader sets on the projected outline: they move with the view as a reader's would.

Everything is computed from projected vertices and edges, so points are exact for the surface as drawn
and do not depend on the raster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from training.simulate.scene import Camera, FloatArray, IntArray, PointRule, Scene

_Rule = TypeVar("_Rule", bound=PointRule)

SOFT_MM = 0.5
"""How far in outline points lie that count e times less for where along the outline its farthest point is.

Of a flat end no single place is the farthest: were the beam a little turned, it would jump."""

SHARP_MM = 0.2
"""The same of small bones and sharp ends, whose farthest point a wide mean would move off the outline."""


def remembered(
    call: Callable[[_Rule, Scene, Camera], FloatArray],
) -> Callable[[_Rule, Scene, Camera], FloatArray]:
    """A rule's ``__call__`` that is worked out once for a scene and camera, however many rules use it."""

    @wraps(call)
    def recall(self: _Rule, scene: Scene, camera: Camera) -> FloatArray:
        found = scene.found_px.get((self, camera))
        if found is None:
            found = scene.found_px[self, camera] = call(self, scene, camera)
            found.setflags(write=False)
        return found

    return recall


@dataclass(frozen=True, eq=False)
class Mean:
    """The mean [2] of the projections of some vertices of one bone (one vertex: that vertex)."""

    bone: str
    vertices: IntArray

    @remembered
    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        return np.asarray(camera.project(scene.bone(self.bone).vertices_mm[self.vertices]).mean(axis=0))


@dataclass(frozen=True, eq=False)
class SphereCentre:
    """The projected centre [2] of the least-squares sphere through some vertices of one bone."""

    bone: str
    vertices: IntArray

    @remembered
    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        centre, _ = fit_sphere(scene.bone(self.bone).vertices_mm[self.vertices])
        return np.asarray(camera.project(centre[None])[0])


@dataclass(frozen=True, eq=False)
class Direction:
    """A unit direction [2] on the film: from ``tail`` to ``tip``, turned by ``turned_deg``.

    Positive degrees turn clockwise as seen on the film (x towards y).
    """

    tail: Mean | SphereCentre
    tip: Mean | SphereCentre
    turned_deg: float = 0.0

    @remembered
    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        along = self.tip(scene, camera) - self.tail(scene, camera)
        along = along / np.linalg.norm(along)
        c, s = np.cos(np.radians(self.turned_deg)), np.sin(np.radians(self.turned_deg))
        return np.asarray(np.array([[c, -s], [s, c]]) @ along)


@dataclass(frozen=True, eq=False)
class FilmDirection:
    """A unit direction [2] fixed to the film: 0 degrees is right, 90 is down."""

    degrees: float

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        return np.array([np.cos(np.radians(self.degrees)), np.sin(np.radians(self.degrees))])


@dataclass(frozen=True, eq=False)
class Farthest:
    """The outline point of ``bone`` (among ``candidates``) that lies farthest in ``direction``.

    See ``farthest`` for what ``soft_mm`` means.
    """

    bone: str
    candidates: IntArray
    direction: Direction | FilmDirection
    soft_mm: float = SOFT_MM

    @remembered
    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        points = camera.project(scene.bone(self.bone).vertices_mm[self.candidates])
        return farthest(points, self.direction(scene, camera), camera, self.soft_mm)


@dataclass(frozen=True, eq=False)
class OutlineAt:
    """Where the outline of part of a bone crosses a line at right angles to ``axis``.

    The line passes through the point ``fraction`` of the way from ``axis.tail`` to ``axis.tip``
    (values outside 0..1 are allowed). ``edges`` [E, 2] are vertex pairs of ``bone``. ``sign`` +1 takes
    the outermost crossing clockwise of the axis direction (its right-hand side for an observer who
    looks along it with y down), -1 the other. ValueError if nothing is crossed.
    """

    bone: str
    edges: IntArray
    axis: Direction
    fraction: float
    sign: int

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        tail, tip = self.axis.tail(scene, camera), self.axis.tip(scene, camera)
        along = self.axis(scene, camera)
        level = float((tail + self.fraction * (tip - tail)) @ along)
        points = camera.project(scene.bone(self.bone).vertices_mm)
        refusal = f"The outline of {self.bone} does not reach the level of the point in this view."
        return outermost(points, self.edges, along, level, self.sign, refusal)


@dataclass(frozen=True, eq=False)
class ShaftBorder:
    """Where the outline of a shaft crosses its axis at right angles, ``level`` units beyond ``start``.

    The unit is the distance of the two points ``unit`` on the film. The axis is that of the middles of the
    shaft at the first and last of all its ``levels`` (none: as given), so that points on its borders tell it;
    ``axis`` is nearly that. ``edges`` [E, 2] are vertex pairs of ``bone``, ``sign`` as in ``OutlineAt``. Of a
    bone beside the shaft, ``guide`` are the shaft's own bone and edges. ValueError if nothing is crossed.
    """

    bone: str
    edges: IntArray
    axis: Direction
    start: PointRule
    unit: tuple[PointRule, PointRule]
    level: float
    sign: int
    levels: tuple[float, ...] = ()
    guide: tuple[str, IntArray] | None = None

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        along, start = self.axis(scene, camera), self.start(scene, camera)
        first, second = (point(scene, camera) for point in self.unit)
        unit = float(np.linalg.norm(second - first))

        own = (self.bone, self.edges)
        shaft = self.guide or own
        points = {bone: camera.project(scene.bone(bone).vertices_mm) for bone in {self.bone, shaft[0]}}

        def border(outline: tuple[str, IntArray], level: float, sign: int) -> FloatArray:
            bone, edges = outline
            refusal = f"The shaft of {bone} does not reach the level of the point in this view."
            return outermost(points[bone], edges, along, float(start @ along) + level * unit, sign, refusal)

        for _ in range(3 if self.levels else 0):
            ends = [
                border(shaft, level, -1) + border(shaft, level, 1)
                for level in (self.levels[0], self.levels[-1])
            ]
            way = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
            along = way if way @ along > 0 else -way
        return border(own, self.level, self.sign)


@dataclass(frozen=True, eq=False)
class Between:
    """The middle of two other points."""

    first: PointRule
    second: PointRule

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        return np.asarray((self.first(scene, camera) + self.second(scene, camera)) / 2.0)


def farthest(points: FloatArray, along: FloatArray, camera: Camera, soft_mm: float = SOFT_MM) -> FloatArray:
    """The place [2] as far out in a unit direction ``along`` [2] as any of the points [N, 2] on the film.

    Across that direction it is the mean of the points, which count less by e for every ``soft_mm`` that
    they lie farther in.
    """
    across = np.array([-along[1], along[0]])
    depth = points @ along
    return np.asarray(depth.max() * along + soft_mean(points @ across, depth, camera, soft_mm) * across)


def soft_mean(values: FloatArray, depth: FloatArray, camera: Camera, soft_mm: float = SOFT_MM) -> float:
    """The mean of values [N] that count less by e for every ``soft_mm`` below the greatest depth [N, px]."""
    weight = np.exp((depth - depth.max()) * (camera.object_pixel_mm / soft_mm))
    return float(weight @ values / weight.sum())


def outermost(
    points: FloatArray, edges: IntArray, along: FloatArray, level: float, sign: int, refusal: str
) -> FloatArray:
    """The point [2] farthest to one side where edges [E, 2] of points [V, 2] pass a level along a direction.

    ``sign`` +1 looks clockwise of the unit direction ``along`` [2] as seen on the film, -1 the other way.
    ValueError with the text ``refusal`` if nothing passes the level.
    """
    across = np.array([-along[1], along[0]])
    found = crossings(np.stack([points @ across, points @ along], axis=1), edges, level)
    if not len(found):
        raise ValueError(refusal)
    return np.asarray((found.max() if sign > 0 else found.min()) * across + level * along)


def crossings(points: FloatArray, edges: IntArray, level: float) -> FloatArray:
    """X of all places where edges [E, 2] of points [V, 2 or 3] pass y = level."""
    beyond = points[:, 1] > level
    passing = edges[beyond[edges[:, 0]] != beyond[edges[:, 1]]]
    a, b = points[passing[:, 0]], points[passing[:, 1]]
    return np.asarray(a[:, 0] + (level - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0]))


def edges_of(faces: IntArray, chosen: NDArray[np.bool_] | None = None) -> IntArray:
    """The edges [E, 2] of all faces, or of those faces whose three vertices are ``chosen`` [V]."""
    kept = faces if chosen is None else faces[chosen[faces].all(axis=1)]
    pairs = np.sort(np.concatenate([kept[:, :2], kept[:, 1:], kept[:, ::2]]), axis=1)
    return np.unique(pairs, axis=0).astype(np.int32)


def fit_sphere(points: FloatArray) -> tuple[FloatArray, float]:
    """Centre [3] and radius of the algebraic least-squares sphere through points [N, 3], N >= 4."""
    matrix = np.column_stack([2.0 * points, np.ones(len(points))])
    solution = np.linalg.lstsq(matrix, (points**2).sum(axis=1), rcond=None)[0]
    centre = solution[:3]
    return np.asarray(centre), float(np.sqrt(solution[3] + centre @ centre))
