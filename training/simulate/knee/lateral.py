"""Lateral films of a left knee (``knee_lateral``): the front of the knee on the image right."""

from __future__ import annotations

import numpy as np

from training.simulate.knee.film import TEMPLATE, camera_around, draw_knee
from training.simulate.knee.placement import CORTEX_MM, LATERAL, scene_bones
from training.simulate.knee.sagittal import knee_lateral_rules
from training.simulate.knee.shape import LegShape, draw_leg_shape
from training.simulate.knee.soft import knee_front, limb
from training.simulate.people import People
from training.simulate.placement import Placement
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, rotation
from training.simulate.scene import Camera, Scene


def knee_lateral_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random lateral film of a left knee, mostly bent by 15 to 45 degrees."""
    flexion = rng.uniform(12.0, 48.0) if rng.random() < 0.85 else rng.uniform(0.0, 12.0)
    scene = knee_lateral_scene(rng, people, draw_leg_shape(rng, float(flexion)))
    return scene, _camera(scene, rng, side_px)


def knee_lateral_scene(
    rng: np.random.Generator, people: People, shape: LegShape, *, turned: float = 1.0, variation: float = 1.0
) -> Scene:
    """A lateral knee of a given shape; ``turned``, ``variation`` as for ``knee_ap_scene``.

    ``truth`` holds the true slope of the plateau against the mechanical axis, and the flexion.
    """
    own = draw_knee(rng, people, shape, variation)
    person, regions, bones = own.person, own.regions, own.bones
    # A true lateral film has both condyles on top of each other: small errors of rotation and abduction.
    errors = turned * np.clip(rng.normal(0.0, [4.0, 3.0], 2), -10.0, 10.0)
    # The tibia hangs anywhere between upright and with the bend shared by both bones.
    lie = turned * rng.uniform(-0.1, 1.0) * shape.flexion_deg + turned * rng.normal(0.0, 5.0)
    matrix = (
        LATERAL
        @ rotation(X_AXIS, -float(lie))
        @ rotation(Y_AXIS, float(errors[1]) + 90.0 - shape.ldfa_deg)
        @ rotation(Z_AXIS, float(errors[0]))
    )
    ray = np.array([0.0, rng.normal(0.0, 6.0), rng.normal(5.0, 10.0)]) * turned
    place = Placement(matrix, own.knee + ray)
    soft = limb(own.thigh, own.knee, own.ankle, place, person.size, float(rng.uniform(0.85, 1.3)))
    soft += knee_front(bones, regions, place, person.size)
    return Scene(
        "knee_lateral",
        TEMPLATE,
        scene_bones(bones, person.faces, place, rng, CORTEX_MM),
        tuple(soft),
        {},
        knee_lateral_rules(regions),
        {"true_slope_deg": shape.slope_deg, "true_flexion_deg": shape.flexion_deg},
    )


def _camera(scene: Scene, rng: np.random.Generator, side_px: int) -> Camera:
    source_detector = float(rng.uniform(1000.0, 1200.0))
    distance = float(rng.uniform(60.0, 120.0))
    margins = rng.uniform([8.0, 4.0, 8.0, 4.0], [60.0, 40.0, 50.0, 45.0])
    return camera_around(scene, margins, source_detector, distance, side_px)
