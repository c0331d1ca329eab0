"""Random anatomy and posture of one wrist."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SUPINATED_DEG = 85.0  # how far the ulna turns against the radius from full supination to neutral


@dataclass(frozen=True)
class WristPose:
    """Random choices of one wrist, in degrees and millimetres.

    ``inclination_deg`` and ``volar_tilt_deg`` are those of the distal radius, which ``sharp`` says to bend
    in a short zone, as a malunited fracture does. Sagittal angles of scaphoid, lunate and capitate are
    measured from the distal direction of the radial shaft, palmar positive. ``uncovered`` is the part of
    the lunate's width ulnar of the radius.
    """

    inclination_deg: float
    volar_tilt_deg: float
    sharp: bool
    dorsal_shift_mm: float
    radial_shift_mm: float
    shortening_mm: float
    ulnar_variance_mm: float
    scaphoid_deg: float
    scaphoid_upright_deg: float
    lunate_deg: float
    capitate_deg: float
    scapholunate_mm: float
    joint_mm: float
    radiocarpal_mm: float
    druj_mm: float
    uncovered: float
    deviation_deg: float
    forearm_rotation_deg: float
    ulna_dorsal_mm: float


def draw_pose(rng: np.random.Generator, variation: float = 1.0) -> WristPose:
    """A random wrist; ``variation`` 0 gives the average healthy adult in neutral position."""

    def normal(mean: float, spread: float, low: float, high: float) -> float:
        return float(np.clip(mean + variation * spread * rng.standard_normal(), low, high))

    def either(chance: float) -> bool:
        return bool(rng.random() < chance * variation)

    inclination, tilt = normal(23.0, 3.5, 13.0, 31.0), normal(10.0, 4.5, -3.0, 22.0)
    variance = normal(0.0, 1.4, -4.0, 4.5)
    fractured = either(0.3)
    dorsal = radial = shortening = 0.0
    broken = rng.uniform([-38.0, 0.0, -4.0, -1.0, 0.0], [22.0, 24.0, 6.0, 4.0, 8.0])
    if fractured:
        tilt, inclination, dorsal, radial, shortening = (float(v) for v in broken)
    collapse = str(rng.choice(["none", "disi", "visi"], p=[0.72, 0.18, 0.10]))
    lunate, scaphoid = normal(-2.0, 8.0, -18.0, 16.0), normal(48.0, 7.0, 32.0, 66.0)
    gap = normal(1.7, 0.5, 0.9, 3.0)
    wide = rng.uniform([12.0, 58.0, 2.0], [36.0, 80.0, 6.5])
    if collapse == "disi" and variation > 0:
        lunate, scaphoid, gap = -float(wide[0]), float(wide[1]), float(wide[2])
    elif collapse == "visi" and variation > 0:
        lunate = float(wide[0])
        scaphoid = float(np.clip(lunate + 35.0 + 0.3 * (wide[1] - 58.0), 40.0, 75.0))
    if fractured:  # the carpus follows a tilted joint surface in part
        lunate = float(np.clip(lunate + 0.4 * (tilt - 10.0), -38.0, 34.0))
    return WristPose(
        inclination_deg=inclination,
        volar_tilt_deg=tilt,
        sharp=fractured,
        dorsal_shift_mm=dorsal,
        radial_shift_mm=radial,
        shortening_mm=shortening,
        ulnar_variance_mm=variance + shortening,
        scaphoid_deg=scaphoid,
        # A flexed scaphoid is foreshortened on the frontal film.
        scaphoid_upright_deg=normal(42.0 - 0.4 * (scaphoid - 48.0), 4.0, 22.0, 58.0),
        lunate_deg=lunate,
        capitate_deg=normal(0.0, 7.0, -18.0, 18.0),
        scapholunate_mm=gap,
        joint_mm=normal(1.5, 0.3, 0.7, 2.2),
        radiocarpal_mm=normal(1.8, 0.4, 0.5, 2.8),
        druj_mm=normal(1.6, 0.5, 0.6, 3.5),
        uncovered=normal(0.32, 0.09, 0.12, 0.62),
        deviation_deg=normal(0.0, 6.0, -16.0, 14.0),
        forearm_rotation_deg=normal(_SUPINATED_DEG, 15.0, 45.0, 120.0),
        ulna_dorsal_mm=normal(0.0, 1.2, -3.0, 5.0),
    )
