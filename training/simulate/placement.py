"""From the frame in which a body is posed to the scene: how it stands in the beam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.simulate.scene import Capsule, FloatArray, IntArray

# Rows: what points right, down and away from the source, in body axes (x left, y back, z up), for a film
# seen from the front.
FRONTAL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
FRONTAL.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Placement:
    """``matrix`` [3, 3] turns body axes to scene axes; ``centre_mm`` [3] of the body is on the central ray.

    A matrix with a negative determinant mirrors: the film is looked at from the other side.
    """

    matrix: FloatArray
    centre_mm: FloatArray

    def __call__(self, points: FloatArray) -> FloatArray:
        """Scene coordinates [N, 3] (or [3]) of body points."""
        return np.asarray((points - self.centre_mm) @ self.matrix.T)

    def faces(self, faces: IntArray) -> IntArray:
        """Faces [F, 3] that look outwards in the scene, of faces that do so in the body."""
        mirrors = bool(np.linalg.det(self.matrix) < 0)
        return np.ascontiguousarray(faces[:, ::-1] if mirrors else faces)

    def capsule(self, capsule: Capsule) -> Capsule:
        """A piece of soft tissue in the scene."""
        return Capsule(
            self(capsule.start_mm), self(capsule.end_mm), capsule.start_radius_mm, capsule.end_radius_mm
        )
