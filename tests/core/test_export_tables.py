"""CSV, JSON and FHIR: content, status, and that they hold what they should of the patient."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fhir.resources.R4B.bundle import Bundle

from core.adapters.export.capture import capture_picture
from core.adapters.export.codes import SCHEME, measurement_code, method_code, point_code, side_of, unit_code
from core.adapters.export.fhir import fhir_text
from core.adapters.export.formats import FORMATS, write_export
from core.adapters.export.sr import sr_bytes
from core.adapters.export.table import COLUMNS, csv_rows, csv_text, film_report, json_text
from core.case import Confirmation, SideDecision
from core.errors import WriteError
from core.film import Side
from core.measure.loader import load_catalogue
from core.measure.results import MeasurementResult
from tests.core import report_case as made
from tests.core.export_case import measured, of_film
from tests.core.report_case import CONFIRMED


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def picture(folder: Path) -> Path:
    path = folder / "film.png"
    cv2.imwrite(str(path), np.full((made.HEIGHT, made.WIDTH), 90, np.uint8))
    return path


def test_csv_has_one_row_a_measurement(tmp_path: Path) -> None:
    m = measured(tmp_path)
    text = csv_text(csv_rows(m))
    assert text.count("\r\n") == 1 + len(m.results)
    assert "\n" not in text.replace("\r\n", "")
    rows = rows_of(text)
    assert list(rows[0]) == list(COLUMNS)
    assert [row["measurement"] for row in rows] == ["in", "out", "doubt", "none"]
    first, second, third, last = rows
    assert (first["value"], first["unit"], first["interval_low"], first["interval_high"]) == (
        "50.0",
        "mm",
        "48.0",
        "52.0",
    )
    assert (first["side"], first["status"], first["definition"]) == ("left", "draft", "in@1")
    assert (first["spacing_source"], float(first["column_mm"])) == ("fiducial", 0.2)
    assert (second["value"], second["interval_low"]) == ("-71.25", "")
    assert third["note"] == "a note"
    assert (last["value"], last["reason"]) == ("", "Two points coincide.")
    assert "Roe" not in text


def test_csv_quotes_and_keeps_every_digit(tmp_path: Path) -> None:
    odd = replace(made.results()[0], name='Name, "quoted"\nin two lines', value=0.1 + 0.2)
    m = measured(tmp_path, results=[odd], confirmation=Confirmation("山田, 太郎", CONFIRMED.at))
    (row,) = rows_of(csv_text(csv_rows(m)).encode().decode("utf-8"))
    assert row["name"] == 'Name, "quoted"\nin two lines'
    assert float(row["value"]) == 0.1 + 0.2
    assert (row["status"], row["confirmed_by"], row["confirmed_at"]) == (
        "confirmed",
        "山田, 太郎",
        CONFIRMED.at,
    )


def test_tables_of_several_films_have_one_heading(tmp_path: Path) -> None:
    m = measured(tmp_path)
    assert len(rows_of(csv_text([*csv_rows(m), *csv_rows(m)]))) == 8
    document = json.loads(json_text([film_report(m), film_report(m)]))
    assert [film["status"] for film in document["films"]] == ["draft", "draft"]
    assert document["certified_medical_device"] is False


def bundle(m: Any) -> dict[str, list[dict[str, Any]]]:
    """The resources of the bundle by kind; all are valid and every reference among them is resolved.

    The models are those of R4B, which for these resources are those of R4.
    """
    document = json.loads(fhir_text(m))
    Bundle.model_validate(document)
    assert (document["resourceType"], document["type"]) == ("Bundle", "collection")
    known = {entry["fullUrl"] for entry in document["entry"]}
    assert len(known) == len(document["entry"])
    kinds: dict[str, list[dict[str, Any]]] = {}
    for entry in document["entry"]:
        assert entry["fullUrl"] == f"urn:uuid:{entry['resource']['id']}"
        kinds.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    assert set(references(document)) <= known
    return kinds


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "reference" in value:
            yield value["reference"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def test_fhir_observations(tmp_path: Path) -> None:
    kinds = bundle(measured(tmp_path))
    (patient,), (study,), (device,) = kinds["Patient"], kinds["ImagingStudy"], kinds["Device"]
    assert patient["identifier"] == [{"value": "77-1"}]
    assert (patient["name"], patient["gender"], patient["birthDate"]) == (
        [{"text": "Roe, Jane"}],
        "female",
        "1980-02-03",
    )
    assert study["identifier"] == [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.826.1"}]
    assert device["version"][0]["value"] == "9.8.7"
    length, angle, _, missing = kinds["Observation"]
    assert length["status"] == "preliminary"
    assert "performer" not in length
    assert length["subject"]["reference"].endswith(patient["id"])
    assert length["valueQuantity"] == {
        "value": 50.0,
        "unit": "millimeter",
        "system": "http://unitsofmeasure.org",
        "code": "mm",
    }
    assert [c["valueQuantity"]["value"] for c in length["component"]] == [48.0, 52.0]
    assert length["code"]["coding"][0]["code"] == "test/in"
    assert length["code"]["coding"][0]["system"].startswith("urn:oid:2.25.")
    assert length["method"]["text"] == "test/in@1"
    assert length["bodySite"]["text"] == "Foot, left"
    assert length["effectiveDateTime"] == "2026-01-02"
    assert datetime.fromisoformat(length["issued"]).tzinfo is not None
    assert any("Pixel spacing fiducial" in note["text"] for note in length["note"])
    assert any("DRAFT" in note["text"] for note in length["note"])
    assert angle["code"]["coding"][0] == {
        "system": "http://snomed.info/sct",
        "code": "285285000",
        "display": "Cobb angle",
    }
    assert "component" not in angle
    assert "valueQuantity" not in missing
    assert missing["dataAbsentReason"]["text"] == "Two points coincide."
    sides = {b["locationQualifier"][0]["coding"][0]["code"] for b in kinds["BodyStructure"]}
    assert sides == {"7771000"}


def test_fhir_of_a_confirmed_case_is_final(tmp_path: Path) -> None:
    kinds = bundle(measured(tmp_path, confirmation=CONFIRMED))
    for observation in kinds["Observation"]:
        assert observation["status"] == "final"
        assert observation["performer"] == [{"display": "Dr. Vega"}]
        assert not any("DRAFT" in note["text"] for note in observation["note"])


def test_fhir_keeps_names_in_other_scripts(tmp_path: Path) -> None:
    m = measured(tmp_path, SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName="Yamada^Tarou=山田^太郎")
    (patient,) = bundle(m)["Patient"]
    assert patient["name"] == [{"text": "Yamada, Tarou (山田 太郎)"}]


def test_films_without_patient_and_spacing(tmp_path: Path) -> None:
    m = of_film(picture(tmp_path), results=[replace(made.results()[0], unit="px")])
    kinds = bundle(m)
    assert set(kinds) == {"Device", "Observation"}
    (observation,) = kinds["Observation"]
    assert "subject" not in observation
    assert observation["valueQuantity"]["code"] == "{pixels}"
    assert any("Pixel spacing none" in note["text"] for note in observation["note"])
    assert rows_of(csv_text(csv_rows(m)))[0]["spacing_source"] == "none"
    for form in FORMATS:
        if form.key in ("csv", "json", "fhir", "pdf"):
            assert form.make(m)
        else:
            with pytest.raises(WriteError, match="not a DICOM file"):
                form.make(m)


def test_side_in_doubt_is_said(tmp_path: Path) -> None:
    m = measured(tmp_path)
    m = replace(m, case=replace(m.case, side=SideDecision(Side.LEFT, "tag", "Tag and image differ.", True)))
    assert rows_of(csv_text(csv_rows(m)))[0]["side_conflict"] == "true"
    observation = bundle(m)["Observation"][0]
    assert any("Side not settled" in note["text"] for note in observation["note"])


def test_view_in_doubt_is_said_everywhere(tmp_path: Path) -> None:
    m = measured(tmp_path)
    said = "The tags say FOOT, LAT."
    m = replace(m, case=replace(m.case, view_text=said, view_conflict=True))
    assert rows_of(csv_text(csv_rows(m)))[0]["view_conflict"] == "true"
    assert film_report(m)["view_conflict"] is True
    observation = bundle(m)["Observation"][0]
    assert any(note["text"] == f"View not settled: {said}" for note in observation["note"])
    assert f"{said} Not settled." in sr_bytes(m).decode("utf-8", "replace")
    settled = replace(m, case=m.case.with_view_settled())
    assert settled.case.doubts == ()
    assert not (capture_picture(settled) == capture_picture(m)).all()


@pytest.mark.parametrize(
    ("side", "key", "expected"),
    [
        (Side.LEFT, "hva", Side.LEFT),
        (Side.RIGHT, "edge_left", Side.RIGHT),
        (Side.BOTH, "edge_left", Side.LEFT),
        (Side.BOTH, "t1_right_superior", Side.RIGHT),
        (Side.BOTH, "leftover", None),
        (Side.BOTH, "cobb", None),
    ],
)
def test_side_of_a_point(side: Side, key: str, expected: Side | None) -> None:
    assert side_of(side, key) is expected


def test_every_term_of_the_catalogue_can_be_coded() -> None:
    for view in load_catalogue().views.values():
        terms = [point_code(view, key) for key in view.point_keys]
        for m in view.measurements:
            result = MeasurementResult(m.key, m.name, None, m.unit, None, "", m.identifier, (), ())
            terms += [measurement_code(view, result), method_code(view, result)]
            assert unit_code(m.unit).scheme == "UCUM"
        own = [term.value for term in terms if term.scheme == SCHEME]
        assert len(set(own)) == len(own)
        assert all(0 < len(term.meaning) <= 64 and term.meaning.isprintable() for term in terms)


def test_angles_of_the_standard_have_its_codes() -> None:
    views = load_catalogue().views
    coded = {m.key: m.code for view in views.values() for m in view.measurements if m.code is not None}
    cobb = {key for key, code in coded.items() if (code.value, code.scheme) == ("285285000", "SCT")}
    acetabular = {key for key, code in coded.items() if (code.value, code.scheme) == ("121224", "DCM")}
    assert cobb == {"cobb_largest", "cobb_above", "cobb_below", "cobb_lumbar"}
    assert acetabular == {"acetabular_index_left", "acetabular_index_right"}
    assert set(coded) == cobb | acetabular


def test_inputs_are_never_written(tmp_path: Path) -> None:
    film, link = tmp_path / "film.dcm", tmp_path / "link.dcm"
    film.write_bytes(b"film")
    link.symlink_to(film)
    for path in (film, link, tmp_path / "." / "film.dcm"):
        with pytest.raises(WriteError, match="was read"):
            write_export(path, b"other", [film, tmp_path / "missing.omcase"])
    assert film.read_bytes() == b"film"
    write_export(tmp_path / "new.csv", b"data", [film])
    assert (tmp_path / "new.csv").read_bytes() == b"data"
