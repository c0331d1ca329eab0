"""A bank in one file: what comes back, and that a damaged or hostile file leaves nothing behind."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from core.adapters.bank import MANIFEST, Bank, default_bank_folder, load_bank, save_manifest
from core.adapters.bank_check import check_bank
from core.adapters.bank_pack import SUMS, pack_bank, unpack_bank
from core.adapters.views import known_catalogue
from core.errors import BankError, OrthoMatchError, WriteError
from core.measure.loader import load_catalogue
from tests.core.bank_folder import edit_manifest, make_bank
from tests.core.test_views import define

Members = dict[str, bytes]


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    pack_bank(make_bank(tmp_path / "from", 3), tmp_path / "a.ombank")
    return tmp_path / "a.ombank"


def rewrite(path: Path, change: Callable[[Members], Any], *, sums: bool = True) -> None:
    """Change the members of a packed bank; ``sums`` makes the checksums fit again."""
    with zipfile.ZipFile(path) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    change(found)
    if sums and SUMS in found:
        lines = [f"{hashlib.sha256(d).hexdigest()}  {n}\n" for n, d in found.items() if n != SUMS]
        found[SUMS] = "".join(lines).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in found.items():
            archive.writestr(name, data)


def document(found: Members, change: Callable[[Any], Any]) -> None:
    read = json.loads(found[MANIFEST])
    change(read)
    found[MANIFEST] = json.dumps(read).encode()


def all_files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def same(first: Bank, second: Bank) -> bool:
    def told(bank: Bank) -> list[object]:
        return [
            (e.key, e.view, e.side, e.sha256, e.size_px, dict(e.points), e.spacing_mm) for e in bank.entries
        ]

    return told(first) == told(second)


def test_a_bank_comes_back_as_it_was(tmp_path: Path, packed: Path) -> None:
    bank = unpack_bank(packed, tmp_path / "to")
    assert same(bank, load_bank(tmp_path / "from"))
    assert same(load_bank(tmp_path / "to"), bank)
    assert check_bank(bank, load_catalogue()) == []


def test_the_same_bank_gives_the_same_file(tmp_path: Path, packed: Path) -> None:
    pack_bank(load_bank(tmp_path / "from"), tmp_path / "b.ombank")
    assert (tmp_path / "b.ombank").read_bytes() == packed.read_bytes()


def test_references_join_those_that_are_there(tmp_path: Path, packed: Path) -> None:
    make_bank(tmp_path / "to", 1)
    with pytest.raises(BankError, match="already a reference 'r1'"):
        unpack_bank(packed, tmp_path / "to")
    assert [e.key for e in load_bank(tmp_path / "to").entries] == ["r1"]
    rewrite(packed, lambda f: document(f, lambda d: [r.update(key="x" + r["key"]) for r in d["references"]]))
    assert [e.key for e in unpack_bank(packed, tmp_path / "to").entries] == ["r1", "xr1", "xr2", "xr3"]
    assert check_bank(load_bank(tmp_path / "to"), load_catalogue()) == ["xr1: the same image as r1"]


def test_views_of_the_bank_travel_with_it(tmp_path: Path) -> None:
    make_bank(tmp_path / "from", 1)
    define(tmp_path / "from")
    pack_bank(load_bank(tmp_path / "from"), tmp_path / "a.ombank")
    unpack_bank(tmp_path / "a.ombank", tmp_path / "to")
    assert "toe_ap" in known_catalogue(tmp_path / "to").views
    path = define(tmp_path / "other")
    path.write_text(path.read_text(encoding="utf-8").replace("Great toe", "Toe"), encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(BankError, match="defines the view toe_ap in another way"):
        unpack_bank(tmp_path / "a.ombank", tmp_path / "other")
    assert all_files(tmp_path / "other") == {path}
    assert path.read_bytes() == before


def test_a_wrong_view_leaves_nothing_behind(tmp_path: Path, packed: Path) -> None:
    rewrite(packed, lambda f: f.update({"views/toe.toml": b"[view"}))
    with pytest.raises(OrthoMatchError, match="Not valid TOML"):
        unpack_bank(packed, tmp_path / "to")
    assert all_files(tmp_path / "to") == set()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.pop(SUMS), "holds no bank"),
        (lambda f: f.pop(MANIFEST), "holds no bank"),
        (lambda f: f.pop("ankle_ap/r2.png"), "image of reference r2 is damaged"),
        (lambda f: f.update({"ankle_ap/r2.png": b"x"}), "image of reference r2 is damaged"),
        (lambda f: f.update({MANIFEST: b"{"}), "not valid JSON"),
        (lambda f: document(f, lambda d: d.update(version=9)), "another format"),
        (lambda f: document(f, lambda d: d.update(references=5)), "lists no references"),
        (lambda f: document(f, lambda d: d["references"][1].update(spacing_mm=0)), "spacing_mm is 0"),
        (lambda f: document(f, lambda d: d["references"][1].update(size_px=[1, 1])), "another size"),
        (lambda f: document(f, lambda d: d["references"][1].update(key="../r2")), "cannot be the key"),
        (lambda f: document(f, lambda d: d["references"][1].update(view="../x")), "Unknown view"),
        (lambda f: document(f, lambda d: d["references"][1].update(image="../x.png")), "outside the bank"),
        (lambda f: f.update({"views/.toml": b""}), "cannot be the key"),
        (lambda f: f.update({"views/a/b.toml": b""}), "cannot be the key"),
    ],
)
def test_a_wrong_file_is_refused_and_nothing_is_left(
    tmp_path: Path, packed: Path, change: Any, words: str
) -> None:
    rewrite(packed, change)
    before = all_files(tmp_path)
    with pytest.raises(OrthoMatchError, match=words) as caught:
        unpack_bank(packed, tmp_path / "to")
    assert caught.value.remedy
    assert all_files(tmp_path) == before


@pytest.mark.parametrize("name", [MANIFEST, "ankle_ap/r1.png"])
def test_a_checksum_that_does_not_fit_is_refused(tmp_path: Path, packed: Path, name: str) -> None:
    rewrite(packed, lambda f: f.update({name: f[name] + b" "}), sums=False)
    with pytest.raises(BankError, match="damaged, missing or not in"):
        unpack_bank(packed, tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_members_never_leave_the_folder(tmp_path: Path, packed: Path) -> None:
    rewrite(packed, lambda f: f.update({"../../evil.txt": b"x", "/evil": b"x"}))
    with pytest.raises(BankError, match="damaged, missing"):
        unpack_bank(packed, tmp_path / "to")
    assert not list(tmp_path.parent.rglob("evil*"))
    assert not (tmp_path / "to").exists()


def test_a_bomb_and_damaged_archives(tmp_path: Path, packed: Path) -> None:
    data = packed.read_bytes()
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, b"0" * (40 * 1024**2))
        archive.writestr(SUMS, b"")
    for bad in (b"", b"x", data[:-30], data[: len(data) // 2], bomb.getvalue()):
        packed.write_bytes(bad)
        with pytest.raises(OrthoMatchError) as caught:
            unpack_bank(packed, tmp_path / "to")
        assert caught.value.path == packed
        assert not (tmp_path / "to").exists()
    with pytest.raises(BankError, match="no such file"):
        unpack_bank(tmp_path / "nowhere.ombank", tmp_path / "to")


def test_a_damaged_bank_is_not_packed(tmp_path: Path) -> None:
    make_bank(tmp_path / "from")
    image = tmp_path / "from" / "ankle_ap" / "r1.png"
    kept = image.read_bytes()
    image.write_bytes(b"x")
    with pytest.raises(BankError, match="image of reference r1 is damaged"):
        pack_bank(load_bank(tmp_path / "from"), tmp_path / "a.ombank")
    image.write_bytes(kept)
    edit_manifest(tmp_path / "from", lambda d: d["references"][1].update(spacing_mm=0))
    with pytest.raises(BankError, match="spacing_mm"):
        pack_bank(load_bank(tmp_path / "from"), tmp_path / "a.ombank")
    assert not (tmp_path / "a.ombank").exists()


def test_a_failing_disk_leaves_nothing_behind(tmp_path: Path, packed: Path, monkeypatch: Any) -> None:
    from core.adapters import bank_pack

    real, calls = bank_pack.write_bytes, []

    def write(path: Path, data: bytes) -> None:
        calls.append(path)
        if len(calls) == 3:
            raise WriteError("The disk is full", path=path)
        real(path, data)

    monkeypatch.setattr(bank_pack, "write_bytes", write)
    with pytest.raises(WriteError):
        unpack_bank(packed, tmp_path / "to")
    assert len(calls) == 3
    assert all_files(tmp_path / "to") == set()


def empty_bank(folder: Path) -> Path:
    folder.mkdir()
    return save_manifest(folder, ()).folder


def test_the_shipped_bank_is_not_changed(packed: Path) -> None:
    with pytest.raises(BankError, match="shipped bank"):
        unpack_bank(packed, default_bank_folder())


def test_the_command_line(tmp_path: Path, capsys: Any) -> None:
    make_bank(tmp_path / "from")
    file = str(tmp_path / "a.ombank")
    assert main(["bank", "pack", file, "--bank", str(tmp_path / "from")]) == 0
    assert main(["bank", "unpack", file, "--bank", str(tmp_path / "to")]) == 0
    assert "now holds 2 references" in capsys.readouterr().out
    assert main(["bank", "unpack", file, "--bank", str(tmp_path / "to")]) == 1
    assert "already a reference" in capsys.readouterr().err
