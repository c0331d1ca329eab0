"""What lies around the bones of the pelvis: soft tissue, and the dense roof of the hip joint."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from training.simulate.scene import Capsule, FloatArray, IntArray


def pelvis_tissue(
    rng: np.random.Generator, heads: Mapping[str, FloatArray], knees: Mapping[str, FloatArray], size: float
) -> list[Capsule]:
    """Trunk, buttocks and thighs around hips at ``heads`` [3] and legs towards ``knees`` [3], body frame.

    Parts are flat, about half as deep as a body: films of the trunk are processed to a narrow range.
    """
    fat = float(rng.uniform(0.92, 1.4))
    depth = float(rng.uniform(38.0, 56.0)) * size
    middle = (heads["left"] + heads["right"]) / 2.0
    capsules: list[Capsule] = []
    for side in heads:
        out = heads[side] - middle
        out = out / np.linalg.norm(out)
        leg = (knees[side] - heads[side]) / np.linalg.norm(knees[side] - heads[side])
        outer = (165.0 * fat * size - depth, 185.0 * fat * size - depth)  # at the waist and at the hip
        for share in (0.12, 0.34, 0.56, 0.78, 1.0):
            waist = middle + out * outer[0] * share + np.array([0.0, -8.0, 220.0]) * size
            hip = middle + out * outer[1] * share + np.array([0.0, 8.0, -10.0]) * size
            capsules.append(Capsule(waist, hip, depth, depth))
        top = heads[side] + 30.0 * size * leg
        for place in (-1.0, -0.33, 0.33, 1.0):
            nodes = [
                (top + out * (6.0 + 42.0 * fat * place) * size, 0.95 * depth),
                (top + 200.0 * size * leg + out * (2.0 + 34.0 * fat * place) * size, 0.8 * depth),
                (knees[side] + out * 18.0 * place * size, 0.8 * depth),
            ]
            capsules += [Capsule(a, b, ra, rb) for (a, ra), (b, rb) in pairwise(nodes)]
    return capsules


def sourcil(
    surface: FloatArray, socket: FloatArray, faces: IntArray, rim: IntArray, thickness_mm: float
) -> tuple[FloatArray, IntArray]:
    """The dense subchondral bone of the roof: a closed sheet under the joint surface, thin at its rim.

    ``surface`` [N, 3] is the joint surface around the middle ``socket`` [3]; ``faces`` face the joint,
    ``rim`` [E, 2] are their free edges in the direction of the faces.
    Gives the sheet's vertices [2 N, 3] and faces.
    """
    away = surface - socket
    away = away / np.linalg.norm(away, axis=1, keepdims=True)
    depth = np.full(len(surface), thickness_mm)
    depth[np.unique(rim)] = 0.25 * thickness_mm
    count = len(surface)
    sides = np.concatenate(
        [
            np.stack([rim[:, 1], rim[:, 0], rim[:, 0] + count], axis=1),
            np.stack([rim[:, 1], rim[:, 0] + count, rim[:, 1] + count], axis=1),
        ]
    )
    closed = np.concatenate([faces, faces[:, ::-1] + count, sides]).astype(np.int32)
    return np.concatenate([surface, surface + away * depth[:, None]]), closed
