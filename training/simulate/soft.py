"""Soft tissue around the bones: skin outline, fat under it, muscle, and casts around it."""

from __future__ import annotations

from collections.abc import Collection

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.simulate.scene import Camera, Capsule, Cast, FloatArray

Image = NDArray[np.float32]

_MERGE_MM2 = 9.0  # how far neighbouring soft parts flow into each other
_HOLLOW_MM = 18.0  # hollows of the soft tissue up to this width are filled
_HOLE_MM2 = 250.0  # closed pits of the body up to this area are filled
_HOLLOW_FROM_MM2 = 16.0  # and wholly so where the squared half thickness of a finger reaches this
_FINGER_MM = 12.0
_STEP = 4  # soft tissue is computed on every fourth pixel
_FAT = (0.73, 0.83)  # attenuation of fat relative to muscle, 30 to 45 keV (NIST XCOM coefficients, densities)
_FAT_DEPTH = (0.05, 0.28)  # depth of the fat under the skin, as a part of the limb's radius
_STREAKS = 0.035  # spread of muscle density from fascicles and the fat between them


@njit(cache=True)  # type: ignore[untyped-decorator]
def _soft_field(
    segments: FloatArray, rows: int, columns: int, step: int, merge: float
) -> tuple[Image, Image]:
    """Squared half thickness (mm2; negative outside) on every ``step``-th pixel, parts merged smoothly.

    Besides, the radius (mm) of the part that is thickest there.

    ``segments`` rows: start x, y, end x, y in pixels, start and end radius and pixels per mm.
    """
    field = np.empty((rows, columns), dtype=np.float32)
    radii = np.empty((rows, columns), dtype=np.float32)
    for i in range(rows):
        for j in range(columns):
            x, y = float(j * step), float(i * step)
            best, best_radius = -1e9, 0.0
            total = 0.0
            for s in range(segments.shape[0]):
                dx, dy = segments[s, 2] - segments[s, 0], segments[s, 3] - segments[s, 1]
                squared = dx * dx + dy * dy
                t = 0.0
                if squared > 0:
                    t = ((x - segments[s, 0]) * dx + (y - segments[s, 1]) * dy) / squared
                    t = min(1.0, max(0.0, t))
                scale = segments[s, 6] + t * (segments[s, 7] - segments[s, 6])
                ex = (x - segments[s, 0] - t * dx) / scale
                ey = (y - segments[s, 1] - t * dy) / scale
                radius = segments[s, 4] + t * (segments[s, 5] - segments[s, 4])
                value = (radius * radius - ex * ex - ey * ey) / merge
                if value > best:
                    total = total * np.exp(best - value) + 1.0
                    best, best_radius = value, radius
                elif value > best - 20.0:
                    total += np.exp(value - best)
            field[i, j] = merge * (best + np.log(total))
            radii[i, j] = best_radius
    return field, radii


def _fill_hollows(field: Image, radii: Image, cell_mm: float) -> Image:
    """Level narrow hollows inside the body, as muscle does between bones; the skin line stays."""
    field = _without_holes(field, cell_mm)
    reach = max(1, round(_HOLLOW_MM / 2 / cell_mm))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    gain = cv2.morphologyEx(np.maximum(field, 0.0), cv2.MORPH_CLOSE, disc) - np.maximum(field, 0.0)
    # A thick limb rises steeply from the skin, so that the fade must reach higher to span some cells.
    whole = _HOLLOW_FROM_MM2 * np.maximum(radii / _FINGER_MM, 1.0) ** 2
    depth = np.clip(field / whole, 0.0, 1.0)
    filled = cv2.GaussianBlur(gain * depth * depth * (3.0 - 2.0 * depth), (0, 0), max(0.6, reach / 3))
    # Fades to nothing at the skin line, which would otherwise step with the coarse grid.
    return np.asarray(field + filled * depth, dtype=np.float32)


def _without_holes(field: Image, cell_mm: float) -> Image:
    """Small closed pits and holes between the parts that the body is made of are raised to thin tissue."""
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(
        (field <= _HOLLOW_FROM_MM2).astype(np.uint8), connectivity=4
    )
    rows, columns = field.shape
    for index in range(1, count):
        x, y, width, height, area = boxes[index]
        inside = x > 0 and y > 0 and x + width < columns and y + height < rows
        if inside and area * cell_mm**2 < _HOLE_MM2:
            field = np.where(labels == index, np.float32(1.01 * _HOLLOW_FROM_MM2), field)
    return field


def soft_tissue(capsules: Collection[Capsule], camera: Camera) -> Image:
    """Thickness in mm [height, width] of the smooth envelope of tapered capsules."""
    if not capsules:
        return np.zeros((camera.height, camera.width), dtype=np.float32)
    return _thickness(_coarse_field(capsules, camera)[0], camera)


