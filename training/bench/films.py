"""Films whose points are known, as the program gets them: simulated ones and annotated folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from core.adapters.cases_folder import read_cases
from core.adapters.dicom import read_film
from core.errors import ReadError
from core.film import Calibration, Radiograph, SpacingSource, Window
from core.measure.definitions import Catalogue, View
from core.measure.evaluate import shows_flipped
from training.simulate.__main__ import STREAM
from training.simulate.cases import SimulatedFilm, sides_of, simulate_film
from training.simulate.films import SceneMaker

FloatArray = NDArray[np.float64]
Item = TypeVar("Item")
SIMULATED = "simulated"
FILM_PX = 1440
"""Longer side of a simulated film. Those of detectors have several thousand; a finer film is drawn slower."""


@dataclass(frozen=True, eq=False)
class BenchFilm:
    """One film and what is known of it.

    ``view`` is empty for a film that shows no view of the catalogue. ``flipped`` tells that it shows the
    mirror image of the view's canonical layout. ``points_px`` [N, 2] are in the order of the view's points,
    NaN where the film has none. ``truth`` holds values of measurements known in 3-D. ``source`` is
    ``SIMULATED`` or the name of the set, ``change`` what was done to the film (``mirrored``, ``turned``).
    """

    name: str
    source: str
    view: str
    radiograph: Radiograph
    flipped: bool = False
    points_px: FloatArray = field(default_factory=lambda: np.empty((0, 2)))
    truth: Mapping[str, float] = field(default_factory=dict)
    change: str = ""


def simulated_films(
    catalogue: Catalogue, view: str, make: SceneMaker, *, count: int, seed: int, hardware: float = 0.0
) -> Iterator[BenchFilm]:
    """The films that ``python -m training.simulate --side both`` writes with the same seed, drawn one by one.

    Left and right alternate where the view has sides.
    """
    definition = catalogue.view(view)
    sides = sides_of(view, catalogue, None)
    for index in range(count):
        rng = np.random.default_rng([STREAM, seed, index])
        side = sides[index % len(sides)]
        drawn = simulate_film(make, rng, FILM_PX, index, side=side, hardware=hardware)
        yield from_simulated(definition, drawn, f"{view}-{seed}-{index:04d}")


def from_simulated(view: View, drawn: SimulatedFilm, name: str) -> BenchFilm:
    """A simulated film as a file of 8 bits would bring it, with the spacing of the plane of the bones."""
    image = 1.0 - drawn.image if drawn.exposure.inverted else drawn.image
    step = drawn.camera.object_pixel_mm
    unknown = np.full(2, np.nan)
    return BenchFilm(
        name=name,
        source=SIMULATED,
        view=view.key,
        radiograph=Radiograph(
            path=Path(name),
            pixels=np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.float32),
            windows=(Window(0.0, 255.0),),
            calibration=Calibration(step, step, SpacingSource.GEOMETRY, "Simulated geometry."),
            sha256="",
        ),
        flipped=shows_flipped(view, drawn.side),
        points_px=np.stack([drawn.points.get(key, unknown) for key in view.point_keys]),
        truth=dict(drawn.truth),
    )


def annotated_films(view: View, folder: Path, limit: int | None = None) -> Iterator[BenchFilm]:
    """Films of a folder with ``landmarks.json``, of the view's canonical side unless a film says otherwise.

    Their points must be the view's first ones in the view's order. ``limit`` takes films spread evenly over
    the set. Raises ``ReadError`` for more points than the view has.
    """
    films = read_cases(folder)
    expected = len(view.point_keys)
    if len(films[0].points_px) > expected:
        raise ReadError(
            f"The films have {len(films[0].points_px)} points, the view {view.key!r} has {expected}",
            path=folder,
            remedy="Name the view whose points the set holds.",
        )
    for film in films if limit is None else spread(films, limit):
        read = read_film(film.path)
        points = np.full((expected, 2), np.nan)
        points[: len(film.points_px)] = film.points_px
        if film.mm_per_px is not None:
            spacing = Calibration(film.mm_per_px, film.mm_per_px, SpacingSource.USER, "Of the set.")
            read = replace(read, calibration=spacing)
        side = read.tags.laterality
        yield BenchFilm(
            name=film.path.name,
            source=folder.name,
            view=view.key,
            radiograph=read,
            flipped=shows_flipped(view, side) if side is not None else False,
            points_px=points,
        )


def spread(items: list[Item], limit: int) -> list[Item]:
    """Up to ``limit`` items at even distances."""
    chosen = np.unique(np.linspace(0, len(items) - 1, min(limit, len(items))).round().astype(int))
    return [items[i] for i in chosen]


def mirrored(film: BenchFilm) -> BenchFilm:
    """The mirror image of a film, with its points."""
    width = film.radiograph.size_px[0]
    pixels = np.ascontiguousarray(film.radiograph.pixels[:, ::-1])
    return replace(
        film,
        radiograph=replace(film.radiograph, pixels=pixels),
        flipped=not film.flipped,
        points_px=film.points_px * [-1.0, 1.0] + [width - 1.0, 0.0],
        change="mirrored",
    )


def turned(film: BenchFilm, angle_deg: float) -> BenchFilm:
    """The film turned clockwise on screen, on a black ground large enough for all of it, with its points."""
    width, height = film.radiograph.size_px
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    matrix = np.array([[c, -s], [s, c]])
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]]) @ matrix.T
    offset = -corners.min(0)
    size = np.ceil(np.ptp(corners, axis=0) - 1e-6).astype(int) + 1
    low = float(film.radiograph.pixels.min())
    pixels = cv2.warpAffine(
        film.radiograph.pixels,
        np.hstack([matrix, offset[:, None]]),
        (int(size[0]), int(size[1])),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=low,
    )
    return replace(
        film,
        radiograph=replace(film.radiograph, pixels=np.asarray(pixels, dtype=np.float32)),
        points_px=film.points_px @ matrix.T + offset,
        change="turned",
    )
