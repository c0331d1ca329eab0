"""The results as a FHIR R4 bundle: one Observation a measurement, the film's study, patient and program."""

from __future__ import annotations

import json
import uuid
from datetime import datetime

from core.adapters.export.codes import (
    DEVICE_UID,
    SCHEME,
    SCHEME_UID,
    measurement_code,
    private,
    side_code,
    side_of,
    unit_code,
)
from core.adapters.export.measured import STATEMENT, Measured
from core.film import FilmTags
from core.measure.definitions import Code
from core.measure.results import MeasurementResult

Json = dict[str, object]

_SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "UCUM": "http://unitsofmeasure.org",
    SCHEME: f"urn:oid:{SCHEME_UID}",
}
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_BODY_SITE = "http://hl7.org/fhir/StructureDefinition/bodySite"
_GENDERS = {"M": "male", "F": "female", "O": "other"}


def fhir_text(measured: Measured) -> str:
    """The bundle as JSON. Without patient data in the file, the observations name no subject."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    tags = measured.film.tags
    patient = _patient(tags)
    study = _study(measured, patient)
    device = _device(measured)
    links: Json = {"device": _link(device)}
    if patient is not None:
        links["subject"] = _link(patient)
    if study is not None:
        links["derivedFrom"] = [_link(study)]
    entries = [resource for resource in (patient, study, device) if resource is not None]
    for result in measured.results:
        site = _body_structure(measured, result, patient)
        entries += [] if site is None else [site]
        entries.append(_observation(measured, result, links, site, now))
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": now,
        "entry": [{"fullUrl": f"urn:uuid:{entry['id']}", "resource": entry} for entry in entries],
    }
    return json.dumps(bundle, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _resource(kind: str, **fields: object) -> Json:
    return {"resourceType": kind, "id": str(uuid.uuid4()), **fields}


def _link(resource: Json) -> Json:
    return {"reference": f"urn:uuid:{resource['id']}"}


def _coding(code: Code) -> Json:
    return {"system": _SYSTEMS[code.scheme], "code": code.value, "display": code.meaning}


def _concept(code: Code, text: str) -> Json:
    return {"coding": [_coding(code)], "text": text}


def _patient(tags: FilmTags) -> Json | None:
    if not (tags.patient_id or tags.patient_name):
        return None
    patient = _resource("Patient")
    if tags.patient_id:
        patient["identifier"] = [{"value": tags.patient_id}]
    if tags.patient_name:
        patient["name"] = [{"text": tags.patient_name}]
    gender = _GENDERS.get(tags.sex.strip().upper())
    if gender:
        patient["gender"] = gender
    if tags.birth_date:
        patient["birthDate"] = tags.birth_date
    return patient


def _study(measured: Measured, patient: Json | None) -> Json | None:
    """The film's study. A study resource needs a patient, so there is none without."""
    tags = measured.film.tags
    if not tags.study_uid or patient is None:
        return None
    study = _resource("ImagingStudy", status="available", subject=_link(patient))
    study["identifier"] = [{"system": "urn:dicom:uid", "value": f"urn:oid:{tags.study_uid}"}]
    if tags.study_date:
        study["started"] = tags.study_date
    if tags.study_description:
        study["description"] = tags.study_description
    if tags.series_uid and tags.sop_uid and tags.modality:
        modality = {"system": _SYSTEMS["DCM"], "code": tags.modality}
        study["series"] = [{"uid": tags.series_uid, "modality": modality}]
    return study


def _device(measured: Measured) -> Json:
    made = measured.case.provenance
    return _resource(
        "Device",
        identifier=[{"system": "urn:ietf:rfc:3986", "value": f"urn:oid:{DEVICE_UID}"}],
        manufacturer="OrthoMatch",
        deviceName=[{"name": "OrthoMatch", "type": "model-name"}],
        version=[
            {"type": {"text": kind}, "value": value}
            for kind, value in (
                ("program", made.program_version),
                ("model SHA-256", made.model_sha256),
                ("bank SHA-256", made.bank_sha256),
            )
            if value
        ],
        note=[{"text": STATEMENT}],
    )


def _body_structure(measured: Measured, result: MeasurementResult, patient: Json | None) -> Json | None:
    """The sided body site, which R4 keeps in a resource of its own; it needs a patient."""
    side = side_of(measured.case.side.side, result.key)
    if side is None or patient is None:
        return None
    region = measured.view.tags.region
    return _resource(
        "BodyStructure",
        location=_concept(region, region.meaning),
        locationQualifier=[_concept(side_code(side), side.value)],
        patient=_link(patient),
    )


def _observation(
    measured: Measured, result: MeasurementResult, links: Json, site: Json | None, now: str
) -> Json:
    view, case = measured.view, measured.case
    region, side = view.tags.region, side_of(case.side.side, result.key)
    where = _concept(region, f"{region.meaning}, {side.value}" if side is not None else region.meaning)
    if site is not None:
        where["extension"] = [{"url": _BODY_SITE, "valueReference": _link(site)}]
    observation = _resource(
        "Observation",
        status="preliminary" if case.is_draft else "final",
        category=[_category("imaging")],
        code=_concept(measurement_code(view, result), result.name),
        **links,
        issued=now,
        bodySite=where,
        method={"text": f"{view.key}/{result.definition}"},
    )
    if measured.film.tags.study_date:
        observation["effectiveDateTime"] = measured.film.tags.study_date
    if case.confirmation is not None:
        observation["performer"] = [{"display": case.confirmation.by}]
    if result.value is None:
        observation["dataAbsentReason"] = {
            "coding": [{"system": f"{_TERMINOLOGY}/data-absent-reason", "code": "error"}],
            "text": result.reason or "no value",
        }
    else:
        observation["valueQuantity"] = _quantity(result.value, result.unit)
        observation["component"] = _interval(result)
    observation["note"] = [{"text": text} for text in _notes(measured, result)]
    return {name: value for name, value in observation.items() if value not in ([], {})}


def _category(code: str) -> Json:
    return {"coding": [{"system": f"{_TERMINOLOGY}/observation-category", "code": code}]}


def _quantity(value: float, unit: str) -> Json:
    code = unit_code(unit)
    return {"value": value, "unit": code.meaning, "system": _SYSTEMS["UCUM"], "code": code.value}


def _interval(result: MeasurementResult) -> list[Json]:
    if result.interval is None:
        return []
    names = (
        ("interval_90_lower", "Lower limit of the 90 % interval"),
        ("interval_90_upper", "Upper limit of the 90 % interval"),
    )
    return [
        {"code": _concept(private(key, name), name), "valueQuantity": _quantity(limit, result.unit)}
        for (key, name), limit in zip(names, result.interval, strict=True)
    ]


def _notes(measured: Measured, result: MeasurementResult) -> list[str]:
    case = measured.case
    notes = [f"{measured.status_text}.", *case.doubts]
    if result.unit in ("mm", "px"):
        notes.append(f"Pixel spacing {case.calibration.source.value}: {case.calibration.detail}")
    return [*notes, *([result.note] if result.note else []), STATEMENT]
