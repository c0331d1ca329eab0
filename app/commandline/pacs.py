"""``orthomatch pacs``: exchange of films with a hospital's archive, and watching a folder."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from core.errors import NetworkError, WriteError

if TYPE_CHECKING:
    from core.adapters.pacs.settings import PacsSettings, Peer


def add_parser(commands: Any) -> None:
    """Add the command to ``commands`` (argparse subparsers)."""
    parser = commands.add_parser(
        "pacs",
        help="exchange films with a hospital's archive (off by default)",
        description="Exchange of films with a hospital's archive (PACS) by DICOM. Nothing is opened until "
        "the network is switched on with: orthomatch pacs settings --enable.",
    )
    parser.add_argument("--settings", type=Path, metavar="F", help="settings file (default: the user's own)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    settings = actions.add_parser("settings", help="show or change the settings")
    switch = settings.add_mutually_exclusive_group()
    switch.add_argument("--enable", action="store_true", help="switch the network on")
    switch.add_argument("--disable", action="store_true", help="switch the network off")
    settings.add_argument("--ae-title", metavar="AE", help="this program's AE title")
    settings.add_argument("--port", type=int, help="port on which films are received")
    settings.add_argument("--add-peer", nargs=4, metavar=("NAME", "AE", "HOST", "PORT"))
    settings.add_argument("--remove-peer", metavar="NAME")
    settings.add_argument("--allow", metavar="AE1,AE2", help="only these may send films here; '' for all")
    settings.set_defaults(pacs=_settings)

    echo = actions.add_parser("echo", help="ask a peer for a sign of life")
    echo.set_defaults(pacs=_echo)
    find = actions.add_parser("find", help="look for studies, or for the series of one")
    find.add_argument("--name", default="", help="patient's name, * for any text: 'DOE^J*'")
    find.add_argument("--id", default="", help="patient's number")
    find.add_argument("--accession", default="", help="accession number")
    find.add_argument("--date", default="", metavar="YYYYMMDD[-YYYYMMDD]")
    find.add_argument("--modality", default="", help="such as CR or DX")
    find.add_argument("--study", metavar="UID", help="list the series of this study")
    find.add_argument("--json", action="store_true", help="print JSON")
    find.set_defaults(pacs=_find)
    get = actions.add_parser("get", help="fetch the films of a study into the inbox")
    get.add_argument("study", metavar="STUDY-UID")
    get.add_argument("--series", default="", metavar="UID")
    get.set_defaults(pacs=_get)
    send = actions.add_parser("send", help="send DICOM files")
    for action in (echo, find, get, send):
        action.add_argument("--peer", required=True, metavar="NAME")
    send.add_argument("files", nargs="+", type=Path, metavar="FILE")
    send.set_defaults(pacs=_send)

    receive = actions.add_parser("receive", help="receive films until Ctrl+C")
    receive.set_defaults(pacs=_receive)
    watch = actions.add_parser("watch", help="print new films of a folder until Ctrl+C (no network)")
    watch.add_argument("folder", type=Path, metavar="DIR")
    watch.add_argument("--every", type=float, default=2.0, metavar="S", help="seconds between looks")
    watch.set_defaults(pacs=_watch)
    for action in (receive, watch):
        action.add_argument("--for", type=float, dest="seconds", metavar="S", help="end after S seconds")
    parser.set_defaults(run=run_pacs)


def run_pacs(options: argparse.Namespace) -> int:
    """Run one action. Returns the exit status."""
    from core.adapters.pacs.settings import load_settings

    status: int = options.pacs(options, load_settings(options.settings))
    return status


def _settings(options: argparse.Namespace, settings: PacsSettings) -> int:
    from core.adapters.pacs.settings import save_settings, settings_path

    path = options.settings or settings_path()
    try:
        changed = _changed(options, settings)
    except ValueError as error:
        raise WriteError(
            f"The settings would be wrong: {error}", path=path, remedy="Nothing changed."
        ) from error
    if changed != settings:
        save_settings(changed, path)
    print(path)
    print(json.dumps(asdict(changed), indent=2, ensure_ascii=False))
    return 0


def _changed(options: argparse.Namespace, settings: PacsSettings) -> PacsSettings:
    from core.adapters.pacs.settings import Peer

    changes: dict[str, Any] = {}
    if options.enable or options.disable:
        changes["enabled"] = bool(options.enable)
    if options.ae_title is not None:
        changes["ae_title"] = options.ae_title
    if options.port is not None:
        changes["listen_port"] = options.port
    if options.allow is not None:
        changes["allowed_callers"] = tuple(t.strip() for t in options.allow.split(",") if t.strip())
    peers = settings.peers
    if options.remove_peer:
        gone = settings.peer(options.remove_peer)
        peers = tuple(peer for peer in peers if peer != gone)
    if options.add_peer:
        name, title, host, port = options.add_peer
        peers = (*peers, Peer(name, title, host, int(port)))
    return replace(settings, **changes, peers=peers)


def _peer(options: argparse.Namespace, settings: PacsSettings) -> Peer:
    settings.require_enabled()
    return settings.peer(options.peer)


def _echo(options: argparse.Namespace, settings: PacsSettings) -> int:
    from core.adapters.pacs.services import echo

    peer = _peer(options, settings)
    started = time.perf_counter()
    echo(settings, peer)
    print(f"{peer} answered in {(time.perf_counter() - started) * 1000:.0f} ms")
    return 0


def _find(options: argparse.Namespace, settings: PacsSettings) -> int:
    from core.adapters.pacs.query import StudyQuery
    from core.adapters.pacs.services import MOST_MATCHES, find_series, find_studies

    peer = _peer(options, settings)
    found: list[Any]
    if options.study:
        found = list(find_series(settings, peer, options.study))
    else:
        query = StudyQuery(options.name, options.id, options.accession, options.date, options.modality)
        found = list(find_studies(settings, peer, query))
    if options.json:
        print(json.dumps([asdict(item) for item in found], indent=2, ensure_ascii=False))
        return 0
    for item in found:
        films = "" if item.films is None else f"{item.films} objects"
        words = (
            (item.modality, item.body_part, item.description)
            if options.study
            else (item.date, item.patient_name, item.patient_id, item.modalities, item.description)
        )
        print("\t".join((item.uid, *words, films)))
    limit = " (the search stopped there: narrow it)" if len(found) >= MOST_MATCHES else ""
    print(f"{len(found)} found{limit}", file=sys.stderr)
    return 0


def _show(part: float, text: str) -> None:
    print(f"\r{text}  ", end="", file=sys.stderr, flush=True)


def _get(options: argparse.Namespace, settings: PacsSettings) -> int:
    from core.adapters.pacs.services import retrieve

    result = retrieve(settings, _peer(options, settings), options.study, options.series, progress=_show)
    print(file=sys.stderr)
    for path in result.paths:
        print(path)
    if result.failed:
        print(f"orthomatch: {result.failed} objects were not delivered", file=sys.stderr)
    return 1 if result.failed or not result.paths else 0


def _send(options: argparse.Namespace, settings: PacsSettings) -> int:
    from core.adapters.pacs.services import send

    result = send(settings, _peer(options, settings), options.files, progress=_show)
    print(f"\n{len(result.paths)} of {len(options.files)} files sent", file=sys.stderr)
    for path, reason in result.failed:
        print(f"orthomatch: {path}: {reason}", file=sys.stderr)
    return 1 if result.failed else 0


def _receive(options: argparse.Namespace, settings: PacsSettings) -> int:
    from core.adapters.pacs.receiver import Receiver

    def received(path: Path) -> None:
        print(path, flush=True)

    def refused(reason: str) -> None:
        print(f"orthomatch: refused: {reason}", file=sys.stderr)

    with Receiver(settings, received, refused):
        callers = ", ".join(settings.allowed_callers) or "anybody who knows this title"
        print(
            f"Listening as {settings.ae_title} on {settings.listen_host}, port {settings.listen_port}, "
            f"for {callers}; films go to {settings.inbox_folder}",
            file=sys.stderr,
        )
        Event().wait(options.seconds)
    return 0


def _watch(options: argparse.Namespace, settings: PacsSettings) -> int:
    from core.adapters.folder_watch import FolderWatch

    if options.every <= 0:
        raise NetworkError("The time between looks must be positive", remedy="Give --every 2, for instance.")
    watch = FolderWatch(options.folder)
    end = time.monotonic() + options.seconds if options.seconds is not None else None
    while end is None or time.monotonic() < end:
        time.sleep(options.every)
        for film in watch.poll():
            print(film.path, flush=True)
    return 0
