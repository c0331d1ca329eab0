"""Points of knee and leg that a reader sets on the outline, beyond the general rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.simulate.knee.regions import Patch
from training.simulate.rules import Direction, FilmDirection, crossings, farthest, remembered, soft_mean
from training.simulate.scene import Camera, FloatArray, IntArray, PointRule, Scene

# The dense line of a plateau among the heights of its middle, from its lowest to its highest place.
DENSE_LINE_DOMED = 0.65


@dataclass(frozen=True, eq=False)
class TangentEnd:
    """Where the line that touches two parts of a bone from below touches the first (or second) of them.

    ``up`` points away from the side on which the line lies.
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
        return farthest(second if self.second else first, down, camera)


@dataclass(frozen=True, eq=False)
class _Baseline:
    """A line between two points, and the outline of a patch as seen from it.

    ``start`` [2] is its first point, ``along`` [2] its unit direction, ``across`` [2] the one up the film at
    right angles to it, ``width`` its length in pixels. ``points`` [V, 2] are the patch's vertices from the
    start, ``edges`` [E, 2] its edges.
    """

    start: FloatArray
    along: FloatArray
    across: FloatArray
    width: float
    points: FloatArray
    edges: IntArray

    @classmethod
    def between(
        cls, ends: tuple[PointRule, PointRule], bone: str, patch: Patch, scene: Scene, camera: Camera
    ) -> _Baseline:
        a, b = (end(scene, camera) for end in ends)
        width = float(np.linalg.norm(b - a))
        along = (b - a) / width
        across = np.array([along[1], -along[0]])
        points = camera.project(scene.bone(bone).vertices_mm[patch.vertices]) - a
        return cls(a, along, across if across[1] < 0 else -across, width, points, patch.edges)

    def heights(self, place: float) -> FloatArray:
        """How high over the line the outline passes, ``place`` pixels along it. ValueError if nowhere."""
        turned = np.stack([self.points @ self.across, self.points @ self.along], axis=1)
        found = crossings(turned, self.edges, place)
        if not len(found):
            raise ValueError("The outline does not reach the place of the point in this view.")
        return found

    def point(self, place: float, height: float) -> FloatArray:
        """The film position [2] of a place along the line and a height over it."""
        return np.asarray(self.start + place * self.along + height * self.across)


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
        line = _Baseline.between(self.ends, self.bone, self.patch, scene, camera)
        place = self.fraction * line.width
        part = DENSE_LINE_DOMED if self.domed else 1.0 - DENSE_LINE_DOMED
        return line.point(place, float(np.quantile(line.heights(place), part)))


@dataclass(frozen=True, eq=False)
class NotchApex:
    """The highest point of the arch that the outline forms between both condyles.

    ``feet`` are the lowest points of the condyles.
    """

    bone: str
    patch: Patch
    feet: tuple[PointRule, PointRule]

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        line = _Baseline.between(self.feet, self.bone, self.patch, scene, camera)
        places = np.linspace(0.3, 0.7, 25) * line.width
        arch = np.array([line.heights(x).min() for x in places])
        return line.point(soft_mean(places, arch, camera), arch.max())


@dataclass(frozen=True, eq=False)
class Sulcus:
    """The deepest point of the upper outline between two crests, below the line that touches both."""

    bone: str
    patch: Patch
    crests: tuple[PointRule, PointRule]

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        line = _Baseline.between(self.crests, self.bone, self.patch, scene, camera)
        places = np.linspace(0.15, 0.85, 41) * line.width
        edge = np.array([line.heights(x).max() for x in places])
        return line.point(soft_mean(places, -edge, camera), edge.min())


@dataclass(frozen=True, eq=False)
class OutlineAlong:
    """The lowest outline of a bone at a ``fraction`` of the way from one point to another."""

    bone: str
    patch: Patch
    ends: tuple[PointRule, PointRule]
    fraction: float

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        line = _Baseline.between(self.ends, self.bone, self.patch, scene, camera)
        place = self.fraction * line.width
        return line.point(place, line.heights(place).min())
