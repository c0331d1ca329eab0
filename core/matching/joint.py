"""All points at once: what each answer leaves open is filled in by what the shape as a whole allows.

A shaft looks alike along its length, so that the answer for a point on it is sharp across and vague along it,
while the joints at both ends say how far along it the point must lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from core.matching.framing import ANY, Pose, pose_moves
from core.matching.heatmaps import moments

Float32 = NDArray[np.float32]
FloatArray = NDArray[np.float64]

SMOOTH_PX, REACH_PX = 12.0, 30.0
"""How far smooth deformations move points, and over what distance they move them together."""

OWN_PX = 3.5
"""How far every point moves by itself. Chosen with the two above, with real hands and spines and simulated
films in view: the shapes of people who are not among the references are much likelier than with wider ones;
points of hands and simulated films are placed a little better, those of spines as well as before. The
likeliest values of all place points of hands worse."""

WORTH = 1.0
"""Number of references that these expectations are worth beside the spread of the references themselves: how
people differ, one reference does not say, and a dozen say better than any expectation."""

SHARPEST_PX = 0.3
"""Uncertainty of the surest answer."""

TAIL = 4.0
"""Degrees of freedom of the answers' errors (Student's t): some are far off."""

ROUNDS = 6

FIRST_ROUNDS, MORE_ROUNDS, DAMPING = 6, 4, 0.5
"""Rounds of expectation propagation from nothing and from former words, and the part of the last round that
is kept in each."""

FARTHEST = 3.0
"""How far beyond where it left a point a word may lie, as a multiple of how far it moved it."""

HELD_PX = 3.0
"""How far points may lie from where they are held."""

LEAST = np.float32(np.log(1e-12))
"""Logarithm of what the other points' word leaves at least of any place."""

DOUBT = 0.05
"""Probability that an answer is worth nothing."""

SLACK_PX = 1.5
"""How far points lie off any model of shapes."""

BLUR_PX = 2.5
"""How uncertain answers are at least where it is asked how well all fit the shapes: a slip of one alone is no
sign that they do not."""


@dataclass(frozen=True, eq=False)
class Joint:
    """All points as answers and shapes together put them.

    ``position`` is [N, 2], ``covariance`` [N, 2, 2] how uncertain it is, ``strain`` [N] how badly the single
    answers fit in (1: well).
    """

    position: FloatArray
    covariance: FloatArray
    strain: FloatArray


class Words(NamedTuple):
    """What the answers say of each point by itself, as Gaussians over its deviation from the expected shape.

    ``precision`` is [N, 2, 2], ``shift`` [N, 2] the precision times the deviation.
    """

    precision: FloatArray
    shift: FloatArray

    @classmethod
    def at(cls, position: FloatArray, shapes: Shapes) -> Self:
        """Those that hold points to ``position`` [N, 2] (NaN: not held), as a person pointing there would."""
        held = np.asarray(np.isfinite(position).all(1) / HELD_PX**2, dtype=np.float64)
        shift = np.nan_to_num(position - shapes.middle) * held[:, None]
        return cls(held[:, None, None] * np.eye(2), shift)


class Expected(NamedTuple):
    """What is known of points together.

    ``belief`` [N, H, W] are maps of where they lie, each summing to 1, ``others`` [N, H, W] what all other
    points say of each, and ``words`` what the answers were taken to say.
    """

    belief: Float32
    others: Float32
    words: Words


class Shapes(NamedTuple):
    """The shapes that are expected, a Gaussian: ``middle`` [N, 2] and ``covariance`` [2N, 2N], in pixels.

    ``people`` is what those by whose shapes it is known are worth.
    """

    middle: FloatArray
    covariance: FloatArray
    people: float

    @classmethod
    def like(
        cls, mean: FloatArray, shapes: FloatArray, pose: Pose = ANY, worths: FloatArray | None = None
    ) -> Self:
        """Shapes that differ as ``shapes`` [R, N, 2] do (NaN: unknown), and smoothly, and by a ``pose``.

        ``mean`` [N, 2] is the shape to which they are aligned, ``worths`` [R] tell what each counts, by
        default one. All in pixels of the canonical window.
        """
        worths = np.ones(len(shapes)) if worths is None else worths
        moves = pose_moves(mean)
        middle = mean + np.einsum("r,rnk->nk", worths, np.nan_to_num(shapes - mean)) / worths.sum()
        own = moves.T @ pose.covariance @ moves + _differences(middle, shapes, worths)
        return cls(middle + (pose.mean @ moves).reshape(mean.shape), own, float(worths.sum()))


