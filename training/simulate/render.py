"""From a posed scene to what the X-rays cross: millimetres of compact bone and of soft tissue per pixel."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.simulate.growth import apply_growth_plate
from training.simulate.raster import Window, path_in_window, smooth_normals, window_of
from training.simulate.scene import Bone, Camera, Capsule, FloatArray, IntArray, Scene

Image = NDArray[np.float32]

_END_CORTEX = 0.35  # thickness of the shell at a bone's ends, relative to mid-shaft
_LONG_BONE = 2.6  # half length over spread of the cross-section from which a bone has a shaft
_MAX_SHELL = 0.62  # largest part of a bone's local radius that its shell may take
_SHAFT_CANCELLOUS = 0.06  # mineral of the marrow space relative to compact bone, mid-shaft
_END_CANCELLOUS = 0.22  # the same where the bone is filled with trabeculae
_GRAIN = 0.22  # spread of the trabecular density about its mean, where the film resolves it
_SOFT_MERGE_MM2 = 9.0  # how far neighbouring soft parts flow into each other
_HOLLOW_MM = 18.0  # hollows of the soft tissue up to this width are filled
_HOLLOW_FROM_MM2 = 16.0  # and wholly so where the squared half thickness reaches this
_SOFT_STEP = 4  # soft tissue is computed on every fourth pixel


@dataclass(frozen=True)
class Layers:
    """What lies between source and film, per pixel [H, W], float32.

    ``bone`` is the path through mineral as millimetres of healthy compact bone, ``soft`` the path
    through soft tissue as millimetres of muscle. ``metal`` is the path through implants and other dense
    foreign bodies as millimetres of compact bone that attenuate as much; None on a film without any.
    """

    bone: Image
    soft: Image
    metal: Image | None = None


def map_layers(layers: Layers, change: Callable[[Image], Image]) -> Layers:
    """The layers with every image replaced by what ``change`` makes of it."""
    metal = None if layers.metal is None else change(layers.metal)
    return Layers(change(layers.bone), change(layers.soft), metal)


def mirrored_layers(layers: Layers) -> Layers:
    """The same layers with columns in reverse order: the film of the other side of the body."""
    return map_layers(layers, lambda layer: np.ascontiguousarray(layer[:, ::-1]))


@dataclass(frozen=True)
class _Shape:
    """Long axis of a bone: centre [3], unit direction [3], half length, mean half width, all in mm."""

    centre: FloatArray
    axis: FloatArray
    half_length: float
    half_width: float

    def endness(self, along: FloatArray) -> FloatArray:
        """0 in the shaft to 1 at the ends, at signed distances ``along`` (mm) from the centre."""
        if self.half_length < _LONG_BONE * self.half_width:
            return np.ones_like(along)
        t = np.clip((np.abs(along) / self.half_length - 0.35) / 0.45, 0.0, 1.0)
        return t * t * (3.0 - 2.0 * t)


def signed_path(vertices: FloatArray, faces: IntArray, camera: Camera) -> FloatArray:
    """Ray path in mm [height, width] through one closed, outward-oriented mesh (vertices [V, 3] in mm).

    Overlapping parts count as often as they cover a point; an inside-out mesh counts negative.
    ValueError if a vertex lies at or behind the source.
    """
    path = np.zeros((camera.height, camera.width))
    window = window_of(camera.project(vertices), camera)
    if not window.empty:
        path[window.slices] = path_in_window(vertices, faces, camera, window)
    return path


def outline_mask(scene: Scene, camera: Camera, bone_names: Collection[str]) -> NDArray[np.bool_]:
    """Pixels [height, width] whose ray meets the surface of any named bone; KeyError for an absent name."""
    mask = np.zeros((camera.height, camera.width), dtype=bool)
    for name in bone_names:
        bone = scene.bone(name)
        mask |= signed_path(bone.vertices_mm, bone.faces, camera) > 1e-6
    return mask


def render(scene: Scene, camera: Camera, seed: int = 0) -> Layers:
    """Path lengths of one exposure; ``seed`` fixes the trabecular texture and the shape of growth plates."""
    rng = np.random.default_rng(seed)
    texture = _trabeculae(rng, camera.object_pixel_mm)
    bone_layer = np.zeros((camera.height, camera.width), dtype=np.float32)
    for bone in scene.bones:
        window = window_of(camera.project(bone.vertices_mm), camera, margin_px=3)
        # Drawn before the window is tested, so that a shift of the camera leaves other bones as they are.
        bone_rng = np.random.default_rng(rng.integers(2**63))
        if not window.empty:
            bone_layer[window.slices] += _mineral(bone, camera, window, texture, bone_rng)
    return Layers(bone=bone_layer, soft=soft_tissue(scene.soft_tissue, camera))


def _shape_of(vertices: FloatArray) -> _Shape:
    centre = vertices.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((vertices - centre).T))
    axis = vectors[:, 2]
    along = (vertices - centre) @ axis
    low, high = float(along.min()), float(along.max())
    half_width = float(np.sqrt(values[0] + values[1]))
    return _Shape(centre + axis * (low + high) / 2, axis, (high - low) / 2, half_width)


def _inner_surface(bone: Bone, vertices: FloatArray, faces: IntArray, shape: _Shape) -> FloatArray:
    """The boundary of the marrow space: the surface moved inwards by the local thickness of the shell."""
    offset = vertices - shape.centre
    along = offset @ shape.axis
    # Local radius by slices along the axis, so that a thick shell cannot turn a thin shaft inside out.
    bins = 16
    where = np.clip(((along / shape.half_length + 1) / 2 * bins).astype(int), 0, bins - 1)
    count = np.maximum(np.bincount(where, minlength=bins), 1)
    middle = np.stack(
        [np.bincount(where, weights=offset[:, k], minlength=bins) / count for k in range(3)], axis=1
    )
    spoke = offset - middle[where]
    spoke -= (spoke @ shape.axis)[:, None] * shape.axis
    radius = np.bincount(where, weights=np.linalg.norm(spoke, axis=1), minlength=bins) / count
    thickness = bone.cortex_mm * (1.0 - (1.0 - _END_CORTEX) * shape.endness(along))
    filled = np.flatnonzero(np.bincount(where, minlength=bins))
    position = ((filled + 0.5) / bins * 2 - 1) * shape.half_length
    thickness = np.minimum(thickness, _MAX_SHELL * np.interp(along, position, radius[filled]))
    return np.asarray(vertices - smooth_normals(vertices, faces, 3) * thickness[:, None])


def _mineral(bone: Bone, camera: Camera, window: Window, texture: Image, rng: np.random.Generator) -> Image:
    """Mineral path [rows, columns] of one bone in mm of compact bone."""
    vertices = np.ascontiguousarray(bone.vertices_mm, dtype=np.float64)
    faces = np.ascontiguousarray(bone.faces, dtype=np.int32)
    shape = _shape_of(vertices)
    outer = np.maximum(path_in_window(vertices, faces, camera, window), 0.0)
    inner = path_in_window(_inner_surface(bone, vertices, faces, shape), faces, camera, window)
    inner = np.clip(inner, 0.0, outer)
    filling = _filling(shape, camera, window, texture, rng)
    mineral = ((outer - inner + inner * filling) * bone.density).astype(np.float32)
    for plate in bone.growth_plates:
        mineral = apply_growth_plate(mineral, plate, camera, window, rng)
    return mineral


def _filling(
    shape: _Shape, camera: Camera, window: Window, texture: Image, rng: np.random.Generator
) -> Image:
    """Mineral of the space inside the shell relative to compact bone: trabeculae along the axis."""
    ends = camera.project(np.stack([shape.centre - shape.axis, shape.centre + shape.axis]))
    direction = (ends[1] - ends[0]) / 2.0  # pixels per mm of the axis, short if the axis points at the source
    scale = camera.source_detector_mm / (camera.source_object_mm + shape.centre[2]) / camera.pixel_mm
    length = float(np.hypot(*direction))
    unit = direction / length if length > 0.2 * scale else np.array([0.0, 1.0])
    middle = ends.mean(axis=0) - [window.x0, window.y0]
    rows, columns = window.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    along = ((x - middle[0]) * unit[0] + (y - middle[1]) * unit[1]) / max(length, 0.2 * scale)
    endness = shape.endness(along)
    # The first axis of the texture runs along the bone; its pitch is in mm of the object.
    across = ((x - middle[0]) * unit[1] - (y - middle[1]) * unit[0]) / scale
    pitch = _texture_pitch(camera.object_pixel_mm)
    offset = rng.uniform(0, texture.shape[0], 2).astype(np.float32)
    size = texture.shape[0]
    grain = cv2.remap(
        texture,
        np.mod(across / pitch + offset[0], size).astype(np.float32),
        np.mod(along * (length / scale) / pitch + offset[1], size).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    level = _SHAFT_CANCELLOUS + (_END_CANCELLOUS - _SHAFT_CANCELLOUS) * endness
    return np.asarray(level * np.maximum(0.1, 1.0 + grain * (0.5 + 0.5 * endness)), dtype=np.float32)


def _texture_pitch(object_pixel_mm: float) -> float:
    return max(0.2, 0.6 * object_pixel_mm)


def _trabeculae(rng: np.random.Generator, object_pixel_mm: float) -> Image:
    """Periodic tile of oriented noise, standard deviation at most 0.22.

    Struts are 0.6 to 3 mm apart, and run along the tile's first axis; what the pixels
    cannot resolve is left out, which lowers the contrast of a coarse film as it should.
    """
    size = 256
    pitch = _texture_pitch(object_pixel_mm)
    across = np.fft.rfftfreq(size, pitch)[None, :]
    along = np.fft.fftfreq(size, pitch)[:, None]
    frequency = np.hypot(across, along)
    band = np.exp(-((np.log(np.maximum(frequency, 1e-6) / 0.7) / 0.75) ** 2))
    oriented = np.exp(-((along / (0.35 * frequency + 1e-6)) ** 2) / 2) + 0.3
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * band * oriented
    full = float(np.sqrt(np.mean(np.fft.irfft2(spectrum, s=(size, size)) ** 2)))
    resolved = np.fft.irfft2(spectrum * np.exp(-((frequency * object_pixel_mm / 0.6) ** 4)), s=(size, size))
    return (resolved * (_GRAIN / full)).astype(np.float32)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _soft_field(
    segments: FloatArray, rows: int, columns: int, step: int, merge: float
) -> NDArray[np.float32]:
    """Squared half thickness (mm2; negative outside) on every ``step``-th pixel, parts merged smoothly.

    ``segments`` rows: start x, y, end x, y in pixels, start and end radius and pixels per mm.
    """
    field = np.empty((rows, columns), dtype=np.float32)
    for i in range(rows):
        for j in range(columns):
            x, y = float(j * step), float(i * step)
            best = -1e9
            total = 0.0
            for s in range(segments.shape[0]):
                dx, dy = segments[s, 2] - segments[s, 0], segments[s, 3] - segments[s, 1]
                squared = dx * dx + dy * dy
                t = 0.0
                if squared > 0:
                    t = ((x - segments[s, 0]) * dx + (y - segments[s, 1]) * dy) / squared
                    t = min(1.0, max(0.0, t))
                scale = segments[s, 6] + t * (segments[s, 7] - segments[s, 6])
                ex = (x - segments[s, 0] - t * dx) / scale
                ey = (y - segments[s, 1] - t * dy) / scale
                radius = segments[s, 4] + t * (segments[s, 5] - segments[s, 4])
                value = (radius * radius - ex * ex - ey * ey) / merge
                if value > best:
                    total = total * np.exp(best - value) + 1.0
                    best = value
                elif value > best - 20.0:
                    total += np.exp(value - best)
            field[i, j] = merge * (best + np.log(total))
    return field


def _fill_hollows(field: Image, cell_mm: float) -> Image:
    """Level narrow hollows inside the body, as muscle does between bones; the skin line stays."""
    reach = max(1, round(_HOLLOW_MM / 2 / cell_mm))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    gain = cv2.morphologyEx(np.maximum(field, 0.0), cv2.MORPH_CLOSE, disc) - np.maximum(field, 0.0)
    depth = np.clip(field / _HOLLOW_FROM_MM2, 0.0, 1.0)
    filled = cv2.GaussianBlur(gain * depth * depth * (3.0 - 2.0 * depth), (0, 0), max(0.6, reach / 3))
    # Fades to nothing at the skin line, which would otherwise step with the coarse grid.
    return np.asarray(field + filled * depth, dtype=np.float32)


def soft_tissue(capsules: Collection[Capsule], camera: Camera) -> Image:
    """Thickness in mm [height, width] of the smooth envelope of tapered capsules."""
    if not capsules:
        return np.zeros((camera.height, camera.width), dtype=np.float32)
    start = np.array([c.start_mm for c in capsules], dtype=np.float64)
    end = np.array([c.end_mm for c in capsules], dtype=np.float64)
    radii = np.array([(c.start_radius_mm, c.end_radius_mm) for c in capsules], dtype=np.float64)
    scales = [
        camera.source_detector_mm / (camera.source_object_mm + p[:, 2:]) / camera.pixel_mm
        for p in (start, end)
    ]
    segments = np.hstack([camera.project(start), camera.project(end), radii, *scales])
    rows, columns = -(-camera.height // _SOFT_STEP) + 1, -(-camera.width // _SOFT_STEP) + 1
    coarse = _soft_field(segments, rows, columns, _SOFT_STEP, _SOFT_MERGE_MM2)
    coarse = _fill_hollows(coarse, _SOFT_STEP * camera.object_pixel_mm)
    # The squared half thickness is smooth across the skin line, so it survives the coarse grid.
    x = np.arange(camera.width, dtype=np.float32) / _SOFT_STEP
    y = np.arange(camera.height, dtype=np.float32) / _SOFT_STEP
    grid_x, grid_y = np.meshgrid(x, y)
    fine = cv2.remap(coarse, grid_x, grid_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(2.0 * np.sqrt(np.maximum(fine, 0.0)), dtype=np.float32)
