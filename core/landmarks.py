"""Named points on a film, with what is known of their error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

LOOK_BELOW_CONFIDENCE = 0.5
"""Confidence below which a point must be looked at."""


@dataclass(frozen=True)
class Landmark:
    """One point: film position in pixels and its uncertainty.

    ``expected_error_px`` is the expected distance to the true point, ``spread_px`` the root mean
    square distance of the single references' answers from it, ``confidence`` 0..1. All three are
    None for a point that a person placed (``edited``).
    """

    x_px: float
    y_px: float
    expected_error_px: float | None = None
    spread_px: float | None = None
    confidence: float | None = None
    edited: bool = False

    @property
    def uncertain(self) -> bool:
        """Whether it was placed by the program, which is not sure of it."""
        return self.confidence is not None and self.confidence < LOOK_BELOW_CONFIDENCE

    def moved_to(self, x_px: float, y_px: float) -> Landmark:
        """This point placed by hand at another position."""
        return Landmark(float(x_px), float(y_px), edited=True)


@dataclass(frozen=True)
class LandmarkSet:
    """The points of one view on one film, by stable key, in the order of the view's definition."""

    points: Mapping[str, Landmark]

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", MappingProxyType(dict(self.points)))

    def __getitem__(self, key: str) -> Landmark:
        return self.points[key]

    def __contains__(self, key: object) -> bool:
        return key in self.points

    def __iter__(self) -> Iterator[str]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    def with_point(self, key: str, landmark: Landmark) -> LandmarkSet:
        """A copy in which ``key`` is replaced (or added)."""
        return replace(self, points={**self.points, key: landmark})

    def without(self, key: str) -> LandmarkSet:
        """A copy that lacks ``key``."""
        return replace(self, points={k: p for k, p in self.points.items() if k != key})

    def in_order(self, keys: Iterable[str]) -> LandmarkSet:
        """A copy in the order of ``keys``, which name every point and perhaps others."""
        return replace(self, points={key: self.points[key] for key in keys if key in self.points})

    def positions_px(self) -> NDArray[np.float64]:
        """Positions [N, 2] (x, y) in order."""
        return np.array([[p.x_px, p.y_px] for p in self.points.values()], dtype=np.float64).reshape(-1, 2)
