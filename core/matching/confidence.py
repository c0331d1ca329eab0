"""From the shape of the answers to an error a reader can use.

The constants are fitted by ``python -m training.bench.calibrate`` on simulated films of the people kept for
validation, in all views, with the bank's references and with few; they belong to the model they were fitted
for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What speaks for and against a film's points: all [N], lengths in pixels of the canonical window.

    ``spread`` is what answers and shapes together leave open (standard deviation, see ``joint``);
    ``against`` the negative logarithm of the probability that the answers give the point (see
    ``refine.Placed``); ``apart`` the median distance of the single references' answers when neighbours say
    nothing; ``strain`` how badly its answer fits in with all others. The last two hold for a film as a whole:
    ``film_strain`` is the mean of all strains, ``people`` of how many people the view's shape is known.
    """

    spread: FloatArray
    against: FloatArray
    apart: FloatArray
    strain: FloatArray
    film_strain: float | FloatArray
    people: float | FloatArray


@dataclass(frozen=True)
class ErrorModel:
    """Expected error in window pixels, as a product of powers of what the evidence says.

    ``base`` times (1 + each length and strain) to the power of the constant of its name, times
    exp(``against`` * against), divided by the people to the power of ``known``: a single reference does not
    tell how people differ, and that all agrees with it says little. At least ``floor``, an eighth of a cell
    of the fine map: no answer is surer than that; at most ``ceiling``, as errors were counted when the
    constants were fitted. No constant is negative, so that more doubt is never less error.
    """

    floor: float = 0.5
    base: float = 0.103
    spread: float = 2.0
    apart: float = 0.157
    strain: float = 0.539
    film_strain: float = 1.495
    against: float = 0.3
    known: float = 0.127
    ceiling: float = 40.0

    def expected_error(self, evidence: Evidence) -> FloatArray:
        """Expected distance [N] to the true point, in window pixels."""
        error = (
            self.base
            * (1.0 + evidence.spread) ** self.spread
            * (1.0 + evidence.apart) ** self.apart
            * (1.0 + evidence.strain) ** self.strain
            * (1.0 + evidence.film_strain) ** self.film_strain
            * np.exp(self.against * evidence.against)
            / np.asarray(evidence.people, dtype=np.float64) ** self.known
        )
        return np.asarray(np.clip(error, self.floor, self.ceiling))


LOOK_BEYOND_MM = 2.9
"""Expected error beyond which a point must be looked at, where the film's spacing is known."""

LOOK_BEYOND_WINDOW = 0.0135
"""The same as a part of the canonical window, where the spacing is unknown."""


def confidence(expected_error: FloatArray, limit: float) -> FloatArray:
    """0..1: one half where the expected error is ``limit``, in the same unit; less for a larger one."""
    return np.asarray(1.0 / (1.0 + (expected_error / limit) ** 2))
