"""Where implants go: centre lines of long bones, joints between bones, spheres fitted to heads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from training.simulate.scene import Bone, FloatArray
from training.simulate.solids import across, unit

_SLICES = 32
_LONG = 2.2  # length over width from which a bone counts as long
_FLAT = 0.4  # and thickness over width of its shaft; less is a flat bone
_CROOKED = 0.3  # and how far, in radii, slices may lie off a gently bowed line
_BOWED = 0.06  # and how far, in lengths, that line may lie off a straight one


@dataclass(frozen=True, eq=False)
class LongBone:
    """A bone with a shaft. Positions along it run from 0 to 1 in the direction of ``axis`` [3].

    ``centres`` [N, 3] is the smooth centre line at the positions ``at`` [N], ``radii`` [N] its mean radius
    in mm, ``length`` the length of the bone in mm.
    """

    bone: Bone
    axis: FloatArray
    at: FloatArray
    centres: FloatArray
    radii: FloatArray
    length: float

    def centre(self, part: float | FloatArray) -> FloatArray:
        """The centre line at a position 0..1: [3], or [N, 3] for many."""
        return np.stack([np.interp(part, self.at, self.centres[:, k]) for k in range(3)], axis=-1)

    def radius(self, part: float) -> float:
        """Mean radius in mm at a position."""
        return float(np.interp(part, self.at, self.radii))

    def surface(self, part: float, direction: FloatArray) -> FloatArray:
        """The outermost point [3] of the bone towards ``direction`` at a position on the centre line."""
        centre = self.centre(part)
        offset = self.bone.vertices_mm - centre
        along = offset @ self.axis
        level = np.abs(along) < max(0.02 * self.length, 2.0)
        side = offset[level] - along[level, None] * self.axis
        towards = unit(direction - (direction @ self.axis) * self.axis)
        near = side @ towards > 0.8 * np.maximum(np.linalg.norm(side, axis=1), 1e-9)
        reach = float((side[near] @ towards).max()) if near.any() else self.radius(part)
        return np.asarray(centre + towards * reach)

    def flipped(self) -> LongBone:
        """The same bone with positions counted from the other end."""
        return LongBone(
            self.bone, -self.axis, 1 - self.at[::-1], self.centres[::-1], self.radii[::-1], self.length
        )


def long_bone(bone: Bone) -> LongBone | None:
    """Centre line of a long bone; None for a short, flat or partly drawn one."""
    v = bone.vertices_mm
    if len(v) < 200 or bone.drawn is not None or not bone.tracked:
        return None
    middle = v.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov((v - middle).T))
    axis = vectors[:, 2]
    along = (v - middle) @ axis
    low, high = float(along.min()), float(along.max())
    part = (along - low) / (high - low)
    at: list[float] = []
    centres: list[FloatArray] = []
    radii: list[float] = []
    flatness: list[float] = []
    for index in range(_SLICES):
        inside = v[(part >= index / _SLICES) & (part < (index + 1) / _SLICES)]
        if len(inside) < 4:
            continue
        flat = inside - ((inside - middle) @ axis)[:, None] * axis
        widths = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(flat.T))[1:], 1e-12))
        centre = _middle(flat)
        at.append((index + 0.5) / _SLICES)
        centres.append(centre + axis * (at[-1] * (high - low) + low))
        radii.append(float(np.linalg.norm(inside - centres[-1], axis=1).mean()))
        flatness.append(float(widths[0] / widths[1]))
    shaft = [i for i, t in enumerate(at) if 0.2 < t < 0.8]
    if len(shaft) < 8 or high - low < _LONG * 2 * float(np.mean([radii[i] for i in shaft])):
        return None
    if float(np.median([flatness[i] for i in shaft])) < _FLAT:
        return None
    # A straight or gently bowed line through the shaft, extended to the ends.
    position = np.array([at[i] for i in shaft])
    fit = [np.polyfit(position, [centres[i][k] for i in shaft], 2) for k in range(3)]
    fitted = np.stack([np.polyval(f, position) for f in fit], axis=1)
    measured = np.array([centres[i] for i in shaft])
    off = float(np.sqrt(((fitted - measured) ** 2).sum(axis=1).mean()))
    bow = float(np.linalg.norm([f[0] for f in fit])) * float(np.ptp(position)) ** 2 / 4
    if off > _CROOKED * float(np.mean([radii[i] for i in shaft])) or bow > _BOWED * (high - low):
        return None
    every = np.linspace(0.0, 1.0, 41)
    inner = np.clip(every, 0.15, 0.85)
    line = np.stack(
        [np.polyval(f, inner) + np.polyval(np.polyder(f), inner) * (every - inner) for f in fit], 1
    )
    smooth = np.interp(every, at, radii)
    return LongBone(bone, axis, every, line, smooth, high - low)


def _middle(flat: FloatArray) -> FloatArray:
    """Middle of the box around points [N, 3] along their own directions, whatever their density."""
    centre = flat.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov((flat - centre).T))
    own = (flat - centre) @ vectors
    return np.asarray(centre + vectors @ ((own.min(axis=0) + own.max(axis=0)) / 2))


def perpendicular(axis: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A random unit vector [3] at right angles to ``axis``."""
    u, v = across(unit(axis))
    angle = rng.uniform(0, 2 * np.pi)
    return np.asarray(np.cos(angle) * u + np.sin(angle) * v)


@dataclass(frozen=True, eq=False)
class Joint:
    """Two bones that nearly touch. ``first_side`` are vertex numbers of ``first`` that face ``second``."""

    first: Bone
    second: Bone
    first_side: NDArray[np.int64]
    second_side: NDArray[np.int64]
    gap_mm: float


def joint_between(first: Bone, second: Bone, reach_mm: float = 7.0) -> Joint | None:
    """The joint of two bones, None when fewer than ten vertices of each lie within reach of the other."""
    low = np.maximum(first.vertices_mm.min(axis=0), second.vertices_mm.min(axis=0)) - reach_mm
    high = np.minimum(first.vertices_mm.max(axis=0), second.vertices_mm.max(axis=0)) + reach_mm
    if (low > high).any():
        return None
    distance, _ = cKDTree(second.vertices_mm).query(first.vertices_mm, distance_upper_bound=reach_mm)
    back, _ = cKDTree(first.vertices_mm).query(second.vertices_mm, distance_upper_bound=reach_mm)
    one, two = np.flatnonzero(np.isfinite(distance)), np.flatnonzero(np.isfinite(back))
    if len(one) < 10 or len(two) < 10:
        return None
    return Joint(first, second, one, two, float(distance[one].min()))


def fitted_sphere(points_mm: FloatArray) -> tuple[FloatArray, float]:
    """Centre [3] and radius of the sphere nearest to points [N, 3] in the least squares of their squares."""
    middle = points_mm.mean(axis=0)
    p = points_mm - middle
    system = np.hstack([2 * p, np.ones((len(p), 1))])
    x, *_ = np.linalg.lstsq(system, (p**2).sum(axis=1), rcond=None)
    return middle + x[:3], float(np.sqrt(max(x[3] + x[:3] @ x[:3], 0.0)))
