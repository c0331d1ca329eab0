"""Vertex numbers of the elbow's joint surfaces and axes, found once on the template.

Elbow frame (mm): x lateral, y distal along the distal humeral shaft, z posterior; origin midway between
the centres of trochlea and capitellum, which are the ends of the axis of flexion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from training.simulate.people import People
from training.simulate.pose import Frame
from training.simulate.raster import smooth_normals
from training.simulate.rules import edges_of, fit_sphere
from training.simulate.scene import FloatArray, IntArray
from training.simulate.wrist.regions import shaft_axes

ELBOW_BONES = ("humerus", "radius", "ulna")
# Slabs of the shafts, mm above the distal end of the humerus or below the olecranon.
_HUMERUS_MM = {"shaft_distal": (62.0, 68.0), "shaft_proximal": (92.0, 98.0)}
_ULNA_MM = {"shaft_proximal": (48.0, 54.0), "shaft_distal": (82.0, 88.0)}
_RADIUS_MM = {"head_rim": (2.0, 6.0), "neck": (20.0, 25.0), "tail": (180.0, 200.0)}
_TROCHLEA_END = 0.44  # of the way from the medial to the lateral epicondyle
_CAPITELLUM = (0.74, 0.92)
# Directions from the centre of the capitellum, degrees from distal to the front: its base faces 40 degrees.
_BASE_DEG = {"anterior": 150.0, "posterior": -70.0}


@dataclass(frozen=True, eq=False)
class ElbowRegions:
    """Vertex numbers by name (``<bone>.<region>``) and edges [E, 2] of each bone by its key."""

    sets: Mapping[str, IntArray]
    edges: Mapping[str, IntArray]


def elbow_frame(humerus: FloatArray, sets: Mapping[str, IntArray]) -> Frame:
    """The elbow frame of a person's humerus, vertices [V, 3] in the whole-body frame."""
    trochlea, capitellum = trochlea_centre(humerus, sets), capitellum_centre(humerus, sets)[0]
    across = humerus[sets["humerus.lateral_epicondyle"]].mean(axis=0) - humerus[
        sets["humerus.medial_epicondyle"]
    ].mean(axis=0)
    far, near = (humerus[sets[f"humerus.{slab}"]] for slab in ("shaft_proximal", "shaft_distal"))
    return Frame(shaft_axes(far, near, across)[0], (trochlea + capitellum) / 2)


def capitellum_centre(humerus: FloatArray, sets: Mapping[str, IntArray]) -> tuple[FloatArray, float]:
    """Centre [3] and radius of the capitellum."""
    return fit_sphere(humerus[sets["humerus.capitellum"]])


def trochlea_centre(humerus: FloatArray, sets: Mapping[str, IntArray]) -> FloatArray:
    """Centre [3] of the trochlear groove."""
    return fit_sphere(humerus[sets["humerus.trochlea"]])[0]


@lru_cache(maxsize=4)
def elbow_regions(people: People) -> ElbowRegions:
    """The vertex sets of the elbow, found on the template, whose arms hang with the palms forwards."""
    surfaces = {name: people.template(name) for name in ELBOW_BONES}
    sets: dict[str, IntArray] = {}
    _humerus(*surfaces["humerus"], sets)
    _capitellar_base(surfaces["humerus"][0], sets)
    _ulna(surfaces["ulna"][0], sets)
    _radius(surfaces["radius"][0], sets)
    return ElbowRegions(sets, {name: edges_of(surface[1]) for name, surface in surfaces.items()})


def _humerus(v: FloatArray, faces: IntArray, sets: dict[str, IntArray]) -> None:
    normal = smooth_normals(v, faces, 2)
    height = v[:, 2] - v[:, 2].min()
    for name, (low, high) in _HUMERUS_MM.items():
        sets[f"humerus.{name}"] = _numbers((height > low) & (height < high))
    end = height < 40.0
    left, right = float(v[end, 0].min()), float(v[end, 0].max())
    part = (v[:, 0] - left) / (right - left)
    sets["humerus.end"] = _numbers(end)
    sets["humerus.medial_epicondyle"] = _numbers(end & (part < 0.12))
    sets["humerus.lateral_epicondyle"] = _numbers(end & (part > 0.93) & (height > 12.0))
    facing = (normal[:, 1] < -0.3) | (normal[:, 2] < -0.6)
    ball = (part > _CAPITELLUM[0]) & (part < _CAPITELLUM[1])
    sets["humerus.capitellum"] = _numbers(ball & (height < 26.0) & facing & (normal[:, 2] < 0.5))
    groove = (part > 0.4) & (part < 0.52) & (height < 26.0) & (normal[:, 2] < 0.5)
    sets["humerus.trochlea"] = _numbers(groove & (np.abs(normal[:, 0]) < 0.75))
    sets["humerus.trochlea_lip"] = _numbers((part > 0.1) & (part < _TROCHLEA_END) & (height < 12.0))
    sets["humerus.capitellum_end"] = _numbers(ball & (height < 20.0))


def _capitellar_base(humerus: FloatArray, sets: dict[str, IntArray]) -> None:
    """Both ends of the base of the capitellum, where its growth plate was, in the sagittal plane."""
    v = elbow_frame(humerus, sets).local(humerus)
    centre, radius = capitellum_centre(v, sets)
    for name, degrees in _BASE_DEG.items():
        place = centre + radius * np.array([0.0, np.cos(np.radians(degrees)), -np.sin(np.radians(degrees))])
        nearest = np.argsort(np.linalg.norm(v - place, axis=1))[:6]
        sets[f"humerus.capitellum_{name}"] = np.sort(nearest).astype(np.int32)


def _ulna(v: FloatArray, sets: dict[str, IntArray]) -> None:
    depth = v[:, 2].max() - v[:, 2]
    for name, (low, high) in _ULNA_MM.items():
        sets[f"ulna.{name}"] = _numbers((depth > low) & (depth < high))
    middle = float(np.median(v[depth < 12.0, 1]))
    sets["ulna.olecranon"] = _numbers((depth < 18.0) & (v[:, 1] < middle + 4.0))
    sets["ulna.coronoid"] = _numbers((depth > 12.0) & (depth < 32.0) & (v[:, 1] < middle - 12.0))
    sets["ulna.end"] = _numbers(depth < 34.0)
    sets["ulna.distal"] = _numbers(depth > depth.max() - 12.0)


def _radius(v: FloatArray, sets: dict[str, IntArray]) -> None:
    depth = v[:, 2].max() - v[:, 2]
    for name, (low, high) in _RADIUS_MM.items():
        sets[f"radius.{name}"] = _numbers((depth > low) & (depth < high))
    sets["radius.head"] = _numbers(depth < 8.0)


def _numbers(mask: NDArray[np.bool_]) -> IntArray:
    return np.flatnonzero(mask).astype(np.int32)
