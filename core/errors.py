"""The errors a user can meet. Each says what is wrong, which file, and what to do about it."""

from __future__ import annotations

from pathlib import Path


class OrthoMatchError(Exception):
    """Base of every expected failure.

    ``what`` is a sentence without a final stop, ``path`` the file it is about (if any) and
    ``remedy`` a sentence that says what the user can do.
    """

    def __init__(self, what: str, *, path: Path | str | None = None, remedy: str = "") -> None:
        self.what = what.rstrip(".")
        self.path = Path(path) if path is not None else None
        self.remedy = remedy
        place = f"{self.path}: " if self.path is not None else ""
        advice = f". {remedy}" if remedy else ""
        super().__init__(f"{place}{self.what}{advice}")


class ReadError(OrthoMatchError):
    """A film, case or folder could not be read."""


class WriteError(OrthoMatchError):
    """A result could not be written."""


class CatalogueError(OrthoMatchError):
    """A view or measurement definition is wrong."""


class BankError(OrthoMatchError):
    """The reference bank is missing, damaged or inconsistent."""


class ModelError(OrthoMatchError):
    """The matching model is missing, damaged or of another format."""


class MatchError(OrthoMatchError):
    """The film cannot be matched against the bank (constant image, unknown view, ...)."""


class NetworkError(OrthoMatchError):
    """The network is switched off, or a peer cannot be reached, refuses or fails."""


class Cancelled(Exception):
    """The user stopped a running task. Not an error: nothing has changed."""
