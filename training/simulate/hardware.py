"""Osteosynthesis material and foreign bodies for any view: plates, screws, wires, nails, shards.

Every function gives solids for the bones of a scene, or none where they do not fit; bones and points
stay as they are.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from training.simulate.bone_axis import LongBone, perpendicular
from training.simulate.scene import FloatArray, Scene, Solid, Surface
from training.simulate.solids import ball, bent_rod, box, ribbon, rod, turned, unit

TITANIUM, STEEL, GLASS, GRAVEL = 6.0, 16.0, 1.2, 1.6  # mm of compact bone per mm


def screw(tip: FloatArray, head: FloatArray, diameter_mm: float, pitch_mm: float) -> Surface:
    """A threaded screw from the middle of its head to its tip."""
    length = float(np.linalg.norm(np.asarray(head) - tip))
    radius = diameter_mm / 2
    turns = max(2, int(length / pitch_mm))
    thread = np.linspace(0.06, 0.9, 2 * turns)
    profile = [(0.0, 0.15 * radius), (0.04, 0.7 * radius)]
    profile += [(t, radius if i % 2 else 0.78 * radius) for i, t in enumerate(thread)]
    cap = min(0.05, 1.2 * radius / length)
    profile += [
        (0.91, 0.78 * radius),
        (1 - cap, 1.0 * radius),
        (1 - cap / 2, 1.8 * radius),
        (1.0, 1.5 * radius),
    ]
    return turned(np.asarray(tip), np.asarray(head), np.array(profile), 12)


def plate(long: LongBone, rng: np.random.Generator) -> tuple[Solid, ...]:
    """A plate along the cortex with screws through most of its holes."""
    share = rng.uniform(0.25, 0.5)
    start = rng.uniform(0.12, 0.88 - share)
    thickness = float(np.clip(0.22 * long.radius(0.5), 1.0, 4.8))
    width = float(np.clip(0.95 * long.radius(0.5), 3.5, 17.0))
    diameter = float(np.clip(0.32 * width, 1.3, 5.0))
    count = int(np.clip(share * long.length / (3.4 * diameter), 4, 12))
    direction = perpendicular(long.axis, rng)
    parts = np.linspace(start, start + share, 2 * count + 1)
    on_bone = np.array([long.surface(float(t), direction) for t in parts])
    # A plate bridges hollows: smooth, and nowhere inside the bone by more than a little.
    fit = np.array([np.polyval(np.polyfit(parts, on_bone[:, k], 2), parts) for k in range(3)]).T
    outwards = np.tile(direction, (len(parts), 1))
    metal = float(rng.choice([TITANIUM, STEEL]))
    solids = [_solid("plate", ribbon(fit, outwards, width, thickness), metal)]
    for index in range(count):
        if rng.random() < 0.15:
            continue
        seat = fit[2 * index + 1] + direction * thickness * 0.8
        aim = unit(-direction + rng.normal(0, 0.06, 3))
        depth = 2.0 * float((fit[2 * index + 1] - long.centre(float(parts[2 * index + 1]))) @ direction)
        tip = seat + aim * (depth * rng.uniform(0.9, 1.1) + thickness)
        solids.append(_solid("plate_screw", screw(tip, seat, diameter, 0.4 * diameter), metal))
    return tuple(solids)


def nail(long: LongBone, rng: np.random.Generator) -> tuple[Solid, ...]:
    """An intramedullary nail with locking screws at both ends; none in a thin bone."""
    radius = float(min(0.42 * long.radius(0.5), 6.0))
    if radius < 2.0:
        return ()
    start, end = rng.uniform(0.02, 0.08), rng.uniform(0.78, 0.95)
    path = long.centre(np.linspace(start, end, 24))
    metal = float(rng.choice([TITANIUM, STEEL], p=[0.75, 0.25]))
    solids = [_solid("nail", bent_rod(path, radius), metal)]
    direction = perpendicular(long.axis, rng)
    for part in (start + 0.03, start + 0.1, end - 0.07, end - 0.02)[int(rng.integers(2)) :]:
        centre = long.centre(part)
        far = [long.surface(part, sign * direction) for sign in (1.0, -1.0)]
        reach = [float((f - centre) @ direction) for f in far]
        head, tip = centre + direction * (reach[0] + 2.0), centre + direction * (reach[1] - 1.0)
        solids.append(_solid("locking_screw", screw(tip, head, 0.42 * 2 * radius, 1.6), metal))
    return tuple(solids)


def wires(long: LongBone, rng: np.random.Generator) -> tuple[Solid, ...]:
    """One to three thin wires that cross one end of a bone at a slant."""
    radius = float(np.clip(0.07 * long.radius(0.5), 0.4, 1.2))
    flip = long.flipped() if rng.random() < 0.5 else long
    solids = []
    for _ in range(int(rng.integers(1, 4))):
        direction = perpendicular(flip.axis, rng)
        low, high = sorted(rng.uniform(0.0, 0.4, 2))
        high = max(high, low + 0.2)
        start = flip.surface(low, direction) + direction * rng.uniform(2.0, 12.0)
        end = flip.surface(high, -direction) - direction * rng.uniform(-1.0, 2.0)
        solids.append(_solid("wire", rod(start, end, radius, 10), STEEL))
    return tuple(solids)


def lag_screws(long: LongBone, rng: np.random.Generator) -> tuple[Solid, ...]:
    """One or two screws across one end of a bone, with a thread at the tip or all along."""
    flip = long.flipped() if rng.random() < 0.5 else long
    direction = perpendicular(flip.axis, rng)
    diameter = float(np.clip(0.3 * flip.radius(0.15), 1.5, 6.5))
    metal = float(rng.choice([TITANIUM, STEEL]))
    solids = []
    for _ in range(int(rng.integers(1, 3))):
        part = float(rng.uniform(0.05, 0.2))
        aim = unit(direction + rng.normal(0, 0.15, 3))
        head = flip.surface(part, aim) + aim * 0.3 * diameter
        tip = flip.surface(part, -aim)
        tip = head + (tip - head) * rng.uniform(0.6, 1.0)
        if np.linalg.norm(tip - head) > 3 * diameter:
            solids.append(_solid("screw", screw(tip, head, diameter, 0.35 * diameter), metal))
    return tuple(solids)


def cerclage(long: LongBone, rng: np.random.Generator) -> tuple[Solid, ...]:
    """One to three wire loops around a shaft."""
    solids = []
    for part in np.sort(rng.uniform(0.25, 0.75, int(rng.integers(1, 4)))):
        turn = np.linspace(0, 2 * np.pi, 29)
        u = perpendicular(long.axis, rng)
        v = np.cross(long.axis, u)
        loop = [
            long.surface(float(part), np.cos(a) * u + np.sin(a) * v) + (np.cos(a) * u + np.sin(a) * v) * 0.6
            for a in turn
        ]
        for a, b in pairwise(loop):
            if np.linalg.norm(b - a) > 1e-3:
                solids.append(_solid("cerclage", rod(a, b, 0.7, 8), STEEL))
    return tuple(solids)


def foreign_body(scene: Scene, rng: np.random.Generator) -> tuple[Solid, ...]:
    """A shot, needle, shard of metal, glass or stone in the soft tissue."""
    if not scene.soft_tissue:
        return ()
    part = scene.soft_tissue[int(rng.integers(len(scene.soft_tissue)))]
    t = rng.random()
    radius = part.start_radius_mm + t * (part.end_radius_mm - part.start_radius_mm)
    along = part.end_mm - part.start_mm
    if np.linalg.norm(along) < 1e-6:
        return ()
    place = part.start_mm + t * along + perpendicular(unit(along), rng) * radius * rng.uniform(0.2, 0.95)
    kind = str(rng.choice(["shot", "needle", "shard", "glass", "stone"]))
    if kind == "shot":
        return (_solid(kind, ball(place, rng.uniform(0.8, 2.2), 3), STEEL),)
    if kind == "needle":
        line = unit(rng.standard_normal(3)) * rng.uniform(4.0, 15.0)
        return (_solid(kind, rod(place - line, place + line, rng.uniform(0.2, 0.5), 8), STEEL),)
    axis = unit(rng.standard_normal(3))
    u = perpendicular(axis, rng)
    axes = np.stack([u, np.cross(axis, u), axis])
    size = rng.uniform(0.6, 5.0, 3)
    material = {"shard": STEEL, "glass": GLASS, "stone": GRAVEL}[kind]
    return (_solid(kind, box(place, axes, size), material),)


def _solid(name: str, surface: Surface, bone_equivalent: float) -> Solid:
    return Solid(name, surface.vertices_mm, surface.faces, bone_equivalent)
