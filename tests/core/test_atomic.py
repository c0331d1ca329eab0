"""A file is written completely or not at all."""

import errno
import os
import stat
import sys

import pytest

from core.adapters.atomic import write_bytes
from core.errors import WriteError


def test_a_new_and_an_old_file(tmp_path):
    path = tmp_path / "result.bin"
    write_bytes(path, b"one")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["result.bin"]


def test_a_very_long_name(tmp_path):
    path = tmp_path / ("n" * 250)
    write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_permissions_and_links_are_kept(tmp_path):
    path = tmp_path / "result.bin"
    write_bytes(path, b"one")
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    write_bytes(link, b"two")
    assert link.is_symlink()
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("place", ["missing/result.bin", "file/result.bin", "folder", "n" * 300])
def test_places_that_cannot_be_written(tmp_path, place):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteError) as caught:
        write_bytes(tmp_path / place, b"x")
    assert caught.value.path == tmp_path / place
    assert caught.value.remedy
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a user bound by permissions")
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(WriteError, match="may not be written"):
            write_bytes(tmp_path / "result.bin", b"x")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("step", ["fsync", "replace", "open"])
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EACCES, "may not be written"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "could not be written"),
    ],
)
def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch, step, number, words):
    path = tmp_path / "result.bin"
    write_bytes(path, b"old")

    def fail(*_args):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(WriteError, match=words):
            write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["result.bin"]
