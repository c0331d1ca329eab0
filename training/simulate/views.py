"""The views that can be simulated: how to draw a scene and a camera for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

import numpy as np

from training.simulate.films import SceneMaker
from training.simulate.people import People, Split
from training.simulate.scene import Camera, Scene

ViewMaker = Callable[[np.random.Generator, int, People], tuple[Scene, Camera]]
"""Draws a scene and a camera whose film is ``side_px`` long on its longer side."""

# Module and function of every view. Imported when asked for, so that one view does not load all bones.
_MAKERS: Mapping[str, str] = MappingProxyType(
    {
        "hand_pa": "training.simulate.hand.film:hand_film",
        "ankle_ap": "training.simulate.ankle.film:ankle_film",
        "spine_ap": "training.simulate.spine.ap:spine_ap_film",
        "spine_lateral": "training.simulate.spine.lateral:spine_lateral_film",
        "lumbar_ap": "training.simulate.spine.lumbar:lumbar_ap_film",
        "lumbar_lateral": "training.simulate.spine.lumbar:lumbar_lateral_film",
        "foot_ap": "training.simulate.foot.foot_ap:foot_ap_film",
        "foot_lateral": "training.simulate.foot.foot_lateral:foot_lateral_film",
        "ankle_lateral": "training.simulate.foot.ankle_lateral:ankle_lateral_film",
        "shoulder_ap": "training.simulate.shoulder.ap:shoulder_ap_film",
        "shoulder_y": "training.simulate.shoulder.y:shoulder_y_film",
        "knee_ap": "training.simulate.knee.ap:knee_ap_film",
        "full_leg_ap": "training.simulate.leg.full_leg:full_leg_film",
        "knee_lateral": "training.simulate.knee.lateral:knee_lateral_film",
        "knee_axial": "training.simulate.knee.axial:knee_axial_film",
        "pelvis_ap": "training.simulate.pelvis.ap:pelvis_film",
        "hip_replacement_ap": "training.simulate.pelvis.replacement:replacement_film",
        "pelvis_ap_child": "training.simulate.pelvis.child:child_film",
        "hip_false_profile": "training.simulate.pelvis.false_profile:false_profile_film",
        "hip_frog_leg": "training.simulate.pelvis.frog:frog_film",
        "wrist_pa": "training.simulate.wrist.film:wrist_pa_film",
        "wrist_lateral": "training.simulate.wrist.film:wrist_lateral_film",
        "elbow_ap": "training.simulate.elbow.film:elbow_ap_film",
        "elbow_lateral": "training.simulate.elbow.film:elbow_lateral_film",
    }
)
VIEW_KEYS = tuple(_MAKERS)


def view_maker(view: str) -> ViewMaker:
    """The maker of one view; KeyError for an unknown view."""
    module, name = _MAKERS[view].split(":")
    maker: ViewMaker = getattr(import_module(module), name)
    return maker


def scene_makers(anatomy: Path, split: Split = "train") -> Mapping[str, SceneMaker]:
    """One maker a view, by view key, drawing people of one split from the bones in ``anatomy``."""
    people = People(anatomy, split)

    def make(view: str, rng: np.random.Generator, side_px: int) -> tuple[Scene, Camera]:
        return view_maker(view)(rng, side_px, people)

    return MappingProxyType({view: partial(make, view) for view in VIEW_KEYS})
