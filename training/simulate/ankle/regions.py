"""Vertex numbers of the ankle's joint surfaces, borders and shafts, found once on the template.

Ankle frame (millimetres): the origin is the centre of the tibial plafond, x points laterally (left leg),
y distally along the tibial shaft, z backwards; the two malleolar tips lie in one plane z = constant, which
is the mortise position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from training.simulate.ankle.names import SYNDESMOSIS_LEVEL
from training.simulate.foot.parts import LEG, METATARSALS, MIDFOOT, TOES
from training.simulate.foot.regions import vertex_normals
from training.simulate.people import People
from training.simulate.pose import ramp, rotation_between
from training.simulate.rules import edges_of
from training.simulate.scene import FloatArray, IntArray

ANKLE_BONES = (*LEG, "talus", "calcaneus", *MIDFOOT, *METATARSALS, *(bone for toe in TOES for bone in toe))

# Rows: lateral, distal and backwards in the whole-body frame of a left leg.
_FROM_BODY = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
# Rings of the shaft that tell its axis, in plafond widths above the joint.
_RING_LEVELS = (2.0, 3.5)
_RING_HALF_MM = 8.0
# The crest of the plafond is flat as long as it stays this close to a line along its middle: medially it then
# turns down into the malleolus, laterally up into the fibular notch.
_FLAT_MM = 0.9
_MIDDLE_MM = 10.0
# The medial bend is rounder behind than in front: a reader ends the line before it.
_MEDIAL_INSET_MM = 2.5


@dataclass(frozen=True, eq=False)
class AnkleRegions:
    """Where things are on the bones of any person, by vertex number.

    ``plafond_ends`` are the tibia's vertices at the medial and lateral end of the flat plafond. ``malleolus``
    [V] tells how far each of them moves with the medial malleolus: 0 to 1. ``edges`` [E, 2] are those of
    parts of the bones in which points are looked for. ``shaft`` are slabs of the tibia from knee to ankle,
    ``rings`` its vertices around the shaft at the distal and proximal level, ``notch`` the fibula's that face
    the tibia above the joint. ``trochlea`` is the joint surface of the talar dome, ``dome_profile`` its
    sagittal profile, ``talus_sides`` a medial and a lateral vertex level with its axis. ``heel`` and
    ``forefoot`` lie at the sole.
    """

    faces: Mapping[str, IntArray]
    edges: Mapping[str, IntArray]
    plafond_ends: IntArray
    malleolus: FloatArray
    shaft: tuple[IntArray, ...]
    rings: tuple[IntArray, IntArray]
    notch: IntArray
    trochlea: IntArray
    dome_profile: IntArray
    talus_sides: IntArray
    heel: int
    forefoot: Mapping[str, IntArray]


def in_ankle_frame(vertices: Mapping[str, FloatArray], regions: AnkleRegions) -> dict[str, FloatArray]:
    """A person's bones [V, 3], given in the whole-body frame, in the ankle frame of their own tibia."""
    turn = _axes(vertices["tibia"], vertices["fibula"], regions.shaft)
    origin = vertices["tibia"][regions.plafond_ends].mean(axis=0)
    return {name: np.asarray((v - origin) @ turn.T) for name, v in vertices.items()}


@lru_cache(maxsize=4)
def ankle_regions(people: People) -> AnkleRegions:
    """The vertex sets of the template of these people; takes a second on the first call and is cached."""
    surfaces = {name: people.template(name) for name in ANKLE_BONES}
    faces = {name: f for name, (_, f) in surfaces.items()}
    shaft = _shaft(surfaces["tibia"][0])
    turn = _axes(surfaces["tibia"][0], surfaces["fibula"][0], shaft)
    bones = {name: np.asarray(v @ turn.T) for name, (v, _) in surfaces.items()}
    plafond = _plafond(bones, faces)
    roof = edges_of(faces["tibia"], plafond)
    medial, lateral = _bends(bones["tibia"], roof)
    bend, *ends = (
        _crest_vertex(bones["tibia"], roof, x) for x in (medial, medial + _MEDIAL_INSET_MM, lateral)
    )
    origin = bones["tibia"][ends].mean(axis=0)
    bones = {name: v - origin for name, v in bones.items()}
    return _describe(bones, faces, shaft, roof, np.array(ends, dtype=np.int32), bend)


def plafond_width(tibia: FloatArray, regions: AnkleRegions) -> float:
    """Distance in mm of the ends of the plafond of a tibia [V, 3]."""
    ends = tibia[regions.plafond_ends]
    return float(np.linalg.norm(ends[1] - ends[0]))


def lateral_angle(tibia: FloatArray, regions: AnkleRegions) -> float:
    """Lateral angle in degrees of shaft axis and plafond line in the mortise plane (ankle frame)."""
    medial, lateral = plafond_line(tibia[:, :2], regions)
    slope = np.arctan2(lateral[1] - medial[1], lateral[0] - medial[0])
    low, high = (middle_of(tibia[ring]) for ring in regions.rings)
    lean = np.arctan2(low[0] - high[0], low[1] - high[1])
    return 90.0 + float(np.degrees(slope + lean))


