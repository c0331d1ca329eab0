"""What is looked at on a reference: windows whole, fitted and close, each also shifted, turned and scaled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from core.matching.canonical import CanonicalWindow
from core.matching.closeups import CloseUp, Group, close_frame, levels
from core.matching.frames import Frame, Size, normalise, standardise
from core.matching.protocol import Reference
from core.matching.shape import fit_similarity

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.float64]

MARGIN_PX = 32
"""What is kept of a reference around its windows, into which shakes reach. Beyond it is black."""

SHIFT, TURN_RAD, LOG_SCALE = 0.05, 0.04, 0.07
"""Standard deviations of the shakes; shifts as a part of the window."""

WHOLE, ALIGNED, CLOSE = 0, 1, 2
"""Numbers of the windows on a film: whole, canonical, and from there on the close-ups."""


class ReferenceWindow(NamedTuple):
    """A window [H, W] on a reference with a margin of ``MARGIN_PX``, and where points [n, 2] lie in it."""

    image: NDArray[np.float16]
    points_px: FloatArray

    @classmethod
    def on(cls, film: Float32, frame: Frame, size: Size, points_px: FloatArray) -> ReferenceWindow:
        """The window of this size into which ``frame`` takes the film and its points."""
        wide = frame.then(Frame(np.eye(2), np.full(2, float(MARGIN_PX))))
        margins = Size(size.width + 2 * MARGIN_PX, size.height + 2 * MARGIN_PX)
        image = wide.sample(film, margins).astype(np.float16)
        return cls(image, frame.to_window(points_px))

    @property
    def still(self) -> tuple[Float32, FloatArray]:
        """What the network gets [H, W], and the points."""
        inner = slice(MARGIN_PX, -MARGIN_PX)
        return standardise(self.image[inner, inner].astype(np.float32)), self.points_px

    def shaken(self, rng: np.random.Generator) -> tuple[Float32, FloatArray]:
        """The same, shifted, turned and scaled a little; points (NaN: unknown) that leave it are unknown."""
        size = Size(*(length - 2 * MARGIN_PX for length in self.image.shape[::-1]))
        angle, scale = rng.normal(0.0, TURN_RAD), np.exp(rng.normal(0.0, LOG_SCALE))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = (np.array(size) - 1) / 2
        move = Frame(scale * turn, middle + rng.normal(0.0, SHIFT * max(size), 2) - scale * turn @ middle)
        whole = Frame(np.eye(2), np.full(2, -float(MARGIN_PX))).then(move)
        affine = np.column_stack([whole.matrix, whole.offset])
        image = cv2.warpAffine(self.image.astype(np.float32), affine, size, flags=cv2.INTER_LINEAR)
        points_px = move.to_window(self.points_px)
        inside = np.asarray(((points_px >= 0.0) & (points_px <= 2 * middle)).all(1))
        return standardise(np.asarray(image, dtype=np.float32)), np.where(inside[:, None], points_px, np.nan)


def reference_windows(
    reference: Reference,
    mean: FloatArray,
    canonical: CanonicalWindow,
    close: Sequence[CloseUp],
    spots: Sequence[tuple[int, Group]],
    side: int,
) -> tuple[dict[int, ReferenceWindow], FloatArray]:
    """A reference's windows by number, and its points [N, 2] as parts of the film's width and height.

    Of the close-ups ``spots`` (level of ``close``, group) there are those that show more. The film as a whole
    is shown in a square of ``side`` pixels.
    """
    square = Size.square(side)
    film = normalise(reference.read_image())
    height, width = film.shape
    whole = Frame.letterbox((width, height), side)
    # Fitted in the window: a lone point, which has no size, is then shown as large as on the whole film.
    aligned = whole.then(fit_similarity(whole.to_window(reference.points_px), mean))
    aligned_px = aligned.to_window(reference.points_px)
    windows = {
        WHOLE: ReferenceWindow.on(film, whole, square, reference.points_px),
        ALIGNED: ReferenceWindow.on(film, aligned.then(canonical.frame), canonical.size, reference.points_px),
    }
    for n, (level, group) in enumerate(spots, start=CLOSE):
        if level < levels(aligned.scale):
            frame = close_frame(aligned, group, aligned_px, mean, close[level])
            windows[n] = ReferenceWindow.on(film, frame, close[level].size, reference.points_px[group.points])
    return windows, (reference.points_px + 0.5) / [width, height]


def looks(window: ReferenceWindow, shakes: int, seed: int) -> Iterator[tuple[Float32, FloatArray]]:
    """The window as it is and then ``shakes`` times shaken."""
    yield window.still
    rng = np.random.default_rng(seed)
    for _ in range(shakes):
        yield window.shaken(rng)
