"""``orthomatch deidentify``: films and cases without identity, and the review of burnt-in text."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.case import Case, Confirmation
from core.errors import OrthoMatchError, ReadError, WriteError

if TYPE_CHECKING:
    from core.adapters.deidentify import Deidentifier
    from core.burnt_in import Rectangle
    from core.film import Radiograph

CASE_SUFFIX = ".omcase"
REVIEW = (
    "Look at the picture. Blacken what identifies a person with --blank x,y,width,height, "
    "then say --text-reviewed."
)


def add_parser(commands: Any) -> None:
    """Add the command to ``commands`` (argparse subparsers)."""
    parser = commands.add_parser(
        "deidentify",
        help="write films and cases without identity",
        description="Writes films (and cases with their films) without identity: DICOM PS3.15 basic "
        "profile. The new files are numbered; the given ones are not changed. Areas that look like "
        "burnt-in text are listed and the film is only written once a person has looked at it.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_review_options(parser)
    parser.set_defaults(run=run_deidentify)


def add_review_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--blank`` and ``--text-reviewed``."""
    parser.add_argument(
        "--blank", type=rectangle, action="append", default=[], metavar="X,Y,W,H",
        help="blacken this area, in pixels of the film; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--text-reviewed",
        action="store_true",
        help="I looked at the picture: what is left in it identifies nobody",
    )


def rectangle(text: str) -> Rectangle:
    """The area ``x,y,width,height``."""
    from core.burnt_in import Rectangle

    try:
        x, y, width, height = (int(part) for part in text.split(","))
        return Rectangle(x, y, width, height)
    except ValueError as error:
        raise argparse.ArgumentTypeError("give x,y,width,height in whole pixels") from error


def suspicious(film: Radiograph, blank: Sequence[Rectangle]) -> list[str]:
    """Sentences on what may be text burnt into ``film`` outside ``blank``; none when nothing is."""
    from core.adapters.deidentify import says_burned_in
    from core.burnt_in import blackened, text_regions

    texts = [f"looks like text: {area}" for area in text_regions(blackened(film.pixels, blank))]
    if says_burned_in(film.path) and not blank:
        texts.append("its tag BurnedInAnnotation says that there is identifying text in the picture")
    return texts


def run_deidentify(options: argparse.Namespace) -> int:
    """Write every file; 1 when one could not be written or is not reviewed."""
    from core.adapters.deidentify import Deidentifier

    deidentifier = Deidentifier()
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(
            "The folder cannot be created", path=options.out, remedy="Choose another."
        ) from error
    status = 0
    for path in options.files:
        try:
            _write(path, options, deidentifier)
        except OrthoMatchError as error:
            print(f"orthomatch: {error}", file=sys.stderr)
            status = 1
    return status


def check_reviewed(path: Path, options: argparse.Namespace) -> None:
    """Refuse a film that may hold burnt-in text unless a person has reviewed it. Raises ``ReadError``."""
    from core.adapters.dicom import read_film
    from core.adapters.sources import list_films

    if options.text_reviewed:
        return
    doubts: list[str] = []
    for frame in range(list_films(path)[0].frames):
        doubts += suspicious(read_film(path, frame=frame), options.blank)
    if doubts:
        listed = "; ".join(dict.fromkeys(doubts))
        raise ReadError(f"The film may hold burnt-in text: {listed}", path=path, remedy=REVIEW)


def _write(path: Path, options: argparse.Namespace, deidentifier: Deidentifier) -> None:
    """Write one film, or one case with its film."""
    from app.backend import Backend
    from core.adapters.atomic import write_bytes
    from core.adapters.case_file import save_case

    case = None
    film_path = path
    if path.suffix.lower() == CASE_SUFFIX:
        case, film = Backend().open_case(path)
        film_path = film.path
    check_reviewed(film_path, options)
    clean = deidentifier.film(film_path, blank=options.blank, reviewed=options.text_reviewed)
    target = options.out / f"film-{_free_number(options.out):04d}{clean.suffix}"
    write_bytes(target, clean.data)
    print(f"{film_path.name} -> {target}")
    if case is not None:
        shared = target.with_suffix(CASE_SUFFIX)
        save_case(shareable_case(case, target.name, clean.sha256), shared)
        print(f"{path.name} -> {shared}")


def shareable_case(case: Case, film_name: str, film_sha256: str) -> Case:
    """``case`` about another file of the same film, without the reader's name and the date of reading."""
    confirmed = case.confirmation and Confirmation("name removed", "1900-01-01T00:00:00+00:00")
    return replace(case, film_path=film_name, film_sha256=film_sha256, confirmation=confirmed)


def _free_number(folder: Path) -> int:
    """The first number that no file of ``folder`` has."""
    number = 1
    while any(folder.glob(f"film-{number:04d}.*")):
        number += 1
    return number
