"""Films whose numbering is undisputed: ``python -m training.bench.readings CASES --out FOLDER``.

Annotations of whole spines number vertebrae differently, and errors against a number that the film does not
bear out say nothing of the program. ``spine_readings.toml`` holds what two readings found on the AASCE films,
which are known by their names. FOLDER gets the films of CASES that neither disputes, as links, with their
annotations unchanged; every benchmark takes it as it takes CASES.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

READINGS = Path(__file__).with_name("spine_readings.toml")

SURE_ENOUGH = ("clear", "likely")
"""How sure a reading must be for a fault to count."""


def disputed(path: Path = READINGS) -> frozenset[str]:
    """Names, without suffix, of films of which a reading found the numbering or the row at fault."""
    films = tomllib.loads(path.read_text())
    return frozenset(name for name, reading in films.items() if _faulty(reading))


def _faulty(reading: Mapping[str, Any]) -> bool:
    numbers = zip(reading["below"], reading["sure"], strict=True)
    rows = zip(reading.get("row", ()), reading.get("row_sure", ()), strict=True)
    return any(below != 0 and sure in SURE_ENOUGH for below, sure in numbers) or any(
        row != "good" and sure in SURE_ENOUGH for row, sure in rows
    )


def undisputed(cases: Path, out: Path) -> tuple[int, int]:
    """Write the folder ``out`` of undisputed films of ``cases``: how many these are, and of how many."""
    left_out, listed = disputed(), json.loads((cases / "landmarks.json").read_text())
    kept = [entry for entry in listed if Path(entry["file"]).stem not in left_out]
    out.mkdir(parents=True, exist_ok=True)
    for entry in kept:
        link = out / entry["file"]
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to((cases / entry["file"]).resolve())
    (out / "landmarks.json").write_text(json.dumps(kept))
    return len(kept), len(listed)


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    kept, listed = undisputed(args.cases, args.out)
    print(f"{args.out}: {kept} of {listed} films")


if __name__ == "__main__":
    main()
