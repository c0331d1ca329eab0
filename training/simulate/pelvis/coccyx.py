"""A simple coccyx below the sacrum, which the template skeleton lacks."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import trimesh

from training.simulate.people import People
from training.simulate.pose import X_AXIS, rotation
from training.simulate.scene import FloatArray, IntArray

# Half width, half depth, half height of each segment, in mm.
_SEGMENTS = ((10.0, 4.0, 6.0), (6.5, 3.2, 4.5), (4.5, 2.6, 3.8))


@lru_cache(maxsize=4)
def sacrum_tip(people: People) -> IntArray:
    """Vertex numbers at the lower end of the sacrum."""
    v, _ = people.template("sacrum")
    return np.flatnonzero(v[:, 2] < v[:, 2].min() + 3.0).astype(np.int32)


def coccyx(tip: FloatArray, size: float, curl_deg: float) -> tuple[FloatArray, IntArray]:
    """Vertices and faces of three segments that start below ``tip`` [3] and curl forwards, body frame."""
    ball, faces = _ball()
    at, parts, bent = tip + np.array([0.0, 0.0, -1.5 * size]), [], 10.0
    for half in np.array(_SEGMENTS) * size:
        matrix = rotation(X_AXIS, -bent)
        down = matrix @ np.array([0.0, 0.0, -1.0])
        parts.append(at + half[2] * down + (ball * half) @ matrix.T)
        at = at + (2.0 * half[2] + 1.0 * size) * down
        bent += curl_deg
    shift = np.arange(len(parts))[:, None, None] * len(ball)
    return np.concatenate(parts), np.concatenate(list(faces[None] + shift)).astype(np.int32)


@lru_cache(maxsize=1)
def _ball() -> tuple[FloatArray, IntArray]:
    mesh = trimesh.creation.icosphere(subdivisions=3)
    flat = np.sign(mesh.vertices) * np.abs(mesh.vertices) ** 0.8  # blunter than a ball
    return np.asarray(flat, dtype=np.float64), np.asarray(mesh.faces, dtype=np.int32)
