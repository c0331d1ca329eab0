"""Point layouts with known measurements: made of right angles, whole numbers and chosen directions."""

from __future__ import annotations

import math
import pkgutil
from collections.abc import Mapping
from importlib import import_module

from core.film import Calibration, SpacingSource
from core.landmarks import Landmark, LandmarkSet
from tests.core import layouts

MM = Calibration(1.0, 1.0, SpacingSource.FIDUCIAL, "Spacing of the fiducial.")

ANKLE: Mapping[str, tuple[float, float]] = {
    "tibial_shaft_proximal_medial": (-10, -100),
    "tibial_shaft_proximal_lateral": (10, -100),
    "tibial_shaft_distal_medial": (-10, -70),
    "tibial_shaft_distal_lateral": (10, -70),
    "tibial_plafond_medial": (-15, 0),
    "tibial_plafond_lateral": (15, 3),
    "medial_malleolus_tip": (-20, 12),
    "lateral_malleolus_tip": (20, 22),
    "medial_malleolus_articular": (-17.5, 8),
    "talar_medial_facet": (-14.5, 12),
    "talar_dome_medial": (-14, 4),
    "talar_dome_lateral": (14, 8),
    "fibula_shaft_medial": (24, -70),
    "fibula_shaft_lateral": (34, -70),
    "tibia_syndesmosis_posterior": (18, -10),
    "tibia_syndesmosis_anterior": (25, -9),
    "fibula_syndesmosis_medial": (22, -11),
}
"""Millimetres; tibial axis upright, plafond 3 in 30 and dome 4 in 28 down to the lateral side."""

_PLAFOND = math.degrees(math.atan2(3, 30))
_DOME = math.degrees(math.atan2(4, 28))
_TIPS = math.degrees(math.atan2(10, 40))
_SUPERIOR = 4.5 * math.cos(math.radians(_PLAFOND))  # dome centre (0, 6) below the plafond at (0, 1.5)

ANKLE_VALUES: Mapping[str, float] = {
    "ldta": 90 + _PLAFOND,
    "talar_tilt": _DOME - _PLAFOND,
    "tibia_dome_angle": 90 + _DOME,
    "talocrural": 90 + _PLAFOND - _TIPS,
    "tibial_axis_vertical": 0.0,
    "medial_clear_space": 5.0,
    "superior_clear_space": _SUPERIOR,
    "clear_space_difference": _SUPERIOR - 5.0,
    "tibiofibular_clear_space": 4.0,
    "tibiofibular_overlap": 3.0,
    "malleolar_offset": 10.0,
    "plafond_width": math.sqrt(909),
    "dome_width": math.sqrt(800),
    "tibial_shaft_width": 20.0,
    "fibular_shaft_width": 10.0,
}

RAYS: Mapping[str, tuple[str, tuple[float, float], tuple[tuple[float, float], ...]]] = {
    # ray: metacarpal name, metacarpal base, (length, degrees clockwise of straight up) from base to tip
    "thumb": ("first", (30.0, -10.0), ((45, 40), (32, 25), (22, 20))),
    "index": ("second", (14.0, -14.0), ((68, 8), (40, 12), (24, 9), (17, 4))),
    "middle": ("third", (4.0, -15.0), ((65, 0), (45, 1), (28, -1), (18, -3))),
    "ring": ("fourth", (-6.0, -13.0), ((58, -9), (41, -6), (26, -7), (18, -2))),
    "little": ("fifth", (-14.0, -10.0), ((53, -22), (33, -17), (19, -13), (16, 1))),
}
_WRIST: Mapping[str, tuple[float, float]] = {
    "ulna_metaphysis_ulnar_border": (-30, 30),
    "ulnar_styloid_tip": (-28, 20),
    "ulna_metaphysis_radial_border": (-14, 33),
    "radius_metaphysis_ulnar_border": (-12, 30),
    "radius_metaphysis_radial_border": (22, 30),
    "radial_styloid_tip": (24, 14),
    "triquetrum_proximal": (-12, 6),
    "lunate_proximal": (-1, 15),
    "scaphoid_proximal_pole": (10, 14),
    "hamate_proximal_apex": (-5, 0),
    "capitate_head": (3, 4),
    "trapezoid_proximal": (14, -4),
    "trapezium_proximal": (22, -2),
}


