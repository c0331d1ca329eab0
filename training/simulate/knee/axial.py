"""Axial films of a left knee bent by about 45 degrees (``knee_axial``), after Merchant.

The front of the knee is at the top and lateral on the right. The beam runs from the hip to the foot, so the
usual display is the mirror image of what the tube sees: the scene shows mirrored bones.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.simulate.knee.film import BELOW, TEMPLATE, camera_around, draw_knee
from training.simulate.knee.placement import CORTEX_MM, scene_bones
from training.simulate.knee.regions import LegRegions
from training.simulate.knee.rules import OutlineAlong, Sulcus, TangentEnd
from training.simulate.knee.shape import LegShape, draw_leg_shape, trochlea_centre
from training.simulate.knee.soft import knee_front, limb
from training.simulate.people import People
from training.simulate.placement import Placement
from training.simulate.pose import X_AXIS, Y_AXIS, Z_AXIS, Vertices, rotation
from training.simulate.rules import Direction, Farthest, FilmDirection, Mean
from training.simulate.scene import Bone, Camera, FloatArray, PointRule, Scene, Surface

_RIDGE_MEDIAL_MM = 0.6  # how far the ridge of a well-centred patella lies medially to the sulcus
_STRIP_MM = 1.6  # half width of a strip of the film within which an outline is looked for
# Rows: right, down and away from the source, for a beam straight down the femur.
_DOWN_THE_FEMUR = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]])


def knee_axial_film(rng: np.random.Generator, side_px: int, people: People) -> tuple[Scene, Camera]:
    """A random axial film of a left knee."""
    shape = draw_leg_shape(rng, float(rng.uniform(36.0, 58.0)))
    # Bent this far, the patella lies in the groove unless it is very high or low.
    shape = replace(shape, patella_ratio=float(np.clip(shape.patella_ratio, 0.85, 1.35)))
    scene = knee_axial_scene(rng, people, shape)
    return scene, _camera(scene, rng, side_px)


def knee_axial_scene(
    rng: np.random.Generator, people: People, shape: LegShape, *, turned: float = 1.0, variation: float = 1.0
) -> Scene:
    """An axial knee of a given shape; ``turned``, ``variation`` as for ``knee_ap_scene``.

    ``truth`` holds the tilt that the patella was given against the back of the condyles.
    """
    own = draw_knee(rng, people, shape, variation)
    person, regions, bones = own.person, own.regions, own.bones
    # Merchant's beam runs about 30 degrees off a femur that lies level and grazes trochlea and patella.
    out = bones["patella"].mean(axis=0) - trochlea_centre(bones["femur"], regions)
    grazing = float(np.degrees(np.arctan2(-out[2], -out[1])))
    beam = grazing + turned * float(np.clip(rng.normal(0.0, 3.5), -8.0, 8.0))
    # Steeper than this the shin would lie on the patella, flatter the thigh.
    beam = float(np.clip(beam, 16.0, shape.flexion_deg - 14.0))
    spin = rng.normal(0.0, 6.0) if rng.random() < 0.8 else rng.uniform(-18.0, 18.0)
    matrix = (
        _DOWN_THE_FEMUR
        @ rotation(X_AXIS, -beam)
        @ rotation(Y_AXIS, turned * float(rng.normal(0.0, 3.0)))
        @ rotation(Z_AXIS, turned * float(spin))
    )
    space = max(0.5, shape.patella_space_mm + turned * float(rng.normal(0.0, 0.6)))
    _seat(bones, regions, matrix, shape.patella_shift_mm, space)
    ray = np.array([rng.normal(0.0, 8.0), rng.normal(0.0, 6.0), 0.0]) * turned
    groove = bones["femur"][regions.femur.groove].mean(axis=0)
    place = Placement(matrix, groove + ray)
    # The film stands on the shins: what lies beyond it is not seen.
    film = float(rng.uniform(110.0, 190.0))
    shin = (own.ankle - own.knee) / np.linalg.norm(own.ankle - own.knee)
    fat = float(rng.uniform(0.65, 0.95))
    soft = limb(own.thigh, own.knee, own.ankle, place, person.size, fat)[:5]
    soft += knee_front(bones, regions, place, person.size)
    drawn = scene_bones(bones, person.faces, place, rng, CORTEX_MM)
    return Scene(
        "knee_axial",
        TEMPLATE,
        tuple(_cut(bone, place, own.knee, shin, film) if bone.name in BELOW else bone for bone in drawn),
        tuple(soft),
        {},
        knee_axial_rules(regions),
        {"true_patella_tilt_deg": shape.patella_tilt_deg},
    )


def _seat(bones: Vertices, regions: LegRegions, matrix: FloatArray, shift_mm: float, space_mm: float) -> None:
    """Set the patella over the groove as the film shows both: ridge beside the sulcus, outlines apart.

    ``shift_mm`` is how far the ridge lies laterally to its usual place, ``space_mm`` the narrowest space.
    """
    femur, parts = bones["femur"] @ matrix.T, regions.femur
    crests = [
        femur[part][femur[part][:, 1].argmin(), :2] for part in (parts.crest_medial, parts.crest_lateral)
    ]
    run = (crests[1] - crests[0]) / np.linalg.norm(crests[1] - crests[0])
    trochlea = femur[parts.trochlea]
    places = np.linspace(crests[0][0], crests[1][0], 25)[3:-3]
    edge = np.array([trochlea[np.abs(trochlea[:, 0] - x) < _STRIP_MM, 1].min() for x in places])
    sulcus = float(places[(edge - (places - crests[0][0]) * run[1] / run[0]).argmax()])
    patella = bones["patella"] @ matrix.T
    facets = (
        patella[part][:, :2].mean(axis=0)
        for part in (regions.patella.facet_medial, regions.patella.facet_lateral)
    )
    medial, lateral = facets
    across = np.array([-(lateral - medial)[1], (lateral - medial)[0]])
    articular = patella[regions.patella.articular][:, :2]
    ridge = float(articular[(articular @ across).argmax(), 0])
    patella[:, 0] += sulcus - _RIDGE_MEDIAL_MM + shift_mm - ridge
    spaces = []
    for x in np.arange(patella[:, 0].min() + 3.0, patella[:, 0].max() - 3.0, 2.0):
        below = trochlea[np.abs(trochlea[:, 0] - x) < _STRIP_MM, 1]
        above = patella[np.abs(patella[:, 0] - x) < _STRIP_MM, 1]
        if len(below) and len(above):
            spaces.append(float(below.min() - above.max()))
    patella[:, 1] += min(spaces) - space_mm
    # The rows of the matrix are orthonormal: its transpose undoes it, mirrored or not.
    bones["patella"] = patella @ matrix


def _cut(bone: Bone, place: Placement, knee: FloatArray, shin: FloatArray, reach_mm: float) -> Bone:
    """The bone drawn without what lies farther than ``reach_mm`` down the shin: pressed flat there."""
    at, down = place(knee[None])[0], place.matrix @ shin
    beyond = np.maximum((bone.vertices_mm - at) @ down - reach_mm, 0.0)
    pressed = bone.vertices_mm - beyond[:, None] * down
    return replace(bone, drawn=(Surface(pressed, bone.faces),))


def knee_axial_rules(regions: LegRegions) -> dict[str, PointRule]:
    """Rules of all points of the view ``knee_axial``, in the order of the catalogue."""
    parts, patella = regions.femur, regions.patella
    sides = (parts.crest_medial, parts.crest_lateral)
    crests = tuple(TangentEnd("femur", sides, FilmDirection(90.0), second=second) for second in (False, True))
    outwards = (Mean("patella", patella.facet_medial), Mean("patella", patella.facet_lateral))
    lateral = Farthest("patella", patella.outline, Direction(*outwards))
    medial = Farthest("patella", patella.outline, Direction(*outwards, 180.0))
    ridge = Farthest("patella", patella.articular, Direction(*outwards, 90.0))
    whole = regions.patches["patella"]
    return {
        "trochlear_sulcus": Sulcus("femur", regions.patches["trochlea"], (crests[0], crests[1])),
        "medial_trochlear_crest": crests[0],
        "lateral_trochlear_crest": crests[1],
        "patellar_ridge": ridge,
        "patella_medial_edge": medial,
        "patella_lateral_edge": lateral,
        "patella_medial_facet": OutlineAlong("patella", whole, (ridge, medial), 0.7),
        "patella_lateral_facet": OutlineAlong("patella", whole, (ridge, lateral), 0.7),
        "patella_anterior": Farthest("patella", patella.outline, Direction(*outwards, -90.0)),
    }


def _camera(scene: Scene, rng: np.random.Generator, side_px: int) -> Camera:
    source_detector = float(rng.uniform(1000.0, 1500.0))
    distance = float(rng.uniform(180.0, 380.0))
    margins = rng.uniform([22.0, 8.0, 22.0, 25.0], [60.0, 40.0, 60.0, 75.0])
    return camera_around(scene, margins, source_detector, distance, side_px)
