"""Spacing by order of trust, and the tags of a film."""

from pathlib import Path

import pydicom
import pytest

from core.adapters.dicom import read_film
from core.adapters.dicom_header import dicom_errors, parse
from core.adapters.dicom_tags import read_tags
from core.adapters.pdf_text import clean
from core.film import Calibration, FilmTags, Side, SpacingSource
from tests.core.dicom_files import dataset, encode, save

IMAGER = {"ImagerPixelSpacing": ["0.2", "0.3"]}
DISTANCES = {"DistanceSourceToDetector": "1150", "DistanceSourceToPatient": "1000"}
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def calibration(tmp_path, **tags) -> Calibration:
    return read_film(save(tmp_path, encode(dataset(**tags)))).calibration


def film_tags(tmp_path, **tags) -> FilmTags:
    return read_film(save(tmp_path, encode(dataset(**tags)))).tags


@pytest.mark.parametrize(
    ("tags", "source", "row_mm", "column_mm", "words"),
    [
        (
            {"PixelSpacing": ["0.17", "0.18"], "PixelSpacingCalibrationType": "FIDUCIAL", **IMAGER},
            SpacingSource.FIDUCIAL, 0.17, 0.18, "object of known size",
        ),
        (
            {"PixelSpacing": ["0.17", "0.18"], "PixelSpacingCalibrationType": "GEOMETRY", **DISTANCES},
            SpacingSource.GEOMETRY, 0.17, 0.18, "assumed geometry",
        ),
        ({"PixelSpacing": ["0.17", "0.26"], **IMAGER}, SpacingSource.GEOMETRY, 0.17, 0.26, "type not stated"),
        (
            {"EstimatedRadiographicMagnificationFactor": "1.25", **IMAGER, **DISTANCES},
            SpacingSource.MAGNIFICATION, 0.16, 0.24, "1.250",
        ),
        (
            {"PixelSpacing": ["0.2", "0.3"], "EstimatedRadiographicMagnificationFactor": "1.25", **IMAGER},
            SpacingSource.MAGNIFICATION, 0.16, 0.24, "1.250",
        ),
        ({**IMAGER, **DISTANCES}, SpacingSource.DISTANCES, 0.2 / 1.15, 0.3 / 1.15, "1150"),
        (IMAGER, SpacingSource.DETECTOR, 0.2, 0.3, "plane of the detector"),
        ({"PixelSpacing": ["0.2", "0.3"], **IMAGER}, SpacingSource.DETECTOR, 0.2, 0.3, "equal to Imager"),
        ({"PixelSpacing": ["0.2", "0.2"]}, SpacingSource.DETECTOR, 0.2, 0.2, "type not stated"),
        ({"NominalScannedPixelSpacing": ["0.1", "0.1"]}, SpacingSource.SCANNED, 0.1, 0.1, "digitised"),
        ({"PixelSpacing": ["0.4", "0.4"], "Modality": "CT"}, SpacingSource.GEOMETRY, 0.4, 0.4, "slice"),
        # Unusable values are passed over and named.
        ({"PixelSpacing": ["0", "0"], **IMAGER}, SpacingSource.DETECTOR, 0.2, 0.3, "0 x 0 mm is not"),
        (
            {"EstimatedRadiographicMagnificationFactor": "0.2", **IMAGER, **DISTANCES},
            SpacingSource.DISTANCES, 0.2 / 1.15, 0.3 / 1.15, "0.2 is not usable",
        ),
        (
            {**IMAGER, "DistanceSourceToDetector": "1000", "DistanceSourceToPatient": "1150"},
            SpacingSource.DETECTOR, 0.2, 0.3, "no usable magnification",
        ),
        (
            {**IMAGER, "DistanceSourceToDetector": "1000", "DistanceSourceToPatient": "0"},
            SpacingSource.DETECTOR, 0.2, 0.3, "no usable magnification",
        ),
    ],
)  # fmt: skip
def test_spacing_by_order_of_trust(tmp_path, tags, source, row_mm, column_mm, words):
    found = calibration(tmp_path, **tags)
    assert found.source is source
    assert found.row_mm == pytest.approx(row_mm)
    assert found.column_mm == pytest.approx(column_mm)
    assert found.aspect == pytest.approx(row_mm / column_mm)
    assert words in found.detail
    assert found.detail.endswith(".")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({}, "states no pixel spacing"),
        ({"PixelSpacing": ["0.000", "0.000"]}, "not a possible spacing"),
        ({"PixelSpacing": ["-0.2", "0.2"]}, "not a possible spacing"),
        ({"PixelSpacing": ["200", "200"]}, "not a possible spacing"),
        ({"PixelSpacing": ["0.001", "0.001"]}, "not a possible spacing"),
        ({"ImagerPixelSpacing": "0.2"}, "not a pair"),
        ({"PixelSpacing": ["1.0", "1.0"], "SOPClassUID": SECONDARY_CAPTURE}, "placeholder"),
        ({"PixelSpacing": ["1.0", "1.0"], "ConversionType": "WSD"}, "placeholder"),
        ({"PixelSpacing": None}, "states no pixel spacing"),
    ],
)
def test_no_usable_spacing_leaves_pixels(tmp_path, tags, words):
    found = calibration(tmp_path, **tags)
    assert found.source is SpacingSource.NONE
    assert (found.row_mm, found.column_mm, found.unit) == (None, None, "px")
    assert words in found.detail


