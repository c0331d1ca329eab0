"""Random scapular Y (outlet) films of a left shoulder: front on the image left, as seen from its side."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from training.simulate.people import People
from training.simulate.rules import Direction, Farthest, Mean, SphereCentre
from training.simulate.scene import Camera, PointRule, Scene
from training.simulate.shoulder.film import camera_around, posed_body, view_matrix
from training.simulate.shoulder.outline import Border, OnArc
from training.simulate.shoulder.shape import ShoulderPose, draw_pose
from training.simulate.shoulder.template import shoulder_template

HEAD_POINTS = 7  # between both ends of the upper outline of the head
_UNDERSURFACE = (1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6)  # from the anterior to the posterior end
_ARC_DEG = 80.0  # of the head's outline, to both sides of the top


def shoulder_y_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random scapular Y film of a left shoulder whose longer side is ``side_px`` pixels."""
    return shoulder_y_scene(rng, side_px, people, draw_pose(rng))


def shoulder_y_scene(
    rng: np.random.Generator, side_px: int, people: People, pose: ShoulderPose
) -> tuple[Scene, Camera]:
    """The film of a given posture; see ``shoulder_y_film``.

    The beam enters from behind, along the blade; the film is looked at from the side of the detector,
    so the scene is a mirror image of the body.
    """
    body = posed_body(rng, people, pose)
    frame, scapula = body.frame, body.vertices["scapula"]
    blade = frame.centre - scapula[body.template.medial_border].mean(axis=0)
    out = np.array([blade[0], blade[1], 0.0]) / np.hypot(blade[0], blade[1])
    back = np.array([-out[1], out[0], 0.0])
    turn = rng.normal(0.0, 5.0) if rng.random() < 0.8 else rng.uniform(-9.0, 9.0)
    askew = view_matrix(
        roll_deg=float(np.clip(rng.normal(0.0, 4.0), -10.0, 10.0)),
        caudal_deg=float(np.clip(rng.normal(8.0, 6.0), -6.0, 20.0)),
        turn_deg=float(turn),
    )
    view = askew @ np.stack([back, -frame.up, out])
    ray = frame.centre + rng.uniform(-20.0, 20.0) * back + rng.uniform(-35.0, 10.0) * frame.up
    scene = body.scene("shoulder_y", view, ray, shoulder_y_rules(people), rng)
    margins = rng.uniform([25.0, 18.0, 20.0, 40.0], [75.0, 60.0, 80.0, 140.0])
    return scene, camera_around(scene, margins, float(rng.uniform(60.0, 120.0)), rng, side_px)


@lru_cache(maxsize=8)
def shoulder_y_rules(people: People) -> Mapping[str, PointRule]:
    """The rules of all points of ``shoulder_y``, in the order of the catalogue."""
    t = shoulder_template(people)
    upwards = (Mean("scapula", t.glenoid_low), Mean("scapula", t.glenoid_high))
    plate = t.roof_patch.vertices
    # Seen from the side of a left shoulder, the front is on the left: anticlockwise of upwards.
    front = Farthest("scapula", plate, Direction(*upwards, -105.0))
    rear = Farthest("scapula", plate, Direction(*upwards, 120.0))
    rules: dict[str, PointRule] = {"acromion_anterior": front}
    backwards = Direction(*upwards, 90.0)
    for number, part in enumerate(_UNDERSURFACE, start=1):
        rules[f"acromion_undersurface_{number}"] = Border(t.roof_patch, front, rear, backwards, part)
    rules["acromion_posterior"] = rear
    rules["coracoid_inferior"] = Farthest("scapula", t.coracoid, Direction(*upwards, -150.0))
    rules["glenoid_centre"] = Mean("scapula", t.glenoid)
    centre = SphereCentre("humerus", t.cap[::12])
    ends = tuple(
        Farthest("humerus", t.proximal, Direction(*upwards, turned)) for turned in (-_ARC_DEG, _ARC_DEG)
    )
    rules["humeral_head_anterior"] = ends[0]
    for number in range(1, HEAD_POINTS + 1):
        part = number / (HEAD_POINTS + 1)
        rules[f"humeral_head_{number}"] = OnArc(t.proximal_patch, centre, ends[0], ends[1], part)
    rules["humeral_head_posterior"] = ends[1]
    return rules
