"""Lateral foot: toes to the left, lines of chosen slope."""

from __future__ import annotations

import math

Place = tuple[float, float]


def forwards(place: Place, length: float, down: float) -> Place:
    """From a place to the left, turned down by some degrees."""
    angle = math.radians(down)
    return place[0] - length * math.cos(angle), place[1] + length * math.sin(angle)


def pair(place: Place, half: float, down: float) -> tuple[Place, Place]:
    """Dorsal and plantar point on both sides of an axis with this slope."""
    return forwards(place, half, down - 90.0), forwards(place, half, down + 90.0)


HEEL: Place = (0.0, 0.0)
FACET: Place = (-25.0, -48.0)
# Calcaneus: plantar line 20 degrees up; lines of the Böhler angle 12 degrees up and 18 down, backwards.
CALCANEUS: dict[str, Place] = {
    "calcaneus_tuberosity_plantar": HEEL,
    "calcaneus_anterior_plantar": forwards(HEEL, 50.0, -20.0),
    "calcaneus_tuberosity_superior": forwards(FACET, -30.0, -18.0),
    "calcaneus_posterior_facet_superior": FACET,
    "calcaneus_crucial_angle_apex": (-42.0, -36.0),
    "calcaneus_anterior_process_superior": forwards(FACET, 36.0, 12.0),
}
_APEX = CALCANEUS["calcaneus_crucial_angle_apex"]


def corner(first: Place, apex: Place, second: Place) -> float:
    """Angle at the apex, from the directions of both arms."""
    one, two = (math.degrees(math.atan2(p[1] - apex[1], p[0] - apex[0])) for p in (first, second))
    return abs((one - two + 180.0) % 360.0 - 180.0)


CALCANEUS_VALUES = {
    "boehler_angle": 30.0,
    "gissane_angle": corner(FACET, _APEX, CALCANEUS["calcaneus_anterior_process_superior"]),
}

# Talus: neck and head on an axis 25 degrees down.
_NECK: Place = (-45.0, -58.0)
_HEAD = forwards(_NECK, 18.0, 25.0)
TALUS: dict[str, Place] = {}
for _name, _place, _half in (("talar_neck", _NECK, 7.0), ("talar_head", _HEAD, 11.0)):
    TALUS[f"{_name}_dorsal"], TALUS[f"{_name}_plantar"] = pair(_place, _half, 25.0)

# The middle of the body lies 40 mm behind the head on a line 10 degrees down.
_BODY = forwards(_HEAD, -40.0, 10.0)
_TOP, _PROCESS = pair(_BODY, 17.0, 0.0)
_BASE: Place = (-100.0, -36.0)


def _metatarsal() -> dict[str, Place]:
    """Joint centres on a line 24 degrees down, bisector of the shaft 21 degrees down."""
    points = {"first_metatarsal_base_centre": _BASE}
    for level, reach in (("proximal", 20.0), ("distal", 40.0)):
        dorsal, plantar = pair(forwards(_BASE, reach, 21.0), 6.0, 21.0)
        points[f"first_metatarsal_shaft_{level}_dorsal"] = dorsal
        points[f"first_metatarsal_shaft_{level}_plantar"] = plantar
    return points | {"first_metatarsal_head_centre": forwards(_BASE, 58.0, 24.0)}


# The sesamoid lies level with the heel, 3 degrees above the line to the fifth metatarsal head.
POINTS: dict[str, Place] = {
    **CALCANEUS,
    "talar_dome_top": _TOP,
    "talar_lateral_process": _PROCESS,
    **TALUS,
    **_metatarsal(),
    "medial_sesamoid_plantar": (-150.0, 0.0),
    "navicular_plantar": (-80.0, -36.0),
    "medial_cuneiform_plantar": (-95.0, -24.0),
    "fifth_metatarsal_base_plantar": (-80.0, -6.0),
    "fifth_metatarsal_head_plantar": forwards(HEEL, 130.0, 3.0),
}
_FIFTH = POINTS["fifth_metatarsal_head_plantar"]
_FIFTH_DOWN = math.degrees(math.atan2(_FIFTH[1] + 6.0, -80.0 - _FIFTH[0]))

VALUES = {
    "talus_first_metatarsal": 21.0 - 25.0,
    "talus_first_metatarsal_body": 24.0 - 10.0,
    "calcaneal_pitch": 20.0,
    "calcaneal_pitch_fifth": 23.0,
    "calcaneal_pitch_horizontal": 20.0,
    "medial_arch_angle": corner(HEEL, TALUS["talar_head_plantar"], (-150.0, 0.0)),
    "talar_declination": 25.0,
    "first_metatarsal_declination": 21.0,
    "hibbs_angle": 20.0 + 21.0,
    "calcaneal_fifth_metatarsal": 180.0 - 20.0 - _FIFTH_DOWN,
    "navicular_height": 36.0,
    "navicular_index": 36.0 / 150.0,
    "medial_cuneiform_fifth_metatarsal": 18.0,
    **CALCANEUS_VALUES,
    "lateral_talocalcaneal_angle": 45.0,
}
