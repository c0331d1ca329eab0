"""Annotations of other programs: what is read, and that whatever is wrong is refused with its place."""

import json

import cv2
import numpy as np
import pytest

from core.adapters.annotations import AnnotationFormat, read_annotations, recognise
from core.adapters.bank import add_references, load_bank, open_or_create
from core.adapters.bank_import import PointNames, additions, named_points, read_point_names
from core.errors import ReadError
from core.film import Side
from core.measure.loader import default_catalogue
from tests.core.bank_folder import VIEW, make_cases, picture, points_of

KEYS = VIEW.point_keys
ABOUT = {"side": Side.LEFT, "origin": "o", "licence": "l"}


def film(path, seed=1):
    cv2.imwrite(str(path), np.clip(picture(seed), 0, 255).astype(np.uint8))


def tables(folder, count=2):
    """The layout of one semicolon-separated table a film, columns first."""
    for number in range(count):
        film(folder / f"p{number}_image.jpg", number)
        lines = [f"{x};{y}" for x, y in points_of(number).values()]
        (folder / f"p{number}_landmarks.csv").write_text("\n".join(lines) + "\n\n")
    return folder


def coco(folder, **changes):
    film(folder / "a.png")
    points = [value for x, y in points_of(1).values() for value in (x, y, 2)]
    document = {
        "images": [{"id": 7, "file_name": "a.png", "width": 160, "height": 200}],
        "categories": [{"id": 1, "name": "ankle", "keypoints": list(KEYS)}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 1, "keypoints": points}],
    }
    (folder / "set.json").write_text(json.dumps(document | changes))
    return folder / "set.json"


def labelme(folder, **changes):
    film(folder / "a.png")
    shapes = [
        {"label": key, "points": [[x + 0.5, y + 0.5]], "shape_type": "point"}
        for key, (x, y) in points_of(1).items()
    ]
    document = {"shapes": shapes, "imagePath": "a.png", "imageHeight": 200, "imageWidth": 160}
    (folder / "a.json").write_text(json.dumps(document | changes))
    return folder


def test_every_form_is_recognised(tmp_path):
    made = {
        "landmarks": lambda f: make_cases(f, 1),
        "csv": tables,
        "coco": coco,
        "labelme": labelme,
    }
    for name, make in made.items():
        (tmp_path / name).mkdir()
        assert recognise(make(tmp_path / name)) is AnnotationFormat(name)
        assert recognise(tmp_path / name) is AnnotationFormat(name)


def test_tables_are_column_then_row(tmp_path):
    (tmp_path / "deep").mkdir()
    films = read_annotations(tables(tmp_path / "deep").parent)
    assert [f.path.name for f in films] == ["p0_image.jpg", "p1_image.jpg"]
    assert films[1].points_px == pytest.approx(np.array(list(points_of(1).values())))
    assert (films[0].height_px, films[0].mm_per_px, films[0].group) == (200, None, "p0")


def test_coco_points_of_no_visibility_are_unknown(tmp_path):
    path = coco(tmp_path)
    document = json.loads(path.read_text())
    document["annotations"][0]["keypoints"][3:6] = [0, 0, 0]
    document["annotations"].append({"image_id": 7, "category_id": 1, "bbox": [0, 0, 1, 1]})
    path.write_text(json.dumps(document))
    (read,) = read_annotations(path)
    assert np.isnan(read.points_px[1]).all()
    assert read.names == KEYS
    found = named_points(read, VIEW, PointNames())
    assert found == {key: place for key, place in points_of(1).items() if key != KEYS[1]}


def test_labelme_counts_from_the_corner_of_the_first_pixel(tmp_path):
    (read,) = read_annotations(labelme(tmp_path))
    assert list(read.names) == list(points_of(1))
    assert read.points_px == pytest.approx(np.array(list(points_of(1).values())))


def test_labelme_shapes_that_are_no_points_are_left_out(tmp_path):
    shapes = [
        {"label": KEYS[0], "points": [[3, 4]]},
        {"label": "tibia", "points": [[1, 1], [2, 2], [3, 1]], "shape_type": "polygon"},
    ]
    (read,) = read_annotations(labelme(tmp_path, shapes=shapes))
    assert read.names == (KEYS[0],)
    assert read.points_px.tolist() == [[2.5, 3.5]]


