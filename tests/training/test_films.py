"""Stored films and the training pairs drawn from them."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from core.matching.frames import Size  # noqa: E402
from training.simulate.films import StoredFilm, load_film, save_film  # noqa: E402
from training.simulate.render import Layers  # noqa: E402
from training.train import pairs as pairs_module  # noqa: E402
from training.train.pairs import (  # noqa: E402
    CLOSE_PARTS,
    MOST_OFTEN,
    PairConfig,
    PairDataset,
    _close_frames,
    _frame_of_points,
    _loneliness,
    _of_reduced,
    _reduced,
)

SIDE = 128
SQUARE = Size.square(SIDE)


def dotted(seed: int, template: str = "t") -> StoredFilm:
    """A film of soft tissue with a bead of bone at every point, the beads placed anew for each seed."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(20, 120, 22.0), np.arange(20, 120, 22.0)), -1).reshape(-1, 2)
    points = grid + rng.uniform(-4, 4, grid.shape)
    y, x = np.mgrid[:SIDE, :SIDE]
    bone = np.zeros((SIDE, SIDE), np.float32)
    for px, py in points:
        bone += 12.0 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 1.6**2)).astype(np.float32)
    soft = np.full((SIDE, SIDE), 20.0, np.float32)
    tracked = points[5:]
    order = rng.permutation(len(tracked))
    return StoredFilm(
        view="dots",
        template=template,
        layers=Layers(bone=bone, soft=soft),
        pixel_mm=0.4,
        named={f"p{i}": point for i, point in enumerate(points[:5])},
        tracked_px=tracked[order].astype(np.float32),
        tracked_id=order.astype(np.int64) + 1000,
        rim=np.zeros(len(tracked), np.float32),
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "dots").mkdir()
    for number in range(3):
        save_film(tmp_path / "dots" / f"{number:06d}.npz", dotted(number))
    return tmp_path


def pairs(folder, **changes):
    given = {"elongated": 0.0} | changes
    given = {"named_points": 4, "tracked_points": 12} | given
    config = PairConfig(shares=(("dots", 1.0),), input_px=128, **given)
    return PairDataset(folder, config, seed=3, length=50)


def test_fewer_films_may_be_used(folder):
    assert [path.name for path in pairs(folder, most_films=2).folders[0]] == ["000000.npz", "000001.npz"]
    with pytest.raises(FileNotFoundError):
        pairs(folder, most_films=1)


def test_a_stored_film_comes_back(tmp_path):
    film, path = dotted(1), tmp_path / "000001.npz"
    save_film(path, film)
    again = load_film(path)
    assert (again.view, again.template, again.pixel_mm) == ("dots", "t", 0.4)
    assert again.layers.bone == pytest.approx(film.layers.bone, abs=1 / 500)
    assert again.layers.soft == pytest.approx(film.layers.soft, abs=1 / 200)
    assert list(again.named) == list(film.named)
    for name, place in film.named.items():
        assert again.named[name] == pytest.approx(place)
    assert (again.tracked_id == film.tracked_id).all()
    assert again.tracked_px == pytest.approx(film.tracked_px)
    assert (again.rim == film.rim).all()
    assert [p.name for p in tmp_path.iterdir()] == ["000001.npz"]


def test_path_lengths_beyond_what_fits_are_cut_not_wrapped(tmp_path):
    film = dotted(1)
    film.layers.bone[5, 5] = 1000.0
    save_film(tmp_path / "a.npz", film)
    assert load_film(tmp_path / "a.npz").layers.bone[5, 5] == pytest.approx(65535 / 500)


def test_an_item_is_the_same_whenever_it_is_asked_for(folder):
    first, second = pairs(folder), pairs(folder)
    assert len(first) == 50
    second[9]
    for a, b in zip(first[4], second[4], strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first[4][0], first[5][0])


def test_shapes_and_types(folder):
    a, b, source, target, weight, kind = pairs(folder)[0]
    assert kind.dtype == torch.int64
    assert a.shape == b.shape == (1, 128, 128)
    assert source.shape == target.shape == (16, 2)
    assert weight.shape == (16,)
    assert {t.dtype for t in (a, b, source, target, weight)} == {torch.float32}
    assert set(weight.tolist()) <= {0.0, 1.0}
    assert float(a.mean()) == pytest.approx(0.0, abs=1e-3)


