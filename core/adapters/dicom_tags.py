"""Patient, study and projection tags of a DICOM film."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydicom.charset import python_encoding
from pydicom.dataset import Dataset
from pydicom.sr._snomed_dict import mapping as _SNOMED
from pydicom.valuerep import PersonName

from core.film import FilmTags, Side

# Latin-9, which the library does not know. Its other sets cover the standard's table (PS3.3 C.12.1.1.2).
python_encoding.update({"ISO_IR 203": "iso8859_15", "ISO 2022 IR 203": "iso8859_15"})

_ESCAPE = re.compile(r"\x1b\$?[()*+,./-]?[@-~]")  # switches of character sets that the library leaves in
_UNDECODED = "\ufffd"
_SIDES = {"L": Side.LEFT, "R": Side.RIGHT}
_SIDE_TAGS = ("Laterality", "ImageLaterality")
_SIDE_CODES = {"7771000": Side.LEFT, "24028007": Side.RIGHT}  # SNOMED CT


def read_tags(ds: Dataset) -> tuple[FilmTags, tuple[str, ...]]:
    """Tags of the header ``ds`` and notes for the user about contradictions among them."""
    side, notes = _laterality(ds)
    notes += _flip_note(ds)
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
        region_codes=_codes(ds, "AnatomicRegionSequence"),
        view_codes=_codes(ds, "ViewCodeSequence"),
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


def _codes(ds: Dataset, keyword: str) -> tuple[tuple[str, str], ...]:
    """SNOMED CT code and meaning of every item of the code sequence ``keyword``."""
    items = [item for item in ds.get(keyword) or [] if isinstance(item, Dataset)]
    return tuple((_snomed_ct(item), _text(item, "CodeMeaning")) for item in items)


def _snomed_ct(item: Dataset) -> str:
    """The code of ``item``; older files write it in the retired form of SNOMED (PS3.16 annex O)."""
    value = _text(item, "CodeValue")
    retired = _text(item, "CodingSchemeDesignator") in ("SRT", "SNM3", "99SDM")
    return str(_SNOMED["SRT"].get(value, value)) if retired else value


def _laterality(ds: Dataset) -> tuple[Side | None, tuple[str, ...]]:
    """The side, from every place where it may stand."""
    stated = {tag: _SIDES[v] for tag in _SIDE_TAGS if (v := _text(ds, tag).upper()) in _SIDES}
    for group in ds.get("SharedFunctionalGroupsSequence") or []:
        for anatomy in group.get("FrameAnatomySequence") or []:
            if (v := _text(anatomy, "FrameLaterality").upper()) in _SIDES:
                stated["FrameLaterality"] = _SIDES[v]
    for region in ds.get("AnatomicRegionSequence") or []:
        for code, _ in _codes(region, "AnatomicRegionModifierSequence"):
            if code in _SIDE_CODES:
                stated["AnatomicRegionModifierSequence"] = _SIDE_CODES[code]
    if len(set(stated.values())) == 2:
        return None, (f"The tags {' and '.join(stated)} contradict each other; none is used.",)
    return next(iter(stated.values()), None), ()


def _flip_note(ds: Dataset) -> tuple[str, ...]:
    """A note on a mirrored detector image, which matters where side and picture disagree."""
    if _text(ds, "FieldOfViewHorizontalFlip").upper() != "YES":
        return ()
    return ("The file says that the picture was flipped left to right before it was stored.",)
