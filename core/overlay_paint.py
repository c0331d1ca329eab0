"""Drawing on a film picture: from film pixels to picture pixels, lines with a halo, markers, text.

Picture coordinates are float (x, y) with pixel centres at integers, as for film pixels.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from core.film import Radiograph, apply_window
from core.resources import resource_path

Rgb = tuple[int, int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom

_SHIFT = 6  # sub-pixel bits of the drawing calls
_MAX_ENLARGEMENT = 6.0


@dataclass(frozen=True)
class FilmView:
    """The part of a film that a picture shows, and the scale of each axis.

    ``x0, y0, x1, y1`` are whole film columns and rows, the last ones excluded.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    width: int
    height: int

    @property
    def scale(self) -> NDArray[np.float64]:
        """Picture pixels per film pixel along x and y."""
        return np.array([self.width / (self.x1 - self.x0), self.height / (self.y1 - self.y0)])

    def to_picture(self, points_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Film points [..., 2] (x, y) in picture pixels."""
        origin = np.array([self.x0, self.y0], dtype=np.float64)
        moved: NDArray[np.float64] = (
            np.asarray(points_px, dtype=np.float64) - origin + 0.5
        ) * self.scale - 0.5
        return moved


def fit_view(box: tuple[int, int, int, int], aspect: float, max_side_px: int) -> FilmView:
    """The view of film pixels ``box`` whose picture's longer side is ``max_side_px``.

    ``aspect`` is the height of a film pixel divided by its width. A small film is enlarged, though
    at most six times, so that lines and text stay fine in relation to the bone.
    """
    x0, y0, x1, y1 = box
    columns, rows = x1 - x0, (y1 - y0) * aspect
    scale = min(max_side_px / max(columns, rows), _MAX_ENLARGEMENT)
    return FilmView(x0, y0, x1, y1, max(1, round(columns * scale)), max(1, round(rows * scale)))


def render_film(film: Radiograph, view: FilmView) -> NDArray[np.uint8]:
    """The viewed part through the film's default window, as RGB [height, width, 3]."""
    part = film.pixels[view.y0 : view.y1, view.x0 : view.x1]
    grey = apply_window(part, film.windows[0])
    shrinks = view.width < grey.shape[1] or view.height < grey.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    resized = cv2.resize(grey, (view.width, view.height), interpolation=how)
    return np.ascontiguousarray(np.repeat(resized[:, :, None], 3, axis=2)).astype(np.uint8, copy=False)


@lru_cache(maxsize=16)
def _font(size_px: int, bold: bool) -> ImageFont.FreeTypeFont:
    name = "NotoSans-Bold.ttf" if bold else "NotoSans-Regular.ttf"
    # Read here, since the font library cannot open every Windows path by itself.
    return ImageFont.truetype(io.BytesIO(resource_path("assets", "fonts", name).read_bytes()), size_px)


def _drawable(text: str) -> str:
    # The picture font has no minus sign; its en dash has the same length.
    return text.replace("\u2212", "\u2013")


def text_size(text: str, size_px: int, *, bold: bool = False) -> tuple[int, int]:
    """Width and height of one line of text in picture pixels."""
    font = _font(size_px, bold)
    ascent, descent = font.getmetrics()
    return int(np.ceil(font.getlength(_drawable(text)))), ascent + descent


class Painter:
    """Draws on one RGB picture in place. Sizes are in picture pixels."""

    def __init__(self, picture: NDArray[np.uint8], unit: float) -> None:
        self.picture = picture
        self.unit = unit  # one hairline: sizes are multiples of it, so a large picture looks the same

    @property
    def bounds(self) -> Box:
        """The picture's edges."""
        height, width = self.picture.shape[:2]
        return 0.0, 0.0, width - 1.0, height - 1.0

    def darken(self, lines: list[NDArray[np.float64]], width: float, strength: float = 0.62) -> None:
        """Darken a band along each polyline [N, 2], so that bright lines stand out on bright bone."""
        mask = np.zeros(self.picture.shape[:2], dtype=np.uint8)
        for line in lines:
            _polyline(mask, line, 255, width)
        self._darken(mask, strength)

    def darken_discs(self, centres: NDArray[np.float64], radius: float, strength: float = 0.62) -> None:
        """Darken a disc around each point [N, 2]."""
        mask = np.zeros(self.picture.shape[:2], dtype=np.uint8)
        for centre in centres:
            _disc(mask, centre, radius, 255, -1)
        self._darken(mask, strength)

    def _darken(self, mask: NDArray[np.uint8], strength: float) -> None:
        keep = 1.0 - strength * mask.astype(np.float32)[:, :, None] / 255.0
        self.picture[:] = (self.picture * keep + 0.5).astype(np.uint8)

    def polyline(self, line: NDArray[np.float64], colour: Rgb, width: float) -> None:
        """An open polyline [N, 2]."""
        _polyline(self.picture, line, colour, width)

    def dot(self, centre: NDArray[np.float64], radius: float, colour: Rgb) -> None:
        """A filled disc."""
        _disc(self.picture, centre, radius, colour, -1)

    def ring(self, centre: NDArray[np.float64], radius: float, colour: Rgb, width: float) -> None:
        """A circle line."""
        _disc(self.picture, centre, radius, colour, max(1, round(width)))

    def diamond(self, centre: NDArray[np.float64], radius: float, colour: Rgb, width: float) -> None:
        """An open square standing on its corner."""
        turn = np.array([[0, -1], [1, 0], [0, 1], [-1, 0], [0, -1]], dtype=np.float64)
        _polyline(self.picture, centre + turn * radius, colour, width)

    def text(
        self, left: float, top: float, text: str, size_px: int, colour: Rgb, *, bold: bool = False
    ) -> None:
        """One line of text with a dark outline; ``left, top`` is the corner of its line box."""
        image = Image.fromarray(self.picture)
        ImageDraw.Draw(image).text(
            (left, top), _drawable(text), fill=colour, font=_font(size_px, bold),
            stroke_width=max(1, round(size_px / 10)), stroke_fill=(10, 12, 16),
        )  # fmt: skip
        self.picture[:] = np.asarray(image)

    def tag(self, left: int, top: int, text: str, size_px: int, colour: Rgb) -> None:
        """Dark text on a filled plate."""
        width, height = text_size(text, size_px, bold=True)
        pad = max(2, size_px // 2)
        image = Image.fromarray(self.picture)
        draw = ImageDraw.Draw(image)
        draw.rectangle((left, top, left + width + 2 * pad, top + height + pad // 2), fill=colour)
        draw.text((left + pad, top + pad // 4), text, fill=(16, 16, 16), font=_font(size_px, True))
        self.picture[:] = np.asarray(image)


def _fixed(point: NDArray[np.float64]) -> tuple[int, int]:
    x, y = np.rint(point * (1 << _SHIFT)).astype(int)
    return int(x), int(y)


def _disc(
    image: NDArray[np.uint8], centre: NDArray[np.float64], radius: float, colour: int | Rgb, width: int
) -> None:
    if not _near(image, centre, radius):
        return
    ink = (colour,) if isinstance(colour, int) else colour
    cv2.circle(image, _fixed(centre), round(radius * (1 << _SHIFT)), ink, width, cv2.LINE_AA, _SHIFT)


def _near(image: NDArray[np.uint8], centre: NDArray[np.float64], radius: float) -> bool:
    height, width = image.shape[:2]
    x, y = centre
    return bool(-radius <= x <= width + radius and -radius <= y <= height + radius)


def _polyline(image: NDArray[np.uint8], line: NDArray[np.float64], colour: int | Rgb, width: float) -> None:
    height, columns = image.shape[:2]
    ink = (colour,) if isinstance(colour, int) else colour
    margin = 2.0 * width + 2.0
    for start, end in pairwise(line):
        part = clip_segment(start, end, (-margin, -margin, columns + margin, height + margin))
        if part is not None:
            cv2.line(image, _fixed(part[0]), _fixed(part[1]), ink, max(1, round(width)), cv2.LINE_AA, _SHIFT)


def clip_segment(
    start: NDArray[np.float64], end: NDArray[np.float64], box: Box
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The part of a segment inside ``box``, or None (Liang-Barsky parametric clipping).

    Keeps far-away ends out of the fixed-point drawing calls, which would overflow.
    """
    step = end - start
    first, last = 0.0, 1.0
    for axis, (low, high) in enumerate(((box[0], box[2]), (box[1], box[3]))):
        if step[axis] == 0.0:
            if not low <= start[axis] <= high:
                return None
            continue
        near, far = sorted(((low - start[axis]) / step[axis], (high - start[axis]) / step[axis]))
        first, last = max(first, near), min(last, far)
    if first > last:
        return None
    return start + first * step, start + last * step


def dashes(line: NDArray[np.float64], dash: float, gap: float, box: Box) -> list[NDArray[np.float64]]:
    """A straight line [2, 2] cut into dashes, only inside ``box``."""
    part = clip_segment(line[0], line[1], box)
    if part is None:
        return []
    start, end = part
    length = float(np.hypot(*(end - start)))
    if length == 0.0:
        return []
    along = (end - start) / length
    begins = np.arange(0.0, length, dash + gap)
    return [np.array([start + along * b, start + along * min(b + dash, length)]) for b in begins]
