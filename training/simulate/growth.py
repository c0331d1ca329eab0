"""Open growth plates, drawn into the projected image of one bone."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.simulate.raster import Window
from training.simulate.scene import Camera, GrowthPlate

Image = NDArray[np.float32]


def apply_growth_plate(
    mineral: Image, plate: GrowthPlate, camera: Camera, window: Window, rng: np.random.Generator
) -> Image:
    """Cut one open physis into a bone's mineral path and narrow the epiphysis beyond it.

    ``mineral`` [rows, columns] is the bone inside ``window``; a new image comes back. In millimetres
    of the object, u runs from the plate towards the epiphysis and v across it. The band |u| < gap/2,
    curved and slightly wavy, loses most of its mineral; a thin dense line (provisional calcification)
    borders it on the side of the shaft. Nothing changes where the plate is seen end on.
    """
    wave = rng.normal(0.0, 1.0, 4)
    loss = rng.uniform(0.85, 0.95)
    bow = rng.normal(0.0, 0.06)
    centre = np.asarray(plate.centre_mm, dtype=np.float64)
    axis = np.asarray(plate.axis, dtype=np.float64) / np.linalg.norm(plate.axis)
    middle, beyond = camera.project(np.stack([centre, centre + axis]))
    scale = camera.source_detector_mm / (camera.source_object_mm + centre[2]) / camera.pixel_mm
    foreshortened = float(np.hypot(*(beyond - middle))) / scale
    if foreshortened < 0.3 or plate.gap_mm <= 0:
        return mineral
    ux, uy = (beyond - middle) / (foreshortened * scale)
    rows, columns = mineral.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    dx, dy = (x - (middle[0] - window.x0)) / scale, (y - (middle[1] - window.y0)) / scale
    u, v = dx * ux + dy * uy, dx * uy - dy * ux

    at_plate = (np.abs(u) < 0.5 * plate.gap_mm + 1.0) & (mineral > 0.05 * mineral.max())
    if not at_plate.any():
        return mineral
    low, high = float(v[at_plate].min()), float(v[at_plate].max())
    half = max((high - low) / 2, 0.5)
    across = (v - (low + high) / 2) / half  # -1 to 1 over the plate's width

    # A plate tilted against the rays is smeared over its depth.
    tilt = np.sqrt(max(0.0, 1.0 - foreshortened**2))
    soft_mm = 0.25 + 0.5 * camera.object_pixel_mm + 0.5 * tilt * half
    u = u + half * bow * (1 - 2 * across**2)
    u = u + 0.02 * half * (
        wave[0] * np.sin(3.1 * across + wave[1]) + 0.6 * wave[2] * np.sin(6.7 * across + wave[3])
    )
    half_gap = 0.5 * plate.gap_mm * foreshortened

    result = _narrowed(
        mineral, u, v, across, half, half_gap, plate.epiphysis_width, (float(ux), float(uy)), scale
    )
    open_band = _step((u + half_gap) / soft_mm) * _step((half_gap - u) / soft_mm)
    line_mm = 0.35 + 0.4 * camera.object_pixel_mm
    line = np.exp(-(((u + half_gap + line_mm) / line_mm) ** 2))
    rim = np.exp(-(((u - half_gap - line_mm) / line_mm) ** 2))
    return np.asarray(result * (1 - loss * open_band) * (1 + 0.3 * line + 0.15 * rim), dtype=np.float32)


def _narrowed(
    mineral: Image,
    u: Image,
    v: Image,
    across: Image,
    half: float,
    half_gap: float,
    width: float,
    direction: tuple[float, float],
    scale: float,
) -> Image:
    """The bone with the part beyond the gap squeezed across its axis to ``width`` of its adult width."""
    if width >= 0.995:
        return mineral
    beyond = (u > half_gap) & (mineral > 0)
    if not beyond.any():
        return mineral
    rows, columns = mineral.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    # Sampling v / width instead of v moves each pixel across the axis only.
    shift = across * half * (1.0 / max(width, 0.05) - 1.0) * scale
    ux, uy = direction
    squeezed = cv2.remap(
        mineral, (x + shift * uy).astype(np.float32), (y - shift * ux).astype(np.float32), cv2.INTER_LINEAR
    )
    # A small epiphysis is a rounded centre of ossification that has not reached the edges yet.
    end = float(np.percentile(u[beyond], 99.5))
    middle, reach = (half_gap + end) / 2, max((end - half_gap) / 2, 0.5)
    ellipse = (np.abs((u - middle) / reach)) ** 2.5 + (np.abs(across) / width / 1.15) ** 2.5
    rounded = _step((1.08 - ellipse) * 4.0)
    rounding = min(1.0, (1.0 - width) * 4.0)
    squeezed = squeezed * (width * (1.0 - rounding + rounding * rounded))
    side = _step((u - half_gap * 0.5) / 0.5)
    return np.asarray(mineral * (1 - side) + squeezed * side, dtype=np.float32)


def _step(x: Image) -> Image:
    """Smooth step from 0 to 1, half at 0 and complete at -1 and 1."""
    t = np.clip(0.5 + 0.5 * x, 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)
