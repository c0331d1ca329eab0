"""The rendered phantom against its closed form: places, lines, angles, magnification and path lengths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.adapters.dicom import read_film
from core.measure.loader import load_catalogue
from training.simulate.cases import simulate_film
from training.simulate.dicom_file import STYLES, write_dicom
from training.simulate.phantom import (
    BALL_RADIUS_MM,
    BALLS,
    BLOCK_CENTRE,
    BLOCK_MM,
    WIRES,
    ball_shadow_px,
    phantom_camera,
    phantom_film,
    phantom_scene,
    shadow_px,
)
from training.simulate.render import render
from training.simulate.scene import Camera

CAMERAS = [phantom_camera(800), phantom_camera(640, 1000.0, 700.0), phantom_camera(1000, 1800.0, 1740.0)]


@pytest.fixture(scope="module", params=CAMERAS, ids=["usual", "near", "far"])
def film(request: pytest.FixtureRequest) -> tuple[Camera, np.ndarray]:
    metal = render(phantom_scene(1.0), request.param).metal
    assert metal is not None
    return request.param, metal


def ball_centre(image: np.ndarray, near: np.ndarray, reach: float) -> np.ndarray:
    """Centroid of the path lengths within ``reach`` pixels of a place."""
    y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    weight = image * (np.hypot(x - near[0], y - near[1]) < reach)
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


def wire_angle(image: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[float, float]:
    """Direction in degrees of a line fitted to a wire, and its largest distance in px from the given line."""
    along = (end - start) / np.linalg.norm(end - start)
    length = np.linalg.norm(end - start)
    y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    t = (x - start[0]) * along[0] + (y - start[1]) * along[1]
    d = (y - start[1]) * along[0] - (x - start[0]) * along[1]
    near = (np.abs(d) < 8) & (t > 0.06 * length) & (t < 0.94 * length) & (image > 0)
    slope, offset = np.polyfit(t[near], d[near], 1, w=np.sqrt(image[near]))
    direction = np.degrees(np.arctan2(along[1], along[0]) + np.arctan(slope))
    return float(direction), float(max(abs(offset), abs(offset + slope * length)))


def test_balls_and_projected_points_lie_where_the_geometry_says(film) -> None:
    camera, image = film
    scene = phantom_scene()
    projected = scene.project_points(camera)
    for name, centre in BALLS.items():
        reach = BALL_RADIUS_MM * 1.4 / camera.object_pixel_mm
        found = ball_centre(image, shadow_px(np.array(centre), camera), reach)
        assert np.abs(found - ball_shadow_px(np.array(centre), camera)).max() < 0.05, name
        assert np.abs(found - projected[name]).max() < 0.05, name
        assert projected[name] == pytest.approx(shadow_px(np.array(centre), camera), abs=1e-9)


def test_magnification_of_the_ruler_and_of_the_planes(film) -> None:
    camera, image = film
    reach = BALL_RADIUS_MM * 1.4 / camera.object_pixel_mm

    def place(name: str) -> np.ndarray:
        return ball_centre(image, shadow_px(np.array(BALLS[name]), camera), reach)

    ruler = np.linalg.norm(place("ruler_right") - place("ruler_left")) * camera.pixel_mm
    assert ruler / phantom_scene().truth["ruler_mm"] == pytest.approx(camera.magnification, rel=1e-3)
    for name, z in (("near_source", -40.0), ("near_detector", 40.0)):
        aside = np.linalg.norm(place(name) - [camera.centre_x, camera.centre_y]) * camera.pixel_mm
        wanted = camera.source_detector_mm / (camera.source_object_mm + z)
        assert aside / np.hypot(*BALLS[name][:2]) == pytest.approx(wanted, rel=1e-3)


def test_wires_keep_their_angles(film) -> None:
    camera, image = film
    found = {}
    for name, (a, b) in WIRES.items():
        start, end = shadow_px(np.array(a), camera), shadow_px(np.array(b), camera)
        found[name], off = wire_angle(image, start, end)
        wanted = np.degrees(np.arctan2(*(end - start)[::-1]))
        assert found[name] == pytest.approx(wanted, abs=0.02), name
        assert off < 0.05, name
    truth = phantom_scene().truth
    assert abs(found["upright"] - found["tilted"]) == pytest.approx(truth["tilted_angle_deg"], abs=0.02)
    assert abs(found["upright"] - found["level"]) == pytest.approx(truth["level_angle_deg"], abs=0.02)


def test_path_lengths_through_block_and_ball(film) -> None:
    camera, image = film
    x, y = shadow_px(np.array(BLOCK_CENTRE), camera)
    off = np.array([x - camera.centre_x, y - camera.centre_y]) * camera.pixel_mm / camera.source_detector_mm
    oblique = np.sqrt(1 + (off**2).sum())
    assert image[round(y), round(x)] == pytest.approx(BLOCK_MM[2] * oblique, rel=1e-3)
    x, y = ball_shadow_px(np.array(BALLS["near_detector"]), camera)
    assert image[round(y), round(x)] == pytest.approx(2 * BALL_RADIUS_MM, rel=5e-3)


def test_the_developed_film_and_its_dicom_file_give_the_same_lengths(tmp_path: Path) -> None:
    film = simulate_film(phantom_film, np.random.default_rng(4), 800, 1, strength=0.0)
    write_dicom(tmp_path / "a.dcm", film, load_catalogue(), STYLES[0], (1, 1))
    read = read_film(tmp_path / "a.dcm")
    step = read.calibration.column_mm
    places = [film.points[name] for name in ("ruler_left", "ruler_right")]
    reach = BALL_RADIUS_MM / step
    pixels = np.maximum(read.pixels - np.median(read.pixels), 0)
    found = [ball_centre(pixels, place, 1.5 * reach) for place in places]
    assert np.linalg.norm(found[1] - found[0]) * step == pytest.approx(film.truth["ruler_mm"], rel=2e-3)
    assert film.truth["tilted_angle_deg"] == pytest.approx(  # by hand
        np.degrees(np.arctan(7 / 85) - np.arctan(2 / 90))
    )
