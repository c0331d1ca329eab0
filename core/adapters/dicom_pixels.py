"""Pixels and display windows of a DICOM film: decoding, modality table, polarity, windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels import apply_color_lut, pixel_array
from pydicom.uid import UID

from core.adapters.dicom_codec import library_plugin
from core.adapters.windows import evenly, percentile_window, shows_something
from core.film import Window

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class DecodedPixels:
    """Pixels [rows, columns] float32 with larger values brighter, windows and notes for the user."""

    pixels: NDArray[np.float32]
    windows: tuple[Window, ...]
    notes: tuple[str, ...]


def read_pixels(ds: FileDataset, syntax: str, frame: int, decoded: Array | None) -> DecodedPixels:
    """Frame ``frame`` of ``ds`` (a checked header with pixels, written in ``syntax``), ready to show.

    ``decoded`` are the stored values, None to leave decoding to the DICOM library.

    Steps follow PS3.4 N.2: stored value, modality table, VOI windows, and polarity last; polarity is
    applied by mirroring values and windows alike, so that nothing downstream needs to know of it.
    """
    stored = _stored_values(ds, syntax, frame) if decoded is None else decoded
    if stored.ndim == 3:
        return _colour(ds, stored)
    background = _padding(ds, stored)
    values, (least, greatest), notes = _modality(ds, stored)
    windows, more = _file_windows(ds)
    notes += more
    notes += _polarity_note(ds)
    if inverted(ds):
        total = least + greatest
        np.subtract(np.float32(total), values, out=values)
        windows = [_mirrored(window, total) for window in windows]
    sample = evenly(values)
    if background is not None and not background.all():
        image = sample[~evenly(background)]
        if image.size:
            sample = image
            # Around the image, padding stands for nothing worth showing: black, whatever its number.
            values[_touching_the_edge(background)] = image.min()
    computed = percentile_window(sample)
    if windows and not shows_something(windows[0], values):
        notes.append("The display window of the file shows nothing of the image; another one is used.")
        windows.insert(0, computed)
    else:
        windows.append(computed)
    return DecodedPixels(np.ascontiguousarray(values), tuple(windows), tuple(notes))


def _stored_values(ds: FileDataset, syntax: str, frame: int) -> Array:
    """Decoded samples of one frame: [rows, columns], or [rows, columns, 3] RGB."""
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    stored_bits, high_bit = int(ds.get("BitsStored") or 0), int(ds.get("HighBit") or 0)
    spare = high_bit + 1 - stored_bits if stored_bits and ds.get("SamplesPerPixel", 1) == 1 else 0
    if spare > 0:  # The samples do not start at the lowest bit: decode up to the highest, then shift.
        ds.BitsStored = high_bit + 1
    plugin = library_plugin(syntax, int(ds.get("SamplesPerPixel") or 1))
    array: Array = pixel_array(ds, index=frame, decoding_plugin=plugin)
    if spare > 0:
        array = array >> spare
        ds.BitsStored = stored_bits
    if str(ds.get("PhotometricInterpretation")) == "PALETTE COLOR":
        array = apply_color_lut(array, ds)[..., :3]
    return array


def _colour(ds: Dataset, rgb: Array) -> DecodedPixels:
    values = luma(rgb)
    notes = ["The colour image was converted to grey."]
    top = float(np.iinfo(rgb.dtype).max) if rgb.dtype.kind == "u" else float(rgb.max())
    full = Window(0.0, max(top, 1.0), "Full range")
    return DecodedPixels(values, (full, percentile_window(values)), tuple(notes))


def luma(rgb: Array) -> NDArray[np.float32]:
    """Brightness [rows, columns] of an RGB image [rows, columns, 3] (ITU-R BT.601 weights)."""
    grey = np.zeros(rgb.shape[:-1], dtype=np.float32)
    for channel, weight in enumerate(LUMA):
        grey += np.multiply(rgb[..., channel], weight, dtype=np.float32)
    return grey


def _padding(ds: Dataset, stored: Array) -> NDArray[np.bool_] | None:
    """Mask [rows, columns] of padding pixels, None without PixelPaddingValue."""
    value, limit = ds.get("PixelPaddingValue"), ds.get("PixelPaddingRangeLimit")
    if not isinstance(value, int):
        return None
    other = limit if isinstance(limit, int) else value
    return np.asarray((stored >= min(value, other)) & (stored <= max(value, other)))


def _modality(ds: Dataset, stored: Array) -> tuple[NDArray[np.float32], tuple[float, float], list[str]]:
    """Values after the modality table, the range they can have, and notes."""
    if stored.dtype.kind == "f":
        return _float_values(stored)
    least, greatest = _stored_range(ds, stored)
    sequence = ds.get("ModalityLUTSequence")
    if sequence:
        first, table, _ = _lut(sequence[0], bool(ds.get("PixelRepresentation")))
        index = np.clip(stored.astype(np.int64) - first, 0, len(table) - 1)
        return table[index], (float(table.min()), float(table.max())), []
    slope, intercept = _number(ds.get("RescaleSlope"), 1.0), _number(ds.get("RescaleIntercept"), 0.0)
    notes = []
    if slope == 0.0:
        slope, notes = 1.0, ["The file states a rescale slope of zero, which is not used."]
    values = stored.astype(np.float32)
    if slope != 1.0 or intercept != 0.0:
        values = (stored * np.float64(slope) + intercept).astype(np.float32)
    ends = sorted((least * slope + intercept, greatest * slope + intercept))
    return values, (ends[0], ends[1]), notes


def _float_values(stored: Array) -> tuple[NDArray[np.float32], tuple[float, float], list[str]]:
    values = stored.astype(np.float32)
    finite = np.isfinite(values)
    if not finite.any():
        raise ValueError("no finite pixel")
    least, greatest = float(values[finite].min()), float(values[finite].max())
    if finite.all():
        return values, (least, greatest), []
    values[~finite] = least
    return values, (least, greatest), ["Pixels without a number are shown black."]


def _stored_range(ds: Dataset, stored: Array) -> tuple[float, float]:
    """Smallest and largest value that the stored bits can hold, widened if the data exceeds it."""
    bits = int(ds.get("BitsStored") or 8 * stored.dtype.itemsize)
    signed = bool(ds.get("PixelRepresentation"))
    least, greatest = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return float(min(least, int(stored.min()))), float(max(greatest, int(stored.max())))


def inverted(ds: Dataset) -> bool:
    """Whether larger stored values are meant to be darker.

    In an image, PresentationLUTShape only says again what PhotometricInterpretation says: INVERSE goes with
    MONOCHROME1 (PS3.3 C.7.6.1, C.8.11.3 and C.8.19.2), so both together mean one inversion. They are
    steps that follow each other in presentation states only.
    """
    monochrome1 = str(ds.get("PhotometricInterpretation", "")).strip() == "MONOCHROME1"
    return monochrome1 or _lut_shape(ds) == "INVERSE"


def _lut_shape(ds: Dataset) -> str:
    return str(ds.get("PresentationLUTShape") or "").strip().upper()


def _polarity_note(ds: Dataset) -> list[str]:
    """A note when only one of the two elements asks for an inversion; known files are wrong in either."""
    if _lut_shape(ds) not in ("IDENTITY", "INVERSE") or not inverted(ds):
        return []
    if _lut_shape(ds) == "INVERSE" and str(ds.get("PhotometricInterpretation")).strip() == "MONOCHROME1":
        return []
    return [
        "PhotometricInterpretation and PresentationLUTShape contradict each other; the film is shown "
        "inverted. Swap black and white (Invert) if bone is dark."
    ]


def _touching_the_edge(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The parts of ``mask`` [rows, columns] that reach the edge of the image.

    Inside the image the padding value is as good a value as any other.
    """
    _, label = cv2.connectedComponents(mask.astype(np.uint8), ltype=cv2.CV_32S)
    edge = np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]])
    outside = np.zeros(int(label.max()) + 1, dtype=np.bool_)
    outside[edge] = True
    outside[0] = False
    return np.asarray(outside[label])


