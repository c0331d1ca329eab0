"""The network against DCMTK's archive, listener and senders, where they are installed (Debian: dcmtk)."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import ComprehensiveSRStorage

from core.adapters.dicom import read_film
from core.adapters.pacs.query import StudyQuery
from core.adapters.pacs.receiver import Receiver
from core.adapters.pacs.services import echo, find_series, find_studies, retrieve, send
from core.adapters.pacs.settings import PacsSettings, Peer
from core.errors import NetworkError
from tests.core.pacs_archive import SERIES, STUDY, film_files, free_port, settings

pytestmark = pytest.mark.skipif(shutil.which("dcmqrscp") is None, reason="DCMTK is not installed")


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[PacsSettings]:
    """Settings for an archive of DCMTK that has started on the loopback."""
    port = free_port()
    known = settings(tmp_path, port)
    store = tmp_path / "store"
    store.mkdir()
    config = tmp_path / "dcmqrscp.cfg"
    config.write_text(
        f'NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 8\n'
        f'HostTable BEGIN\nomtest = (OMTEST, 127.0.0.1, {known.listen_port})\nHostTable END\n'
        'VendorTable BEGIN\nVendorTable END\n'
        f'AETable BEGIN\nARCHIVE {store} RW (100, 64mb) ANY\nAETable END\n'
    )  # fmt: skip
    program = subprocess.Popen(
        ["dcmqrscp", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(50):
            try:
                echo(known, known.peers[0])
                break
            except NetworkError:
                time.sleep(0.1)
        yield known
    finally:
        program.terminate()
        program.wait(5)


def test_send_find_and_retrieve(ours: PacsSettings, tmp_path: Path) -> None:
    peer, files = ours.peers[0], film_files(tmp_path)
    assert len(send(ours, peer, files).paths) == 2
    found = find_studies(ours, peer, StudyQuery("Doe*", dates="20260101-20260131"))
    assert [(s.uid, s.patient_id, s.description) for s in found] == [(STUDY, "4711", "Hand PA")]
    assert find_studies(ours, peer, StudyQuery("Nobody")) == []
    assert [s.uid for s in find_series(ours, peer, STUDY)] == [SERIES]
    got = retrieve(ours, peer, STUDY)
    assert (len(got.paths), got.failed) == (2, 0)
    assert {read_film(p).pixels.tobytes() for p in got.paths} == {
        read_film(p).pixels.tobytes() for p in files
    }
    assert len(retrieve(ours, peer, STUDY, SERIES).paths) == 2


def test_a_study_that_also_holds_reports_is_retrieved(ours: PacsSettings, tmp_path: Path) -> None:
    peer = ours.peers[0]
    report = dcmread(film_files(tmp_path)[0])
    report.SOPClassUID, report.Modality = ComprehensiveSRStorage, "SR"
    report.SOPInstanceUID, report.SeriesInstanceUID = "1.2.3.99", "1.2.3.98"
    report.file_meta.MediaStorageSOPClassUID = report.SOPClassUID
    report.file_meta.MediaStorageSOPInstanceUID = report.SOPInstanceUID
    report.save_as(tmp_path / "report.dcm")
    assert len(send(ours, peer, [*film_files(tmp_path), tmp_path / "report.dcm"]).paths) == 3
    got = retrieve(ours, peer, STUDY)
    assert (len(got.paths), got.failed) == (2, 0)


def test_retrieve_by_move(ours: PacsSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = ours.peers[0]
    send(ours, peer, film_files(tmp_path))
    # Asking for nothing but C-MOVE is as if the archive did not offer C-GET.
    move = "1.2.840.10008.5.1.4.1.2.2.2"
    monkeypatch.setattr("core.adapters.pacs.services._GET", move)
    got = retrieve(ours, peer, STUDY)
    assert (len(got.paths), got.failed) == (2, 0)


def test_listener_takes_films_of_storescu(tmp_path: Path) -> None:
    ours = settings(tmp_path, 1, allowed_callers=("SCU",))
    files = film_files(tmp_path)
    got: list[Path] = []

    def call(program: str, title: str, *files: Path) -> int:
        named = [
            program,
            "-aet",
            title,
            "-aec",
            "OMTEST",
            "127.0.0.1",
            str(ours.listen_port),
            *map(str, files),
        ]
        return subprocess.run(named, capture_output=True, timeout=20, check=False).returncode

    with Receiver(ours, got.append):
        assert call("echoscu", "SCU") == 0
        assert call("echoscu", "STRANGER") != 0
        assert call("storescu", "SCU", *files) == 0
    assert len(got) == 2


def test_send_to_storescp(tmp_path: Path) -> None:
    ours = settings(tmp_path, free_port())
    store = tmp_path / "store"
    store.mkdir()
    peer = Peer("storescp", "STORESCP", "127.0.0.1", ours.peers[0].port)
    program = subprocess.Popen(
        ["storescp", "-od", str(store), str(peer.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(50):
            try:
                echo(ours, peer)
                break
            except NetworkError:
                time.sleep(0.1)
        assert len(send(ours, peer, film_files(tmp_path)).paths) == 2
    finally:
        program.terminate()
        program.wait(5)
    assert len(list(store.iterdir())) == 2
