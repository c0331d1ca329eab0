"""Reference features that come with the program: used when they fit, never written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from core.adapters.bank import default_bank_folder, load_bank
from core.adapters.feature_cache import DiskFeatureCache
from core.adapters.onnx import OnnxEncoder
from core.adapters.view_shapes import read_shapes
from core.matching.features import ViewFeatures, features_key
from core.measure.loader import load_catalogue

KEY = "a" * 64
FINE_AND_COARSE = [f"{kind}_{part}" for kind in ("whole", "aligned", "close") for part in ("coarse", "fine")]


def features() -> ViewFeatures:
    shape = (2, 3, 4)
    numbers = {name: np.full(shape, i, dtype=np.float32) for i, name in enumerate(FINE_AND_COARSE)}
    points = np.zeros((2, 3, 2))
    codes = np.ones((2, 5), np.float32)
    queries = {f"{kind}_query": np.full((3, 8), 7.0, np.float32) for kind in ("aligned", "close")}
    shape_px = np.ones((3, 2)), np.array([160, 400])
    return ViewFeatures(
        "v", ("a", "b"), *shape_px, codes, codes, points, points, points, **numbers, **queries
    )


def test_shipped_features_are_found_without_a_cache(tmp_path: Path) -> None:
    DiskFeatureCache(tmp_path / "shipped").save(KEY, features())
    cache = DiskFeatureCache(tmp_path / "user", shipped=tmp_path / "shipped")
    found = cache.load(KEY)
    assert found is not None
    np.testing.assert_array_equal(found.aligned_fine, features().aligned_fine)
    assert found.keys == ("a", "b")


def test_other_references_are_not_served_from_the_shipped_ones(tmp_path: Path) -> None:
    DiskFeatureCache(tmp_path / "shipped").save(KEY, features())
    assert DiskFeatureCache(tmp_path / "user", shipped=tmp_path / "shipped").load("b" * 64) is None


def test_new_features_go_to_the_user_and_leave_the_shipped_alone(tmp_path: Path) -> None:
    cache = DiskFeatureCache(tmp_path / "user", shipped=tmp_path / "shipped")
    cache.save(KEY, replace(features(), view="w"))
    assert not (tmp_path / "shipped").exists()
    again = cache.load(KEY)
    assert again is not None
    assert again.view == "w"


def test_the_shipped_features_are_those_of_the_shipped_model_and_bank(tmp_path: Path) -> None:
    model, bank, catalogue = OnnxEncoder().model_sha256, load_bank(), load_catalogue()
    cache = DiskFeatureCache(tmp_path, shipped=default_bank_folder() / "features")
    shapes = read_shapes(catalogue)
    for view in sorted({entry.view for entry in bank.entries}):
        found = cache.load(features_key(model, bank.references(catalogue, view), shapes.get(view)))
        assert found is not None, f"{view}: run python -m training.simulate.bank with --features-only"
        assert found.view == view
