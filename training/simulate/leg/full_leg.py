"""Standing films of both whole legs (``full_leg_ap``): the patient's right on the image left."""

from __future__ import annotations

import numpy as np

from training.simulate.framing import framed, points_box
from training.simulate.knee.placement import CORTEX_MM, scene_bones
from training.simulate.knee.regions import leg_regions
from training.simulate.knee.soft import limb
from training.simulate.leg.points import leg_rules
from training.simulate.leg.stance import FOOT, LEG, SUFFIX, Stance, Standing, draw_stance, stand
from training.simulate.people import People
from training.simulate.placement import FRONTAL, Placement
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, rotation
from training.simulate.scene import Camera, Capsule, Scene

BONES = (
    *(name + suffix for suffix in SUFFIX.values() for name in LEG),
    "hip_bone",
    "hip_bone_right",
    "sacrum",
)
_FOOT_CORTEX_MM = 1.2


def full_leg_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random standing film from the hips to the ankles."""
    scene = full_leg_scene(rng, people, draw_stance(rng))
    return scene, _camera(scene, rng, side_px)


def full_leg_scene(
    rng: np.random.Generator,
    people: People,
    stance: Stance,
    *,
    turned: float = 1.0,
    variation: float = 1.0,
) -> Scene:
    """Both legs of a person in a given stance. ``turned`` and ``variation`` as for ``knee_ap_scene``.

    ``truth`` holds the angles that the bones were given, by side.
    """
    person = people.draw(rng, BONES, variation)
    standing = stand(rng, people, person, stance)
    matrix = (
        FRONTAL
        @ rotation(Y_AXIS, turned * rng.normal(0.0, 1.0))
        @ rotation(X_AXIS, turned * rng.normal(0.0, 1.5))
        @ rotation(Z_AXIS, turned * float(np.clip(rng.normal(0.0, 3.5), -9.0, 9.0)))
    )
    knees = (standing.centres["left"][1] + standing.centres["right"][1]) / 2.0
    ray = np.array([rng.normal(0.0, 10.0), 0.0, rng.normal(20.0, 40.0)])
    place = Placement(matrix, knees + turned * ray)
    fat = float(rng.uniform(0.85, 1.3))
    regions = leg_regions(people)
    rules = {
        f"{name}_{side}": rule
        for side, lateral in (("left", 1), ("right", -1))
        for name, rule in leg_rules(regions, SUFFIX[side], lateral).items()
    }
    truth = {
        f"true_{key}_{side}": getattr(shape, key)
        for side, shape in zip(("left", "right"), stance.shapes, strict=True)
        for key in ("ldfa_deg", "mpta_deg")
    }
    cortex = {**CORTEX_MM, **dict.fromkeys(FOOT, _FOOT_CORTEX_MM)}
    return Scene(
        "full_leg_ap",
        "bodyparts3d",
        scene_bones(standing.bones, person.faces, place, rng, cortex),
        _soft_tissue(standing, place, person.size, fat),
        {},
        rules,
        truth,
    )


def _soft_tissue(standing: Standing, place: Placement, size: float, fat: float) -> tuple[Capsule, ...]:
    capsules = []
    tops = []
    for side, outward in (("left", 1.0), ("right", -1.0)):
        hip, knee, ankle = standing.centres[side]
        thigh = hip + 0.3 * (knee - hip) + np.array([12.0 * outward, 4.0, 0.0])
        capsules += limb(thigh, knee, ankle, place, size, fat)
        top = hip + np.array([-8.0 * outward, 8.0, 30.0])
        ends = place(np.stack([top, thigh, ankle, ankle + np.array([0.0, -70.0, -45.0])]))
        capsules.append(Capsule(ends[0], ends[1], 95.0 * size * fat, 82.0 * size * fat))
        capsules.append(Capsule(ends[2], ends[3], 34.0 * size, 30.0 * size))
        tops.append(top)
    waist = (tops[0] + tops[1]) / 2.0 + np.array([0.0, 0.0, 170.0])
    for top in tops:
        ends = place(np.stack([top, 0.5 * top + 0.5 * waist]))
        capsules.append(Capsule(ends[0], ends[1], 98.0 * size * fat, 100.0 * size * fat))
    return tuple(capsules)


def _camera(scene: Scene, rng: np.random.Generator, side_px: int) -> Camera:
    source_detector = float(rng.uniform(1800.0, 3000.0))
    distance = float(rng.uniform(90.0, 200.0))
    low, high = points_box(scene, source_detector, distance)
    top, bottom = low[1] - rng.uniform(25.0, 110.0), high[1] + rng.uniform(25.0, 90.0)
    width = max(high[0] - low[0] + 16.0, (bottom - top) / rng.uniform(2.3, 3.1))
    middle = (low[0] + high[0]) / 2.0 + rng.uniform(-0.4, 0.4) * (width - (high[0] - low[0]) - 16.0)
    return framed(
        (middle - width / 2.0, top, middle + width / 2.0, bottom), side_px, source_detector, distance
    )
