"""Bones of all subjects in correspondence with the template, kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from core.resources import user_cache_dir
from training.simulate.anatomy import load_left, load_mesh, mirror_x
from training.simulate.bone_names import BONE_FILES
from training.simulate.registration import register, transfer
from training.simulate.scene import FloatArray, IntArray
from training.simulate.subjects import TEMPLATE_SUBJECT, Split, Subject, subjects_for
from training.simulate.surfaces import read_surface, source_file

_LOG = logging.getLogger(__name__)

# Counts up whenever registration or reading changes its results.
_VERSION = 2
# A fit is refused beyond these mean and 95 % distances, relative to the bone's largest extent and at least
# and at most so many millimetres, and where the size cannot be that of an adult.
_MEAN_LIMIT = (0.02, 0.4, 1.0)
_P95_LIMIT = (0.06, 1.2, 3.0)
_SIZES = (0.7, 1.6)
# Canals and holes, which surfaces of different origin show or fill, count towards the distances.
_INTRICATE = ("sacrum", *(f"l{k}" for k in range(1, 6)))
_INTRICATE_P95_MM = 4.5
_FOLDED_SHARE = 0.01


@dataclass(frozen=True, eq=False)
class FittedBone:
    """A bone of one person of the collection in template topology.

    ``shape`` [V, 3] lies on the template, ``size`` is relative to it. ``mean_mm`` and ``p95_mm`` tell how far
    the fitted surface is from the subject's, ``accepted`` whether that is good enough to be used.
    """

    subject: str
    weight: float
    shape: FloatArray
    size: float
    mean_mm: float
    p95_mm: float
    folded: int
    accepted: bool


@lru_cache(maxsize=512)
def template_surface(anatomy: Path, bone: str) -> tuple[FloatArray, IntArray]:
    """Template vertices [V, 3] and faces [F, 3] of a bone; KeyError for an unknown key."""
    if bone.endswith("_right"):
        return mirror_x(*template_surface(anatomy, bone.removesuffix("_right")))
    file, subdivisions = BONE_FILES[bone]
    if "{side}" in file:
        return load_left(anatomy, file, subdivisions)
    return load_mesh(anatomy / "bodyparts3d" / f"{file}.ply", subdivisions)


@lru_cache(maxsize=512)
def bone_shapes(anatomy: Path, bone: str, split: Split) -> tuple[FittedBone, ...]:
    """The accepted bones of a split's people; registered and stored first where they are not yet.

    Registering takes some seconds a subject, once. Raises ``FileNotFoundError`` if a surface is missing,
    ``ValueError`` if none fits.
    """
    found = [f for subject in subjects_for(bone, split) for f in fitted_bones(anatomy, subject, bone)]
    accepted = tuple(f for f in found if f.accepted)
    if not accepted:
        raise ValueError(f"No {bone} of the split {split} could be fitted; check the files in {anatomy}.")
    return accepted


def fitted_bones(anatomy: Path, subject: Subject, bone: str) -> tuple[FittedBone, ...]:
    """A bone of every member of a subject, from the cache or registered now."""
    template = template_surface(anatomy, bone)
    if subject.id == TEMPLATE_SUBJECT:
        return (FittedBone(subject.id, subject.weight, template[0], 1.0, 0.0, 0.0, 0, True),)
    path = user_cache_dir() / "people" / f"{bone}-{subject.id}-{_key(anatomy, subject, bone)}.npz"
    if not path.is_file():
        _LOG.info("registering %s of %s", bone, subject.id)
        _store(path, anatomy, subject, bone)
    with np.load(path) as stored:
        data = {name: stored[name] for name in stored.files}
    extent = float(np.ptp(template[0], axis=0).max())
    edges = 1.5 * len(template[1])
    bones = []
    for k, member in enumerate(subject.member_ids):
        shape = data["shapes"][k].astype(np.float64)
        shape.setflags(write=False)
        size, mean, p95, folded = (float(v) for v in data["figures"][k])
        p95_limit = _INTRICATE_P95_MM if bone in _INTRICATE else _limit(extent, _P95_LIMIT)
        good = mean <= _limit(extent, _MEAN_LIMIT) and p95 <= p95_limit
        good = good and _SIZES[0] <= size <= _SIZES[1] and folded <= _FOLDED_SHARE * edges
        bones.append(FittedBone(member, subject.weight, shape, size, mean, p95, int(folded), good))
    return tuple(bones)


@lru_cache(maxsize=8)
def _template_of(anatomy: Path) -> Callable[[str], tuple[FloatArray, IntArray]]:
    return partial(template_surface, anatomy)


def _limit(extent: float, limit: tuple[float, float, float]) -> float:
    share, least, most = limit
    return min(max(share * extent, least), most)


def _key(anatomy: Path, subject: Subject, bone: str) -> str:
    digest = hashlib.sha256(f"{_VERSION} {subject.members} {subject.model}".encode())
    for array in template_surface(anatomy, bone):
        digest.update(np.ascontiguousarray(array).tobytes())
    path = source_file(anatomy, subject, bone)
    if path is not None:
        digest.update(repr(subject.sources[bone]).encode())
        digest.update(_file_digest(path, path.stat().st_mtime_ns))
    return digest.hexdigest()[:20]


@lru_cache(maxsize=512)
def _file_digest(path: Path, _changed: int) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _store(path: Path, anatomy: Path, subject: Subject, bone: str) -> None:
    template = template_surface(anatomy, bone)
    surface = read_surface(anatomy, subject, bone, _template_of(anatomy))
    base = surface.vertices, surface.faces
    first = register(template, base, np.eye(3) if surface.oriented else None, surface.partial)
    fits = [first] if surface.members is None else transfer(first, template, base, surface.members)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with unfinished.open("wb") as file:
        np.savez(
            file,
            shapes=np.stack([fit.shape for fit in fits]).astype(np.float32),
            figures=np.array([[fit.size, fit.mean_mm, fit.p95_mm, fit.folded] for fit in fits]),
        )
    unfinished.replace(path)
