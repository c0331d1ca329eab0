"""``orthomatch doctor``: what is installed and in use, for a support request. Holds no patient data."""

from __future__ import annotations

import hashlib
import platform
import sys
from importlib import metadata
from pathlib import Path

from core import __version__
from core.adapters.view_shapes import shapes_file
from core.engine import Engine
from core.resources import user_cache_dir

PARTS = ("numpy", "onnxruntime", "opencv-python-headless", "pydicom", "reportlab", "PySide6-Essentials")


def run_doctor(bank: Path | None) -> int:
    """Print versions, provider, hashes. Raises when model or bank cannot be used."""
    print(f"OrthoMatch {__version__} (not a certified medical device)")
    frozen = ", frozen" if hasattr(sys, "frozen") else ""
    print(f"Python {platform.python_version()} on {platform.platform()}{frozen}")
    for part in PARTS:
        try:
            print(f"{part} {metadata.version(part)}")
        except metadata.PackageNotFoundError:
            print(f"{part} (version unknown)")
    engine = Engine.open(bank)
    print(f"provider {engine.provider}")
    print(f"model {engine.matcher.model_sha256}")
    print(f"bank {engine.bank.sha256} ({len(engine.bank.entries)} references, {engine.bank.folder})")
    print(f"shapes {hashlib.sha256(shapes_file().read_bytes()).hexdigest()}")
    print(f"views {', '.join(engine.catalogue.views)}")
    print(f"cache {user_cache_dir()}")
    return 0
