"""What all DICOM objects of the program share: the source's patient and study, a new series, a new object."""

from __future__ import annotations

import hashlib
import re
import uuid
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from pydicom.config import RAISE
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID, ExplicitVRLittleEndian
from pydicom.valuerep import validate_value

from core import __version__
from core.adapters.dicom_header import dicom_errors, frame_count, parse
from core.adapters.export.codes import DEVICE_UID, SCHEME, SCHEME_UID
from core.adapters.export.measured import Measured
from core.errors import WriteError
from core.film import Side
from core.measure.definitions import Code

NAME = "OrthoMatch"

# Patient, patient study and study modules (PS3.3 C.7.1.1, C.7.2.1, C.7.2.2) as far as they identify.
_KEPT = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "PatientAge",
    "PatientSize", "PatientWeight", "EthnicGroup", "PatientIdentityRemoved", "DeidentificationMethod",
    "StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
    "StudyDescription", "InstitutionName",
)  # fmt: skip
# These must be present in every object, empty when unknown.
_NEEDED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "ReferringPhysicianName", "StudyID", "AccessionNumber",
)  # fmt: skip
_OTHER_FORMS = "Export it as CSV, JSON, FHIR or PDF instead."


@dataclass(frozen=True, eq=False)
class Source:
    """The measured DICOM file: its header without pixels, and its references."""

    header: Dataset
    frame: int
    frames: int

    def reference(self, *, frame: bool = True) -> Dataset:
        """A reference to the measured image (and frame, where there are several)."""
        item = Dataset()
        item.ReferencedSOPClassUID = self.header.SOPClassUID
        item.ReferencedSOPInstanceUID = self.header.SOPInstanceUID
        if frame and self.frames > 1:
            item.ReferencedFrameNumber = self.frame + 1
        return item

    def study_reference(self) -> Dataset:
        """The measured image in the hierarchy of study and series."""
        series = Dataset()
        series.SeriesInstanceUID = self.header.SeriesInstanceUID
        series.ReferencedSOPSequence = [self.reference(frame=False)]
        study = Dataset()
        study.StudyInstanceUID = self.header.StudyInstanceUID
        study.ReferencedSeriesSequence = [series]
        return study


@contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings of the DICOM library, which quote values, from the console."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_source(measured: Measured) -> Source:
    """The header of the measured file.

    Raises :class:`WriteError` when it is no DICOM file, lacks what a reference to it needs, or is no
    longer the file that was measured.
    """
    path = measured.film.path
    if not measured.film.tags.sop_uid and not measured.film.tags.study_uid:
        raise WriteError(
            "The film is not a DICOM file with a study, to which a DICOM object could belong",
            path=path,
            remedy=_OTHER_FORMS,
        )
    with dicom_errors(path):
        if hashlib.sha256(path.read_bytes()).hexdigest() != measured.film.sha256:
            raise WriteError(
                "The film's file has changed since it was measured", path=path, remedy="Measure it again."
            )
        header = parse(path, pixels=False)
        header.decode()
        for keyword in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
            if not UID(str(header.get(keyword, ""))).is_valid:
                raise WriteError(f"The film's file states no valid {keyword}", path=path, remedy=_OTHER_FORMS)
    return Source(header, measured.case.frame, frame_count(header))


def new_object(
    measured: Measured, source: Source, sop_class: UID, modality: str, series_number: int, title: str
) -> Dataset:
    """An object of ``sop_class`` in a new series of the source's study, text in UTF-8."""
    now = datetime.now()
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = new_uid()
    ds.InstanceCreationDate = ds.SeriesDate = ds.ContentDate = now.strftime("%Y%m%d")
    ds.InstanceCreationTime = ds.SeriesTime = ds.ContentTime = now.strftime("%H%M%S")
    for keyword in _KEPT:
        _copy(source.header, ds, keyword)
    for keyword in _NEEDED:
        if keyword not in ds:
            setattr(ds, keyword, None)
    ds.Modality = modality
    ds.SeriesInstanceUID = new_uid()
    ds.SeriesNumber = series_number
    ds.SeriesDescription = f"{title} (draft)" if measured.case.is_draft else title
    ds.InstanceNumber = 1
    ds.Manufacturer = NAME
    ds.ManufacturerModelName = NAME
    ds.SoftwareVersions = __version__
    ds.DeviceUID = DEVICE_UID
    return ds


def _copy(source: Dataset, target: Dataset, keyword: str) -> None:
    """Take over a value, in its own characters. One that breaks its type's rules is left out.

    The identifiers of the patient are kept as they are, since matching depends on them.
    """
    element = source.get_item(keyword) and source[keyword]
    if not element or element.value is None or element.value == "":
        return
    value = element.value
    text = "\\".join(str(v) for v in value) if isinstance(value, MultiValue) else str(value)
    if element.VR == "DA":
        text = re.sub(r"[.\-]", "", text)
    if element.VR in ("DA", "TM", "CS", "AS", "DS", "UI"):
        try:
            validate_value(element.VR, text, RAISE)
        except ValueError:
            return
    setattr(target, keyword, text)


def encode(ds: Dataset) -> bytes:
    """The bytes of ``ds`` as a DICOM file, explicit little endian."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    ds.file_meta.ImplementationVersionName = f"{NAME.upper()}_{__version__}"[:16]
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def new_uid() -> UID:
    """A new unique identifier (PS3.5 annex B.2)."""
    return UID(f"2.25.{uuid.uuid4().int}")


def coded(code: Code) -> Dataset:
    """One item of a code sequence (PS3.3 table 8.8-1)."""
    item = Dataset()
    if len(code.value) > 16:
        item.LongCodeValue = code.value
    else:
        item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme
    item.CodeMeaning = code.meaning
    return item


def private_scheme() -> Dataset:
    """What identifies the program's own coding scheme (PS3.3 C.12.1)."""
    item = Dataset()
    item.CodingSchemeDesignator = SCHEME
    item.CodingSchemeUID = SCHEME_UID
    item.CodingSchemeName = f"{NAME} catalogue of views, points and measurements"
    item.CodingSchemeResponsibleOrganization = NAME
    return item


def film_position(points: Iterable[tuple[float, float]]) -> list[float]:
    """Points (x, y) as the coordinates of graphic data, in one list.

    There (0, 0) is the corner of the first pixel, not its centre (PS3.3 C.18.6.1.2 and C.10.5.1.2).
    """
    return [float(v) + 0.5 for point in points for v in point]


def person(text: str) -> str:
    """A name as typed, safe as a person name: all of it in the family name, an empty given name."""
    return re.sub(r"[\\^=\x00-\x1f]+", " ", text).strip()[:63] + "^"


def laterality(measured: Measured) -> str | None:
    """``L`` or ``R``; nothing for views of both sides and while the side is in doubt."""
    if measured.case.side.conflict:
        return None
    return {Side.LEFT: "L", Side.RIGHT: "R"}.get(measured.case.side.side)
