"""Surfaces of the subjects' bones as the files give them, turned to left bones in the template's frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import trimesh
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from training.simulate import llp26
from training.simulate.alignment import PointSurface, align, best_similarity
from training.simulate.anatomy import mirror_x
from training.simulate.scene import FloatArray, IntArray
from training.simulate.subjects import BoneSource, Subject, frame_rotation

Surface = tuple[FloatArray, IntArray]

# Order of the model's bones, and which connected piece of which of its surfaces each key is.
_LLP26: dict[str, tuple[str, str]] = {
    "hip_bone": ("pelvis", "left"),
    "sacrum": ("pelvis", "middle"),
    "femur": ("femur", ""),
    "tibia": ("shank", "medial"),
    "fibula": ("shank", "lateral"),
    "patella": ("patella", ""),
}
_LLP26_SEED = 26
_CONTACT_MM = 1.5


@dataclass(frozen=True, eq=False)
class SubjectSurface:
    """A bone of a subject: ``vertices`` [V, 3] in mm and ``faces`` [F, 3], outward-oriented, as a left bone.

    ``members`` [M, V, 3] are the surfaces of the subject's members, in correspondence with ``vertices``.
    ``oriented`` tells that the axes are those of the template, ``partial`` that a part is missing.
    """

    vertices: FloatArray
    faces: IntArray
    members: FloatArray | None = None
    oriented: bool = True
    partial: bool = False


def source_file(anatomy: Path, subject: Subject, bone: str) -> Path | None:
    """The file that holds the bone, or None for bones of an installed shape model."""
    return None if subject.model else subject.sources[bone].path(anatomy)


def read_surface(
    anatomy: Path, subject: Subject, bone: str, template: Callable[[str], Surface]
) -> SubjectSurface:
    """The surface of a subject's bone.

    ``template`` gives the template's surface of a bone by key; it is needed to tell the pieces of a file
    apart. Raises ``FileNotFoundError`` if the file is missing, ``ValueError`` if it does not hold the bone.
    """
    if subject.model:
        return _read_model(subject.members, bone)
    source = subject.sources[bone]
    path = source.path(anatomy)
    if path.suffix == ".npz":
        return _read_members(path, source)
    if source.group:
        pieces = _pieces(path, source, template)
        if bone not in pieces:
            raise ValueError(f"{path.name} holds no piece that could be the {bone}.")
        vertices, faces = pieces[bone]
    else:
        vertices, faces = _largest(*_oriented(*_joined(path, source.parts), source))
    return SubjectSurface(vertices, faces, oriented=bool(source.frame), partial=source.partial)


def _oriented(vertices: FloatArray, faces: IntArray, source: BoneSource) -> Surface:
    turned = vertices * source.unit_mm
    if source.frame:
        turned = turned @ frame_rotation(source.frame)
    return mirror_x(turned, faces) if source.mirrored else (turned, faces)


@lru_cache(maxsize=4)
def _load(path: Path) -> trimesh.Trimesh:
    mesh = trimesh.load(path, force="mesh", process=True)
    mesh.merge_vertices()
    mesh.update_faces(mesh.nondegenerate_faces())
    mesh.remove_unreferenced_vertices()
    return mesh


def _joined(path: Path, parts: tuple[str, ...]) -> Surface:
    """The mesh of a file, or its named parts without the walls between them."""
    if not parts:
        mesh = _load(path)
        return np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces, dtype=np.int32)
    scene = trimesh.load(path)
    meshes = []
    for name in parts:
        transform, geometry = scene.graph[name]
        mesh = scene.geometry[geometry].copy().apply_transform(transform)
        mesh.merge_vertices(merge_tex=True, merge_norm=True)
        meshes.append(mesh)
    # These files are in metres.
    samples = [cKDTree(trimesh.sample.sample_surface(mesh, 60_000, seed=0)[0]) for mesh in meshes]
    kept = []
    for k, mesh in enumerate(meshes):
        wall = np.zeros(len(mesh.faces), dtype=np.bool_)
        for other, tree in enumerate(samples):
            if other != k:
                wall |= tree.query(mesh.triangles_center)[0] < _CONTACT_MM / 1000.0
        mesh.update_faces(~wall)
        # Compact bone is a shell with an inner surface too; the outer one is the larger.
        kept.append(max(mesh.split(only_watertight=False), key=lambda part: float(part.area)))
    joined = trimesh.util.concatenate(kept)
    return np.asarray(joined.vertices, dtype=np.float64), np.asarray(joined.faces, dtype=np.int32)


def _largest(vertices: FloatArray, faces: IntArray) -> Surface:
    """Without loose crumbs: pieces with less than a twentieth of the largest one's faces."""
    mesh = trimesh.Trimesh(vertices, faces, process=False, validate=False)
    groups = trimesh.graph.connected_components(mesh.face_adjacency, nodes=np.arange(len(faces)))
    most = max(len(group) for group in groups)
    kept = np.concatenate([group for group in groups if 20 * len(group) >= most])
    mesh.update_faces(np.isin(np.arange(len(faces)), kept))
    mesh.remove_unreferenced_vertices()
    return np.asarray(mesh.vertices), np.asarray(mesh.faces, dtype=np.int32)


