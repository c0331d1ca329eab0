"""How vertebrae differ between people: each looks a little like its neighbours, and has a size of its own.

The collection's vertebrae are nearly all those of one person. On a film of somebody else a level cannot
be known by what marked it in that person: it has to be counted from the ends of its part of the spine,
from the ribs and from the pelvis. So every simulated person's vertebrae are shifted along the part,
together and one by one: the shape of the fifth may be between those of the sixth and the seventh. It
stays about as large as the fifth and joins the same neighbours.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np

from core.adapters.atomic import write_bytes
from core.resources import user_cache_dir
from training.simulate.registration import register
from training.simulate.scene import FloatArray
from training.simulate.shapes import template_surface

_LOG = logging.getLogger(__name__)

PARTS = tuple(tuple(f"{letter}{k}" for k in range(1, count + 1)) for letter, count in (("t", 12), ("l", 5)))
"""The vertebrae that exchange shapes, from above to below."""

_REACH = 2
# Standard deviations, in levels, of a person's shift and of one vertebra's beside it.
_COMMON_LEVELS, _SINGLE_LEVELS = 0.8, 0.6
# Of a vertebra's own size to the left, backwards and upwards, against what its person's others have.
_STRETCH = np.array([0.035, 0.035, 0.045])
# Counts up whenever the results of ``_looks`` change.
_VERSION = 1


def individual(anatomy: Path, bone: str, seed: int, variation: float) -> FloatArray | float:
    """Displacement [V, 3] in mm of a vertebra's template that makes it one person's; 0.0 for other bones.

    ``seed`` is the person's; ``variation`` scales how far people differ.
    """
    part = next((names for names in PARTS if bone in names), None)
    if part is None:
        return 0.0
    base = template_surface(anatomy, bone)[0]
    looks = _looks(anatomy, bone)
    rng = np.random.default_rng([seed, *bone.encode()])
    common = np.random.default_rng([seed, len(part)]).standard_normal() * _COMMON_LEVELS
    shift = variation * (common + _SINGLE_LEVELS * rng.standard_normal())
    shift = float(np.clip(shift, min(looks), max(looks)))
    low = min(int(np.floor(shift)), max(looks) - 1)
    share = shift - low
    look = (1.0 - share) * looks[low] + share * looks[low + 1]
    stretch = np.exp(variation * _STRETCH * np.clip(rng.standard_normal(3), -2.0, 2.0))
    middle = look.mean(axis=0)
    return np.asarray((look - middle) * stretch + middle - base)


@lru_cache(maxsize=32)
def _looks(anatomy: Path, bone: str) -> Mapping[int, FloatArray]:
    """Shapes [V, 3] of the vertebrae up to two levels above (negative) and below, laid on this one."""
    part = next(names for names in PARTS if bone in names)
    place = part.index(bone)
    offsets = [k for k in range(-_REACH, _REACH + 1) if 0 <= place + k < len(part)]
    surfaces = [template_surface(anatomy, part[place + k]) for k in offsets]
    digest = hashlib.sha256(str(_VERSION).encode())
    for arrays in (template_surface(anatomy, bone), *surfaces):
        for array in arrays:
            digest.update(np.ascontiguousarray(array).tobytes())
    path = user_cache_dir() / "people" / f"{bone}-neighbours-{digest.hexdigest()[:20]}.npz"
    if not path.is_file():
        _LOG.info("registering the neighbours of %s", bone)
        own = template_surface(anatomy, bone)
        shapes = [
            own[0] if k == 0 else register(own, surface, np.eye(3)).shape
            for k, surface in zip(offsets, surfaces, strict=True)
        ]
        buffer = BytesIO()
        np.savez(buffer, shapes=np.stack(shapes).astype(np.float32))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, buffer.getvalue())
    with np.load(path) as stored:
        return dict(zip(offsets, stored["shapes"].astype(np.float64), strict=True))
