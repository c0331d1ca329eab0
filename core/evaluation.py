"""How far the matcher's points lie from a reader's, by number of references and over random draws."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from core.adapters.cases_folder import AnnotatedFilm
from core.adapters.dicom import read_film
from core.errors import ReadError
from core.film import Calibration, Side, SpacingSource
from core.landmarks import Landmark, LandmarkSet
from core.matching.confidence import LOOK_BEYOND_MM
from core.matching.protocol import Matcher, Reference
from core.measure.definitions import View
from core.measure.evaluate import evaluate_view

FloatArray = NDArray[np.float64]

UNNAMED = "unnamed"
"""View of references whose films belong to none of the catalogue."""


@dataclass(frozen=True)
class ValueSummary:
    """Absolute errors of one measurement against the same construction on the readers' points."""

    unit: str
    films: int
    mean: float
    median: float


@dataclass(frozen=True)
class CountSummary:
    """Errors with one number of references: in millimetres, or in percent of the image height.

    ``mean`` is over all points, targets and draws, ``sd_over_draws`` the standard deviation of the draws'
    means. ``mirrored_wrong_percent`` are the films taken for their mirror image although their side, where it
    is known, was told. The ``sdr`` fields are the percentage of points within that distance (None without
    spacing). ``flagged`` is the share of points with an expected error above ``LOOK_BEYOND_MM`` among those
    wrong by more than 10 mm, and ``false_alarms`` among the others (None where there are none).
    ``by_point`` are the means of the single points, None for a point that no film shows,
    ``by_measurement`` the errors of the view's measurements by key where the view is known.
    """

    mean: float
    sd_over_draws: float
    median: float
    worst_1_percent: float
    sdr_2mm: float | None
    sdr_4mm: float | None
    sdr_10mm: float | None
    mirrored_wrong_percent: float
    mean_expected: float
    flagged: float | None
    false_alarms: float | None
    by_point: tuple[float | None, ...]
    by_measurement: dict[str, ValueSummary]


@dataclass(frozen=True)
class Evaluation:
    """The outcome of one evaluation, ready for JSON."""

    unit: str
    counts: dict[str, CountSummary]
    seconds: dict[str, float | dict[str, float]]
    films: int
    points: int
    model_sha256: str
    provider: str

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


def as_reference(film: AnnotatedFilm, view: str, *, symmetric: bool = False) -> Reference:
    """A film of a set as a reference with its readers' points; one of a right side is mirrored.

    ``symmetric`` tells that films of this kind look like their own mirror images: handedness cannot be found.
    """
    mirror = film.side is Side.RIGHT
    points = film.points_px.copy()
    if mirror and film.width_px is not None:
        points[:, 0] = film.width_px - 1 - points[:, 0]

    def read() -> NDArray[np.float32]:
        pixels = read_film(film.path).pixels
        return np.ascontiguousarray(pixels[:, ::-1]) if mirror else pixels

    return Reference(
        key=film.path.name,
        view=view,
        side=Side.LEFT,
        read_image=read,
        points_px=points,
        spacing_mm=film.mm_per_px,
        digest=hashlib.sha256(str(film.path).encode() + points.tobytes()).hexdigest(),
        symmetric=symmetric,
    )


def keys_of(film: AnnotatedFilm, view: View) -> tuple[str, ...]:
    """Keys of a film's points: those that it names, where the view has them all, else the view's first."""
    named = bool(film.names) and set(film.names) <= set(view.point_keys)
    return film.names if named else view.point_keys[: len(film.points_px)]


@dataclass(frozen=True, eq=False)
class Draw:
    """References in the order they were drawn in, and the films to match with the first of them or all."""

    references: tuple[Reference, ...]
    targets: tuple[AnnotatedFilm, ...]


