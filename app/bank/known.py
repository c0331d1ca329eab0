"""The banks that the window knows: the one in use, and those used lately."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings

from core.adapters.bank import MANIFEST, Bank, default_bank_folder, save_manifest
from core.errors import BankError

SHIPPED = "shipped"
_MOST = 8


class KnownBanks:
    """Kept in the window's settings. None stands for the shipped bank."""

    def __init__(self, settings: QSettings) -> None:
        self._settings = settings

    @property
    def in_use(self) -> Path | None:
        """The bank that was chosen last."""
        name = str(self._settings.value("bank", "") or "")
        return Path(name) if name else None

    @property
    def own(self) -> tuple[Path, ...]:
        """Banks of the user's own, the latest first."""
        stored = self._settings.value("banks", None)
        names = (
            stored if isinstance(stored, list) else [stored] if stored else []
        )  # lists of one are unpacked
        return tuple(Path(str(name)) for name in names)

    def use(self, folder: Path | None) -> None:
        """Note that ``folder`` is in use."""
        self._settings.setValue("bank", "" if folder is None else str(folder))
        if folder is not None:
            self.remember(folder)

    def remember(self, folder: Path) -> None:
        """Put ``folder`` first among the user's own."""
        names = list(dict.fromkeys([str(folder), *map(str, self.own)]))
        self._settings.setValue("banks", names[:_MOST])

    def forget(self, folder: Path) -> None:
        """Take ``folder`` off the list; the bank itself stays as it is."""
        self._settings.setValue("banks", [str(other) for other in self.own if other != folder])


def bank_name(folder: Path | None) -> str:
    """How a bank is called in the window."""
    return SHIPPED if folder is None else folder.name


def chosen_bank(folder: Path) -> Path | None:
    """A folder that a person chose, None when it is that of the shipped bank."""
    return None if folder.resolve() == default_bank_folder().resolve() else folder


def create_bank(folder: Path) -> Bank:
    """A new, empty bank in ``folder``. Raises ``BankError`` unless that is empty, and ``WriteError``."""
    check_free(folder)
    return save_manifest(folder, ())


def check_free(folder: Path) -> None:
    """Refuse a folder in which no bank can begin. Raises ``BankError``."""
    try:
        taken = any(folder.iterdir())
    except OSError as error:
        raise BankError("The folder cannot be read", path=folder, remedy="Choose another folder.") from error
    if taken:
        held = "already holds a bank" if (folder / MANIFEST).exists() else "is not empty"
        raise BankError(f"The folder {held}", path=folder, remedy="Make an empty folder for the new bank.")
