"""Points on shafts lie at the levels that the catalogue gives, in every simulated view that has such."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from core.adapters.view_matcher import shafts_of
from core.film import Side
from core.matching.shafts import at_levels
from core.measure.loader import default_catalogue
from training.simulate.cases import SimulatedFilm, annotation
from training.simulate.imaging import random_exposure
from training.simulate.people import People
from training.simulate.scene import Camera
from training.simulate.views import view_maker

_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "anatomy"
ANATOMY = Path(os.environ.get("ORTHOMATCH_ANATOMY", str(_BESIDE)))
VIEWS = [view.key for view in default_catalogue().views.values() if view.shafts]
OFF_MM = 0.5
"""The axis of the drawn ankle differs a little from that of the points on its borders."""


@pytest.mark.skipif(not ANATOMY.is_dir(), reason="anatomy collection not available")
@pytest.mark.parametrize("view", VIEWS)
def test_simulated_points_lie_at_their_levels(view: str) -> None:
    definition = default_catalogue().view(view)
    shafts = shafts_of(definition)
    moved = []
    for seed in range(6):
        scene, camera = view_maker(view)(np.random.default_rng([43, seed]), 720, People(ANATOMY))
        named = scene.project_points(camera)
        points = np.array([named[key] for key in definition.point_keys])
        levelled = at_levels(points, shafts)
        placed = frozenset[str]().union(*(shaft.placed for shaft in definition.shafts))
        on_shaft = sorted(definition.point_keys.index(key) for key in placed)
        assert np.flatnonzero(levelled.across.any(1)).tolist() == on_shaft
        moved.append(np.linalg.norm(levelled.position - points, axis=1)[on_shaft] * camera.object_pixel_mm)
    assert np.quantile(moved, 0.9) < OFF_MM
    assert np.max(moved) < 2.0 * OFF_MM


def test_shaft_points_without_their_measure_are_not_annotated() -> None:
    catalogue = default_catalogue()
    definition = catalogue.view("knee_ap")
    hidden = definition.shafts[0].start[0]
    of_hidden = [shaft for shaft in definition.shafts if hidden in shaft.needed - shaft.placed]
    lost = frozenset({hidden}).union(*(shaft.placed for shaft in of_hidden))
    assert lost < set(definition.point_keys)
    film = SimulatedFilm(
        view=definition.key,
        side=Side.LEFT,
        image=np.zeros((100, 100), np.float32),
        points={key: np.array([n, 2.0 * n]) for n, key in enumerate(definition.point_keys) if key != hidden},
        camera=Camera(1000.0, 900.0, 0.5, 100, 100, 50.0, 50.0),
        exposure=random_exposure(np.random.default_rng(0), 1.0),
        truth={},
    )
    entry = annotation(film, catalogue, "film.png")
    listed = dict(zip(entry["names"], entry["landmarks"], strict=True))  # type: ignore[call-overload]
    assert {key for key, place in listed.items() if place is None} == lost
