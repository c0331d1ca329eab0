"""Random people: bones of one kind in correspondence, blended between subjects of one split.

Bones stand in the whole-body frame of the template (``bodyparts3d``): x to the person's left, y
backwards, z up, millimetres, as they lie in the assembled skeleton. Vertex i of a bone is the same
anatomical point in every person. Keys name LEFT bones or bones of the midline; ``<key>_right`` is the
right one, the mirror image of the left with the same vertex numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from training.simulate.anatomy import load_left, load_mesh, mirror_x
from training.simulate.bone_names import BONE_FILES
from training.simulate.pose import wave_field
from training.simulate.scene import FloatArray, IntArray

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Person:
    """Bones of one simulated person, by key: vertices [V, 3] in mm, faces [F, 3] facing outwards.

    ``subjects`` names the subjects blended, with their weights. ``size`` is the height of the person
    relative to the template.
    """

    vertices: Mapping[str, FloatArray]
    faces: Mapping[str, IntArray]
    subjects: Mapping[str, float]
    size: float


@dataclass(frozen=True)
class People:
    """Draws people of one split from the bones in the folder ``anatomy``."""

    anatomy: Path
    split: Split = "train"

    def template(self, bone: str) -> tuple[FloatArray, IntArray]:
        """Template vertices [V, 3] and faces [F, 3] of a bone; KeyError for an unknown key."""
        if bone.endswith("_right"):
            return mirror_x(*self.template(bone.removesuffix("_right")))
        file, subdivisions = BONE_FILES[bone]
        if "{side}" in file:
            return load_left(self.anatomy, file, subdivisions)
        return load_mesh(self.anatomy / "bodyparts3d" / f"{file}.ply", subdivisions)

    def draw(self, rng: np.random.Generator, bones: Iterable[str], variation: float = 1.0) -> Person:
        """A random person with the named bones.

        ``variation`` scales how far the person differs from the mean of the split's subjects; 0 gives
        the template. The same state of ``rng`` gives the same person.
        """
        names = tuple(bones)
        surfaces = {name: self.template(name) for name in names}
        vertices = {name: surface[0].copy() for name, surface in surfaces.items()}
        size = float(np.exp(rng.normal(0.0, 0.06 * variation)))
        seeds = rng.integers(2**63, size=2)
        for name, v in vertices.items():
            common = wave_field(v, np.random.default_rng(seeds[0]), 120.0, 400.0, 1.5 * variation)
            extent = float(np.ptp(v, axis=0).max())
            key = [int(seeds[1]), *name.encode()]
            own = wave_field(v, np.random.default_rng(key), 0.5 * extent, extent, 0.006 * extent * variation)
            v += common + own
            v *= size
        faces = {name: surface[1] for name, surface in surfaces.items()}
        return Person(vertices, faces, {"bodyparts3d": 1.0}, size)
