"""From a pelvis in the body frame to the bones and soft tissue of a scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.simulate.pelvis.coccyx import coccyx, sacrum_tip
from training.simulate.pelvis.pose import SIDES, SUFFIX, Pelvis
from training.simulate.pelvis.regions import hip_bone_regions
from training.simulate.pelvis.tissue import pelvis_tissue, sourcil
from training.simulate.people import People
from training.simulate.placement import FRONTAL
from training.simulate.scene import Bone, Capsule, FloatArray

_CORTEX_MM = {"femur": 6.0, "hip_bone": 1.7, "sacrum": 1.0, "coccyx": 0.8}
_VERTEBRA_MM = 1.0


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a person stands: ``turn`` [3, 3] in the body frame, then ``centre`` [3] comes to the origin."""

    turn: FloatArray
    centre: FloatArray

    def __call__(self, points: FloatArray) -> FloatArray:
        """Scene positions [N, 3] of body positions [N, 3]."""
        return np.asarray((points @ self.turn.T - self.centre) @ FRONTAL.T)


def pelvis_bones(
    rng: np.random.Generator, people: People, pelvis: Pelvis, place: Placement
) -> tuple[Bone, ...]:
    """All bones of the pelvis, the femora, lower spine, coccyx and the dense roofs, in the scene frame."""
    regions = hip_bone_regions(people)
    density = float(rng.uniform(0.75, 1.2))
    cortex = float(rng.uniform(0.75, 1.3)) * pelvis.size
    surfaces = {name: (v, pelvis.faces[name]) for name, v in pelvis.vertices.items()}
    tip = pelvis.vertices["sacrum"][sacrum_tip(people)].mean(axis=0)
    surfaces["coccyx"] = coccyx(tip, pelvis.size, float(rng.uniform(5.0, 28.0)))
    bones = [
        Bone(
            name,
            place(v),
            faces,
            _CORTEX_MM.get(name.removesuffix("_right"), _VERTEBRA_MM) * cortex,
            density * float(rng.uniform(0.95, 1.05)),
        )
        for name, (v, faces) in surfaces.items()
    ]
    thickness, grade = float(rng.uniform(1.2, 3.2)) * pelvis.size, float(rng.uniform(0.3, 0.9))
    for side in SIDES:
        order = slice(None) if side == "left" else slice(None, None, -1)
        surface = pelvis.vertices[f"hip_bone{SUFFIX[side]}"][regions.roof]
        faces, rim = regions.roof_faces[:, order], regions.roof_rim[:, order]
        sheet = sourcil(surface, pelvis.sockets[side], faces, rim, thickness)
        bones.append(Bone(f"sourcil{SUFFIX[side]}", place(sheet[0]), sheet[1], thickness, density * grade))
    return tuple(bones)


def soft_tissue(rng: np.random.Generator, pelvis: Pelvis, place: Placement) -> tuple[Capsule, ...]:
    """Trunk, buttocks and thighs in the scene frame."""
    knees: Mapping[str, FloatArray] = {
        side: _low_end(pelvis.vertices[f"femur{SUFFIX[side]}"]) for side in SIDES
    }
    parts = pelvis_tissue(rng, pelvis.sockets, knees, pelvis.size)
    ends = zip(
        place(np.array([c.start_mm for c in parts])), place(np.array([c.end_mm for c in parts])), strict=True
    )
    return tuple(
        Capsule(start, end, c.start_radius_mm, c.end_radius_mm)
        for c, (start, end) in zip(parts, ends, strict=True)
    )


def _low_end(femur: FloatArray) -> FloatArray:
    low = femur[:, 2] < femur[:, 2].min() + 0.08 * np.ptp(femur[:, 2])
    return np.asarray(femur[low].mean(axis=0))
