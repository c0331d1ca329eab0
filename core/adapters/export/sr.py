"""The results as a DICOM Comprehensive SR after TID 1500, Measurement Report (PS3.16).

Every point is a group with its place on the image (TID 1410), every measurement a group with its value,
the definition behind it and the lines it was taken from (TID 1501). Graphic data are single precision by
the standard; so that the case can be read back to the last digit, it is also kept whole in a private
element, and values are written as doubles beside the decimal text.
"""

from __future__ import annotations

from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage

from core.adapters.case_file import case_text
from core.adapters.export.codes import (
    DEVICE_UID,
    measurement_code,
    method_code,
    point_code,
    private,
    side_code,
    side_of,
    unit_code,
)
from core.adapters.export.dicom_object import (
    NAME,
    Source,
    encode,
    film_position,
    new_object,
    new_uid,
    person,
    private_scheme,
    quiet,
    read_source,
)
from core.adapters.export.measured import STATEMENT, Measured
from core.adapters.export.shapes import polylines
from core.adapters.export.sr_items import (
    ACQUIRED,
    CONTAINS,
    CONTEXT,
    INFERRED,
    MODIFIER,
    PROPERTY,
    code,
    container,
    dcm,
    graphic,
    image,
    number,
    person_name,
    text,
    uid,
)
from core.case import Confirmation
from core.film import Side
from core.measure.definitions import Code
from core.measure.results import MeasurementResult, format_value

PRIVATE_GROUP, PRIVATE_CREATOR, PRIVATE_CASE = 0x0099, "ORTHOMATCH CASE", 0x01
TRACKING = dcm("112039", "Tracking Identifier")
REGION = dcm("111030", "Image Region")

_SITE = Code("363698007", "SCT", "Finding Site")
_LATERALITY = Code("272741003", "SCT", "Laterality")
_METHOD = Code("370129005", "SCT", "Measurement Method")
_UPPER = Code("371886008", "SCT", "+, range of upper measurement uncertainty")
_LOWER = Code("371885007", "SCT", "-, range of lower measurement uncertainty")
_SOURCE = dcm("121112", "Source of Measurement")
_COMMENT = dcm("121106", "Comment")
_MILLIMETRE = unit_code("mm")
_PIXEL = unit_code("px")


def sr_bytes(measured: Measured) -> bytes:
    """The report as a DICOM file. Raises :class:`WriteError` when the film is no DICOM file."""
    source = read_source(measured)
    with quiet():
        return encode(_report(measured, source))


def _report(measured: Measured, source: Source) -> Dataset:
    case = measured.case
    ds = new_object(measured, source, ComprehensiveSRStorage, "SR", 9901, f"{NAME} measurements")
    ds.CodingSchemeIdentificationSequence = [private_scheme()]
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.PerformedProcedureCodeSequence = []
    ds.CurrentRequestedProcedureEvidenceSequence = [source.study_reference()]
    ds.CompletionFlag = "PARTIAL" if case.is_draft else "COMPLETE"
    ds.PreliminaryFlag = "PRELIMINARY" if case.is_draft else "FINAL"
    ds.VerificationFlag = "UNVERIFIED"
    if case.confirmation is not None:
        ds.VerificationFlag = "VERIFIED"
        ds.VerifyingObserverSequence = [_verifier(case.confirmation, str(ds.get("InstitutionName", "")))]
    root = container("", dcm("126000", "Imaging Measurement Report"), _content(measured, source), "1500")
    ds.update(root)
    block = ds.private_block(PRIVATE_GROUP, PRIVATE_CREATOR, create=True)
    block.add_new(PRIVATE_CASE, "UT", case_text(case, name_only=True))
    return ds


def _verifier(done: Confirmation, organization: str) -> Dataset:
    at = datetime.fromisoformat(done.at)
    item = Dataset()
    item.VerifyingObserverName = person(done.by)
    item.VerifyingObserverIdentificationCodeSequence = []
    item.VerifyingOrganization = organization or "not stated"
    item.VerificationDateTime = at.strftime("%Y%m%d%H%M%S%z")
    return item


