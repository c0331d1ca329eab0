"""A made-up film with a finished case, for the tests of pictures and reports."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.case import Case, Confirmation, Provenance, SideDecision, Verdict, VerdictLevel
from core.film import Calibration, FilmTags, Radiograph, Side, SpacingSource, Window
from core.landmarks import Landmark, LandmarkSet
from core.measure.results import Arc, Circle, Label, MeasurementResult, NormalRange, Segment

WIDTH, HEIGHT = 400, 600
CERTAIN, LOOK, EDITED = (120.0, 200.0), (260.5, 340.25), (200.0, 480.0)
DETAIL = "PixelSpacing of the file, with a fiducial."
CONFIRMED = Confirmation("Dr. Vega", "2026-03-04T10:20:30+01:00")


def film(
    tags: FilmTags | None = None, *, aspect: float = 1.0, width: int = WIDTH, height: int = HEIGHT
) -> Radiograph:
    """A grey ramp, so that drawn colours stand out from it by their hue."""
    pixels = np.tile(np.linspace(20.0, 120.0, width, dtype=np.float32), (height, 1))
    spacing = Calibration(
        0.2, 0.2 * aspect, SpacingSource.FIDUCIAL, "PixelSpacing of the file, with a fiducial.", aspect
    )
    return Radiograph(Path("film.dcm"), pixels, (Window(0.0, 255.0),), spacing, "ab" * 32, tags or FilmTags())


def results() -> list[MeasurementResult]:
    """A value in a verified range, one outside it, one with an unverified range, one without value."""
    line = Segment(CERTAIN, LOOK)
    verified = NormalRange(40.0, 60.0, "adults", "Verified A. Journal 1990; 1:1", True)
    unverified = NormalRange(40.0, 60.0, "adults", "Doubtful B. Book 1950", False)
    return [
        MeasurementResult("in", "Inside length", 50.0, "mm", (48.0, 52.0), None, "in@1", ("a", "b"),
                          (line,), verified),
        MeasurementResult("out", "Outside angle", -71.25, "deg", None, None, "out@2", ("a",),
                          (Arc(CERTAIN, 40.0, 0.0, 90.0), Label((150.0, 240.0), "")), verified),
        MeasurementResult("doubt", "Doubtful ratio", 90.0, "ratio", (80.0, 99.0), None, "doubt@1", ("b",),
                          (Circle(EDITED, 50.0),), unverified, note="a note"),
        MeasurementResult("none", "Missing width", None, "mm", None, "Two points coincide.", "none@1", (),
                          ()),
    ]  # fmt: skip


def case(*, confirmation: Confirmation | None = None, conflict: bool = False, aspect: float = 1.0) -> Case:
    """One point of each kind: ``a`` certain, ``b`` to look at, ``c`` placed by hand."""
    automatic = LandmarkSet(
        {
            "a": Landmark(*CERTAIN, 1.0, 1.0, 0.95),
            "b": Landmark(*LOOK, 9.0, 9.0, 0.2),
            "c": Landmark(205.0, 470.0, 1.0, 1.0, 0.9),
        }
    )
    return Case(
        film_path="film.dcm", film_sha256="ab" * 32, frame=0, view="test", view_source="matcher",
        side=SideDecision(Side.LEFT, "tag", "The file says left, the references look right.", conflict),
        landmarks=automatic.with_point("c", automatic["c"].moved_to(*EDITED)), automatic=automatic,
        calibration=film(aspect=aspect).calibration,
        verdict=Verdict(VerdictLevel.CHECK, "One point has little support.", ("b",)),
        provenance=Provenance(
            "9.8.7", "c0ffee" * 11, "decade" * 11, "TestProvider", ("ref-1", "ref-2"), 1234.0
        ),
        confirmation=confirmation,
    )  # fmt: skip


POINT_NAMES = {"a": "Alpha point", "b": "Beta point", "c": "Gamma point"}
