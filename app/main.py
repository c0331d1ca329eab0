"""Starts the desktop program."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.main_window import MainWindow
from app.theme import apply_theme


def make_application() -> QApplication:
    """The one application object, styled."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
        app.setApplicationName("OrthoMatch")
        app.setDesktopFileName("orthomatch")
    apply_theme(app)
    return app


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
