"""Every fault of a catalogue file is named with file, place and remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import CatalogueError
from core.measure.definitions import RowDefinition, ShaftDefinition
from core.measure.loader import load_catalogue

GOOD = """
[view]
key = "toy"
name = "Toy"
version = 1
body_part = "Toy"
projection = "Flat."
canonical_side = "left"

[view.tags]
body_parts = ["TOY"]
positions = ["AP"]
region = { value = "1", scheme = "SCT", meaning = "Toy" }
projection = { value = "2", scheme = "SCT", meaning = "flat" }

[[point]]
key = "a"
name = "A"
description = "Here."

[[point]]
key = "b"
name = "B"
description = "There."

[[point]]
key = "c"
name = "C"
description = "Elsewhere."

[[measurement]]
key = "height"
name = "Height"
short = "H"
group = "Lengths"
version = 2
unit = "mm"
definition = "Distance of C from the line."
sign = "Positive: below."
source = "Geometry."
pitfalls = ["None   known."]
steps = [
  { key = "base", op = "line", of = ["a", "b"] },
  { key = "value", op = "signed_distance", of = ["c", "base"] },
]

[measurement.normal]
low = 1
high = 2.5
population = "toys"
citation = "A book."
verified = true

[measurement.by_group]
citation = "A paper."
verified = false
ranges = [ { group = "small toys", low = 1 }, { group = "large toys", high = 3 } ]

