"""Render the shipped reference bank: ``python -m training.simulate.bank --out references``.

References differ in people, pose, framing and exposure. Their random streams are apart from those of
the training films. Those that predict the others best come first, so that a few of them are the best few.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.adapters.bank import Bank, BankEntry, add_reference, load_bank, save_manifest
from core.adapters.feature_cache import DiskFeatureCache, MemoryFeatureCache, file_name
from core.adapters.onnx import OnnxEncoder
from core.adapters.view_shapes import read_shapes
from core.matching.features import Encoder, ViewFeatures, features_key, joined
from core.matching.frames import Size, normalise, standardise
from core.matching.heatmaps import Answers, places
from core.matching.matcher import LandmarkMatcher
from core.matching.protocol import Reference
from core.matching.shape import fit_similarity
from core.measure.definitions import View
from core.measure.loader import load_catalogue
from training.simulate.anatomy import anatomy_dir
from training.simulate.films import SceneMaker, expose
from training.simulate.imaging import develop, exposed, random_exposure, with_side_letter
from training.simulate.views import scene_makers

FloatArray = NDArray[np.float64]

FAR_PX = 40.0
"""Farther off, an answer is as wrong as it can be."""

STREAM = 90_001  # keeps the bank's people apart from those of training and test films

ORIGIN = "simulated (see SOURCES.md)"
LICENCE = "CC BY 4.0 (see SOURCES.md)"
EXPOSURE_STRENGTH = 0.5
SIDE_PX, LONG_SIDE_PX = 720, 1440
LONG_VIEWS = ("full_leg_ap", "spine_ap", "spine_lateral")
"""Views of half a body and more, which need more pixels to show as much of a joint."""


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the bank")
    parser.add_argument("--count", type=int, default=12, help="references a view")
    parser.add_argument("--views", default="all", help="keys, or all")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--anatomy", type=Path)
    parser.add_argument("--features-only", action="store_true", help="only rank and encode what is there")
    args = parser.parse_args()
    if args.features_only:
        ship_features(load_bank(args.out))
        return
    makers, catalogue = scene_makers(anatomy_dir(args.anatomy)), load_catalogue()
    wanted = list(catalogue.views) if args.views == "all" else args.views.split(",")
    old = load_bank(args.out).entries if args.views != "all" else ()
    bank = Bank(args.out, "", tuple(entry for entry in old if entry.view not in wanted))
    for key in wanted:
        bank = add_view(bank, catalogue.view(key), makers[key], args.count, args.seed)
    bank = ship_features(load_bank(args.out))
    print(f"{len(bank.entries)} references, sha256 {bank.sha256}")


def ship_features(bank: Bank) -> Bank:
    """Encode the references with the model in ``assets``, so that a first start need not, and rank them.

    Views whose features are there already stay as they are.
    Returns the bank with the references of each view in the order of how well each predicts the others.
    """
    catalogue, encoder = load_catalogue(), OnnxEncoder()
    shapes = read_shapes(catalogue)
    matcher = LandmarkMatcher(encoder, MemoryFeatureCache(), shapes=shapes)
    folder = bank.folder / "features"
    shipped, entries, kept = DiskFeatureCache(folder), list[BankEntry](), set[str]()
    for view in dict.fromkeys(entry.view for entry in bank.entries):
        references = bank.references(catalogue, view)
        key = features_key(encoder.model_sha256, references, shapes.get(view))
        if shipped.load(key) is None:
            references, key = _ship_view(encoder, matcher, shipped, references, shapes.get(view))
        kept.add(file_name(key))
        entries += [bank.entry(reference.key) for reference in references]
    for file in folder.glob("features-*.npz"):
        if file.name not in kept:
            file.unlink()
    return save_manifest(bank.folder, tuple(entries))


def _ship_view(
    encoder: Encoder,
    matcher: LandmarkMatcher,
    shipped: DiskFeatureCache,
    references: list[Reference],
    further: FloatArray | None,
) -> tuple[list[Reference], str]:
    """A view's references, those that predict the others best first, and the key of their features."""
    features = matcher.features(references)
    order = np.argsort(predicting(encoder, references, features), kind="stable")
    references = [references[number] for number in order]
    key = features_key(encoder.model_sha256, references, further)
    shipped.save(key, features.reordered(order))
    return references, key


def predicting(encoder: Encoder, references: Sequence[Reference], features: ViewFeatures) -> FloatArray:
    """How far from their points each reference alone places those of the others [R], in window pixels."""
    stride, window = encoder.strides[1], features.canonical(encoder.input_px)
    wanted = joined(features.aligned_coarse, features.aligned_fine)
    away = np.full((len(references), len(references)), np.nan)
    for number, (reference, truth) in enumerate(zip(references, features.aligned_px, strict=True)):
        frame = fit_similarity(reference.points_px, truth).then(window.frame)
        shown = frame.sample(normalise(reference.read_image()), window.size)
        seen = encoder.encode(standardise(shown))
        logits = Answers.of(seen.coarse, seen.fine, encoder.scales).logits(wanted)
        alone = window.frame.to_film(places(logits, np.ones((1, 1, 1), np.float32), stride))
        distance = np.linalg.norm(alone - truth, axis=2)
        away[number] = np.nanmean(np.minimum(distance, FAR_PX), axis=1)
    np.fill_diagonal(away, np.nan)
    return np.asarray(np.nanmean(away, axis=0))


def add_view(bank: Bank, view: View, make: SceneMaker, count: int, seed: int) -> Bank:
    """The bank with ``count`` new references of one view, all of whose points the film shows."""
    added, trial = 0, 0
    while added < count:
        rng = np.random.default_rng([STREAM, seed, trial])
        scene, camera = make(rng, LONG_SIDE_PX if view.key in LONG_VIEWS else SIDE_PX)
        film = expose(scene, camera, trial)
        trial += 1
        height, width = film.layers.bone.shape
        if not complete(film.named, view, Size(width, height)):
            continue
        exposure = with_side_letter(random_exposure(rng, EXPOSURE_STRENGTH), view.canonical_side)
        marked = np.array([film.named[key] for key in view.point_keys])
        if not exposure.readable(marked, (width, height)).all():
            continue
        image = develop(film.layers, exposure, rng)
        if not exposed(image, marked).all():
            continue
        added += 1
        entry = BankEntry(
            key=f"{view.key}-{added:02d}",
            view=view.key,
            side=view.canonical_side,
            image="",
            sha256="",
            size_px=(0, 0),
            points={key: (float(film.named[key][0]), float(film.named[key][1])) for key in view.point_keys},
            spacing_mm=film.pixel_mm,
            origin=ORIGIN,
            licence=LICENCE,
        )
        bank = add_reference(bank, entry, image)
    return bank


def complete(named: Mapping[str, FloatArray], view: View, size: Size) -> bool:
    """Whether all points of the view are known and on a film of this size, 2 pixels from its border."""
    points = np.array([named.get(key, (np.nan, np.nan)) for key in view.point_keys])
    return bool((points >= 2).all() and (points < np.array(size) - 2).all())


if __name__ == "__main__":
    main()
