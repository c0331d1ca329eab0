"""The film with its overlay burnt in, and a list of the values, as a Secondary Capture (PS3.3 A.8.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import SecondaryCaptureImageStorage

from core.adapters.export.dicom_object import NAME, encode, laterality, new_object, quiet, read_source
from core.adapters.export.measured import STATEMENT, Measured
from core.measure.results import format_value
from core.overlay import LOOK_COLOUR, TEXT_COLOUR, overlay_image
from core.overlay_paint import Painter, Rgb, text_size

_LEAST_SIDE, _GREATEST_SIDE = 1200, 2400
_PANEL_SHARE = 0.42  # of the picture's height
_SOFT: Rgb = (160, 172, 184)
_GROUND = 16


def capture_bytes(measured: Measured) -> bytes:
    """The picture as a DICOM file. Raises :class:`WriteError` when the film is no DICOM file."""
    source = read_source(measured)
    picture = capture_picture(measured)
    with quiet():
        ds = new_object(measured, source, SecondaryCaptureImageStorage, "OT", 9903, f"{NAME} picture")
        ds.Laterality = laterality(measured)
        ds.ConversionType = "WSD"
        ds.ImageType = ["DERIVED", "SECONDARY"]
        ds.BurnedInAnnotation = "YES"
        ds.PatientOrientation = _orientation(source.header.get("PatientOrientation"))
        ds.SourceImageSequence = [source.reference()]
        ds.DerivationDescription = f"Overlay of measurements burnt in. {measured.status_text}."
        ds.ImageComments = f"{measured.status.upper()}. {STATEMENT}"
        ds.SamplesPerPixel = 3
        ds.PhotometricInterpretation = "RGB"
        ds.PlanarConfiguration = 0
        ds.Rows, ds.Columns = picture.shape[:2]
        ds.BitsAllocated = ds.BitsStored = 8
        ds.HighBit = 7
        ds.PixelRepresentation = 0
        data = picture.tobytes()
        ds.add_new("PixelData", "OB", data + b"\0" * (len(data) % 2))
        return encode(ds)


def _orientation(value: object) -> list[str] | None:
    """The two directions, or none where the source states no usable pair."""
    if isinstance(value, str) or value is None:
        return None
    parts = [str(part) for part in value] if hasattr(value, "__iter__") else []
    return parts if len(parts) == 2 and all(parts) else None


def capture_picture(measured: Measured) -> NDArray[np.uint8]:
    """RGB [height, width, 3]: the whole film with its overlay, beside it the numbered values."""
    longest = int(np.clip(max(measured.film.size_px), _LEAST_SIDE, _GREATEST_SIDE))
    film = overlay_image(measured.film, measured.case, measured.results, max_side_px=longest)
    height = max(film.shape[0], longest // 2)
    lines, size = _fitted(measured, height)
    canvas = np.full((height, film.shape[1] + round(_PANEL_SHARE * longest), 3), _GROUND, dtype=np.uint8)
    canvas[: film.shape[0], : film.shape[1]] = film
    painter = Painter(canvas, unit=longest / 1000.0)
    left, top = film.shape[1] + size, size
    for text, colour, bold in lines:
        painter.text(left, top, text, size, colour, bold=bold)
        top += round(1.45 * size)
    return painter.picture


Line = tuple[str, Rgb, bool]


def _fitted(measured: Measured, height: int) -> tuple[list[Line], int]:
    """The panel's lines in the largest letters with which all of them fit."""
    room = round(_PANEL_SHARE * max(height, _LEAST_SIDE))
    for size in range(max(12, height // 50), 7, -1):
        lines = _lines(measured, size, room - 2 * size)
        if (1.45 * len(lines) + 2) * size <= height:
            break
    return lines, size


def _lines(measured: Measured, size: int, room: int) -> list[Line]:
    case = measured.case
    lines: list[Line] = []

    def add(text: str, colour: Rgb, bold: bool = False) -> None:
        lines.extend((part, colour, bold) for part in _wrap(text, size, room, bold))

    add(f"{measured.view.name}, {case.side.side.value}", TEXT_COLOUR, True)
    if case.confirmation is None:
        add("DRAFT, NOT CONFIRMED", LOOK_COLOUR, True)
    else:
        add(f"Confirmed {case.confirmation.at}", TEXT_COLOUR)
    for text in case.doubts:
        add(text, LOOK_COLOUR)
    lines.append(("", _SOFT, False))
    for place, result in enumerate(measured.results, 1):
        value = "no value" if result.value is None else format_value(result.value, result.unit)
        add(f"{place}  {result.name}: {value}", TEXT_COLOUR if result.value is not None else _SOFT)
    lines.append(("", _SOFT, False))
    add(f"Pixel spacing: {case.calibration.detail}", _SOFT)
    add(f"{NAME} {case.provenance.program_version}. {STATEMENT}", _SOFT)
    return lines


def _wrap(text: str, size: int, room: int, bold: bool) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_size(longer, size, bold=bold)[0] > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
