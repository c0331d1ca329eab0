"""Soft tissue of thigh, knee and calf as tapered capsules."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from training.simulate.knee.placement import Placement
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
