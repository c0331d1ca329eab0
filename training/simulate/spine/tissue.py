"""Soft tissue of the trunk around a posed spine, as thickness along the rays of one view.

The radii stand for the thickness that the rays cross: lungs count as the little tissue they hold. Every
function gives parts in the body frame (x to the left, y backwards, z up).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from training.simulate.people import People
from training.simulate.scene import Capsule, FloatArray
from training.simulate.spine.build import body_centre

Vertices = Mapping[str, FloatArray]


def frontal_tissue(
    rng: np.random.Generator, people: People, vertices: Mapping[str, FloatArray], size: float
) -> list[Capsule]:
    """Trunk seen from the front: belly, chest wall, thin lungs, mediastinum with the heart, neck, shoulders.

    The radii stand for the thickness along the rays: lungs count as the little tissue they hold.
    """
    fat = float(rng.uniform(0.85, 1.25))
    at = {
        b: body_centre(people, vertices, b)
        for b in ("c7", "t2", "t4", "t6", "t10", "t12", "l3", "sacrum")
        if b in vertices
    }
    air = float(rng.uniform(0.75, 1.2))
    dome = float(rng.uniform(-25.0, 15.0)) * size
    capsules: list[Capsule] = []

    def add(start: FloatArray, a: Sequence[float], end: FloatArray, b: Sequence[float]) -> None:
        (ax, az, ar), (bx, bz, br) = a, b
        one = start + np.array([ax, 0.0, az]) * size
        two = end + np.array([bx, 0.0, bz]) * size
        capsules.append(Capsule(one, two, ar * size, br * size))

    for x, radius, higher in ((-66.0, 66.0, 26.0), (66.0, 66.0, 14.0), (0.0, 74.0, -20.0)):
        low = (x * 1.1, -150.0, radius * fat)
        add(
            at["t12"],
            (x, dome / size + higher - 40.0, radius * (0.9 + 0.1 * fat)),
            at["l3"],
            (x, 0.0, radius * fat),
        )
        add(at["l3"], (x, 0.0, radius * fat), at["sacrum"], low)
    if "t4" in at:
        for side in (-1.0, 1.0):
            for x, widening, radius in ((44.0, 8.0, 36.0), (80.0, 14.0, 36.0)):
                start, end = (x * side, 34.0, radius * air), ((x + widening) * side, -10.0, 40.0 * air)
                add(at["t4"], start, at["t12"], end)
            add(at["t4"], (112.0 * side, 10.0, 34.0 * fat), at["t12"], (112.0 * side, -10.0, 36.0 * fat))
            add(at["c7"], (30.0 * side, 6.0, 36.0), at["t2"], (150.0 * side, -14.0, 40.0 * fat))
        add(at["c7"], (0.0, 120.0, 42.0), at["c7"], (0.0, 0.0, 44.0))
        add(at["t2"], (0.0, 0.0, 43.0), at["t6"], (4.0, 0.0, 45.0))
        heart, higher = float(rng.uniform(0.85, 1.2)), float(rng.uniform(-22.0, 22.0))
        add(at["t6"], (8.0, higher - 10.0, 44.0 * heart), at["t10"], (40.0, higher + 10.0, 50.0 * heart))
        add(at["t6"], (2.0, 0.0, 44.0 * heart), at["t12"], (0.0, 0.0, 52.0))
    return capsules


def lumbar_frontal_tissue(
    rng: np.random.Generator, people: People, vertices: Vertices, size: float
) -> list[Capsule]:
    """Belly and flanks seen from the front."""
    fat = float(rng.uniform(0.85, 1.25))
    top, low = (body_centre(people, vertices, bone) for bone in ("t9", "sacrum"))
    capsules = []
    for x, radius in ((-70.0, 66.0), (0.0, 78.0), (70.0, 66.0)):
        out = np.array([x * size, 0.0, 0.0])
        down = np.array([0.0, 0.0, -170.0 * size])
        middle = (top + low) / 2.0 + 0.85 * out
        capsules.append(Capsule(top + out, middle, radius * size * fat, radius * size * fat))
        capsules.append(
            Capsule(middle, low + 1.2 * out + down, radius * size * fat, 1.05 * radius * size * fat)
        )
    return capsules


def lateral_tissue(
    rng: np.random.Generator, people: People, vertices: Vertices, size: float
) -> list[Capsule]:
    """Trunk seen from the side: shoulders, lungs, heart, belly, buttocks, thighs, neck."""
    fat = float(rng.uniform(0.85, 1.2))
    air = float(rng.uniform(0.75, 1.15))
    at = {
        bone: body_centre(people, vertices, bone)
        for bone in ("c3", "c7", "t2", "t4", "t7", "t10", "t12", "l3", "sacrum")
    }
    capsules: list[Capsule] = []

    def add(start: FloatArray, a: Sequence[float], end: FloatArray, b: Sequence[float]) -> None:
        (ay, az, ar), (by, bz, br) = a, b
        one, two = (p + np.array([0.0, y, z]) * size for p, y, z in ((start, ay, az), (end, by, bz)))
        capsules.append(Capsule(one, two, ar * size, br * size))

    add(at["c3"], (0.0, 60.0, 46.0), at["c7"], (5.0, 0.0, 50.0))
    add(at["c7"], (10.0, -10.0, 58.0), at["t4"], (-15.0, 0.0, 62.0))
    for y, radius in ((-110.0, 42.0), (-65.0, 48.0), (-20.0, 48.0), (25.0, 42.0)):
        add(at["t4"], (0.6 * y, 0.0, radius * air), at["t10"], (y, 0.0, radius * air))
    add(at["t2"], (40.0, 0.0, 34.0 * fat), at["t7"], (46.0, 0.0, 34.0 * fat))
    add(at["t7"], (46.0, 0.0, 34.0 * fat), at["t10"], (42.0, 0.0, 38.0 * fat))
    add(at["t7"], (-90.0, 0.0, 54.0), at["t10"], (-105.0, 20.0, 58.0))
    for y, radius, dome in ((-120.0, 64.0, 10.0), (-60.0, 78.0, 16.0), (0.0, 74.0, -10.0)):
        add(at["t12"], (y, dome, radius), at["l3"], (y - 8.0 * fat, 0.0, radius * fat))
        add(at["l3"], (y - 8.0 * fat, 0.0, radius * fat), at["sacrum"], (y - 20.0, -70.0, radius * fat))
    add(at["t10"], (42.0, 0.0, 38.0 * fat), at["l3"], (48.0, 0.0, 40.0 * fat))
    add(at["l3"], (35.0, 0.0, 55.0 * fat), at["sacrum"], (50.0, -75.0, 86.0 * fat))
    add(at["sacrum"], (-35.0, -80.0, 92.0 * fat), at["sacrum"], (-45.0, -330.0, 78.0 * fat))
    return capsules


def lumbar_lateral_tissue(
    rng: np.random.Generator, people: People, vertices: Vertices, size: float
) -> list[Capsule]:
    """Belly, back and buttocks seen from the side."""
    fat = float(rng.uniform(0.85, 1.2))
    top, low = (body_centre(people, vertices, bone) for bone in ("t9", "sacrum"))
    capsules = []
    for y, radius in ((-120.0, 70.0), (-60.0, 80.0), (0.0, 80.0), (38.0, 58.0)):
        start, end = top + np.array([0.0, y, 0.0]) * size, low + np.array([0.0, y - 12.0, -150.0]) * size
        capsules.append(Capsule(start, end, radius * size * fat, 1.1 * radius * size * fat))
    return capsules
