"""Film positions of the ankle points, computed from projected vertices and edges.

Works in film axes fixed to the projected tibia: ``down`` points distally along the shaft, ``across``
laterally at right angles to it. Every border is the crossing of a bone's projected edges with a
level line, so it is exact for the surface as drawn and independent of the raster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.simulate.ankle.names import (
    ANKLE_POINTS,
    CLEAR_SPACE_LEVEL,
    SHAFT_LEVELS,
    SYNDESMOSIS_LEVEL,
)
from training.simulate.ankle.regions import AnkleRegions, middle_of, plafond_line
from training.simulate.rules import Between, Direction, Mean, ShaftBorder, crossings
from training.simulate.scene import Camera, FloatArray, IntArray, PointRule, Scene

_TIP_WIDTHS = 0.08
# The corner of the dome is where its outline falls away this steeply (36 degrees).
_CORNER_SLOPE = 0.73


@dataclass(frozen=True, eq=False)
class AnkleRule:
    """Rule for one named point of a scene; call with scene and camera."""

    regions: AnkleRegions
    point: str

    def __call__(self, scene: Scene, camera: Camera) -> FloatArray:
        """Film position [2] of the point in pixels. ``ValueError`` if the outline misses its level."""
        return _Film(self.regions, scene, camera).point(self.point)


def ankle_rules(regions: AnkleRegions) -> Mapping[str, PointRule]:
    """Rules of all ankle points, in the order of the catalogue."""
    rules: dict[str, PointRule] = {name: AnkleRule(regions, name) for name in ANKLE_POINTS}
    medial, lateral = rules["tibial_plafond_medial"], rules["tibial_plafond_lateral"]
    distal, proximal = (Mean("tibia", ring) for ring in regions.rings)
    tibia = ("tibia", regions.edges["tibia"])
    for level, heights in SHAFT_LEVELS.items():
        for side, sign in (("medial", -1), ("lateral", 1)):
            borders = {f"tibial_shaft_{level}_{side}": "tibia"}
            if level == "distal":
                borders[f"fibula_shaft_{side}"] = "fibula"
            for name, bone in borders.items():
                rules[name] = ShaftBorder(
                    bone,
                    regions.edges[bone],
                    Direction(distal, proximal),
                    Between(medial, lateral),
                    (medial, rules["lateral_malleolus_tip"]),
                    heights,
                    sign,
                    tuple(SHAFT_LEVELS.values()),
                    tibia,
                )
    return rules


class _Film:
    """Projected bones of one scene with the axes of the tibia on the film."""

    def __init__(self, regions: AnkleRegions, scene: Scene, camera: Camera) -> None:
        self._regions, self._scene, self._camera = regions, scene, camera
        tibia = scene.bone("tibia").vertices_mm
        distal, proximal = (camera.project(middle_of(tibia[ring])[None])[0] for ring in regions.rings)
        self._down = (distal - proximal) / np.linalg.norm(distal - proximal)
        # A left foot has its lateral side to the right of the film.
        self._across = np.array([self._down[1], -self._down[0]])
        self._axes = np.stack([self._across, self._down])
        self._tibia = camera.project(tibia) @ self._axes.T
        self._plafond = plafond_line(self._tibia, regions)
        self._width = float(np.linalg.norm(self._plafond[1] - self._plafond[0]))
        self._centre = self._plafond.mean(axis=0)

    def point(self, name: str) -> FloatArray:
        return np.asarray(self._local(name) @ self._axes)

    def _local(self, name: str) -> FloatArray:
        match name:
            case "tibial_plafond_medial":
                return np.asarray(self._plafond[0])
            case "tibial_plafond_lateral":
                return np.asarray(self._plafond[1])
            case "medial_malleolus_tip":
                # On a film taken very obliquely the posterior lip lies lower than the malleolus.
                malleolus = self._tibia[np.unique(self._regions.edges["malleolus"])]
                return np.asarray(malleolus[malleolus[:, 1].argmax()])
            case "lateral_malleolus_tip":
                fibula = self._bone("fibula")
                return np.asarray(fibula[fibula[:, 1].argmax()])
            case "talar_dome_medial":
                return self._dome_corner(-1.0)
            case "talar_dome_lateral":
                return self._dome_corner(1.0)
            case "medial_malleolus_articular":
                return self._crossing(self._tibia, "malleolus", self._clear_space_level(), 1.0)
            case "talar_medial_facet":
                return self._crossing(self._bone("talus"), "talus_body", self._clear_space_level(), -1.0)
            case "tibia_syndesmosis_posterior":
                return self._crossing(self._tibia, "tibia_back", self._above(SYNDESMOSIS_LEVEL), 1.0)
            case "tibia_syndesmosis_anterior":
                return self._crossing(self._tibia, "tibia_front", self._above(SYNDESMOSIS_LEVEL), 1.0)
            case "fibula_syndesmosis_medial":
                return self._crossing(self._bone("fibula"), "fibula", self._above(SYNDESMOSIS_LEVEL), -1.0)
        raise KeyError(name)

    def _bone(self, name: str) -> FloatArray:
        return np.asarray(self._camera.project(self._scene.bone(name).vertices_mm) @ self._axes.T)

    def _above(self, plafond_widths: float) -> float:
        return float(self._centre[1] - plafond_widths * self._width)

    def _clear_space_level(self) -> float:
        level = float(self._dome_corner(-1.0)[1] + CLEAR_SPACE_LEVEL * self._width)
        # A wide joint over a short malleolus: the facet ends just above the tip.
        return min(level, float(self._tibia[:, 1].max()) - _TIP_WIDTHS * self._width)

    def _dome_corner(self, side: float) -> FloatArray:
        """The dome's farthest point obliquely up and to one side, relative to the talus itself."""
        return dome_corner(self._bone("talus"), self._regions, side)

    def _crossing(self, film: FloatArray, region: str, level: float, side: float) -> FloatArray:
        """Outermost point (lateral for side +1, medial for -1) of a region on a level line."""
        crossed = outline_at(film, self._regions.edges[region], level)
        if crossed is None:
            raise ValueError(f"The outline of {region} does not reach the level of the point in this view.")
        return np.array([crossed[1] if side > 0 else crossed[0], level])


def dome_corner(talus: FloatArray, regions: AnkleRegions, side: float) -> FloatArray:
    """Corner [2] of the dome, lateral for side +1, of talus vertices [V, 2] seen from the front.

    Film axes are x lateral and y distal. "Up" is meant relative to the talus, so that the corner is
    the same place of the bone when the talus tilts.
    """
    along = talus[regions.talus_sides[1]] - talus[regions.talus_sides[0]]
    along = along / np.linalg.norm(along)
    up = np.array([along[1], -along[0]])
    dome = talus[regions.trochlea]
    return np.asarray(dome[(dome @ (up + _CORNER_SLOPE * side * along)).argmax()])


def outline_at(points: FloatArray, edges: IntArray, level: float) -> tuple[float, float] | None:
    """Smallest and largest x at height y = level over edges [E, 2] of points [N, 2 or 3]; None if none."""
    crossed = crossings(points, edges, level)
    return (float(crossed.min()), float(crossed.max())) if len(crossed) else None
