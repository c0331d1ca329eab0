"""Random false profiles of a left hip (``hip_false_profile``): standing, the pelvis turned by 65 degrees.

The left hip is next to the detector; the front of the body is on the image right.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.simulate.framing import framed
from training.simulate.pelvis.build import Placement, pelvis_bones, soft_tissue
from training.simulate.pelvis.draw import draw_legs, draw_shapes
from training.simulate.pelvis.points import SphereEdge
from training.simulate.pelvis.pose import assemble, stand
from training.simulate.pelvis.regions import femur_regions, hip_bone_regions
from training.simulate.pelvis.shape import FRONT_DOWN_DEG
from training.simulate.people import People
from training.simulate.rules import Farthest, FilmDirection, fit_sphere
from training.simulate.scene import Camera, PointRule, Scene

_FORWARDS, _DOWN, _BACKWARDS, _UP = (FilmDirection(degrees) for degrees in (0.0, 90.0, 180.0, -90.0))


def false_profile_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random false profile of a left hip."""
    scene = false_profile_scene(rng, people)
    return scene, _camera(scene, rng, side_px, people)


def false_profile_scene(rng: np.random.Generator, people: People, variation: float = 1.0) -> Scene:
    """The scene of ``false_profile_film``; ``variation`` 0 gives an average hip turned by 65 degrees.

    ``truth`` holds ``vertical_centre_anterior``: what was set for an upright pelvis turned by 65 degrees
    whose head stands in the middle of its socket.
    """
    v = variation
    shapes, legs = draw_shapes(rng, v), draw_legs(rng, v, turned_out_deg=25.0)
    pelvis = assemble(rng, people, shapes, legs, 4.5, v)
    spread = np.clip(v * rng.standard_normal(3), -2.4, 2.4) * [6.0, 6.0, 2.0] + [0.0, 64.0, 0.0]
    turn = stand(*(float(s) for s in spread))
    aim = v * rng.uniform([-20.0, 0.0, -20.0], [20.0, 0.0, 30.0]) * pelvis.size
    place = Placement(turn, turn @ pelvis.sockets["left"] + aim)
    return Scene(
        "hip_false_profile",
        "bodyparts3d",
        pelvis_bones(rng, people, pelvis, place),
        soft_tissue(rng, pelvis, place),
        {},
        false_profile_rules(people),
        {"vertical_centre_anterior": shapes["left"].anterior_centre_edge_deg},
    )


def false_profile_rules(people: People) -> Mapping[str, PointRule]:
    """Rules of all points of ``hip_false_profile``, in the order of the view."""
    hips, head = hip_bone_regions(people), femur_regions(people).head
    return {
        "femoral_head_superior": SphereEdge("femur", head, _UP),
        "femoral_head_anterior": SphereEdge("femur", head, _FORWARDS),
        "femoral_head_inferior": SphereEdge("femur", head, _DOWN),
        "femoral_head_posterior": SphereEdge("femur", head, _BACKWARDS),
        "acetabular_edge_anterior": Farthest("hip_bone", hips.anterior_rim, FilmDirection(FRONT_DOWN_DEG)),
        "sourcil_superior": Farthest("hip_bone", hips.roof, _UP),
        "other_head_anterior": SphereEdge("femur_right", head, _FORWARDS),
    }


def _camera(scene: Scene, rng: np.random.Generator, side_px: int, people: People) -> Camera:
    """A film of one hip with the near part of the other."""
    source_detector = float(rng.uniform(1000.0, 1200.0))
    object_detector = float(rng.uniform(70.0, 120.0))
    head = femur_regions(people).head
    centre, radius = fit_sphere(scene.bone("femur").vertices_mm[head])
    other = fit_sphere(scene.bone("femur_right").vertices_mm[head])[0]
    # The other hip is nearer to the source and so lies farther from the central ray on the film.
    nearer = (source_detector - object_detector) / (source_detector - object_detector + other[2])
    rear = min(float(other[0] + radius) * nearer, float(centre[0])) - radius
    left, top, right, bottom = rng.uniform([0.2, 2.0, 2.3, 2.6], [2.6, 6.5, 4.5, 6.0]) * radius
    box = (rear - left, float(centre[1]) - top, float(centre[0]) + right, float(centre[1]) + bottom)
    return framed(box, side_px, source_detector, object_detector)
