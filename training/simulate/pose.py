"""Small geometry for posing bones: rotations, soft ramps, smooth random displacement fields."""

from __future__ import annotations

import math
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass

import numpy as np

from training.simulate.scene import FloatArray

X_AXIS = np.array([1.0, 0.0, 0.0])
Y_AXIS = np.array([0.0, 1.0, 0.0])
Z_AXIS = np.array([0.0, 0.0, 1.0])
for _axis in (X_AXIS, Y_AXIS, Z_AXIS):
    _axis.setflags(write=False)

Vertices = MutableMapping[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Frame:
    """An orthonormal frame: ``axes`` [3, 3] has x, y, z as rows, ``origin`` [3] in mm."""

    axes: FloatArray
    origin: FloatArray

    def local(self, points: FloatArray) -> FloatArray:
        """Coordinates [N, 3] in this frame of points [N, 3] of the frame in which it is given."""
        return np.asarray((points - self.origin) @ self.axes.T)

    def world(self, points: FloatArray) -> FloatArray:
        """The inverse of ``local``."""
        return np.asarray(points @ self.axes + self.origin)


def rotation(axis: FloatArray, degrees: float) -> FloatArray:
    """Right-handed rotation matrix [3, 3] about an axis of any length (Rodrigues)."""
    x, y, z = (float(v) for v in axis)
    length = math.sqrt(x * x + y * y + z * z)
    x, y, z = x / length, y / length, z / length
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    d = 1.0 - c
    return np.array(
        [
            [c + d * x * x, d * x * y - s * z, d * x * z + s * y],
            [d * x * y + s * z, c + d * y * y, d * y * z - s * x],
            [d * x * z - s * y, d * y * z + s * x, c + d * z * z],
        ]
    )


def rotation_between(a: FloatArray, b: FloatArray) -> FloatArray:
    """Smallest rotation [3, 3] that takes direction a to direction b; they must not be opposite."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    axis, cosine = np.cross(a, b), float(a @ b)
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + k + k @ k / (1.0 + cosine))


def turn(
    vertices: Vertices, names: Iterable[str], axis: FloatArray, degrees: float, pivot: FloatArray
) -> None:
    """Rotate the named bones together about a pivot [3], in place."""
    matrix = rotation(axis, degrees)
    for name in names:
        vertices[name] = (vertices[name] - pivot) @ matrix.T + pivot


def ramp(value: FloatArray, start: float, end: float) -> FloatArray:
    """Smooth step: 0 before ``start``, 1 after ``end``."""
    t = np.clip((value - start) / (end - start), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def wave_field(
    points: FloatArray, rng: np.random.Generator, shortest_mm: float, longest_mm: float, rms_mm: float
) -> FloatArray:
    """Smooth random displacement [N, 3] at points [N, 3]: six plane waves of random direction and phase."""
    count = 6
    direction = rng.standard_normal((count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    waves = direction * (2.0 * np.pi / rng.uniform(shortest_mm, longest_mm, (count, 1)))
    phase = rng.uniform(0.0, 2.0 * np.pi, count)
    push = rng.standard_normal((count, 3)) * (rms_mm * np.sqrt(2.0 / count))
    # Single precision is much faster and right to a thousandth of a millimetre.
    angle = points.astype(np.float32) @ waves.T.astype(np.float32) + phase.astype(np.float32)
    return np.asarray(np.sin(angle, out=angle) @ push.astype(np.float32), dtype=np.float64)
