"""Who the simulated hand belongs to: stage of growth, proportions and the shape of single bones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.simulate.hand.template import CARPALS, METACARPALS, RAYS, Tubular, phalanges
from training.simulate.scene import FloatArray

# Lengths relative to the one adult of the template, fitted to the mean proportions of annotated hand
# films (children and adolescents). Agreement with that set is therefore a fit, not a prediction.
LENGTHS: Mapping[str, float] = {
    "first_metacarpal": 1.02, "second_metacarpal": 0.99, "fourth_metacarpal": 0.98, "fifth_metacarpal": 0.965,
    "thumb_proximal_phalanx": 1.08, "thumb_distal_phalanx": 1.03,
    "index_proximal_phalanx": 1.02, "index_middle_phalanx": 0.95, "index_distal_phalanx": 0.92,
    "middle_proximal_phalanx": 1.04, "middle_middle_phalanx": 0.99, "middle_distal_phalanx": 1.07,
    "ring_proximal_phalanx": 1.03, "ring_middle_phalanx": 0.96, "ring_distal_phalanx": 1.26,
    "little_proximal_phalanx": 0.99, "little_middle_phalanx": 0.91, "little_distal_phalanx": 1.03,
}  # fmt: skip

# Age in years at which a carpal's ossification centre is about to be seen; rough values that set the
# order of appearance, not a bone age standard.
_CARPAL_AGE: Mapping[str, float] = {
    "capitate": 0.0, "hamate": 0.0, "triquetrum": 2.5, "lunate": 3.5, "trapezium": 4.5, "trapezoid": 5.0,
    "scaphoid": 5.0, "pisiform": 9.5,
}  # fmt: skip
_ULNAR_EPIPHYSIS_AGE = 6.0


@dataclass(frozen=True)
class Person:
    """One person. ``size`` multiplies lengths, ``breadth`` widths; ``years`` is a bone age; the plate gap
    is 0 when growth is over. ``joint_mm`` is the space of the finger joints, ``ossified`` the part of
    adult extent that a carpal has reached (0: not yet visible).
    """

    stage: str
    years: float
    size: float
    breadth: float
    joint_mm: float
    gap_mm: float
    epiphysis_width: float
    density: float
    cortex: float
    fat: float
    ossified: Mapping[str, float]
    length: Mapping[str, float]
    width: Mapping[str, float]

    @property
    def ulnar_epiphysis(self) -> bool:
        """Whether the distal ulnar epiphysis has begun to ossify."""
        return self.years > _ULNAR_EPIPHYSIS_AGE


def sample_person(rng: np.random.Generator, variation: float) -> Person:
    """A random person; ``variation`` scales the spread of proportions (0: only stages and size differ)."""
    stage = str(rng.choice(["adult", "adolescent", "child"], p=[0.40, 0.35, 0.25]))
    years = {"adult": 25.0, "adolescent": rng.uniform(9.5, 16.5), "child": rng.uniform(3.0, 10.0)}[stage]
    grown = 1.0 if stage == "adult" else 0.43 + 0.57 * min(years / 17.0, 1.0) ** 0.9
    size = float(np.clip(grown * (1 + rng.normal(0, 0.06)), 0.5, 1.12))
    slender = 1 + 0.06 * variation * rng.normal()
    young = {"adult": 0.0, "adolescent": (17 - years) / 17, "child": (17 - years) / 17}[stage]
    joint = rng.uniform(1.0, 1.7) if stage == "adult" else (1.2 + 2.0 * young + rng.uniform(0, 0.6))
    gap = {"adult": 0.0, "adolescent": rng.uniform(0.5, 1.5), "child": rng.uniform(0.9, 2.3)}[stage]
    width = {
        "adult": 1.0,
        "adolescent": rng.uniform(0.92, 1.0),
        "child": np.clip(0.62 + 0.04 * (years - 3) + rng.normal(0, 0.06), 0.6, 1.0),
    }[stage]
    length, girth = _proportions(rng, variation)
    return Person(
        stage, years, size, size * slender, float(joint), float(gap), float(width),
        float(rng.uniform(0.6, 1.2)), float(rng.uniform(0.6, 1.3)), float(rng.uniform(0.88, 1.15)),
        _carpals(rng, stage, years), length, girth,
    )  # fmt: skip


def _carpals(rng: np.random.Generator, stage: str, years: float) -> dict[str, float]:
    if stage == "adult":
        return dict.fromkeys(CARPALS, 1.0)
    ossified = {}
    for name in CARPALS:
        age = years - (_CARPAL_AGE[name] + rng.normal(0, 0.7))
        ossified[name] = 0.0 if age < 0 else float(np.clip(0.45 + 0.55 * (age / 6.5) ** 0.7, 0.45, 1.0))
        if stage == "adolescent" and name != "pisiform":
            ossified[name] = max(ossified[name], 0.86)
    return ossified


def _proportions(rng: np.random.Generator, variation: float) -> tuple[dict[str, float], dict[str, float]]:
    length, width = {}, {}
    rows = 1 + 0.03 * variation * rng.normal(size=4)  # metacarpals and the three rows of phalanges
    for ray, metacarpal in zip(RAYS, METACARPALS, strict=True):
        ray_length, ray_width = 1 + 0.03 * variation * rng.normal(size=2)
        for name in (metacarpal, *phalanges(ray)):
            row = 0 if name == metacarpal else {"proximal": 1, "middle": 2, "distal": 3}[name.split("_")[1]]
            own = 1 + 0.03 * variation * rng.normal(size=2)
            length[name] = LENGTHS.get(name, 1.0) * rows[row] * ray_length * own[0]
            width[name] = ray_width * own[1]
    return length, width


def tubular_shape(bone: Tubular, person: Person, rng: np.random.Generator, variation: float) -> FloatArray:
    """Local vertices [V, 3] (mm) of a person's metacarpal or phalanx, base at the origin."""
    v = bone.vertices.copy()
    s = np.clip(-v[:, 1] / bone.length, -0.1, 1.1)
    tuft = 0.10 if bone.name.endswith("distal_phalanx") else 0.05
    base, head, waist = variation * rng.normal(0, [0.05, tuft, 0.05])
    profile = 1 + base * np.exp(-((s / 0.18) ** 2)) + head * np.exp(-(((1 - s) / 0.18) ** 2))
    profile += waist * np.exp(-(((s - 0.5) / 0.25) ** 2))
    bend = variation * rng.normal(0, 0.006) * bone.length
    girth = person.breadth * person.width[bone.name]
    v[:, 0] = v[:, 0] * profile * girth + bend * 4 * s * (1 - s)
    v[:, 2] *= profile * girth
    v[:, 1] *= person.size * person.length[bone.name]
    v = wobble(v, rng, 0.45 * variation * person.size, 0.35 * bone.length * person.size)
    return np.asarray(v - v[bone.base].mean(axis=0))


def wobble(vertices: FloatArray, rng: np.random.Generator, sd_mm: float, wavelength_mm: float) -> FloatArray:
    """Vertices [V, 3] moved by a smooth random field of standard deviation ``sd_mm`` per axis.

    The field sums six plane waves no shorter than ``wavelength_mm`` (and no shorter than 9 mm), so
    that nearby points move together.
    """
    count = 6
    direction = rng.normal(size=(3, count))
    direction /= np.linalg.norm(direction, axis=0)
    k = 2 * np.pi / (max(wavelength_mm, 9.0) * rng.uniform(1.0, 3.0, count))
    phase = rng.uniform(0, 2 * np.pi, count)
    amplitude = rng.normal(size=(count, 3)) * sd_mm * np.sqrt(2.0 / count)
    return np.asarray(vertices + np.cos(vertices @ (direction * k) + phase) @ amplitude)
