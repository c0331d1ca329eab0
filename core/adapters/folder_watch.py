"""New films in a folder: each is told once, when its file has stopped growing."""

from __future__ import annotations

from pathlib import Path

from core.adapters.sources import FilmEntry, list_films
from core.errors import ReadError

_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart")


class FolderWatch:
    """Looks at a folder whenever :meth:`poll` is called; holds nothing open.

    Files that are there at the beginning are known and not told. A new file is told when its size and
    time were the same on two polls in a row and it can be read as a film; a file that changes later is
    told again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._told = self._states()
        self._seen: dict[Path, tuple[int, int]] = {}

    def poll(self) -> list[FilmEntry]:
        """Films that were completed since the last poll, by name. Raises ``ReadError`` without the folder."""
        states = self._states()
        ready = [
            path for path, state in sorted(states.items())
            if self._told.get(path) != state and self._seen.get(path) == state
        ]  # fmt: skip
        self._seen = states
        films: list[FilmEntry] = []
        for path in ready:
            self._told[path] = states[path]
            try:
                films += list_films(path)
            except ReadError:
                continue  # not a film: reports and notes lie in such folders too
        return films

    def _states(self) -> dict[Path, tuple[int, int]]:
        """Size and time of every file that could be a film."""
        states = {}
        try:
            for path in self.folder.iterdir():
                if path.name.startswith((".", "~")) or path.suffix.lower() in _UNFINISHED:
                    continue
                try:
                    status = path.stat()
                except FileNotFoundError:
                    continue  # moved away in between
                if path.is_file() and status.st_size:
                    states[path] = (status.st_size, status.st_mtime_ns)
        except OSError as error:
            raise ReadError(
                f"The folder cannot be watched ({error.strerror})",
                path=self.folder,
                remedy="Check that it exists and may be read.",
            ) from error
        return states