def test_one_millimetre_of_a_grey_radiograph_is_believed(tmp_path):
    assert calibration(tmp_path, PixelSpacing=["1.0", "1.0"]).source is SpacingSource.DETECTOR


def test_the_aspect_is_kept_without_millimetres(tmp_path):
    assert calibration(tmp_path, PixelAspectRatio=["4", "3"]).aspect == pytest.approx(4 / 3)
    assert calibration(tmp_path, PixelAspectRatio=["4", "0"]).aspect == 1.0


@pytest.mark.parametrize(
    ("laterality", "image_laterality", "side"),
    [
        ("L", None, Side.LEFT),
        (None, "R", Side.RIGHT),
        ("R", "R", Side.RIGHT),
        ("", "L", Side.LEFT),
        ("B", None, None),
        (None, None, None),
    ],
)
def test_laterality(tmp_path, laterality, image_laterality, side):
    tags = {"Laterality": laterality, "ImageLaterality": image_laterality}
    stated = {keyword: value for keyword, value in tags.items() if value is not None}
    assert film_tags(tmp_path, **stated).laterality is side


def test_contradicting_sides_are_not_used(tmp_path):
    film = read_film(save(tmp_path, encode(dataset(Laterality="L", ImageLaterality="R"))))
    assert film.tags.laterality is None
    assert any("contradict" in note for note in film.notes)


