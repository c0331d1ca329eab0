"""A pixel spacing set by the user from a known length on the film."""

from __future__ import annotations

import math

from core.errors import OrthoMatchError
from core.film import Calibration, SpacingSource

_SHORTEST_PX = 10.0


def calibration_from_ruler(
    start_px: tuple[float, float], end_px: tuple[float, float], length_mm: float, aspect: float
) -> Calibration:
    """Spacing that makes the line from ``start_px`` to ``end_px`` (x, y) ``length_mm`` long.

    ``aspect`` is the height of a pixel divided by its width. Raises ``OrthoMatchError`` for a length
    that is not positive or a line shorter than 10 pixels, whose ends cannot be set precisely enough.
    """
    line_px = math.hypot(end_px[0] - start_px[0], (end_px[1] - start_px[1]) * aspect)
    if line_px < _SHORTEST_PX:
        raise OrthoMatchError(
            "The ruler is too short to set a spacing", remedy="Draw it along a longer object."
        )
    if not (math.isfinite(length_mm) and length_mm > 0.0):
        raise OrthoMatchError("The true length must be more than 0 mm", remedy="Enter it in millimetres.")
    column_mm = length_mm / line_px
    detail = f"Set by the user: a line of {line_px:.1f} px is {length_mm:g} mm long."
    return Calibration(column_mm, column_mm * aspect, SpacingSource.USER, detail, aspect)
