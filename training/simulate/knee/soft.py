"""Soft tissue of thigh, knee and calf as tapered capsules."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from training.simulate.knee.regions import LegRegions
from training.simulate.placement import Placement
from training.simulate.pose import Vertices
from training.simulate.scene import Capsule, FloatArray


def limb(
    thigh: FloatArray, knee: FloatArray, ankle: FloatArray, place: Placement, size: float, fat: float
) -> list[Capsule]:
    """Thigh to ankle in body axes: along femur and tibia, ``fat`` 1 for a slim adult, ``size`` of the body.

    ``thigh`` is a place high in the thigh, ``knee`` and ``ankle`` the middles of the joints.
    """
    up, down = thigh - knee, ankle - knee
    back = np.array([0.0, 1.0, 0.0])
    profile = (
        (thigh, 80.0 * fat),
        (knee + 0.6 * up + 6.0 * back, 73.0 * fat),
        (knee + 0.25 * up + 6.0 * back, 61.0 * fat),
        (knee + 0.06 * up, 56.0 * (0.6 + 0.4 * fat)),
        (knee + 0.08 * down + 4.0 * back, 51.0 * (0.6 + 0.4 * fat)),
        (knee + 0.3 * down + 12.0 * back, 52.0 * fat),
        (knee + 0.5 * down + 9.0 * back, 45.0 * fat),
        (knee + 0.78 * down + 3.0 * back, 32.0 * fat),
        (ankle, 34.0 * fat),
    )
    return [
        Capsule(place(a[None])[0], place(b[None])[0], size * ra, size * rb)
        for (a, ra), (b, rb) in pairwise(profile)
    ]


def knee_front(bones: Vertices, regions: LegRegions, place: Placement, size: float) -> list[Capsule]:
    """Quadriceps, patella and patellar tendon under the skin, and the sides of the knee, in body axes."""
    patella = bones["patella"].mean(axis=0)
    femur = bones["femur"]
    insertion = bones["tibia"][regions.tibia.insertion].mean(axis=0)
    thigh = femur[regions.femur.rings[2]].mean(axis=0)
    sides = [femur[part].mean(axis=0) for part in (regions.femur.joint_medial, regions.femur.joint_lateral)]
    inwards = (sides[0] + sides[1]) / 2.0 - patella
    inwards *= 9.0 / np.linalg.norm(inwards)
    parts = (
        (thigh, patella + inwards, 46.0, 29.0),
        (patella + inwards, insertion + inwards, 29.0, 18.0),
        (sides[0], sides[1], 38.0, 38.0),
        (patella + inwards, sides[0], 27.0, 36.0),
        (patella + inwards, sides[1], 27.0, 36.0),
    )
    return [Capsule(place(a[None])[0], place(b[None])[0], size * ra, size * rb) for a, b, ra, rb in parts]
