"""The private folder of received films, with an upper limit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from core.adapters.atomic import write_bytes
from core.errors import WriteError


class InboxFull(Exception):
    """The received object is too large, or there is no room left for it."""


@dataclass(frozen=True)
class Inbox:
    """Keeps received objects under names of its own: part of the hash of their bytes.

    So no name or identifier of a file reaches the disk's directory, and what comes twice is kept once.
    Nothing is removed: when ``max_bytes`` would be exceeded, the object is refused.
    """

    folder: Path
    max_object_bytes: int
    max_bytes: int
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def store(self, data: bytes) -> Path:
        """Write one object and return its file. Raises :class:`InboxFull` and ``WriteError``."""
        if len(data) > self.max_object_bytes:
            raise InboxFull(f"an object of {len(data)} bytes exceeds the limit")
        path = self.folder / f"{hashlib.sha256(data).hexdigest()[:32]}.dcm"
        with self._lock:
            self._prepare()
            if path.exists():
                return path
            if self.used_bytes() + len(data) > self.max_bytes:
                raise InboxFull("the inbox is full")
            write_bytes(path, data)
        return path

    def used_bytes(self) -> int:
        """Size of everything in the folder."""
        if not self.folder.is_dir():
            return 0
        return sum(entry.stat().st_size for entry in self.folder.iterdir() if entry.is_file())

    def _prepare(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise WriteError(
                "The inbox cannot be created", path=self.folder, remedy="Choose another folder."
            ) from error
