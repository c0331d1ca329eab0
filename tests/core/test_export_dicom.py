"""What all DICOM exports share, and what is special to presentation state, picture and report."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import pixel_array
from pydicom.uid import UID

from core.adapters.export.capture import capture_bytes, capture_picture
from core.adapters.export.gsps import gsps_bytes
from core.adapters.export.measured import Measured
from core.adapters.export.pdf_dicom import pdf_dicom_bytes
from core.adapters.export.sr import sr_bytes
from core.adapters.pdf import report_bytes
from core.case import SideDecision
from core.errors import WriteError
from core.film import Side, apply_window
from core.overlay import LOOK_COLOUR
from tests.core import report_case as made
from tests.core.export_case import INSTANCE, SERIES, STUDY, complaints, measured, of_film, parsed
from tests.core.report_case import CONFIRMED

Make = Callable[[Measured], bytes]
MAKERS: dict[str, tuple[Make, str, str]] = {
    "sr": (sr_bytes, "1.2.840.10008.5.1.4.1.1.88.33", "SR"),
    "gsps": (gsps_bytes, "1.2.840.10008.5.1.4.1.1.11.1", "PR"),
    "capture": (capture_bytes, "1.2.840.10008.5.1.4.1.1.7", "OT"),
    "pdf_dicom": (pdf_dicom_bytes, "1.2.840.10008.5.1.4.1.1.104.1", "DOC"),
}
every_object = pytest.mark.parametrize("key", MAKERS)


@every_object
def test_patient_and_study_are_kept_in_a_new_series(tmp_path: Path, key: str) -> None:
    make, sop_class, modality = MAKERS[key]
    m = measured(tmp_path)
    before = hashlib.sha256(m.film.path.read_bytes()).hexdigest()
    first, second = (parsed(tmp_path, make(m)) for _ in range(2))
    assert (first.SOPClassUID, first.Modality) == (sop_class, modality)
    assert first.StudyInstanceUID == STUDY
    assert (str(first.PatientName), first.PatientID, first.PatientBirthDate, first.PatientSex) == (
        "Roe^Jane",
        "77-1",
        "19800203",
        "F",
    )
    assert (first.StudyDate, first.StudyTime, first.StudyID, first.AccessionNumber) == (
        "20260102",
        "101112",
        "S1",
        "A9",
    )
    fresh = [ds[tag].value for ds in (first, second) for tag in ("SOPInstanceUID", "SeriesInstanceUID")]
    assert len({*fresh, INSTANCE, SERIES}) == 6
    assert all(UID(uid).is_valid for uid in fresh)
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID
    assert first.Manufacturer == "OrthoMatch"
    assert hashlib.sha256(m.film.path.read_bytes()).hexdigest() == before


NAMES = [
    ("ISO_IR 144", "Петров^Иван"),
    ("ISO_IR 100", "Müller^Zoë"),
    (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎"),
    ("ISO_IR 192", "Παπαδόπουλος^Γιώργος"),
    ("GB18030", "Wang^XiaoDong=王^小东"),
]


@every_object
@pytest.mark.parametrize(("charset", "name"), NAMES)
def test_names_in_other_scripts_are_kept(tmp_path: Path, key: str, charset: Any, name: str) -> None:
    m = measured(tmp_path, SpecificCharacterSet=charset, PatientName=name)
    ds = parsed(tmp_path, MAKERS[key][0](m))
    assert ds.SpecificCharacterSet == "ISO_IR 192"
    assert str(ds.PatientName) == name


@every_object
def test_status_is_on_every_object(tmp_path: Path, key: str) -> None:
    make = MAKERS[key][0]
    draft = parsed(tmp_path, make(measured(tmp_path)))
    assert "(draft)" in draft.SeriesDescription
    done = parsed(tmp_path, make(measured(tmp_path, confirmation=CONFIRMED)))
    assert "draft" not in done.SeriesDescription.lower()


@every_object
def test_other_sources_are_refused(tmp_path: Path, key: str) -> None:
    picture = tmp_path / "film.png"
    cv2.imwrite(str(picture), np.full((made.HEIGHT, made.WIDTH), 90, np.uint8))
    with pytest.raises(WriteError, match=r"not a DICOM file.*CSV, JSON, FHIR or PDF"):
        MAKERS[key][0](of_film(picture))


@every_object
@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_films_that_cannot_be_referred_to_are_refused(tmp_path: Path, key: str, keyword: str) -> None:
    m = measured(tmp_path, without=(keyword,))
    with pytest.raises(WriteError, match=keyword):
        MAKERS[key][0](m)


@every_object
def test_a_film_that_changed_is_refused(tmp_path: Path, key: str) -> None:
    m = measured(tmp_path)
    m.film.path.write_bytes(m.film.path.read_bytes() + b"\0\0")
    with pytest.raises(WriteError, match="has changed"):
        MAKERS[key][0](m)


@every_object
def test_odd_headers_neither_fail_nor_leak(
    tmp_path: Path, key: str, capfd: Any, caplog: Any, recwarn: Any
) -> None:
    odd = {"PatientBirthDate": "1980.02.03", "StudyTime": "noon", "PatientSex": "female", "StudyID": "x" * 20}
    with pytest.warns(UserWarning, match="Invalid value"):  # the test's own file is odd on purpose
        m = measured(tmp_path, PatientName="Secret^Person", PatientID="SECRET" * 20, **odd)
    recwarn.clear()
    path = tmp_path / "object.dcm"
    path.write_bytes(MAKERS[key][0](m))
    assert not recwarn.list
    assert "ecret" not in "".join(capfd.readouterr()) + caplog.text
    data = path.read_bytes()
    assert b"SECRET" * 20 in data
    assert b"19800203" in data
    assert b"noon" not in data
    assert b"female" not in data


@every_object
@pytest.mark.parametrize("confirmation", [None, CONFIRMED])
def test_validator_finds_no_error(tmp_path: Path, key: str, confirmation: Any) -> None:
    m = measured(
        tmp_path,
        confirmation=confirmation,
        PatientName="Yamada^Tarou=山田^太郎",
        SpecificCharacterSet="ISO_IR 192",
    )
    path = tmp_path / "object.dcm"
    path.write_bytes(MAKERS[key][0](m))
    assert complaints(path) == []


# -- presentation state ------------------------------------------------------------------------------


def shown(m: Measured, state: Dataset) -> np.ndarray:
    """Grey 0..255 that a viewer makes of the stored pixels by the state (PS3.4 N.2)."""
    values = pixel_array(str(m.film.path)).astype(float)
    values = values * float(state.get("RescaleSlope", 1)) + float(state.get("RescaleIntercept", 0))
    (window,) = state.SoftcopyVOILUTSequence
    centre, width = float(window.WindowCenter), float(window.WindowWidth)
    level = np.clip((values - (centre - 0.5)) / (width - 1.0) + 0.5, 0.0, 1.0)
    return 255.0 * (1.0 - level if state.PresentationLUTShape == "INVERSE" else level)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": None, "WindowWidth": None},
        {"RescaleSlope": 2, "RescaleIntercept": -100, "RescaleType": "US", "WindowCenter": 4000},
        {"PhotometricInterpretation": "MONOCHROME1", "RescaleSlope": 0.5, "RescaleIntercept": 30},
    ],
)
def test_state_shows_the_film_as_the_program_does(tmp_path: Path, tags: dict[str, Any]) -> None:
    m = measured(tmp_path, **tags)
    state = parsed(tmp_path, gsps_bytes(m))
    ours = apply_window(m.film.pixels, m.film.windows[0]).astype(float)
    assert np.abs(shown(m, state) - ours).max() <= 1.0
    assert ours[0, 0] != ours[0, -1]


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
        {"PresentationLUTShape": "INVERSE"},
        {
            "PhotometricInterpretation": "MONOCHROME1",
            "RescaleSlope": 0.5,
            "RescaleIntercept": 30,
            "RescaleType": "US",
        },
    ],
)
def test_another_program_shows_the_film_alike_by_the_state(tmp_path: Path, tags: dict[str, Any]) -> None:
    """Polarity is the point: a state's shape replaces what the image says of itself (PS3.4 N.2)."""
    program = shutil.which("dcmp2pgm")
    if program is None:
        pytest.skip("dcmp2pgm (Debian package dcmtk) is not installed")
    m = measured(tmp_path, **tags)
    state, picture = tmp_path / "state.dcm", tmp_path / "picture.pgm"
    state.write_bytes(gsps_bytes(m))
    subprocess.run([program, "-p", state, m.film.path, picture], check=True, capture_output=True)
    theirs = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE).astype(int)
    ours = apply_window(m.film.pixels, m.film.windows[0]).astype(int)
    assert ours[0, 0] != ours[0, -1]
    assert np.abs(theirs - ours).max() <= 1


