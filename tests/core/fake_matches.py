"""What matchers of tests answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.matching.protocol import MatchResult, Reference


def found(
    view: str, references: Sequence[Reference], positions_px: np.ndarray, **changes: Any
) -> MatchResult:
    """Points [N, 2] of a view on which all references agree; ``changes`` are other fields."""
    count = len(positions_px)
    values: dict[str, Any] = {
        "view": view,
        "mirrored": False,
        "score": 0.95,
        "rotation_deg": 0.0,
        "scale": 1.0,
        "positions_px": positions_px,
        "per_reference_px": np.repeat(positions_px[None], len(references), axis=0),
        "expected_error_px": np.full(count, 2.0),
        "spread_px": np.full(count, 1.0),
        "confidence": np.full(count, 0.9),
        "references": tuple(reference.key for reference in references),
    }
    return MatchResult(**values | changes)
