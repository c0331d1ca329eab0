"""Where the shipped data files lie, and where the program may keep its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def resource_root() -> Path:
    """The folder that holds ``assets`` and ``references``.

    That is the unpacked bundle for a frozen program and the source tree otherwise.
    """
    bundle = getattr(sys, "_MEIPASS", None)
    return Path(bundle) if bundle else Path(__file__).resolve().parent.parent


def resource_path(*parts: str) -> Path:
    """Path of a shipped file, e.g. ``resource_path("assets", "fonts", "DejaVuSans.ttf")``.

    The file is not opened; whoever reads it reports that it is missing.
    """
    return resource_root().joinpath(*parts)


def user_cache_dir() -> Path:
    """The folder for files the program can make again (not created here).

    ``ORTHOMATCH_CACHE`` names it outright. Otherwise it is ``orthomatch`` inside the platform's cache
    folder: ``LOCALAPPDATA`` on Windows, ``~/Library/Caches`` on macOS, and ``XDG_CACHE_HOME`` or
    ``~/.cache`` elsewhere (a relative ``XDG_CACHE_HOME`` is ignored, as its specification demands).
    """
    return _user_dir("CACHE", ("LOCALAPPDATA", "Local"), "Caches", ".cache")


def user_config_dir() -> Path:
    """The folder for what the user defines (not created here), such as views in ``views/*.toml``.

    ``ORTHOMATCH_CONFIG`` names it outright. Otherwise it is ``orthomatch`` inside ``APPDATA`` on Windows,
    ``~/Library/Application Support`` on macOS, and ``XDG_CONFIG_HOME`` or ``~/.config`` elsewhere.
    """
    return _user_dir("CONFIG", ("APPDATA", "Roaming"), "Application Support", ".config")


def _user_dir(kind: str, windows: tuple[str, str], mac: str, unix: str) -> Path:
    named = os.environ.get(f"ORTHOMATCH_{kind}")
    if named:
        return Path(named)
    if sys.platform == "win32":
        variable, folder = windows
        local = os.environ.get(variable)
        return (Path(local) if local else Path.home() / "AppData" / folder) / "orthomatch"
    if sys.platform == "darwin":
        return Path.home() / "Library" / mac / "orthomatch"
    xdg = Path(os.environ.get(f"XDG_{kind}_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / unix) / "orthomatch"
