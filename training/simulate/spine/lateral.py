"""Random whole-spine films seen from the side (``spine_lateral``): the patient faces image left."""

from __future__ import annotations

import numpy as np

from training.simulate.framing import framed
from training.simulate.people import People
from training.simulate.scene import Camera, Scene
from training.simulate.spine.build import (
    SHOULDERS,
    body_centre,
    from_the_side,
    long_film_source_mm,
    posed_trunk,
    rib_names,
    spine_bones,
)
from training.simulate.spine.points import spine_lateral_rules
from training.simulate.spine.pose import sagittal_truth
from training.simulate.spine.posture import Posture, draw_posture
from training.simulate.spine.regions import CERVICAL, LEVELS
from training.simulate.spine.tissue import lateral_tissue

_PELVIS = ("sacrum", "hip_bone", "hip_bone_right", "femur", "femur_right")
SHOWN = ("c1", "c2", *CERVICAL, *LEVELS, *_PELVIS, *rib_names(1, 12), *SHOULDERS)
_SCOLIOSIS = 0.35  # part of the films that show a patient with a curve of 10 degrees or more


def spine_lateral_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random standing whole-spine film from the side."""
    scene = spine_lateral_scene(rng, people, draw_posture(rng, _SCOLIOSIS))
    return scene, spine_lateral_camera(scene, rng, side_px)


def spine_lateral_scene(
    rng: np.random.Generator, people: People, posture: Posture, variation: float = 1.0
) -> Scene:
    """The trunk of a random person in this posture; ``variation`` 0 gives the template seen straight.

    ``truth`` holds ``pelvic_incidence``, ``pelvic_tilt``, ``sacral_slope``, ``lordosis_l1_s1`` and
    ``kyphosis_t4_t12`` in the sagittal plane of the body.
    """
    person, vertices = posed_trunk(rng, people, SHOWN, posture, variation)
    turn = variation * np.clip(rng.standard_normal(3), -2.5, 2.5) * [3.0, 1.0, 1.0]
    centre = body_centre(people, vertices, "t10") + variation * rng.uniform(-40.0, 40.0, 3) * [0.0, 1.0, 1.0]
    place = from_the_side(turn, centre, mirrored=bool(rng.random() < 0.5))
    bones = spine_bones(rng, person, vertices, SHOWN, place)
    tissue = tuple(place.capsule(c) for c in lateral_tissue(rng, people, vertices, person.size))
    truth = sagittal_truth(vertices, people)
    return Scene("spine_lateral", "bodyparts3d", bones, tissue, {}, spine_lateral_rules(people), truth)


def spine_lateral_camera(scene: Scene, rng: np.random.Generator, side_px: int) -> Camera:
    """A long film from the neck to below the hips, wide enough for the spine or for the whole trunk."""
    source_detector = long_film_source_mm(rng)
    object_detector = float(rng.uniform(200.0, 350.0))
    plain = Camera(source_detector, source_detector - object_detector, 1.0, 1, 1, 0.0, 0.0)
    marks = np.array(list(scene.project_points(plain).values())) / plain.magnification
    low, high = marks.min(axis=0), marks.max(axis=0)
    top, bottom = float(low[1] - rng.uniform(12.0, 75.0)), float(high[1] + rng.uniform(25.0, 90.0))
    left, right = float(low[0] - rng.uniform(15.0, 130.0)), float(high[0] + rng.uniform(15.0, 90.0))
    return framed((left, top, right, bottom), side_px, source_detector, object_detector)
