"""Random true AP (Grashey) films of a left shoulder: lateral on the image right, head up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from training.simulate.framing import framed
from training.simulate.people import People
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, Vertices, rotation
from training.simulate.rules import (
    Direction,
    Farthest,
    FilmDirection,
    Mean,
    SphereCentre,
    fit_sphere,
)
from training.simulate.scene import Camera, FloatArray, PointRule, Scene
from training.simulate.shoulder.body import make_bones, soft_tissue
from training.simulate.shoulder.outline import Above, Beyond, Border, OnArc
from training.simulate.shoulder.shape import ShoulderPose, draw_pose, scapula_frame, shape_bones, stand
from training.simulate.shoulder.template import BONES, ShoulderTemplate, shoulder_template

HEAD_POINTS = 7  # between both ends of the articular outline
SHAFT_LEVELS = (3.2, 4.6)  # head radii below the centre of the head
_UNDERSURFACE = (0.1, 0.3, 0.5, 0.7, 0.9)  # from the lateral end to the joint with the clavicle


def shoulder_ap_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random true AP film of a left shoulder whose longer side is ``side_px`` pixels.

    ``truth`` holds ``glenohumeral_space_mm``, the smallest distance of glenoid and the sphere of the
    humeral head, and ``humeral_head_diameter_mm``.
    """
    return shoulder_ap_scene(rng, side_px, people, draw_pose(rng))


def shoulder_ap_scene(
    rng: np.random.Generator, side_px: int, people: People, pose: ShoulderPose
) -> tuple[Scene, Camera]:
    """The film of a given posture; see ``shoulder_ap_film``."""
    template = shoulder_template(people)
    person = people.draw(rng, BONES)
    vertices: Vertices = {name: v.copy() for name, v in person.vertices.items()}
    shape_bones(vertices, template, pose, rng)
    stand(vertices, template, pose)
    tissue = soft_tissue(vertices, template, rng)
    frame = scapula_frame(vertices["scapula"], template)
    view = np.stack([frame.out, -frame.up, frame.back])
    # The patient turned too little or too far, the beam from above or below, the film askew.
    turn = rng.normal(0.0, 5.0) if rng.random() < 0.75 else rng.uniform(-15.0, 15.0)
    caudal = float(np.clip(rng.normal(9.0, 6.0), -8.0, 25.0))
    view = (
        rotation(Z_AXIS, float(np.clip(rng.normal(0.0, 4.0), -10.0, 10.0)))
        @ rotation(X_AXIS, caudal)
        @ rotation(Y_AXIS, float(turn))
        @ view
    )
    ray = frame.centre + rng.uniform(-25.0, 15.0) * frame.out + rng.uniform(-25.0, 15.0) * frame.up

    def place(points: FloatArray) -> FloatArray:
        return np.asarray((points - ray) @ view.T)

    bones = make_bones(person, {name: place(v) for name, v in vertices.items()}, template, rng)
    _, radius = fit_sphere(vertices["humerus"][template.cap])
    scene = Scene(
        "shoulder_ap",
        "bodyparts3d",
        bones,
        tuple(capsule.moved(place) for capsule in tissue),
        {},
        shoulder_ap_rules(people),
        {"glenohumeral_space_mm": pose.joint_space_mm, "humeral_head_diameter_mm": 2.0 * radius},
    )
    return scene, _camera(scene, template, rng, side_px)


def _camera(scene: Scene, template: ShoulderTemplate, rng: np.random.Generator, side_px: int) -> Camera:
    source_detector = float(rng.uniform(1000.0, 1150.0))
    object_detector = float(rng.uniform(60.0, 130.0))
    plain = framed((-1.0, -1.0, 1.0, 1.0), 2, source_detector, object_detector)
    marks = np.array(list(scene.project_points(plain).values())) - [plain.centre_x, plain.centre_y]
    low, high = marks.min(axis=0), marks.max(axis=0)
    margins = rng.uniform([8.0, 20.0, 15.0, 6.0], [80.0, 60.0, 65.0, 50.0])
    left, top, right, bottom = low[0] - margins[0], low[1] - margins[1], high[0] + margins[2], high[1]
    return framed((left, top, right, bottom + margins[3]), side_px, source_detector, object_detector)


@lru_cache(maxsize=8)
def shoulder_ap_rules(people: People) -> Mapping[str, PointRule]:
    """The rules of all points of ``shoulder_ap``, in the order of the catalogue."""
    t = shoulder_template(people)
    upwards = (Mean("scapula", t.glenoid_low), Mean("scapula", t.glenoid_high))

    def glenoid(turned_deg: float) -> Farthest:
        return Farthest("scapula", t.glenoid_rim, Direction(*upwards, turned_deg))

    rules: dict[str, PointRule] = {"glenoid_superior": glenoid(40.0), "glenoid_inferior": glenoid(140.0)}
    axis = Direction(*upwards)
    for name, part in (("upper", 0.95), ("middle", 0.5), ("lower", 0.05)):
        rules[f"glenoid_fossa_{name}"] = Border(t.glenoid_patch, *upwards, axis, part, -1)
    outer, across = Farthest("scapula", t.acromion, Direction(*upwards, 125.0)), Direction(*upwards, 90.0)
    inner = Mean("scapula", t.acromion_facet)
    rules["acromion_inferolateral"] = outer
    for number, part in enumerate(_UNDERSURFACE, start=1):
        rules[f"acromion_undersurface_{number}"] = Border(t.acromion_patch, outer, inner, across, part)
    rules["supraspinatus_floor_lateral"] = Mean("scapula", t.floor_lateral)
    rules["supraspinatus_floor_medial"] = Mean("scapula", t.floor_medial)
    rules["coracoid_superior"] = coracoid = Farthest("scapula", t.coracoid, FilmDirection(-90.0))
    rules["clavicle_inferior"] = Above(t.clavicle_patch, coracoid)
    rules["acromion_superomedial"] = Farthest("scapula", t.acromion_facet, Direction(*upwards, -35.0))
    rules["clavicle_superolateral"] = Farthest("clavicle", t.clavicle_outer, Direction(*upwards, 55.0))
    head = SphereCentre("humerus", t.cap[::5])
    neck = Direction(head, Mean("humerus", t.cap))
    ends = tuple(
        Farthest("humerus", t.cap, Direction(neck.tail, neck.tip, turned)) for turned in (90.0, -90.0)
    )
    rules["humeral_head_superior"] = ends[0]
    for number in range(1, HEAD_POINTS + 1):
        part = number / (HEAD_POINTS + 1)
        rules[f"humeral_head_{number}"] = OnArc(t.head_patch, head, ends[0], ends[1], part)
    rules["humeral_head_inferior"] = ends[1]
    shaft = (Mean("humerus", t.shaft_low), Mean("humerus", t.shaft_high))
    rules["greater_tuberosity_superior"] = Farthest("humerus", t.tuberosity, Direction(*shaft, 15.0))
    rules["greater_tuberosity_lateral"] = Farthest("humerus", t.proximal, across)
    down = Direction(shaft[1], shaft[0])
    for name, radii in zip(("proximal", "distal"), SHAFT_LEVELS, strict=True):
        for side, sign in (("medial", 1), ("lateral", -1)):
            rules[f"humeral_shaft_{name}_{side}"] = Beyond(t.shaft_patch, head, ends[0], down, radii, sign)
    return rules
