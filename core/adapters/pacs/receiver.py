"""Receiving films: a listener for C-STORE and C-ECHO, open only between ``start`` and ``stop``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from pynetdicom import evt
from pynetdicom.sop_class import Verification
from pynetdicom.transport import ThreadedAssociationServer

from core.adapters.pacs.association import FILM_CLASSES, SYNTAXES, entity, size_guard
from core.adapters.pacs.inbox import Inbox, InboxFull
from core.adapters.pacs.settings import PacsSettings
from core.errors import NetworkError, WriteError

SUCCESS, OUT_OF_RESOURCES = 0x0000, 0xA700
_MOST_ASSOCIATIONS = 4  # each may hold one object of the largest size in memory

Received = Callable[[Path], None]


def inbox_of(settings: PacsSettings) -> Inbox:
    """The inbox that the settings describe."""
    return Inbox(settings.inbox_folder, settings.max_object_mib * 2**20, settings.max_inbox_mib * 2**20)


def storing(inbox: Inbox, received: Received, refused: Callable[[str], None]) -> tuple[Any, Any]:
    """An event handler that keeps what arrives. ``received`` and ``refused`` are called on its thread."""

    def store(event: Any) -> int:
        try:
            path = inbox.store(event.encoded_dataset(include_meta=True))
        except (InboxFull, WriteError) as error:
            refused(str(error))
            return OUT_OF_RESOURCES
        received(path)
        return SUCCESS

    return evt.EVT_C_STORE, store


class Receiver:
    """A listener for films. Only peers that call it by our AE title, and if the settings name callers only
    those, are let in.

    ``received(path)`` and ``refused(reason)`` are called on a thread of the network.
    """

    def __init__(
        self,
        settings: PacsSettings,
        received: Received,
        refused: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.settings = settings
        self._received = received
        self._refused = refused
        self._server: ThreadedAssociationServer | None = None

    @property
    def is_open(self) -> bool:
        """Whether the port is open."""
        return self._server is not None

    def start(self) -> None:
        """Open the port. Raises :class:`NetworkError` when the network is off or the port is taken."""
        settings = self.settings
        settings.require_enabled()
        if self._server is not None:
            return
        node = entity(settings)
        node.maximum_associations = _MOST_ASSOCIATIONS
        node.require_called_aet = True
        node.require_calling_aet = list(settings.allowed_callers)
        node.add_supported_context(Verification)
        for film in FILM_CLASSES:
            node.add_supported_context(film, SYNTAXES)
        inbox = inbox_of(settings)
        handlers = [storing(inbox, self._received, self._refused), size_guard(inbox.max_object_bytes)]
        try:
            self._server = node.start_server(
                (settings.listen_host, settings.listen_port), block=False, evt_handlers=handlers
            )
        except OSError as error:
            raise NetworkError(
                f"Port {settings.listen_port} on {settings.listen_host} cannot be opened ({error.strerror})",
                remedy="Close the program that uses it, or choose another port in the settings.",
            ) from error

    def stop(self) -> None:
        """Close the port and every connection to it."""
        if self._server is not None:
            self._server.ae.shutdown()
            self._server = None

    def __enter__(self) -> Receiver:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
