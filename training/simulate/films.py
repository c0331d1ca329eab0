"""Simulated exposures stored before grey values are made, so that training develops each anew every time.

A stored film holds the path lengths of bone and soft tissue, the named points, and points tracked
on every bone surface. Vertex i of a bone is the same place on every film of one template, so two
films of different simulated people share exact correspondences.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.simulate.render import Layers, render
from training.simulate.scene import Bone, Camera, Scene

FloatArray = NDArray[np.float64]
TRACKED_PER_BONE = 100

SceneMaker = Callable[[np.random.Generator, int], tuple[Scene, Camera]]
"""Draws a scene and a camera for a square film of the given side in pixels."""


@dataclass(frozen=True, eq=False)
class StoredFilm:
    """One exposure. Points are film pixels (x, y).

    ``named`` holds the view's points. ``tracked_px`` [M, 2] are surface points with identity
    ``tracked_id`` [M] (equal ids on two films of one template are the same anatomical point) and
    ``rim`` [M], the cosine between surface normal and ray: near 0 the point lies on the outline.
    """

    view: str
    template: str
    layers: Layers
    pixel_mm: float
    named: Mapping[str, FloatArray]
    tracked_px: NDArray[np.float32]
    tracked_id: NDArray[np.int64]
    rim: NDArray[np.float32]


def expose(scene: Scene, camera: Camera, seed: int, hardware: float = 0.0) -> StoredFilm:
    """The stored film of one scene; ``seed`` fixes textures.

    ``hardware`` is the share of films that get implants, casts, fractures or arthrosis; these never
    change where a point belongs on its bone.
    """
    tracked = [_track(bone, scene.template, camera) for bone in scene.bones]
    return StoredFilm(
        view=scene.view,
        template=scene.template,
        layers=render(scene, camera, seed),
        pixel_mm=camera.object_pixel_mm,
        named=scene.project_points(camera),
        tracked_px=np.concatenate([t[0] for t in tracked]).astype(np.float32),
        tracked_id=np.concatenate([t[1] for t in tracked]),
        rim=np.concatenate([t[2] for t in tracked]).astype(np.float32),
    )


def _track(bone: Bone, template: str, camera: Camera) -> tuple[FloatArray, NDArray[np.int64], FloatArray]:
    base, chosen = _chosen_vertices(template, bone.name, len(bone.vertices_mm))
    a, b, c = (bone.vertices_mm[bone.faces[:, i]] for i in range(3))
    face_normal = np.cross(b - a, c - a)
    normal = np.zeros_like(bone.vertices_mm)
    for corner in range(3):
        np.add.at(normal, bone.faces[:, corner], face_normal)
    normal = normal[chosen]
    ray = bone.vertices_mm[chosen] + np.array([0.0, 0.0, camera.source_object_mm])
    cosine = (normal * ray).sum(1) / np.maximum(
        np.linalg.norm(normal, axis=1) * np.linalg.norm(ray, axis=1), 1e-9
    )
    return camera.project(bone.vertices_mm[chosen]), base + chosen, np.abs(cosine)


@lru_cache(maxsize=4096)
def _chosen_vertices(template: str, bone: str, count: int) -> tuple[int, NDArray[np.int64]]:
    """A fixed random choice of vertices of one bone, and an offset that makes their numbers unique."""
    digest = int.from_bytes(hashlib.sha256(f"{template}/{bone}/{count}".encode()).digest()[:4], "big")
    chosen = np.random.default_rng(digest).permutation(count)[:TRACKED_PER_BONE]
    return digest << 24, np.sort(chosen).astype(np.int64)


def save_film(path: Path, film: StoredFilm) -> None:
    """Write one film; path lengths are kept in steps of 1/500 mm (bone) and 1/200 mm (soft tissue)."""
    temporary = path.with_suffix(".part.npz")
    np.savez(
        temporary,
        view=film.view,
        template=film.template,
        pixel_mm=film.pixel_mm,
        bone=np.clip(film.layers.bone * 500, 0, 65535).astype(np.uint16),
        soft=np.clip(film.layers.soft * 200, 0, 65535).astype(np.uint16),
        names=np.array(list(film.named), dtype=np.str_),
        named_px=np.array(list(film.named.values()), dtype=np.float64).reshape(-1, 2),
        tracked_px=film.tracked_px,
        tracked_id=film.tracked_id,
        rim=film.rim,
    )
    temporary.replace(path)


def load_film(path: Path) -> StoredFilm:
    """Read a film written by ``save_film``."""
    with np.load(path) as data:
        return StoredFilm(
            view=str(data["view"]),
            template=str(data["template"]),
            layers=Layers(
                bone=data["bone"].astype(np.float32) / 500, soft=data["soft"].astype(np.float32) / 200
            ),
            pixel_mm=float(data["pixel_mm"]),
            named=dict(zip(data["names"].tolist(), data["named_px"], strict=True)),
            tracked_px=data["tracked_px"],
            tracked_id=data["tracked_id"],
            rim=data["rim"],
        )
