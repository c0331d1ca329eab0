"""Bone surfaces read from the open 3-D anatomy collection, made ready for simulated radiographs.

The collection lies outside the repository. Its folder is given explicitly or by the environment
variable ``ORTHOMATCH_ANATOMY``. Surfaces are in millimetres; ``bodyparts3d`` uses a whole-body frame
with x to the left, y backwards and z upwards.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]

ANATOMY_VARIABLE = "ORTHOMATCH_ANATOMY"


def anatomy_dir(explicit: Path | str | None = None) -> Path:
    """The folder of the anatomy collection.

    ``explicit`` wins over the environment variable ``ORTHOMATCH_ANATOMY``. Raises
    ``FileNotFoundError`` if neither names an existing folder.
    """
    chosen = explicit if explicit is not None else os.environ.get(ANATOMY_VARIABLE)
    if not chosen:
        raise FileNotFoundError(
            f"No anatomy folder given: pass it explicitly or set {ANATOMY_VARIABLE} to the folder "
            "that contains bodyparts3d."
        )
    folder = Path(chosen)
    if not folder.is_dir():
        raise FileNotFoundError(f"Anatomy folder {folder} does not exist; check {ANATOMY_VARIABLE}.")
    return folder


@lru_cache(maxsize=512)
def load_mesh(path: Path, subdivisions: int = 0) -> tuple[FloatArray, IntArray]:
    """Vertices [V, 3] in mm and faces [F, 3] of one surface file, oriented outwards.

    Coincident vertices are merged, loose fragments dropped, then ``subdivisions`` rounds of Loop
    subdivision applied. The arrays are cached and read-only: copy before changing them. Raises
    ``FileNotFoundError`` if there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"Bone surface {path} does not exist; check the anatomy folder.")
    mesh = trimesh.load(path, process=True, force="mesh")
    mesh.merge_vertices()
    mesh.update_faces(mesh.nondegenerate_faces())
    mesh.remove_unreferenced_vertices()
    mesh = _largest_component(mesh)
    if mesh.is_watertight and mesh.volume < 0:
        mesh.invert()
    vertices = np.array(mesh.vertices, dtype=np.float64)
    faces = np.array(mesh.faces, dtype=np.int64)
    if subdivisions > 0:
        vertices, faces = trimesh.remesh.subdivide_loop(vertices, faces, iterations=subdivisions)
    return _frozen(vertices, faces)


@lru_cache(maxsize=128)
def load_left(folder: Path, name: str, subdivisions: int = 0) -> tuple[FloatArray, IntArray]:
    """A left bone of ``bodyparts3d`` by file stem with ``{side}`` in it, e.g. ``{side}_radius``.

    If there is no left file, the right one is mirrored in the sagittal plane x = 0. ``{side}`` is written
    as in the file names: capital at the start, small inside. Returns as ``load_mesh``.
    """
    left, right = (folder / "bodyparts3d" / f"{_sided(name, side)}.ply" for side in ("left", "right"))
    if left.is_file():
        return load_mesh(left, subdivisions)
    vertices, faces = load_mesh(right, subdivisions)
    return mirror_x(vertices, faces)


def mirror_x(vertices: FloatArray, faces: IntArray) -> tuple[FloatArray, IntArray]:
    """The surface mirrored in the plane x = 0, with faces turned so that it stays outward-oriented."""
    return _frozen(vertices * np.array([-1.0, 1.0, 1.0]), faces[:, ::-1])


def surface_volume(vertices: FloatArray, faces: IntArray) -> float:
    """Volume enclosed by a closed surface, in the cube of its unit; negative if it faces inwards."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0)


def _sided(name: str, side: str) -> str:
    return name.format(side=side.capitalize() if name.startswith("{side}") else side)


def _largest_component(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    parts = mesh.split(only_watertight=False)
    return mesh if len(parts) < 2 else max(parts, key=lambda part: float(part.area))


def _frozen(vertices: FloatArray, faces: NDArray[np.integer]) -> tuple[FloatArray, IntArray]:
    out_vertices = np.array(vertices, dtype=np.float64)
    out_faces = np.array(faces, dtype=np.int32)
    out_vertices.setflags(write=False)
    out_faces.setflags(write=False)
    return out_vertices, out_faces
