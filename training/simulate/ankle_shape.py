"""Shape and posture of a random ankle, set in the template frame of ``ankle_template``.

Order matters: first the person's shape, then the joints of the foot, then bending of the whole leg,
which keeps the joints as they were set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.simulate.ankle_points import dome_corner, outline_at
from training.simulate.ankle_template import AnkleTemplate
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, Vertices, ramp, rotation, turn, wave_field

FloatArray = NDArray[np.float64]

LEG = ("tibia", "fibula")
_LEG_FILM_PROBABILITY = 0.35
_CLOSEST_MM = 0.7


@dataclass(frozen=True)
class AnklePose:
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


def draw_pose(rng: np.random.Generator, variation: float) -> AnklePose:
    """Random posture and measures; ``variation`` scales the spread, 0 gives the average of each."""

    def normal(mean: float, spread: float, low: float, high: float) -> float:
        return float(np.clip(mean + variation * spread * rng.standard_normal(), low, high))

    def uniform(mean: float, low: float, high: float) -> float:
        return float(mean + variation * (rng.uniform(low, high) - mean))

    rotation = uniform(12.0, -15.0, 35.0) if rng.random() < 0.2 else uniform(12.0, -5.0, 25.0)
    tilt = uniform(0.5, -4.0, 8.0) if rng.random() < 0.25 else normal(0.3, 1.0, -4.0, 8.0)
    leg_film = rng.random() < _LEG_FILM_PROBABILITY
    plantarflexion = uniform(12.0, -10.0, 40.0)
    size = uniform(0.97, 0.75, 1.1)
    return AnklePose(
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


def deform(
    vertices: Vertices, template: AnkleTemplate, pose: AnklePose, rng: np.random.Generator, variation: float
) -> None:
    """Shape of the person: a field common to all bones, one for each bone, shaft width, fibula."""
    names = list(vertices)
    counts = np.cumsum([len(vertices[name]) for name in names])[:-1]
    everything = np.concatenate([vertices[name] for name in names])
    common = wave_field(everything, rng, 110.0, 260.0, 1.5 * variation)
    for name, shift in zip(names, np.split(common, counts), strict=True):
        own = wave_field(vertices[name], rng, 45.0, 100.0, 0.35 * variation)
        vertices[name] += shift + own
    for name, width in (("tibia", pose.shaft_width), ("fibula", pose.shaft_width * rng.uniform(0.93, 1.07))):
        v = vertices[name]
        height = -v[:, 1] / template.plafond_width_mm
        grow = (width - 1.0) * ramp(height, 0.8, 2.0)
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


def move_foot(vertices: Vertices, template: AnkleTemplate, pose: AnklePose) -> None:
    """Joint space, talar tilt, plantarflexion at the ankle, and inversion below the talus."""
    foot = [name for name in vertices if name not in LEG]
    beyond = [name for name in foot if name != "talus"]
    talus = vertices["talus"]
    dome = np.array([talus[:, 0].mean(), *template.dome_axis_yz])
    # A positive rotation about x turns the front of the foot (negative z) downwards.
    flex = pose.plantarflexion_deg - template.foot_pitch_deg
    at_ankle = 0.75 * flex
    turn(vertices, foot, X_AXIS, at_ankle, dome)
    midfoot = [name for name in beyond if name != "calcaneus"]
    joint = vertices["navicular"].mean(axis=0) + np.array([0.0, 0.0, 8.0])
    turn(vertices, midfoot, X_AXIS, flex - at_ankle, joint)
    # The subtalar axis runs forwards, upwards (42 deg) and medially (16 deg); inversion lifts the
    # medial border and turns the forefoot inwards (Manter 1941).
    subtalar = np.array([-np.sin(np.deg2rad(16.0)), -np.sin(np.deg2rad(42.0)), -np.cos(np.deg2rad(42.0))])
    subtalar = rotation(X_AXIS, at_ankle) @ subtalar
    pivot = vertices["talus"].mean(axis=0) + np.array([0.0, 8.0, 0.0])
    turn(vertices, beyond, subtalar, -0.5 * pose.inversion_deg, pivot)
    # The talus can turn little in the mortise; the joints below it share the rest.
    turn_in = pose.foot_in_deg - template.foot_in_deg
    turn(vertices, foot, Y_AXIS, float(np.clip(0.25 * turn_in, -5.0, 5.0)), dome)
    turn(vertices, beyond, Y_AXIS, 0.25 * turn_in, pivot)
    turn(vertices, midfoot, Y_AXIS, 0.5 * turn_in, joint)
    tilt = pose.talar_tilt_deg - _talar_tilt(vertices, template)
    corners = vertices["talus"][template.trochlea]
    edge = corners[:, 0].min() if pose.talar_tilt_deg > 0 else corners[:, 0].max()
    # Pivoting on one corner opens the joint on the other side instead of driving bone into bone.
    hinge = np.array([edge, corners[:, 1].min(), corners[:, 2].mean()])
    turn(vertices, foot, Z_AXIS, float(np.clip(tilt, -12.0, 12.0)), hinge)
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


def _clear_gutters(vertices: Vertices, foot: list[str], template: AnkleTemplate, pose: AnklePose) -> None:
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
    fibula[:, 0] += spread * ramp(fibula[:, 1], -120.0, -10.0)
    corner = -float(tibia[template.plafond_medial, 0])
    inner = ramp(-tibia[:, 0], corner - 2.0, corner + 2.0)
    tibia[:, 0] -= spread * inner * ramp(tibia[:, 1], -6.0, 4.0)


def bend_leg(vertices: Vertices, template: AnkleTemplate, pose: AnklePose) -> None:
    """Bowing of the shaft and the varus or valgus of the plafond, in all bones together."""
    length = -float(vertices["tibia"][:, 1].min())
    # A larger lateral angle lowers the lateral end of the plafond: varus.
    target = np.deg2rad(pose.ldta_deg - template.ldta_deg)
    zone = template.plafond_width_mm
    for v in vertices.values():
        t = np.clip(-v[:, 1] / length, 0.0, 1.0)
        v[:, 0] += pose.bow_mm * np.sin(np.pi * t) ** 2
        angle = target * ramp(v[:, 1], -1.9 * zone, -0.35 * zone)
        c, s, y = np.cos(angle), np.sin(angle), v[:, 1] + 0.8 * zone
        v[:, 0], v[:, 1] = v[:, 0] * c - y * s, v[:, 0] * s + y * c - 0.8 * zone
