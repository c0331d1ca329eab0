"""Descriptors at points, answer maps, fusion, the tree's posterior, peaks."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.matching.heatmaps import (
    Answers,
    fuse,
    log_maps,
    look_up,
    peaks,
    places,
    settled,
    with_neighbours,
)
from core.matching.shape import ShapeTree


def unit(maps):
    return (maps / np.linalg.norm(maps, axis=0, keepdims=True)).astype(np.float32)


@given(st.floats(1.5, 29.4), st.floats(1.5, 29.4))
def test_look_up_is_bilinear_between_cell_centres(x, y):
    maps = unit(np.random.default_rng(2).normal(size=(5, 8, 8)))
    u, v = (x + 0.5) / 4 - 0.5, (y + 0.5) / 4 - 0.5
    i, j = min(int(u), 6), min(int(v), 6)
    a, b = u - i, v - j
    expected = (
        maps[:, j, i] * (1 - a) * (1 - b) + maps[:, j, i + 1] * a * (1 - b)
        + maps[:, j + 1, i] * (1 - a) * b + maps[:, j + 1, i + 1] * a * b
    )  # fmt: skip
    expected /= np.linalg.norm(expected)
    found = look_up(maps, np.array([[x, y]]), 4)
    assert found[0] == pytest.approx(expected, abs=1e-4)
    assert np.linalg.norm(found[0]) == pytest.approx(1.0, abs=1e-5)


def test_look_up_at_centres_borders_and_unknown_points():
    maps = unit(np.random.default_rng(2).normal(size=(5, 8, 8)))
    points = np.array([[1.5, 1.5], [29.5, 13.5], [-40.0, -40.0], [400.0, 1.5], [np.nan, 3.0]])
    found = look_up(maps, points, 4)
    assert found[0] == pytest.approx(maps[:, 0, 0], abs=1e-5)
    assert found[1] == pytest.approx(maps[:, 3, 7], abs=1e-5)
    assert found[2] == pytest.approx(maps[:, 0, 0], abs=1e-5)
    assert found[3] == pytest.approx(maps[:, 0, 7], abs=1e-5)
    assert (found[4] == 0).all()


def test_answer_maps_are_probabilities_that_peak_at_the_descriptor():
    rng = np.random.default_rng(0)
    coarse, fine = unit(rng.normal(size=(16, 4, 4))), unit(rng.normal(size=(16, 16, 16)))
    wanted_coarse = np.stack([coarse[:, 2, 1], coarse[:, 0, 3]])
    wanted_fine = np.stack([fine[:, 9, 6], fine[:, 1, 14]])
    wanted = np.hstack([wanted_coarse, wanted_fine])
    answers = Answers.of(coarse, fine, (20.0, 20.0))
    logits = answers.logits(wanted)
    maps = np.exp(log_maps(logits))
    assert maps.shape == (2, 16, 16)
    assert maps.sum((1, 2)) == pytest.approx(np.ones(2), abs=1e-5)
    assert np.unravel_index(maps[0].argmax(), (16, 16)) == (9, 6)
    assert np.unravel_index(maps[1].argmax(), (16, 16)) == (1, 14)
    even = np.full((2, 16, 16), 1 / 256, np.float32)
    assert places(logits[None], even, 4)[0] == pytest.approx(peaks(maps, 4)[0], abs=1e-3)
    only = np.zeros((2, 16, 16), np.float32)
    only[:, 0, 15] = 1.0  # the prior decides, at the border too
    assert np.abs(places(logits[None], only, 4) - [61.5, 1.5]).max() < 0.01


def test_answer_maps_equal_the_formula():
    rng = np.random.default_rng(4)
    coarse, fine = unit(rng.normal(size=(6, 2, 2))), unit(rng.normal(size=(5, 2, 2)))
    a, b = unit(rng.normal(size=(6, 3))).T, unit(rng.normal(size=(5, 3))).T
    answers = np.exp(log_maps(Answers.of(coarse, fine, (3.0, 7.0)).logits(np.hstack([a, b]))))
    logits = 3.0 * np.einsum("nd,dhw->nhw", a, coarse) + 7.0 * np.einsum("nd,dhw->nhw", b, fine)
    expected = np.exp(logits) / np.exp(logits).sum((1, 2), keepdims=True)
    assert answers == pytest.approx(expected, abs=1e-5)


def test_scores_between_coarse_cells_are_interpolated():
    coarse = np.array([[[0.0, 1.0], [0.0, 1.0]]], np.float32)
    answers = Answers.of(coarse, np.zeros((1, 4, 8), np.float32), (2.0, 1.0))
    along = [0.0, 0.0, 0.25, 0.75, 1.25, 1.75, 2.0, 2.0]  # by hand: cell centres at 1.5 and 5.5 of 8
    assert answers.logits(np.array([[1.0, 0.0]], np.float32))[0] == pytest.approx(np.tile(along, (4, 1)))


def test_weighing_descriptors_is_the_transpose_of_scoring_them():
    rng = np.random.default_rng(5)
    coarse, fine = unit(rng.normal(size=(6, 2, 5))), unit(rng.normal(size=(5, 8, 20)))
    answers = Answers.of(coarse, fine, (3.0, 7.0))
    wanted = rng.normal(size=(3, 11)).astype(np.float32)
    mass = rng.normal(size=(3, 8, 20)).astype(np.float32)
    scored = (answers.logits(wanted) * mass).sum((1, 2))
    assert (answers.weighed(mass) * wanted).sum(1) == pytest.approx(scored, abs=1e-3)


def test_fusion_follows_agreement_and_leaves_out_weightless_references():
    agree, odd = np.full((1, 8, 8), 1e-4, np.float32), np.full((1, 8, 8), 1e-4, np.float32)
    agree[0, 2, 3] = odd[0, 6, 6] = 1.0 - 63e-4
    both = fuse(np.log(np.stack([agree, agree, odd])), np.ones((3, 1), np.float32))
    assert both.shape == (1, 8, 8)
    assert both.sum() == pytest.approx(1.0, abs=1e-4)
    assert both[0, 2, 3] > 2 * both[0, 6, 6] > 0.1
    only = fuse(np.log(np.stack([agree, odd])), np.array([[1.0], [0.0]], np.float32))
    assert only == pytest.approx(fuse(np.log(agree[None]), np.ones((1, 1), np.float32)), abs=1e-5)
    assert only[0, 6, 6] < 0.01


def test_a_point_without_any_reference_gets_an_even_map():
    fused = fuse(np.log(np.full((2, 1, 4, 4), 1 / 16, np.float32)), np.zeros((2, 1), np.float32))
    assert np.ptp(fused) == pytest.approx(0.0)
    assert fused[0, 0, 0] > 0


# Where expectations leave the film they are cut and the rest is given full weight again. Exact are
# therefore points that may lie at the border but are not shifted beyond it, and points that lie inside.
@pytest.mark.parametrize("parent", [(-1, 0, 1), (-1, 0, 0), (1, -1, 1)])
@pytest.mark.parametrize(("side", "margin", "doubt"), [(6, 0, 1e-6), (12, 4, 0.02)])
def test_the_posterior_equals_brute_force_marginals(parent, side, margin, doubt):
    rng = np.random.default_rng(sum(parent) + 7)
    unary = np.zeros((3, side, side), np.float32)
    inner = slice(margin, side - margin)
    unary[:, inner, inner] = rng.random((3, side - 2 * margin, side - 2 * margin)) ** 4
    unary /= unary.sum((1, 2), keepdims=True)
    offset = np.array([[0.0, 1.0], [1.0, -1.0], [-1.0, 1.0]]) * (margin > 0)
    root = parent.index(-1)
    offset[root] = 0.0
    order = [root, *(n for n in range(3) if parent[n] == root)]
    order += [n for n in range(3) if n not in order]
    tree = ShapeTree(np.array(order), np.array(parent), offset, np.full(3, 0.7))
    found = with_neighbours(unary, tree, 1, doubt)
    expected = brute_force(unary, tree, doubt)
    shown = found / found.sum((1, 2), keepdims=True)
    assert np.abs(shown - expected).max() < 0.005
    assert np.abs(unary - expected).max() > 0.1  # the neighbours' word matters here


def brute_force(unary, tree, doubt):
    """Marginals by summing over all placements of three points; the links are Gaussian plus doubt."""
    side = unary.shape[1]
    cells = np.array(list(itertools.product(range(side), range(side))))  # row, column
    flat = [layer.ravel().astype(float) for layer in unary]
    joint = np.einsum("i,j,k->ijk", *flat)
    for node, parent in enumerate(tree.parent):
        if parent < 0:
            continue
        apart = cells[None] - cells[:, None]  # [parent, node] in rows and columns
        square = ((apart - tree.offset[node][::-1]) ** 2).sum(2)
        link = np.exp(-square / (2 * tree.sigma[node] ** 2))
        link /= 2 * np.pi * tree.sigma[node] ** 2
        link = (1 - doubt) * link + doubt / side**2
        shape = [1, 1, 1]
        shape[parent] = shape[node] = side**2
        joint = joint * (link if parent < node else link.T).reshape(shape)
    joint /= joint.sum()
    return np.stack([joint.sum(tuple(a for a in range(3) if a != n)).reshape(side, side) for n in range(3)])


def test_neighbours_pull_an_ambiguous_point_to_the_right_one_of_two_places():
    unary = np.full((2, 64, 64), 1e-7, np.float32)
    unary[0, 20, 20] = 1.0
    unary[1, 20, 30] = 0.45
    unary[1, 50, 50] = 0.55
    tree = ShapeTree(
        np.array([0, 1]), np.array([-1, 0]), np.array([[0.0, 0.0], [40.0, 0.0]]), np.array([3.0, 8.0])
    )
    posterior = with_neighbours(unary, tree, 4)
    assert np.unravel_index(posterior[1].argmax(), (64, 64)) == (20, 30)
    assert np.unravel_index(unary[1].argmax(), (64, 64)) == (50, 50)


@given(st.floats(20, 230), st.floats(20, 230), st.sampled_from([3.0, 4.0]))
def test_peaks_are_found_between_cells(x, y, size):
    centres = (np.arange(64) + 0.5) * 4 - 0.5
    square = (centres[None] - x) ** 2 + (centres[:, None] - y) ** 2
    layer = np.exp(-square / (2 * size**2))
    position, mass = peaks((layer / layer.sum())[None].astype(np.float32), 4)
    assert position[0] == pytest.approx([x, y], abs=0.3)
    assert mass[0] > 0.93


def test_peaks_in_corners_and_on_even_maps():
    layers = np.zeros((3, 16, 16), np.float32)
    layers[0, 0, 0] = layers[1, 15, 15] = 1.0
    layers[2] = 1 / 256
    position, mass = peaks(layers, 4)
    assert position[:2] == pytest.approx(np.array([[1.5, 1.5], [61.5, 61.5]]))
    assert mass[:2] == pytest.approx([1.0, 1.0])
    assert mass[2] < 0.1


@pytest.mark.parametrize("near", [(20.0, 12.0), (24.5, 15.0), (23.0, 18.0)])
def test_a_position_settles_on_what_lies_about_it(near):
    at = (np.arange(16) + 0.5) * 4 - 0.5
    own, other = (
        np.exp(-((at[None] - x) ** 2 + (at[:, None] - y) ** 2) / (2 * 3.0**2))
        for x, y in ((22.0, 15.0), (50.0, 50.0))
    )
    answers = (own + 5.0 * other)[None].astype(np.float32)
    assert settled(answers, np.array([near]), 4)[0] == pytest.approx([22.0, 15.0], abs=1.0)


def test_a_position_beyond_the_border_settles_inside():
    found = settled(np.ones((2, 8, 8), np.float32), np.array([[-20.0, 5.0], [90.0, 90.0]]), 4)
    assert ((found >= -0.5) & (found <= 31.5)).all()
