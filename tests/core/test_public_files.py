"""The test files of pydicom: every one is read or refused with a message, and copies of a film agree."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pydicom
import pytest

from core.adapters.dicom import read_film
from core.adapters.sources import list_films
from core.engine import Engine
from core.errors import ReadError
from tests.core.dicom_files import dataset, encode, save

_OWN = Path(pydicom.__file__).parent / "data"
# Not films, or damaged on purpose: these may be refused, all other images must be read.
_REFUSED = {
    "JPEG2000-embedded-sequence-delimiter.dcm", "MR_truncated.dcm", "badVR.dcm", "chrJapMulti.dcm",
    "chrJapMultiExplicitIR6.dcm", "chrKoreanMulti.dcm", "emri_small_jpeg_2k_lossless_too_short.dcm",
}  # fmt: skip


def public_files() -> list[Path]:
    """The files that come with pydicom and, if installed, those of pydicom-data."""
    places = [_OWN / "test_files", _OWN / "charset_files"]
    try:
        import data_store
    except ImportError:
        pass
    else:
        places.append(Path(data_store.__file__).parent / "data")
    return [path for place in places for path in sorted(place.rglob("*")) if path.is_file()]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", public_files(), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_public_file_is_read_or_refused(path: Path) -> None:
    refusal, film = None, None
    try:
        film = read_film(path)
    except ReadError as error:
        refusal = error
    ds = pydicom.dcmread(path, force=True, stop_before_pixels=True)  # reads something of any file
    if film is None:
        assert refusal is not None
        assert refusal.path == path
        assert refusal.what
        assert refusal.remedy
        image = bool(ds.get("Rows") and ds.get("Columns")) and path.name not in _REFUSED
        assert not image, f"not read: {refusal}"
        return
    assert film.pixels.ndim == 2
    assert np.isfinite(film.pixels).all()
    assert film.windows
    if ds.get("Rows"):
        assert film.pixels.shape == (ds.Rows, ds.Columns)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("film", ["RG1", "RG2", "RG3"])
def test_lossless_copies_are_equal_and_lossy_ones_close(film: str) -> None:
    store = pytest.importorskip("data_store")
    folder = Path(store.__file__).parent / "data"
    copies = {path.stem: read_film(path) for path in sorted(folder.glob(f"{film}_*.dcm"))}
    if f"{film}_UNCR" not in copies:
        pytest.skip("the uncompressed copy is not installed")
    exact = copies[f"{film}_UNCR"].pixels
    for name, copy in copies.items():
        if name.endswith(("I", "JLSN", "JPLY")):  # UNCI is the lossy copy unpacked
            assert np.abs(copy.pixels - exact).mean() < 0.005 * np.ptp(exact)
        else:
            np.testing.assert_array_equal(copy.pixels, exact)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_copies_of_a_film_give_the_same_points() -> None:
    store = pytest.importorskip("data_store")
    folder = Path(store.__file__).parent / "data"
    engine = Engine.open()
    found = {}
    for name in ("UNCR", "J2KR", "J2KI"):
        case = engine.analyse(read_film(folder / f"RG3_{name}.dcm"), view="ankle_ap")
        found[name] = np.array([(p.x_px, p.y_px) for p in case.landmarks.points.values()])
    assert np.abs(found["J2KR"] - found["UNCR"]).max() < 0.1
    assert np.hypot(*(found["J2KI"] - found["UNCR"]).T).max() < 0.5


def test_an_absurd_size_is_refused_at_once(tmp_path: Path) -> None:
    ds = dataset(np.zeros((8, 8), np.uint16))
    ds.Rows = ds.Columns = 65535
    path = save(tmp_path, encode(ds))
    with pytest.raises(ReadError, match="65535 x 65535"):
        read_film(path)
    start = time.process_time()
    for _ in range(5):
        with pytest.raises(ReadError):
            read_film(path)
    assert (time.process_time() - start) / 5 < 0.1
    code = (
        "import resource, sys; from pathlib import Path; from core.adapters.dicom import read_film\n"
        "from core.errors import ReadError\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "try: read_film(Path(sys.argv[1]))\n"
        "except ReadError: print(peak() - before)\n"
    )
    if sys.platform != "linux":
        pytest.skip("memory is measured in kilobytes on Linux only")
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 50 * 1024


def test_a_thousand_films_are_listed_quickly(tmp_path: Path) -> None:
    for number in range(1000):
        ds = dataset(PatientID=str(number % 7), StudyInstanceUID=f"1.2.{number % 14}", StudyDate="20200101")
        save(tmp_path, encode(ds), f"{number % 5}/{number}")
    start = time.process_time()
    films = list_films(tmp_path)
    assert len(films) == 1000
    assert time.process_time() - start < 4.0  # 0.9 s on one core of 2024
    start = time.process_time()
    read_film(films[0].path)
    assert time.process_time() - start < 1.0
