"""Reading back the structured reports that this program wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage

from core.adapters.case_file import parse_case
from core.adapters.dicom_header import dicom_errors, parse
from core.adapters.export.codes import unit_code
from core.adapters.export.dicom_object import film_position
from core.adapters.export.sr import PRIVATE_CASE, PRIVATE_CREATOR, PRIVATE_GROUP, REGION, TRACKING
from core.case import Case
from core.errors import ReadError

_REMEDY = "Choose a report as this program wrote it, or open the saved case."
_UNITS = {unit_code(unit).value: unit for unit in ("deg", "mm", "px", "ratio", "percent")}


@dataclass(frozen=True)
class ReportedValue:
    """One value of a report."""

    key: str
    value: float
    unit: str


@dataclass(frozen=True)
class ReadReport:
    """What a report holds: the case (its film by name only) and the values that could be computed."""

    case: Case
    values: tuple[ReportedValue, ...]


def read_sr(path: Path) -> ReadReport:
    """The case and values of a report of this program, equal to what was written to the last digit.

    Raises :class:`ReadError` when the file is another object, when its private element with the case was
    removed on the way, or when its points are not those of that case any more.
    """
    path = Path(path)
    with dicom_errors(path):
        ds = parse(path, pixels=False)
        if ds.get("SOPClassUID") != ComprehensiveSRStorage:
            raise ReadError("The file is no structured report of this program", path=path, remedy=_REMEDY)
        try:
            block = ds.private_block(PRIVATE_GROUP, PRIVATE_CREATOR)
            stored = str(block[PRIVATE_CASE].value)
        except KeyError as e:
            raise ReadError(
                "The report holds no case: another program wrote it or removed its private elements",
                path=path,
                remedy=_REMEDY,
            ) from e
        case = parse_case(stored.encode("utf-8"), path)
        groups = list(_groups(ds))
        _check_points(case, groups, path)
        if (ds.get("VerificationFlag") == "VERIFIED") is case.is_draft:
            raise ReadError(
                "The report's verification is not that of its case",
                path=path,
                remedy="Do not use this report.",
            )
        return ReadReport(case, tuple(_values(groups)))


def _groups(ds: Dataset) -> Iterator[tuple[str, Dataset]]:
    """(tracking identifier, group) of every measurement group."""
    for part in ds.ContentSequence:
        for group in part.get("ContentSequence", []):
            for item in group.get("ContentSequence", []):
                if _name(item) == TRACKING.value:
                    yield str(item.TextValue), group


def _name(item: Dataset) -> str:
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].get("CodeValue", "")) if names else ""


def _check_points(case: Case, groups: list[tuple[str, Dataset]], path: Path) -> None:
    """Compare the points of the graphic data, which are single precision, with those of the case."""
    told = {
        key: [float(v) for v in item.GraphicData]
        for key, group in groups
        for item in group.ContentSequence
        if _name(item) == REGION.value
    }
    kept = {
        key: [float(np.float32(v)) for v in film_position([(point.x_px, point.y_px)])]
        for key, point in case.landmarks.points.items()
    }
    if told != kept:
        raise ReadError(
            "The report's points are not those of its case: another program changed them",
            path=path,
            remedy="Do not use this report. Open the saved case instead.",
        )


def _values(groups: list[tuple[str, Dataset]]) -> Iterator[ReportedValue]:
    for key, group in groups:
        if group.ContentTemplateSequence[0].TemplateIdentifier != "1501":
            continue
        number = next(item for item in group.ContentSequence if item.ValueType == "NUM")
        measured = number.MeasuredValueSequence[0]
        unit = str(measured.MeasurementUnitsCodeSequence[0].CodeValue)
        yield ReportedValue(key, float(measured.FloatingPointValue), _UNITS[unit])
