"""The bank of annotated reference films: a folder with ``manifest.json`` and one PNG a reference.

The manifest lists every reference with view, side, spacing, origin, licence, points by key, and the
SHA-256 of its image. The bank's own hash is that of the manifest, so it covers images and points.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.adapters.atomic import write_bytes
from core.errors import BankError, OrthoMatchError
from core.film import Side
from core.matching.protocol import Reference
from core.measure.definitions import Catalogue, nearest
from core.resources import resource_path

MANIFEST = "manifest.json"
RESTORE = "Restore the bank from its source, or install the program again."
FORMAT = "orthomatch-bank"
VERSION = 1
MIN_SPACING_MM, MAX_SPACING_MM = 0.001, 10.0
GREY_PERCENTILES = (0.2, 99.8)
"""Of a film's grey values: what lies between them is kept in a bank."""


class DamagedReferenceError(BankError):
    """The image of one reference, ``key``, cannot be used."""

    def __init__(self, what: str, key: str, path: Path) -> None:
        super().__init__(what, path=path, remedy=RESTORE)
        self.key = key


@dataclass(frozen=True, eq=False)
class BankEntry:
    """One reference as the manifest describes it. Points are film pixels (x, y) by point key.

    ``side`` is the body side that the film looks like in the usual presentation; ``size_px`` is
    (width, height).
    """

    key: str
    view: str
    side: Side
    image: str
    sha256: str
    size_px: tuple[int, int]
    points: Mapping[str, tuple[float, float]]
    spacing_mm: float | None
    origin: str
    licence: str


@dataclass(frozen=True, eq=False)
class RefusedEntry:
    """A reference of the manifest that cannot be used: ``what`` is wrong with ``item``."""

    key: str
    what: str
    item: object


@dataclass(frozen=True, eq=False)
class Bank:
    """A folder of references. ``sha256`` is the hash of its manifest.

    ``refused`` are the references whose description is wrong; the others are usable.
    """

    folder: Path
    sha256: str
    entries: tuple[BankEntry, ...]
    refused: tuple[RefusedEntry, ...] = ()

    def entry(self, key: str) -> BankEntry:
        """The reference ``key``. Raises ``BankError`` that names the nearest known one."""
        for entry in self.entries:
            if entry.key == key:
                return entry
        raise BankError(
            f"There is no reference {key!r}",
            path=self.folder,
            remedy=nearest(key, [e.key for e in self.entries]),
        )

    def references(self, catalogue: Catalogue, view: str | None = None) -> list[Reference]:
        """The references of one view (or of all), points in the order of the view's definition.

        All look like the view's canonical side: those of the other side are mirrored in memory. Points
        that a reference lacks are NaN. Raises ``CatalogueError`` for an unknown view.
        """
        if view is not None:
            catalogue.view(view)
        return [
            self._reference(entry, catalogue)
            for entry in self.entries
            if entry.view in catalogue.views and view in (None, entry.view)
        ]

    def _reference(self, entry: BankEntry, catalogue: Catalogue) -> Reference:
        view = catalogue.view(entry.view)
        unknown = (np.nan, np.nan)
        points = np.array([entry.points.get(key, unknown) for key in view.point_keys], dtype=np.float64)
        mirror = entry.side is not view.canonical_side
        if mirror:
            points[:, 0] = entry.size_px[0] - 1 - points[:, 0]
        return Reference(
            key=entry.key,
            view=entry.view,
            side=view.canonical_side,
            read_image=partial(_read_for_matching, self.folder, entry, mirror),
            points_px=points,
            spacing_mm=entry.spacing_mm,
            symmetric=view.symmetric,
            digest=hashlib.sha256(entry.sha256.encode() + points.tobytes()).hexdigest(),
        )


def _read_for_matching(folder: Path, entry: BankEntry, mirror: bool) -> NDArray[np.float32]:
    image = read_reference_image(folder, entry)
    return np.ascontiguousarray(image[:, ::-1]) if mirror else image


def default_bank_folder() -> Path:
    """The bank that ships with the program."""
    return resource_path("references")


