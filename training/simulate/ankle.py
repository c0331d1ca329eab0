"""Random left ankles and lower legs as seen from the front: bones, soft tissue, points, camera.

A template is deformed and moved in its own frame (see ``ankle_template``), then posed in the scene:
fibula on the image right, foot down, beam from the front.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.simulate.ankle_names import ANKLE_POINT_DESCRIPTIONS, ANKLE_POINTS
from training.simulate.ankle_points import ankle_rules, dome_corner, outline_at
from training.simulate.ankle_template import TEMPLATE_NAMES, AnkleTemplate, load_template
from training.simulate.lesion import lytic_lesion
from training.simulate.scene import Bone, Camera, Capsule, GrowthPlate, Scene

__all__ = ["ANKLE_POINTS", "ANKLE_POINT_DESCRIPTIONS", "ankle_camera", "ankle_scene"]

FloatArray = NDArray[np.float64]
Vertices = dict[str, FloatArray]

_LEG = ("tibia", "fibula")
# Internal rotation of the leg that brings both malleoli into one plane parallel to the film.
_MORTISE_DEG = 17.0
_LEG_FILM_PROBABILITY = 0.35
_LEG_FILM_FROM_MM = 70.0
_LESION_PROBABILITY = 0.12
_CLOSEST_MM = 0.7
_OUTERMOST = (
    "tibial_shaft_proximal_medial",
    "tibial_shaft_proximal_lateral",
    "fibula_shaft_lateral",
    "medial_malleolus_tip",
    "lateral_malleolus_tip",
)


@dataclass(frozen=True)
class _Pose:
    """Random choices of one ankle. Degrees and millimetres; names as a reader would say them."""

    size: float
    ldta_deg: float
    bow_mm: float
    talar_tilt_deg: float
    joint_space_mm: float
    medial_space_mm: float
    lateral_space_mm: float
    plantarflexion_deg: float
    inversion_deg: float
    foot_in_deg: float
    fibula_down_mm: float
    syndesmosis_mm: float
    shaft_width: float
    rotation_deg: float
    recline_deg: float
    roll_deg: float
    central_ray_mm: float


def ankle_scene(rng: np.random.Generator, *, anatomy: Path, variation: float = 1.0) -> Scene:
    """A random left ankle or lower leg, AP to mortise view (``ankle_ap``).

    ``anatomy`` is the folder of the anatomy collection. ``variation`` scales the spread of shape and
    pose around an average adult mortise view; 0 gives the template in that pose. The origin is on the
    central ray: near the ankle, or up the leg for a lower-leg film. The same state of ``rng`` gives
    the same scene. ``truth`` holds ``leg_rotation_deg`` (internal positive), ``plantarflexion_deg``,
    and ``plafond_angle_deg`` (lateral angle of tibial axis and plafond line in the mortise plane).
    """
    template = load_template(anatomy, TEMPLATE_NAMES[int(rng.integers(len(TEMPLATE_NAMES)))])
    pose = _draw_pose(rng, template, variation)
    vertices = {name: surface[0].copy() for name, surface in template.bones.items()}
    _deform(vertices, template, pose, rng, variation)
    _move_foot(vertices, template, pose)
    _bend_leg(vertices, template, pose)
    plates = _growth_plates(vertices, template, rng, pose.size)
    tissue = _soft_tissue(vertices, template, rng, variation)
    place, size = _Placement.of(pose), pose.size
    bones = _bones(vertices, template, rng, pose, plates, place)
    if rng.random() < _LESION_PROBABILITY * variation:
        bones += lytic_lesion(rng, vertices["tibia"], template.plafond_width_mm, place, bones[0].density)
    soft = tuple(
        Capsule(place(c.start_mm), place(c.end_mm), size * c.start_radius_mm, size * c.end_radius_mm)
        for c in tissue
    )
    truth = {
        "leg_rotation_deg": pose.rotation_deg,
        "plantarflexion_deg": pose.plantarflexion_deg,
        "plafond_angle_deg": pose.ldta_deg,
    }
    return Scene("ankle_ap", template.name, bones, soft, {}, ankle_rules(template), truth)


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


def _draw_pose(rng: np.random.Generator, template: AnkleTemplate, variation: float) -> _Pose:
    def normal(mean: float, spread: float, low: float, high: float) -> float:
        return float(np.clip(mean + variation * spread * rng.standard_normal(), low, high))

    def uniform(mean: float, low: float, high: float) -> float:
        return float(mean + variation * (rng.uniform(low, high) - mean))

    rotation = uniform(12.0, -15.0, 35.0) if rng.random() < 0.2 else uniform(12.0, -5.0, 25.0)
    tilt = uniform(0.5, -4.0, 8.0) if rng.random() < 0.25 else normal(0.3, 1.0, -4.0, 8.0)
    leg_film = rng.random() < _LEG_FILM_PROBABILITY
    plantarflexion = uniform(12.0, -10.0, 40.0)
    size = uniform(0.97, 0.75, 1.1)
    return _Pose(
        size=size,
        ldta_deg=uniform(89.0, 82.0, 96.0) if rng.random() < 0.4 else normal(89.0, 2.2, 82.0, 96.0),
        bow_mm=normal(0.0, 2.5, -6.0, 6.0),
        talar_tilt_deg=tilt,
        joint_space_mm=uniform(2.9, 1.8, 4.4),
        medial_space_mm=normal(2.8, 0.9, 1.4, 5.2),
        lateral_space_mm=uniform(2.0, 1.2, 3.0),
        plantarflexion_deg=plantarflexion,
        # A foot that hangs in plantarflexion also turns inwards.
        inversion_deg=normal(0.2 * plantarflexion, 6.0, -15.0, 22.0),
        foot_in_deg=normal(8.0 + 0.4 * plantarflexion, 9.0, -8.0, 42.0),
        fibula_down_mm=normal(0.0, 2.0, -4.0, 4.0),
        syndesmosis_mm=normal(0.7, 0.6, -0.5, 2.0) if rng.random() < 0.9 else uniform(0.7, 0.7, 3.2),
        shaft_width=uniform(1.0, 0.84, 1.16),
        rotation_deg=rotation,
        recline_deg=normal(0.0, 4.0, -10.0, 10.0),
        roll_deg=normal(0.0, 5.0, -14.0, 14.0),
        central_ray_mm=float(rng.uniform(90.0, 170.0) if leg_film else rng.uniform(-10.0, 40.0)) * size,
    )


def _wave_field(
    points: FloatArray, rng: np.random.Generator, shortest_mm: float, longest_mm: float, rms_mm: float
) -> FloatArray:
    """Smooth random displacement [N, 3] at points: six plane waves of random direction and phase."""
    count = 6
    direction = rng.standard_normal((count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    waves = direction * (2.0 * np.pi / rng.uniform(shortest_mm, longest_mm, (count, 1)))
    phase = rng.uniform(0.0, 2.0 * np.pi, count)
    push = rng.standard_normal((count, 3)) * (rms_mm * np.sqrt(2.0 / count))
    return np.asarray(np.sin(points @ waves.T + phase) @ push)


def _ramp(value: FloatArray, start: float, end: float) -> FloatArray:
    """0 before start, 1 after end, smooth between."""
    t = np.clip((value - start) / (end - start), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def _deform(
    vertices: Vertices, template: AnkleTemplate, pose: _Pose, rng: np.random.Generator, variation: float
) -> None:
    """Shape of the person: a field common to all bones, one for each bone, shaft width, fibula."""
    names = list(vertices)
    counts = np.cumsum([len(vertices[name]) for name in names])[:-1]
    everything = np.concatenate([vertices[name] for name in names])
    common = _wave_field(everything, rng, 110.0, 260.0, 1.5 * variation)
    for name, shift in zip(names, np.split(common, counts), strict=True):
        own = _wave_field(vertices[name], rng, 45.0, 100.0, 0.35 * variation)
        vertices[name] += shift + own
    for name, width in (("tibia", pose.shaft_width), ("fibula", pose.shaft_width * rng.uniform(0.93, 1.07))):
        v = vertices[name]
        height = -v[:, 1] / template.plafond_width_mm
        grow = (width - 1.0) * _ramp(height, 0.8, 2.0)
        axis_x, axis_z = _axis_of(v)
        v[:, 0] += grow * (v[:, 0] - axis_x)
        v[:, 2] += grow * (v[:, 2] - axis_z)
    # The malleolus keeps its width between the joint surfaces and grows only in length.
    tibia = vertices["tibia"]
    tip = float(tibia[:, 1].max())
    wanted = (0.53 + variation * rng.uniform(-0.1, 0.12)) * template.plafond_width_mm
    below = tibia[:, 1] > 3.0
    tibia[below, 1] = 3.0 + (tibia[below, 1] - 3.0) * (wanted - 3.0) / (tip - 3.0)
    joint = tibia[[template.plafond_medial, template.plafond_lateral]].mean(axis=0)
    for v in vertices.values():
        v -= joint
    vertices["fibula"][:, 1] += pose.fibula_down_mm
    vertices["fibula"][:, 0] += pose.syndesmosis_mm


def _axis_of(v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Centre line (x, z) of a long bone at the height of each vertex."""
    low, high = float(v[:, 1].min()), float(v[:, 1].max())
    levels = np.linspace(low + 10.0, high - 10.0, 16)
    slabs = [v[np.abs(v[:, 1] - level) < 14.0] for level in levels]
    centres = np.array([(s.min(axis=0) + s.max(axis=0)) / 2.0 for s in slabs])
    return np.interp(v[:, 1], levels, centres[:, 0]), np.interp(v[:, 1], levels, centres[:, 2])


