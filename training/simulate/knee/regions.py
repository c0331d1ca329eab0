"""Places on femur, tibia and patella as sets of vertex numbers, and the frames that they span.

The sets are found once on the template and hold for every person, because vertex i of a bone is the
same anatomical point in all of them. Frames of a left leg have x to the side of the fibula, y backwards
and z up along the mechanical axis of the bone; a right leg is mirrored before it is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from training.simulate.people import People
from training.simulate.pose import Frame
from training.simulate.rules import edges_of, fit_sphere
from training.simulate.scene import FloatArray, IntArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Patch:
    """Part of a surface whose outline is read: ``vertices`` of the bone and ``edges`` [E, 2] among them."""

    vertices: IntArray
    edges: IntArray

    @property
    def whole_edges(self) -> IntArray:
        """The edges [E, 2] as vertices of the bone."""
        return np.asarray(self.vertices[self.edges], dtype=np.int32)

    @classmethod
    def of(cls, faces: IntArray, chosen: Mask) -> Patch:
        """The patch of all faces whose three vertices are ``chosen`` [V]."""
        numbers, edges = np.unique(edges_of(faces, chosen), return_inverse=True)
        return cls(numbers.astype(np.int32), edges.reshape(-1, 2).astype(np.int32))


@dataclass(frozen=True, eq=False)
class FemurParts:
    """Vertex numbers on the femur. ``rings`` are slabs at 1/4, 1/2 and 3/4 of its length from the hip."""

    head: IntArray
    neck: IntArray
    trochanter: IntArray
    condyle_medial: IntArray
    condyle_lateral: IntArray
    joint_medial: IntArray
    joint_lateral: IntArray
    posterior_medial: IntArray
    posterior_lateral: IntArray
    groove: IntArray
    notch_roof: IntArray
    trochlea: IntArray
    crest_medial: IntArray
    crest_lateral: IntArray
    front: IntArray
    distal_end: IntArray
    rings: tuple[IntArray, IntArray, IntArray]


@dataclass(frozen=True, eq=False)
class TibiaParts:
    """Vertex numbers on the tibia. ``rings`` are slabs at 1/4, 1/2 and 3/4 of its length from the knee."""

    floor_medial: IntArray
    floor_lateral: IntArray
    rim: IntArray
    rim_medial: IntArray
    spine_medial: IntArray
    spine_lateral: IntArray
    insertion: IntArray
    plafond: IntArray
    proximal_end: IntArray
    rings: tuple[IntArray, IntArray, IntArray]


@dataclass(frozen=True, eq=False)
class PatellaParts:
    """Vertex numbers on the patella: its articular surface, split at the ridge, both ends, and all."""

    articular: IntArray
    facet_medial: IntArray
    facet_lateral: IntArray
    apex: IntArray
    base: IntArray
    outline: IntArray


@dataclass(frozen=True, eq=False)
class LegRegions:
    """Parts of the bones of a leg, and patches of them whose outline is read.

    ``tibia_in_femur`` is the middle of the plateau in the frame of the femur, as the template lies.
    """

    femur: FemurParts
    tibia: TibiaParts
    patella: PatellaParts
    patches: Mapping[str, Patch]
    tibia_in_femur: FloatArray


def _numbers(mask: Mask) -> IntArray:
    return np.flatnonzero(mask).astype(np.int32)


def _normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    return np.asarray(trimesh.Trimesh(vertices, faces, process=False).vertex_normals, dtype=np.float64)


def _slab(z: FloatArray, level: float, half_mm: float = 6.0) -> IntArray:
    return _numbers(np.abs(z - level) < half_mm)


def _head(v: FloatArray) -> IntArray:
    """The vertices of the femoral head: those near a sphere fitted again and again."""
    top = float(v[:, 2].max())
    upper = v[:, 2] > top - 55.0
    chosen = upper & (v[:, 0] < v[upper, 0].min() + 28.0)
    for _ in range(8):
        centre, radius = fit_sphere(v[chosen])
        inward = centre - v[v[:, 2] > top - 90.0].mean(axis=0)
        inward /= np.linalg.norm(inward)
        spoke = v - centre
        miss = np.abs(np.linalg.norm(spoke, axis=1) - radius)
        chosen = (miss < 1.5) & (spoke @ inward > -0.35 * radius)
    return _numbers(chosen)


def _neck(p: FloatArray, hip: FloatArray, radius: float) -> IntArray:
    """The vertices around the middle of the neck: a slab across a line from the head, found in rounds."""
    axis = np.array([0.75, 0.0, -0.66])
    for _ in range(6):
        along = (p - hip) @ axis
        off = np.linalg.norm(p - hip - along[:, None] * axis, axis=1)
        slab = (np.abs(along - 1.25 * radius) < 0.2 * radius) & (off < 1.1 * radius)
        middle = (p[slab].min(axis=0) + p[slab].max(axis=0)) / 2.0 - hip
        axis = middle / np.linalg.norm(middle)
    return _numbers(slab)


def _axes(x: FloatArray, z: FloatArray) -> FloatArray:
    z = z / np.linalg.norm(z)
    y = np.cross(z, x)
    y /= np.linalg.norm(y)
    return np.stack([np.cross(y, z), y, z])


def femur_frame(v: FloatArray, parts: FemurParts) -> Frame:
    """Origin at the top of the notch between the condyles, z to the head, x along the posterior condyles."""
    head, _ = fit_sphere(v[parts.head])
    knee = v[parts.notch_roof].mean(axis=0)
    across = v[parts.posterior_lateral].mean(axis=0) - v[parts.posterior_medial].mean(axis=0)
    return Frame(_axes(across, head - knee), knee)


def tibia_frame(v: FloatArray, parts: TibiaParts) -> Frame:
    """Origin between both floors of the plateau, z from the ankle, x from the medial to the lateral floor."""
    medial, lateral = v[parts.floor_medial].mean(axis=0), v[parts.floor_lateral].mean(axis=0)
    knee, ankle = (medial + lateral) / 2.0, v[parts.plafond].mean(axis=0)
    return Frame(_axes(lateral - medial, knee - ankle), knee)


def _femur(v: FloatArray, f: IntArray) -> FemurParts:
    head = _head(v)
    low = float(v[:, 2].min())
    feet = v[v[:, 2] < low + 14.0]
    middle = np.array([(feet[:, 0].min() + feet[:, 0].max()) / 2.0, np.median(feet[:, 1]), low + 20.0])
    centre, radius = fit_sphere(v[head])
    frame = Frame(_axes(np.array([1.0, 0.0, 0.0]), centre - middle), middle)
    for _ in range(2):
        p, n = frame.local(v), _normals(v, f) @ frame.axes.T
        bottom = float(p[:, 2].min())
        h = p[:, 2] - bottom
        back = (n[:, 1] > 0.6) & (h < 45.0) & (p[:, 1] > 12.0) & (np.abs(p[:, 0]) > 8.0)
        sides = []
        for sign in (-1.0, 1.0):
            side = back & (p[:, 0] * sign > 0)
            sides.append(_numbers(side & (p[:, 1] > p[side, 1].max() - 4.0)))
        across = v[sides[1]].mean(axis=0) - v[sides[0]].mean(axis=0)
        frame = Frame(_axes(across, centre - middle), frame.origin)
    p, n = frame.local(v), _normals(v, f) @ frame.axes.T
    h = p[:, 2] - float(p[:, 2].min())
    under = (n[:, 2] < -0.35) & (h < 26.0) & (np.abs(p[:, 0]) > 12.0)
    joint = (h < 50.0) & ((n[:, 2] < -0.2) | (n[:, 1] > 0.3)) & (np.abs(p[:, 0]) > 10.0)
    roof = (np.abs(p[:, 0]) < 7.0) & (n[:, 2] < -0.4) & (h > 12.0) & (h < 36.0) & (p[:, 1] > -12.0)
    front = (n[:, 1] < -0.25) & (h < 65.0) & (p[:, 1] < -4.0)
    length = float(np.ptp(p[:, 2]))
    hip = frame.local(centre[None])[0]
    outward = p[:, 0] > hip[0] + 1.3 * radius
    neck = _neck(p, hip, radius)
    rings = tuple(_slab(p[:, 2], float(hip[2] - t * (hip[2] + h.min()))) for t in (0.3, 0.5, 0.7))
    return FemurParts(
        head=head,
        neck=neck,
        trochanter=_numbers(outward & (p[:, 2] > hip[2] - 45.0)),
        condyle_medial=_numbers(under & (p[:, 0] < 0)),
        condyle_lateral=_numbers(under & (p[:, 0] > 0)),
        joint_medial=_numbers(joint & (p[:, 0] < 0)),
        joint_lateral=_numbers(joint & (p[:, 0] > 0)),
        posterior_medial=sides[0],
        posterior_lateral=sides[1],
        groove=_numbers(front & (np.abs(p[:, 0]) < 5.0) & (h > 16.0)),
        notch_roof=_numbers(roof),
        trochlea=_numbers(front & (np.abs(p[:, 0]) < 34.0)),
        crest_medial=_numbers(front & (p[:, 0] < -6.0)),
        crest_lateral=_numbers(front & (p[:, 0] > 6.0)),
        front=_numbers((n[:, 1] < -0.1) & (h < 120.0) | (n[:, 2] < -0.3) & (h < 30.0)),
        distal_end=_numbers(h < 0.14 * length),
        rings=(rings[0], rings[1], rings[2]),
    )


def _tibia(v: FloatArray, f: IntArray, talus: FloatArray) -> TibiaParts:
    n = _normals(v, f)
    top = float(v[:, 2].max())
    flat = (n[:, 2] > 0.85) & (v[:, 2] > top - 22.0)
    near = cKDTree(talus).query(v, distance_upper_bound=9.0)[0] < 8.0
    low = near & (n[:, 2] < -0.85) & (v[:, 2] > v[:, 2].min() + 7.0)
    # Across the ankle, from the medial malleolus to the other side of the roof; its fillet is left out.
    tip = v[v[:, 2] < v[:, 2].min() + 4.0].mean(axis=0)
    across = v[low].mean(axis=0) - tip
    place = (v - tip) @ (across * [1.0, 1.0, 0.0]) / np.linalg.norm(across[:2])
    start, end = place[low].min(), place[low].max()
    low &= place > start + 0.12 * (end - start)
    x0 = (v[flat, 0].min() + v[flat, 0].max()) / 2.0
    parts = TibiaParts(
        floor_medial=_numbers(flat & (v[:, 0] < x0 - 12.0)),
        floor_lateral=_numbers(flat & (v[:, 0] > x0 + 10.0)),
        plafond=_numbers(low),
        **{
            name: _numbers(low)
            for name in ("rim", "rim_medial", "spine_medial", "spine_lateral", "insertion")
        },
        proximal_end=_numbers(flat),
        rings=(_numbers(flat),) * 3,
    )
    for _ in range(2):
        frame = tibia_frame(v, parts)
        p, m = frame.local(v), n @ frame.axes.T
        rim = (p[:, 2] > -12.0) & (m[:, 2] > -0.2)
        width = p[rim, 0].max() - p[rim, 0].min()
        flat = (m[:, 2] > 0.8) & (np.abs(p[:, 2]) < 6.0) & (np.abs(p[:, 1]) < 0.28 * width)
        eminence = (np.abs(p[:, 0]) < 0.2 * width) & (p[:, 2] > 2.0) & (np.abs(p[:, 1]) < 0.3 * width)
        parts = TibiaParts(
            floor_medial=_numbers(flat & (p[:, 0] < -0.2 * width) & (p[:, 0] > -0.46 * width)),
            floor_lateral=_numbers(flat & (p[:, 0] > 0.17 * width) & (p[:, 0] < 0.46 * width)),
            plafond=parts.plafond,
            rim=_numbers((p[:, 2] > np.where(p[:, 0] > 0, -4.0, -8.0)) & (m[:, 2] > 0.2)),
            rim_medial=_numbers((p[:, 2] > -12.0) & (m[:, 2] > 0.1) & (p[:, 0] < -0.2 * width)),
            spine_medial=_numbers(eminence & (p[:, 0] < -0.01 * width)),
            spine_lateral=_numbers(eminence & (p[:, 0] > -0.01 * width)),
            insertion=_nearest(p, _insertion(p)),
            proximal_end=_numbers(p[:, 2] > -60.0),
            rings=tuple(_slab(p[:, 2], t * float(p[:, 2].min())) for t in (0.25, 0.5, 0.75)),  # type: ignore[arg-type]
        )
    return parts


def _insertion(p: FloatArray) -> FloatArray:
    """The front of the tibia at the upper half of the tuberosity, 27 mm below the plateau."""
    slab = p[np.abs(p[:, 2] + 27.0) < 3.0]
    return np.asarray(slab[slab[:, 1].argmin()])


def _nearest(points: FloatArray, place: FloatArray) -> IntArray:
    return np.argsort(np.linalg.norm(points - place, axis=1))[:4].astype(np.int32)


def _patella(v: FloatArray, f: IntArray) -> PatellaParts:
    n = _normals(v, f)
    low, high = float(v[:, 2].min()), float(v[:, 2].max())
    back = (n[:, 1] > 0.35) & (v[:, 2] > low + 0.24 * (high - low)) & (v[:, 2] < high - 1.0)
    ridge = float(np.average(v[back, 0], weights=np.exp((v[back, 1] - v[back, 1].max()) / 1.5)))
    return PatellaParts(
        articular=_numbers(back),
        facet_medial=_numbers(back & (v[:, 0] < ridge)),
        facet_lateral=_numbers(back & (v[:, 0] >= ridge)),
        apex=_numbers(v[:, 2] < low + 3.0),
        base=_numbers(v[:, 2] > high - 3.0),
        outline=_numbers(np.ones(len(v), dtype=np.bool_)),
    )


def _neck_collar(v: FloatArray, parts: FemurParts) -> Mask:
    """The neck and what is around it, without head, trochanters and shaft."""
    head, radius = fit_sphere(v[parts.head])
    middle = v[parts.neck].mean(axis=0)
    axis = (middle - head) / np.linalg.norm(middle - head)
    along = (v - head) @ axis
    off = np.linalg.norm(v - head - along[:, None] * axis, axis=1)
    return np.asarray((along > 0.3 * radius) & (along < 2.6 * radius) & (off < 2.5 * radius))


@lru_cache(maxsize=4)
def leg_regions(people: People) -> LegRegions:
    """The parts of the bones of one skeleton's left leg; cached."""
    (fv, ff), (tv, tf), (pv, pf) = (people.template(bone) for bone in ("femur", "tibia", "patella"))
    femur, tibia, patella = _femur(fv, ff), _tibia(tv, tf, people.template("talus")[0]), _patella(pv, pf)
    femur_at, tibia_at = femur_frame(fv, femur), tibia_frame(tv, tibia)
    p, t = femur_at.local(fv), tibia_at.local(tv)
    h, fn = p[:, 2] - float(p[:, 2].min()), _normals(fv, ff) @ femur_at.axes.T
    wide = float(np.ptp(t[tibia.rim, 0]))
    up = _normals(tv, tf) @ tibia_at.axes[2]
    floor = (t[:, 2] > -14.0) & (np.abs(t[:, 1]) < 0.2 * wide) & (up > 0.45)
    length = float(-t[:, 2].min())
    hollow = (h < 45.0) & (np.abs(p[:, 0]) < 18.0) & (fn[:, 2] < 0.3)
    patches = {
        "femur_shaft": Patch.of(ff, (h > 40.0) & (p[:, 2] < 0.85 * p[:, 2].max())),
        "femur_medial_condyle": Patch.of(ff, (h < 30.0) & (p[:, 0] < -4.0) & (fn[:, 2] < 0.1)),
        "femur_lateral_condyle": Patch.of(ff, (h < 36.0) & (p[:, 0] > 4.0) & (fn[:, 2] < 0.1)),
        "femur_notch": Patch.of(ff, hollow),
        "tibia_shaft": Patch.of(tf, (t[:, 2] < -15.0) & (t[:, 2] > -0.92 * length)),
        "tibia_floor": Patch.of(tf, floor),
        "tibia_floor_medial": Patch.of(tf, (t[:, 2] > -14.0) & (up > 0.3) & (t[:, 0] < -0.2 * wide)),
        "trochlea": Patch.of(ff, np.isin(np.arange(len(fv)), femur.trochlea)),
        "patella": Patch.of(pf, np.ones(len(pv), dtype=np.bool_)),
        "femur_neck": Patch.of(ff, _neck_collar(fv, femur)),
        "tibia_plafond": Patch.of(tf, np.isin(np.arange(len(tv)), tibia.plafond)),
    }
    return LegRegions(
        femur, tibia, patella, MappingProxyType(patches), femur_at.local(tibia_at.origin[None])[0]
    )
