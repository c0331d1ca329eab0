"""Pixel spacing of a DICOM film, by order of trust, with a sentence that says where it comes from."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydicom.dataset import Dataset

from core.film import MAX_MM, MIN_MM, Calibration, SpacingSource

MAX_MAGNIFICATION = 5.0
_SLICES = frozenset({"CT", "MR", "PT", "NM"})
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

Pair = tuple[float, float]  # (row_mm, column_mm): distance of rows, distance of columns


def read_calibration(ds: Dataset) -> Calibration:
    """Calibration of the image described by the header ``ds``.

    Order: PixelSpacing calibrated with a fiducial or corrected for geometry, ImagerPixelSpacing by the
    stated magnification, by the source distances, uncorrected, and the spacing of a scanned film (PS3.3
    section 10.7.1). Unusable values are passed over and named in ``detail``.
    """
    remarks: list[str] = []
    pixel = _pair(_pixel_spacing(ds), "PixelSpacing", remarks)
    imager = _pair(ds.get("ImagerPixelSpacing"), "ImagerPixelSpacing", remarks)
    if pixel and _is_placeholder(ds, pixel):
        remarks.append("PixelSpacing 1.0 mm on a converted image is a placeholder and is not used.")
        pixel = None
    kind = str(ds.get("PixelSpacingCalibrationType") or "").strip().upper()
    if pixel and kind in ("FIDUCIAL", "GEOMETRY"):
        return _stated(ds, pixel, kind, remarks)
    if pixel and str(ds.get("Modality", "")) in _SLICES:
        return _result(pixel, SpacingSource.GEOMETRY, f"PixelSpacing {_text(pixel)} in the slice.", remarks)
    if pixel and imager and not _same(pixel, imager):
        text = (
            f"PixelSpacing {_text(pixel)}, type not stated and different from ImagerPixelSpacing "
            f"{_text(imager)}: taken as corrected for geometry."
        )
        return _result(pixel, SpacingSource.GEOMETRY, text, remarks)
    if imager:
        corrected = _magnified(ds, imager, remarks)
        if corrected is not None:
            return corrected
    if pixel:
        same = " and equal to ImagerPixelSpacing" if imager else ""
        text = f"PixelSpacing {_text(pixel)}, type not stated{same}: plane of the detector."
        return _result(pixel, SpacingSource.DETECTOR, text, remarks)
    if imager:
        text = f"ImagerPixelSpacing {_text(imager)}: plane of the detector, magnification not known."
        return _result(imager, SpacingSource.DETECTOR, text, remarks)
    scanned = _pair(ds.get("NominalScannedPixelSpacing"), "NominalScannedPixelSpacing", remarks)
    if scanned:
        text = f"NominalScannedPixelSpacing {_text(scanned)} of the digitised film, magnification not known."
        return _result(scanned, SpacingSource.SCANNED, text, remarks)
    remarks = remarks or ["The file states no pixel spacing."]
    return Calibration(None, None, SpacingSource.NONE, " ".join(remarks), _aspect(ds))


def _stated(ds: Dataset, pixel: Pair, kind: str, remarks: list[str]) -> Calibration:
    if kind == "FIDUCIAL":
        text = f"PixelSpacing {_text(pixel)}, calibrated with an object of known size."
        return _result(pixel, SpacingSource.FIDUCIAL, text, remarks)
    text = f"PixelSpacing {_text(pixel)}, corrected for an assumed geometry."
    return _result(pixel, SpacingSource.GEOMETRY, text, remarks)


def _magnified(ds: Dataset, imager: Pair, remarks: list[str]) -> Calibration | None:
    """``imager`` divided by the magnification at the patient, or None when the file gives no usable one."""
    stated = _number(ds.get("EstimatedRadiographicMagnificationFactor"))
    if stated is not None:
        if 1.0 <= stated <= MAX_MAGNIFICATION:
            text = f"ImagerPixelSpacing {_text(imager)} divided by the stated magnification {stated:.3f}."
            return _divided(imager, stated, SpacingSource.MAGNIFICATION, text, remarks)
        remarks.append(f"The stated magnification {stated:g} is not usable.")
    detector = _number(ds.get("DistanceSourceToDetector"))
    patient = _number(ds.get("DistanceSourceToPatient"))
    if detector is None or patient is None:
        return None
    if patient <= 0 or not 1.0 < detector / patient <= MAX_MAGNIFICATION:
        remarks.append(f"Source distances {detector:g} mm and {patient:g} mm give no usable magnification.")
        return None
    factor = detector / patient
    text = (
        f"ImagerPixelSpacing {_text(imager)} divided by the magnification {factor:.3f} from the distances "
        f"source to detector {detector:g} mm and source to patient {patient:g} mm."
    )
    return _divided(imager, factor, SpacingSource.DISTANCES, text, remarks)


def _divided(pair: Pair, factor: float, source: SpacingSource, text: str, remarks: list[str]) -> Calibration:
    return _result((pair[0] / factor, pair[1] / factor), source, text, remarks)


def _result(pair: Pair, source: SpacingSource, text: str, remarks: Sequence[str]) -> Calibration:
    row_mm, column_mm = pair
    return Calibration(column_mm, row_mm, source, " ".join([text, *remarks]), row_mm / column_mm)


def _pixel_spacing(ds: Dataset) -> object:
    """PixelSpacing of the header or, in enhanced files, of the shared functional groups."""
    if ds.get("PixelSpacing"):
        return ds.PixelSpacing
    for group in ds.get("SharedFunctionalGroupsSequence") or []:
        for measures in group.get("PixelMeasuresSequence") or []:
            return measures.get("PixelSpacing")
    return ds.get("PixelSpacing")


def _pair(value: object, name: str, remarks: list[str]) -> Pair | None:
    """Two usable spacings, or None; an unusable value leaves a remark."""
    if value is None or value == "" or (isinstance(value, Sequence) and not value):
        return None
    parts = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    numbers = [_number(part) for part in parts]
    if len(numbers) != 2 or None in numbers:
        remarks.append(f"{name} is not a pair of numbers and is not used.")
        return None
    row_mm, column_mm = (number for number in numbers if number is not None)
    if not all(MIN_MM <= v <= MAX_MM for v in (row_mm, column_mm)):
        remarks.append(f"{name} {row_mm:g} x {column_mm:g} mm is not a possible spacing and is not used.")
        return None
    return row_mm, column_mm


def _number(value: object) -> float | None:
    if value is None or value == "":
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _is_placeholder(ds: Dataset, pixel: Pair) -> bool:
    """Whether 1.0 x 1.0 mm is what a converting program wrote because it knew nothing.

    Screen captures and colour copies of radiographs carry it; a detector with such pixels does not exist.
    """
    if pixel != (1.0, 1.0):
        return False
    colour = int(ds.get("SamplesPerPixel") or 1) > 1
    return colour or str(ds.get("SOPClassUID", "")).startswith(_SECONDARY_CAPTURE) or "ConversionType" in ds


def _aspect(ds: Dataset) -> float:
    """Height of a pixel divided by its width, from PixelAspectRatio (vertical, horizontal)."""
    value = ds.get("PixelAspectRatio")
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        return 1.0
    vertical, horizontal = _number(value[0]), _number(value[1])
    if not vertical or not horizontal or not 0.1 <= vertical / horizontal <= 10.0:
        return 1.0
    return vertical / horizontal


def _same(a: Pair, b: Pair) -> bool:
    return all(math.isclose(x, y, rel_tol=1e-3) for x, y in zip(a, b, strict=True))


def _text(pair: Pair) -> str:
    row_mm, column_mm = pair
    if math.isclose(row_mm, column_mm, rel_tol=1e-6):
        return f"{row_mm:.4f} mm"
    return f"{row_mm:.4f} x {column_mm:.4f} mm (rows x columns)"
