"""Films inside a zip archive, read without unpacking anything to disk.

A film in an archive is named by the archive's path with the member's name behind it, as if the archive were a
folder: ``study.zip/images/1``. No such file is ever made.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from core.errors import ReadError

MAX_MEMBERS = 20_000
MAX_MEMBER_BYTES = 300 * 1024**2
# No film shrinks that much: beyond, a large member is made to fill the memory.
MAX_RATIO, SUSPICIOUS_BYTES = 100, 16 * 1024**2
_MAX_DIRECTORY_BYTES = 16 * 1024**2
_START, _END = b"PK\x03\x04", b"PK\x05\x06"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNPACK = "Unpack the archive and open the folder."


def is_archive(start: bytes) -> bool:
    """Whether a file that begins with ``start`` is a zip archive."""
    return start.startswith((_START, _END))


def split_member(path: Path) -> tuple[Path, str] | None:
    """The archive and the member's name that ``path`` means, None when it is no such path."""
    for place in path.parents:
        if place.is_file():
            with place.open("rb") as file:
                found = is_archive(file.read(4))
            return (place, path.relative_to(place).as_posix()) if found else None
        if place.exists():
            return None
    return None


def exists(path: Path) -> bool:
    """Whether ``path`` is a file, or names a member of an archive."""
    if path.is_file():
        return True
    place = split_member(path)
    if place is None:
        return False
    with opened(place[0]) as archive:
        return any(info.filename == place[1] for info in members(archive))


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive ``path``. Its failures, also while its members are read, become :class:`ReadError`."""
    try:
        _refuse_large_directory(path)
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as e:
        raise ReadError("The archive is damaged", path=path, remedy="Copy it again.") from e


def members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The members that may be read: plain files with names that stay inside, each name once.

    Raises :class:`ReadError` for archives that are protected or built to do harm.
    """
    path = Path(str(archive.filename))
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if any(info.flag_bits & 1 for info in infos):
        raise ReadError("The archive is protected by a password", path=path, remedy=_UNPACK)
    overlapping = sum(info.compress_size for info in infos) > path.stat().st_size
    if overlapping or len(infos) > MAX_MEMBERS or any(_is_bomb(info) for info in infos):
        raise ReadError("The archive would be far too large unpacked", path=path, remedy=_UNPACK)
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        if info.compress_type in _METHODS and _stays_inside(info.filename):
            found.setdefault(info.filename, info)
    return list(found.values())


def read_member(path: Path, name: str) -> bytes:
    """The bytes of member ``name`` of the archive ``path``."""
    with opened(path) as archive:
        for info in members(archive):
            if info.filename == name:
                with archive.open(info) as file:
                    return file.read(info.file_size)
    raise ReadError("The archive holds no such file", path=path / name, remedy="Open the archive anew.")


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return (
        bool(parts) and not name.startswith("/") and ".." not in parts and not any(c in name for c in "\\:\0")
    )


def _is_bomb(info: zipfile.ZipInfo) -> bool:
    if info.file_size > MAX_MEMBER_BYTES:
        return True
    return info.file_size > SUSPICIOUS_BYTES and info.file_size > MAX_RATIO * max(info.compress_size, 1)


def _refuse_large_directory(path: Path) -> None:
    """Refuse a directory of members that would fill the memory, before it is read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 65_557))  # the end record with the longest comment
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or at + 22 > len(tail):
        raise zipfile.BadZipFile("no end record")
    count = int.from_bytes(tail[at + 10 : at + 12], "little")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    # The largest values point to records of the 64-bit form, which archives of films do not need.
    if count > MAX_MEMBERS or directory > _MAX_DIRECTORY_BYTES:
        raise ReadError("The archive holds too many files", path=path, remedy=_UNPACK)
