"""Finding films in files, folders and on discs."""

import contextlib
import gc
import warnings
import zipfile

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.sequence import Sequence
from pydicom.uid import MediaStorageDirectoryStorage

from core.adapters.archive import exists
from core.adapters.dicom import read_film
from core.adapters.sources import FilmEntry, list_films
from core.errors import ReadError
from tests.core.dicom_files import RAMP, dataset, encode, save


def test_a_single_file(tmp_path):
    ds = dataset(
        np.stack([RAMP, RAMP]),
        BodyPartExamined="KNEE",
        ViewPosition="AP",
        Laterality="R",
        StudyDate="20040826",
        StudyInstanceUID="1.2.3",
        SeriesInstanceUID="1.2.4",
        PatientName="Doe^John",
    )
    path = save(tmp_path, encode(ds))
    assert list_films(path) == [
        FilmEntry(
            path, 2, "CR KNEE AP right 2004-08-26", "1.2.3", "1.2.4", ("Doe, John", "2004-08-26", "CR KNEE")
        )
    ]


@pytest.mark.parametrize("data", [b"", b"text", b"\0" * 200])
def test_a_single_file_that_is_none(tmp_path, data):
    with pytest.raises(ReadError):
        list_films(save(tmp_path, data))


def test_a_folder_is_searched_and_sorted_by_number(tmp_path):
    for name in ("b/film10.dcm", "b/film2.dcm", "a/FILM", "film1.dcm"):
        save(tmp_path, encode(dataset()), name)
    assert cv2.imwrite(str(tmp_path / "b" / "film3.png"), RAMP)
    save(tmp_path, b"notes", "b/readme.txt")
    save(tmp_path, b"", "empty.dcm")
    report = dataset()
    del report.Rows, report.Columns, report.PixelData
    save(tmp_path, encode(report), "report.dcm")
    names = [entry.path.relative_to(tmp_path).as_posix() for entry in list_films(tmp_path)]
    assert names == ["a/FILM", "b/film2.dcm", "b/film3.png", "b/film10.dcm", "film1.dcm"]


def test_films_of_a_patient_study_and_series_stand_together(tmp_path):
    for number, (patient, study, series) in enumerate(
        [("A", "1", "1.1"), ("B", "2", "2.1"), ("A", "3", "3.1"), ("A", "1", "1.2"), ("A", "1", "1.1")]
    ):
        ds = dataset(
            PatientID=patient, StudyInstanceUID=study, SeriesInstanceUID=series, StudyDate="20200131"
        )
        save(tmp_path, encode(ds), f"{number}.dcm")
    films = list_films(tmp_path)
    assert [film.path.stem for film in films] == ["0", "4", "3", "2", "1"]
    assert films[0].headings == ("A", "2020-01-31", "CR")