def test_state_draws_lines_points_and_values(tmp_path: Path) -> None:
    m = measured(tmp_path)
    state = parsed(tmp_path, gsps_bytes(m))
    (series,) = state.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == SERIES
    assert series.ReferencedImageSequence[0].ReferencedSOPInstanceUID == INSTANCE
    (area,) = state.DisplayedAreaSelectionSequence
    assert list(area.DisplayedAreaBottomRightHandCorner) == [made.WIDTH, made.HEIGHT]
    assert list(area.PresentationPixelSpacing) == [0.2, 0.2]
    (note,) = state.GraphicAnnotationSequence
    assert note.GraphicLayer == state.GraphicLayerSequence[0].GraphicLayer
    lines = [list(g.GraphicData) for g in note.GraphicObjectSequence if g.GraphicType == "POLYLINE"]
    assert [120.5, 200.5, 261.0, 340.75] in lines
    for graphic in note.GraphicObjectSequence:
        assert graphic.GraphicAnnotationUnits == "PIXEL"
        assert len(graphic.GraphicData) == 2 * graphic.NumberOfGraphicPoints
    centres = [list(g.GraphicData)[:2] for g in note.GraphicObjectSequence if g.GraphicType == "CIRCLE"]
    assert centres == [[120.5, 200.5], [261.0, 340.75], [200.5, 480.5]]
    texts = [t.UnformattedTextValue for t in note.TextObjectSequence]
    assert "Inside length 50.0 mm" in texts
    assert "Out -71.2°" in texts
    assert "DRAFT, NOT CONFIRMED" in texts[-1]
    assert "calibrated with an object of known size" in texts[-1]
    assert state.ContentLabel == "DRAFT"
    done = parsed(tmp_path, gsps_bytes(measured(tmp_path, confirmation=CONFIRMED)))
    assert done.ContentLabel == "MEASUREMENTS"
    assert "DRAFT" not in str(done)


