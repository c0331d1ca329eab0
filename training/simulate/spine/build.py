"""From a posed person to a scene: bones with their density, soft tissue, the way the film is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from training.simulate.people import People, Person
from training.simulate.placement import Placement
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, rotation
from training.simulate.scene import Bone, FloatArray
from training.simulate.spine.pose import RIBS, pose_trunk
from training.simulate.spine.posture import Posture
from training.simulate.spine.regions import sacral_endplate, vertebral_body

SHOULDERS = ("clavicle", "clavicle_right", "scapula", "scapula_right", "manubrium", "sternum")
_CORTEX_MM = {"rib": 1.0, "femur": 4.5, "humerus": 3.5, "clavicle": 1.6, "scapula": 1.0, "hip_bone": 2.4}
_OTHER_CORTEX_MM = 3.4


def from_the_front(turn_deg: FloatArray, centre_mm: FloatArray, mirrored: bool) -> Placement:
    """The patient's right on the image left, the ray through ``centre_mm``.

    ``turn_deg``: the patient's rotation about the length, lean to the film, roll on the film. A
    ``mirrored`` exposure comes from behind and is shown mirrored, so that only the perspective differs.
    """
    view = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0 if mirrored else 1.0, 0.0]])
    spin, lean, roll = (float(v) for v in turn_deg)
    body = np.asarray(rotation(Y_AXIS, roll) @ rotation(X_AXIS, lean) @ rotation(Z_AXIS, spin))
    return Placement(view @ body, centre_mm)


def from_the_side(turn_deg: FloatArray, centre_mm: FloatArray, mirrored: bool) -> Placement:
    """The patient faces image left; a ``mirrored`` exposure comes from the left.

    ``turn_deg`` is about the axes of the body: length, sideways lean, fore lean.
    """
    view = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [1.0 if mirrored else -1.0, 0.0, 0.0]])
    spin, lean, roll = turn_deg
    body = rotation(X_AXIS, roll) @ rotation(Y_AXIS, lean) @ rotation(Z_AXIS, spin)
    return Placement(view @ body, centre_mm)


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
        kind = next((key for key in _CORTEX_MM if key in name), "")
        bones.append(
            Bone(
                name,
                place(vertices[name]),
                place.faces(person.faces[name]),
                cortex * _CORTEX_MM.get(kind, _OTHER_CORTEX_MM),
                density * float(rng.uniform(0.95, 1.05)),
            )
        )
    return tuple(bones)


def posed_trunk(
    rng: np.random.Generator, people: People, shown: Sequence[str], posture: Posture, variation: float
) -> tuple[Person, dict[str, FloatArray]]:
    """A random person with the bones ``shown`` and hips, and the vertices after posing, body frame."""
    names = tuple(dict.fromkeys((*shown, "femur", "femur_right")))
    person = people.draw(rng, names, variation)
    vertices = {name: np.array(v) for name, v in person.vertices.items()}
    pose_trunk(vertices, people, posture)
    return person, vertices


def body_centre(people: People, vertices: Mapping[str, FloatArray], bone: str) -> FloatArray:
    """The centre [3] of a vertebral body, or of the upper endplate of the sacrum."""
    if bone == "sacrum":
        return np.asarray(sacral_endplate(people).corners(vertices[bone]).mean(axis=0))
    body = vertebral_body(people, bone)
    ends = [end.corners(vertices[bone]) for end in (body.superior, body.inferior)]
    return np.asarray(np.concatenate(ends).mean(axis=0))


def long_film_source_mm(rng: np.random.Generator) -> float:
    """Distance from source to detector of a whole-spine film, in mm.

    Slot scanners and films put together from several exposures hardly diverge along the spine.
    """
    return float(rng.uniform(4000.0, 9000.0) if rng.random() < 0.35 else rng.uniform(1800.0, 2100.0))


def rib_names(first: int, last: int) -> tuple[str, ...]:
    """Both ribs of the levels T``first`` to T``last``."""
    return tuple(f"{rib}{side}" for rib in RIBS[first - 1 : last] for side in ("", "_right"))
