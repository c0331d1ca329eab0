from pathlib import Path

import numpy as np
import pytest
import trimesh

from training.simulate import people as people_module
from training.simulate import shapes as shapes_module
from training.simulate.alignment import best_similarity
from training.simulate.anatomy import surface_volume
from training.simulate.bone_names import BONE_FILES
from training.simulate.joints import NEIGHBOURS, assemble
from training.simulate.people import People
from training.simulate.pose import ramp, rotation, wave_field
from training.simulate.registration import register, transfer
from training.simulate.scene import Surface
from training.simulate.shapes import FittedBone
from training.simulate.solids import cut
from training.simulate.subjects import (
    SPLITS,
    BoneSource,
    Subject,
    all_subjects,
    frame_rotation,
    shared_bones,
    subjects_for,
)
from training.simulate.surfaces import read_surface


def lump(subdivisions: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """A closed surface about 60 mm long with no symmetry: an ellipsoid with three bumps."""
    sphere = trimesh.creation.icosphere(subdivisions)
    v = np.asarray(sphere.vertices)
    radius = np.ones(len(v))
    bumps = ((1, 0.3, 0.2, 0.5), (-0.5, 0.9, 0.1, 0.35), (-0.3, -0.4, 0.9, 0.45))
    for x, y, z, height in bumps:
        direction = np.array([x, y, z]) / np.linalg.norm([x, y, z])
        radius += height * np.exp(-((1 - v @ direction) / 0.15))
    return v * radius[:, None] * np.array([30.0, 18.0, 12.0]), np.asarray(sphere.faces, dtype=np.int32)


def bent(v: np.ndarray, rms_mm: float = 1.5) -> np.ndarray:
    return v + wave_field(v, np.random.default_rng(5), 50.0, 90.0, rms_mm)


TURN = rotation(np.array([0.3, 1.0, -0.4]), 130.0)


def test_registration_recovers_a_known_deformation() -> None:
    v, f = lump()
    known = bent(v, 1.0)
    goal = 1.15 * known @ TURN.T + [300.0, -20.0, 40.0]
    # The subject's own surface has other vertices than the template.
    subject = trimesh.Trimesh(goal, f, process=False).simplify_quadric_decimation(face_count=3000)
    fit = register((v, f), (np.asarray(subject.vertices), np.asarray(subject.faces)))
    assert fit.mean_mm < 0.15
    assert fit.p95_mm < 0.4
    assert fit.folded == 0
    assert fit.size == pytest.approx(1.15, abs=0.03)
    # Along a smooth surface points cannot be told apart, at the tips of the bumps they can.
    away = np.linalg.norm(fit.fitted - goal, axis=1)
    undeformed = np.linalg.norm(best_similarity(v, goal)(v) - goal, axis=1)
    tips = [
        int((v @ direction).argmax()) for direction in ((1, 0.3, 0.2), (-0.5, 0.9, 0.1), (-0.3, -0.4, 0.9))
    ]
    assert away.mean() < 2.0
    assert away[tips].mean() < 0.6 * undeformed[tips].mean()


def test_registration_with_itself_changes_nothing() -> None:
    v, f = lump()
    fit = register((v, f), (v, f), np.eye(3))
    assert np.linalg.norm(fit.shape - v, axis=1).mean() < 0.2
    assert fit.size == pytest.approx(1.0, abs=0.005)


def test_a_mirror_image_does_not_fit_without_mirroring() -> None:
    v, f = lump()
    mirrored = v * [-1.0, 1.0, 1.0], f[:, ::-1]
    assert surface_volume(*mirrored) > 0
    wrong = register((v, f), mirrored)
    assert np.linalg.norm(wrong.shape - v, axis=1).mean() > 1.0


def test_a_part_pulls_only_what_it_covers() -> None:
    v, f = lump()
    # About as large as a long bone, standing upright; the subject shows its upper part.
    v = 3.0 * v[:, [1, 2, 0]]
    known = v + wave_field(v, np.random.default_rng(5), 150.0, 270.0, 3.0)
    shown = known[f].mean(axis=1)[:, 2] > -10.0
    part = trimesh.Trimesh(known, f[shown], process=False)
    part.remove_unreferenced_vertices()
    fit = register((v, f), (np.asarray(part.vertices), np.asarray(part.faces)), np.eye(3), partial=True)
    away = np.linalg.norm(fit.fitted - known, axis=1)
    assert fit.mean_mm < 0.5
    assert away[v[:, 2] > 20.0].mean() < 7.0
    assert away.max() < 30.0
    assert fit.folded == 0
    assert fit.size == pytest.approx(1.0, abs=0.1)


def shaft(width: float) -> tuple[np.ndarray, np.ndarray]:
    """A long bone of 400 mm that bends towards x at its upper end; ``width`` is relative."""
    sphere = trimesh.creation.icosphere(4)
    x, y, z = np.asarray(sphere.vertices).T
    around = np.hypot(x, y) + 1e-9
    radius = width * 15.0 * np.sqrt(1.0 - z**8)
    bend = 35.0 * ramp(200.0 * z, 110.0, 190.0)
    v = np.stack([x / around * radius + bend, y / around * radius * (1.0 + 0.3 * z), 200.0 * z], axis=1)
    return v, np.asarray(sphere.faces, dtype=np.int32)


@pytest.mark.parametrize("closed", [True, False])
def test_a_part_of_a_shaft_leaves_no_step(closed: bool) -> None:
    v, f = shaft(1.0)
    thicker = shaft(1.25)[0]
    part = cut(Surface(thicker, f), np.array([0.0, 0.0, 30.0]), np.array([0.0, 0.0, 1.0]))
    vertices, faces = part.vertices_mm, part.faces
    if not closed:
        faces = faces[vertices[faces][:, :, 2].min(axis=1) > 30.5]
    fit = register((v, f), (vertices, faces), np.eye(3), partial=True)
    levels = [np.abs(v[:, 2] - z) < 8.0 for z in np.arange(-150.0, 171.0, 10.0)]
    width = np.array([np.ptp(fit.shape[level, 1]) for level in levels])
    before = np.array([np.ptp(v[level, 1]) for level in levels])
    thicker_by = width / before
    assert np.ptp(thicker_by[:18]) < 0.01  # up to the cut the template, as large as the fit made it
    assert thicker_by[-6:].min() > 1.05 * thicker_by[0]
    assert np.abs(np.diff(thicker_by)).max() < 0.09
    assert fit.folded == 0
    assert fit.mean_mm < 0.5


def test_members_follow_the_base() -> None:
    v, f = lump(3)
    base = register((v, f), (v, f), np.eye(3))
    stretched = v * [1.2, 1.0, 1.0] @ TURN.T
    (fit,) = transfer(base, (v, f), (v, f), stretched[None])
    assert np.linalg.norm(fit.fitted - base.fitted * [1.2, 1.0, 1.0] @ TURN.T, axis=1).max() < 0.2
    assert fit.folded == 0


@pytest.mark.parametrize("frame", ["LPS", "RAS", "LAI", "LSA", "ALS", "RSP"])
def test_frames_are_proper_rotations(frame: str) -> None:
    assert np.linalg.det(frame_rotation(frame)) == pytest.approx(1.0)


def test_right_bones_are_read_as_left_ones(tmp_path: Path) -> None:
    v, f = lump(3)
    right = v * [-1.0, 1.0, 1.0] @ frame_rotation("RAS").T / 10.0
    trimesh.Trimesh(right, f[:, ::-1], process=False).export(tmp_path / "bone.ply")
    source = BoneSource("talus", "bone.ply", frame="RAS", mirrored=True, unit_mm=10.0)
    subject = Subject("someone", "train", True, 1.0, "", "", 1, "", {"talus": source})
    read = read_surface(tmp_path, subject, "talus", lambda bone: (v, f))
    assert np.allclose(np.sort(read.vertices, axis=0), np.sort(v, axis=0), atol=1e-3)
    assert surface_volume(read.vertices, read.faces) == pytest.approx(surface_volume(v, f), rel=1e-3)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_surface(tmp_path / "elsewhere", subject, "talus", lambda bone: (v, f))


def test_pieces_of_a_file_are_told_apart(tmp_path: Path) -> None:
    v, f = lump(3)
    places = {"talus": [0.0, 0.0, 0.0], "cuboid": [10.0, -80.0, 0.0], "navicular": [70.0, -70.0, 30.0]}
    template = {bone: (v + place, f) for bone, place in places.items()}
    parts = [trimesh.Trimesh(bent(w) * 1.1 + 400.0, f, process=False) for w, _ in template.values()]
    trimesh.util.concatenate(parts[::-1]).export(tmp_path / "all.ply")
    for bone, part in zip(template, parts, strict=True):
        source = BoneSource(bone, "all.ply", group=tuple(template), frame="LPS")
        subject = Subject("someone", "train", True, 1.0, "", "", 1, "", {bone: source})
        read = read_surface(tmp_path, subject, bone, template.__getitem__)
        assert np.allclose(read.vertices.mean(axis=0), part.vertices.mean(axis=0), atol=0.1)


def test_splits_are_disjoint_and_complete() -> None:
    names = [member for subject in all_subjects() for member in subject.member_ids]
    assert len(set(names)) == len(names)
    for bone in BONE_FILES:
        used = [{s.id for s in subjects_for(bone, split)} for split in SPLITS]
        assert all(used)
        for split, here in zip(SPLITS[1:], used[1:], strict=True):
            shared = bone in shared_bones()[split]
            assert (here == used[0]) if shared else here.isdisjoint(used[0])
            assert shared == (not any(s.split == split and bone in s.bones for s in all_subjects()))
        assert used[1].isdisjoint(used[2]) or used[1] == used[2] == used[0]


def test_subjects_on_terms_without_publication_are_test_subjects_only() -> None:
    bound = {s.id for s in all_subjects() if not s.ships}
    assert bound == {"vsd_z013", "vsd_z027", "jhu"}
    assert all(s.split == "test" for s in all_subjects() if not s.ships)
    assert all(s.licence and s.credit for s in all_subjects())


@pytest.mark.parametrize(
    "bone", ["hip_bone", "sacrum", "femur", "tibia", "fibula", "patella", "talus", "first_metatarsal"]
)
def test_legs_have_subjects_of_their_own_in_every_split(bone: str) -> None:
    assert not any(bone in bones for bones in shared_bones().values())


@pytest.fixture
def crowd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An anatomy folder with made-up bones, and subjects that need no registration."""
    v, f = lump(3)
    folder = tmp_path / "bodyparts3d"
    folder.mkdir()
    for file, shift in (("Left_talus", 0.0), ("Left_calcaneus", 40.0), ("Sacrum", -200.0)):
        trimesh.Trimesh(v + np.array([80.0, 0.0, -shift]), f, process=False).export(folder / f"{file}.ply")

    def shapes(anatomy: Path, bone: str, split: str) -> tuple[FittedBone, ...]:
        base = People(anatomy).template(bone)[0]
        found = []
        for k, subject in enumerate(subjects_for(bone, split)):
            for member in subject.member_ids:
                shape = base + wave_field(base, np.random.default_rng([k, len(member)]), 60.0, 90.0, 1.0)
                found.append(FittedBone(member, subject.weight, shape, 1.0, 0.1, 0.2, 0, True))
        return tuple(found)

    monkeypatch.setattr(people_module, "bone_shapes", shapes)
    return tmp_path


BONES = ("talus", "calcaneus", "calcaneus_right", "sacrum")


@pytest.mark.parametrize("split", SPLITS)
def test_blends_stay_within_their_split(crowd: Path, split: str) -> None:
    allowed = {m for s in all_subjects() if s.split == split for m in s.member_ids}
    for seed in range(40):
        person = People(crowd, split).draw(np.random.default_rng(seed), BONES)
        assert set(person.subjects) <= allowed
        assert sum(person.subjects.values()) == pytest.approx(1.0)


def test_only_people_to_train_on_reach_beyond_their_subjects(crowd: Path) -> None:
    def least(split: str) -> float:
        people = People(crowd, split)
        drawn = [people.draw(np.random.default_rng(s), ("sacrum",)).subjects for s in range(60)]
        return min(min(subjects.values()) for subjects in drawn)

    assert -0.25 < least("train") < -0.01
    assert least("test") > 0.0


def test_the_same_seed_draws_the_same_person(crowd: Path) -> None:
    a, b, c = (People(crowd).draw(np.random.default_rng(seed), BONES) for seed in (3, 3, 4))
    assert a.subjects == b.subjects
    assert a.size == b.size
    for bone in BONES:
        assert np.array_equal(a.vertices[bone], b.vertices[bone])
        assert not np.array_equal(a.vertices[bone], c.vertices[bone])


def test_no_variation_gives_the_template(crowd: Path) -> None:
    people = People(crowd)
    person = people.draw(np.random.default_rng(1), BONES, variation=0.0)
    assert person.size == 1.0
    for bone in BONES:
        vertices, faces = people.template(bone)
        assert np.allclose(person.vertices[bone], vertices, atol=1e-6)
        assert np.array_equal(person.faces[bone], faces)


def test_left_and_right_are_nearly_alike(crowd: Path) -> None:
    person = People(crowd).draw(np.random.default_rng(8), BONES)
    left, right = person.vertices["calcaneus"], person.vertices["calcaneus_right"]
    apart = np.linalg.norm(left - right * [-1.0, 1.0, 1.0], axis=1)
    assert 0.01 < apart.mean() < 0.6
    for bone in BONES:
        assert surface_volume(person.vertices[bone], person.faces[bone]) > 0


def test_joint_surfaces_stay_together(crowd: Path) -> None:
    people = People(crowd)
    talus, calcaneus = (people.template(bone)[0] for bone in ("talus", "calcaneus"))
    shift = np.array([3.0, 8.0, -6.0])
    placed = assemble(crowd, {"talus": talus + shift, "calcaneus": calcaneus})
    assert np.allclose(placed["talus"], talus + shift)
    assert np.allclose(placed["calcaneus"], calcaneus + shift, atol=1e-6)


def test_every_bone_follows_a_known_one_without_circles() -> None:
    for bone in NEIGHBOURS:
        seen = {bone}
        while bone in NEIGHBOURS:
            bone = NEIGHBOURS[bone]
            assert bone in BONE_FILES
            assert bone not in seen
            seen.add(bone)


def test_fits_are_kept_until_the_surface_changes(
    crowd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORTHOMATCH_CACHE", str(tmp_path / "cache"))
    v, f = lump(3)
    file = tmp_path / "bone.ply"
    trimesh.Trimesh(1.1 * bent(v, 0.5), f, process=False).export(file)
    source = {"talus": BoneSource("talus", "bone.ply", frame="LPS")}
    subject = Subject("someone", "train", True, 1.0, "", "", 1, "", source)
    (first,) = shapes_module.fitted_bones(crowd, subject, "talus")
    assert first.accepted
    assert first.size == pytest.approx(1.1, abs=0.02)

    def registered_again(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(shapes_module, "register", registered_again)
    (again,) = shapes_module.fitted_bones(crowd, subject, "talus")
    assert np.array_equal(first.shape, again.shape)
    assert (again.size, again.mean_mm, again.accepted) == (first.size, first.mean_mm, first.accepted)
    trimesh.Trimesh(1.2 * v, f, process=False).export(file)
    with pytest.raises(AssertionError):
        shapes_module.fitted_bones(crowd, subject, "talus")


def test_a_subject_of_impossible_size_is_refused(
    crowd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORTHOMATCH_CACHE", str(tmp_path / "cache"))
    v, f = lump(3)
    trimesh.Trimesh(0.5 * v, f, process=False).export(tmp_path / "bone.ply")
    source = {"talus": BoneSource("talus", "bone.ply", frame="LPS")}
    subject = Subject("child", "train", True, 1.0, "", "", 1, "", source)
    (fit,) = shapes_module.fitted_bones(crowd, subject, "talus")
    assert not fit.accepted


def test_unknown_bones_are_refused(crowd: Path) -> None:
    with pytest.raises(KeyError):
        People(crowd).draw(np.random.default_rng(0), ("no_such_bone",))