def test_the_kind_tells_handedness_and_quarter_turn(folder):
    def kinds(**changes):
        dataset = pairs(folder, **changes)
        return {int(dataset[item][5]) for item in range(16)}, dataset.classes

    assert kinds(aligned=1.0, close=0.0) == ({0, 4}, 8)
    assert kinds(aligned=1.0, close=0.0, symmetric=frozenset({"dots"})) == ({0}, 8)
    assert kinds(aligned=0.0, close=1.0) == ({-1}, 8)
    assert kinds(aligned=0.0, close=0.0, turned=1.0)[0] <= {1, 2, 3, 5, 6, 7}


@pytest.mark.parametrize("same_film", [0.0, 1.0])
@pytest.mark.parametrize("aligned", [0.0, 1.0])
@pytest.mark.parametrize("turned", [0.0, 1.0])
def test_both_points_of_a_pair_lie_on_the_bead(folder, same_film, aligned, turned):
    """Every point must sit on a bright bead on both films: brighter than its surroundings."""
    dataset = pairs(folder, same_film=same_film, aligned=aligned, close=0.0, turned=turned)
    on, beside, shared = [], [], 0

    def contrast(film, x, y):
        i, j = round(float(y)), round(float(x))
        return film[i - 1 : i + 2, j - 1 : j + 2].mean() - np.median(film[i - 8 : i + 9, j - 8 : j + 9])

    for item in range(8):
        a, b, source, target, weight, _ = dataset[item]
        shared += int(weight.sum() >= 4)  # widely framed films may by chance show different parts
        for film, points in ((a[0].numpy(), source.numpy()), (b[0].numpy(), target.numpy())):
            for x, y in points[weight.numpy() > 0]:
                if min(x, y) >= 9 and max(x, y) <= 110:
                    on.append(contrast(film, x, y))
                    beside.append(contrast(film, x + 7, y + 7))
    assert shared >= 7
    assert len(on) > 60
    assert np.mean(np.array(on) > 0.03) > 0.95
    assert np.median(on) > 5 * abs(np.median(beside))


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_a_reduced_film_shows_everything_at_its_place(parts):
    y, x = np.mgrid[:91, :64].astype(np.float32)
    slope = 2.0 * x + 3.0 * y
    affine = np.array([[0.3, -0.1, 4.0], [0.1, 0.3, 2.0]])
    shown = cv2.warpAffine(_reduced(slope, parts), _of_reduced(affine, parts), (20, 20))
    there = np.linalg.solve(affine[:, :2], [10.0 - 4.0, 12.0 - 2.0])
    assert shown[12, 10] == pytest.approx(2.0 * there[0] + 3.0 * there[1], abs=0.2)


def test_the_pairs_of_a_step_have_windows_of_one_size(folder):
    # The named points lie in a row.
    dataset = pairs(folder, elongated=1.0)
    sizes = [{tuple(dataset[item][0].shape[1:]) for item in range(8 * n, 8 * n + 8)} for n in range(4)]
    assert all(len(size) == 1 for size in sizes)
    for n, ((height, width),) in enumerate(sizes):
        assert dataset.size_of(8 * n) == (width, height)
        assert width > 1.3 * height
        assert (height % 16, width % 16) == (0, 0)
        assert height * width == pytest.approx(128**2, rel=0.2)


@pytest.mark.parametrize("size", [Size(64, 256), Size(256, 64)])
def test_a_long_window_holds_the_points(size):
    film = dotted(0)
    frame = _frame_of_points(film, size)
    points = np.array(list(film.named.values()))
    placed = (points - frame.centre_px) * frame.scale + (np.array(size) - 1) / 2
    assert (placed > 0.05 * np.array(size)).all()
    assert (placed < 0.95 * np.array(size)).all()


def test_equal_identity_means_the_same_bead(folder):
    dataset = pairs(folder, same_film=0.0, aligned=1.0)
    one, two = dotted(0), dotted(1)
    view = dataset._view(one, _frame_of_points(one, SQUARE), SQUARE, np.random.default_rng(0), np.eye(2))
    other = dataset._view(two, _frame_of_points(two, SQUARE), SQUARE, np.random.default_rng(1), np.eye(2))
    source, target, weight = dataset._common_points(view, other, {}, np.random.default_rng(2))

    def bead(film, warp, places):
        points = np.concatenate([list(film.named.values()), film.tracked_px])
        number = np.concatenate([-np.arange(5) - 1, film.tracked_id])
        distance = np.linalg.norm(warp.points(points)[None] - places[:, None], axis=2)
        assert distance.min(1).max() < 0.01
        return number[distance.argmin(1)]

    known = weight > 0
    assert known.sum() >= 10
    assert (bead(one, view.warp, source[known]) == bead(two, other.warp, target[known])).all()


