"""Random weight-bearing dorsoplantar films of a left foot."""

from __future__ import annotations

import numpy as np

from training.simulate.foot.ap_points import foot_ap_rules
from training.simulate.foot.film import draw_foot
from training.simulate.foot.posture import FootPosture, draw_posture
from training.simulate.framing import box_around, framed, random_margins
from training.simulate.people import People
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, rotation
from training.simulate.scene import Camera, Scene

# From above: medial to the right, toes up, floor away from the source.
_FROM_ABOVE = np.diag([-1.0, 1.0, -1.0])
_BEAM_DEG = 15.0
_BEHIND = ("tibia", "fibula", "talus", "calcaneus")
_HINDMOST = ("calcaneus_lateral_posterior", "talar_neck_medial", "talar_neck_lateral")


def foot_ap_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random dorsoplantar film: toes up, medial to the right, tube tilted towards the heel.

    ``truth`` holds angles between axes of the metatarsals and the hallux in the plane of the floor.
    """
    posture = draw_posture(rng)
    beam = float(np.clip(_BEAM_DEG + 5.0 * rng.standard_normal(), 0.0, 25.0))
    rolls = float(rng.normal(0.0, 3.0)), float(np.clip(rng.normal(0.0, 6.0), -15.0, 15.0))
    scene = foot_ap_scene(rng, people, posture, beam, rolls)
    return scene, _camera(scene, rng, side_px)


def foot_ap_scene(
    rng: np.random.Generator,
    people: People,
    posture: FootPosture,
    beam_deg: float,
    rolls_deg: tuple[float, float],
) -> Scene:
    """A foot of this posture under a beam ``beam_deg`` off the vertical.

    ``rolls_deg``: how far the foot is turned about its long axis and about the beam.
    """
    matrix = rotation(Z_AXIS, rolls_deg[1]) @ rotation(Y_AXIS, rolls_deg[0]) @ rotation(X_AXIS, beam_deg)
    foot = draw_foot(rng, people, posture, matrix @ _FROM_ABOVE, "third_metatarsal")
    truth = {
        "hallux_valgus_angle": posture.hallux_valgus_deg,
        "intermetatarsal_1_2": posture.intermetatarsal_1_2_deg,
        "intermetatarsal_1_5": posture.intermetatarsal_1_5_deg,
    }
    return Scene("foot_ap", "bodyparts3d", foot.bones, foot.tissue, {}, foot_ap_rules(foot.parts), truth)


def _camera(scene: Scene, rng: np.random.Generator, side_px: int) -> Camera:
    detector, gap = rng.uniform(1000.0, 1150.0), rng.uniform(35.0, 75.0)
    plain = framed((-100.0, -100.0, 100.0, 100.0), 200, detector, gap)
    ahead = [b.vertices_mm for b in scene.bones if b.name not in _BEHIND]
    marks = [scene.point_rules[name](scene, plain)[None] for name in _HINDMOST]
    seen = (np.concatenate([plain.project(np.concatenate(ahead)), *marks]) - 99.5) * plain.object_pixel_mm
    heel = plain.project(scene.bone("calcaneus").vertices_mm)[:, 1].max() - 99.5
    box = list(box_around(seen, random_margins(rng, 8.0, 28.0)))
    # The heel is often cut off, behind the talus.
    if rng.random() < 0.6:
        box[3] = max(box[3], heel * plain.object_pixel_mm + rng.uniform(2.0, 25.0))
    return framed((box[0], box[1], box[2], box[3]), side_px, detector, gap)
