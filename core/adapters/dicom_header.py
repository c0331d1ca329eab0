"""Opening DICOM files safely: what counts as DICOM, which sizes are refused, how failures are told."""

from __future__ import annotations

import logging
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import read_dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from core.errors import OrthoMatchError, ReadError

MAX_PIXELS = 60_000_000  # the largest films, of whole legs and spines, have about half of that
MAX_FILE_BYTES = 2 * 1024**3
MAX_INFLATED_BYTES = 256 * 1024**2

SEND_AGAIN = "Ask for the film to be exported again."
UNCOMPRESSED = frozenset(
    {ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian}
)
_VRS = frozenset(
    b"AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT "
    b"UV".split()
)

# The library reports odd values by logging and warning, with the value in the text. Values can be
# patient data, so they must reach neither a console nor a log file.
logging.getLogger("pydicom").addHandler(logging.NullHandler())
logging.getLogger("pydicom").propagate = False


def is_dicom(start: bytes) -> bool:
    """Whether a file that begins with ``start`` (at least 132 bytes if it has them) looks like DICOM.

    Either the mark of the standard stands behind the preamble, or the file begins directly with an
    element of group 0002 or 0008 whose representation or length makes sense.
    """
    if start[128:132] == b"DICM":
        return True
    if len(start) < 12:
        return False
    little = start[1:2] == b"\0" and start[0] in (2, 8) and start[3] == 0
    big = start[0:1] == b"\0" and start[1] in (2, 8) and start[2] == 0
    if not (little or big):
        return False
    if start[4:6] in _VRS:
        return True
    return little and int.from_bytes(start[4:8], "little") <= 1024


@contextmanager
def dicom_errors(path: Path) -> Iterator[None]:
    """Turn every failure of the DICOM library and the decoders into a :class:`ReadError` about ``path``.

    The library raises nearly every built-in exception on damaged files, so the boundary is wide on
    purpose. The original text stays out of the message because it can quote patient data.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except OrthoMatchError:
        raise
    except FileNotFoundError as e:
        raise ReadError("The file does not exist", path=path, remedy="Check the name and folder.") from e
    except PermissionError as e:
        raise ReadError(
            "The file may not be read", path=path, remedy="Ask for read permission or copy the file."
        ) from e
    except OSError as e:
        raise ReadError(
            f"The file cannot be read ({e.strerror or type(e).__name__})",
            path=path,
            remedy="Check the disk or network drive.",
        ) from e
    except MemoryError as e:
        raise ReadError(
            "There is not enough memory to read the film", path=path, remedy="Close other programs."
        ) from e
    except Exception as e:
        raise ReadError(
            f"The DICOM data is damaged or not understood ({type(e).__name__})", path=path, remedy=SEND_AGAIN
        ) from e


def parse(
    data: bytes | Path | IO[bytes], *, pixels: bool, tags: Sequence[str | int] | None = None
) -> FileDataset:
    """Parse a DICOM file from memory, from disk or from an open file, which stays open.

    ``tags`` limits the elements that are read. Must be called inside :func:`dicom_errors`.
    """
    if isinstance(data, Path):
        with data.open("rb") as file:
            return parse(file, pixels=pixels, tags=tags)
    stream = BytesIO(data) if isinstance(data, bytes) else data
    _refuse_inflated(stream)
    stream.seek(0)
    return pydicom.dcmread(
        stream, force=True, stop_before_pixels=not pixels, specific_tags=list(tags) if tags else None
    )


def is_deflated(file: IO[bytes]) -> bool:
    """Whether ``file`` is deflated. If so, it is left where the deflated data begin."""
    file.seek(0)
    start = file.read(1024)
    if str(DeflatedExplicitVRLittleEndian).encode() not in start or start[128:132] != b"DICM":
        return False
    file.seek(132)
    # The data begin behind the elements of group 2, wherever their stated length points to.
    meta = read_dataset(file, False, True, stop_when=lambda tag, *_: tag.group != 2)
    return bool(meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian)


def _refuse_inflated(file: IO[bytes]) -> None:
    """Refuse a deflated file that grows beyond :data:`MAX_INFLATED_BYTES`."""
    if not is_deflated(file):
        return
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    total = 0
    rest = file.read(1 << 20)
    while rest and not inflate.eof:
        total += len(inflate.decompress(rest, 1 << 24))
        if total > MAX_INFLATED_BYTES:
            path = getattr(file, "name", None)
            raise ReadError("The compressed file is far too large inside", path=path, remedy=SEND_AGAIN)
        rest = inflate.unconsumed_tail or file.read(1 << 20)


def transfer_syntax(ds: FileDataset) -> str:
    """The transfer syntax the file states or, without a meta header, the one it is written in."""
    stated = ds.file_meta.get("TransferSyntaxUID") if hasattr(ds, "file_meta") else None
    if stated:
        return str(stated)
    implicit, little = ds.original_encoding
    if implicit:
        return str(ImplicitVRLittleEndian)
    return str(ExplicitVRLittleEndian if little else ExplicitVRBigEndian)


def frame_count(ds: Dataset) -> int:
    """Number of frames, 1 when the file does not say."""
    value = ds.get("NumberOfFrames")
    return max(int(value), 1) if value not in (None, "") else 1


def check_size(ds: FileDataset, path: Path, file_bytes: int) -> None:
    """Refuse headers whose image is absent, absurdly large or larger than the file can hold.

    Works on a header without pixels, so nothing has been allocated yet.
    """
    rows, columns = ds.get("Rows"), ds.get("Columns")
    if not isinstance(rows, int) or not isinstance(columns, int) or rows < 1 or columns < 1:
        raise ReadError(
            "The file holds no image (it states no rows or columns)",
            path=path,
            remedy="Choose the image file of the study, not its report or index.",
        )
    if rows * columns > MAX_PIXELS:
        raise ReadError(
            f"The file claims an image of {columns} x {rows} pixels, more than any radiograph has",
            path=path,
            remedy=SEND_AGAIN,
        )
    if file_bytes > MAX_FILE_BYTES:
        raise ReadError("The file is larger than 2 GB", path=path, remedy="Export the film alone.")
    syntax = transfer_syntax(ds)
    if syntax not in UNCOMPRESSED or syntax == DeflatedExplicitVRLittleEndian:
        return
    refuse_incomplete(ds, path, file_bytes)


def refuse_incomplete(ds: Dataset, path: Path, there: int) -> None:
    """Refuse an uncompressed image that needs more than the ``there`` bytes at hand."""
    samples = int(ds.get("SamplesPerPixel") or 1)
    if str(ds.get("PhotometricInterpretation", "")).startswith("YBR_FULL_422"):
        samples = 2
    pixels = int(ds.Rows) * int(ds.Columns) * frame_count(ds)
    expected = pixels * samples * int(ds.get("BitsAllocated") or 8) // 8
    if expected > there:
        raise ReadError(
            f"The file is incomplete: its image needs {expected} bytes, {there} are there",
            path=path,
            remedy="Copy or export the film again.",
        )
