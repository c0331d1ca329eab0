"""Looks for files that crash, hang or bloat the reading of films.

    python -m tests.fuzz_dicom --minutes 60 [--seed N] [--keep FOLDER] [FILE_OR_FOLDER ...]

Starts from the test files of pydicom (and the given ones), damages them, and reads every one in a process
of its own with limits on time and memory. Right is a film or a ``ReadError``; anything else is a finding.
Findings are printed and, with ``--keep``, stored. The exit status is 1 when there are any. Needs
``os.fork`` (Linux, macOS).
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openjpeg
import pydicom
from pydicom.uid import AllTransferSyntaxes, JPEG2000Lossless, RLELossless

from core.adapters.dicom import glance_at_film, read_film
from core.adapters.sources import list_films
from core.errors import ReadError
from core.film import apply_window
from tests.core.dicom_files import RAMP, compressed, dataset, encode

SECONDS = 5
GROWTH_BYTES = 500 * 1024**2
_LARGEST_SEED = 400_000
_WORDS = (0, 1, 2, 3, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 64, 255, 256, 4095, 32767, 32768, 40000, 65535)
# Elements that decide how pixels are understood: group, element.
_SHAPING = (
    (0x0028, 0x0002), (0x0028, 0x0006), (0x0028, 0x0008), (0x0028, 0x0010), (0x0028, 0x0011),
    (0x0028, 0x0100), (0x0028, 0x0101), (0x0028, 0x0102), (0x0028, 0x0103), (0x0028, 0x0120),
    (0x0028, 0x1101), (0x0028, 0x3002), (0x6000, 0x0010), (0x6000, 0x0011), (0x6000, 0x0050),
    (0x6000, 0x3000), (0x7FE0, 0x0010),
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """How one reading ended; ``bad`` tells that it may not end so."""

    kind: str
    detail: str = ""

    @property
    def bad(self) -> bool:
        """Whether this is a finding."""
        return self.kind not in ("film", "refused")


_BY_CLOCK = Outcome("hang", "of the clock")


def seeds(more: list[Path]) -> list[bytes]:
    """Files to start from: those of pydicom, own ones with every table and overlay, and ``more``."""
    places = [Path(pydicom.__file__).parent / "data", *more]
    try:
        import data_store

        places.append(Path(data_store.__file__).parent / "data")
    except ImportError:
        pass
    files = [p for place in places for p in (sorted(place.rglob("*")) if place.is_dir() else [place])]
    found = [p.read_bytes() for p in files if p.is_file() and 0 < p.stat().st_size <= _LARGEST_SEED]
    own = dataset(RAMP, WindowCenter="90", WindowWidth="80", PixelSpacing=["0.1", "0.1"], PatientName="A^B")
    for element, kind, value in (
        (0x0010, "US", 12), (0x0011, "US", 16), (0x0040, "CS", "G"), (0x0050, "SS", [1, 1]),
        (0x0100, "US", 1), (0x0102, "US", 0), (0x3000, "OW", bytes(range(24))),
    ):  # fmt: skip
        own.add_new((0x6000, element), kind, value)
    found.append(encode(own))
    own.compress(RLELossless)
    found.append(encode(own, RLELossless))
    large = np.add.outer(np.arange(2000), np.arange(1600)).astype(np.uint16)  # one that is glanced at first
    large[500:700, 300:500] += np.random.default_rng(0).integers(0, 500, (200, 200)).astype(np.uint16)
    stream = bytes(openjpeg.encode(large, bits_stored=12))
    found += [compressed(dataset(large, BitsStored=12, HighBit=11), JPEG2000Lossless, [stream])] * 8
    return [data for data in found if data[128:132] == b"DICM" or data[:2] in (b"\x08\0", b"\xff\xd8", b"PK")]


def damaged(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """``data`` with one to four kinds of damage."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if len(out) < 200:
            break
        at = rng.randrange(min(128, len(out) - 1), len(out))
        kind = rng.randrange(9)
        if kind == 0:
            out[at] = rng.randrange(256)
        elif kind == 1:  # in the header, where every byte counts
            out[rng.randrange(128, min(len(out), 2500))] = rng.choice((0, 1, 127, 128, 255))
        elif kind == 2:
            out[at : at + 4] = struct.pack(
                "<I", rng.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF))
            )
        elif kind == 3 and rng.random() < 0.5:
            del out[at:]
        elif kind == 4:
            other = rng.choice(others)
            start = rng.randrange(len(other))
            out[at : at + rng.randint(1, 64)] = other[start : start + rng.randint(1, 64)]
        elif kind == 5:
            _change_syntax(out, rng)
        elif kind == 6:
            del out[at : at + rng.randint(1, 64)]
        else:
            _change_shape(out, rng)
    return bytes(out)


