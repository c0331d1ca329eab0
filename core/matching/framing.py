"""How films of a view are usually framed: the film's edges say about where its points lie.

A vertebra looks like the next one. That the topmost one lies just below the upper edge, as on the references'
films, tells them apart when nothing else does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.matching.frames import Frame, Size
from core.matching.shape import fit_similarity

FloatArray = NDArray[np.float64]

POSE_PX = 20.0
"""How far a shift, a turn or a scale moves points beyond the fitted window, before the framing is known."""

WORTH = 0.3
"""Number of references that this expectation is worth beside the framing of the references themselves."""

TAIL = 4.0
"""Degrees of freedom of framings (Student's t): some films are cropped in another way."""

SURE_PX = 8.0
"""Standard deviation of a pose up to which the framing says where to look; else what is seen says it."""

TURNED_DEG = 30.0
"""A film turned by more than this is not framed as the references are."""


class Pose(NamedTuple):
    """Expected shift right, shift down, growth and turn of the mean shape: means [4], covariance [4, 4].

    In pixels of the canonical window: growth and turn by how far they move points in the root mean square.
    """

    mean: FloatArray
    covariance: FloatArray


ANY = Pose(np.zeros(4), POSE_PX**2 * np.eye(4))
"""What is expected of a film of which nothing is known but its window."""


def pose_moves(mean_px: FloatArray) -> FloatArray:
    """How points of the mean shape [N, 2] move by one pixel of each part of a pose: [4, 2N]."""
    count = len(mean_px)
    centred = mean_px - mean_px.mean(0)
    size = max(float(np.sqrt((centred**2).sum(1).mean())), 1e-6)
    turned = centred @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    shift = np.tile(np.eye(2), (1, count))
    return np.stack([*shift, centred.ravel() / size, turned.ravel() / size])


def expected_pose(mean_px: FloatArray, on_film: FloatArray, size: Size, frame: Frame) -> Pose:
    """The pose that a film of ``size`` would have were it framed as the references are.

    ``on_film`` [R, N, 2] are their points, as parts of the width and height of their films (NaN: unknown);
    ``frame`` takes the film to the canonical window, where the mean shape is ``mean_px`` [N, 2].
    """
    if abs(frame.rotation_deg) > TURNED_DEG:
        return ANY
    seen = np.where([frame.mirrored, False], 1.0 - on_film, on_film)
    moved = frame.to_window(seen * np.array(size) - 0.5) - mean_px
    moves = pose_moves(mean_px)
    poses = np.array([_pose(one, moves) for one in moved if np.isfinite(one).all(1).sum() > 1]).reshape(-1, 3)
    if not len(poses):
        return ANY
    mean = poses.mean(0)
    off = poses - mean
    usual = ANY.covariance[:3, :3]
    covariance = (off.T @ off + WORTH * usual) / (len(poses) - 1.0 + WORTH)
    # The more the film itself gainsays it, the less it is worth.
    gainsaid = float(mean @ np.linalg.solve(covariance, mean))
    covariance = covariance * (TAIL + gainsaid) / (TAIL + len(mean))
    both = ANY.covariance.copy()
    both[:3, :3] = np.linalg.inv(np.linalg.inv(covariance) + np.linalg.inv(usual))
    return Pose(np.append(both[:3, :3] @ np.linalg.solve(covariance, mean), 0.0), both)


def framed(frame: Frame, mean_px: FloatArray, on_film: FloatArray, size: Size) -> Frame:
    """``frame`` (film to canonical window), moved to where the film's edges surely let expect the points."""
    pose = expected_pose(mean_px, on_film, size, frame)
    if np.sqrt(pose.covariance.diagonal()[:3].max()) > SURE_PX:
        return frame
    expected_px = mean_px + (pose.mean @ pose_moves(mean_px)).reshape(mean_px.shape)
    return frame.then(fit_similarity(expected_px, mean_px))


def _pose(moved: FloatArray, moves: FloatArray) -> FloatArray:
    """Shift and growth [3] closest to how points [N, 2] lie off the mean shape; a turn says nothing."""
    known = np.isfinite(moved.ravel())
    found = np.linalg.lstsq(moves[:, known].T, moved.ravel()[known], rcond=None)[0]
    return np.asarray(found[:3], dtype=np.float64)
