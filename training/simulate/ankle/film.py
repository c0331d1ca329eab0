"""Random left ankles and lower legs as seen from the front: bones, soft tissue, points, camera.

A person's bones are shaped and moved in the ankle frame (see ``regions``), then posed in the scene: fibula
on the image right, foot down, beam from the front.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from training.simulate.ankle.joint import move_foot
from training.simulate.ankle.points import ankle_rules
from training.simulate.ankle.regions import (
    ANKLE_BONES,
    AnkleRegions,
    ankle_regions,
    in_ankle_frame,
    plafond_width,
)
from training.simulate.ankle.shape import AnklePose, bend_leg, deform, draw_pose
from training.simulate.foot.parts import METATARSALS, TOES
from training.simulate.lesion import lytic_lesion
from training.simulate.people import People
from training.simulate.pose import Y_AXIS, Vertices
from training.simulate.scene import Bone, Camera, Capsule, FloatArray, GrowthPlate, Scene

TEMPLATE = "bodyparts3d"
_LEG_FILM_FROM_MM = 70.0
_LESION_PROBABILITY = 0.12
_FOREFOOT = (*METATARSALS, *(bone for toe in TOES for bone in toe))
_OUTERMOST = (
    "tibial_shaft_proximal_medial",
    "tibial_shaft_proximal_lateral",
    "fibula_shaft_lateral",
    "medial_malleolus_tip",
    "lateral_malleolus_tip",
)


def ankle_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random ankle AP film; see ``ankle_scene`` and ``ankle_camera``."""
    scene = ankle_scene(rng, people)
    return scene, ankle_camera(scene, rng, (side_px, side_px), 0.05)


def ankle_scene(rng: np.random.Generator, people: People, variation: float = 1.0) -> Scene:
    """A random left ankle or lower leg, AP to mortise view (``ankle_ap``).

    ``variation`` scales the spread of shape and pose around an average adult mortise view; 0 gives the
    template in that pose. The origin is on the central ray: near the ankle, or up the leg for a lower-leg
    film. The same state of ``rng`` gives the same scene. ``truth`` holds ``leg_rotation_deg`` (internal
    positive), ``plantarflexion_deg``, and ``plafond_angle_deg`` (lateral angle of tibial axis and plafond
    line in the mortise plane).
    """
    regions = ankle_regions(people)
    person = people.draw(rng, ANKLE_BONES, variation)
    pose = draw_pose(rng, variation)
    # The pose holds the size of the leg, from child to large adult.
    adult = {name: v / person.size for name, v in person.vertices.items()}
    vertices = deform(in_ankle_frame(adult, regions), regions, pose, rng, variation)
    move_foot(vertices, regions, pose)
    bend_leg(vertices, regions, pose)
    width = plafond_width(vertices["tibia"], regions)
    plates = _growth_plates(vertices, width, rng, pose.size)
    tissue = _soft_tissue(vertices, regions, rng, variation)
    place, size = _Placement.of(pose), pose.size
    bones = _bones(vertices, regions, rng, pose, plates, place)
    if rng.random() < _LESION_PROBABILITY * variation:
        bones += lytic_lesion(rng, vertices["tibia"], width, place, bones[0].density)
    soft = tuple(
        Capsule(place(c.start_mm), place(c.end_mm), size * c.start_radius_mm, size * c.end_radius_mm)
        for c in tissue
    )
    truth = {
        "leg_rotation_deg": pose.rotation_deg,
        "plantarflexion_deg": pose.plantarflexion_deg,
        "plafond_angle_deg": pose.ldta_deg,
    }
    return Scene("ankle_ap", TEMPLATE, bones, soft, {}, ankle_rules(regions), truth)


def ankle_camera(
    scene: Scene, rng: np.random.Generator, size_px: int | tuple[int, int], margin: float
) -> Camera:
    """A camera that frames the scene as an ankle or lower-leg film.

    ``size_px`` is the (width, height) of the film or its long side. ``margin`` is the free space
    kept around the points and below the talus, as a fraction of the film's height or width. Whether the
    film shows the ankle or the lower leg follows from how far up the leg the central ray was set.
    """
    tibia = scene.bone("tibia").vertices_mm
    source_detector = rng.uniform(1000.0, 1150.0)
    source_object = source_detector - rng.uniform(40.0, 100.0)
    # Where the outermost points fall on a film of one pixel per millimetre of the plane z = 0.
    plain = Camera(source_detector, source_object, source_detector / source_object, 1, 1, 0.0, 0.0)
    marks = np.array([scene.point_rules[name](scene, plain) for name in _OUTERMOST])
    joint_y, knee_y = float(marks[:, 1].max()), float(tibia[:, 1].min())
    leg_film = joint_y > _LEG_FILM_FROM_MM
    if leg_film:
        bottom = joint_y + rng.uniform(30.0, 85.0)
        top = max(knee_y + 35.0, bottom - rng.uniform(260.0, 410.0))
    else:
        bottom = joint_y + rng.uniform(25.0, 95.0)
        top = max(knee_y + 35.0, joint_y - rng.uniform(100.0, 165.0))
    top = min(top, float(marks[:, 1].min()) - 4.0)
    field = (bottom - top) * (1.0 + 2.0 * margin)
    bottom += margin * (bottom - top)
    if isinstance(size_px, tuple):
        width, height = size_px
    else:
        aspect = rng.uniform(0.45, 1.0) if not leg_film else rng.uniform(0.4, 1.0)
        width, height = round(size_px * aspect), size_px
    left, right = float(marks[:, 0].min()) - 8.0, float(marks[:, 0].max()) + 8.0
    needed = (right - left) * (1.0 + 2.0 * margin)
    # A film too narrow for the malleoli is taken from farther up, keeping the foot end.
    field = max(field, needed * height / width)
    object_pixel = field / height
    slack = max(0.0, width * object_pixel - needed) / 2.0
    middle = (left + right) / 2.0 + rng.uniform(-0.7, 0.7) * slack
    return Camera(
        source_detector_mm=source_detector,
        source_object_mm=source_object,
        pixel_mm=object_pixel * source_detector / source_object,
        width=width,
        height=height,
        centre_x=(width - 1) / 2.0 - middle / object_pixel,
        centre_y=(height - 1) - bottom / object_pixel,
    )


