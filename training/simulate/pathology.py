"""Fractures, arthrosis, missing and fused bones, and casts, for the bones of any scene.

Named points never change their place on the bone; a displaced fragment takes its points along.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.simulate.bone_axis import Joint, LongBone, joint_between, perpendicular
from training.simulate.pose import rotation
from training.simulate.raster import smooth_normals
from training.simulate.scene import Bone, Camera, Cast, FloatArray, Scene, Surface
from training.simulate.solids import ball, cut, rod, thickened, unit

_MOVED_PX = 1e-6
_LEG_MM = 30.0
_TRUNK = frozenset(
    {"hip_bone", "sacrum", "scapula", "sternum", "first_rib", "t1", "t12", "l1", "l5", "c1", "c7"}
)


def fracture(scene: Scene, camera: Camera, long: LongBone, part: float, rng: np.random.Generator) -> Scene:
    """The bone broken across its shaft at ``part``, with a displaced fragment that takes its points along.

    It stays in place where points could not follow; values that the scene states as true are dropped
    where it moves.
    """
    normal = unit(long.axis + rng.normal(0, 0.35, 3))
    point = long.centre(part)
    gap = float(rng.uniform(0.3, 1.2))
    bone = long.bone
    whole = Surface(bone.vertices_mm, bone.faces)
    near, far = cut(whole, point - normal * gap / 2, -normal), cut(whole, point + normal * gap / 2, normal)
    shift = perpendicular(long.axis, rng) * long.radius(part) * rng.uniform(0.1, 0.5)
    turn = rotation(perpendicular(long.axis, rng), float(rng.uniform(1.0, 7.0)))

    def displaced(v: FloatArray) -> FloatArray:
        return np.asarray((v - point) @ turn.T + point + shift)

    beyond = (bone.vertices_mm - point) @ normal > gap / 2
    moved = np.where(beyond[:, None], displaced(bone.vertices_mm), bone.vertices_mm)
    pieces = (near, Surface(displaced(far.vertices_mm), far.faces))
    broken = _exchanged(scene, replace(bone, vertices_mm=moved, drawn=pieces))
    if _fixed_beyond(scene, bone, point, normal) or not _readable(broken, camera):
        return _exchanged(scene, replace(bone, drawn=(near, far)))
    return replace(broken, truth={})  # stated for the unbroken bone


def missing(scene: Scene, camera: Camera, rng: np.random.Generator) -> Scene | None:
    """One bone that carries no point is not there; None when all do."""
    for index in rng.permutation(len(scene.bones)):
        bone = scene.bones[index]
        gone = replace(bone, vertices_mm=bone.vertices_mm + 3.0)
        free = not _points_move(scene, _exchanged(scene, gone), camera)
        if free and bone.tracked and bone.drawn is None and not _fixed_on(scene, bone):
            return _exchanged(scene, replace(bone, drawn=()))
    return None


def joints_of(scene: Scene, rng: np.random.Generator, wanted: int = 3) -> list[Joint]:
    """Some joints of the scene, at random."""
    bones = [b for b in scene.bones if b.tracked and b.drawn is None]
    found: list[Joint] = []
    pairs = [(i, j) for i in range(len(bones)) for j in range(i)]
    for index in rng.permutation(len(pairs))[:200]:
        i, j = pairs[index]
        joint = joint_between(bones[i], bones[j])
        if joint is not None:
            found.append(joint)
            if len(found) == wanted:
                break
    return found


def arthrosis(scene: Scene, rng: np.random.Generator) -> Scene | None:
    """Bone spurs at the border of a joint and dense bone below its surface; None without a joint."""
    joints = joints_of(scene, rng)
    if not joints:
        return None
    added: list[Bone] = []
    for joint in joints:
        for bone, side in ((joint.first, joint.first_side), (joint.second, joint.second_side)):
            added += _spurs(bone, side, rng, len(added))
            added += _sclerosis(bone, side, rng, len(added))
    return replace(scene, bones=(*scene.bones, *added))


def fused(scene: Scene, rng: np.random.Generator) -> Scene | None:
    """One joint bridged by bone; None without a joint."""
    joints = joints_of(scene, rng, 1)
    if not joints:
        return None
    joint = joints[0]
    one = joint.first.vertices_mm[joint.first_side]
    two = joint.second.vertices_mm[joint.second_side]
    a, b = one.mean(axis=0), two.mean(axis=0)
    line = unit(b - a) if np.linalg.norm(b - a) > 1e-3 else np.array([0.0, 1.0, 0.0])
    spread = float(np.sqrt(np.linalg.eigvalsh(np.cov((one - a).T))[1:].mean()))
    bridge = rod(a - line * 2.0, b + line * 2.0, max(1.5, 1.3 * spread), 20)
    name, density = f"bridge_{joint.first.name}", 0.6 * joint.first.density
    return replace(
        scene,
        bones=(*scene.bones, Bone(name, bridge.vertices_mm, bridge.faces, 1.0, density, tracked=False)),
    )


def cast(scene: Scene, rng: np.random.Generator) -> Scene | None:
    """A cast of plaster or fibreglass around the thick parts of a limb; None for a trunk."""
    parts = scene.soft_tissue
    if not parts:
        return None
    thick = max(max(c.start_radius_mm, c.end_radius_mm) for c in parts)
    if shows_trunk(scene):
        return None
    # Of a hand the fingers stay free; of a leg all but the toes is covered.
    least = (0.42 if thick > _LEG_MM else 0.6) * thick
    covered = tuple(c for c in parts if (c.start_radius_mm + c.end_radius_mm) / 2 > least)
    inner = float(rng.uniform(1.0, 5.0))
    if rng.random() < 0.5:
        shell = Cast(covered, inner, inner + float(rng.uniform(3.0, 7.0)), float(rng.uniform(1.8, 3.2)))
    else:
        weave = float(rng.uniform(1.5, 3.0))
        shell = Cast(
            covered, inner, inner + float(rng.uniform(2.5, 5.0)), float(rng.uniform(0.9, 1.6)), weave
        )
    return replace(scene, casts=(*scene.casts, shell))


def shows_trunk(scene: Scene) -> bool:
    """Whether the scene is of the trunk rather than of a limb."""
    return any(bone.name.removesuffix("_right") in _TRUNK for bone in scene.bones)


def _spurs(bone: Bone, side: NDArray[np.int64], rng: np.random.Generator, first: int) -> list[Bone]:
    points = bone.vertices_mm[side]
    centre = points.mean(axis=0)
    away = np.linalg.norm(points - centre, axis=1)
    border = points[away > np.percentile(away, 80)]
    extent = float(away.max())
    spurs = []
    for index in range(int(rng.integers(1, 5))):
        place = border[int(rng.integers(len(border)))]
        size = float(np.clip(extent * rng.uniform(0.08, 0.22), 0.7, 5.0))
        out = unit(place - centre)
        unit_ball = ball(np.zeros(3), 1.0, 2)
        stretch = np.eye(3) + np.outer(out, out) * rng.uniform(0.2, 1.0)
        v = unit_ball.vertices_mm @ stretch * size + place + out * 0.3 * size
        spurs.append(
            Bone(f"spur_{first + index}", v, unit_ball.faces, 0.5 * size, 0.7 * bone.density, tracked=False)
        )
    return spurs


def _sclerosis(bone: Bone, side: NDArray[np.int64], rng: np.random.Generator, first: int) -> list[Bone]:
    faces_in = np.asarray(np.isin(bone.faces, side).all(axis=1))
    if faces_in.sum() < 20:
        return []
    normals = smooth_normals(
        np.ascontiguousarray(bone.vertices_mm), np.ascontiguousarray(bone.faces, np.int32), 4
    )
    below = float(rng.uniform(0.8, 2.5))
    shell = thickened(bone.vertices_mm, bone.faces, faces_in, normals, below, 0.0)
    density = float(rng.uniform(0.2, 0.5)) * bone.density
    return [Bone(f"sclerosis_{first}", shell.vertices_mm, shell.faces, 3.0, density, tracked=False)]


def _exchanged(scene: Scene, bone: Bone) -> Scene:
    return replace(scene, bones=tuple(bone if b.name == bone.name else b for b in scene.bones))


def _points_move(before: Scene, after: Scene, camera: Camera) -> bool:
    if not _readable(after, camera):
        return True
    one, two = before.project_points(camera), after.project_points(camera)
    return any(not np.allclose(one[key], two[key], atol=_MOVED_PX, equal_nan=True) for key in one)


def _readable(scene: Scene, camera: Camera) -> bool:
    """Whether every rule for a point finds its place on the scene's bones."""
    try:
        places = scene.project_points(camera)
    except ValueError:  # an outline does not reach where the rule looks
        return False
    return all(bool(np.isfinite(p).all()) for p in places.values())


def _fixed_on(scene: Scene, bone: Bone) -> bool:
    """Whether a point fixed in the scene lies on or in the bone's box."""
    low, high = bone.vertices_mm.min(axis=0) - 2.0, bone.vertices_mm.max(axis=0) + 2.0
    return any(bool(((p >= low) & (p <= high)).all()) for p in scene.points_mm.values())


def _fixed_beyond(scene: Scene, bone: Bone, point: FloatArray, normal: FloatArray) -> bool:
    """Whether a point fixed in the scene may belong to the part of the bone beyond a plane."""
    return _fixed_on(scene, bone) and any(float((p - point) @ normal) > 0 for p in scene.points_mm.values())
