"""Reading pixels, polarity and windows of DICOM films."""

import base64
import hashlib
import zlib
from pathlib import Path

import cv2
import gdcm
import numpy as np
import openjpeg
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from core.adapters import dicom_codec
from core.adapters.dicom import glance_at_film, read_film
from core.errors import ReadError
from core.film import Radiograph, Window, apply_window
from core.resources import resource_path
from tests.core.dicom_files import RAMP, compressed, dataset, encode, save

TWELVE = np.random.default_rng(5).integers(0, 4096, (20, 24)).astype(np.uint16)


def film_of(tmp_path, ds: Dataset, syntax: str = ExplicitVRLittleEndian, **options) -> Radiograph:
    return read_film(save(tmp_path, encode(ds, syntax)), **options)


def lut(first: int, values: list[int], bits: int, **tags) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(values), first, bits]
    item.add_new("LUTData", "US", values)
    for keyword, value in tags.items():
        setattr(item, keyword, value)
    return item


@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    ],
)
def test_every_plain_encoding_gives_the_same_pixels(tmp_path, syntax):
    stored = RAMP.byteswap() if syntax == ExplicitVRBigEndian else RAMP
    film = film_of(tmp_path, dataset(stored), syntax)
    assert film.pixels.dtype == np.float32
    assert film.pixels.flags.c_contiguous
    np.testing.assert_array_equal(film.pixels, RAMP)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_files_without_preamble_are_read(tmp_path, syntax):
    stored = RAMP.byteswap() if syntax == ExplicitVRBigEndian else RAMP
    film = read_film(save(tmp_path, encode(dataset(stored), syntax, preamble=False)))
    np.testing.assert_array_equal(film.pixels, RAMP)


def test_a_tiff_header_in_the_preamble_does_not_hide_a_dicom_file(tmp_path):
    data = encode(dataset())
    film = read_film(save(tmp_path, b"II*\0" + data[4:]))
    np.testing.assert_array_equal(film.pixels, RAMP)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_rle_and_jpeg_ls_round_trip(tmp_path, syntax):
    ds = dataset(TWELVE, BitsStored=12, HighBit=11)
    encode(ds)
    ds.compress(syntax)
    film = read_film(save(tmp_path, encode(ds, syntax)))
    np.testing.assert_array_equal(film.pixels, TWELVE)


def test_jpeg_2000_round_trip(tmp_path):
    large = np.tile(TWELVE, (4, 4))  # the encoder splits an image five times
    stream = openjpeg.encode(large, bits_stored=12)
    data = compressed(dataset(large, BitsStored=12, HighBit=11), JPEG2000Lossless, [bytes(stream)])
    np.testing.assert_array_equal(read_film(save(tmp_path, data)).pixels, large)


def smooth(rows, columns):
    y, x = np.mgrid[0:rows, 0:columns]
    return (2000 + 1500 * np.sin(x / 150) * np.cos(y / 190)).astype(np.uint16)


@pytest.mark.parametrize("columns", [1800, 1801, 1802, 1803])
def test_a_large_jpeg_2000_film_can_be_glanced_at(tmp_path, columns):
    values = smooth(2000, columns)
    stream = bytes(openjpeg.encode(values, bits_stored=12))
    header = dataset(values, BitsStored=12, HighBit=11, PixelSpacing=[0.1, 0.1])
    path = save(tmp_path, compressed(header, JPEG2000Lossless, [stream]))
    coarse, film = glance_at_film(path), read_film(path)
    assert coarse.preliminary
    assert not film.preliminary
    assert (coarse.size_px, coarse.calibration) == (film.size_px, film.calibration)
    assert (
        np.abs(coarse.pixels - film.pixels)[20:-20, 20:-20].max() < 40
    )  # its detail is gone, its place is right
    assert np.abs(coarse.pixels - film.pixels).mean() < 5


def test_films_that_are_read_quickly_have_no_glance(tmp_path):
    values = smooth(64, 96)
    stream = bytes(openjpeg.encode(values, bits_stored=12))
    small = compressed(dataset(values, BitsStored=12, HighBit=11), JPEG2000Lossless, [stream])
    assert glance_at_film(save(tmp_path, small, "small.dcm")) is None
    assert glance_at_film(save(tmp_path, encode(dataset(smooth(2001, 1803))), "plain.dcm")) is None
    picture = tmp_path / "picture.png"
    cv2.imwrite(str(picture), smooth(64, 96))
    assert glance_at_film(picture) is None
    with pytest.raises(ReadError, match="no frame 2"):
        glance_at_film(save(tmp_path, small, "small.dcm"), frame=1)


