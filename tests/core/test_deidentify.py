"""Films without identity: nothing that is in the profile's table survives."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from PIL import Image, PngImagePlugin
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, JPEGLSLossless, RLELossless, generate_uid

from core.adapters.deidentify import Deidentifier, profile_actions, says_burned_in
from core.adapters.dicom import read_film
from core.burnt_in import Rectangle
from core.errors import ReadError
from tests.core.dicom_files import RAMP, compressed, dataset, encode, save

MARK = "ZZMARK"
TEXTS = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
DATES = {
    "DA": "19770707",
    "DT": "19770707070707",
    "TM": "070707.77",
    "AS": "077Y",
    "DS": "777777",
    "IS": "777777",
}
OLD_UID = "1.2.777777"
OWN = (0x00120063, 0x00120064)  # what states that identity was removed


def marked(tag: int) -> DataElement | None:
    """An element of the table with a value that can be found again, None for other representations."""
    representation = dictionary_VR(tag) if dictionary_has_tag(tag) else "UN"
    representation = {"OB or OW": "OB"}.get(representation, representation)
    if representation in TEXTS:
        return DataElement(tag, representation, MARK)
    if representation in DATES:
        return DataElement(tag, representation, DATES[representation])
    if representation == "UI":
        return DataElement(tag, "UI", f"{OLD_UID}.{tag}")
    if representation in ("OB", "OW", "UN"):
        return DataElement(tag, representation, MARK.encode())
    if representation == "SQ":
        inner = Dataset()
        inner.PatientName, inner.StudyDescription, inner.ReferencedSOPInstanceUID = MARK, MARK, OLD_UID
        return DataElement(tag, "SQ", [inner])
    return None


def everything() -> Dataset:
    """A film with a marked value for every attribute of the table."""
    ds = dataset()
    for tag in profile_actions():
        element = marked(tag) if tag >> 16 >= 8 else None
        if element is not None:
            ds.add(element)
    return ds


def walk(ds: Dataset) -> Iterator[DataElement]:
    for element in ds:
        yield element
        if element.VR == "SQ":
            for item in element.value:
                yield from walk(item)


def cleaned(path: Path, **options: Any) -> tuple[bytes, Dataset]:
    data = Deidentifier().film(path, **options).data
    return data, pydicom.dcmread(BytesIO(data))


def test_table_is_that_of_the_standard() -> None:
    table = profile_actions()
    assert len(table) == 652
    assert set(table.values()) == {"D", "Z", "X", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"}
    known = {
        0x00100010: "Z", 0x00100020: "Z/D", 0x00100030: "Z", 0x00080018: "U", 0x0020000D: "U",
        0x00080050: "Z",
        0x00080080: "X/Z/D", 0x00101040: "X", 0x00081140: "X/Z/U*", 0x00400555: "X/Z", 0x00200010: "Z",
    }  # fmt: skip
    assert {tag: table[tag] for tag in known} == known


def test_no_value_of_the_table_survives(tmp_path: Path) -> None:
    ds = everything()
    assert len([e for e in ds if int(e.tag) in profile_actions()]) > 600
    path = save(tmp_path, encode(ds))
    before = path.read_bytes()
    data, clean = cleaned(path)
    assert path.read_bytes() == before
    for value in (MARK, *DATES.values(), OLD_UID):
        assert value.encode() not in data, value
        assert value.encode("utf-16-le") not in data
    assert not [e for e in walk(clean) if profile_actions().get(int(e.tag)) == "X" and int(e.tag) not in OWN]
    for element in clean:
        action = profile_actions().get(int(element.tag))
        if action == "Z":
            assert not element.value, element
        if action == "D" and element.VR != "SQ":
            assert element.value not in (None, ""), element


def test_states_that_identity_was_removed(tmp_path: Path) -> None:
    path = save(tmp_path, encode(dataset(PatientName="DOE^JANE", BurnedInAnnotation="YES")))
    _, clean = cleaned(path)
    assert clean.PatientIdentityRemoved == "YES"
    assert [code.CodeValue for code in clean.DeidentificationMethodCodeSequence] == ["113100"]
    assert clean.LongitudinalTemporalInformationModified == "REMOVED"
    assert clean.BurnedInAnnotation == "YES"
    assert says_burned_in(path) is True
    _, reviewed = cleaned(path, reviewed=True)
    assert [code.CodeValue for code in reviewed.DeidentificationMethodCodeSequence] == ["113100", "113101"]
    assert reviewed.BurnedInAnnotation == "NO"


def test_nested_private_unknown_and_free_text_are_removed(tmp_path: Path) -> None:
    ds = dataset(PatientName=MARK)
    inner, deep = Dataset(), Dataset()
    deep.PersonName, deep.OperatorsName, deep.ReferencedSOPInstanceUID = MARK, MARK, OLD_UID
    deep.private_block(0x0019, MARK, create=True).add_new(1, "LO", MARK)
    inner.PurposeOfReferenceCodeSequence = [deep]
    inner.StudyDescription = MARK
    ds.DerivationCodeSequence = [inner]
    ds.private_block(0x0029, MARK, create=True).add_new(1, "SQ", [deep])
    ds.add_new(0x00080FFE, "LO", MARK)  # in no dictionary
    ds.add_new(0x60000010, "US", 4)
    ds.add_new(0x60003000, "OW", MARK.encode())
    ds.add_new(0x50000022, "LO", MARK)
    ds.add_new(0x00282000, "OB", MARK.encode())  # colour profile: binary that nobody looked into
    ds.add_new(0x00081190, "UR", f"http://{MARK}")
    data, clean = cleaned(save(tmp_path, encode(ds)))
    assert MARK.encode() not in data
    assert OLD_UID.encode() not in data
    assert not any(element.tag.is_private for element in walk(clean))
    assert "PurposeOfReferenceCodeSequence" in clean.DerivationCodeSequence[0]


def test_header_and_preamble_hold_nothing_of_the_old_file(tmp_path: Path) -> None:
    ds = dataset()
    data = bytearray(encode(ds))
    data[:6] = MARK.encode()
    path = save(tmp_path, bytes(data))
    stored = pydicom.dcmread(path)
    stored.file_meta.SourceApplicationEntityTitle = MARK
    stored.file_meta.PrivateInformationCreatorUID = OLD_UID
    stored.file_meta.PrivateInformation = MARK.encode()
    stored.preamble = bytes(data[:128])
    stored.save_as(path)
    clean, parsed = cleaned(path)
    assert MARK.encode() not in clean
    assert parsed.file_meta.MediaStorageSOPInstanceUID == parsed.SOPInstanceUID != ds.SOPInstanceUID


def test_uids_stay_consistent_within_a_run_only(tmp_path: Path) -> None:
    study = generate_uid()
    first = dataset(StudyInstanceUID=study)
    second = dataset(StudyInstanceUID=study)
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = first.SOPClassUID, first.SOPInstanceUID
    second.SourceImageSequence = [item]
    second.SOPInstanceUID = generate_uid()
    one, two = save(tmp_path, encode(first), "a.dcm"), save(tmp_path, encode(second), "b.dcm")
    run = Deidentifier()
    a, b = (pydicom.dcmread(BytesIO(run.film(path).data)) for path in (one, two))
    assert a.StudyInstanceUID == b.StudyInstanceUID != study
    assert b.SourceImageSequence[0].ReferencedSOPInstanceUID == a.SOPInstanceUID
    assert b.SourceImageSequence[0].ReferencedSOPClassUID == first.SOPClassUID
    assert a.SOPInstanceUID != b.SOPInstanceUID
    assert a.SOPClassUID == first.SOPClassUID
    other = pydicom.dcmread(BytesIO(Deidentifier().film(one).data))
    assert other.StudyInstanceUID != a.StudyInstanceUID
    assert a.StudyInstanceUID.is_valid


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_film_looks_the_same_but_for_blackened_areas(tmp_path: Path, photometric: str) -> None:
    ds = dataset(RAMP * 20, PhotometricInterpretation=photometric, PixelSpacing=[0.2, 0.1], Laterality="L")
    path = save(tmp_path, encode(ds))
    target = save(tmp_path, Deidentifier().film(path, blank=[Rectangle(2, 3, 4, 5)]).data, "clean.dcm")
    before, after = read_film(path), read_film(target)
    inside = np.zeros(before.pixels.shape, bool)
    inside[3:8, 2:6] = True
    assert (after.pixels[~inside] == before.pixels[~inside]).all()
    assert (after.pixels[inside] == after.pixels.min()).all()
    assert after.calibration == before.calibration
    assert after.tags.laterality == before.tags.laterality
    assert after.tags.patient_name == ""


@pytest.mark.parametrize("syntax", [JPEGLSLossless, RLELossless])
def test_compressed_pixels_are_written_plain(tmp_path: Path, syntax: str) -> None:
    ds = dataset(RAMP * 20)
    encode(ds)
    ds.compress(syntax, generate_instance_uid=False)
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    path = save(tmp_path, buffer.getvalue())
    data, clean = cleaned(path)
    assert not clean.file_meta.TransferSyntaxUID.is_compressed
    assert (clean.pixel_array == RAMP * 20).all()
    assert len(clean.PixelData) == RAMP.size * 2
    assert data[:128] == bytes(128)


def test_comment_in_a_jpeg_stream_is_lost(tmp_path: Path) -> None:
    grey = np.tile(np.arange(0, 128, 8, dtype=np.uint8), (16, 1))
    stream = cv2.imencode(".jpg", grey)[1].tobytes()
    comment = b"\xff\xfe" + (len(MARK) + 2).to_bytes(2, "big") + MARK.encode()
    ds = dataset(grey)
    path = save(tmp_path, compressed(ds, "1.2.840.10008.1.2.4.50", [stream[:2] + comment + stream[2:]]))
    assert MARK.encode() in path.read_bytes()
    data, _ = cleaned(path)
    assert MARK.encode() not in data


def test_bits_beside_the_samples_and_bytes_behind_them_are_lost(tmp_path: Path) -> None:
    pixels = (RAMP % 512).astype(np.uint16)
    ds = dataset(pixels | np.uint16(0xA000), BitsStored=12, HighBit=11)
    ds.PixelData += MARK.encode()
    data, clean = cleaned(save(tmp_path, encode(ds)))
    assert MARK.encode() not in data
    assert (np.frombuffer(clean.PixelData, "<u2").reshape(RAMP.shape) == pixels).all()


def test_signed_and_big_endian_pixels_keep_their_values(tmp_path: Path) -> None:
    pixels = RAMP.astype(np.int16) - 90
    path = save(
        tmp_path, encode(dataset(pixels.astype(">i2"), BitsStored=12, HighBit=11), ExplicitVRBigEndian)
    )
    target = save(tmp_path, Deidentifier().film(path).data, "clean.dcm")
    assert (read_film(target).pixels == read_film(path).pixels).all()
    assert read_film(target).pixels.min() == -90


def test_picture_files_lose_their_texts(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", MARK)
    path = tmp_path / f"{MARK}.png"
    Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30) * 100).save(path, pnginfo=info)
    clean = Deidentifier().film(path, blank=[Rectangle(0, 0, 3, 3)])
    assert clean.suffix == ".png"
    assert MARK.encode() not in clean.data
    target = save(tmp_path, clean.data, "clean.png")
    assert (read_film(target).pixels[3:] == read_film(path).pixels[3:]).all()
    assert not read_film(target).pixels[:3, :3].any()


def test_refuses_what_it_cannot_clean(tmp_path: Path) -> None:
    report = dataset()
    del report.PixelData
    with pytest.raises(ReadError):
        Deidentifier().film(save(tmp_path, encode(report)))
    with pytest.raises(ReadError, match="beside the picture"):
        Deidentifier().film(save(tmp_path, encode(dataset())), blank=[Rectangle(500, 0, 2, 2)])
    with pytest.raises(ReadError):
        Deidentifier().film(save(tmp_path, b"nothing"))
    with pytest.raises(ValueError, match="1 or more"):
        Rectangle(0, 0, 0, 4)
