"""Run-length encoded frames: the same pixels as from the DICOM library, damage refused."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from pydicom.pixels import pixel_array
from pydicom.uid import RLELossless

from core.adapters.dicom import read_film
from core.adapters.dicom_rle import PLUGIN
from core.errors import ReadError
from tests.core.dicom_files import RAMP, compressed, dataset, encode, save

RANDOM = np.random.default_rng(3)
PIXELS = {
    "8 bit": RANDOM.integers(0, 255, (40, 30), dtype=np.uint8),
    "16 bit": RANDOM.integers(0, 60000, (40, 30), dtype=np.uint16),
    "signed": RANDOM.integers(-3000, 3000, (40, 30), dtype=np.int16),
    "colour": RANDOM.integers(0, 255, (40, 30, 3), dtype=np.uint8),
    "frames": RANDOM.integers(0, 9, (3, 40, 30), dtype=np.uint16),
}


@pytest.mark.parametrize("kind", PIXELS)
def test_pixels_are_those_of_the_library(kind: str) -> None:
    pixels = PIXELS[kind].copy()
    pixels[:, 5:15] = 7  # runs
    ds = dataset(pixels)
    encode(ds)
    ds.compress(RLELossless, generate_instance_uid=False)
    np.testing.assert_array_equal(pixel_array(ds, decoding_plugin=PLUGIN), pixels)


def stream(segments: list[bytes], *starts: int) -> bytes:
    """A frame of ``segments``; ``starts`` replace those of the header."""
    places = [64 + sum(len(s) for s in segments[:i]) for i in range(len(segments))]
    header = struct.pack("<16L", len(segments), *(starts or places), *[0] * (15 - len(segments)))
    return header + b"".join(segments)


def test_runs_may_cross_rows_and_end_early(tmp_path: Path) -> None:
    # 100 + 28 + 64 values of the high byte, a byte without meaning, and one value too many.
    high = b"\x9d\x01" + b"\x80" + b"\xe5\x02" + b"\xc1\x03\x00"
    low = bytes(v for i in range(0, 192, 96) for v in (95, *range(i, i + 96))) + b"\x00\x09"
    film = read_film(save(tmp_path, compressed(dataset(RAMP), RLELossless, [stream([high, low])])))
    expected = 256 * np.repeat([1, 2, 3], [100, 28, 64]) + np.arange(192)
    np.testing.assert_array_equal(film.pixels.ravel(), expected)


@pytest.mark.parametrize(
    "damaged",
    [
        stream([b"\x81\x01\xc1\x01"]),  # one segment for two bytes a pixel
        stream([b"\x81\x01\xc1\x01"] * 2, 64, 4_000_000_000),
        stream([b"\x81\x01\xc1\x01"] * 2, 68, 64),
        stream([b"\x81\x01\xc1\x01"] * 2, 0, 64),
        stream([b"\x81\x01\xc1\x01", b"\x7f"]),  # ends within a run
        struct.pack("<16L", 4_000_000_000, *[64] * 15),
        b"\x02\0\0\0",
    ],
)
def test_damaged_streams_are_refused(tmp_path: Path, damaged: bytes) -> None:
    with pytest.raises(ReadError, match="damaged"):
        read_film(save(tmp_path, compressed(dataset(RAMP), RLELossless, [damaged])))
