"""The command that writes films and cases without identity, and the review before a bank is added to."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest

from app.cli import main
from app.commandline.deidentify import check_reviewed
from core.adapters.case_file import load_case, save_case
from core.adapters.dicom import read_film
from core.burnt_in import Rectangle
from core.errors import ReadError
from core.landmarks import Landmark, LandmarkSet
from core.measure.loader import default_catalogue
from tests.core.dicom_files import dataset, encode, save
from tests.core.report_case import case as make_case

ANKLE = default_catalogue().view("ankle_ap")


def soft(text: str = "") -> np.ndarray:
    ramp = np.add.outer(np.arange(160), np.arange(240)).astype(np.uint16) * 4
    strokes = np.zeros(ramp.shape, np.uint8)
    if text:
        cv2.putText(strokes, text, (30, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
    return np.where(strokes > 0, 4000, ramp).astype(np.uint16)


def film(folder: Path, text: str = "", name: str = "DOE_JANE.dcm", **tags: Any) -> Path:
    return save(folder, encode(dataset(soft(text), PatientName="DOE^JANE", **tags)), name)


def test_writes_numbered_films(tmp_path: Path, capsys: Any) -> None:
    films = [film(tmp_path), film(tmp_path, name="JOHN.dcm")]
    out = tmp_path / "out"
    assert main(["deidentify", *map(str, films), "--out", str(out)]) == 0
    assert sorted(p.name for p in out.iterdir()) == ["film-0001.dcm", "film-0002.dcm"]
    assert main(["deidentify", str(films[0]), "--out", str(out)]) == 0
    assert (out / "film-0003.dcm").exists()
    for path in out.iterdir():
        assert b"JANE" not in path.read_bytes()
    assert "JOHN.dcm -> " in capsys.readouterr().out


def test_film_with_text_waits_for_a_person(tmp_path: Path, capsys: Any) -> None:
    path, out = film(tmp_path, "DOE JANE"), tmp_path / "out"
    assert main(["deidentify", str(path), "--out", str(out)]) == 1
    assert not list(out.iterdir())
    message = capsys.readouterr().err
    assert "looks like text: " in message
    assert "--text-reviewed" in message
    area = message.split("looks like text: ")[1].split(".")[0].split(";")[0]
    assert main(["deidentify", str(path), "--out", str(out), "--blank", area]) == 0
    written = pydicom.dcmread(out / "film-0001.dcm")
    x, y, w, h = (int(part) for part in area.split(","))
    assert (written.pixel_array[y : y + h, x : x + w] == 0).all()
    assert main(["deidentify", str(path), "--out", str(out), "--text-reviewed"]) == 0
    assert pydicom.dcmread(out / "film-0002.dcm").BurnedInAnnotation == "NO"


def test_tag_that_states_burnt_in_text_counts(tmp_path: Path) -> None:
    path = film(tmp_path, BurnedInAnnotation="YES")
    options = argparse.Namespace(text_reviewed=False, blank=[])
    with pytest.raises(ReadError, match="BurnedInAnnotation"):
        check_reviewed(path, options)
    check_reviewed(path, argparse.Namespace(text_reviewed=False, blank=[Rectangle(0, 0, 5, 5)]))
    check_reviewed(path, argparse.Namespace(text_reviewed=True, blank=[]))


def test_case_goes_with_its_film_and_names_nobody(tmp_path: Path) -> None:
    path = film(tmp_path)
    case = replace(
        make_case().confirmed("Dr Reader", "2026-03-04T05:06:07+00:00"),
        film_path=str(path),
        film_sha256=read_film(path).sha256,
        frame=0,
    )
    stored = tmp_path / "DOE_JANE.omcase"
    save_case(case, stored)
    out = tmp_path / "out"
    assert main(["deidentify", str(stored), "--out", str(out)]) == 0
    shared = load_case(out / "film-0001.omcase")
    assert shared.film_path == "film-0001.dcm"
    assert shared.film_sha256 == read_film(out / "film-0001.dcm").sha256
    assert shared.landmarks == case.landmarks
    text = (out / "film-0001.omcase").read_text(encoding="utf-8")
    assert not [word for word in ("DOE", "Reader", "2026", str(tmp_path)) if word in text]


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path, capsys: Any) -> None:
    bad = save(tmp_path, b"no film", "bad.dcm")
    out = tmp_path / "out"
    assert main(["deidentify", str(bad), str(film(tmp_path)), "--out", str(out)]) == 1
    assert "bad.dcm" in capsys.readouterr().err
    assert len(list(out.iterdir())) == 1


def test_wrong_rectangle_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["deidentify", "x.dcm", "--out", str(tmp_path), "--blank", "1,2,3"])
    assert ended.value.code == 2


def test_bank_takes_a_film_with_text_only_after_review(tmp_path: Path, capsys: Any) -> None:
    path = film(tmp_path, "DOE JANE")
    case = replace(
        make_case().confirmed("Dr Reader", "2026-03-04T05:06:07+00:00"),
        film_path=str(path),
        film_sha256=read_film(path).sha256,
        frame=0,
        view="ankle_ap",
        landmarks=LandmarkSet({key: Landmark(5.0 + i, 9.0) for i, key in enumerate(ANKLE.point_keys)}),
    )
    stored, bank = tmp_path / "one.omcase", tmp_path / "bank"
    save_case(case, stored)
    add = ["bank", "add", str(stored), "--key", "k", "--origin", "o", "--licence", "l", "--bank", str(bank)]
    assert main(add) == 1
    assert "looks like text" in capsys.readouterr().err
    assert not bank.exists()
    assert main([*add, "--blank", "20,20,200,60"]) == 0
    stored_image = cv2.imread(str(next(bank.rglob("k.png"))), cv2.IMREAD_UNCHANGED)
    assert not stored_image[20:80, 20:220].any()
