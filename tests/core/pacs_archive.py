"""A small archive on the loopback for the tests of the network, and settings that name it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom import sop_class as sop

from core.adapters.pacs.settings import PacsSettings, Peer
from tests.core.dicom_files import RAMP, dataset, encode, save

FIND = sop.StudyRootQueryRetrieveInformationModelFind
GET = sop.StudyRootQueryRetrieveInformationModelGet
MOVE = sop.StudyRootQueryRetrieveInformationModelMove
STUDY, SERIES = "1.2.3.4", "1.2.3.4.5"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings(folder: Path, port: int, **changes: Any) -> PacsSettings:
    """A network that is on, with the peer ``archive`` on the loopback."""
    values: dict[str, Any] = {
        "enabled": True,
        "ae_title": "OMTEST",
        "listen_host": "127.0.0.1",
        "listen_port": free_port(),
        "inbox": str(folder / "inbox"),
        "timeout_s": 5,
        "peers": (Peer("archive", "ARCHIVE", "127.0.0.1", port),),
    }
    return PacsSettings(**values | changes)


def films(count: int = 2) -> list[Dataset]:
    """Films of one study whose values tell one from another."""
    return [
        dataset(
            (RAMP + number).astype("uint16"), PatientName="Doe^Jane", PatientID="4711",
            StudyInstanceUID=STUDY,
            SeriesInstanceUID=SERIES, SOPInstanceUID=f"1.2.3.4.5.{number}", StudyDate="20260102",
            StudyTime="101112",
            AccessionNumber="A1", StudyID="S1", SeriesNumber=1, InstanceNumber=number + 1,
            StudyDescription="Hand PA", BodyPartExamined="HAND",
        )
        for number in range(count)
    ]  # fmt: skip


def film_files(folder: Path, count: int = 2) -> list[Path]:
    return [save(folder, encode(ds), f"film{n}.dcm") for n, ds in enumerate(films(count))]


@dataclass
class Archive:
    """What the archive holds, what it was asked and sent."""

    port: int
    offered: tuple[str, ...] = (FIND, GET, MOVE)
    held: list[Dataset] = field(default_factory=films)
    stored: list[Dataset] = field(default_factory=list)
    asked: list[Dataset] = field(default_factory=list)
    destinations: dict[str, int] = field(default_factory=dict)
    store_status: int = 0x0000
    find_status: int = 0x0000
    wait: Any = None  # called before each match

    def find(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        self.asked.append(event.identifier)
        if self.find_status:
            yield self.find_status, None
            return
        for _ in self.held[:1]:
            if self.wait is not None:
                self.wait()
            match = Dataset()
            match.QueryRetrieveLevel = event.identifier.QueryRetrieveLevel
            match.PatientName, match.PatientID, match.StudyDate = "Doe^Jane", "4711", "20260102"
            match.StudyInstanceUID, match.StudyDescription = STUDY, "Hand PA"
            match.ModalitiesInStudy, match.NumberOfStudyRelatedInstances = "CR", len(self.held)
            match.SeriesInstanceUID, match.Modality, match.BodyPartExamined = SERIES, "CR", "HAND"
            yield 0xFF00, match

    def get(self, event: Any) -> Iterator[Any]:
        self.asked.append(event.identifier)
        yield len(self.held)
        for ds in self.held:
            yield 0xFF00, ds

    def move(self, event: Any) -> Iterator[Any]:
        self.asked.append(event.identifier)
        port = self.destinations.get(event.move_destination)
        if port is None:
            yield None, None
            return
        yield "127.0.0.1", port
        yield len(self.held)
        for ds in self.held:
            yield 0xFF00, ds

    def store(self, event: Any) -> int:
        ds = event.dataset
        ds.file_meta = event.file_meta
        self.stored.append(ds)
        return self.store_status


@contextmanager
def running(archive: Archive, syntaxes: tuple[str, ...] = (ExplicitVRLittleEndian,)) -> Iterator[Archive]:
    for ds in archive.held:
        encode(ds)  # gives them a file header
    node = AE("ARCHIVE")
    node.require_called_aet = True
    node.add_supported_context(sop.Verification)
    for model in archive.offered:
        node.add_supported_context(model)
    node.add_supported_context(ComputedRadiographyImageStorage, list(syntaxes), scu_role=True, scp_role=True)
    node.add_requested_context(ComputedRadiographyImageStorage, list(syntaxes))
    handlers = [
        (evt.EVT_C_FIND, archive.find), (evt.EVT_C_GET, archive.get), (evt.EVT_C_MOVE, archive.move),
        (evt.EVT_C_STORE, archive.store),
    ]  # fmt: skip
    server = node.start_server(("127.0.0.1", archive.port), block=False, evt_handlers=handlers)
    assert server is not None
    try:
        yield archive
    finally:
        node.shutdown()
