"""Compressed frames: which can be read, their own size, decoders for what the DICOM library leaves out."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import gdcm
import numpy as np
import openjpeg
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

from core.adapters import dicom_rle
from core.adapters.dicom_header import SEND_AGAIN, UNCOMPRESSED, frame_count
from core.errors import ReadError

_JPEG_START = b"\xff\xd8"
_J2K_START = b"\xff\x4f\xff\x51"
_JP2_START, _JP2_STREAM = b"\x00\x00\x00\x0cjP  ", b"jp2c"
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_HIGH_THROUGHPUT = frozenset({HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL})
_JPEG_2000 = frozenset({JPEG2000, JPEG2000Lossless, *_HIGH_THROUGHPUT})
_DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
# Names that the DICOM library does not know.
_NAMES = {
    _DEFLATED_FRAMES: "Deflated Image Frame Compression",
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
}
# Which decoder the library uses. For baseline JPEG not GDCM, where damage can end the process; for the others
# the newer and faster one.
_PLUGINS = {
    JPEGBaseline8Bit: "pillow",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
    RLELossless: dicom_rle.PLUGIN,
}
_READABLE = frozenset({*UNCOMPRESSED, *JPEGTransferSyntaxes, *_PLUGINS, *_HIGH_THROUGHPUT, _DEFLATED_FRAMES})

# OpenJPEG uses one thread unless told otherwise; large films take seconds then.
os.environ.setdefault("OPJ_NUM_THREADS", "ALL_CPUS")
# What is wrong with a stream is said in the program's own words.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def check_readable(syntax: str, path: Path) -> None:
    """Refuse a compression for which there is no decoder, naming it."""
    if syntax in _READABLE:
        return
    uid = UID(syntax)
    name = _NAMES.get(syntax) or (uid.name if uid.name != syntax else "not in the standard")
    raise ReadError(
        f"The pixels are compressed in a way that is not supported: {name} ({syntax[:64]})",
        path=path,
        remedy="Export the film uncompressed or with lossless JPEG, JPEG-LS or JPEG 2000 compression.",
    )


def library_plugin(syntax: str, samples: int) -> str:
    """The decoder that the DICOM library is to use for so many samples a pixel, "" for its own choice."""
    if samples > 1 and syntax in JPEGLSTransferSyntaxes:
        return "gdcm"  # the other one takes seconds to refuse some damaged streams
    return _PLUGINS.get(UID(syntax), "")


def encoded_frame(ds: Dataset, syntax: str, frame: int) -> bytes | None:
    """The compressed stream of frame ``frame``, None when the pixels are not compressed."""
    uid = UID(syntax)
    encapsulated = uid == _DEFLATED_FRAMES or (uid.is_transfer_syntax and uid.is_encapsulated)
    if "PixelData" not in ds or not encapsulated:
        return None
    offsets = None
    if ds.get("ExtendedOffsetTable") and ds.get("ExtendedOffsetTableLengths"):
        offsets = (ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths)
    stream: bytes = get_frame(ds.PixelData, frame, number_of_frames=frame_count(ds), extended_offsets=offsets)
    return stream


@dataclass(frozen=True)
class StreamLayout:
    """What a compressed stream states about its image. ``bits`` is the precision of a sample."""

    rows: int
    columns: int
    samples: int
    bits: int


def check_stream(stream: bytes, ds: Dataset, path: Path) -> None:
    """Refuse a stream whose own layout contradicts the header, before a decoder sees it.

    Decoders written in C have crashed on impossible precisions and wrong sizes.
    """
    own = stream_layout(stream)
    # The library follows the boxes of a JP2 file without end when one states no length.
    if stream.startswith(_JP2_START) and not _reaches_codestream(stream):
        raise ReadError("The compressed image has a damaged header", path=path, remedy=SEND_AGAIN)
    if own is None:
        if ds.file_meta.TransferSyntaxUID in JPEGTransferSyntaxes + JPEGLSTransferSyntaxes:
            raise ReadError("The compressed image has a damaged header", path=path, remedy=SEND_AGAIN)
        return
    if (own.rows, own.columns) != (ds.Rows, ds.Columns):
        raise ReadError(
            f"The compressed image is {own.columns} x {own.rows} pixels, "
            f"the header says {ds.Columns} x {ds.Rows}",
            path=path,
            remedy=SEND_AGAIN,
        )
    allocated = int(ds.get("BitsAllocated") or 16)
    # GDCM ends the process when the header claims more than 16 bits for a JPEG stream.
    if stream.startswith(_JPEG_START) and not 1 <= int(ds.get("BitsStored") or allocated) <= allocated <= 16:
        raise ReadError(
            f"The header claims pixels of {allocated} bits, JPEG has at most 16", path=path, remedy=SEND_AGAIN
        )
    # GDCM ends the process when samples of colours have spare bits.
    stored = int(ds.get("BitsStored") or allocated)
    if stream.startswith(_JPEG_START) and own.samples > 1 and stored != allocated:
        raise ReadError(
            f"The header claims colours of {stored} bits in {allocated}", path=path, remedy=SEND_AGAIN
        )
    if own.samples != int(ds.get("SamplesPerPixel") or 1) or not 1 <= own.bits <= allocated:
        raise ReadError(
            f"The header contradicts the {own.samples} x {own.bits} bits of the compressed pixels",
            path=path,
            remedy=SEND_AGAIN,
        )


def stream_layout(stream: bytes) -> StreamLayout | None:
    """Layout stated by a JPEG, JPEG-LS or JPEG 2000 stream, None for other streams."""
    if stream.startswith(_JPEG_START):
        return _jpeg_layout(stream)
    start = stream.find(_J2K_START, 0, 4096)
    if start < 0 or len(stream) < start + 43:
        return None
    width, height, left, top = (_number(stream, start + at, 4) for at in (8, 12, 16, 20))
    bits = (stream[start + 42] & 0x7F) + 1
    return StreamLayout(height - top, width - left, _number(stream, start + 40, 2), bits)


def _reaches_codestream(stream: bytes) -> bool:
    """Whether the chain of boxes of a JP2 file leads to the image (ISO/IEC 15444-1 annex I.4)."""
    at = 0
    while at + 8 <= len(stream):
        if stream[at + 4 : at + 8] == _JP2_STREAM:
            return True
        length = _number(stream, at, 4)
        if length < 8:
            return False
        at += length
    return False


def _jpeg_layout(stream: bytes) -> StreamLayout | None:
    """Layout of a JPEG stream whose header is an unbroken chain of segments from the start to the scan."""
    at = 2
    layout: StreamLayout | None = None
    while at + 10 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker == 0xDA:
            return layout
        if marker in _JPEG_FRAMES:
            if layout is not None:
                return None
            rows, columns = _number(stream, at + 5, 2), _number(stream, at + 7, 2)
            layout = StreamLayout(rows, columns, stream[at + 9], stream[at + 4])
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD7:  # markers without a segment
            at += 2
        else:
            at += 2 + _number(stream, at + 2, 2)
    return None


def _number(stream: bytes, at: int, size: int) -> int:
    return int.from_bytes(stream[at : at + size], "big")


_SLOW_PIXELS = 3_000_000


def has_glance(ds: Dataset, syntax: str) -> bool:
    """Whether a film takes long to decode, but not with less detail (see ``glance``)."""
    large = int(ds.Rows) * int(ds.Columns) > _SLOW_PIXELS
    return large and syntax in (JPEG2000, JPEG2000Lossless) and int(ds.get("SamplesPerPixel") or 1) == 1


def glance(stream: bytes, ds: Dataset) -> NDArray[Any] | None:
    """Pixels [rows, columns] of a film that ``has_glance``, with less detail; None for other streams."""
    if not _is_plain_jpeg_2000(stream, ds):
        return None
    # Pillow rounds lengths, the format rounds them up: a rest of a quarter would be an error.
    halvings = 1 if 1 in (int(ds.Rows) % 4, int(ds.Columns) % 4) else 2
    coarse, share = _coarse_jpeg_2000(stream, ds, halvings), 1.0 / 2**halvings
    # Its pixels are the first of every so many: their centres coincide, not those of the pictures.
    return np.asarray(
        cv2.warpAffine(
            coarse,
            np.array([[share, 0.0, 0.0], [0.0, share, 0.0]]),
            (int(ds.Columns), int(ds.Rows)),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def decode(stream: bytes, ds: Dataset, syntax: str) -> NDArray[Any] | None:
    """Pixels [rows, columns] of a grey stream the DICOM library cannot decode or decodes slowly, else None.

    Covers JPEG Extended with 12 bits, JPEG 2000 with and without High Throughput, and deflated frames. Raises
    RuntimeError when the stream is damaged.
    """
    if syntax == _DEFLATED_FRAMES:
        return _inflated(stream, ds)
    if int(ds.get("SamplesPerPixel") or 1) != 1:
        return None
    if syntax == JPEGExtended12Bit and int(ds.get("BitsAllocated") or 8) == 16:
        return _jpeg_12_bit(stream, ds)
    if syntax in _JPEG_2000 and _is_plain_jpeg_2000(stream, ds):
        return _jpeg_2000(stream, ds)
    if syntax in _HIGH_THROUGHPUT:
        pixels: NDArray[Any] = openjpeg.decode(stream)
        if pixels.shape != (ds.Rows, ds.Columns):
            raise RuntimeError("the stream holds an image of another shape")
        return pixels
    return None


def _is_plain_jpeg_2000(stream: bytes, ds: Dataset) -> bool:
    """Whether a grey stream, not a JP2 file, holds unsigned samples of 8 or more bits, as the header says."""
    signed = bool(len(stream) > 42 and stream[42] & 0x80) or bool(ds.get("PixelRepresentation"))
    layout = stream_layout(stream) if stream.startswith(_J2K_START) and not signed else None
    return layout is not None and layout.bits == ds.get("BitsStored") and layout.bits >= 8


def _jpeg_2000(stream: bytes, ds: Dataset) -> NDArray[Any]:
    """Decode a plain stream (see above) with one thread a core, while other threads of the program go on."""
    try:
        pixels = cv2.imdecode(np.frombuffer(stream, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as e:
        raise RuntimeError("the stream is damaged") from e
    if pixels is None:
        raise RuntimeError("the stream is damaged")
    if pixels.shape != (ds.Rows, ds.Columns) or pixels.dtype not in (np.uint8, np.uint16):
        raise RuntimeError("the stream holds an image of another shape")
    return np.asarray(pixels)


def _coarse_jpeg_2000(stream: bytes, ds: Dataset, halvings: int) -> NDArray[Any]:
    """Decode a plain stream (see above) at a resolution halved so many times."""
    try:
        with Image.open(BytesIO(stream), formats=("JPEG2000",)) as image:
            image.reduce = halvings
            pixels: NDArray[Any] = np.asarray(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as e:
        raise RuntimeError("the stream is damaged") from e
    expected = tuple(-(-int(length) >> halvings) for length in (ds.Rows, ds.Columns))
    if pixels.shape != expected or pixels.dtype not in (np.uint8, np.uint16):
        raise RuntimeError("the stream holds an image of another shape")
    # Samples come at the upper end of their bytes.
    return pixels >> (8 * pixels.itemsize - int(ds.BitsStored))


def _inflated(stream: bytes, ds: Dataset) -> NDArray[Any]:
    """Inflate a frame of a known size; never more than that."""
    bits, samples = int(ds.get("BitsAllocated") or 8), int(ds.get("SamplesPerPixel") or 1)
    if bits not in (1, 8, 16) or samples != 1:
        raise RuntimeError("deflated frames of this kind are not supported")
    count = int(ds.Rows) * int(ds.Columns)
    size = (count * bits + 7) // 8
    try:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stream, size)
    except zlib.error as e:
        raise RuntimeError("the stream is damaged") from e
    if len(data) < size:
        raise RuntimeError("the stream is incomplete")
    signed = bool(ds.get("PixelRepresentation"))
    if bits == 1:
        values: NDArray[Any] = np.unpackbits(np.frombuffer(data, np.uint8), count=count, bitorder="little")
    else:
        values = np.frombuffer(data, ("<i" if signed else "<u") + str(bits // 8))
    return values.reshape(int(ds.Rows), int(ds.Columns))


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
