"""What the films of one knee have in common: the joined bones, and the frame around the points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.simulate.framing import framed, points_box
from training.simulate.knee.joint import build_leg
from training.simulate.knee.regions import LegRegions, leg_regions
from training.simulate.knee.shape import LegShape
from training.simulate.people import People, Person
from training.simulate.pose import Vertices
from training.simulate.scene import Camera, FloatArray, Scene

TEMPLATE = "bodyparts3d"
BELOW = ("tibia", "fibula")
_BONES = ("femur", *BELOW, "patella")


@dataclass(frozen=True, eq=False)
class KneePerson:
    """A person with one left knee: bones joined in the frame of the femur, and the course of the limb.

    ``thigh``, ``knee`` and ``ankle`` [3] are the middles of the femur's upper ring, the plateau and the
    plafond.
    """

    person: Person
    regions: LegRegions
    bones: Vertices
    thigh: FloatArray
    knee: FloatArray
    ankle: FloatArray


def draw_knee(rng: np.random.Generator, people: People, shape: LegShape, variation: float) -> KneePerson:
    """A random person whose knee has the given shape; ``variation`` 0 gives the template's bones."""
    regions = leg_regions(people)
    person = people.draw(rng, _BONES, variation)
    bones = dict(person.vertices)
    build_leg(bones, BELOW, regions, shape, rng)
    floors = [bones["tibia"][floor] for floor in (regions.tibia.floor_medial, regions.tibia.floor_lateral)]
    return KneePerson(
        person=person,
        regions=regions,
        bones=bones,
        thigh=bones["femur"][regions.femur.rings[0]].mean(axis=0),
        knee=(floors[0].mean(axis=0) + floors[1].mean(axis=0)) / 2.0,
        ankle=bones["tibia"][regions.tibia.plafond].mean(axis=0),
    )


def camera_around(
    scene: Scene,
    margins_mm: FloatArray,
    source_detector_mm: float,
    object_detector_mm: float,
    side_px: int,
) -> Camera:
    """A camera that shows all points with free margins [4] (left, top, right, bottom) around them."""
    low, high = points_box(scene, source_detector_mm, object_detector_mm)
    left, top, right, bottom = margins_mm
    return framed(
        (low[0] - left, low[1] - top, high[0] + right, high[1] + bottom),
        side_px,
        source_detector_mm,
        object_detector_mm,
    )
