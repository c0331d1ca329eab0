"""The overlay as a Grayscale Softcopy Presentation State: lines, points and values over the stored image."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import GrayscaleSoftcopyPresentationStateStorage
from pydicom.valuerep import DSfloat

from core.adapters.dicom_pixels import inverted, stored_total
from core.adapters.export.dicom_object import (
    NAME,
    Source,
    encode,
    film_position,
    laterality,
    new_object,
    person,
    quiet,
    read_source,
)
from core.adapters.export.measured import STATEMENT, Measured
from core.adapters.export.shapes import polylines
from core.case import Case
from core.errors import WriteError
from core.measure.results import format_value
from core.overlay import marked_points, pixel_aspect, result_anchor
from core.overlay_paint import FilmView

_LAYER = "MEASUREMENTS"
_COLOUR = (53084, 28527, 25443)  # light blue in the scaled CIELab of PS3.3 C.10.7.1.1


def gsps_bytes(measured: Measured) -> bytes:
    """The presentation state as a DICOM file.

    Raises :class:`WriteError` when the film is no DICOM file or is stored in colour, to which this kind
    of presentation state cannot refer.
    """
    source = read_source(measured)
    if int(source.header.get("SamplesPerPixel") or 1) != 1:
        raise WriteError(
            "A grayscale presentation state cannot refer to a colour image",
            path=measured.film.path,
            remedy="Export a secondary capture instead.",
        )
    with quiet():
        return encode(_state(measured, source))


def _state(measured: Measured, source: Source) -> Dataset:
    ds = new_object(
        measured, source, GrayscaleSoftcopyPresentationStateStorage, "PR", 9902, f"{NAME} overlay"
    )
    case = measured.case
    ds.PresentationCreationDate, ds.PresentationCreationTime = ds.ContentDate, ds.ContentTime
    del ds.ContentDate, ds.ContentTime  # this kind of object has only the dates of its creation
    ds.Laterality = laterality(measured)
    ds.ContentLabel = "DRAFT" if case.is_draft else "MEASUREMENTS"
    ds.ContentDescription = "DRAFT measurements, not confirmed" if case.is_draft else "Confirmed measurements"
    ds.ContentCreatorName = person(case.confirmation.by if case.confirmation else NAME)
    series = Dataset()
    series.SeriesInstanceUID = source.header.SeriesInstanceUID
    series.ReferencedImageSequence = [source.reference()]
    ds.ReferencedSeriesSequence = [series]
    ds.DisplayedAreaSelectionSequence = [_area(measured)]
    _greyscale(ds, measured, source.header)
    layer = Dataset()
    layer.GraphicLayer = _LAYER
    layer.GraphicLayerOrder = 1
    layer.GraphicLayerRecommendedDisplayCIELabValue = list(_COLOUR)
    layer.GraphicLayerDescription = f"{measured.view.name}: {measured.status}"[:64]
    ds.GraphicLayerSequence = [layer]
    note = Dataset()
    note.GraphicLayer = _LAYER
    note.GraphicObjectSequence = [*_lines(measured), *_points(measured)]
    note.TextObjectSequence = [*_values(measured), *_letters(measured), _title(measured)]
    ds.GraphicAnnotationSequence = [note]
    return ds


def _area(measured: Measured) -> Dataset:
    """The whole image (PS3.3 C.10.4, where the first pixel is 1\\1)."""
    width, height = measured.film.size_px
    scale = measured.case.calibration
    item = Dataset()
    item.DisplayedAreaTopLeftHandCorner = [1, 1]
    item.DisplayedAreaBottomRightHandCorner = [width, height]
    item.PresentationSizeMode = "SCALE TO FIT"
    if scale.column_mm is not None and scale.row_mm is not None:
        item.PresentationPixelSpacing = [
            DSfloat(v, auto_format=True) for v in (scale.row_mm, scale.column_mm)
        ]
    else:
        item.PresentationPixelAspectRatio = [round(1000 * pixel_aspect(scale)), 1000]
    return item


def _greyscale(ds: Dataset, measured: Measured, header: Dataset) -> None:
    """How stored values become grey, as the program shows them: modality table, window, polarity."""
    if header.get("ModalityLUTSequence"):
        ds.ModalityLUTSequence = [_packed(header.ModalityLUTSequence[0])]
    elif "RescaleSlope" in header:
        ds.RescaleIntercept = header.get("RescaleIntercept", 0)
        ds.RescaleSlope = header.RescaleSlope if float(header.RescaleSlope) != 0.0 else 1
        ds.RescaleType = header.get("RescaleType") or "US"
    turned = inverted(header)
    ds.SoftcopyVOILUTSequence = [_window(measured, header, stored_total(header) if turned else None)]
    ds.PresentationLUTShape = "INVERSE" if turned else "IDENTITY"


def _packed(table: Dataset) -> Dataset:
    """A lookup table whose 8-bit entries take a word each, as old files have it, with two to a word."""
    count, _, bits = (int(v) for v in table.LUTDescriptor)
    data = table.LUTData
    words = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.asarray(data)
    if bits != 8 or len(words) != (count or 65536):
        return table
    mended = copy.deepcopy(table)
    packed = words.astype("u1").tobytes()
    mended.add_new("LUTData", "OW", packed + b"\0" * (len(packed) % 2))
    return mended


def _window(measured: Measured, header: Dataset, total: float | None) -> Dataset:
    """The film's first window in values after the modality table.

    ``total`` is the sum of the ends of their range where the film in memory is turned around. A window
    with a table is always the file's own first one.
    """
    shown = measured.film.windows[0]
    item = Dataset()
    low, high = shown.low, shown.high
    if total is not None:
        low, high = total - high, total - low
    if shown.table is not None and header.get("VOILUTSequence"):
        levels = [1.0 - level for level in reversed(shown.table)] if total is not None else shown.table
        item.VOILUTSequence = [_table(round(low), levels)]
        return item
    if shown.table is not None:
        item.VOILUTFunction = "SIGMOID"
        centre, width = (low + high) / 2.0, (high - low) / 3.0
    else:
        centre, width = (low + high + 1.0) / 2.0, max(high - low + 1.0, 1.0)
    item.WindowCenter = DSfloat(centre, auto_format=True)
    item.WindowWidth = DSfloat(width, auto_format=True)
    return item


def _table(first: int, levels: Sequence[float]) -> Dataset:
    """A lookup table of 16 bits from the value ``first`` on; ``levels`` are 0 to 1."""
    item = Dataset()
    words = np.rint(np.asarray(levels) * 65535.0).astype("<u2")
    # The number of entries is unsigned in either representation; 0 stands for 65536.
    count = len(words) % 65536
    kind = "SS" if first < 0 and count < 32768 else "US"
    item.add_new("LUTDescriptor", kind, [count, first if kind == "SS" else first % 65536, 16])
    item.add_new("LUTData", "OW", words.tobytes())
    return item


def _graphic(kind: str, data: list[float], count: int) -> Dataset:
    item = Dataset()
    item.GraphicAnnotationUnits = "PIXEL"
    item.GraphicDimensions = 2
    item.NumberOfGraphicPoints = count
    item.GraphicData = data
    item.GraphicType = kind
    if kind != "POINT":
        item.GraphicFilled = "N"
    return item


def _lines(measured: Measured) -> list[Dataset]:
    return [
        _graphic("POLYLINE", film_position((float(x), float(y)) for x, y in line), len(line))
        for result in measured.results
        for line in polylines(result, measured.film.size_px)
    ]


def _points(measured: Measured) -> list[Dataset]:
    """Points as small circles, since viewers draw a single point hardly visibly."""
    radius = 0.004 * max(measured.film.size_px)
    return [
        _graphic("CIRCLE", film_position([(p.x_px, p.y_px), (p.x_px + radius, p.y_px)]), 2)
        for p in measured.case.landmarks.points.values()
        if _inside(measured, p.x_px, p.y_px)
    ]


def _inside(measured: Measured, x: float, y: float) -> bool:
    width, height = measured.film.size_px
    return -0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5


def _text(measured: Measured, text: str, x: float, y: float) -> Dataset:
    """Text anchored at a film position."""
    width, height = measured.film.size_px
    item = Dataset()
    item.AnchorPointAnnotationUnits = "PIXEL"
    item.UnformattedTextValue = text
    item.AnchorPoint = film_position(
        [(float(np.clip(x, 0.0, width - 1.0)), float(np.clip(y, 0.0, height - 1.0)))]
    )
    item.AnchorPointVisibility = "N"
    return item


def _values(measured: Measured) -> list[Dataset]:
    items: list[Dataset] = []
    taken: list[tuple[float, float]] = []
    width, height = measured.film.size_px
    view = FilmView(0, 0, width, height, width, height)  # picture pixels are film pixels
    short = {m.key: m.short for m in measured.view.measurements}
    for result in measured.results:
        anchor = result_anchor(result, view, (0.0, 0.0, width - 1.0, height - 1.0))
        if result.value is None or anchor is None:
            continue
        # The fonts of many viewers have no minus sign.
        value = format_value(result.value, result.unit).replace("\u2212", "-")
        place = _free_place(float(anchor[0]), float(anchor[1]), taken, (width, height))
        taken.append(place)
        items.append(_text(measured, f"{short.get(result.key, result.name)} {value}", *place))
    return items


def _free_place(
    x: float, y: float, taken: Sequence[tuple[float, float]], size_px: tuple[int, int]
) -> tuple[float, float]:
    """The place nearest to (x, y), lines of text above or below, where no other text is yet."""
    line = 0.02 * max(size_px)  # about the height of a line of text in usual viewers
    for step in range(2 * len(taken) + 1):
        shifted = y + line * ((step + 1) // 2) * (1 if step % 2 else -1)
        free = not any(abs(x - left) < 8 * line and abs(shifted - top) < line for left, top in taken)
        if free and line <= shifted <= size_px[1] - line:
            return x, shifted
    return x, y


def _letters(measured: Measured) -> list[Dataset]:
    """The letters of points to look at and of points placed by hand, as in picture and report."""
    case: Case = measured.case
    gap = 0.008 * max(measured.film.size_px)
    return [
        _text(measured, letter, case.landmarks[key].x_px + gap, case.landmarks[key].y_px - gap)
        for key, letter in marked_points(case).items()
    ]


def _title(measured: Measured) -> Dataset:
    """Status, spacing and statement in the upper left corner of the display."""
    case = measured.case
    lines = (
        "DRAFT, NOT CONFIRMED" if case.is_draft else "Confirmed",
        f"{NAME}: {measured.view.name}, {case.side.side.value}",
        f"Spacing: {case.calibration.detail}",
        STATEMENT,
    )
    item = Dataset()
    item.BoundingBoxAnnotationUnits = "DISPLAY"
    item.UnformattedTextValue = "\r\n".join(lines)[:1024]
    item.BoundingBoxTopLeftHandCorner = [0.01, 0.01]
    item.BoundingBoxBottomRightHandCorner = [0.6, 0.12]
    item.BoundingBoxTextHorizontalJustification = "LEFT"
    return item
