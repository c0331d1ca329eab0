"""The report as an Encapsulated PDF object (PS3.3 A.45.1)."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from core.adapters.export.dicom_object import NAME, encode, new_object, quiet, read_source
from core.adapters.export.measured import Measured
from core.adapters.pdf import report_bytes


def pdf_dicom_bytes(measured: Measured) -> bytes:
    """The report in a DICOM file. Raises :class:`WriteError` when the film is no DICOM file."""
    source = read_source(measured)
    names = {point.key: point.name for point in measured.view.points}
    report = report_bytes(measured.case, measured.film, measured.results, measured.view.name, names)
    with quiet():
        ds = new_object(measured, source, EncapsulatedPDFStorage, "DOC", 9904, f"{NAME} report")
        draft = measured.case.is_draft
        ds.ConversionType = "WSD"
        ds.BurnedInAnnotation = "YES"
        ds.AcquisitionDateTime = None
        reference: Dataset = source.reference(frame=False)
        ds.SourceInstanceSequence = [reference]
        ds.DocumentTitle = f"{NAME} measurements, {measured.status}"
        ds.ConceptNameCodeSequence = []
        ds.VerificationFlag = "UNVERIFIED" if draft else "VERIFIED"
        ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
        ds.EncapsulatedDocumentLength = len(report)
        ds.EncapsulatedDocument = report + b"\0" * (len(report) % 2)
        return encode(ds)
