"""From a posed wrist to scenes and films of the two standard views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np

from training.simulate.framing import framed
from training.simulate.people import People, Person
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, rotation
from training.simulate.scene import Bone, Camera, Capsule, FloatArray, GrowthPlate, PointRule, Scene
from training.simulate.wrist.carpus import pose_wrist
from training.simulate.wrist.forearm import plate_axis
from training.simulate.wrist.points import lateral_rules, pa_rules
from training.simulate.wrist.pose import WristPose, draw_pose
from training.simulate.wrist.regions import CARPALS, FINGERS, FOREARM, METACARPALS, WRIST_BONES, wrist_regions

TEMPLATE = "bodyparts3d"
# From the forearm frame (x radial, y proximal, z palmar) to the film: the palm on the detector, or the
# ulnar side on the detector with the palm to the right.
PALM_DOWN = np.eye(3)
ULNAR_SIDE_DOWN = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])

_CORTEX_MM = {"radius": 2.4, "ulna": 2.2}
_CHILD_PROBABILITY = 0.2


def wrist_pa_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random PA film of a left wrist: fingers up, radial side to the right."""
    pose = draw_pose(rng)
    rolls = (float(rng.normal(0.0, 6.0)), float(rng.normal(0.0, 3.5)), float(rng.normal(0.0, 5.0)))
    scene = wrist_scene(rng, people, "wrist_pa", pose, rolls)
    return scene, _camera(scene, rng, side_px, (4.0, 22.0), (32.0, 58.0), (12.0, 32.0))