def plafond_line(points: FloatArray, regions: AnkleRegions) -> FloatArray:
    """Ends [2, 2] of the sclerotic line of a tibia [V, 2] on the film: the crest, which rays graze."""
    ends = points[regions.plafond_ends]
    for end in ends:
        height = roof_height(points, regions.edges["plafond"], float(end[0]))
        end[1] = end[1] if height is None else height
    return ends


def foot_direction(vertices: Mapping[str, FloatArray], regions: AnkleRegions) -> tuple[float, float]:
    """Plantarflexion of the sole, and how far the foot points inwards of straight ahead, in degrees."""
    heads = [vertices[name][numbers].mean(axis=0) for name, numbers in regions.forefoot.items()]
    run = vertices["calcaneus"][regions.heel] - np.mean(heads, axis=0)
    return float(np.degrees(np.arctan2(-run[1], run[2]))), float(np.degrees(np.arctan2(run[0], run[2])))


def dome_axis(talus: FloatArray, regions: AnkleRegions) -> FloatArray:
    """Where the talocrural axis, taken parallel to x, crosses the sagittal plane: (y, z)."""
    return _circle(talus[regions.dome_profile, 1:])[0]


def roof_height(points: FloatArray, edges: IntArray, x: float) -> float | None:
    """Height y of the arch's crest at x over edges [E, 2] of points [V, 2 or 3]; None off the arch.

    The mean of the highest quarter of all crossings: a dense line on the film comes from a stretch
    of surface along the ray, not from its single highest spot.
    """
    a, b = points[edges[:, 0]], points[edges[:, 1]]
    passes = (a[:, 0] > x) != (b[:, 0] > x)
    if not passes.any():
        return None
    a, b = a[passes], b[passes]
    heights = np.sort(a[:, 1] + (x - a[:, 0]) / (b[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1]))
    return float(heights[: max(1, len(heights) // 4)].mean())


def middle_of(points: FloatArray) -> FloatArray:
    """Middle [2 or 3] of the extent of points: vertices are not spread evenly around a bone."""
    return np.asarray((points.min(axis=0) + points.max(axis=0)) / 2.0)


def _shaft(tibia: FloatArray) -> tuple[IntArray, ...]:
    low, high = tibia[:, 2].min(), tibia[:, 2].max()
    levels = high + (low - high) * np.linspace(0.35, 0.75, 9)
    return tuple(_numbers(np.abs(tibia[:, 2] - level) < _RING_HALF_MM) for level in levels)


def _axes(tibia: FloatArray, fibula: FloatArray, shaft: tuple[IntArray, ...]) -> FloatArray:
    """Rows [3, 3]: lateral, distal, backwards; bones in the whole-body frame."""
    tibia, fibula = tibia @ _FROM_BODY.T, fibula @ _FROM_BODY.T
    centres = np.array([middle_of(tibia[slab]) for slab in shaft])
    direction = np.linalg.svd(centres - centres.mean(axis=0))[2][0]
    upright = rotation_between(direction * np.sign(direction[1]), np.array([0.0, 1.0, 0.0]))
    tibia, fibula = tibia @ upright.T, fibula @ upright.T
    across = fibula[fibula[:, 1].argmax()] - tibia[tibia[:, 1].argmax()]
    angle = np.arctan2(across[2], across[0])
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ upright @ _FROM_BODY)


def _plafond(bones: Mapping[str, FloatArray], faces: Mapping[str, IntArray]) -> NDArray[np.bool_]:
    """Tibia vertices of the roof of the ankle joint: facing down and close to the talus."""
    tibia = bones["tibia"]
    distance = cKDTree(bones["talus"]).query(tibia, distance_upper_bound=9.0)[0]
    return np.asarray((distance < 8.0) & (vertex_normals(tibia, faces["tibia"])[:, 1] > 0.55))


def _bends(tibia: FloatArray, edges: IntArray) -> FloatArray:
    """Where the arch's crest bends medially and laterally, as x [2]."""
    used = tibia[np.unique(edges), 0]
    centre = float(used.min() + used.max()) / 2.0
    xs = np.arange(used.min() + 0.5, used.max(), 0.5)
    heights = np.array([roof_height(tibia, edges, x) for x in xs], dtype=np.float64)
    middle = np.abs(xs - centre) < _MIDDLE_MM
    bent = np.abs(heights - np.polyval(np.polyfit(xs[middle], heights[middle], 1), xs)) > _FLAT_MM
    outside = np.abs(xs - centre) > _MIDDLE_MM / 2.0
    medial, lateral = (xs[bent & outside & (side * (xs - centre) > 0.0)] for side in (-1.0, 1.0))
    return np.array([medial.max(), lateral.min()])


def _crest_vertex(tibia: FloatArray, edges: IntArray, x: float) -> int:
    """The vertex of the crest next to x, as near to half way from front to back as the crest is."""
    used = np.unique(edges)
    depth = float(np.median(tibia[used, 2]))
    height = roof_height(tibia, edges, x) or 0.0
    off = np.abs(tibia[used] - [x, height, depth])
    return int(used[(off @ [1.0, 1.0, 0.15]).argmin()])


def _circle(p: FloatArray) -> tuple[FloatArray, float]:
    """Centre [2] and radius of the circle through most of the points [N, 2]."""
    for _ in range(4):
        system = np.column_stack([2.0 * p, np.ones(len(p))])
        solution = np.linalg.lstsq(system, (p**2).sum(axis=1), rcond=None)[0]
        centre, radius = solution[:2], float(np.sqrt(solution[2] + solution[:2] @ solution[:2]))
        miss = np.abs(np.linalg.norm(p - centre, axis=1) - radius)
        p = p[miss < max(0.8, float(np.quantile(miss, 0.8)))]
    return centre, radius


def _dome_profile(talus: FloatArray, normals: FloatArray) -> IntArray:
    up = (normals[:, 1] < -0.3) & (np.abs(talus[:, 0]) < 10.0)
    top = talus[up][talus[up][:, 1].argmin()]
    return _numbers(up & (talus[:, 1] < top[1] + 7.0) & (np.abs(talus[:, 2] - top[2]) < 17.0))


def _numbers(chosen: NDArray[np.bool_]) -> IntArray:
    return np.flatnonzero(chosen).astype(np.int32)


def _nearest(vertices: FloatArray, points: FloatArray) -> IntArray:
    return np.asarray(cKDTree(vertices).query(points)[1]).astype(np.int32)


def _describe(
    bones: Mapping[str, FloatArray],
    faces: Mapping[str, IntArray],
    shaft: tuple[IntArray, ...],
    roof: IntArray,
    ends: IntArray,
    bend: int,
) -> AnkleRegions:
    tibia, fibula, talus = bones["tibia"], bones["fibula"], bones["talus"]
    corners = tibia[ends]
    width = float(np.linalg.norm(corners[1] - corners[0]))
    normals = vertex_normals(talus, faces["talus"])
    profile = _dome_profile(talus, normals)
    axis, radius = _circle(talus[profile, 1:])
    spoke = talus[:, 1:] - axis
    off_circle = np.abs(np.linalg.norm(spoke, axis=1) - radius)
    front = np.abs(np.arctan2(spoke[:, 1], -spoke[:, 0])) < np.deg2rad(70.0)
    outward = (normals[:, 1:] * spoke).sum(axis=1) / np.linalg.norm(spoke, axis=1)
    trochlea = (off_circle < 3.0) & front & (outward > 0.35)
    # The articular surface of the dome is as wide as the roof above it.
    trochlea &= (talus[:, 0] > tibia[bend, 0] - 1.0) & (talus[:, 0] < corners[1, 0] + 2.0)
    level = -SYNDESMOSIS_LEVEL * width
    split = float(middle_of(fibula[np.abs(fibula[:, 1] - level) < 4.0])[2])
    near = tibia[:, 1] > -1.2 * width
    # Straight ahead of the dome the neck begins; it is not part of the talar body.
    body = talus[:, 2] > axis[1] - 0.75 * radius
    malleolus = (tibia[:, 1] > 0.5) & (tibia[:, 0] < tibia[bend, 0] + 0.5)
    edges = {
        "tibia": edges_of(faces["tibia"]),
        "fibula": edges_of(faces["fibula"]),
        "plafond": roof,
        "tibia_front": edges_of(faces["tibia"], near & (tibia[:, 2] < split)),
        "tibia_back": edges_of(faces["tibia"], near & (tibia[:, 2] > split - 1.0)),
        "malleolus": edges_of(faces["tibia"], malleolus),
        "talus_body": edges_of(faces["talus"], body),
    }
    distal, proximal = (
        _numbers(np.abs(tibia[:, 1] + level * width) < _RING_HALF_MM) for level in _RING_LEVELS
    )
    sides = np.array([[end[0], axis[0], axis[1]] for end in corners])
    calcaneus = bones["calcaneus"]
    return AnkleRegions(
        faces=faces,
        edges=edges,
        plafond_ends=ends,
        malleolus=ramp(-tibia[:, 0], -tibia[bend, 0] - 2.5, 1.5 - tibia[bend, 0])
        * ramp(tibia[:, 1], -20.0, 4.0),
        shaft=shaft,
        rings=(distal, proximal),
        notch=_numbers((fibula[:, 1] < -0.15 * width) & (fibula[:, 1] > -0.8 * width)),
        trochlea=_numbers(trochlea),
        dome_profile=profile,
        talus_sides=_nearest(talus, sides),
        heel=int((0.8 * calcaneus[:, 1] + 0.6 * calcaneus[:, 2]).argmax()),
        forefoot={
            name: np.argsort(bones[name][:, 2], kind="stable")[:40].astype(np.int32) for name in METATARSALS
        },
    )
