"""Random postures of a foot that stands on the floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.simulate.scene import FloatArray


@dataclass(frozen=True, eq=False)
class FootPosture:
    """Random choices of one foot, in degrees and millimetres; names as a reader would say them.

    Angles between axes are those of the floor plane or of the sagittal plane. ``meary_deg`` is positive
    for a high arch. ``coverage_deg`` is how far talus and navicular are turned against each other,
    beyond the template (positive: forefoot abducted). ``declinations_deg`` [4, 3] and ``directions_deg``
    [4, 3] of the lesser toes are those of their phalanges.
    """

    pitch_deg: float
    meary_deg: float
    sag_deg: float
    heel_roll_deg: float
    coverage_deg: float
    abduction_deg: float
    adductus_deg: float
    hallux_valgus_deg: float
    hallux_interphalangeus_deg: float
    intermetatarsal_1_2_deg: float
    intermetatarsal_1_5_deg: float
    articular_tilt_deg: float
    fan_deg: FloatArray
    toe_directions_deg: FloatArray
    toe_declinations_deg: FloatArray
    hallux_declinations_deg: FloatArray
    joint_space: FloatArray
    lengths: FloatArray
    ankle_deg: float
    leg_rotation_deg: float
    leg_varus_deg: float
    plafond_tilt_deg: float


def draw_posture(rng: np.random.Generator) -> FootPosture:
    """A random foot: half of them ordinary, the others spread far into deformity."""

    def normal(mean: float, spread: float, low: float, high: float) -> float:
        return float(np.clip(mean + spread * rng.standard_normal(), low, high))

    pitch = normal(20.0, 4.0, 6.0, 36.0) if rng.random() < 0.55 else float(rng.uniform(6.0, 35.0))
    flatness = (20.0 - pitch) / 7.0
    valgus = normal(13.0, 6.0, -8.0, 50.0) if rng.random() < 0.5 else float(rng.uniform(-8.0, 50.0))
    splay = normal(8.5 + 0.17 * (valgus - 12.0), 2.6, 2.5, 22.0)
    toe_directions = np.array([5.0, 8.0, 7.0, -4.0])[:, None] + rng.normal(0.0, 4.0, (4, 1))
    toe_directions = toe_directions + np.cumsum(
        np.concatenate([np.zeros((4, 1)), rng.normal([[-5.0, -3.0]], 4.0, (4, 2))], axis=1), axis=1
    )
    claw = rng.uniform(0.0, 1.0, (4, 1)) * rng.uniform(0.0, 1.0)
    bend = (
        rng.normal(0.0, 3.0, (4, 3)) + np.array([[4.0, 8.0, 10.0]]) + claw * np.array([[-22.0, 28.0, 40.0]])
    )
    return FootPosture(
        pitch_deg=pitch,
        meary_deg=normal(-0.85 * 7.0 * flatness, 4.0, -22.0, 22.0),
        sag_deg=normal(0.0, 2.0, -4.0, 4.0),
        heel_roll_deg=normal(1.5 * flatness, 3.0, -8.0, 8.0),
        coverage_deg=normal(10.0 + 4.0 * flatness, 4.0, -6.0, 24.0),
        abduction_deg=normal(1.0 * flatness, 2.0, -5.0, 5.0),
        adductus_deg=normal(0.0, 4.0, -9.0, 9.0) if rng.random() < 0.8 else float(rng.uniform(-6.0, 14.0)),
        hallux_valgus_deg=valgus,
        hallux_interphalangeus_deg=normal(9.0, 5.0, -6.0, 24.0),
        intermetatarsal_1_2_deg=splay,
        intermetatarsal_1_5_deg=normal(18.0 + splay, 3.5, 14.0, 42.0),
        articular_tilt_deg=normal(3.0 + 0.15 * (valgus - 12.0), 4.0, -8.0, 20.0),
        fan_deg=rng.normal(0.0, 0.8, 2),
        toe_directions_deg=toe_directions,
        toe_declinations_deg=bend,
        hallux_declinations_deg=rng.normal([5.0, 3.0], [3.0, 4.0]),
        joint_space=rng.uniform(0.6, 1.35, 4),
        lengths=1.0 + np.clip(rng.normal(0.0, 0.025, 5), -0.06, 0.06),
        ankle_deg=normal(4.0, 4.0, -6.0, 14.0),
        leg_rotation_deg=normal(0.0, 4.0, -9.0, 9.0),
        leg_varus_deg=normal(0.0, 1.8, -5.0, 5.0),
        plafond_tilt_deg=normal(0.0, 3.0, -9.0, 9.0),
    )
