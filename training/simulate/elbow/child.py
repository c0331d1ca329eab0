"""The elbow of a child: the humerus ends at its growth plate, beyond which only the capitellum is bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.simulate.elbow.pose import ElbowPose, shaft
from training.simulate.elbow.regions import ElbowRegions, capitellum_centre
from training.simulate.scene import FloatArray

_TO_FRONT = 0.35  # how steeply the plate rises to the front
_RISE = 0.25  # how steeply the metaphysis draws back medially of the capitellum


@dataclass(frozen=True, eq=False)
class Physis:
    """The capitellar growth plate in the elbow frame: both ends [3] of its line on the frontal film."""

    lateral: FloatArray
    medial: FloatArray

    def level(self, points: FloatArray) -> FloatArray:
        """Height y [N] of the end of the metaphysis at the x and z of points [N, 3]."""
        x = points[:, 0]
        slope = (self.medial[1] - self.lateral[1]) / (self.medial[0] - self.lateral[0])
        along = self.lateral[1] + slope * (x - self.lateral[0])
        beyond = np.maximum(self.medial[0] - x, 0.0)
        return np.asarray(along - beyond * (_RISE - slope) + _TO_FRONT * (points[:, 2] - self.medial[2]))


def capitellar_physis(humerus: FloatArray, regions: ElbowRegions, pose: ElbowPose) -> Physis:
    """The growth plate across the lateral condyle, at the pose's Baumann angle to the humeral shaft."""
    sets = regions.sets
    centre, radius = capitellum_centre(humerus, sets)
    along = shaft(humerus, sets, "humerus")
    upright = np.degrees(np.arctan2(along[0], along[1]))
    # The plate falls from its lateral to its medial end: Baumann's angle opens laterally and upwards.
    fall = np.tan(np.radians(90.0 - pose.baumann_deg + upright))
    middle = centre + np.array([0.0, -0.55 * radius, 0.0])
    half = 0.95 * radius
    return Physis(middle + np.array([half, -half * fall, 0.0]), middle + np.array([-half, half * fall, 0.0]))


def metaphysis(humerus: FloatArray, physis: Physis) -> FloatArray:
    """The humerus [V, 3] with everything beyond the growth plate laid flat on it."""
    cut = humerus.copy()
    near = cut[:, 1] > -40.0 * _size(physis)
    cut[near, 1] = np.minimum(cut[near, 1], physis.level(cut[near]))
    return cut


def ossified_capitellum(
    humerus: FloatArray, regions: ElbowRegions, physis: Physis, gap_mm: float, share: float
) -> FloatArray:
    """The ossified part [V, 3] of the capitellum: ``share`` of its adult extent, rounded, beyond the gap."""
    centre, radius = capitellum_centre(humerus, regions.sets)
    spoke = humerus - centre
    reach = np.maximum(np.linalg.norm(spoke, axis=1, keepdims=True), 1e-6)
    ball = centre + spoke * np.minimum(1.0, radius / reach)
    ball[:, 1] = np.maximum(ball[:, 1], physis.level(ball) + gap_mm)
    base = (physis.lateral + physis.medial) / 2 + np.array([0.0, gap_mm, 0.0])
    return np.asarray(base + (ball - base) * share)


def _size(physis: Physis) -> float:
    return float(np.linalg.norm(physis.lateral - physis.medial)) / 20.0