def _change_shape(out: bytearray, rng: random.Random) -> None:
    group, element = rng.choice(_SHAPING)
    at = out.find(struct.pack("<HH", group, element))
    if at < 0 or at + 12 > len(out):
        return
    value = struct.pack("<H", rng.choice(_WORDS))
    if rng.random() < 0.15:  # a wrong length instead of a wrong value
        out[at + 6 : at + 8] = value
    else:
        place = at + 8 + 2 * rng.randrange(3 if element in (0x1101, 0x3002) else 1)
        out[place : place + 2] = value


def _change_syntax(out: bytearray, rng: random.Random) -> None:
    at = out.find(b"\x02\0\x10\0UI")
    if at < 0:
        return
    length = int.from_bytes(out[at + 6 : at + 8], "little")
    uid = str(rng.choice(AllTransferSyntaxes)).encode()
    if len(uid) <= length:
        out[at + 8 : at + 8 + length] = uid.ljust(length, b"\0")


def attempt(path: Path) -> Outcome:
    """Read ``path`` in a child process and tell how that ended."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        _in_child(path, receive, send)
    os.close(send)
    end = time.monotonic() + 12 * SECONDS  # of the clock; the limit proper is on processor time
    status, usage = 0, None
    while usage is None:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            usage = used
        elif time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.wait4(child, 0)
            os.close(receive)
            return _BY_CLOCK
        else:
            time.sleep(0.002)
    with os.fdopen(receive, "rb") as pipe:
        text = pipe.read().decode(errors="replace")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return Outcome("hang" if number == signal.SIGXCPU else "crash", signal.Signals(number).name)
    if os.WEXITSTATUS(status):
        return Outcome("error", text)
    kind, _, growth = text.partition(" ")
    if int(growth or 0) > GROWTH_BYTES:
        return Outcome("memory", f"{int(growth) >> 20} MB")
    return Outcome(kind)


def _in_child(path: Path, receive: int, send: int) -> None:
    """Read the file, write the outcome to the pipe and end the process."""
    os.close(receive)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # decoders written in C report to the console
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    before = _peak_bytes()
    code, text = 0, "refused"
    try:
        for entry in list_films(path)[:1]:
            glance_at_film(entry.path, frame=entry.frames - 1)
            film = read_film(entry.path, frame=entry.frames - 1)
            assert film.pixels.ndim == 2
            assert np.isfinite(film.pixels).all()
            assert all(window.low <= window.high for window in film.windows)
            apply_window(film.pixels[:64, :64], film.windows[0])
            text = "film"
    except ReadError:
        pass
    except BaseException:
        code, text = 1, "".join(traceback.format_exc(limit=-4))
    if not code:
        text += f" {max(0, _peak_bytes() - before)}"
    os.write(send, text.encode()[:8000])
    os._exit(code)


def _peak_bytes() -> int:
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def main(arguments: list[str] | None = None) -> int:
    """Run for the given time and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("more", nargs="*", type=Path, help="further films to start from")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", type=Path, help="folder for the files of findings")
    options = parser.parse_args(arguments)
    rng = random.Random(options.seed)
    files = seeds(options.more)
    counts: collections.Counter[str] = collections.Counter()
    known: set[tuple[str, str]] = set()
    end = time.monotonic() + 60.0 * options.minutes
    print(f"{len(files)} files to start from, seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film"
        while time.monotonic() < end:
            data = damaged(rng.choice(files), files, rng)
            path.write_bytes(data)
            outcome = attempt(path)
            if outcome == _BY_CLOCK:
                outcome = attempt(path)  # a busy machine, unless it happens again
            counts[outcome.kind] += 1
            mark = (outcome.kind, outcome.detail[-200:])
            if outcome.bad and mark not in known:
                known.add(mark)
                print(f"{outcome.kind}: {outcome.detail}", flush=True)
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / f"{outcome.kind}-{sum(counts.values())}").write_bytes(data)
    print(f"{sum(counts.values())} files: {dict(counts)}")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main())
