"""Run-length encoded frames (PS3.5 annex G), decoded by Pillow's PackBits decoder.

The form of the functions is that of a decoder of the DICOM library, whose own one is written in Python and
takes a second for a large film.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.pixels import get_decoder
from pydicom.uid import RLELossless

DECODER_DEPENDENCIES = {RLELossless: ("pillow",)}
PLUGIN = "packbits"
_HEADER_BYTES, _MAX_SEGMENTS = 64, 15


def is_available(uid: str) -> bool:
    """Whether frames of the transfer syntax ``uid`` can be decoded."""
    return bool(uid == RLELossless)


def decode_frame(stream: bytes, runner: Any) -> bytearray:
    """The samples of one frame, plane after plane, little endian. Raises ValueError for damaged ones.

    ``runner`` is the library's description of the image.
    """
    size, samples = int(runner.rows) * int(runner.columns), int(runner.samples_per_pixel)
    width, rest = divmod(int(runner.bits_allocated), 8)
    ends = [*_segment_starts(stream), len(stream)]
    if rest or len(ends) - 1 != samples * width:
        raise ValueError("the number of segments does not fit the image")
    frame = bytearray(samples * size * width)
    planes = np.frombuffer(frame, dtype=np.uint8).reshape(samples, size, width)
    for number, (start, end) in enumerate(pairwise(ends)):
        # The first segment of a sample holds its most significant bytes.
        planes[number // width, :, width - 1 - number % width] = _unpacked(stream[start:end], size)
    runner.set_option("planar_configuration", 1)
    return frame


def _segment_starts(stream: bytes) -> list[int]:
    if len(stream) < _HEADER_BYTES:
        raise ValueError("the stream is shorter than its header")
    count, *starts = struct.unpack_from("<16L", stream)
    starts = starts[:count]
    if count > _MAX_SEGMENTS or starts != sorted(starts) or min(starts, default=0) < _HEADER_BYTES:
        raise ValueError("the header of the stream is damaged")
    return starts


def _unpacked(segment: bytes, size: int) -> NDArray[np.uint8]:
    """The first ``size`` bytes of a segment: as one row, since runs may cross the rows of the image."""
    row = Image.frombytes("L", (size, 1), segment, "packbits", "L")
    values: NDArray[np.uint8] = np.asarray(row)[0]
    return values


get_decoder(RLELossless).add_plugin(PLUGIN, (__name__, decode_frame.__name__))
