"""A made-up DICOM film with a measured case, for the tests of the exports."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from core.adapters.dicom import read_film
from core.adapters.export.measured import Measured
from core.case import Case, Confirmation
from core.film import Side
from core.measure.definitions import Code, MeasurementDefinition, PointDefinition, View, ViewTags
from core.measure.results import MeasurementResult
from tests.core import report_case as made
from tests.core.dicom_files import dataset, encode, save

COBB = Code("285285000", "SCT", "Cobb angle")
STUDY, SERIES, INSTANCE = "1.2.826.1", "1.2.826.1.2", "1.2.826.1.2.3"
TAGS: dict[str, Any] = {
    "SOPInstanceUID": INSTANCE,
    "StudyInstanceUID": STUDY,
    "SeriesInstanceUID": SERIES,
    "PatientName": "Roe^Jane",
    "PatientID": "77-1",
    "PatientBirthDate": "19800203",
    "PatientSex": "F",
    "StudyDate": "20260102",
    "StudyTime": "101112",
    "StudyID": "S1",
    "AccessionNumber": "A9",
    "PatientOrientation": ["R", "F"],
    "PixelSpacing": [0.2, 0.2],
    "PixelSpacingCalibrationType": "FIDUCIAL",
    "WindowCenter": 2000,
    "WindowWidth": 3000,
}


def view() -> View:
    """The view of ``report_case``; its measurement ``out`` has a standard code."""
    points = tuple(PointDefinition(key, name, f"Where {name} is.") for key, name in made.POINT_NAMES.items())
    tags = ViewTags((), (), Code("56459004", "SCT", "Foot"), Code("399348003", "SCT", "antero-posterior"))
    cobb = MeasurementDefinition(
        "out",
        "Outside angle",
        "Out",
        "Angles",
        (),
        2,
        "deg",
        "An angle.",
        "",
        "Nobody",
        (),
        (),
        ("a",),
        None,
        code=COBB,
    )
    return View("test", "Test view", (), 1, "foot", "", Side.LEFT, tags, points, (cobb,))


def ramp(width: int = made.WIDTH, height: int = made.HEIGHT) -> np.ndarray:
    """Pixels [rows, columns] of 12 bits, rising to the right."""
    return np.tile(np.linspace(100, 4000, width).astype(np.uint16), (height, 1))


def measured(
    folder: Path,
    *,
    confirmation: Confirmation | None = None,
    results: list[MeasurementResult] | None = None,
    pixels: np.ndarray | None = None,
    frame: int = 0,
    without: tuple[str, ...] = (),
    **tags: Any,
) -> Measured:
    """The case of ``report_case`` on a DICOM film in ``folder`` with further ``tags``."""
    ds = dataset(ramp() if pixels is None else pixels, **{**TAGS, **tags})
    if ds.BitsAllocated == 16:
        ds.BitsStored, ds.HighBit = 12, 11
    for keyword in without:
        del ds[keyword]
    return of_film(save(folder, encode(ds)), confirmation, results, frame)


def of_film(
    path: Path,
    confirmation: Confirmation | None = None,
    results: list[MeasurementResult] | None = None,
    frame: int = 0,
) -> Measured:
    """The case of ``report_case`` on the film in ``path``."""
    film = read_film(path, frame=frame)
    case: Case = replace(
        made.case(confirmation=confirmation),
        film_path=str(path),
        film_sha256=film.sha256,
        frame=frame,
        calibration=film.calibration,
    )
    return Measured(case, film, tuple(made.results() if results is None else results), view())


def parsed(folder: Path, data: bytes) -> Dataset:
    """The data set in the bytes of a DICOM file."""
    path = folder / "object.dcm"
    path.write_bytes(data)
    ds = pydicom.dcmread(path)
    ds.decode()
    return ds


def complaints(path: Path) -> list[str]:
    """Errors that David Clunie's validator finds. Skips the test where it is not installed."""
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    told = subprocess.run([program, "-new", str(path)], capture_output=True, text=True, check=False)
    lines = (told.stdout + told.stderr).splitlines()
    assert lines, "the validator says nothing"
    return [line for line in lines if line.startswith("Error")]
