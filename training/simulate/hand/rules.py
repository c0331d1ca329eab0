"""Film positions of hand points that readers set on the projected outline of a bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.simulate.hand.template import Ring
from training.simulate.rules import SHARP_MM, farthest
from training.simulate.scene import Bone, Camera, FloatArray, IntArray, Scene


def _narrowed(bone: Bone, camera: Camera, points: FloatArray, ring: FloatArray) -> FloatArray:
    """Projected ``points`` [N, 2] as drawn when the epiphysis beyond a growth plate is narrower.

    ``ring`` [R, 2] is the projected metaphysis, whose middle is what the epiphysis shrinks towards.
    """
    for plate in bone.growth_plates:
        start, end = camera.project(np.stack([plate.centre_mm, plate.centre_mm + plate.axis]))
        along = (end - start) / np.linalg.norm(end - start)
        across = np.array([along[1], -along[0]])
        reach = (ring - start) @ across
        middle = (reach.min() + reach.max()) / 2
        offset = (points - start) @ across - middle
        beyond = (points - start) @ along > 0
        points = points - np.outer(np.where(beyond, offset * (1 - plate.epiphysis_width), 0.0), across)
    return points


@dataclass(frozen=True, eq=False)
class Extreme:
    """The outline point of a bone that lies farthest in a bone-fixed direction.

    ``candidates`` are vertex numbers; the direction runs from the mean of ``tail`` vertices to that of
    ``tip`` vertices of ``guide``. ``middle`` takes the candidates' middle across that direction instead
    of where the extreme lies, and ``inwards`` goes back by this part of the candidates' depth.
    """

    bone: str
    candidates: IntArray
    guide: str
    tail: IntArray
    tip: IntArray
    middle: bool = False
    inwards: float = 0.0
    ring: Ring | None = None

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        bone = scene.bone(self.bone)
        guide = scene.bone(self.guide).vertices_mm
        tail, tip = camera.project(np.stack([guide[self.tail].mean(axis=0), guide[self.tip].mean(axis=0)]))
        along = (tip - tail) / np.linalg.norm(tip - tail)
        across = np.array([along[1], -along[0]])
        points = camera.project(bone.vertices_mm[self.candidates])
        if self.ring is not None:
            points = _narrowed(bone, camera, points, camera.project(self.ring.points(bone.vertices_mm)))
        if not self.middle:
            return farthest(points, along, camera, SHARP_MM)
        depth, side = points @ along, points @ across
        far = float(depth.max()) - self.inwards * float(np.ptp(depth))
        return np.asarray(far * along + float(side.min() + side.max()) / 2 * across)


@dataclass(frozen=True, eq=False)
class Border:
    """The outline point of a shaft on one side (``sign`` -1 left or +1 right of the upright bone) at a ring.

    The bone's direction on the film runs from the ring to the mean of the ``tip`` vertices.
    """

    bone: str
    ring: Ring
    tip: IntArray
    sign: float

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        vertices = scene.bone(self.bone).vertices_mm
        points = camera.project(self.ring.points(vertices))
        tip = camera.project(vertices[self.tip].mean(axis=0)[None])[0]
        along = tip - points.mean(axis=0)
        right = np.array([-along[1], along[0]])  # of an observer looking along the bone, y being down
        return np.asarray(points[np.argmax(self.sign * (points @ right))])