@pytest.mark.parametrize("bits", [7, 8, 10, 12, 16])
def test_jpeg_2000_of_every_depth(tmp_path, bits):
    kind = np.uint8 if bits <= 8 else np.uint16
    values = np.random.default_rng(bits).integers(0, 1 << bits, (64, 96)).astype(kind)
    header = {"BitsStored": bits, "HighBit": bits - 1, "BitsAllocated": 8 * values.itemsize}
    stream = bytes(openjpeg.encode(values, bits_stored=bits))
    assert dicom_codec._is_plain_jpeg_2000(stream, dataset(values, **header)) is (bits >= 8)
    film = read_film(save(tmp_path, compressed(dataset(values, **header), JPEG2000Lossless, [stream])))
    np.testing.assert_array_equal(film.pixels, values)


def test_signed_jpeg_2000(tmp_path):
    values = np.random.default_rng(1).integers(-2000, 2000, (64, 96)).astype(np.int16)
    stream = bytes(openjpeg.encode(values, bits_stored=16))
    header = dataset(values, PixelRepresentation=1)
    assert not dicom_codec._is_plain_jpeg_2000(stream, header)
    film = read_film(save(tmp_path, compressed(header, JPEG2000Lossless, [stream])))
    np.testing.assert_array_equal(film.pixels, values)


HTJ2K_RAMP = base64.b85decode(  # arange(192) * 21 % 4096 as [12, 16], High-Throughput JPEG 2000
    b"|4;u>04YEK0000G0000C00000000000000G0000C0000000000009pH0sl|{2mk^A000XAQUDA90ssL31q1{@0smY86Cj9?k"
    b"dTm&kdTm&kdTmwh=~7W02crOPjF>!N>E53R%LP^FfKASE;BCwkN^q*00000e*gjhlfVEbU-ShBbN~Rr0206e699ezhjajV_5"
    b"+7>0KfnfKmZc}KHmWXbO5`%075hXzyK9600m$i$NiupFoJdf<~6T*&HKPofxfl?zyK=X02ZJKA%xK9ih6JYcL1Jx^5n^rCr_"
    b"UK`VfG7_Cf*dx&Z&#"
)


def test_high_throughput_jpeg_2000(tmp_path):
    values = (np.arange(192, dtype=np.uint16) * 21 % 4096).reshape(12, 16)
    data = compressed(dataset(values), HTJ2KLossless, [HTJ2K_RAMP])
    np.testing.assert_array_equal(read_film(save(tmp_path, data)).pixels, values)


def test_jpeg_of_12_bits_is_close_to_the_lossless_copy():
    lossless = pytest.importorskip("data_store")
    lossy = Path(pydicom.__file__).parent / "data" / "test_files" / "JPEG-lossy.dcm"
    exact = read_film(Path(lossless.__file__).parent / "data" / "JPEG-LL.dcm").pixels
    assert np.abs(read_film(lossy).pixels - exact).mean() < 3


def test_jpeg_lossless_round_trip(tmp_path):
    plain = save(tmp_path, encode(dataset(TWELVE, BitsStored=12, HighBit=11)))
    reader = gdcm.ImageReader()
    reader.SetFileName(str(plain))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(tmp_path / "lossless.dcm"))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    assert JPEGLosslessSV1.encode() in (tmp_path / "lossless.dcm").read_bytes()
    np.testing.assert_array_equal(read_film(tmp_path / "lossless.dcm").pixels, TWELVE)


@pytest.mark.parametrize("bits", range(8, 17))
def test_overlay_bits_above_the_stored_ones_are_masked(tmp_path, bits):
    values = np.random.default_rng(bits).integers(0, 2**bits, (9, 7)).astype(np.uint16)
    dirty = values | np.uint16(0xFFFF << bits & 0xFFFF)
    film = film_of(tmp_path, dataset(dirty, BitsStored=bits, HighBit=bits - 1))
    np.testing.assert_array_equal(film.pixels, values)


def test_samples_that_start_above_the_lowest_bit(tmp_path):
    dirty = (TWELVE << 4 | 5).astype(np.uint16)
    film = film_of(tmp_path, dataset(dirty, BitsStored=12, HighBit=15))
    np.testing.assert_array_equal(film.pixels, TWELVE)


def test_signed_pixels_and_rescale(tmp_path):
    values = np.arange(-60, 60, dtype=np.int16).reshape(10, 12)
    film = film_of(tmp_path, dataset(values, RescaleSlope="0.5", RescaleIntercept="-3"))
    np.testing.assert_array_equal(film.pixels, values * 0.5 - 3)


