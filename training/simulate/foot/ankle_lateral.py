"""Random lateral films of a left ankle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.simulate.foot.film import draw_foot, from_the_side
from training.simulate.foot.lateral_points import ankle_lateral_rules
from training.simulate.foot.parts import METATARSALS
from training.simulate.foot.posture import FootPosture, draw_posture
from training.simulate.framing import framed, random_margins
from training.simulate.people import People
from training.simulate.scene import Camera, Scene


def ankle_lateral_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random lateral ankle: toes to the left, leg upright, the foot hanging or standing."""
    posture = draw_posture(rng)
    hanging = float(rng.uniform(0.0, 35.0)) if rng.random() < 0.6 else 0.0
    if hanging:
        posture = replace(posture, ankle_deg=-hanging)
    turns = (
        float(np.clip(rng.normal(0.0, 4.0), -10.0, 10.0)),
        float(np.clip(rng.normal(0.0, 3.0), -8.0, 8.0)),
        float(np.clip(rng.normal(0.0, 4.0), -11.0, 11.0)) - hanging,
    )
    scene = ankle_lateral_scene(rng, people, posture, turns, bool(rng.random() < 0.7))
    return scene, _camera(scene, rng, side_px)


def ankle_lateral_scene(
    rng: np.random.Generator,
    people: People,
    posture: FootPosture,
    turns_deg: tuple[float, float, float],
    mediolateral: bool,
) -> Scene:
    """An ankle of this posture with the central ray through the joint; see ``from_the_side``."""
    foot = draw_foot(rng, people, posture, from_the_side(turns_deg, mediolateral), "talus")
    rules = ankle_lateral_rules(foot.parts)
    return Scene("ankle_lateral", "bodyparts3d", foot.bones, foot.tissue, {}, rules)


def _camera(scene: Scene, rng: np.random.Generator, side_px: int) -> Camera:
    detector, gap = rng.uniform(1000.0, 1150.0), rng.uniform(50.0, 110.0)
    plain = framed((-100.0, -100.0, 100.0, 100.0), 200, detector, gap)
    marks = np.array([scene.point_rules[name](scene, plain) for name in _TOP])
    seen = [plain.project(scene.bone(name).vertices_mm) for name in ("talus", "calcaneus", "navicular")]
    found = (np.concatenate([marks, *seen]) - 99.5) * plain.object_pixel_mm
    left, top, right, bottom = random_margins(rng, 8.0, 30.0)
    low, high = found.min(axis=0), found.max(axis=0)
    # From a film that ends at the midfoot to one with the whole foot.
    toes = min(float(scene.bone(name).vertices_mm[:, 0].min()) for name in METATARSALS)
    left += rng.uniform(0.0, 0.9) * max(0.0, float(low[0]) - toes)
    box = (low[0] - left, low[1] - 0.8 * top, high[0] + right, high[1] + bottom)
    return framed(box, side_px, detector, gap)


_TOP = ("tibial_shaft_proximal_anterior", "tibial_shaft_proximal_posterior")
