"""Setting a person's spine, pelvis and thorax into a posture, in the body frame of ``People``.

Vertebrae are put on top of each other from the sacrum upwards: each keeps its shape but for a wedge
that shares the bend of the spine with the discs. Ribs follow their vertebra at the back and the
whole thorax in front. The body frame has x to the person's left, y backwards, z up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.simulate.people import People
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, Vertices, ramp, rotation
from training.simulate.rules import fit_sphere
from training.simulate.scene import FloatArray
from training.simulate.spine.posture import Posture
from training.simulate.spine.regions import (
    CERVICAL,
    LEVELS,
    THORACIC,
    femoral_head,
    sacral_endplate,
    vertebral_body,
)

RIBS = tuple(
    f"{n}_rib"
    for n in (
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
        "eleventh",
        "twelfth",
    )
)
HEAD = ("c1", "c2", "occipital_bone", "mandible")
_CHAIN = CERVICAL + LEVELS  # from above to below; every film's spine is a lower part of it
_BODY_SHARE = 0.45  # part of a bend that the bodies take as wedges; the discs take the rest
# Disc height below T1 to L5 between the lips, relative to the body above: gives films whose corners are
# spaced as on standing films of adolescents.
_DISC_SHARE = np.array(
    [0.44, 0.41, 0.41, 0.36, 0.36, 0.35, 0.36, 0.45, 0.35, 0.44, 0.52, 0.54, 0.5, 0.5, 0.5, 0.48, 0.44]
)
_CERVICAL_DISC_SHARE = 0.4
_RIB_FREE_MM = (15.0, 200.0)  # distance from the spine over which a rib passes to the thorax
_BALANCE_ROUNDS = 4
# Which part of the change of the sacral slope is undone at L5, L4 ... L1 (lordosis sits mostly below L4).
_LORDOSIS_SHARE = np.array([0.34, 0.60, 0.77, 0.90, 1.0])


@dataclass(frozen=True, eq=False)
class _Placed:
    """A rigid move: points p go to (p - origin) @ matrix.T + target."""

    matrix: FloatArray
    origin: FloatArray
    target: FloatArray

    def __call__(self, points: FloatArray) -> FloatArray:
        return np.asarray((points - self.origin) @ self.matrix.T + self.target)


@dataclass(frozen=True, eq=False)
class _Level:
    """One vertebra as it stands in the person: frame (columns left, back, up) and endplate centres."""

    frame: FloatArray
    top: FloatArray
    bottom: FloatArray
    depth_mm: float

    @property
    def centre(self) -> FloatArray:
        return np.asarray((self.top + self.bottom) / 2.0)

    @property
    def lean_deg(self) -> float:
        """How far the vertebra leans forwards."""
        up = self.frame[:, 2]
        return float(np.degrees(np.arctan2(-up[1], up[2])))


def pose_trunk(vertices: Vertices, people: People, posture: Posture) -> None:
    """Move all bones of ``vertices`` (in place) into the posture.

    Needs the sacrum, both hip bones and femora, and the vertebrae from some level down to L5.
    """
    chain = [bone for bone in _CHAIN if bone in vertices]
    own_slope = _sacral_slope(vertices, people)
    _set_pelvis(vertices, people, posture)
    levels = {bone: _level(vertices, people, bone) for bone in chain}
    disc = _discs(chain, levels, posture)
    angles = _angles(vertices, people, chain, levels, posture, own_slope)
    for _ in range(_BALANCE_ROUNDS):
        moves = _stack(vertices, people, chain, levels, disc, angles, posture)
        if not _balance(vertices, people, chain, levels, moves, angles, posture):
            break
    for index, bone in enumerate(chain):
        _wedge(vertices, bone, levels[bone], _bend(angles, index))
        vertices[bone] = moves[bone](vertices[bone])
    _shape_ribs(vertices, levels, posture)
    _carry(vertices, chain, levels, moves, posture.shoulder_rise_mm)


def pelvic_angles(vertices: Mapping[str, FloatArray], people: People) -> tuple[float, float]:
    """Pelvic incidence and pelvic tilt in degrees, measured in the sagittal plane."""
    ends = sacral_endplate(people).corners(vertices["sacrum"])[:, 1:]
    hips = _hip_axis(vertices, people)[1:]
    back = ends[3] - ends[2]
    to_sacrum = (ends[2] + ends[3]) / 2.0 - hips
    # Backwards of the hip axis counts positive; the endplate's slope falls forwards.
    tilt = np.degrees(np.arctan2(to_sacrum[0], to_sacrum[1]))
    slope = np.degrees(np.arctan2(back[1], back[0]))
    return float(tilt + slope), float(tilt)


def sagittal_truth(vertices: Mapping[str, FloatArray], people: People) -> dict[str, float]:
    """Angles of pelvis and spine in the sagittal plane, by measurement key, degrees."""
    incidence, tilt = pelvic_angles(vertices, people)
    slope = _sacral_slope(vertices, people)
    truth = {
        "pelvic_incidence": incidence,
        "pelvic_tilt": tilt,
        "sacral_slope": slope,
        "lordosis_l1_s1": slope - _plate_slope(vertices, people, "l1", "superior"),
    }
    if "t4" in vertices:
        upper, lower = (
            _plate_slope(vertices, people, bone, end)
            for bone, end in (("t4", "superior"), ("t12", "inferior"))
        )
        truth["kyphosis_t4_t12"] = upper - lower
    return truth


def _hip_axis(vertices: Mapping[str, FloatArray], people: People) -> FloatArray:
    """The middle [3] between both femoral heads."""
    head = femoral_head(people)
    centres = [fit_sphere(vertices[bone][head])[0] for bone in ("femur", "femur_right")]
    return np.asarray((centres[0] + centres[1]) / 2.0)


def _set_pelvis(vertices: Vertices, people: People, posture: Posture) -> None:
    """Incidence (the sacrum turns between the hip bones), tilt and obliquity about the hip axis."""
    if posture.pelvic_incidence_deg is not None:
        incidence, _ = pelvic_angles(vertices, people)
        sacrum = vertices["sacrum"]
        ends = sacral_endplate(people).corners(sacrum)
        joint = ends[2:].mean(axis=0) + np.array([0.0, 22.0, -38.0])
        for _ in range(3):
            incidence, _ = pelvic_angles(vertices, people)
            turn = rotation(X_AXIS, posture.pelvic_incidence_deg - incidence)
            vertices["sacrum"] = (vertices["sacrum"] - joint) @ turn.T + joint
    hips = _hip_axis(vertices, people)
    matrix = np.eye(3)
    if posture.pelvic_tilt_deg is not None:
        _, tilt = pelvic_angles(vertices, people)
        matrix = rotation(X_AXIS, -(posture.pelvic_tilt_deg - tilt))
    matrix = rotation(Y_AXIS, posture.pelvic_obliquity_deg) @ matrix
    for bone in ("sacrum", "hip_bone", "hip_bone_right"):
        if bone in vertices:
            vertices[bone] = (vertices[bone] - hips) @ matrix.T + hips
    # The thighs stay upright below the sockets, whose middle does not move.
    roll = rotation(Y_AXIS, posture.pelvic_obliquity_deg)
    head = femoral_head(people)
    for bone in ("femur", "femur_right"):
        centre, _ = fit_sphere(vertices[bone][head])
        vertices[bone] = vertices[bone] + (roll @ (centre - hips) + hips - centre)


def _level(vertices: Vertices, people: People, bone: str) -> _Level:
    body = vertebral_body(people, bone)
    v = vertices[bone]
    top, bottom = (end.corners(v) for end in (body.superior, body.inferior))
    template = people.template(bone)[0][body.lips]
    cross = (v[body.lips] - v[body.lips].mean(axis=0)).T @ (template - template.mean(axis=0))
    left, _, right = np.linalg.svd(cross)
    frame = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right @ body.frame
    depth = float(np.linalg.norm(bottom[3] - bottom[2]))
    return _Level(frame, top[2:].mean(axis=0), bottom[2:].mean(axis=0), depth)


def _discs(chain: list[str], levels: Mapping[str, _Level], posture: Posture) -> FloatArray:
    """Heights in mm of the discs below each vertebra of the chain."""
    body = np.array([np.linalg.norm(levels[bone].top - levels[bone].bottom) for bone in chain])
    share = _per_level(chain, _DISC_SHARE, _CERVICAL_DISC_SHARE)
    return np.asarray(share * body * _per_level(chain, posture.disc_height, 1.0))


def _per_level(chain: list[str], values: FloatArray, above: float) -> FloatArray:
    """Values [17] of T1 to L5 for the bones of a chain; ``above`` for cervical vertebrae."""
    return np.array([values[LEVELS.index(b)] if b in LEVELS else above for b in chain])


@dataclass(eq=False)
class _Angles:
    """Orientation of every vertebra of the chain, and of the sacrum at the end: degrees."""

    coronal: FloatArray
    axial: FloatArray
    lean: FloatArray
    own_lean: FloatArray


def _angles(
    vertices: Vertices,
    people: People,
    chain: list[str],
    levels: Mapping[str, _Level],
    posture: Posture,
    own_slope: float,
) -> _Angles:
    """Orientations that reach the posture; ``own_slope`` is the sacral slope before the pelvis was set."""
    own = np.array([levels[bone].lean_deg for bone in chain])
    slope = _sacral_slope(vertices, people)
    lean = own.copy()
    place = {bone: index for index, bone in enumerate(chain)}
    top = _plate_slope(vertices, people, "l1", "superior")
    if posture.lordosis_deg is not None:
        change_sacrum, change_l1 = slope - own_slope, slope - posture.lordosis_deg - top
        for share, bone in zip(_LORDOSIS_SHARE, ("l5", "l4", "l3", "l2", "l1"), strict=True):
            lean[place[bone]] += change_sacrum * (1.0 - share) + change_l1 * share
        for bone in chain[: place["l1"]]:
            lean[place[bone]] += change_l1
    if posture.kyphosis_deg is not None and "t4" in place:
        wanted = posture.kyphosis_deg - (
            _plate_slope(vertices, people, "t4", "superior")
            - _plate_slope(vertices, people, "t12", "inferior")
        )
        span = place["t12"] - place["t4"]
        for bone in chain[: place["t12"]]:
            part = min(1.0, (place["t12"] - place[bone]) / span)
            lean[place[bone]] += wanted * part
    if "t1" in place:
        # The neck brings the head upright whatever the thorax does.
        for bone in chain[: place["t1"]]:
            part = (place["t1"] - place[bone]) / 5.0
            lean[place[bone]] -= 0.7 * (lean[place["t1"]] - own[place["t1"]]) * part
    coronal = np.append(_per_level(chain, posture.coronal_deg, 0.0), posture.pelvic_obliquity_deg)
    axial = np.append(_per_level(chain, posture.axial_deg, 0.0), 0.0)
    if "t1" in place:
        for index in range(place["t1"]):
            part = (index + 1) / (place["t1"] + 1)
            coronal[index] = posture.coronal_deg[0] * part
            axial[index] = posture.axial_deg[0] * part
    return _Angles(coronal, axial, np.append(lean, slope), np.append(own, own_slope))


def _sacral_slope(vertices: Mapping[str, FloatArray], people: People) -> float:
    corners = sacral_endplate(people).corners(vertices["sacrum"])
    back = corners[3] - corners[2]
    return float(np.degrees(np.arctan2(back[2], back[1])))


def _plate_slope(vertices: Mapping[str, FloatArray], people: People, bone: str, end: str) -> float:
    """Forward fall of an endplate in the sagittal plane, degrees."""
    corners = vertebral_body(people, bone).end(end).corners(vertices[bone])
    back = corners[3] - corners[2]
    return float(np.degrees(np.arctan2(back[2], back[1])))


def _stack(
    vertices: Vertices,
    people: People,
    chain: list[str],
    levels: Mapping[str, _Level],
    disc: FloatArray,
    angles: _Angles,
    posture: Posture,
) -> dict[str, _Placed]:
    """The move of every vertebra of the chain, put on the sacrum from below."""
    corners = sacral_endplate(people).corners(vertices["sacrum"])
    support = corners[2:].mean(axis=0)
    left, back = corners[1] - corners[0], corners[3] - corners[2]
    normal = _unit(np.cross(left, back))
    slip = _per_level(chain, posture.slip, 0.0)
    moves: dict[str, _Placed] = {}
    for index in range(len(chain) - 1, -1, -1):
        level = levels[chain[index]]
        target = (
            rotation(Y_AXIS, float(angles.coronal[index]))
            @ rotation(Z_AXIS, float(angles.axial[index]))
            @ rotation(X_AXIS, float(angles.lean[index]))
        )
        matrix = target @ level.frame.T
        bottom = support + disc[index] * _unit(normal + target[:, 2])
        bottom = bottom - slip[index] * level.depth_mm * target[:, 1]
        moves[chain[index]] = _Placed(matrix, level.bottom, bottom)
        support, normal = moves[chain[index]](level.top), target[:, 2]
    return moves


def _balance(
    vertices: Vertices,
    people: People,
    chain: list[str],
    levels: Mapping[str, _Level],
    moves: Mapping[str, _Placed],
    angles: _Angles,
    posture: Posture,
) -> bool:
    """Lean the spine so that C7 comes where the posture wants it; False when it is there already."""
    if "c7" not in chain:
        return False
    corners = sacral_endplate(people).corners(vertices["sacrum"])
    c7 = moves["c7"](levels["c7"].centre)
    rise = float(c7[2] - corners[:, 2].mean())
    moved = False
    bodies = np.arange(len(chain))
    if posture.coronal_shift_mm is not None:
        miss = posture.coronal_shift_mm - float(c7[0] - corners[:, 0].mean())
        thoracolumbar = bodies >= chain.index("t1")
        angles.coronal[:-1][thoracolumbar] += np.degrees(miss / rise)
        moved |= abs(miss) > 0.5
    if posture.sagittal_shift_mm is not None:
        miss = posture.sagittal_shift_mm - float(corners[3, 1] - c7[1])
        part = ramp((len(chain) - bodies).astype(np.float64), 0.0, 8.0)
        angles.lean[:-1] += np.degrees(miss / rise) * part * 1.15
        moved |= abs(miss) > 0.5
    return moved


def _bend(angles: _Angles, index: int) -> tuple[float, float]:
    """Coronal and sagittal wedge of a body beyond its own shape, degrees over its height."""
    above = max(index - 1, 0)
    change = angles.lean - angles.own_lean
    coronal = (angles.coronal[above] - angles.coronal[index + 1]) / 2.0
    sagittal = (change[above] - change[index + 1]) / 2.0
    return _BODY_SHARE * float(coronal), _BODY_SHARE * float(np.clip(sagittal, -12.0, 12.0))


def _wedge(vertices: Vertices, bone: str, level: _Level, bend: tuple[float, float]) -> None:
    """Tilt the upper endplate by half of the bend and the lower one back by as much."""
    local = (vertices[bone] - level.centre) @ level.frame
    half = float(np.linalg.norm(level.top - level.bottom)) / 2.0
    side, front = (np.tan(np.radians(angle / 2.0)) for angle in bend)
    share = np.clip(local[:, 2] / half, -1.2, 1.2)
    local[:, 2] += share * (front * local[:, 1] - side * local[:, 0])
    vertices[bone] = local @ level.frame.T + level.centre


def _shape_ribs(vertices: Vertices, levels: Mapping[str, _Level], posture: Posture) -> None:
    """Turn the ribs about their heads and shorten the last ones, before the spine is bent."""
    lengths = dict(zip(RIBS[10:], posture.last_ribs, strict=True))
    for index, (bone, rib) in enumerate(zip(THORACIC, RIBS, strict=True)):
        if bone not in levels:
            continue
        fall = rotation(X_AXIS, float(posture.rib_fall_deg[index]))
        for name, side in ((rib, 1.0), (f"{rib}_right", -1.0)):
            if name not in vertices:
                continue
            v = vertices[name]
            head = v[np.linalg.norm(v - levels[bone].centre, axis=1).argmin()]
            matrix = rotation(Y_AXIS, side * float(posture.rib_drop_deg[index])) @ fall
            vertices[name] = lengths.get(rib, 1.0) * (v - head) @ matrix.T + head


def _carry(
    vertices: Vertices,
    chain: list[str],
    levels: Mapping[str, _Level],
    moves: Mapping[str, _Placed],
    shoulder_rise_mm: float,
) -> None:
    """Bring ribs, shoulder girdle and head along with the vertebrae."""
    upper = [bone for bone in THORACIC[1:9] if bone in moves] or [THORACIC[-1]]
    thorax = _mean_move([moves[bone] for bone in upper], [levels[bone].centre for bone in upper], upright=0.3)
    for bone, rib in zip(THORACIC, RIBS, strict=True):
        if bone not in moves:
            continue
        for name in (rib, f"{rib}_right"):
            if name in vertices:
                v = vertices[name]
                away = np.linalg.norm(v - levels[bone].centre, axis=1)
                free = 0.75 * ramp(away, *_RIB_FREE_MM)[:, None]
                vertices[name] = (1.0 - free) * moves[bone](v) + free * thorax(v)
    for name in ("manubrium", "sternum"):
        if name in vertices:
            vertices[name] = thorax(vertices[name])
    if "t3" in moves:
        nearby = ("t2", "t3", "t4", "t5")
        # Shoulders stay nearly level whatever the tilt of the spine between them.
        girdle = _mean_move([moves[b] for b in nearby], [levels[b].centre for b in nearby], upright=2.5)
        for name in ("clavicle", "scapula", "humerus"):
            for key in (name, f"{name}_right"):
                if key in vertices:
                    vertices[key] = girdle(vertices[key]) + shoulder_rise_mm * Z_AXIS
    for name in HEAD:
        if name in vertices:
            vertices[name] = moves[chain[0]](vertices[name])


def _mean_move(moves: list[_Placed], centres: list[FloatArray], upright: float) -> _Placed:
    """The rigid move that follows the vertebrae; ``upright`` holds its rotation back (0: fully follows)."""
    total = np.mean([move.matrix for move in moves], axis=0) + upright * np.eye(3)
    left, _, right = np.linalg.svd(total)
    return _Placed(
        np.asarray(left @ right),
        np.mean(centres, axis=0),
        np.mean([move(centre) for move, centre in zip(moves, centres, strict=True)], axis=0),
    )


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector))
