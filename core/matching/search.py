"""Where on a film which view is shown, how large, turned or mirrored: looked for in windows of the film."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.matching.features import Encoded, Encoder, ViewFeatures, joined, known_points
from core.matching.frames import Frame, Size, standardise
from core.matching.heatmaps import Answers, fuse
from core.matching.locate import Pose, find_pose
from core.matching.parallel import Workers

Float32 = NDArray[np.float32]

LOCATING_REFERENCES = 5
"""References of a view that take part in finding view, handedness and pose."""

LIKELY = 6
"""Pairs of a view and a look at the film that are searched, the ones with the most similar codes."""

SIMILAR = 3
"""References of a view, the most similar ones, whose mean likeness is that of the view."""

PART = 0.5
"""Side of the parts, as a fraction of the film's longer side."""


@dataclass(frozen=True, eq=False)
class Found:
    """A pose of one view on the film or its mirror image.

    ``frame`` maps film to canonical window, ``window`` to the window in which the pose was found.
    ``likeness`` is that of the window as a whole and the view's films, ``support`` that of the pose (see
    ``locate.Pose``).
    """

    features: ViewFeatures
    window: Frame
    frame: Frame
    likeness: float
    support: float

    @property
    def promise(self) -> float:
        """How much speaks for the view and the pose before a closer look, 0..1."""
        return 0.5 * (self.support + max(self.likeness, 0.0))


def search(
    encoder: Encoder,
    workers: Workers,
    film: Float32,
    windows: Iterable[Frame],
    views: Sequence[ViewFeatures],
    impossible: Set[tuple[str, bool]],
) -> list[Found]:
    """Poses of the views that the windows most likely show, the most promising first.

    ``impossible`` are pairs of a view and a handedness (mirrored or not) to leave out.
    """
    square = Size.square(encoder.input_px)

    def look(window: Frame) -> tuple[Frame, Encoded]:
        return window, encoder.encode(standardise(window.sample(film, square)))

    looks = [
        (likeness(seen.code, view.whole_code), window, seen, view)
        for window, seen in workers.map(look, windows)
        for view in views
        if (view.view, window.mirrored) not in impossible
    ]
    likely = sorted(looks, key=lambda look: -look[0])[:LIKELY]
    found = workers.map(lambda look: _locate(encoder, *look), likely)
    return sorted(found, key=lambda item: -item.promise)


def likeness(code: Float32, codes: Float32) -> float:
    """How similar a film's code [D] is to the most similar of a view's codes [R, D]: -1..1."""
    return float(np.sort(codes @ code)[-SIMILAR:].mean())


def whole_window(film: Float32, window_px: int, *, mirrored: bool) -> Frame:
    """A square window that holds the whole film."""
    height, width = film.shape
    return Frame.letterbox((width, height), window_px, mirrored=mirrored)


def part_windows(film: Float32, window_px: int, *, mirrored: bool) -> list[Frame]:
    """Overlapping squares of ``PART`` of the film's longer side that show something."""
    height, width = film.shape
    side = PART * max(height, width)
    frames = []
    for centre_y in _centres(height, side):
        for centre_x in _centres(width, side):
            frames.append(Frame.square(np.array([centre_x, centre_y]), side, window_px, mirrored=mirrored))
    return frames


def best_of_each_look(found: Sequence[Found]) -> list[Found]:
    """The best pose of each view and handedness, the most promising first."""
    best: dict[tuple[str, bool], Found] = {}
    for item in sorted(found, key=lambda item: -item.promise):
        best.setdefault((item.features.view, item.frame.mirrored), item)
    return list(best.values())


def _locate(encoder: Encoder, alike: float, window: Frame, seen: Encoded, view: ViewFeatures) -> Found:
    take = _spread_over(len(view.keys), LOCATING_REFERENCES)
    answers = Answers.of(seen.coarse, seen.fine, encoder.scales)
    logits = answers.logits(joined(view.whole_coarse[take], view.whole_fine[take]))
    fused = fuse(logits, known_points(view.on_film[take]))
    pose = find_pose(fused, view.mean_px, encoder.strides[1])
    return Found(view, window, _canonical(window, pose), alike, pose.support)


def _canonical(window: Frame, pose: Pose) -> Frame:
    """Film to canonical window: through the whole-film window and back along the pose."""
    inverse = np.asarray(np.linalg.inv(pose.frame.matrix), dtype=np.float64)
    return window.then(Frame(inverse, -inverse @ pose.frame.offset))


def _centres(length: int, side: float) -> list[float]:
    if length <= side:
        return [(length - 1) / 2]
    low, high = side / 2, length - side / 2
    return [low, (low + high) / 2, high] if high - low > 0.3 * side else [low, high]


def _spread_over(count: int, wanted: int) -> NDArray[np.intp]:
    """Up to ``wanted`` indices spread evenly over 0..count-1."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(np.intp))
