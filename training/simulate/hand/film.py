"""Random PA films of the left hand: bones of many people in many poses, with the 37 named points.

The hand lies palm down on the detector: fingers up, thumb to the right of the film, back of the
hand towards the source.
"""

from __future__ import annotations

import numpy as np
import trimesh

from training.simulate.hand.person import Person, sample_person
from training.simulate.hand.points import HAND_POINTS
from training.simulate.hand.pose import Posed, flex, pose_hand, roll, turn
from training.simulate.hand.rules import Border, Extreme
from training.simulate.hand.soft import hand_soft_tissue
from training.simulate.hand.template import (
    CARPALS,
    FOREARM,
    METACARPALS,
    RAYS,
    HandTemplate,
    draw_hand,
    phalanges,
)
from training.simulate.people import People
from training.simulate.scene import Bone, Camera, Capsule, FloatArray, GrowthPlate, PointRule, Scene

VIEW = "hand_pa"
TEMPLATE = "bodyparts3d"

# Thickness of the cortex at mid-shaft of an average adult, mm.
_CORTEX_MM = {"metacarpal": 1.9, "proximal": 1.3, "middle": 1.0, "distal": 0.8, "carpal": 0.8, "forearm": 2.2}
# Depth of a growth plate from the bone's end, as part of its length.
_PLATE_DEPTH = {
    "metacarpal": 0.16, "first_metacarpal": 0.14, "proximal": 0.115, "middle": 0.13, "distal": 0.17
}  # fmt: skip


def hand_scene(rng: np.random.Generator, people: People, variation: float = 1.0) -> Scene:
    """One random left hand in PA view.

    ``variation`` scales how much bones differ
    in shape and proportion between people (1.0: like real ones; 0: only growth, size and pose). All 37
    points of ``HAND_POINTS`` are defined; that of a carpal not yet ossified lies on its cartilage.
    The same state of ``rng`` gives the same scene.
    """
    template = draw_hand(people, rng, variation)
    person = sample_person(rng, variation)
    posed = pose_hand(template, person, rng, variation)
    rotation = turn(rng.normal(0, 5)) @ flex(rng.normal(0, 3)) @ roll(rng.normal(0, 6))
    centre = np.array([0.0, -40.0 * person.size, 0.0])
    posed = Posed(
        {name: (v - centre) @ rotation.T for name, v in posed.vertices.items()},
        {name: rotation @ frame for name, frame in posed.frames.items()},
    )
    soft = hand_soft_tissue(template, posed, person, rng)
    bones = _bones(template, posed, person, rng)
    rules = _rules(template)
    hidden = tuple(name for name in CARPALS if person.ossified[name] == 0.0)
    fixed = _hidden_points(posed, rules, hidden)
    shown = {key: rule for key, rule in rules.items() if key not in fixed}
    return Scene(VIEW, TEMPLATE, bones, soft, fixed, shown)


def hand_camera(
    scene: Scene, rng: np.random.Generator, size_px: tuple[int, int], margin: float = 0.05
) -> Camera:
    """A camera whose film of ``size_px`` (width, height) is filled by the hand as on real films.

    The hand with soft tissue, from the fingertips to 0.4-3 cm of forearm below the growth plates,
    keeps about ``margin`` of the film's size free on the left, the right and above, and is placed at
    random in the room that is left. The forearm leaves the film below.
    """
    width, height = size_px
    low, high = _extent(scene.soft_tissue)
    scale = float(np.linalg.norm(_middle_metacarpal(scene))) / 65.0
    # One pixel per millimetre and no magnification at the scene's origin: film positions in mm.
    plain = Camera(1000.0, 1000.0, 1.0, width, height, 0.0, 0.0)
    borders = [rule(scene, plain)[1] for rule in scene.point_rules.values() if isinstance(rule, Border)]
    bottom = float(max(borders)) + scale * float(rng.uniform(4, 32))
    distance = rng.uniform(1000, 1150)
    palm = rng.uniform(12, 40)  # from the bones' plane to the detector, mm
    free = margin * rng.uniform(0.3, 1.7, 3)
    box_x, box_y = high[0] - low[0], bottom - low[1]
    object_pixel = max(box_x / (width * (1 - free[0] - free[1])), box_y / (height * (1 - free[2])))
    object_distance = distance - palm
    pixel = object_pixel * distance / object_distance
    spare_x = width - box_x / object_pixel
    left = spare_x * (0.5 + rng.uniform(-0.4, 0.4))
    spare_y = height - box_y / object_pixel
    top = spare_y * rng.uniform(0.35, 1.0)
    return Camera(
        source_detector_mm=float(distance),
        source_object_mm=float(object_distance),
        pixel_mm=float(pixel),
        width=width,
        height=height,
        centre_x=float(left - low[0] / object_pixel),
        centre_y=float(top - low[1] / object_pixel),
    )


