"""Saving and loading a measured case as a JSON file."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any, TypeVar

from core.adapters.atomic import write_bytes
from core.case import Case, Confirmation, Provenance, SideDecision, Verdict, VerdictLevel
from core.errors import ReadError, WriteError
from core.film import Calibration, Side, SpacingSource
from core.landmarks import Landmark, LandmarkSet

FORMAT = "orthomatch-case"
VERSION = 1
MAX_BYTES = 64 * 1024**2

_T = TypeVar("_T")
_REMEDY = "Choose a case saved by this program, or measure the film again."


def save_case(case: Case, path: Path) -> None:
    """Save ``case`` to ``path``. Numbers are written so that they read back to the last bit.

    Raises :class:`WriteError` when the file cannot be written; an older file is then untouched.
    """
    write_bytes(path, case_text(case).encode("ascii"))


def case_text(case: Case, *, name_only: bool = False) -> str:
    """``case`` as the ASCII text of a case file, with the folders of its film left out on request.

    Raises :class:`WriteError` when a value is not a number.
    """
    document = _to_json(case)
    if name_only:
        document["film"]["path"] = PurePath(case.film_path).name
    try:
        return json.dumps(document, indent=1, allow_nan=False) + "\n"
    except ValueError as e:
        raise WriteError(
            "The case holds a value that is not a number", path=case.film_path, remedy="Match the film again."
        ) from e


def load_case(path: Path) -> Case:
    """Load a case saved by :func:`save_case`.

    Raises :class:`ReadError` when the file is missing, of another kind or version, or incomplete.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ReadError("The file is too large for a case", path=path, remedy=_REMEDY)
        text = path.read_bytes()
    except OSError as e:
        raise ReadError(
            f"The case cannot be read ({e.strerror or type(e).__name__})",
            path=path,
            remedy="Check the name, the folder and your permissions.",
        ) from e
    return parse_case(text, path)


