"""What studies are looked for by, and what an archive tells of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydicom.dataset import Dataset

from core.adapters.dicom_tags import person_name
from core.errors import NetworkError

_DATES = re.compile(r"(\d{8})?(-(\d{8})?)?")


@dataclass(frozen=True)
class StudyQuery:
    """Keys of a search for studies; ``*`` stands for any text in name and number.

    ``dates`` is YYYYMMDD or a range such as ``20260101-20260131``. At least one of the patient's name or
    number, the accession number and the date must be given: nobody wants the whole archive.
    """

    patient_name: str = ""
    patient_id: str = ""
    accession: str = ""
    dates: str = ""
    modality: str = ""

    def __post_init__(self) -> None:
        named = (self.patient_name, self.patient_id, self.accession, self.dates)
        if not any(text.strip("* ^-") for text in named):
            raise NetworkError(
                "The search would match every study", remedy="Give a name, a number or a date."
            )
        if not _DATES.fullmatch(self.dates):
            raise NetworkError(
                f"{self.dates!r} is no date", remedy="Write YYYYMMDD, or a range such as 20260101-20260131."
            )


@dataclass(frozen=True)
class Study:
    """A study in the archive. ``date`` is YYYYMMDD as the archive writes it."""

    uid: str
    patient_name: str
    patient_id: str
    date: str
    description: str
    modalities: str
    accession: str
    films: int | None


@dataclass(frozen=True)
class Series:
    """A series of a study."""

    uid: str
    modality: str
    description: str
    body_part: str
    films: int | None


def query_dataset(query: StudyQuery) -> Dataset:
    """The identifier of a C-FIND request on the level of studies."""
    ds = Dataset()
    given = "".join((query.patient_name, query.patient_id, query.accession))
    if not given.isascii():
        ds.SpecificCharacterSet = "ISO_IR 192"
    ds.QueryRetrieveLevel = "STUDY"
    ds.PatientName, ds.PatientID = query.patient_name, query.patient_id
    ds.AccessionNumber, ds.StudyDate = query.accession, query.dates
    ds.ModalitiesInStudy = query.modality
    for keyword in ("StudyInstanceUID", "StudyDescription", "NumberOfStudyRelatedInstances"):
        setattr(ds, keyword, None)
    return ds


def read_study(ds: Dataset) -> Study:
    """A study from one match."""
    modalities = ds.get("ModalitiesInStudy") or ""
    return Study(
        uid=_text(ds, "StudyInstanceUID"),
        patient_name=person_name(ds.get("PatientName")),
        patient_id=_text(ds, "PatientID"),
        date=_text(ds, "StudyDate"),
        description=_text(ds, "StudyDescription"),
        modalities=modalities if isinstance(modalities, str) else ", ".join(map(str, modalities)),
        accession=_text(ds, "AccessionNumber"),
        films=_count(ds, "NumberOfStudyRelatedInstances"),
    )


def read_series(ds: Dataset) -> Series:
    """A series from one match."""
    return Series(
        uid=_text(ds, "SeriesInstanceUID"),
        modality=_text(ds, "Modality"),
        description=_text(ds, "SeriesDescription"),
        body_part=_text(ds, "BodyPartExamined"),
        films=_count(ds, "NumberOfSeriesRelatedInstances"),
    )


def _text(ds: Dataset, keyword: str) -> str:
    return "".join(c if c.isprintable() else " " for c in str(ds.get(keyword) or "")).strip()


def _count(ds: Dataset, keyword: str) -> int | None:
    text = _text(ds, keyword)
    return int(text) if text.isdecimal() else None
