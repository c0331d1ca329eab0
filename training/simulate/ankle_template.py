"""Ankle and lower-leg templates: bones of one person in a common anatomical frame.

Template frame (millimetres): the origin is the centre of the tibial plafond, x points laterally,
y distally along the tibial shaft, z backwards; the two malleolar tips lie in one plane z = constant,
which is the mortise position. All templates are left legs; right legs are mirrored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.interpolate import griddata
from scipy.spatial import cKDTree

from training.simulate.anatomy import load_mesh
from training.simulate.ankle_names import DISTAL_LEVEL, PROXIMAL_LEVEL
from training.simulate.pose import rotation_between

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]
Surface = tuple[FloatArray, IntArray]

_RING_HALF_MM = 8.0
# The crest of the plafond is a shallow saddle. Medially it ends where it turns down into the
# malleolus, laterally a little inside the rim of the fibular notch.
_MEDIAL_BEND_MM = 1.2
_LATERAL_BEND_MM = 2.8
_LATERAL_INSET_MM = 1.5


@dataclass(frozen=True)
class AnkleTemplate:
    """One person's lower leg and foot, with what is needed to move it and to find points on it.

    ``bones`` holds vertices and faces by bone name. ``plafond_medial`` and ``plafond_lateral`` are
    tibia vertices at the ends of the flat plafond. ``regions`` are edge lists [E, 2] of parts of
    the tibia and talus in which points are looked for. ``rings`` are tibia vertices around the
    shaft at the distal and proximal levels. ``dome_axis_yz`` is where the talocrural axis, taken
    parallel to x, crosses the sagittal plane. ``ldta_deg`` and ``foot_pitch_deg`` are the
    lateral distal tibial angle and the foot's plantarflexion as scanned;
    ``foot_in_deg`` is how far the foot points inwards of straight ahead in the mortise position.
    """

    name: str
    bones: Mapping[str, Surface]
    plafond_width_mm: float
    plafond_medial: int
    plafond_lateral: int
    regions: Mapping[str, IntArray]
    rings: tuple[IntArray, IntArray]
    trochlea: IntArray
    talus_medial: int
    talus_lateral: int
    dome_axis_yz: FloatArray
    ldta_deg: float
    foot_pitch_deg: float
    foot_in_deg: float
    heel_vertex: int


@dataclass(frozen=True)
class _Source:
    name: str
    folder: str
    files: Mapping[str, str]
    to_scene: FloatArray
    faces: int
    subdivisions: int
    smoothing: int
    medial_inset_mm: float


_BODYPARTS = {
    "tibia": "Left_tibia",
    "fibula": "Left_fibula",
    "talus": "Left_talus",
    "calcaneus": "Left_calcaneus",
    "navicular": "Navicular_bone_of_left_foot",
    "cuboid": "Left_cuboid_bone",
    "cuneiform_1": "Left_medial_cuneiform_bone",
    "cuneiform_2": "Left_intermediate_cuneiform_bone",
    "cuneiform_3": "Left_lateral_cuneiform_bone",
    "metatarsal_1": "Left_first_metatarsal_bone",
    "metatarsal_2": "Left_second_metatarsal_bone",
    "metatarsal_3": "Left_third_metatarsal_bone",
    "metatarsal_4": "Left_fourth_metatarsal_bone",
    "metatarsal_5": "Left_fifth_metatarsal_bone",
    "proximal_phalanx_1": "Proximal_phalanx_of_left_big_toe",
    "distal_phalanx_1": "Distal_phalanx_of_left_big_toe",
}
_DENVER = {
    "tibia": "Tibia",
    "fibula": "Fibula",
    "talus": "Talus",
    "calcaneus": "Calcaneous",
    "navicular": "Navicular",
    "cuboid": "Cuboid",
    "cuneiform_1": "MedialCuneiform",
    "cuneiform_2": "IntermediateCuneiform",
    "cuneiform_3": "LateralCuneiform",
    "forefoot": "Phalanges",
}
_TARGET_FACES = {"tibia": 9000, "fibula": 4000, "talus": 5000, "calcaneus": 4000, "forefoot": 8000}


def _denver(side: str) -> _Source:
    # The Denver frame has x to the person's right, y forwards, z up.
    sign = -1.0 if side == "Left" else 1.0
    matrix = np.array([[sign, 0, 0], [0, 0, -1], [0, -1, 0]], dtype=np.float64)
    files = {bone: f"{stem}_{side}" for bone, stem in _DENVER.items()}
    return _Source(f"vh_female_denver_{side.lower()}", "vh_female_denver", files, matrix, 2500, 0, 6, 1.0)


_SOURCES: tuple[_Source, ...] = (
    _Source(
        "bodyparts3d",
        "bodyparts3d",
        _BODYPARTS,
        np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], dtype=np.float64),
        0,
        1,
        0,
        3.0,
    ),
    _denver("Left"),
    _denver("Right"),
)
TEMPLATE_NAMES: tuple[str, ...] = tuple(source.name for source in _SOURCES)


@lru_cache(maxsize=8)
def load_template(anatomy: Path, name: str) -> AnkleTemplate:
    """The template of this name from the anatomy folder; ``KeyError`` for an unknown name.

    Takes seconds on the first call and is cached. ``FileNotFoundError`` if a surface is missing.
    """
    source = {s.name: s for s in _SOURCES}[name]
    bones = {bone: _load(anatomy, source, bone) for bone in source.files}
    tibia, fibula = bones["tibia"][0], bones["fibula"][0]
    turn = _shaft_to_y(tibia)
    turn = _malleoli_to_x(tibia @ turn.T, fibula @ turn.T) @ turn
    bones = {bone: (v @ turn.T, f) for bone, (v, f) in bones.items()}
    plafond = _plafond(bones)
    corners = _plafond_ends(bones["tibia"][0][plafond], source.medial_inset_mm)
    origin = corners.mean(axis=0)
    bones = {bone: (v - origin, f) for bone, (v, f) in bones.items()}
    return _describe(source.name, bones, plafond, corners - origin)


def _load(anatomy: Path, source: _Source, bone: str) -> Surface:
    path = anatomy / source.folder / f"{source.files[bone]}.ply"
    # The fused forefoot and toes of one file are several pieces; all of them are wanted.
    vertices, faces = load_mesh(path, 0, source.smoothing, bone != "forefoot")
    if source.faces and len(faces) > _TARGET_FACES.get(bone, source.faces):
        target = _TARGET_FACES.get(bone, source.faces)
        mesh = trimesh.Trimesh(vertices.copy(), faces.astype(np.int64), process=False)
        mesh = mesh.simplify_quadric_decimation(face_count=target)
        vertices, faces = np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces, dtype=np.int32)
    elif source.subdivisions:
        vertices, faces = trimesh.remesh.subdivide_loop(vertices, faces, iterations=source.subdivisions)
    if np.linalg.det(source.to_scene) < 0:
        faces = faces[:, ::-1]
    return np.asarray(vertices @ source.to_scene.T), np.ascontiguousarray(faces, dtype=np.int32)


def _shaft_to_y(tibia: FloatArray) -> FloatArray:
    low, high = tibia[:, 1].min(), tibia[:, 1].max()
    levels = low + (high - low) * np.linspace(0.35, 0.75, 9)
    # Middle of the extent, not the mean: vertices are not spread evenly around the shaft.
    slabs = [tibia[np.abs(tibia[:, 1] - level) < _RING_HALF_MM] for level in levels]
    centres = np.array([(s.min(axis=0) + s.max(axis=0)) / 2.0 for s in slabs])
    direction = np.linalg.svd(centres - centres.mean(axis=0))[2][0]
    direction = direction * np.sign(direction[1])
    return rotation_between(direction, np.array([0.0, 1.0, 0.0]))


def _malleoli_to_x(tibia: FloatArray, fibula: FloatArray) -> FloatArray:
    across = fibula[fibula[:, 1].argmax()] - tibia[tibia[:, 1].argmax()]
    angle = np.arctan2(across[2], across[0])
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _normals(surface: Surface) -> FloatArray:
    mesh = trimesh.Trimesh(surface[0], surface[1], process=False)
    return np.asarray(mesh.vertex_normals, dtype=np.float64)


def _plafond(bones: Mapping[str, Surface]) -> NDArray[np.bool_]:
    """Tibia vertices of the roof of the ankle joint: facing down and close to the talus."""
    tibia, talus = bones["tibia"], bones["talus"]
    distance = cKDTree(talus[0]).query(tibia[0], distance_upper_bound=9.0)[0]
    return np.asarray((distance < 8.0) & (_normals(tibia)[:, 1] > 0.55))


def _plafond_ends(points: FloatArray, medial_inset_mm: float) -> FloatArray:
    """Ends [2, 3] (medial, lateral) of the flat part of the arch's crest."""
    xs = np.arange(points[:, 0].min() + 0.5, points[:, 0].max(), 0.5)
    zs = np.arange(points[:, 2].min(), points[:, 2].max(), 0.5)
    height = griddata(points[:, ::2], points[:, 1], tuple(np.meshgrid(xs, zs, indexing="ij")))
    filled = np.isfinite(height).sum(axis=1) > 8
    xs, height = xs[filled], height[filled]
    best = np.nanargmin(height, axis=1)
    crest = np.stack([xs, height[np.arange(len(xs)), best], zs[best]], axis=1)
    centre = float(np.median(points[:, 0]))
    middle = np.abs(xs - centre) < 10.0
    line = np.polyfit(xs[middle], crest[middle, 1], 1)
    away = np.abs(crest[:, 1] - np.polyval(line, xs))
    first = last = int(np.abs(xs - centre).argmin())
    while first > 0 and away[first - 1] < _MEDIAL_BEND_MM:
        first -= 1
    while last < len(xs) - 1 and away[last + 1] < _LATERAL_BEND_MM:
        last += 1
    first, last = first + round(medial_inset_mm / 0.5), last - round(_LATERAL_INSET_MM / 0.5)
    return np.asarray(crest[[first, last]])