def _rotation(axis: FloatArray, degrees: float) -> FloatArray:
    """Right-handed rotation about an axis (Rodrigues)."""
    axis = axis / np.linalg.norm(axis)
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = np.deg2rad(degrees)
    return np.asarray(np.eye(3) + np.sin(angle) * k + (1.0 - np.cos(angle)) * (k @ k))


_X, _Y, _Z = np.eye(3)


def _turn(vertices: Vertices, names: list[str], axis: FloatArray, degrees: float, pivot: FloatArray) -> None:
    matrix = _rotation(axis, degrees)
    for name in names:
        vertices[name] = (vertices[name] - pivot) @ matrix.T + pivot


def _move_foot(vertices: Vertices, template: AnkleTemplate, pose: _Pose) -> None:
    """Joint space, talar tilt, plantarflexion at the ankle, and inversion below the talus."""
    foot = [name for name in vertices if name not in _LEG]
    beyond = [name for name in foot if name != "talus"]
    talus = vertices["talus"]
    dome = np.array([talus[:, 0].mean(), *template.dome_axis_yz])
    # A positive rotation about x turns the front of the foot (negative z) downwards.
    flex = pose.plantarflexion_deg - template.foot_pitch_deg
    at_ankle = 0.75 * flex
    _turn(vertices, foot, _X, at_ankle, dome)
    midfoot = [name for name in beyond if name != "calcaneus"]
    joint = vertices["navicular"].mean(axis=0) + np.array([0.0, 0.0, 8.0])
    _turn(vertices, midfoot, _X, flex - at_ankle, joint)
    # The subtalar axis runs forwards, upwards (42 deg) and medially (16 deg); inversion lifts the
    # medial border and turns the forefoot inwards (Manter 1941).
    subtalar = np.array([-np.sin(np.deg2rad(16.0)), -np.sin(np.deg2rad(42.0)), -np.cos(np.deg2rad(42.0))])
    subtalar = _rotation(_X, at_ankle) @ subtalar
    pivot = vertices["talus"].mean(axis=0) + np.array([0.0, 8.0, 0.0])
    _turn(vertices, beyond, subtalar, -0.5 * pose.inversion_deg, pivot)
    # The talus can turn little in the mortise; the joints below it share the rest.
    turn_in = pose.foot_in_deg - template.foot_in_deg
    _turn(vertices, foot, _Y, float(np.clip(0.25 * turn_in, -5.0, 5.0)), dome)
    _turn(vertices, beyond, _Y, 0.25 * turn_in, pivot)
    _turn(vertices, midfoot, _Y, 0.5 * turn_in, joint)
    tilt = pose.talar_tilt_deg - _talar_tilt(vertices, template)
    corners = vertices["talus"][template.trochlea]
    edge = corners[:, 0].min() if pose.talar_tilt_deg > 0 else corners[:, 0].max()
    # Pivoting on one corner opens the joint on the other side instead of driving bone into bone.
    hinge = np.array([edge, corners[:, 1].min(), corners[:, 2].mean()])
    _turn(vertices, foot, _Z, float(np.clip(tilt, -12.0, 12.0)), hinge)
    lower = pose.joint_space_mm - _joint_space(vertices, template)
    for name in foot:
        vertices[name] = vertices[name] + np.array([0.0, lower, 0.0])
    _clear_gutters(vertices, foot, template, pose)


