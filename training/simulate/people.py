"""Random people: bones of one kind in correspondence, blended between subjects of one split.

Bones stand in the whole-body frame of the template (``bodyparts3d``): x to the person's left, y
backwards, z up, millimetres, as they lie in the assembled skeleton. Vertex i of a bone is the same
anatomical point in every person. Keys name LEFT bones or bones of the midline; ``<key>_right`` is the
right one, the mirror image of the left with the same vertex numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from training.simulate.joints import assemble
from training.simulate.pose import wave_field
from training.simulate.scene import FloatArray, IntArray
from training.simulate.shapes import FittedBone, bone_shapes, template_surface
from training.simulate.subjects import SPLITS, Split, all_subjects
from training.simulate.vertebrae import individual

__all__ = ["SPLITS", "People", "Person", "Split"]

_RIGHT = "_right"
_SMALLEST_SHARE = 0.03
# People of the training split may lie this far beyond the subjects they are blended from.
_BEYOND = 0.2
_COMMON_MM = 1.5
# Displacement of single bones: root mean square as a share of the bone's extent, and at most in mm. Its
# waves are longer than half the bone, or shafts would wind.
_OWN_SHARE = 0.006
_OWN_MOST_MM = 1.5
_ASYMMETRY = 0.3


@dataclass(frozen=True, eq=False)
class Person:
    """Bones of one simulated person, by key: vertices [V, 3] in mm, faces [F, 3] facing outwards.

    ``subjects`` names the subjects blended, with their weights over all bones. ``size`` is the height of
    the person relative to the template.
    """

    vertices: Mapping[str, FloatArray]
    faces: Mapping[str, IntArray]
    subjects: Mapping[str, float]
    size: float


@dataclass(frozen=True)
class People:
    """Draws people of one split from the bones in the folder ``anatomy``.

    The first use of a bone brings the subjects' surfaces into correspondence, which takes some seconds a
    subject, and keeps the result in the user's cache folder.
    """

    anatomy: Path
    split: Split = "train"

    def template(self, bone: str) -> tuple[FloatArray, IntArray]:
        """Template vertices [V, 3] and faces [F, 3] of a bone; KeyError for an unknown key."""
        return template_surface(self.anatomy, bone)

    def draw(self, rng: np.random.Generator, bones: Iterable[str], variation: float = 1.0) -> Person:
        """A random person with the named bones.

        ``variation`` scales how far the person differs from the template, which 0 gives. Subjects are
        blended with the same weights in all bones (in those that only some subjects have, among these),
        vertebrae are made to look a little like their neighbours, and all is smoothly deformed. The same
        state of ``rng`` and the same bones give the same person.
        """
        names = tuple(bones)
        size = float(np.exp(rng.normal(0.0, 0.06 * variation)))
        seeds = [int(seed) for seed in rng.integers(2**63, size=2)]
        shares = _Shares(np.random.default_rng([seeds[0], 1]), self.split == "train")
        lefts = tuple(dict.fromkeys(name.removesuffix(_RIGHT) for name in names))
        blended, total = {}, dict[str, float]()
        for bone in lefts:
            candidates = bone_shapes(self.anatomy, bone, self.split)
            weights = shares.among(candidates)
            base = self.template(bone)[0]
            shape = base.copy()
            for fit, weight in zip(candidates, weights, strict=True):
                if weight:
                    shape += (variation * weight) * (fit.shape - base)
                    total[fit.subject] = total.get(fit.subject, 0.0) + float(weight) / len(lefts)
            common = wave_field(base, np.random.default_rng(seeds[0]), 120.0, 400.0, _COMMON_MM * variation)
            shape += individual(self.anatomy, bone, seeds[1], variation)
            blended[bone] = shape + common + self._own(bone, seeds[1], variation)
        assembled = assemble(self.anatomy, blended)
        vertices = {}
        for name in names:
            bone = name.removesuffix(_RIGHT)
            if bone == name:
                vertices[name] = assembled[bone] * size
            else:
                uneven = assembled[bone] + self._own(bone, seeds[1] ^ 1, _ASYMMETRY * variation)
                vertices[name] = uneven * np.array([-size, size, size])
        return Person(vertices, {name: self.template(name)[1] for name in names}, total, size)

    def _own(self, bone: str, seed: int, strength: float) -> FloatArray:
        """Smooth displacement [V, 3] in mm of one bone alone."""
        base, extent = self.template(bone)[0], _extent(self.anatomy, bone)
        rms_mm = strength * min(_OWN_SHARE * extent, _OWN_MOST_MM)
        return wave_field(
            base, np.random.default_rng([seed, *bone.encode()]), 0.7 * extent, 2.0 * extent, rms_mm
        )


@lru_cache(maxsize=512)
def _extent(anatomy: Path, bone: str) -> float:
    """Largest extent in mm of a template bone along an axis."""
    return float(np.ptp(template_surface(anatomy, bone)[0], axis=0).max())


@lru_cache(maxsize=1)
def _members() -> Mapping[str, tuple[int, float]]:
    """Place and weight of every person of the collection, by name."""
    pairs = [(member, s.weight) for s in all_subjects() for member in s.member_ids]
    return {member: (k, weight) for k, (member, weight) in enumerate(pairs)}


class _Shares:
    """One person's shares in the subjects: gamma variates, of which every bone uses those it has.

    Shares among any part of the subjects follow a Dirichlet distribution, mostly on one to three of them.
    """

    def __init__(self, rng: np.random.Generator, beyond: bool) -> None:
        alpha = np.array([weight for _, weight in _members().values()])
        self._mine = rng.gamma(alpha) + 1e-12
        self._away = rng.gamma(alpha) + 1e-12
        self._beyond = float(rng.uniform(0.0, _BEYOND)) if beyond else 0.0

    def among(self, candidates: tuple[FittedBone, ...]) -> FloatArray:
        """Weights of the candidates; they add up to 1."""
        index = [_members()[fit.subject][0] for fit in candidates]
        mine, away = (self._concentrated(values[index]) for values in (self._mine, self._away))
        return np.asarray(mine + self._beyond * (mine - away))

    @staticmethod
    def _concentrated(values: FloatArray) -> FloatArray:
        shares = values / values.sum()
        shares = np.where(shares < _SMALLEST_SHARE, 0.0, shares)
        return np.asarray(shares / shares.sum())
