"""Random pelvis films of children with open growth plates, seen from the front (``pelvis_ap_child``).

The bones are an adult's, made smaller, with what is cartilage in a child cut away: the triradiate
cartilage, the plates of the head and of the greater trochanter, and the outer part of the head.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training.simulate.framing import framed
from training.simulate.pelvis.ap import shaft_rules
from training.simulate.pelvis.build import Placement, pelvis_bones, soft_tissue
from training.simulate.pelvis.draw import draw_child_shapes, draw_legs
from training.simulate.pelvis.points import Fixed, PieceFarthest, SceneDirection
from training.simulate.pelvis.pose import SIDES, SUFFIX, Pelvis, assemble, stand
from training.simulate.pelvis.regions import femur_regions, hip_bone_regions
from training.simulate.pelvis.shape import EDGE_DOWN_DEG
from training.simulate.people import People
from training.simulate.pose import ramp
from training.simulate.rules import Between, Direction, Farthest, Mean, fit_sphere
from training.simulate.scene import Camera, FloatArray, PointRule, Scene, Surface
from training.simulate.solids import ball, cut

_YOUNGEST, _OLDEST = 1.3, 13.0
# How much narrower a bone is at its plate than the cartilage beyond: at the head and at the trochanter.
_NARROWER = (0.2, 0.5)
SHAFT_LEVELS = {"proximal": 0.5, "distal": 0.65}
"""Sections of the shaft below the growth plate of the head, in distances of the plates of both sides."""

_NECK, _HEAD = 0, 1  # places among the drawn pieces of a femur
_MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Maturity:
    """How far one child has grown. Lengths are fractions of the radius of the full-grown head.

    ``size`` is relative to the adult, ``nucleus`` the width of the bony head relative to the cartilage's,
    ``flat`` its height relative to its width, ``plate`` the gap of the head's growth plate,
    ``triradiate`` that of the triradiate cartilage, ``trochanter`` the size of the trochanter's centre
    (0: none yet).
    """

    size: float
    nucleus: float
    flat: float
    plate: float
    triradiate: float
    trochanter: float


@dataclass(frozen=True, eq=False)
class HipPlates:
    """Where the growth plates of one left hip lie: ``physis`` and its unit normal ``slope`` [3] from the
    head to the shaft, and ``triradiate`` [3] on the socket's floor, in the body frame.
    """

    physis: FloatArray
    slope: FloatArray
    triradiate: FloatArray


def child_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random child's pelvis, the patient's right on the image left."""
    scene = child_scene(rng, people)
    return scene, _camera(scene, rng, side_px)


def child_scene(rng: np.random.Generator, people: People, variation: float = 1.0) -> Scene:
    """The scene of ``child_film``; ``variation`` scales the spread of shape and pose, not that of age.

    ``truth`` holds ``hilgenreiner_epiphyseal_left`` and ``_right``, set for a level pelvis.
    """
    v = variation
    age = float(rng.uniform(_YOUNGEST, _OLDEST))
    maturity = _maturity(rng, age, v)
    shapes, legs = draw_child_shapes(rng, age, v), draw_legs(rng, v)
    pelvis = _smaller(assemble(rng, people, shapes, legs, rng.uniform(5.0, 8.0), v), maturity.size)
    slopes = {side: float(np.clip(24.0 + 9.0 * v * rng.standard_normal(), 4.0, 58.0)) for side in SIDES}
    spread = np.clip(v * rng.standard_normal(3), -2.6, 2.6) * [7.0, 3.0, 3.0] + [5.0, 0.0, 0.0]
    shift = v * rng.uniform([-12.0, 0.0, -5.0], [12.0, 0.0, 60.0])
    place = Placement(stand(*(float(s) for s in spread)), shift * pelvis.size)
    bones = {bone.name: bone for bone in pelvis_bones(rng, people, pelvis, place)}
    by_side: dict[str, dict[str, PointRule]] = {}
    for side in SIDES:
        plates = _plates(people, pelvis, side, slopes[side])
        for name, pieces in (
            (f"femur{SUFFIX[side]}", _femur_pieces(people, pelvis, side, plates, maturity)),
            (f"hip_bone{SUFFIX[side]}", _hip_pieces(people, pelvis, side, plates, maturity)),
        ):
            drawn = tuple(Surface(place(piece.vertices_mm), piece.faces) for piece in pieces)
            bones[name] = replace(bones[name], drawn=drawn)
        by_side[side] = _side_rules(people, side, plates, maturity, pelvis, place)
    middle = {s: Between(rules["physis_medial"], rules["physis_lateral"]) for s, rules in by_side.items()}
    for side, rules in by_side.items():
        rules |= shaft_rules(people, side, middle[side], (middle["left"], middle["right"]), SHAFT_LEVELS)
    return Scene(
        "pelvis_ap_child",
        "bodyparts3d",
        tuple(bones.values()),
        soft_tissue(rng, pelvis, place),
        {},
        {f"{name}_{side}": rule for side, rules in by_side.items() for name, rule in rules.items()},
        {f"hilgenreiner_epiphyseal_{side}": slope for side, slope in slopes.items()},
    )