def zipped(path, files, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # doubled names are meant
        for name, data in files:
            archive.writestr(name, data)
    return path


def test_an_archive_is_a_folder(tmp_path):
    ok, png = cv2.imencode(".png", RAMP)
    assert ok
    path = zipped(
        tmp_path / "study.zip",
        [("b/film10.dcm", encode(dataset())), ("b/film2", encode(dataset())), ("notes.txt", b"x"),
         ("c.png", png.tobytes()), ("DICOMDIR", b"broken")],
    )  # fmt: skip
    films = list_films(path)
    assert [film.path for film in films] == [path / "b/film2", path / "b/film10.dcm", path / "c.png"]
    assert list_films(films[0].path) == films[:1]
    for film in films:
        read = read_film(film.path)
        np.testing.assert_array_equal(read.pixels, RAMP)
        assert read.path == film.path
    assert exists(films[0].path)
    assert not exists(path / "gone")
    assert sorted(tmp_path.iterdir()) == [path]  # nothing was unpacked


def test_names_that_lead_out_of_an_archive_are_passed_over(tmp_path):
    film = encode(dataset())
    names = ["../out.dcm", "/abs.dcm", "a/../../out.dcm", "c:evil.dcm", "in.dcm", "in.dcm"]
    path = zipped(tmp_path / "study.zip", [(name, film) for name in names])
    assert [film.path for film in list_films(path)] == [path / "in.dcm"]
    for name in names[:4]:
        with pytest.raises(ReadError):
            read_film(path / name)
    with pytest.raises(ReadError, match="no films"):
        list_films(zipped(tmp_path / "bad.zip", [(name, film) for name in names[:4]]))


def test_a_zip_bomb_is_refused_without_unpacking(tmp_path):
    path = zipped(tmp_path / "bomb.zip", [("film.dcm", b"\0" * 40_000_000)])
    assert path.stat().st_size < 50_000
    for attempt in (lambda: list_films(path), lambda: read_film(path / "film.dcm")):
        with pytest.raises(ReadError, match="too large"):
            attempt()


def test_an_archive_with_too_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("core.adapters.archive.MAX_MEMBERS", 5)
    path = zipped(tmp_path / "many.zip", [(str(number), b"") for number in range(6)])
    with pytest.raises(ReadError, match="too many"):
        list_films(path)


def test_overlapping_members_are_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", [("one", bytes(50_000)), ("two", bytes(50_000))], zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    end = data.rfind(b"PK\5\6")
    start = int.from_bytes(data[end + 16 : end + 20], "little")
    size = int.from_bytes(data[end + 12 : end + 16], "little")
    entry = bytes(data[start : start + size // 2])  # the first member, listed again and again
    data[start:end] = entry * 6
    end = data.rfind(b"PK\5\6")
    data[end + 8 : end + 16] = (6).to_bytes(2, "little") * 2 + (len(entry) * 6).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(ReadError, match="too large"):
        list_films(path)


def test_a_protected_archive_says_so(tmp_path):
    path = zipped(tmp_path / "a.zip", [("film.dcm", encode(dataset()))])
    data = bytearray(path.read_bytes())
    data[data.rfind(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ReadError, match="password"):
        list_films(path)


def test_a_damaged_archive_is_refused(tmp_path):
    film = encode(dataset(np.zeros((64, 64), np.uint16)))
    data = zipped(tmp_path / "a.zip", [("film.dcm", film)]).read_bytes()
    for cut in range(4, len(data), 7):
        with pytest.raises(ReadError):
            list_films(save(tmp_path, data[:cut], "cut.zip"))
    broken = bytearray(data)
    broken[60:90] = b"\xff" * 30
    path = save(tmp_path, bytes(broken), "broken.zip")
    with pytest.raises(ReadError):
        read_film(path / "film.dcm")


def test_an_incomplete_film_is_listed_so_that_opening_tells_why(tmp_path):
    save(tmp_path, encode(dataset(np.zeros((64, 64), np.uint16)))[:-5000])
    assert len(list_films(tmp_path)) == 1


@pytest.mark.parametrize("files", [{}, {"readme.txt": b"notes"}])
def test_a_folder_without_films(tmp_path, files):
    for name, data in files.items():
        save(tmp_path, data, name)
    with pytest.raises(ReadError, match="no films") as caught:
        list_films(tmp_path)
    assert caught.value.path == tmp_path
    assert caught.value.remedy


def test_a_missing_path(tmp_path):
    with pytest.raises(ReadError, match="does not exist"):
        list_films(tmp_path / "nothing")


def index(folder, references):
    """A DICOMDIR in ``folder`` that lists ``references`` (file ids)."""
    ds = Dataset()
    records = []
    for reference in references:
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.ReferencedFileID = reference
        records.append(record)
    ds.DirectoryRecordSequence = Sequence(records)
    ds.SOPClassUID, ds.SOPInstanceUID = MediaStorageDirectoryStorage, "1.2.3"
    return save(folder, encode(ds), "DICOMDIR")


def test_an_index_written_by_another_program(tmp_path):
    disc = FileSet()
    for number in range(3):
        ds = dataset(PatientID="1", StudyInstanceUID="1.2", SeriesInstanceUID="1.3", InstanceNumber=number)
        ds.SOPInstanceUID = f"1.4.{number}"
        ds.StudyDate, ds.StudyTime, ds.StudyID = "20040826", "120000", "1"
        ds.SeriesNumber, ds.PatientName, ds.AccessionNumber = 1, "Doe", "1"
        encode(ds)
        disc.add(ds)
    disc.write(tmp_path)
    with warnings.catch_warnings():  # the library leaves its temporary folder to the collector
        warnings.simplefilter("ignore", ResourceWarning)
        del disc
        gc.collect()
    films = list_films(tmp_path / "DICOMDIR")
    assert len(films) == 3
    assert {film.series for film in films} == {"1.3"}
    assert list_films(tmp_path)[0].frames == 1


def test_an_index_keeps_its_order_and_ignores_the_case_of_names(tmp_path):
    save(tmp_path, encode(dataset()), "images/b")
    save(tmp_path, encode(dataset()), "images/a")
    films = list_films(index(tmp_path, [["IMAGES", "B"], ["IMAGES", "A"], ["IMAGES", "B"], ["GONE"]]))
    assert [film.path.name for film in films] == ["b", "a"]


@pytest.mark.filterwarnings("ignore:.*Invalid value for VR CS:UserWarning")
def test_an_index_never_leads_out_of_its_folder(tmp_path):
    outside = save(tmp_path, encode(dataset()), "outside.dcm")
    disc = tmp_path / "disc"
    save(disc, encode(dataset()), "INSIDE")
    with contextlib.suppress(OSError):  # Windows may not allow links
        (disc / "LINK").symlink_to(outside)
    bad = [["..", "outside.dcm"], ["../outside.dcm"], [str(outside)], ["LINK"], "INSIDE"]
    films = list_films(index(disc, bad))
    assert [film.path.name for film in films] == ["INSIDE"]
    with pytest.raises(ReadError, match="lists no films"):
        list_films(index(disc, bad[:-1]))
