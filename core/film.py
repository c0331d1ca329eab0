"""A radiograph in memory: pixels, display windows, spacing with its source, and tags.

Pixel coordinates are float (x, y): x is the column to the right, y the row downwards, and (0, 0) is
the centre of the first pixel of the stored image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MIN_MM, MAX_MM = 0.01, 5.0  # what a pixel of a radiograph can measure


class Side(StrEnum):
    """Body side of the patient; BOTH for views that show both, such as a pelvis or a whole spine."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"

    @property
    def other(self) -> Side:
        """The opposite side; that of both is both."""
        return {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}.get(self, self)


class SpacingSource(StrEnum):
    """Where a pixel spacing comes from, in order of precedence."""

    USER = "user"
    FIDUCIAL = "fiducial"  # PixelSpacing, calibrated with a fiducial
    GEOMETRY = "geometry"  # PixelSpacing, corrected for assumed geometry
    MAGNIFICATION = "magnification"  # ImagerPixelSpacing / EstimatedRadiographicMagnificationFactor
    DISTANCES = "distances"  # ImagerPixelSpacing / (source-detector / source-patient distance)
    DETECTOR = "detector"  # in the plane of the detector: not corrected for magnification
    SCANNED = "scanned"  # NominalScannedPixelSpacing of a digitised film
    NONE = "none"


@dataclass(frozen=True)
class Calibration:
    """Pixel spacing and where it comes from.

    ``column_mm`` is the distance of neighbouring columns (along x), ``row_mm`` of rows (along y);
    both are None when no spacing is known. ``aspect`` is the height of a pixel divided by its width,
    known even without millimetres. ``detail`` is a sentence for the user: what the spacing was taken
    from, or why there is none. ``relative_error`` is the standard error of the spacing as a part of it, as
    far as it is known from how it was set.
    """

    column_mm: float | None
    row_mm: float | None
    source: SpacingSource
    detail: str
    aspect: float = 1.0
    relative_error: float = 0.0

    @property
    def unit(self) -> str:
        """``mm`` when a spacing is known, else ``px``."""
        return "px" if self.column_mm is None or self.row_mm is None else "mm"

    @property
    def mean_mm(self) -> float | None:
        """Side of the square that is as large as a pixel; None when no spacing is known."""
        if self.column_mm is None or self.row_mm is None:
            return None
        return math.sqrt(self.column_mm * self.row_mm)

    def to_metric(self, points_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points [..., 2] (x, y) in millimetres, or in square pixels when no spacing is known."""
        if self.column_mm is None or self.row_mm is None:
            step = np.array([1.0, self.aspect])
        else:
            step = np.array([self.column_mm, self.row_mm])
        return np.asarray(points_px * step, dtype=np.float64)


NO_SPACING = Calibration(None, None, SpacingSource.NONE, "The file states no pixel spacing.")


@dataclass(frozen=True)
class Window:
    """A display window in pixel values: ``low`` is shown black, ``high`` white.

    ``table`` replaces the straight ramp by the file's VOI lookup table: equally spaced output levels
    in 0..1 from ``low`` to ``high``.
    """

    low: float
    high: float
    name: str = ""
    table: tuple[float, ...] | None = None


@dataclass(frozen=True)
class FilmTags:
    """What the file says about patient, study and projection. Empty when it does not say."""

    patient_name: str = ""
    patient_id: str = ""
    birth_date: str = ""  # ISO date
    sex: str = ""
    study_date: str = ""  # ISO date
    study_description: str = ""
    series_description: str = ""
    accession: str = ""
    institution: str = ""
    modality: str = ""
    manufacturer: str = ""
    body_part: str = ""
    view_position: str = ""
    region_codes: tuple[tuple[str, str], ...] = ()  # SNOMED CT code and meaning
    view_codes: tuple[tuple[str, str], ...] = ()
    laterality: Side | None = None
    patient_orientation: tuple[str, ...] = ()
    study_uid: str = ""
    series_uid: str = ""
    sop_uid: str = ""

    @property
    def stored_mirrored(self) -> bool:
        """Whether columns run towards the patient's right: the frontal film is stored seen from behind.

        Frontal films are read as if facing the patient, with the patient's left on the right of the
        image (PatientOrientation ``L``). A row direction of ``R`` means the mirror image of that.
        """
        return bool(self.patient_orientation) and self.patient_orientation[0][:1].upper() == "R"


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One film, ready to show and to match.

    ``pixels`` is [rows, columns] float32 after the modality table, with polarity resolved: larger
    values are brighter on screen, so bone is bright whatever the photometric interpretation.
    ``windows`` has at least one entry; the first is the default. ``sha256`` is that of the file.
    ``graphics`` [rows, columns] marks where the file's overlay planes draw; they are no part of the pixels.
    ``preliminary`` tells that the pixels lack detail and are there to be looked at, not to be measured.
    """

    path: Path
    pixels: NDArray[np.float32]
    windows: tuple[Window, ...]
    calibration: Calibration
    sha256: str
    tags: FilmTags = field(default_factory=FilmTags)
    frame: int = 0
    notes: tuple[str, ...] = ()
    graphics: NDArray[np.bool_] | None = None
    preliminary: bool = False

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


def apply_window(pixels: NDArray[np.float32], window: Window, *, inverted: bool = False) -> NDArray[np.uint8]:
    """Grey levels [rows, columns] 0..255 of ``pixels`` shown through ``window``."""
    width = max(window.high - window.low, 1e-6)
    # In one array throughout: a large film's copies cost more than the arithmetic.
    level = pixels - np.float32(window.low)
    level /= np.float32(width)
    np.clip(level, 0.0, 1.0, out=level)
    if window.table is not None:
        table = np.asarray(window.table, dtype=np.float32)
        level *= np.float32(len(table) - 1)
        level = table[np.rint(level, out=level).astype(np.intp)]
    level *= np.float32(255.0)
    level += np.float32(0.5)
    grey = level.astype(np.uint8)
    return np.subtract(255, grey, dtype=np.uint8) if inverted else grey
