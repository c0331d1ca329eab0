"""Small DICOM files made for the tests."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    generate_uid,
)

RAMP = np.arange(12 * 16, dtype=np.uint16).reshape(12, 16)


def dataset(pixels: np.ndarray = RAMP, **tags: Any) -> Dataset:
    """A computed radiograph of ``pixels`` ([frames,] rows, columns [, 3]) with further ``tags``."""
    ds = Dataset()
    ds.SOPClassUID = ComputedRadiographyImageStorage
    ds.SOPInstanceUID = generate_uid(entropy_srcs=["instance"])
    ds.Modality = "CR"
    colour = pixels.ndim > 2 and pixels.shape[-1] == 3
    frames = pixels.shape[0] if pixels.ndim == 3 + colour else 1
    ds.Rows, ds.Columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    ds.SamplesPerPixel = 3 if colour else 1
    if colour:
        ds.PlanarConfiguration = 0
    ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 8 * pixels.dtype.itemsize
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    if frames > 1:
        ds.NumberOfFrames = frames
    for keyword, value in tags.items():
        setattr(ds, keyword, value)
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OW" if pixels.dtype.itemsize > 1 else "OB"
    return ds


def encode(ds: Dataset, syntax: str = ExplicitVRLittleEndian, *, preamble: bool = True) -> bytes:
    """The bytes of ``ds`` as a DICOM file, or as a bare data set without ``preamble`` and header."""
    buffer = BytesIO()
    if preamble:
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = syntax
        ds.save_as(buffer, enforce_file_format=True)
    else:
        little = syntax != ExplicitVRBigEndian
        ds.save_as(buffer, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=little)
    return buffer.getvalue()


def compressed(ds: Dataset, syntax: str, frames: list[bytes]) -> bytes:
    """The bytes of ``ds`` with its pixels replaced by the compressed ``frames``."""
    ds.PixelData = encapsulate(frames)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    if UID(syntax).is_transfer_syntax:
        return encode(ds, syntax)
    # One that the library does not know and refuses to write: another of the same length is renamed.
    known = next(u for u in (JPEG2000Lossless, HTJ2KLossless) if (len(u) + 1) // 2 == (len(syntax) + 1) // 2)
    size = len(syntax) + len(syntax) % 2
    old, new = (str(uid).encode().ljust(size, b"\0") for uid in (known, syntax))
    return encode(ds, known).replace(old, new, 1)


def save(folder: Path, data: bytes, name: str = "film.dcm") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
