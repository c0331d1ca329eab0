"""The program under test: the engine of ``orthomatch measure``, watched, and what it consists of."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import __version__
from core.engine import Engine
from core.matching.protocol import Matcher, MatchResult, Reference
from core.resources import resource_root


class WatchedMatcher:
    """A matcher that keeps what it found last, best view first; the engine's case holds no scores."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self.last: list[MatchResult] = []

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the model file in use."""
        return self._matcher.model_sha256

    @property
    def provider(self) -> str:
        """The execution provider really in use."""
        return self._matcher.provider

    def match(
        self, pixels: NDArray[np.float32], references: Sequence[Reference], **options: Any
    ) -> list[MatchResult]:
        """See ``core.matching.protocol.Matcher.match``."""
        self.last = []
        self.last = self._matcher.match(pixels, references, **options)
        return self.last


def open_engine(bank: Path | None) -> tuple[Engine, WatchedMatcher]:
    """The engine that ``orthomatch measure`` opens (None: the shipped bank), and its watched matcher."""
    engine = Engine.open(bank)
    watched = WatchedMatcher(engine.matcher)
    engine.matcher = watched
    return engine, watched


def header(engine: Engine, options: argparse.Namespace) -> dict[str, object]:
    """What a result depends on: version, commit, hashes, machine and the options of the run.

    Of paths among the options only the last part is kept.
    """
    return {
        "version": __version__,
        "commit": commit(),
        "model_sha256": engine.matcher.model_sha256,
        "bank_sha256": engine.bank.sha256,
        "provider": engine.provider,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "settings": {name: _without_folders(value) for name, value in vars(options).items()},
    }


def _without_folders(value: object) -> object:
    if isinstance(value, list):
        return [_without_folders(item) for item in value]
    if isinstance(value, Path):
        return value.name
    if isinstance(value, str) and "=" in value:  # VIEW=PATH
        name, _, path = value.partition("=")
        return f"{name}={Path(path).name}"
    return value


def commit() -> str | None:
    """The commit checked out, with ``+`` when files differ from it; None outside a checkout."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(resource_root()), *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def save_json(path: Path, report: dict[str, Any]) -> None:
    """Write a report, numbers to five significant digits; NaN and infinity become null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plain(report), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def plain(value: Any) -> Any:
    """``value`` with numbers rounded to five significant digits, and null for what is no number."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.5g}") if np.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value
