"""The command line: exit status, messages, files written. One small bank, the shipped model."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from app.cli import main
from core.adapters import onnx
from core.adapters.bank import MANIFEST, default_bank_folder, load_bank, save_manifest
from core.adapters.bank_check import check_bank
from core.adapters.case_file import save_case
from core.adapters.dicom import read_film
from core.adapters.onnx import default_model_path
from core.adapters.view_matcher import shafts_of
from core.adapters.view_shapes import shapes_file
from core.engine import Engine
from core.film import Side
from core.matching.matcher import LandmarkMatcher
from core.measure.loader import load_catalogue
from core.resources import resource_path
from tests.core.bank_folder import VIEW, edit_manifest, make_bank, make_cases, picture
from tests.core.dicom_files import dataset, encode, save

CATALOGUE = load_catalogue()
HEX = set("0123456789abcdef")


@pytest.fixture(scope="session")
def small(tmp_path_factory: Any) -> Path:
    """Two references of each shipped view."""
    folder = tmp_path_factory.mktemp("small")
    bank = load_bank()
    entries = [e for view in CATALOGUE.views for e in [e for e in bank.entries if e.view == view][:2]]
    for entry in entries:
        (folder / entry.image).parent.mkdir(exist_ok=True)
        shutil.copy(bank.folder / entry.image, folder / entry.image)
    save_manifest(folder, tuple(entries))
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory: Any) -> Path:
    return tmp_path_factory.mktemp("features")


@pytest.fixture(autouse=True)
def _own_cache(cache: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("ORTHOMATCH_CACHE", str(cache))


def film_pixels() -> np.ndarray:
    return (picture(1, (200, 240)) * 8).clip(0, 4095).astype(np.uint16)


def good(folder: Path, name: str = "good.dcm", **tags: Any) -> Path:
    return save(folder, encode(dataset(film_pixels(), **tags)), name)


@pytest.fixture
def measure(small: Path, tmp_path: Path, capsys: Any) -> Any:
    """Run ``measure`` with the small bank and a given view; returns status, document, stderr."""

    def run(*arguments: Any, view: str = "ankle_ap") -> tuple[int, Any, str]:
        out = tmp_path / "out.json"
        out.unlink(missing_ok=True)
        given = [str(a) for a in arguments]
        options = ["--view", view, "--bank", str(small), "--references", "1", "--json", str(out)]
        status = main(["measure", *given, *options])
        document = json.loads(out.read_text(encoding="utf-8")) if out.exists() else None
        return status, document, capsys.readouterr().err

    return run


def test_measure_writes_every_field(measure: Any, tmp_path: Path, small: Path) -> None:
    path = good(tmp_path, PixelSpacing=[0.2, 0.2], PatientName="Secret^Name", PatientID="ID-4711-Z")
    status, document, err = measure(path)
    assert (status, err) == (0, "")
    assert (document["program"], document["certified_medical_device"]) == ("OrthoMatch", False)
    (film,) = document["films"]
    assert set(film) == {
        "file", "sha256", "frame", "size_px", "status", "view", "view_source", "view_text",
        "view_conflict", "side", "side_source",
        "side_text", "side_conflict", "stored_mirrored", "verdict", "verdict_text", "look_at", "spacing",
        "notes", "points", "measurements", "provenance",
    }  # fmt: skip
    assert film["file"] == str(path)
    assert film["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (film["frame"], film["size_px"], film["status"]) == (0, [200, 240], "draft")
    assert (film["view"], film["view_source"]) == ("ankle_ap", "user")
    assert film["side"] in ("left", "right")
    assert film["side_source"] == "matcher"
    assert film["side_text"]
    assert film["side_conflict"] is False
    assert film["verdict"] in ("good", "check", "outside")
    assert film["spacing"]["source"] != "none"
    assert film["spacing"]["column_mm"] == pytest.approx(0.2)
    assert [p["name"] for p in film["points"]] == list(VIEW.point_keys)
    for point in film["points"]:
        assert set(point) == {"name", "x", "y", "expected_error_px", "spread_px", "confidence", "edited"}
        assert all(np.isfinite(point[k]) for k in ("x", "y", "expected_error_px", "spread_px", "confidence"))
        assert point["edited"] is False
    assert [m["key"] for m in film["measurements"]] == [m.key for m in VIEW.measurements]
    for measured in film["measurements"]:
        assert set(measured) == {
            "key", "name", "value", "unit", "interval", "reason", "note", "definition",
        }  # fmt: skip
        assert (measured["value"] is None) == bool(measured["reason"])
    origin = film["provenance"]
    assert set(origin) == {
        "program_version", "model_sha256", "bank_sha256", "provider", "references", "elapsed_ms",
    }  # fmt: skip
    assert origin["bank_sha256"] == load_bank(small).sha256
    assert set(origin["model_sha256"]) <= HEX
    assert len(origin["references"]) == 1
    assert "Secret" not in json.dumps(document)
    assert "ID-4711-Z" not in json.dumps(document)


def test_measure_recognises_the_demonstration_film_or_says_why_not(measure: Any) -> None:
    status, document, err = measure(resource_path("assets", "demo", "RG3.dcm"), view="auto")
    if status == 0:
        assert document["films"][0]["view_source"] == "matcher"
    else:
        assert "looks like no view" in err


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_side_that_is_given(measure: Any, tmp_path: Path, side: str) -> None:
    _, document, _ = measure(good(tmp_path), "--side", side)
    film = document["films"][0]
    assert (film["side"], film["side_source"], film["side_conflict"]) == (side, "user", False)


def test_picture_and_report(measure: Any, tmp_path: Path) -> None:
    status, _, err = measure(good(tmp_path), "--pdf", tmp_path / "a.pdf", "--overlay", tmp_path / "a.png")
    assert (status, err) == (0, "")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_one_bad_film_among_good_ones(measure: Any, tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    first, last = good(films, "1.dcm"), good(films, "3.dcm", Rows=240)
    bad = save(films, encode(dataset(film_pixels()))[:-9000], "2.dcm")
    overlay = tmp_path / "o.png"
    status, document, err = measure(films, "--overlay", overlay)
    assert status == 1
    assert [f["file"] for f in document["films"]] == [str(first), str(last)]
    assert str(bad) in err
    assert "incomplete" in err
    assert (tmp_path / "o-1.png").exists()
    assert (tmp_path / "o-3.png").exists()
    assert not overlay.exists()


def test_films_of_one_name_in_two_folders_do_not_overwrite_each_other(measure: Any, tmp_path: Path) -> None:
    good(tmp_path / "a", "film.dcm")
    good(tmp_path / "b", "film.dcm")
    status, document, _ = measure(tmp_path / "a", tmp_path / "b", "--overlay", tmp_path / "o.png")
    assert status == 0
    assert len(document["films"]) == 2
    assert len(list(tmp_path.glob("o*.png"))) == 2


def no_pixels() -> bytes:
    ds = dataset(film_pixels()[:4, :4])
    del ds.PixelData
    return encode(ds)


def unknown_syntax() -> bytes:
    # Same length as the real identifier, so that only the name changes.
    data = encode(dataset(film_pixels()), ExplicitVRLittleEndian)
    return data.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.7\0", 1)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda: b"nothing of the kind" * 20, "neither DICOM"),
        (lambda: b"", "neither DICOM"),
        (lambda: encode(dataset(film_pixels()))[:-9000], "incomplete"),
        (no_pixels, "no pixel data"),
        (unknown_syntax, "not supported"),
        (lambda: encode(dataset(film_pixels(), Rows=60000, Columns=60000)), "60000"),
        (lambda: encode(dataset(np.full((200, 200), 7, np.uint16))), "uniform"),
        (lambda: encode(dataset(np.arange(400, dtype=np.uint16).reshape(20, 20))), "too small"),
    ],
)
def test_a_bad_film_is_named_with_cause_and_remedy(
    measure: Any, tmp_path: Path, data: Any, words: str
) -> None:
    path = save(tmp_path, data(), "bad.dcm")
    status, document, err = measure(path)
    assert (status, document) == (1, None)
    told(err, path, words)


def told(err: str, path: Path, words: str) -> None:
    """One line: program, file, cause, remedy."""
    lines = [line for line in err.splitlines() if line.startswith("orthomatch: ")]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    assert str(path) in lines[0]
    assert words in lines[0]
    after = lines[0].partition(words)[2]
    assert ". " in after, f"no remedy: {lines[0]}"
    assert lines[0].endswith((".", "?"))


def test_a_missing_film_and_a_folder_without_films(measure: Any, tmp_path: Path) -> None:
    status, _, err = measure(tmp_path / "none.dcm")
    assert status == 1
    told(err, tmp_path / "none.dcm", "does not exist")
    (tmp_path / "empty").mkdir()
    status, _, err = measure(tmp_path / "empty")
    assert status == 1
    told(err, tmp_path / "empty", "no films")


def test_an_unknown_view(measure: Any, tmp_path: Path) -> None:
    status, _, err = measure(good(tmp_path), view="ankle_app")
    assert status == 2
    assert "Did you mean 'ankle_ap'?" in err


def test_an_unknown_and_a_damaged_bank(small: Path, tmp_path: Path, capsys: Any) -> None:
    film = str(good(tmp_path))
    assert main(["measure", film, "--bank", str(tmp_path / "none")]) == 1
    told(capsys.readouterr().err, tmp_path / "none" / MANIFEST, "cannot be read")
    broken = tmp_path / "broken"
    shutil.copytree(small, broken)
    (broken / MANIFEST).write_text("{")
    assert main(["measure", film, "--bank", str(broken)]) == 1
    told(capsys.readouterr().err, broken / MANIFEST, "not valid JSON")
    (broken / MANIFEST).unlink()
    assert main(["doctor", "--bank", str(broken)]) == 1
    told(capsys.readouterr().err, broken / MANIFEST, "cannot be read")


def test_a_damaged_model(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    model = tmp_path / "model.onnx"
    data = bytearray(default_model_path().read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(bytes(data))
    shutil.copy(default_model_path().with_suffix(".toml"), tmp_path / "model.toml")
    monkeypatch.setattr(onnx, "default_model_path", lambda: model)
    assert main(["measure", str(good(tmp_path))]) == 1
    told(capsys.readouterr().err, model, "damaged")
    model.unlink()
    assert main(["doctor"]) == 1
    told(capsys.readouterr().err, model, "cannot be read")


@pytest.mark.parametrize("option", ["--pdf", "--overlay", "--json"])
@pytest.mark.parametrize("place", ["missing", "file"])
def test_an_output_that_cannot_be_written(
    tmp_path: Path, small: Path, capsys: Any, option: str, place: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    target = tmp_path / place / "out.png"
    film = str(good(tmp_path))
    common = ["--view", "ankle_ap", "--bank", str(small), "--references", "1"]
    assert main(["measure", film, *common, option, str(target)]) == 1
    told(capsys.readouterr().err, target, "folder does not exist")


def test_colour_frames_and_no_spacing(measure: Any, tmp_path: Path) -> None:
    grey = (film_pixels() // 16).astype(np.uint8)
    colour = save(tmp_path, encode(dataset(np.dstack([grey, grey, grey // 2]))), "colour.dcm")
    frames = save(tmp_path, encode(dataset(np.stack([film_pixels()] * 2))), "frames.dcm")
    zero = good(tmp_path, "zero.dcm", PixelSpacing=[0, 0])
    status, document, err = measure(colour, frames, zero)
    assert (status, err) == (0, "")
    first, second, third = document["films"]
    assert any("colour" in note for note in first["notes"])
    assert any("Frame 1 of 2" in note for note in second["notes"])
    assert third["spacing"]["column_mm"] is None
    assert third["spacing"]["source"] == "none"
    units = {m["unit"] for m in third["measurements"]}
    assert "mm" not in units
    assert "px" in units


def test_evaluate(tmp_path: Path, capsys: Any) -> None:
    folder, out = make_cases(tmp_path / "set", 3, mm_per_px=0.3), tmp_path / "e.json"
    arguments = [
        "evaluate",
        str(folder),
        "--counts",
        "1",
        "--draws",
        "1",
        "--targets",
        "1",
        "--json",
        str(out),
    ]
    assert main(arguments) == 0
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["unit"] == "mm"
    assert set(document["counts"]) == {"1"}
    wanted = {"mean", "sd_over_draws", "median", "sdr_2mm", "sdr_4mm", "sdr_10mm"}
    assert wanted <= set(document["counts"]["1"])
    assert all(np.isfinite(document["counts"]["1"][key]) for key in wanted)
    assert document["seconds"]["encode"] > 0
    assert document["seconds"]["per_film"]["1"] > 0
    assert document["model_sha256"] == hashlib.sha256(default_model_path().read_bytes()).hexdigest()
    assert document["provider"].endswith("ExecutionProvider")
    captured = capsys.readouterr()
    assert "3 films, 17 points, errors in mm" in captured.out
    assert "draw 1 of 1" in captured.err


def test_evaluate_with_a_bank_and_with_another_set(tmp_path: Path, small: Path, capsys: Any) -> None:
    folder = make_cases(tmp_path / "set", 2)
    few = ["--counts", "1", "--draws", "1", "--targets", "1"]
    assert main(["evaluate", str(folder), "--bank", str(small), *few]) == 2
    assert "--view" in capsys.readouterr().err
    assert main(["evaluate", str(folder), "--bank", str(small), "--view", "ankle_ap", *few]) == 0
    assert "% of height" in capsys.readouterr().out
    assert main(["evaluate", str(folder), "--references-from", str(folder), *few]) == 0
    assert main(["evaluate", str(tmp_path)]) == 1
    assert str(tmp_path / "landmarks.json") in capsys.readouterr().err


def test_evaluate_with_a_bank_knows_points_by_their_names(small: Path, tmp_path: Path) -> None:
    entry = next(entry for entry in load_bank(small).entries if entry.view == "ankle_ap")
    folder, out = tmp_path / "ankle_ap", tmp_path / "figures.json"
    folder.mkdir()
    shutil.copy(small / entry.image, folder / "a.png")
    names = list(VIEW.point_keys[::-1])
    film = {
        "file": "a.png",
        "width": entry.size_px[0],
        "height": entry.size_px[1],
        "names": names,
        "landmarks": [entry.points[name] for name in names],
    }
    (folder / "landmarks.json").write_text(json.dumps([film]), encoding="utf-8")
    few = ["--counts", "1", "--draws", "1", "--targets", "1", "--json", str(out)]
    assert main(["evaluate", str(folder), "--bank", str(small), "--view", "ankle_ap", *few]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["counts"]["1"]["mean"] < 3.0  # % of the height


def test_evaluate_refuses_references_with_other_points(tmp_path: Path, small: Path, capsys: Any) -> None:
    folder = make_cases(tmp_path / "set", 2)
    assert main(["evaluate", str(folder), "--bank", str(small), "--view", "hand_pa", "--counts", "1"]) == 1
    assert "points" in capsys.readouterr().err


def test_evaluate_refuses_references_with_points_named_otherwise(tmp_path: Path, capsys: Any) -> None:
    folder, others = make_cases(tmp_path / "set", 2), make_cases(tmp_path / "others", 2)
    listed = json.loads((others / "landmarks.json").read_text(encoding="utf-8"))
    for film in listed:
        film["names"] = [f"p{number}" for number in range(len(film["landmarks"]))]
    (others / "landmarks.json").write_text(json.dumps(listed), encoding="utf-8")
    assert main(["evaluate", str(folder), "--references-from", str(others), "--counts", "1"]) == 1
    message = capsys.readouterr().err
    assert str(others) in message
    assert "named otherwise" in message


def test_evaluate_knows_shafts_and_shapes_of_the_view(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    """A point on a shaft is measured at its level, as the program does it."""
    view = load_catalogue().view("knee_ap")
    folder = make_cases(tmp_path / "knee_ap", 2)
    listed = json.loads((folder / "landmarks.json").read_text(encoding="utf-8"))
    spots = np.random.default_rng(1).uniform(20, 140, (len(view.points), 2)).tolist()
    for film in listed:
        film["names"], film["landmarks"] = list(view.point_keys), spots
    (folder / "landmarks.json").write_text(json.dumps(listed), encoding="utf-8")
    known, people, followed = {}, {}, {}

    def watched(*parts: Any, shafts: Any, shapes: Any, rows: Any) -> LandmarkMatcher:
        known.update(shafts)
        people.update(shapes)
        followed.update(rows)
        return LandmarkMatcher(*parts, shafts=shafts, shapes=shapes, rows=rows)

    monkeypatch.setattr("core.adapters.view_matcher.LandmarkMatcher", watched)
    assert main(["evaluate", str(folder), "--counts", "1", "--draws", "1", "--targets", "1"]) == 0
    assert known == {"knee_ap": shafts_of(view)}
    assert followed == {"knee_ap": ()}
    assert people["knee_ap"].shape[1:] == (len(view.points), 2)
    # Unnamed points are the view's first ones: a shaft that lacks one is left out.
    first = max(point for shaft in shafts_of(view) for point in shaft.points)
    for film in listed:
        film["names"], film["landmarks"] = [], spots[:first]
    (folder / "landmarks.json").write_text(json.dumps(listed), encoding="utf-8")
    assert main(["evaluate", str(folder), "--counts", "1", "--draws", "1", "--targets", "1"]) == 0
    assert known == {"knee_ap": shafts_of(view, view.point_keys[:first])}
    assert len(known["knee_ap"]) < len(view.shafts)
    assert people["knee_ap"].shape[1:] == (first, 2)
    # More points than the view has: they are not those of the view.
    for film in listed:
        film["landmarks"] = [*spots, [30.0, 30.0]]
    (folder / "landmarks.json").write_text(json.dumps(listed), encoding="utf-8")
    people.clear()
    assert "the shapes of 200 people" in capsys.readouterr().out
    out = tmp_path / "figures.json"
    few = ["--counts", "1", "--draws", "1", "--targets", "1", "--json", str(out)]
    assert main(["evaluate", str(folder), *few]) == 0
    assert not people
    assert "the shapes of 0 people" in capsys.readouterr().out
    assert json.loads(out.read_text(encoding="utf-8"))["further_people"] == 0


def test_output_that_nobody_reads_ends_quietly(small: Path, cache: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m app.cli doctor --bank {shlex.quote(str(small))} | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stderr == ""


def test_doctor(small: Path, cache: Path, capsys: Any) -> None:
    assert main(["doctor", "--bank", str(small)]) == 0
    out = capsys.readouterr().out
    bank = load_bank(small)
    for words in (
        "OrthoMatch", "not a certified medical device", "numpy", "onnxruntime", "ExecutionProvider",
        hashlib.sha256(default_model_path().read_bytes()).hexdigest(), bank.sha256,
        hashlib.sha256(shapes_file().read_bytes()).hexdigest(),
        f"{2 * len(CATALOGUE.views)} references",
        "ankle_ap", "hand_pa", str(cache),
    ):  # fmt: skip
        assert words in out


def test_bank_list_and_check(small: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(["bank", "list", "--bank", str(small)]) == 0
    out = capsys.readouterr().out
    assert f"{2 * len(CATALOGUE.views)} references" in out
    assert all(entry.key in out for entry in load_bank(small).entries)
    assert main(["bank", "check", "--bank", str(small)]) == 0
    assert f"{2 * len(CATALOGUE.views)} references are sound" in capsys.readouterr().out
    broken = tmp_path / "broken"
    shutil.copytree(small, broken)
    first = load_bank(small).entries[0]
    (broken / first.image).write_bytes(b"x")
    edit_manifest(broken, lambda d: d["references"][1].update(size_px=[1, 1]))
    found = tmp_path / "found.json"
    assert main(["bank", "check", "--bank", str(broken), "--json", str(found)]) == 1
    assert len(json.loads(found.read_text())["problems"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(str(broken) in line for line in lines)
    assert first.key in lines[0]
    assert "damaged" in lines[0]


def test_bank_import_and_remove(tmp_path: Path, capsys: Any) -> None:
    cases, mine = make_cases(tmp_path / "set", 2, mm_per_px=0.3), tmp_path / "mine"
    about = ["--origin", "a ward", "--licence", "own"]
    bring = ["bank", "import", str(cases), "--bank", str(mine), *about]
    assert main([*bring, "--view", "ankle_ap", "--side", "right"]) == 0
    bank = load_bank(mine)
    assert check_bank(bank, CATALOGUE) == []
    assert [(e.key, e.side, e.spacing_mm, e.origin, e.licence) for e in bank.entries] == [
        (f"ankle_ap-film{i}", Side.RIGHT, 0.3, "a ward", "own") for i in range(2)
    ]
    assert main([*bring, "--view", "ankle_ap"]) == 1
    assert "already a reference" in capsys.readouterr().err
    assert main([*bring, "--view", "hand_pa"]) == 1
    assert "17 points" in capsys.readouterr().err
    assert main(["bank", "remove", "ankle_ap-film0", "--bank", str(mine)]) == 0
    assert [e.key for e in load_bank(mine).entries] == ["ankle_ap-film1"]
    assert main(["bank", "remove", "ankle_ap-film0", "--bank", str(mine)]) == 1
    assert "ankle_ap-film1" in capsys.readouterr().err


def test_bank_import_makes_keys_of_any_file_name(tmp_path: Path) -> None:
    cases, mine = make_cases(tmp_path / "set", 1), tmp_path / "mine"
    (cases / "film0.png").rename(cases / "film 0 (a).png")
    landmarks = cases / "landmarks.json"
    landmarks.write_text(landmarks.read_text(encoding="utf-8").replace("film0.png", "film 0 (a).png"))
    about = ["--view", "ankle_ap", "--origin", "o", "--licence", "l", "--bank", str(mine)]
    assert main(["bank", "import", str(cases), *about]) == 0
    assert [e.key for e in load_bank(mine).entries] == ["ankle_ap-film_0__a_"]


def test_the_shipped_bank_stays_as_it_is(tmp_path: Path, capsys: Any) -> None:
    before = (default_bank_folder() / MANIFEST).read_bytes()
    assert main(["bank", "remove", "ankle_ap-01", "--bank", str(default_bank_folder())]) == 1
    told(capsys.readouterr().err, default_bank_folder(), "shipped bank is not changed")
    assert (default_bank_folder() / MANIFEST).read_bytes() == before


def test_bank_add_takes_a_confirmed_case_only(small: Path, tmp_path: Path, capsys: Any) -> None:
    path, mine, saved = good(tmp_path), tmp_path / "mine", tmp_path / "a.omcase"
    make_bank(mine, 1)
    case = Engine.open(small).analyse(read_film(path), view="ankle_ap", side=Side.RIGHT, references=1)
    # the film shows no ankle: where the points come to lie is chance, and some may lie off it
    for number, key in enumerate(VIEW.point_keys):
        case = case.with_point(key, 20.0 + 3.0 * number, 30.0 + 2.0 * number)
    add = [
        "bank",
        "add",
        str(saved),
        "--key",
        "own-1",
        "--origin",
        "o",
        "--licence",
        "l",
        "--bank",
        str(mine),
    ]
    save_case(case, saved)
    assert main(add) == 1
    told(capsys.readouterr().err, saved, "draft")
    off = case.with_point(VIEW.point_keys[0], -20.0, 30.0)
    save_case(off.confirmed("Dr. Ada", "2026-01-02T03:04:05+00:00"), saved)
    assert main(add) == 1
    told(capsys.readouterr().err, saved, "lies off the film")
    save_case(case.confirmed("Dr. Ada", "2026-01-02T03:04:05+00:00"), saved)
    assert main(add) == 0
    assert "grey values only" in capsys.readouterr().out
    added = load_bank(mine).entry("own-1")
    assert added.size_px == (200, 240)
    key = VIEW.point_keys[0]
    assert added.points[key] == pytest.approx((case.landmarks[key].x_px, case.landmarks[key].y_px), abs=1e-3)
    looks = VIEW.canonical_side.other if case.side.side is not VIEW.canonical_side else VIEW.canonical_side
    assert added.side is (looks.other if case.side.mirrored else looks)
    assert main(add) == 1
    assert "holds this film already, as own-1" in capsys.readouterr().err
    save_case(replace(case.confirmed("A", "2026-01-02T03:04:05+00:00"), film_sha256="0" * 64), saved)
    assert main([*add[:4], "own-2", *add[5:]]) == 1
    told(capsys.readouterr().err, path, "not the one that was measured")


@pytest.mark.parametrize(
    "arguments",
    [
        ["measure"],
        ["measure", "a.dcm", "--side", "up"],
        ["measure", "a.dcm", "--references", "0"],
        ["measure", "a.dcm", "--references", "x"],
        ["measure", "a.dcm", "--unknown"],
        ["evaluate"],
        ["evaluate", "a", "--counts", "1,x"],
        ["evaluate", "a", "--draws", "0"],
        ["bank"],
        ["bank", "add", "a.omcase", "--key", "k", "--origin", "o", "--licence", "l"],
        ["bank", "polish"],
        ["--unknown"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: orthomatch" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["measure", "--help"]])
def test_help_and_version(arguments: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    assert "rtho" in capsys.readouterr().out


def test_manual(tmp_path: Path, capsys: Any) -> None:
    assert main(["manual", str(tmp_path)]) == 0
    written = capsys.readouterr().out.split()
    assert written
    assert all(Path(path).stat().st_size > 1000 for path in written)


def test_interrupted(monkeypatch: Any, capsys: Any) -> None:
    def stop(bank: Any = None) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "open", stop)
    assert main(["doctor"]) == 1
    assert "stopped" in capsys.readouterr().err


def test_the_catalogue_lists_views_points_and_measurements(capsys: Any, tmp_path: Path) -> None:
    assert main(["catalogue"]) == 0
    listed = capsys.readouterr().out
    for view in CATALOGUE.views.values():
        assert view.key in listed
    assert main(["catalogue", "--view", "ankle_ap"]) == 0
    shown = capsys.readouterr().out
    assert "tibial_plafond_medial" in shown
    assert "ldta@1" in shown
    file = tmp_path / "catalogue.json"
    assert main(["catalogue", "--view", "ankle_ap", "--json", str(file)]) == 0
    (view,) = json.loads(file.read_text())["views"]
    assert [point["key"] for point in view["points"]] == list(CATALOGUE.view("ankle_ap").point_keys)
    assert main(["catalogue", "--view", "ankel_ap"]) == 1
    assert "ankle_ap" in capsys.readouterr().err
