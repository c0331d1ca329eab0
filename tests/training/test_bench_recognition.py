"""The benchmark of recognition: what counts as right, and how its films are varied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.adapters.dicom import read_film
from core.engine import Engine
from core.errors import ReadError
from core.film import NO_SPACING, Radiograph, Side, Window
from core.measure.loader import load_catalogue
from tests.core.bank_folder import VIEW, make_bank, picture
from tests.training.test_bench_records import ShiftingMatcher, film
from training.bench import recognition
from training.bench.films import BenchFilm
from training.bench.program import WatchedMatcher
from training.bench.recognition import (
    QUARTERS,
    Recognition,
    real_films,
    recognise,
    summarise,
    varied,
)
from training.bench.views import kin_of


def result(view: str, found: str, **changes: Any) -> Recognition:
    values: dict[str, Any] = {
        "name": "a", "source": "made up", "view": view, "change": "", "found": found, "best": found or view,
        "score": 0.8 if found else 0.3, "right_score": 0.8 if view else None, "handed": bool(view),
        "flipped": False, "found_flipped": False, "seconds": 1.0,
    }  # fmt: skip
    return Recognition(**values | changes)


def test_a_film_that_fits_is_recognised_and_one_that_does_not_is_refused(tmp_path: Path) -> None:
    bank = make_bank(tmp_path)
    for score, found in ((0.95, VIEW.key), (0.2, "")):
        watched = WatchedMatcher(ShiftingMatcher(score=score, mirrored=True))
        seen = recognise(Engine(load_catalogue(), bank, watched), watched, film(flipped=True), {VIEW.key})
        assert (seen.found, seen.best, seen.score, seen.view) == (found, VIEW.key, score, VIEW.key)
        assert seen.right is bool(found)
        assert seen.handed
        assert seen.found_flipped
        outside = recognise(Engine(load_catalogue(), bank, watched), watched, film(), set())
        assert outside.view == ""
        assert outside.right is not seen.right


def test_tags_do_not_help(tmp_path: Path) -> None:
    asked = []

    class Asked(ShiftingMatcher):
        def match(self, pixels: Any, references: Any, **options: Any) -> Any:
            asked.append(options["stored_mirrored"])
            return super().match(pixels, references, **options)

    watched = WatchedMatcher(Asked())
    shown = film()
    tags = replace(shown.radiograph.tags, patient_orientation=("R", "F"), laterality=Side.RIGHT)
    shown = replace(shown, radiograph=replace(shown.radiograph, tags=tags))
    recognise(Engine(load_catalogue(), make_bank(tmp_path), watched), watched, shown, {VIEW.key})
    assert asked == [False]


def test_shares() -> None:
    films = [
        result("a", "a"),
        result("a", "a", flipped=True, found_flipped=True),
        result("a", "a", flipped=True, change="turned"),
        result("a", "b", change="turned", flipped=True, found_flipped=True),
        result("b", "", change=QUARTERS),
        result("b", "b", handed=False, found_flipped=True),
        result("", ""),
        result("", "b"),
    ]
    found = summarise(films)
    assert (found["films"], found["inside"], found["outside"]) == (8, 6, 2)
    assert found["recognised"] == pytest.approx(4 / 6)
    assert found["recognised_turned"] == 0.5
    assert found["recognised_quarters"] == 0.0
    assert found["refused_wrongly"] == pytest.approx(1 / 6)
    assert found["mirrored_films"] == 2  # the film taken for another view does not count
    assert found["mirrored_found"] == 0.5
    assert found["mirrored_imagined"] == 0.0
    assert found["outside_refused"] == 0.5
    assert {(c["view"], c["found"], c["films"]) for c in found["confusions"]} == {
        ("a", "b", 1),
        ("outside", "b", 1),
    }
    nothing = summarise([])
    assert nothing["recognised"] is None
    assert nothing["threshold"] is None


def test_the_threshold_parts_the_scores_as_well_as_can_be() -> None:
    inside = [result("a", "a", score=s) for s in (0.9, 0.8, 0.7, 0.5)]
    outside = [result("", "", score=s) for s in (0.2, 0.3, 0.4, 0.6)]
    found = summarise(inside + outside)
    assert found["at_threshold"] == 0.75
    assert 0.4 < found["threshold"] <= 0.7


def test_films_of_a_view_without_sides_are_mirrored_where_that_shows() -> None:
    catalogue = load_catalogue()

    def changes(view: str) -> list[str]:
        radiograph = Radiograph(Path("a"), picture(1), (Window(0, 255),), NO_SPACING, "")
        films = (BenchFilm(str(i), "made up", view, radiograph, points_px=np.zeros((1, 2))) for i in range(6))
        return ["m" * f.flipped + f.change for f in varied(films, 1, catalogue)]

    assert changes("hand_pa") == ["", "", "turned", "", "", QUARTERS]
    assert changes("pelvis_ap") == changes("hand_pa")
    assert changes("spine_lateral") == ["", "mmirrored", "turned", "mmirrored", "", "m" + QUARTERS]


def test_real_films_come_with_their_mirror_images_and_unreadable_ones_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = np.clip(picture(1), 0, 255).astype(np.uint8)
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), grey)

    def read(path: Path) -> Radiograph:
        if path.name == "b.png":
            raise ReadError("The pixel data are damaged", path=path)
        return read_film(path)

    monkeypatch.setattr(recognition, "read_film", read)
    films = list(real_films(tmp_path, "hand_pa", True, None))
    assert [(f.name, f.flipped) for f in films] == [("a.png", False), ("a.png", True)]
    assert (films[1].radiograph.pixels == films[0].radiograph.pixels[:, ::-1]).all()
    assert "b.png" in capsys.readouterr().err


def test_a_bank_without_the_view_has_to_refuse(tmp_path: Path) -> None:
    watched = WatchedMatcher(ShiftingMatcher(score=0.95))
    engine = Engine(load_catalogue(), make_bank(tmp_path), watched)
    assert recognition.without(engine, {"shoulder_y"}).bank.entries == engine.bank.entries
    poorer = recognition.without(engine, kin_of(VIEW.key))
    assert not poorer.bank.entries
    assert engine.bank.entries
    assert poorer.matcher is watched


def test_kin_show_the_same_part_of_the_body() -> None:
    assert kin_of("knee_axial") == {"knee_axial"}
    assert kin_of("hand_pa") == {"hand_pa", "wrist_pa", "wrist_lateral"}
    assert {"spine_ap", "full_leg_ap"} <= kin_of("pelvis_ap")
    views = set(load_catalogue().views)
    for view in views:
        assert kin_of(view) <= views
        assert all(view in kin_of(other) for other in kin_of(view))
