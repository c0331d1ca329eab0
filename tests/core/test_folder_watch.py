"""New films of a folder are told once, when they are complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.adapters.folder_watch import FolderWatch
from core.errors import ReadError
from tests.core.dicom_files import dataset, encode, save


def test_tells_new_films_once_and_complete(tmp_path: Path) -> None:
    save(tmp_path, encode(dataset()), "old.dcm")
    watch = FolderWatch(tmp_path)
    assert watch.poll() == watch.poll() == []
    data = encode(dataset())
    path = save(tmp_path, data[:200], "new.dcm")
    assert watch.poll() == []
    path.write_bytes(data)
    assert watch.poll() == []
    assert [film.path for film in watch.poll()] == [path]
    assert watch.poll() == watch.poll() == []
    path.write_bytes(data + bytes(2))
    watch.poll()
    assert [film.path for film in watch.poll()] == [path]


def test_passes_over_what_is_no_film(tmp_path: Path) -> None:
    watch = FolderWatch(tmp_path)
    for name in ("film.part", ".film.dcm", "~film.dcm", "film.dcm.tmp"):
        save(tmp_path, encode(dataset()), name)
    save(tmp_path, b"report", "report.txt")
    save(tmp_path, b"", "empty.dcm")
    (tmp_path / "folder.dcm").mkdir()
    watch.poll()
    assert watch.poll() == []


def test_lost_folder_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    watch = FolderWatch(folder)
    folder.rmdir()
    with pytest.raises(ReadError, match="cannot be watched"):
        watch.poll()
