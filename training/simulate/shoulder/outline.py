"""Rules for points of shoulder films that a reader sets on an outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.simulate.rules import Direction, Farthest, Mean, SphereCentre, crossings
from training.simulate.scene import Camera, FloatArray, Scene
from training.simulate.shoulder.template import Patch


def projected(patch: Patch, scene: Scene, camera: Camera) -> FloatArray:
    """Film positions [N, 2] of the vertices of a patch."""
    return camera.project(scene.bone(patch.bone).vertices_mm[patch.vertices])


@dataclass(frozen=True, eq=False)
class OnArc:
    """Where a ray from ``centre`` leaves a bone's surface, ``fraction`` of the way along an arc.

    The arc runs from the ray through ``first`` the shorter way round to the ray through ``last``.
    The farthest crossing of ``patch`` counts.
    """

    patch: Patch
    centre: SphereCentre
    first: Farthest
    last: Farthest
    fraction: float

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        middle = self.centre(scene, camera)
        first, last = (end(scene, camera) - middle for end in (self.first, self.last))
        start = np.arctan2(first[1], first[0])
        sweep = np.arctan2(first[0] * last[1] - first[1] * last[0], first @ last)
        turn = start + self.fraction * sweep
        along = np.array([np.cos(turn), np.sin(turn)])
        points = projected(self.patch, scene, camera) - middle
        across = np.array([-along[1], along[0]])
        found = crossings(np.stack([points @ along, points @ across], axis=1), self.patch.edges, 0.0)
        return np.asarray(middle + found.max() * along)


@dataclass(frozen=True, eq=False)
class Above:
    """The lowest point of a bone's outline straight above another point on the film.

    Where the bone does not reach so far, its end nearest to that place is taken.
    """

    patch: Patch
    point: Farthest

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        points = projected(self.patch, scene, camera)
        ends = points[self.patch.edges, 0]
        x = float(np.clip(self.point(scene, camera)[0], ends.min() + 1e-6, ends.max() - 1e-6))
        return np.array([x, crossings(points[:, ::-1], self.patch.edges, x).max()])


@dataclass(frozen=True, eq=False)
class Border:
    """The outline of a part of a bone, ``fraction`` of the way from one point to another.

    The way is measured along ``across``. ``sign`` +1 takes the outermost crossing clockwise of that
    direction (below, if it points to the right of the film), -1 the other. ValueError if the part does
    not reach there.
    """

    patch: Patch
    first: Farthest | Mean
    last: Farthest | Mean
    across: Direction
    fraction: float
    sign: int = 1

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        along = self.across(scene, camera)
        below = np.array([-along[1], along[0]])
        first, last = (float(end(scene, camera) @ along) for end in (self.first, self.last))
        level = first + self.fraction * (last - first)
        points = projected(self.patch, scene, camera)
        found = crossings(np.stack([points @ below, points @ along], axis=1), self.patch.edges, level)
        if not len(found):
            raise ValueError(f"The outline of {self.patch.bone} does not reach the place of the point.")
        return np.asarray((found.max() if self.sign > 0 else found.min()) * below + level * along)
