"""The views that the program knows: its own, and those that the user and the bank define."""

from __future__ import annotations

from pathlib import Path

from core.adapters.bank import default_bank_folder
from core.measure.definitions import Catalogue
from core.measure.loader import load_catalogue
from core.resources import user_config_dir

VIEWS = "views"
"""Folder of definitions inside a bank or the user's configuration folder."""


def known_catalogue(bank: Path | None = None) -> Catalogue:
    """The shipped views with those in ``views/*.toml`` of the user's configuration folder and of the bank.

    ``bank`` None is the shipped bank. Raises ``CatalogueError`` for a wrong file or a view defined twice.
    """
    return load_catalogue(own=(user_config_dir() / VIEWS, (bank or default_bank_folder()) / VIEWS))
