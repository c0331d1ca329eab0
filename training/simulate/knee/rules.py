"""Points of knee and leg that a reader sets on the outline, beyond the general rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.simulate.knee.regions import Patch
from training.simulate.rules import Direction, FilmDirection, crossings, remembered
from training.simulate.scene import Camera, FloatArray, IntArray, PointRule, Scene

_TIE_MM = 0.35
# The dense line of a plateau among the heights of its middle, from its lowest to its highest place.
DENSE_LINE_DOMED = 0.65


@dataclass(frozen=True, eq=False)
class ShaftBorder:
    """Where the outline of a shaft crosses its axis at right angles, ``level`` units beyond a start.

    ``axis`` gives the direction; the start is its tail, or the point ``start``. ``unit`` are two points
    whose distance on the film is the unit of ``level``. ``sign`` as in ``OutlineAt``.
    """

    bone: str
    patch: Patch
    axis: Direction
    unit: tuple[PointRule, PointRule]
    start: PointRule
    level: float
    sign: int

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        along = self.axis(scene, camera)
        across = np.array([-along[1], along[0]])
        ends = [point(scene, camera) for point in self.unit]
        level = float(self.start(scene, camera) @ along + self.level * np.linalg.norm(ends[1] - ends[0]))
        points = camera.project(scene.bone(self.bone).vertices_mm[self.patch.vertices])
        found = crossings(np.stack([points @ across, points @ along], axis=1), self.patch.edges, level)
        if not len(found):
            raise ValueError(f"The shaft of {self.bone} does not reach the level of the point in this view.")
        return np.asarray((found.max() if self.sign > 0 else found.min()) * across + level * along)


@dataclass(frozen=True, eq=False)
class TangentEnd:
    """Where the line that touches two parts of a bone from below touches the first (or second) of them.

    ``up`` points away from the side on which the line lies. Flat ends give their middle.
    """

    bone: str
    parts: tuple[IntArray, IntArray]
    up: Direction | FilmDirection
    second: bool

    @remembered
    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        v = scene.bone(self.bone).vertices_mm
        first, second = (camera.project(v[part]) for part in self.parts)
        down = -self.up(scene, camera)
        for _ in range(3):
            ends = [part[(part @ down).argmax()] for part in (first, second)]
            run = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
            normal = np.array([-run[1], run[0]])
            down = normal if normal @ down > 0 else -normal
        part = second if self.second else first
        depth = part @ down
        return np.asarray(part[depth > depth.max() - _TIE_MM / camera.object_pixel_mm].mean(axis=0))


@dataclass(frozen=True, eq=False)
class FloorAt:
    """The dense subchondral line of a plateau, ``fraction`` of the way from one of its ends to the other.

    The line comes from where rays graze the surface: the lower part of a hollow plateau, the upper part
    of a domed one (``domed``). ``patch`` covers the middle of the floor from front to back, so that a
    plateau seen obliquely gives a line between its front and back rim.
    """

    bone: str
    patch: Patch
    ends: tuple[PointRule, PointRule]
    fraction: float
    domed: bool

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        start, along, across, width = _frame(self.ends, scene, camera)
        points = camera.project(scene.bone(self.bone).vertices_mm[self.patch.vertices]) - start
        found = _heights(points, self.patch.edges, along, across, self.fraction * width)
        height = np.quantile(found, DENSE_LINE_DOMED if self.domed else 1.0 - DENSE_LINE_DOMED)
        return np.asarray(start + self.fraction * width * along + height * across)


@dataclass(frozen=True, eq=False)
class NotchApex:
    """The highest point of the arch that the outline forms between both condyles.

    ``feet`` are the lowest points of the condyles, first and second in the order in which ``across``
    (90 degrees counter-clockwise from their line as seen on the film) points up the bone.
    """

    bone: str
    patch: Patch
    feet: tuple[PointRule, PointRule]

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        start, along, across, width = _frame(self.feet, scene, camera)
        points = camera.project(scene.bone(self.bone).vertices_mm[self.patch.vertices]) - start
        places = np.linspace(0.3, 0.7, 13) * width
        arch = np.array([_heights(points, self.patch.edges, along, across, x).min() for x in places])
        top = arch > arch.max() - _TIE_MM / camera.object_pixel_mm
        return np.asarray(start + places[top].mean() * along + arch.max() * across)


@dataclass(frozen=True, eq=False)
class Sulcus:
    """The deepest point of the upper outline between two crests, below the line that touches both."""

    bone: str
    patch: Patch
    crests: tuple[PointRule, PointRule]

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        start, along, across, width = _frame(self.crests, scene, camera)
        points = camera.project(scene.bone(self.bone).vertices_mm[self.patch.vertices]) - start
        places = np.linspace(0.15, 0.85, 21) * width
        edge = np.array([_heights(points, self.patch.edges, along, across, x).max() for x in places])
        deep = edge < edge.min() + _TIE_MM / camera.object_pixel_mm
        return np.asarray(start + places[deep].mean() * along + edge.min() * across)


@dataclass(frozen=True, eq=False)
class OutlineAlong:
    """The lowest outline of a bone at a ``fraction`` of the way from one point to another."""

    bone: str
    patch: Patch
    ends: tuple[PointRule, PointRule]
    fraction: float

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        start, along, across, width = _frame(self.ends, scene, camera)
        points = camera.project(scene.bone(self.bone).vertices_mm[self.patch.vertices]) - start
        found = _heights(points, self.patch.edges, along, across, self.fraction * width)
        return np.asarray(start + self.fraction * width * along + found.min() * across)


def _frame(
    ends: tuple[PointRule, PointRule], scene: Scene, camera: Camera
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Start, unit direction, unit direction up the film at right angles to it, and length of a line."""
    a, b = (end(scene, camera) for end in ends)
    width = float(np.linalg.norm(b - a))
    along = (b - a) / width
    across = np.array([along[1], -along[0]])
    return a, along, across if across[1] < 0 else -across, width


def _heights(
    points: FloatArray, edges: IntArray, along: FloatArray, across: FloatArray, place: float
) -> FloatArray:
    found = crossings(np.stack([points @ across, points @ along], axis=1), edges, place)
    if not len(found):
        raise ValueError("The outline does not reach the place of the point in this view.")
    return found