def _hand() -> dict[str, tuple[float, float]]:
    points = dict(_WRIST)
    for finger in ("little", "ring", "middle", "index", "thumb"):
        metacarpal, base, _ = RAYS[finger]
        points[f"{metacarpal}_metacarpal_base"] = base
    for finger, (_, (x, y), bones) in RAYS.items():
        joints = [
            "proximal_phalanx_base",
            "proximal_phalanx_head",
            "middle_phalanx_head",
            "distal_phalanx_tip",
        ]
        if finger == "thumb":
            joints.remove("middle_phalanx_head")
        for joint, (length, turn) in zip(joints, bones, strict=True):
            x += length * math.sin(math.radians(turn))
            y -= length * math.cos(math.radians(turn))
            points[f"{finger}_{joint}"] = (x, y)
    return points


def _hand_values() -> dict[str, float]:
    values: dict[str, float] = {}
    for finger, (metacarpal, _, bones) in RAYS.items():
        values[f"{metacarpal}_metacarpal_segment"] = bones[0][0]
        values[f"{finger}_proximal_phalanx"] = bones[1][0]
        values[f"{finger}_distal_segment"] = bones[-1][0]
        if finger == "thumb":
            continue
        values[f"{finger}_middle_segment"] = bones[2][0]
        # The thumb side is on the right: a bone turned less clockwise deviates to the ulnar side.
        for joint, number in (("mcp", 0), ("pip", 1), ("dip", 2)):
            values[f"{finger}_{joint}_deviation"] = bones[number][1] - bones[number + 1][1]
    points = _hand()
    lengths = {
        finger: math.dist(points[f"{finger}_proximal_phalanx_base"], points[f"{finger}_distal_phalanx_tip"])
        for finger in ("index", "ring")
    }
    return values | {
        "intermetacarpal_1_2": 32.0,
        "intermetacarpal_4_5": 13.0,
        "intermetacarpal_2_5": 30.0,
        "digit_ratio_2_4": lengths["index"] / lengths["ring"],
        "forearm_width": 52.0,
        "radius_metaphysis_width": 34.0,
        "ulna_metaphysis_width": math.sqrt(16**2 + 3**2),
        "ulna_metaphysis_level": -3.0,
        "lunate_metacarpal_height": 30.0,
        "lunate_metacarpal_ratio": 30 / 65,
    }


HAND: Mapping[str, tuple[float, float]] = _hand()
"""Millimetres; fingers up, thumb to the right, bones of chosen length and direction."""

HAND_VALUES: Mapping[str, float] = _hand_values()

_MODULES = {
    info.name: import_module(f"tests.core.layouts.{info.name}")
    for info in pkgutil.iter_modules(layouts.__path__)
}
LAYOUTS: Mapping[str, tuple[Mapping[str, tuple[float, float]], Mapping[str, float]]] = {
    "ankle_ap": (ANKLE, ANKLE_VALUES),
    "hand_pa": (HAND, HAND_VALUES),
} | {view: (module.POINTS, module.VALUES) for view, module in _MODULES.items()}
"""Points and known values by view: those above, and a module ``layouts/<view>.py`` for each further view."""

UNVERIFIED: set[str] = {"ldta", "little_dip_deviation"}.union(
    *(getattr(module, "UNVERIFIED", ()) for module in _MODULES.values())
)
"""Keys of the measurements whose range was not checked at its source."""


def landmarks(
    points: Mapping[str, tuple[float, float]], *, error_px: float | None = None, scale: float = 1.0
) -> LandmarkSet:
    """The layout as landmarks, ``scale`` pixels to the millimetre."""
    return LandmarkSet(
        {key: Landmark(x * scale, y * scale, expected_error_px=error_px) for key, (x, y) in points.items()}
    )
