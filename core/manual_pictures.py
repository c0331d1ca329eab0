"""The pictures of the manual: a view's points, and each measurement drawn by its own definition."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.film import NO_SPACING, Calibration, Radiograph, SpacingSource, Window
from core.landmarks import Landmark, LandmarkSet
from core.matching.protocol import Reference
from core.measure.definitions import View
from core.measure.evaluate import evaluate_view
from core.measure.results import Arc, Circle, Label, MeasurementResult, Segment, Shape
from core.overlay import CERTAIN_COLOUR, TEXT_COLOUR
from core.overlay_paint import Box, FilmView, Painter, fit_view, render_film, text_size
from core.overlay_shapes import along, around, draw_lines, free_place

_MEASUREMENT_PX, _POINTS_PX = 460, 900  # longer side of a picture
_NARROWEST = 0.5  # of that for the shorter side: a slender film gives a longer picture
_QUALITY = 76
_MOST_NUMBERS = 16  # points of one measurement that are numbered
_MARGIN = 0.2  # about what is drawn, as a part of its extent
_LEAST_SHARE = 0.34  # of the extent of all points: less shows no anatomy to recognise the place by
_LONGEST = 1.6  # sides of a picture, as a ratio, where the film has room
_LEAST_RANGE = 0.3  # of the film's grey values that a picture spans
_NUMBER_REACHES, _VALUE_REACHES = (4.0, 8.0, 13.0), (5.0, 15.0, 30.0, 50.0)


@dataclass(frozen=True, eq=False)
class DrawnFilm:
    """A reference in the view's canonical orientation, and what is measured on it by key."""

    reference: Reference
    points: LandmarkSet
    results: Mapping[str, MeasurementResult]

    @property
    def key(self) -> str:
        """The reference's key."""
        return self.reference.key

    @property
    def digest(self) -> str:
        """SHA-256 of image and points."""
        return self.reference.digest


@dataclass(frozen=True, eq=False)
class DrawnView:
    """The films that a view's drawings are on, and the one for each measurement by key."""

    films: tuple[DrawnFilm, ...]
    measured_on: Mapping[str, DrawnFilm]


def drawn_view(view: View, references: Iterable[Reference]) -> DrawnView | None:
    """Each measurement on the first of ``references`` that gives it a value; None without references."""
    used: list[DrawnFilm] = []
    measured_on: dict[str, DrawnFilm] = {}
    for reference in references:
        film = _drawn_film(view, reference)
        new = [
            key for key, result in film.results.items() if result.value is not None and key not in measured_on
        ]
        measured_on |= dict.fromkeys(new, film)
        if new or not used:
            used.append(film)
        if len(measured_on) == len(view.measurements):
            break
    return DrawnView(tuple(used), measured_on) if used else None


def _drawn_film(view: View, reference: Reference) -> DrawnFilm:
    points = LandmarkSet(
        {
            key: Landmark(float(x), float(y))
            for key, (x, y) in zip(view.point_keys, reference.points_px, strict=True)
            if np.isfinite(x) and np.isfinite(y)
        }
    )
    results = evaluate_view(view, points, _calibration(reference), draws=0)
    return DrawnFilm(reference, points, {result.key: result for result in results})


def _calibration(reference: Reference) -> Calibration:
    spacing = reference.spacing_mm
    if spacing is None:
        return NO_SPACING
    return Calibration(spacing, spacing, SpacingSource.FIDUCIAL, "Stated by the bank.")


def points_picture(view: View, film: DrawnFilm) -> bytes:
    """JPEG of the film with all points, numbered as in the view's definition. Raises ``BankError``."""
    box = _box_around(film.points.positions_px(), film, least=0.0)
    return _picture(view, film, box, _POINTS_PX, view.point_keys, ())


def measurement_picture(view: View, key: str, film: DrawnFilm) -> bytes:
    """JPEG of the film about measurement ``key`` with its construction and value. Raises ``BankError``."""
    result = film.results[key]
    corners = [np.array([[film.points[name].x_px, film.points[name].y_px]]) for name in result.points]
    corners += [_extent(shape) for shape in result.shapes]
    box = _box_around(np.concatenate(corners), film, least=_LEAST_SHARE)
    numbered = result.points if len(result.points) <= _MOST_NUMBERS else ()
    return _picture(view, film, box, _MEASUREMENT_PX, numbered, result.shapes, result.points)


def _extent(shape: Shape) -> NDArray[np.float64]:
    """Film points [N, 2] that span a shape."""
    match shape:
        case Segment(start, end, _):
            return np.array([start, end])
        case Circle(centre, radius):
            return np.asarray([np.subtract(centre, radius), np.add(centre, radius)], dtype=np.float64)
        case Arc(centre, radius, start_deg, sweep_deg):
            turn = np.deg2rad(start_deg + np.linspace(0.0, sweep_deg, 25))
            rim = radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
            return np.asarray(rim + np.array(centre), dtype=np.float64)
        case Label(at, _):
            return np.array([at])


