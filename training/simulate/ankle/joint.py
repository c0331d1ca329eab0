"""The joints of one ankle: where talus and foot sit in the mortise, in the ankle frame of ``regions``.

Spaces are set, not inherited: bones of different people, put together, may overlap or gape.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from training.simulate.ankle.points import dome_corner, outline_at
from training.simulate.ankle.regions import (
    AnkleRegions,
    dome_axis,
    foot_direction,
    plafond_line,
    plafond_width,
)
from training.simulate.ankle.shape import AnklePose
from training.simulate.foot.parts import LEG
from training.simulate.foot.regions import vertex_normals
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, Vertices, ramp, rotation, turn
from training.simulate.scene import FloatArray

_CLOSEST_MM = 0.7
_CLOSEST_ON_FILM_MM = 1.6
# How far room for the talus may push the fibula off the tibia.
_MOST_FIBULAR_MM = 4.0
# Shortest distance of tibia and fibula above the joint, as in the template.
_SYNDESMOSIS_MM = 1.2


def move_foot(vertices: Vertices, regions: AnkleRegions, pose: AnklePose) -> None:
    """Syndesmosis, joint spaces, talar tilt, plantarflexion at the ankle, and inversion below the talus."""
    _set_syndesmosis(vertices, regions, _SYNDESMOSIS_MM + pose.syndesmosis_mm)
    foot = [name for name in vertices if name not in LEG]
    beyond = [name for name in foot if name != "talus"]
    talus = vertices["talus"]
    dome = np.array([talus[:, 0].mean(), *dome_axis(talus, regions)])
    # A positive rotation about x turns the front of the foot (negative z) downwards.
    pitch, inwards = foot_direction(vertices, regions)
    flex = pose.plantarflexion_deg - pitch
    at_ankle = 0.75 * flex
    turn(vertices, foot, X_AXIS, at_ankle, dome)
    midfoot = [name for name in beyond if name != "calcaneus"]
    joint = vertices["navicular"].mean(axis=0) + np.array([0.0, 0.0, 8.0])
    turn(vertices, midfoot, X_AXIS, flex - at_ankle, joint)
    # The subtalar axis runs forwards, upwards (42 deg) and medially (16 deg); inversion lifts the
    # medial border and turns the forefoot inwards (Manter 1941).
    subtalar = np.array([-np.sin(np.deg2rad(16.0)), -np.sin(np.deg2rad(42.0)), -np.cos(np.deg2rad(42.0))])
    subtalar = rotation(X_AXIS, at_ankle) @ subtalar
    pivot = vertices["talus"].mean(axis=0) + np.array([0.0, 8.0, 0.0])
    turn(vertices, beyond, subtalar, -0.5 * pose.inversion_deg, pivot)
    # The talus can turn little in the mortise; the joints below it share the rest.
    turn_in = pose.foot_in_deg - inwards
    turn(vertices, foot, Y_AXIS, float(np.clip(0.25 * turn_in, -5.0, 5.0)), dome)
    turn(vertices, beyond, Y_AXIS, 0.25 * turn_in, pivot)
    turn(vertices, midfoot, Y_AXIS, 0.5 * turn_in, joint)
    for _ in range(2):
        tilt = pose.talar_tilt_deg - _talar_tilt(vertices, regions, pose.view)
        corners = vertices["talus"][regions.trochlea]
        edge = corners[:, 0].min() if pose.talar_tilt_deg > 0 else corners[:, 0].max()
        # Pivoting on one corner opens the joint on the other side instead of driving bone into bone.
        hinge = np.array([edge, corners[:, 1].min(), corners[:, 2].mean()])
        turn(vertices, foot, Z_AXIS, float(np.clip(tilt, -10.0, 10.0)), hinge)
    lower = pose.joint_space_mm - _joint_space(vertices, regions)
    for name in foot:
        vertices[name] = vertices[name] + np.array([0.0, lower, 0.0])
    _clear_gutters(vertices, foot, regions, pose)


def _talar_tilt(vertices: Vertices, regions: AnkleRegions, view: FloatArray) -> float:
    """Angle from plafond line to talar dome, seen along z turned by ``view``; positive: open laterally."""
    talus, tibia = (vertices[name] @ view[:2].T for name in ("talus", "tibia"))
    dome = dome_corner(talus, regions, 1.0) - dome_corner(talus, regions, -1.0)
    medial, lateral = plafond_line(tibia, regions)
    roof = lateral - medial
    return float(np.degrees(np.arctan2(dome[1], dome[0]) - np.arctan2(roof[1], roof[0])))


def _joint_space(vertices: Vertices, regions: AnkleRegions) -> float:
    """Smallest height between plafond crest and talar dome, seen in the mortise position, in mm."""
    tibia, talus = vertices["tibia"][:, 1::-1], vertices["talus"][:, 1::-1]
    ends = tibia[regions.plafond_ends, 1]
    spaces = []
    for x in np.linspace(ends[0], ends[1], 9):
        crest = outline_at(tibia, regions.edges["plafond"], x)
        dome = outline_at(talus, regions.edges["talus_body"], x)
        if crest is not None and dome is not None:
            spaces.append(dome[0] - crest[0])
    return min(spaces)


def _set_syndesmosis(vertices: Vertices, regions: AnkleRegions, space_mm: float) -> None:
    """Shift the fibula sideways until its shortest distance from the tibia is ``space_mm``."""
    tibia = vertices["tibia"]
    normals = vertex_normals(tibia, regions.faces["tibia"])
    tree = cKDTree(tibia)
    for _ in range(3):
        facing = vertices["fibula"][regions.notch]
        nearest = tree.query(facing)[1]
        gaps = ((facing - tibia[nearest]) * normals[nearest]).sum(axis=1)
        vertices["fibula"][:, 0] += space_mm - float(gaps.min())


def _clear_gutters(vertices: Vertices, foot: list[str], regions: AnkleRegions, pose: AnklePose) -> None:
    """Set the medial and lateral joint spaces beside the talus, seen in the mortise position.

    The medial one stays open as the film sees it.
    """
    tibia, fibula = vertices["tibia"], vertices["fibula"]
    room = _MOST_FIBULAR_MM
    # The wall of the malleolus bends as it moves: further rounds finish what the first began.
    for _ in range(3):
        mortise = _gutters(vertices, regions, np.eye(3))
        film = _gutters(vertices, regions, pose.view)
        medial, lateral = mortise.mean(axis=0)
        lacks = (
            max(pose.medial_space_mm - float(medial), _CLOSEST_ON_FILM_MM - float(film[:, 0].min())),
            max(pose.lateral_space_mm - float(lateral), _CLOSEST_MM - float(mortise[:, 1].min())),
        )
        # What both sides lack together is gained by moving both malleoli apart.
        together = max(0.0, sum(lacks))
        outwards = min(together / 2.0, room)
        inwards, room = together - outwards, room - outwards
        for name in foot:
            vertices[name] = vertices[name] + np.array([lacks[0] - inwards, 0.0, 0.0])
        fibula[:, 0] += outwards * ramp(fibula[:, 1], -120.0, -10.0)
        tibia[:, 0] -= inwards * regions.malleolus


def _gutters(vertices: Vertices, regions: AnkleRegions, view: FloatArray) -> FloatArray:
    """Spaces [L, 2] medial and lateral to the talus at some levels, seen along z once turned by ``view``."""
    tibia, fibula, talus = (vertices[name] @ view[:2].T for name in ("tibia", "fibula", "talus"))
    width = plafond_width(vertices["tibia"], regions)
    corner = float(dome_corner(talus, regions, -1.0)[1])
    tip = float(tibia[:, 1].max()) - 0.06 * width
    spaces = []
    for level in np.linspace(min(corner + 0.05 * width, tip), min(corner + 0.25 * width, tip), 5):
        wall = outline_at(tibia, regions.edges["malleolus"], level)
        body = outline_at(talus, regions.edges["talus_body"], level)
        outer = outline_at(fibula, regions.edges["fibula"], level)
        if wall is not None and body is not None and outer is not None:
            spaces.append((body[0] - wall[1], outer[0] - body[1]))
    return np.array(spaces)
