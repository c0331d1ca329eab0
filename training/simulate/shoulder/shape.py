"""Shape and posture of a random shoulder, in the whole-body frame (x to the left, y backwards, z up).

Order matters: first the shape of each bone, then the posture of the scapula, then the clavicle and the
humerus, which are brought to the joints of the scapula as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from training.simulate.pose import Z_AXIS, Vertices, ramp, rotation, rotation_between, wave_field
from training.simulate.rules import fit_sphere
from training.simulate.scene import FloatArray
from training.simulate.shoulder.template import ShoulderTemplate

_HEAD_SHIFT_MM = (-9.0, 10.0)  # of the humeral head along the glenoid, down and up
_CORACOID_SHIFT_MM = (-18.0, 5.0)


@dataclass(frozen=True)
class ShoulderPose:
    """Random choices of one shoulder. Degrees and millimetres; angles are changes from the template.

    ``glenoid_up_deg`` turns the joint surface upwards, ``glenoid_back_deg`` backwards.
    ``acromion_lateral_mm`` lengthens the acromion sideways, ``acromion_side_deg`` lowers its lateral and
    ``acromion_front_deg`` its anterior end. ``arch_mm`` bends its undersurface to an arch (type II),
    ``hook_mm`` lowers its anterior third (type III). ``tilt_deg`` leans the scapula forwards,
    ``upward_deg`` turns it upwards, ``protraction_deg`` turns its joint surface forwards.
    """

    glenoid_up_deg: float
    glenoid_back_deg: float
    acromion_lateral_mm: float
    acromion_height_mm: float
    acromion_side_deg: float
    acromion_front_deg: float
    arch_mm: float
    hook_mm: float
    head_scale: float
    neck_shaft_deg: float
    tuberosity_mm: float
    tilt_deg: float
    upward_deg: float
    protraction_deg: float
    abduction_deg: float
    flexion_deg: float
    rotation_deg: float
    joint_space_mm: float
    acromiohumeral_mm: float
    head_forward_mm: float
    acromioclavicular_mm: float
    clavicle_up_mm: float
    coracoclavicular_mm: float


def draw_pose(rng: np.random.Generator, variation: float = 1.0) -> ShoulderPose:
    """Random shape and posture; ``variation`` scales the spread, 0 gives the average of each."""

    def normal(mean: float, spread: float, low: float, high: float) -> float:
        return float(np.clip(mean + variation * spread * rng.standard_normal(), low, high))

    def mixed(mean: float, spread: float, low: float, high: float, wide: float) -> float:
        """Normal, or with the chance ``wide`` anywhere between both limits."""
        anywhere = mean + variation * (rng.uniform(low, high) - mean)
        narrow = normal(mean, spread, low, high)
        return float(anywhere) if rng.random() < wide else narrow

    shape = rng.random()  # type I, II or III of the acromion
    flat, arch, hook = rng.uniform(1.0, 3.0), rng.uniform(3.0, 6.5), rng.uniform(2.5, 7.0)
    separated = rng.random() < 0.08 * variation
    return ShoulderPose(
        glenoid_up_deg=mixed(-2.0, 4.0, -14.0, 14.0, 0.25),
        glenoid_back_deg=mixed(0.0, 3.0, -8.0, 10.0, 0.2),
        acromion_lateral_mm=mixed(7.5, 2.5, -2.0, 16.0, 0.3),
        acromion_height_mm=normal(9.0, 1.5, 5.5, 12.5),
        acromion_side_deg=mixed(13.0, 5.0, -2.0, 29.0, 0.25),
        acromion_front_deg=mixed(6.0, 5.0, -8.0, 20.0, 0.25),
        arch_mm=float(arch if shape > 0.2 else flat),
        hook_mm=float(hook * variation) if shape > 0.7 else 0.0,
        head_scale=normal(1.05, 0.04, 0.95, 1.15),
        neck_shaft_deg=mixed(6.0, 4.5, -9.0, 19.0, 0.2),
        tuberosity_mm=normal(-2.0, 1.5, -6.0, 3.0),
        tilt_deg=mixed(1.0, 4.0, -8.0, 12.0, 0.2),
        upward_deg=normal(-2.0, 5.0, -12.0, 12.0),
        protraction_deg=normal(0.0, 5.0, -12.0, 12.0),
        abduction_deg=mixed(7.0, 5.0, -4.0, 28.0, 0.12),
        flexion_deg=normal(2.0, 5.0, -14.0, 14.0),
        rotation_deg=mixed(0.0, 14.0, -50.0, 40.0, 0.35),
        joint_space_mm=mixed(3.6, 0.7, 0.6, 5.5, 0.2),
        acromiohumeral_mm=mixed(9.5, 1.6, 2.0, 14.5, 0.35),
        head_forward_mm=normal(0.0, 1.2, -4.0, 4.0),
        acromioclavicular_mm=mixed(3.0, 1.0, 1.0, 8.0, 0.15),
        clavicle_up_mm=float(rng.uniform(3.0, 14.0)) if separated else normal(3.0, 1.5, -1.0, 6.0),
        coracoclavicular_mm=normal(10.0, 2.0, 5.0, 15.0),
    )


@dataclass(frozen=True, eq=False)
class Frame:
    """Directions of one scapula: ``out`` laterally and ``back`` level with the ground, ``up`` plumb.

    ``out`` is the way the joint surface looks, seen from above; ``normal`` is the way it looks,
    ``along`` its long axis from below; ``centre`` its middle.
    """

    centre: FloatArray
    out: FloatArray
    back: FloatArray
    up: FloatArray
    normal: FloatArray
    along: FloatArray


def scapula_frame(scapula: FloatArray, template: ShoulderTemplate) -> Frame:
    """The frame of scapula vertices [V, 3] in the whole-body frame."""
    face = scapula[template.glenoid]
    centre = face.mean(axis=0)
    normal = np.linalg.svd(face - centre, full_matrices=False)[2][2]
    normal = normal * np.sign(normal[0])
    out = np.array([normal[0], normal[1], 0.0]) / np.hypot(normal[0], normal[1])
    along = scapula[template.glenoid_high].mean(axis=0) - scapula[template.glenoid_low].mean(axis=0)
    along -= (along @ normal) * normal
    back = np.array([-out[1], out[0], 0.0])
    return Frame(centre, out, back, Z_AXIS, normal, along / np.linalg.norm(along))


def shape_bones(
    vertices: Vertices, template: ShoulderTemplate, pose: ShoulderPose, rng: np.random.Generator
) -> None:
    """Give scapula and proximal humerus the shape of ``pose``, in place."""
    scapula = vertices["scapula"]
    scapula += wave_field(scapula, rng, 40.0, 120.0, 0.4)
    frame = scapula_frame(scapula, template)
    tip = rotation(frame.back, -pose.glenoid_up_deg) @ rotation(frame.along, pose.glenoid_back_deg)
    _blend(scapula, template.glenoid_weight, tip, frame.centre)
    _shape_acromion(scapula, template, pose, frame)
    humerus = vertices["humerus"]
    centre, _ = fit_sphere(humerus[template.cap])
    up = shaft_direction(humerus, template)
    inwards = humerus[template.cap].mean(axis=0) - centre
    inwards -= (inwards @ up) * up
    humerus += (pose.tuberosity_mm * template.tuberosity_weight)[:, None] * up
    # Turning the head upwards about the surgical neck opens the angle to the shaft.
    neck = centre - 30.0 * up - 0.6 * inwards
    bend = rotation(np.cross(inwards, up), pose.neck_shaft_deg)
    _blend(humerus, template.head_weight, bend, neck)
    grow = (pose.head_scale - 1.0) * template.head_weight
    middle, _ = fit_sphere(humerus[template.cap])
    humerus += grow[:, None] * (humerus - middle)


def _shape_acromion(
    scapula: FloatArray, template: ShoulderTemplate, pose: ShoulderPose, frame: Frame
) -> None:
    weight = template.acromion_weight
    hinge = scapula[template.acromion].mean(axis=0)
    # Down at the lateral end: turning about the backward axis; down in front: about the lateral one.
    bend = rotation(frame.back, pose.acromion_side_deg) @ rotation(frame.out, pose.acromion_front_deg)
    _blend(scapula, weight, bend, hinge)
    part = scapula[template.acromion]
    sideways = (scapula - part.mean(axis=0)) @ frame.out
    widest = float((part @ frame.out).max() - part.mean(axis=0) @ frame.out)
    stretch = pose.acromion_lateral_mm * weight * ramp(sideways, -widest, widest)
    scapula += stretch[:, None] * frame.out
    forward = -(scapula @ frame.back)
    front, rear = (float(v) for v in np.quantile(forward[template.undersurface], [0.99, 0.05]))
    t = np.clip((forward - rear) / (front - rear), 0.0, 1.0)
    # An arch is highest in the middle; a hook lowers the front third.
    rise = pose.arch_mm * 4.0 * t * (1.0 - t) - pose.hook_mm * ramp(t, 0.55, 1.0)
    scapula += ((pose.acromion_height_mm + rise) * weight)[:, None] * Z_AXIS


def stand(vertices: Vertices, template: ShoulderTemplate, pose: ShoulderPose) -> None:
    """Set the posture of the scapula on the thorax, then clavicle and humerus, in place."""
    frame = scapula_frame(vertices["scapula"], template)
    pivot = vertices["scapula"][template.acromion_facet].mean(axis=0)
    lean = rotation(frame.out, pose.tilt_deg)
    # The scapula follows the arm when it is raised (Inman 1944).
    upward = rotation(frame.back, -pose.upward_deg - max(0.0, 0.35 * (pose.abduction_deg - 7.0)))
    matrix = rotation(Z_AXIS, -pose.protraction_deg) @ upward @ lean
    vertices["scapula"] = (vertices["scapula"] - pivot) @ matrix.T + pivot
    _join_clavicle(vertices, template, pose)
    _clear_coracoid(vertices, template, pose)
    _hang_humerus(vertices, template, pose)


def _join_clavicle(vertices: Vertices, template: ShoulderTemplate, pose: ShoulderPose) -> None:
    """Turn the clavicle about its sternal end until its outer end stands at the acromion."""
    frame = scapula_frame(vertices["scapula"], template)
    facet = vertices["scapula"][template.acromion_facet]
    clavicle = vertices["clavicle"]
    pivot = clavicle[template.medial].mean(axis=0)
    end = clavicle[template.lateral].mean(axis=0)
    aim = facet.mean(axis=0) - 6.0 * frame.out + pose.clavicle_up_mm * frame.up
    for _ in range(4):
        clavicle = _reach(clavicle, pivot, end, aim)
        end = clavicle[template.lateral].mean(axis=0)
        gap = float(cdist(facet, clavicle[template.lateral]).min())
        aim = end + (gap - pose.acromioclavicular_mm) * frame.out
    vertices["clavicle"] = clavicle


def _clear_coracoid(vertices: Vertices, template: ShoulderTemplate, pose: ShoulderPose) -> None:
    """Lower or raise the coracoid to its distance below the clavicle, wider where that stands high."""
    frame = scapula_frame(vertices["scapula"], template)
    coracoid = vertices["scapula"][template.coracoid]
    highest = int((coracoid @ frame.up).argmax())
    top = coracoid[highest]
    clavicle = vertices["clavicle"][template.clavicle_outer]
    above = clavicle[np.argsort(np.abs((clavicle - top) @ frame.out))[:150]]
    gap = float(((above - top) @ frame.up).min())
    rise = gap - pose.coracoclavicular_mm - max(0.0, pose.clavicle_up_mm - 3.0)
    share = max(0.5, float(template.coracoid_weight[template.coracoid[highest]]))
    shift = float(np.clip(rise / share, *_CORACOID_SHIFT_MM))
    vertices["scapula"] += (shift * template.coracoid_weight)[:, None] * frame.up


def _reach(bone: FloatArray, pivot: FloatArray, end: FloatArray, aim: FloatArray) -> FloatArray:
    """The bone turned about its pivot and stretched so that ``end`` comes to ``aim``."""
    matrix = rotation_between(end - pivot, aim - pivot)
    scale = float(np.linalg.norm(aim - pivot) / np.linalg.norm(end - pivot))
    return np.asarray((bone - pivot) @ matrix.T * scale + pivot)


def _hang_humerus(vertices: Vertices, template: ShoulderTemplate, pose: ShoulderPose) -> None:
    """Turn the arm and bring the head to the joint with its spaces to glenoid and acromion."""
    frame = scapula_frame(vertices["scapula"], template)
    humerus = vertices["humerus"]
    centre, radius = fit_sphere(humerus[template.cap])
    raised = rotation(frame.back, -pose.abduction_deg) @ rotation(frame.out, -pose.flexion_deg)
    shaft = raised @ frame.up
    inwards = humerus[template.cap].mean(axis=0) - centre
    first = rotation_between(shaft_direction(humerus, template), shaft)
    inwards = first @ inwards
    inwards -= (inwards @ shaft) * shaft
    aim = -frame.out + (frame.out @ shaft) * shaft
    # Outward rotation of a left arm turns the head forwards.
    aim = rotation(shaft, pose.rotation_deg) @ aim
    turn = float(np.degrees(np.arctan2(np.cross(inwards, aim) @ shaft, inwards @ aim)))
    humerus = (humerus - centre) @ (rotation(shaft, turn) @ first).T
    face = vertices["scapula"][template.glenoid]
    acromion = vertices["scapula"][template.acromion]
    sheet = np.stack([frame.out, frame.up])
    shift = 0.0
    for _ in range(4):
        place = frame.centre + shift * frame.along + pose.head_forward_mm * -frame.back
        place = place + _clearance(place, frame.normal, face, radius + pose.joint_space_mm) * frame.normal
        gap = float(np.linalg.norm((acromion - place) @ sheet.T, axis=1).min()) - radius
        shift = float(np.clip(shift + gap - pose.acromiohumeral_mm, *_HEAD_SHIFT_MM))
    vertices["humerus"] = humerus + place


def _clearance(place: FloatArray, normal: FloatArray, face: FloatArray, distance: float) -> float:
    """How far to go from ``place`` along ``normal`` to keep a distance from all points of ``face``."""
    offset = face - place
    along = offset @ normal
    across = (offset**2).sum(axis=1) - along**2
    reach = distance**2 - across
    near = reach > 0
    # A few points of the rim may stand closer: the soft labrum, not bone, touches the head there.
    return float(np.quantile(along[near] + np.sqrt(reach[near]), 0.85))


def shaft_direction(humerus: FloatArray, template: ShoulderTemplate) -> FloatArray:
    """Unit vector along the humeral shaft, upwards."""
    shaft = humerus[template.shaft]
    up = np.linalg.svd(shaft - shaft.mean(axis=0), full_matrices=False)[2][0]
    towards_head = humerus[template.cap].mean(axis=0) - shaft.mean(axis=0)
    return np.asarray(up * np.sign(up @ towards_head))


def _blend(points: FloatArray, weight: FloatArray, matrix: FloatArray, pivot: FloatArray) -> None:
    """Turn points [N, 3] about a pivot by a share ``weight`` [N] of a small rotation, in place."""
    points += weight[:, None] * ((points - pivot) @ (matrix - np.eye(3)).T)
