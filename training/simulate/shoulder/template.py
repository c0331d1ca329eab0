"""Where the named parts of shoulder blade, upper arm bone and collar bone lie on the template bones.

Everything here is a set of vertex numbers or a weight per vertex, found once on the template and then
applied to the bones of any person.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from training.simulate.people import People
from training.simulate.pose import ramp
from training.simulate.raster import smooth_normals
from training.simulate.rules import edges_of, fit_sphere
from training.simulate.scene import FloatArray, IntArray

RIBS = ("first_rib", "second_rib", "third_rib", "fourth_rib", "fifth_rib", "sixth_rib")
VERTEBRAE = ("t1", "t2", "t3", "t4")
THORAX = (*RIBS, *VERTEBRAE)
GIRDLE = ("scapula", "humerus", "clavicle")
BONES = (*GIRDLE, *THORAX)

_HEAD_ELEVATION_DEG = 32.0  # of the head's axis above the plane across the humeral shaft
_HEAD_HALF_ANGLE_DEG = 75.0  # of the articular cap, seen from the centre of the head

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Patch:
    """Part of a bone's surface: its vertices' numbers, and its edges [E, 2] as places in that list."""

    bone: str
    vertices: IntArray
    edges: IntArray


@dataclass(frozen=True, eq=False)
class ShoulderTemplate:
    """Vertex numbers of parts, patches of surface, and weights [V] between 0 and 1.

    Scapula: ``glenoid`` is the joint surface (``_high`` and ``_low`` its ends, ``_rim`` with its rim),
    ``acromion_facet`` the end that faces the clavicle, ``acromion_lateral`` its lateral border,
    ``undersurface`` the lower face of the acromion, ``floor_medial`` and ``floor_lateral`` the bottom of
    the supraspinatus fossa, ``acromion_weight`` and the like say how much a vertex belongs to these
    parts. Humerus: ``cap`` is the joint surface of the head, ``shaft`` a stretch of the shaft,
    ``head_weight`` is 0 in the shaft and 1 above the surgical neck, ``tuberosity_weight`` belongs to the
    greater tuberosity. Clavicle: ``lateral`` and ``medial`` ends, ``clavicle_outer`` the outer third.
    """

    glenoid: IntArray
    glenoid_high: IntArray
    glenoid_low: IntArray
    glenoid_rim: IntArray
    acromion: IntArray
    acromion_lateral: IntArray
    acromion_facet: IntArray
    undersurface: IntArray
    coracoid: IntArray
    floor_medial: IntArray
    floor_lateral: IntArray
    medial_border: IntArray
    roof_patch: Patch
    glenoid_patch: Patch
    acromion_weight: FloatArray
    coracoid_weight: FloatArray
    glenoid_weight: FloatArray
    cap: IntArray
    tuberosity: IntArray
    proximal: IntArray
    shaft: IntArray
    shaft_high: IntArray
    shaft_low: IntArray
    shaft_patch: Patch
    head_patch: Patch
    proximal_patch: Patch
    head_weight: FloatArray
    tuberosity_weight: FloatArray
    lateral: IntArray
    medial: IntArray
    clavicle_outer: IntArray
    clavicle_patch: Patch


@lru_cache(maxsize=8)
def shoulder_template(people: People) -> ShoulderTemplate:
    """The parts of the template bones that ``people`` draws from."""
    scapula, scapula_faces = people.template("scapula")
    normals = smooth_normals(scapula, scapula_faces, 2)
    glenoid = _glenoid(scapula, scapula_faces, normals)
    centre, lateral = scapula[glenoid].mean(axis=0), normals[glenoid].mean(axis=0)
    # Lateral, backwards and up in the position in which the joint surface is seen edge on.
    out = np.array([lateral[0], lateral[1], 0.0]) / np.hypot(lateral[0], lateral[1])
    local = (scapula - centre) @ np.stack([out, [-out[1], out[0], 0.0], [0.0, 0.0, 1.0]]).T
    across, back, up = local.T
    # The spine of the scapula turns into the acromion at the notch above the neck of the glenoid.
    beyond_neck = 0.78 * (back - 18.0) + 0.62 * (up + 0.7)
    towards_acromion = across + 0.5 * (up - 14.3)
    acromion_weight = ramp(towards_acromion, -18.0, 2.0) * ramp(beyond_neck, -2.0, 2.0)
    acromion = acromion_weight > 0.6
    # The plate of the acromion without the neck by which it hangs on the spine of the scapula.
    plate = acromion & (up + 0.485 * back > 25.0) & (across > -4.0)
    down_facing = normals[:, 2] < -0.55
    facet = acromion & (back < 4.0) & (normals @ -out > 0.6) & (up > 24.0)
    coracoid = (back < -8.0) & (up > 10.0) & ~acromion
    fossa = (normals[:, 2] > 0.3) & (acromion_weight < 0.01) & (up > 0.0)
    humerus, humerus_faces = people.template("humerus")
    cap, head_weight, tuberosity_weight, height = _humerus(humerus, humerus_faces)
    clavicle, clavicle_faces = people.template("clavicle")
    outer = clavicle[:, 0] > np.quantile(clavicle[:, 0], 0.68)
    return ShoulderTemplate(
        glenoid=glenoid,
        glenoid_high=glenoid[up[glenoid] > 8.0],
        glenoid_low=glenoid[up[glenoid] < -8.0],
        glenoid_rim=_numbers(_grown(_mask(len(scapula), glenoid), scapula_faces, 3)),
        acromion=_numbers(acromion),
        acromion_lateral=_numbers(acromion & (across > across[acromion].max() - 6.0)),
        acromion_facet=_numbers(facet),
        undersurface=_numbers(acromion & down_facing),
        coracoid=_numbers(coracoid),
        floor_medial=_valley(local, fossa, -62.0),
        floor_lateral=_valley(local, fossa, -32.0),
        medial_border=_numbers(across < across.min() + 8.0),
        roof_patch=_patch("scapula", scapula_faces, plate),
        glenoid_patch=_patch("scapula", scapula_faces, _mask(len(scapula), glenoid)),
        acromion_weight=acromion_weight,
        coracoid_weight=ramp(-back, 6.0, 24.0) * ramp(up, 4.0, 14.0) * (1.0 - acromion_weight),
        glenoid_weight=1.0 - ramp(np.linalg.norm(local, axis=1), 20.0, 38.0),
        cap=cap,
        tuberosity=_numbers(tuberosity_weight > 0.5),
        proximal=_numbers(height > -16.0),
        shaft=_numbers((height < -70.0) & (height > -200.0)),
        shaft_high=_numbers((height < -70.0) & (height > -90.0)),
        shaft_low=_numbers((height < -110.0) & (height > -130.0)),
        shaft_patch=_patch("humerus", humerus_faces, (height < -45.0) & (height > -150.0)),
        head_patch=_patch("humerus", humerus_faces, _grown(_mask(len(humerus), cap), humerus_faces, 4)),
        proximal_patch=_patch("humerus", humerus_faces, height > -30.0),
        head_weight=head_weight,
        tuberosity_weight=tuberosity_weight,
        lateral=_numbers(clavicle[:, 0] > clavicle[:, 0].max() - 3.0),
        medial=_numbers(clavicle[:, 0] < clavicle[:, 0].min() + 8.0),
        clavicle_outer=_numbers(outer),
        clavicle_patch=_patch("clavicle", clavicle_faces, outer),
    )


def _glenoid(scapula: FloatArray, faces: IntArray, normals: FloatArray) -> IntArray:
    """The joint surface: faces that look the way of its middle, connected with it."""
    middle = np.array([146.0, -65.0, 1312.0])  # on the joint surface of the template
    distance = np.linalg.norm(scapula - middle, axis=1)
    out = normals[(distance < 12.0) & (normals[:, 0] > 0.5)].mean(axis=0)
    out /= np.linalg.norm(out)
    return _connected((distance < 26.0) & (normals @ out > 0.8), faces)


def _humerus(humerus: FloatArray, faces: IntArray) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
    """Cap, weights of head and greater tuberosity, and height along the shaft above the head's centre."""
    normals = smooth_normals(humerus, faces, 2)
    top = float(humerus[:, 2].max())
    cap = (humerus[:, 2] > top - 40.0) & (humerus[:, 0] < 175.0)
    shaft = humerus[(humerus[:, 2] < top - 100.0) & (humerus[:, 2] > top - 215.0)]
    middle = shaft.mean(axis=0)
    up = np.linalg.svd(shaft - middle, full_matrices=False)[2][0]
    up *= np.sign(up[2])
    for _ in range(6):
        centre, radius = fit_sphere(humerus[cap])
        offset = centre - middle
        inwards = offset - (offset @ up) * up
        inwards /= np.linalg.norm(inwards)
        rise = np.radians(_HEAD_ELEVATION_DEG)
        axis = np.cos(rise) * inwards + np.sin(rise) * up
        spokes = humerus - centre
        distance = np.linalg.norm(spokes, axis=1)
        spokes = spokes / distance[:, None]
        round_ = (np.abs(distance - radius) < 1.5) & (np.einsum("ij,ij->i", spokes, normals) > 0.9)
        cap = round_ & (spokes @ axis > np.cos(np.radians(_HEAD_HALF_ANGLE_DEG)))
    height = (humerus - centre) @ up
    side = (humerus - centre) @ -inwards
    behind = np.abs((humerus - centre) @ np.cross(up, inwards))
    head = ramp(height, -45.0, -18.0)
    tuberosity = ramp(side, 8.0, 20.0) * ramp(height, -18.0, 8.0) * (1.0 - ramp(behind, 16.0, 26.0))
    return _connected(cap, faces), head, tuberosity, height


