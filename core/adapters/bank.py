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
FORMAT = "orthomatch-bank"
VERSION = 1
RESTORE = "Restore the bank from its source, or install the program again."


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
class Bank:
    """A folder of references. ``sha256`` is the hash of its manifest."""

    folder: Path
    sha256: str
    entries: tuple[BankEntry, ...]

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
    """Read a bank's manifest. Images are read and checked when they are needed, or by ``check_bank``.

    Raises ``BankError`` for a missing or damaged manifest, naming the reference that is wrong.
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
    listed = document.get("references")
    if not isinstance(listed, list):
        raise BankError("The manifest lists no references", path=path, remedy=RESTORE)
    entries = tuple(_entry(item, number, path) for number, item in enumerate(listed, 1))
    keys = [entry.key for entry in entries]
    for key in keys:
        if keys.count(key) > 1:
            raise BankError(f"Two references are called {key!r}", path=path, remedy="Rename or remove one.")
    return Bank(folder, hashlib.sha256(data).hexdigest(), entries)


def _entry(item: Any, number: int, path: Path) -> BankEntry:
    def number_pair(value: Any) -> tuple[float, float]:
        x, y = (float(part) for part in value)
        if not (np.isfinite(x) and np.isfinite(y)):
            raise ValueError("not a number")
        return x, y

    try:
        image = str(item["image"])
        relative = PurePosixPath(image)
        if relative.is_absolute() or ".." in relative.parts or "\\" in image or ":" in image:
            raise ValueError("image path leaves the bank")
        spacing = item["spacing_mm"]
        return BankEntry(
            key=str(item["key"]),
            view=str(item["view"]),
            side=Side(item["side"]),
            image=image,
            sha256=str(item["sha256"]),
            size_px=(int(item["size_px"][0]), int(item["size_px"][1])),
            points={str(name): number_pair(value) for name, value in item["points"].items()},
            spacing_mm=None if spacing is None else float(spacing),
            origin=str(item["origin"]),
            licence=str(item["licence"]),
        )
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, AttributeError) as error:
        name = item.get("key", "?") if isinstance(item, dict) else "?"
        raise BankError(
            f"Reference {number} ({name}) of the manifest is wrong ({type(error).__name__}: {error})",
            path=path,
            remedy=RESTORE,
        ) from error


def read_reference_image(folder: Path, entry: BankEntry) -> NDArray[np.float32]:
    """The reference's film, verified against its SHA-256. Raises ``BankError``."""
    path = folder / entry.image
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BankError(
            f"The image of reference {entry.key} cannot be read", path=path, remedy=RESTORE
        ) from error
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise BankError(
            f"The image of reference {entry.key} is damaged: its SHA-256 is not the one in the manifest",
            path=path,
            remedy=RESTORE,
        )
    image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    if image is None:
        raise BankError(f"The image of reference {entry.key} cannot be decoded", path=path, remedy=RESTORE)
    return np.asarray(image, dtype=np.float32)


def check_bank(bank: Bank, catalogue: Catalogue) -> list[str]:
    """Everything that is wrong with a bank, one sentence each; empty when it is sound.

    Checks every image's hash and decoding, that views and points are known and complete, that points
    lie on the film, and that no image is listed twice.
    """
    problems: list[str] = []
    images: dict[str, str] = {}
    for entry in bank.entries:
        if entry.sha256 in images:
            problems.append(f"{entry.key}: the same image as {images[entry.sha256]}")
        images[entry.sha256] = entry.key
        try:
            image = read_reference_image(bank.folder, entry)
        except BankError as error:
            problems.append(f"{entry.key}: {error.what} ({entry.image})")
            continue
        view = catalogue.views.get(entry.view)
        if view is None:
            problems.append(
                f"{entry.key}: unknown view {entry.view!r}. {nearest(entry.view, catalogue.views)}"
            )
            continue
        height, width = image.shape
        if (width, height) != entry.size_px:
            problems.append(
                f"{entry.key}: the image has {width} x {height} pixels, the manifest says {entry.size_px}"
            )
        for name, (x, y) in entry.points.items():
            if name not in view.point_keys:
                problems.append(f"{entry.key}: unknown point {name!r}. {nearest(name, view.point_keys)}")
            elif not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
                problems.append(f"{entry.key}: point {name!r} lies off the film ({x:.1f}, {y:.1f})")
        missing = [key for key in view.point_keys if key not in entry.points]
        if missing:
            problems.append(f"{entry.key}: {len(missing)} points are missing, first {missing[0]!r}")
    return problems


def save_manifest(folder: Path, entries: tuple[BankEntry, ...]) -> Bank:
    """Write the manifest of ``entries`` and return the bank. Raises ``WriteError``."""
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
        ],
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
            _check_key(entry.key, bank.folder, [other.key for other in entries])
            data, size = _grey_png(read_film(), entry.key, bank.folder)
            path = bank.folder / entry.view / f"{entry.key}.png"
            _make_folder(path.parent)
            write_bytes(path, data)
            written.append(path)
            name, digest = f"{entry.view}/{entry.key}.png", hashlib.sha256(data).hexdigest()
            entries.append(replace(entry, image=name, sha256=digest, size_px=size))
        return save_manifest(bank.folder, tuple(entries))
    except OrthoMatchError:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _check_key(key: str, folder: Path, used: list[str]) -> None:
    if key in used:
        raise BankError(f"There is already a reference {key!r}", path=folder, remedy="Choose another key.")
    if not key or not all(c.isalnum() or c in "-_." for c in key) or key.startswith("."):
        raise BankError(
            f"{key!r} cannot be the key of a reference", remedy="Use letters, digits, '-', '_' and '.'."
        )


def _grey_png(film: NDArray[np.float32], key: str, folder: Path) -> tuple[bytes, tuple[int, int]]:
    low, high = np.percentile(film, [0.2, 99.8])
    grey = np.clip((film - low) / max(float(high - low), 1e-6) * 255.0 + 0.5, 0, 255).astype(np.uint8)
    done, png = cv2.imencode(".png", grey, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise BankError(f"The image of reference {key} cannot be encoded", path=folder)
    return png.tobytes(), (grey.shape[1], grey.shape[0])


def remove_reference(bank: Bank, key: str) -> Bank:
    """The bank without one reference; its image file is deleted. Raises ``BankError``, ``WriteError``."""
    entry = bank.entry(key)
    smaller = save_manifest(bank.folder, tuple(other for other in bank.entries if other is not entry))
    try:
        (bank.folder / entry.image).unlink(missing_ok=True)
    except OSError as error:
        raise BankError("The image file could not be deleted", path=bank.folder / entry.image) from error
    return smaller


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BankError(
            "The folder cannot be created", path=folder, remedy="Choose another folder."
        ) from error
