"""The output options of ``measure`` and ``export``, with a case made up beforehand."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from app.cli import main
from app.commandline import measure as command
from core.adapters.case_file import save_case
from core.adapters.dicom import read_film
from core.adapters.export.sr_read import read_sr
from core.case import Case
from core.engine import Engine
from core.film import Radiograph
from core.landmarks import Landmark, LandmarkSet
from core.measure.loader import load_catalogue
from tests.core.dicom_files import dataset, encode, save
from tests.core.export_case import TAGS, of_film
from tests.core.report_case import CONFIRMED

CATALOGUE = load_catalogue()
OPTIONS = {
    "csv": "a.csv", "json": "a.json", "pdf": "a.pdf", "sr": "sr.dcm", "gsps": "gsps.dcm",
    "capture": "capture.dcm", "pdf-dicom": "report.dcm", "fhir": "fhir.json", "overlay": "a.png",
}  # fmt: skip


def case_of(film: Radiograph) -> Case:
    """A draft of the ankle view with its points on a grid."""
    view = CATALOGUE.view("ankle_ap")
    points = LandmarkSet(
        {
            key: Landmark(40.0 + 13.25 * i, 30.0 + 37.5 * (i % 5), 1.5, 1.0, 0.9)
            for i, key in enumerate(view.point_keys)
        }
    )
    case = of_film(film.path).case
    return replace(case, view="ankle_ap", landmarks=points, automatic=points)


def make_film(folder: Path, name: str = "film.dcm", **tags: Any) -> Path:
    pixels = np.tile(np.arange(320, dtype=np.uint16), (300, 1))
    return save(folder, encode(dataset(pixels, **{**TAGS, **tags})), name)


def make_case(folder: Path, film: Path, name: str = "film.omcase", *, confirmed: bool = True) -> Path:
    case = case_of(read_film(film))
    save_case(replace(case, confirmation=CONFIRMED if confirmed else None), folder / name)
    return folder / name


def arguments(folder: Path, *keys: str) -> list[str]:
    return [part for key in keys or OPTIONS for part in (f"--{key}", str(folder / OPTIONS[key]))]


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8"), newline="")))


class MadeEngine:
    """Finds the points of ``case_of`` on every film."""

    catalogue = CATALOGUE

    def analyse(self, film: Radiograph, **_: Any) -> Case:
        return case_of(film)

    measure = Engine.measure


@pytest.fixture
def engine(monkeypatch: Any) -> None:
    monkeypatch.setattr(command.Engine, "open", lambda bank: MadeEngine())


def test_export_writes_every_form(tmp_path: Path, capfd: Any) -> None:
    film = make_film(tmp_path)
    case, before = make_case(tmp_path, film), film.read_bytes()
    assert main(["export", str(case), *arguments(tmp_path)]) == 0
    assert capfd.readouterr() == ("", "")
    for name in OPTIONS.values():
        assert (tmp_path / name).stat().st_size > 500
    assert film.read_bytes() == before
    rows = rows_of(tmp_path / "a.csv")
    assert {row["status"] for row in rows} == {"confirmed"}
    assert [row["measurement"] for row in rows] == [m.key for m in CATALOGUE.view("ankle_ap").measurements]
    back = read_sr(tmp_path / "sr.dcm")
    assert back.case.confirmation == CONFIRMED
    values = {v.key: v.value for v in back.values}
    report = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["films"][0]
    assert values == {m["key"]: m["value"] for m in report["measurements"] if m["value"] is not None}
    objects = [pydicom.dcmread(tmp_path / OPTIONS[k]) for k in ("sr", "gsps", "capture", "pdf-dicom")]
    assert {ds.StudyInstanceUID for ds in objects} == {TAGS["StudyInstanceUID"]}
    assert len({ds.SeriesInstanceUID for ds in objects}) == 4


def test_measure_writes_drafts(tmp_path: Path, engine: None) -> None:
    film = make_film(tmp_path)
    assert main(["measure", str(film), *arguments(tmp_path)]) == 0
    assert pydicom.dcmread(tmp_path / "sr.dcm").CompletionFlag == "PARTIAL"
    bundle = json.loads((tmp_path / "fhir.json").read_text(encoding="utf-8"))
    observed = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Observation"]
    assert {o["status"] for o in observed} == {"preliminary"}


def test_several_films_share_tables_and_have_objects_of_their_own(tmp_path: Path, engine: None) -> None:
    films = [make_film(tmp_path, name) for name in ("one.dcm", "two.dcm")]
    assert main(["measure", *map(str, films), *arguments(tmp_path, "csv", "sr", "fhir")]) == 0
    rows = rows_of(tmp_path / "a.csv")
    assert {row["file"] for row in rows} == {str(film) for film in films}
    for name in ("sr-one.dcm", "sr-two.dcm", "fhir-one.json", "fhir-two.json"):
        assert (tmp_path / name).is_file()
    assert not (tmp_path / "sr.dcm").exists()


def test_a_picture_gets_all_but_dicom(tmp_path: Path, engine: None, capsys: Any) -> None:
    from PIL import Image

    Image.new("L", (320, 300), 90).save(tmp_path / "film.png")
    assert main(["measure", str(tmp_path / "film.png"), *arguments(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert told.count("not a DICOM file") == 4
    assert "CSV, JSON, FHIR or PDF" in told
    written = {key for key, name in OPTIONS.items() if (tmp_path / name).exists()}
    assert written == {"csv", "json", "pdf", "fhir", "overlay"}


@pytest.mark.parametrize("key", ["csv", "sr", "overlay"])
def test_inputs_are_not_overwritten(tmp_path: Path, engine: None, capsys: Any, key: str) -> None:
    film = make_film(tmp_path)
    case = make_case(tmp_path, film)
    before = film.read_bytes(), case.read_bytes()
    assert main(["measure", str(film), f"--{key}", str(film)]) == 1
    assert main(["export", str(case), f"--{key}", str(film)]) == 1
    assert main(["export", str(case), f"--{key}", str(case)]) == 1
    assert capsys.readouterr().err.count("was read") == 3
    assert (film.read_bytes(), case.read_bytes()) == before


def test_wrong_usage(tmp_path: Path, engine: None, capsys: Any) -> None:
    film = make_film(tmp_path)
    case, same = make_case(tmp_path, film), str(tmp_path / "same.dcm")
    assert main(["export", str(case)]) == 2
    assert "say what to write" in capsys.readouterr().err
    assert main(["export", str(case), "--sr", same, "--gsps", same]) == 2
    assert main(["measure", str(film), "--sr", same, "--gsps", same]) == 2
    assert "same name" in capsys.readouterr().err
    assert not Path(same).exists()


def test_one_bad_case_does_not_stop_the_others(tmp_path: Path, capsys: Any) -> None:
    film = make_film(tmp_path)
    good = make_case(tmp_path, film)
    (tmp_path / "bad.omcase").write_text("{}")
    lost = make_case(tmp_path, make_film(tmp_path, "gone.dcm"), "lost.omcase")
    (tmp_path / "gone.dcm").unlink()
    cases = [str(tmp_path / "bad.omcase"), str(lost), str(good)]
    assert main(["export", *cases, *arguments(tmp_path, "csv", "sr")]) == 1
    told = capsys.readouterr().err
    assert "bad.omcase" in told
    assert "gone.dcm" in told
    assert (tmp_path / "sr-film.dcm").is_file()
    assert not (tmp_path / "sr-lost.dcm").exists()
    rows = rows_of(tmp_path / "a.csv")
    assert {row["file"] for row in rows} == {str(film)}


def test_nothing_of_the_patient_is_printed(tmp_path: Path, engine: None, capfd: Any, caplog: Any) -> None:
    film = make_film(tmp_path, PatientName="Geheim^Anna", PatientID="GEHEIM77")
    assert main(["measure", str(film), *arguments(tmp_path)]) == 0
    assert main(["export", str(make_case(tmp_path, film)), *arguments(tmp_path)]) == 0
    told = "".join(capfd.readouterr()) + caplog.text
    assert "eheim" not in told.lower()
    assert "eheim" not in (tmp_path / "a.csv").read_text(encoding="utf-8").lower()
