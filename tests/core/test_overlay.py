from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.case import Case
from core.film import Radiograph
from core.landmarks import Landmark, LandmarkSet
from core.measure.results import Arc, Circle, MeasurementResult, Segment, format_value
from core.overlay import (
    CERTAIN_COLOUR,
    EDITED_COLOUR,
    LOOK_COLOUR,
    crop_box,
    marked_points,
    overlay_image,
)
from core.overlay_paint import clip_segment, dashes, fit_view
from core.overlay_shapes import LINE_COLOUR
from tests.core import report_case as made


def near(
    picture: NDArray[np.uint8],
    x: float,
    y: float,
    colour: tuple[int, int, int],
    reach: int = 1,
    tolerance: int = 60,
) -> bool:
    """Whether ``colour`` occurs within ``reach`` pixels of (x, y)."""
    column, row = round(x), round(y)
    part = picture[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
    return bool((np.abs(part.astype(int) - colour).max(axis=-1) < tolerance).any())


def coloured(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels that are not grey."""
    spread = picture.max(axis=-1).astype(int) - picture.min(axis=-1)
    return np.asarray(spread > 25)


def test_point_kinds_at_their_places() -> None:
    picture = overlay_image(made.film(), made.case(), [], max_side_px=1200, labels=False)
    assert picture.shape == (1200, 800, 3)
    for (x, y), colour in (
        (made.CERTAIN, CERTAIN_COLOUR),
        (made.LOOK, LOOK_COLOUR),
        (made.EDITED, EDITED_COLOUR),
    ):
        assert near(picture, 2 * x + 0.5, 2 * y + 0.5, colour)
    # Distinct shapes: a ring with a gap around its centre, and a square on its corner.
    x, y = 2 * made.LOOK[0] + 0.5, 2 * made.LOOK[1] + 0.5
    assert near(picture, x + 7.5 * 1.2, y, LOOK_COLOUR)
    assert not near(picture, x + 4.6 * 1.2, y, LOOK_COLOUR, reach=0)
    x, y = 2 * made.EDITED[0] + 0.5, 2 * made.EDITED[1] + 0.5
    assert near(picture, x, y - 7.0 * 1.2, EDITED_COLOUR)
    assert not near(picture, x + 5.5 * 1.2, y - 5.5 * 1.2, EDITED_COLOUR, reach=0)


@settings(max_examples=15, deadline=None)
@given(st.floats(20, 380), st.floats(60, 580))
def test_certain_point_is_drawn_with_sub_pixel_accuracy(x: float, y: float) -> None:
    case = made.case(confirmation=made.CONFIRMED)
    one = replace(case, landmarks=LandmarkSet({"a": Landmark(x, y, 1.0, 1.0, 0.9)}))
    one = replace(one, verdict=replace(one.verdict, points=()))
    picture = overlay_image(made.film(), one, [], max_side_px=1200, labels=False).astype(float)
    # The disc is green, the film grey: weigh pixels by how green they are.
    green = np.clip(picture[:, :, 1] - picture[:, :, 0], 0, None)
    rows, columns = np.indices(green.shape)
    centre = np.array([(columns * green).sum(), (rows * green).sum()]) / green.sum()
    assert np.abs(centre - (2 * np.array([x, y]) + 0.5)).max() < 0.15


def test_lines_follow_their_shapes_and_stay_inside() -> None:
    bare = overlay_image(
        made.film(), made.case(confirmation=made.CONFIRMED), [], max_side_px=600, labels=False
    )
    drawn = overlay_image(
        made.film(), made.case(confirmation=made.CONFIRMED), made.results(), max_side_px=600, labels=False
    )
    middle = (np.array(made.CERTAIN) + made.LOOK) / 2
    assert near(drawn, middle[0], middle[1], LINE_COLOUR)
    arc = np.array(made.CERTAIN) + 40 * np.sqrt(0.5)  # 45 degrees: to the right and down
    assert near(drawn, arc[0], arc[1], LINE_COLOUR)
    assert near(drawn, made.EDITED[0] + 50, made.EDITED[1], LINE_COLOUR)
    changed = np.argwhere((bare != drawn).any(axis=-1))
    assert changed[:, 1].min() > 115
    assert changed[:, 1].max() < 267
    assert changed[:, 0].min() > 190
    assert changed[:, 0].max() < 537


def test_line_has_a_dark_halo_on_white_bone() -> None:
    film = made.film()
    film = replace(film, pixels=np.full_like(film.pixels, 255.0))
    line = MeasurementResult("k", "n", 1.0, "mm", None, None, "k@1", (), (Segment((50, 300), (350, 300)),))
    case = replace(made.case(confirmation=made.CONFIRMED), landmarks=LandmarkSet({}))
    picture = overlay_image(film, case, [line], max_side_px=600, labels=False)
    assert near(picture, 200, 300, LINE_COLOUR, reach=0)
    assert picture[297:304, 200].mean(axis=-1).min() < 140
    assert (picture[280, 200] == 255).all()


def test_highlight_leaves_other_measurements_out() -> None:
    case = made.case(confirmation=made.CONFIRMED)
    picture = overlay_image(
        made.film(), case, made.results(), max_side_px=600, labels=False, highlight=["doubt"]
    )
    assert near(picture, made.EDITED[0] + 50, made.EDITED[1], LINE_COLOUR)
    middle = (np.array(made.CERTAIN) + made.LOOK) / 2
    assert not near(picture, middle[0], middle[1], LINE_COLOUR)


def test_draft_is_burnt_in_until_confirmed() -> None:
    film, results = made.film(), made.results()
    draft = overlay_image(film, made.case(), results)
    done = overlay_image(film, made.case(confirmation=made.CONFIRMED), results)
    corner = (slice(0, 80), slice(0, 250))
    assert coloured(draft[corner]).mean() > 0.1
    assert not coloured(done[corner]).any()


@pytest.mark.parametrize("aspect", [0.5, 2.0])
def test_anisotropic_pixels_are_drawn_with_the_true_aspect(aspect: float) -> None:
    film, case = made.film(aspect=aspect), made.case(aspect=aspect)
    picture = overlay_image(film, case, [], max_side_px=900, labels=False)
    height, width = picture.shape[:2]
    assert height / width == pytest.approx(made.HEIGHT * aspect / made.WIDTH, rel=0.01)
    x, y = (
        (made.CERTAIN[0] + 0.5) * width / made.WIDTH - 0.5,
        (made.CERTAIN[1] + 0.5) * height / made.HEIGHT - 0.5,
    )
    assert near(picture, x, y, CERTAIN_COLOUR)


def small_joint() -> tuple[Radiograph, Case]:
    film = made.film(width=1000, height=2400)
    points = {f"p{i}": Landmark(480 + 20 * i, 2000 + 15 * i, 1.0, 1.0, 0.9) for i in range(5)}
    return film, replace(made.case(), landmarks=LandmarkSet(points))


def test_crop_shows_the_joint_and_the_whole_film() -> None:
    film, case = small_joint()
    x0, y0, x1, y1 = crop_box(film, case, 1.0)
    assert x0 < 480
    assert x1 > 560
    assert y0 < 2000
    assert y1 > 2060
    assert (x1 - x0) * (y1 - y0) < 0.1 * 1000 * 2400
    picture = overlay_image(film, case, [], max_side_px=1200, crop_to_points=True, labels=False)
    scale = picture.shape[1] / (x1 - x0)
    assert near(picture, (520 - x0 + 0.5) * scale - 0.5, (2030 - y0 + 0.5) * scale - 0.5, CERTAIN_COLOUR)
    assert (picture == 200).all(axis=-1).sum() > 200  # the rim of the inset


def test_crop_of_points_all_over_the_film_is_the_film() -> None:
    case = made.case()
    spread = LandmarkSet({"a": Landmark(5, 5), "b": Landmark(395, 595)})
    assert crop_box(made.film(), replace(case, landmarks=spread), 1.0) == (0, 0, made.WIDTH, made.HEIGHT)


def test_many_points_get_no_letters_but_the_marked_ones() -> None:
    case = made.case()
    assert marked_points(case) == {"b": "A", "c": "B"}
    points = {f"p{i}": Landmark(10.0 + 10 * i, 300.0) for i in range(30)}
    letters = marked_points(
        replace(case, landmarks=LandmarkSet({k: p.moved_to(1, 1) for k, p in points.items()}))
    )
    assert letters["p25"] == "Z"
    assert letters["p26"] == "AA"
    assert letters["p29"] == "AD"


def test_far_away_and_degenerate_shapes_are_harmless() -> None:
    shapes = (
        Segment((-1e9, 300.0), (1e9, 300.0)), Segment((5.0, 5.0), (5.0, 5.0), True),
        Segment((-1e9, -5e8), (1e9, 5e8), True),
        Circle((0.0, 0.0), 1e8), Arc((200.0, 200.0), 1e7, 0.0, 0.0),
    )  # fmt: skip
    wild = MeasurementResult("w", "n", 1.0, "mm", None, None, "w@1", (), shapes)
    case = replace(made.case(), landmarks=LandmarkSet({"a": Landmark(-1e7, 1e8, 1.0, 1.0, 0.9)}))
    picture = overlay_image(made.film(), case, [wild], max_side_px=600)
    assert near(picture, 100, 300, LINE_COLOUR)


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("side", [40, 333, 1600])
def test_any_size_and_no_points(labels: bool, side: int) -> None:
    case = replace(made.case(), landmarks=LandmarkSet({}))
    picture = overlay_image(
        made.film(), case, made.results(), max_side_px=side, labels=labels, crop_to_points=True
    )
    assert max(picture.shape[:2]) == side
    assert picture.dtype == np.uint8


def test_format_value() -> None:
    assert format_value(-3.04, "deg") == "\u22123.0°"
    assert format_value(-0.04, "mm") == "0.0 mm"
    assert format_value(0.6154, "ratio") == "0.615"


def test_clipping_keeps_the_line() -> None:
    part = clip_segment(np.array([-100.0, 0.0]), np.array([100.0, 100.0]), (0.0, 0.0, 50.0, 200.0))
    assert part is not None
    np.testing.assert_allclose(part, [[0.0, 50.0], [50.0, 75.0]])
    assert clip_segment(np.array([-1.0, -5.0]), np.array([90.0, -5.0]), (0.0, 0.0, 50.0, 200.0)) is None
    pieces = dashes(np.array([[0.0, 0.0], [20.0, 0.0]]), 7.0, 5.0, (0.0, -1.0, 50.0, 1.0))
    np.testing.assert_allclose(pieces, [[[0, 0], [7, 0]], [[12, 0], [19, 0]]])


def test_view_maps_pixel_centres() -> None:
    view = fit_view((10, 20, 110, 70), 1.0, 200)
    np.testing.assert_allclose(
        view.to_picture(np.array([[10.0, 20.0], [9.5, 19.5]])), [[0.5, 0.5], [-0.5, -0.5]]
    )
