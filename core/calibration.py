"""A pixel spacing set by the user from an object of known size on the film: a length, a ball or a disc."""

from __future__ import annotations

import math

from core.disc import Disc
from core.errors import OrthoMatchError
from core.film import MAX_MM, MIN_MM, Calibration, SpacingSource

_SHORTEST_PX = 10.0
_END_PX = 1.0  # standard error of an end of a line set by hand


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
    _check_length(length_mm)
    detail = f"Set by the user: a line of {line_px:.1f} px is {length_mm:g} mm long"
    return _of_length(line_px, length_mm, math.sqrt(2.0) * _END_PX, aspect, detail)


def calibration_from_disc(disc: Disc, diameter_mm: float, aspect: float) -> Calibration:
    """Spacing that makes the round object ``disc`` ``diameter_mm`` across.

    ``aspect`` is the height of a pixel divided by its width. Raises ``OrthoMatchError`` for a diameter
    that is not positive.
    """
    _check_length(diameter_mm)
    detail = f"Set by the user: a ball of {disc.diameter_px:.1f} px is {diameter_mm:g} mm across"
    return _of_length(disc.diameter_px, diameter_mm, disc.error_px, aspect, detail)


def _check_length(length_mm: float) -> None:
    if not (math.isfinite(length_mm) and length_mm > 0.0):
        raise OrthoMatchError("The true length must be more than 0 mm", remedy="Enter it in millimetres.")


def _of_length(
    length_px: float, length_mm: float, error_px: float, aspect: float, detail: str
) -> Calibration:
    column_mm = length_mm / length_px
    relative = error_px / length_px
    if not MIN_MM <= column_mm <= MAX_MM or not MIN_MM <= column_mm * aspect <= MAX_MM:
        raise OrthoMatchError(
            f"A pixel of {column_mm:.4g} mm is not possible on a radiograph",
            remedy="Check the length in millimetres and what was marked.",
        )
    detail += f" (± {100 * relative:.2g} %). Holds at the depth where the object lay."
    return Calibration(column_mm, column_mm * aspect, SpacingSource.USER, detail, aspect, relative)
