"""Surfaces of LLP26, a statistical shape model of the pelvis and lower limb of 26 subjects.

The model comes with the package ``musculoskeletal-models``: bones as meshes of cubic and quartic Lagrange
elements whose nodes move along principal components. Coordinates are millimetres, x to the left, y
backwards, z up.
"""

from __future__ import annotations

import io
import json
import pickle
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import trimesh

from training.simulate.scene import FloatArray, IntArray

_BONES: dict[str, tuple[str, str]] = {
    # Topology and mean geometry, in the order in which the model's vector of nodes lists them.
    "pelvis": ("pelvis_combined_cubic_flat", "pelvis_combined_cubic_mean_rigid_LLP26"),
    "femur": ("femur_left_quartic_flat", "femur_left_mean_rigid_LLP26"),
    "patella": ("patella_11_left", "patella_left_mean_rigid_LLP26"),
    "shank": ("tibia_fibula_left_cubic_flat", "tibia_fibula_cubic_left_mean_rigid_LLP26"),
}
# Elements by name: triangular or not, nodes in the direction that runs fastest, nodes in the other.
_ELEMENTS: dict[str, tuple[bool, int, int]] = {
    "quad44": (False, 4, 4),
    "quad54": (False, 5, 4),
    "quad55": (False, 5, 5),
    "tri10": (True, 4, 4),
    "tri15": (True, 5, 5),
}
_FINENESS = 8


@dataclass(frozen=True, eq=False)
class ShapeModel:
    """Mean [3 N] and modes [3 N, M] of the nodes, and standard deviations [M] of the modes, in mm."""

    mean: FloatArray
    modes: FloatArray
    deviations: FloatArray


@dataclass(frozen=True, eq=False)
class Tessellation:
    """A bone of the model: its surface vertices are ``weights`` [V, N] times its nodes [N, 3]."""

    first_node: int
    weights: FloatArray
    faces: IntArray


class _ArraysOnly(pickle.Unpickler):
    """Reads pickled numpy arrays and nothing that could run code."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("numpy") and name in {"_reconstruct", "ndarray", "dtype", "scalar"}:
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise pickle.UnpicklingError(f"unexpected object {module}.{name} in the shape model")


def _read(kind: str, name: str) -> bytes:
    try:
        return (files("musculoskeletal.models") / kind / name).read_bytes()
    except ModuleNotFoundError as error:
        raise FileNotFoundError(
            "The shape model LLP26 is missing: install the package musculoskeletal-models 0.2.4."
        ) from error


@lru_cache(maxsize=1)
def shape_model() -> ShapeModel:
    """The model's vector space. Raises ``FileNotFoundError`` if the package is not installed."""
    raw = _ArraysOnly(io.BytesIO(_read("shape_models", "LLP26_rigid.pc")), encoding="latin1").load()
    return ShapeModel(raw["mean"], raw["modes"], np.sqrt(raw["weights"]))


@lru_cache(maxsize=8)
def tessellation(bone: str) -> Tessellation:
    """How the surface of ``pelvis``, ``femur``, ``patella`` or ``shank`` follows from its nodes."""
    first = 0
    for name, (topology, geometry) in _BONES.items():
        count = len(json.loads(_read("atlas_meshes", f"{geometry}.geof"))["field_parameters"])
        if name == bone:
            return _tessellate(json.loads(_read("atlas_meshes", f"{topology}.mesh")), first, count)
        first += count
    raise KeyError(bone)


def sample_nodes(rng: np.random.Generator, modes: int = 12) -> FloatArray:
    """Nodes of a random person, as ``mean_nodes``: normal along the leading modes, within two sigma."""
    model = shape_model()
    scores = np.clip(rng.standard_normal(modes), -2.0, 2.0) * model.deviations[:modes]
    return np.asarray(model.mean + model.modes[:, :modes] @ scores)


def mean_nodes() -> FloatArray:
    """Nodes [3 N] of the mean person: all x, all y, all z, bone after bone."""
    return shape_model().mean


def surface(bone: str, nodes: FloatArray) -> tuple[FloatArray, IntArray]:
    """Vertices [V, 3] in mm and faces [F, 3] of a bone of the person with these nodes."""
    mesh = tessellation(bone)
    local = nodes.reshape(3, -1)[:, mesh.first_node : mesh.first_node + mesh.weights.shape[1]]
    return np.asarray(mesh.weights @ local.T), mesh.faces