def _content(measured: Measured, source: Source) -> list[Dataset]:
    english = Code("en", "RFC5646", "English")
    radiography = Code("363680008", "SCT", "Radiographic imaging procedure")
    return [
        code(MODIFIER, dcm("121049", "Language of Content Item and Descendants"), english),
        *_observers(measured),
        code(MODIFIER, dcm("121058", "Procedure reported"), radiography),
        _library(measured, source),
        container(CONTAINS, dcm("126010", "Imaging Measurements"), _groups(measured, source)),
        container(CONTAINS, Code("C0034375", "UMLS", "Qualitative Evaluations"), _statements(measured)),
    ]


def _observers(measured: Measured) -> list[Dataset]:
    """Observer context (TID 1001 and 1002): the program, and the person once there is one."""
    kind = dcm("121005", "Observer Type")
    items = []
    done = measured.case.confirmation
    if done is not None:
        items += [
            code(CONTEXT, kind, dcm("121006", "Person")),
            person_name(CONTEXT, dcm("121008", "Person Observer Name"), person(done.by)),
        ]
    return [
        *items,
        code(CONTEXT, kind, dcm("121007", "Device")),
        uid(CONTEXT, dcm("121012", "Device Observer UID"), DEVICE_UID),
        text(CONTEXT, dcm("121013", "Device Observer Name"), NAME),
        text(CONTEXT, dcm("121014", "Device Observer Manufacturer"), NAME),
        text(CONTEXT, dcm("121015", "Device Observer Model Name"), NAME),
    ]


def _library(measured: Measured, source: Source) -> Dataset:
    """Image library (TID 1600): the film, its view and its spacing with where that comes from."""
    width, height = measured.film.size_px
    scale, side = measured.case.calibration, measured.case.side.side
    facts = [
        code(ACQUIRED, dcm("123014", "Target Region"), measured.view.tags.region),
        code(ACQUIRED, dcm("111031", "Image View"), measured.view.tags.projection),
        number(ACQUIRED, dcm("110910", "Pixel Data Rows"), height, _PIXEL),
        number(ACQUIRED, dcm("110911", "Pixel Data Columns"), width, _PIXEL),
    ]
    if side is not Side.BOTH:
        facts.append(code(ACQUIRED, dcm("111027", "Image Laterality"), side_code(side)))
    if scale.column_mm is not None and scale.row_mm is not None:
        facts += [
            number(ACQUIRED, dcm("111026", "Horizontal Pixel Spacing"), scale.column_mm, _MILLIMETRE),
            number(ACQUIRED, dcm("111066", "Vertical Pixel Spacing"), scale.row_mm, _MILLIMETRE),
        ]
    facts.append(text(ACQUIRED, dcm("122422", "Calibration Method"), spacing_text(measured)))
    film = image(CONTAINS, source.reference(), children=facts)
    group = container(CONTAINS, dcm("126200", "Image Library Group"), [film])
    return container(CONTAINS, dcm("111028", "Image Library"), [group])


def spacing_text(measured: Measured) -> str:
    """The source of the spacing as its key and in words."""
    scale = measured.case.calibration
    return f"{scale.source.value}: {scale.detail}"


def _groups(measured: Measured, source: Source) -> list[Dataset]:
    points = [_point_group(measured, source, key) for key in measured.case.landmarks]
    values = [(result, result.value) for result in measured.results]
    return points + [
        _measurement_group(measured, source, result, value) for result, value in values if value is not None
    ]


def _tracking(key: str, side: Side | None, site: Code, finding: Code) -> list[Dataset]:
    """Identification, finding and site of a group."""
    sided = [] if side is None else [code(MODIFIER, _LATERALITY, side_code(side))]
    return [
        text(CONTEXT, TRACKING, key),
        uid(CONTEXT, dcm("112040", "Tracking Unique Identifier"), new_uid()),
        code(CONTAINS, dcm("121071", "Finding"), finding),
        code(CONTAINS, _SITE, site, sided),
    ]


