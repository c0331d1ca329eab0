"""The other hand, knee or foot that comes into the film beside the one that is meant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.simulate.pathology import shows_trunk
from training.simulate.scene import Bone, Camera, Capsule, FloatArray, Scene

_MIRROR = np.array([-1.0, 1.0, 1.0])
_FREE = 0.06  # part of the film's width that must be free beside the limb


def other_limb(scene: Scene, camera: Camera, rng: np.random.Generator) -> Scene | None:
    """The scene with its own mirror image reaching into the free border of the film.

    Its skin keeps off that of the first limb, its bones carry no points. None where the film has no free
    border, and for the trunk.
    """
    if not scene.soft_tissue or shows_trunk(scene):
        return None
    left, right = _skin(scene, camera)
    free = {-1.0: left / camera.width, 1.0: 1.0 - right / camera.width}
    side = -1.0 if free[-1.0] > free[1.0] else 1.0
    if free[side] < _FREE:
        return None
    # Mirrored at the skin on that side, the other limb would touch; it is moved off to where it just shows.
    edge = (right if side > 0 else left) + side * free[side] * camera.width * rng.uniform(0.2, 0.9)
    reach = right if side > 0 else left
    shift = np.array([(edge + reach - 2 * camera.centre_x) * camera.object_pixel_mm, rng.normal(0, 8.0), 0.0])

    def place(v: FloatArray) -> FloatArray:
        return np.asarray(v * _MIRROR + shift)

    bones = tuple(
        Bone(f"other_{b.name}", place(b.vertices_mm), b.faces[:, ::-1], b.cortex_mm, b.density, tracked=False)
        for b in scene.bones
        if b.drawn is None
    )
    soft = tuple(
        Capsule(place(c.start_mm), place(c.end_mm), c.start_radius_mm, c.end_radius_mm)
        for c in scene.soft_tissue
    )
    return replace(scene, bones=scene.bones + bones, soft_tissue=scene.soft_tissue + soft)


def _skin(scene: Scene, camera: Camera) -> tuple[float, float]:
    """Columns of the outermost skin on the left and on the right, of what the film's height shows."""
    lefts, rights = [], []
    for c in scene.soft_tissue:
        ends = camera.project(np.stack([c.start_mm, c.end_mm]))
        t = np.linspace(0.0, 1.0, 9)[:, None]
        line = ends[0] + t * (ends[1] - ends[0])
        radius = (
            c.start_radius_mm + t[:, 0] * (c.end_radius_mm - c.start_radius_mm)
        ) / camera.object_pixel_mm
        shown = (line[:, 1] > -radius) & (line[:, 1] < camera.height + radius)
        lefts += (line[:, 0] - radius)[shown].tolist()
        rights += (line[:, 0] + radius)[shown].tolist()
    if not lefts:
        return 0.0, float(camera.width)
    return max(0.0, min(lefts)), min(float(camera.width), max(rights))
