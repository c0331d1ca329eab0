"""The views that can be simulated: how to draw a scene and a camera for each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from training.simulate.ankle import ankle_camera, ankle_scene
from training.simulate.films import SceneMaker
from training.simulate.hand import hand_camera, hand_scene
from training.simulate.scene import Camera, Scene


def scene_makers(anatomy: Path) -> Mapping[str, SceneMaker]:
    """One maker a view, by view key, drawing from the bones in ``anatomy``."""

    def hand(rng: np.random.Generator, side_px: int) -> tuple[Scene, Camera]:
        scene = hand_scene(rng, anatomy=anatomy)
        return scene, hand_camera(scene, rng, (side_px, side_px))

    def ankle(rng: np.random.Generator, side_px: int) -> tuple[Scene, Camera]:
        scene = ankle_scene(rng, anatomy=anatomy)
        return scene, ankle_camera(scene, rng, (side_px, side_px), 0.05)

    return MappingProxyType({"hand_pa": hand, "ankle_ap": ankle})
