"""Random postures of the trunk: scoliosis, kyphosis, lordosis, pelvis, balance.

Coronal angles are positive where the patient's left side stands lower, sagittal angles where the
upper end leans forwards, axial angles where the front turns to the patient's left. Levels run from T1
(0) to L5 (16).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training.simulate.scene import FloatArray
from training.simulate.spine.regions import LEVELS

_COUNT = len(LEVELS)
_RIBS = 12
# How often each level is the upper end of the largest curve, T1 to T12 and L1, as counted on films.
_UPPER_END = np.array([14, 12, 13, 32, 57, 51, 12, 6, 8, 32, 43, 16, 5], dtype=np.float64)
_LOWEST_END = 15
"""The lowest level, L4, at which the largest curve ends."""

_NECK = -1.0
"""Level of the neck, C7, that stands nearly upright; the sacrum, below the last one, does, too."""

_LEFT, _SHORTEST = 0.5, 2.0
"""How much of the curves is left at neck and sacrum, and how many levels a smaller curve has at least.

Chosen so that T1 and L5 tilt as they do on 299 films of scoliosis (AASCE): standard deviations of 7 and 9
degrees."""


@dataclass(frozen=True, eq=False)
class Posture:
    """One posture. Degrees and millimetres.

    ``coronal_deg`` and ``axial_deg`` [17] are the tilt and rotation of T1 to L5 against the film.
    ``lordosis_deg`` (L1 to S1), ``kyphosis_deg`` (T4 to T12), ``pelvic_incidence_deg`` and
    ``pelvic_tilt_deg`` are targets; None leaves the person's own. ``coronal_shift_mm`` is C7 against
    the sacrum (positive: to the left) and ``sagittal_shift_mm`` C7 against the posterior corner of the
    sacrum (positive: in front), None where they follow from the angles. ``disc_height`` [17] scales the
    discs below T1 to L5. ``slip`` [17] moves each vertebra forwards against the one below, as a fraction
    of its depth. ``pelvic_obliquity_deg`` is the coronal tilt of the pelvis. ``rib_fall_deg`` [12] turns
    the ribs of T1 to T12 downwards in front, ``rib_drop_deg`` [12] downwards at the sides;
    ``last_ribs`` are the lengths of the eleventh and twelfth. ``shoulder_rise_mm`` lifts the shoulders.
    """

    coronal_deg: FloatArray
    axial_deg: FloatArray
    kyphosis_deg: float | None
    lordosis_deg: float | None
    pelvic_incidence_deg: float | None
    pelvic_tilt_deg: float | None
    coronal_shift_mm: float | None
    sagittal_shift_mm: float | None
    disc_height: FloatArray
    slip: FloatArray
    pelvic_obliquity_deg: float
    rib_fall_deg: FloatArray
    rib_drop_deg: FloatArray
    last_ribs: tuple[float, float]
    shoulder_rise_mm: float


def straight() -> Posture:
    """The person's own sagittal profile without scoliosis."""
    nothing, ribs = np.zeros(_COUNT), np.zeros(_RIBS)
    return Posture(
        coronal_deg=nothing,
        axial_deg=nothing,
        kyphosis_deg=None,
        lordosis_deg=None,
        pelvic_incidence_deg=None,
        pelvic_tilt_deg=None,
        coronal_shift_mm=None,
        sagittal_shift_mm=None,
        disc_height=np.ones(_COUNT),
        slip=nothing,
        pelvic_obliquity_deg=0.0,
        rib_fall_deg=ribs,
        rib_drop_deg=ribs,
        last_ribs=(1.0, 1.0),
        shoulder_rise_mm=0.0,
    )


def draw_posture(rng: np.random.Generator, scoliosis: float, variation: float = 1.0) -> Posture:
    """A random posture; ``scoliosis`` is the chance of a curve of 10 degrees or more.

    ``variation`` scales everything; 0 gives a straight spine of average sagittal profile.
    """
    size = _curve_size(rng, scoliosis) * variation
    coronal, axial = curve(rng, size)
    jitter = 0.8 * variation
    coronal = coronal + jitter * rng.standard_normal(_COUNT)
    axial = axial + 1.5 * variation * rng.standard_normal(_COUNT)
    incidence = 52.0 + variation * float(np.clip(11.0 * rng.standard_normal(), -24.0, 34.0))
    # Pelvic tilt grows with incidence (Vialle 2005: 0.37 of it, minus 7); some pelves tilt back.
    tilted = float(rng.uniform(4.0, 22.0)) if rng.random() < 0.2 else 0.0
    tilt = 0.37 * incidence - 7.0 + variation * (5.0 * float(rng.standard_normal()) + tilted)
    flat = float(rng.uniform(8.0, 32.0)) if rng.random() < 0.2 else 0.0
    lordosis = incidence + 4.0 + variation * (9.0 * float(rng.standard_normal()) - flat - 0.4 * tilted)
    kyphosis = 34.0 + variation * 11.0 * float(rng.standard_normal())
    if rng.random() < 0.2:
        kyphosis = 34.0 + variation * (float(rng.uniform(4.0, 82.0)) - 34.0)
    stooped = float(rng.uniform(30.0, 120.0)) if rng.random() < 0.2 else 0.0
    return Posture(
        coronal_deg=coronal,
        axial_deg=axial,
        kyphosis_deg=float(np.clip(kyphosis, 2.0, 88.0)),
        lordosis_deg=float(np.clip(lordosis, 8.0, 88.0)),
        pelvic_incidence_deg=incidence,
        pelvic_tilt_deg=float(np.clip(tilt, -8.0, 42.0)),
        coronal_shift_mm=variation * 13.0 * float(rng.standard_normal()),
        sagittal_shift_mm=variation * (22.0 * float(rng.standard_normal()) + stooped),
        disc_height=_discs(rng, variation),
        slip=_slips(rng, variation),
        pelvic_obliquity_deg=variation * 2.5 * float(np.clip(rng.standard_normal(), -2.5, 2.5)),
        rib_fall_deg=variation * (5.0 * rng.standard_normal() + 1.5 * rng.standard_normal(_RIBS)),
        rib_drop_deg=variation * (5.0 * rng.standard_normal() + 1.5 * rng.standard_normal(_RIBS)),
        last_ribs=(
            1.0 + variation * float(rng.uniform(-0.2, 0.05)),
            1.0 + variation * float(rng.uniform(-0.55, 0.15)),
        ),
        shoulder_rise_mm=variation * 10.0 * float(np.clip(rng.standard_normal(), -2.0, 2.0)),
    )


