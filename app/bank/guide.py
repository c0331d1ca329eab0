"""A reference film that shows where the points of a view lie."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.adapters.bank import load_bank
from core.errors import BankError
from core.matching.protocol import Reference
from core.measure.definitions import Catalogue, View

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class GuideFilm:
    """``grey`` [rows, columns] 0..255, seen as the view is defined, and ``points`` as its pixels (x, y)."""

    reference: str
    grey: NDArray[np.uint8]
    points: Mapping[str, tuple[float, float]]

    @property
    def extent_px(self) -> float:
        """The longer side of the box around all points."""
        return float(np.ptp(np.array(list(self.points.values())), axis=0).max())


def read_guide(view: View, bank: Path | None) -> GuideFilm | None:
    """The reference of ``bank`` with the most points of ``view``, else one of the shipped bank.

    None when neither has one. A reference whose image is damaged is passed over. Raises ``BankError`` for a
    bank that cannot be read.
    """
    catalogue = Catalogue({view.key: view})
    for folder in dict.fromkeys((bank, None)):
        references = load_bank(folder).references(catalogue, view.key)
        for reference in sorted(references, key=lambda r: int(np.isnan(r.points_px).any(axis=1).sum())):
            guide = _guide(view, reference)
            if guide is not None:
                return guide
    return None


def _guide(view: View, reference: Reference) -> GuideFilm | None:
    try:
        pixels = reference.read_image()
    except BankError as error:
        log.warning("%s", error)
        return None
    points = {
        key: (float(x), float(y))
        for key, (x, y) in zip(view.point_keys, reference.points_px, strict=True)
        if np.isfinite(x) and np.isfinite(y)
    }
    low, high = float(pixels.min()), float(pixels.max())
    grey = np.asarray((pixels - low) / max(high - low, 1e-6) * 255.0 + 0.5, dtype=np.uint8)
    return GuideFilm(reference.key, grey, points) if points else None