def _talar_tilt(vertices: Vertices, template: AnkleTemplate) -> float:
    """Angle from plafond line to talar dome in the mortise plane, degrees, positive if open laterally."""
    talus, tibia = vertices["talus"][:, :2], vertices["tibia"][:, :2]
    dome = dome_corner(talus, template, 1.0) - dome_corner(talus, template, -1.0)
    roof = tibia[template.plafond_lateral] - tibia[template.plafond_medial]
    return float(np.degrees(np.arctan2(dome[1], dome[0]) - np.arctan2(roof[1], roof[0])))


def _joint_space(vertices: Vertices, template: AnkleTemplate) -> float:
    """Smallest height between plafond crest and talar dome, seen in the mortise position, in mm."""
    tibia, talus = vertices["tibia"][:, 1::-1], vertices["talus"][:, 1::-1]
    ends = tibia[[template.plafond_medial, template.plafond_lateral], 1]
    spaces = []
    for x in np.linspace(ends[0], ends[1], 9)[1:-1]:
        crest = outline_at(tibia, template.regions["plafond"], x)
        dome = outline_at(talus, template.regions["talus_body"], x)
        if crest is not None and dome is not None:
            spaces.append(dome[0] - crest[0])
    return min(spaces)


def _clear_gutters(vertices: Vertices, foot: list[str], template: AnkleTemplate, pose: _Pose) -> None:
    """Set the medial and lateral joint spaces, seen in the mortise position, beside the talus."""
    tibia, fibula, talus = (vertices[name] for name in ("tibia", "fibula", "talus"))
    regions, width = template.regions, template.plafond_width_mm
    top = float(talus[template.trochlea, 1].min())
    lowest = min(top + 0.3 * width, float(tibia[:, 1].max()) - 0.06 * width)
    medial, lateral = [], []
    for level in np.linspace(top + 0.08 * width, lowest, 5):
        wall = outline_at(tibia, regions["malleolus"], level)
        body = outline_at(talus, regions["talus_body"], level)
        outer = outline_at(fibula, regions["fibula"], level)
        if wall is not None and body is not None and outer is not None:
            medial.append(body[0] - wall[1])
            lateral.append(outer[0] - body[1])
    too_narrow_medially = max(pose.medial_space_mm - float(np.mean(medial)), _CLOSEST_MM - min(medial))
    too_narrow_laterally = max(pose.lateral_space_mm - float(np.mean(lateral)), _CLOSEST_MM - min(lateral))
    # What both sides lack together is gained by moving both malleoli apart by half of it each.
    spread = max(0.0, (too_narrow_medially + too_narrow_laterally) / 2.0)
    shift = too_narrow_medially - spread
    for name in foot:
        vertices[name] = vertices[name] + np.array([shift, 0.0, 0.0])
    fibula[:, 0] += spread * _ramp(fibula[:, 1], -120.0, -10.0)
    corner = -float(tibia[template.plafond_medial, 0])
    inner = _ramp(-tibia[:, 0], corner - 2.0, corner + 2.0)
    tibia[:, 0] -= spread * inner * _ramp(tibia[:, 1], -6.0, 4.0)


