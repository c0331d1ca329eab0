"""What a simulated radiograph shows: posed bones, soft tissue, named points, and the X-ray geometry.

Scene frame (right-handed, millimetres): x to the right of the film, y down the film, z from the
X-ray source towards the detector. The origin is the point of the body on the central ray.

Image coordinates are (x, y) pixels with pixel centres at integers, as in the real film sets.
Scenes show the LEFT side of the body; a right-sided film is the mirror image of a left-sided one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]


@dataclass(frozen=True)
class GrowthPlate:
    """An open physis: a radiolucent gap across a bone, seen as a dark, slightly wavy band.

    ``centre_mm`` lies on the bone's axis, ``axis`` is the unit vector along the bone pointing to
    the epiphysis. The epiphysis beyond the gap is drawn at ``epiphysis_width`` times its adult
    width (1.0 = as wide as the metaphysis).
    """

    centre_mm: FloatArray
    axis: FloatArray
    gap_mm: float
    epiphysis_width: float = 1.0


@dataclass(frozen=True)
class Surface:
    """One closed, outward-oriented surface: ``vertices_mm`` [V, 3] and ``faces`` [F, 3]."""

    vertices_mm: FloatArray
    faces: IntArray


@dataclass(frozen=True)
class Bone:
    """One closed bone surface, outward-oriented, posed in the scene frame.

    ``vertices_mm`` is [V, 3] and ``faces`` [F, 3]. Vertex i of a bone is the same anatomical point
    in every scene made from the same template (``template`` names it, e.g. ``bodyparts3d``).
    ``cortex_mm`` is the thickness of the cortical shell at mid-shaft, ``density`` the mineral
    density relative to a healthy adult (1.0). ``drawn`` are the surfaces that the film shows instead of
    the whole bone where parts of it are cut off, moved or gone; points stay on the whole bone. Points
    of a bone that is not ``tracked`` have no counterpart in other people (a bone spur, a lesion).
    """

    name: str
    vertices_mm: FloatArray
    faces: IntArray
    cortex_mm: float
    density: float = 1.0
    growth_plates: tuple[GrowthPlate, ...] = ()
    drawn: tuple[Surface, ...] | None = None
    tracked: bool = True


@dataclass(frozen=True)
class Solid:
    """A dense body that is no bone, such as an implant, in the scene frame.

    ``bone_equivalent`` is how many millimetres of compact bone attenuate as much as one of it: about 6
    for titanium, 16 for steel and cobalt-chromium.
    """

    name: str
    vertices_mm: FloatArray
    faces: IntArray
    bone_equivalent: float


@dataclass(frozen=True)
class Capsule:
    """A piece of soft tissue: all points within ``radius`` (tapering from start to end) of a segment."""

    start_mm: FloatArray
    end_mm: FloatArray
    start_radius_mm: float
    end_radius_mm: float


@dataclass(frozen=True)
class Cast:
    """A shell around the skin, between ``inner_mm`` and ``outer_mm`` outside it.

    It covers the soft-tissue parts ``capsules``. ``muscle_equivalent`` is its attenuation relative to
    muscle, ``weave_mm`` the pitch of its fabric (0: none).
    """

    capsules: tuple[Capsule, ...]
    inner_mm: float
    outer_mm: float
    muscle_equivalent: float
    weave_mm: float = 0.0


@dataclass(frozen=True)
class Camera:
    """Cone-beam geometry of one exposure.

    ``source_object_mm`` is the distance from the focal spot to the scene origin,
    ``source_detector_mm`` to the detector. ``pixel_mm`` is the pixel pitch on the detector. The
    central ray meets the detector at pixel ``(centre_x, centre_y)``.
    """

    source_detector_mm: float
    source_object_mm: float
    pixel_mm: float
    width: int
    height: int
    centre_x: float
    centre_y: float

    @property
    def magnification(self) -> float:
        """How much larger than life an object in the plane z = 0 appears on the detector."""
        return self.source_detector_mm / self.source_object_mm

    @property
    def object_pixel_mm(self) -> float:
        """Millimetres of the plane z = 0 that one pixel covers."""
        return self.pixel_mm / self.magnification

    def project(self, points_mm: FloatArray) -> FloatArray:
        """Film coordinates [N, 2] in pixels of scene points [N, 3] in millimetres."""
        points_mm = np.asarray(points_mm, dtype=np.float64)
        scale = self.source_detector_mm / (self.source_object_mm + points_mm[:, 2]) / self.pixel_mm
        return np.stack(
            [self.centre_x + points_mm[:, 0] * scale, self.centre_y + points_mm[:, 1] * scale], axis=1
        )


PointRule = Callable[["Scene", Camera], FloatArray]
"""A named point that depends on the view: gives its film position (x, y) in pixels."""


@dataclass(frozen=True)
class Scene:
    """Everything that one exposure shows, before it is turned into grey values.

    ``points_mm`` are named points fixed to the anatomy, [3] each. ``point_rules`` are named points
    defined on the projected outline, as a reader sees them. ``truth`` holds true values of
    measurements known in 3-D, by measurement key. ``solids`` and ``casts`` lie in and around the body.
    ``found_px`` keeps what rules that others use have found on a film.
    """

    view: str
    template: str
    bones: tuple[Bone, ...]
    soft_tissue: tuple[Capsule, ...]
    points_mm: Mapping[str, FloatArray]
    point_rules: Mapping[str, PointRule] = field(default_factory=dict)
    truth: Mapping[str, float] = field(default_factory=dict)
    solids: tuple[Solid, ...] = ()
    casts: tuple[Cast, ...] = ()
    found_px: dict[tuple[PointRule, Camera], FloatArray] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def project_points(self, camera: Camera) -> dict[str, FloatArray]:
        """Film position (x, y) in pixels of every named point."""
        fixed = {name: camera.project(p[None])[0] for name, p in self.points_mm.items()}
        return fixed | {name: rule(self, camera) for name, rule in self.point_rules.items()}

    def bone(self, name: str) -> Bone:
        """The bone of this name; KeyError if the scene does not show it."""
        for bone in self.bones:
            if bone.name == name:
                return bone
        raise KeyError(name)
