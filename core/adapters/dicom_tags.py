"""Patient, study and projection tags of a DICOM film."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydicom.charset import python_encoding
from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName

from core.film import FilmTags, Side

# Latin-9, which the library does not know. Its other sets cover the standard's table (PS3.3 C.12.1.1.2).
python_encoding.update({"ISO_IR 203": "iso8859_15", "ISO 2022 IR 203": "iso8859_15"})

_ESCAPE = re.compile(r"\x1b\$?[()*+,./-]?[@-~]")  # switches of character sets that the library leaves in
_UNDECODED = "\ufffd"
_SIDES = {"L": Side.LEFT, "R": Side.RIGHT}
_SIDE_TAGS = ("Laterality", "ImageLaterality")


def read_tags(ds: Dataset) -> tuple[FilmTags, tuple[str, ...]]:
    """Tags of the header ``ds`` and notes for the user about contradictions among them."""
    side, notes = _laterality(ds)
    orientation = ds.get("PatientOrientation")
    parts = orientation if isinstance(orientation, Sequence) and not isinstance(orientation, str) else []
    tags = FilmTags(
        patient_name=person_name(ds.get("PatientName")),
        patient_id=_text(ds, "PatientID"),
        birth_date=_date(ds, "PatientBirthDate"),
        sex=_text(ds, "PatientSex"),
        study_date=_date(ds, "StudyDate") or _date(ds, "AcquisitionDate") or _date(ds, "ContentDate"),
        study_description=_text(ds, "StudyDescription"),
        series_description=_text(ds, "SeriesDescription"),
        accession=_text(ds, "AccessionNumber"),
        institution=_text(ds, "InstitutionName"),
        modality=_text(ds, "Modality"),
        manufacturer=_text(ds, "Manufacturer"),
        body_part=_text(ds, "BodyPartExamined"),
        view_position=_text(ds, "ViewPosition"),
        laterality=side,
        patient_orientation=tuple(str(part).strip() for part in parts if str(part).strip()),
        study_uid=_text(ds, "StudyInstanceUID"),
        series_uid=_text(ds, "SeriesInstanceUID"),
        sop_uid=_text(ds, "SOPInstanceUID"),
    )
    if any(_UNDECODED in str(value) for value in vars(tags).values()):
        notes += (f"Some text is not in the character set that the file states; {_UNDECODED} stands for it.",)
    return tags, notes


def person_name(value: object) -> str:
    """A person's name to show: family name, given names, then other scripts in brackets.

    ``Yamada^Tarou=山田^太郎`` becomes ``Yamada, Tarou (山田 太郎)``. The representations are alphabetic,
    ideographic and phonetic (PS3.5 section 6.2.1); the phonetic one is shown only when alone.
    """
    if not value:
        return ""
    name = value if isinstance(value, PersonName) else PersonName(str(value))
    alphabetic = _components(name.alphabetic, ", ")
    ideographic = _components(name.ideographic, " ")
    if alphabetic and ideographic:
        return f"{alphabetic} ({ideographic})"
    return alphabetic or ideographic or _components(name.phonetic, " ")


def _components(group: str, separator: str) -> str:
    parts = [_clean(part) for part in str(group).split("^")[:3]]
    family = parts[0]
    given = " ".join(part for part in parts[1:] if part)
    return separator.join(part for part in (family, given) if part)


def _clean(text: str) -> str:
    """``text`` without control characters and doubled blanks."""
    text = _ESCAPE.sub("", text)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _text(ds: Dataset, keyword: str) -> str:
    value = ds.get(keyword)
    if value is None:
        return ""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_clean(str(part)) for part in value)
    return _clean(str(value))


def _date(ds: Dataset, keyword: str) -> str:
    """An ISO date, or nothing when the tag holds no date. Old files write 1999.01.31."""
    digits = re.sub(r"[.\-]", "", _text(ds, keyword))
    match = re.match(r"(\d{4})(\d{2})(\d{2})", digits)
    if match is None or not 1 <= int(match[2]) <= 12 or not 1 <= int(match[3]) <= 31:
        return ""
    return f"{match[1]}-{match[2]}-{match[3]}"


def _laterality(ds: Dataset) -> tuple[Side | None, tuple[str, ...]]:
    stated = {_SIDES[v] for v in (_text(ds, tag).upper() for tag in _SIDE_TAGS) if v in _SIDES}
    if len(stated) == 2:
        return None, ("The tags Laterality and ImageLaterality contradict each other; neither is used.",)
    return (stated.pop() if stated else None), ()
