"""Vertex sets of the template on which a reader's landmarks lie, in the foot frame of ``parts``.

Limits are fractions of a bone's own extent, so that they hold for any template of the same numbering.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from training.simulate.rules import fit_sphere
from training.simulate.scene import FloatArray, IntArray

# Level of the upper shaft points above the plafond, in depths of the plafond from front to back.
SHAFT_DEPTHS = 3.0
MALLEOLUS_SHARE = 0.25


def find_regions(
    vertices: Mapping[str, FloatArray], faces: Mapping[str, IntArray], facets: Mapping[str, IntArray]
) -> dict[str, IntArray]:
    """Vertex sets by name. ``facets`` are those of each bone that face the next, by ``first|second``."""
    regions = {
        "talus_head": facets["talus|navicular"],
        "talus_dome": facets["talus|tibia"],
        "calcaneus_cuboid_facet": facets["calcaneus|cuboid"],
        "first_metatarsal_facet": facets["first_metatarsal|hallux_proximal_phalanx"],
    }
    x, y, z = _fractions(vertices["calcaneus"])
    regions["tuber_plantar"] = _numbers((y > 0.5) & (z < 0.35))
    regions["tuber_superior"] = _numbers((y > 0.78) & (z > 0.5))
    regions["posterior_facet"] = _numbers((y > 0.52) & (y < 0.75) & (z > 0.6))
    regions["anterior_process"] = _numbers((y < 0.14) & (z > 0.5))
    regions["anterior_plantar"] = _numbers((y < 0.14) & (z < 0.6))
    groove = (y > 0.2) & (y < 0.42) & (x > 0.55)
    border = _upper_border(vertices["calcaneus"], groove)
    regions["groove"] = _extreme(vertices["calcaneus"], border, -1.0)
    x, y, z = _fractions(vertices["talus"])
    regions["talus_neck"] = _numbers((y > 0.2) & (y < 0.4) & (z > 0.25))
    up = vertex_normals(vertices["talus"], faces["talus"])[:, 2]
    ridge = _numbers((y > 0.17) & (y < 0.23) & (x > 0.2) & (x < 0.8) & (up > 0.6))
    regions["neck_dorsal"] = _extreme(vertices["talus"], ridge, 1.0)
    roof = _numbers((y > 0.32) & (y < 0.4) & (x > 0.42) & (x < 0.62) & (up < -0.2))
    regions["neck_plantar"] = _extreme(vertices["talus"], roof, 1.0)
    dome = vertices["talus"][regions["talus_dome"]]
    centre = fit_sphere(dome)[0]
    off_axis = np.hypot(*(vertices["talus"][:, 1:] - centre[1:]).T)
    sides = [np.flatnonzero(x < 0.5), np.flatnonzero(x > 0.5)]
    nearest = [side[np.argsort(off_axis[side])[:8]] for side in sides]
    regions["dome_axis"] = np.concatenate(nearest).astype(np.int32)
    regions["talus_process"] = _numbers((x > 0.6) & (z < 0.3) & (y > 0.4))
    regions["talus_top"] = _numbers((z > 0.75) & (y > 0.4))
    regions["talus_trochlea"] = _numbers((z > 0.35) & (y > 0.25) & (x > 0.1))
    _, y, _ = _fractions(vertices["fifth_metatarsal"])
    regions["fifth_metatarsal_base"] = _numbers(y > 0.72)
    tibia = vertices["tibia"]
    roof = cKDTree(vertices["talus"]).query(tibia, distance_upper_bound=7.0)[0] < 7.0
    roof &= vertex_normals(tibia, faces["tibia"])[:, 2] < -0.6
    # Without the malleolus, which hangs below the roof on its medial side.
    roof &= tibia[:, 0] > tibia[roof, 0].min() + MALLEOLUS_SHARE * np.ptp(tibia[roof, 0])
    regions["plafond"] = _numbers(roof)
    depth = float(np.ptp(tibia[roof, 1]))
    level = float(np.median(tibia[roof, 2])) + SHAFT_DEPTHS * depth
    regions["tibial_shaft"] = _numbers(np.abs(tibia[:, 2] - level) < 8.0)
    x, y, z = _fractions(vertices["navicular"])
    regions["navicular_plantar"] = _numbers(z < 0.4)
    # The socket of the navicular is the face that looks at the head of the talus.
    regions["navicular_socket"] = facets["navicular|talus"]
    return regions


def _fractions(v: FloatArray) -> FloatArray:
    """Coordinates [3, V] as fractions of the extent: 0 to 1."""
    return np.asarray(((v - v.min(axis=0)) / np.ptp(v, axis=0)).T)


def vertex_normals(v: FloatArray, faces: IntArray) -> FloatArray:
    """Unit outward normals [V, 3]."""
    a, b, c = (v[faces[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    normal = np.stack(
        [np.bincount(faces.ravel(), weights=np.repeat(face[:, k], 3), minlength=len(v)) for k in range(3)],
        axis=1,
    )
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12))


def _numbers(chosen: NDArray[np.bool_]) -> IntArray:
    return np.flatnonzero(chosen).astype(np.int32)


def _extreme(v: FloatArray, numbers: IntArray, sign: float) -> IntArray:
    """The eight of these vertices that lie highest (``sign`` 1) or lowest (-1)."""
    return numbers[np.argsort(-sign * v[numbers, 2])[:8]].astype(np.int32)


def _upper_border(v: FloatArray, chosen: NDArray[np.bool_]) -> IntArray:
    """Those of the chosen vertices above which the chosen part goes no further, seen from the side."""
    numbers = np.flatnonzero(chosen)
    part = v[numbers]
    close = np.abs(part[:, None, 1] - part[None, :, 1]) < 1.2
    top = np.where(close, part[None, :, 2], -np.inf).max(axis=1)
    return numbers[part[:, 2] > top - 0.8].astype(np.int32)