def stored_total(ds: Dataset) -> float:
    """Sum of the least and the greatest value that the header's stored bits give after the modality table."""
    bits = int(ds.get("BitsStored") or 8)
    half = 1 << bits - 1
    ends = np.array([-half, half - 1] if ds.get("PixelRepresentation") else [0, 2 * half - 1])
    return float(sum(_modality(ds, ends)[1]))


def _mirrored(window: Window, total: float) -> Window:
    table = None if window.table is None else tuple(1.0 - level for level in reversed(window.table))
    return replace(window, low=total - window.high, high=total - window.low, table=table)


def _file_windows(ds: Dataset) -> tuple[list[Window], list[str]]:
    """Windows the file offers, VOI tables first, and notes about unusable ones."""
    windows: list[Window] = []
    notes: list[str] = []
    for number, item in enumerate(ds.get("VOILUTSequence") or [], 1):
        windows.append(_voi_table(ds, item, number))
    centers, widths = _values(ds.get("WindowCenter")), _values(ds.get("WindowWidth"))
    names = _values(ds.get("WindowCenterWidthExplanation"))
    function = str(ds.get("VOILUTFunction") or "LINEAR").strip().upper()
    for number, (center_text, width_text) in enumerate(zip(centers, widths, strict=False), 1):
        center, width = _number(center_text, math.nan), _number(width_text, math.nan)
        if not (math.isfinite(center) and math.isfinite(width) and width > 0):
            notes.append("A display window of the file is not usable.")
            continue
        name = str(names[number - 1]).strip() if number <= len(names) else ""
        windows.append(_voi_window(center, width, function, name or f"Window {number}"))
    return windows, notes