def test_close_ups_show_the_same_part_of_both_films(folder, monkeypatch):
    films = dotted(0), dotted(1)
    wholes = [_frame_of_points(film, SQUARE) for film in films]
    for seed in range(20):
        close = _close_frames(*films, SQUARE, {}, np.random.default_rng(seed))
        parts = [whole.scale / c.scale for c, whole in zip(close, wholes, strict=True)]
        assert parts[0] == pytest.approx(parts[1])
        assert CLOSE_PARTS[0] <= parts[0] <= CLOSE_PARTS[1]
        # Both lie alike about one of the named points.
        offsets = np.array(
            [
                [(c.centre_px - point) * whole.scale / SIDE for point in film.named.values()]
                for c, whole, film in zip(close, wholes, films, strict=True)
            ]
        )
        assert np.abs(offsets[0] - offsets[1]).max(axis=1).min() < 1e-9
    dataset = PairDataset(folder, pairs(folder, aligned=0.0, close=1.0).config, seed=5, length=50)
    # The usual shifts are for windows twice as large: by them a close-up may lose its point.
    monkeypatch.setattr(pairs_module, "CLOSE_SHIFTS_PX", (1.0, 6.0))
    assert all(dataset[item][4].sum() >= 1 for item in range(40))


def crowd(seed: int) -> StoredFilm:
    """The film with four named points close to each other and one far away."""
    film = dotted(seed)
    near = {f"near{i}": np.array([40.0 + 6.0 * i, 40.0]) for i in range(4)}
    return replace(film, named={**near, "far": np.array([100.0, 100.0])})


def test_lonely_points_are_looked_at_more_often(folder):
    films = [crowd(seed) for seed in range(3)]
    lonely = _loneliness(films)
    assert lonely["near1"] == lonely["near2"] == pytest.approx(1.0, abs=0.7)
    assert lonely["near0"] < 4.0 < lonely["far"] <= MOST_OFTEN
    films[1].named["near1"][:] = np.nan
    assert _loneliness(films)["far"] > 4.0
    shown = []
    for seed in range(60):
        close, _ = _close_frames(films[0], films[2], SQUARE, lonely, np.random.default_rng(seed))
        shown.append(close.centre_px[1] > 70.0)
    assert np.mean(shown) > 0.4  # one of five by chance alone
    dataset, rng = pairs(folder, aligned=1.0, named_points=1, tracked_points=0), np.random.default_rng(0)
    views = [
        dataset._view(film, _frame_of_points(film, SQUARE), SQUARE, rng, np.eye(2)) for film in films[::2]
    ]
    drawn = [dataset._common_points(*views, lonely, rng)[0][0] for _ in range(60)]
    far = views[0].warp.points(films[0].named["far"][None])[0]
    assert np.mean([np.allclose(point, far) for point in drawn]) > 0.4


def test_films_of_other_templates_share_named_points_only(tmp_path):
    (tmp_path / "dots").mkdir()
    dataset_folder = tmp_path / "dots"
    save_film(dataset_folder / "000000.npz", dotted(0, "a"))
    save_film(dataset_folder / "000001.npz", dotted(1, "b"))
    dataset = pairs(tmp_path, aligned=1.0)
    rng = np.random.default_rng(0)
    films = [dotted(i, t) for i, t in enumerate("ab")]
    views = [dataset._view(film, _frame_of_points(film, SQUARE), SQUARE, rng, np.eye(2)) for film in films]
    _, _, weight = dataset._common_points(*views, {}, rng)
    assert 1 <= weight.sum() <= 4


def test_too_few_films_are_refused(tmp_path):
    (tmp_path / "dots").mkdir()
    save_film(tmp_path / "dots" / "000000.npz", dotted(0))
    with pytest.raises(FileNotFoundError, match="fewer than two"):
        pairs(tmp_path)