def test_values_of_the_same_place_do_not_cover_each_other(tmp_path: Path) -> None:
    length = made.results()[0]
    m = measured(tmp_path, results=[replace(length, key=f"k{i}") for i in range(4)])
    (note,) = parsed(tmp_path, gsps_bytes(m)).GraphicAnnotationSequence
    places = {
        tuple(t.AnchorPoint)
        for t in note.TextObjectSequence
        if "mm" in t.UnformattedTextValue and "AnchorPoint" in t
    }
    assert len(places) == 4


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_state_keeps_a_table_of_the_file(tmp_path: Path, photometric: str) -> None:
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [4, 500, 12])
    table.add_new("LUTData", "US", [0, 1000, 3000, 4095])
    m = measured(tmp_path, VOILUTSequence=[table], PhotometricInterpretation=photometric)
    path = tmp_path / "object.dcm"
    (window,) = parsed(tmp_path, gsps_bytes(m)).SoftcopyVOILUTSequence
    (kept,) = window.VOILUTSequence
    assert list(kept.LUTDescriptor) == [4, 500, 16]
    levels = np.frombuffer(kept.LUTData, "<u2") / 65535 * 4095
    assert np.rint(levels).tolist() == [0, 1000, 3000, 4095]
    assert "WindowCenter" not in window
    assert complaints(path) == []


