"""All forms of export as data: command line and window offer what is listed here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from core.adapters.atomic import write_bytes
from core.adapters.export.capture import capture_bytes
from core.adapters.export.fhir import fhir_text
from core.adapters.export.gsps import gsps_bytes
from core.adapters.export.measured import Measured
from core.adapters.export.pdf_dicom import pdf_dicom_bytes
from core.adapters.export.sr import sr_bytes
from core.adapters.export.table import csv_rows, csv_text, film_report, json_text
from core.adapters.pdf import report_bytes
from core.errors import WriteError


@dataclass(frozen=True)
class Format:
    """One form of export of one film. ``key`` is the option's name, ``title`` what the window calls it."""

    key: str
    title: str
    suffix: str
    help: str
    make: Callable[[Measured], bytes]


def _pdf(measured: Measured) -> bytes:
    names = {point.key: point.name for point in measured.view.points}
    return report_bytes(measured.case, measured.film, measured.results, measured.view.name, names)


FORMATS = (
    Format(
        "csv", "CSV", ".csv", "values as CSV, one row a measurement", lambda m: csv_text(csv_rows(m)).encode()
    ),
    Format(
        "json", "JSON", ".json", "points and values as JSON", lambda m: json_text([film_report(m)]).encode()
    ),
    Format("pdf", "PDF", ".pdf", "report", _pdf),
    Format("sr", "DICOM structured report", ".dcm", "DICOM structured report (TID 1500)", sr_bytes),
    Format("gsps", "DICOM presentation state", ".dcm", "overlay as a DICOM presentation state", gsps_bytes),
    Format("capture", "DICOM picture", ".dcm", "overlay burnt into a DICOM picture", capture_bytes),
    Format("pdf_dicom", "DICOM report", ".dcm", "report as a DICOM object", pdf_dicom_bytes),
    Format("fhir", "FHIR", ".json", "FHIR R4 bundle of observations", lambda m: fhir_text(m).encode()),
)


def write_export(path: Path, data: bytes, inputs: Iterable[Path]) -> None:
    """Write ``data`` to ``path`` in one step. Raises :class:`WriteError`, also when it is an input."""
    refuse_inputs(path, inputs)
    write_bytes(path, data)


def refuse_inputs(path: Path, inputs: Iterable[Path]) -> None:
    """Raise :class:`WriteError` when ``path`` is one of the files that were read."""
    for given in inputs:
        if path.exists() and given.exists() and os.path.samefile(path, given):
            raise WriteError("This is a file that was read", path=path, remedy="Choose another name.")
