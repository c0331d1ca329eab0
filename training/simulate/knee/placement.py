"""Bones of the leg in the scene, with their mineral."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.simulate.placement import Placement
from training.simulate.pose import Vertices
from training.simulate.scene import Bone, IntArray

# Rows as for ``FRONTAL``: the front of the knee on the image right.
LATERAL = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
LATERAL.setflags(write=False)


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
        shell = cortex_mm[name.removesuffix("_right")] * thickness
        mineral = density * float(rng.uniform(0.95, 1.05))
        bones.append(Bone(name, place(v), place.faces(faces[name]), shell, mineral))
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
