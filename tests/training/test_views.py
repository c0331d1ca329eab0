"""Every view that can be simulated: it renders in every split, and its points are those of the catalogue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.measure.loader import load_catalogue
from training.simulate.anatomy import anatomy_dir
from training.simulate.films import expose
from training.simulate.imaging import develop, random_exposure
from training.simulate.people import SPLITS
from training.simulate.views import VIEW_KEYS, scene_makers

CATALOGUE = load_catalogue()
SIDE_PX = 192


@pytest.fixture(scope="module")
def anatomy() -> Path:
    beside = Path(__file__).resolve().parents[3] / "shared" / "anatomy"
    try:
        return anatomy_dir(beside if beside.is_dir() else None)
    except FileNotFoundError:
        pytest.skip("anatomy collection not at hand (ORTHOMATCH_ANATOMY)")


def test_every_view_of_the_catalogue_can_be_simulated_and_the_other_way_round() -> None:
    assert set(VIEW_KEYS) == set(CATALOGUE.views)


@pytest.mark.parametrize("view", VIEW_KEYS)
def test_a_view_renders(view: str, anatomy: Path) -> None:
    for seed, split in enumerate(SPLITS):
        rng = np.random.default_rng([7, seed])
        scene, camera = scene_makers(anatomy, split)[view](rng, SIDE_PX)
        film = expose(scene, camera, seed)
        picture = develop(film.layers, random_exposure(rng, 0.6), rng)
        assert picture.shape == (camera.height, camera.width)
        assert max(picture.shape) == SIDE_PX
        assert np.isfinite(picture).all()
        assert float(picture.std()) > 0.02
        assert set(film.named) == set(CATALOGUE.view(view).point_keys)
        assert np.isfinite(np.array(list(film.named.values()))).all()


@pytest.mark.parametrize("view", VIEW_KEYS)
def test_the_same_seed_gives_the_same_film(view: str, anatomy: Path) -> None:
    make = scene_makers(anatomy)[view]
    films = [expose(*make(np.random.default_rng(3), SIDE_PX), 1) for _ in range(2)]
    np.testing.assert_array_equal(films[0].layers.bone, films[1].layers.bone)
    np.testing.assert_array_equal(films[0].tracked_px, films[1].tracked_px)
    for name, place in films[0].named.items():
        np.testing.assert_array_equal(place, films[1].named[name])
