"""Weight-bearing frontal films of a left knee (``knee_ap``): fibula on the image right."""

from __future__ import annotations

import numpy as np

from training.simulate.framing import framed, points_box
from training.simulate.knee.film import TEMPLATE, draw_knee
from training.simulate.knee.frontal import knee_ap_rules
from training.simulate.knee.placement import CORTEX_MM, scene_bones
from training.simulate.knee.shape import LegShape, draw_leg_shape
from training.simulate.knee.soft import limb
from training.simulate.people import People
from training.simulate.placement import FRONTAL, Placement
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, rotation
from training.simulate.scene import Camera, Scene


def knee_ap_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random frontal film of a left knee, standing."""
    flexion = rng.uniform(-2.0, 9.0) if rng.random() < 0.8 else rng.uniform(9.0, 22.0)
    shape = draw_leg_shape(rng, float(flexion))
    scene = knee_ap_scene(rng, people, shape)
    return scene, _camera(scene, rng, side_px)


def knee_ap_scene(
    rng: np.random.Generator, people: People, shape: LegShape, *, turned: float = 1.0, variation: float = 1.0
) -> Scene:
    """A frontal knee of a given shape. ``turned`` scales the patient's rotation, ``variation`` the person's.

    ``truth`` holds the true angles and spaces of the bones, by measurement where there is one.
    """
    own = draw_knee(rng, people, shape, variation)
    # Part of the fall of the plateau is made up for by the beam: a reader wants the joint space open.
    share = rng.uniform(0.3, 1.0)
    lean = share * (shape.slope_deg - shape.flexion_deg) + turned * rng.normal(0.0, 2.5)
    if not turned:
        lean = shape.slope_deg - shape.flexion_deg
    matrix = (
        FRONTAL
        @ rotation(Y_AXIS, turned * rng.normal(0.0, 2.5))
        @ rotation(X_AXIS, float(np.clip(lean, -14.0, 12.0)))
        @ rotation(Z_AXIS, turned * float(np.clip(rng.normal(0.0, 6.0), -16.0, 16.0)))
    )
    ray = np.array([rng.normal(0.0, 6.0), 0.0, rng.normal(0.0, 10.0)]) * turned
    place = Placement(matrix, own.knee + ray)
    fat = float(rng.uniform(0.85, 1.3))
    soft = tuple(limb(own.thigh, own.knee, own.ankle, place, own.person.size, fat))
    truth = {
        "true_ldfa_deg": shape.ldfa_deg,
        "true_mpta_deg": shape.mpta_deg,
        "true_medial_space_mm": shape.medial_space_mm,
        "true_lateral_space_mm": shape.lateral_space_mm,
    }
    return Scene(
        "knee_ap",
        TEMPLATE,
        scene_bones(own.bones, own.person.faces, place, rng, CORTEX_MM),
        soft,
        {},
        knee_ap_rules(own.regions),
        truth,
    )


def _camera(scene: Scene, rng: np.random.Generator, side_px: int) -> Camera:
    source_detector = float(rng.uniform(1000.0, 1300.0))
    distance = float(rng.uniform(60.0, 110.0))
    low, high = points_box(scene, source_detector, distance)
    top, bottom = low[1] - rng.uniform(3.0, 40.0), high[1] + rng.uniform(3.0, 45.0)
    side = rng.uniform(6.0, 60.0)
    shift = rng.uniform(-0.4, 0.4) * side
    box = (low[0] - side + shift, top, high[0] + side + shift, bottom)
    return framed(box, side_px, source_detector, distance)
