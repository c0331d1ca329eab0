"""Finding text burnt into a picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.burnt_in import Rectangle, blackened, text_regions
from tests.core.bank_folder import picture


def film(seed: int = 1) -> np.ndarray:
    """A blurred picture with edges that are not those of text, [600, 500] float32."""
    soft = cv2.resize(picture(seed), (500, 600), interpolation=cv2.INTER_CUBIC)
    soft[:, 180:260] += 300.0
    return cv2.GaussianBlur(soft, (0, 0), 2.0).astype(np.float32)


def written(
    pixels: np.ndarray, text: str, at: tuple[int, int], size: float, *, dark: bool = False
) -> np.ndarray:
    strokes = np.zeros(pixels.shape, np.uint8)
    cv2.putText(strokes, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, 255, 2, cv2.LINE_AA)
    value = pixels.min() if dark else pixels.max() * 1.2
    return (pixels + (value - pixels) * (strokes / np.float32(255))).astype(np.float32)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [0.6, 1.0, 1.6])
def test_finds_a_line_of_text(size: float, dark: bool) -> None:
    pixels = film() + (400.0 if dark else 0.0)
    pixels[0, 0] = 0.0
    regions = text_regions(written(pixels, "DOE JANE", (20, 300), size, dark=dark))
    assert any(r.x_px <= 30 and r.y_px <= 295 <= r.y_px + r.height_px for r in regions)


def test_finds_nothing_on_a_film_without_text() -> None:
    assert text_regions(film()) == ()
    assert text_regions(np.full((80, 90), 7.0, np.float32)) == ()


def test_blackened_text_is_not_found_again() -> None:
    pixels = written(film(), "DOE JANE", (20, 300), 1.0)
    regions = text_regions(pixels)
    assert regions
    black = blackened(pixels, regions)
    assert text_regions(black) == ()
    r = regions[0]
    assert (black[r.y_px : r.y_px + r.height_px, r.x_px : r.x_px + r.width_px] == pixels.min()).all()
    assert pixels.max() > black.max()


def test_rectangle_reads_as_the_command_line_takes_it() -> None:
    assert str(Rectangle(1, 2, 3, 4)) == "1,2,3,4"