def load_bank(folder: Path | None = None) -> Bank:
    """Read a bank's manifest. Images are read and checked when they are needed, or by ``bank_check``.

    A reference whose description is wrong is left out and listed in ``refused``. Raises ``BankError`` for
    a missing or damaged manifest.
    """
    folder = folder or default_bank_folder()
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BankError(
            "The bank's manifest cannot be read", path=path, remedy="Choose a folder with a bank."
        ) from error
    try:
        document = json.loads(data)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BankError("The bank's manifest is not valid JSON", path=path, remedy=RESTORE) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BankError(
            "The file is not the manifest of a bank", path=path, remedy="Choose a folder with a bank."
        )
    if document.get("version") != VERSION:
        raise BankError(
            f"The bank has version {document.get('version')!r}; this program reads version {VERSION}",
            path=path,
            remedy="Use the program version that wrote it.",
        )
    entries, refused = manifest_entries(document.get("references"), path)
    return Bank(folder, hashlib.sha256(data).hexdigest(), entries, refused)


def manifest_entries(listed: object, path: Path) -> tuple[tuple[BankEntry, ...], tuple[RefusedEntry, ...]]:
    """The references that a manifest lists, and those whose description is wrong. Raises ``BankError``."""
    if not isinstance(listed, list):
        raise BankError("The manifest lists no references", path=path, remedy=RESTORE)
    entries: dict[str, BankEntry] = {}
    refused: list[RefusedEntry] = []
    for number, item in enumerate(listed, 1):
        try:
            entry = _entry(item)
            if entry.key in entries:
                raise ValueError("another reference has this key")
            entries[entry.key] = entry
        except (KeyError, IndexError, TypeError, ValueError, OverflowError, AttributeError) as error:
            name = str(item.get("key", "?")) if isinstance(item, dict) else "?"
            what = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
            refused.append(RefusedEntry(name, f"Reference {number} ({name}) is wrong: {what}", item))
    return tuple(entries.values()), tuple(refused)


def _entry(item: Any) -> BankEntry:
    """The reference that an item of the manifest describes. Raises what a wrong value raises."""
    if not isinstance(item, dict):
        raise TypeError("not an object")
    image = str(item["image"])
    relative = PurePosixPath(image)
    if relative.is_absolute() or ".." in relative.parts or "\\" in image or ":" in image:
        raise ValueError(f"the image {image!r} lies outside the bank")
    width, height = (int(length) for length in item["size_px"])
    if width < 1 or height < 1:
        raise ValueError(f"size_px is {item['size_px']}")
    points = {str(name): _pair(str(name), value) for name, value in item["points"].items()}
    return BankEntry(
        key=str(item["key"]),
        view=str(item["view"]),
        side=Side(item["side"]),
        image=image,
        sha256=str(item["sha256"]),
        size_px=(width, height),
        points=points,
        spacing_mm=_spacing(item["spacing_mm"]),
        origin=str(item["origin"]),
        licence=str(item["licence"]),
    )


def _pair(name: str, value: Any) -> tuple[float, float]:
    x, y = (float(part) for part in value)
    if not (np.isfinite(x) and np.isfinite(y)):
        raise ValueError(f"point {name!r} is not a number")
    return x, y