@pytest.mark.parametrize(
    ("charset", "name", "expected"),
    [
        ("ISO_IR 6", "Doe^John", "Doe, John"),
        ("ISO_IR 100", "Buc^Jérôme", "Buc, Jérôme"),
        ("ISO_IR 144", "Люкceмбypг", "Люкceмбypг"),
        ("ISO_IR 127", "قباني^لنزار", "قباني, لنزار"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小東", "Wang, XiaoDong (王 小東)"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田 太郎)"),
        (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎", "ﾔﾏﾀﾞ, ﾀﾛｳ (山田 太郎)"),
        ("GB18030", "Wang^XiaoDong=王^小东", "Wang, XiaoDong (王 小东)"),
        ("ISO_IR 192", "=山田^太郎", "山田 太郎"),
        ("ISO_IR 192", "Müller^Anna^Maria^Dr.^", "Müller, Anna Maria"),
        ("ISO_IR 192", "", ""),
    ],
)
def test_names_in_any_character_set(tmp_path, charset, name, expected):
    ds = dataset(SpecificCharacterSet=charset, PatientName=name)
    assert read_film(save(tmp_path, encode(ds))).tags.patient_name == expected


CHARSET_FILES = {
    "chrArab": "قباني, لنزار",
    "chrFren": "Buc, Jérôme",
    "chrFrenMulti": "Buc, Jérôme",
    "chrGerm": "Äneas, Rüdiger",
    "chrGreek": "Διονυσιος",
    "chrH31": "Yamada, Tarou (山田 太郎)",
    "chrH32": "ﾔﾏﾀﾞ, ﾀﾛｳ (山田 太郎)",
    "chrHbrw": "שרון, דבורה",
    "chrI2": "Hong, Gildong (洪 吉洞)",
    "chrJapMulti": "やまだ, たろう",
    "chrJapMultiExplicitIR6": "やまだ, たろう",
    "chrKoreanMulti": "김희중",
    "chrRuss": "Люкceмбypг",
    "chrX1": "Wang, XiaoDong (王 小東)",
    "chrX2": "Wang, XiaoDong (王 小东)",
}


@pytest.mark.parametrize("file", CHARSET_FILES)
def test_names_of_the_test_files_on_screen_and_in_print(file):
    path = Path(pydicom.__file__).parent / "data" / "charset_files" / f"{file}.dcm"
    with dicom_errors(path):
        tags, notes = read_tags(parse(path, pixels=False))
    assert tags.patient_name == CHARSET_FILES[file]
    assert not notes
    assert clean(tags.patient_name) == tags.patient_name  # the fonts of the report have every character


@pytest.mark.parametrize(
    ("charset", "stored", "expected"),
    [
        ("ISO_IR 101", "Wałęsa^Łukasz".encode("iso8859_2"), "Wałęsa, Łukasz"),
        ("ISO_IR 109", "Ħal^Ġorġ".encode("iso8859_3"), "Ħal, Ġorġ"),
        ("ISO_IR 110", "Ķēniņš".encode("iso8859_4"), "Ķēniņš"),
        ("ISO_IR 148", "Çiğdem^Işık".encode("iso8859_9"), "Çiğdem, Işık"),
        ("ISO_IR 166", "นารี^สมชาย".encode("tis_620"), "นารี, สมชาย"),
        ("ISO_IR 203", "Œuvre^Žofie".encode("iso8859_15"), "Œuvre, Žofie"),
        ("GBK", "王^小东".encode("gbk"), "王, 小东"),
        ("\\ISO 2022 IR 159\\ISO 2022 IR 87", b"Yamada=" + "鷗^外".encode("iso2022_jp_2"), "Yamada (鷗 外)"),
        (
            "\\ISO 2022 IR 58",
            b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
            "Zhang, XiaoDong (张 小东)",
        ),
    ],
)
def test_names_as_bytes_of_a_character_set(tmp_path, charset, stored, expected):
    mark = "Q" * len(stored)
    ds = dataset(SpecificCharacterSet=charset.split("\\"), PatientName=mark)
    path = save(tmp_path, encode(ds).replace(mark.encode(), stored, 1))
    tags = read_film(path).tags
    assert tags.patient_name == expected
    assert clean(expected) == expected


def test_text_in_another_character_set_than_stated_is_noted(tmp_path):
    ds = dataset(SpecificCharacterSet="ISO_IR 192", PatientName="QQQQ")
    film = read_film(save(tmp_path, encode(ds).replace(b"QQQQ", b"M\xfcll", 1)))
    assert film.tags.patient_name == "M\ufffdll"
    assert any("character set" in note for note in film.notes)


def test_study_tags(tmp_path):
    tags = film_tags(
        tmp_path,
        PatientID=" 17 ",
        PatientBirthDate="19790408",
        PatientSex="F",
        StudyDate="20040826",
        AccessionNumber="A1",
        BodyPartExamined="KNEE",
        ViewPosition="AP",
        PatientOrientation=["L", "F"],
        StudyInstanceUID="1.2.3",
        SeriesInstanceUID="1.2.4",
    )
    assert (tags.patient_id, tags.birth_date, tags.sex) == ("17", "1979-04-08", "F")
    assert (tags.study_date, tags.accession, tags.modality) == ("2004-08-26", "A1", "CR")
    assert (tags.body_part, tags.view_position) == ("KNEE", "AP")
    assert tags.patient_orientation == ("L", "F")
    assert not tags.stored_mirrored
    assert (tags.study_uid, tags.series_uid) == ("1.2.3", "1.2.4")


@pytest.mark.filterwarnings("ignore:Invalid value for VR DA:UserWarning")
@pytest.mark.parametrize(
    ("stored", "expected"), [("2004.08.26", "2004-08-26"), ("20041399", ""), ("unknown", ""), ("", "")]
)
def test_dates_of_any_writing(tmp_path, stored, expected):
    assert film_tags(tmp_path, PatientBirthDate=stored).birth_date == expected
