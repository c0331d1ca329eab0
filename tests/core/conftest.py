"""What several tests of the core share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from core.engine import Engine

settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The real engine: shipped model, bank and catalogue, its cache in a folder of its own."""
    cache: Path = tmp_path_factory.mktemp("cache")
    before = os.environ.get("ORTHOMATCH_CACHE")
    os.environ["ORTHOMATCH_CACHE"] = str(cache)
    try:
        yield Engine.open()
    finally:
        if before is None:
            del os.environ["ORTHOMATCH_CACHE"]
        else:
            os.environ["ORTHOMATCH_CACHE"] = before
