"""Random weight-bearing lateral films of a left foot."""

from __future__ import annotations

import numpy as np

from training.simulate.foot.assembly import meary_deg
from training.simulate.foot.film import draw_foot, from_the_side
from training.simulate.foot.lateral_points import foot_lateral_rules
from training.simulate.foot.parts import LEG
from training.simulate.foot.posture import FootPosture, draw_posture
from training.simulate.framing import framed, random_margins
from training.simulate.people import People
from training.simulate.scene import Camera, Scene


def foot_lateral_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random lateral film: toes to the left, sole down, the beam from either side of the foot.

    ``truth`` holds the calcaneal pitch against the floor and the talus-first metatarsal angle in the
    sagittal plane.
    """
    posture = draw_posture(rng)
    turns = (
        float(np.clip(rng.normal(0.0, 4.0), -10.0, 10.0)),
        float(np.clip(rng.normal(0.0, 3.0), -8.0, 8.0)),
        float(np.clip(rng.normal(0.0, 3.5), -10.0, 10.0)),
    )
    scene = foot_lateral_scene(rng, people, posture, turns, bool(rng.random() < 0.5))
    return scene, _camera(scene, rng, side_px)


def foot_lateral_scene(
    rng: np.random.Generator,
    people: People,
    posture: FootPosture,
    turns_deg: tuple[float, float, float],
    mediolateral: bool,
) -> Scene:
    """A foot of this posture in a horizontal beam; see ``from_the_side`` for the turns."""
    foot = draw_foot(rng, people, posture, from_the_side(turns_deg, mediolateral), "cuboid")
    truth = {
        "calcaneal_pitch_horizontal": posture.pitch_deg,
        "talus_first_metatarsal": meary_deg(foot.vertices, foot.parts),
    }
    rules = foot_lateral_rules(foot.parts)
    return Scene("foot_lateral", "bodyparts3d", foot.bones, foot.tissue, {}, rules, truth)


def _camera(scene: Scene, rng: np.random.Generator, side_px: int) -> Camera:
    detector, gap = rng.uniform(1000.0, 1250.0), rng.uniform(50.0, 110.0)
    foot = np.concatenate([b.vertices_mm for b in scene.bones if b.name not in LEG])
    scale = detector / (detector - gap + foot[:, 2:]) * (detector - gap) / detector
    seen = foot[:, :2] * scale
    left, top, right, bottom = random_margins(rng, 8.0, 30.0)
    low, high = seen.min(axis=0), seen.max(axis=0)
    box = (low[0] - left, low[1] - top - rng.uniform(5.0, 75.0), high[0] + right, high[1] + bottom)
    return framed(box, side_px, detector, gap)
