"""Damaged, hostile and foreign files are refused in words, quickly and without allocating."""

import base64
import contextlib
import struct
import time
import tracemalloc
from io import BytesIO

import numpy as np
import openjpeg
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSNearLossless,
    RLELossless,
)

from core.adapters.dicom import read_film
from core.adapters.dicom_codec import StreamLayout, stream_layout
from core.errors import ReadError
from tests.core.dicom_files import RAMP, compressed, dataset, encode, save

SCAN = b"\xff\xda" + b"\0" * 40


def refusal(path, **options) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read_film(path, **options)
    error = caught.value
    assert error.path == path
    assert error.what
    assert error.remedy.endswith(".")
    return error


@pytest.mark.parametrize("data", [b"", b"\0" * 500, b"hello", b"%PDF-1.7 " + b"x" * 900, b"\x08\0\x05\0"])
def test_files_that_are_no_films(tmp_path, data):
    refusal(save(tmp_path, data))


def test_a_missing_file_and_a_folder(tmp_path):
    assert "does not exist" in refusal(tmp_path / "nothing.dcm").what
    assert "folder" in refusal(tmp_path).what


def test_no_pixel_data(tmp_path):
    ds = dataset()
    del ds.PixelData
    refusal(save(tmp_path, encode(ds)))
    ds.Rows = 0
    assert "no image" in refusal(save(tmp_path, encode(ds))).what


def test_a_cut_file_is_incomplete(tmp_path):
    assert (
        "incomplete" in refusal(save(tmp_path, encode(dataset(np.zeros((64, 64), np.uint16)))[:-5000])).what
    )


def test_a_missing_frame(tmp_path):
    path = save(tmp_path, encode(dataset()))
    assert "frame 2 of 1" in refusal(path, frame=1).what
    refusal(path, frame=-1)


def test_an_unsupported_compression_is_named(tmp_path):
    data = compressed(dataset(), "1.2.840.10008.1.2.4.100", [b"\0" * 64])
    error = refusal(save(tmp_path, data))
    assert "MPEG2" in error.what
    assert "uncompressed" in error.remedy


def test_a_compression_newer_than_the_library_is_named(tmp_path):
    data = compressed(dataset(), "1.2.840.10008.1.2.4.110", [b"\0" * 64])
    assert "JPEG XL Lossless (1.2.840.10008.1.2.4.110)" in refusal(save(tmp_path, data)).what


def test_a_damaged_stream_names_the_compression(tmp_path):
    data = compressed(dataset(), JPEG2000Lossless, [b"\xff\x4f\xff\x51" + b"\0" * 60])
    refusal(save(tmp_path, data))


@pytest.mark.parametrize(
    ("rows", "columns", "bits"), [(65535, 65535, 16), (20000, 6001, 8), (8000, 8000, 16), (1200, 1000, 32)]
)
def test_absurd_sizes_are_refused_before_allocating(tmp_path, rows, columns, bits):
    ds = dataset(Rows=rows, Columns=columns, BitsAllocated=bits)
    path = save(tmp_path, encode(ds))
    refusal(path)  # imports and caches
    tracemalloc.start()
    start = time.perf_counter()
    refusal(path)
    elapsed = time.perf_counter() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert elapsed < 0.5
    assert peak < 5_000_000


def test_an_absurd_number_of_frames(tmp_path):
    refusal(save(tmp_path, encode(dataset(NumberOfFrames="2000000000"))))


def test_an_absurd_compressed_size(tmp_path):
    ds = dataset(Rows=60000, Columns=60000)
    refusal(save(tmp_path, compressed(ds, RLELossless, [b"\0" * 64])))


def test_a_stream_larger_than_its_header_is_not_decoded(tmp_path):
    jpeg = b"\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00" + SCAN
    assert stream_layout(jpeg) == StreamLayout(65535, 65535, 1, 8)
    data = compressed(dataset(RAMP.astype(np.uint8)), JPEGBaseline8Bit, [jpeg])
    assert "65535 x 65535" in refusal(save(tmp_path, data)).what