def _box_around(spanned: NDArray[np.float64], film: DrawnFilm, least: float) -> tuple[int, int, int, int]:
    """The film pixels about ``spanned`` [N, 2], with a margin and no narrower than it takes to see where."""
    all_points = film.points.positions_px()
    low, high = spanned.min(axis=0), spanned.max(axis=0)
    extent = float((high - low).max())
    size = (high - low) + 2.0 * _MARGIN * max(extent, 1.0)
    size = np.maximum(size, least * float(np.ptp(all_points, axis=0).max()))
    size = np.maximum(size, size[::-1] / _LONGEST)
    centre = (low + high) / 2.0
    x0, y0 = np.floor(centre - size / 2.0).astype(int)
    x1, y1 = np.ceil(centre + size / 2.0).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


def _picture(
    view: View,
    film: DrawnFilm,
    box: tuple[int, int, int, int],
    longest_px: int,
    numbered: Sequence[str],
    shapes: Sequence[Shape],
    marked: Sequence[str] | None = None,
) -> bytes:
    pixels = film.reference.read_image()
    height, width = pixels.shape
    x0, y0, x1, y1 = max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)
    slender = max(x1 - x0, y1 - y0) / min(x1 - x0, y1 - y0)
    shown = fit_view((x0, y0, x1, y1), 1.0, round(longest_px * max(1.0, _NARROWEST * slender)))
    radiograph = _radiograph(film.reference, pixels, _window(pixels, pixels[y0:y1, x0:x1]))
    painter = Painter(render_film(radiograph, shown), unit=2.0 * max(longest_px / 1000.0, 0.75))
    lines = draw_lines(painter, shown, shapes)
    places = _draw_points(painter, shown, film, numbered if marked is None else marked)
    taken: list[Box] = [around(at, 3.5 * painter.unit) for at in places.values()]
    taken += [around(at, 1.5 * painter.unit) for line in lines for at in along(line, painter)]
    _write_value(painter, shown, shapes, taken)
    numbers = {key: number for number, key in enumerate(view.point_keys, start=1)}
    for key in numbered:
        if key in places:
            _write(painter, str(numbers[key]), places[key], round(8.5 * painter.unit), taken, _NUMBER_REACHES)
    out = io.BytesIO()
    Image.fromarray(painter.picture).save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()


def _window(whole: NDArray[np.float32], part: NDArray[np.float32]) -> Window:
    """The grey values of ``part``, which a bright or dark bone would else not stand out from."""
    low, high = (float(value) for value in np.percentile(part, [0.5, 99.5]))
    lacking = max(_LEAST_RANGE * float(np.ptp(whole)) - (high - low), 0.0)
    return Window(low - lacking / 2.0, high + lacking / 2.0)


def _radiograph(reference: Reference, pixels: NDArray[np.float32], window: Window) -> Radiograph:
    return Radiograph(Path(reference.key), pixels, (window,), _calibration(reference), reference.digest)


def _draw_points(
    painter: Painter, shown: FilmView, film: DrawnFilm, keys: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Mark the points; returns their places in the picture."""
    places = {
        key: shown.to_picture(np.array([film.points[key].x_px, film.points[key].y_px]))
        for key in keys
        if key in film.points
    }
    painter.darken_discs(np.array(list(places.values())).reshape(-1, 2), 4.0 * painter.unit)
    for at in places.values():
        painter.dot(at, 2.3 * painter.unit, CERTAIN_COLOUR)
    return places


def _write_value(painter: Painter, shown: FilmView, shapes: Sequence[Shape], taken: list[Box]) -> None:
    """The value beside its place, if need be on a line, else in the corner."""
    size = round(10.5 * painter.unit)
    for shape in shapes:
        if isinstance(shape, Label):
            at = shown.to_picture(np.array(shape.at))
            if not (
                _write(painter, shape.text, at, size, taken, _VALUE_REACHES)
                or _write(painter, shape.text, at, size, [], _VALUE_REACHES)
            ):
                painter.text(4.0, 4.0, shape.text, size, TEXT_COLOUR)


def _write(
    painter: Painter,
    text: str,
    at: NDArray[np.float64],
    size: int,
    taken: list[Box],
    reaches: Sequence[float],
) -> bool:
    """Write ``text`` near ``at`` where nothing is yet. False when there is no room."""
    width, height = text_size(text, size)
    gap = size // 4  # so that neighbouring numbers do not read as one
    box = free_place(painter, at, (width + 2 * gap, height), taken, reaches)
    if box is None:
        return False
    painter.text(box[0] + gap, box[1], text, size, TEXT_COLOUR)
    taken.append(box)
    return True