@lru_cache(maxsize=4)
def _pieces(path: Path, source: BoneSource, template: Callable[[str], Surface]) -> dict[str, Surface]:
    """Connected pieces of a file by bone key: each is the bone of the laid-on template that it fits best."""
    vertices, faces = _oriented(*_joined(path, ()), source)
    mesh = trimesh.Trimesh(vertices, faces, process=False, validate=False)
    groups = trimesh.graph.connected_components(mesh.face_adjacency, min_len=60)
    pieces = []
    for group in groups:
        part = mesh.submesh([group], append=True, repair=False)
        pieces.append((np.asarray(part.vertices), np.asarray(part.faces, dtype=np.int32)))
    bones = [template(bone) for bone in source.group]
    offsets = np.cumsum([0, *(len(v) for v, _ in bones)])
    whole = (
        np.concatenate([v for v, _ in bones]),
        np.concatenate([f + offset for (_, f), offset in zip(bones, offsets, strict=False)]),
    )
    lay = align(PointSurface(*whole, 6000), PointSurface(vertices, faces, 6000), np.eye(3))
    cost = np.empty((len(pieces), len(bones)))
    for b, (v, _) in enumerate(bones):
        laid = lay(v)
        tree = cKDTree(laid)
        for p, (w, _) in enumerate(pieces):
            there, back = tree.query(w[::3])[0].mean(), cKDTree(w).query(laid[::3])[0].mean()
            cost[p, b] = (there + back) ** 2
    return {source.group[b]: pieces[p] for p, b in zip(*linear_sum_assignment(cost), strict=True)}


def _read_members(path: Path, source: BoneSource) -> SubjectSurface:
    """Surfaces in correspondence, with their mean shape (Procrustes) as the base."""
    with np.load(path) as stored:
        raw, faces = np.asarray(stored["vertices"], dtype=np.float64), np.asarray(stored["faces"])
    members = np.stack([_oriented(v, faces, source)[0] for v in raw])
    faces = _oriented(raw[0], faces, source)[1]
    mean = members[0]
    for _ in range(3):
        mean = np.mean([best_similarity(v, mean)(v) for v in members], axis=0)
    return SubjectSurface(mean, _outwards(mean, faces), members, oriented=bool(source.frame))


def _outwards(vertices: FloatArray, faces: IntArray) -> IntArray:
    """Faces turned so that most of the surface faces away from its inside, also where it is not closed."""
    a, b, c = (vertices[faces[:, k]] - vertices.mean(axis=0) for k in range(3))
    volume = float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum())
    return np.ascontiguousarray(faces if volume > 0 else faces[:, ::-1], dtype=np.int32)


def _read_model(members: int, bone: str) -> SubjectSurface:
    surface, which = _LLP26[bone]
    base, faces = llp26.surface(surface, llp26.mean_nodes())
    rng = np.random.default_rng(_LLP26_SEED)
    people = np.stack([llp26.surface(surface, llp26.sample_nodes(rng))[0] for _ in range(members)])
    if which:
        mesh = trimesh.Trimesh(base, faces, process=False, validate=False)
        groups = trimesh.graph.connected_components(mesh.face_adjacency)
        across = [float(base[faces[group]].mean(axis=(0, 1))[0]) for group in groups]
        order = {"left": -1, "lateral": -1, "middle": 1, "medial": 0}[which]
        faces = faces[groups[int(np.argsort(across)[order])]]
        used = np.unique(faces)
        faces = np.searchsorted(used, faces).astype(np.int32)
        base, people = base[used], people[:, used]
    return SubjectSurface(base, _outwards(base, faces), people)
