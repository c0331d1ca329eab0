"""Writing a file so that it is either complete or not there at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from pathlib import Path

from core.errors import WriteError

_REASONS = {
    errno.ENOSPC: ("The disk is full", "Free some space or choose another disk."),
    errno.EDQUOT: ("The disk quota is used up", "Free some space or choose another disk."),
    errno.EFBIG: ("The file is too large for this disk", "Choose another disk."),
    errno.EACCES: (
        "The file or its folder may not be written",
        "Close it elsewhere or choose another folder.",
    ),
    errno.EPERM: ("The file or its folder may not be written", "Choose another folder."),
    errno.EROFS: ("The disk is read-only", "Choose another folder."),
    errno.ENOENT: ("The folder does not exist", "Create the folder or choose another one."),
    errno.ENOTDIR: ("The folder does not exist", "Choose another folder."),
    errno.EISDIR: ("A folder has this name", "Choose another name."),
    errno.ENAMETOOLONG: ("The name is too long", "Choose a shorter name."),
}


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``, replacing a file of that name only once everything is on disk.

    The bytes go to a temporary file in the same folder, which then takes the name in one step. On
    failure the old file is untouched, the temporary one removed, and :class:`WriteError` raised.
    """
    path = Path(path)
    target = Path(os.path.realpath(path))  # a link stays a link
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        _write_new(temporary, data)
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except OSError as e:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        what, remedy = _REASONS.get(
            e.errno or 0, (f"The file could not be written ({e.strerror or e})", "Choose another folder.")
        )
        raise WriteError(what, path=path, remedy=remedy) from e


def _write_new(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the new name durable where folders can be synchronised (not on Windows)."""
    if os.name != "posix":
        return
    # The file is already in place; a file system that cannot synchronise folders is no failure.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
