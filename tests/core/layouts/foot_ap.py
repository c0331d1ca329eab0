"""Dorsoplantar foot: bones of chosen length and direction, toes up, medial to the right."""

from __future__ import annotations

import math

# Bone: base, length, degrees clockwise of straight up, and the same for the bisector of its shaft.
_BONES: dict[str, tuple[tuple[float, float], float, float, float]] = {
    "first_metatarsal": ((20.0, 0.0), 60.0, 8.0, 10.0),
    "second_metatarsal": ((0.0, -8.0), 72.0, -2.0, -1.0),
    "fifth_metatarsal": ((-30.0, 10.0), 60.0, -20.0, -17.0),
    "hallux_proximal_phalanx": ((28.0, -66.0), 30.0, -14.0, -19.0),
}


def _at(place: tuple[float, float], length: float, turn: float) -> tuple[float, float]:
    return (
        place[0] + length * math.sin(math.radians(turn)),
        place[1] - length * math.cos(math.radians(turn)),
    )


def _points() -> dict[str, tuple[float, float]]:
    points: dict[str, tuple[float, float]] = {}
    for bone, (base, length, turn, shaft) in _BONES.items():
        points[f"{bone}_base_centre"] = base
        for level, reach in (("proximal", 0.35), ("distal", 0.7)):
            middle = _at(base, reach * length, shaft)
            points[f"{bone}_shaft_{level}_medial"] = _at(middle, 5.0, shaft + 90)
            points[f"{bone}_shaft_{level}_lateral"] = _at(middle, 5.0, shaft - 90)
        points[f"{bone}_head_centre"] = _at(base, length, turn)
    base, length, turn, _ = _BONES["first_metatarsal"]
    head = _at(base, length, turn)
    # The joint surface faces 6 degrees laterally of straight up.
    points["first_metatarsal_articular_medial"] = _at(head, 9.0, 84.0)
    points["first_metatarsal_articular_lateral"] = _at(head, 9.0, -96.0)
    second = _at((0.0, -8.0), 80.0, -1.0)
    points["second_metatarsal_head_tip"] = second
    # 5 mm short of the second along the bisector of its shaft (1 degree to the left), 28 mm medially.
    points["first_metatarsal_head_tip"] = _at(_at(second, -5.0, -1.0), 28.0, 89.0)
    points["hallux_distal_phalanx_base_centre"] = (20.0, -98.0)
    points["hallux_distal_phalanx_tip"] = _at((20.0, -98.0), 20.0, -26.0)
    # Neck and head of the talus on one axis, 12 degrees to the right, the calcaneus 9 degrees to the left.
    neck, front = (10.0, 55.0), _at((10.0, 55.0), 15.0, 12.0)
    for place, name, half in ((neck, "talar_neck", 10.0), (front, "talar_head", 14.0)):
        points[f"{name}_medial"] = _at(place, half, 102.0)
        points[f"{name}_lateral"] = _at(place, half, -78.0)
    # The navicular faces 5 degrees to the right: 7 degrees laterally of the talus.
    points["navicular_proximal_medial"] = _at((10.0, 36.0), 15.0, 95.0)
    points["navicular_proximal_lateral"] = _at((10.0, 36.0), 15.0, -85.0)
    points["calcaneus_lateral_posterior"] = (-15.0, 80.0)
    points["calcaneus_lateral_anterior"] = _at((-15.0, 80.0), 25.0, -9.0)
    # The lesser tarsus points straight up from its medial middle: the lateral one lies level with it.
    navicular = points["navicular_proximal_medial"]
    points["medial_cuneiform_distal_medial"] = (30.0, 2.0)
    level = (navicular[1] + 2.0) / 2.0
    points["cuboid_distal_lateral"] = (-35.0, level - 15.0)
    points["cuboid_proximal_lateral"] = (-25.0, level + 15.0)
    return points


POINTS = _points()


def _ratio() -> float:
    lengths = [
        math.dist(POINTS[f"{bone}_base_centre"], POINTS[f"{bone}_head_tip"])
        for bone in ("first_metatarsal", "second_metatarsal")
    ]
    return lengths[0] / lengths[1]


VALUES = {
    "hallux_valgus_angle": 8.0 + 14.0,
    "hallux_valgus_angle_shaft": 10.0 + 19.0,
    "hallux_interphalangeal_angle": 26.0 - 14.0,
    "distal_metatarsal_articular_angle": 10.0 + 6.0,
    "intermetatarsal_1_2": 8.0 + 2.0,
    "intermetatarsal_1_2_shaft": 10.0 + 1.0,
    "intermetatarsal_1_5": 8.0 + 20.0,
    "intermetatarsal_1_5_shaft": 10.0 + 17.0,
    "metatarsus_adductus_angle": -1.0,
    "first_metatarsal_protrusion": -5.0,
    "first_second_length_ratio": _ratio(),
    "talocalcaneal_angle": 12.0 + 9.0,
    "talus_first_metatarsal_ap": 12.0 - 10.0,
    "talonavicular_coverage": 12.0 - 5.0,
    "naviculo_metatarsal_angle": 5.0 - 10.0,
}
