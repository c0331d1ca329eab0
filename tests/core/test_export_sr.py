"""The structured report: content, status, and reading it back to the last digit."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from core.adapters.export.codes import SCHEME
from core.adapters.export.sr import sr_bytes
from core.adapters.export.sr_read import ReportedValue, read_sr
from core.errors import ReadError
from core.film import SpacingSource
from core.landmarks import Landmark, LandmarkSet
from core.measure.results import Circle, MeasurementResult, Segment
from tests.core import report_case as made
from tests.core.export_case import COBB, complaints, measured, parsed
from tests.core.report_case import CONFIRMED


def items(ds: Dataset) -> Iterator[Dataset]:
    """Every content item below ``ds``."""
    for item in ds.get("ContentSequence", []):
        yield item
        yield from items(item)


def meaning(item: Dataset) -> str:
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].CodeMeaning) if names else ""


def named(ds: Dataset, name: str) -> list[Dataset]:
    return [item for item in items(ds) if meaning(item) == name]


def group(ds: Dataset, key: str) -> Dataset:
    """The measurement group tracked as ``key``."""
    (found,) = [
        g
        for g in named(ds, "Measurement Group")
        if any(meaning(i) == "Tracking Identifier" and i.TextValue == key for i in g.ContentSequence)
    ]
    return found


def test_report_reads_back_as_the_same_case_and_values(tmp_path: Path) -> None:
    for confirmation in (None, CONFIRMED):
        m = measured(tmp_path, confirmation=confirmation)
        path = tmp_path / "sr.dcm"
        path.write_bytes(sr_bytes(m))
        back = read_sr(path)
        assert back.case == replace(m.case, film_path="film.dcm")  # its folders stay at home
        assert back.values == tuple(
            ReportedValue(r.key, r.value, r.unit) for r in m.results if r.value is not None
        )


inside = st.floats(min_value=0.0, max_value=350.0, allow_subnormal=False)


@settings(max_examples=25)
@given(x=inside, y=inside, value=st.floats(min_value=-1e4, max_value=1e4, allow_subnormal=False))
def test_every_digit_survives(x: float, y: float, value: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        m = measured(folder)
        points = LandmarkSet({"a": Landmark(x, y, value, value, 0.1 + 0.2)})
        (result, *_) = m.results
        m = replace(
            m,
            case=replace(m.case, landmarks=points, automatic=points),
            results=(replace(result, value=value, interval=None, points=("a",), shapes=()),),
        )
        (folder / "sr.dcm").write_bytes(sr_bytes(m))
        back = read_sr(folder / "sr.dcm")
        assert back.case.landmarks == points
        assert back.values[0].value == value


def test_draft_and_confirmed_are_told_apart(tmp_path: Path) -> None:
    draft = parsed(tmp_path, sr_bytes(measured(tmp_path)))
    assert (draft.CompletionFlag, draft.VerificationFlag, draft.PreliminaryFlag) == (
        "PARTIAL",
        "UNVERIFIED",
        "PRELIMINARY",
    )
    assert "VerifyingObserverSequence" not in draft
    assert "draft" in draft.SeriesDescription
    assert not named(draft, "Person Observer Name")
    assert "DRAFT" in named(draft, "Status of the report")[0].TextValue

    done = parsed(tmp_path, sr_bytes(measured(tmp_path, confirmation=CONFIRMED)))
    assert (done.CompletionFlag, done.VerificationFlag, done.PreliminaryFlag) == (
        "COMPLETE",
        "VERIFIED",
        "FINAL",
    )
    (observer,) = done.VerifyingObserverSequence
    assert str(observer.VerifyingObserverName).rstrip("^") == "Dr. Vega"
    assert observer.VerificationDateTime == "20260304102030+0100"
    assert str(named(done, "Person Observer Name")[0].PersonName).rstrip("^") == "Dr. Vega"
    assert "draft" not in done.SeriesDescription.lower()


def test_template_and_reference(tmp_path: Path) -> None:
    ds = parsed(tmp_path, sr_bytes(measured(tmp_path)))
    assert ds.Modality == "SR"
    assert ds.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert meaning(ds) == "Imaging Measurement Report"
    (study,) = ds.CurrentRequestedProcedureEvidenceSequence
    assert study.StudyInstanceUID == "1.2.826.1"
    references = [i.ReferencedSOPSequence[0] for i in items(ds) if i.ValueType == "IMAGE"]
    assert {r.ReferencedSOPInstanceUID for r in references} == {"1.2.826.1.2.3"}
    assert all("ReferencedFrameNumber" not in r for r in references)
    assert [i.TextValue for i in named(ds, "Device Observer Name")] == ["OrthoMatch"]
    assert named(ds, "Algorithm Version")[0].TextValue == "9.8.7"
    assert any("c0ffee" in i.TextValue for i in named(ds, "Algorithm Parameters"))


def test_points_are_measured_from_the_corner_of_the_first_pixel(tmp_path: Path) -> None:
    ds = parsed(tmp_path, sr_bytes(measured(tmp_path)))
    (region,) = [i for i in group(ds, "b").ContentSequence if i.ValueType == "SCOORD"]
    assert region.GraphicType == "POINT"
    assert list(region.GraphicData) == [np.float32(261.0), np.float32(340.75)]
    edited = group(ds, "c")
    assert not named(edited, "Algorithm Name")
    assert named(edited, "Comment")[0].TextValue == "Placed by a person."


def test_values_have_codes_units_interval_site_and_lines(tmp_path: Path) -> None:
    ds = parsed(tmp_path, sr_bytes(measured(tmp_path)))
    (length,) = [i for i in group(ds, "in").ContentSequence if i.ValueType == "NUM"]
    value = length.MeasuredValueSequence[0]
    assert (float(value.NumericValue), value.FloatingPointValue) == (50.0, 50.0)
    unit = value.MeasurementUnitsCodeSequence[0]
    assert (unit.CodeValue, unit.CodingSchemeDesignator) == ("mm", "UCUM")
    code = length.ConceptNameCodeSequence[0]
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("test/in", SCHEME)
    widths = [
        i.MeasuredValueSequence[0].FloatingPointValue for i in length.ContentSequence if i.ValueType == "NUM"
    ]
    assert widths == [2.0, 2.0]
    lines = [i for i in length.ContentSequence if i.get("GraphicType") == "POLYLINE"]
    assert [list(i.GraphicData) for i in lines] == [[120.5, 200.5, 261.0, 340.75]]
    assert "fiducial: PixelSpacing" in named(group(ds, "in"), "Comment")[0].TextValue
    site = named(group(ds, "in"), "Finding Site")[0]
    assert site.ConceptCodeSequence[0].CodeMeaning == "Foot"
    assert site.ContentSequence[0].ConceptCodeSequence[0].CodeMeaning == "Left"

    (angle,) = [i for i in group(ds, "out").ContentSequence if i.ValueType == "NUM"]
    assert angle.ConceptNameCodeSequence[0].CodeValue == COBB.value
    assert angle.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "deg"
    assert all(item.MeasuredValueSequence for item in items(ds) if item.ValueType == "NUM")
    assert named(ds, "Missing width")[0].TextValue == "No value: Two points coincide."


def test_graphics_stay_on_the_film(tmp_path: Path) -> None:
    far = MeasurementResult(
        "far", "Far", 1.0, "deg", None, None, "far@1", ("a",),
        (Segment((-500.0, 10.0), (900.0, 10.0)), Circle((0.0, 0.0), 50.0), Segment((-9.0, -9.0), (-5.0, 0))),
    )  # fmt: skip
    ds = parsed(tmp_path, sr_bytes(measured(tmp_path, results=[far])))
    lines = [np.reshape(i.GraphicData, (-1, 2)) for i in items(ds) if i.get("GraphicType") == "POLYLINE"]
    assert len(lines) == 2
    for line in lines:
        assert (line >= 0).all()
        assert (line <= [made.WIDTH, made.HEIGHT]).all()
    assert lines[0].tolist() == [[0.0, 10.5], [made.WIDTH, 10.5]]


def test_without_spacing_lengths_are_in_pixels(tmp_path: Path) -> None:
    length = replace(made.results()[0], unit="px")
    m = measured(tmp_path, results=[length], without=("PixelSpacing", "PixelSpacingCalibrationType"))
    assert m.case.calibration.source is SpacingSource.NONE
    ds = parsed(tmp_path, sr_bytes(m))
    (number,) = [i for i in group(ds, "in").ContentSequence if i.ValueType == "NUM"]
    assert number.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "{pixels}"
    assert not named(ds, "Horizontal Pixel Spacing")
    assert named(ds, "Calibration Method")[0].TextValue.startswith("none: ")
    assert read_sr(tmp_path / "object.dcm").values[0].unit == "px"


def test_frame_is_named_where_there_are_several(tmp_path: Path) -> None:
    m = measured(tmp_path, pixels=np.stack([np.full((600, 400), v, np.uint16) for v in (1, 2)]), frame=1)
    ds = parsed(tmp_path, sr_bytes(m))
    references = [i.ReferencedSOPSequence[0] for i in items(ds) if i.ValueType == "IMAGE"]
    assert {r.ReferencedFrameNumber for r in references} == {2}


def _moved(ds: Dataset) -> None:
    (region,) = [i for i in group(ds, "a").ContentSequence if i.ValueType == "SCOORD"]
    region.GraphicData = [1.0, 2.0]


def _stripped(ds: Dataset) -> None:
    ds.remove_private_tags()


def _unverified(ds: Dataset) -> None:
    ds.VerificationFlag = "UNVERIFIED"


def _other_class(ds: Dataset) -> None:
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.22"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_moved, "points are not those"),
        (_stripped, "holds no case"),
        (_unverified, "verification"),
        (_other_class, "no structured report"),
    ],
)
def test_changed_reports_are_refused(tmp_path: Path, change: Any, told: str) -> None:
    path = tmp_path / "sr.dcm"
    path.write_bytes(sr_bytes(measured(tmp_path, confirmation=CONFIRMED)))
    read_sr(path)
    ds = pydicom.dcmread(path)
    change(ds)
    ds.save_as(path)
    with pytest.raises(ReadError, match=told):
        read_sr(path)


@pytest.mark.parametrize("confirmation", [None, CONFIRMED])
def test_validator_finds_no_error(tmp_path: Path, confirmation: Any) -> None:
    path = tmp_path / "sr.dcm"
    path.write_bytes(sr_bytes(measured(tmp_path, confirmation=confirmation)))
    assert complaints(path) == []
