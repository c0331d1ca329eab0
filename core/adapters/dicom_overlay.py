"""Overlay planes of a DICOM film: text, markers and outlines that the equipment stores beside the pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

_GROUPS = range(0x6000, 0x6020, 2)
_EMBEDDED = "An overlay kept in unused bits of the pixels is not shown."
_UNUSABLE = "An overlay of the file is damaged and not shown."


def read_overlays(ds: Dataset, frame: int) -> tuple[NDArray[np.bool_] | None, list[str]]:
    """Where the overlays of ``frame`` draw: a mask [rows, columns] or None, and notes for the user.

    All planes (PS3.3 C.9.2) are united. What lies outside the image is left out.
    """
    shape = (int(ds.Rows), int(ds.Columns))
    mask: NDArray[np.bool_] | None = None
    notes: list[str] = []
    for group in _GROUPS:
        if (group, 0x0010) not in ds or (group, 0x0011) not in ds:
            continue
        if (group, 0x3000) not in ds:
            notes.append(_EMBEDDED)
            continue
        try:
            plane = _plane(ds, group, frame)
        except (TypeError, ValueError, AttributeError):
            notes.append(_UNUSABLE)
            continue
        if plane is None or not plane[0].any():
            continue
        mask = np.zeros(shape, dtype=np.bool_) if mask is None else mask
        _paste(mask, *plane)
    return mask, sorted(set(notes))


def _plane(ds: Dataset, group: int, frame: int) -> tuple[NDArray[np.bool_], int, int] | None:
    """Bits [rows, columns] of one plane, row and column of its first pixel; None if not on ``frame``."""
    rows, columns = (int(ds[group, element].value) for element in (0x0010, 0x0011))
    origin = ds[group, 0x0050].value if (group, 0x0050) in ds else [1, 1]
    if not isinstance(origin, Sequence) or len(origin) != 2:
        raise ValueError("overlay origin is not a pair")
    count = int(ds[group, 0x0015].value) if (group, 0x0015) in ds else 1
    first = int(ds[group, 0x0051].value) if (group, 0x0051) in ds else 1
    # Several overlay frames belong to the image frames from the stated one on; a single one to all.
    number = frame - (first - 1) if count > 1 else 0
    if not 0 <= number < max(count, 1):
        return None
    data = ds[group, 0x3000].value
    size, start = rows * columns, number * rows * columns
    if not isinstance(data, bytes) or rows < 1 or columns < 1 or len(data) * 8 < start + size:
        raise ValueError("overlay is shorter than stated")
    part = np.frombuffer(data, np.uint8)[start // 8 : (start + size + 7) // 8]
    bits = np.unpackbits(part, bitorder="little")[start % 8 :][:size]
    return bits.reshape(rows, columns).astype(np.bool_), int(origin[0]) - 1, int(origin[1]) - 1


def _paste(mask: NDArray[np.bool_], bits: NDArray[np.bool_], top: int, left: int) -> None:
    """Set ``mask`` where ``bits``, placed with its corner at (``top``, ``left``), is set."""
    from_row, from_column = max(0, -top), max(0, -left)
    part = bits[from_row:, from_column:]
    top, left = max(0, top), max(0, left)
    place = mask[top : top + part.shape[0], left : left + part.shape[1]]
    place |= part[: place.shape[0], : place.shape[1]]
