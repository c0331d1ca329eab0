"""Letters at the edges of the film that say where the patient's sides are."""

from __future__ import annotations

from dataclasses import dataclass

_OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}


@dataclass(frozen=True)
class EdgeLetters:
    """What is written at each edge; empty where the file does not say."""

    left: str = ""
    right: str = ""
    top: str = ""
    bottom: str = ""


def edge_letters(patient_orientation: tuple[str, ...], *, flipped: bool = False) -> EdgeLetters:
    """Edge letters from PatientOrientation (direction of rows, direction of columns).

    ``flipped`` is a left-right flip of the display. Values that are no patient directions give no
    letters.
    """
    right = _clean(patient_orientation[0]) if len(patient_orientation) > 0 else ""
    bottom = _clean(patient_orientation[1]) if len(patient_orientation) > 1 else ""
    left, top = _opposite(right), _opposite(bottom)
    return EdgeLetters(right, left, top, bottom) if flipped else EdgeLetters(left, right, top, bottom)


def _clean(text: str) -> str:
    letters = text.strip().upper()
    return letters if letters and all(letter in _OPPOSITE for letter in letters) else ""


def _opposite(letters: str) -> str:
    return "".join(_OPPOSITE[letter] for letter in letters)