def _valley(local: FloatArray, region: Mask, across: float) -> IntArray:
    """The lowest part of an upward-facing region at one place between medial (negative) and lateral."""
    slab = np.flatnonzero(region & (np.abs(local[:, 0] - across) < 4.0))
    lowest = local[slab, 2].min()
    return slab[local[slab, 2] < lowest + 1.0].astype(np.int32)


def _connected(chosen: Mask, faces: IntArray) -> IntArray:
    """The largest connected part of the chosen vertices [V], as vertex numbers."""
    edges = edges_of(faces, chosen)
    shape = (len(chosen), len(chosen))
    labels = connected_components(coo_matrix((np.ones(len(edges)), edges.T), shape=shape), directed=False)[1]
    return _numbers(chosen & (labels == np.bincount(labels[chosen]).argmax()))


def _grown(chosen: Mask, faces: IntArray, rings: int) -> Mask:
    """The chosen vertices [V] with some rings of neighbours."""
    for _ in range(rings):
        chosen = _mask(len(chosen), faces[chosen[faces].any(axis=1)].ravel())
    return chosen


def _patch(bone: str, faces: IntArray, chosen: Mask) -> Patch:
    numbers = _numbers(chosen)
    place = np.zeros(len(chosen), dtype=np.int32)
    place[numbers] = np.arange(len(numbers), dtype=np.int32)
    return Patch(bone, numbers, place[edges_of(faces, chosen)])


def _numbers(chosen: Mask) -> IntArray:
    return np.flatnonzero(chosen).astype(np.int32)


def _mask(count: int, numbers: IntArray) -> Mask:
    mask = np.zeros(count, dtype=bool)
    mask[numbers] = True
    return mask
