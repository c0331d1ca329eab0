"""Where the network looks: a window on a film, turned, scaled and perhaps mirrored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import MatchError

FloatArray = NDArray[np.float64]
Image = NDArray[np.float32]

MIN_SIDE_PX = 32

GRAIN_PX, GRAIN_SIDE_PX = 2.2, 1250.0
"""Standard deviation, in film pixels, of the smoothing of windows that show single pixels, and the longer
side from which it is so much: smaller films have no detail to spare, and are smoothed less in proportion."""

LEAST_BLUR_PX = 0.3
"""Smoothing of a window, in its own pixels, that is not worth doing."""


class Size(NamedTuple):
    """Sides of a window in pixels."""

    width: int
    height: int

    @classmethod
    def square(cls, side_px: int) -> Self:
        """That of a square."""
        return cls(side_px, side_px)


@dataclass(frozen=True, eq=False)
class Frame:
    """An affine map from film pixels to window pixels: window = ``matrix`` @ film + ``offset``.

    Both use (x, y) with pixel centres at integers.
    """

    matrix: FloatArray  # [2, 2]
    offset: FloatArray  # [2]

    @classmethod
    def letterbox(cls, size_px: tuple[int, int], window_px: int, *, mirrored: bool = False) -> Self:
        """The whole film (width, height), centred in a square window."""
        width, height = size_px
        centre = np.array([(width - 1) / 2, (height - 1) / 2])
        return cls.square(centre, max(width, height), window_px, mirrored=mirrored)

    @classmethod
    def square(cls, centre_px: FloatArray, side_px: float, window_px: int, *, mirrored: bool = False) -> Self:
        """A square part of the film, upright, around ``centre_px``."""
        scale = window_px / side_px
        matrix = np.diag([-scale if mirrored else scale, scale])
        return cls(matrix, (window_px - 1) / 2 - matrix @ centre_px)

    def mirror_image(self, window_px: int) -> Frame:
        """The same part of the film, mirrored left to right in the window."""
        flip = np.diag([-1.0, 1.0])
        return Frame(flip @ self.matrix, flip @ self.offset + np.array([window_px - 1.0, 0.0]))

    def turned(self, quarters: int, window_px: int) -> Frame:
        """The same part of the film, turned in the window by quarters clockwise."""
        turn = np.linalg.matrix_power(np.array([[0.0, -1.0], [1.0, 0.0]]), quarters)
        middle = np.full(2, (window_px - 1) / 2)
        return self.then(Frame(turn, middle - turn @ middle))

    def to_window(self, film_px: FloatArray) -> FloatArray:
        """Window positions [..., 2] of film positions."""
        return np.asarray(film_px @ self.matrix.T + self.offset, dtype=np.float64)

    def to_film(self, window_px: FloatArray) -> FloatArray:
        """Film positions [..., 2] of window positions."""
        return np.asarray((window_px - self.offset) @ np.linalg.inv(self.matrix).T, dtype=np.float64)

    def then(self, after: Frame) -> Frame:
        """The map that does this one and then ``after``."""
        return Frame(after.matrix @ self.matrix, after.matrix @ self.offset + after.offset)

    @property
    def scale(self) -> float:
        """Window pixels per film pixel."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))

    @property
    def mirrored(self) -> bool:
        """Whether the window shows the mirror image of the film."""
        return bool(np.linalg.det(self.matrix) < 0)

    @property
    def rotation_deg(self) -> float:
        """How far the film is turned (clockwise on screen) to fill the window."""
        x_axis = self.matrix[:, 0] * (-1.0 if self.mirrored else 1.0)
        return float(np.degrees(np.arctan2(x_axis[1], x_axis[0])))

    def sample(self, film: Image, size: Size) -> Image:
        """The content [height, width] of a window of this size; black where it leaves the film.

        The film is first reduced by area averaging, so that strong reduction does not alias. Where the window
        shows single pixels of the film, they are smoothed: grain and traces of compression are no anatomy.
        """
        matrix, offset = self.matrix, self.offset
        blur_px = GRAIN_PX * min(1.0, max(film.shape) / GRAIN_SIDE_PX) * self.scale
        reduction = int(1.0 / max(self.scale, 1e-6))
        if reduction >= 2:
            height, width = film.shape
            small = (max(width // reduction, 1), max(height // reduction, 1))
            film = cv2.resize(film, small, interpolation=cv2.INTER_AREA)
            factor = np.array([width / small[0], height / small[1]])
            offset = matrix @ (0.5 * factor - 0.5) + offset
            matrix = matrix * factor
        affine = np.concatenate([matrix, offset[:, None]], axis=1)
        window = cv2.warpAffine(film, affine, size, flags=cv2.INTER_LINEAR)
        if blur_px >= LEAST_BLUR_PX:
            window = cv2.GaussianBlur(window, (0, 0), blur_px)
        return np.asarray(window, dtype=np.float32)


def normalise(pixels: Image) -> Image:
    """The film in 0..1 between its 0.5 and 99.5 percentile, whatever the display setting.

    Raises ``MatchError`` for a film too small or without any contrast.
    """
    if pixels.ndim != 2 or min(pixels.shape) < MIN_SIDE_PX:
        raise MatchError(
            f"The image of {pixels.shape[1]} x {pixels.shape[0]} pixels is too small to match",
            remedy=f"Use a film of at least {MIN_SIDE_PX} pixels a side.",
        )
    step = max(1, int(np.sqrt(pixels.size / 250_000)))
    sample = pixels[::step, ::step]
    if not np.isfinite(sample).all():
        raise MatchError("The image holds values that are not numbers", remedy="Export the film again.")
    low, high = np.percentile(sample, [0.5, 99.5])
    if high - low <= 1e-6 * max(1.0, abs(float(high))):
        low, high = float(pixels.min()), float(pixels.max())
    if high - low <= 1e-6 * max(1.0, abs(float(high))):
        raise MatchError(
            "The image is uniform: it shows nothing to match", remedy="Check that the right file was opened."
        )
    stretched = (pixels - np.float32(low)) / np.float32(high - low)
    return np.asarray(np.clip(stretched, 0.0, 1.0), dtype=np.float32)


def standardise(window: Image) -> Image:
    """The window with mean 0 and standard deviation 1, as the network was trained on."""
    centred = window - window.mean()
    return np.asarray(centred / max(float(window.std()), 1e-3), dtype=np.float32)