def jp2(*boxes: bytes) -> bytes:
    """Boxes with their lengths before them, behind the signature of a JP2 file."""
    signature = b"jP  \r\n\x87\n"
    return b"".join((len(box) + 4).to_bytes(4, "big") + box for box in (signature, *boxes))


@pytest.mark.parametrize("boxes", [jp2() + b"\0\0\0\0asoc" * 9, jp2(b"ftyp"), jp2() + b"\0\0\0\x07ftyp" * 9])
def test_a_jp2_file_whose_boxes_lead_nowhere_does_not_hang(tmp_path, boxes):
    data = compressed(dataset(), JPEG2000Lossless, [boxes])
    assert "damaged header" in refusal(save(tmp_path, data)).what


def test_a_jp2_file_is_read(tmp_path):
    large = np.tile(RAMP, (4, 4))
    stream = bytes(openjpeg.encode(large, bits_stored=16))
    jp2_header = (
        b"jp2h"
        + jp2(
            b"ihdr" + struct.pack(">IIHBBBB", *large.shape, 1, 15, 7, 0, 0),
            b"colr\1\0\0" + struct.pack(">I", 17),
        )[12:]
    )
    data = jp2(b"ftypjp2 \0\0\0\0jp2 ", jp2_header, b"jp2c" + stream)
    film = read_film(save(tmp_path, compressed(dataset(large), JPEG2000Lossless, [data])))
    np.testing.assert_array_equal(film.pixels, large)


@pytest.mark.parametrize(("bits", "samples"), [(97, 1), (0, 1), (8, 3)])
def test_a_stream_of_impossible_layout_is_not_decoded(tmp_path, bits, samples):
    jpeg = bytes([0xFF, 0xD8, 0xFF, 0xC3, 0, 11, bits, 0, 12, 0, 16, samples, 1, 17, 0]) + SCAN
    error = refusal(save(tmp_path, compressed(dataset(), JPEGLosslessSV1, [jpeg])))
    assert "contradicts" in error.what


@pytest.mark.parametrize("tags", [{"BitsAllocated": 64}, {"BitsAllocated": 32}, {"BitsStored": 40}])
def test_more_bits_than_jpeg_has_do_not_reach_the_decoder(tmp_path, tags):
    jpeg = b"\xff\xd8\xff\xc3\x00\x0b\x10\x00\x0c\x00\x10\x01\x01\x11\x00" + SCAN
    error = refusal(save(tmp_path, compressed(dataset(**tags), JPEGLosslessSV1, [jpeg])))
    assert "JPEG has at most 16" in error.what


def test_colours_with_spare_bits_do_not_reach_the_decoder(tmp_path):
    colour = np.zeros((12, 16, 3), np.uint8)
    jpeg = b"\xff\xd8\xff\xc3\x00\x11\x08\x00\x0c\x00\x10\x03" + b"\x01\x11\x00" * 3 + SCAN
    error = refusal(save(tmp_path, compressed(dataset(colour, BitsStored=1), JPEGLosslessSV1, [jpeg])))
    assert "colours of 1 bits in 8" in error.what


