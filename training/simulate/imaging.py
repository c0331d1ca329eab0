"""From path lengths to the grey values of a film: exposure, detector, processing and what else lies on it.

One chain serves two ends. At strength 1 it imitates radiographs as systems deliver them; above that
it leaves what a real system would do, so that a network cannot rely on any one look.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from core.film import Side
from training.simulate.overlays import (
    Collimation,
    Patch,
    Text,
    draw_overlays,
    random_overlays,
    readable,
    side_letter,
)
from training.simulate.render import Layers

Image = NDArray[np.float32]

_TABLE = 4096
_BLACK = np.float32(0.5 / 255)  # what a film of eight bits does not tell from black
_ABOUT, _BURNT = 0.01, 0.95  # how far about a point, as a part of the longer side, and how much of that
_LIMB_MM, _TRUNK_MM = 70.0, 150.0  # body thickness up to which a film is of a limb, from which of the trunk


@dataclass(frozen=True)
class Exposure:
    """Everything random about one film except the noise itself. Lengths are fractions of the longer side.

    Physics: ``bone_per_mm`` and ``soft_per_mm`` attenuate, ``hardening`` (per unit of attenuation)
    lowers the slope of thick parts, ``scatter`` is the scattered part of the dose and
    ``scatter_width`` its spread, ``quantum_noise`` the relative noise of the open beam, ``blur_px``
    the detector's blur. Processing: ``detail`` weighs three bands of detail from fine to coarse,
    ``window`` says what becomes black (a fraction of the way from open air to white) and white (a
    percentile of the body), ``background`` and ``ceiling`` are the greys of these two, ``gamma``,
    ``sigmoid`` and ``curve`` (rises of equal steps) shape the grey scale between.
    Disturbance: ``field_multiply``, ``field_add`` amplitudes of smooth fields, ``vignette``,
    ``streaks`` of the film transport, ``noise`` and ``salt`` after processing, ``resample`` the factor
    of a coarse intermediate image, ``inverted`` polarity. ``grid`` gives the lines of a scatter grid that
    stood still, or their beat with the detector: relative amplitude, period in pixels, direction in degrees.
    ``equalise`` is the part of the coarse differences of thickness that the processing takes away from
    films of the trunk, on which background and ceiling are darker too. Also of the trunk alone: ``faint`` is
    the part of the bones' contrast that is lost there, ``organs`` the relative amplitude of soft tissue that
    the body does not have (bowel, vessels, breasts), ``gas`` the largest depth of bubbles in it, in mm, and
    ``soften`` what all bands of detail lose.
    """

    bone_per_mm: float
    soft_per_mm: float
    hardening: float
    scatter: float
    scatter_width: float
    quantum_noise: float
    blur_px: float
    detail: tuple[float, float, float]
    window: tuple[float, float]
    background: float
    ceiling: float
    gamma: float
    sigmoid: float
    curve: tuple[float, ...]
    field_multiply: float
    field_add: float
    vignette: float
    streaks: float
    noise: float
    salt: float
    resample: float
    inverted: bool
    collimation: Collimation | None
    patches: tuple[Patch, ...]
    texts: tuple[Text, ...]
    grid: tuple[float, float, float] = (0.0, 8.0, 0.0)
    equalise: float = 0.0
    faint: float = 0.0
    organs: float = 0.0
    gas: float = 0.0
    soften: float = 0.0

    def readable(self, points_px: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
        """Which points [N, 2] of a film of this ``size`` (width, height) a reader could set."""
        return readable(points_px, self.collimation, self.patches, self.texts, size)


def random_exposure(rng: np.random.Generator, strength: float = 1.0) -> Exposure:
    """Draw one exposure: 0 is a plain clean film, 1 the range of real systems, 2 far beyond it.

    ValueError if ``strength`` is negative.
    """
    if strength < 0:
        raise ValueError(f"The strength of randomisation must not be negative, not {strength}.")
    beyond = max(0.0, strength - 1.0)
    within = min(1.0, strength)

    def sometimes(chance: float, low: float, high: float) -> float:
        """Uniform with this chance (scaled by the strength), else zero; both draws always happen."""
        happens, value = rng.random() < chance * min(strength, 1.5), rng.uniform(low, high)
        return float(value) if happens else 0.0

    # Film sets digitised with open air in mid-grey, against processed films with a black background.
    grey_air = rng.random() < 0.45 * within
    lifted, low = rng.uniform(0.22, 0.48), rng.uniform(0.0, 0.12)
    background = float(lifted if grey_air else low * within)
    detail_sd = 0.35 * within + 0.7 * beyond
    spread = 0.28 * within + 0.25 * beyond
    collimation, patches, texts = random_overlays(rng, strength)
    return Exposure(
        bone_per_mm=float(0.055 * np.exp(rng.normal(0, 0.3 * within + 0.2 * beyond))),
        soft_per_mm=float(0.028 * np.exp(rng.normal(0, 0.2 * within + 0.2 * beyond))),
        hardening=float(rng.uniform(0.0, 0.25) * within),
        scatter=float(rng.uniform(0.02, 0.3) * within),
        scatter_width=float(rng.uniform(0.05, 0.2)),
        quantum_noise=float(np.exp(rng.uniform(np.log(0.001), np.log(0.008 + 0.02 * beyond))) * within),
        blur_px=float(rng.uniform(0.2, 0.3 + 0.85 * within + 0.7 * beyond)),
        detail=tuple(
            max(-0.3, float(v))
            for v in rng.normal([0.25, 0.15, 0.05], [detail_sd, detail_sd, 0.5 * detail_sd])
        ),  # type: ignore[arg-type]
        window=(
            float(rng.choice([rng.uniform(-0.04, 0.02), rng.uniform(0.0, 0.2)], p=[0.7, 0.3]) * within),
            float(100 - rng.uniform(0.0, 2.0) * within),
        ),
        background=background,
        ceiling=float(1.0 - max(0.0, rng.uniform(-0.2, 0.3)) * within),
        gamma=float(np.clip(np.exp(rng.normal(-0.1, spread)), 0.4, 2.5)),
        sigmoid=float(max(0.0, rng.normal(1.0, 1.5))) * within,
        curve=tuple(float(v) for v in np.exp(rng.normal(0, 0.15 * within + 0.4 * beyond, 6))),
        field_multiply=float(rng.uniform(0, 0.05) * within + rng.uniform(0, 0.25) * beyond),
        field_add=float(rng.uniform(0, 0.015) * within + rng.uniform(0, 0.12) * beyond),
        vignette=sometimes(0.3, -0.15, 0.15),
        streaks=sometimes(0.3, 0.003, 0.02),
        noise=float(rng.uniform(0, 0.01) * within + rng.uniform(0, 0.07) * beyond),
        salt=sometimes(0.15 * beyond, 0.0, 0.01),
        resample=1.0 + sometimes(0.1 + 0.2 * beyond, 0.0, 1.5),
        inverted=bool(rng.random() < 0.05 * beyond),
        collimation=collimation,
        patches=patches,
        texts=texts,
        grid=_random_grid(rng, min(strength, 1.5)),
        equalise=float(rng.uniform(0.0, 0.7)),
        faint=float(rng.uniform(0.0, 0.6) * within + 0.3 * beyond),
        organs=float(rng.uniform(0.0, 0.07) * within + rng.uniform(0.0, 0.2) * beyond),
        gas=sometimes(0.6, 5.0, 40.0),
        soften=float(rng.uniform(0.0, 0.7) * within),
    )


def _random_grid(rng: np.random.Generator, share: float) -> tuple[float, float, float]:
    seen, amplitude, period = rng.random() < 0.12 * share, rng.uniform(0.004, 0.025), rng.uniform(2.2, 14.0)
    direction = float(rng.choice([0.0, 90.0]) + rng.normal(0.0, 1.0))
    return (float(amplitude) if seen else 0.0, float(period), direction)


def with_side_letter(exposure: Exposure, side: Side | None) -> Exposure:
    """The exposure with side letters (L, R, LI, RE, G, D) that tell the truth about ``side``.

    On a film of both sides the patient's left lies on the image right. None leaves no side letter.
    """

    def lettered(text: Text) -> Text:
        here = side
        if side is Side.BOTH:
            here = Side.LEFT if text.x >= 0.5 else Side.RIGHT
        return replace(text, text=side_letter(text.text, here))

    return replace(exposure, texts=tuple(lettered(text) for text in exposure.texts))


def develop(layers: Layers, exposure: Exposure, rng: np.random.Generator) -> Image:
    """The film [H, W] in 0..1, bone bright (unless inverted). ``rng`` draws noise and smooth fields only."""
    e = exposure
    rows, columns = layers.bone.shape
    longer = max(rows, columns)
    thick = _thickness(layers)
    trunk = float(np.clip((thick - _LIMB_MM) / (_TRUNK_MM - _LIMB_MM), 0.0, 1.0))
    mineral = layers.bone * np.float32(1.0 - trunk * e.faint)
    if layers.metal is not None:
        mineral += layers.metal
    soft = _with_organs(layers.soft, e, rng, trunk) if trunk > 0 and e.organs + e.gas > 0 else layers.soft
    # Thick parts are exposed with a harder beam.
    beam = (_LIMB_MM / max(thick, _LIMB_MM)) ** 0.25
    attenuation = mineral * np.float32(e.bone_per_mm * beam) + soft * np.float32(e.soft_per_mm * beam)
    if e.hardening > 0:
        attenuation /= 1 + np.float32(e.hardening * beam**4) * attenuation
    dose = np.exp(-attenuation)
    behind = float(np.exp(-np.median(attenuation[layers.soft > 0]))) if thick > 0 else 1.0
    if e.scatter > 0:
        # Radiation scattered once leaves in proportion to what was stopped and gets through as the beam does.
        dose += np.float32(1.4 * e.scatter) * _wide_blur(attenuation * dose, e.scatter_width * longer)
    if e.grid[0] > 0:
        dose *= 1 + _grid_lines(rows, columns, e.grid)
    if e.quantum_noise > 0:
        # The automatic exposure keeps the dose behind the body, so that open air gets more of it.
        noise = e.quantum_noise * np.sqrt(min(1.0, behind / 0.4))
        dose += _noise(rng, dose.shape) * np.sqrt(dose) * np.float32(noise)
    if e.blur_px > 0.15:
        dose = _blur(dose, e.blur_px)
    density = -np.log(np.maximum(dose, np.float32(min(1e-3, 0.03 * behind))))
    if trunk * e.equalise > 0.02:
        coarse = _wide_blur(density, 0.1 * longer)
        density -= np.float32(trunk * e.equalise) * (coarse - coarse.mean())
    density = _sharpen(density, tuple(max(-0.75, band - trunk * e.soften) for band in e.detail), longer)

    picture = _window(density, layers, e.window, trunk)
    if e.field_multiply > 0 or e.vignette != 0:
        picture *= (
            1
            + _field(rng, (rows, columns)) * np.float32(e.field_multiply)
            + _vignette(rows, columns, e.vignette)
        )
    picture = _through_table(
        picture, _grey_table(e, e.background * (1.0 - 0.95 * trunk), e.ceiling - 0.12 * trunk)
    )
    if e.field_add > 0:
        picture += _field(rng, (rows, columns)) * np.float32(e.field_add)
    if e.streaks > 0:
        picture += _streaks(rng, columns) * np.float32(e.streaks)
    draw_overlays(picture, e.collimation, e.patches, e.texts)
    if e.resample > 1.05:
        small = (max(8, round(columns / e.resample)), max(8, round(rows / e.resample)))
        picture = cv2.resize(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), (columns, rows))
    if e.noise > 0:
        picture += _noise(rng, picture.shape) * np.float32(e.noise)
    if e.salt > 0:
        count = int(e.salt * picture.size)
        picture.flat[rng.integers(0, picture.size, count)] = rng.integers(0, 2, count)
    np.clip(picture, 0.0, 1.0, out=picture)
    return np.asarray(1.0 - picture if e.inverted else picture, dtype=np.float32)


def exposed(image: Image, points_px: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points [N, 2] of a film [H, W] of 0..1 do not lie where all about them is black, burnt out.

    Points beyond the film's edges count as if they lay on them.
    """
    rows, columns = image.shape
    side = 2 * round(_ABOUT * max(rows, columns)) + 1
    black = cv2.blur((image <= _BLACK).astype(np.float32), (side, side), borderType=cv2.BORDER_REPLICATE)
    x, y = np.clip(np.rint(points_px).astype(np.intp), 0, np.array([columns, rows]) - 1).T
    return np.asarray(black[y, x] < _BURNT)