def test_state_mends_a_modality_table_of_bytes_in_words(tmp_path: Path) -> None:
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [256, 0, 8])
    table.add_new("LUTData", "OW", np.arange(256, dtype="<u2").tobytes())
    table.ModalityLUTType = "US"
    m = measured(tmp_path, ModalityLUTSequence=[table], WindowCenter=128, WindowWidth=256)
    (kept,) = parsed(tmp_path, gsps_bytes(m)).ModalityLUTSequence
    assert list(kept.LUTDescriptor) == [256, 0, 8]
    assert kept.LUTData == bytes(range(256))
    assert complaints(tmp_path / "object.dcm") == []


def test_state_of_a_colour_film_is_refused(tmp_path: Path) -> None:
    m = measured(tmp_path, pixels=np.full((made.HEIGHT, made.WIDTH, 3), 7, np.uint8))
    with pytest.raises(WriteError, match="colour"):
        gsps_bytes(m)


def test_film_without_spacing_keeps_its_aspect(tmp_path: Path) -> None:
    gone = ("PixelSpacing", "PixelSpacingCalibrationType")
    m = measured(tmp_path, without=gone, PixelAspectRatio=[3, 2])
    (area,) = parsed(tmp_path, gsps_bytes(m)).DisplayedAreaSelectionSequence
    assert "PresentationPixelSpacing" not in area
    assert list(area.PresentationPixelAspectRatio) == [1500, 1000]


# -- picture and report ------------------------------------------------------------------------------


def test_picture_holds_film_overlay_and_values(tmp_path: Path) -> None:
    m = measured(tmp_path)
    ds = parsed(tmp_path, capture_bytes(m))
    assert (ds.PhotometricInterpretation, ds.BurnedInAnnotation, ds.ConversionType) == ("RGB", "YES", "WSD")
    assert list(ds.ImageType) == ["DERIVED", "SECONDARY"]
    assert ds.SourceImageSequence[0].ReferencedSOPInstanceUID == INSTANCE
    assert list(ds.PatientOrientation) == ["R", "F"]
    assert ds.Laterality == "L"
    assert "PixelSpacing" not in ds
    picture = pixel_array(ds)
    assert np.array_equal(picture, capture_picture(m))
    assert (picture.shape[0], picture.shape[2]) == (1200, 3)
    assert picture[:, 850:].max() > 200  # the panel has text


def test_draft_is_marked_in_the_picture(tmp_path: Path) -> None:
    def marks(m: Measured) -> int:
        return int((capture_picture(m)[:, 800:] == LOOK_COLOUR).all(axis=2).sum())

    assert marks(measured(tmp_path)) > 100
    assert marks(measured(tmp_path, confirmation=CONFIRMED)) == 0
    assert "DRAFT" in parsed(tmp_path, capture_bytes(measured(tmp_path))).ImageComments


def test_many_values_fit_into_the_picture(tmp_path: Path) -> None:
    many = [replace(r, key=f"{r.key}{i}") for i in range(20) for r in made.results()]
    few, full = (capture_picture(measured(tmp_path, results=r)) for r in (many[:4], many))
    assert few.shape == full.shape
    assert full[1150:, 850:].std() < few[:600, 850:].std()  # nothing runs over the lower edge


def test_side_in_doubt_or_both_is_not_stated(tmp_path: Path) -> None:
    m = measured(tmp_path)
    for side in (SideDecision(Side.LEFT, "tag", "Doubt.", conflict=True), SideDecision(Side.BOTH, "", "")):
        ds = parsed(tmp_path, capture_bytes(replace(m, case=replace(m.case, side=side))))
        assert not ds.Laterality


def test_report_object_holds_the_report(tmp_path: Path) -> None:
    for confirmation, flag in ((None, "UNVERIFIED"), (CONFIRMED, "VERIFIED")):
        m = measured(tmp_path, confirmation=confirmation)
        ds = parsed(tmp_path, pdf_dicom_bytes(m))
        names = {p.key: p.name for p in m.view.points}
        report = report_bytes(m.case, m.film, m.results, m.view.name, names)
        assert ds.EncapsulatedDocument[: ds.EncapsulatedDocumentLength] == report
        assert ds.MIMETypeOfEncapsulatedDocument == "application/pdf"
        assert ds.VerificationFlag == flag
        assert m.status in ds.DocumentTitle
        assert ds.SourceInstanceSequence[0].ReferencedSOPInstanceUID == INSTANCE
