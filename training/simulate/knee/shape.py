"""The shape of one leg: angles of its joints, spaces, heights, and how they are put into the bones.

Each bone is shaped in its own frame (see ``regions``): x to the side of the fibula, y backwards, z up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from training.simulate.knee.regions import LegRegions, femur_frame, tibia_frame
from training.simulate.pose import Frame, Vertices, ramp
from training.simulate.scene import FloatArray

_X, _Y = 0, 1  # axes to turn about
_HALF_GROOVE = 20.0  # mm from the floor of the trochlea to its crests
_GROOVE_DEPTH = 0.17  # of the trochlea, relative to its radius


@dataclass(frozen=True)
class LegShape:
    """Random choices of one leg; degrees and millimetres, angles named as the literature does.

    Spaces are the smallest of the two compartments as seen from the front. ``slope_deg`` is the fall of
    the plateau to the back against the mechanical axis of the tibia. ``patella_size`` is relative to the
    template, whose patella is small; ``patella_ratio`` is the distance from the tuberosity to the apex
    over the length of the patella. ``groove`` scales the depth of the trochlea (1 as in the template,
    which is shallow, 0 flat). ``spine_mm`` raises the lateral tibial spine, ``osteophyte_mm`` is how far
    the rims grow.
    """

    ldfa_deg: float
    mpta_deg: float
    ldta_deg: float
    slope_deg: float
    neck_turn_deg: float
    bow_mm: float
    medial_space_mm: float
    lateral_space_mm: float
    flexion_deg: float
    tibial_rotation_deg: float
    tibial_shift_mm: float
    patella_size: float
    patella_ratio: float
    patella_space_mm: float
    patella_tilt_deg: float
    patella_shift_mm: float
    groove: float
    spine_mm: float
    osteophyte_mm: float


def draw_leg_shape(rng: np.random.Generator, flexion_deg: float) -> LegShape:
    """A random leg, healthy to deformed; ``flexion_deg`` is the knee's."""
    odd = rng.random(4) < (0.25, 0.25, 0.2, 0.2)
    worn = rng.random(2) < (0.3, 0.15)
    varus = float(rng.uniform(-9.0, 9.0))

    def normal(mean: float, spread: float, low: float, high: float) -> float:
        return float(np.clip(rng.normal(mean, spread), low, high))

    medial, lateral = normal(4.3, 0.9, 2.4, 7.0), normal(5.4, 1.2, 2.8, 9.0)
    if worn[0]:
        medial = float(rng.uniform(0.3, 2.8))
    elif worn[1]:
        lateral = float(rng.uniform(0.3, 3.0))
    return LegShape(
        ldfa_deg=normal(87.5 + odd[0] * max(varus, -7.0), 2.2, 77.0, 99.0),
        mpta_deg=normal(87.0 - odd[1] * varus, 2.4, 74.0, 97.0),
        ldta_deg=normal(89.0, 3.0, 80.0, 98.0),
        slope_deg=normal(8.0, 3.5, -3.0, 19.0),
        neck_turn_deg=normal(0.0, 6.0, -18.0, 18.0),
        bow_mm=normal(0.0, 3.0, -8.0, 10.0),
        medial_space_mm=medial,
        lateral_space_mm=lateral,
        flexion_deg=flexion_deg,
        tibial_rotation_deg=normal(0.0, 3.5, -9.0, 9.0),
        tibial_shift_mm=normal(0.0, 1.5, -4.0, 4.0),
        patella_size=normal(1.14, 0.05, 1.0, 1.28),
        patella_ratio=normal(1.1, 0.18, 0.62, 1.7),
        patella_space_mm=normal(4.0, 1.2, 1.0, 7.0),
        patella_tilt_deg=normal(4.0, 4.0, -6.0, 12.0) if not odd[2] else float(rng.uniform(10.0, 28.0)),
        patella_shift_mm=normal(0.5, 2.0, -4.0, 5.0) if not odd[2] else float(rng.uniform(2.0, 13.0)),
        groove=float(rng.uniform(0.1, 1.0)) if odd[3] else normal(1.6, 0.25, 0.9, 2.2),
        spine_mm=float(rng.uniform(0.5, 4.0)),
        osteophyte_mm=float(rng.uniform(1.0, 4.5)) if worn.any() and rng.random() < 0.8 else 0.0,
    )


def condyle_tilt_deg(femur: FloatArray, regions: LegRegions) -> float:
    """Rise of the common tangent of both condyles from medial to lateral, in degrees."""
    parts, angle = regions.femur, 0.0
    medial, lateral = femur[parts.condyle_medial][:, ::2], femur[parts.condyle_lateral][:, ::2]
    for _ in range(3):
        down = np.array([np.sin(np.radians(angle)), -np.cos(np.radians(angle))])
        d = lateral[(lateral @ down).argmax()] - medial[(medial @ down).argmax()]
        angle = float(np.degrees(np.arctan2(d[1], d[0])))
    return angle


