"""Compressed frames: their own size, and decoders for what the DICOM library leaves out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import openjpeg
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import HTJ2K, UID, HTJ2KLossless, HTJ2KLosslessRPCL, JPEGExtended12Bit

from core.adapters.dicom_header import SEND_AGAIN, frame_count
from core.errors import ReadError

_J2K_START = b"\xff\x4f\xff\x51"
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_HIGH_THROUGHPUT = frozenset({HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL})


def encoded_frame(ds: Dataset, syntax: str, frame: int) -> bytes | None:
    """The compressed stream of frame ``frame``, None when the pixels are not compressed."""
    uid = UID(syntax)
    if "PixelData" not in ds or not uid.is_transfer_syntax or not uid.is_encapsulated:
        return None
    offsets = None
    if ds.get("ExtendedOffsetTable") and ds.get("ExtendedOffsetTableLengths"):
        offsets = (ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths)
    stream: bytes = get_frame(ds.PixelData, frame, number_of_frames=frame_count(ds), extended_offsets=offsets)
    return stream


def check_stream(stream: bytes, ds: Dataset, path: Path) -> None:
    """Refuse a stream whose own size differs from that of the header, before a decoder sees it."""
    size = stream_size(stream)
    if size is not None and size != (ds.Rows, ds.Columns):
        raise ReadError(
            f"The compressed image is {size[1]} x {size[0]} pixels, the header says {ds.Columns} x {ds.Rows}",
            path=path,
            remedy=SEND_AGAIN,
        )


def stream_size(stream: bytes) -> tuple[int, int] | None:
    """(rows, columns) that a JPEG, JPEG-LS or JPEG 2000 stream states, None for other streams."""
    if stream.startswith(b"\xff\xd8"):
        return _jpeg_size(stream)
    start = stream.find(_J2K_START, 0, 4096)
    if start < 0 or len(stream) < start + 24:
        return None
    width, height, left, top = (
        int.from_bytes(stream[start + at : start + at + 4], "big") for at in (8, 12, 16, 20)
    )
    return height - top, width - left


def _jpeg_size(stream: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(stream):
        if stream[at] != 0xFF:
            return None
        marker = stream[at + 1]
        if marker in _JPEG_FRAMES:
            return int.from_bytes(stream[at + 5 : at + 7], "big"), int.from_bytes(
                stream[at + 7 : at + 9], "big"
            )
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD7:
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return None


def decode(stream: bytes, ds: Dataset, syntax: str) -> NDArray[Any] | None:
    """Pixels [rows, columns] of a grey stream the DICOM library cannot decode, None if it can.

    Covers JPEG Extended with 12 bits and High-Throughput JPEG 2000. Raises RuntimeError when the
    stream is damaged.
    """
    if int(ds.get("SamplesPerPixel") or 1) != 1:
        return None
    if syntax == JPEGExtended12Bit and int(ds.get("BitsAllocated") or 8) == 16:
        return _jpeg_12_bit(stream, ds)
    if syntax in _HIGH_THROUGHPUT:
        pixels: NDArray[Any] = openjpeg.decode(stream)
        if pixels.shape != (ds.Rows, ds.Columns):
            raise RuntimeError("the stream holds an image of another shape")
        return pixels
    return None


def _jpeg_12_bit(stream: bytes, ds: Dataset) -> NDArray[Any]:
    """Decode 12-bit JPEG as 12 bits, whatever BitsStored says.

    With fewer bits the decoder cuts off the high ones, so that lossy overshoot above the brightest
    value turns black. Clipping is right.
    """
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(stream)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((ds.Columns, ds.Rows, 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.GetPIType(str(ds.PhotometricInterpretation))
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(JPEGExtended12Bit))))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, 12, 11, 0))
    samples = np.frombuffer(image.GetBuffer().encode("utf-8", "surrogateescape"), "<u2")
    if samples.size != ds.Rows * ds.Columns:
        raise RuntimeError("the stream could not be decoded")
    greatest = (1 << int(ds.get("BitsStored") or 12)) - 1
    clipped: NDArray[Any] = np.minimum(samples, greatest)
    return clipped.reshape(ds.Rows, ds.Columns)
