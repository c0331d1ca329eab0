"""Films without identity: DICOM PS3.15 Annex E, Basic Application Level Confidentiality Profile.

What becomes of each attribute stands in ``confidentiality.toml``. Beyond the profile, everything is removed
whose content nobody can foresee: free text, names, dates, unknown attributes and binary data that the
table does not mention. Pixels are written uncompressed, because compressed streams may carry comments;
bits that belong to no sample are cleared, because old files keep overlays there.
"""

from __future__ import annotations

import hashlib
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydicom.datadict import dictionary_has_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRLittleEndian

from core import __version__
from core.adapters.deidentify_pixels import Rectangle, plain_picture, write_plain_pixels
from core.adapters.dicom_header import SEND_AGAIN, check_size, dicom_errors, is_dicom, parse
from core.adapters.images import is_image
from core.errors import ReadError

_TABLE = Path(__file__).with_name("confidentiality.toml")
_STANDARD_UIDS = "1.2.840.10008."  # registered by the standard itself: classes, syntaxes, models

# Representations that stay when the table does not mention an attribute. Not among them: names, free text,
# dates, times, addresses and binary data.
_HARMLESS = frozenset(
    ("AT", "CS", "DS", "FD", "FL", "IS", "LO", "SH", "SL", "SQ", "SS", "SV", "UI", "UL", "US", "UV")
)
_WANTED_BINARY = frozenset(
    {0x00283006, 0x00281201, 0x00281202, 0x00281203, 0x7FE00010}  # LUT data, palettes, pixels
)
_DUMMY_TEXT = "REMOVED"
_TEXTS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT")
_NUMBERS = ("SL", "SS", "SV", "UL", "US", "UV")
_BYTES = {"OB": 2, "OD": 8, "OF": 4, "OL": 4, "OV": 8, "OW": 2, "UN": 2}
_DUMMIES: Mapping[str, Any] = MappingProxyType(
    {"AS": "000Y", "DA": "19000101", "DT": "19000101000000", "TM": "000000", "UR": "urn:removed"}
    | {"DS": "0", "IS": "0", "FD": 0.0, "FL": 0.0}
    | dict.fromkeys(_TEXTS, _DUMMY_TEXT)
    | dict.fromkeys(_NUMBERS, 0)
    | {representation: bytes(size) for representation, size in _BYTES.items()}
)


@cache
def profile_actions() -> Mapping[int, str]:
    """Action of the profile by attribute tag, such as ``{0x00100010: "Z"}``; see ``confidentiality.toml``."""
    with _TABLE.open("rb") as file:
        table = tomllib.load(file)["actions"]
    return MappingProxyType({int(tag.replace(",", ""), 16): action for tag, action in table.items()})