def _voi_window(center: float, width: float, function: str, name: str) -> Window:
    """One window centre and width as black and white values (PS3.3 C.11.2.1.2 and C.11.2.1.3)."""
    if function == "SIGMOID":
        reach = 1.5 * width
        steps = np.linspace(-reach, reach, 512)
        levels = 1.0 / (1.0 + np.exp(-4.0 * steps / width))
        return Window(center - reach, center + reach, name, tuple(float(v) for v in levels))
    if function == "LINEAR_EXACT" or width < 1.0:
        return Window(center - width / 2, center + width / 2, name)
    middle = center - 0.5
    return Window(middle - (width - 1) / 2, middle + (width - 1) / 2, name)


def _voi_table(ds: Dataset, item: Dataset, number: int) -> Window:
    signed = bool(ds.get("PixelRepresentation")) and not ds.get("ModalityLUTSequence")
    first, table, bits = _lut(item, signed)
    top = float(2**bits - 1) if 1 <= bits <= 16 else 0.0
    top = max(top, float(table.max()), 1.0)
    name = str(item.get("LUTExplanation") or "").strip() or f"Table {number}"
    return Window(float(first), float(first + len(table) - 1), name, tuple(float(v) / top for v in table))


def _lut(item: Dataset, signed: bool) -> tuple[int, NDArray[np.float32], int]:
    """First input value, output values and their bits of a lookup table (PS3.3 C.11.1.1)."""
    count, first, bits = (int(v) for v in item.LUTDescriptor)
    count = count or 65536
    if signed and first > 32767:
        first -= 65536
    data = item.LUTData
    if isinstance(data, bytes):
        eight = len(data) < 2 * count
        words = "<u2" if item.original_encoding[1] is not False else ">u2"
        raw: Array = np.frombuffer(data[: len(data) // 2 * 2], "u1" if eight else words)
    else:
        raw = np.asarray(_values(data), dtype=np.int64) & 0xFFFF
        if len(raw) * 2 == count:  # two 8-bit entries to a word
            raw = raw.astype("<u2").view("u1")
    if len(raw) < 2 or len(raw) < count:
        raise ValueError("lookup table shorter than stated")
    return first, raw[:count].astype(np.float32), bits


def _values(value: object) -> list[Any]:
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _number(value: object, default: float) -> float:
    convert: Callable[[Any], float] = float
    try:
        number = convert(value)
    except (TypeError, ValueError):
        return default
    return number if math.isfinite(number) else default
