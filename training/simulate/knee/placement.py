"""From the frame of the leg to the scene: how the patient stands or lies before the film."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.simulate.pose import Vertices
from training.simulate.scene import Bone, FloatArray, IntArray

# Rows: what points right, down and away from the source, in body axes (x left, y back, z up).
FRONTAL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
LATERAL = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
for _matrix in (FRONTAL, LATERAL):
    _matrix.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Placement:
    """``matrix`` [3, 3] turns body axes to scene axes; ``centre`` [3] of the body lies on the central ray."""

    matrix: FloatArray
    centre: FloatArray

    def __call__(self, points: FloatArray) -> FloatArray:
        """Scene coordinates [N, 3] of body points [N, 3]."""
        return np.asarray((points - self.centre) @ self.matrix.T)

    @property
    def mirrors(self) -> bool:
        """Whether the placement turns left into right."""
        return bool(np.linalg.det(self.matrix) < 0)


def scene_bones(
    vertices: Vertices,
    faces: Mapping[str, IntArray],
    place: Placement,
    rng: np.random.Generator,
    cortex_mm: Mapping[str, float],
) -> tuple[Bone, ...]:
    """Bones of the scene with random density and cortex; ``cortex_mm`` gives the usual shell by bone key.

    Sides of one bone (``<key>`` and ``<key>_right``) share the entry of the key.
    """
    density = float(rng.uniform(0.7, 1.2))
    thickness = float(rng.uniform(0.75, 1.25))
    bones = []
    for name, v in vertices.items():
        f = faces[name][:, ::-1] if place.mirrors else faces[name]
        shell = cortex_mm[name.removesuffix("_right")] * thickness
        bones.append(
            Bone(name, place(v), np.ascontiguousarray(f), shell, density * float(rng.uniform(0.95, 1.05)))
        )
    return tuple(bones)


CORTEX_MM: Mapping[str, float] = {
    "femur": 6.5,
    "tibia": 5.0,
    "fibula": 2.6,
    "patella": 2.0,
    "hip_bone": 1.8,
    "sacrum": 1.2,
    "talus": 1.2,
    "calcaneus": 1.2,
}
