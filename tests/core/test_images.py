"""Films as ordinary image files."""

import cv2
import numpy as np
import pytest
from PIL import Image

from core.adapters.dicom import read_film
from core.errors import ReadError
from core.film import SpacingSource

GREY8 = np.random.default_rng(1).integers(0, 256, (20, 30)).astype(np.uint8)
GREY16 = np.random.default_rng(2).integers(0, 65536, (20, 30)).astype(np.uint16)


def write(path, image):
    assert cv2.imwrite(str(path), image)
    return path


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("image", [GREY8, GREY16], ids=["8 bit", "16 bit"])
def test_grey_images_are_exact(tmp_path, ending, image):
    film = read_film(write(tmp_path / f"film.{ending}", image))
    np.testing.assert_array_equal(film.pixels, image)
    assert film.pixels.dtype == np.float32
    assert film.calibration.source is SpacingSource.NONE
    assert film.notes == ()
    assert len(film.windows) == 2


def test_jpeg(tmp_path):
    smooth = cv2.GaussianBlur(GREY8, (0, 0), 5)
    film = read_film(write(tmp_path / "film.jpg", smooth))
    assert np.abs(film.pixels - smooth).mean() < 3


def test_the_content_decides_not_the_name(tmp_path):
    path = write(tmp_path / "film.png", GREY8).rename(tmp_path / "film.dcm")
    np.testing.assert_array_equal(read_film(path).pixels, GREY8)


def test_colour_and_transparency(tmp_path):
    bgra = np.zeros((4, 5, 4), np.uint8)
    bgra[..., 2] = 200  # red
    bgra[:2, :, 3] = 255
    film = read_film(write(tmp_path / "film.png", bgra))
    np.testing.assert_allclose(film.pixels, 0.299 * 200, rtol=1e-5)
    assert any("colour" in note for note in film.notes)


def test_grey_stored_as_colour_gets_no_note(tmp_path):
    film = read_film(write(tmp_path / "film.png", np.dstack([GREY8] * 3)))
    np.testing.assert_allclose(film.pixels, GREY8, atol=1e-3)
    assert film.notes == ()


def test_white_is_zero_is_shown_bright(tmp_path):
    Image.fromarray(GREY8).save(tmp_path / "film.tif", tiffinfo={262: 0})
    film = read_film(tmp_path / "film.tif")
    with Image.open(tmp_path / "film.tif") as image:
        expected = np.asarray(image)
    np.testing.assert_array_equal(film.pixels, expected)


def test_pages_of_a_tiff(tmp_path):
    pages = [Image.fromarray(GREY8), Image.fromarray(255 - GREY8)]
    pages[0].save(tmp_path / "film.tif", save_all=True, append_images=pages[1:])
    film = read_film(tmp_path / "film.tif", frame=1)
    np.testing.assert_array_equal(film.pixels, 255 - GREY8)
    assert "Image 2 of 2." in film.notes
    with pytest.raises(ReadError, match="no image 3 of 2"):
        read_film(tmp_path / "film.tif", frame=2)


@pytest.mark.parametrize("keep", [20, 60, 300])
def test_a_cut_image_is_refused_or_read_in_part(tmp_path, keep):
    path = write(tmp_path / "film.png", GREY16)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ReadError) as caught:
        read_film(path)
    assert caught.value.path == path


def test_an_absurd_size_is_refused(tmp_path):
    path = write(tmp_path / "film.png", GREY8)
    data = bytearray(path.read_bytes())
    data[16:24] = (60000).to_bytes(4, "big") * 2
    path.write_bytes(data)
    with pytest.raises(ReadError):
        read_film(path)
