"""Annotated films in the forms that other programs write.

Read are ``landmarks.json`` (see ``cases_folder``), folders with an image and a semicolon-separated table a
film (``*_image.*`` with ``*_landmarks.csv``, one point a line as column; row, the layout of the landmark
matching by Eschweiler et al. 2025), COCO keypoints and labelme. The form is recognised.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.adapters.cases_folder import LANDMARKS, AnnotatedFilm, read_cases
from core.adapters.images import image_frames
from core.errors import ReadError

FORMS = "Give a folder with landmarks.json, *_landmarks.csv or labelme files, or a COCO keypoints file."
_IMAGE, _TABLE = "_image", "_landmarks.csv"
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
_LABELME_CENTRE = 0.5  # labelme counts from the corner of the first pixel, this program from its centre


class AnnotationFormat(StrEnum):
    """The forms of annotation that can be read."""

    LANDMARKS = "landmarks"
    CSV = "csv"
    COCO = "coco"
    LABELME = "labelme"


def read_annotations(path: Path, form: AnnotationFormat | None = None) -> list[AnnotatedFilm]:
    """The annotated films in a folder or file, in the order of their names or of the list.

    ``form`` None recognises the form. Raises ``ReadError`` with file, place and remedy.
    """
    form = form or recognise(path)
    if form is AnnotationFormat.LANDMARKS:
        return read_cases(path.parent if path.is_file() else path)
    if form is AnnotationFormat.CSV:
        return _read_tables(path)
    files = _json_files(path)
    if form is AnnotationFormat.LABELME:
        return [_labelme_film(file, _document(file)) for file in files]
    if len(files) > 1:
        raise ReadError(
            f"The folder holds {len(files)} JSON files", path=path, remedy="Name the COCO file itself."
        )
    return _coco_films(files[0], _document(files[0]))


def recognise(path: Path) -> AnnotationFormat:
    """The form of the annotations in a folder or file. Raises ``ReadError`` when it is none of the known."""
    if path.name == LANDMARKS or (path / LANDMARKS).is_file():
        return AnnotationFormat.LANDMARKS
    if path.is_dir() and next(path.rglob(f"*{_TABLE}"), None) is not None:
        return AnnotationFormat.CSV
    file = _json_files(path)[0]
    document = _document(file)
    if {"images", "annotations"} <= document.keys():
        return AnnotationFormat.COCO
    if "shapes" in document:
        return AnnotationFormat.LABELME
    raise ReadError("The file holds annotations of no known form", path=file, remedy=FORMS)


def _json_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = sorted(path.glob("*.json")) if path.is_dir() else []
    if not files:
        what = "The folder holds no annotations" if path.is_dir() else "There is no such file or folder"
        raise ReadError(what, path=path, remedy=FORMS)
    return files


def _document(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise ReadError("The file cannot be read", path=file, remedy="Check its permissions.") from error
    except (ValueError, RecursionError) as error:
        raise ReadError(f"The file is not valid JSON ({error})", path=file, remedy=FORMS) from error
    if not isinstance(document, dict):
        raise ReadError("The file holds annotations of no known form", path=file, remedy=FORMS)
    return document


# -- a table a film ------------------------------------------------------------------------------


def _read_tables(folder: Path) -> list[AnnotatedFilm]:
    tables = sorted(folder.rglob(f"*{_TABLE}")) if folder.is_dir() else []
    if not tables:
        raise ReadError(f"The folder holds no *{_TABLE}", path=folder, remedy=FORMS)
    films = []
    for table in tables:
        stem = table.name.removesuffix(_TABLE)
        images = [
            other
            for other in sorted(table.parent.iterdir())
            if other.stem == stem + _IMAGE and other.suffix.lower() in _IMAGE_SUFFIXES
        ]
        if len(images) != 1:
            raise ReadError(
                f"The table has {len(images)} images, not one",
                path=table,
                remedy=f"Put the film beside it as {stem}{_IMAGE}.jpg (or .png).",
            )
        points = _table_points(table)
        films.append(AnnotatedFilm(images[0], points, (), None, stem, _height_of(images[0])))
    return films


def _table_points(table: Path) -> NDArray[np.float64]:
    try:
        lines = table.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError("The table cannot be read", path=table, remedy="Save it as UTF-8 text.") from error
    points = []
    for number, line in enumerate(lines, 1):
        parts = line.split(";" if ";" in line else ",")
        if not "".join(parts).strip():
            continue
        try:
            x, y = (_finite(part) for part in parts)
        except (TypeError, ValueError) as error:
            raise ReadError(
                f"Line {number} is {line[:40]!r}, not a column and a row",
                path=table,
                remedy="Give one point a line as column;row, without a heading.",
            ) from error
        points.append((x, y))
    if not points:
        raise ReadError("The table holds no points", path=table, remedy="Give one point a line.")
    return np.array(points, dtype=np.float64)


def _height_of(image: Path) -> int:
    try:
        with image.open("rb") as file:
            return image_frames(file)[1]
    except Exception as error:  # the header parsers raise many kinds on damaged files
        raise ReadError("The image file is damaged", path=image, remedy="Export it again.") from error


# -- COCO keypoints --------------------------------------------------------------------------------


def _coco_films(file: Path, document: Mapping[str, Any]) -> list[AnnotatedFilm]:
    """One film an image with its only annotation; a keypoint of visibility 0 is unknown."""
    films: dict[Any, AnnotatedFilm] = {}
    with _reading(file, "the file"):
        images = {image["id"]: image for image in document["images"]}
        names = {c["id"]: [str(name) for name in c.get("keypoints", ())] for c in document["categories"]}
        annotations = list(document["annotations"])
    for number, annotation in enumerate(annotations, 1):
        with _reading(file, f"annotation {number}"):
            if "keypoints" not in annotation:
                continue
            image, keys = images[annotation["image_id"]], names[annotation["category_id"]]
            if image["id"] in films:
                raise ValueError("the image has two annotated objects")
            points = [_finite(value) for value in annotation["keypoints"]]
            if not points or len(points) != 3 * len(keys):
                raise ValueError(f"{len(points)} numbers for {len(keys)} keypoints, not x, y and visibility")
            table = np.array(points).reshape(-1, 3)
            places = np.where(table[:, 2:] > 0, table[:, :2], np.nan)
            path = _inside(file.parent, image["file_name"])
            films[image["id"]] = AnnotatedFilm(
                path, places, tuple(keys), None, path.name, int(image["height"])
            )
    if not films:
        raise ReadError("The file holds no keypoints", path=file, remedy=FORMS)
    return list(films.values())


# -- labelme ---------------------------------------------------------------------------------------


def _labelme_film(file: Path, document: Mapping[str, Any]) -> AnnotatedFilm:
    """The film of one labelme file; shapes that are not points are left out."""
    points: dict[str, tuple[float, float]] = {}
    with _reading(file, "the file"):
        shapes = list(document["shapes"])
    for number, shape in enumerate(shapes, 1):
        with _reading(file, f"shape {number}"):
            if shape.get("shape_type", "point") != "point":
                continue
            label, ((x, y),) = str(shape["label"]), shape["points"]
            if label in points:
                raise ValueError(f"point '{label}' is there twice")
            points[label] = (_finite(x) - _LABELME_CENTRE, _finite(y) - _LABELME_CENTRE)
    if not points:
        raise ReadError("The file holds no points", path=file, remedy="Annotate with shapes of kind point.")
    with _reading(file, "the file"):
        path = _inside(file.parent, document["imagePath"])
        height = int(document.get("imageHeight") or _height_of(path))
    places = np.array(list(points.values()), dtype=np.float64)
    return AnnotatedFilm(path, places, tuple(points), None, path.name, height)


# -- parts -----------------------------------------------------------------------------------------


@contextmanager
def _reading(file: Path, place: str) -> Iterator[None]:
    """Refuse a field that is missing or wrong, naming the place."""
    remedy = "Correct it or export the set again."
    try:
        yield
    except KeyError as error:
        raise ReadError(f"In {place}: {error} is missing", path=file, remedy=remedy) from error
    except (TypeError, ValueError, IndexError, OverflowError, AttributeError) as error:
        raise ReadError(f"In {place}: {error}", path=file, remedy=remedy) from error


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is not a number")
    return number


def _inside(folder: Path, name: Any) -> Path:
    """The file of this name, which must lie in the folder of the annotations."""
    if not isinstance(name, str):
        raise TypeError("the image has no name")
    relative = PurePosixPath(name.replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts or ":" in name or not relative.name:
        raise ValueError(f"the image {name!r} lies outside the folder")
    return folder / relative