def _bend_leg(vertices: Vertices, template: AnkleTemplate, pose: _Pose) -> None:
    """Bowing of the shaft and the varus or valgus of the plafond, in all bones together."""
    length = -float(vertices["tibia"][:, 1].min())
    # A larger lateral angle lowers the lateral end of the plafond: varus.
    target = np.deg2rad(pose.ldta_deg - template.ldta_deg)
    zone = template.plafond_width_mm
    for v in vertices.values():
        t = np.clip(-v[:, 1] / length, 0.0, 1.0)
        v[:, 0] += pose.bow_mm * np.sin(np.pi * t) ** 2
        angle = target * _ramp(v[:, 1], -1.9 * zone, -0.35 * zone)
        c, s, y = np.cos(angle), np.sin(angle), v[:, 1] + 0.8 * zone
        v[:, 0], v[:, 1] = v[:, 0] * c - y * s, v[:, 0] * s + y * c - 0.8 * zone


@dataclass(frozen=True)
class _Placement:
    """Template frame to scene frame: size, leg rotation, tilt towards the source, roll, central ray."""

    matrix: FloatArray
    shift: FloatArray

    @classmethod
    def of(cls, pose: _Pose) -> _Placement:
        # Internal rotation brings the lateral malleolus forwards, towards the source.
        turn = _rotation(_Y, pose.rotation_deg - _MORTISE_DEG)
        matrix = _rotation(_Z, pose.roll_deg) @ _rotation(_X, pose.recline_deg) @ turn * pose.size
        return cls(np.asarray(matrix), np.array([0.0, pose.central_ray_mm, 0.0]))

    def __call__(self, points: FloatArray) -> FloatArray:
        return np.asarray(points @ self.matrix.T + self.shift)


