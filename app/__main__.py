"""``python -m app [PATH ...]``: the desktop program."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> int:
    """Start the window with the given paths."""
    # On Windows both bring run-time libraries of the same names; the first one loaded wins, and
    # onnxruntime does not accept Qt's.
    importlib.import_module("onnxruntime")
    from app.main import run

    return run([Path(argument) for argument in sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