def _noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    return rng.standard_normal(shape, dtype=np.float32)


def _blur(image: Image, sigma: float) -> Image:
    return np.asarray(
        cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), dtype=np.float32
    )


def _wide_blur(image: Image, sigma: float) -> Image:
    """Gaussian blur, computed on a smaller image where the blur is wide enough to allow it."""
    factor = int(min(16, sigma // 2))
    if factor < 2:
        return _blur(image, sigma)
    rows, columns = image.shape
    small = (max(2, columns // factor), max(2, rows // factor))
    coarse = _blur(cv2.resize(image, small, interpolation=cv2.INTER_AREA), sigma / factor)
    return np.asarray(cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _sharpen(density: Image, weights: tuple[float, ...], longer: int) -> Image:
    """Add weighted bands of detail (finer than 0.4 %, 1.6 % and 6 % of the longer side)."""
    # The bands are differences of neighbouring blurs: each blur's own weight is the step between two bands.
    steps = np.diff([0.0, *weights, 0.0])
    result = density * np.float32(1 + steps[0])
    for step, share in zip(steps[1:], (0.004, 0.016, 0.064), strict=True):
        coarse = _wide_blur(density, max(0.6, share * longer))
        cv2.scaleAdd(coarse, float(step), result, result)
    return result


def _with_organs(soft: Image, e: Exposure, rng: np.random.Generator, trunk: float) -> Image:
    """The path through soft tissue [H, W] with random masses and bubbles of gas in it."""
    size = soft.shape[::-1]
    octaves = [
        cv2.resize(rng.standard_normal((n, n), dtype=np.float32), size, interpolation=cv2.INTER_CUBIC)
        for n in rng.integers([3, 6, 12, 28], [6, 12, 28, 64])
    ]
    masses = octaves[0] + 0.7 * octaves[1] + 0.5 * octaves[2] + 0.35 * octaves[3]
    filled = soft * (1 + np.float32(trunk * e.organs) * masses)
    if e.gas > 0:
        bubbles = np.clip((octaves[1] + 0.5 * octaves[2] - 1.3) * 2.5, 0.0, 1.0)
        filled -= np.float32(trunk * e.gas) * bubbles
    return np.asarray(np.maximum(filled, 0.0), dtype=np.float32)


def _thickness(layers: Layers) -> float:
    """Thickness of the body in mm that nine tenths of it stay below; 0 without a body."""
    step = max(1, max(layers.soft.shape) // 128)
    soft = layers.soft[::step, ::step]
    body = soft[soft > 0]
    return float(np.percentile(body, 90)) if body.size >= 16 else 0.0


def _window(density: Image, layers: Layers, window: tuple[float, float], trunk: float) -> Image:
    """Scale the densities so that the two ends of the window (see ``Exposure``) become 0 and 1.

    On films of the trunk (``trunk`` 1, limbs 0) black begins not at the air but at the body's thin parts.
    """
    step = max(1, max(density.shape) // 128)
    sample = density[::step, ::step]
    covered = (layers.soft[::step, ::step] > 0) | (layers.bone[::step, ::step] > 0)
    air = ~covered
    if layers.metal is not None:  # metal decides neither end of the grey scale
        dense = layers.metal[::step, ::step] > 0
        covered, air = covered & ~dense, air & ~dense
    body, outside = sample[covered], sample[air]
    high = float(np.percentile(body if body.size >= 16 else sample, window[1]))
    # Nearly all of the air lies below black, where the grey scale is straight: a curve that rises steeply
    # from black would otherwise show faint scatter as a contour.
    low = float(np.percentile(outside, 97.0) if outside.size >= 16 else np.percentile(sample, 1.0))
    if trunk > 0 and body.size >= 16:
        low += 0.9 * trunk * max(0.0, float(np.percentile(body, 10.0)) - low)
    low += window[0] * (high - low)
    return (density - np.float32(low)) * np.float32(1.0 / max(high - low, 1e-3))


def _grey_table(e: Exposure, background: float, ceiling: float) -> Image:
    """Grey value for windowed densities from -0.25 to 1.25: gamma, sigmoid, curve, and both ends."""
    x = np.linspace(-0.25, 1.25, _TABLE)
    y = np.clip(x, 0.0, 1.0) ** e.gamma
    if e.sigmoid > 0.05:
        curve = 1 / (1 + np.exp(-e.sigmoid * (2 * y - 0.9)))
        ends = 1 / (1 + np.exp(-e.sigmoid * np.array([-0.9, 1.1])))
        y = (curve - ends[0]) / (ends[1] - ends[0])
    rises = np.concatenate([[0.0], np.cumsum(e.curve)])
    y = np.interp(y, np.linspace(0, 1, rises.size), rises / rises[-1])
    # Below the density of air (over-exposed) the film may still get darker than its background.
    y = background + (max(ceiling, background + 0.3) - background) * y + np.minimum(x, 0.0) * 0.8
    return np.asarray(y, dtype=np.float32)


def _through_table(picture: Image, table: Image) -> Image:
    index = (picture + np.float32(0.25)) * np.float32((_TABLE - 1) / 1.5)
    np.clip(index, 0, _TABLE - 1, out=index)
    return np.asarray(table[index.astype(np.int32)], dtype=np.float32)


def _field(rng: np.random.Generator, shape: tuple[int, int]) -> Image:
    """Smooth random field [H, W] of mean 0 and standard deviation of about 0.7."""
    cells = int(rng.integers(3, 7))
    coarse = rng.standard_normal((cells, cells), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _vignette(rows: int, columns: int, amount: float) -> Image:
    y = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, columns, dtype=np.float32)[None, :]
    return np.float32(-amount) * (x * x + y * y)


def _grid_lines(rows: int, columns: int, grid: tuple[float, float, float]) -> Image:
    """Parallel lines [H, W] of the given amplitude, period in pixels and direction in degrees."""
    amplitude, period, direction = grid
    turn = np.deg2rad(direction)
    x = np.arange(columns, dtype=np.float32)[None, :] * np.float32(2 * np.pi * np.cos(turn) / period)
    y = np.arange(rows, dtype=np.float32)[:, None] * np.float32(2 * np.pi * np.sin(turn) / period)
    return np.asarray(np.float32(amplitude) * np.sin(x + y), dtype=np.float32)


def _streaks(rng: np.random.Generator, columns: int) -> Image:
    """Lines along the transport direction [1, W]: broad and narrow bands of unit spread."""
    broad = np.interp(np.arange(columns), np.linspace(0, columns, 24), rng.standard_normal(24))
    narrow = np.where(rng.random(columns) < 0.05, rng.standard_normal(columns) * 1.5, 0.0)
    return (broad + narrow).astype(np.float32)[None, :]
