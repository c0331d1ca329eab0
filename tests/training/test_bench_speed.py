"""The benchmark of speed: which references vote, and where the stages begin."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from core.matching.matcher import LandmarkMatcher
from core.matching.protocol import Reference
from tests.core.matching_films import CountingCache, FakeEncoder, reference, square_film
from training.bench.speed import FIND, PLACE, repeated, timed_match


def test_references_are_repeated_under_other_names() -> None:
    some = repeated([reference("a"), reference("b")], 5)
    assert [r.key for r in some] == ["a", "b", "a 2", "b 2", "a 3"]
    assert [r.key for r in repeated([reference("a"), reference("b")], 1)] == ["a"]


def test_the_matcher_tells_where_its_stages_begin() -> None:
    said: list[str] = []
    matcher = LandmarkMatcher(FakeEncoder(), CountingCache())
    matcher.match(square_film()[0], [reference()], progress=lambda _, text: said.append(text))
    assert [text.split()[0] for text in said][-2:] == [FIND, PLACE]


def test_stages_add_up_to_the_match() -> None:
    class Slow:
        def match(
            self, pixels: Any, references: Sequence[Reference], progress: Callable[[float, str], None]
        ) -> None:
            progress(0.0, "Learning reference 1 of 1")
            wait(3)
            progress(0.3, f"{FIND} view and side")
            wait(1)
            progress(0.6, f"{PLACE} points")
            wait(2)

    found = timed_match(Slow(), np.zeros((2, 2)), [])  # type: ignore[arg-type]
    assert found.find >= 0.01
    assert found.place >= 0.02
    assert found.whole >= found.find + found.place + 0.03


def wait(hundredths: int) -> None:
    time.sleep(hundredths / 100)
