"""Views that users define: beside the shipped ones, refused with file and remedy, known everywhere."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.cli import main
from core.adapters.bank import BankEntry, add_reference, load_bank, open_or_create
from core.adapters.views import known_catalogue
from core.engine import Engine
from core.errors import CatalogueError, MatchError
from core.film import NO_SPACING, Radiograph, Side, Window
from core.matching.protocol import MatchResult
from core.measure.loader import load_catalogue
from core.resources import user_config_dir
from tests.core.bank_folder import make_bank, picture
from tests.core.fake_matches import found

VIEW = """
[view]
key = "{key}"
name = "Great toe, AP"
version = 1
body_part = "great toe"
projection = "As usual."
canonical_side = "left"

[view.tags]
body_parts = ["TOE"]
positions = ["AP"]
region = {{ value = "T-D9800", scheme = "SRT", meaning = "Toe" }}
projection = {{ value = "R-10206", scheme = "SRT", meaning = "antero-posterior" }}

[[point]]
key = "tip"
name = "Tip"
description = "The most distal point of the tuft."

[[point]]
key = "base"
name = "Base"
description = "The middle of the base."

[[measurement]]
key = "length"
name = "Length"
short = "L"
group = "Lengths"
version = 1
unit = "mm"
definition = "Distance of tip and base."
source = "The user."
steps = [{{ key = "length_value", op = "distance", of = ["tip", "base"] }}]
"""


def define(folder: Path, key: str = "toe_ap", text: str = "") -> Path:
    (folder / "views").mkdir(parents=True, exist_ok=True)
    path = folder / "views" / f"{key}.toml"
    path.write_text(text or VIEW.format(key=key), encoding="utf-8")
    return path


@pytest.fixture
def config(tmp_path: Path, monkeypatch: Any) -> Path:
    monkeypatch.setenv("ORTHOMATCH_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


def test_views_of_the_user_and_of_the_bank_are_known_beside_the_shipped_ones(
    config: Path, tmp_path: Path
) -> None:
    shipped = set(load_catalogue().views)
    assert set(known_catalogue().views) == shipped
    define(config)
    define(tmp_path / "bank", "heel_axial")
    assert set(known_catalogue().views) == shipped | {"toe_ap"}
    catalogue = known_catalogue(tmp_path / "bank")
    assert set(catalogue.views) == shipped | {"toe_ap", "heel_axial"}
    assert catalogue.view("toe_ap").measurement("length").points == ("tip", "base")


def test_a_view_that_is_defined_twice_is_refused_by_name(config: Path, tmp_path: Path) -> None:
    first = define(config)
    second = define(tmp_path / "bank")
    with pytest.raises(CatalogueError, match="View 'toe_ap' is defined twice") as caught:
        known_catalogue(tmp_path / "bank")
    assert caught.value.path == second
    assert str(first) in caught.value.remedy
    first.unlink()
    second.unlink()
    define(tmp_path / "bank", "knee_ap")
    with pytest.raises(CatalogueError, match="View 'knee_ap' is defined twice"):
        known_catalogue(tmp_path / "bank")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('op = "distance"', 'op = "distanze"'), "Did you mean 'distance'"),
        (('["tip", "base"]', '["tip", "bas"]'), "Did you mean 'base'"),
        (('unit = "mm"', 'unit = "deg"'), "unit 'deg' does not fit"),
        (('name = "Tip"', ""), "field 'name' is missing"),
        (('key = "toe_ap"', 'key = "../toe"'), "cannot be a key"),
        (('key = "toe_ap"', 'key = "toe"'), "file of another name"),
        (("[view]", "[view"), "Not valid TOML"),
    ],
)
def test_a_wrong_definition_is_refused_with_its_file(
    config: Path, change: tuple[str, str], words: str
) -> None:
    path = define(config, text=VIEW.format(key="toe_ap").replace(*change))
    with pytest.raises(CatalogueError) as caught:
        known_catalogue()
    assert words in str(caught.value)
    assert caught.value.path == path
    assert caught.value.remedy


def test_a_file_that_is_no_text_is_refused(config: Path) -> None:
    define(config).write_bytes(b"\xff\xfe")
    with pytest.raises(CatalogueError, match="UTF-8"):
        known_catalogue()


def test_the_command_line_knows_them(config: Path, tmp_path: Path, capsys: Any) -> None:
    define(config)
    define(tmp_path / "bank", "heel_axial")
    assert main(["catalogue", "--view", "toe_ap"]) == 0
    assert "The most distal point of the tuft." in capsys.readouterr().out
    assert main(["catalogue", "--view", "heel_axial", "--bank", str(tmp_path / "bank")]) == 0
    assert main(["catalogue", "--view", "heel_axial"]) == 1


def test_the_configuration_folder_follows_the_platform(monkeypatch: Any) -> None:
    monkeypatch.delenv("ORTHOMATCH_CONFIG")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/somewhere")
    assert user_config_dir() == Path("/somewhere/orthomatch")
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert user_config_dir() == Path.home() / ".config" / "orthomatch"
    monkeypatch.setattr("sys.platform", "darwin")
    assert user_config_dir() == Path.home() / "Library" / "Application Support" / "orthomatch"


class ReadingMatcher:
    """Reads every reference's image, as the first match with a bank does, and puts points at 5, 5."""

    model_sha256 = "m"
    provider = "P"

    def match(self, pixels: Any, references: Any, **options: Any) -> list[MatchResult]:
        for reference in references:
            reference.read_image()
        return [found(references[0].view, references, np.full((len(references[0].points_px), 2), 5.0))]


def film() -> Radiograph:
    return Radiograph(Path("a.png"), picture(1), (Window(0, 255),), NO_SPACING, "sha")


def test_a_view_of_ones_own_is_measured(config: Path, tmp_path: Path) -> None:
    define(config)
    entry = BankEntry(
        "t1", "toe_ap", Side.LEFT, "", "", (0, 0), {"tip": (3.0, 4.0), "base": (9.0, 4.0)}, 0.2, "o", "l"
    )
    bank = add_reference(open_or_create(tmp_path / "bank"), entry, picture(1))
    engine = Engine(known_catalogue(bank.folder), bank, ReadingMatcher())
    case = engine.analyse(film())
    assert case.view == "toe_ap"
    (length,) = engine.measure(case)
    assert (length.key, length.value) == ("length", 0.0)


def test_a_damaged_image_does_not_stop_the_others(tmp_path: Path, caplog: Any) -> None:
    make_bank(tmp_path, 3)
    image = tmp_path / "ankle_ap" / "r2.png"
    image.write_bytes(image.read_bytes()[:-1] + b"x")
    engine = Engine(load_catalogue(), load_bank(tmp_path), ReadingMatcher())
    with caplog.at_level(logging.WARNING):
        case = engine.analyse(film())
        engine.analyse(film())
    assert case.provenance.references == ("r1", "r3")
    assert [r.getMessage() for r in caplog.records if "r2 is damaged" in r.getMessage()] == [
        r.getMessage() for r in caplog.records
    ]
    assert len(caplog.records) == 1
    for key in ("r1", "r3"):
        (tmp_path / "ankle_ap" / f"{key}.png").unlink()
    with pytest.raises(MatchError, match="no reference"):
        Engine(load_catalogue(), load_bank(tmp_path), ReadingMatcher()).analyse(film())
