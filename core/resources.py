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
    named = os.environ.get("ORTHOMATCH_CACHE")
    if named:
        return Path(named)
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "orthomatch"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "orthomatch"
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".cache") / "orthomatch"
