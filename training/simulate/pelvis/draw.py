"""Random shapes of hips and poses of legs, from healthy to severely abnormal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.simulate.pelvis.pose import SIDES, LegPose
from training.simulate.pelvis.shape import HipShape


def draw_shapes(rng: np.random.Generator, variation: float = 1.0) -> Mapping[str, HipShape]:
    """Both hips of an adult: alike, apart from diseases that often take one side."""
    v = variation
    common = rng.standard_normal(8)
    shapes = {}
    dysplastic = rng.random() < 0.2 * v
    deep = not dysplastic and rng.random() < 0.15 * v
    for side in SIDES:
        own = 0.85 * common + 0.5 * rng.standard_normal(8)
        edge, roof = 32.0 + 4.5 * v * own[0], 4.0 + v * (3.0 * own[1] - 1.5 * own[0])
        front = 34.0 + 6.0 * v * own[3]
        shift = np.array([0.0, 0.0, 0.0])
        grade = rng.uniform(0.0, 1.0)
        if dysplastic:
            edge, roof, front = edge - 30.0 * grade, roof + 20.0 * grade, front - 24.0 * grade
            # The uncovered head slides outwards and up.
            shift += np.array([3.5, 0.0, 1.0]) * grade * rng.uniform(0.0, 1.6)
        if deep:
            edge, roof, front = edge + 14.0 * grade, roof - 6.0 * grade, front + 10.0 * grade
        space = float(np.clip(3.6 + v * (0.5 * own[2] + 0.3 * rng.standard_normal()), 2.4, 5.0))
        if rng.random() < 0.2 * v:
            # Worn cartilage: the head sinks into the roof, upwards, or inwards.
            way = np.radians(rng.uniform(-50.0, 35.0))
            shift += (space - 0.4) * rng.uniform(0.2, 0.95) * np.array([np.sin(way), 0.0, np.cos(way)])
        shapes[side] = HipShape(
            lateral_centre_edge_deg=float(np.clip(edge, -8.0, 56.0)),
            roof_angle_deg=float(np.clip(roof, -10.0, 34.0)),
            anterior_centre_edge_deg=float(np.clip(front, -2.0, 56.0)),
            joint_space_mm=space,
            head_shift_mm=shift,
            socket_shift_mm=v * np.array([1.5 * own[4] - 4.0 * grade * deep, 0.0, 1.5 * own[5]]),
            head_size=float(np.exp(v * (0.02 + 0.04 * own[6]))),
            neck_shaft_deg=float(np.clip(129.0 + 6.5 * v * own[7], 108.0, 150.0)),
            neck_growth_mm=v * 4.0 * float(rng.standard_normal()),
        )
    return shapes


def draw_child_shapes(rng: np.random.Generator, age: float, variation: float = 1.0) -> Mapping[str, HipShape]:
    """Both hips of a child of ``age`` years: cover grows with age; some are dysplastic or displaced."""
    v = variation
    common = rng.standard_normal(3)
    dysplastic = rng.random() < 0.35 * v
    shapes = {}
    for side in SIDES:
        own = 0.8 * common + 0.6 * rng.standard_normal(3)
        edge = float(np.interp(age, [1.3, 4.0, 12.0], [20.0, 25.0, 31.0])) + 4.0 * v * own[0]
        shift = np.array([1.0, 0.0, 0.0]) * v * rng.standard_normal()
        if dysplastic:
            grade = rng.uniform(0.0, 1.0)
            edge -= 22.0 * grade
            # Subluxation: outwards first, then up along the outside of the roof.
            out = 24.0 * grade * rng.uniform(0.0, 1.0)
            shift += np.array([out, 0.0, max(0.0, 0.9 * (out - 6.0)) * rng.uniform(0.5, 1.0)])
        space = 4.5 + 2.0 * float(np.interp(age, [1.3, 10.0], [1.0, 0.0])) + 0.4 * v * rng.standard_normal()
        valgus = float(np.interp(age, [1.3, 12.0], [142.0, 133.0])) + 8.0 * v * own[2]
        shapes[side] = HipShape(
            lateral_centre_edge_deg=float(np.clip(edge, -10.0, 44.0)),
            roof_angle_deg=float(np.clip(36.0 - edge, 2.0, 36.0)) / 2.0,
            anterior_centre_edge_deg=float(np.clip(edge + 2.0 + 5.0 * v * rng.standard_normal(), -8.0, 46.0)),
            joint_space_mm=float(np.clip(space, 3.5, 7.5)),
            head_shift_mm=shift,
            socket_shift_mm=np.zeros(3),
            head_size=float(np.exp(0.05 * v * own[1])),
            neck_shaft_deg=float(np.clip(valgus, 112.0, 164.0)),
            neck_growth_mm=-4.0 + v * 3.0 * float(rng.standard_normal()),
        )
    return shapes


def draw_legs(
    rng: np.random.Generator, variation: float = 1.0, turned_out_deg: float = 0.0
) -> Mapping[str, LegPose]:
    """Legs beside each other, turned in to out about a mean of ``turned_out_deg`` beyond a frontal film's.

    The upper shaft leans forwards, as the bow of the femur makes it.
    """
    v = variation
    common = rng.standard_normal(3)
    legs = {}
    for side in SIDES:
        own = 0.7 * common + 0.7 * rng.standard_normal(3)
        legs[side] = LegPose(
            adduction_deg=3.0 + 4.0 * v * float(own[0]),
            flexion_deg=10.0 + 4.0 * v * float(own[1]),
            neck_forward_deg=turned_out_deg + float(np.clip(13.0 + 9.0 * v * own[2], -8.0, 36.0)),
        )
    return legs
