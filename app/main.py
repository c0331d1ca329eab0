"""Starts the desktop program."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QApplication

from app.main_window import MainWindow
from app.theme import apply_theme
from core.resources import resource_path


def make_application() -> QApplication:
    """The one application object, styled."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
        app.setApplicationName("OrthoMatch")
        app.setDesktopFileName("orthomatch")
    load_fonts()
    apply_theme(app)
    return app


@cache
def load_fonts() -> None:
    """Let names in any script be shown, whatever fonts the computer has. Needs the application object."""
    for path in sorted(resource_path("assets", "fonts").glob("*.ttf")):
        QFontDatabase.addApplicationFont(str(path))


def run(paths: Sequence[Path] = ()) -> int:
    """Show the window with ``paths`` opened, until it is closed. Returns the exit status."""
    app = make_application()
    window = MainWindow()
    restore = window.notifier.install_hooks()
    window.show()
    window.open_paths(list(paths))
    try:
        return app.exec()
    finally:
        restore()
