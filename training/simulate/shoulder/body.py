"""Bones with their mineral, and soft tissue, of a posed shoulder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from training.simulate.people import Person
from training.simulate.rules import fit_sphere
from training.simulate.scene import Bone, Capsule, FloatArray, GrowthPlate
from training.simulate.shoulder.shape import scapula_frame, shaft_direction
from training.simulate.shoulder.template import RIBS, THORAX, ShoulderTemplate

_CORTEX_MM = {"scapula": 1.6, "humerus": 4.2, "clavicle": 2.2}
_GROWTH_PLATE_CHANCE = 0.08


@dataclass(frozen=True, eq=False)
class Tissue:
    """A capsule in the whole-body frame."""

    start: FloatArray
    end: FloatArray
    start_radius_mm: float
    end_radius_mm: float

    def moved(self, place: Callable[[FloatArray], FloatArray]) -> Capsule:
        """The capsule of the scene, its ends moved by ``place`` ([N, 3] to [N, 3])."""
        start, end = place(np.stack([self.start, self.end]))
        return Capsule(start, end, self.start_radius_mm, self.end_radius_mm)


def make_bones(
    person: Person,
    placed: Mapping[str, FloatArray],
    template: ShoulderTemplate,
    rng: np.random.Generator,
    mirrored: bool = False,
) -> tuple[Bone, ...]:
    """The bones with random density and cortex; sometimes with an open plate of the proximal humerus.

    ``placed`` are their vertices in the scene; ``mirrored`` tells that the scene is a mirror image of the
    body, as films are that are looked at from the side of the detector.
    """
    density = float(rng.uniform(0.7, 1.2))
    cortex = float(rng.uniform(0.75, 1.25)) * person.size
    is_open, gap = rng.random() < _GROWTH_PLATE_CHANCE, float(rng.uniform(0.8, 2.2))
    plates = (_growth_plate(placed["humerus"], template, gap),) if is_open else ()
    bones = []
    for name, v in placed.items():
        thin = 0.8 if name in THORAX else 1.0
        bones.append(
            Bone(
                name,
                v,
                person.faces[name][:, ::-1] if mirrored else person.faces[name],
                _CORTEX_MM.get(name, 1.0) * cortex,
                density * thin * float(rng.uniform(0.95, 1.05)),
                plates if name == "humerus" else (),
            )
        )
    return tuple(bones)


def _growth_plate(humerus: FloatArray, template: ShoulderTemplate, gap_mm: float) -> GrowthPlate:
    centre, radius = fit_sphere(humerus[template.cap])
    up = shaft_direction(humerus, template)
    shaft = humerus[template.shaft_high].mean(axis=0)
    # On the shaft's axis at the level of the lower third of the head.
    level = float((centre - shaft) @ up) - 0.45 * radius
    return GrowthPlate(shaft + level * up, up, gap_mm)


def soft_tissue(
    vertices: Mapping[str, FloatArray], template: ShoulderTemplate, rng: np.random.Generator
) -> tuple[Tissue, ...]:
    """Shoulder muscles, arm, neck and chest wall in the whole-body frame.

    The chest is thin, as the lungs that fill it weaken the rays little.
    """
    fat = float(rng.uniform(0.85, 1.3))
    frame = scapula_frame(vertices["scapula"], template)
    head, _ = fit_sphere(vertices["humerus"][template.cap])
    shaft_up = shaft_direction(vertices["humerus"], template)
    acromion = vertices["scapula"][template.acromion].mean(axis=0)
    roof = vertices["scapula"][template.undersurface]
    depth = roof @ frame.back
    front, rear = roof[int(depth.argmin())], roof[int(depth.argmax())]
    spine = np.array([0.0, float(vertices["t1"][:, 1].mean()), float(vertices["t1"][:, 2].mean())])
    neck = spine + 60.0 * frame.up
    middle = vertices["humerus"][template.shaft].mean(axis=0)
    arm = middle + float((head - middle) @ shaft_up) * shaft_up
    elbow = arm - 280.0 * shaft_up
    chest = np.stack([vertices[rib].mean(axis=0) for rib in RIBS])
    low = chest[-1] - 120.0 * frame.up
    blade = vertices["scapula"].mean(axis=0)
    parts = [
        Tissue(arm, arm - 110.0 * shaft_up, 42.0 * fat, 42.0 * fat),
        Tissue(arm - 110.0 * shaft_up, elbow, 42.0 * fat, 34.0 * fat),
        Tissue(acromion - 18.0 * frame.up, head + 8.0 * frame.out, 36.0 * fat, 44.0 * fat),
        Tissue(
            acromion - 18.0 * frame.up, acromion - 40.0 * frame.out - 18.0 * frame.up, 36.0 * fat, 36.0 * fat
        ),
        Tissue(front, rear, 15.0 * fat, 10.0 * fat),
        Tissue(acromion - 30.0 * frame.up, neck - 40.0 * frame.up, 36.0 * fat, 46.0 * fat),
        Tissue(neck - 60.0 * frame.up, neck + 120.0 * frame.up, 55.0 * fat, 52.0 * fat),
        Tissue(head - 20.0 * frame.out - 40.0 * frame.up, blade - 20.0 * frame.up, 44.0 * fat, 36.0 * fat),
        Tissue(blade, low + 30.0 * frame.out, 34.0 * fat, 34.0 * fat),
    ]
    # From the spine to the lateral chest wall, down from the apex of the lung.
    side = float(blade[0]) + 10.0
    for part in np.linspace(-0.7, 1.0, 8):
        top = np.array([part * side, chest[0][1], spine[2] - 25.0 - 60.0 * part**2])
        width = (48.0 if abs(part) < 0.2 else 28.0) * fat
        parts.append(Tissue(top, top - 350.0 * frame.up, width, width))
    return tuple(parts)