[measurement.grades]
scale = [ { name = "low", below = 1 }, { name = "middle", below = 2.5 }, { name = "high" } ]
population = "all toys"
citation = "Another book."
verified = true
"""


def write(folder: Path, text: str, name: str = "toy.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file_is_read(tmp_path: Path):
    write(tmp_path, GOOD)
    view = load_catalogue(tmp_path).view("toy")
    assert view.point_keys == ("a", "b", "c")
    assert view.synonyms == ()
    (measurement,) = view.measurements
    assert measurement.identifier == "height@2"
    assert measurement.points == ("a", "b", "c")
    assert measurement.pitfalls == ("None known.",)
    assert [step.op for step in measurement.steps] == ["line", "signed_distance"]
    assert measurement.normal is not None
    assert (measurement.normal.low, measurement.normal.high) == (1.0, 2.5)
    small, large = measurement.by_group
    assert (small.population, small.low, small.high) == ("small toys", 1.0, None)
    assert (large.population, large.low, large.high) == ("large toys", None, 3.0)
    assert {(group.citation, group.verified) for group in (small, large)} == {("A paper.", False)}
    assert measurement.grades is not None
    assert [measurement.grades.grade(value) for value in (-9, 0.99, 1, 2.4, 2.5, 99)] == [
        "low", "low", "middle", "middle", "high", "high",
    ]  # fmt: skip
    assert replace(measurement.grades, verified=False).grade(0) == ""


FAULTS = [
    # (text to replace, its replacement, what the message must say)
    ('op = "line"', 'op = "lime"', ["step 'base'", "unknown operation 'lime'", "Did you mean 'line'?"]),
    ('"a", "b"]', '"a", "bb"]', ["step 'base'", "unknown point or step 'bb'", "Did you mean 'b'?"]),
    ('["c", "base"]', '["c", "bass"]', ["step 'value'", "unknown point or step 'bass'", "'base'"]),
    (
        '["a", "b"] }',
        '["a", "value"] }',
        [
            "step 'base'",
            "constructed from 'value', which is constructed from it",
            "one of the two from points",
        ],
    ),
    ('["a", "b"] }', '["a", "base"] }', ["step 'base'", "constructed from 'base'"]),
    (
        'op = "line", of = ["a", "b"] },',
        'op = "line", of = ["a", "mid"] },\n  { key = "mid", op = "midpoint", of = ["b", "c"] },',
        ["step 'base'", "'mid' is used before it is constructed", "earlier"],
    ),
    ("version = 2", "version = 2\nversion = 3", ["Not valid TOML", "Correct that line"]),
    ('["c", "base"]', '["base", "c"]', ["'signed_distance' got line, point", "It takes point, line."]),
    ('["a", "b"] }', "[] }", ["operation 'line' got nothing", "It takes point, point."]),
    ('op = "line", of', 'op = "shaft_axis", of', ["got point, point", "4 or more points in pairs"]),
    ('op = "line", of', 'op = "circle", of', ["got point, point", "3 or more points."]),
    ('op = "line", of', 'op = "ratio", of', ["two lengths, two angles or two ratios"]),
    ('key = "base", op', 'key = "a", op', ["step 'a'", "already a point or a step"]),
    (
        '{ key = "value"',
        '{ key = "idle", op = "midpoint", of = ["a", "b"] },\n  { key = "value"',
        ["step 'idle'", "never used"],
    ),
    ('unit = "mm"', 'unit = "deg"', ["unit 'deg' does not fit", "last step of kind length", "of kind angle"]),
    ('unit = "mm"', 'unit = "cm"', ["measurement 'height'", "unknown unit 'cm'"]),
    ('key = "b"\n', 'key = "a"\n', ["point 2", "key 'a' is used twice"]),
    (
        'description = "There."\n',
        "",
        ["point 2", "field 'description' is missing", "Add description = ... (a text)"],
    ),
    ('source = "Geometry."\n', "", ["measurement 'height'", "field 'source' is missing"]),
    ('source = "Geometry."', 'source = "  "', ["field 'source' is empty", "Fill it in"]),
    ('source = "Geometry."', "source = 4", ["field 'source' is not a text"]),
    ("version = 2", "version = 0", ["field 'version' is 0", "Count from 1"]),
    ("version = 2", "version = true", ["field 'version' is not a whole number"]),
    ('short = "H"', 'short = "H"\nshrt = "H"', ["unknown field 'shrt'", "Did you mean 'short'?"]),
    ('pitfalls = ["None   known."]', "pitfalls = [1]", ["'pitfalls' is not a list of texts"]),
    ("low = 1\nhigh = 2.5\n", "", ["neither low nor high"]),
    ("low = 1\n", "low = 3\n", ["low 3 is above high 2.5", "Exchange"]),
    ("low = 1\n", "low = true\n", ["field 'low' is not a number"]),
    ("verified = true", 'verified = "yes"', ["field 'verified' is not true or false"]),
    ("verified = true", "", ["field 'verified' is missing"]),
    ('canonical_side = "left"', 'canonical_side = "lft"', ["view", "unknown canonical_side 'lft'", "'left'"]),
    (
        'scheme = "SCT", meaning = "Toy"',
        'scheme = "SCT"',
        ["view, tags, region", "field 'meaning' is missing"],
    ),
    ('positions = ["AP"]', 'positions = "AP"', ["view, tags", "'positions' is not a list of texts"]),
    ("[view.tags]", "[view.tigs]", ["view", "field 'tags' is missing"]),
    (
        'group = "large toys"',
        'group = "small toys"',
        ["by_group, ranges 2", "group 'small toys' is used twice"],
    ),
    ('{ group = "small toys", low = 1 }', '{ group = "small toys" }', ["ranges 1", "neither low nor high"]),
    ('{ name = "high" }', '{ name = "high", below = 9 }', ["grades, scale 3", "grade 'high' has a limit"]),
    ('"low", below = 1 }', '"low" }', ["grades, scale 1", "grade 'low' has no limit", "but the last"]),
    ("below = 2.5", "below = 1", ["grades, scale 2", "limit 1 is not above 1", "rising values"]),
    ('name = "middle"', 'name = "low"', ["grades, scale 2", "grade 'low' is used twice"]),
    (
        '{ name = "low", below = 1 }, { name = "middle", below = 2.5 }, ',
        "",
        ["only one grade", "at least two"],
    ),
    ('population = "all toys"\n', "", ["grades: field 'population' is missing"]),
    ("[view]", "[extra]\nx = 1\n\n[view]", ["the file", "unknown field 'extra'"]),
    ("[[measurement]]", "[[measurements]]", ["field 'measurement' is not a list of tables"]),
    ("steps = [\n", "steps = [ 1,\n", ["'steps' is not a list of tables", "at least one"]),
    ('key = "toy"', 'key = "toys"', ["View 'toys' is in a file of another name", "Name it toys.toml"]),
    ("version = 2", "version =", ["Not valid TOML", "Correct that line"]),
]


@pytest.mark.parametrize(
    ("old", "new", "says"), FAULTS, ids=[says[0] + " " + says[-1] for _, _, says in FAULTS]
)
def test_each_fault_is_named_with_file_place_and_remedy(tmp_path: Path, old: str, new: str, says: list[str]):
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(tmp_path)
    assert caught.value.path == path
    assert caught.value.remedy
    for part in says:
        assert part in str(caught.value)


def refused(folder: Path, text: str, says: str) -> None:
    """A view that is not read, and told so with what to do."""
    write(folder, text)
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(folder)
    assert says in str(caught.value)
    assert caught.value.remedy


SHAFT = """
[[shaft]]
borders = [["a", "b"]]
start = ["c"]
unit = [["c"], ["d"]]
levels = [1, 2.5]
"""
WITH_SHAFT = GOOD.replace(
    "[[measurement]]",
    '[[point]]\nkey = "d"\nname = "D"\ndescription = "Beyond."\n' + SHAFT + "\n[[measurement]]",
    1,
)


def test_a_shaft_is_read(tmp_path: Path):
    write(tmp_path, WITH_SHAFT)
    (shaft,) = load_catalogue(tmp_path).view("toy").shafts
    assert shaft == ShaftDefinition((("a", "b"),), ("c",), (("c",), ("d",)), (1.0, 2.5))


def test_a_bone_beside_a_shaft_is_read(tmp_path: Path):
    point = '[[point]]\nkey = "e"\nname = "E"\ndescription = "Beside."\n'
    write(tmp_path, WITH_SHAFT.replace(SHAFT, point + SHAFT + 'beside = [["e"]]\n'))
    (shaft,) = load_catalogue(tmp_path).view("toy").shafts
    assert shaft.beside == (("e",),)
    assert shaft.placed == {"a", "b", "e"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("levels =", 'beside = [["d", "d", "d"]]\nlevels =', "a border beside has more points than levels"),
        ("levels =", 'beside = [["a"]]\nlevels =', "a point is used twice"),
        ("levels =", 'beside = [["e"]]\nlevels =', "unknown point 'e'"),
        ("levels =", 'beside = ["d"]\nlevels =', "'beside' is not a list of lists of texts"),
        ('[["a", "b"]]', '["a", "b"]', "shaft 1: field 'borders' is not a list of lists of texts"),
        ('[["a", "b"]]', "[[]]", "'borders' is not a list of lists of texts"),
        ('[["a", "b"]]', "[]", "a border has not one point a level"),
        ('[["a", "b"]]', '[["a"]]', "a border has not one point a level"),
        ('[["a", "b"]]', '[["a", "e"]]', "unknown point 'e'"),
        ('[["a", "b"]]', '[["a", "c"]]', "a point is used twice"),
        ('[["a", "b"]]', '[["a", "a"]]', "a point is used twice"),
        ('start = ["c"]', "start = []", "start or unit is incomplete"),
        ('[["c"], ["d"]]', '[["c"]]', "start or unit is incomplete"),
        ("[1, 2.5]", "[1]", "the levels do not rise"),
        ("[1, 2.5]", "[2.5, 1]", "the levels do not rise"),
        ("[1, 2.5]", '[1, "x"]', "'levels' is not a list of numbers"),
        ("levels =", "level =", "field 'levels' is missing"),
    ],
)
def test_each_fault_of_a_shaft_is_named(tmp_path: Path, old: str, new: str, says: str):
    assert old in SHAFT
    refused(tmp_path, WITH_SHAFT.replace(SHAFT, SHAFT.replace(old, new, 1)), says)


ROW = """
[[row]]
name = "Posts"
parts = ["x", "y", "z"]
points = ["up", "down"]
"""
WITH_ROW = GOOD.replace(
    "[[measurement]]",
    "".join(
        f'[[point]]\nkey = "{part}_{end}"\nname = "P"\ndescription = "There."\n\n'
        for part in "xyz"
        for end in ("up", "down")
    )
    + ROW
    + "\n[[measurement]]",
    1,
)


def test_a_row_is_read(tmp_path: Path):
    write(tmp_path, WITH_ROW)
    (row,) = load_catalogue(tmp_path).view("toy").rows
    assert row == RowDefinition("Posts", (("x_up", "x_down"), ("y_up", "y_down"), ("z_up", "z_down")))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "Posts"', "", "field 'name' is missing"),
        ('["x", "y", "z"]', '["x", "y", "w"]', "unknown point 'w_up'"),
        ('["up", "down"]', '["up", "left"]', "unknown point 'x_left'"),
        ('["x", "y", "z"]', '["x", "y"]', "the row is too short or names a point twice"),
        ('["x", "y", "z"]', '["x", "y", "y"]', "the row is too short or names a point twice"),
        ('["up", "down"]', '["up", "up"]', "the row is too short or names a point twice"),
        ('["up", "down"]', "[]", "the row is too short or names a point twice"),
        ("points =", "point =", "field 'points' is missing"),
    ],
)
def test_each_fault_of_a_row_is_named(tmp_path: Path, old: str, new: str, says: str):
    assert old in ROW
    refused(tmp_path, WITH_ROW.replace(ROW, ROW.replace(old, new, 1)), says)


def test_a_measurement_key_is_used_once(tmp_path: Path):
    start = GOOD.index("[[measurement]]")
    write(tmp_path, GOOD + GOOD[start:])
    with pytest.raises(CatalogueError, match="measurement 'height': key 'height' is used twice"):
        load_catalogue(tmp_path)


def test_a_view_is_defined_once(tmp_path: Path):
    write(tmp_path, GOOD)
    write(tmp_path, GOOD, "toy2.toml")
    with pytest.raises(CatalogueError, match="View 'toy' is defined twice"):
        load_catalogue(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path):
    with pytest.raises(CatalogueError, match="No view is defined"):
        load_catalogue(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(CatalogueError, match="cannot be read") as caught:
        load_catalogue(tmp_path / "none")
    assert caught.value.path == tmp_path / "none"


def test_a_file_of_another_encoding_is_refused(tmp_path: Path):
    (tmp_path / "toy.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(CatalogueError, match="cannot be read"):
        load_catalogue(tmp_path)