def _edges(faces: IntArray, chosen: NDArray[np.bool_]) -> IntArray:
    kept = faces[chosen[faces].all(axis=1)]
    pairs = np.sort(np.concatenate([kept[:, :2], kept[:, 1:], kept[:, ::2]]), axis=1)
    return np.unique(pairs, axis=0).astype(np.int32)


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


def _nearest(vertices: FloatArray, point: FloatArray) -> int:
    return int(np.linalg.norm(vertices - point, axis=1).argmin())


def _dome_axis(surface: Surface) -> tuple[FloatArray, float]:
    """Centre (y, z) and radius of the circle through the sagittal profile of the talar dome."""
    talus = surface[0]
    up = (_normals(surface)[:, 1] < -0.3) & (np.abs(talus[:, 0]) < 10.0)
    top = talus[up][talus[up][:, 1].argmin()]
    up &= (talus[:, 1] < top[1] + 7.0) & (np.abs(talus[:, 2] - top[2]) < 17.0)
    p = talus[up][:, 1:]
    for _ in range(4):
        system = np.column_stack([2.0 * p, np.ones(len(p))])
        solution = np.linalg.lstsq(system, (p**2).sum(axis=1), rcond=None)[0]
        centre, radius = solution[:2], float(np.sqrt(solution[2] + solution[:2] @ solution[:2]))
        miss = np.abs(np.linalg.norm(p - centre, axis=1) - radius)
        p = p[miss < max(0.8, float(np.quantile(miss, 0.8)))]
    return centre, radius


