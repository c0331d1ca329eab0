"""A camera that shows a chosen box of the scene on a film."""

from __future__ import annotations

import numpy as np

from training.simulate.scene import Camera, FloatArray, Scene


def framed(
    box_mm: tuple[float, float, float, float],
    side_px: int,
    source_detector_mm: float,
    object_detector_mm: float,
) -> Camera:
    """A camera whose film is just filled by a box of the plane z = 0.

    ``box_mm`` is (left, top, right, bottom) in scene millimetres; the central ray stays at the scene's
    origin, which may lie off the film's middle. ``side_px`` is the longer side of the film.
    ``object_detector_mm`` is the distance from the plane z = 0 to the detector. ValueError for an empty
    box.
    """
    left, top, right, bottom = box_mm
    if right <= left or bottom <= top:
        raise ValueError(f"The box to frame is empty: {box_mm}.")
    object_pixel = max(right - left, bottom - top) / side_px
    width, height = (max(8, round(v / object_pixel)) for v in (right - left, bottom - top))
    source_object = source_detector_mm - object_detector_mm
    return Camera(
        source_detector_mm=source_detector_mm,
        source_object_mm=source_object,
        pixel_mm=object_pixel * source_detector_mm / source_object,
        width=width,
        height=height,
        centre_x=-left / object_pixel - 0.5,
        centre_y=-top / object_pixel - 0.5,
    )


def points_box(
    scene: Scene, source_detector_mm: float, object_detector_mm: float
) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest x and y [2] of a scene's points on a film, in mm of the plane z = 0."""
    plain = framed((-50.0, -50.0, 50.0, 50.0), 100, source_detector_mm, object_detector_mm)
    marks = np.array(list(scene.project_points(plain).values())) - [plain.centre_x, plain.centre_y]
    return marks.min(axis=0), marks.max(axis=0)


def box_around(
    points_mm: FloatArray, margins_mm: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """The (left, top, right, bottom) box of points [N, 2 or 3] with free margins in the same order."""
    low, high = points_mm[:, :2].min(axis=0), points_mm[:, :2].max(axis=0)
    left, top, right, bottom = margins_mm
    return float(low[0] - left), float(low[1] - top), float(high[0] + right), float(high[1] + bottom)


def random_margins(
    rng: np.random.Generator, low_mm: float, high_mm: float
) -> tuple[float, float, float, float]:
    """Four independent margins between two lengths."""
    a, b, c, d = rng.uniform(low_mm, high_mm, 4)
    return float(a), float(b), float(c), float(d)
