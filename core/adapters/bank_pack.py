"""A bank in one file, ``*.ombank``: a zip with manifest, images, views and their SHA-256.

``SHA256SUMS`` lists every other member as ``sha256sum`` does. Nothing is unpacked by the name it has in
the archive: images go where a bank keeps them, under checked keys.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from core.adapters.archive import members, opened
from core.adapters.atomic import write_bytes
from core.adapters.bank import (
    FORMAT,
    MANIFEST,
    VERSION,
    Bank,
    BankEntry,
    check_key,
    make_folder,
    manifest_entries,
    open_or_create,
    read_reference_data,
    save_manifest,
)
from core.adapters.views import VIEWS
from core.errors import BankError, OrthoMatchError
from core.measure.loader import load_catalogue

SUFFIX = ".ombank"
SUMS = "SHA256SUMS"
MAX_BANK_BYTES = 4 * 1024**3
_AGAIN = "Ask for the file again."
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bank gives the same file


def pack_bank(bank: Bank, path: Path) -> int:
    """Write the references of ``bank`` and its own views to ``path``; returns how many references.

    Every image is verified first. Raises ``BankError`` for a damaged image and when a reference of
    the manifest is wrong, and ``WriteError``.
    """
    if bank.refused:
        raise BankError(
            bank.refused[0].what, path=bank.folder / MANIFEST, remedy="Correct it or take it out first."
        )
    sums: list[str] = []
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:

        def put(name: str, data: bytes, method: int) -> None:
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, method)
            sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")

        put(MANIFEST, (bank.folder / MANIFEST).read_bytes(), zipfile.ZIP_DEFLATED)
        for image in {entry.image: entry for entry in bank.entries}.values():
            put(image.image, read_reference_data(bank.folder, image), zipfile.ZIP_STORED)
        for view in sorted((bank.folder / VIEWS).glob("*.toml")):
            put(f"{VIEWS}/{view.name}", view.read_bytes(), zipfile.ZIP_DEFLATED)
        archive.writestr(zipfile.ZipInfo(SUMS, _EPOCH), "".join(sums), zipfile.ZIP_DEFLATED)
    write_bytes(path, buffer.getvalue())
    return len(bank.entries)


def unpack_bank(path: Path, folder: Path) -> Bank:
    """The bank in ``folder`` (new, or one of the user's own) with all that ``path`` holds.

    Everything is verified before anything is written, and all of it is taken over or none. Raises
    ``ReadError`` or ``BankError`` for a damaged file, ``BankError`` for a reference or view that the bank
    has already, and ``WriteError``.
    """
    bank = open_or_create(folder)
    found = _verified(path)
    entries = _entries(path, found.pop(MANIFEST))
    views = {
        name.removeprefix(f"{VIEWS}/"): data for name, data in found.items() if name.startswith(f"{VIEWS}/")
    }
    written: list[Path] = []
    used = [entry.key for entry in bank.entries] + [other.key for other in bank.refused]
    try:
        for name, data in views.items():
            check_key(name, path, [])
            target = folder / VIEWS / name
            if not target.exists():
                make_folder(target.parent)
                written.append(target)
                write_bytes(target, data)
            elif target.read_bytes() != data:
                raise BankError(
                    f"The bank defines the view {name.removesuffix('.toml')} in another way",
                    path=target,
                    remedy="Rename one of the two views.",
                )
        known = load_catalogue(own=[folder / VIEWS])
        taken = []
        for entry in entries:
            check_key(entry.key, folder, used)
            used.append(entry.key)
            known.view(entry.view)
            image = f"{entry.view}/{entry.key}.png"
            target = folder / image
            make_folder(target.parent)
            written.append(target)
            write_bytes(target, _image(path, entry, found))
            taken.append(replace(entry, image=image))
        return save_manifest(folder, (*bank.entries, *taken), bank.refused)
    except (OrthoMatchError, OSError):
        for file in written:
            file.unlink(missing_ok=True)
        raise


def _verified(path: Path) -> dict[str, bytes]:
    """Every member of the archive, with the checksum that the archive states for it."""
    if not path.is_file():
        raise BankError("There is no such file", path=path, remedy=f"Name a {SUFFIX} file.")
    with opened(path) as archive:
        infos = {info.filename: info for info in members(archive)}
        if SUMS not in infos or MANIFEST not in infos:
            raise BankError("The file holds no bank", path=path, remedy=f"Choose a {SUFFIX} file.")
        if sum(info.file_size for info in infos.values()) > MAX_BANK_BYTES:
            raise BankError("The bank is larger than 4 GiB", path=path, remedy="Ask for it in parts.")
        found = {name: archive.read(info) for name, info in infos.items()}
    stated: dict[str, str] = {}
    for line in found.pop(SUMS).decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        stated[name] = digest
    for name in sorted(stated.keys() | found.keys()):
        if name not in found or hashlib.sha256(found[name]).hexdigest() != stated.get(name):
            raise BankError(f"{name} is damaged, missing or not in {SUMS}", path=path, remedy=_AGAIN)
    return found


def _entries(path: Path, manifest: bytes) -> tuple[BankEntry, ...]:
    try:
        document = json.loads(manifest)
    except (ValueError, RecursionError) as error:
        raise BankError("The bank's manifest is not valid JSON", path=path, remedy=_AGAIN) from error
    if not isinstance(document, dict) or (document.get("format"), document.get("version")) != (
        FORMAT,
        VERSION,
    ):
        raise BankError(
            "The manifest has another format", path=path, remedy="Use the program version that wrote it."
        )
    entries, refused = manifest_entries(document.get("references"), path)
    if refused:
        raise BankError(refused[0].what, path=path, remedy=_AGAIN)
    return entries


def _image(path: Path, entry: BankEntry, found: Mapping[str, bytes]) -> bytes:
    """The image of an entry, which must be the very picture that the manifest describes."""
    data = found.get(entry.image, b"")
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise BankError(f"The image of reference {entry.key} is damaged", path=path, remedy=_AGAIN)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    if picture is None or (picture.shape[1], picture.shape[0]) != entry.size_px:
        raise BankError(
            f"The image of reference {entry.key} has another size than stated", path=path, remedy=_AGAIN
        )
    return data
