"""Echo, find, retrieve, send and receive against an archive on the loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import RLELossless

from core.adapters.dicom import read_film
from core.adapters.pacs.inbox import Inbox, InboxFull
from core.adapters.pacs.query import StudyQuery
from core.adapters.pacs.receiver import Receiver
from core.adapters.pacs.services import echo, find_series, find_studies, retrieve, send
from core.adapters.pacs.settings import PacsSettings, Peer
from core.errors import Cancelled, NetworkError, ReadError
from tests.core.dicom_files import dataset, encode, save
from tests.core.pacs_archive import (
    FIND,
    GET,
    MOVE,
    SERIES,
    STUDY,
    Archive,
    film_files,
    films,
    free_port,
    running,
    settings,
)


@pytest.fixture
def archive() -> Iterator[Archive]:
    with running(Archive(free_port())) as started:
        yield started


@pytest.fixture
def ours(archive: Archive, tmp_path: Path) -> PacsSettings:
    return settings(tmp_path, archive.port)


def itself(ours: PacsSettings) -> Peer:
    """Our own listener as a peer."""
    return Peer("self", ours.ae_title, "127.0.0.1", ours.listen_port)


def test_nothing_is_opened_while_the_network_is_off(ours: PacsSettings, monkeypatch: Any) -> None:
    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was made")

    monkeypatch.setattr(socket, "socket", forbidden)
    off, peer = replace(ours, enabled=False), ours.peers[0]
    calls = (
        lambda: echo(off, peer),
        lambda: find_studies(off, peer, StudyQuery("Doe")),
        lambda: find_series(off, peer, STUDY),
        lambda: retrieve(off, peer, STUDY),
        lambda: Receiver(off, lambda path: None).start(),
    )
    for call in calls:
        with pytest.raises(NetworkError, match="switched off"):
            call()
    assert not PacsSettings().enabled


def test_echo(ours: PacsSettings) -> None:
    echo(ours, ours.peers[0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ae_title": "WRONG"}, ("WRONG", "refused", "AE title")),
        ({"port": 1}, ("port 1", "does not answer", "firewall")),
    ],
)
def test_errors_name_peer_and_remedy(
    ours: PacsSettings, change: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(NetworkError) as caught:
        echo(ours, replace(ours.peers[0], **change))
    assert all(word in str(caught.value) for word in words)


def test_find_sends_the_keys_and_reads_the_answers(ours: PacsSettings, archive: Archive) -> None:
    found = find_studies(ours, ours.peers[0], StudyQuery("Müller*", modality="CR", dates="20260101-"))
    assert [(s.uid, s.patient_name, s.date, s.films) for s in found] == [(STUDY, "Doe, Jane", "20260102", 2)]
    asked = archive.asked[0]
    assert (str(asked.PatientName), asked.StudyDate, asked.ModalitiesInStudy) == (
        "Müller*",
        "20260101-",
        "CR",
    )
    series = find_series(ours, ours.peers[0], STUDY)
    assert [(s.uid, s.modality, s.body_part) for s in series] == [(SERIES, "CR", "HAND")]
    assert archive.asked[1].StudyInstanceUID == STUDY


def test_find_without_a_key_is_refused() -> None:
    with pytest.raises(NetworkError, match="every study"):
        StudyQuery(patient_name="*", modality="CR")
    with pytest.raises(NetworkError, match="no date"):
        StudyQuery(dates="yesterday")


def test_status_of_a_failure_is_told(ours: PacsSettings, archive: Archive) -> None:
    archive.find_status = 0xA700
    with pytest.raises(NetworkError, match=r"status 0xA700.*no room"):
        find_studies(ours, ours.peers[0], StudyQuery("Doe"))


def test_running_query_can_be_stopped(ours: PacsSettings, archive: Archive) -> None:
    asked, release = threading.Event(), threading.Event()

    def wait() -> None:
        asked.set()
        release.wait(10)

    archive.wait = wait
    start = time.monotonic()
    try:
        with pytest.raises(Cancelled):
            find_studies(ours, ours.peers[0], StudyQuery("Doe"), cancelled=asked.is_set)
    finally:
        release.set()
    assert time.monotonic() - start < 3


def test_silent_peer_ends_after_the_time_limit(ours: PacsSettings, archive: Archive) -> None:
    release = threading.Event()
    archive.wait = lambda: release.wait(10)
    start = time.monotonic()
    try:
        with pytest.raises(NetworkError, match="stopped answering"):
            find_studies(replace(ours, timeout_s=1), ours.peers[0], StudyQuery("Doe"))
    finally:
        release.set()
    assert time.monotonic() - start < 6


@pytest.mark.parametrize("offered", [(FIND, GET, MOVE), (FIND, MOVE)])
def test_retrieve_by_get_or_by_move(tmp_path: Path, offered: tuple[str, ...]) -> None:
    with running(Archive(free_port(), offered)) as archive:
        ours = settings(tmp_path, archive.port)
        archive.destinations["OMTEST"] = ours.listen_port
        told: list[str] = []
        result = retrieve(ours, ours.peers[0], STUDY, progress=lambda part, text: told.append(text))
    assert (len(result.paths), result.failed) == (2, 0)
    pixels = {int(read_film(path).pixels[0, 0]) for path in result.paths}
    assert pixels == {0, 1}
    assert told[-1].startswith("2 of 2")
    for path in result.paths:
        assert path.parent == tmp_path / "inbox"
        assert not [word for word in ("Doe", "4711", "1.2.3") if word in path.name]
        with socket.socket() as probe:  # the listener of C-MOVE is closed again
            assert probe.connect_ex(("127.0.0.1", ours.listen_port)) != 0


def test_retrieve_one_series_asks_for_it(ours: PacsSettings, archive: Archive) -> None:
    retrieve(ours, ours.peers[0], STUDY, SERIES)
    assert archive.asked[0].QueryRetrieveLevel == "SERIES"
    assert archive.asked[0].SeriesInstanceUID == SERIES


def test_move_to_unknown_title_says_what_to_register(tmp_path: Path) -> None:
    with running(Archive(free_port(), (MOVE,))) as archive:
        ours = settings(tmp_path, archive.port)
        with pytest.raises(NetworkError, match=r"0xA801.*register"):
            retrieve(ours, ours.peers[0], STUDY)


def test_archive_without_retrieval_is_told(tmp_path: Path) -> None:
    with running(Archive(free_port(), (FIND,))) as archive:
        ours = settings(tmp_path, archive.port)
        with pytest.raises(NetworkError, match="neither C-GET nor C-MOVE"):
            retrieve(ours, ours.peers[0], STUDY)


def test_send_delivers_files_unchanged(ours: PacsSettings, archive: Archive, tmp_path: Path) -> None:
    result = send(ours, ours.peers[0], film_files(tmp_path))
    assert len(result.paths) == 2
    assert not result.failed
    assert [ds.PixelData for ds in archive.stored] == [ds.PixelData for ds in films()]


def test_send_decompresses_for_a_peer_that_wants_it(
    ours: PacsSettings, archive: Archive, tmp_path: Path
) -> None:
    ds = films(1)[0]
    encode(ds)
    ds.compress(RLELossless, generate_instance_uid=False)
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    path = save(tmp_path, buffer.getvalue())
    assert send(ours, ours.peers[0], [path]).paths == (path,)
    assert archive.stored[0].PixelData == films(1)[0].PixelData


def test_send_reports_what_was_refused(ours: PacsSettings, archive: Archive, tmp_path: Path) -> None:
    archive.store_status = 0xA700
    result = send(ours, ours.peers[0], film_files(tmp_path))
    assert not result.paths
    assert all("0xA700" in reason for _, reason in result.failed)
    text = tmp_path / "note.txt"
    text.write_text("no film")
    with pytest.raises(ReadError, match="not DICOM"):
        send(ours, ours.peers[0], [text])


def test_listener_takes_films_from_allowed_callers_only(tmp_path: Path) -> None:
    ours = settings(tmp_path, 1, allowed_callers=("OMTEST",))
    got: list[Path] = []
    with Receiver(ours, got.append) as receiver:
        assert receiver.is_open
        echo(ours, itself(ours))
        assert len(send(ours, itself(ours), film_files(tmp_path)).paths) == 2
        with pytest.raises(NetworkError, match="refused"):
            echo(replace(ours, ae_title="STRANGER"), itself(ours))
        with pytest.raises(NetworkError, match="refused"):
            echo(ours, replace(itself(ours), ae_title="OTHER"))
    assert not receiver.is_open
    assert len(got) == 2
    assert dcmread(got[0]).file_meta.MediaStorageSOPInstanceUID == "1.2.3.4.5.0"
    with pytest.raises(NetworkError, match="does not answer"):
        echo(ours, itself(ours))


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_identifiers_of_an_object_never_name_a_file(tmp_path: Path) -> None:
    ours = settings(tmp_path, 1)
    data = encode(dataset(SOPInstanceUID="1.2.3.4.5.6.7.8.9", PatientID="../../evil"))
    path = save(tmp_path, data.replace(b"1.2.3.4.5.6.7.8.9", b"../../../etc/evil"))
    got: list[Path] = []
    with Receiver(ours, got.append):
        send(ours, itself(ours), [path])
    assert [p.parent for p in got] == [tmp_path / "inbox"]
    assert set(tmp_path.iterdir()) == {path, tmp_path / "inbox"}


def test_too_large_an_object_is_cut_off(tmp_path: Path) -> None:
    ours = settings(tmp_path, 1, max_object_mib=1, max_inbox_mib=1)
    large = save(tmp_path, encode(dataset(np.zeros((1200, 1200), np.uint16))))
    got: list[Path] = []
    with Receiver(ours, got.append):
        result = send(ours, itself(ours), [large])
    assert not got
    assert len(result.failed) == 1


def test_full_inbox_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    ours = settings(tmp_path, 1, max_object_mib=1, max_inbox_mib=1)
    paths = [
        save(
            tmp_path,
            encode(dataset(np.full((500, 700), n, np.uint16), SOPInstanceUID=f"1.2.{n}")),
            f"{n}.dcm",
        )
        for n in range(2)
    ]
    got: list[Path] = []
    reasons: list[str] = []
    with Receiver(ours, got.append, reasons.append):
        result = send(ours, itself(ours), paths)
    assert result.paths == (paths[0],)
    assert "0xA700" in result.failed[0][1]
    assert reasons == ["the inbox is full"]
    assert got[0].exists()


def test_inbox_keeps_the_same_object_once(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "in", 10, 25)
    assert inbox.store(b"0123456789") == inbox.store(b"0123456789")
    inbox.store(b"9876543210")
    assert inbox.used_bytes() == 20
    with pytest.raises(InboxFull):
        inbox.store(b"abcdef")
    with pytest.raises(InboxFull):
        inbox.store(b"0" * 11)
    assert (tmp_path / "in").stat().st_mode & 0o077 == 0


def test_port_in_use_is_told(tmp_path: Path) -> None:
    ours = settings(tmp_path, 1)
    with Receiver(ours, lambda path: None), pytest.raises(NetworkError, match="cannot be opened"):
        Receiver(ours, lambda path: None).start()
