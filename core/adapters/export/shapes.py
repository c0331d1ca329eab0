"""Construction lines as polylines inside the film, for objects that store graphics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from core.measure.results import Arc, Circle, MeasurementResult, Segment
from core.overlay_paint import clip_segment

_ARC_STEP_DEG = 5.0


def polylines(result: MeasurementResult, size_px: tuple[int, int]) -> Iterator[NDArray[np.float64]]:
    """Segments, arcs and circles of ``result`` as polylines [N, 2] (x, y) in film pixels.

    What lies outside the film of ``size_px`` (width, height) is cut off: stored graphics must not leave
    their image.
    """
    box = (-0.5, -0.5, size_px[0] - 0.5, size_px[1] - 0.5)
    for shape in result.shapes:
        if isinstance(shape, Segment):
            part = clip_segment(np.array(shape.start), np.array(shape.end), box)
            if part is not None:
                yield np.clip(np.stack(part), box[:2], box[2:])  # rounding may reach a hair beyond
        elif isinstance(shape, Arc | Circle):
            yield from _inside(_rim(shape), box)


def _rim(shape: Arc | Circle) -> NDArray[np.float64]:
    start, sweep = (shape.start_deg, shape.sweep_deg) if isinstance(shape, Arc) else (0.0, 360.0)
    count = max(3, int(np.ceil(abs(sweep) / _ARC_STEP_DEG)) + 1)
    turn = np.deg2rad(start + np.linspace(0.0, sweep, count))
    rim: NDArray[np.float64] = np.array(shape.centre) + shape.radius * np.stack(
        [np.cos(turn), np.sin(turn)], axis=1
    )
    return rim


def _inside(
    line: NDArray[np.float64], box: tuple[float, float, float, float]
) -> Iterator[NDArray[np.float64]]:
    """The runs of consecutive vertices inside ``box``."""
    low, high = np.array(box[:2]), np.array(box[2:])
    inside = np.all((line >= low) & (line <= high), axis=1)
    edges = np.flatnonzero(np.diff(inside.astype(np.int8))) + 1
    for run in np.split(np.arange(len(line)), edges):
        if len(run) > 1 and inside[run[0]]:
            yield line[run]
