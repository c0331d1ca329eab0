"""From a posed person to a scene: bones with their density, soft tissue, the way the film is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.simulate.people import People, Person
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, rotation
from training.simulate.scene import Bone, Capsule, FloatArray
from training.simulate.spine.pose import RIBS
from training.simulate.spine.regions import sacral_endplate, vertebral_body

_CORTEX_MM = {"rib": 1.0, "femur": 4.5, "humerus": 3.5, "clavicle": 1.6, "scapula": 1.0, "hip_bone": 2.4}
_OTHER_CORTEX_MM = 3.4


@dataclass(frozen=True, eq=False)
class Placement:
    """Body frame to scene frame: the view, how the patient stands in it, and the central ray.

    Films seen from the front show the patient's right on the image left, films from the side face
    image left. ``mirrored`` exposures come from the other side (from behind, or from the left) and
    are shown mirrored, so that only the perspective differs.
    """

    matrix: FloatArray
    origin_mm: FloatArray
    mirrored: bool

    @classmethod
    def frontal(cls, turn_deg: FloatArray, origin_mm: FloatArray, mirrored: bool) -> Placement:
        """``turn_deg``: the patient's rotation about the length, lean to the film, roll on the film."""
        view = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0 if mirrored else 1.0, 0.0]])
        return cls(view @ _stance(turn_deg), origin_mm, mirrored)

    @classmethod
    def lateral(cls, turn_deg: FloatArray, origin_mm: FloatArray, mirrored: bool) -> Placement:
        """``turn_deg`` as for ``frontal``, about the axes of the body: length, sideways lean, fore lean."""
        view = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [1.0 if mirrored else -1.0, 0.0, 0.0]])
        spin, lean, roll = turn_deg
        body = rotation(X_AXIS, roll) @ rotation(Y_AXIS, lean) @ rotation(Z_AXIS, spin)
        return cls(view @ body, origin_mm, mirrored)

    def __call__(self, points: FloatArray) -> FloatArray:
        """Scene positions [N, 3] of body positions."""
        return np.asarray((points - self.origin_mm) @ self.matrix.T)

    def capsule(self, capsule: Capsule) -> Capsule:
        """A piece of soft tissue in the scene."""
        return Capsule(
            self(capsule.start_mm), self(capsule.end_mm), capsule.start_radius_mm, capsule.end_radius_mm
        )


def _stance(turn_deg: FloatArray) -> FloatArray:
    spin, lean, roll = (float(v) for v in turn_deg)
    return np.asarray(rotation(Y_AXIS, roll) @ rotation(X_AXIS, lean) @ rotation(Z_AXIS, spin))


def spine_bones(
    rng: np.random.Generator,
    person: Person,
    vertices: Mapping[str, FloatArray],
    names: Sequence[str],
    place: Placement,
) -> tuple[Bone, ...]:
    """The named bones in the scene, of one random density."""
    density = float(rng.uniform(0.85, 1.5))
    cortex = float(rng.uniform(0.75, 1.35)) * person.size
    bones = []
    for name in names:
        faces = person.faces[name]
        kind = next((key for key in _CORTEX_MM if key in name), "")
        bones.append(
            Bone(
                name,
                place(vertices[name]),
                faces[:, ::-1] if place.mirrored else faces,
                cortex * _CORTEX_MM.get(kind, _OTHER_CORTEX_MM),
                density * float(rng.uniform(0.95, 1.05)),
            )
        )
    return tuple(bones)


def body_centre(people: People, vertices: Mapping[str, FloatArray], bone: str) -> FloatArray:
    """The centre [3] of a vertebral body, or of the upper endplate of the sacrum."""
    if bone == "sacrum":
        return np.asarray(sacral_endplate(people).corners(vertices[bone]).mean(axis=0))
    body = vertebral_body(people, bone)
    ends = [end.corners(vertices[bone]) for end in (body.superior, body.inferior)]
    return np.asarray(np.concatenate(ends).mean(axis=0))


def frontal_tissue(
    rng: np.random.Generator, people: People, vertices: Mapping[str, FloatArray], size: float
) -> list[Capsule]:
    """Trunk seen from the front: belly, chest wall, thin lungs, mediastinum with the heart, neck, shoulders.

    The radii stand for the thickness along the rays: lungs count as the little tissue they hold.
    """
    fat = float(rng.uniform(0.85, 1.25))
    at = {
        b: body_centre(people, vertices, b)
        for b in ("c7", "t2", "t4", "t6", "t10", "t12", "l3", "sacrum")
        if b in vertices
    }
    air = float(rng.uniform(0.75, 1.2))
    dome = float(rng.uniform(-25.0, 15.0)) * size
    capsules: list[Capsule] = []

    def add(start: FloatArray, a: Sequence[float], end: FloatArray, b: Sequence[float]) -> None:
        (ax, az, ar), (bx, bz, br) = a, b
        one = start + np.array([ax, 0.0, az]) * size
        two = end + np.array([bx, 0.0, bz]) * size
        capsules.append(Capsule(one, two, ar * size, br * size))

    for x, radius, higher in ((-66.0, 66.0, 26.0), (66.0, 66.0, 14.0), (0.0, 74.0, -20.0)):
        low = (x * 1.1, -150.0, radius * fat)
        add(
            at["t12"],
            (x, dome / size + higher - 40.0, radius * (0.9 + 0.1 * fat)),
            at["l3"],
            (x, 0.0, radius * fat),
        )
        add(at["l3"], (x, 0.0, radius * fat), at["sacrum"], low)
    if "t4" in at:
        for side in (-1.0, 1.0):
            for x, widening, radius in ((44.0, 8.0, 36.0), (80.0, 14.0, 36.0)):
                start, end = (x * side, 34.0, radius * air), ((x + widening) * side, -10.0, 40.0 * air)
                add(at["t4"], start, at["t12"], end)
            add(at["t4"], (112.0 * side, 10.0, 34.0 * fat), at["t12"], (112.0 * side, -10.0, 36.0 * fat))
            add(at["c7"], (30.0 * side, 6.0, 36.0), at["t2"], (150.0 * side, -14.0, 40.0 * fat))
        add(at["c7"], (0.0, 120.0, 42.0), at["c7"], (0.0, 0.0, 44.0))
        add(at["t2"], (0.0, 0.0, 43.0), at["t6"], (4.0, 0.0, 45.0))
        heart = float(rng.uniform(0.85, 1.2))
        add(at["t6"], (8.0, -10.0, 44.0 * heart), at["t10"], (40.0, 10.0, 50.0 * heart))
        add(at["t6"], (2.0, 0.0, 44.0 * heart), at["t12"], (0.0, 0.0, 52.0))
    return capsules


def rib_names(first: int, last: int) -> tuple[str, ...]:
    """Both ribs of the levels T``first`` to T``last``."""
    return tuple(f"{rib}{side}" for rib in RIBS[first - 1 : last] for side in ("", "_right"))
