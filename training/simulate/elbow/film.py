"""From a posed elbow to scenes and films of the two standard views."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from training.simulate.elbow.child import Physis, capitellar_physis, metaphysis, ossified_capitellum
from training.simulate.elbow.points import ap_rules, lateral_rules
from training.simulate.elbow.pose import ElbowPose, draw_pose, pose_elbow, shaft
from training.simulate.elbow.regions import ELBOW_BONES, ElbowRegions, elbow_regions
from training.simulate.framing import framed
from training.simulate.people import People, Person
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, rotation
from training.simulate.scene import Bone, Camera, Capsule, FloatArray, GrowthPlate, IntArray, Scene, Surface

TEMPLATE = "bodyparts3d"
# From the elbow frame (x lateral, y distal, z posterior) to the film: the back of the elbow on the
# detector, or its medial side on the detector with the front to the left.
BACK_DOWN = np.eye(3)
MEDIAL_SIDE_DOWN = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])

_CORTEX_MM = {"humerus": 4.2, "radius": 2.6, "ulna": 2.8}


def elbow_ap_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random AP film of a left elbow: upper arm above, lateral side to the right."""
    pose = draw_pose(rng, lateral=False)
    rolls = (float(rng.normal(0.0, 6.0)), float(rng.normal(0.0, 4.0)), float(rng.normal(0.0, 6.0)))
    scene = elbow_scene(rng, people, "elbow_ap", pose, rolls)
    return scene, _camera(scene, rng, side_px)


