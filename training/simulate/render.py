"""From a posed scene to what the X-rays cross: millimetres of compact bone and of soft tissue per pixel."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from training.simulate.growth import apply_growth_plate
from training.simulate.raster import Window, path_in_window, smooth_normals, window_of
from training.simulate.scene import Bone, Camera, FloatArray, IntArray, Scene, Solid, Surface
from training.simulate.soft import cast_layer, soft_layer, soft_tissue

Image = NDArray[np.float32]

__all__ = ["Layers", "map_layers", "mirrored_layers", "outline_mask", "render", "signed_path", "soft_tissue"]

_END_CORTEX = 0.35  # thickness of the shell at a bone's ends, relative to mid-shaft
_LONG_BONE = 2.6  # half length over spread of the cross-section from which a bone has a shaft
_MAX_SHELL = 0.62  # largest part of a bone's local radius that its shell may take
_SHAFT_CANCELLOUS = 0.06  # mineral of the marrow space relative to compact bone, mid-shaft
_END_CANCELLOUS = 0.22  # the same where the bone is filled with trabeculae
_GRAIN = 0.22  # spread of the trabecular density about its mean, where the film resolves it


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
    # Its own stream, so that what lies in the bones does not change what lies around them.
    soft_rng = np.random.default_rng([seed, 1])
    soft = soft_layer(scene.soft_tissue, camera, soft_rng)
    for cast in scene.casts:
        soft += cast_layer(cast, camera, soft_rng)
    return Layers(bone=bone_layer, soft=soft, metal=_dense(scene.solids, camera))


def _dense(solids: Collection[Solid], camera: Camera) -> Image | None:
    """Path through the solids in mm of compact bone [height, width]; None without any."""
    if not solids:
        return None
    layer = np.zeros((camera.height, camera.width), dtype=np.float32)
    for solid in solids:
        window = window_of(camera.project(solid.vertices_mm), camera)
        if not window.empty:
            path = path_in_window(solid.vertices_mm, solid.faces, camera, window)
            layer[window.slices] += (path * solid.bone_equivalent).astype(np.float32)
    return layer


def _shape_of(vertices: FloatArray) -> _Shape:
    # As mean(axis=0) and cov, which are slow for few columns.
    centre = np.full(len(vertices), 1.0 / len(vertices)) @ vertices
    offset = vertices - centre
    values, vectors = np.linalg.eigh(offset.T @ offset / (len(vertices) - 1))
    axis = vectors[:, 2]
    along = offset @ axis
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
    shape = _shape_of(bone.vertices_mm)
    pieces = (Surface(bone.vertices_mm, bone.faces),) if bone.drawn is None else bone.drawn
    outer, inner = np.zeros(window.shape), np.zeros(window.shape)
    for piece in pieces:
        vertices = np.ascontiguousarray(piece.vertices_mm, dtype=np.float64)
        faces = np.ascontiguousarray(piece.faces, dtype=np.int32)
        whole = np.maximum(path_in_window(vertices, faces, camera, window), 0.0)
        marrow = path_in_window(_inner_surface(bone, vertices, faces, shape), faces, camera, window)
        outer += whole
        inner += np.clip(marrow, 0.0, whole)
    mineral = _filled(outer, inner, shape, bone.density, camera, window, texture, rng)
    for plate in bone.growth_plates:
        mineral = apply_growth_plate(mineral, plate, camera, window, rng)
    return mineral


def _filled(
    outer: FloatArray,
    inner: FloatArray,
    shape: _Shape,
    density: float,
    camera: Camera,
    window: Window,
    texture: Image,
    rng: np.random.Generator,
) -> Image:
    """Mineral path of shell and trabeculae, which run along the axis of the bone."""
    ends = camera.project(np.stack([shape.centre - shape.axis, shape.centre + shape.axis]))
    direction = (ends[1] - ends[0]) / 2.0  # pixels per mm of the axis, short if the axis points at the source
    scale = camera.source_detector_mm / (camera.source_object_mm + shape.centre[2]) / camera.pixel_mm
    length = float(np.hypot(*direction))
    unit = direction / length if length > 0.2 * scale else np.array([0.0, 1.0])
    middle = ends.mean(axis=0) - [window.x0, window.y0]
    pitch = _texture_pitch(camera.object_pixel_mm)
    offset = rng.uniform(0, texture.shape[0], 2)
    half = shape.half_length if shape.half_length >= _LONG_BONE * shape.half_width else 0.0
    geometry = np.array(
        [
            middle[0],
            middle[1],
            unit[0],
            unit[1],
            max(length, 0.2 * scale),
            length,
            scale,
            pitch,
            *offset,
            half,
        ]
    )
    return _fill(outer, inner, density, texture, geometry)  # type: ignore[no-any-return]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _fill(
    outer: FloatArray, inner: FloatArray, density: float, texture: Image, geometry: FloatArray
) -> Image:
    """Shell plus marrow space times its mineral; ``geometry`` as packed in ``_filled``.

    The first axis of the texture runs along the bone; its pitch is in mm of the object.
    """
    rows, columns = outer.shape
    size = texture.shape[0]
    mx, my, ux, uy, divisor, length, scale, pitch, offset_x, offset_y, half = geometry
    result = np.zeros((rows, columns), dtype=np.float32)
    for i in range(rows):
        for j in range(columns):
            if outer[i, j] <= 0.0:
                continue
            dx, dy = j - mx, i - my
            along = (dx * ux + dy * uy) / divisor
            endness = 1.0
            if half > 0.0:
                t = min(max((abs(along) / half - 0.35) / 0.45, 0.0), 1.0)
                endness = t * t * (3.0 - 2.0 * t)
            x = (dx * uy - dy * ux) / scale / pitch + offset_x
            y = along * length / scale / pitch + offset_y
            x0, y0 = np.floor(x), np.floor(y)
            fx, fy = x - x0, y - y0
            c0, r0 = int(x0) % size, int(y0) % size
            c1, r1 = (c0 + 1) % size, (r0 + 1) % size
            grain = (1 - fy) * ((1 - fx) * texture[r0, c0] + fx * texture[r0, c1])
            grain += fy * ((1 - fx) * texture[r1, c0] + fx * texture[r1, c1])
            level = _SHAFT_CANCELLOUS + (_END_CANCELLOUS - _SHAFT_CANCELLOUS) * endness
            level *= max(0.1, 1.0 + grain * (0.5 + 0.5 * endness))
            result[i, j] = density * (outer[i, j] - inner[i, j] + inner[i, j] * level)
    return result


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
