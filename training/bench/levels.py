"""Vertebrae under their own or another number: ``python -m training.bench.levels CASES --json F``.

A vertebra looks like the next one, and readers, too, count differently. CASES are annotated frontal films of
the whole spine. References are drawn as ``orthomatch evaluate`` draws them; errors are stated against the
readers' corners of the same number, with the numbering of a film as a whole moved by up to one level, and
against those of the nearest vertebra. The last says how well a vertebra is outlined, whatever its number. On
doubtful films the program says that the vertebrae are to be counted.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.adapters.cases_folder import AnnotatedFilm, read_cases
from core.adapters.dicom import read_film
from core.adapters.feature_cache import MemoryFeatureCache
from core.adapters.onnx import OnnxEncoder
from core.adapters.view_matcher import matcher_for_points
from core.evaluation import as_reference, draw_films, keys_of
from core.matching.matcher import LandmarkMatcher
from core.measure.loader import load_catalogue
from training.bench.program import commit, save_json

FloatArray = NDArray[np.float64]

VIEW = "spine_ap"
CORNERS = 4
WHOLE = 0.8
"""Part of the vertebrae that must be off by the same number for the film to count as numbered otherwise."""


@dataclass(frozen=True)
class Numbering:
    """One film: ``shift`` is how many levels each vertebra was found below its own (negative: above).

    Errors are means over corners, in percent of the film's height. ``doubtful`` tells that the program says
    that the vertebrae are to be counted.
    """

    film: str
    doubtful: bool
    shift: tuple[float, ...]
    as_annotated: float
    best_numbering: float
    nearest_vertebra: float

    @property
    def kind(self) -> str:
        """``right``, ``moved`` (the film as a whole by one level or more) or ``mixed``."""
        levels = np.rint(self.shift)
        if not levels.any():
            return "right"
        most = max(float((levels == level).mean()) for level in np.unique(levels) if level)
        return "moved" if most >= WHOLE else "mixed"


def compare(film: AnnotatedFilm, found_px: FloatArray, *, doubtful: bool = False) -> Numbering:
    """Compare found corners [4 V, 2] with the readers', four a vertebra from above to below.

    ``doubtful`` is what the program says of their numbers.
    """
    true, found = (points.reshape(-1, CORNERS, 2) for points in (film.points_px, found_px))
    scale = 100.0 / film.height_px
    shift = level_shift(true.mean(1), np.median(found, axis=1))

    def error(levels: NDArray[np.intp]) -> float:
        inside = (levels >= 0) & (levels < len(true))
        away = np.linalg.norm(found[inside] - true[levels[inside]], axis=2)
        return float(away.mean() * scale) if inside.any() else float("inf")

    own = np.arange(len(true))
    nearest = np.clip(own + np.rint(shift).astype(np.intp), 0, len(true) - 1)
    return Numbering(
        film=film.path.name,
        doubtful=doubtful,
        shift=tuple(float(value) for value in shift),
        as_annotated=error(own),
        best_numbering=min(error(own + moved) for moved in (-1, 0, 1)),
        nearest_vertebra=error(nearest),
    )


def level_shift(true_px: FloatArray, found_px: FloatArray) -> FloatArray:
    """How many levels each found centre [V, 2] lies below its own true one [V, 2], along the true column.

    The column goes on straight for one level beyond both ends; what lies farther counts as there.
    """
    ends = 2.0 * true_px[[0, -1]] - true_px[[1, -2]]
    column = np.concatenate([ends[:1], true_px, ends[1:]])
    start, step = column[:-1], np.diff(column, axis=0)
    part = ((found_px[:, None] - start) * step).sum(2) / (step**2).sum(1)
    part = np.clip(part, 0.0, 1.0)
    away = np.linalg.norm(start + part[..., None] * step - found_px[:, None], axis=2)
    chosen = away.argmin(1)
    level = chosen + part[np.arange(len(found_px)), chosen] - 1.0
    return np.asarray(level - np.arange(len(found_px)))


def measure(
    cases: Path, *, references: int, draws: int, targets: int, seed: int
) -> tuple[list[Numbering], LandmarkMatcher]:
    """The films of all draws, as ``orthomatch evaluate`` draws them with this many references."""
    films, catalogue = read_cases(cases), load_catalogue()
    view = catalogue.view(VIEW)
    matcher = matcher_for_points(
        OnnxEncoder(), MemoryFeatureCache(), catalogue, view, keys_of(films[0], view)
    )
    drawn = draw_films(
        films,
        [as_reference(film, VIEW, symmetric=view.symmetric) for film in films],
        groups=[film.group for film in films],
        references=references,
        draws=draws,
        targets_per_draw=targets,
        seed=seed,
    )
    out = []
    for draw in drawn:
        for film in draw.targets:
            found = matcher.match(read_film(film.path).pixels, draw.references)[0]
            out.append(compare(film, found.positions_px, doubtful=found.numbering_doubtful))
    return out, matcher


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.bench.levels", description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--references", type=int, default=10)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--targets", type=int, default=30, help="films a draw")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args(arguments)
    settings = {name: getattr(args, name) for name in ("references", "draws", "targets", "seed")}
    films, matcher = measure(args.cases, **settings)
    errors = ("as_annotated", "best_numbering", "nearest_vertebra")
    summary = {
        kind: {
            "films": len(some),
            "doubtful": sum(film.doubtful for film in some),
            "percent_of_height": {
                name: float(np.mean([getattr(film, name) for film in some])) if some else None
                for name in errors
            },
        }
        for kind in ("all", "right", "moved", "mixed")
        for some in [[film for film in films if kind in ("all", film.kind)]]
    }
    for kind, line in summary.items():
        print(kind, line)
    save_json(
        args.json,
        {
            "commit": commit(),
            "model_sha256": matcher.model_sha256,
            "set": args.cases.name,
            "settings": settings,
            "by_kind": summary,
            "films": [{**asdict(film), "kind": film.kind} for film in films],
        },
    )


if __name__ == "__main__":
    main()