def soft_layer(capsules: Collection[Capsule], camera: Camera, rng: np.random.Generator) -> Image:
    """Path [height, width] through the envelope as mm of muscle: fat under the skin counts for less."""
    fat, depth = float(rng.uniform(*_FAT)), float(rng.uniform(*_FAT_DEPTH))
    coarse_noise = _streaks(rng, camera)
    if not capsules:
        return np.zeros((camera.height, camera.width), dtype=np.float32)
    field, radii = _coarse_field(capsules, camera)
    # A cylinder of radius R has the squared half chord R2 - d2, its core of radius R (1 - depth) less.
    core = np.asarray(field - radii**2 * (1.0 - (1.0 - depth) ** 2), dtype=np.float32)
    muscle = _thickness(core, camera)
    muscle *= 1.0 + coarse_noise
    return np.asarray(fat * _thickness(field, camera) + (1.0 - fat) * muscle, dtype=np.float32)


def cast_layer(cast: Cast, camera: Camera, rng: np.random.Generator) -> Image:
    """Path [height, width] through a cast as mm of muscle."""
    inner, outer = (
        soft_tissue([_grown(c, depth) for c in cast.capsules], camera)
        for depth in (cast.inner_mm, cast.outer_mm)
    )
    layer = np.maximum(outer - inner, 0.0) * cast.muscle_equivalent
    if cast.weave_mm > 0:
        angle, phase = rng.uniform(0.5, 1.0), rng.uniform(0, 2 * np.pi, 2)
        y, x = np.mgrid[0 : camera.height, 0 : camera.width].astype(np.float32) * camera.object_pixel_mm
        turns = 2 * np.pi / max(cast.weave_mm, 2.5 * camera.object_pixel_mm)
        across, along = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * x - np.sin(angle) * y
        layer *= 1.0 + 0.1 * (np.sin(turns * across + phase[0]) + np.sin(turns * along + phase[1]))
    layer *= 1.0 + _streaks(rng, camera)
    return np.asarray(layer, dtype=np.float32)


def _grown(capsule: Capsule, depth_mm: float) -> Capsule:
    return Capsule(
        capsule.start_mm, capsule.end_mm, capsule.start_radius_mm + depth_mm, capsule.end_radius_mm + depth_mm
    )


def _coarse_field(capsules: Collection[Capsule], camera: Camera) -> tuple[Image, Image]:
    """Squared half thickness and radius of the thickest part, in mm2 and mm, on every fourth pixel."""
    start = np.array([c.start_mm for c in capsules], dtype=np.float64)
    end = np.array([c.end_mm for c in capsules], dtype=np.float64)
    radii = np.array([(c.start_radius_mm, c.end_radius_mm) for c in capsules], dtype=np.float64)
    scales = [
        camera.source_detector_mm / (camera.source_object_mm + p[:, 2:]) / camera.pixel_mm
        for p in (start, end)
    ]
    segments = np.hstack([camera.project(start), camera.project(end), radii, *scales])
    rows, columns = -(-camera.height // _STEP) + 1, -(-camera.width // _STEP) + 1
    field, thickest = _soft_field(segments, rows, columns, _STEP, _MERGE_MM2)
    return _fill_hollows(field, thickest, _STEP * camera.object_pixel_mm), thickest


def _thickness(coarse: Image, camera: Camera) -> Image:
    """Thickness in mm at full size; its square is smooth at the skin and survives the coarse grid."""
    return np.asarray(
        2.0 * np.sqrt(np.maximum(_fine(coarse, camera, cv2.INTER_CUBIC), 0.0)), dtype=np.float32
    )


def _fine(coarse: Image, camera: Camera, interpolation: int) -> Image:
    x = np.arange(camera.width, dtype=np.float32) / _STEP
    y = np.arange(camera.height, dtype=np.float32) / _STEP
    grid_x, grid_y = np.meshgrid(x, y)
    fine = cv2.remap(coarse, grid_x, grid_y, interpolation, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(fine, dtype=np.float32)


def _streaks(rng: np.random.Generator, camera: Camera) -> Image:
    """Smooth relative density [height, width] at scales of 3 to 20 mm, mean 0."""
    rows, columns = -(-camera.height // _STEP) + 1, -(-camera.width // _STEP) + 1
    noise = np.zeros((rows, columns), dtype=np.float32)
    for scale_mm in (3.0, 8.0, 20.0):
        sigma = max(0.7, scale_mm / 2.5 / (_STEP * camera.object_pixel_mm))
        smooth = cv2.GaussianBlur(rng.standard_normal((rows, columns), dtype=np.float32), (0, 0), sigma)
        # A Gaussian blur of white noise has the spread 1 / (2 sqrt(pi) sigma).
        noise += smooth * np.float32(2 * np.sqrt(np.pi) * sigma * _STREAKS / np.sqrt(3.0))
    return _fine(noise, camera, cv2.INTER_LINEAR)
