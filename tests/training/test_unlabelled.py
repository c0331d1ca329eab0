"""Pairs of looks at one film: what they call the same place looks the same."""

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from core.matching.frames import Size  # noqa: E402
from training.train.pairs import PairConfig  # noqa: E402
from training.train.unlabelled import Mixture, UnlabelledPairs  # noqa: E402


def long_then_square(index):
    return Size(128, 512) if index == 7 else Size.square(256)


@pytest.fixture
def films(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(2):
        coarse = rng.random((40, 30)).astype(np.float32)
        cv2.imwrite(str(tmp_path / f"{number}.png"), 255 * cv2.resize(coarse, (600, 800)))
    return tmp_path


def test_pairs_are_of_the_stream_that_training_takes(films):
    config = PairConfig(shares=())
    count = config.named_points + config.tracked_points
    pairs = UnlabelledPairs(films, 3, 100, long_then_square, count)
    first, second, source, target, weight, view = pairs[7]
    assert first.shape == second.shape == (1, 512, 128)
    assert source.shape == target.shape == (count, 2)
    assert weight.shape == (count,)
    assert int(view) == -1
    assert all(part.dtype == torch.float32 for part in (first, second, source, target, weight))
    for again, once in zip(pairs[7], (first, second, source, target, weight, view), strict=True):
        assert torch.equal(again, once)


def test_the_same_place_looks_the_same(films):
    pairs = UnlabelledPairs(films, 5, 100, long_then_square, 160)
    likeness = []
    for index in range(12):
        first, second, source, target, weight, _ = (part.numpy() for part in pairs[index])
        known = weight > 0
        assert known.any()
        here, there = (
            cv2.remap(cv2.GaussianBlur(image[0], (0, 0), 2.0), at[known][:, None], None, cv2.INTER_LINEAR)
            for image, at in ((first, source), (second, target))
        )
        likeness.append(np.corrcoef(here[:, 0], there[:, 0])[0, 1])
    assert np.median(likeness) > 0.8


def test_a_mixture_takes_from_both(films):
    class Other(torch.utils.data.Dataset):
        def __getitem__(self, index):
            return "other"

    mixed = Mixture(Other(), UnlabelledPairs(films, 5, 100, lambda _: Size.square(64), 8), 0.5, 1)
    others = sum(mixed[index] == "other" for index in range(20))
    assert 3 < others < 17


def test_a_folder_without_films_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no films"):
        UnlabelledPairs(tmp_path, 1, 1, 64, 8)
