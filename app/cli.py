"""The ``orthomatch`` command. Without a subcommand it opens the window."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from app.commandline import deidentify, pacs
from core import __version__
from core.errors import OrthoMatchError
from core.film import Side

COMMANDS = ("measure", "export", "evaluate", "bank", "deidentify", "pacs", "catalogue", "doctor", "manual")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns 0 on success, 1 when a file failed; wrong usage exits with 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if given and given[0] in COMMANDS:
        options = _parser().parse_args(given)
    elif given and given[0] in ("-h", "--help", "--version"):
        _parser().parse_args(given)
        return 0
    else:
        options = _window_parser().parse_args(given)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Nobody reads on (as in "orthomatch doctor | head"); closing the stream must not fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OrthoMatchError as error:
        print(f"orthomatch: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("orthomatch: stopped", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    from app.commandline.outputs import add_outputs

    parser = argparse.ArgumentParser(
        prog="orthomatch",
        description="Measures bones on radiographs, offline. Without a command it opens the window. "
        "Not a certified medical device: a qualified person must verify every point.",
        epilog="orthomatch [FILE...] opens the window with these films.",
    )
    parser.add_argument("--version", action="version", version=f"OrthoMatch {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    measure = commands.add_parser("measure", help="measure films without a window")
    measure.add_argument("files", nargs="+", type=Path, metavar="FILE")
    measure.add_argument("--view", default="auto", metavar="KEY", help="view key, or auto (default)")
    measure.add_argument("--side", default="auto", choices=("left", "right", "auto"))
    measure.add_argument("--references", type=_positive, metavar="N", help="use at most N references")
    measure.add_argument(
        "--bank", type=Path, metavar="DIR", help="bank of references (default: the shipped one)"
    )
    add_outputs(measure)
    measure.set_defaults(run=_measure)

    export = commands.add_parser("export", help="write the results of saved cases")
    export.add_argument("cases", nargs="+", type=Path, metavar="CASE.omcase")
    add_outputs(export)
    export.set_defaults(run=_export)

    evaluate = commands.add_parser("evaluate", help="compare with readers' points")
    evaluate.add_argument("cases", type=Path, metavar="CASES", help="folder with images and landmarks.json")
    evaluate.add_argument(
        "--references-from", type=Path, metavar="CASES", help="draw references from this set"
    )
    evaluate.add_argument("--counts", type=_counts, default=(1, 5, 10), metavar="1,5,10,40")
    evaluate.add_argument("--draws", type=_positive, default=5, metavar="K")
    evaluate.add_argument(
        "--targets", type=_positive, default=24, metavar="N", help="films a draw (default 24)"
    )
    evaluate.add_argument("--seed", type=int, default=1, metavar="S")
    evaluate.add_argument("--bank", type=Path, metavar="DIR", help="use this bank's references")
    evaluate.add_argument(
        "--view", metavar="KEY", help="view of the films (default: the folder's name, if it is one)"
    )
    evaluate.add_argument("--json", type=Path, metavar="F")
    evaluate.set_defaults(run=_evaluate)

    _add_bank_commands(commands.add_parser("bank", help="list, check and change a bank of references"))

    deidentify.add_parser(commands)
    pacs.add_parser(commands)

    doctor = commands.add_parser("doctor", help="versions, provider, model and bank in use")
    doctor.add_argument("--bank", type=Path, metavar="DIR")
    doctor.set_defaults(run=_doctor)

    catalogue = commands.add_parser("catalogue", help="list views, points and measurements")
    catalogue.add_argument("--view", metavar="KEY", help="this view in full")
    catalogue.add_argument("--json", type=Path, metavar="F", help="write the definitions instead")
    catalogue.add_argument("--bank", type=Path, metavar="DIR", help="with the views that this bank defines")
    catalogue.set_defaults(run=_catalogue)

    manual = commands.add_parser("manual", help="write the manual of all measurements")
    manual.add_argument("folder", type=Path, metavar="DIR")
    manual.set_defaults(run=_manual)
    return parser


def _window_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="orthomatch",
        description=f"Opens the window. Commands: {', '.join(COMMANDS)} (see orthomatch COMMAND --help).",
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--self-check", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=_window)
    return parser


def _add_bank_commands(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list the references")
    check = actions.add_parser("check", help="verify images, checksums and points; compare the references")
    check.add_argument("--quick", action="store_true", help="do not match the references with each other")
    check.add_argument("--json", type=Path, metavar="F")
    bring = actions.add_parser("import", help="take over a folder of annotated films")
    bring.add_argument(
        "cases",
        type=Path,
        metavar="CASES",
        help="folder with landmarks.json, *_landmarks.csv or labelme files, or a COCO keypoints file",
    )
    forms = ("landmarks", "csv", "coco", "labelme")
    bring.add_argument("--format", choices=forms, help="of the annotations (default: recognised)")
    names = bring.add_mutually_exclusive_group()
    names.add_argument(
        "--points", type=_keys, default=(), metavar="K1,K2,...", help="keys of unnamed points, - for none"
    )
    names.add_argument("--mapping", type=Path, metavar="F", help="JSON with the key for each name of the set")
    bring.add_argument("--spacing-mm", type=_spacing, metavar="MM", help="of films that state none")
    bring.add_argument("--view", required=True, metavar="KEY")
    bring.add_argument("--side", choices=("left", "right"), default="left", help="side the films look like")
    bring.add_argument("--origin", required=True, help="where the films come from")
    bring.add_argument("--licence", required=True, help="terms under which they may be used")
    add = actions.add_parser("add", help="take a confirmed case as a reference")
    add.add_argument("case", type=Path, metavar="CASE.omcase")
    add.add_argument("--key", required=True)
    add.add_argument("--origin", required=True)
    add.add_argument("--licence", required=True)
    for action in (bring, add):
        deidentify.add_review_options(action)
    remove = actions.add_parser("remove", help="take a reference out")
    remove.add_argument("key")
    pack = actions.add_parser("pack", help="write a bank into one file, to give it away")
    unpack = actions.add_parser("unpack", help="take over the references of such a file")
    for action in (pack, unpack):
        action.add_argument("file", type=Path, metavar="FILE.ombank")
    for action in (listing, check, pack):
        action.add_argument("--bank", type=Path, metavar="DIR", help="default: the shipped bank")
    for action in (bring, add, remove, unpack):
        action.add_argument("--bank", type=Path, metavar="DIR", required=True, help="a bank of your own")
    parser.set_defaults(run=_bank)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _spacing(text: str) -> float:
    value = float(text)
    if not 0.001 <= value <= 10.0:
        raise argparse.ArgumentTypeError("must be between 0.001 and 10")
    return value


def _keys(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _counts(text: str) -> tuple[int, ...]:
    return tuple(_positive(part) for part in text.split(","))


def _measure(options: argparse.Namespace) -> int:
    from app.commandline.measure import measure_files

    side = None if options.side == "auto" else Side(options.side)
    view = None if options.view == "auto" else str(options.view)
    return measure_files(options, view, side)


def _export(options: argparse.Namespace) -> int:
    from app.commandline.measure import export_cases

    return export_cases(options)


def _evaluate(options: argparse.Namespace) -> int:
    from app.commandline.evaluate import evaluate_cases

    return evaluate_cases(options)


def _bank(options: argparse.Namespace) -> int:
    from app.commandline.bank import run_bank

    return run_bank(options)


def _doctor(options: argparse.Namespace) -> int:
    from app.commandline.doctor import run_doctor

    return run_doctor(options.bank)


def _catalogue(options: argparse.Namespace) -> int:
    from app.commandline.catalogue import list_catalogue

    return list_catalogue(options.view, options.json, options.bank)


def _manual(options: argparse.Namespace) -> int:
    from core.manual import write_manual

    for path in write_manual(options.folder):
        print(path)
    return 0


def _window(options: argparse.Namespace) -> int:
    if options.self_check:
        from app.self_check import self_check

        return self_check(list(options.files))
    from app.main import run

    return run(options.files)


if __name__ == "__main__":
    raise SystemExit(main())