def plateau_tilt_deg(tibia: FloatArray, regions: LegRegions) -> float:
    """Rise of the line between both floors of the plateau from medial to lateral, in degrees."""
    parts = regions.tibia
    d = tibia[parts.floor_lateral].mean(axis=0) - tibia[parts.floor_medial].mean(axis=0)
    return float(np.degrees(np.arctan2(d[2], d[0])))


def slope_deg(tibia: FloatArray, regions: LegRegions) -> float:
    """Fall of both floors of the plateau to the back, in degrees."""
    rises = []
    for floor in (regions.tibia.floor_medial, regions.tibia.floor_lateral):
        p = tibia[floor] - tibia[floor].mean(axis=0)
        rises.append(float(p[:, 1] @ p[:, 2]) / float(p[:, 1] @ p[:, 1]))
    return float(-np.degrees(np.arctan(np.mean(rises))))


def plafond_tilt_deg(tibia: FloatArray, regions: LegRegions) -> float:
    """Rise of the plafond from medial to lateral, in degrees."""
    p = tibia[regions.tibia.plafond]
    p = p - p.mean(axis=0)
    return float(np.degrees(np.arctan(float(p[:, 0] @ p[:, 2]) / float(p[:, 0] @ p[:, 0]))))


def shape_femur(bones: Vertices, regions: LegRegions, shape: LegShape) -> None:
    """Bring ``femur`` (and ``patella`` with it) into its frame and give it the angles of ``shape``."""
    parts = regions.femur
    _reframe(bones, ("femur", "patella"), lambda: femur_frame(bones["femur"], parts))
    femur = bones["femur"]
    length = float(femur[:, 2].max())
    femur[:, 0] += shape.bow_mm * np.sin(np.pi * np.clip(femur[:, 2] / length, 0.0, 1.0)) ** 2
    neck, head = femur[parts.neck].mean(axis=0), femur[parts.head].mean(axis=0)
    reach = float(np.linalg.norm(head - neck))
    weight = ramp((femur - neck) @ ((head - neck) / reach), -0.5 * reach, 0.5 * reach)
    # The neck runs up and to the middle: turning its end up makes a steeper neck.
    _turn_by(femur, _Y, shape.neck_turn_deg * weight * (femur[:, 2] > 0.7 * length), neck)
    for _ in range(3):
        wanted = 90.0 - shape.ldfa_deg - condyle_tilt_deg(bones["femur"], regions)
        for name in ("femur", "patella"):
            v = bones[name]
            # A positive turn about the axis that points backwards lowers the lateral side.
            _turn_by(v, _Y, -wanted * (1.0 - ramp(v[:, 2], 20.0, 60.0)), np.array([0.0, 0.0, 38.0]))
        _reframe(bones, ("femur", "patella"), lambda: femur_frame(bones["femur"], parts))


def shape_tibia(bones: Vertices, names: tuple[str, ...], regions: LegRegions, shape: LegShape) -> None:
    """Bring ``tibia`` and the other named bones into its frame and give it the angles of ``shape``."""
    parts = regions.tibia
    _reframe(bones, names, lambda: tibia_frame(bones["tibia"], parts))
    low = float(bones["tibia"][parts.plafond, 2].mean())
    _raise_spine(bones["tibia"], shape.spine_mm)
    knee, ankle = np.array([0.0, 0.0, -42.0]), np.array([0.0, 0.0, low + 40.0])
    # All bones move as one: a turn depends on the height alone, so joints keep their surfaces together.
    counts = np.cumsum([len(bones[name]) for name in names])[:-1]
    v = np.concatenate([bones[name] for name in names])
    first = sum(len(bones[name]) for name in names[: names.index("tibia")])
    tibia = v[first : first + len(bones["tibia"])]
    for _ in range(3):
        near = ramp(v[:, 2], -72.0, -18.0)
        far = 1.0 - ramp(v[:, 2], low + 15.0, low + 70.0)
        _turn_by(v, _Y, -(90.0 - shape.mpta_deg - plateau_tilt_deg(tibia, regions)) * near, knee)
        _turn_by(v, _X, -(shape.slope_deg - slope_deg(tibia, regions)) * near, knee)
        _turn_by(v, _Y, -(90.0 - shape.ldta_deg - plafond_tilt_deg(tibia, regions)) * far, ankle)
        v[:] = tibia_frame(tibia, parts).local(v)
    for name, moved in zip(names, np.split(v, counts), strict=True):
        bones[name] = moved


