"""One simulated film of either side with everything that is known of it, as an annotated case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.film import Calibration, Side, SpacingSource
from core.landmarks import Landmark, LandmarkSet
from core.measure.definitions import Catalogue
from core.measure.evaluate import evaluate_view, shows_flipped
from training.simulate.films import SceneMaker, expose
from training.simulate.imaging import Exposure, develop, exposed, random_exposure, with_side_letter
from training.simulate.render import mirrored_layers
from training.simulate.scene import Camera, FloatArray

# Scenes show the left side of the body, or the whole of it.
_DRAWN = Side.LEFT


@dataclass(frozen=True, eq=False)
class SimulatedFilm:
    """One developed film and its truth.

    ``image`` [H, W] is 0..1 with bone bright unless ``exposure`` inverts it. ``points`` are film pixels
    (x, y) by name, in the order of the view's points; one that this person has not, or that lies under
    collimation or a plate or where all is black, so that no reader could set it, is left out.
    ``side`` is the side of the body that the film shows, ``camera`` the geometry of the film as drawn
    (that of a film of the right side is its mirror image). ``truth`` holds the values of measurements
    known in 3-D, by key.
    """

    view: str
    side: Side
    image: NDArray[np.float32]
    points: Mapping[str, FloatArray]
    camera: Camera
    exposure: Exposure
    truth: Mapping[str, float]


def simulate_film(
    make: SceneMaker,
    rng: np.random.Generator,
    side_px: int,
    texture_seed: int,
    *,
    side: Side = Side.LEFT,
    strength: float = 1.0,
    hardware: float = 0.0,
) -> SimulatedFilm:
    """Draw, render and develop one film whose longer side is ``side_px`` pixels.

    ``strength`` is that of the exposure's randomisation, ``hardware`` the share of films with implants,
    casts or disease. A film of the right side is the mirror image of a left one, with readable letters
    that say so. The same state of ``rng`` gives the same film.
    """
    scene, camera = make(rng, side_px)
    film = expose(scene, camera, texture_seed, hardware)
    layers, points = film.layers, dict(film.named)
    if side is not _DRAWN and side in (Side.LEFT, Side.RIGHT):
        layers = mirrored_layers(layers)
        points = {key: np.array([camera.width - 1 - p[0], p[1]]) for key, p in points.items()}
    exposure = with_side_letter(random_exposure(rng, strength), side)
    image = develop(layers, exposure, rng)
    points = {key: p for key, p in points.items() if np.isfinite(p).all()}
    places = np.array(list(points.values())).reshape(-1, 2)
    shown = exposure.readable(places, (camera.width, camera.height)) & exposed(image, places)
    points = {key: p for (key, p), seen in zip(points.items(), shown, strict=True) if seen}
    return SimulatedFilm(scene.view, side, image, points, camera, exposure, dict(scene.truth))


def sides_of(view: str, catalogue: Catalogue, wanted: Side | None) -> tuple[Side, ...]:
    """The sides to draw in turn: the one wanted (None: either), or BOTH alone for a view that shows both."""
    if view in catalogue.views and catalogue.views[view].canonical_side is Side.BOTH:
        return (Side.BOTH,)
    return (Side.LEFT, Side.RIGHT) if wanted is None else (wanted,)


def readable_points(film: SimulatedFilm, catalogue: Catalogue) -> dict[str, FloatArray]:
    """The film's points but for those on shafts whose level rests on a point that the film does not show.

    No reader could tell where along the shaft these belong.
    """
    shafts = catalogue.views[film.view].shafts if film.view in catalogue.views else ()
    lost = frozenset[str]().union(
        *(shaft.placed for shaft in shafts if not (shaft.needed - shaft.placed) <= film.points.keys())
    )
    return {key: place for key, place in film.points.items() if key not in lost}


def measured(film: SimulatedFilm, catalogue: Catalogue) -> dict[str, dict[str, float | str]]:
    """Values of the film's measurements by key.

    ``from_points`` is what the catalogue's construction gives on the exact film points (with the spacing
    of the plane through the scene's origin), ``from_scene`` the value of the simulated body in three
    dimensions where the scene knows it. They differ by the projection. ``unit`` is that of the catalogue.
    """
    values: dict[str, dict[str, float | str]] = {}
    if film.view in catalogue.views:
        view = catalogue.views[film.view]
        points = readable_points(film, catalogue)
        marks = {key: Landmark(float(place[0]), float(place[1])) for key, place in points.items()}
        step = film.camera.object_pixel_mm
        calibration = Calibration(step, step, SpacingSource.GEOMETRY, "Simulated geometry.")
        flipped = shows_flipped(view, film.side)
        for result in evaluate_view(view, LandmarkSet(marks), calibration, flipped=flipped, draws=0):
            if result.value is not None:
                values[result.key] = {"unit": result.unit, "from_points": result.value}
    for key, value in film.truth.items():
        values.setdefault(key, {})["from_scene"] = float(value)
    return values


def annotation(film: SimulatedFilm, catalogue: Catalogue, file: str) -> dict[str, object]:
    """The entry of ``landmarks.json``: points in the catalogue's order, null where there is none."""
    known, points = film.view in catalogue.views, readable_points(film, catalogue)
    names = catalogue.views[film.view].point_keys if known else tuple(film.points)
    return {
        "file": file,
        "width": int(film.image.shape[1]),
        "height": int(film.image.shape[0]),
        "mm_per_px": film.camera.object_pixel_mm,
        "names": list(names),
        "landmarks": [
            [round(float(v), 3) for v in points[name]] if name in points else None for name in names
        ],
        "view": film.view,
        "side": str(film.side),
        "magnification": film.camera.magnification,
        "measurements": measured(film, catalogue),
    }