def _point_group(measured: Measured, source: Source, key: str) -> Dataset:
    point = measured.case.landmarks[key]
    side = side_of(measured.case.side.side, key)
    place = film_position([(point.x_px, point.y_px)])
    items = [
        *_tracking(key, side, measured.view.tags.region, point_code(measured.view, key)),
        *([] if point.edited else _algorithm(measured)),
        graphic(CONTAINS, REGION, "POINT", place, source.reference()),
    ]
    if point.expected_error_px is not None:
        name = private("expected_error", "Expected distance to the true point")
        items.append(number(CONTAINS, name, point.expected_error_px, _PIXEL))
    how = "Placed by a person." if point.edited else "Placed by the program."
    items.append(text(CONTAINS, _COMMENT, how))
    return container(CONTAINS, dcm("125007", "Measurement Group"), items, "1410")


def _measurement_group(
    measured: Measured, source: Source, result: MeasurementResult, value: float
) -> Dataset:
    view, unit = measured.view, unit_code(result.unit)
    concept = measurement_code(view, result)
    children = [
        code(MODIFIER, _METHOD, method_code(view, result)),
        *_interval(result, value, unit),
    ]
    landmarks = measured.case.landmarks
    for key in result.points:
        place = film_position([(landmarks[key].x_px, landmarks[key].y_px)])
        children.append(graphic(INFERRED, _SOURCE, "POINT", place, source.reference()))
    for line in polylines(result, measured.film.size_px):
        data = film_position((float(x), float(y)) for x, y in line)
        children.append(graphic(INFERRED, _SOURCE, "POLYLINE", data, source.reference()))
    items = [
        *_tracking(result.key, side_of(measured.case.side.side, result.key), view.tags.region, concept),
        *_algorithm(measured),
        number(CONTAINS, concept, value, unit, children),
    ]
    comment = _comment(measured, result)
    if comment:
        items.append(text(CONTAINS, _COMMENT, comment))
    return container(CONTAINS, dcm("125007", "Measurement Group"), items, "1501")


def _interval(result: MeasurementResult, value: float, unit: Code) -> list[Dataset]:
    """The 90 % interval as uncertainty above and below the value (TID 310)."""
    if result.interval is None:
        return []
    low, high = result.interval
    return [
        number(PROPERTY, _UPPER, high - value, unit),
        number(PROPERTY, _LOWER, value - low, unit),
    ]


def _comment(measured: Measured, result: MeasurementResult) -> str:
    parts = [result.note]
    if result.interval is not None:
        low, high = (format_value(v, result.unit) for v in result.interval)
        parts.append(f"90 % interval {low} to {high}.")
    if result.unit in ("mm", "px"):
        parts.append(f"Pixel spacing {spacing_text(measured)}")
    return " ".join(part for part in parts if part)


def _algorithm(measured: Measured) -> list[Dataset]:
    """Algorithm identification (TID 4019)."""
    made = measured.case.provenance
    parameter = dcm("111002", "Algorithm Parameters")
    used = [f"model {made.model_sha256}", f"bank {made.bank_sha256}", f"provider {made.provider}"]
    return [
        text(MODIFIER, dcm("111001", "Algorithm Name"), NAME),
        text(MODIFIER, dcm("111003", "Algorithm Version"), made.program_version),
        *(text(MODIFIER, parameter, value) for value in used),
    ]


def _statements(measured: Measured) -> list[Dataset]:
    case = measured.case
    side, look = (" Not settled." if doubt else "" for doubt in (case.side.conflict, case.view_conflict))
    said = (
        ("status", "Status of the report", measured.status_text),
        ("view", "View", measured.view.name),
        ("view_decision", "How the view was decided", case.view_text + look),
        ("side", "How the side was decided", case.side.text + side),
        ("verdict", "Automatic result", f"{case.verdict.level.value}: {case.verdict.text}"),
        ("spacing", "Pixel spacing", spacing_text(measured)),
        ("statement", "Statement", STATEMENT),
    )
    items = [text(CONTAINS, private(key, name), value) for key, name, value in said if value]
    # Not numbers without a value, which the standard allows: readers have failed on them.
    missing = [result for result in measured.results if result.value is None]
    return items + [
        text(
            CONTAINS,
            private(f"{measured.view.key}/{result.key}", result.name),
            f"No value: {result.reason or 'not stated why'}",
        )
        for result in missing
    ]
