"""Settings of the network: off by default, strict, written as a whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from core.adapters.pacs.settings import PacsSettings, Peer, load_settings, save_settings
from core.errors import NetworkError, ReadError

FULL = PacsSettings(
    enabled=True, ae_title="US", listen_port=104, allowed_callers=("A", "B"),
    peers=(Peer("Archive", "PACS", "10.0.0.1", 4242), Peer("Über", "X Y", "host", 104)),
)  # fmt: skip


def test_without_a_file_the_network_is_off(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.json") == PacsSettings()
    assert not PacsSettings().enabled


def test_settings_read_back_and_are_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "pacs.json"
    save_settings(FULL, path)
    assert load_settings(path) == FULL
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0
    assert FULL.peer("Archive").port == 4242
    with pytest.raises(NetworkError, match="known: Archive"):
        FULL.peer("other")


@pytest.mark.parametrize(
    "change",
    [
        {"ae_title": ""}, {"ae_title": "SEVENTEEN LETTERS"}, {"ae_title": "A\\B"}, {"ae_title": 5},
        {"listen_port": 0}, {"listen_port": "104"}, {"enabled": "yes"}, {"enabled": 1}, {"timeout_s": 0},
        {"max_object_mib": 0}, {"max_inbox_mib": 1}, {"unknown": 1}, {"version": 2}, {"format": "x"},
        {"allowed_callers": "A"}, {"peers": [{"name": "x"}]}, {"peers": 3},
        {"peers": [{"name": "x", "ae_title": "Y", "host": "h", "port": 99999}]},
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "pacs.json"
    save_settings(FULL, path)
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(document | change), encoding="utf-8")
    with pytest.raises(ReadError):
        load_settings(path)


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_damaged_settings_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pacs.json"
    path.write_text(text)
    with pytest.raises(ReadError):
        load_settings(path)
