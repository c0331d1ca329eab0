"""Random smooth deformations of an image that carry its points along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
_WAVES = 5
_MAX_STRAIN = 0.45  # keeps the deformation free of folds and its inverse iteration contracting


@dataclass(frozen=True)
class Warp:
    """A map from input pixels to output pixels: an affine map followed by a smooth displacement.

    ``affine`` [2, 3] takes input (x, y) to intermediate (x, y). The output pixel q shows the
    intermediate position q + d(q), where d sums plane waves: ``waves`` [K, 3] holds kx, ky (radians
    per pixel) and phase, ``amplitude`` [K, 2] the displacement in x and y in pixels.
    """

    affine: FloatArray
    waves: FloatArray
    amplitude: FloatArray
    size: tuple[int, int]

    def image(
        self,
        array: NDArray[np.float32] | NDArray[np.uint8],
        out_size: tuple[int, int] | None = None,
        border: float = 0.0,
        interpolation: int = cv2.INTER_LINEAR,
    ) -> NDArray[np.float32] | NDArray[np.uint8]:
        """The image resampled on ``out_size`` (width, height) pixels, by default the size of the warp.

        Output pixel (0, 0) is the same for every ``out_size``, which only sets the canvas. ``border`` is
        the grey value outside the input.
        """
        width, height = out_size or self.size
        kx, ky, phase = self.waves.T
        x, y = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)
        angle_x, angle_y = np.outer(kx, x), np.outer(ky, y) + phase[:, None]
        right = np.vstack([np.sin(angle_x), np.cos(angle_x)]).astype(np.float32)
        left = np.hstack([np.cos(angle_y).T, np.sin(angle_y).T]).astype(np.float32)
        twice = np.tile(self.amplitude, (2, 1)).astype(np.float32)
        shown_x = x.astype(np.float32)[None, :] + (left * twice[:, 0]) @ right
        shown_y = y.astype(np.float32)[:, None] + (left * twice[:, 1]) @ right
        inverse = cv2.invertAffineTransform(self.affine).astype(np.float32)
        map_x = inverse[0, 0] * shown_x + inverse[0, 1] * shown_y + inverse[0, 2]
        map_y = inverse[1, 0] * shown_x + inverse[1, 1] * shown_y + inverse[1, 2]
        shown = cv2.remap(
            array, map_x, map_y, interpolation, borderMode=cv2.BORDER_CONSTANT, borderValue=border
        )
        return cast(NDArray[np.float32] | NDArray[np.uint8], shown)

    def displacement(self, xy: FloatArray) -> FloatArray:
        """d(q) in pixels [N, 2] at output points [N, 2]."""
        return np.asarray(np.sin(xy @ self.waves[:, :2].T + self.waves[:, 2]) @ self.amplitude)

    def points(self, xy: FloatArray) -> FloatArray:
        """Output positions [N, 2] of input points [N, 2], consistent with ``image`` to 0.001 px."""
        target = np.asarray(xy, dtype=np.float64) @ self.affine[:, :2].T + self.affine[:, 2]
        found = target
        for _ in range(40):  # the strain is below _MAX_STRAIN, so every turn gains a factor of two
            step = target - self.displacement(found) - found
            found = found + step
            if step.size == 0 or np.abs(step).max() < 1e-4:
                break
        return found


def random_warp(
    rng: np.random.Generator,
    size: tuple[int, int],
    log_scale_sd: float,
    shift_sd: float,
    rotation_deg_sd: float,
    shear_sd: float,
    smooth_px: float,
) -> Warp:
    """A random warp about the centre of an image of ``size`` (width, height) in pixels.

    ``log_scale_sd`` is the spread of the logarithm of the common scale; the two axes differ by 0.4 of
    it besides. ``shift_sd`` is in pixels, ``shear_sd`` a slope, ``smooth_px`` the spread of the smooth
    displacement (reduced where it would fold the image).
    """
    width, height = size
    common = rng.normal(0.0, log_scale_sd)
    unequal = rng.normal(0.0, 0.4 * log_scale_sd, 2)
    scale = np.diag(np.exp(common + unequal))
    angle = np.deg2rad(rng.normal(0.0, rotation_deg_sd))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[1.0, rng.normal(0.0, shear_sd)], [0.0, 1.0]]) @ scale
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = rng.normal(0.0, shift_sd, 2)
    affine = np.hstack([linear, (centre + shift - linear @ centre)[:, None]])
    wavelength = max(width, height) * rng.uniform(0.4, 1.6, _WAVES)
    heading = rng.uniform(0, 2 * np.pi, _WAVES)
    number = 2 * np.pi / wavelength
    waves = np.stack(
        [number * np.cos(heading), number * np.sin(heading), rng.uniform(0, 2 * np.pi, _WAVES)], axis=1
    )
    amplitude = rng.normal(0.0, 1.0, (_WAVES, 2)) * smooth_px * np.sqrt(2.0 / _WAVES)
    strain = float(np.sum(number * np.linalg.norm(amplitude, axis=1)))
    if strain > _MAX_STRAIN:
        amplitude *= _MAX_STRAIN / strain
    return Warp(affine=affine, waves=waves, amplitude=amplitude, size=size)
