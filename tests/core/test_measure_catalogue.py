"""The shipped definitions: complete, honest, and every formula right on a layout with known values."""

from __future__ import annotations

import math

import pytest

from core.errors import CatalogueError
from core.film import Side
from core.measure.definitions import MeasurementDefinition
from core.measure.evaluate import evaluate_view
from core.measure.loader import default_catalogue, load_catalogue
from core.measure.manual import manual_markdown
from tests.core.measure_layouts import LAYOUTS, MM, UNVERIFIED, landmarks
from training.simulate.ankle.names import ANKLE_POINTS
from training.simulate.hand.points import HAND_POINTS

CASES = [(view, key) for view, (_, values) in LAYOUTS.items() for key in values]


@pytest.fixture(scope="module")
def results():
    return {
        key: {result.key: result for result in evaluate_view(view, landmarks(LAYOUTS[key][0]), MM)}
        for key, view in default_catalogue().views.items()
    }


@pytest.mark.parametrize(("view", "key"), CASES)
def test_each_measurement_has_its_known_value(results, view, key):
    result = results[view][key]
    assert result.reason is None
    assert result.value == pytest.approx(LAYOUTS[view][1][key], abs=1e-9)


def test_every_measurement_has_a_known_value():
    for view in default_catalogue().views.values():
        assert {m.key for m in view.measurements} == set(LAYOUTS[view.key][1])
        assert set(view.point_keys) == set(LAYOUTS[view.key][0])


def test_points_are_those_of_the_simulated_films_in_the_same_order():
    catalogue = default_catalogue()
    assert catalogue.view("hand_pa").point_keys == HAND_POINTS
    assert catalogue.view("ankle_ap").point_keys == ANKLE_POINTS


def signed(measurement: MeasurementDefinition) -> bool:
    """Whether the value can be negative: by its last step, or for ratios and sums by what goes into them."""
    negative: set[str] = set()
    for step in measurement.steps:
        combined = step.op in {"ratio", "sum"} and negative.intersection(step.of)
        if combined or step.op in {"angle", "signed_distance", "distance_along", "difference"}:
            negative.add(step.key)
    return measurement.steps[-1].key in negative


def test_definitions_say_what_a_reader_needs():
    for view in default_catalogue().views.values():
        assert view.canonical_side in {Side.LEFT, Side.BOTH}
        for measurement in view.measurements:
            assert bool(measurement.sign) == signed(measurement), measurement.key
            assert measurement.pitfalls, measurement.key
            assert measurement.source.endswith("."), measurement.key


def test_only_the_ranges_with_a_checked_source_are_marked_so():
    unchecked = {
        m.key
        for view in default_catalogue().views.values()
        for m in view.measurements
        if m.normal is not None and not m.normal.verified
    }
    assert unchecked == UNVERIFIED


def test_names_and_texts_on_the_film_are_distinct():
    for view in default_catalogue().views.values():
        names = [m.name for m in view.measurements] + [p.name for p in view.points]
        assert len(set(names)) == len(names)


def test_unknown_names_suggest_the_nearest():
    catalogue = default_catalogue()
    with pytest.raises(CatalogueError, match=r"Unknown view 'hand_ap'\. Did you mean 'hand_pa'"):
        catalogue.view("hand_ap")
    with pytest.raises(CatalogueError, match="Known: ankle_ap, "):
        catalogue.view("zzzz")
    view = catalogue.view("ankle_ap")
    assert view.measurement("ldta").identifier == "ldta@1"
    assert view.point("talar_dome_medial").name == "Talar dome, medial corner"
    with pytest.raises(CatalogueError, match="Did you mean 'ldta'"):
        view.measurement("lda")
    with pytest.raises(CatalogueError, match="Did you mean 'talar_dome_medial'"):
        view.point("talar_dome_media")


def test_views_cannot_be_changed():
    with pytest.raises(TypeError):
        load_catalogue().views["x"] = default_catalogue().view("hand_pa")  # type: ignore[index]


def test_manual_names_every_point_measurement_and_step():
    for view in default_catalogue().views.values():
        page = manual_markdown(view)
        for point in view.points:
            assert f"`{point.key}`" in page
            assert point.description in page
        for measurement in view.measurements:
            assert f"### {measurement.name}\n" in page
            assert f"`{measurement.identifier}`" in page
            assert measurement.definition in page
        assert "{" not in page
    page = manual_markdown(default_catalogue().view("ankle_ap"))
    assert "- Reference range: 86 to 92°; adults, population not stated; Paley D." in page
    assert "(source not checked)" in page
    assert "- Reference range: up to 6 mm;" in page
    assert "- Reference range: from 6 mm;" in page
    assert "3. `value`: angle from `axis` to `plafond`, positive clockwise on the canonical image." in page
    assert (
        "pairs (*Tibial shaft, distal, medial cortex*; *Tibial shaft, distal, lateral cortex*) and (" in page
    )


def test_layout_values_are_plausible():
    for _, values in LAYOUTS.values():
        assert all(math.isfinite(value) for value in values.values())
