"""Random pelvis films of adults whose left hip is replaced (``hip_replacement_ap``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from training.simulate.pelvis.ap import pelvis_camera, pelvis_rules, pelvis_scene, shaft_rules, towards
from training.simulate.pelvis.points import BallEdge, Fixed
from training.simulate.people import People
from training.simulate.prostheses import HipImplant, hip_replacement
from training.simulate.rules import Between
from training.simulate.scene import Camera, FloatArray, PointRule, Scene

INCLINATION_DEG, ANTEVERSION_DEG = (44.0, 8.0), (16.0, 8.0)
"""Mean and spread of the cup's radiographic angles (Murray 1993): wider than surgeons aim for."""

SHAFT_LEVELS = {"proximal": 0.58, "distal": 0.75}
"""Sections of the shafts, in distances of the centres of both heads below these."""


def replacement_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random adult pelvis with a replaced left hip, the patient's right on the image left."""
    scene = replacement_scene(rng, people)
    return scene, pelvis_camera(scene, rng, side_px)


def replacement_scene(rng: np.random.Generator, people: People, variation: float = 1.0) -> Scene:
    """The scene of ``replacement_film``; ``truth`` holds the cup's angles to the detector."""
    for _ in range(20):
        whole = pelvis_scene(rng, people, variation)
        inclination, anteversion = (
            float(np.clip(mean + variation * spread * rng.standard_normal(), *ends))
            for (mean, spread), ends in zip(
                (INCLINATION_DEG, ANTEVERSION_DEG), ((20.0, 70.0), (-5.0, 40.0)), strict=True
            )
        )
        made = hip_replacement(whole, rng, [""], opening(inclination, anteversion))
        if made is None:
            continue
        scene, implant = made
        truth = {"cup_inclination": inclination, "cup_anteversion": anteversion}
        rules = replacement_rules(people, implant, opening(inclination, anteversion))
        return replace(scene, view="hip_replacement_ap", point_rules=rules, truth=truth)
    raise ValueError("No hip of this person can be replaced.")


def opening(inclination_deg: float, anteversion_deg: float) -> FloatArray:
    """Direction [3] in which the cup of a left hip opens: lateral and down on the film, and to the front.

    The angles are the radiographic ones of Murray (J Bone Joint Surg Br 1993;75:228-232).
    """
    i, a = np.radians([inclination_deg, anteversion_deg])
    return np.array([np.sin(i) * np.cos(a), np.cos(i) * np.cos(a), -np.sin(a)])


def replacement_rules(people: People, implant: HipImplant, cup_opens: FloatArray) -> Mapping[str, PointRule]:
    """Rules of all points of ``hip_replacement_ap``, in the order of the view."""
    native = pelvis_rules(people)
    rules: dict[str, PointRule] = {}
    sides = {"operated": "left", "other": "right"}
    for role, side in sides.items():
        for name in ("teardrop_inferior", "ischial_tuberosity_inferior", "lesser_trochanter_tip"):
            rules[f"{name}_{role}"] = native[f"{name}_{side}"]
    # The long axis of the rim's ellipse is the diameter of the rim that is parallel to the film.
    along = np.array([cup_opens[1], -cup_opens[0], 0.0]) / np.hypot(cup_opens[0], cup_opens[1])
    rules["cup_lateral"] = Fixed(implant.centre + implant.cup_radius * along)
    rules["cup_medial"] = Fixed(implant.centre - implant.cup_radius * along)
    for name, down_deg in (("superolateral", -45.0), ("lateral", 0.0), ("inferior", 90.0), ("medial", 180.0)):
        direction = towards(people, "left", down_deg)
        rules[f"head_{name}"] = BallEdge(implant.centre, implant.head_radius, direction)
    for name in ("superior", "medial", "inferior", "lateral"):
        rules[f"femoral_head_{name}_other"] = native[f"femoral_head_{name}_right"]
    centres = {
        "operated": Between(rules["head_medial"], rules["head_lateral"]),
        "other": Between(rules["femoral_head_medial_other"], rules["femoral_head_lateral_other"]),
    }
    unit = (centres["operated"], centres["other"])
    for role, side in sides.items():
        shaft = shaft_rules(people, side, centres[role], unit, SHAFT_LEVELS)
        rules |= {f"{name}_{role}": rule for name, rule in shaft.items()}
    return rules | {"stem_tip": Fixed(implant.stem_tip)}
