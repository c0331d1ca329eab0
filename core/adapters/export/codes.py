"""Coded terms of the exports: units, sides, body sites, measurements and points.

A term that no standard scheme codes is written in the private scheme 99ORTHOMATCH, whose values are the
catalogue's own keys: ``<view>/<measurement>`` and ``<view>/point/<point>``.
"""

from __future__ import annotations

import re

from core.film import Side
from core.measure.definitions import Code, View
from core.measure.results import MeasurementResult

SCHEME = "99ORTHOMATCH"
# UUIDs as UIDs (PS3.5 annex B.2); they name the scheme and the program for good.
SCHEME_UID = "2.25.65170143354174100371518495689079553456"
DEVICE_UID = "2.25.47195038376545273067485819484460996636"

_MAX_MEANING = 64  # characters of an LO value
_UNITS = {
    "deg": Code("deg", "UCUM", "degree"),
    "mm": Code("mm", "UCUM", "millimeter"),
    "px": Code("{pixels}", "UCUM", "pixels"),
    "ratio": Code("{ratio}", "UCUM", "ratio"),
    "percent": Code("%", "UCUM", "percent"),
}
_SIDES = {Side.LEFT: Code("7771000", "SCT", "Left"), Side.RIGHT: Code("24028007", "SCT", "Right")}


def private(value: str, meaning: str) -> Code:
    """A term of the program's own scheme."""
    return Code(value, SCHEME, short(meaning))


def short(meaning: str) -> str:
    """A meaning cut to what a coded entry may hold."""
    return meaning if len(meaning) <= _MAX_MEANING else meaning[: _MAX_MEANING - 3] + "..."


def unit_code(unit: str) -> Code:
    """The UCUM code of a result's unit."""
    return _UNITS[unit]


def measurement_code(view: View, result: MeasurementResult) -> Code:
    """The standard code that the definition names, else the private one."""
    for definition in view.measurements:
        if definition.key == result.key and definition.code is not None:
            return definition.code
    return private(f"{view.key}/{result.key}", result.name)


def method_code(view: View, result: MeasurementResult) -> Code:
    """The definition, with its version, by which the value was constructed."""
    version = result.definition.rpartition("@")[2]
    return private(f"{view.key}/{result.definition}", f"Definition {version} of {result.name}")


def point_code(view: View, key: str) -> Code:
    """The private code of a point."""
    names = {point.key: point.name for point in view.points}
    return private(f"{view.key}/point/{key}", names.get(key, key))


def side_of(side: Side, key: str) -> Side | None:
    """The side of one point or measurement, None where there is none to name.

    On views of both sides the keys say it, as in ``acetabular_index_left``.
    """
    if side is not Side.BOTH:
        return side
    match = re.search(r"_(left|right)(_|$)", key)
    return Side(match[1]) if match else None


def side_code(side: Side) -> Code:
    """SNOMED CT code of left or right."""
    return _SIDES[side]
