"""The bank on disk: round trips, every kind of damage, references as the matcher gets them."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.adapters.bank import (
    MANIFEST,
    Bank,
    add_reference,
    default_bank_folder,
    load_bank,
    open_or_create,
    read_reference_image,
    remove_reference,
)
from core.adapters.bank_check import check_bank
from core.errors import BankError, CatalogueError, WriteError
from core.film import Side
from core.measure.loader import load_catalogue
from tests.core.bank_folder import VIEW, edit_manifest, entry, make_bank, picture, points_of

CATALOGUE = load_catalogue()


def problems(folder):
    return check_bank(load_bank(folder), CATALOGUE)


def test_a_sound_bank_has_no_problems(tmp_path):
    bank = make_bank(tmp_path)
    assert [e.key for e in bank.entries] == ["r1", "r2"]
    assert problems(tmp_path) == []
    again = load_bank(tmp_path)
    assert again.sha256 == bank.sha256
    assert dict(again.entries[0].points) == points_of(1)
    assert again.entries[0].size_px == (160, 200)
    assert again.entries[0].spacing_mm == 0.25
    assert (again.entries[0].origin, again.entries[0].licence) == ("made up", "CC0")


def test_the_hash_covers_images_and_points(tmp_path):
    first = make_bank(tmp_path).sha256
    edit_manifest(tmp_path, lambda d: d["references"][0]["points"].update({VIEW.point_keys[0]: [30.0, 40.0]}))
    assert load_bank(tmp_path).sha256 != first


def test_add_and_remove(tmp_path):
    bank = make_bank(tmp_path, 1)
    bank = add_reference(bank, entry("x-1_b.c", 5, spacing_mm=None, side=Side.RIGHT), picture(5))
    stored = load_bank(tmp_path).entry("x-1_b.c")
    assert stored.side is Side.RIGHT
    assert stored.spacing_mm is None
    image = read_reference_image(tmp_path, stored)
    assert image.shape == (200, 160)
    assert np.corrcoef(image.ravel(), picture(5).ravel())[0, 1] > 0.99
    bank = remove_reference(load_bank(tmp_path), "x-1_b.c")
    assert [e.key for e in load_bank(tmp_path).entries] == ["r1"] == [e.key for e in bank.entries]
    assert not (tmp_path / stored.image).exists()
    assert (tmp_path / bank.entries[0].image).exists()


def test_only_grey_values_are_stored(tmp_path):
    make_bank(tmp_path, 1)
    data = (tmp_path / VIEW.key / "r1.png").read_bytes()
    chunks, at = [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunks.append(data[at + 4 : at + 8])
        at += 12 + length
    assert set(chunks) == {b"IHDR", b"IDAT", b"IEND"}


def test_a_key_in_use_and_an_unknown_key(tmp_path):
    bank = make_bank(tmp_path)
    with pytest.raises(BankError, match="already"):
        add_reference(bank, entry("r1", 9), picture(9))
    with pytest.raises(BankError, match="Did you mean 'r1'"):
        remove_reference(bank, "r11")
    assert problems(tmp_path) == []


@pytest.mark.parametrize("key", ["", "..", ".hidden", "a/b", "a\\b", "../../x", "a b", "a:b", "a\0b", "a\n"])
def test_a_key_cannot_leave_the_folder(tmp_path, key):
    before = sorted(p for p in tmp_path.parent.rglob("*"))
    with pytest.raises(BankError, match="cannot be the key"):
        add_reference(Bank(tmp_path, "", ()), entry(key), picture(0))
    assert sorted(p for p in tmp_path.parent.rglob("*")) == before


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises((BankError, WriteError)) as caught:
        make_bank(tmp_path / "file" / "bank", 1)
    assert caught.value.path is not None
    assert caught.value.remedy


def test_the_shipped_bank_is_not_changed(tmp_path):
    with pytest.raises(BankError, match="shipped bank"):
        open_or_create(default_bank_folder())
    assert open_or_create(tmp_path / "mine").entries == ()
    make_bank(tmp_path)
    assert len(open_or_create(tmp_path).entries) == 2


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / VIEW.key / "r2.png").unlink(), "r2: The image of reference r2 cannot be read"),
        (lambda f: flip(f / VIEW.key / "r2.png"), "r2: The image of reference r2 is damaged"),
        (lambda f: edit(f, size_px=[161, 200]), "r2: the image has 160 x 200 pixels"),
        (lambda f: edit(f, view="ankle_app"), "r2: unknown view 'ankle_app'. Did you mean 'ankle_ap'?"),
        (lambda f: point(f, "medial_maleolus_tip", [5, 5]), "Did you mean 'medial_malleolus_tip'?"),
        (lambda f: point(f, VIEW.point_keys[3], [160.0, 20]), f"point '{VIEW.point_keys[3]}' lies off"),
        (lambda f: point(f, VIEW.point_keys[3], [20, -0.6]), f"point '{VIEW.point_keys[3]}' lies off"),
        (lambda f: drop_point(f), f"1 points are missing, first '{VIEW.point_keys[0]}'"),
        (lambda f: same_image(f), "r2: the same image as r1"),
    ],
)
def test_check_finds(tmp_path, damage, words):
    make_bank(tmp_path)
    damage(tmp_path)
    found = problems(tmp_path)
    assert len(found) == 1, found
    assert found[0].startswith("r2: ")
    assert words in found[0]


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def edit(folder, **changes):
    edit_manifest(folder, lambda d: d["references"][1].update(changes))


def point(folder, key, place):
    edit_manifest(folder, lambda d: d["references"][1]["points"].update({key: place}))


def drop_point(folder):
    edit_manifest(folder, lambda d: d["references"][1]["points"].pop(VIEW.point_keys[0]))


def same_image(folder):
    def change(document):
        first, second = document["references"]
        second.update(image=first["image"], sha256=first["sha256"])

    edit_manifest(folder, change)


def test_an_image_that_is_none_is_found_though_its_hash_fits(tmp_path):
    import hashlib

    make_bank(tmp_path)
    (tmp_path / VIEW.key / "r2.png").write_bytes(b"no image")
    edit(tmp_path, sha256=hashlib.sha256(b"no image").hexdigest())
    assert problems(tmp_path) == [f"r2: The image of reference r2 cannot be decoded ({VIEW.key}/r2.png)"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(format="other"), "not the manifest"),
        (lambda d: d.update(version=2), "version 2"),
        (lambda d: d.update(references={"a": 1}), "lists no references"),
    ],
)
def test_a_wrong_manifest_is_refused_in_words(tmp_path, change, words):
    make_bank(tmp_path)
    edit_manifest(tmp_path, change)
    with pytest.raises(BankError) as caught:
        load_bank(tmp_path)
    assert words in caught.value.what
    assert caught.value.path == tmp_path / MANIFEST
    assert caught.value.remedy.endswith(".")


WRONG_ENTRIES = [
    (lambda d: d["references"][1].update(key="r1"), "(r1) is wrong: another reference has this key"),
    (lambda d: d["references"][1].update(image="../x.png"), "outside the bank"),
    (lambda d: d["references"][1].update(image="/etc/x.png"), "outside the bank"),
    (lambda d: d["references"][1].update(image="c:x.png"), "outside the bank"),
    (lambda d: d["references"][1].update(image="a\\..\\x.png"), "outside the bank"),
    (lambda d: d["references"][1].update(side="up"), "'up' is not a valid Side"),
    (lambda d: d["references"][1].update(points=[1, 2]), "is wrong"),
    (lambda d: d["references"][1].update(points={"a": [1, float("nan")]}), "point 'a' is not a number"),
    (lambda d: d["references"][1].update(points={"a": [1, 2, 3]}), "is wrong"),
    (lambda d: d["references"][1].update(size_px=[1]), "is wrong"),
    (lambda d: d["references"][1].update(size_px=[0, 5]), "size_px is [0, 5]"),
    (lambda d: d["references"][1].update(size_px=[float("inf"), 1]), "is wrong"),
    (lambda d: d["references"][1].pop("sha256"), "'sha256' is missing"),
    (lambda d: d["references"].__setitem__(1, 5), "Reference 2 (?) is wrong: not an object"),
    *(
        (lambda d, s=spacing: d["references"][1].update(spacing_mm=s), "spacing_mm is")
        for spacing in (0, -0.2, float("nan"), float("inf"), 1e-9, 50, True)
    ),
    (lambda d: d["references"][1].update(spacing_mm="x"), "could not convert"),
    (lambda d: d["references"][1].update(spacing_mm=[1]), "is wrong"),
]


@pytest.mark.parametrize(("change", "words"), WRONG_ENTRIES)
def test_a_wrong_reference_leaves_the_others_usable(tmp_path, change, words):
    make_bank(tmp_path)
    edit_manifest(tmp_path, change)
    bank = load_bank(tmp_path)
    assert [e.key for e in bank.entries] == ["r1"]
    (refused,) = bank.refused
    assert words in refused.what
    assert refused.what.startswith("Reference 2")
    assert check_bank(bank, CATALOGUE) == [refused.what]
    assert len(bank.references(CATALOGUE)) == 1


def test_a_wrong_reference_survives_changes_of_the_others_and_can_be_removed(tmp_path):
    make_bank(tmp_path)
    edit_manifest(tmp_path, lambda d: d["references"][1].update(spacing_mm=-1))
    with pytest.raises(BankError, match="already a reference 'r2'"):
        add_reference(load_bank(tmp_path), entry("r2", 9), picture(9))
    bank = add_reference(load_bank(tmp_path), entry("r3", 9), picture(9))
    assert [r.key for r in bank.refused] == ["r2"]
    edit_manifest(tmp_path, lambda d: d["references"][2].update(spacing_mm=0.2))
    assert load_bank(tmp_path).refused == ()
    edit_manifest(tmp_path, lambda d: d["references"][2].update(spacing_mm=-1))
    bank = remove_reference(load_bank(tmp_path), "r2")
    assert ([e.key for e in bank.entries], bank.refused) == (["r1", "r3"], ())


def test_nearly_the_same_film_is_found(tmp_path):
    bank = make_bank(tmp_path)
    again = picture(1) ** 0.9 + np.random.default_rng(0).normal(0, 1, (200, 160)).astype(np.float32)
    for key, film in (("small", cv2.resize(again, (120, 150))), ("turned", again[:, ::-1])):
        bank = add_reference(bank, entry(key, 1), film.astype(np.float32))
    assert [problem for problem in problems(tmp_path) if "off the film" not in problem] == [
        "small: nearly the same film as r1",
        "turned: nearly the same film as r1",
    ]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_manifest_that_is_no_json_object(tmp_path, data):
    (tmp_path / MANIFEST).write_bytes(data)
    with pytest.raises(BankError) as caught:
        load_bank(tmp_path)
    assert caught.value.path == tmp_path / MANIFEST


def test_a_missing_manifest(tmp_path):
    with pytest.raises(BankError, match="cannot be read"):
        load_bank(tmp_path / "nowhere")


def test_references_follow_the_views_order_and_lack_points_as_nan(tmp_path):
    make_bank(tmp_path)
    edit_manifest(tmp_path, lambda d: d["references"][0]["points"].pop(VIEW.point_keys[2]))
    first, second = load_bank(tmp_path).references(CATALOGUE, VIEW.key)
    assert first.points_px.shape == (len(VIEW.points), 2)
    assert np.isnan(first.points_px[2]).all()
    assert np.isfinite(np.delete(first.points_px, 2, axis=0)).all()
    assert second.points_px == pytest.approx(np.array(list(points_of(2).values())))
    assert first.digest != second.digest


def test_references_of_one_view_of_all_and_of_an_unknown_one(tmp_path):
    bank = make_bank(tmp_path)
    assert len(bank.references(CATALOGUE)) == 2
    assert bank.references(CATALOGUE, "hand_pa") == []
    with pytest.raises(CatalogueError, match="ankle_ap"):
        bank.references(CATALOGUE, "ankle_app")


def test_a_right_reference_is_mirrored_in_memory(tmp_path):
    make_bank(tmp_path, 1)
    edit_manifest(tmp_path, lambda d: d["references"][0].update(side="right"))
    (mirrored,) = load_bank(tmp_path).references(CATALOGUE)
    stored = load_bank(tmp_path).entries[0]
    plain = read_reference_image(tmp_path, stored)
    assert mirrored.side is Side.LEFT
    assert (mirrored.read_image() == plain[:, ::-1]).all()
    expected = np.array(list(points_of(1).values()))
    expected[:, 0] = 159 - expected[:, 0]
    assert mirrored.points_px == pytest.approx(expected)


def test_the_digest_follows_image_points_and_side(tmp_path):
    def digest():
        return load_bank(tmp_path).references(CATALOGUE)[0].digest

    make_bank(tmp_path, 1)
    seen = {digest()}
    for change in (
        lambda d: d["references"][0].update(side="right"),
        lambda d: d["references"][0]["points"].update({VIEW.point_keys[0]: [9.0, 9.0]}),
        lambda d: d["references"][0].update(sha256="0" * 64),
    ):
        edit_manifest(tmp_path, change)
        seen.add(digest())
    assert len(seen) == 4


def test_a_damaged_image_is_refused_when_it_is_read(tmp_path):
    make_bank(tmp_path, 1)
    (reference,) = load_bank(tmp_path).references(CATALOGUE)
    flip(tmp_path / VIEW.key / "r1.png")
    with pytest.raises(BankError, match="damaged"):
        reference.read_image()


def test_deep_references_are_kept(tmp_path):
    deep = np.arange(200 * 160, dtype=np.uint16).reshape(200, 160)
    path = tmp_path / "deep.png"
    cv2.imwrite(str(path), deep)
    import hashlib

    sixteen = replace(
        entry("deep"),
        image="deep.png",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size_px=(160, 200),
    )
    assert (read_reference_image(tmp_path, sixteen) == deep).all()


def test_the_manifest_is_readable_text(tmp_path):
    make_bank(tmp_path, 1)
    document = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))
    assert (document["format"], document["version"]) == ("orthomatch-bank", 1)
    assert set(document["references"][0]) == {
        "key", "view", "side", "image", "sha256", "size_px", "spacing_mm", "origin", "licence", "points",
    }  # fmt: skip


def test_the_shipped_bank_is_sound():
    bank = load_bank()
    assert check_bank(bank, CATALOGUE) == []
    assert {"hand_pa", "ankle_ap"} <= {e.view for e in bank.entries} <= set(CATALOGUE.views)
    assert all(e.licence and e.origin for e in bank.entries)
