"""Points of a knee seen from the front, for a film of one knee and for each knee of a standing film."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from training.simulate.knee.regions import LegRegions
from training.simulate.knee.rules import FloorAt, NotchApex, OutlineAlong, TangentEnd
from training.simulate.rules import Direction, Farthest, Mean, ShaftBorder
from training.simulate.scene import PointRule

FEMUR_LEVELS = {"proximal": 1.5, "distal": 1.1}
TIBIA_LEVELS = {"proximal": 1.0, "distal": 1.5}
PLACES: Mapping[str, Mapping[str, float]] = {
    "medial": {"outer": 0.12, "middle": 0.19, "inner": 0.26},
    "lateral": {"inner": 0.72, "middle": 0.80, "outer": 0.88},
}


@dataclass(frozen=True, eq=False)
class FrontalKnee:
    """Rules for one knee from the front. ``lateral`` is +1 where the fibula lies to the right on the film."""

    regions: LegRegions
    suffix: str = ""
    lateral: int = 1

    @property
    def femur(self) -> str:
        """Name of the femur in the scene."""
        return "femur" + self.suffix

    @property
    def tibia(self) -> str:
        """Name of the tibia in the scene."""
        return "tibia" + self.suffix

    @cached_property
    def femur_up(self) -> Direction:
        """Up the femur from the knee."""
        parts = self.regions.femur
        return Direction(Mean(self.femur, parts.rings[2]), Mean(self.femur, parts.rings[1]))

    @cached_property
    def tibia_down(self) -> Direction:
        """Down the tibia from the knee."""
        parts = self.regions.tibia
        return Direction(Mean(self.tibia, parts.rings[0]), Mean(self.tibia, parts.rings[1]))

    def plateau_edge(self, side: str) -> PointRule:
        """The outer upper corner of the plateau on one side (``medial`` or ``lateral``)."""
        return self.plateau[side == "lateral"]

    def _plateau_edge(self, side: str) -> PointRule:
        sign = self.lateral if side == "lateral" else -self.lateral
        down = self.tibia_down
        # A clockwise turn from down points to the left of the film, here also a little up.
        turned = Direction(down.tail, down.tip, -125.0 * sign)
        return Farthest(self.tibia, self.regions.tibia.rim, turned)

    @cached_property
    def plateau(self) -> tuple[PointRule, PointRule]:
        """Both ends of the plateau, medial first."""
        return self._plateau_edge("medial"), self._plateau_edge("lateral")

    @cached_property
    def condyles(self) -> tuple[PointRule, PointRule]:
        """Where the common tangent of both condyles touches the medial and the lateral one."""
        parts = self.regions.femur
        both = parts.condyle_medial, parts.condyle_lateral
        return (
            TangentEnd(self.femur, both, self.femur_up, second=False),
            TangentEnd(self.femur, both, self.femur_up, second=True),
        )

    def condyle(self, side: str) -> PointRule:
        """Where the common tangent of both condyles touches one of them."""
        return self.condyles[side == "lateral"]

    @property
    def notch(self) -> PointRule:
        """The top of the notch between the condyles."""
        return NotchApex(self.femur, self.regions.patches["femur_notch"], self.condyles)

    def spine(self, side: str) -> PointRule:
        """The tip of one tibial spine."""
        parts = self.regions.tibia
        down = self.tibia_down
        candidates = parts.spine_medial if side == "medial" else parts.spine_lateral
        return Farthest(self.tibia, candidates, Direction(down.tail, down.tip, 180.0))

    def floor(self, fraction: float) -> PointRule:
        """The subchondral line of the plateau, at a fraction of its width from the medial end."""
        patch = self.regions.patches["tibia_floor"]
        return FloorAt(self.tibia, patch, self.plateau, fraction, domed=fraction > 0.5)

    def above(self, side: str, fraction: float) -> PointRule:
        """The outline of the condyle over the same place."""
        patch = self.regions.patches[f"femur_{side}_condyle"]
        return OutlineAlong(self.femur, patch, self.plateau, fraction)

    def femur_border(self, side: str, level: float) -> PointRule:
        """The outer cortex of the femur, ``level`` plateau widths above the condyles."""
        sign = self.lateral if side == "lateral" else -self.lateral
        return ShaftBorder(
            self.femur,
            self.regions.patches["femur_shaft"].whole_edges,
            self.femur_up,
            self.condyle("medial"),
            self.plateau,
            level,
            sign,
            tuple(FEMUR_LEVELS.values()),
        )

    def tibia_border(self, side: str, level: float) -> PointRule:
        """The outer cortex of the tibia, ``level`` plateau widths below the plateau."""
        sign = -self.lateral if side == "lateral" else self.lateral
        return ShaftBorder(
            self.tibia,
            self.regions.patches["tibia_shaft"].whole_edges,
            self.tibia_down,
            self.plateau_edge("medial"),
            self.plateau,
            level,
            sign,
            tuple(TIBIA_LEVELS.values()),
        )


def knee_ap_rules(regions: LegRegions) -> dict[str, PointRule]:
    """Rules of all points of the view ``knee_ap``, in the order of the catalogue."""
    knee = FrontalKnee(regions)
    rules: dict[str, PointRule] = {}
    for level, widths in FEMUR_LEVELS.items():
        for side in ("medial", "lateral"):
            rules[f"femoral_shaft_{level}_{side}"] = knee.femur_border(side, widths)
    for level, widths in TIBIA_LEVELS.items():
        for side in ("medial", "lateral"):
            rules[f"tibial_shaft_{level}_{side}"] = knee.tibia_border(side, widths)
    for side in ("medial", "lateral"):
        rules[f"{side}_condyle_distal"] = knee.condyle(side)
    rules["intercondylar_notch_apex"] = knee.notch
    for side in ("medial", "lateral"):
        rules[f"{side}_tibial_spine"] = knee.spine(side)
    for side in ("medial", "lateral"):
        rules[f"{side}_plateau_edge"] = knee.plateau_edge(side)
    for side, places in PLACES.items():
        for place, fraction in places.items():
            rules[f"{side}_plateau_{place}"] = knee.floor(fraction)
    for side, places in PLACES.items():
        for place, fraction in places.items():
            rules[f"{side}_condyle_{place}"] = knee.above(side, fraction)
    return rules
