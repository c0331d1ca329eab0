"""The matcher's interface: a film and references in, one point set and its uncertainty out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import Cancelled
from core.film import Side

Progress = Callable[[float, str], None]
"""Called with a fraction 0..1 and a short text of what is being done."""

CancelCheck = Callable[[], bool]
"""Returns True when the user wants the task to stop."""


def stop_if(cancelled: CancelCheck | None) -> None:
    """Raise ``Cancelled`` when the user wants the task to stop."""
    if cancelled is not None and cancelled():
        raise Cancelled


@dataclass(frozen=True, eq=False)
class Reference:
    """One annotated film of the bank.

    ``read_image`` gives [rows, columns] float32 with bone bright; it is called only when the features
    are not cached. ``points_px`` [N, 2] (x, y) are in the order of the view's points; NaN marks a
    point that this film does not show. ``digest`` is the SHA-256 of image and points and keys the
    feature cache. ``symmetric`` tells that the view looks like its own mirror image.
    """

    key: str
    view: str
    side: Side
    read_image: Callable[[], NDArray[np.float32]]
    points_px: NDArray[np.float64]
    spacing_mm: float | None
    digest: str
    symmetric: bool = False


@dataclass(frozen=True, eq=False)
class MatchResult:
    """Points of one view on one film.

    ``positions_px`` [N, 2] is the consensus; ``per_reference_px`` [R, N, 2] the single answers;
    ``expected_error_px``, ``spread_px`` and ``confidence`` are [N]. ``mirrored`` tells that the film
    was matched as the mirror image of the references. ``score`` in 0..1 says how well the film fits
    this view at all: the likeness, as a whole, of the part of the film where the points were found and of
    the same part of the most similar references. ``rotation_deg`` is the film's rotation against the
    references, ``scale`` the pixels of the window that the network saw per film pixel. ``side_doubtful``
    tells that the film fits its mirror image a little better, and only the expected side spoke for this.
    ``numbering_doubtful`` tells that parts in a row that look alike (vertebrae) may be one place off.
    """

    view: str
    mirrored: bool
    score: float
    rotation_deg: float
    scale: float
    positions_px: NDArray[np.float64]
    per_reference_px: NDArray[np.float64]
    expected_error_px: NDArray[np.float64]
    spread_px: NDArray[np.float64]
    confidence: NDArray[np.float64]
    references: tuple[str, ...]
    side_doubtful: bool = False
    numbering_doubtful: bool = False


class Matcher(Protocol):
    """Finds the points of annotated references on a film."""

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the model file in use."""

    @property
    def provider(self) -> str:
        """The execution provider really in use, e.g. ``CPUExecutionProvider``."""

    def match(
        self,
        pixels: NDArray[np.float32],
        references: Sequence[Reference],
        *,
        mirrored: bool | None = None,
        expected: Mapping[str, bool] | None = None,
        stored_mirrored: bool = False,
        limit: int | None = None,
        progress: Progress | None = None,
        cancelled: CancelCheck | None = None,
    ) -> list[MatchResult]:
        """One result per view that the film may show, best score first (at least one).

        ``mirrored`` fixes the handedness, None tries both, but for symmetric views only the one that
        ``stored_mirrored`` (the file's word) gives. ``expected`` is that in which a view's films appear by
        what else is known of their side: it decides where the film hardly does. ``limit`` is the number of
        references per view that vote. Raises ``MatchError`` for an image that holds nothing to match and
        ``Cancelled`` when asked to stop.
        """