def _maturity(rng: np.random.Generator, age: float, variation: float) -> Maturity:
    share = (age - _YOUNGEST) / (_OLDEST - _YOUNGEST)
    wave = np.clip(variation * rng.standard_normal(4), -2.5, 2.5)
    nucleus = float(np.clip(np.interp(age, [1.3, 3.0, 6.0, 10.0], [0.42, 0.66, 0.86, 0.97]), 0.3, 1.0))
    return Maturity(
        size=float(np.interp(age, [1.3, 6.0, 13.0], [0.42, 0.62, 0.88]) * np.exp(0.05 * wave[0])),
        nucleus=float(np.clip(nucleus + 0.05 * wave[1], 0.32, 1.0)),
        flat=float(np.clip(0.92 + 0.06 * wave[2] - 0.25 * (rng.random() < 0.08 * variation), 0.5, 1.05)),
        plate=float(np.interp(share, [0.0, 1.0], [0.22, 0.09])),
        triradiate=float(np.interp(share, [0.0, 1.0], [0.55, 0.16]) * np.exp(0.15 * wave[3])),
        trochanter=0.0 if age < 3.5 else float(np.interp(age, [3.5, 9.0], [0.35, 0.95])),
    )


def _smaller(pelvis: Pelvis, size: float) -> Pelvis:
    return Pelvis(
        {name: v * size for name, v in pelvis.vertices.items()},
        pelvis.faces,
        {side: socket * size for side, socket in pelvis.sockets.items()},
        pelvis.size * size,
    )


def _plates(people: People, pelvis: Pelvis, side: str, slope_deg: float) -> HipPlates:
    mirror = _MIRROR if side == "right" else np.ones(3)
    regions, femora = hip_bone_regions(people), femur_regions(people)
    hip = pelvis.vertices[f"hip_bone{SUFFIX[side]}"] * mirror
    femur = pelvis.vertices[f"femur{SUFFIX[side]}"] * mirror
    centre, radius = fit_sphere(femur[femora.head])
    socket = pelvis.sockets[side] * mirror
    down = np.radians(slope_deg)
    slope = np.array([np.sin(down), 0.0, -np.cos(down)])
    # The plate reaches the floor of the socket a little above the socket's middle.
    level = socket[2] + 0.2 * radius
    cup = hip[regions.cup]
    floor = cup[(cup[:, 0] < socket[0]) & (np.abs(cup[:, 1] - socket[1]) < 0.4 * radius)]
    nearest = floor[np.argsort(np.abs(floor[:, 2] - level))[:6]]
    triradiate = np.array([nearest[:, 0].mean(), nearest[:, 1].mean(), level])
    return HipPlates((centre + 0.42 * radius * slope) * mirror, slope * mirror, triradiate * mirror)


