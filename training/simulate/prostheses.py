"""Joint replacements as simple solids: hip, knee and shoulder, on the bones that a scene shows.

The bones lose what a surgeon cuts off (``Bone.drawn``); their points stay where they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import ConvexHull

from training.simulate.bone_axis import Joint, LongBone, fitted_sphere, joint_between, long_bone
from training.simulate.hardware import STEEL, TITANIUM
from training.simulate.raster import smooth_normals
from training.simulate.scene import Bone, FloatArray, Scene, Solid, Surface
from training.simulate.solids import across, ball, cut, prism, rod, turned, unit


@dataclass(frozen=True, eq=False)
class HipImplant:
    """Where a hip replacement lies, in mm: centre [3] of head and cup, their radii, tip [3] of the stem."""

    centre: FloatArray
    head_radius: float
    cup_radius: float
    stem_tip: FloatArray


def total_hip(scene: Scene, rng: np.random.Generator) -> Scene | None:
    """A stem with neck and head in one femur and a cup in its socket; None without a whole hip."""
    made = hip_replacement(scene, rng)
    return None if made is None else made[0]


def hip_replacement(
    scene: Scene,
    rng: np.random.Generator,
    sides: Sequence[str] = ("", "_right"),
    cup_opens: FloatArray | None = None,
) -> tuple[Scene, HipImplant] | None:
    """``total_hip`` on one of ``sides`` (suffixes of bone names), and where it lies.

    ``cup_opens`` is the unit direction [3] in which the cup opens, None towards the neck.
    """
    found = _ball_joint(_pair(scene, rng, "femur", "hip_bone", 10.0, sides))
    if found is None:
        return None
    femur, long, centre, radius = found
    shoulder = _on_axis(long, centre, 1.9 * radius)
    neck = unit(centre - shoulder)
    # The smear of a trunnion and taper is left out: stem, neck, head, cup.
    stem, tip = _stem(long, shoulder, 5.8 * radius, 0.34 * radius, 0.17 * radius)
    implant = HipImplant(centre, radius * rng.uniform(0.55, 0.75), radius * 1.06, tip)
    head = ball(centre, implant.head_radius, 4)
    closed = neck if cup_opens is None else -cup_opens
    solids = [
        ("stem", stem, float(rng.choice([TITANIUM, STEEL]))),
        ("neck", rod(shoulder, centre, 0.24 * radius, 20), TITANIUM),
        ("head", head, float(rng.choice([STEEL, 2.5]))),  # cobalt-chromium or ceramic
        *_bowl("cup", centre, closed, implant.cup_radius, 0.13 * radius),
    ]
    rest = cut(Surface(femur.vertices_mm, femur.faces), centre - neck * 0.75 * radius, -neck)
    return _with(scene, {femur.name: (rest,)}, solids), implant


def total_shoulder(scene: Scene, rng: np.random.Generator) -> Scene | None:
    """An anatomic or a reverse shoulder replacement; None without a whole shoulder."""
    found = _ball_joint(_pair(scene, rng, "humerus", "scapula", 12.0))
    if found is None:
        return None
    humerus, long, centre, radius = found
    shoulder = _on_axis(long, centre, 0.9 * radius)
    face = unit(centre - shoulder)
    plane = centre + face * 0.1 * radius
    rest = cut(Surface(humerus.vertices_mm, humerus.faces), plane, -face)
    stem, _ = _stem(long, shoulder, 4.5 * radius, 0.33 * radius, 0.18 * radius)
    solids = [("stem", stem, TITANIUM), ("neck", rod(shoulder, plane, 0.3 * radius, 20), TITANIUM)]
    if rng.random() < 0.5:
        solids.append(("head", cut(ball(centre, radius, 4), plane, face), STEEL))
    else:
        sphere = centre + face * 0.55 * radius
        solids.append(("glenosphere", cut(ball(sphere, 0.75 * radius, 4), sphere, -face), STEEL))
        solids.append(("base", rod(sphere, sphere + face * 0.9 * radius, 0.18 * radius, 14), TITANIUM))
        solids += _bowl("tray", sphere, -face, 0.9 * radius, 0.12 * radius)
    return _with(scene, {humerus.name: (rest,)}, solids)


def total_knee(scene: Scene, rng: np.random.Generator) -> Scene | None:
    """A shell over the femoral condyles and a tray with keel on the tibia; None without a whole knee."""
    pair = _pair(scene, rng, "femur", "tibia", 12.0)
    if pair is None:
        return None
    femur, tibia = (_from_joint(bone, side) for bone, side in _sides(pair))
    if femur is None or tibia is None:
        return None
    top = tibia.bone.vertices_mm[pair.second_side]
    level = float(np.percentile((top - tibia.centre(0.0)) @ tibia.axis, 20)) + rng.uniform(5.0, 8.0)
    plane = tibia.centre(0.0) + tibia.axis * level
    rest = cut(Surface(tibia.bone.vertices_mm, tibia.bone.faces), plane, tibia.axis)
    on_plane = rest.vertices_mm[np.abs((rest.vertices_mm - plane) @ tibia.axis) < 1e-6]
    if len(on_plane) < 8:
        return None
    u, v = across(tibia.axis)
    flat = np.stack([(on_plane - plane) @ u, (on_plane - plane) @ v], axis=1)
    hull = flat[ConvexHull(flat).vertices]
    middle = hull.mean(axis=0)
    outline = plane + ((hull - middle) * 0.97 + middle) @ np.stack([u, v])
    keel_at = plane + middle @ np.stack([u, v])
    width = float(np.ptp(hull, axis=0).max())
    keel = turned(
        keel_at + tibia.axis * 0.55 * width, keel_at, np.array([[0.0, 0.06 * width], [1.0, 0.1 * width]])
    )
    solids = [
        *_condyle_shell(femur, 0.3 * width),
        ("tray", prism(outline, -tibia.axis * 4.0), float(rng.choice([TITANIUM, STEEL]))),
        ("keel", keel, TITANIUM),
    ]
    return _with(scene, {tibia.bone.name: (rest,)}, solids)


def _condyle_shell(femur: LongBone, reach_mm: float) -> list[tuple[str, Surface, float]]:
    """A shell around the end of the femur: its surface a little outside, less the same farther inside."""
    v = np.ascontiguousarray(femur.bone.vertices_mm)
    faces = np.ascontiguousarray(femur.bone.faces, dtype=np.int32)
    normals = smooth_normals(v, faces, 6)
    along = (v - femur.centre(0.0)) @ femur.axis
    plane = femur.centre(0.0) + femur.axis * (along.min() + reach_mm)
    outer, inner = (cut(Surface(v + normals * d, faces), plane, -femur.axis) for d in (1.0, -5.0))
    return [("femoral_component", outer, STEEL), ("femoral_component_inside", inner, -STEEL)]


def _stem(
    long: LongBone, top: FloatArray, length: float, wide: float, thin: float
) -> tuple[Surface, FloatArray]:
    """A tapering stem down the shaft from its shoulder, and its tip [3]."""
    start = float((top - long.centre(0.0)) @ long.axis) / long.length
    end = long.centre(min(0.9, start + length / long.length))
    profile = np.array([[0.0, 0.3 * thin], [0.04, thin], [0.6, 0.75 * wide], [0.9, wide], [1, wide * 0.8]])
    return turned(end, top, profile), end


def _bowl(
    name: str, centre: FloatArray, axis: FloatArray, radius: float, wall: float
) -> list[tuple[str, Surface, float]]:
    """Half a hollow ball of titanium, its closed side towards ``axis``."""
    outer, inner = (cut(ball(centre, r, 4), centre, axis) for r in (radius, radius - wall))
    return [(name, outer, TITANIUM), (f"{name}_inside", inner, -TITANIUM)]


def _on_axis(long: LongBone, centre: FloatArray, below_mm: float) -> FloatArray:
    """The point of the centre line that lies ``below_mm`` farther along the bone than ``centre``."""
    part = (float((centre - long.centre(0.0)) @ long.axis) + below_mm) / long.length
    return long.centre(part)


def _pair(
    scene: Scene,
    rng: np.random.Generator,
    first: str,
    second: str,
    reach_mm: float,
    sides: Sequence[str] = ("", "_right"),
) -> Joint | None:
    """A joint of the named bones, of either side if the scene shows both."""
    by_name = {bone.name: bone for bone in scene.bones}
    for suffix in rng.permutation(list(sides)):
        one, two = by_name.get(f"{first}{suffix}"), by_name.get(f"{second}{suffix}")
        if one is not None and two is not None and one.drawn is None and two.drawn is None:
            joint = joint_between(one, two, reach_mm)
            if joint is not None:
                return joint
    return None


def _sides(joint: Joint) -> tuple[tuple[Bone, FloatArray], tuple[Bone, FloatArray]]:
    return (
        (joint.first, joint.first.vertices_mm[joint.first_side].mean(axis=0)),
        (joint.second, joint.second.vertices_mm[joint.second_side].mean(axis=0)),
    )


def _from_joint(bone: Bone, place: FloatArray) -> LongBone | None:
    """The long bone with positions counted from the end at ``place``."""
    long = long_bone(bone)
    if long is None:
        return None
    near = np.linalg.norm(long.centre(0.0) - place) < np.linalg.norm(long.centre(1.0) - place)
    return long if near else long.flipped()


def _ball_joint(joint: Joint | None) -> tuple[Bone, LongBone, FloatArray, float] | None:
    """Bone, centre line, and centre and radius of the head of a joint's first bone; None if it has none."""
    if joint is None:
        return None
    (bone, place), _ = _sides(joint)
    long = _from_joint(bone, place)
    if long is None:
        return None
    centre, radius = fitted_sphere(bone.vertices_mm[joint.first_side])
    if not 12.0 < radius < 40.0 or np.linalg.norm(centre - place) > 1.5 * radius:
        return None
    return bone, long, centre, radius


def _with(
    scene: Scene, drawn: dict[str, tuple[Surface, ...]], solids: list[tuple[str, Surface, float]]
) -> Scene:
    bones = tuple(replace(b, drawn=drawn[b.name]) if b.name in drawn else b for b in scene.bones)
    added = tuple(Solid(name, s.vertices_mm, s.faces, dense) for name, s, dense in solids)
    return replace(scene, bones=bones, solids=scene.solids + added)
