"""Stored films: the same from any number of processes, resumed, and the figures of realism and speed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from training.simulate import prerender, realism
from training.simulate.films import load_film
from training.simulate.speed import STAGES, time_films

ANATOMY = os.environ.get("ORTHOMATCH_ANATOMY")
needs_bones = pytest.mark.skipif(not ANATOMY, reason="needs the bone surfaces (ORTHOMATCH_ANATOMY)")


@needs_bones
def test_two_processes_store_what_one_stores(tmp_path: Path) -> None:
    for name, workers in (("one", "1"), ("two", "2")):
        prerender.main(
            ["--view", "hand_pa", "--count", "2", "--side-px", "96", "--hardware", "1", "--workers", workers,
             "--out", str(tmp_path / name), "--anatomy", str(ANATOMY)]
        )  # fmt: skip
    for index in range(2):
        one, two = (load_film(tmp_path / n / "hand_pa" / f"{index:06d}.npz") for n in ("one", "two"))
        assert np.array_equal(one.layers.bone, two.layers.bone)
        assert np.array_equal(one.tracked_px, two.tracked_px)
    kept = tmp_path / "one" / "hand_pa" / "000001.npz"
    kept.write_bytes(b"kept")
    prerender.main(
        ["--view", "hand_pa", "--count", "2", "--side-px", "96", "--out", str(tmp_path / "one"),
         "--anatomy", str(ANATOMY)]
    )  # fmt: skip
    assert kept.read_bytes() == b"kept"


@needs_bones
def test_stages_add_up_to_less_than_the_clock_and_memory_is_small() -> None:
    *stages, wall, peak = time_films("hand_pa", Path(str(ANATOMY)), 96, 0.0, range(1))
    assert len(stages) == len(STAGES)
    assert 0 < sum(stages) < wall + 0.1
    assert 50 < peak < 4000


@pytest.mark.parametrize("arguments", [["--hardware", "2"], ["--workers", "0"]])
def test_impossible_settings_are_refused(arguments: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        prerender.main(["--view", "hand_pa", "--count", "1", "--out", str(tmp_path), *arguments])


def test_detail_power_finds_the_octave_of_a_wave() -> None:
    x = np.arange(256, dtype=np.float32)
    for period in (3.0, 6.0, 12.0, 24.0):
        wave = np.sin(2 * np.pi * x / period)[None, :].repeat(256, axis=0).astype(np.float32)
        bands = realism.octaves(256)
        found = bands[int(realism.detail_power(wave).argmax())]
        assert found[0] <= 1 / period <= found[1]


def test_power_does_not_depend_on_brightness_and_contrast() -> None:
    film = np.random.default_rng(1).random((100, 80)).astype(np.float32)
    assert realism.detail_power(film) == pytest.approx(realism.detail_power(film * 0.3 + 0.5), abs=1e-3)


def test_a_folder_without_films_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no films"):
        realism.real_films(tmp_path, 64, 3)
