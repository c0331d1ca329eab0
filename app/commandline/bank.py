"""``orthomatch bank``: list, check and change a bank of references."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.bank.reference import add_case, check_case
from app.commandline.deidentify import check_reviewed
from core.adapters.annotations import AnnotationFormat, read_annotations
from core.adapters.atomic import write_bytes
from core.adapters.bank import (
    Bank,
    add_references,
    load_bank,
    open_or_create,
    remove_reference,
)
from core.adapters.bank_check import check_bank
from core.adapters.bank_import import PointNames, additions, read_point_names
from core.adapters.bank_pack import pack_bank, unpack_bank
from core.adapters.case_file import load_case
from core.adapters.dicom import read_film
from core.adapters.feature_cache import DiskFeatureCache
from core.adapters.onnx import OnnxEncoder
from core.adapters.view_shapes import read_shapes
from core.adapters.views import known_catalogue
from core.burnt_in import blackened
from core.film import Side
from core.leave_one_out import Review, review_view
from core.measure.definitions import Catalogue
from core.resources import resource_path, user_cache_dir


def run_bank(options: argparse.Namespace) -> int:
    """Run one bank action. Returns the exit status."""
    actions = {
        "list": _list,
        "check": _check,
        "import": _import,
        "add": _add,
        "remove": _remove,
        "pack": _pack,
        "unpack": _unpack,
    }
    return actions[options.action](options)


def _list(options: argparse.Namespace) -> int:
    bank = load_bank(options.bank)
    for entry in bank.entries:
        spacing = f"{entry.spacing_mm:.3f} mm/px" if entry.spacing_mm else "no spacing"
        row = f"{entry.key:<22} {entry.view:<12} {entry.side.value:<6} {len(entry.points):3} points"
        print(f"{row}  {spacing}  {entry.origin}")
    print(f"{len(bank.entries)} references, sha256 {bank.sha256}")
    return 0


def _check(options: argparse.Namespace) -> int:
    bank, catalogue = load_bank(options.bank), known_catalogue(options.bank)
    problems = check_bank(bank, catalogue)
    reviews = [] if options.quick else _review(bank, catalogue)
    for review in sorted(reviews, key=lambda r: (r.view, r.predicts_percent)):
        print(
            f"{review.key:<22} {review.view:<18} points {review.mean_percent:5.2f} % from the others', "
            f"predicts them to {review.predicts_percent:5.2f} %"
        )
        problems += review.problems()
    if options.json is not None:
        document = {"problems": problems, "references": [asdict(review) for review in reviews]}
        write_bytes(options.json, f"{json.dumps(document, indent=1, ensure_ascii=False)}\n".encode())
    for problem in problems:
        print(f"orthomatch: {bank.folder}: {problem}", file=sys.stderr)
    if problems:
        return 1
    print(f"{len(bank.entries)} references are sound, sha256 {bank.sha256}")
    return 0


def _review(bank: Bank, catalogue: Catalogue) -> list[Review]:
    """Every reference against the others of its view, as far as there are enough."""
    encoder, reviews = OnnxEncoder(), []
    cache = DiskFeatureCache(user_cache_dir(), shipped=resource_path("references", "features"))
    shapes = read_shapes(catalogue)
    for view in catalogue.views.values():
        references = bank.references(catalogue, view.key)
        if not references:
            continue
        found = review_view(
            encoder, cache, view, references, lambda text: print(text, file=sys.stderr), shapes=shapes
        )
        if not found:
            print(f"{view.key}: {len(references)} references are too few to compare")
        reviews += found
    return reviews


def _import(options: argparse.Namespace) -> int:
    view = known_catalogue(options.bank).view(options.view)
    films = read_annotations(options.cases, options.format and AnnotationFormat(options.format))
    names = read_point_names(options.mapping) if options.mapping else PointNames(order=options.points)
    new = additions(
        films,
        view,
        side=Side(options.side),
        origin=options.origin,
        licence=options.licence,
        names=names,
        spacing_mm=options.spacing_mm,
    )
    for film in films:
        check_reviewed(film.path, options)
    readers = [(entry, _blackened(read, options)) for entry, read in new]
    bank = add_references(open_or_create(options.bank), readers)
    print(f"{len(films)} references added to {bank.folder}, now {len(bank.entries)}")
    lacking = [entry.key for entry, _ in new if len(entry.points) < len(view.points)]
    if lacking:
        print(f"{len(lacking)} of them lack points of the view, first {lacking[0]}")
    return 0


def _blackened(
    read: Callable[[], NDArray[np.float32]], options: argparse.Namespace
) -> Callable[[], NDArray[np.float32]]:
    return lambda: blackened(read(), options.blank)


def _add(options: argparse.Namespace) -> int:
    case = load_case(options.case)
    film_path = Path(case.film_path)
    if not film_path.exists():
        film_path = options.case.parent / film_path.name
    film = read_film(film_path, frame=case.frame)
    check_case(case, known_catalogue(options.bank).view(case.view), film, options.case)
    check_reviewed(film_path, options)
    bank, key = add_case(
        options.bank,
        case,
        film,
        origin=options.origin,
        licence=options.licence,
        blank=options.blank,
        key=options.key,
    )
    print(f"{key} added to {bank.folder}, now {len(bank.entries)} references, grey values only")
    return 0


def _remove(options: argparse.Namespace) -> int:
    bank = remove_reference(open_or_create(options.bank), options.key)
    print(f"{options.key} removed, {len(bank.entries)} references left")
    return 0


def _pack(options: argparse.Namespace) -> int:
    count = pack_bank(load_bank(options.bank), options.file)
    print(f"{count} references written to {options.file}")
    return 0


def _unpack(options: argparse.Namespace) -> int:
    bank = unpack_bank(options.file, options.bank)
    print(f"{bank.folder} now holds {len(bank.entries)} references")
    return 0