def _growth_plates(
    vertices: Vertices, template: AnkleTemplate, rng: np.random.Generator, size: float
) -> Mapping[str, GrowthPlate]:
    """Open physes of distal tibia and fibula, in the template frame, more often in small legs."""
    chance = 0.35 + 1.2 * (0.93 - size)
    is_open = rng.random() < chance
    gap = float(rng.uniform(0.8, 2.5))
    heights = {"tibia": rng.uniform(0.36, 0.5), "fibula": rng.uniform(-0.1, 0.1)}
    plates = {}
    for name, height in heights.items():
        v = vertices[name]
        level = -height * template.plafond_width_mm
        slab = v[np.abs(v[:, 1] - level) < 4.0]
        centre = (slab.min(axis=0) + slab.max(axis=0)) / 2.0
        plates[name] = GrowthPlate(
            np.array([centre[0], level, centre[2]]), _Y.copy(), gap, float(rng.uniform(0.95, 1.0))
        )
    return plates if is_open else {}


def _bones(
    vertices: Vertices,
    template: AnkleTemplate,
    rng: np.random.Generator,
    pose: _Pose,
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
                template.bones[name][1],
                thickness.get(name, foot_cortex),
                density * float(rng.uniform(0.95, 1.05)),
                tuple(own),
            )
        )
    return tuple(bones)


def _soft_tissue(
    vertices: Vertices, template: AnkleTemplate, rng: np.random.Generator, variation: float
) -> list[Capsule]:
    """Leg from calf to ankle, heel, and two rays of the foot, in the template frame."""
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
    tuber = calcaneus[template.heel_vertex]
    heel = calcaneus.mean(axis=0)
    heel_end = heel + 0.55 * (tuber - heel)
    capsules.append(Capsule(nodes[-1][0], heel, 30.0 * fat, 29.0 * fat))
    capsules.append(Capsule(heel, heel_end, 29.0 * fat, 25.0 * fat))
    front = np.concatenate([v for name, v in vertices.items() if name.startswith(("metatarsal", "forefoot"))])
    toes = front[np.argsort(front[:, 2])[: len(front) // 5]]
    middle = front.mean(axis=0)
    for side in (0.0, 1.0):
        spread = np.quantile(front[:, 0], 0.25 + 0.5 * side) - middle[0]
        mid = middle + np.array([spread, 0.0, 0.0])
        tip = toes.mean(axis=0) + np.array([1.3 * spread, 0.0, 0.0])
        capsules.append(Capsule(talus.mean(axis=0), mid, 27.0 * fat, 21.0 * fat))
        capsules.append(Capsule(mid, tip, 21.0 * fat, 12.0 * fat))
    return capsules
