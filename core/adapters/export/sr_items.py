"""Content items of a structured report (PS3.3 C.17.3), each made with its relationship to its parent."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset
from pydicom.valuerep import DSfloat

from core.adapters.export.dicom_object import coded
from core.measure.definitions import Code

CONTAINS = "CONTAINS"
CONTEXT = "HAS OBS CONTEXT"
MODIFIER = "HAS CONCEPT MOD"
PROPERTY = "HAS PROPERTIES"
ACQUIRED = "HAS ACQ CONTEXT"
INFERRED = "INFERRED FROM"
SELECTED = "SELECTED FROM"

Items = Sequence[Dataset]


def dcm(value: str, meaning: str) -> Code:
    """A term of the standard's own scheme (PS3.16 annex D)."""
    return Code(value, "DCM", meaning)


def _item(relation: str, kind: str, name: Code | None, children: Items) -> Dataset:
    item = Dataset()
    if relation:
        item.RelationshipType = relation
    item.ValueType = kind
    if name is not None:
        item.ConceptNameCodeSequence = [coded(name)]
    if children:
        item.ContentSequence = list(children)
    return item


def container(relation: str, name: Code, children: Items, template: str = "") -> Dataset:
    """A heading with what is under it; ``template`` is the DCMR template it follows."""
    item = _item(relation, "CONTAINER", name, children)
    item.ContinuityOfContent = "SEPARATE"
    if template:
        used = Dataset()
        used.MappingResource = "DCMR"
        used.TemplateIdentifier = template
        item.ContentTemplateSequence = [used]
    return item


def code(relation: str, name: Code, value: Code, children: Items = ()) -> Dataset:
    """A coded statement."""
    item = _item(relation, "CODE", name, children)
    item.ConceptCodeSequence = [coded(value)]
    return item


def text(relation: str, name: Code, value: str) -> Dataset:
    """A statement in words."""
    item = _item(relation, "TEXT", name, ())
    item.TextValue = value
    return item


def uid(relation: str, name: Code, value: str) -> Dataset:
    """A unique identifier."""
    item = _item(relation, "UIDREF", name, ())
    item.UID = value
    return item


def person_name(relation: str, name: Code, value: str) -> Dataset:
    """A person's name."""
    item = _item(relation, "PNAME", name, ())
    item.PersonName = value
    return item


def number(
    relation: str,
    name: Code,
    value: float,
    unit: Code,
    children: Items = (),
) -> Dataset:
    """A number with its unit, as decimal text and, exactly, as a double."""
    item = _item(relation, "NUM", name, children)
    measured = Dataset()
    measured.NumericValue = DSfloat(value, auto_format=True)
    measured.FloatingPointValue = float(value)
    measured.MeasurementUnitsCodeSequence = [coded(unit)]
    item.MeasuredValueSequence = [measured]
    return item


def image(relation: str, reference: Dataset, name: Code | None = None, children: Items = ()) -> Dataset:
    """A reference to an image."""
    item = _item(relation, "IMAGE", name, children)
    item.ReferencedSOPSequence = [reference]
    return item


def graphic(relation: str, name: Code, kind: str, data: list[float], reference: Dataset) -> Dataset:
    """A point or polyline on the image of ``reference``, in graphic coordinates."""
    item = _item(relation, "SCOORD", name, [image(SELECTED, reference)])
    item.GraphicType = kind
    item.GraphicData = data
    return item
