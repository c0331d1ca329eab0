"""Random films of the lumbar spine, frontal (``lumbar_ap``) and from the side (``lumbar_lateral``)."""

from __future__ import annotations

import numpy as np

from training.simulate.framing import box_around, framed
from training.simulate.people import People
from training.simulate.scene import Camera, FloatArray, Scene
from training.simulate.spine.build import (
    body_centre,
    from_the_front,
    from_the_side,
    posed_trunk,
    rib_names,
    spine_bones,
)
from training.simulate.spine.points import lumbar_ap_rules, lumbar_lateral_rules
from training.simulate.spine.pose import sagittal_truth
from training.simulate.spine.posture import Posture, draw_posture, upright_lumbar
from training.simulate.spine.regions import LEVELS
from training.simulate.spine.tissue import lumbar_frontal_tissue, lumbar_lateral_tissue

_CHAIN = LEVELS[8:]
SHOWN = (*_CHAIN, "sacrum", "hip_bone", "hip_bone_right", "femur", "femur_right", *rib_names(9, 12))
_SCOLIOSIS = 0.4  # part of the films that show a curve of 10 degrees or more


def lumbar_ap_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random frontal film, the patient's right on the image left."""
    scene = lumbar_ap_scene(rng, people, upright_lumbar(draw_posture(rng, _SCOLIOSIS)))
    camera = _camera(scene, rng, side_px, _ap_margins(rng), (150.0, 230.0))
    return scene, camera


def lumbar_lateral_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random film from the side, the patient facing image left."""
    scene = lumbar_lateral_scene(rng, people, upright_lumbar(draw_posture(rng, _SCOLIOSIS)))
    camera = _camera(scene, rng, side_px, _lateral_margins(rng), (220.0, 340.0))
    return scene, camera


def lumbar_ap_scene(
    rng: np.random.Generator, people: People, posture: Posture, variation: float = 1.0
) -> Scene:
    """The lumbar spine from the front; ``truth`` holds ``cobb_lumbar`` from the tilts that were set."""
    person, vertices = posed_trunk(rng, people, SHOWN, posture, variation)
    place = from_the_front(*_stand(rng, people, vertices, variation, [5.0, 5.0, 2.0]))
    bones = spine_bones(rng, person, vertices, SHOWN, place)
    tissue = tuple(place.capsule(c) for c in lumbar_frontal_tissue(rng, people, vertices, person.size))
    tilts = posture.coronal_deg[LEVELS.index("t12") :]
    truth = {"cobb_lumbar": float(tilts.max() - tilts.min())}
    return Scene("lumbar_ap", "bodyparts3d", bones, tissue, {}, lumbar_ap_rules(people), truth)


def lumbar_lateral_scene(
    rng: np.random.Generator, people: People, posture: Posture, variation: float = 1.0
) -> Scene:
    """The lumbar spine from the side.

    ``truth`` holds ``sacral_slope`` and ``lordosis_l1_s1`` in the sagittal plane of the body.
    """
    person, vertices = posed_trunk(rng, people, SHOWN, posture, variation)
    place = from_the_side(*_stand(rng, people, vertices, variation, [4.0, 2.5, 3.0]))
    bones = spine_bones(rng, person, vertices, SHOWN, place)
    tissue = tuple(place.capsule(c) for c in lumbar_lateral_tissue(rng, people, vertices, person.size))
    found = sagittal_truth(vertices, people)
    truth = {key: found[key] for key in ("sacral_slope", "lordosis_l1_s1")}
    return Scene("lumbar_lateral", "bodyparts3d", bones, tissue, {}, lumbar_lateral_rules(people), truth)


def _stand(
    rng: np.random.Generator,
    people: People,
    vertices: dict[str, FloatArray],
    variation: float,
    spread_deg: list[float],
) -> tuple[FloatArray, FloatArray, bool]:
    """How the patient is turned, the central ray near L3, and from which side the film is taken."""
    turn = variation * np.clip(rng.standard_normal(3), -2.5, 2.5) * spread_deg
    centre = body_centre(people, vertices, "l3") + variation * rng.uniform(-30.0, 30.0, 3)
    return turn, centre, bool(rng.random() < 0.3)


def _ap_margins(rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Free space left, above, right and below the outermost points, in mm."""
    # The iliac crests are the outermost points; narrow films show little beyond them.
    sides = rng.uniform(6.0, 50.0, 2)
    return float(sides[0]), float(rng.uniform(10.0, 70.0)), float(sides[1]), float(rng.uniform(20.0, 130.0))


def _lateral_margins(rng: np.random.Generator) -> tuple[float, float, float, float]:
    front, above, back, below = rng.uniform([40.0, 8.0, 35.0, 15.0], [120.0, 70.0, 110.0, 100.0])
    return float(front), float(above), float(back), float(below)


def _camera(
    scene: Scene,
    rng: np.random.Generator,
    side_px: int,
    margins: tuple[float, float, float, float],
    object_detector_mm: tuple[float, float],
) -> Camera:
    source_detector = float(rng.uniform(1000.0, 1150.0))
    object_detector = float(rng.uniform(*object_detector_mm))
    plain = Camera(source_detector, source_detector - object_detector, 1.0, 1, 1, 0.0, 0.0)
    marks = np.array(list(scene.project_points(plain).values())) / plain.magnification
    return framed(box_around(marks, margins), side_px, source_detector, object_detector)
