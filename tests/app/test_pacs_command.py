"""``orthomatch pacs``: the network stays off until it is switched on; every action against an archive."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from core.adapters.pacs.services import send
from core.adapters.pacs.settings import Peer, load_settings, save_settings
from tests.core.dicom_files import dataset, encode, save
from tests.core.pacs_archive import STUDY, Archive, film_files, free_port, running, settings


@pytest.fixture
def archive() -> Iterator[Archive]:
    with running(Archive(free_port())) as started:
        yield started


@pytest.fixture
def pacs(archive: Archive, tmp_path: Path) -> Callable[..., int]:
    """Run an action with settings that name the archive."""
    path = tmp_path / "pacs.json"
    save_settings(settings(tmp_path, archive.port), path)
    return lambda *words: main(["pacs", "--settings", str(path), *map(str, words)])


def test_off_until_switched_on(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "pacs.json"
    start = ["pacs", "--settings", str(path)]
    assert main([*start, "echo", "--peer", "a"]) == 1
    assert "switched off" in capsys.readouterr().err
    assert not path.exists()
    change = ["settings", "--enable", "--port", "11113", "--ae-title", "US", "--allow", "A, B"]
    assert main([*start, *change, "--add-peer", "a", "PACS", "127.0.0.1", "104"]) == 0
    stored = load_settings(path)
    assert stored.enabled
    assert (stored.ae_title, stored.listen_port, stored.allowed_callers) == ("US", 11113, ("A", "B"))
    assert stored.peers == (Peer("a", "PACS", "127.0.0.1", 104),)
    assert main([*start, "settings", "--port", "0"]) == 1
    assert main([*start, "settings", "--disable", "--remove-peer", "a"]) == 0
    assert load_settings(path).peers == ()
    assert not load_settings(path).enabled


def test_echo_find_get_send(pacs: Callable[..., int], archive: Archive, tmp_path: Path, capsys: Any) -> None:
    assert pacs("echo", "--peer", "archive") == 0
    assert "answered in" in capsys.readouterr().out
    assert pacs("find", "--peer", "archive", "--name", "Doe*") == 0
    assert capsys.readouterr().out.startswith(f"{STUDY}\t20260102\tDoe, Jane\t4711\tCR\tHand PA\t2 objects")
    assert pacs("find", "--peer", "archive", "--study", STUDY, "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["body_part"] == "HAND"
    assert pacs("find", "--peer", "archive") == 1
    assert pacs("get", "--peer", "archive", STUDY) == 0
    assert len(capsys.readouterr().out.split()) == len(list((tmp_path / "inbox").iterdir())) == 2
    assert pacs("send", "--peer", "archive", *film_files(tmp_path)) == 0
    assert len(archive.stored) == 2
    archive.store_status = 0xA700
    assert pacs("send", "--peer", "archive", *film_files(tmp_path)) == 1
    assert pacs("echo", "--peer", "nobody") == 1


def test_receive_prints_what_arrives(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "pacs.json"
    ours = settings(tmp_path, 1)
    save_settings(ours, path)
    files = film_files(tmp_path)
    peer = Peer("self", ours.ae_title, "127.0.0.1", ours.listen_port)

    def sender() -> None:
        time.sleep(0.5)
        send(ours, peer, files)

    thread = threading.Thread(target=sender)
    thread.start()
    assert main(["pacs", "--settings", str(path), "receive", "--for", "2"]) == 0
    thread.join()
    shown = capsys.readouterr()
    assert len(shown.out.split()) == 2
    assert f"port {ours.listen_port}" in shown.err


def test_watch_prints_new_films(tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "in"
    folder.mkdir()

    def writer() -> None:
        time.sleep(0.3)
        save(folder, encode(dataset()), "new.dcm")

    thread = threading.Thread(target=writer)
    thread.start()
    assert main(["pacs", "watch", str(folder), "--every", "0.1", "--for", "1"]) == 0
    thread.join()
    assert capsys.readouterr().out.split() == [str(folder / "new.dcm")]
