"""The command that writes annotated films: layout, sides, values, and DICOM files that read back."""

from __future__ import annotations

import dataclasses
import json
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pydicom
import pytest
import trimesh

import training.simulate.__main__ as command
from core.adapters.cases_folder import read_cases
from core.adapters.dicom import read_film
from core.film import Side, SpacingSource
from core.measure.loader import load_catalogue
from training.simulate.cases import annotation, measured, sides_of, simulate_film
from training.simulate.dicom_file import STYLES, expected_spacing_mm, write_dicom
from training.simulate.imaging import Exposure, random_exposure, with_side_letter
from training.simulate.overlays import Collimation, side_letter
from training.simulate.people import People
from training.simulate.scene import Bone, Camera, Capsule, Scene

VIEW = "ankle_ap"
LETTERS = dict.fromkeys(("L", "LI", "G"), Side.LEFT) | dict.fromkeys(("R", "RE", "D"), Side.RIGHT)


def beads(rng: np.random.Generator, side_px: int, people: People | None = None) -> tuple[Scene, Camera]:
    """A film of half the width with one bead at every point of the ankle view, in a tube of soft tissue."""
    keys = load_catalogue().view(VIEW).point_keys
    camera = Camera(1100.0, 1000.0, 90.0 * 1.1 / side_px, side_px // 2, side_px, side_px / 4, side_px / 2)
    places = np.column_stack(
        [rng.uniform(-20, 20, len(keys)), rng.uniform(-40, 40, len(keys)), 0 * rng.random(len(keys))]
    )
    ball = trimesh.creation.icosphere(subdivisions=2, radius=1.0)
    faces = np.asarray(ball.faces, np.int32)
    bones = tuple(
        Bone(key, np.asarray(ball.vertices) + place, faces, 1.0)
        for key, place in zip(keys, places, strict=True)
    )
    tube = Capsule(np.array([0.0, -60.0, 0.0]), np.array([0.0, 60.0, 0.0]), 21.0, 21.0)
    return Scene(
        VIEW, "beads", bones, (tube,), dict(zip(keys, places, strict=True)), {}, {"ldta": 88.5}
    ), camera


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(command, "VIEW_KEYS", (VIEW, "unlisted"))

    def unlisted(rng: np.random.Generator, side_px: int) -> tuple[Scene, Camera]:
        scene, camera = beads(rng, side_px)
        points = {"b": np.zeros(3), "a": np.array([1.0, 2.0, 0.0])}
        return dataclasses.replace(scene, view="unlisted", points_mm=points, truth={}), camera

    makers = MappingProxyType({VIEW: partial(beads, people=None), "unlisted": unlisted})
    monkeypatch.setattr(command, "scene_makers", lambda anatomy, split: makers)
    monkeypatch.setattr(command, "anatomy_dir", lambda folder: tmp_path)
    return tmp_path


def test_films_are_written_in_the_layout_of_annotated_sets(simulated: Path) -> None:
    command.main(["--count", "2", "--side-px", "128", "--out", str(simulated / "out"), "--side", "both"])
    cases = read_cases(simulated / "out" / VIEW)
    listed = json.loads((simulated / "out" / VIEW / "landmarks.json").read_text())
    assert [item["side"] for item in listed] == ["left", "right"]
    assert cases[0].names == load_catalogue().view(VIEW).point_keys
    assert (listed[0]["width"], listed[0]["height"]) == (64, 128)
    assert listed[0]["mm_per_px"] == pytest.approx(90 / 128)
    assert listed[0]["magnification"] == pytest.approx(1.1)
    assert listed[0]["measurements"]["ldta"]["from_scene"] == 88.5
    assert listed[0]["measurements"]["ldta"]["unit"] == "deg"
    other = json.loads((simulated / "out" / "unlisted" / "landmarks.json").read_text())
    assert other[0]["names"] == ["b", "a"]
    assert other[0]["measurements"] == {}


def test_the_same_seed_writes_the_same_films(simulated: Path) -> None:
    for name in ("one", "two"):
        command.main(
            ["--view", VIEW, "--count", "2", "--side-px", "96", "--dicom", "--out", str(simulated / name)]
        )
    files = sorted(p.name for p in (simulated / "one" / VIEW).iterdir())
    assert files == ["0000.dcm", "0000.png", "0001.dcm", "0001.png", "landmarks.json"]
    for name in files:
        assert (simulated / "one" / VIEW / name).read_bytes() == (
            simulated / "two" / VIEW / name
        ).read_bytes()


def test_the_phantom_is_a_view_of_the_command(simulated: Path) -> None:
    command.main(["--view", "phantom", "--count", "1", "--side-px", "200", "--out", str(simulated)])
    film = json.loads((simulated / "phantom" / "landmarks.json").read_text())[0]
    assert film["measurements"]["ruler_mm"] == {"from_scene": 100.0}
    assert "ruler_left" in film["names"]


def test_a_right_film_mirrors_the_left_and_measures_the_same() -> None:
    catalogue = load_catalogue()
    left, right = (
        simulate_film(beads, np.random.default_rng(3), 128, 1, side=side, strength=0.0)
        for side in (Side.LEFT, Side.RIGHT)
    )
    assert np.allclose(right.image, left.image[:, ::-1], atol=0.02)
    for key, (x, y) in left.points.items():
        assert right.points[key] == pytest.approx([63 - x, y])
    one, two = measured(left, catalogue), measured(right, catalogue)
    assert one.keys() == two.keys()
    assert len(one) > 5
    for key in one:
        assert one[key].get("from_points") == pytest.approx(two[key].get("from_points"), abs=1e-9)


def test_a_point_under_the_collimation_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    open_field = simulate_film(beads, np.random.default_rng(3), 128, 1, strength=0.0)
    halved = Collimation(((0.0, 0.0),), 0.0, 0.001)  # closed to the right of the middle

    def exposed(rng: np.random.Generator, strength: float) -> Exposure:
        return dataclasses.replace(random_exposure(rng, strength), collimation=halved)

    monkeypatch.setattr("training.simulate.cases.random_exposure", exposed)
    half = simulate_film(beads, np.random.default_rng(3), 128, 1, strength=0.0)
    middle = (half.camera.width - 1) / 2
    assert set(half.points) == {key for key, (x, _) in open_field.points.items() if x < middle}
    assert 0 < len(half.points) < len(open_field.points)


def test_a_point_that_is_not_there_is_null() -> None:
    film = simulate_film(beads, np.random.default_rng(3), 96, 1)
    names = list(film.points)
    fewer = dataclasses.replace(film, points={k: film.points[k] for k in names[1:]})
    entry = annotation(fewer, load_catalogue(), "a.png")
    assert entry["names"] == names
    assert entry["landmarks"][0] is None  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "side", "wanted"),
    [("L", Side.RIGHT, "R"), ("R PA", Side.LEFT, "L PA"), ("L AP", Side.LEFT, "L AP"),
     ("LI", Side.RIGHT, "RE"), ("D", Side.LEFT, "G"), ("R", Side.BOTH, "R"),
     ("L AP", None, "H AP"), ("12.3 AB", Side.LEFT, "12.3 AB")],
)  # fmt: skip
def test_side_letters_tell_the_truth(text: str, side: Side | None, wanted: str) -> None:
    assert side_letter(text, side) == wanted