def elbow_lateral_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random lateral film of a left elbow, bent about 90 degrees: upper arm above, forearm to the left."""
    pose = draw_pose(rng, lateral=True)
    rolls = (float(rng.normal(0.0, 5.0)), float(rng.normal(0.0, 4.0)), float(rng.normal(0.0, 9.0)))
    scene = elbow_scene(rng, people, "elbow_lateral", pose, rolls)
    return scene, _camera(scene, rng, side_px)


def elbow_scene(
    rng: np.random.Generator,
    people: People,
    view: str,
    pose: ElbowPose,
    rolls_deg: tuple[float, float, float],
    variation: float = 1.0,
) -> Scene:
    """A left elbow in this posture, seen as ``elbow_ap`` or ``elbow_lateral``.

    ``rolls_deg``: how far the arm is turned about the humeral shaft, tilted to the beam, and turned on the
    film. ``truth`` holds the values of ``pose`` that the view measures.
    """
    regions = elbow_regions(people)
    person = people.draw(rng, ELBOW_BONES, variation)
    vertices = pose_elbow(person.vertices, regions, pose)
    # A straight arm lies along the film, so that upper arm and forearm lean to either side alike.
    leans = [
        np.arctan2(d[0], d[1]) for d in (shaft(vertices[b], regions.sets, b) for b in ("humerus", "ulna"))
    ]
    upright = rotation(Z_AXIS, float(np.degrees(np.mean(leans))))
    standing = upright @ BACK_DOWN if view == "elbow_ap" else MEDIAL_SIDE_DOWN
    turned = rotation(Z_AXIS, rolls_deg[2]) @ rotation(X_AXIS, rolls_deg[1]) @ rotation(Y_AXIS, rolls_deg[0])
    matrix = turned @ standing
    physis = capitellar_physis(vertices["humerus"], regions, pose)
    bones = _bones(vertices, regions, person, pose, physis, rng, matrix)
    tissue = _soft_tissue(vertices, regions.sets, person.size * pose.grown, rng, matrix)
    if view == "elbow_ap":
        ends = {"capitellar_physis_lateral": physis.lateral, "capitellar_physis_medial": physis.medial}
        points = {name: place @ matrix.T for name, place in ends.items()}
        truth = {"humeroulnar_angle": pose.carrying_deg, "baumann_angle": pose.baumann_deg}
        return Scene(view, TEMPLATE, bones, tissue, points, ap_rules(regions), truth)
    truth = {"humerocapitellar_angle": pose.condylar_deg}
    return Scene(view, TEMPLATE, bones, tissue, {}, lateral_rules(regions), truth)


def _bones(
    vertices: Mapping[str, FloatArray],
    regions: ElbowRegions,
    person: Person,
    pose: ElbowPose,
    physis: Physis,
    rng: np.random.Generator,
    matrix: FloatArray,
) -> tuple[Bone, ...]:
    density = float(rng.uniform(0.65, 1.2))
    thickness = float(rng.uniform(0.7, 1.25)) * person.size * pose.grown
    gap, share = float(rng.uniform(1.0, 2.2)), float(rng.uniform(0.72, 0.97))
    sets, bones = regions.sets, []
    for name in ELBOW_BONES:
        v, faces = vertices[name], person.faces[name]
        drawn: tuple[Surface, ...] | None = None
        plates: tuple[GrowthPlate, ...] = ()
        if pose.open_physes and name == "humerus":
            parts = (metaphysis(v, physis), ossified_capitellum(v, regions, physis, gap, share))
            drawn = tuple(Surface(part @ matrix.T, faces) for part in parts)
        if pose.open_physes and name == "radius":
            rim, neck = v[sets["radius.head_rim"]].mean(axis=0), v[sets["radius.neck"]].mean(axis=0)
            axis = (rim - neck) / np.linalg.norm(rim - neck)
            middle = rim - axis * 2.5 * pose.grown
            plates = (GrowthPlate(middle @ matrix.T, axis @ matrix.T, 0.8 * gap, 0.97),)
        own = density * float(rng.uniform(0.95, 1.05))
        bones.append(Bone(name, v @ matrix.T, faces, _CORTEX_MM[name] * thickness, own, plates, drawn))
    return tuple(bones)


def _soft_tissue(
    v: Mapping[str, FloatArray],
    sets: Mapping[str, IntArray],
    size: float,
    rng: np.random.Generator,
    matrix: FloatArray,
) -> tuple[Capsule, ...]:
    """Upper arm with its muscles before and behind the bone, and the two sides of the forearm."""
    fat = size * float(rng.uniform(0.85, 1.3))
    capsules: list[Capsule] = []

    def chain(*nodes: tuple[FloatArray, float]) -> None:
        for (a, ra), (b, rb) in pairwise(nodes):
            capsules.append(Capsule(a @ matrix.T, b @ matrix.T, ra * fat, rb * fat))

    def end(name: str, part: str) -> FloatArray:
        return np.asarray(v[name][sets[f"{name}.{part}"]].mean(axis=0))

    low, high = end("humerus", "shaft_distal"), end("humerus", "shaft_proximal")
    up = (high - low) / np.linalg.norm(high - low)
    far = high + 110.0 * size * up
    for side in (-1.0, 1.0):
        depth = np.array([0.0, 0.0, side * 11.0 * size])
        chain((0.2 * low + 0.4 * depth, 27.0), (low + depth, 29.0), (far + depth, 39.0))
    for part in ("medial_epicondyle", "lateral_epicondyle"):
        knob = end("humerus", part)
        chain((0.7 * knob, 19.0), (0.35 * knob + 0.7 * low, 25.0))
        chain((0.7 * knob, 19.0), (0.4 * knob + 0.35 * end("ulna", "shaft_proximal"), 25.0))
    elbow, near, distant = np.zeros(3), end("ulna", "shaft_proximal"), end("ulna", "shaft_distal")
    head, tail = end("radius", "head"), end("radius", "tail")
    on = (distant - near) / np.linalg.norm(distant - near)
    chain((elbow, 27.0), (near, 28.0), (distant, 29.0), (distant + 120.0 * size * on, 22.0))
    chain((head, 24.0), (head + 0.3 * (tail - head), 28.0), (tail, 20.0))
    chain((end("ulna", "olecranon"), 13.0), (near, 16.0))
    return tuple(capsules)


def _camera(scene: Scene, rng: np.random.Generator, side_px: int) -> Camera:
    """A film that shows the points with room around them; the beam is centred on the joint."""
    distance, to_detector = float(rng.uniform(1000.0, 1150.0)), float(rng.uniform(30.0, 65.0))
    plain = framed((-100.0, -100.0, 100.0, 100.0), 200, distance, to_detector)
    marks = np.array(list(scene.project_points(plain).values()))
    marks = (marks - 99.5) * plain.object_pixel_mm
    low, high = marks.min(axis=0), marks.max(axis=0)
    room = rng.uniform([18.0, 8.0, 18.0, 8.0], [45.0, 36.0, 45.0, 36.0])
    if scene.view == "elbow_lateral":
        room[3] += 16.0
    low, high = low - room[:2], high + room[2:]
    return framed(
        (float(low[0]), float(low[1]), float(high[0]), float(high[1])), side_px, distance, to_detector
    )