def test_names_by_key_by_name_and_by_mapping(tmp_path):
    point = VIEW.points[1]
    shapes = [
        {"label": KEYS[0].replace("_", "-").upper(), "points": [[3, 4]]},
        {"label": point.name, "points": [[5, 6]]},
        {"label": "mein Punkt", "points": [[7, 8]]},
        {"label": "marker", "points": [[1, 1]]},
    ]
    (read,) = read_annotations(labelme(tmp_path, shapes=shapes))
    (tmp_path / "names").write_text(json.dumps({"mein Punkt": KEYS[2], "marker": None}))
    found = named_points(read, VIEW, read_point_names(tmp_path / "names"))
    assert found == {KEYS[0]: (2.5, 3.5), point.key: (4.5, 5.5), KEYS[2]: (6.5, 7.5)}
    with pytest.raises(ReadError, match="no point 'mein Punkt'") as caught:
        named_points(read, VIEW, PointNames())
    assert "--mapping" in caught.value.remedy
    with pytest.raises(ReadError, match="there twice"):
        named_points(read, VIEW, PointNames(renamed={"mein Punkt": KEYS[0], "marker": None}))


def test_an_order_names_unnamed_points(tmp_path):
    read = read_annotations(tables(tmp_path, 1))[0]
    order = ("-", KEYS[5], *("-" for _ in KEYS[2:]))
    assert named_points(read, VIEW, PointNames(order)) == {KEYS[5]: points_of(0)[KEYS[1]]}
    (tmp_path / "order").write_text(json.dumps([None if key == "-" else key for key in order]))
    assert read_point_names(tmp_path / "order").order == order
    with pytest.raises(ReadError, match="--points names 2"):
        named_points(read, VIEW, PointNames(KEYS[:2]))
    with pytest.raises(ReadError, match="17 points; the view hand_pa has 37"):
        named_points(read, default_catalogue().view("hand_pa"), PointNames())


@pytest.mark.parametrize("text", ["5", "{", '{"a": 1}', "[1]"])
def test_wrong_files_of_names(tmp_path, text):
    (tmp_path / "names").write_text(text)
    with pytest.raises(ReadError, match="names") as caught:
        read_point_names(tmp_path / "names")
    assert caught.value.remedy


def test_import_keeps_films_and_points(tmp_path):
    (tmp_path / "set").mkdir()
    films = read_annotations(tables(tmp_path / "set"))
    new = additions(films, VIEW, **ABOUT, spacing_mm=0.15)
    add_references(open_or_create(tmp_path / "bank"), new)
    entries = load_bank(tmp_path / "bank").entries
    assert [e.key for e in entries] == ["ankle_ap-p0", "ankle_ap-p1"]
    assert dict(entries[1].points) == points_of(1)
    assert entries[0].spacing_mm == 0.15
    assert entries[0].size_px == (160, 200)


def test_films_of_both_sides_have_side_both(tmp_path):
    view = default_catalogue().view("pelvis_ap")
    (tmp_path / "x_landmarks.csv").write_text("\n".join(f"{i};{i}" for i in range(len(view.points))))
    film(tmp_path / "x_image.jpg")
    ((entry, _),) = additions(read_annotations(tmp_path), view, **ABOUT)
    assert entry.side is Side.BOTH


def test_points_off_the_film_stop_the_import_and_leave_nothing(tmp_path):
    (tmp_path / "set").mkdir()
    tables(tmp_path / "set")
    rows_first = "\n".join(f"{y};{x}" for x, y in points_of(1).values())
    (tmp_path / "set" / "p1_landmarks.csv").write_text(rows_first)
    new = additions(read_annotations(tmp_path / "set"), VIEW, **ABOUT)
    with pytest.raises(ReadError, match=r"lies off the film of 160 x 200.*column and row"):
        add_references(open_or_create(tmp_path / "bank"), new)
    assert not list((tmp_path / "bank").rglob("*.png"))
    assert not (tmp_path / "bank" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("line", "words"),
    [("x;y", "Line 3"), ("1;2;3", "Line 3"), ("5", "Line 3"), ("nan;4", "Line 3"), ("inf;4", "Line 3")],
)
def test_wrong_lines_are_named(tmp_path, line, words):
    film(tmp_path / "a_image.jpg")
    (tmp_path / "a_landmarks.csv").write_text(f"1;2\n3;4\n{line}\n")
    with pytest.raises(ReadError, match=words) as caught:
        read_annotations(tmp_path)
    assert caught.value.path == tmp_path / "a_landmarks.csv"
    assert "column;row" in caught.value.remedy