def _raise_spine(tibia: FloatArray, height_mm: float) -> None:
    """Raise the lateral spine (5 mm lateral to the middle, behind it) and sink the dip beside it."""
    near = tibia[:, 2] > -12.0
    p = tibia[near]
    for x, y, share, reach in ((5.5, 3.0, 1.0, 3.2), (-1.5, 0.0, -0.3, 3.0)):
        far = ((p[:, 0] - x) / reach) ** 2 + ((p[:, 1] - y) / (2.0 * reach)) ** 2
        tibia[near, 2] += share * height_mm * np.exp(-far)


def grow_osteophytes(
    bones: Vertices, regions: LegRegions, rng: np.random.Generator, length_mm: float
) -> None:
    """Spurs at the four corners of the joint; bones in their own frames."""
    sizes = rng.uniform(0.0, length_mm, 4)
    tibia, femur = bones["tibia"], bones["femur"]
    condyle = {-1.0: regions.femur.condyle_medial, 1.0: regions.femur.condyle_lateral}
    floors = {-1.0: regions.tibia.floor_medial, 1.0: regions.tibia.floor_lateral}
    for number, sign in enumerate((-1.0, 1.0)):
        for v, at, lift, size in (
            (tibia, tibia[floors[sign], 2].mean(), -3.0, sizes[number]),
            (femur, femur[condyle[sign], 2].min(), 7.0, sizes[2 + number]),
        ):
            near = np.abs(v[:, 2] - at) < 30.0
            edge = float((v[near, 0] * sign).max())
            weight = ramp(v[:, 0] * sign, edge - 12.0, edge) * np.exp(-(((v[:, 2] - at - lift) / 3.5) ** 2))
            v[:, 0] += sign * size * weight
            v[:, 2] += 0.5 * size * weight * (1.0 if v is tibia else -1.0)


def shape_trochlea(femur: FloatArray, regions: LegRegions, groove: float) -> None:
    """Scale the depth of the trochlea: below 1 its groove is filled, above 1 it is deepened."""
    parts = regions.femur
    centre = trochlea_centre(femur, regions)
    v = femur[parts.trochlea]
    y, z = v[:, 1] - centre[1], v[:, 2] - centre[2]
    distance = np.hypot(y, z)
    across = (v[:, 0] - femur[parts.groove, 0].mean()) / _HALF_GROOVE
    bump = np.clip(1.0 - across**2, 0.0, None) ** 1.5
    # Fades where the groove ends: above at the shaft and below at the notch.
    angle = np.degrees(np.arctan2(-z, -y))
    fade = ramp(angle, -85.0, -45.0) * (1.0 - ramp(angle, 50.0, 80.0))
    factor = 1.0 + (1.0 - groove) * _GROOVE_DEPTH * distance.mean() * bump * fade / distance
    femur[parts.trochlea, 1] = centre[1] + y * factor
    femur[parts.trochlea, 2] = centre[2] + z * factor


def trochlea_centre(femur: FloatArray, regions: LegRegions) -> FloatArray:
    """A point [3] on the axis around which the patella runs: behind the groove, level with the condyles."""
    front = femur[regions.femur.groove].mean(axis=0)
    y, z, radius = condyle_circle(femur, regions)
    return np.array([front[0], min(y, front[1] + 1.7 * radius), z - 0.35 * radius])


def condyle_circle(femur: FloatArray, regions: LegRegions) -> tuple[float, float, float]:
    """Centre (y, z) and radius of the circle through the back of both condyles, from the side."""
    parts = regions.femur
    joint = np.concatenate([femur[parts.joint_medial], femur[parts.joint_lateral]])
    return _circle(joint[joint[:, 1] > 0.0][:, 1:])


def _circle(p: FloatArray) -> tuple[float, float, float]:
    solution = np.linalg.lstsq(np.column_stack([2.0 * p, np.ones(len(p))]), (p**2).sum(axis=1), rcond=None)[0]
    y, z = float(solution[0]), float(solution[1])
    return y, z, float(np.sqrt(solution[2] + y * y + z * z))


def _reframe(bones: Vertices, names: Iterable[str], frame: Callable[[], Frame]) -> None:
    at = frame()
    for name in names:
        bones[name] = at.local(bones[name])


def _turn_by(v: FloatArray, axis: int, degrees: FloatArray, pivot: FloatArray) -> None:
    """Turn each vertex [V, 3] about axis 0, 1 or 2 through ``pivot`` by its own angle [V], in place."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turned = np.flatnonzero(degrees)  # mostly one end of a bone
    angle = np.radians(degrees[turned])
    c, s = np.cos(angle), np.sin(angle)
    p, q = v[turned, i] - pivot[i], v[turned, j] - pivot[j]
    v[turned, i] = pivot[i] + c * p - s * q
    v[turned, j] = pivot[j] + s * p + c * q
