"""Random whole-spine films seen from the front (``spine_ap``)."""

from __future__ import annotations

import numpy as np

from training.simulate.framing import framed
from training.simulate.people import People
from training.simulate.scene import Camera, FloatArray, Scene
from training.simulate.spine.build import (
    SHOULDERS,
    body_centre,
    from_the_front,
    long_film_source_mm,
    posed_trunk,
    rib_names,
    spine_bones,
)
from training.simulate.spine.points import spine_ap_rules
from training.simulate.spine.pose import HEAD
from training.simulate.spine.posture import Posture, draw_posture, without_slips
from training.simulate.spine.regions import CERVICAL, LEVELS
from training.simulate.spine.tissue import frontal_tissue

SHOWN = (*HEAD, *CERVICAL, *LEVELS, "sacrum", "hip_bone", "hip_bone_right", *rib_names(1, 12), *SHOULDERS)
_SCOLIOSIS = 0.85  # part of the films that show a curve of 10 degrees or more


def spine_ap_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random standing whole-spine film, the patient's right on the image left."""
    scene = spine_ap_scene(rng, people, without_slips(draw_posture(rng, _SCOLIOSIS)))
    return scene, spine_ap_camera(scene, rng, side_px)


def spine_ap_scene(
    rng: np.random.Generator, people: People, posture: Posture, variation: float = 1.0
) -> Scene:
    """The trunk of a random person in this posture; ``variation`` 0 gives the template seen straight.

    ``truth`` holds ``cobb_largest``: the largest difference of the coronal tilts that were set.
    """
    person, vertices = posed_trunk(rng, people, SHOWN, posture, variation)
    turn = variation * np.clip(rng.standard_normal(3), -2.5, 2.5) * [3.5, 2.0, 1.2]
    centre = body_centre(people, vertices, "t9") + variation * rng.uniform(-40.0, 40.0, 3) * [1.0, 0.0, 1.0]
    # Scoliosis films are mostly taken from behind, to spare the breasts, and shown as if from the front.
    place = from_the_front(turn, centre, mirrored=bool(rng.random() < 0.5))
    bones = spine_bones(rng, person, vertices, SHOWN, place)
    tissue = tuple(place.capsule(c) for c in frontal_tissue(rng, people, vertices, person.size))
    tilts = posture.coronal_deg
    truth = {"cobb_largest": float(tilts.max() - tilts.min())}
    return Scene("spine_ap", "bodyparts3d", bones, tissue, {}, spine_ap_rules(people), truth)


def spine_ap_camera(scene: Scene, rng: np.random.Generator, side_px: int) -> Camera:
    """A film cut to the trunk around the spine, or a wider one with head and pelvis."""
    source_detector = long_film_source_mm(rng)
    object_detector = float(rng.uniform(100.0, 250.0))
    plain = Camera(source_detector, source_detector - object_detector, 1.0, 1, 1, 0.0, 0.0)
    marks = np.array(list(scene.project_points(plain).values())) / plain.magnification
    box = _trunk_box(rng, marks) if rng.random() < 0.82 else _wide_box(rng, marks)
    return framed(box, side_px, source_detector, object_detector)


def _trunk_box(rng: np.random.Generator, marks: FloatArray) -> tuple[float, float, float, float]:
    """Close around the points, as films of collections are cut: 0.28 to 0.6 times as wide as high."""
    top = float(marks[:, 1].min()) - rng.uniform(4.0, 22.0)
    bottom = float(marks[:, 1].max()) + rng.uniform(6.0, 45.0)
    low, high = float(marks[:, 0].min()) - 8.0, float(marks[:, 0].max()) + 8.0
    width = max((bottom - top) * rng.uniform(0.27, 0.5), high - low)
    slack = width - (high - low)
    left = low - slack * rng.uniform(0.25, 0.75)
    return left, top, left + width, bottom


def _wide_box(rng: np.random.Generator, marks: FloatArray) -> tuple[float, float, float, float]:
    """A whole film: shoulders, lower neck or skull base, upper pelvis."""
    top = float(marks[:, 1].min()) - rng.uniform(20.0, 110.0)
    bottom = float(marks[:, 1].max()) + rng.uniform(30.0, 110.0)
    middle = float(marks[:, 0].mean()) + rng.uniform(-20.0, 20.0)
    half = max(rng.uniform(115.0, 165.0), float(np.abs(marks[:, 0] - middle).max()) + 10.0)
    return middle - half, top, middle + half, bottom