@dataclass(frozen=True)
class CleanFilm:
    """A film without identity: the bytes of the new file, and ``suffix`` (``.dcm`` or ``.png``)."""

    data: bytes
    suffix: str

    @property
    def sha256(self) -> str:
        """Hash of the new file."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Deidentifier:
    """Removes identity from the films of one run.

    The same UID always becomes the same other UID within a run, so that references between files still
    hold. ``salt`` is secret and forgotten with the run: nobody can lead a new UID back to the old one.
    """

    salt: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def film(self, path: Path, *, blank: Sequence[Rectangle] = (), reviewed: bool = False) -> CleanFilm:
        """The film in ``path`` (DICOM, PNG, JPEG or TIFF) without identity; ``path`` is not changed.

        ``blank`` are rectangles to be blackened on every frame. ``reviewed`` says that a person looked at
        the picture and that no identifying text is left in it. Raises :class:`ReadError`.
        """
        path = Path(path)
        with dicom_errors(path):
            data = path.read_bytes()
            if is_image(data[:132]) and data[128:132] != b"DICM":
                return CleanFilm(plain_picture(path, data, blank), ".png")
            if not is_dicom(data[:132]):
                raise ReadError("The file is no film", path=path, remedy="Choose a radiograph.")
            header = parse(path, pixels=False)
            check_size(header, path, len(data))
            ds = parse(data, pixels=True)
            if "PixelData" not in ds:
                raise ReadError("The file has no pixel data", path=path, remedy=SEND_AGAIN)
            write_plain_pixels(ds, path, blank)
            return CleanFilm(_encode(self.dataset(ds, reviewed=reviewed)), ".dcm")

    def dataset(self, ds: Dataset, *, reviewed: bool = False) -> Dataset:
        """A copy of ``ds`` after the profile, with the statements that it was applied."""
        clean = self._cleaned(ds)
        clean.PatientIdentityRemoved = "YES"
        clean.DeidentificationMethod = f"OrthoMatch {__version__}: PS3.15 basic profile"
        codes = [("113100", "Basic Application Confidentiality Profile")]
        if reviewed:
            codes.append(("113101", "Clean Pixel Data Option"))
            clean.BurnedInAnnotation = "NO"
        clean.DeidentificationMethodCodeSequence = [_code(*code) for code in codes]
        clean.LongitudinalTemporalInformationModified = "REMOVED"
        return clean

    def uid(self, uid: str) -> str:
        """The UID that stands for ``uid`` in this run; those of the standard itself stay."""
        if uid.startswith(_STANDARD_UIDS) or not uid:
            return uid
        digest = hashlib.sha256(self.salt + uid.encode()).digest()
        return f"2.25.{int.from_bytes(digest[:16], 'big')}"

    def _cleaned(self, ds: Dataset) -> Dataset:
        clean = Dataset()
        for tag in sorted(ds.keys()):
            if _is_dropped(tag):
                continue
            element = self._element(ds[tag])
            if element is not None:
                clean.add(element)
        return clean

    def _element(self, element: DataElement) -> DataElement | None:
        """What stands for ``element``: itself, an emptied or replaced one, or None when it is removed.

        Where the table leaves a choice between actions, the one that suits every type of attribute is
        taken: a value before an empty value before removal.
        """
        action = profile_actions().get(int(element.tag))
        if action is None:
            return self._unlisted(element)
        if action == "X":
            return None
        if action.endswith("U*"):
            return self._unlisted(element)
        if action == "U" or (element.VR == "UI" and action.endswith("D")):
            return self._with_uids(element)
        if action.endswith("Z"):
            return DataElement(element.tag, element.VR, [] if element.VR == "SQ" else None)
        return self._dummy(element)

    def _unlisted(self, element: DataElement) -> DataElement | None:
        if not dictionary_has_tag(element.tag):
            return None
        if int(element.tag) in _WANTED_BINARY:
            return element
        if element.VR not in _HARMLESS:
            return None
        if element.VR == "SQ":
            return DataElement(element.tag, "SQ", [self._cleaned(item) for item in element.value])
        return self._with_uids(element) if element.VR == "UI" else element

    def _with_uids(self, element: DataElement) -> DataElement:
        value = element.value
        if value is None or isinstance(value, str):
            return DataElement(element.tag, "UI", self.uid(str(value or "")))
        return DataElement(element.tag, "UI", [self.uid(str(part)) for part in value])

    def _dummy(self, element: DataElement) -> DataElement:
        if element.VR == "SQ":
            item = Dataset()
            for inner in [e for first in element.value[:1] for e in first]:
                if not (_is_dropped(inner.tag) or profile_actions().get(int(inner.tag)) == "X"):
                    item.add(self._with_uids(inner) if inner.VR == "UI" else self._dummy(inner))
            return DataElement(element.tag, "SQ", [item])
        return DataElement(element.tag, element.VR, _DUMMIES.get(element.VR))


def _is_dropped(tag: BaseTag) -> bool:
    """Whether the whole group goes: private, group lengths, commands, curves and overlays."""
    return bool(
        tag.is_private
        or tag.element == 0
        or tag.group < 8
        or 0x5000 <= tag.group < 0x5100
        or tag.group >> 8 == 0x60
    )


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _encode(ds: Dataset) -> bytes:
    film = FileDataset("", ds, file_meta=FileMetaDataset(), preamble=bytes(128))
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = BytesIO()
    film.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def says_burned_in(path: Path) -> bool | None:
    """What the tag BurnedInAnnotation of a film says; None when it or a DICOM header is absent."""
    with dicom_errors(path):
        with path.open("rb") as file:
            if not is_dicom(file.read(132)):
                return None
        text = str(parse(path, pixels=False, tags=["BurnedInAnnotation"]).get("BurnedInAnnotation", ""))
        return {"YES": True, "NO": False}.get(text.strip().upper())
