"""Vertex numbers of the wrist's joint surfaces and axes, found once on the template.

Forearm frame (mm): x to the radial side, y proximal along the distal shaft of the radius, z palmar;
origin in the middle of the distal articular surface. Hand frame: the same axes by the third metacarpal
and the neighbouring rays, origin in the middle of the third metacarpal's base.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from training.simulate.people import People
from training.simulate.pose import Frame
from training.simulate.raster import smooth_normals
from training.simulate.rules import edges_of
from training.simulate.scene import FloatArray, IntArray

FOREARM = ("radius", "ulna")
PROXIMAL_ROW = ("scaphoid", "lunate", "triquetrum", "pisiform")
DISTAL_ROW = ("trapezium", "trapezoid", "capitate", "hamate")
CARPALS = PROXIMAL_ROW + DISTAL_ROW
METACARPALS = tuple(f"{order}_metacarpal" for order in ("first", "second", "third", "fourth", "fifth"))
FINGERS = ("index", "middle", "ring", "little")
PHALANGES = (
    "thumb_proximal_phalanx",
    "thumb_distal_phalanx",
    *(f"{finger}_proximal_phalanx" for finger in FINGERS),
)
HAND = CARPALS + METACARPALS + PHALANGES
WRIST_BONES = FOREARM + HAND

_SHAFT_NEAR_MM = (30.0, 36.0)
_SHAFT_FAR_MM = (58.0, 64.0)


@dataclass(frozen=True, eq=False)
class Regions:
    """Vertex numbers by name (``<bone>.<region>``) and edges [E, 2] of each bone by its key."""

    sets: Mapping[str, IntArray]
    edges: Mapping[str, IntArray]


def forearm_frame(radius: FloatArray, sets: Mapping[str, IntArray]) -> Frame:
    """The forearm frame of a person's radius, vertices [V, 3]."""
    # From the middle of the sigmoid notch to the styloid: both lie at the same depth on a lateral film.
    across = radius[sets["radius.styloid"]].mean(axis=0) - radius[sets["radius.ulnar_corner"]].mean(axis=0)
    near, far = radius[sets["radius.shaft_near"]], radius[sets["radius.shaft_far"]]
    axes, near_middle = shaft_axes(near, far, across)
    origin = radius[sets["radius.articular"]].mean(axis=0)
    foot = near_middle + axes[1] * ((origin - near_middle) @ axes[1])
    return Frame(axes, foot)


