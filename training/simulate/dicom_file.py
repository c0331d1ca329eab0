"""Simulated films as DICOM files, with tags that say what is true of the simulated exposure.

Four makers' habits are imitated (``STYLES``). Spacing follows PS3.3 section 10.7: ImagerPixelSpacing is
the pitch at the detector and always written; the magnification and the distances are those of the plane
through the scene's origin and written where such a system knows them. PixelSpacing is written only where
it is calibrated, with its calibration type and description, and is then the pitch in that same plane.
PatientOrientation is written empty, as the standard allows: the catalogue does not state it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from core.film import Side
from core.measure.definitions import Catalogue, Code
from training.simulate.cases import SimulatedFilm

MAKER = "OrthoMatch simulator"
_SEX = ("F", "M")


@dataclass(frozen=True)
class Style:
    """Habits of one maker.

    ``bits`` are stored, of 16; ``inverse`` files hold MONOCHROME1. ``spacing`` says what is written
    besides ImagerPixelSpacing: ``magnification`` (with both distances), ``distances``, ``geometry`` or
    ``fiducial`` (a PixelSpacing calibrated so), ``detector`` (nothing). ``window`` is ``linear``,
    ``sigmoid`` or ``none``.
    """

    name: str
    digital: bool
    bits: int
    inverse: bool
    spacing: str
    window: str
    syntax: UID


STYLES = (
    Style("dx-12", True, 12, False, "magnification", "linear", ExplicitVRLittleEndian),
    Style("dx-14-inverse", True, 14, True, "distances", "sigmoid", ExplicitVRLittleEndian),
    Style("dx-16", True, 16, False, "geometry", "linear", RLELossless),
    Style("cr-12-inverse", False, 12, True, "detector", "none", ImplicitVRLittleEndian),
    Style("cr-15", False, 15, False, "fiducial", "linear", ExplicitVRLittleEndian),
)


def expected_spacing_mm(film: SimulatedFilm, style: Style) -> float:
    """The spacing in mm per pixel that a reader of the style's file finds: object, else detector plane."""
    return film.camera.pixel_mm if style.spacing == "detector" else film.camera.object_pixel_mm


def write_dicom(
    path: Path, film: SimulatedFilm, catalogue: Catalogue, style: Style, identity: tuple[int, int]
) -> None:
    """Write one film. ``identity`` (seed, number of the film) decides all identifiers and the person."""
    known = catalogue.views.get(film.view)
    entropy = [MAKER, film.view, str(identity[0]), str(identity[1])]
    rng = np.random.default_rng([identity[0], identity[1], len(film.view)])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = (
        DigitalXRayImageStorageForPresentation if style.digital else ComputedRadiographyImageStorage
    )
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[*entropy, "image"])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian if style.syntax == RLELossless else style.syntax
    ds = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID = meta.MediaStorageSOPClassUID
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID = generate_uid(entropy_srcs=[*entropy, "study"])
    ds.SeriesInstanceUID = generate_uid(entropy_srcs=[*entropy, "series"])
    _person(ds, identity, rng)
    ds.Modality = "DX" if style.digital else "CR"
    ds.Manufacturer = MAKER
    ds.ManufacturerModelName = style.name
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.ImageComments = "Simulated radiograph of made-up bones, not of a person."
    ds.StudyDescription = f"Simulated {known.name if known else film.view}"
    ds.SeriesDescription = film.view
    ds.BurnedInAnnotation = "YES" if film.exposure.texts else "NO"
    ds.PatientOrientation = None
    _side(ds, film.side, style)
    ds.BodyPartExamined = known.tags.body_parts[0] if known and known.tags.body_parts else ""
    ds.ViewPosition = known.tags.positions[0] if known and known.tags.positions else ""
    if known and style.digital:
        ds.AnatomicRegionSequence = Sequence([_coded(known.tags.region)])
        ds.ViewCodeSequence = Sequence([_coded(known.tags.projection)])
    _spacing(ds, film, style)
    _pixels(ds, film.image if not film.exposure.inverted else 1 - film.image, style)
    if style.syntax == RLELossless:
        ds.compress(RLELossless, generate_instance_uid=False)
    ds.save_as(path, enforce_file_format=True)


def _person(ds: Dataset, identity: tuple[int, int], rng: np.random.Generator) -> None:
    seed, number = identity
    ds.PatientName = f"Simulated^Person {seed}-{number:04d}"
    ds.PatientID = f"SIM-{seed}-{number:04d}"
    ds.PatientBirthDate = f"{int(rng.integers(1930, 2010))}0101"
    ds.PatientSex = str(rng.choice(_SEX))
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20200101"
    ds.StudyTime = ds.ContentTime = "120000"
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = str(number), 1, 1
    ds.AccessionNumber = f"SIM{number:04d}"
    ds.ReferringPhysicianName = ""
    ds.InstitutionName = "Simulated"


def _side(ds: Dataset, side: Side, style: Style) -> None:
    letter = {Side.LEFT: "L", Side.RIGHT: "R"}.get(side)
    if style.digital:  # required there, also for both sides and the midline
        ds.ImageLaterality = letter or "B"
    elif letter:
        ds.Laterality = letter


def _coded(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme, code.meaning
    return item


def _spacing(ds: Dataset, film: SimulatedFilm, style: Style) -> None:
    camera = film.camera
    detector, plane = ([_decimal(v)] * 2 for v in (camera.pixel_mm, camera.object_pixel_mm))
    ds.ImagerPixelSpacing = detector
    if style.spacing in ("magnification", "distances"):
        ds.DistanceSourceToDetector = _decimal(camera.source_detector_mm)
        ds.DistanceSourceToPatient = _decimal(camera.source_object_mm)
    if style.spacing == "magnification":
        ds.EstimatedRadiographicMagnificationFactor = _decimal(camera.magnification)
    if style.spacing in ("geometry", "fiducial"):
        ds.PixelSpacing = plane
        ds.PixelSpacingCalibrationType = style.spacing.upper()
        how = "known geometry" if style.spacing == "geometry" else "object of known size"
        ds.PixelSpacingCalibrationDescription = f"{how}, plane of the bones"


def _decimal(value: float) -> str:
    """A decimal string of at most 16 characters, as the standard allows."""
    return f"{value:.10f}"[:16]


def _pixels(ds: Dataset, image: NDArray[np.float32], style: Style) -> None:
    """Pixels and grey scale. ``image`` is bone-bright 0..1; inverse files store bone dark."""
    top = (1 << style.bits) - 1
    bright = np.rint(np.clip(image, 0.0, 1.0) * top).astype(np.uint16)
    ds.Rows, ds.Columns = image.shape
    ds.SamplesPerPixel, ds.PixelRepresentation = 1, 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, style.bits, style.bits - 1
    ds.PhotometricInterpretation = "MONOCHROME1" if style.inverse else "MONOCHROME2"
    if style.digital:
        ds.PresentationIntentType = "FOR PRESENTATION"
        ds.PresentationLUTShape = "INVERSE" if style.inverse else "IDENTITY"
        ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", -1 if style.inverse else 1
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
        ds.LossyImageCompression = "00"
    if style.window != "none":
        ds.WindowCenter, ds.WindowWidth = f"{(top + 1) / 2:g}", f"{top + 1:d}"
    if style.window == "sigmoid":
        ds.VOILUTFunction = "SIGMOID"
    ds.PixelData = (top - bright if style.inverse else bright).astype("<u2").tobytes()
