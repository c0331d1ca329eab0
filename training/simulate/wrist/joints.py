"""Spaces between bones: bringing one group of bones up to another until a chosen gap is left."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.spatial import cKDTree

from training.simulate.pose import Vertices
from training.simulate.rules import crossings
from training.simulate.scene import FloatArray, IntArray

SCAPHOLUNATE_LEVEL = 0.35  # where the gap is taken, from the proximal end of the stretch both bones share
_RETREAT_MM = 9.0
_STEPS = 14
_PROBE_POINTS = 250
_TARGET_POINTS = 900


def approach(
    vertices: Vertices,
    moving: Iterable[str],
    probe: FloatArray,
    target: FloatArray,
    direction: FloatArray,
    gap_mm: float,
    allowed: float = 0.0,
) -> None:
    """Move bones along ``direction`` until the points ``probe`` lie ``gap_mm`` from the points ``target``.

    ``allowed`` is the part of the probe that may come nearer. The bones first retreat, so that
    overlapping ones come apart, then advance by what is left of the distance, which cannot overshoot.
    """
    tree = cKDTree(target[:: 1 + len(target) // _TARGET_POINTS])
    probe = probe[:: 1 + len(probe) // _PROBE_POINTS]
    travel = -_RETREAT_MM
    for _ in range(_STEPS):
        room = float(np.quantile(tree.query(probe + travel * direction)[0], allowed)) - gap_mm
        travel += room
        if abs(room) < 0.05:
            break
    shift = travel * direction
    for name in moving:
        vertices[name] = vertices[name] + shift


def side_gap(left: FloatArray, left_edges: IntArray, right: FloatArray, right_edges: IntArray) -> float:
    """Distance in x between the right border of one bone and the left border of another.

    Taken at ``SCAPHOLUNATE_LEVEL`` of the stretch of y that both bones [V, 3] share. ValueError if they
    share none.
    """
    low, high = max(left[:, 1].min(), right[:, 1].min()), min(left[:, 1].max(), right[:, 1].max())
    level = float(high - SCAPHOLUNATE_LEVEL * (high - low))
    a, b = (crossings(v, e, level) for v, e in ((left, left_edges), (right, right_edges)))
    if not len(a) or not len(b):
        raise ValueError("The bones do not lie side by side.")
    return float(b.min() - a.max())