def _describe(
    name: str, bones: dict[str, Surface], plafond: NDArray[np.bool_], corners: FloatArray
) -> AnkleTemplate:
    tibia, tibia_faces = bones["tibia"]
    fibula, fibula_faces = bones["fibula"]
    talus, talus_faces = bones["talus"]
    width = float(np.linalg.norm(corners[1] - corners[0]))
    normals = _normals(bones["talus"])
    axis, radius = _dome_axis(bones["talus"])
    spoke = talus[:, 1:] - axis
    off_circle = np.abs(np.linalg.norm(spoke, axis=1) - radius)
    front = np.abs(np.arctan2(spoke[:, 1], -spoke[:, 0])) < np.deg2rad(70.0)
    outward = (normals[:, 1:] * spoke).sum(axis=1) / np.linalg.norm(spoke, axis=1)
    trochlea = (off_circle < 3.0) & front & (outward > 0.35)
    # The articular surface of the dome is as wide as the roof above it.
    trochlea &= (talus[:, 0] > corners[0, 0] - 1.5) & (talus[:, 0] < corners[1, 0] + 2.0)
    notch = fibula[np.abs(fibula[:, 1] + width / 3.0) < 4.0]
    split = float((notch[:, 2].min() + notch[:, 2].max()) / 2.0)
    near = tibia[:, 1] > -1.2 * width
    every = np.ones(len(tibia), dtype=np.bool_)
    # Straight ahead of the dome the neck begins; it is not part of the talar body.
    body = talus[:, 2] > axis[1] - 0.75 * radius
    regions = {
        "tibia": _edges(tibia_faces, every),
        "fibula": _edges(fibula_faces, np.ones(len(fibula), dtype=np.bool_)),
        "plafond": _edges(tibia_faces, plafond),
        "tibia_front": _edges(tibia_faces, near & (tibia[:, 2] < split)),
        "tibia_back": _edges(tibia_faces, near & (tibia[:, 2] > split - 1.0)),
        "malleolus": _edges(tibia_faces, (tibia[:, 1] > 0.5) & (tibia[:, 0] < corners[0, 0] + 0.5)),
        "talus_body": _edges(talus_faces, body),
    }
    rings = tuple(
        np.flatnonzero(np.abs(tibia[:, 1] + level * width) < _RING_HALF_MM).astype(np.int32)
        for level in (DISTAL_LEVEL, PROXIMAL_LEVEL)
    )
    roof = [roof_height(tibia, regions["plafond"], float(end[0])) for end in corners]
    slope = np.arctan2((roof[1] or 0.0) - (roof[0] or 0.0), corners[1, 0] - corners[0, 0])
    low, high = ((tibia[ring].min(axis=0) + tibia[ring].max(axis=0)) / 2.0 for ring in rings)
    lean = np.arctan2(low[0] - high[0], low[1] - high[1])
    ldta = 90.0 + float(np.degrees(slope + lean))
    calcaneus = bones["calcaneus"][0]
    heel = int((0.8 * calcaneus[:, 1] + 0.6 * calcaneus[:, 2]).argmax())
    forefoot = _forefoot(bones)
    run = calcaneus[heel] - forefoot
    return AnkleTemplate(
        name=name,
        bones=bones,
        plafond_width_mm=width,
        plafond_medial=_nearest(tibia, corners[0]),
        plafond_lateral=_nearest(tibia, corners[1]),
        regions=regions,
        rings=(rings[0], rings[1]),
        trochlea=np.flatnonzero(trochlea).astype(np.int32),
        talus_medial=_nearest(talus, np.array([corners[0, 0], axis[0], axis[1]])),
        talus_lateral=_nearest(talus, np.array([corners[1, 0], axis[0], axis[1]])),
        dome_axis_yz=axis,
        ldta_deg=ldta,
        foot_pitch_deg=float(np.degrees(np.arctan2(-run[1], run[2]))),
        foot_in_deg=float(np.degrees(np.arctan2(run[0], run[2]))),
        heel_vertex=heel,
    )


def _forefoot(bones: Mapping[str, Surface]) -> FloatArray:
    """A point between the heads of the metatarsals, at the sole."""
    heads = [v for bone, (v, _) in bones.items() if bone.startswith("metatarsal")]
    if heads:
        ends = np.array([v[np.argsort(v[:, 2])[:40]].mean(axis=0) for v in heads])
        return np.asarray(ends.mean(axis=0))
    fused = bones["forefoot"][0]
    direction = np.linalg.svd(fused[::20] - fused.mean(axis=0))[2][0]
    along = (fused - fused.mean(axis=0)) @ (direction * np.sign(direction[1]))
    # Metatarsal heads lie about three fifths of the way from the tarsus to the toe tips.
    cut = along.min() + 0.6 * (along.max() - along.min())
    return np.asarray(fused[np.abs(along - cut) < 5.0].mean(axis=0))
