"""What is wrong with the files and descriptions of a bank."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.adapters.bank import Bank, read_reference_image
from core.errors import BankError
from core.measure.definitions import Catalogue, nearest

Float32 = NDArray[np.float32]

ALIKE = 0.95
"""Correlation of two films' fine structure above which they are one film.

Different patients' films of one view stay below 0.65 in the shipped bank; one film after JPEG, scaling,
noise, another gamma or a slight crop stays above 0.975."""

_LOOK_PX = 48
_STRUCTURE_PX = 4.0  # of the reduced film: coarser shades, which all films of a view share, do not count


def check_bank(bank: Bank, catalogue: Catalogue) -> list[str]:
    """Everything that is wrong with a bank, one sentence each; empty when it is sound.

    Checks every reference's description, its image's hash and decoding, that views and points are known
    and complete, that points lie on the film, and that no film is there twice, be it in another size, with
    other grey values or mirrored.
    """
    problems = [refused.what for refused in bank.refused]
    images: dict[str, str] = {}
    looks: dict[str, Float32] = {}
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
        look = _look(image)
        for key, other in looks.items():
            if entry.sha256 != bank.entry(key).sha256 and max(_alike(look, other)) > ALIKE:
                problems.append(f"{entry.key}: nearly the same film as {key}")
                break
        looks[entry.key] = look
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


def _look(film: Float32) -> Float32:
    """The film's fine structure [48, 48] of length 1."""
    small = cv2.resize(film, (_LOOK_PX, _LOOK_PX), interpolation=cv2.INTER_AREA)
    structure = small - cv2.GaussianBlur(small, (0, 0), _STRUCTURE_PX)
    structure -= structure.mean()
    return np.asarray(structure / max(float(np.linalg.norm(structure)), 1e-6), dtype=np.float32)


def _alike(first: Float32, second: Float32) -> tuple[float, float]:
    """Correlation of two films' structure, and with one of them mirrored."""
    return float((first * second).sum()), float((first * second[:, ::-1]).sum())


def same_film(film: Float32, bank: Bank, view: str) -> str | None:
    """Key of the reference of ``view`` that is the film [rows, columns] already, perhaps mirrored.

    References whose image is damaged are passed over.
    """
    look = _look(film)
    for entry in bank.entries:
        if entry.view != view:
            continue
        try:
            image = read_reference_image(bank.folder, entry)
        except BankError:  # reported by check_bank
            continue
        if max(_alike(look, _look(image))) > ALIKE:
            return entry.key
    return None
