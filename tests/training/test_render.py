"""The renderer against shapes whose shadows are known exactly."""

from __future__ import annotations

import time

import numpy as np
import pytest
import trimesh

from training.simulate.render import outline_mask, render, signed_path, soft_tissue
from training.simulate.scene import Bone, Camera, Capsule, GrowthPlate, Scene


def _camera(size: int = 256, pixel_mm: float = 0.4, sod: float = 960.0, sdd: float = 1000.0) -> Camera:
    return Camera(sdd, sod, pixel_mm, size, size, (size - 1) / 2, (size - 1) / 2)


def _sphere(radius: float = 15.0, centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> trimesh.Trimesh:
    mesh = trimesh.creation.icosphere(subdivisions=5, radius=radius)
    mesh.apply_translation(centre)
    return mesh


def _scene(*bones: Bone, soft: tuple[Capsule, ...] = ()) -> Scene:
    return Scene("test", "phantom", bones, soft, {})


def _shaft(plates: tuple[GrowthPlate, ...] = (), cortex_mm: float = 2.0) -> Bone:
    mesh = trimesh.creation.capsule(height=50.0, radius=6.0, count=[48, 48])
    mesh = mesh.subdivide().subdivide()
    mesh.apply_translation([0, 0, -mesh.bounds.mean(axis=0)[2]])
    turn = trimesh.transformations.rotation_matrix(np.pi / 2, [1, 0, 0])
    mesh.apply_transform(turn)  # the axis now runs down the film
    return Bone("shaft", np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int32), cortex_mm, 1.0, plates)


def _ray_sphere(camera: Camera, centre: np.ndarray, radius: float) -> np.ndarray:
    """Exact chord of each pixel's ray through a sphere, in mm."""
    y, x = np.mgrid[0 : camera.height, 0 : camera.width]
    ray = np.stack(
        [
            (x - camera.centre_x) * camera.pixel_mm,
            (y - camera.centre_y) * camera.pixel_mm,
            np.full(x.shape, camera.source_detector_mm),
        ],
        axis=-1,
    )
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    to_centre = centre + np.array([0, 0, camera.source_object_mm])
    nearest = ray @ to_centre
    return 2 * np.sqrt(np.maximum(0.0, radius**2 - (to_centre @ to_centre - nearest**2)))


@pytest.mark.parametrize("centre", [(0.0, 0.0, 0.0), (18.0, -12.0, 5.0), (-20.0, 15.0, -30.0)])
@pytest.mark.parametrize("sod", [960.0, 400.0])
def test_sphere_path_is_the_chord_of_the_ray(centre: tuple[float, float, float], sod: float) -> None:
    camera = _camera(sod=sod, sdd=sod * 1.04, pixel_mm=0.45)
    mesh = _sphere(centre=centre)
    path = signed_path(np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int32), camera)
    exact = _ray_sphere(camera, np.array(centre), 15.0)
    inner = exact > 10.0
    assert inner.sum() > 500
    assert np.abs(path[inner] / exact[inner] - 1).max() < 0.01
    assert path.min() > -1e-6
    assert path[exact == 0].max() < 1e-6


