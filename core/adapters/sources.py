"""Finding the films in a file, a folder or the index of a disc."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from core.adapters.dicom_header import check_size, dicom_errors, frame_count, is_dicom, parse
from core.adapters.dicom_tags import read_tags
from core.adapters.images import image_frames, is_image
from core.errors import ReadError

_INDEX_CLASS = "1.2.840.10008.1.3.10"  # Media Storage Directory
_HEADER_TAGS = [
    "SpecificCharacterSet", "SOPClassUID", "Modality", "BodyPartExamined", "ViewPosition", "Laterality",
    "ImageLaterality", "SeriesDescription", "StudyDate", "StudyInstanceUID", "SeriesInstanceUID",
    "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "NumberOfFrames", "PhotometricInterpretation",
]  # fmt: skip
_NO_FILMS = "Choose a folder with radiographs (DICOM, PNG, JPEG or TIFF)."


@dataclass(frozen=True)
class FilmEntry:
    """A film that can be opened: where it is and what to call it in a list.

    ``study`` and ``series`` group films that belong together: the identifiers of a DICOM file, the
    folder for an image file. ``label`` holds no patient data.
    """

    path: Path
    frames: int
    label: str
    study: str
    series: str


def list_films(path: Path) -> list[FilmEntry]:
    """The films in ``path``: one file, a folder with everything below it, or a DICOMDIR.

    Only headers are read. Files that hold no image are passed over in folders and indexes. The order is
    that of the file names (numbers by value), or that of the index. Raises :class:`ReadError` when there
    is no film at all, or when a single file is none.
    """
    path = Path(path)
    with dicom_errors(path):
        if path.is_dir():
            return _folder(path)
        if _is_index(path):
            return _index(path)
        entry = _entry(path, strict=True)
        if entry is None:
            raise ReadError(
                "The file is neither DICOM nor PNG, JPEG or TIFF", path=path, remedy="Choose a radiograph."
            )
        return [entry]


def _folder(folder: Path) -> list[FilmEntry]:
    def refuse(error: OSError) -> None:
        if error.filename is not None and Path(error.filename) == folder:
            raise error

    paths = [Path(place) / name for place, _, names in os.walk(folder, onerror=refuse) for name in names]
    entries = [_entry_or_none(path) for path in sorted(paths, key=_natural)]
    films = [entry for entry in entries if entry is not None]
    if not films:
        raise ReadError("The folder holds no films", path=folder, remedy=_NO_FILMS)
    return films


def _entry_or_none(path: Path) -> FilmEntry | None:
    """The entry of one file among many; a file that cannot be understood is no film."""
    try:
        with dicom_errors(path):
            return _entry(path, strict=False)
    except ReadError:
        return None


def _entry(path: Path, *, strict: bool) -> FilmEntry | None:
    """The entry of ``path``, None if it is no film. ``strict`` also checks the size it claims.

    In a list an incomplete film is kept, so that opening it tells what is wrong with it.
    """
    if not path.is_file() and path.exists():
        return None
    with path.open("rb") as file:
        start = file.read(132)
    if is_image(start) and start[128:132] != b"DICM":
        try:
            pages = image_frames(path)[2]
        except Exception as e:  # The header parsers raise many kinds on damaged files.
            raise ReadError("The image file is damaged", path=path, remedy="Copy it again.") from e
        return FilmEntry(path, pages, path.name, str(path.parent), str(path.parent))
    if not is_dicom(start):
        return None
    ds = parse(path, pixels=False, tags=_HEADER_TAGS)
    if strict:
        check_size(ds, path, path.stat().st_size)
    if not ds.get("Rows") or not ds.get("Columns"):
        return None
    tags, _ = read_tags(ds)
    study = tags.study_uid or str(path.parent)
    return FilmEntry(path, frame_count(ds), _label(ds, path), study, tags.series_uid or study)


def _label(ds: Dataset, path: Path) -> str:
    tags, _ = read_tags(ds)
    side = tags.laterality.value if tags.laterality else ""
    words = (tags.modality, tags.body_part, tags.view_position, side, tags.series_description)
    return " ".join(word for word in (*words, tags.study_date) if word) or path.name


def _is_index(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(132)
    if start[128:132] != b"DICM":
        return False
    meta = parse(path, pixels=False, tags=["SOPClassUID"]).file_meta
    return str(meta.get("MediaStorageSOPClassUID", "")) == _INDEX_CLASS


def _index(path: Path) -> list[FilmEntry]:
    """Films of a DICOMDIR, in its order. References that leave its folder are not followed."""
    root = path.parent.resolve()
    films: list[FilmEntry] = []
    seen: set[Path] = set()
    for record in parse(path, pixels=False).get("DirectoryRecordSequence") or []:
        reference = record.get("ReferencedFileID")
        if not reference:
            continue
        parts = [reference] if isinstance(reference, str) else list(reference)
        target = _inside(root, [str(part).strip() for part in parts])
        if target is None or target in seen:
            continue
        seen.add(target)
        entry = _entry_or_none(target)
        if entry is not None:
            films.append(entry)
    if not films:
        raise ReadError(
            "The index lists no films that are present in its folder",
            path=path,
            remedy="Copy the whole disc, or choose the folder with the films.",
        )
    return films


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