# Near-lossless colours, 100 x 100, damaged by fuzzing: one decoder takes seconds to refuse it.
SLOW_JPEG_LS = base64.b85decode(
    b"|JeWN03cIPNk&Eh0ssI50001F0001F3J3-Q0000b0000b|L6b+00001|JeWc01*fPWB_CX0TBQK5dZ@b0RP$m3<CiG0ssR50s#P5"
    b"|9}5~|9}5~|9}5~|9}5~|9<~}|9}5~|9k)d0muJ;|9}5~|9}5~|9}1fCI5f_fB%2~fB%2~fB%2~fB!%u|9}5~|9}5~|9}5~{{RU8"
    b"fB%2~fB%2~fB%2~U;<zNfB%2~fB%2~fB%2~fB%2}044u_|9}5~|9}5~|9}5L8GrwO|9}5~|9}5~|9}5~|9{{NzyE*#fB%2~fB%2~"
    b"f8Y@RfB%2~fB%2~fB%2~U<`l%fB%2~fB%2~fB%2~fB%2{0hj-O|9}5~|9}5~|9|`em;ZnNfB%2~fB%2~fB%2~fByh7|9}5~|9}5~"
    b"|9}5~|3Ddk|9}5~|9}5~|9}5~z#;#C|9}5~|9}5~|9}5~|9}5@2S5LR|9}5~|9}5~|9|iffB%2~fB%2~fB%2~f8ZSdfB%2~fB%2~"
    b"fB%2~fB%2~d;yRDfB%2~fB%2~fB%2{0gwNG|9}5~|9}5~|9||*05Sn*0aO9v0BHbz05t$Q03rYl04)Ge09yb^0P+AI0p0+p0RMmg"
    b"fB%2~fB%2~fB!%^|9}5~|9}5~|9}5~|9}5~|9A"
)


def test_a_damaged_colour_jpeg_ls_is_refused_soon(tmp_path):
    ds = dataset(np.zeros((100, 100, 3), np.uint8))
    file, began = save(tmp_path, compressed(ds, JPEGLSNearLossless, [SLOW_JPEG_LS])), time.process_time()
    refusal(file)
    assert time.process_time() - began < 2.0


def test_a_jpeg_with_a_broken_header_is_not_decoded(tmp_path):
    jpeg = b"\xff\xd8\xff\xc3\x00\x0b\x10\x00\x0c\x00\x10\x01\x01\x11\x00"
    for rest in (b"\x85" + SCAN, b"\0" * 40, b"\xff\xc3\x00\x0b" + b"\0" * 9 + SCAN):
        error = refusal(save(tmp_path, compressed(dataset(), JPEGLosslessSV1, [jpeg + rest])))
        assert "damaged header" in error.what


def test_a_deflated_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("core.adapters.dicom_header.MAX_INFLATED_BYTES", 100_000)
    ds = dataset(np.zeros((512, 512), np.uint16))
    path = save(tmp_path, encode(ds, "1.2.840.10008.1.2.1.99"))
    assert path.stat().st_size < 10_000
    assert "too large" in refusal(path).what


def test_messages_hold_no_patient_data(tmp_path, caplog, capsys):
    ds = dataset(PatientName="Secretname^Anna", PatientID="ID-4711", PatientBirthDate="19990101")
    data = encode(ds).replace(b"19990101", b"Secretda")
    for cut in range(200, len(data) - 10, 60):
        path = save(tmp_path, data[:cut])
        text = str(refusal(path))
        assert "Secret" not in text
        assert "4711" not in text
    read_film(save(tmp_path, data))
    printed = capsys.readouterr()
    for text in (caplog.text, printed.out, printed.err):
        assert "Secret" not in text


def small_files() -> list[bytes]:
    ds = dataset(RAMP[:6, :8].copy(), PatientName="Doe^John", WindowCenter="9", WindowWidth="30")
    ds.PixelSpacing = ["0.1", "0.1"]
    plain = encode(ds)
    ds.compress(RLELossless)
    rle = encode(ds, RLELossless)
    assert pydicom.dcmread(BytesIO(plain)).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    return [plain, rle]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.integers(0, 1),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.integers(0, 4000),
)
def test_random_damage_is_read_or_refused(tmp_path, which, changes, cut):
    data = bytearray(FILES[which])
    for place, value in changes:
        # Spread over the part behind the preamble, where there is something to damage.
        data[128 + place % (len(data) - 128)] = value
    path = save(tmp_path, bytes(data[: max(cut, 140)]))
    film = None
    with contextlib.suppress(ReadError):
        film = read_film(path)
    if film is not None:
        assert np.isfinite(film.pixels).all()
        assert film.pixels.ndim == 2
        assert film.windows
        assert all(window.low <= window.high for window in film.windows)


FILES = small_files()
