"""Whether the program knows what a film shows: ``python -m training.bench.recognition --json F``.

Films of people kept for testing are simulated: of views with sides half of them of the right side, a sixth
of all turned a little, a sixth by one to three quarters. ``--real VIEW=FOLDER-OR-FILE`` adds films and, where
the view is not its own mirror image, their mirror images; ``--outside FOLDER-OR-FILE`` adds films that show
no view of the bank. Views of the simulator that the bank lacks count as outside, too. With ``--missing``
every film is shown once more to a bank without its view and those that show the same part of the body, which
then has to refuse it. Only the pixels are given: tags are taken out.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.adapters.dicom import read_film
from core.adapters.sources import list_films
from core.engine import Engine
from core.errors import MatchError, ReadError
from core.film import FilmTags
from core.measure.definitions import Catalogue
from core.measure.loader import load_catalogue
from training.bench.films import SIMULATED, BenchFilm, mirrored, simulated_films, spread, turned
from training.bench.program import WatchedMatcher, header, open_engine, save_json
from training.bench.views import chosen_views, kin_of, named_paths
from training.simulate.anatomy import anatomy_dir
from training.simulate.people import SPLITS
from training.simulate.views import VIEW_KEYS, scene_makers

TURN_DEG = 20.0
"""Films are turned by up to this much to either side."""

QUARTERS = "turned by quarters"
MISSING = "view missing"
NOT_MATCHED = "cannot be matched"


@dataclass(frozen=True)
class Recognition:
    """What the program took one film for.

    ``view`` is empty for a film outside the bank, ``found`` empty when the program refused. ``best`` is the
    view with the highest ``score``, which is ``found`` or would have been; ``right_score`` is the
    score of the right view where the matcher looked at it. ``handed`` tells that the film could be told
    from its mirror image, ``flipped`` that it is one.
    """

    name: str
    source: str
    view: str
    change: str
    found: str
    best: str
    score: float | None
    right_score: float | None
    handed: bool
    flipped: bool
    found_flipped: bool
    seconds: float

    @property
    def right(self) -> bool:
        """The right view, or rightly refused."""
        return self.found == self.view


def recognise(engine: Engine, watched: WatchedMatcher, film: BenchFilm, in_bank: set[str]) -> Recognition:
    """Let the program find view and side of one film from its pixels alone."""
    bare = replace(film.radiograph, tags=FilmTags())
    found, seconds = "", float("nan")
    try:
        case = engine.analyse(bare)
        found, seconds = case.view, case.provenance.elapsed_ms / 1000.0
    except MatchError:
        pass  # refused: what the matcher saw is kept in ``watched``
    known = film.view if film.view in in_bank else ""
    best = watched.last[0] if watched.last else None
    scores = {result.view: result.score for result in watched.last}
    return Recognition(
        name=film.name,
        source=film.source,
        view=known,
        change=film.change,
        found=found,
        best=best.view if best else NOT_MATCHED,
        score=best.score if best else None,
        right_score=scores.get(known),
        handed=bool(known) and not engine.catalogue.view(known).symmetric,
        flipped=film.flipped,
        found_flipped=best.mirrored if best else False,
        seconds=seconds,
    )


def without(engine: Engine, views: Set[str]) -> Engine:
    """The same engine with a bank that has no reference of these views."""
    kept = tuple(entry for entry in engine.bank.entries if entry.view not in views)
    return Engine(engine.catalogue, replace(engine.bank, entries=kept), engine.matcher)


def summarise(films: Sequence[Recognition]) -> dict[str, Any]:
    """Shares (None where there is nothing to count) and what was taken for what.

    ``recognised`` and ``refused_wrongly`` are of the films of the bank's views, ``mirrored_found`` of the
    mirror images among them that were recognised, ``mirrored_imagined`` of the others that can be told from
    their mirror images, ``outside_refused`` of the films outside the bank. ``threshold`` is the score at
    which as large a share of the bank's films is accepted (with the right view) as of the others is refused,
    and ``at_threshold`` that share.
    """
    inside = [film for film in films if film.view]
    outside = [film for film in films if not film.view]
    handed = [film for film in inside if film.handed and film.right]
    confusions = Counter((f.view or "outside", f.found) for f in films if f.found and not f.right)
    threshold, share = _threshold(inside, outside)
    return {
        "films": len(films),
        "inside": len(inside),
        "recognised": _share([f.right for f in inside]),
        "recognised_turned": _share([f.right for f in inside if f.change == "turned"]),
        "recognised_quarters": _share([f.right for f in inside if f.change == QUARTERS]),
        "refused_wrongly": _share([not f.found for f in inside]),
        "best_is_right": _share([f.best == f.view for f in inside]),
        "mirrored_films": sum(f.flipped for f in handed),
        "mirrored_found": _share([f.found_flipped for f in handed if f.flipped]),
        "mirrored_imagined": _share([f.found_flipped for f in handed if not f.flipped]),
        "outside": len(outside),
        "outside_refused": _share([not f.found for f in outside]),
        "scores_inside": _quantiles([f.right_score for f in inside]),
        "scores_outside": _quantiles([f.score for f in outside]),
        "threshold": threshold,
        "at_threshold": share,
        "confusions": [
            {"view": view, "found": found, "films": count}
            for (view, found), count in confusions.most_common()
        ],
    }


def _threshold(
    inside: Sequence[Recognition], outside: Sequence[Recognition]
) -> tuple[float | None, float | None]:
    accept = np.array([f.score or 0.0 if f.best == f.view else -1.0 for f in inside])
    refuse = np.array([f.score or 0.0 for f in outside])
    if not len(accept) or not len(refuse):
        return None, None
    candidates = np.unique(np.concatenate([accept, refuse, [1.0]]))
    worse = [min(np.mean(accept >= at), np.mean(refuse < at)) for at in candidates]
    best = int(np.argmax(worse))
    return float(candidates[best]), float(worse[best])


def _share(hits: Sequence[bool]) -> float | None:
    return float(np.mean(hits)) if hits else None


def _quantiles(scores: Sequence[float | None]) -> list[float]:
    """Least, 2 %, 10 %, median, 90 %, 98 % and greatest score; empty without any."""
    known = [score for score in scores if score is not None]
    return [float(q) for q in np.quantile(known, [0, 0.02, 0.1, 0.5, 0.9, 0.98, 1])] if known else []


def varied(films: Iterator[BenchFilm], seed: int, catalogue: Catalogue) -> Iterator[BenchFilm]:
    """Films as they come, turned a little, and turned by quarters; every other one of a view without sides
    that is not its own mirror image is mirrored.
    """
    for index, film in enumerate(films):
        view = catalogue.view(film.view)
        faces = view.canonical_side.other is view.canonical_side and not view.symmetric
        shown = mirrored(film) if faces and index % 2 else film
        rng = np.random.default_rng([seed, index])
        if index % 6 == 2:
            yield turned(shown, float(rng.uniform(-TURN_DEG, TURN_DEG)))
        elif index % 6 == 5:
            yield replace(turned(shown, 90.0 * float(rng.integers(1, 4))), change=QUARTERS)
        else:
            yield shown


def real_films(path: Path, view: str, mirrors: bool, limit: int | None) -> Iterator[BenchFilm]:
    """The first frame of every readable film in ``path``; with ``mirrors`` each is followed by its mirror
    image. Files that cannot be read are named on the error output.
    """
    entries = list_films(path)
    for entry in entries if limit is None else spread(entries, limit):
        try:
            read = read_film(entry.path)
        except ReadError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        film = BenchFilm(entry.path.name, path.name, view, read)
        yield film
        if mirrors:
            yield mirrored(film)


def all_films(
    args: argparse.Namespace, catalogue: Catalogue, views: Sequence[str], real: Sequence[tuple[str, Path]]
) -> Iterator[BenchFilm]:
    """Simulated films, then real ones, then those outside."""
    if views and args.films:
        makers = scene_makers(anatomy_dir(args.anatomy), args.split)
        for view in views:
            films = simulated_films(catalogue, view, makers[view], count=args.films, seed=args.seed)
            yield from varied(films, args.seed, catalogue)
    for view, path in real:
        yield from real_films(path, view, not catalogue.view(view).symmetric, args.real_films)
    for path in args.outside:
        yield from real_films(path, "", False, args.real_films)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.bench.recognition", description=__doc__)
    parser.add_argument("--views", default="all", help="all, none, or keys with commas between")
    parser.add_argument("--films", type=int, default=20, help="simulated films a view")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--split", choices=SPLITS, default="test", help="whose bones are drawn")
    parser.add_argument("--real", action="append", default=[], metavar="VIEW=PATH", help="films of a view")
    parser.add_argument("--outside", type=Path, action="append", default=[], help="films of no view")
    parser.add_argument("--real-films", type=int, help="films of each path (default: all)")
    parser.add_argument("--missing", action="store_true", help="show films to a bank without their view, too")
    parser.add_argument("--bank", type=Path, help="default: the shipped one")
    parser.add_argument("--anatomy", type=Path, help="folder of bone surfaces; else ORTHOMATCH_ANATOMY")
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args(arguments)

    catalogue = load_catalogue()
    found_by_itself = [key for key in VIEW_KEYS if not catalogue.view(key).chosen_only]
    views = chosen_views(args.views, parser, found_by_itself)
    real = named_paths(args.real, parser, VIEW_KEYS)
    engine, watched = open_engine(args.bank)
    in_bank = {entry.view for entry in engine.bank.entries}
    films = []
    for film in all_films(args, catalogue, views, real):
        shown = [recognise(engine, watched, film, in_bank)]
        if args.missing and film.view in in_bank:
            kin = kin_of(film.view)
            poorer, changed = without(engine, kin), replace(film, change=MISSING)
            shown.append(recognise(poorer, watched, changed, in_bank - kin))
        for result in shown:
            films.append(result)
            if not result.right or (result.handed and result.flipped != result.found_flipped):
                print(_mistake(result), flush=True)
    groups = {"all": films}
    for result in films:
        label = f"{result.source}: {result.view or 'outside'}"
        for name in dict.fromkeys((SIMULATED if result.source == SIMULATED else "real", label)):
            groups.setdefault(name, []).append(result)
    report: dict[str, Any] = {
        "header": header(engine, args),
        "recognition": {name: summarise(group) for name, group in groups.items()},
        "records": [vars(film) for film in films],
    }
    save_json(args.json, report)
    for name, line in report["recognition"].items():
        print(f"{name}: {_line(line)}")


def _mistake(result: Recognition) -> str:
    score = "" if result.score is None else f", score {result.score:.2f}"
    side = " mirrored" if result.found_flipped else ""
    return (
        f"{result.source} {result.name} {result.change} ({result.view or 'outside'}): "
        f"{result.found or 'refused, best ' + result.best}{side}{score}"
    )


def _line(summary: dict[str, Any]) -> str:
    said = [
        f"{key.replace('_', ' ')} {100 * summary[key]:.1f} %"
        for key in ("recognised", "refused_wrongly", "mirrored_found", "mirrored_imagined", "outside_refused")
        if summary[key] is not None
    ]
    return f"{summary['films']} films, " + ", ".join(said)


if __name__ == "__main__":
    main()
