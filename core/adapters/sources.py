"""Finding the films in a file, a folder, a zip archive or the index of a disc."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

from core.adapters.archive import is_archive, members, opened, read_member, split_member
from core.adapters.dicom_header import check_size, dicom_errors, frame_count, is_dicom, parse
from core.adapters.dicom_tags import read_tags
from core.adapters.images import image_frames, is_image
from core.errors import ReadError
from core.film import FilmTags

_INDEX_CLASS = "1.2.840.10008.1.3.10"  # Media Storage Directory
_HEADER_TAGS = [
    "SpecificCharacterSet", "SOPClassUID", "Modality", "BodyPartExamined", "ViewPosition", "Laterality",
    "ImageLaterality", "StudyDescription", "SeriesDescription", "StudyDate", "AcquisitionDate",
    "StudyInstanceUID", "SeriesInstanceUID", "PatientName", "PatientID",
    "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "NumberOfFrames", "PhotometricInterpretation",
]  # fmt: skip
_NO_PATIENT = "Patient not stated"
_NO_FILMS = "Choose a folder with radiographs (DICOM, PNG, JPEG or TIFF)."


@dataclass(frozen=True)
class FilmEntry:
    """A film that can be opened: where it is and what to call it in a list.

    ``study`` and ``series`` group films that belong together: the identifiers of a DICOM file, the
    folder for an image file. ``label`` holds no patient data. ``headings`` are the patient, the study and
    the series in words, for people to read.
    """

    path: Path
    frames: int
    label: str
    study: str
    series: str
    headings: tuple[str, str, str] = ("", "", "")


def list_films(path: Path) -> list[FilmEntry]:
    """The films in ``path``: one file, a folder with everything below it, a zip archive or a DICOMDIR.

    Only headers are read. Files that hold no image are passed over in folders, archives and indexes. The
    order is that of the file names (numbers by value), or that of the index, with the films of a
    patient, study and series together. Raises :class:`ReadError` when there is no film at all, or when
    a single file is none.
    """
    path = Path(path)
    with dicom_errors(path):
        if path.is_dir():
            return together(_folder(path))
        if (member := split_member(path)) is not None:
            data = read_member(*member)
            return _single(path, BytesIO(data), data[:132], len(data))
        with path.open("rb") as file:
            start = file.read(132)
            if is_archive(start):
                return together(_archive(path))
            if _is_index(start, file):
                return together(_index(path, file))
            return _single(path, file, start, path.stat().st_size)


def _single(path: Path, file: IO[bytes], start: bytes, size: int) -> list[FilmEntry]:
    entry = _entry(path, file, start, size, strict=True)
    if entry is None:
        raise ReadError(
            "The file is neither DICOM nor PNG, JPEG or TIFF", path=path, remedy="Choose a radiograph."
        )
    return [entry]


def together(entries: Iterable[FilmEntry]) -> list[FilmEntry]:
    """``entries`` with those of one patient, study and series next to each other, otherwise in order."""
    places: dict[tuple[str, ...], int] = {}

    def place(*group: str) -> int:
        return places.setdefault(group, len(places))

    keyed = []
    for entry in entries:
        patient = entry.headings[0]
        order = (
            place(patient),
            place(patient, entry.study),
            place(patient, entry.study, entry.series),
        )
        keyed.append((order, entry))
    return [entry for _, entry in sorted(keyed, key=lambda pair: pair[0])]


def _folder(folder: Path) -> list[FilmEntry]:
    def refuse(error: OSError) -> None:
        if error.filename is not None and Path(error.filename) == folder:
            raise error

    paths = [Path(place) / name for place, _, names in os.walk(folder, onerror=refuse) for name in names]
    return _films(folder, paths, _on_disk, "folder")


def _archive(path: Path) -> list[FilmEntry]:
    with opened(path) as archive:
        infos = {path / info.filename: info for info in members(archive)}

        def entry(place: Path) -> FilmEntry | None:
            info = infos[place]
            with archive.open(info) as file:
                return _entry(place, file, file.read(132), info.file_size, strict=False)

        return _films(path, infos, entry, "archive")


def _films(
    place: Path, paths: Iterable[Path], entry: Callable[[Path], FilmEntry | None], kind: str
) -> list[FilmEntry]:
    """The films among ``paths`` in natural order; a file that cannot be understood is none."""
    films = [found for path in sorted(paths, key=_natural) if (found := _or_none(path, entry)) is not None]
    if not films:
        raise ReadError(f"The {kind} holds no films", path=place, remedy=_NO_FILMS)
    return films


def _or_none(path: Path, entry: Callable[[Path], FilmEntry | None]) -> FilmEntry | None:
    try:
        with dicom_errors(path):
            return entry(path)
    except ReadError:
        return None


def _on_disk(path: Path) -> FilmEntry | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return _entry(path, file, file.read(132), path.stat().st_size, strict=False)


def _entry(path: Path, file: IO[bytes], start: bytes, size: int, *, strict: bool) -> FilmEntry | None:
    """The entry of the open ``file``, None if it is no film. ``strict`` also checks the size it claims.

    In a list an incomplete film is kept, so that opening it tells what is wrong with it.
    """
    if is_image(start) and start[128:132] != b"DICM":
        try:
            pages = image_frames(file)[2]
        except Exception as e:  # The header parsers raise many kinds on damaged files.
            raise ReadError("The image file is damaged", path=path, remedy="Copy it again.") from e
        folder = str(path.parent)
        return FilmEntry(path, pages, path.name, folder, folder, (_NO_PATIENT, path.parent.name, ""))
    if not is_dicom(start):
        return None
    ds = parse(file, pixels=False, tags=_HEADER_TAGS)
    if strict:
        check_size(ds, path, size)
    if not ds.get("Rows") or not ds.get("Columns"):
        return None
    tags, _ = read_tags(ds)
    study = tags.study_uid or str(path.parent)
    return FilmEntry(
        path, frame_count(ds), _label(tags, path), study, tags.series_uid or study, _headings(tags, path)
    )


def _label(tags: FilmTags, path: Path) -> str:
    side = tags.laterality.value if tags.laterality else ""
    words = (tags.modality, tags.body_part, tags.view_position, side, tags.series_description)
    return " ".join(word for word in (*words, tags.study_date) if word) or path.name


def _headings(tags: FilmTags, path: Path) -> tuple[str, str, str]:
    patient = ", ".join(part for part in (tags.patient_name, tags.patient_id) if part)
    study = " ".join(part for part in (tags.study_date, tags.study_description) if part)
    series = " ".join(part for part in (tags.modality, tags.series_description or tags.body_part) if part)
    return patient or _NO_PATIENT, study or path.parent.name, series


def _is_index(start: bytes, file: IO[bytes]) -> bool:
    if start[128:132] != b"DICM":
        return False
    meta = parse(file, pixels=False, tags=["SOPClassUID"]).file_meta
    return str(meta.get("MediaStorageSOPClassUID", "")) == _INDEX_CLASS


def _index(path: Path, file: IO[bytes]) -> list[FilmEntry]:
    """Films of a DICOMDIR, in its order. References that leave its folder are not followed."""
    root = path.parent.resolve()
    films: dict[Path, FilmEntry | None] = {}
    for record in parse(file, pixels=False).get("DirectoryRecordSequence") or []:
        reference = record.get("ReferencedFileID")
        if not reference:
            continue
        parts = [reference] if isinstance(reference, str) else list(reference)
        target = _inside(root, [str(part).strip() for part in parts])
        if target is not None and target not in films:
            films[target] = _or_none(target, _on_disk)
    found = [entry for entry in films.values() if entry is not None]
    if not found:
        raise ReadError(
            "The index lists no films that are present in its folder",
            path=path,
            remedy="Copy the whole disc, or choose the folder with the films.",
        )
    return found


def _inside(root: Path, parts: list[str]) -> Path | None:
    """The file ``parts`` below ``root``, whatever the case of the names, or None if there is none."""
    place = root
    for part in parts:
        if part in ("", ".", "..") or re.search(r"[/\\:\0]", part):
            return None
        exact = place / part
        if not exact.exists():
            if not place.is_dir():
                return None
            found = [p for p in sorted(place.iterdir()) if p.name.casefold().split(";")[0] == part.casefold()]
            if not found:
                return None
            exact = found[0]
        place = exact
    resolved = place.resolve()
    return resolved if resolved.is_relative_to(root) and resolved.is_file() else None


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Sort key of a path in which numbers count by value: film2 before film10."""
    pieces = re.split(r"([0-9]+)", str(path).casefold())
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces]