def test_tables_without_film_or_points(tmp_path):
    (tmp_path / "a_landmarks.csv").write_text("1;2\n")
    with pytest.raises(ReadError, match="0 images"):
        read_annotations(tmp_path)
    (tmp_path / "a_image.jpg").write_bytes(b"x")
    with pytest.raises(ReadError, match="damaged"):
        read_annotations(tmp_path)
    (tmp_path / "a_landmarks.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(ReadError, match="cannot be read"):
        read_annotations(tmp_path)
    (tmp_path / "a_landmarks.csv").write_text("\n")
    with pytest.raises(ReadError, match="no points"):
        read_annotations(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": []}, "annotation 1: 7 is missing"),
        ({"images": [{"id": 7, "file_name": "../a.png", "height": 2}]}, "outside the folder"),
        ({"images": [{"id": 7, "file_name": "/a.png", "height": 2}]}, "outside the folder"),
        ({"images": [{"id": 7, "height": 2}]}, "'file_name' is missing"),
        ({"images": [{"file_name": "a.png"}]}, "'id' is missing"),
        ({"images": 5}, "In the file: "),
        ({"categories": []}, "1 is missing"),
        ({"annotations": []}, "no keypoints"),
        ({"annotations": [5]}, "annotation 1: "),
        ({"annotations": [{"image_id": 7, "category_id": 1, "keypoints": [1, 2]}]}, "2 numbers for 17"),
        ({"annotations": [{"image_id": 7, "category_id": 1, "keypoints": ["x"]}]}, "annotation 1"),
    ],
)
def test_wrong_coco_files(tmp_path, changes, words):
    path = coco(tmp_path, **changes)
    with pytest.raises(ReadError, match=words) as caught:
        read_annotations(path)
    assert caught.value.path == path
    assert caught.value.remedy


def test_two_objects_on_a_film_are_refused(tmp_path):
    path = coco(tmp_path)
    document = json.loads(path.read_text())
    document["annotations"] *= 2
    path.write_text(json.dumps(document))
    with pytest.raises(ReadError, match="annotation 2: the image has two"):
        read_annotations(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shapes": [{"points": [[1, 2]]}]}, "shape 1: 'label' is missing"),
        ({"shapes": [{"label": "a", "points": []}]}, "shape 1: "),
        ({"shapes": [{"label": "a", "points": [[1, 2], [3, 4]]}]}, "shape 1: "),
        ({"shapes": [{"label": "a", "points": [["x", 2]]}]}, "shape 1: "),
        ({"shapes": [{"label": "a", "points": [[1, 2]]}] * 2}, "shape 2: point 'a' is there twice"),
        ({"shapes": []}, "no points"),
        ({"imagePath": "..\\..\\a.png"}, "outside the folder"),
        ({"imagePath": None}, "In the file: "),
        ({"shapes": None}, "In the file: "),
    ],
)
def test_wrong_labelme_files(tmp_path, changes, words):
    labelme(tmp_path, **changes)
    with pytest.raises(ReadError, match=words) as caught:
        read_annotations(tmp_path)
    assert caught.value.path == tmp_path / "a.json"
    assert caught.value.remedy


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"a": 1}'])
def test_files_of_no_known_form(tmp_path, data):
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(ReadError) as caught:
        read_annotations(tmp_path)
    assert caught.value.path == tmp_path / "a.json"
    assert caught.value.remedy


def test_nothing_to_read(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ReadError) as caught:
            read_annotations(path)
        assert caught.value.path == path
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.json").write_text("{}")
    with pytest.raises(ReadError, match="2 JSON files"):
        read_annotations(tmp_path, AnnotationFormat.COCO)
    with pytest.raises(ReadError, match="no \\*_landmarks"):
        read_annotations(tmp_path, AnnotationFormat.CSV)
