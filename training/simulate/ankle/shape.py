"""Shape and posture of a random ankle, set in the ankle frame of ``regions``.

Order matters: first the person's shape, then the joints (see ``joint``), then bending of the whole leg,
which keeps the joints as they were set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.simulate.ankle.regions import AnkleRegions, lateral_angle, plafond_width
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, Vertices, ramp, rotation
from training.simulate.scene import FloatArray

# Internal rotation of the leg that brings both malleoli into one plane parallel to the film.
MORTISE_DEG = 17.0
_LEG_FILM_PROBABILITY = 0.35


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

    @property
    def view(self) -> FloatArray:
        """Rotation [3, 3] from the ankle frame to the scene: leg rotation, tilt towards the source, roll."""
        # Internal rotation brings the lateral malleolus forwards, towards the source.
        turned = rotation(Y_AXIS, self.rotation_deg - MORTISE_DEG)
        return np.asarray(rotation(Z_AXIS, self.roll_deg) @ rotation(X_AXIS, self.recline_deg) @ turned)


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
    bones: Mapping[str, FloatArray],
    regions: AnkleRegions,
    pose: AnklePose,
    rng: np.random.Generator,
    variation: float,
) -> dict[str, FloatArray]:
    """Bones of a person in the ankle frame with other shafts and malleoli."""
    vertices = {name: v.copy() for name, v in bones.items()}
    tibia, fibula = vertices["tibia"], vertices["fibula"]
    width = plafond_width(tibia, regions)
    for v, factor in ((tibia, pose.shaft_width), (fibula, pose.shaft_width * rng.uniform(0.93, 1.07))):
        grow = (factor - 1.0) * ramp(-v[:, 1] / width, 0.8, 2.0)
        axis_x, axis_z = _axis_of(v)
        v[:, 0] += grow * (v[:, 0] - axis_x)
        v[:, 2] += grow * (v[:, 2] - axis_z)
    # The malleolus keeps its width between the joint surfaces and grows only in length.
    tip = float(tibia[:, 1].max())
    wanted = (0.53 + variation * rng.uniform(-0.1, 0.12)) * width
    below = tibia[:, 1] > 3.0
    tibia[below, 1] = 3.0 + (tibia[below, 1] - 3.0) * (wanted - 3.0) / (tip - 3.0)
    fibula[:, 1] += pose.fibula_down_mm
    return vertices


def _axis_of(v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Centre line (x, z) of a long bone at the height of each vertex."""
    low, high = float(v[:, 1].min()), float(v[:, 1].max())
    levels = np.linspace(low + 10.0, high - 10.0, 16)
    slabs = [v[np.abs(v[:, 1] - level) < 14.0] for level in levels]
    centres = np.array([(s.min(axis=0) + s.max(axis=0)) / 2.0 for s in slabs])
    return np.interp(v[:, 1], levels, centres[:, 0]), np.interp(v[:, 1], levels, centres[:, 2])


def bend_leg(vertices: Vertices, regions: AnkleRegions, pose: AnklePose) -> None:
    """Bowing of the shaft and the varus or valgus of the plafond, in all bones together."""
    length = -float(vertices["tibia"][:, 1].min())
    zone = plafond_width(vertices["tibia"], regions)
    for v in vertices.values():
        v[:, 0] += pose.bow_mm * np.sin(np.pi * np.clip(-v[:, 1] / length, 0.0, 1.0)) ** 2
    # A larger lateral angle lowers the lateral end of the plafond: varus.
    target = np.deg2rad(pose.ldta_deg - lateral_angle(vertices["tibia"], regions))
    for v in vertices.values():
        angle = target * ramp(v[:, 1], -1.9 * zone, -0.35 * zone)
        c, s, y = np.cos(angle), np.sin(angle), v[:, 1] + 0.8 * zone
        v[:, 0], v[:, 1] = v[:, 0] * c - y * s, v[:, 0] * s + y * c - 0.8 * zone
