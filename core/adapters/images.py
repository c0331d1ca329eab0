"""Films as PNG, JPEG or TIFF files."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from PIL import Image

from core.adapters.dicom_header import MAX_PIXELS
from core.adapters.dicom_pixels import luma
from core.adapters.windows import percentile_window
from core.errors import ReadError
from core.film import Calibration, Radiograph, SpacingSource, Window

_MARKS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*")
_FORMATS = ("PNG", "JPEG", "TIFF")
_WHITE_IS_ZERO = 0  # TIFF photometric interpretation
_PHOTOMETRIC_TAG, _EXIF_ORIENTATION = 262, 274


def is_image(start: bytes) -> bool:
    """Whether a file that begins with ``start`` is a PNG, JPEG or TIFF."""
    return start.startswith(_MARKS)


def image_frames(file: IO[bytes]) -> tuple[int, int, int, dict[int, object]]:
    """(width, height, pages, tags) of an image from its header alone. Raises OSError if damaged."""
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(file, formats=_FORMATS) as image:
            tags: dict[int, object] = dict(image.getexif())
            width, height = image.size
            return width, height, int(getattr(image, "n_frames", 1)), tags


def read_image(path: Path, data: bytes, sha256: str, frame: int = 0) -> Radiograph:
    """The film in the image file ``data`` read from ``path``.

    Colour becomes brightness, transparency is ignored. Image files state resolutions for printing, not
    for measuring, so there is no spacing. Raises :class:`ReadError`.
    """
    try:
        width, height, pages, tags = image_frames(BytesIO(data))
    except Exception as e:  # The header parsers raise many kinds on damaged files.
        raise ReadError("The image file is damaged", path=path, remedy="Copy or export it again.") from e
    if width * height > MAX_PIXELS:
        raise ReadError(
            f"The file claims an image of {width} x {height} pixels, more than any radiograph has",
            path=path,
            remedy="Export the film again in its original size.",
        )
    if not 0 <= frame < pages:
        what = f"There is no image {frame + 1} of {pages}"
        raise ReadError(what, path=path, remedy="Choose another image.")
    try:
        ok, decoded = cv2.imdecodemulti(
            np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED, range=(frame, frame + 1)
        )
    except (cv2.error, MemoryError) as e:
        raise ReadError("The image file is damaged", path=path, remedy="Copy or export it again.") from e
    if not ok or not decoded:
        raise ReadError(
            "The image file is damaged or of an unusual kind", path=path, remedy="Save it as 8 or 16 bit PNG."
        )
    stored = decoded[0]
    notes: list[str] = []
    if pages > 1:
        notes.append(f"Image {frame + 1} of {pages}.")
    if stored.ndim == 3 and stored.shape[2] >= 3:
        pixels = luma(stored[..., 2::-1])
        if not _is_grey(stored):
            notes.append("The colour image was converted to grey.")
    else:
        pixels = (stored if stored.ndim == 2 else stored[..., 0]).astype(np.float32)
    if not np.isfinite(pixels).all():
        raise ReadError("The image has pixels without a number", path=path, remedy="Save it as 16 bit PNG.")
    if tags.get(_EXIF_ORIENTATION, 1) not in (0, 1):
        notes.append("The file asks for a rotated display; the film is shown as stored.")
    own = percentile_window(pixels)
    full = Window(0.0, 255.0, "Full range") if stored.dtype == np.uint8 else None
    detail = "An image file states no spacing that can be used for measuring."
    return Radiograph(
        path=path,
        pixels=np.ascontiguousarray(pixels, dtype=np.float32),
        windows=(full, own) if full else (own, _range(pixels)),
        calibration=Calibration(None, None, SpacingSource.NONE, detail),
        sha256=sha256,
        frame=frame,
        notes=tuple(notes),
    )


def _is_grey(stored: np.ndarray) -> bool:
    blue, green, red = (stored[..., channel] for channel in range(3))
    return bool(np.array_equal(blue, green) and np.array_equal(green, red))


def _range(pixels: np.ndarray) -> Window:
    low, high = float(pixels.min()), float(pixels.max())
    return Window(low, high if high > low else low + 1.0, "Full range")