def _middle_metacarpal(scene: Scene) -> FloatArray:
    v = scene.bone("third_metacarpal").vertices_mm
    return np.asarray(v[np.argmax(v[:, 1])] - v[np.argmin(v[:, 1])])


def _extent(soft: tuple[Capsule, ...]) -> tuple[FloatArray, FloatArray]:
    """Film-plane box of the soft tissue without the forearm's cut ends."""
    ends = [(c.start_mm[:2], c.start_radius_mm) for c in soft]
    ends += [(c.end_mm[:2], c.end_radius_mm) for c in soft]
    tops = np.array([p - r for p, r in ends])
    feet = np.array([p + r for p, r in ends])
    return tops.min(axis=0), feet.max(axis=0)


def _bones(
    template: HandTemplate, posed: Posed, person: Person, rng: np.random.Generator
) -> tuple[Bone, ...]:
    bones = []
    thickness = person.cortex * person.size
    for name in FOREARM:
        plates = _forearm_plate(template, posed, person, rng, name)
        solid = template.solid[name]
        cortex = float(np.clip(_CORTEX_MM["forearm"] * thickness, 0.6, 2.6))
        bones.append(Bone(name, posed.vertices[name], solid.faces, cortex, person.density, plates))
    for name in CARPALS:
        if person.ossified[name] > 0.0:
            cortex = float(np.clip(_CORTEX_MM["carpal"] * thickness, 0.4, 1.2))
            bones.append(Bone(name, posed.vertices[name], template.solid[name].faces, cortex, person.density))
    for ray, metacarpal in zip(RAYS, METACARPALS, strict=True):
        for name in (metacarpal, *phalanges(ray)):
            kind = "metacarpal" if name == metacarpal else name.split("_")[1]
            cortex = float(np.clip(_CORTEX_MM[kind] * thickness, 0.5, 2.5))
            plates = _tubular_plate(template, posed, person, rng, name, kind)
            faces = template.tubular[name].faces
            bones.append(Bone(name, posed.vertices[name], faces, cortex, person.density, plates))
    return (*bones, *_sesamoids(template, posed, person, rng))


def _plate(
    person: Person, rng: np.random.Generator, centre: FloatArray, axis: FloatArray, scale: float, slim: float
) -> tuple[GrowthPlate, ...]:
    # In late adolescence plates close one after the other.
    closed = person.gap_mm == 0.0 or (person.years > 14.5 and rng.random() < (person.years - 14.5) / 2.5)
    gap = float(np.clip(person.gap_mm * scale * rng.uniform(0.8, 1.2), 0.4, 2.5))
    width = float(np.clip(1 - (1 - person.epiphysis_width) * slim + rng.normal(0, 0.02), 0.6, 1.0))
    return () if closed else (GrowthPlate(centre, axis, gap, width),)


def _tubular_plate(
    template: HandTemplate, posed: Posed, person: Person, rng: np.random.Generator, name: str, kind: str
) -> tuple[GrowthPlate, ...]:
    bone, v = template.tubular[name], posed.vertices[name]
    base, head = v[bone.base].mean(axis=0), v[bone.head].mean(axis=0)
    depth = _PLATE_DEPTH.get(name, _PLATE_DEPTH[kind]) * rng.uniform(0.9, 1.1)
    distal = kind == "metacarpal" and name != "first_metacarpal"
    start, end = (base, head) if distal else (head, base)
    axis = (end - start) / np.linalg.norm(end - start)
    centre = end - axis * depth * np.linalg.norm(end - start)
    return _plate(person, rng, centre, axis, 0.65 if kind == "distal" else 0.8, 1.0)


def _forearm_plate(
    template: HandTemplate, posed: Posed, person: Person, rng: np.random.Generator, name: str
) -> tuple[GrowthPlate, ...]:
    solid, v = template.solid[name], posed.vertices[name]
    if solid.metaphysis is None or (name == "ulna" and not person.ulnar_epiphysis):
        return ()
    ring = solid.metaphysis.points(v)
    middle = (ring.min(axis=0) + ring.max(axis=0)) / 2
    far = v[solid.vertices[:, 1] > solid.physis[1] + 25.0].mean(axis=0)
    axis = (middle - far) / np.linalg.norm(middle - far)
    return _plate(person, rng, middle + axis * 2.2 * person.size, axis, 1.0, 0.7)


