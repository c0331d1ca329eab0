"""How simulated films differ from real ones: ``python -m training.simulate.realism --view KEY --films DIR``.

DIR holds real films of that view (DICOM or images). Prints, for both sets at the same size, quantiles
of the grey values and the power of detail by octave of spatial frequency (of the film scaled to unit
spread), as mean and spread over films, and the difference of the means in spreads of the real set.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.adapters.dicom import read_film
from core.film import apply_window
from training.simulate.anatomy import anatomy_dir
from training.simulate.cases import simulate_film
from training.simulate.views import VIEW_KEYS, scene_makers

Image = NDArray[np.float32]

STREAM = 90_004
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_FILM_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm"})


def octaves(side_px: int) -> list[tuple[float, float]]:
    """Bands of spatial frequency in cycles per pixel, from the finest (0.25 to 0.5) down to 4 a film."""
    bands, high = [], 0.5
    while high * side_px > 4:
        bands.append((high / 2, high))
        high /= 2
    return bands


def detail_power(image: Image) -> NDArray[np.float64]:
    """Power [bands] in decibels, per mode, of the film scaled to mean 0 and spread 1, by octave."""
    rows, columns = image.shape
    window = np.hanning(rows)[:, None] * np.hanning(columns)[None, :]
    scaled = (image - image.mean()) / max(float(image.std()), 1e-6)
    power = np.abs(np.fft.fft2(scaled * window)) ** 2 / (window**2).sum()
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns)[None, :])
    bands = octaves(max(rows, columns))
    return np.array(
        [10 * np.log10(power[(frequency >= a) & (frequency < b)].mean() + 1e-12) for a, b in bands]
    )


def figures(films: Iterable[Image]) -> NDArray[np.float64]:
    """Grey quantiles and power by octave of every film: [films, quantiles + bands]."""
    return np.array([np.concatenate([np.quantile(f, QUANTILES), detail_power(f)]) for f in films])


def real_films(folder: Path, side_px: int, limit: int) -> list[Image]:
    """Up to ``limit`` films of a folder, 0..1, longer side ``side_px``. FileNotFoundError if it has none."""
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in _FILM_SUFFIXES)
    if not paths:
        raise FileNotFoundError(f"{folder}: no films")
    films = []
    for path in paths[:: max(1, len(paths) // limit)][:limit]:
        film = read_film(path)
        grey = apply_window(film.pixels, film.windows[0]).astype(np.float32) / 255
        scale = side_px / max(grey.shape)
        size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
        films.append(np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.float32))
    return films


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--view", required=True, choices=VIEW_KEYS, metavar="KEY")
    parser.add_argument("--films", type=Path, required=True)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--side-px", type=int, default=512)
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--anatomy", type=Path)
    args = parser.parse_args()
    make = scene_makers(anatomy_dir(args.anatomy))[args.view]
    simulated = figures(
        simulate_film(make, np.random.default_rng([STREAM, i]), args.side_px, i, strength=args.strength).image
        for i in range(args.count)
    )
    real = figures(real_films(args.films, args.side_px, args.count))
    names = [f"grey at {q:.0%}" for q in QUANTILES]
    names += [f"{a:.4f}-{b:.4f} cycles/px, dB" for a, b in octaves(args.side_px)]
    print(f"{'':32} {'real':>15} {'simulated':>15} {'difference':>11}")
    for name, r, s in zip(names, real.T, simulated.T, strict=True):
        off = (s.mean() - r.mean()) / max(float(r.std()), 1e-6)
        print(f"{name:32} {r.mean():7.2f} ±{r.std():6.2f} {s.mean():7.2f} ±{s.std():6.2f} {off:9.1f} sd")


if __name__ == "__main__":
    main()