def draw_films(
    targets: Sequence[AnnotatedFilm],
    own: Sequence[Reference],
    *,
    groups: Sequence[str] | None,
    references: int,
    draws: int,
    targets_per_draw: int,
    seed: int,
) -> Iterator[Draw]:
    """Random draws of so many references and of targets of none of these references' groups.

    ``groups`` are those of ``own``, None where it is another set than the targets. Raises ``ReadError``
    when no target is left.
    """
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        chosen = rng.permutation(len(own))[:references]
        taken = set() if groups is None else {groups[i] for i in chosen}
        rest = [film for film in targets if film.group not in taken]
        if not rest:
            raise ReadError("No film is left to match after drawing references", remedy="Use smaller counts.")
        picked = tuple(rest[i] for i in rng.permutation(len(rest))[:targets_per_draw])
        yield Draw(tuple(own[i] for i in chosen), picked)


def evaluate(
    matcher: Matcher,
    targets: Sequence[AnnotatedFilm],
    *,
    references: Sequence[Reference] | None = None,
    view: View | None = None,
    counts: Sequence[int] = (1, 5, 10),
    draws: int = 5,
    targets_per_draw: int = 24,
    seed: int = 1,
    progress: Callable[[str], None] | None = None,
) -> Evaluation:
    """Match targets with randomly drawn references and compare with the readers' points.

    With ``references`` None, references are drawn from the targets' own set, never from the target's
    group. Each draw takes ``max(counts)`` references (smaller counts use the first of them) and up to
    ``targets_per_draw`` targets. ``view`` is that of the films, whose points are named or else its first
    ones. Raises ``ReadError`` when the set is too small.
    """
    millimetres = all(film.mm_per_px is not None for film in targets)
    symmetric = view is not None and view.symmetric
    own = (
        [as_reference(film, view.key if view else UNNAMED, symmetric=symmetric) for film in targets]
        if references is None
        else list(references)
    )
    groups = [film.group for film in targets] if references is None else None
    lengths = {len(film.points_px) for film in targets} | {len(reference.points_px) for reference in own}
    if len(lengths) > 1:
        raise ReadError(
            f"Films and references have different numbers of points ({sorted(lengths)})",
            remedy="Choose references with the points that were annotated.",
        )
    counts = sorted({min(count, len(own)) for count in counts})
    if groups is not None and len(set(groups)) < 2:
        raise ReadError("The set has too few films to draw references from", remedy="Use a larger set.")
    errors: dict[int, list[FloatArray]] = {count: [] for count in counts}
    expected: dict[int, list[FloatArray]] = {count: [] for count in counts}
    mirrored: dict[int, list[bool]] = {count: [] for count in counts}
    spent: dict[int, list[float]] = {count: [] for count in counts}
    values: dict[int, list[dict[str, tuple[str, float]]]] = {count: [] for count in counts}
    films = draw_films(
        targets,
        own,
        groups=groups,
        references=counts[-1],
        draws=draws,
        targets_per_draw=targets_per_draw,
        seed=seed,
    )
    for number, draw in enumerate(films, start=1):
        if progress is not None:
            progress(f"draw {number} of {draws}: {len(draw.targets)} films")
        drawn: dict[int, list[FloatArray]] = {count: [] for count in counts}
        pixels = [read_film(film.path).pixels for film in draw.targets]
        for count in counts:
            some = draw.references[:count]
            matcher.match(pixels[0], some)  # encodes the references, which is not the films' time
            for film, image in zip(draw.targets, pixels, strict=True):
                flipped = _flipped(film, some[0])
                told = {} if flipped is None else {some[0].view: flipped}
                began = time.perf_counter()
                result = matcher.match(image, some, expected=told)[0]
                spent[count].append(time.perf_counter() - began)
                scale = film.mm_per_px if millimetres and film.mm_per_px else 100.0 / film.height_px
                known = np.isfinite(film.points_px).all(1) & np.isfinite(result.positions_px).all(1)
                error = np.full(len(film.points_px), np.nan)
                error[known] = np.linalg.norm(result.positions_px - film.points_px, axis=1)[known] * scale
                drawn[count].append(error)
                expected[count].append(result.expected_error_px * scale)
                if view is not None:
                    values[count].append(_value_errors(view, film, result.positions_px))
                mirrored[count].append(result.mirrored is not bool(flipped))
        for count in counts:
            errors[count].append(np.stack(drawn[count]))
    return Evaluation(
        unit="mm" if millimetres else "percent_of_height",
        counts={
            str(count): _summary(
                errors[count], np.stack(expected[count]), mirrored[count], millimetres, values[count]
            )
            for count in counts
        },
        seconds={"per_film": {str(count): float(np.median(spent[count])) for count in counts}},
        films=len(targets),
        points=targets[0].points_px.shape[0],
        model_sha256=matcher.model_sha256,
        provider=matcher.provider,
    )