@dataclass(frozen=True)
class _Placement:
    """Ankle frame to scene frame: size, leg rotation, tilt towards the source, roll, central ray."""

    matrix: FloatArray
    shift: FloatArray

    @classmethod
    def of(cls, pose: AnklePose) -> _Placement:
        return cls(pose.view * pose.size, np.array([0.0, pose.central_ray_mm, 0.0]))

    def __call__(self, points: FloatArray) -> FloatArray:
        return np.asarray(points @ self.matrix.T + self.shift)


def _growth_plates(
    vertices: Vertices, width_mm: float, rng: np.random.Generator, size: float
) -> Mapping[str, GrowthPlate]:
    """Open physes of distal tibia and fibula, in the ankle frame, more often in small legs."""
    chance = 0.35 + 1.2 * (0.93 - size)
    is_open = rng.random() < chance
    gap = float(rng.uniform(0.8, 2.5))
    heights = {"tibia": rng.uniform(0.36, 0.5), "fibula": rng.uniform(-0.1, 0.1)}
    plates = {}
    for name, height in heights.items():
        v = vertices[name]
        level = -height * width_mm
        slab = v[np.abs(v[:, 1] - level) < 4.0]
        centre = (slab.min(axis=0) + slab.max(axis=0)) / 2.0
        plates[name] = GrowthPlate(
            np.array([centre[0], level, centre[2]]), Y_AXIS.copy(), gap, float(rng.uniform(0.95, 1.0))
        )
    return plates if is_open else {}


def _bones(
    vertices: Vertices,
    regions: AnkleRegions,
    rng: np.random.Generator,
    pose: AnklePose,
    plates: Mapping[str, GrowthPlate],
    place: _Placement,
) -> tuple[Bone, ...]:
    density = float(rng.uniform(0.75, 1.2))
    cortex = float(rng.uniform(3.0, 6.0)) * pose.size
    thickness = {"tibia": cortex, "fibula": cortex * rng.uniform(0.5, 0.65)}
    foot_cortex = float(rng.uniform(0.8, 1.4)) * pose.size
    bones = []
    for name, v in vertices.items():
        own = []
        if name in plates:
            plate = plates[name]
            axis = place.matrix @ plate.axis / pose.size
            own = [GrowthPlate(place(plate.centre_mm), axis, plate.gap_mm, plate.epiphysis_width)]
        bones.append(
            Bone(
                name,
                place(v),
                regions.faces[name],
                thickness.get(name, foot_cortex),
                density * float(rng.uniform(0.95, 1.05)),
                tuple(own),
            )
        )
    return tuple(bones)


def _soft_tissue(
    vertices: Vertices, regions: AnkleRegions, rng: np.random.Generator, variation: float
) -> list[Capsule]:
    """Leg from calf to ankle, heel, and two rays of the foot, in the ankle frame."""
    fat = 1.0 + variation * rng.uniform(-0.12, 0.22)
    calf = rng.uniform(48.0, 62.0) * fat
    length = -float(vertices["tibia"][:, 1].min())
    # Centre and radius along the leg: (height as fraction of the tibia, x, z, radius).
    profile = (
        (1.0, 4.0, 4.0, calf * 0.98),
        (0.72, 8.0, 12.0, calf),
        (0.45, 8.0, 10.0, calf * 0.8),
        (0.25, 7.0, 6.0, 36.0 * fat),
        (0.13, 7.0, 4.0, 31.0 * fat),
        (0.02, 6.0, 4.0, 33.0 * fat),
        (-0.06, 6.0, 4.0, 30.0 * fat),
    )
    nodes = [(np.array([x, -h * length, z]), r) for h, x, z, r in profile]
    capsules = [Capsule(a, b, ra, rb) for (a, ra), (b, rb) in pairwise(nodes)]
    talus, calcaneus = vertices["talus"], vertices["calcaneus"]
    tuber = calcaneus[regions.heel]
    heel = calcaneus.mean(axis=0)
    heel_end = heel + 0.55 * (tuber - heel)
    capsules.append(Capsule(nodes[-1][0], heel, 30.0 * fat, 29.0 * fat))
    capsules.append(Capsule(heel, heel_end, 29.0 * fat, 25.0 * fat))
    front = np.concatenate([vertices[name] for name in _FOREFOOT])
    toes = front[np.argsort(front[:, 2])[: len(front) // 5]]
    middle = front.mean(axis=0)
    for side in (0.0, 1.0):
        spread = np.quantile(front[:, 0], 0.25 + 0.5 * side) - middle[0]
        mid = middle + np.array([spread, 0.0, 0.0])
        tip = toes.mean(axis=0) + np.array([1.3 * spread, 0.0, 0.0])
        capsules.append(Capsule(talus.mean(axis=0), mid, 27.0 * fat, 21.0 * fat))
        capsules.append(Capsule(mid, tip, 21.0 * fat, 12.0 * fat))
    return capsules
