"""What lies over a film besides the body: collimation, side letters, burnt-in text, metal, blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from core.film import Side

Image = NDArray[np.float32]

# What becomes of side letters on a film of a side, and where no side is to be named.
_SIDE_LETTERS: Mapping[Side | None, Mapping[str, str]] = MappingProxyType(
    {
        Side.LEFT: {"R": "L", "RE": "LI", "D": "G"},
        Side.RIGHT: {"L": "R", "LI": "RE", "G": "D"},
        None: {"L": "H", "R": "K", "LI": "TM", "RE": "AB", "G": "S", "D": "P"},
    }
)


_HIDES = 0.9
_BRIDGED = 0.03
"""Opacity from which a patch hides what is below, and the width, a part of the longer side, below which
a reader sees how it goes on."""


@dataclass(frozen=True)
class Collimation:
    """Straight edges that close the field: each (angle in degrees, distance from the centre / half side).

    The film beyond an edge takes ``grey``; the edge is ``softness`` (of the longer side) wide. ``circle``
    is a round field instead of or besides edges: centre as fractions of width and height, and radius as a
    fraction of half the longer side.
    """

    edges: tuple[tuple[float, float], ...]
    grey: float
    softness: float
    circle: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Patch:
    """A rectangle or disc of uniform grey at (x, y) as a fraction of width and height.

    ``width`` and ``height`` are fractions of the longer side; ``opacity`` 1 hides what is below.
    """

    x: float
    y: float
    width: float
    height: float
    angle_deg: float
    grey: float
    opacity: float
    disc: bool


@dataclass(frozen=True)
class Text:
    """Letters starting at (x, y) as a fraction of width and height, ``height`` of the longer side tall."""

    text: str
    x: float
    y: float
    height: float
    grey: float
    mirrored: bool
    turns: int
    plate_grey: float | None


def random_overlays(
    rng: np.random.Generator, strength: float
) -> tuple[Collimation | None, tuple[Patch, ...], tuple[Text, ...]]:
    """Draw overlays; 0 gives none, 1 what real films show, 2 also blocks and metal over the body."""
    share = min(strength, 1.5)
    beyond = max(0.0, strength - 1.0)
    collimation = None
    if rng.random() < 0.35 * share:
        edges = []
        tilt = rng.normal(0, 3) if rng.random() < 0.85 else rng.uniform(-45, 45)
        nearest = 0.7 if abs(tilt) < 10 else 0.86  # a slanting edge takes whole corners
        for side in range(4):
            if rng.random() < 0.45:
                edges.append(
                    (
                        float(side * 90 + tilt + rng.normal(0, 0.5)),
                        float(rng.choice([rng.uniform(0.86, 1.0), rng.uniform(nearest, 1.0)], p=[0.8, 0.2])),
                    )
                )
        bright = rng.random() < 0.7
        grey = float(rng.uniform(0.85, 1.0) if bright else rng.uniform(0.0, 0.15))
        softness = float(np.exp(rng.uniform(np.log(0.001), np.log(0.03))))
        middle, radius = rng.uniform(0.45, 0.55, 2), float(rng.uniform(0.9, 1.25))
        circle = (float(middle[0]), float(middle[1]), radius) if rng.random() < 0.08 else None
        collimation = Collimation(tuple(edges), grey, softness, circle)
    patches = []
    # Identification strips and blocks near the edge, as on film sets.
    for _ in range(rng.poisson(0.5 * share)):
        x, y = _near_edge(rng, 0.14)
        grey = float(rng.choice([0.0, 0.03, 0.5, 0.8, 1.0], p=[0.35, 0.25, 0.2, 0.1, 0.1]))
        width, height = rng.uniform(0.03, 0.16), rng.uniform(0.03, 0.22)
        patches.append(Patch(x, y, float(width), float(height), float(rng.normal(0, 4)), grey, 1.0, False))
    for _ in range(rng.poisson(1.2 * beyond)):
        disc = bool(rng.random() < 0.5)
        size = np.exp(rng.uniform(np.log(0.01), np.log(0.15), 2))
        grey, opacity = float(rng.choice([0.0, 1.0, rng.random()])), float(rng.uniform(0.4, 1.0))
        x, y = rng.uniform(0.05, 0.95, 2)
        angle = float(rng.uniform(0, 180))
        patches.append(Patch(float(x), float(y), float(size[0]), float(size[1]), angle, grey, opacity, disc))
    # Rings, clips and implants: small and as bright as the film gets.
    for _ in range(rng.poisson(0.08 * share + 0.5 * beyond)):
        x, y = rng.uniform(0.15, 0.85, 2)
        thin, long = float(rng.uniform(0.006, 0.03)), float(rng.uniform(0.006, 0.09))
        disc = bool(rng.random() < 0.3)
        patches.append(Patch(float(x), float(y), thin, long, float(rng.uniform(0, 180)), 1.0, 0.97, disc))
    return collimation, tuple(patches), _random_texts(rng, share)


def _random_texts(rng: np.random.Generator, share: float) -> tuple[Text, ...]:
    texts = []
    if rng.random() < 0.6 * share:
        x, y = _near_edge(rng, 0.16)
        letter = str(rng.choice(["L", "R", "L AP", "R PA", "LI", "RE", "G", "D"], p=[0.4, 0.3] + [0.05] * 6))
        plate = float(rng.uniform(0.0, 0.3)) if rng.random() < 0.25 else None
        mirrored, turns = bool(rng.random() < 0.25), int(rng.choice([0, 1, 2, 3], p=[0.85, 0.05, 0.05, 0.05]))
        height, grey = float(rng.uniform(0.02, 0.06)), float(rng.uniform(0.85, 1.0))
        texts.append(Text(letter, x, y, height, grey, mirrored, turns, plate))
    for _ in range(rng.poisson(0.35 * share)):
        x, y = _near_edge(rng, 0.1)
        characters = rng.choice(list("ABCDEFHKLMNRSTU0123456789 .:-/"), int(rng.integers(4, 16)))
        height, grey = float(rng.uniform(0.01, 0.022)), float(rng.choice([1.0, 0.8, 0.0], p=[0.6, 0.3, 0.1]))
        texts.append(Text("".join(characters), x * 0.7, y, height, grey, False, 0, None))
    return tuple(texts)


def side_letter(text: str, side: Side | None) -> str:
    """``text`` as it reads on a film of ``side``: a letter of the other side is exchanged.

    None exchanges the letters of both sides for ones that name none.
    """
    first, *rest = text.split(" ")
    return " ".join([_SIDE_LETTERS.get(side, {}).get(first, first), *rest])


def _near_edge(rng: np.random.Generator, margin: float) -> tuple[float, float]:
    """A position as fractions of width and height, within ``margin`` of one edge."""
    along, inwards = rng.uniform(0.02, 0.95), rng.uniform(0.0, margin)
    side = int(rng.integers(4))
    depth = inwards if side % 2 == 0 else 1 - inwards
    return (float(depth), float(along)) if side < 2 else (float(along), float(depth))


def draw_overlays(
    picture: Image, collimation: Collimation | None, patches: tuple[Patch, ...], texts: tuple[Text, ...]
) -> None:
    """Draw on ``picture`` [H, W] (0..1) in place: patches and letters, then the collimation over them."""
    rows, columns = picture.shape
    longer = max(rows, columns)
    for patch in patches:
        _draw_patch(picture, patch, longer)
    for text in texts:
        _draw_text(picture, text, longer)
    if collimation is not None:
        y, x = np.arange(rows, dtype=np.float32)[:, None], np.arange(columns, dtype=np.float32)[None, :]
        for closed in _closed(collimation, x, y, (columns, rows)):
            picture += (np.float32(collimation.grey) - picture) * closed


def readable(
    points_px: NDArray[np.float64],
    collimation: Collimation | None,
    patches: tuple[Patch, ...],
    texts: tuple[Text, ...],
    size: tuple[int, int],
) -> NDArray[np.bool_]:
    """Which points [N, 2] of a film of this ``size`` (width, height) no overlay hides from a reader.

    The collimation hides points, and so do patches and plates of letters, but no thin piece of metal. Points
    beyond the film's edges count as if they lay on them.
    """
    columns, rows = size
    cover = np.zeros((rows, columns), dtype=np.float32)
    hiding = tuple(
        replace(patch, grey=1.0)
        for patch in patches
        if patch.opacity >= _HIDES and min(patch.width, patch.height) >= _BRIDGED
    )
    plates = tuple(replace(text, grey=1.0, plate_grey=1.0) for text in texts if text.plate_grey is not None)
    closed = None if collimation is None else replace(collimation, grey=1.0)
    draw_overlays(cover, closed, hiding, plates)
    x, y = np.clip(np.rint(points_px).astype(np.intp), 0, np.array(size) - 1).T
    return np.asarray(cover[y, x] < 0.5)


def _closed(collimation: Collimation, x: Image, y: Image, size: tuple[int, int]) -> Iterator[Image]:
    """How far, 0..1, each edge and the circle close the field at pixels (x, y) of a film of this size."""
    columns, rows = size
    longer = max(size)
    width = np.float32(max(1.0, collimation.softness * longer))
    from_x, from_y = x - np.float32((columns - 1) / 2), y - np.float32((rows - 1) / 2)
    for angle_deg, distance in collimation.edges:
        angle = np.deg2rad(angle_deg)
        normal_x, normal_y = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        half = abs(normal_x) * columns / 2 + abs(normal_y) * rows / 2
        edge = np.float32(distance * half)
        yield np.clip((from_x * normal_x + from_y * normal_y - edge) / width + np.float32(0.5), 0, 1)
    if collimation.circle is not None:
        middle_x, middle_y, radius = collimation.circle
        away = np.hypot(
            from_x - np.float32((middle_x - 0.5) * columns), from_y - np.float32((middle_y - 0.5) * rows)
        )
        yield np.clip((away - np.float32(radius * longer / 2)) / width + np.float32(0.5), 0, 1)


def _draw_patch(picture: Image, patch: Patch, longer: int) -> None:
    rows, columns = picture.shape
    centre = (patch.x * columns, patch.y * rows)
    size = (max(1.0, patch.width * longer), max(1.0, patch.height * longer))
    reach = int(np.ceil(np.hypot(*size) / 2)) + 2
    x0, x1 = max(0, int(centre[0]) - reach), min(columns, int(centre[0]) + reach + 1)
    y0, y1 = max(0, int(centre[1]) - reach), min(rows, int(centre[1]) + reach + 1)
    if x0 >= x1 or y0 >= y1:
        return
    cover = np.zeros((y1 - y0, x1 - x0), dtype=np.uint8)
    box = ((centre[0] - x0, centre[1] - y0), size, patch.angle_deg)
    if patch.disc:
        cv2.ellipse(cover, box, 255, -1, cv2.LINE_AA)
    else:
        fixed = np.rint(cv2.boxPoints(box) * 16).astype(np.int32)
        cv2.fillConvexPoly(cover, fixed, 255, cv2.LINE_AA, 4)
    region = picture[y0:y1, x0:x1]
    region += (np.float32(patch.grey) - region) * (cover.astype(np.float32) * np.float32(patch.opacity / 255))


def _draw_text(picture: Image, text: Text, longer: int) -> None:
    rows, columns = picture.shape
    scale = max(0.2, text.height * longer / 21.0)  # this font's capitals are 21 px tall at scale 1
    thickness = max(1, round(scale * 2.2))
    (width, height), below = cv2.getTextSize(text.text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    pad = max(2, height // 4)
    stamp = np.zeros((height + below + 2 * pad, width + 2 * pad), dtype=np.uint8)
    cv2.putText(
        stamp, text.text, (pad, pad + height), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thickness, cv2.LINE_AA
    )
    if text.mirrored:
        stamp = stamp[:, ::-1]
    stamp = np.rot90(stamp, text.turns)
    x, y = int(text.x * columns), int(text.y * rows)
    x, y = max(0, min(x, columns - stamp.shape[1])), max(0, min(y, rows - stamp.shape[0]))
    region = picture[y : y + stamp.shape[0], x : x + stamp.shape[1]]
    if text.plate_grey is not None:
        region[:] = text.plate_grey
    cover = stamp[: region.shape[0], : region.shape[1]].astype(np.float32) / np.float32(255)
    region += (np.float32(text.grey) - region) * cover
