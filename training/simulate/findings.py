"""What a share of people have on a film besides healthy bones: implants, casts, fractures, arthrosis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from training.simulate import hardware, pathology, prostheses
from training.simulate.bone_axis import LongBone, long_bone
from training.simulate.neighbour import other_limb
from training.simulate.scene import Camera, FloatArray, Scene, Solid

_OnBone = Callable[[LongBone, np.random.Generator], tuple[Solid, ...]]
_ON_BONE: Mapping[str, _OnBone] = MappingProxyType(
    {
        "plate": hardware.plate,
        "nail": hardware.nail,
        "wires": hardware.wires,
        "screws": hardware.lag_screws,
        "cerclage": hardware.cerclage,
    }
)
_REPLACED = MappingProxyType(
    {
        "total_hip": prostheses.total_hip,
        "total_knee": prostheses.total_knee,
        "total_shoulder": prostheses.total_shoulder,
    }
)
# How often each kind is tried, relative to the others; those that do not fit the view give way.
_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "plate": 3.0, "nail": 1.5, "wires": 1.5, "screws": 2.0, "cerclage": 0.4,
        "total_hip": 4.0, "total_knee": 4.0, "total_shoulder": 4.0,
        "foreign_body": 1.0, "cast": 1.2, "fracture": 2.0, "arthrosis": 2.5, "missing": 0.5, "fused": 0.5,
        "neighbour": 1.2,
    }
)  # fmt: skip
KINDS = tuple(_WEIGHTS)


def with_findings(scene: Scene, camera: Camera, rng: np.random.Generator, share: float) -> Scene:
    """The scene with one or two findings in a ``share`` of cases, else unchanged.

    ValueError for a share outside 0..1.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"The share of films with findings must be between 0 and 1, not {share}.")
    if rng.random() >= share:
        return scene
    weights = np.array(list(_WEIGHTS.values()))
    order = rng.choice(len(KINDS), len(KINDS), replace=False, p=weights / weights.sum())
    wanted = 1 if rng.random() < 0.65 else 2
    for index in order:
        changed = with_finding(scene, camera, rng, KINDS[index])
        if changed is not None:
            scene, wanted = changed, wanted - 1
        if wanted == 0:
            break
    return scene


def with_finding(scene: Scene, camera: Camera, rng: np.random.Generator, kind: str) -> Scene | None:
    """The scene with one finding, None where it does not fit; KeyError for an unknown kind."""
    if kind in _REPLACED:
        return _REPLACED[kind](scene, rng)
    if kind in _ON_BONE or kind == "fracture":
        long = _some_long_bone(scene, camera, rng)
        if long is None:
            return None
        if kind == "fracture":
            return pathology.fracture(scene, camera, long, _part_on_film(long, camera, rng), rng)
        solids = _ON_BONE[kind](long, rng)
        return _added(scene, solids, camera)
    if kind == "foreign_body":
        return _added(scene, hardware.foreign_body(scene, rng), camera)
    if kind == "missing":
        return pathology.missing(scene, camera, rng)
    if kind == "neighbour":
        return other_limb(scene, camera, rng)
    return {"cast": pathology.cast, "arthrosis": pathology.arthrosis, "fused": pathology.fused}[kind](
        scene, rng
    )


def _added(scene: Scene, solids: tuple[Solid, ...], camera: Camera) -> Scene | None:
    """The scene with more solids; None if the film shows none of them."""
    shown = any(_on_film(solid.vertices_mm, camera).any() for solid in solids)
    return replace(scene, solids=scene.solids + solids) if shown else None


def _some_long_bone(scene: Scene, camera: Camera, rng: np.random.Generator) -> LongBone | None:
    """A long bone at random, by how much of it the film shows; positions count from either end."""
    found = [long for bone in scene.bones if (long := long_bone(bone)) is not None]
    shown = np.array([long.length * _on_film(long.centres, camera).mean() for long in found])
    if not found or shown.sum() == 0:
        return None
    long = found[int(rng.choice(len(found), p=shown / shown.sum()))]
    return long if rng.random() < 0.5 else long.flipped()


def _part_on_film(long: LongBone, camera: Camera, rng: np.random.Generator) -> float:
    inner = (long.at > 0.12) & (long.at < 0.88)
    shown = inner & _on_film(long.centres, camera)
    return float(rng.choice(long.at[shown if shown.any() else inner]))


def _on_film(points_mm: FloatArray, camera: Camera) -> NDArray[np.bool_]:
    place = camera.project(points_mm)
    last = np.array([camera.width - 1, camera.height - 1])
    return np.asarray(((place >= 0) & (place <= last)).all(axis=1))
