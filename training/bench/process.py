"""Time and memory of the whole program: ``python -m training.bench.process --json F``.

Runs ``orthomatch measure`` on the demonstration film in fresh processes, after one that warms the caches.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from core import __version__
from core.resources import resource_path


def once(film: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of one run. Raises ``RuntimeError`` when it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "measure", str(film)], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status != 0:
        raise RuntimeError(f"measuring {film.name} failed with status {status}")
    return seconds, usage.ru_maxrss / 1024


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(prog="python -m training.bench.process", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args()
    film = resource_path("assets", "demo", "RG3.dcm")
    once(film)
    runs = [once(film) for _ in range(args.runs)]
    report = {
        "version": __version__,
        "cores": os.cpu_count(),
        "seconds": [round(seconds, 3) for seconds, _ in runs],
        "peak_mb": round(max(memory for _, memory in runs), 1),
    }
    args.json.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
