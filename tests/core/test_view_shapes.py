"""Shapes of people by view: read in the order of the view, and refused when damaged."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.adapters.feature_cache import MemoryFeatureCache
from core.adapters.view_matcher import matcher_for_points
from core.adapters.view_shapes import read_shapes, save_shapes
from core.errors import CatalogueError
from core.measure.loader import load_catalogue
from tests.core.matching_films import FakeEncoder

CATALOGUE = load_catalogue()
VIEW = CATALOGUE.view("hip_frog_leg")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shapes.npz"


def saved(path: Path) -> np.ndarray:
    px = np.random.default_rng(2).uniform(0, 500, (3, len(VIEW.point_keys), 2)).round(1)
    save_shapes(path, {VIEW.key: (VIEW.point_keys, px)})
    return px


def test_what_is_saved_is_read(path: Path) -> None:
    px = saved(path)
    found = read_shapes(CATALOGUE, path)
    assert list(found) == [VIEW.key]
    assert found[VIEW.key].dtype == np.float64
    assert found[VIEW.key] == pytest.approx(px, abs=1e-3)


def test_the_same_shapes_give_the_same_file(path: Path, tmp_path: Path) -> None:
    px = saved(path)
    save_shapes(tmp_path / "b.npz", {VIEW.key: (VIEW.point_keys, px)})
    assert path.read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_points_are_told_apart_by_their_keys(path: Path) -> None:
    px = saved(path)
    turned = replace(VIEW, points=VIEW.points[::-1])
    found = read_shapes(replace(CATALOGUE, views={VIEW.key: turned}), path)
    assert found[VIEW.key] == pytest.approx(px[:, ::-1], abs=1e-3)
    save_shapes(path, {VIEW.key: (VIEW.point_keys[1:], px[:, 1:]), "unknown": (("a",), px[:, :1])})
    found = read_shapes(CATALOGUE, path)
    assert list(found) == [VIEW.key]
    assert np.isnan(found[VIEW.key][:, 0]).all()
    assert found[VIEW.key][:, 1:] == pytest.approx(px[:, 1:], abs=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.pop(f"{VIEW.key}.px"),
        lambda a: a.update({f"{VIEW.key}.px": a[f"{VIEW.key}.px"][:, :-1]}),
        lambda a: a.update({f"{VIEW.key}.points": np.array([])}),
        lambda a: a[f"{VIEW.key}.px"].fill(np.nan),
        lambda a: a.update({f"{VIEW.key}.px": np.array([[["x", "y"]]])}),
        lambda a: a.update({f"{VIEW.key}.px": np.array([{}], dtype=object)}),
    ],
)
def test_wrong_shapes_are_refused_in_words(path: Path, change: Callable[[Any], None]) -> None:
    saved(path)
    with np.load(path) as file:
        arrays = {name: file[name].copy() for name in file.files}
    change(arrays)
    np.savez(path, **arrays)
    with pytest.raises(CatalogueError, match="shapes of the views are damaged") as caught:
        read_shapes(CATALOGUE, path)
    assert caught.value.path == path


@pytest.mark.parametrize("data", [None, b"", b"PK", b"no archive at all", 200])
def test_a_damaged_file_is_refused_in_words(path: Path, data: bytes | int | None) -> None:
    saved(path)
    whole = path.read_bytes()
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data if isinstance(data, bytes) else whole[:data])
    with pytest.raises(CatalogueError, match="Install the program again"):
        read_shapes(CATALOGUE, path)


def test_every_shipped_view_has_shapes_of_all_its_points() -> None:
    found = read_shapes(CATALOGUE)
    assert set(found) == set(CATALOGUE.views)
    assert all(np.isfinite(px).all() and len(px) >= 100 for px in found.values())


def test_references_with_a_part_of_the_points_get_that_part_of_the_shapes() -> None:
    names = VIEW.point_keys[2:0:-1]
    matcher = matcher_for_points(FakeEncoder(), MemoryFeatureCache(), CATALOGUE, VIEW, names)
    whole = read_shapes(CATALOGUE)[VIEW.key]
    assert matcher._shapes[VIEW.key] == pytest.approx(whole[:, [2, 1]])
