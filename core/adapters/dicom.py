"""Reading one film from a DICOM or image file, which may lie in a zip archive."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.uid import UID

from core.adapters.archive import is_archive, read_member, split_member
from core.adapters.dicom_codec import check_readable, check_stream, decode, encoded_frame, glance, has_glance
from core.adapters.dicom_header import (
    MAX_FILE_BYTES,
    SEND_AGAIN,
    check_size,
    dicom_errors,
    frame_count,
    is_deflated,
    is_dicom,
    parse,
    refuse_incomplete,
    transfer_syntax,
)
from core.adapters.dicom_overlay import read_overlays
from core.adapters.dicom_pixels import read_pixels
from core.adapters.dicom_spacing import read_calibration
from core.adapters.dicom_tags import read_tags
from core.adapters.images import is_image, read_image
from core.errors import ReadError
from core.film import Radiograph

__all__ = ["glance_at_film", "read_film"]


def read_film(path: Path, *, frame: int = 0) -> Radiograph:
    """Read the film in ``path``: DICOM, PNG, JPEG or TIFF, told apart by content.

    A film in a zip archive is named as if the archive were a folder. ``frame`` counts from 0. Pixels are
    float32 after the modality table, larger values brighter. Raises :class:`ReadError` when the file is no
    film, is damaged, uses an unknown compression or claims an absurd size; the latter before anything of
    that size is allocated.
    """
    with dicom_errors(Path(path)), _opened(Path(path)) as (file, size):
        return _read(Path(path), file, size, frame)


def glance_at_film(path: Path, *, frame: int = 0) -> Radiograph | None:
    """The film with less detail, for one that takes long to read; None for others.

    Good for a first look only: it is ``preliminary``. Raises what ``read_film`` raises.
    """
    with dicom_errors(Path(path)), _opened(Path(path)) as (file, size):
        if not is_dicom(file.read(132)) or is_deflated(file):
            return None
        header = _checked_header(Path(path), file, size, frame, pixels=False)
        if not has_glance(header, transfer_syntax(header)):
            return None
        file.seek(0)
        ds = parse(file, pixels=True)
        with _damage_named(Path(path), ds):
            stream = _stream(Path(path), ds, frame)
            stored = None if stream is None else glance(stream, ds)
        if stored is None:
            return None
        film = _film(Path(path), ds, frame, "", stored)
        return replace(film, preliminary=True, notes=("Shown with less detail until the film is read.",))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    """The file at a path, which may lead into an archive, and its size."""
    if path.is_dir():
        raise ReadError("This is a folder, not a film", path=path, remedy="Choose a file in it.")
    place = split_member(path)
    if place is not None:
        data = read_member(*place)
        yield BytesIO(data), len(data)
        return
    with path.open("rb") as file:
        yield file, path.stat().st_size


def _read(path: Path, file: IO[bytes], size: int, frame: int) -> Radiograph:
    start = file.read(132)
    # Some DICOM files carry a TIFF header in their preamble, so the mark of DICOM is looked for first.
    if is_image(start) and start[128:132] != b"DICM":
        if size > MAX_FILE_BYTES:
            raise ReadError("The file is larger than 2 GB", path=path, remedy="Export the film alone.")
        data = start + file.read()
        return read_image(path, data, hashlib.sha256(data).hexdigest(), frame)
    if is_archive(start):
        raise ReadError("This is an archive, not a film", path=path, remedy="Choose a film in it.")
    if not is_dicom(start):
        what = "The file is empty" if not start else "The file is neither DICOM nor PNG, JPEG or TIFF"
        raise ReadError(what, path=path, remedy="Choose a radiograph.")
    return _read_dicom(path, file, size, frame)


def _read_dicom(path: Path, file: IO[bytes], size: int, frame: int) -> Radiograph:
    whole = is_deflated(file)  # to get at its header, all of it is inflated
    check = _checked_header(path, file, size, frame, pixels=whole)
    file.seek(0)
    digest = hashlib.sha256()
    while part := file.read(1 << 20):
        digest.update(part)
    ds = check if whole else parse(file, pixels=True)
    return _whole_film(path, ds, frame, digest.hexdigest())


def _checked_header(path: Path, file: IO[bytes], size: int, frame: int, *, pixels: bool) -> FileDataset:
    """The header, with the pixels as they are stored if wanted. Refuses what cannot be read."""
    check = parse(file, pixels=pixels)
    check_size(check, path, size)
    frames = frame_count(check)
    if not 0 <= frame < frames:
        what = f"There is no frame {frame + 1} of {frames}"
        raise ReadError(what, path=path, remedy="Choose another frame.")
    check_readable(transfer_syntax(check), path)
    return check


@contextmanager
def _damage_named(path: Path, ds: FileDataset) -> Iterator[None]:
    """What decoders raise becomes a message for the user."""
    try:
        yield
    except (NotImplementedError, RuntimeError) as e:
        raise ReadError(
            f"The compressed pixels are damaged (compression: {UID(transfer_syntax(ds)).name})",
            path=path,
            remedy="Copy the film again, or export it uncompressed.",
        ) from e


def _stream(path: Path, ds: FileDataset, frame: int) -> bytes | None:
    """The checked compressed stream of a frame; None when pixels are not compressed."""
    if not any(tag in ds for tag in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise ReadError("The file has no pixel data", path=path, remedy=SEND_AGAIN)
    encoded = encoded_frame(ds, transfer_syntax(ds), frame)
    if encoded is not None:
        check_stream(encoded, ds, path)
    elif "PixelData" in ds:
        refuse_incomplete(ds, path, len(ds.PixelData))
    return encoded


def _whole_film(path: Path, ds: FileDataset, frame: int, sha256: str) -> Radiograph:
    """The film of a header with pixels, in full detail."""
    with _damage_named(path, ds):
        stream = _stream(path, ds, frame)
        stored = None if stream is None else decode(stream, ds, transfer_syntax(ds))
    return _film(path, ds, frame, sha256, stored)


def _film(path: Path, ds: FileDataset, frame: int, sha256: str, stored: NDArray[Any] | None) -> Radiograph:
    """The film of a header with the ``stored`` values of a frame (None: to be decoded)."""
    with _damage_named(path, ds):
        decoded = read_pixels(ds, transfer_syntax(ds), frame, stored)
    frames = frame_count(ds)
    tags, notes = read_tags(ds)
    graphics, more = read_overlays(ds, frame)
    if graphics is not None:
        more.append("The file's overlay (text, markers) is drawn on screen, apart from the pixels.")
    if frames > 1:
        notes = (f"Frame {frame + 1} of {frames}.", *notes)
    return Radiograph(
        path=path,
        pixels=decoded.pixels,
        windows=decoded.windows,
        calibration=read_calibration(ds),
        sha256=sha256,
        tags=tags,
        frame=frame,
        notes=(*notes, *decoded.notes, *more),
        graphics=graphics,
    )