def parse_case(text: bytes, path: Path) -> Case:
    """The case in the text of a case file. ``path`` is named in errors. Raises :class:`ReadError`."""
    try:
        root = json.loads(text.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as e:
        raise ReadError("The file is not a saved case or is damaged", path=path, remedy=_REMEDY) from e
    if not isinstance(root, dict) or root.get("format") != FORMAT:
        raise ReadError("The file is not a saved case", path=path, remedy=_REMEDY)
    version = root.get("version")
    if type(version) is not int or version < 1:
        raise ReadError("The case states no valid version", path=path, remedy=_REMEDY)
    if version > VERSION:
        raise ReadError(
            f"The case was saved by a newer program (version {version})",
            path=path,
            remedy="Update this program.",
        )
    try:
        return _case(_Fields(root, "", {"format", "version"}))
    except (_FieldError, OverflowError) as e:
        raise ReadError(f"The case is damaged: {e}", path=path, remedy=_REMEDY) from e


def _to_json(case: Case) -> dict[str, Any]:
    side, verdict, source, done = case.side, case.verdict, case.provenance, case.confirmation
    return {
        "format": FORMAT,
        "version": VERSION,
        "film": {"path": case.film_path, "sha256": case.film_sha256, "frame": case.frame},
        "view": {
            "key": case.view,
            "source": case.view_source,
            "text": case.view_text,
            "conflict": case.view_conflict,
        },
        "side": {
            "side": side.side.value,
            "source": side.source,
            "text": side.text,
            "conflict": side.conflict,
            "mirrored": side.mirrored,
        },
        "landmarks": _points_to_json(case.landmarks),
        "automatic": _points_to_json(case.automatic),
        "calibration": {
            "column_mm": case.calibration.column_mm,
            "row_mm": case.calibration.row_mm,
            "source": case.calibration.source.value,
            "detail": case.calibration.detail,
            "aspect": case.calibration.aspect,
            "relative_error": case.calibration.relative_error,
        },
        "verdict": {
            "level": verdict.level.value,
            "text": verdict.text,
            "points": list(verdict.points),
            "note": verdict.note,
        },
        "provenance": {
            "program_version": source.program_version,
            "model_sha256": source.model_sha256,
            "bank_sha256": source.bank_sha256,
            "provider": source.provider,
            "references": list(source.references),
            "elapsed_ms": source.elapsed_ms,
        },
        "confirmation": None if done is None else {"by": done.by, "at": done.at},
    }


def _points_to_json(points: LandmarkSet) -> list[dict[str, Any]]:
    return [
        {
            "key": key,
            "x_px": float(p.x_px),
            "y_px": float(p.y_px),
            "expected_error_px": p.expected_error_px,
            "spread_px": p.spread_px,
            "confidence": p.confidence,
            "edited": p.edited,
        }
        for key, p in points.points.items()
    ]


def _case(root: _Fields) -> Case:
    film, view, side = root.object("film"), root.object("view"), root.object("side")
    scale, verdict, source = root.object("calibration"), root.object("verdict"), root.object("provenance")
    done = root.optional("confirmation", root.object)
    case = Case(
        film_path=film.text("path"),
        film_sha256=film.text("sha256"),
        frame=film.count("frame"),
        view=view.text("key"),
        view_source=view.text("source"),
        side=SideDecision(
            side=side.choice("side", Side),
            source=side.text("source"),
            text=side.text("text"),
            conflict=side.flag("conflict"),
            mirrored=side.flag("mirrored"),
        ),
        landmarks=_points(root, "landmarks"),
        automatic=_points(root, "automatic"),
        calibration=Calibration(
            column_mm=scale.optional("column_mm", scale.positive),
            row_mm=scale.optional("row_mm", scale.positive),
            source=scale.choice("source", SpacingSource),
            detail=scale.text("detail"),
            aspect=scale.positive("aspect"),
            # Cases of earlier versions do not have it.
            relative_error=scale.share("relative_error") if scale.has("relative_error") else 0.0,
        ),
        verdict=Verdict(
            verdict.choice("level", VerdictLevel),
            verdict.text("text"),
            verdict.texts("points"),
            verdict.text("note") if verdict.has("note") else "",
        ),
        provenance=Provenance(
            program_version=source.text("program_version"),
            model_sha256=source.text("model_sha256"),
            bank_sha256=source.text("bank_sha256"),
            provider=source.text("provider"),
            references=source.texts("references"),
            elapsed_ms=source.number("elapsed_ms"),
        ),
        confirmation=None if done is None else Confirmation(done.text("by"), done.text("at")),
        # Cases of earlier versions do not have these.
        view_text=view.text("text") if view.has("text") else "",
        view_conflict=view.flag("conflict") if view.has("conflict") else False,
    )
    for fields in (root, film, view, side, scale, verdict, source, done):
        if fields is not None:
            fields.finish()
    return case


def _points(root: _Fields, key: str) -> LandmarkSet:
    points: dict[str, Landmark] = {}
    for fields in root.objects(key):
        name = fields.text("key")
        if name in points:
            raise _FieldError(f"a point occurs twice in '{key}'")
        points[name] = Landmark(
            x_px=fields.number("x_px"),
            y_px=fields.number("y_px"),
            expected_error_px=fields.optional("expected_error_px", fields.number),
            spread_px=fields.optional("spread_px", fields.number),
            confidence=fields.optional("confidence", fields.number),
            edited=fields.flag("edited"),
        )
        fields.finish()
    return LandmarkSet(points)


class _FieldError(Exception):
    """A field of the case is missing, unknown or of the wrong kind."""


class _Fields:
    """Checked access to the fields of one JSON object; every field must be used exactly by name."""

    def __init__(self, values: Mapping[str, Any], place: str, used: set[str] | None = None) -> None:
        self._values = values
        self._place = place
        self._used = used or set()

    def finish(self) -> None:
        """Refuse fields that nobody asked for."""
        unknown = sorted(set(self._values) - self._used)
        if unknown:
            raise _FieldError(f"unknown field '{self._place}{unknown[0][:40]}'")

    def _get(self, key: str, kinds: tuple[type, ...], wanted: str) -> Any:
        self._used.add(key)
        if key not in self._values:
            raise _FieldError(f"'{self._place}{key}' is missing")
        value = self._values[key]
        if type(value) not in kinds:
            raise _FieldError(f"'{self._place}{key}' is not {wanted}")
        return value

    def text(self, key: str) -> str:
        return str(self._get(key, (str,), "a text"))

    def flag(self, key: str) -> bool:
        return bool(self._get(key, (bool,), "true or false"))

    def count(self, key: str) -> int:
        value = int(self._get(key, (int,), "a whole number"))
        if value < 0:
            raise _FieldError(f"'{self._place}{key}' is negative")
        return value

    def number(self, key: str) -> float:
        value = float(self._get(key, (int, float), "a number"))
        if not math.isfinite(value):
            raise _FieldError(f"'{self._place}{key}' is not a finite number")
        return value

    def has(self, key: str) -> bool:
        return key in self._values

    def share(self, key: str) -> float:
        value = self.number(key)
        if not 0.0 <= value < 1.0:
            raise _FieldError(f"'{self._place}{key}' is not a part of one")
        return value

    def positive(self, key: str) -> float:
        value = self.number(key)
        if value <= 0:
            raise _FieldError(f"'{self._place}{key}' is not positive")
        return value

    def optional(self, key: str, read: Callable[[str], _T]) -> _T | None:
        self._used.add(key)
        if key in self._values and self._values[key] is None:
            return None
        return read(key)

    def choice(self, key: str, kind: Callable[[str], _T]) -> _T:
        value = self.text(key)
        try:
            return kind(value)
        except ValueError as e:
            raise _FieldError(f"'{self._place}{key}' has an unknown value") from e

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._get(key, (list,), "a list")
        if not all(type(value) is str for value in values):
            raise _FieldError(f"'{self._place}{key}' is not a list of texts")
        return tuple(values)

    def object(self, key: str) -> _Fields:
        return _Fields(self._get(key, (dict,), "an object"), f"{self._place}{key}.")

    def objects(self, key: str) -> list[_Fields]:
        values = self._get(key, (list,), "a list")
        if not all(type(value) is dict for value in values):
            raise _FieldError(f"'{self._place}{key}' is not a list of objects")
        return [_Fields(value, f"{self._place}{key}[{i}].") for i, value in enumerate(values)]


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not allowed")
