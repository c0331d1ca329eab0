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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.simulate.findings import with_findings
from training.simulate.raster import smooth_normals
from training.simulate.render import Layers, render
from training.simulate.scene import Bone, Camera, Scene

FloatArray = NDArray[np.float64]
TRACKED_PER_BONE = 100  # spread over its whole surface
OUTLINE_PER_BONE = 100  # more where the surface is nearly tangent to the rays
_OUTLINE_COSINE = 0.2

SceneMaker = Callable[[np.random.Generator, int], tuple[Scene, Camera]]
"""Draws a scene and a camera for a square film of the given side in pixels."""


@dataclass(frozen=True, eq=False)
class StoredFilm:
    """One exposure. Points are film pixels (x, y).

    ``named`` holds the view's points. ``tracked_px`` [M, 2] are surface points with identity
    ``tracked_id`` [M] (equal ids on two films of one template are the same anatomical point) and
    ``rim`` [M], the cosine between surface normal and ray: near 0 the point lies on the outline.
    ``visible`` [M] says which of them lie on the film; None on films stored without it, as is
    ``magnification``. Parts of bones that are cut away have no tracked points.
    """

    view: str
    template: str
    layers: Layers
    pixel_mm: float
    named: Mapping[str, FloatArray]
    tracked_px: NDArray[np.float32]
    tracked_id: NDArray[np.int64]
    rim: NDArray[np.float32]
    visible: NDArray[np.bool_] | None = None
    magnification: float | None = None


def expose(scene: Scene, camera: Camera, seed: int, hardware: float = 0.0) -> StoredFilm:
    """The stored film of one scene; ``seed`` fixes textures.

    ``hardware`` is the share of films that get implants, casts, fractures or arthrosis; these never
    change where a point belongs on its bone.
    """
    if hardware > 0:
        scene = with_findings(scene, camera, np.random.default_rng([seed, 2]), hardware)
    tracked = [_track(bone, scene.template, camera) for bone in scene.bones if bone.tracked]
    empty = (np.empty((0, 2)), np.empty(0, np.int64), np.empty(0, np.float32))
    place, number, rim = (np.concatenate(parts) for parts in zip(empty, *tracked, strict=True))
    last = np.array([camera.width - 1, camera.height - 1])
    return StoredFilm(
        view=scene.view,
        template=scene.template,
        layers=render(scene, camera, seed),
        pixel_mm=camera.object_pixel_mm,
        named=scene.project_points(camera),
        tracked_px=place.astype(np.float32),
        tracked_id=number,
        rim=rim,
        visible=np.asarray(((place >= 0) & (place <= last)).all(axis=1)),
        magnification=camera.magnification,
    )


def _track(
    bone: Bone, template: str, camera: Camera
) -> tuple[FloatArray, NDArray[np.int64], NDArray[np.float32]]:
    base, order = _vertex_order(template, bone.name, len(bone.vertices_mm))
    vertices = np.ascontiguousarray(bone.vertices_mm, dtype=np.float64)
    normal = smooth_normals(vertices, np.ascontiguousarray(bone.faces, dtype=np.int32), 0)
    ray = vertices + np.array([0.0, 0.0, camera.source_object_mm])
    cosine = np.abs((normal * ray).sum(1)) / np.linalg.norm(ray, axis=1)
    if bone.drawn is not None:  # what is cut away is on no film
        rows = [np.round(piece.vertices_mm, 6) + 0.0 for piece in bone.drawn]
        there = {row.tobytes() for piece in rows for row in np.ascontiguousarray(piece)}
        own = np.round(vertices, 6) + 0.0
        order = order[np.array([own[i].tobytes() in there for i in order], dtype=bool)]
    spread, rest = order[:TRACKED_PER_BONE], order[TRACKED_PER_BONE:]
    # In a fixed order, so that two films of similar aspect choose mostly the same vertices of their outlines.
    outline = rest[cosine[rest] < _OUTLINE_COSINE][:OUTLINE_PER_BONE]
    chosen = np.sort(np.concatenate([spread, outline]))
    return camera.project(vertices[chosen]), base + chosen, cosine[chosen].astype(np.float32)


@lru_cache(maxsize=1024)
def _vertex_order(template: str, bone: str, count: int) -> tuple[int, NDArray[np.int64]]:
    """A fixed random order of the vertices of one bone, and an offset that makes their numbers unique."""
    digest = int.from_bytes(hashlib.sha256(f"{template}/{bone}/{count}".encode()).digest()[:4], "big")
    return digest << 24, np.random.default_rng(digest).permutation(count).astype(np.int64)


def save_film(path: Path, film: StoredFilm) -> None:
    """Write one film; path lengths keep steps of 1/500 mm (bone), 1/200 mm (soft), 1/100 mm (metal)."""
    temporary = path.with_suffix(".part.npz")
    metal = film.layers.metal
    optional: dict[str, Any] = {}
    if metal is not None:
        optional["metal"] = np.clip(metal * 100, 0, 65535).astype(np.uint16)
    if film.visible is not None:
        optional["visible"] = film.visible
    if film.magnification is not None:
        optional["magnification"] = np.array([film.magnification])
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
        **optional,
    )
    temporary.replace(path)


def load_film(path: Path) -> StoredFilm:
    """Read a film written by ``save_film``."""
    with np.load(path) as data:
        return StoredFilm(
            view=str(data["view"]),
            template=str(data["template"]),
            layers=Layers(
                bone=data["bone"].astype(np.float32) / 500,
                soft=data["soft"].astype(np.float32) / 200,
                metal=data["metal"].astype(np.float32) / 100 if "metal" in data else None,
            ),
            pixel_mm=float(data["pixel_mm"]),
            named=dict(zip(data["names"].tolist(), data["named_px"], strict=True)),
            tracked_px=data["tracked_px"],
            tracked_id=data["tracked_id"],
            rim=data["rim"],
            visible=data.get("visible"),
            magnification=float(data["magnification"][0]) if "magnification" in data else None,
        )