def _sesamoids(
    template: HandTemplate, posed: Posed, person: Person, rng: np.random.Generator
) -> tuple[Bone, ...]:
    """One or two small bones in front of the thumb's metacarpal head, in about 60 % of grown hands."""
    count = int(rng.choice([0, 1, 2], p=[0.4, 0.15, 0.45]))
    size = rng.uniform(0.8, 1.2, (2, 3))
    if person.years < 12.0:
        return ()
    bone = template.tubular["first_metacarpal"]
    frame = posed.frames[bone.name]
    head = posed.vertices[bone.name][bone.head].mean(axis=0)
    ball = trimesh.creation.icosphere(subdivisions=2)
    found = []
    for number in range(count):
        side = (-1.0, 1.0)[number]
        radii = np.array([1.9, 2.6, 1.6]) * size[number] * person.size
        place = np.array([side * 0.30 * bone.width, 0.5 * bone.head_radius, 1.25 * bone.head_radius])
        vertices = (np.asarray(ball.vertices) * radii + place * person.size) @ frame.T + head
        faces = np.asarray(ball.faces, dtype=np.int32)
        found.append(Bone(f"sesamoid_{number + 1}", vertices, faces, 0.5, person.density))
    return tuple(found)


def _rules(template: HandTemplate) -> dict[str, PointRule]:
    third = template.tubular["third_metacarpal"]
    proximal = {"guide": third.name, "tail": third.head_rim, "tip": third.base}
    rules: dict[str, PointRule] = {}
    rules |= _forearm_rules(template)
    for key, name in zip(HAND_POINTS[6:13], _CARPAL_ORDER, strict=True):
        every = np.arange(len(template.solid[name].vertices), dtype=np.int32)
        rules[key] = Extreme(name, every, **proximal)  # type: ignore[arg-type]
    for name in METACARPALS:
        bone = template.tubular[name]
        rules[f"{name}_base"] = Extreme(name, bone.base, name, bone.head, bone.base, True, 0.5)
    for ray in RAYS:
        names = phalanges(ray)
        first = template.tubular[names[0]]
        rules[f"{names[0]}_base"] = Extreme(
            names[0], first.base_rim, names[0], first.head, first.base, True, 0.15
        )
        for name in names[:-1]:
            bone = template.tubular[name]
            rules[f"{name}_head"] = Extreme(name, bone.head_rim, name, bone.base, bone.head, middle=True)
        last = template.tubular[names[-1]]
        tip = np.flatnonzero(last.vertices[:, 1] < -0.7 * last.length).astype(np.int32)
        rules[f"{names[-1]}_tip"] = Extreme(names[-1], tip, names[-1], last.base, last.head)
    return {key: rules[key] for key in HAND_POINTS}


_CARPAL_ORDER = ("triquetrum", "lunate", "scaphoid", "hamate", "capitate", "trapezoid", "trapezium")


def _forearm_rules(template: HandTemplate) -> dict[str, PointRule]:
    rules: dict[str, PointRule] = {}
    for name, styloid in (("ulna", "ulnar_styloid_tip"), ("radius", "radial_styloid_tip")):
        bone = template.solid[name]
        if bone.metaphysis is None or bone.epiphysis is None:
            raise ValueError(f"Template bone {name} has no growth plate level.")
        shaft = np.flatnonzero(bone.vertices[:, 1] > bone.physis[1] + 25.0).astype(np.int32)
        tip = bone.epiphysis
        rules[styloid] = Extreme(name, tip, name, shaft, tip, ring=bone.metaphysis)
        rules[f"{name}_metaphysis_ulnar_border"] = Border(name, bone.metaphysis, tip, -1.0)
        rules[f"{name}_metaphysis_radial_border"] = Border(name, bone.metaphysis, tip, 1.0)
    return rules


def _hidden_points(
    posed: Posed, rules: dict[str, PointRule], hidden: tuple[str, ...]
) -> dict[str, FloatArray]:
    """Points of bones that the film does not show, on the proximal side of their cartilage."""
    points: dict[str, FloatArray] = {}
    for key, rule in rules.items():
        if isinstance(rule, Extreme) and rule.bone in hidden:
            guide = posed.vertices[rule.guide]
            along = guide[rule.tip].mean(axis=0) - guide[rule.tail].mean(axis=0)
            vertices = posed.vertices[rule.bone]
            points[key] = vertices[np.argmax(vertices @ along)]
    return points


def hand_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random hand PA film; see ``hand_scene`` and ``hand_camera``."""
    scene = hand_scene(rng, people)
    return scene, hand_camera(scene, rng, (side_px, side_px))