def _femur_pieces(
    people: People, pelvis: Pelvis, side: str, plates: HipPlates, maturity: Maturity
) -> list[Surface]:
    """Shaft with neck, the bony centre of the head, and that of the greater trochanter if there is one.

    The first keeps the numbers of the whole bone: what lies beyond a plate is pressed flat onto it.
    """
    name, femora = f"femur{SUFFIX[side]}", femur_regions(people)
    vertices, faces = pelvis.vertices[name], pelvis.faces[name]
    centre, radius = fit_sphere(vertices[femora.head])
    below = _below_plate(plates, maturity, radius)
    outwards = np.array([0.75 if side == "left" else -0.75, 0.0, 0.66])
    outwards = outwards / np.linalg.norm(outwards)
    edge = outwards * (float((vertices[femora.greater_trochanter] @ outwards).max()) - 0.5 * radius)
    # Only the head lies beyond its plate; the trochanter may be higher than the plate's plane.
    near = 1.0 - ramp(np.linalg.norm(vertices - centre, axis=1) / radius, 1.3, 1.7)
    neck = _pressed(vertices, below, -plates.slope, 0.4 * radius, near, _NARROWER[0])
    far = ramp(np.linalg.norm(vertices - centre, axis=1) / radius, 1.3, 1.7)
    tip = vertices[femora.greater_trochanter]
    edge = edge + _level(tip[(tip - edge) @ outwards > -0.3 * radius].mean(axis=0) - edge, outwards)
    neck = _pressed(neck, edge, outwards, 0.3 * radius, far, _NARROWER[1])
    pieces = [Surface(neck, faces), _nucleus(centre, radius, plates, maturity)]
    if maturity.trochanter:
        cap = cut(Surface(vertices, faces), edge + 0.5 * maturity.plate * radius * outwards, outwards)
        cap = cut(cap, centre + 1.35 * radius * outwards * [1, 0, 0] / 0.75, outwards * [1, 0, 0])
        middle = cap.vertices_mm.mean(axis=0)
        pieces.append(Surface(middle + (cap.vertices_mm - middle) * maturity.trochanter, cap.faces))
    return pieces


def _pressed(
    vertices: FloatArray,
    point: FloatArray,
    beyond: FloatArray,
    depth: float,
    weight: FloatArray,
    share: float,
) -> FloatArray:
    """Vertices beyond a plane pressed softly onto it; the bone within ``depth`` of it is rounded off.

    What is pressed comes nearer to the line through ``point`` by ``share`` of its distance.
    """
    away = vertices - point
    height = away @ beyond + depth
    soft = depth * (1.0 - np.exp(-np.maximum(height, 0.0) / depth))
    narrower = (
        -share * ramp(height, 0.3 * depth, 1.8 * depth)[:, None] * (away - (away @ beyond)[:, None] * beyond)
    )
    down = np.where(height > 0.0, soft - height, 0.0)[:, None] * beyond
    return np.asarray(vertices + weight[:, None] * (down + narrower))


def _level(offset: FloatArray, normal: FloatArray) -> FloatArray:
    """The part of an offset [3] that lies in the plane of this unit normal."""
    return np.asarray(offset - (offset @ normal) * normal)


def _nucleus(centre: FloatArray, radius: float, plates: HipPlates, maturity: Maturity) -> Surface:
    """The bony centre of the head: round above, flat towards the plate."""
    sphere = ball(np.zeros(3), 1.0, 3)
    up = -plates.slope
    height = sphere.vertices_mm @ up
    base = -0.42 / maturity.nucleus if maturity.nucleus > 0.9 else -0.5
    low = base * np.tanh(np.minimum(height, 0.0) / base)
    shape = sphere.vertices_mm + (np.where(height < 0.0, low, height) * maturity.flat - height)[:, None] * up
    return Surface(centre + shape * radius * maturity.nucleus, sphere.faces)


def _below_plate(plates: HipPlates, maturity: Maturity, radius: float) -> FloatArray:
    """A point of the end of the neck, beyond the plate."""
    return np.asarray(plates.physis + maturity.plate * radius * plates.slope)


