"""A random shoulder in the whole-body frame, and its films from any direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.simulate.framing import framed
from training.simulate.people import People, Person
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, Vertices, rotation
from training.simulate.rules import fit_sphere
from training.simulate.scene import Camera, FloatArray, PointRule, Scene
from training.simulate.shoulder.body import Tissue, make_bones, soft_tissue
from training.simulate.shoulder.shape import Frame, ShoulderPose, scapula_frame, shape_bones, stand
from training.simulate.shoulder.template import BONES, ShoulderTemplate, shoulder_template


@dataclass(frozen=True, eq=False)
class Body:
    """A person whose left shoulder stands in ``pose``; vertices [V, 3] in the whole-body frame."""

    person: Person
    pose: ShoulderPose
    template: ShoulderTemplate
    vertices: Mapping[str, FloatArray]
    tissue: tuple[Tissue, ...]
    frame: Frame

    def scene(
        self,
        view: str,
        matrix: FloatArray,
        ray: FloatArray,
        rules: Mapping[str, PointRule],
        rng: np.random.Generator,
    ) -> Scene:
        """The scene of one view: ``matrix`` [3, 3] turns the body, ``ray`` [3] is on the central ray.

        A matrix with negative determinant gives the mirror image. ``truth`` holds the
        ``humeral_head_diameter`` (mm, of the sphere through the joint surface).
        """

        def place(points: FloatArray) -> FloatArray:
            return np.asarray((points - ray) @ matrix.T)

        placed = {name: place(v) for name, v in self.vertices.items()}
        mirrored = float(np.linalg.det(matrix)) < 0
        bones = make_bones(self.person, placed, self.template, rng, mirrored)
        _, radius = fit_sphere(self.vertices["humerus"][self.template.cap])
        truth = {"humeral_head_diameter": 2.0 * radius}
        tissue = tuple(capsule.moved(place) for capsule in self.tissue)
        return Scene(view, "bodyparts3d", bones, tissue, {}, rules, truth)


def posed_body(rng: np.random.Generator, people: People, pose: ShoulderPose) -> Body:
    """A random person with the shape and posture of ``pose``."""
    template = shoulder_template(people)
    person = people.draw(rng, BONES)
    vertices: Vertices = {name: v.copy() for name, v in person.vertices.items()}
    shape_bones(vertices, template, pose, rng)
    stand(vertices, template, pose)
    tissue = soft_tissue(vertices, template, rng)
    frame = scapula_frame(vertices["scapula"], template)
    return Body(person, pose, template, vertices, tissue, frame)


def view_matrix(roll_deg: float, caudal_deg: float, turn_deg: float) -> FloatArray:
    """Turns a scene: about the upright, then as a beam from above does, then in the plane of the film."""
    upright = rotation(Y_AXIS, turn_deg)
    return np.asarray(rotation(Z_AXIS, roll_deg) @ rotation(X_AXIS, caudal_deg) @ upright)


def camera_around(
    scene: Scene,
    margins_mm: FloatArray,
    object_detector_mm: float,
    rng: np.random.Generator,
    side_px: int,
) -> Camera:
    """A camera that shows all points with free margins [4] (left, top, right, bottom) around them."""
    source_detector = float(rng.uniform(1000.0, 1150.0))
    plain = framed((-1.0, -1.0, 1.0, 1.0), 2, source_detector, object_detector_mm)
    marks = np.array(list(scene.project_points(plain).values())) - [plain.centre_x, plain.centre_y]
    left, top = (float(v) for v in marks.min(axis=0) - margins_mm[:2])
    right, bottom = (float(v) for v in marks.max(axis=0) + margins_mm[2:])
    return framed((left, top, right, bottom), side_px, source_detector, object_detector_mm)
