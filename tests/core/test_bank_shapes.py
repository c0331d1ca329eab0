"""Points of further people that a bank knows: read in the order of the view, and refused when damaged."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.adapters.bank import load_bank
from core.adapters.bank_shapes import SHAPES, read_shapes, save_shapes
from core.errors import BankError
from core.measure.loader import load_catalogue
from tests.core.bank_folder import make_bank

CATALOGUE = load_catalogue()
VIEW = CATALOGUE.view("hip_frog_leg")


def shapes(folder: Path) -> np.ndarray:
    px = np.random.default_rng(2).uniform(0, 500, (3, len(VIEW.point_keys), 2)).round(1)
    save_shapes(folder, {VIEW.key: (VIEW.point_keys, px)})
    return px


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    px = shapes(tmp_path)
    found = read_shapes(tmp_path, CATALOGUE)
    assert list(found) == [VIEW.key]
    np.testing.assert_array_equal(found[VIEW.key], px)


def test_points_are_told_apart_by_their_keys(tmp_path: Path) -> None:
    px = shapes(tmp_path)
    turned = replace(VIEW, points=VIEW.points[::-1])
    views = {VIEW.key: turned}
    found = read_shapes(tmp_path, replace(CATALOGUE, views=views))
    np.testing.assert_array_equal(found[VIEW.key], px[:, ::-1])
    save_shapes(tmp_path, {VIEW.key: (VIEW.point_keys[1:], px[:, 1:]), "unknown": (("a",), px[:, :1])})
    found = read_shapes(tmp_path, CATALOGUE)
    assert list(found) == [VIEW.key]
    assert np.isnan(found[VIEW.key][:, 0]).all()
    np.testing.assert_array_equal(found[VIEW.key][:, 1:], px[:, 1:])


def test_a_bank_without_shapes_has_none_and_its_hash_covers_them(tmp_path: Path) -> None:
    make_bank(tmp_path)
    plain = load_bank(tmp_path)
    assert plain.shapes(CATALOGUE) == {}
    shapes(tmp_path)
    first = load_bank(tmp_path)
    assert list(first.shapes(CATALOGUE)) == [VIEW.key]
    save_shapes(tmp_path, {VIEW.key: (VIEW.point_keys, np.zeros((1, len(VIEW.point_keys), 2)))})
    assert len({plain.sha256, first.sha256, load_bank(tmp_path).sha256}) == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(format="other"),
        lambda d: d.update(version=2),
        lambda d: d.pop("views"),
        lambda d: d.update(views=[1]),
        lambda d: d["views"][VIEW.key]["shapes"][0].pop(),
        lambda d: d["views"][VIEW.key].update(points=[]),
        lambda d: d["views"][VIEW.key]["shapes"][0].__setitem__(0, float("nan")),
        lambda d: d["views"][VIEW.key]["shapes"][0].__setitem__(0, "x"),
    ],
)
def test_damaged_shapes_are_refused_in_words(tmp_path: Path, change: Callable[[Any], None]) -> None:
    shapes(tmp_path)
    document = json.loads((tmp_path / SHAPES).read_text())
    change(document)
    (tmp_path / SHAPES).write_text(json.dumps(document))
    with pytest.raises(BankError, match="shapes are damaged") as caught:
        read_shapes(tmp_path, CATALOGUE)
    assert caught.value.path == tmp_path / SHAPES


def test_the_shipped_bank_knows_shapes_of_every_view() -> None:
    found = load_bank().shapes(CATALOGUE)
    assert set(found) == set(CATALOGUE.views)
    assert all(np.isfinite(px).all() and len(px) >= 40 for px in found.values())