def test_signed_pixels_of_fewer_bits_are_extended(tmp_path):
    values = np.arange(-60, 60, dtype=np.int16).reshape(10, 12)
    film = film_of(tmp_path, dataset(values & 0x0FFF, BitsStored=12, HighBit=11, PixelRepresentation=1))
    np.testing.assert_array_equal(film.pixels, values)


def test_a_modality_table_replaces_the_values(tmp_path):
    table = lut(10, [500, 400, 300, 200], 16, ModalityLUTType="US")
    stored = np.array([[0, 10, 11], [12, 13, 99]], np.uint16)
    film = film_of(tmp_path, dataset(stored, ModalityLUTSequence=Sequence([table])))
    np.testing.assert_array_equal(film.pixels, [[500, 500, 400], [300, 200, 200]])


def shown(film: Radiograph) -> np.ndarray:
    return apply_window(film.pixels, film.windows[0])


@pytest.mark.parametrize(
    ("tags", "inverted"),
    [
        ({}, False),
        ({"PresentationLUTShape": "IDENTITY"}, False),
        ({"PhotometricInterpretation": "MONOCHROME1"}, True),
        ({"PresentationLUTShape": "INVERSE"}, True),
        # As PS3.3 C.7.6.1 demands the pair in every image, it means one inversion.
        ({"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}, True),
        ({"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "IDENTITY"}, True),
        (
            {
                "SOPClassUID": DigitalXRayImageStorageForPresentation,
                "PhotometricInterpretation": "MONOCHROME1",
                "PresentationLUTShape": "INVERSE",
            },
            True,
        ),
    ],
)
def test_polarity_is_resolved_once_with_the_window(tmp_path, tags, inverted):
    window = {"WindowCenter": "2000", "WindowWidth": "1500", "VOILUTFunction": "LINEAR_EXACT"}
    ds = dataset(TWELVE, BitsStored=12, HighBit=11, **window, **tags)
    film = film_of(tmp_path, ds)
    expected = 4095 - TWELVE if inverted else TWELVE
    np.testing.assert_array_equal(film.pixels, expected)
    ramp = np.clip((TWELVE - 1250.0) / 1500.0, 0, 1)
    wanted = 1 - ramp if inverted else ramp
    np.testing.assert_allclose(shown(film), wanted * 255, atol=0.51)


def test_inverted_rescaled_values_stay_in_their_range(tmp_path):
    ds = dataset(TWELVE, BitsStored=12, HighBit=11, PhotometricInterpretation="MONOCHROME1")
    ds.RescaleSlope, ds.RescaleIntercept = "2", "-1000"
    film = film_of(tmp_path, ds)
    np.testing.assert_array_equal(film.pixels, 2 * (4095.0 - TWELVE) - 1000)


def test_inverted_voi_table_is_mirrored(tmp_path):
    levels = [0, 10, 40, 90, 160, 255]
    stored = np.arange(256, dtype=np.uint8).reshape(16, 16)
    ds = dataset(stored, VOILUTSequence=Sequence([lut(100, levels, 8, LUTExplanation="BONE")]))
    plain = film_of(tmp_path, ds)
    ds.PhotometricInterpretation = "MONOCHROME1"
    mirrored = film_of(tmp_path, ds)
    assert plain.windows[0].name == "BONE"
    expected = np.interp(np.arange(256), np.arange(100, 106), levels).reshape(16, 16)
    np.testing.assert_array_equal(shown(plain), expected)
    np.testing.assert_array_equal(shown(mirrored), 255 - expected)


def test_every_window_of_the_file_is_offered_and_a_computed_one(tmp_path):
    ds = dataset(TWELVE, BitsStored=12, HighBit=11, WindowCenter=["2000", "1000.5"])
    ds.WindowWidth = ["1001", "501"]
    ds.WindowCenterWidthExplanation = ["BONE", "SOFT"]
    windows = film_of(tmp_path, ds).windows
    assert windows[0] == Window(1499.5, 2499.5, "BONE")
    assert windows[1] == Window(750.0, 1250.0, "SOFT")
    assert len(windows) == 3
    assert windows[2].low == pytest.approx(np.percentile(TWELVE, 0.5))
    assert windows[2].high == pytest.approx(np.percentile(TWELVE, 99.5))


def test_a_sigmoid_window_is_a_table(tmp_path):
    ds = dataset(RAMP, WindowCenter="96", WindowWidth="64", VOILUTFunction="SIGMOID")
    film = film_of(tmp_path, ds)
    wanted = 255 / (1 + np.exp(-4 * (RAMP - 96.0) / 64))
    np.testing.assert_allclose(shown(film), wanted, atol=2.0)


@pytest.mark.parametrize("width", ["0", "-5"])
def test_an_unusable_window_is_passed_over_with_a_note(tmp_path, width):
    film = film_of(tmp_path, dataset(RAMP, WindowCenter="96", WindowWidth=width))
    assert len(film.windows) == 1
    assert any("window" in note for note in film.notes)


def test_a_window_that_shows_nothing_is_not_the_default(tmp_path):
    film = film_of(tmp_path, dataset(RAMP, WindowCenter="40000", WindowWidth="100"))
    assert film.windows[0].low < 100 < film.windows[0].high
    assert film.windows[1].low > 30000
    assert film.notes


def test_padding_does_not_count_for_the_computed_window(tmp_path):
    stored = np.full((40, 40), 60000, np.uint16)
    stored[:4] = np.arange(1000, 1160).reshape(4, 40)
    stored[4:10] = 60005
    ds = dataset(stored, PixelPaddingValue=60000, PixelPaddingRangeLimit=60010)
    window = film_of(tmp_path, ds).windows[0]
    assert 1000 <= window.low < window.high < 1160


def test_padding_around_the_image_is_black_and_inside_it_a_value(tmp_path):
    stored = np.full((20, 20), 60000, np.uint16)
    stored[5:15, 5:15] = 1000
    stored[9, 9] = 60000
    expected = np.full((20, 20), 1000.0)
    expected[9, 9] = 60000
    film = film_of(tmp_path, dataset(stored, PixelPaddingValue=60000))
    np.testing.assert_array_equal(film.pixels, expected)
    film = film_of(
        tmp_path, dataset(65535 - stored, PixelPaddingValue=5535, PhotometricInterpretation="MONOCHROME1")
    )
    np.testing.assert_array_equal(film.pixels, expected)


@pytest.mark.parametrize(
    ("tags", "notes"),
    [
        ({"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "IDENTITY"}, 1),
        ({"PresentationLUTShape": "INVERSE"}, 1),
        ({"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}, 0),
        ({"PresentationLUTShape": "IDENTITY"}, 0),
        ({"PhotometricInterpretation": "MONOCHROME1"}, 0),
    ],
)
def test_contradicting_polarity_is_noted(tmp_path, tags, notes):
    assert len(film_of(tmp_path, dataset(**tags)).notes) == notes


def test_deflated_frames(tmp_path):
    stack = np.stack([RAMP, RAMP + 500])
    frames = []
    for part in stack:
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        frames.append(deflate.compress(part.tobytes()) + deflate.flush())
    data = compressed(dataset(stack), "1.2.840.10008.1.2.8.1", frames)
    film = read_film(save(tmp_path, data), frame=1)
    np.testing.assert_array_equal(film.pixels, RAMP + 500)


def with_overlay(bits: np.ndarray, origin: list[int], group: int = 0x6002, **tags) -> Dataset:
    """A film with an overlay plane of ``bits`` ([frames,] rows, columns)."""
    ds = dataset(**tags)
    packed = np.packbits(bits.ravel().astype(np.uint8), bitorder="little").tobytes()
    ds.add_new((group, 0x0010), "US", bits.shape[-2])
    ds.add_new((group, 0x0011), "US", bits.shape[-1])
    if bits.ndim == 3:
        ds.add_new((group, 0x0015), "IS", bits.shape[0])
    ds.add_new((group, 0x0040), "CS", "G")
    ds.add_new((group, 0x0050), "SS", origin)
    ds.add_new((group, 0x0100), "US", 1)
    ds.add_new((group, 0x0102), "US", 0)
    ds.add_new((group, 0x3000), "OW", packed + b"\0" * (len(packed) % 2))
    return ds


@pytest.mark.parametrize("origin", [[1, 1], [4, 3], [-2, -3], [9, 12], [200, 1]])
def test_an_overlay_is_kept_apart_from_the_pixels(tmp_path, origin):
    bits = np.random.default_rng(4).random((7, 9)) < 0.5
    film = film_of(tmp_path, with_overlay(bits, origin))
    np.testing.assert_array_equal(film.pixels, RAMP)
    expected = np.zeros(RAMP.shape, bool)
    for row, column in np.argwhere(bits):
        place = row + origin[0] - 1, column + origin[1] - 1
        if 0 <= place[0] < expected.shape[0] and 0 <= place[1] < expected.shape[1]:
            expected[place] = True
    np.testing.assert_array_equal(film.graphics, expected)
    assert any("overlay" in note for note in film.notes)


def test_the_overlay_of_the_frame_is_taken(tmp_path):
    bits = np.zeros((2, *RAMP.shape), bool)
    bits[0, 2, 3] = bits[1, 5, 6] = True
    ds = with_overlay(bits, [1, 1], pixels=np.stack([RAMP, RAMP, RAMP]))
    path = save(tmp_path, encode(ds))
    assert np.argwhere(read_film(path, frame=1).graphics).tolist() == [[5, 6]]
    assert read_film(path, frame=2).graphics is None


def test_a_damaged_overlay_is_left_out_with_a_note(tmp_path):
    ds = with_overlay(np.ones((7, 9), bool), [1, 1])
    ds[0x6002, 0x0010].value = 700
    film = film_of(tmp_path, ds)
    assert film.graphics is None
    assert "An overlay of the file is damaged and not shown." in film.notes


def test_only_padding_still_gives_a_window(tmp_path):
    film = film_of(tmp_path, dataset(np.full((8, 8), 7, np.uint16), PixelPaddingValue=7))
    assert film.windows[0].low < film.windows[0].high


def test_the_chosen_frame_is_read(tmp_path):
    stack = np.stack([RAMP, RAMP + 1000, RAMP + 2000])
    film = film_of(tmp_path, dataset(stack), frame=2)
    np.testing.assert_array_equal(film.pixels, RAMP + 2000)
    assert film.frame == 2
    assert "Frame 3 of 3." in film.notes


def test_colour_becomes_brightness(tmp_path):
    rgb = np.zeros((4, 6, 3), np.uint8)
    rgb[0], rgb[1], rgb[2] = (255, 0, 0), (0, 255, 0), (90, 90, 90)
    film = film_of(tmp_path, dataset(rgb))
    np.testing.assert_allclose(film.pixels[:, 0], [76.245, 149.685, 90, 0], atol=1e-3)
    assert any("colour" in note for note in film.notes)
    assert film.windows[0] == Window(0.0, 255.0, "Full range")


def test_ybr_is_converted(tmp_path):
    ybr = np.full((4, 4, 3), (120, 128, 128), np.uint8)
    film = film_of(tmp_path, dataset(ybr, PhotometricInterpretation="YBR_FULL"))
    np.testing.assert_allclose(film.pixels, 120, atol=1)


def test_palette_colour(tmp_path):
    stored = np.array([[0, 1], [2, 3]], np.uint8)
    ds = dataset(stored, PhotometricInterpretation="PALETTE COLOR")
    for name in ("Red", "Green", "Blue"):
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [4, 0, 16])
        values = np.array([0, 1000, 20000, 65535], "<u2")
        setattr(ds, f"{name}PaletteColorLookupTableData", values.tobytes())
    film = film_of(tmp_path, ds)
    np.testing.assert_allclose(film.pixels, [[0, 1000], [20000, 65535]], rtol=1e-5)


def test_float_pixels_without_a_number_are_black_and_noted(tmp_path):
    values = np.linspace(-1, 1, 48, dtype=np.float32).reshape(6, 8)
    values[0, :2] = np.nan, np.inf
    ds = dataset(RAMP[:6, :8].copy(), BitsAllocated=32)
    del ds.PixelData, ds.BitsStored, ds.HighBit, ds.PixelRepresentation
    ds.FloatPixelData = values.tobytes()
    film = film_of(tmp_path, ds)
    assert np.isfinite(film.pixels).all()
    np.testing.assert_array_equal(film.pixels[1:], values[1:])
    assert film.pixels[0, 0] == values[0, 2:].min()
    assert film.notes


def test_the_hash_is_that_of_the_file(tmp_path):
    path = save(tmp_path, encode(dataset()))
    assert read_film(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_demonstration_film_is_shown_with_bright_bone():
    film = read_film(resource_path("assets/demo/RG3.dcm"))
    assert film.size_px == (1760, 1760)
    shaft, air = film.pixels[880:920, 820:900], film.pixels[880:920, 480:560]
    assert shaft.mean() > air.mean() + 300
    assert film.tags.patient_orientation == ("R", "F")
    assert film.tags.stored_mirrored


def test_encodings_of_the_demonstration_film_agree():
    data = pytest.importorskip("data_store")
    plain = read_film(Path(data.__file__).parent / "data" / "RG3_UNCR.dcm")
    film = read_film(resource_path("assets/demo/RG3.dcm"))
    np.testing.assert_array_equal(film.pixels, plain.pixels)
