"""The knee put together: tibia under femur with given joint spaces, patella before it at a given height."""

from __future__ import annotations

import numpy as np

from training.simulate.knee.regions import LegRegions
from training.simulate.knee.rules import DENSE_LINE_DOMED
from training.simulate.knee.shape import (
    LegShape,
    condyle_circle,
    condyle_tilt_deg,
    grow_osteophytes,
    plateau_tilt_deg,
    shape_femur,
    shape_tibia,
    shape_trochlea,
    trochlea_centre,
)
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, Vertices, rotation
from training.simulate.scene import FloatArray, IntArray

_PAIR_MM = 3.0  # how far apart across the gap two vertices may lie to face each other
_STRIP_MM = 4.0  # half width of a strip of the joint that is seen edge-on


def build_leg(
    bones: Vertices, below: tuple[str, ...], regions: LegRegions, shape: LegShape, rng: np.random.Generator
) -> None:
    """Shape and join the bones of one leg, in place; all end in the frame of the femur.

    ``bones`` are those of a left leg, or of a right one mirrored. ``below`` names the tibia and the
    bones that move with it.
    """
    shape_femur(bones, regions, shape)
    shape_tibia(bones, below, regions, shape)
    shape_trochlea(bones["femur"], regions, shape.groove)
    if shape.osteophyte_mm > 0:
        grow_osteophytes(bones, regions, rng, shape.osteophyte_mm)
    join_tibia(bones, below, regions, shape)
    place_patella(bones, regions, shape)


def join_tibia(bones: Vertices, below: tuple[str, ...], regions: LegRegions, shape: LegShape) -> None:
    """Move the bones below the knee, given in the frame of the tibia, under the femur."""
    femur, tibia = bones["femur"], bones["tibia"]
    cy, cz, _ = condyle_circle(femur, regions)
    centre = np.array([0.0, cy, cz])
    size = float(np.ptp(tibia[regions.tibia.rim, 0])) / 74.0
    start = regions.tibia_in_femur * size + np.array([0.0, shape.tibial_shift_mm, 0.0])
    flexed = rotation(X_AXIS, shape.flexion_deg)
    place = flexed @ (start - centre) + centre
    # First the plateau parallel to the condyles; then it is turned until both spaces are as wanted.
    lean = plateau_tilt_deg(tibia, regions) - condyle_tilt_deg(femur, regions)
    turned = rotation(Z_AXIS, -shape.tibial_rotation_deg)
    parts = regions.femur
    sides = (
        (parts.joint_medial, regions.tibia.floor_medial, shape.medial_space_mm),
        (parts.joint_lateral, regions.tibia.floor_lateral, shape.lateral_space_mm),
    )
    for _ in range(5):
        axes = flexed @ rotation(Y_AXIS, lean) @ turned
        missing = []
        for condyle, floor, space in sides:
            across = (femur[condyle] - place) @ axes
            missing.append(space - joint_space(across, tibia[floor]))
        middles = [float(tibia[floor, 0].mean()) for _, floor, _ in sides]
        # A positive turn about the axis that points backwards lowers the lateral side.
        lean += float(np.degrees(np.arctan((missing[1] - missing[0]) / (middles[1] - middles[0]))))
        place = place - axes @ Z_AXIS * (sum(missing) / 2.0)
    axes = flexed @ rotation(Y_AXIS, lean) @ turned
    for name in below:
        bones[name] = bones[name] @ axes.T + place


def joint_space(condyle: FloatArray, floor: FloatArray) -> float:
    """Smallest joint space of one compartment as seen from the front, both in the frame of the tibia.

    The lowest outline of the condyle over the dense line of the floor, at three places across: a
    medial floor is hollow and shows its lowest part, a lateral one is domed and shows its highest.
    """
    domed = float(floor[:, 0].mean()) > 0
    heights = []
    for x in np.quantile(floor[:, 0], (0.2, 0.5, 0.8)):
        below = floor[np.abs(floor[:, 0] - x) < _STRIP_MM, 2]
        above = condyle[np.abs(condyle[:, 0] - x) < _STRIP_MM, 2]
        if len(below) and len(above):
            heights.append(
                float(above.min() - np.quantile(below, DENSE_LINE_DOMED if domed else 1.0 - DENSE_LINE_DOMED))
            )
    if not heights:
        raise ValueError("A condyle and its plateau do not face each other.")
    return min(heights)