def _spacing(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not MIN_SPACING_MM <= float(value) <= MAX_SPACING_MM:
        raise ValueError(f"spacing_mm is {value}, not {MIN_SPACING_MM:g} to {MAX_SPACING_MM:g}")
    return float(value)


def read_reference_data(folder: Path, entry: BankEntry) -> bytes:
    """The reference's image file, verified against its SHA-256. Raises ``DamagedReferenceError``."""
    path = folder / entry.image
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _damaged(entry, path, "cannot be read") from error
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise _damaged(entry, path, "is damaged: its SHA-256 is not the one in the manifest")
    return data


def read_reference_image(folder: Path, entry: BankEntry) -> NDArray[np.float32]:
    """The reference's film, verified against its SHA-256. Raises ``DamagedReferenceError``."""
    data = np.frombuffer(read_reference_data(folder, entry), dtype=np.uint8)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    except cv2.error as error:  # an empty file
        raise _damaged(entry, folder / entry.image, "cannot be decoded") from error
    if image is None:
        raise _damaged(entry, folder / entry.image, "cannot be decoded")
    return np.asarray(image, dtype=np.float32)


def _damaged(entry: BankEntry, path: Path, what: str) -> DamagedReferenceError:
    return DamagedReferenceError(f"The image of reference {entry.key} {what}", entry.key, path)


def save_manifest(
    folder: Path, entries: tuple[BankEntry, ...], refused: tuple[RefusedEntry, ...] = ()
) -> Bank:
    """Write the manifest of ``entries`` and return the bank; ``refused`` ones stay. Raises ``WriteError``."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "references": [
            {
                "key": entry.key,
                "view": entry.view,
                "side": entry.side.value,
                "image": entry.image,
                "sha256": entry.sha256,
                "size_px": list(entry.size_px),
                "spacing_mm": entry.spacing_mm,
                "origin": entry.origin,
                "licence": entry.licence,
                "points": {name: [round(x, 3), round(y, 3)] for name, (x, y) in entry.points.items()},
            }
            for entry in entries
        ]
        + [other.item for other in refused],
    }
    data = (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
    write_bytes(folder / MANIFEST, data)
    return load_bank(folder)


def open_or_create(folder: Path) -> Bank:
    """The bank in ``folder``, or a new empty one there. The shipped bank is never changed."""
    if folder.resolve() == default_bank_folder().resolve():
        raise BankError(
            "The shipped bank is not changed", path=folder, remedy="Name a folder of your own with --bank."
        )
    if (folder / MANIFEST).exists():
        return load_bank(folder)
    return Bank(folder, "", ())


def add_reference(bank: Bank, entry: BankEntry, film: NDArray[np.float32]) -> Bank:
    """The bank with one more reference; see ``add_references``."""
    return add_references(bank, [(entry, lambda: film)])


def add_references(
    bank: Bank, additions: Iterable[tuple[BankEntry, Callable[[], NDArray[np.float32]]]]
) -> Bank:
    """The bank with more references: all of them, or none when one fails.

    Only grey values are stored: no tag of a film's file. Each film is [rows, columns], bone bright, and
    kept as 8-bit PNG between its 0.2 and 99.8 percentile. ``image``, ``sha256`` and ``size_px`` of the
    entries are set here. Raises ``BankError`` for a key in use and ``WriteError``.
    """
    entries, written = list(bank.entries), []
    try:
        for entry, read_film in additions:
            used = [other.key for other in entries] + [other.key for other in bank.refused]
            check_key(entry.key, bank.folder, used)
            data, size = _grey_png(read_film(), entry.key, bank.folder)
            path = bank.folder / entry.view / f"{entry.key}.png"
            make_folder(path.parent)
            write_bytes(path, data)
            written.append(path)
            name, digest = f"{entry.view}/{entry.key}.png", hashlib.sha256(data).hexdigest()
            entries.append(replace(entry, image=name, sha256=digest, size_px=size))
        return save_manifest(bank.folder, tuple(entries), bank.refused)
    except OrthoMatchError:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def check_key(key: str, folder: Path, used: list[str]) -> None:
    """Refuse a key that is in use or cannot be a file name. Raises ``BankError``."""
    if key in used:
        raise BankError(f"There is already a reference {key!r}", path=folder, remedy="Choose another key.")
    if not key or not all(c.isalnum() or c in "-_." for c in key) or key.startswith("."):
        raise BankError(
            f"{key!r} cannot be the key of a reference", remedy="Use letters, digits, '-', '_' and '.'."
        )


def _grey_png(film: NDArray[np.float32], key: str, folder: Path) -> tuple[bytes, tuple[int, int]]:
    low, high = np.percentile(film, GREY_PERCENTILES)
    grey = np.clip((film - low) / max(float(high - low), 1e-6) * 255.0 + 0.5, 0, 255).astype(np.uint8)
    done, png = cv2.imencode(".png", grey, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise BankError(f"The image of reference {key} cannot be encoded", path=folder)
    return png.tobytes(), (grey.shape[1], grey.shape[0])


def remove_reference(bank: Bank, key: str) -> Bank:
    """The bank without one reference; its image file is deleted.

    A reference whose description is wrong only leaves the manifest. Raises ``BankError``, ``WriteError``.
    """
    refused = tuple(other for other in bank.refused if other.key != key)
    if len(refused) < len(bank.refused):
        return save_manifest(bank.folder, bank.entries, refused)
    entry = bank.entry(key)
    rest = tuple(other for other in bank.entries if other is not entry)
    smaller = save_manifest(bank.folder, rest, bank.refused)
    if entry.image in {other.image for other in rest}:
        return smaller
    try:
        (bank.folder / entry.image).unlink(missing_ok=True)
    except OSError as error:
        raise BankError("The image file could not be deleted", path=bank.folder / entry.image) from error
    return smaller


def make_folder(folder: Path) -> None:
    """Create a folder of the bank unless it is there. Raises ``BankError``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BankError(
            "The folder cannot be created", path=folder, remedy="Choose another folder."
        ) from error
