"""The output options that ``measure`` and ``export`` share, and writing what they ask for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2

from core.adapters.export.formats import FORMATS, Format, write_export
from core.adapters.export.measured import Measured
from core.adapters.export.table import csv_rows, csv_text, film_report, json_text
from core.errors import OrthoMatchError
from core.overlay import overlay_image

TABLES = ("csv", "json")  # one file for all films; the others are written for each


def _overlay_png(measured: Measured) -> bytes:
    picture = overlay_image(measured.film, measured.case, measured.results, crop_to_points=True)
    done, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    assert done
    return bytes(data.tobytes())


OVERLAY = Format("overlay", "PNG", ".png", "film with points and lines", _overlay_png)
_ALL = (*FORMATS, OVERLAY)


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """The options, each with a file name."""
    for form in _ALL:
        option = f"--{form.key.replace('_', '-')}"
        parser.add_argument(option, type=Path, metavar=f"F{form.suffix}", help=f"write the {form.help}")


@dataclass
class Outputs:
    """Where to write what. ``inputs`` are never written to. ``failed`` tells that something was not."""

    wanted: dict[str, Path]
    inputs: Sequence[Path]
    failed: bool = False
    _rows: list[list[object]] = field(default_factory=list)
    _reports: list[dict[str, object]] = field(default_factory=list)

    @classmethod
    def of(cls, options: argparse.Namespace, inputs: Sequence[Path]) -> Outputs:
        """The outputs that the options ask for."""
        given = {form.key: getattr(options, form.key) for form in _ALL}
        return cls({key: path for key, path in given.items() if path is not None}, inputs)

    def complaint(self) -> str:
        """Why these outputs cannot all be written, or nothing."""
        names = [path.resolve() for path in self.wanted.values()]
        if len(set(names)) < len(names):
            return "two outputs have the same name"
        return ""

    def add(self, measured: Measured, label: str) -> None:
        """Write the files of one film; one that fails is reported and the others go on."""
        if "csv" in self.wanted:
            self._rows += csv_rows(measured)
        if "json" in self.wanted:
            self._reports.append(film_report(measured))
        for form in _ALL:
            if form.key in self.wanted and form.key not in TABLES:
                self._write(_named(self.wanted[form.key], label), partial(form.make, measured))

    def finish(self) -> None:
        """Write the files that hold all films, if there was any."""
        if self._rows:
            self._write(self.wanted["csv"], lambda: csv_text(self._rows).encode())
        if self._reports:
            self._write(self.wanted["json"], lambda: json_text(self._reports).encode())

    def _write(self, path: Path, make: Callable[[], bytes]) -> None:
        try:
            write_export(path, make(), self.inputs)
        except OrthoMatchError as error:
            self.failed = True
            print(f"orthomatch: {error if error.path else f'{path}: {error}'}", file=sys.stderr)


def labels_of(films: Sequence[Path]) -> list[str]:
    """What sets each film's outputs apart: nothing for a single film, else its name, with a number
    where films of several folders share one.
    """
    if len(films) == 1:
        return [""]
    labels: list[str] = []
    for film in films:
        label, number = film.stem, 2
        while label.casefold() in {other.casefold() for other in labels}:
            label, number = f"{film.stem}-{number}", number + 1
        labels.append(label)
    return labels


def _named(wanted: Path, label: str) -> Path:
    """The output path with the film's label in it."""
    return wanted.with_name(f"{wanted.stem}-{label}{wanted.suffix}") if label else wanted
