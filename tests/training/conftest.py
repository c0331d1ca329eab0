"""Tests that draw people are skipped where the packages with two of the subjects are not installed."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

PACKAGES = ("musculoskeletal-models", "myo-sim", "myo_sim")


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup() -> Generator[None, Any, Any]:
    return (yield from _skipping())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, Any, Any]:
    return (yield from _skipping())


def _skipping() -> Generator[None, Any, Any]:
    try:
        return (yield)
    except (FileNotFoundError, ModuleNotFoundError) as error:
        if any(package in str(error) for package in PACKAGES):
            pytest.skip(str(error))
        raise