def test_box_path_is_its_thickness_and_its_corners_lie_where_projected() -> None:
    camera = _camera(pixel_mm=0.25, size=320)
    box = trimesh.creation.box(extents=[30.0, 20.0, 8.0])
    path = signed_path(np.asarray(box.vertices), np.asarray(box.faces, np.int32), camera)
    x = (np.arange(320) - camera.centre_x) * camera.pixel_mm / camera.source_detector_mm
    oblique = np.sqrt(1 + x[None, :] ** 2 + x[:, None] ** 2)
    flat = path[
        camera.height // 2 - 20 : camera.height // 2 + 20, camera.width // 2 - 30 : camera.width // 2 + 30
    ]
    wanted = 8.0 * oblique[camera.height // 2 - 20 : camera.height // 2 + 20, camera.width // 2 - 30 : 190]
    assert np.allclose(flat, wanted, rtol=1e-3)
    # The profile falls to half at the projected mid-depth edge.
    row = path[camera.height // 2]
    half = 8.0 / 2
    edge = np.flatnonzero(row > half)[-1]
    crossing = edge + (row[edge] - half) / (row[edge] - row[edge + 1])
    front, back = camera.project(np.array([[15.0, 0, -4.0], [15.0, 0, 4.0]]))[:, 0]
    assert min(front, back) - 1 <= crossing <= max(front, back) + 1


@pytest.mark.parametrize("centre", [(0.0, 0.0, 0.0), (21.37, -9.21, 0.0), (3.3, 17.77, 25.0)])
def test_small_sphere_appears_at_its_projection(centre: tuple[float, float, float]) -> None:
    camera = _camera()
    mesh = _sphere(6.0, centre)
    path = signed_path(np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int32), camera)
    y, x = np.mgrid[0:256, 0:256]
    found = np.array([(path * x).sum(), (path * y).sum()]) / path.sum()
    # The shadow of a sphere is an ellipse slightly off the projected centre; the exact chords tell how far.
    exact = _ray_sphere(camera, np.array(centre), 6.0)
    wanted = np.array([(exact * x).sum(), (exact * y).sum()]) / exact.sum()
    assert np.abs(found - wanted).max() < 0.05
    assert np.abs(found - camera.project(np.array([centre]))[0]).max() < 0.05


@pytest.mark.parametrize(("sod", "sdd"), [(1000.0, 1100.0), (700.0, 1000.0)])
def test_magnification(sod: float, sdd: float) -> None:
    camera = Camera(sdd, sod, 0.2, 400, 400, 199.5, 199.5)
    left, right = _sphere(3.0, (-20.0, 0, 0)), _sphere(3.0, (20.0, 0, 0))
    x = np.arange(400)

    def centre(mesh: trimesh.Trimesh) -> float:
        profile = signed_path(np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int32), camera).sum(axis=0)
        return float((profile * x).sum() / profile.sum())

    measured = (centre(right) - centre(left)) * camera.pixel_mm / 40.0
    assert measured == pytest.approx(sdd / sod, rel=1e-3)


def test_inside_out_mesh_is_negative_and_cut_by_the_film_edge_is_the_same() -> None:
    mesh = _sphere()
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int32)
    camera = _camera()
    whole = signed_path(vertices, faces, camera)
    assert np.allclose(signed_path(vertices, faces[:, ::-1], camera), -whole, atol=1e-6)
    cut = Camera(1000.0, 960.0, 0.4, 140, 120, camera.centre_x, camera.centre_y)
    assert np.allclose(signed_path(vertices, faces, cut), whole[:120, :140], atol=1e-6)


def test_mesh_behind_the_source_is_refused() -> None:
    mesh = _sphere(centre=(0.0, 0.0, -1000.0))
    with pytest.raises(ValueError, match="source"):
        signed_path(np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int32), _camera())


def test_bone_has_dense_walls_around_a_thin_marrow_space() -> None:
    bone = _shaft()
    camera = _camera(pixel_mm=0.25)
    layers = render(_scene(bone), camera, seed=1)
    outer = signed_path(bone.vertices_mm, bone.faces, camera)
    assert (layers.bone <= outer + 1e-3).all()
    assert layers.bone.min() >= 0
    row = layers.bone[128]
    centre = row[126:130].mean()
    walls = row.max()
    assert 4.0 < centre < 6.5  # two walls of 2 mm and some marrow
    assert walls > 1.3 * centre
    assert layers.bone.dtype == np.float32


def test_thick_shell_leaves_no_marrow_space() -> None:
    bone = _shaft(cortex_mm=40.0)
    camera = _camera(pixel_mm=0.25)
    layers = render(_scene(bone), camera)
    outer = signed_path(bone.vertices_mm, bone.faces, camera)
    assert layers.bone[128, 128] <= outer[128, 128]
    assert layers.bone[128, 128] > 0.55 * outer[128, 128]


