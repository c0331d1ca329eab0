"""Settings of the network: a JSON file in the user's configuration folder. Without it nothing is opened."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from core.adapters.atomic import write_bytes
from core.errors import NetworkError, ReadError, WriteError
from core.resources import user_config_dir

FORMAT, VERSION = "orthomatch-pacs", 1
_REMEDY = "Correct the file, or delete it to start with the network off."


@dataclass(frozen=True)
class Peer:
    """An application entity elsewhere: ``name`` is what the user calls it."""

    name: str
    ae_title: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.name} ({self.ae_title} at {self.host}, port {self.port})"


@dataclass(frozen=True)
class PacsSettings:
    """Who this program is on the network, and with whom it may exchange films.

    ``allowed_callers`` are the AE titles that may send films here; empty: any that knows our title.
    ``inbox`` is the folder of received films, empty for the default. Films beyond ``max_inbox_mib`` in it
    are refused; nothing is ever deleted there by the program.
    """

    enabled: bool = False
    ae_title: str = "ORTHOMATCH"
    listen_host: str = "0.0.0.0"
    listen_port: int = 11112
    allowed_callers: tuple[str, ...] = ()
    inbox: str = ""
    max_object_mib: int = 256
    max_inbox_mib: int = 8192
    timeout_s: int = 30
    peers: tuple[Peer, ...] = ()

    def __post_init__(self) -> None:
        for title in (self.ae_title, *self.allowed_callers, *(peer.ae_title for peer in self.peers)):
            _check_title(title)
        for port in (self.listen_port, *(peer.port for peer in self.peers)):
            _check(1 <= port <= 65535, f"a port is from 1 to 65535, not {port}")
        _check(self.max_object_mib >= 1, "max_object_mib is at least 1")
        _check(self.max_inbox_mib >= self.max_object_mib, "max_inbox_mib is at least max_object_mib")
        _check(1 <= self.timeout_s <= 600, "timeout_s is from 1 to 600")
        names = [peer.name for peer in self.peers]
        _check(len(set(names)) == len(names), "two peers have the same name")
        for peer in self.peers:
            _check(bool(peer.name.strip()) and bool(peer.host.strip()), "a peer needs a name and a host")

    @property
    def inbox_folder(self) -> Path:
        """The folder of received films."""
        return Path(self.inbox) if self.inbox else user_config_dir() / "inbox"

    def peer(self, name: str) -> Peer:
        """The peer called ``name``. Raises :class:`NetworkError`."""
        for peer in self.peers:
            if peer.name == name:
                return peer
        known = ", ".join(peer.name for peer in self.peers) or "none"
        raise NetworkError(f"No peer is called {name!r} (known: {known})", remedy="Add it to the settings.")

    def require_enabled(self) -> None:
        """Raise :class:`NetworkError` while the user has not switched the network on."""
        if not self.enabled:
            raise NetworkError(
                "The network is switched off",
                remedy="Switch it on with: orthomatch pacs settings --enable, or in File > PACS settings.",
            )


def _check(right: bool, what: str) -> None:
    if not right:
        raise ValueError(what)


def _check_title(title: str) -> None:
    fine = 1 <= len(title) <= 16 and title.isascii() and title.isprintable() and "\\" not in title
    _check(fine and title == title.strip(), f"{title!r} is no AE title (1 to 16 characters of ASCII)")


def settings_path() -> Path:
    """Where the settings lie."""
    return user_config_dir() / "pacs.json"


def load_settings(path: Path | None = None) -> PacsSettings:
    """The stored settings; those of a network that is off when there are none. Raises ``ReadError``."""
    path = path or settings_path()
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return PacsSettings()
    except OSError as error:
        raise ReadError(
            "The settings cannot be read", path=path, remedy="Check the file's rights."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ReadError("The settings are not valid JSON", path=path, remedy=_REMEDY) from error
    try:
        return _settings(document)
    except (TypeError, ValueError, KeyError) as error:
        raise ReadError(f"The settings are wrong: {error}", path=path, remedy=_REMEDY) from error


def _settings(document: Any) -> PacsSettings:
    if not isinstance(document, dict) or document.pop("format", None) != FORMAT:
        raise ValueError(f"the format is not {FORMAT}")
    if document.pop("version", None) != VERSION:
        raise ValueError(f"the version is not {VERSION}")
    peers = tuple(Peer(**_typed(Peer, item)) for item in document.pop("peers", []))
    callers = document.pop("allowed_callers", [])
    if not isinstance(callers, list) or not all(isinstance(title, str) for title in callers):
        raise ValueError("allowed_callers is a list of AE titles")
    return PacsSettings(**_typed(PacsSettings, document), allowed_callers=tuple(callers), peers=peers)


def _typed(kind: type, values: Any) -> dict[str, Any]:
    """``values`` after a check that they are the fields of ``kind``, each of its type."""
    if not isinstance(values, dict):
        raise TypeError(f"{values!r} is no object")
    types = {field.name: field.type for field in fields(kind)}
    for name, value in values.items():
        if name not in types:
            raise ValueError(f"the field {name!r} is unknown")
        if type(value).__name__ != types[name]:
            raise ValueError(f"{name} is a value of type {types[name]}")
    return values


def save_settings(settings: PacsSettings, path: Path | None = None) -> None:
    """Write the settings: complete or not at all, readable by this user only. Raises ``WriteError``."""
    path = path or settings_path()
    document = {"format": FORMAT, "version": VERSION, **asdict(settings)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise WriteError(
            "The folder cannot be created", path=path.parent, remedy="Check its rights."
        ) from error
    write_bytes(path, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())
    if os.name == "posix":
        path.chmod(0o600)