def without_slips(posture: Posture) -> Posture:
    """The posture with all vertebrae in line."""
    return replace(posture, slip=np.zeros(_COUNT))


def upright_lumbar(posture: Posture) -> Posture:
    """The posture with the lumbar curve leaning little, as a patient lies or stands for a short film."""
    lean = float(posture.coronal_deg[LEVELS.index("t12") :].mean()) - posture.pelvic_obliquity_deg
    return replace(posture, coronal_deg=posture.coronal_deg - 0.8 * lean)


def _curve_size(rng: np.random.Generator, scoliosis: float) -> float:
    if rng.random() >= scoliosis:
        return float(rng.uniform(0.0, 9.0))
    return float(rng.uniform(10.0, 52.0) if rng.random() < 0.75 else rng.uniform(45.0, 90.0))


def curve(rng: np.random.Generator, cobb_deg: float) -> tuple[FloatArray, FloatArray]:
    """Coronal tilts and axial rotations [17] of a spine whose largest curve has this Cobb angle.

    Curves above and below the largest one have random parts of its size, and neck and sacrum stand nearly
    level. Vertebrae turn their front towards the convexity, most at the apex.
    """
    upper = int(rng.choice(len(_UPPER_END), p=_UPPER_END / _UPPER_END.sum()))
    lower = min(_LOWEST_END, upper + int(rng.integers(5, 10)))
    above, below = (float(v) for v in rng.uniform(0.0, 0.9, 2) * cobb_deg)
    middle = float(rng.uniform(-0.15, 0.15)) * cobb_deg
    nodes = [float(upper), float(lower)]
    tilts = [middle + cobb_deg / 2.0, middle - cobb_deg / 2.0]
    reach = float(rng.uniform(4.0, 7.0))
    # What is left of the curves at the neck and at the sacrum, from the same parts.
    usual = 0.45 * cobb_deg
    neck, sacrum = _LEFT * (usual - above), _LEFT * (below - usual)
    if upper - reach > _NECK + _SHORTEST:
        nodes, tilts = [upper - reach, *nodes], [tilts[0] - above, *tilts]
    if lower + reach < _COUNT - _SHORTEST:
        nodes, tilts = [*nodes, lower + reach], [*tilts, tilts[-1] + below]
    nodes, tilts = [_NECK, *nodes, float(_COUNT)], [neck, *tilts, sacrum]
    level = np.arange(_COUNT, dtype=np.float64)
    # Half a cosine wave between the ends of each curve: no tilt lies beyond those of its end vertebrae.
    segment = np.clip(np.searchsorted(nodes, level, side="right") - 1, 0, len(nodes) - 2)
    start, end = np.array(nodes)[segment], np.array(nodes)[segment + 1]
    part = np.clip((level - start) / (end - start), 0.0, 1.0)
    low, high = np.array(tilts)[segment], np.array(tilts)[segment + 1]
    coronal = low + (high - low) * (1.0 - np.cos(np.pi * part)) / 2.0
    # A fall of the tilt means convex to the right: the front turns right.
    turned = float(rng.uniform(0.15, 0.5))
    axial = turned * (high - low) * np.sin(np.pi * part) ** 2
    # Thoracic curves are mostly convex to the right, lumbar ones to the left.
    mostly_right = 0.8 if (upper + lower) / 2.0 < 10.5 else 0.3
    side = 1.0 if rng.random() < mostly_right else -1.0
    return side * coronal, side * axial


def _discs(rng: np.random.Generator, variation: float) -> FloatArray:
    """Relative heights of the discs; some spines have narrowed lumbar discs."""
    heights = np.exp(variation * (0.12 * rng.standard_normal() + 0.1 * rng.standard_normal(_COUNT)))
    worn, chance = rng.random() < 0.35, rng.random(_COUNT)
    factor = rng.uniform(0.25, 0.8, _COUNT)
    if worn:
        lumbar = np.arange(_COUNT) >= 11
        heights = np.where((chance < 0.35) & lumbar, heights * (1.0 - variation * (1.0 - factor)), heights)
    return np.asarray(heights)


def _slips(rng: np.random.Generator, variation: float) -> FloatArray:
    slips = variation * 0.012 * rng.standard_normal(_COUNT)
    if rng.random() < 0.15:
        slips[int(rng.choice([14, 15, 16], p=[0.1, 0.5, 0.4]))] = variation * float(rng.uniform(0.08, 0.38))
    return np.asarray(slips)