def shaft_axes(first: FloatArray, second: FloatArray, across: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Axes [3, 3] along a shaft and the middle [3] of its slab ``first``, from two slabs of points [N, 3].

    Rows: x towards ``across``, y from the first slab to the second, z = x times y. The middle of a slab
    is that of its extent in x and z, as on films along these two directions.
    """
    y = _unit(second.mean(axis=0) - first.mean(axis=0))
    for _ in range(4):
        x = _unit(across - (across @ y) * y)
        axes = np.array([x, y, np.cross(x, y)])
        middles = []
        for slab in (first, second):
            local = slab @ axes.T
            middle = (local.min(axis=0) + local.max(axis=0)) / 2
            middle[1] = local[:, 1].mean()
            middles.append(middle @ axes)
        y = _unit(middles[1] - middles[0])
    return axes, np.asarray(middles[0])


def hand_frame(vertices: Mapping[str, FloatArray], sets: Mapping[str, IntArray]) -> Frame:
    """The hand frame of a person's metacarpals."""
    third = vertices["third_metacarpal"]
    base, head = (third[sets[f"third_metacarpal.{part}"]].mean(axis=0) for part in ("base_end", "head_end"))
    y = _unit(base - head)
    x = vertices["second_metacarpal"].mean(axis=0) - vertices["fourth_metacarpal"].mean(axis=0)
    x = _unit(x - (x @ y) * y)
    return Frame(np.array([x, y, np.cross(x, y)]), base)


@lru_cache(maxsize=4)
def wrist_regions(people: People) -> Regions:
    """The vertex sets of all wrist bones, found on the template."""
    surfaces = {name: people.template(name) for name in WRIST_BONES}
    sets: dict[str, IntArray] = {}
    _radius_sets(*surfaces["radius"], sets)
    frame = forearm_frame(surfaces["radius"][0], sets)
    _radius_ends(*surfaces["radius"], frame, sets)
    frame = forearm_frame(surfaces["radius"][0], sets)
    _ulna_sets(surfaces["ulna"][0], frame, sets)
    for name in METACARPALS + PHALANGES:
        _tubular_sets(name, surfaces[name][0], sets)
    hand = hand_frame({name: surface[0] for name, surface in surfaces.items()}, sets)
    for name in CARPALS:
        _carpal_sets(name, *surfaces[name], hand, sets)
    third = surfaces["third_metacarpal"][0]
    to_base = cKDTree(surfaces["capitate"][0]).query(third)[0]
    sets["third_metacarpal.base_face"] = _numbers(to_base < np.quantile(to_base, 0.05))
    near = cKDTree(surfaces["capitate"][0]).query(surfaces["scaphoid"][0])[0]
    sets["scaphoid.capitate_facet"] = _numbers(near < np.quantile(near, 0.12))
    return Regions(sets, {name: edges_of(surface[1]) for name, surface in surfaces.items()})


def _radius_sets(vertices: FloatArray, faces: IntArray, sets: dict[str, IntArray]) -> None:
    """First guess in the body frame, whose z runs up the forearm."""
    height = vertices[:, 2] - vertices[:, 2].min()
    for name, (low, high) in (("shaft_near", _SHAFT_NEAR_MM), ("shaft_far", _SHAFT_FAR_MM)):
        sets[f"radius.{name}"] = _numbers((height > low) & (height < high))
    end = height < 15.0
    lateral = vertices[:, 0] - vertices[end, 0].mean()
    sets["radius.styloid"] = _numbers(end & (lateral > 8.0))
    sets["radius.ulnar_corner"] = _numbers(end & (lateral < -8.0))
    sets["radius.articular"] = _numbers(height < 10.0)


def _radius_ends(vertices: FloatArray, faces: IntArray, frame: Frame, sets: dict[str, IntArray]) -> None:
    """Joint surfaces and rims of the distal radius, in the forearm frame."""
    v = frame.local(vertices)
    normal = smooth_normals(vertices, faces, 2) @ frame.axes.T
    end = v[:, 1] < v[:, 1].min() + 20.0
    surface = end & (normal[:, 1] < -0.6)
    x, z = v[:, 0], v[:, 2]
    left, right = float(x[surface].min()), float(x[surface].max())
    width = right - left
    middle_x = left + 0.5 * width
    sets["radius.articular"] = _numbers(surface & (normal[:, 1] < -0.75))
    sets["radius.lunate_fossa"] = _numbers(surface & (x > left + 0.1 * width) & (x < left + 0.42 * width))
    sets["radius.scaphoid_fossa"] = _numbers(surface & (x > left + 0.55 * width) & (x < left + 0.82 * width))
    sets["radius.styloid"] = _numbers(end & (x > middle_x + 0.2 * width) & (v[:, 1] < v[:, 1].min() + 12.0))
    sets["radius.ulnar_corner"] = _numbers(end & (x < left + 0.25 * width))
    facet = end & (x < left + 0.45 * width) & (x > left + 0.05 * width)
    centre = float(np.median(z[_mask(sets["radius.lunate_fossa"], len(z))]))
    sets["radius.palmar_rim"] = _numbers(facet & (z > centre + 4.0))
    sets["radius.dorsal_rim"] = _numbers(facet & (z < centre - 4.0))
    fossae = {"lunate_fossa": (0.16, 0.36), "scaphoid_fossa": (0.58, 0.78)}
    for name, (low, high) in fossae.items():
        strip = surface & (x > left + low * width) & (x < left + high * width)
        sets[f"radius.{name}_floor"] = _numbers(strip & (np.abs(z - np.median(z[strip])) < 3.0))
    notch = end & (x < left + 0.25 * width)
    sets["radius.ulnar_corner_palmar"] = _numbers(notch & (z > np.median(z[notch])))
    sets["radius.ulnar_corner_dorsal"] = _numbers(notch & (z <= np.median(z[notch])))
    sets["radius.end"] = _numbers(end)
    sets["radius.plate"] = _numbers(np.abs(v[:, 1] - 9.0) < 2.5)


def _ulna_sets(vertices: FloatArray, frame: Frame, sets: dict[str, IntArray]) -> None:
    y = (vertices @ frame.axes.T)[:, 1]
    low = float(y.min())
    # The dome: the distal end without the styloid, which stands alone below the level of the dome.
    slab = _numbers((y > low + 12.0) & (y < low + 20.0))
    far = _numbers((y > low + 45.0) & (y < low + 55.0))
    axis = vertices[slab].mean(axis=0) - vertices[far].mean(axis=0)
    axis = _unit(axis)
    end = (y < low + 14.0).nonzero()[0]
    offset = vertices[end] - vertices[slab].mean(axis=0)
    offset = offset - np.outer(offset @ axis, axis)
    tip = offset[np.argmin(y[end])]
    away = np.linalg.norm(offset - tip, axis=1)
    dome = (away > 6.5) & (y[end] < low + 12.0)
    sets["ulna.dome"] = end[dome].astype(np.int32)
    sets["ulna.head"] = _numbers((y > low + 4.0) & (y < low + 14.0))
    sets["ulna.styloid"] = end[away < 4.0].astype(np.int32)
    sets["ulna.plate"] = _numbers(np.abs(y - low - 11.0) < 2.5)
    sets["ulna.far"] = far


def _tubular_sets(name: str, vertices: FloatArray, sets: dict[str, IntArray]) -> None:
    """Both ends of a metacarpal or phalanx; the base is the end nearer to the body's upper side."""
    centre = vertices.mean(axis=0)
    axis = np.linalg.svd(vertices - centre, full_matrices=False)[2][0]
    along = (vertices - centre) @ (axis if axis[2] > 0 else -axis)
    length = float(np.ptp(along))
    sets[f"{name}.base_end"] = _numbers(along > along.max() - 0.12 * length)
    sets[f"{name}.head_end"] = _numbers(along < along.min() + 0.12 * length)


def _carpal_sets(
    name: str, vertices: FloatArray, faces: IntArray, hand: Frame, sets: dict[str, IntArray]
) -> None:
    v = hand.local(vertices)
    normal = smooth_normals(vertices, faces, 2) @ hand.axes.T
    low, high = v.min(axis=0), v.max(axis=0)
    part = (v - low) / (high - low)
    sets[f"{name}.all"] = np.arange(len(v), dtype=np.int32)
    sets[f"{name}.proximal"] = _numbers(normal[:, 1] > 0.4)
    sets[f"{name}.proximal_half"] = _numbers(part[:, 1] > 0.5)
    sets[f"{name}.distal_half"] = _numbers(part[:, 1] < 0.5)
    sets[f"{name}.palmar_half"] = _numbers(part[:, 2] > 0.5)
    sets[f"{name}.dorsal_half"] = _numbers(part[:, 2] < 0.5)
    if name == "capitate":
        sets["capitate.head"] = _numbers((part[:, 1] > 0.72) & (normal[:, 1] > 0.25))
        sets["capitate.distal_face"] = _numbers((part[:, 1] < 0.3) & (normal[:, 1] < -0.8))
    if name == "scaphoid":
        # The long axis runs from the proximal pole to the tubercle, distally, radially and to the palm.
        centre = v.mean(axis=0)
        axis = np.linalg.svd(v - centre, full_matrices=False)[2][0]
        along = (v - centre) @ (axis if axis[1] < 0 else -axis)
        sets["scaphoid.near_pole"] = _numbers(along < np.quantile(along, 0.4))
        sets["scaphoid.far_pole"] = _numbers(along > np.quantile(along, 0.6))
    if name == "lunate":
        sets["lunate.proximal_face"] = _numbers(normal[:, 1] > 0.5)


def _numbers(mask: NDArray[np.bool_]) -> IntArray:
    return np.flatnonzero(mask).astype(np.int32)


def _mask(numbers: IntArray, count: int) -> NDArray[np.bool_]:
    mask = np.zeros(count, dtype=bool)
    mask[numbers] = True
    return mask


def _unit(v: FloatArray) -> FloatArray:
    return np.asarray(v / np.linalg.norm(v))
