from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core.resources import resource_path, user_cache_dir


def test_source_tree_holds_core() -> None:
    assert resource_path("core", "resources.py").is_file()


def test_bundle_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert resource_path("assets", "a.txt") == tmp_path / "assets" / "a.txt"


def test_cache_is_named_by_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ORTHOMATCH_CACHE", str(tmp_path / "c"))
    assert user_cache_dir() == tmp_path / "c"


def test_cache_per_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ORTHOMATCH_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", classmethod(lambda cls: tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert user_cache_dir() == tmp_path / "x" / "orthomatch"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert user_cache_dir() == tmp_path / ".cache" / "orthomatch"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert user_cache_dir() == tmp_path / "Library" / "Caches" / "orthomatch"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert user_cache_dir() == tmp_path / "local" / "orthomatch"
