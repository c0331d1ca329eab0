"""Pixels of a film as plain samples: nothing beside the samples, chosen rectangles blackened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.pixels import pixel_array
from pydicom.uid import UID, JPEGBaseline8Bit

from core.adapters.dicom_codec import check_stream, decode, encoded_frame
from core.adapters.dicom_header import frame_count, transfer_syntax
from core.adapters.images import read_image
from core.burnt_in import Rectangle
from core.errors import ReadError

__all__ = ["Rectangle", "plain_picture", "write_plain_pixels"]

_SUBSAMPLED = ("YBR",)  # decoded to RGB


def write_plain_pixels(ds: FileDataset, path: Path, blank: Sequence[Rectangle]) -> None:
    """Replace the pixels of ``ds`` by plain little-endian samples with ``blank`` blackened.

    The header follows what the samples then are. Raises :class:`ReadError` for sizes of samples that no
    radiograph has, and for rectangles beside the picture.
    """
    if ds.get("BitsAllocated") not in (8, 16):
        raise ReadError(
            f"Pixels of {ds.get('BitsAllocated')} bits cannot be de-identified",
            path=path,
            remedy="Export the film with 8 or 16 bits.",
        )
    _check(blank, int(ds.Columns), int(ds.Rows), path)
    syntax = transfer_syntax(ds)
    bright_is_low = str(ds.get("PhotometricInterpretation")) == "MONOCHROME1"
    frames = [_frame(ds, syntax, number, path) for number in range(frame_count(ds))]
    for frame in frames:
        _blacken(frame, blank, bright_is_low=bright_is_low)
    first = frames[0]
    if first.ndim == 3:
        ds.PlanarConfiguration = 0
        if str(ds.PhotometricInterpretation).startswith(_SUBSAMPLED):
            ds.PhotometricInterpretation = "RGB"
    data = b"".join(frame.astype(frame.dtype.newbyteorder("<")).tobytes() for frame in frames)
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OW" if first.dtype.itemsize > 1 else "OB"
    ds["PixelData"].is_undefined_length = False
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        ds.pop(keyword, None)


def _frame(ds: FileDataset, syntax: str, number: int, path: Path) -> NDArray[Any]:
    """Stored samples of one frame, [rows, columns] or [rows, columns, 3], unused bits cleared."""
    encoded = encoded_frame(ds, syntax, number)
    samples = None
    if encoded is not None:
        ds.file_meta.TransferSyntaxUID = UID(syntax)
        check_stream(encoded, ds, path)
        samples = decode(encoded, ds, syntax)
    if samples is None:
        ds.file_meta.TransferSyntaxUID = UID(syntax)
        # Damaged 8-bit JPEG can end the process inside another decoder.
        plugin = "pillow" if syntax == JPEGBaseline8Bit else ""
        samples = pixel_array(ds, index=number, decoding_plugin=plugin)
    allocated = int(ds.BitsAllocated)
    signed = bool(ds.get("PixelRepresentation", 0))
    kind = np.dtype(f"{'i' if signed else 'u'}{allocated // 8}")
    return _without_spare_bits(
        np.array(samples).astype(kind, copy=False),
        int(ds.get("BitsStored") or allocated),
        int(ds.get("HighBit") or 0),
    )


def _without_spare_bits(samples: NDArray[Any], stored: int, high: int) -> NDArray[Any]:
    allocated = 8 * samples.dtype.itemsize
    if not stored - 1 <= high < allocated:
        high = stored - 1
    above, below = allocated - 1 - high, high + 1 - stored
    # Shifting up and down again clears what lies above, and extends the sign of signed samples.
    kept = (samples << above) >> above
    return (kept >> below) << below


def _blacken(frame: NDArray[Any], blank: Sequence[Rectangle], *, bright_is_low: bool) -> None:
    dark = frame.max() if bright_is_low else 0 if frame.ndim == 3 else frame.min()
    for area in blank:
        frame[area.y_px : area.y_px + area.height_px, area.x_px : area.x_px + area.width_px] = dark


def plain_picture(path: Path, data: bytes, blank: Sequence[Rectangle]) -> bytes:
    """A PNG with only the grey values of the picture in ``data``: the 8 or 16 bits that it had.

    Raises :class:`ReadError`.
    """
    film = read_image(path, data, "")
    _check(blank, *film.size_px, path)
    greatest = float(film.pixels.max(initial=0.0))
    kind = np.uint8 if greatest <= 255 else np.uint16
    grey = np.clip(np.rint(film.pixels), 0, np.iinfo(kind).max).astype(kind)
    _blacken(grey, blank, bright_is_low=False)
    done, png = cv2.imencode(".png", grey)
    if not done:
        raise ReadError("The picture cannot be written again", path=path, remedy="Export it as PNG.")
    return png.tobytes()


def _check(blank: Sequence[Rectangle], width: int, height: int, path: Path) -> None:
    for area in blank:
        if not (area.x_px < width and area.y_px < height):
            raise ReadError(
                f"The rectangle {area} lies beside the picture of {width} x {height} pixels",
                path=path,
                remedy="Give x,y,width,height in pixels of the film.",
            )
