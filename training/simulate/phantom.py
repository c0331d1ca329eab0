"""A test body of balls, wires and a block: what a film of it must show is known in closed form.

Ball centres, wire directions, lengths and magnification follow from the places written here by similar
triangles, without meshes or rendering. Rendered films and files made from them can be held against that.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from training.simulate.scene import Camera, Capsule, FloatArray, Scene, Solid
from training.simulate.solids import ball, box, rod

VIEW = "phantom"
BALL_RADIUS_MM = 4.0
WIRE_RADIUS_MM = 0.8
BLOCK_MM = (24.0, 16.0, 10.0)  # width, height and depth of the block, which is parallel to the film

# Centres in the scene frame, mm: a ruler of two balls in the plane z = 0, others before and behind it.
BALLS: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "ruler_left": (-50.0, -70.0, 0.0),
        "ruler_right": (50.0, -70.0, 0.0),
        "near_source": (-40.0, 5.0, -40.0),
        "near_detector": (45.0, 5.0, 40.0),
        "centre": (0.0, 0.0, 0.0),
        "low": (8.3, 78.1, 12.5),
    }
)
# Ends in the scene frame, mm. The first three lie in planes parallel to the film. None runs exactly along
# rows or columns, where the pixel grid would shift its measured middle.
WIRES: Mapping[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = MappingProxyType(
    {
        "upright": ((-25.5, -45.0, 0.0), (-23.5, 45.0, 0.0)),
        "tilted": ((25.0, -45.0, 10.0), (32.0, 40.0, 10.0)),
        "level": ((-40.0, 57.0, -15.0), (40.0, 59.0, -15.0)),
        "oblique": ((-60.0, -45.0, -25.0), (-48.0, 55.0, 25.0)),
    }
)
BLOCK_CENTRE = (0.0, 28.0, 20.0)


def phantom_scene(bone_equivalent: float = 6.0) -> Scene:
    """The phantom: every solid attenuates like ``bone_equivalent`` mm of compact bone per mm.

    Points are the ball centres (by their names) and the wires' ends (``<wire>_start``, ``<wire>_end``).
    ``truth`` holds the angle in degrees between upright and tilted wire and between upright and level
    wire, the length of the ruler in mm, and the ratio of the magnifications of near and far ball.
    """
    solids = [(name, ball(np.array(c), BALL_RADIUS_MM, 5)) for name, c in BALLS.items()]
    solids += [(name, rod(np.array(a), np.array(b), WIRE_RADIUS_MM, 48)) for name, (a, b) in WIRES.items()]
    solids.append(("block", box(np.array(BLOCK_CENTRE), np.eye(3), np.array(BLOCK_MM))))
    points = {name: np.array(c) for name, c in BALLS.items()}
    for name, (start, end) in WIRES.items():
        points |= {f"{name}_start": np.array(start), f"{name}_end": np.array(end)}
    slab = tuple(
        Capsule(np.array([x, -90.0, 0.0]), np.array([x, 90.0, 0.0]), 9.0, 9.0) for x in range(-60, 61, 8)
    )
    return Scene(
        view=VIEW,
        template=VIEW,
        bones=(),
        soft_tissue=slab,
        points_mm=points,
        truth={
            "tilted_angle_deg": _angle_deg("upright", "tilted"),
            "level_angle_deg": _angle_deg("upright", "level"),
            "ruler_mm": float(np.linalg.norm(np.subtract(BALLS["ruler_right"], BALLS["ruler_left"]))),
        },
        solids=tuple(Solid(name, s.vertices_mm, s.faces, bone_equivalent) for name, s in solids),
    )


def phantom_camera(
    side_px: int, source_detector_mm: float = 1150.0, source_object_mm: float = 1000.0
) -> Camera:
    """A camera whose film of 4 to 5 shows the whole phantom; its central ray is not in the middle."""
    width = round(side_px * 0.8)
    magnification = source_detector_mm / source_object_mm
    pixel_mm = 200.0 * magnification / side_px
    return Camera(
        source_detector_mm, source_object_mm, pixel_mm, width, side_px, 0.49 * width, 0.505 * side_px
    )


def phantom_film(rng: np.random.Generator, side_px: int) -> tuple[Scene, Camera]:
    """The phantom at a random distance of tube and detector."""
    source_detector = float(rng.uniform(1000.0, 1800.0))
    return phantom_scene(), phantom_camera(
        side_px, source_detector, source_detector - rng.uniform(60.0, 250.0)
    )


def shadow_px(place_mm: FloatArray, camera: Camera) -> FloatArray:
    """Where the ray through a place [3] meets the film, by similar triangles, (x, y) in pixels."""
    x, y, z = (float(v) for v in place_mm)
    ratio = camera.source_detector_mm / (camera.source_object_mm + z) / camera.pixel_mm
    return np.array([camera.centre_x + x * ratio, camera.centre_y + y * ratio])


def ball_shadow_px(centre_mm: FloatArray, camera: Camera, radius_mm: float = BALL_RADIUS_MM) -> FloatArray:
    """Centre of the ellipse that a ball's cone of rays cuts out of the film, (x, y) in pixels.

    The cone about the axis at the angle a to the central ray has the half angle b with
    sin b = radius / distance; its section reaches from tan(a - b) to tan(a + b) of the film's distance,
    so its middle is a little farther out than the shadow of the centre.
    """
    centre = np.asarray(centre_mm, dtype=np.float64) + np.array([0.0, 0.0, camera.source_object_mm])
    distance = float(np.linalg.norm(centre))
    aside = float(np.hypot(centre[0], centre[1]))
    if aside == 0.0:
        return np.array([camera.centre_x, camera.centre_y])
    a, b = np.arctan2(aside, centre[2]), np.arcsin(radius_mm / distance)
    out = (np.tan(a + b) + np.tan(a - b)) / 2 * camera.source_detector_mm / camera.pixel_mm
    return np.asarray([camera.centre_x, camera.centre_y] + centre[:2] / aside * out)


def _angle_deg(one: str, two: str) -> float:
    a, b = (np.subtract(WIRES[name][1], WIRES[name][0]) for name in (one, two))
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))