def _clearance(upper: FloatArray, lower: FloatArray) -> float:
    """Smallest height (z) of ``upper`` [N, 3] over ``lower`` [M, 3], where both are on top of each other.

    The mean of the three narrowest places, so that one vertex does not decide.
    """
    across, along = (upper[:, None, k] - lower[None, :, k] for k in (0, 1))
    height = np.where(
        across * across + along * along < _PAIR_MM**2, upper[:, None, 2] - lower[None, :, 2], np.inf
    )
    nearest = np.sort(height.min(axis=0))[:3]
    if not np.isfinite(nearest).all():
        raise ValueError("The patella does not face the femur.")
    return float(nearest.mean())


def tendon_insertion(tibia: FloatArray, regions: LegRegions) -> FloatArray:
    """Where the patellar tendon meets the tuberosity [3]."""
    return np.asarray(tibia[regions.tibia.insertion].mean(axis=0))


def place_patella(bones: Vertices, regions: LegRegions, shape: LegShape) -> None:
    """Turn the patella around the trochlea to its height, tilt and shift it, and set its joint space."""
    femur, parts = bones["femur"], regions.patella
    pivot = trochlea_centre(femur, regions)
    middle = bones["patella"].mean(axis=0)
    patella = (bones["patella"] - middle) * shape.patella_size + middle
    length = float(np.ptp(patella[:, 2]))
    # Its back lies against the trochlea: along the path that the patella takes.
    back = patella[parts.articular]
    lean = float(np.degrees(np.arctan(np.polyfit(back[:, 2], back[:, 1], 1)[0])))
    patella = (patella - middle) @ rotation(X_AXIS, lean).T + middle
    edges = patella[parts.articular]
    run = edges[edges[:, 0].argmax()] - edges[edges[:, 0].argmin()]
    tilt = shape.patella_tilt_deg - float(np.degrees(np.arctan2(run[1], run[0])))
    patella = (patella - middle) @ rotation(Z_AXIS, tilt).T + middle
    ridge = patella[parts.articular][patella[parts.articular, 1].argmax(), 0]
    patella[:, 0] += femur[regions.femur.groove, 0].mean() + shape.patella_shift_mm - ridge
    patella[:, 2] += pivot[2] - patella[:, 2].mean()
    apex, insertion = patella[parts.apex].mean(axis=0), tendon_insertion(bones["tibia"], regions)
    radius = float(pivot[1] - patella[:, 1].mean())
    ways = np.arange(-45.0, 1.3 * radius, 0.5)
    # As ``_along`` moves the apex, for all ways at once.
    above, around = np.maximum(-ways, 0.0), np.maximum(ways, 0.0) / radius
    _, y, z = apex - pivot
    path = np.stack(
        [
            np.full(len(ways), apex[0]),
            pivot[1] + np.cos(around) * y - np.sin(around) * z,
            pivot[2] + np.sin(around) * y + np.cos(around) * z + above,
        ],
        axis=1,
    )
    reach = np.linalg.norm(path - insertion, axis=1)
    nearest = int(reach.argmin())
    wanted = goal = shape.patella_ratio * length
    # Setting the joint space moves the patella off its path: the second round makes up for that.
    for _ in range(2):
        # The patella cannot come closer to the tuberosity than the path around the condyles allows.
        short = np.flatnonzero(reach[: nearest + 1] <= goal)
        placed = _along(patella, pivot, radius, float(ways[short[0] if len(short) else nearest]))
        _set_space(placed, femur, regions, pivot, shape.patella_space_mm)
        goal += wanted - float(np.linalg.norm(placed[parts.apex].mean(axis=0) - insertion))
    bones["patella"] = placed


def _along(points: FloatArray, pivot: FloatArray, radius: float, way_mm: float) -> FloatArray:
    """Points moved along the path of the patella: straight above the condyles, around them below."""
    if way_mm < 0.0:
        return points - way_mm * Z_AXIS
    return np.asarray((points - pivot) @ rotation(X_AXIS, np.degrees(way_mm / radius)).T + pivot)


def _set_space(
    patella: FloatArray, femur: FloatArray, regions: LegRegions, pivot: FloatArray, space_mm: float
) -> None:
    outward = patella.mean(axis=0) - pivot
    outward[0] = 0.0
    outward /= np.linalg.norm(outward)
    frame = np.stack([X_AXIS, np.cross(outward, X_AXIS), outward])
    back: IntArray = regions.patella.articular[::6]
    front = femur[regions.femur.front]
    patella += outward * (space_mm - _clearance(patella[back] @ frame.T, front[::3] @ frame.T))
