"""A lytic lesion of the distal tibia: lobes in which mineral is missing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import trimesh
from numpy.typing import NDArray

from training.simulate.scene import Bone

FloatArray = NDArray[np.float64]

_LOST = (0.45, 0.85)  # part of the trabecular mineral that is gone


def lytic_lesion(
    rng: np.random.Generator,
    tibia_mm: FloatArray,
    plafond_width_mm: float,
    place: Callable[[FloatArray], FloatArray],
    density: float,
) -> tuple[Bone, ...]:
    """Lobes of a lesion inside the metaphysis as bodies of negative density, posed by ``place``.

    ``tibia_mm`` [V, 3] lies in the template frame (x lateral, y distal, joint at the origin). Each
    lobe takes away a part of the mineral that fills the bone where it lies, never the cortex.
    """
    height = plafond_width_mm * rng.uniform(0.9, 1.9)
    slab = tibia_mm[np.abs(tibia_mm[:, 1] + height) < 6.0]
    low, high = slab.min(axis=0), slab.max(axis=0)
    centre, half = (low + high) / 2.0, (high - low) / 2.0
    lost = float(rng.uniform(*_LOST))
    unit = trimesh.creation.icosphere(subdivisions=3, radius=1.0)
    lobes = []
    for index in range(int(rng.integers(2, 5))):
        radii = rng.uniform(0.3, 0.5, 3) * half.min()
        radii[1] *= rng.uniform(1.0, 1.8)
        shift = rng.uniform(-0.3, 0.3, 3) * half
        shift[1] = rng.uniform(-0.7, 0.7) * half[0]
        surface = np.asarray(unit.vertices) * radii + centre + shift
        faces = np.asarray(unit.faces, dtype=np.int32)
        lobe = Bone(f"lesion_{index + 1}", place(surface), faces, 0.05, -lost * density, tracked=False)
        lobes.append(lobe)
    return tuple(lobes)
