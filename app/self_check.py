"""Starts the window by itself, waits for a measured film, prints how long it took, and ends.

Used to prove that an installed program works on a machine.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from core.resources import resource_path

LIMIT_S = 120.0


def self_check(paths: Sequence[Path]) -> int:
    """Open ``paths`` (default: the demonstration film), wait until it is measured, print times as JSON.

    Returns 0 when the window showed the film and its measurements, else 1.
    """
    began = time.perf_counter()
    from PySide6.QtCore import QEventLoop
    from PySide6.QtWidgets import QApplication

    from app.main import make_application
    from app.main_window import MainWindow

    make_application()
    window = MainWindow()
    window.show()
    QApplication.processEvents()
    times = {"window_s": time.perf_counter() - began}
    window.open_paths(list(paths) or [resource_path("assets", "demo", "RG3.dcm")])
    while time.perf_counter() - began < LIMIT_S and "numbers_s" not in times:
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
        if "image_s" not in times and window.session.film is not None:
            times["image_s"] = time.perf_counter() - began
        if window.session.case is not None and window.session.results:
            times["numbers_s"] = time.perf_counter() - began
    print(json.dumps({key: round(value, 3) for key, value in times.items()}))
    if "numbers_s" not in times:
        print("orthomatch: the film was not measured in time", file=sys.stderr)
        return 1
    return 0