def test_letters_of_a_film_of_both_sides_lie_on_theirs() -> None:
    seen = set()
    for seed in range(200):
        exposure = with_side_letter(random_exposure(np.random.default_rng(seed)), Side.BOTH)
        letters = [text for text in exposure.texts if text.text.split(" ")[0] in LETTERS]
        for text in letters:
            assert LETTERS[text.text.split(" ")[0]] is (Side.LEFT if text.x >= 0.5 else Side.RIGHT)
            seen.add(text.text.split(" ")[0])
        none = with_side_letter(exposure, None)
        assert not any(text.text.split(" ")[0] in LETTERS for text in none.texts)
    assert seen == set(LETTERS)


def test_a_view_of_both_sides_is_not_mirrored() -> None:
    catalogue = load_catalogue()
    assert sides_of(VIEW, catalogue, None) == (Side.LEFT, Side.RIGHT)
    assert sides_of(VIEW, catalogue, Side.RIGHT) == (Side.RIGHT,)
    both = dataclasses.replace(catalogue.view(VIEW), canonical_side=Side.BOTH)
    assert sides_of(VIEW, dataclasses.replace(catalogue, views={VIEW: both}), Side.LEFT) == (Side.BOTH,)


_READ_AS = {
    "magnification": SpacingSource.MAGNIFICATION,
    "distances": SpacingSource.DISTANCES,
    "geometry": SpacingSource.GEOMETRY,
    "fiducial": SpacingSource.FIDUCIAL,
    "detector": SpacingSource.DETECTOR,
}


@pytest.mark.parametrize("style", STYLES, ids=lambda s: s.name)
@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
def test_dicom_reads_back_the_same(tmp_path: Path, style, side) -> None:
    catalogue = load_catalogue()
    film = simulate_film(beads, np.random.default_rng(1), 128, 1, side=side)
    path = tmp_path / "film.dcm"
    write_dicom(path, film, catalogue, style, (1, 7))
    read = read_film(path)
    assert read.calibration.source is _READ_AS[style.spacing]
    assert read.calibration.column_mm == pytest.approx(expected_spacing_mm(film, style), rel=1e-6)
    assert read.calibration.row_mm == pytest.approx(expected_spacing_mm(film, style), rel=1e-6)
    assert read.tags.laterality is side
    assert read.tags.body_part in catalogue.view(VIEW).tags.body_parts
    assert read.tags.view_position in catalogue.view(VIEW).tags.positions
    assert "Simulated" in read.tags.patient_name
    assert read.pixels.shape == film.image.shape
    top = (1 << style.bits) - 1
    shown = film.image if not film.exposure.inverted else 1 - film.image
    assert np.abs(read.pixels / top - shown).max() <= 0.6 / top
    assert not read.notes


def test_identifiers_are_valid_and_follow_the_seed(tmp_path: Path) -> None:
    film = simulate_film(beads, np.random.default_rng(1), 96, 1)
    headers = []
    for name, identity in (("a", (1, 1)), ("b", (1, 1)), ("c", (1, 2))):
        write_dicom(tmp_path / name, film, load_catalogue(), STYLES[0], identity)
        headers.append(pydicom.dcmread(tmp_path / name))
    first, again, other = headers
    assert first.SOPInstanceUID.is_valid
    assert len({first.SOPInstanceUID, first.StudyInstanceUID, first.SeriesInstanceUID}) == 3
    assert first.SOPInstanceUID == again.SOPInstanceUID != other.SOPInstanceUID
    view = load_catalogue().view(VIEW)
    assert first.ViewCodeSequence[0].CodeValue == view.tags.projection.value
    assert first.AnatomicRegionSequence[0].CodeValue == view.tags.region.value