def test_growth_plate_opens_a_gap_and_a_small_epiphysis_is_narrow() -> None:
    camera = _camera(pixel_mm=0.25)
    plate = GrowthPlate(np.array([0.0, 20.0, 0.0]), np.array([0.0, 1.0, 0.0]), 2.0, 0.6)
    closed = render(_scene(_shaft()), camera, seed=3).bone
    opened = render(_scene(_shaft((plate,))), camera, seed=3).bone
    x, y = camera.project(plate.centre_mm[None])[0]
    here = (slice(round(y) - 1, round(y) + 2), slice(round(x) - 10, round(x) + 11))
    assert opened[here].sum() < 0.4 * closed[here].sum()
    shaft = slice(0, round(y) - 25)
    assert np.allclose(opened[shaft], closed[shaft], atol=1e-4)
    beyond = round(y) + 16
    width = [np.count_nonzero(image[beyond] > 0.3) for image in (opened, closed)]
    assert width[0] < 0.8 * width[1]


def test_outline_mask_covers_the_named_bones_only() -> None:
    a, b = _sphere(5.0, (-20.0, 0, 0)), _sphere(5.0, (20.0, 0, 0))
    bones = [
        Bone(n, np.asarray(m.vertices), np.asarray(m.faces, np.int32), 1.0) for n, m in (("a", a), ("b", b))
    ]
    camera = _camera()
    scene = _scene(*bones)
    mask = outline_mask(scene, camera, ["a"])
    assert mask[128, 78]
    assert not mask[128, 178]
    assert mask.sum() == pytest.approx(np.pi * (5.0 / camera.object_pixel_mm) ** 2, rel=0.02)
    assert (outline_mask(scene, camera, ["a", "b"]) >= mask).all()
    with pytest.raises(KeyError):
        outline_mask(scene, camera, ["c"])


def test_soft_tissue_has_the_thickness_of_its_capsule_and_merges_smoothly() -> None:
    camera = _camera()
    one = Capsule(np.array([0.0, -20.0, 0.0]), np.array([0.0, 20.0, 0.0]), 8.0, 8.0)
    thickness = soft_tissue([one], camera)
    assert thickness[128, 128] == pytest.approx(16.0, rel=0.01)
    assert thickness[128].astype(bool).sum() * camera.object_pixel_mm == pytest.approx(16.0, abs=0.8)
    aside = np.array([12.0, 0, 0])
    other = Capsule(one.start_mm + aside, one.end_mm + aside, 8.0, 8.0)
    both = soft_tissue([one, other], camera)
    middle = both[128, round(camera.project(np.array([[6.0, 0, 0]]))[0, 0])]
    assert middle > 2 * np.sqrt(64 - 36) + 0.3
    assert soft_tissue([], camera).max() == 0


def test_narrow_hollows_inside_the_body_are_level_and_gaps_between_fingers_stay_open() -> None:
    camera = _camera()

    def thickness_between(distance: float, radius: float) -> tuple[float, float]:
        parts = [
            Capsule(np.array([x, -30.0, 0.0]), np.array([x, 30.0, 0.0]), radius, radius)
            for x in (-distance / 2, distance / 2)
        ]
        row = soft_tissue(parts, camera)[128]
        return float(row[127:129].mean()), float(row.max())

    hollow, top = thickness_between(14.0, 9.0)
    assert hollow > 0.75 * top
    gap, _ = thickness_between(20.0, 8.0)
    assert gap == 0.0


def test_the_seed_alone_decides() -> None:
    scene, camera = _scene(_shaft()), _camera()
    assert np.array_equal(render(scene, camera, 5).bone, render(scene, camera, 5).bone)
    assert not np.array_equal(render(scene, camera, 5).bone, render(scene, camera, 6).bone)


def test_a_hand_of_bones_renders_quickly() -> None:
    spots = [(x, y, 0.0) for x in range(-60, 61, 20) for y in range(-50, 51, 25)][:29]
    mesh = trimesh.creation.icosphere(subdivisions=4, radius=8.0)
    faces = np.asarray(mesh.faces, np.int32)
    scene = _scene(*(Bone(str(s), np.asarray(mesh.vertices) + np.array(s), faces, 1.0) for s in spots))
    camera = _camera(384, 0.5)
    render(scene, camera)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        render(scene, camera)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.6  # 0.15 s on an idle core; the margin is for a busy one