def _hip_pieces(
    people: People, pelvis: Pelvis, side: str, plates: HipPlates, maturity: Maturity
) -> list[Surface]:
    """Ilium, ischium and pubis, apart by the triradiate cartilage.

    The ilium ends in a wedge, lowest in the middle of the socket; the arms of the cartilage rise forwards
    and backwards.
    """
    name, femur = f"hip_bone{SUFFIX[side]}", pelvis.vertices[f"femur{SUFFIX[side]}"]
    radius = fit_sphere(femur[femur_regions(people).head])[1]
    whole = Surface(pelvis.vertices[name], pelvis.faces[name])
    gap = maturity.triradiate * radius
    front, rear = (np.array([0.0, lean, 1.0]) / np.hypot(lean, 1.0) for lean in (0.14, -0.14))
    back = np.array([-0.25 if side == "left" else 0.25, 0.97, 0.0])
    between = pelvis.sockets[side] - 0.3 * radius * back
    ilium = cut(cut(whole, plates.triradiate, front), plates.triradiate, rear)
    ischium = cut(whole, plates.triradiate - gap * rear, -rear)
    pubis = cut(whole, plates.triradiate - gap * front, -front)
    return [
        ilium,
        cut(ischium, between + 0.5 * gap * back, back),
        cut(pubis, between - 0.5 * gap * back, -back),
    ]


def _side_rules(
    people: People, side: str, plates: HipPlates, maturity: Maturity, pelvis: Pelvis, place: Placement
) -> dict[str, PointRule]:
    hips, femora = hip_bone_regions(people), femur_regions(people)
    hip, femur = f"hip_bone{SUFFIX[side]}", f"femur{SUFFIX[side]}"
    sign = 1 if side == "left" else -1
    ends = [Mean("hip_bone_right", hips.teardrop), Mean("hip_bone", hips.teardrop)][::sign]

    def lateral(down_deg: float) -> Direction:
        return Direction(ends[0], ends[1], sign * down_deg)

    radius = fit_sphere(pelvis.vertices[femur][femora.head])[1]
    below = _below_plate(plates, maturity, radius)
    point, beyond, triradiate = place(np.stack([below, below + plates.slope, plates.triradiate]))

    def corner(medial: float) -> SceneDirection:
        # A little towards the head, so that the end of the neck is found and not its flare.
        return SceneDirection(point, beyond, sign * medial * 110.0)

    return {
        "triradiate": Fixed(triradiate),
        "acetabular_edge": Farthest(hip, hips.lateral_rim, lateral(EDGE_DOWN_DEG)),
        "ossified_head_medial": PieceFarthest(femur, _HEAD, lateral(180.0)),
        "ossified_head_lateral": PieceFarthest(femur, _HEAD, lateral(0.0)),
        "physis_medial": PieceFarthest(femur, _NECK, corner(1.0), femora.collar),
        "physis_lateral": PieceFarthest(femur, _NECK, corner(-1.0), femora.collar),
    }


def _camera(scene: Scene, rng: np.random.Generator, side_px: int) -> Camera:
    """A film of the whole pelvis or of its lower part with both hips."""
    source_detector = float(rng.uniform(1000.0, 1150.0))
    object_detector = float(rng.uniform(40.0, 90.0))
    plain = Camera(source_detector, source_detector - object_detector, 1.0, 1, 1, 0.0, 0.0)
    marks = np.array([rule(scene, plain) for rule in scene.point_rules.values()]) / plain.magnification
    wings = [scene.bone(f"hip_bone{SUFFIX[side]}").vertices_mm for side in SIDES]
    crest = min(float(v[:, 1].min()) for v in wings)
    highest, lowest = float(marks[:, 1].min()), float(marks[:, 1].max())
    unit = (lowest - highest) / 150.0
    top = crest + rng.uniform(-70.0, 10.0) * unit if rng.random() < 0.8 else rng.uniform(crest, highest) - 6.0
    sides = rng.uniform(15.0, 80.0, 2) * unit
    left, right = float(marks[:, 0].min()), float(marks[:, 0].max())
    bottom = lowest + rng.uniform(8.0, 90.0) * unit
    return framed((left - sides[0], top, right + sides[1], bottom), side_px, source_detector, object_detector)
