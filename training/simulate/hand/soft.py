"""Soft tissue of the simulated hand: capsules along fingers, palm, thumb muscles and forearm."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from training.simulate.hand.person import Person
from training.simulate.hand.pose import Posed
from training.simulate.hand.template import METACARPALS, RAYS, HandTemplate, phalanges
from training.simulate.scene import Capsule, FloatArray

# Half thickness in mm of an average adult's finger at its base, first joint, last joint and tip.
_FINGER_MM = {
    "thumb": (13.0, 11.0, 8.0), "index": (10.5, 9.3, 8.0, 6.6), "middle": (10.8, 9.6, 8.2, 6.8),
    "ring": (10.2, 9.0, 7.8, 6.4), "little": (9.2, 8.0, 6.9, 5.8),
}  # fmt: skip


def hand_soft_tissue(
    template: HandTemplate, posed: Posed, person: Person, rng: np.random.Generator
) -> tuple[Capsule, ...]:
    """Capsules (mm, frame of ``posed``) whose union is the skin outline of the hand."""
    size = person.breadth * person.fat
    ends = {name: _ends(template, posed, name) for name in template.tubular}
    capsules: list[Capsule] = []

    def add(start: FloatArray, end: FloatArray, start_radius: float, end_radius: float) -> None:
        capsules.append(Capsule(start, end, start_radius * size, end_radius * size))

    for ray, metacarpal in zip(RAYS, METACARPALS, strict=True):
        radii = np.array(_FINGER_MM[ray]) * rng.uniform(0.95, 1.05)
        for number, name in enumerate(phalanges(ray)):
            base, head = ends[name]
            if name.endswith("distal_phalanx"):
                axis = (head - base) / np.linalg.norm(head - base)
                head = head - axis * (radii[-1] * size - 4.0 * person.size)
            add(base, head, radii[number], radii[number + 1])
        base, head = ends[metacarpal]
        add(base, head, 15.0 if ray == "thumb" else 13.0, radii[0] + 0.5)
    for one, two in pairwise(METACARPALS[1:]):
        for part in (0.25, 0.6, 0.95):
            add(_along(ends[one], part), _along(ends[two], part), 12.0, 12.0)
        add(_along(ends[one], 1.12), _along(ends[two], 1.12), 8.0, 8.0)
    first, second = ends[METACARPALS[0]], ends[METACARPALS[1]]
    for part in (0.15, 0.4, 0.65):
        add(_along(first, part), _along(second, part), 14.0 - 6 * part, 14.0 - 6 * part)
    add(_along(ends[METACARPALS[4]], -0.1), _along(ends[METACARPALS[4]], 0.7), 15.0, 12.5)
    wrist = {name: posed.vertices[name].mean(axis=0) for name in ("triquetrum", "scaphoid", "trapezium")}
    add(wrist["triquetrum"], ends[METACARPALS[4]][0], 14.5, 14.0)
    add(wrist["trapezium"], wrist["scaphoid"], 15.0, 16.0)
    add(wrist["scaphoid"], wrist["triquetrum"], 17.0, 15.0)
    for name, near, carpal, radii_mm in (
        ("radius", 0.0, "scaphoid", (17.5, 19.0)),
        ("ulna", 0.0, "triquetrum", (14.5, 18.0)),
    ):
        solid, v = template.solid[name], posed.vertices[name]
        if solid.metaphysis is None:
            raise ValueError(f"Template bone {name} has no growth plate level.")
        start = solid.metaphysis.points(v).mean(axis=0)
        far = v[solid.vertices[:, 1] > solid.vertices[:, 1].max() - 1.0].mean(axis=0)
        add(wrist[carpal], start, radii_mm[0] - 1.0 + near, radii_mm[0])
        add(start, far, *radii_mm)
    return tuple(capsules)


def _ends(template: HandTemplate, posed: Posed, name: str) -> tuple[FloatArray, FloatArray]:
    bone, v = template.tubular[name], posed.vertices[name]
    return v[bone.base].mean(axis=0), v[bone.head].mean(axis=0)


def _along(ends: tuple[FloatArray, FloatArray], part: float) -> FloatArray:
    return np.asarray(ends[0] + part * (ends[1] - ends[0]))