def _lagrange(count: int, at: FloatArray) -> FloatArray:
    """Values [len(at), count] of the Lagrange polynomials on ``count`` equidistant nodes of [0, 1]."""
    nodes = np.linspace(0.0, 1.0, count)
    values = np.ones((len(at), count))
    for i in range(count):
        for j in range(count):
            if i != j:
                values[:, i] *= (at - nodes[j]) / (nodes[i] - nodes[j])
    return values


def _simplex(count: int, u: FloatArray, v: FloatArray) -> FloatArray:
    """Values of the triangular Lagrange basis; node (i, j) with i running fastest, i + j < count."""
    degree = count - 1
    columns = []

    def product(t: FloatArray, k: int) -> FloatArray:
        value = np.ones_like(t)
        for m in range(k):
            value *= (degree * t - m) / (m + 1)
        return value

    for j in range(count):
        for i in range(count - j):
            columns.append(product(u, i) * product(v, j) * product(1.0 - u - v, degree - i - j))
    return np.stack(columns, axis=1)


def _element(kind: str) -> tuple[FloatArray, IntArray]:
    triangular, fast, slow = _ELEMENTS[kind]
    n = _FINENESS
    cells = []
    if triangular:
        uv = [(i / n, j / n) for j in range(n + 1) for i in range(n + 1 - j)]
        start = [sum(n + 1 - k for k in range(j)) for j in range(n + 1)]
        for j in range(n):
            for i in range(n - j):
                a, b = start[j] + i, start[j + 1] + i
                cells.append((a, a + 1, b))
                if i + 1 < n - j:
                    cells.append((a + 1, b + 1, b))
        u, v = np.array(uv).T
        return _simplex(fast, u, v), np.array(cells, dtype=np.int32)
    u, v = (g.ravel() for g in np.meshgrid(np.linspace(0, 1, n + 1), np.linspace(0, 1, n + 1)))
    for j in range(n):
        for i in range(n):
            a = j * (n + 1) + i
            cells += [(a, a + 1, a + n + 2), (a, a + n + 2, a + n + 1)]
    weights = np.einsum("pi,pj->pji", _lagrange(fast, u), _lagrange(slow, v)).reshape(len(u), -1)
    return weights, np.array(cells, dtype=np.int32)


def _tessellate(topology: dict[str, Any], first: int, count: int) -> Tessellation:
    elements = {int(key): value.split()[1] for key, value in topology["elements"].items()}
    # Points of elements get node numbers in order; a point met before, through a neighbour, keeps its own.
    number: dict[str, int] = {}
    met = 0
    blocks, faces, offset = [], [], 0
    for element in sorted(elements):
        weights, cells = _element(elements[element])
        columns = []
        for point in range(weights.shape[1]):
            key = f"{element}_{point}"
            if key not in number:
                for same in [key, *topology["connectivity"].get(key, "").split()]:
                    number[same] = met
                met += 1
            columns.append(number[key])
        block = np.zeros((len(weights), count))
        for k, column in enumerate(columns):
            block[:, column] += weights[:, k]
        blocks.append(block)
        faces.append(cells + offset)
        offset += len(weights)
    if met != count:
        raise ValueError(f"The shape model names {count} nodes, its elements join to {met}.")
    stacked, joined = np.concatenate(blocks), np.concatenate(faces)
    # Vertices on the seams of elements have equal weights and are merged.
    marks = stacked @ np.random.default_rng(0).standard_normal(count)
    _, index, inverse = np.unique(np.round(marks, 9), return_index=True, return_inverse=True)
    joined = inverse.reshape(-1)[joined].astype(np.int32)
    joined = joined[(np.diff(np.sort(joined, axis=1), axis=1) > 0).all(axis=1)]
    local = mean_nodes().reshape(3, -1)[:, first : first + count]
    mesh = trimesh.Trimesh(stacked[index] @ local.T, joined, process=False, validate=False)
    mesh.fix_normals(multibody=True)
    return Tessellation(first, stacked[index], np.array(mesh.faces, dtype=np.int32))
