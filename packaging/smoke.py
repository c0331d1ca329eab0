"""Tries the packaged program the way a stranger would: elsewhere, without Python, without a network.

    python packaging/smoke.py dist/orthomatch --demo assets/demo/RG3.dcm

The bundle is copied to an empty folder and started there with an almost empty environment (and, where the
system allows it, without any network). It must pass its own ``doctor``, measure the demonstration film
with the numbers of the source tree, and open its window off screen. Prints the result as JSON; the exit
status is 1 when anything was wrong.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RELATIVE_TOLERANCE = 1e-6
LARGEST_MIB = 480.0  # guards against growth; OpenCV and its libraries are 150 of it, references 66
TIME_LIMIT_S = 300.0
NUMBERS_THAT_VARY = ("_ms", "_seconds", "_s")  # endings of keys that hold measured times
SOURCE_PROGRAM = [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())"]


class SmokeError(Exception):
    """The packaged program did not do what it should."""


@dataclass(frozen=True)
class Outcome:
    """A finished program: what it wrote and how long it took."""

    output: str
    seconds: float


def bare_environment(home: Path) -> dict[str, str]:
    """An environment with nothing of Python and no display; ``home`` is the user's empty folder."""
    environment = {"HOME": str(home), "LANG": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen"}
    if sys.platform == "win32":
        system = os.environ["SYSTEMROOT"]
        environment |= {"SYSTEMROOT": system, "PATH": rf"{system}\System32", "USERPROFILE": str(home)}
        environment |= {name: str(home) for name in ("TEMP", "TMP", "LOCALAPPDATA", "APPDATA")}
    else:
        environment |= {"PATH": "/usr/bin:/bin", "TMPDIR": str(home)}
    return environment


def network_lock() -> list[str]:
    """Words in front of a command that take its network away; empty where the system refuses that."""
    tool = shutil.which("unshare")
    for options in (["--net"], ["--map-root-user", "--net"]):
        if tool is None:
            break
        tried = subprocess.run([tool, *options, "true"], capture_output=True, check=False)
        if tried.returncode == 0:
            return [tool, *options]
    return []


def start(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> Outcome:
    """Runs a command to its end. Raises ``SmokeError`` with what it wrote when it fails."""
    begin = time.perf_counter()
    try:
        done = subprocess.run(
            list(command), cwd=cwd, env=dict(environment), capture_output=True, text=True,
            encoding="utf-8", timeout=TIME_LIMIT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as e:
        raise SmokeError(f"{' '.join(command)} did not end within {TIME_LIMIT_S:.0f} s") from e
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        raise SmokeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return Outcome(done.stdout, seconds)


def numbers(value: Any, place: str = "") -> Iterator[tuple[str, float]]:
    """Every number inside a JSON value with its place, without measured times."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not str(key).endswith(NUMBERS_THAT_VARY):
                yield from numbers(inner, f"{place}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from numbers(inner, f"{place}/{index}")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield place, float(value)


def differences(expected: Any, got: Any) -> list[str]:
    """Sentences on every number that is missing, new, or further away than the tolerance."""
    left, right = dict(numbers(expected)), dict(numbers(got))
    texts = [f"{place} is missing" for place in left.keys() - right.keys()]
    texts += [f"{place} is new" for place in right.keys() - left.keys()]
    for place in left.keys() & right.keys():
        a, b = left[place], right[place]
        same = (math.isnan(a) and math.isnan(b)) or math.isclose(
            a, b, rel_tol=RELATIVE_TOLERANCE, abs_tol=RELATIVE_TOLERANCE
        )
        if not same:
            texts.append(f"{place}: source {a!r}, bundle {b!r}")
    return sorted(texts)


def size_mib(folder: Path) -> float:
    """Size of all files below ``folder``; links count nothing."""
    files = (p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
    return sum(p.stat().st_size for p in files) / 2**20


def last_json(text: str) -> dict[str, Any]:
    """The JSON object a program printed last, on one line or on several."""
    for begin in range(len(text) - 1, -1, -1):
        if text[begin] == "{" and (begin == 0 or text[begin - 1] == "\n"):
            try:
                found = json.loads(text[begin:])
            except json.JSONDecodeError:
                continue
            if isinstance(found, dict):
                return found
    raise SmokeError(f"expected JSON, got: {text!r}")


def check(bundle: Path, demo: Path) -> tuple[dict[str, Any], list[str]]:
    """All checks. Returns figures and the sentences on what is wrong; raises ``SmokeError``."""
    problems: list[str] = []
    lock = network_lock()
    name = "orthomatch.exe" if sys.platform == "win32" else "orthomatch"
    with tempfile.TemporaryDirectory(prefix="orthomatch smoke ") as folder:
        place = Path(folder)
        home = place / "home"
        home.mkdir()
        copy = shutil.copytree(bundle, place / "program", symlinks=True)
        film = shutil.copy(demo, place / "film.dcm")
        program = [*lock, str(copy / name)]
        environment = bare_environment(home)

        figures: dict[str, Any] = {
            "system": platform.platform(),
            "size_mib": round(size_mib(copy), 1),
            "network_taken_away": bool(lock),
        }
        if figures["size_mib"] > LARGEST_MIB:
            problems.append(f"the bundle has {figures['size_mib']} MiB, more than {LARGEST_MIB:.0f}")

        doctor = start([*program, "doctor"], cwd=place, environment=environment)
        figures["doctor_s"] = round(doctor.seconds, 2)

        measured = start(
            [*program, "measure", str(film), "--json", "bundle.json", "--pdf", "bundle.pdf"],
            cwd=place, environment=environment,
        )  # fmt: skip
        figures["measure_s"] = round(measured.seconds, 2)
        if not (place / "bundle.pdf").read_bytes().startswith(b"%PDF"):
            problems.append("the report is not a PDF file")
        # The bundle gets no settings of the matrix library, which choose kernels that round differently.
        left_out = ("PYTHONHOME", "PYTHONPATH", "OPENBLAS_")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
        # Features that another version left in the user's cache would hide a difference, or make one.
        source_environment = inherited | {"PYTHONPATH": str(ROOT), "ORTHOMATCH_CACHE": str(place / "cache")}
        start(
            [*SOURCE_PROGRAM, "measure", str(film), "--json", "source.json"],
            cwd=place, environment=source_environment,
        )  # fmt: skip
        expected = json.loads((place / "source.json").read_text(encoding="utf-8"))
        got = json.loads((place / "bundle.json").read_text(encoding="utf-8"))
        figures["numbers_compared"] = sum(1 for _ in numbers(expected))
        if figures["numbers_compared"] == 0:
            problems.append("the source run gave no numbers to compare")
        problems += differences(expected, got)

        window = start([*program, "--self-check", str(film)], cwd=place, environment=environment)
        figures["self_check"] = last_json(window.output)
        figures["self_check_total_s"] = round(window.seconds, 2)
    return figures, problems


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Try the packaged program in an empty environment.")
    parser.add_argument("bundle", type=Path, help="program folder made by PyInstaller")
    parser.add_argument("--demo", type=Path, default=ROOT / "assets" / "demo" / "RG3.dcm")
    given = parser.parse_args(arguments)
    try:
        figures, problems = check(given.bundle.resolve(), given.demo.resolve())
    except (SmokeError, OSError) as e:
        figures, problems = {}, [str(e)]
    print(json.dumps({"ok": not problems, **figures, "problems": problems}, indent=2, ensure_ascii=False))
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