def fit_jointly(position: FloatArray, covariance: FloatArray, shapes: Shapes) -> Joint:
    """The most likely shape, given answers at ``position`` [N, 2] spread by ``covariance`` [N, 2, 2].

    Answers that fit badly count less (iterative reweighting, Lange et al. 1989).
    """
    prior, blocks = shapes.covariance, _blocks(len(shapes.middle))
    total, pull, strain = _reweighted(position, covariance + SHARPEST_PX**2 * np.eye(2), shapes)
    left_open = prior - prior @ np.linalg.solve(total, prior)
    return Joint(shapes.middle + (prior @ pull).reshape(-1, 2), left_open[blocks], np.sqrt(strain))


def plausibility(position: FloatArray, covariance: FloatArray, shapes: Shapes) -> float:
    """Logarithm, but for a constant, of how likely the shape is that answers at ``position`` show, and they.

    Arguments as of ``fit_jointly``.
    """
    _, pull, strain = _reweighted(position, covariance + BLUR_PX**2 * np.eye(2), shapes)
    shape = 0.5 * float(pull @ shapes.covariance @ pull)
    return -shape - 0.5 * (TAIL + 2.0) * float(np.log1p(strain / TAIL).sum())


def _blocks(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Index of the 2x2 blocks [count, 2, 2] on the diagonal of a matrix of points' coordinates."""
    blocks = np.arange(2 * count).reshape(count, 2)
    return blocks[:, :, None], blocks[:, None, :]


def _reweighted(
    position: FloatArray, noise: FloatArray, shapes: Shapes
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The covariance [2N, 2N] of shapes and answers, its inverse times what they differ, and squared strains.

    ``noise`` [N, 2, 2] is that of the answers, which counts more where they fit badly.
    """
    prior, count = shapes.covariance, len(position)
    sharpness, moved = np.linalg.inv(noise), (position - shapes.middle).ravel()
    weight = np.ones(count)
    for _ in range(ROUNDS):
        total = prior.copy()
        total[_blocks(count)] += noise / weight[:, None, None]
        pull = np.asarray(np.linalg.solve(total, moved), dtype=np.float64)
        left = (moved - prior @ pull).reshape(count, 2)
        strain: FloatArray = np.einsum("ni,nij,nj->n", left, sharpness, left)
        weight = (TAIL + 2.0) / (TAIL + strain)
    return total, pull, strain


def expected_jointly(
    answers: Float32,
    columns: FloatArray,
    rows: FloatArray,
    shapes: Shapes,
    former: Words | None = None,
    *,
    turns: FloatArray | None = None,
) -> Expected:
    """Where points lie, given ``answers`` [N, H, W] and the shapes that are expected.

    ``columns`` [N, W] and ``rows`` [N, H] are the places of the maps' cells, in pixels as of the shapes,
    after the ``turns`` [N, 2, 2] that bring these to each map (by default none). ``former`` are the words
    of a look before, from farther off.

    Expectation propagation (Minka 2001): every answer, however many places it names, is replaced by the
    Gaussian that says the same in the light of all other answers, in a few rounds. Without ``former`` words
    the answers are taken more and more at theirs.
    """
    known = answers / answers.sum(axis=(1, 2), keepdims=True)
    told = np.log((1.0 - DOUBT) * known + DOUBT / known[0].size).astype(np.float32)
    count, mean, prior = len(answers), shapes.middle, shapes.covariance
    inside = _blocks(count)
    turns = np.tile(np.eye(2), (count, 1, 1)) if turns is None else turns
    precision, shift = former or Words(np.zeros((count, 2, 2)), np.zeros((count, 2)))
    belief, bells = answers, np.zeros_like(answers)
    for number in range(FIRST_ROUNDS if former is None else MORE_ROUNDS):
        joint = np.zeros_like(prior)
        joint[inside] = precision
        covariance = prior - prior @ np.linalg.solve(np.eye(2 * count) + joint @ prior, joint @ prior)
        own = _inverse(covariance[inside])
        deviation = (covariance @ shift.ravel()).reshape(count, 2)
        # What all other answers say of each point.
        others = _inverse(own - precision + 1e-9 * np.eye(2))
        middle = _times(others, _times(own, deviation) - shift)
        wide = _inverse(others + SLACK_PX**2 * np.eye(2))
        word = np.float32(min(1.0, (number + 1) / (0.6 * FIRST_ROUNDS)) if former is None else 1.0)
        bells = _log_bells(_times(turns, mean + middle), turned(turns, wide), columns, rows)
        bells = np.maximum(bells, LEAST)
        belief = np.exp(word * told + bells)
        belief /= belief.sum(axis=(1, 2), keepdims=True)
        centre, spread = moments(belief, columns, rows)
        centre, spread = np.einsum("nji,nj->ni", turns, centre), turned_back(turns, spread)
        found = _inverse(spread + np.eye(2))
        values, axes = np.linalg.eigh(found - wide)
        new = np.einsum("nij,nj,nkj->nik", axes, np.maximum(values, 1e-6), axes)
        # A word leads to where the point was found. One that hardly says so lies far beyond, and many such
        # words together would throw all points there.
        off = centre - mean - middle
        pull = np.einsum("nij,nik,nk->nj", axes, wide, off)
        most = FARTHEST * np.maximum(values, 1e-6) * np.abs(np.einsum("nij,ni->nj", axes, off))
        said = _times(new, centre - mean) + _times(axes, np.clip(pull, -most, most))
        kept = 0.0 if number == 0 and former is None else DAMPING
        precision, shift = kept * precision + (1 - kept) * new, kept * shift + (1 - kept) * said
    return Expected(np.asarray(belief, dtype=np.float32), np.exp(bells), Words(precision, shift))


def turned(turns: FloatArray, matrices: FloatArray) -> FloatArray:
    """Covariances or precisions [N, 2, 2] after ``turns`` [N, 2, 2]."""
    return np.asarray(turns @ matrices @ turns.transpose(0, 2, 1), dtype=np.float64)


def turned_back(turns: FloatArray, matrices: FloatArray) -> FloatArray:
    """Covariances or precisions [N, 2, 2] before ``turns`` [N, 2, 2]."""
    return turned(turns.transpose(0, 2, 1), matrices)


def _log_bells(centre: FloatArray, precision: FloatArray, columns: FloatArray, rows: FloatArray) -> Float32:
    """Logarithms [N, H, W] of Gaussian bells of height one at ``centre`` [N, 2] over columns and rows."""
    dx, dy = (columns - centre[:, :1]).astype(np.float32), (rows - centre[:, 1:]).astype(np.float32)
    half = (-0.5 * precision).astype(np.float32)
    bells = (half[:, 0, 0, None] * dx**2)[:, None, :] + (half[:, 1, 1, None] * dy**2)[:, :, None]
    bells += (2.0 * half[:, 0, 1, None] * dy)[:, :, None] * dx[:, None, :]
    return np.asarray(bells, dtype=np.float32)


def _inverse(matrices: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.inv(matrices), dtype=np.float64)


def _times(matrices: FloatArray, vectors: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("nij,nj->ni", matrices, vectors), dtype=np.float64)


def _differences(mean: FloatArray, shapes: FloatArray, worths: FloatArray) -> FloatArray:
    """Covariance [2N, 2N] of the points' deviations from the mean shape, but for their pose."""
    count = len(mean)
    apart = ((mean[:, None] - mean[None]) ** 2).sum(2)
    smooth = SMOOTH_PX**2 * np.exp(-apart / (2.0 * REACH_PX**2)) + OWN_PX**2 * np.eye(count)
    own = np.nan_to_num(shapes - mean).reshape(len(shapes), 2 * count)
    seen = (own.T * worths) @ own  # the covariance of the shapes, times what they are worth
    expected = np.kron(smooth, np.eye(2)) * WORTH
    return np.asarray((seen + expected) / (worths.sum() - 1.0 + WORTH))
