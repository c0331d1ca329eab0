"""What a file's tags say about the view, and whether it fits what the film looks like."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset

from core.adapters.dicom_tags import read_tags
from core.film import FilmTags, Side
from core.measure.loader import load_catalogue
from core.view_tags import decide_view

CATALOGUE = load_catalogue()


def conflict(view: str, **tags: Any) -> bool:
    text, doubt = decide_view(CATALOGUE, CATALOGUE.view(view), FilmTags(**tags), given=False)
    assert text.endswith(".")
    assert ("settle" in text) is doubt
    return doubt


@pytest.mark.parametrize(
    ("view", "tags"),
    [
        ("ankle_ap", {}),
        ("ankle_ap", {"body_part": "ANKLE", "view_position": "AP"}),
        ("ankle_ap", {"body_part": "Ankles"}),
        ("ankle_ap", {"body_part": "LEFT ANKLE 2 VIEWS"}),
        ("ankle_ap", {"body_part": "EXTREMITY"}),
        ("ankle_ap", {"body_part": "LEG"}),
        ("ankle_ap", {"body_part": "Sprunggelenk"}),
        ("ankle_ap", {"view_position": "OBL"}),
        ("ankle_ap", {"region_codes": (("70258002", "Knoechel"),)}),
        ("ankle_ap", {"view_codes": (("399033003", "frontal"),)}),
        ("ankle_lateral", {"view_position": "ML"}),
        ("hand_pa", {"body_part": "HAND", "view_position": "AP"}),
        ("hip_false_profile", {"body_part": "HIP", "view_position": "RPO"}),
        ("full_leg_ap", {"body_part": "LOWER LIMB"}),
    ],
)
def test_tags_that_agree_or_say_nothing(view: str, tags: dict[str, Any]) -> None:
    assert not conflict(view, **tags)


@pytest.mark.parametrize(
    ("view", "tags"),
    [
        ("ankle_ap", {"body_part": "FOOT"}),
        ("ankle_ap", {"body_part": "CHEST", "view_position": "PA"}),
        ("ankle_ap", {"body_part": "ANKLE", "view_position": "LATERAL"}),
        ("ankle_ap", {"view_codes": (("399352003", "lateral-medial"),)}),
        ("ankle_ap", {"region_codes": (("72696002", "Knie"),)}),
        ("knee_axial", {"body_part": "KNEE", "view_position": "AP"}),
    ],
)
def test_tags_that_name_something_else(view: str, tags: dict[str, Any]) -> None:
    assert conflict(view, **tags)


def test_every_view_agrees_with_its_own_tags() -> None:
    for view in CATALOGUE.views.values():
        for part in view.tags.body_parts:
            for position in view.tags.positions:
                assert not conflict(view.key, body_part=part, view_position=position)
        codes = {"region": view.tags.region, "view": view.tags.projection}
        stated = {f"{name}_codes": ((code.value, code.meaning),) for name, code in codes.items()}
        assert not conflict(view.key, **stated)


def test_a_view_that_a_person_chose_is_settled() -> None:
    tags = FilmTags(body_part="CHEST")
    assert decide_view(CATALOGUE, CATALOGUE.view("ankle_ap"), tags, given=True) == ("Set by the user.", False)


def code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def test_codes_and_sides_are_read_from_every_tag() -> None:
    ds = Dataset()
    region = code("T-15750", "SRT", "Ankle joint")
    region.AnatomicRegionModifierSequence = [code("G-A101", "SRT", "Left")]
    ds.AnatomicRegionSequence = [region]
    ds.ViewCodeSequence = [code("R-10206", "SNM3", "antero-posterior")]
    ds.FieldOfViewHorizontalFlip = "YES"
    tags, notes = read_tags(ds)
    assert tags.region_codes == (("70258002", "Ankle joint"),)
    assert tags.view_codes == (("399348003", "antero-posterior"),)
    assert tags.laterality is Side.LEFT
    assert any("flipped" in note for note in notes)
    ds.ImageLaterality = "R"
    tags, notes = read_tags(ds)
    assert tags.laterality is None
    assert "ImageLaterality and AnatomicRegionModifierSequence contradict" in notes[0]
    frame, group = Dataset(), Dataset()
    frame.FrameLaterality = "R"
    group.FrameAnatomySequence = [frame]
    enhanced = Dataset()
    enhanced.SharedFunctionalGroupsSequence = [group]
    assert read_tags(enhanced)[0].laterality is Side.RIGHT
