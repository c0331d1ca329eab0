"""Connections to a peer: opening, time limits, stopping, and what went wrong in words."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)
from pynetdicom import AE, evt
from pynetdicom import sop_class as sop
from pynetdicom.association import Association
from pynetdicom.status import code_to_category

from core.adapters.pacs.settings import PacsSettings, Peer
from core.errors import Cancelled, NetworkError

# The library reports contents of messages by logging; they can be patient data.
logging.getLogger("pynetdicom").addHandler(logging.NullHandler())
logging.getLogger("pynetdicom").propagate = False

CancelCheck = Callable[[], bool]
Progress = Callable[[float, str], None]
Handlers = Sequence[tuple[Any, Callable[..., Any]]]

FILM_CLASSES: tuple[str, ...] = (
    sop.ComputedRadiographyImageStorage,
    sop.DigitalXRayImageStorageForPresentation,
    sop.DigitalXRayImageStorageForProcessing,
    sop.DigitalMammographyXRayImageStorageForPresentation,
    sop.XRayAngiographicImageStorage,
    sop.XRayRadiofluoroscopicImageStorage,
    sop.SecondaryCaptureImageStorage,
    sop.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    sop.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    sop.MultiFrameTrueColorSecondaryCaptureImageStorage,
)
SYNTAXES: list[str] = [
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian,
    *JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes, *JPEG2000TransferSyntaxes, RLELossless,
]  # fmt: skip

_ADMINISTRATOR = "Ask the administrator of the archive."
_REMEDIES = {
    0x0122: "The archive does not offer this service. " + _ADMINISTRATOR,
    0xA700: "The other side has no room. " + _ADMINISTRATOR,
    0xA701: "The other side has no room. " + _ADMINISTRATOR,
    0xA702: "Check that the archive reaches this computer and its own inbox has room.",
    0xA801: "Ask the administrator of the archive to register this program's AE title, address and port.",
}


def never() -> bool:
    """The check of something that nobody stops."""
    return False


def entity(settings: PacsSettings) -> AE:
    """This program as an application entity, with the time limits of the settings."""
    node = AE(ae_title=settings.ae_title)
    node.connection_timeout = node.acse_timeout = min(settings.timeout_s, 15)
    node.dimse_timeout = node.network_timeout = settings.timeout_s
    return node


@contextmanager
def connected(
    settings: PacsSettings,
    peer: Peer,
    contexts: Sequence[Any],
    *,
    cancelled: CancelCheck = never,
    roles: Sequence[Any] = (),
    handlers: Handlers = (),
) -> Iterator[Association]:
    """An association with ``peer`` for ``contexts`` (presentation contexts), closed in the end.

    ``cancelled`` is asked ten times a second; when it says so, the connection is cut and
    :class:`Cancelled` raised. Raises :class:`NetworkError` when the network is off, nobody answers or the
    peer refuses.
    """
    settings.require_enabled()
    if cancelled():
        raise Cancelled
    node = entity(settings)
    node.requested_contexts = list(contexts)
    association = node.associate(
        peer.host, peer.port, ae_title=peer.ae_title, ext_neg=list(roles), evt_handlers=list(handlers)
    )
    if not association.is_established:
        raise _refused(association, peer, settings)
    stopped = threading.Event()
    watcher = threading.Thread(target=_watch, args=(association, cancelled, stopped), daemon=True)
    watcher.start()
    try:
        yield association
        if cancelled():
            raise Cancelled
        association.release()
    except Exception:  # whatever a connection that was cut raises; without a cut it goes on its way
        if cancelled():
            raise Cancelled from None
        raise
    finally:
        stopped.set()
        watcher.join()
        if association.is_established:
            association.abort()


def _watch(association: Association, cancelled: CancelCheck, stopped: threading.Event) -> None:
    while not stopped.wait(0.1):
        if cancelled():
            association.abort()
            association.dimse.msg_queue.put((None, None))  # wakes whoever waits for an answer
            return


def _refused(association: Association, peer: Peer, settings: PacsSettings) -> NetworkError:
    if association.is_rejected:
        answer = association.acceptor.primitive
        reason = answer.reason_str if answer is not None else "no reason given"
        return NetworkError(
            f"{peer} refused the connection: {reason}",
            remedy=f"Check both AE titles: ours is {settings.ae_title}, theirs {peer.ae_title}.",
        )
    if association.acceptor.primitive is not None:
        return NetworkError(f"{peer} offers none of the services that were asked for", remedy=_ADMINISTRATOR)
    return NetworkError(
        f"{peer} does not answer",
        remedy="Check address and port, that the archive runs, and that no firewall is in between.",
    )


def check_status(status: Dataset, peer: Peer, what: str) -> str:
    """Category of a response: ``Success``, ``Pending`` or ``Warning``.

    Raises :class:`NetworkError` for failures and when no response came within the time limit.
    """
    code = status.get("Status")
    if code is None:
        raise NetworkError(
            f"{what}: {peer} stopped answering",
            remedy="Try again; allow more time (timeout_s) if the archive is slow.",
        )
    category = str(code_to_category(code))
    if category in ("Failure", "Cancel", "Unknown"):
        comment = "".join(c for c in str(status.get("ErrorComment", ""))[:64] if c.isprintable())
        said = f", {comment}" if comment else ""
        raise NetworkError(
            f"{what}: {peer} answered with status 0x{code:04X}{said}",
            remedy=_REMEDIES.get(code, _ADMINISTRATOR),
        )
    return category


def size_guard(max_object_bytes: int) -> tuple[Any, Callable[..., None]]:
    """An event handler that cuts a connection on which one message grows beyond the limit."""
    grown: WeakKeyDictionary[Association, int] = WeakKeyDictionary()

    def count(event: Any) -> None:
        for item in getattr(event.pdu, "presentation_data_value_items", ()):
            data = item.presentation_data_value
            # The first byte tells a part of a data set (bit 0 clear) and the last part (bit 1 set).
            if data[0] & 1:
                continue
            total = grown.get(event.assoc, 0) + len(data) - 1
            grown[event.assoc] = 0 if data[0] & 2 else total
            if total > max_object_bytes:
                event.assoc.abort()

    return evt.EVT_PDU_RECV, count
