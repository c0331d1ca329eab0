"""Finding films in files, folders and on discs."""

import contextlib
import gc
import warnings

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.sequence import Sequence
from pydicom.uid import MediaStorageDirectoryStorage

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
    assert list_films(path) == [FilmEntry(path, 2, "CR KNEE AP right 2004-08-26", "1.2.3", "1.2.4")]


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