def wrist_lateral_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random lateral film of a left wrist: fingers up, palm to the right."""
    pose = draw_pose(rng)
    rolls = (float(rng.normal(0.0, 6.0)), float(rng.normal(0.0, 3.5)), float(rng.normal(0.0, 6.0)))
    scene = wrist_scene(rng, people, "wrist_lateral", pose, rolls)
    return scene, _camera(scene, rng, side_px, (18.0, 58.0), (28.0, 54.0), (14.0, 40.0))


def wrist_scene(
    rng: np.random.Generator,
    people: People,
    view: str,
    pose: WristPose,
    rolls_deg: tuple[float, float, float],
    variation: float = 1.0,
) -> Scene:
    """A left wrist in this posture, seen as ``wrist_pa`` or ``wrist_lateral``.

    ``rolls_deg``: how far the forearm is turned about its long axis (radial side to the palm for the PA
    view), tilted to the beam, and turned on the film. ``truth`` holds the values of ``pose`` that the view
    measures.
    """
    regions = wrist_regions(people)
    person = people.draw(rng, WRIST_BONES, variation)
    vertices = pose_wrist(person.vertices, regions, pose, person.size)
    standing = PALM_DOWN if view == "wrist_pa" else ULNAR_SIDE_DOWN
    turned = rotation(Z_AXIS, rolls_deg[2]) @ rotation(X_AXIS, rolls_deg[1]) @ rotation(Y_AXIS, rolls_deg[0])
    matrix = turned @ standing
    centre = vertices["lunate"].mean(axis=0)
    soft = _soft_tissue(vertices, regions.sets, person.size, rng)
    tissue = tuple(
        replace(c, start_mm=(c.start_mm - centre) @ matrix.T, end_mm=(c.end_mm - centre) @ matrix.T)
        for c in soft
    )
    bones = _bones(vertices, regions.sets, person, rng, matrix, centre)
    rules: Mapping[str, PointRule] = pa_rules(regions) if view == "wrist_pa" else lateral_rules(regions)
    return Scene(view, TEMPLATE, bones, tissue, {}, rules, _truth(view, pose))


def _truth(view: str, pose: WristPose) -> dict[str, float]:
    if view == "wrist_pa":
        return {
            "radial_inclination": pose.inclination_deg,
            "ulnar_variance": pose.ulnar_variance_mm,
            "scapholunate_gap": pose.scapholunate_mm,
        }
    return {
        "volar_tilt": pose.volar_tilt_deg,
        "scapholunate_angle": pose.scaphoid_deg - pose.lunate_deg,
        "capitolunate_angle": pose.capitate_deg - pose.lunate_deg,
        "radiolunate_angle": -pose.lunate_deg,
    }


def _bones(
    vertices: Mapping[str, FloatArray],
    sets: Mapping[str, np.ndarray],
    person: Person,
    rng: np.random.Generator,
    matrix: FloatArray,
    centre: FloatArray,
) -> tuple[Bone, ...]:
    density, thickness = float(rng.uniform(0.65, 1.2)), float(rng.uniform(0.65, 1.3)) * person.size
    young = rng.random() < _CHILD_PROBABILITY
    gap = float(rng.uniform(0.6, 1.8))
    bones = []
    for name in WRIST_BONES:
        v = vertices[name]
        plates: tuple[GrowthPlate, ...] = ()
        if young and name in FOREARM:
            middle, axis = plate_axis(v, sets[f"{name}.plate"])
            plates = (GrowthPlate((middle - centre) @ matrix.T, axis @ matrix.T, gap),)
        cortex = _CORTEX_MM.get(name, 0.8 if name in CARPALS else 1.7) * thickness
        own = density * float(rng.uniform(0.95, 1.05))
        bones.append(Bone(name, (v - centre) @ matrix.T, person.faces[name], cortex, own, plates))
    return tuple(bones)


def _soft_tissue(
    v: Mapping[str, FloatArray], sets: Mapping[str, np.ndarray], size: float, rng: np.random.Generator
) -> list[Capsule]:
    """Forearm, wrist, palm, thumb and the roots of the fingers, in the forearm frame."""
    fat = size * float(rng.uniform(0.86, 1.22))
    capsules: list[Capsule] = []

    def chain(*nodes: tuple[FloatArray, float]) -> None:
        for (a, ra), (b, rb) in pairwise(nodes):
            capsules.append(Capsule(a, b, ra * fat, rb * fat))

    def end(name: str, part: str) -> FloatArray:
        return np.asarray(v[name][sets[f"{name}.{part}"]].mean(axis=0))

    up = np.array([0.0, 1.0, 0.0])
    for name, near, carpal, radius in (
        ("radius", "end", "scaphoid", 18.0),
        ("ulna", "head", "triquetrum", 16.0),
    ):
        wrist = end(name, near)
        chain(
            (v[carpal].mean(axis=0), radius - 1.0), (wrist, radius - 1.5),
            (wrist + 45.0 * size * up, radius + 1.0), (wrist + 140.0 * size * up, radius + 9.0),
        )  # fmt: skip
    chain((v["scaphoid"].mean(axis=0), 16.0), (v["triquetrum"].mean(axis=0), 15.0))
    chain((v["trapezium"].mean(axis=0), 15.0), (v["hamate"].mean(axis=0), 15.0))
    for metacarpal in METACARPALS[1:]:
        chain((end(metacarpal, "base_end"), 13.5), (end(metacarpal, "head_end"), 12.0))
    for one, two in pairwise(METACARPALS[1:]):
        for part in ("base_end", "head_end"):
            chain((end(one, part), 12.0), (end(two, part), 12.0))
    for finger in FINGERS:
        name = f"{finger}_proximal_phalanx"
        chain((end(name, "base_end"), 10.5), (end(name, "head_end"), 9.3))
    thumb = "first_metacarpal"
    chain(
        (end(thumb, "base_end"), 16.0), (end(thumb, "head_end"), 12.5),
        (end("thumb_proximal_phalanx", "head_end"), 10.5), (end("thumb_distal_phalanx", "head_end"), 7.5),
    )  # fmt: skip
    middle = (end(thumb, "base_end") + end(thumb, "head_end")) / 2
    chain(
        (middle, 13.0),
        ((end("third_metacarpal", "base_end") + end("third_metacarpal", "head_end")) / 2, 13.0),
    )
    chain(
        (end("fifth_metacarpal", "base_end") + np.array([-3.0, 0.0, 6.0]), 14.0),
        (end("fifth_metacarpal", "head_end"), 12.0),
    )
    return capsules


def _camera(
    scene: Scene,
    rng: np.random.Generator,
    side_px: int,
    top_mm: tuple[float, float],
    sides_mm: tuple[float, float],
    bottom_mm: tuple[float, float],
) -> Camera:
    """A film with these ranges of free room around the points; the beam is centred on the wrist."""
    distance, to_detector = float(rng.uniform(1000.0, 1150.0)), float(rng.uniform(25.0, 60.0))
    plain = framed((-100.0, -100.0, 100.0, 100.0), 200, distance, to_detector)
    marks = np.array([rule(scene, plain) for rule in scene.point_rules.values()])
    marks = (marks - 99.5) * plain.object_pixel_mm
    low, high = marks.min(axis=0), marks.max(axis=0)
    left, right = rng.uniform(*sides_mm, 2)
    box = (
        float(low[0] - left), float(low[1] - rng.uniform(*top_mm)),
        float(high[0] + right), float(high[1] + rng.uniform(*bottom_mm)),
    )  # fmt: skip
    return framed(box, side_px, distance, to_detector)