def _flipped(film: AnnotatedFilm, reference: Reference) -> bool | None:
    """Whether a film shows the mirror image of a reference; None where one of them is of no single side."""
    if film.side is None or Side.BOTH in (film.side, reference.side):
        return None
    return film.side is not reference.side


def _mean_of_known(errors: FloatArray) -> float | None:
    known = errors[np.isfinite(errors)]
    return float(known.mean()) if known.size else None


def _summary(
    draws: Sequence[FloatArray],
    expected: FloatArray,
    mirrored: Sequence[bool],
    millimetres: bool,
    by_film: Sequence[dict[str, tuple[str, float]]],
) -> CountSummary:
    everything = np.concatenate(draws)
    values = everything[np.isfinite(everything)]

    def within(limit: float) -> float | None:
        return float(np.mean(values <= limit) * 100.0) if millimetres else None

    wrong = everything > 10.0
    alarm = expected > LOOK_BEYOND_MM
    right = np.isfinite(everything) & ~wrong
    return CountSummary(
        mean=float(values.mean()),
        sd_over_draws=float(np.std([np.nanmean(draw) for draw in draws])),
        median=float(np.median(values)),
        worst_1_percent=float(np.percentile(values, 99)),
        sdr_2mm=within(2.0),
        sdr_4mm=within(4.0),
        sdr_10mm=within(10.0),
        mirrored_wrong_percent=float(np.mean(mirrored) * 100.0),
        mean_expected=float(np.nanmean(expected)),
        flagged=float(alarm[wrong].mean()) if millimetres and wrong.any() else None,
        false_alarms=float(alarm[right].mean()) if millimetres and right.any() else None,
        by_point=tuple(_mean_of_known(point) for point in everything.T),
        by_measurement=_value_summaries(by_film),
    )


def _value_errors(view: View, film: AnnotatedFilm, found_px: FloatArray) -> dict[str, tuple[str, float]]:
    """Unit and absolute error of each measurement of which both point sets give a value."""
    keys = keys_of(film, view)
    spacing, source = film.mm_per_px, SpacingSource.USER if film.mm_per_px else SpacingSource.NONE
    calibration = Calibration(spacing, spacing, source, "Stated by the set.")
    exact, found = (
        evaluate_view(
            view,
            LandmarkSet(
                {
                    key: Landmark(float(x), float(y))
                    for key, (x, y) in zip(keys, points, strict=False)
                    if np.isfinite([x, y]).all()
                }
            ),
            calibration,
            flipped=film.side is Side.RIGHT,
            draws=0,
        )
        for points in (film.points_px, found_px)
    )
    errors = {}
    for a, b in zip(exact, found, strict=True):
        if a.value is not None and b.value is not None:
            difference = abs(a.value - b.value)
            errors[a.key] = a.unit, min(difference, 360.0 - difference) if a.unit == "deg" else difference
    return errors


def _value_summaries(by_film: Sequence[dict[str, tuple[str, float]]]) -> dict[str, ValueSummary]:
    by_key: dict[str, list[float]] = {}
    units: dict[str, str] = {}
    for film in by_film:
        for key, (unit, error) in film.items():
            by_key.setdefault(key, []).append(error)
            units[key] = unit
    return {
        key: ValueSummary(units[key], len(errors), float(np.mean(errors)), float(np.median(errors)))
        for key, errors in by_key.items()
    }
