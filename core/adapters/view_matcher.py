"""The matcher with what the program knows of views besides films of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.adapters.view_shapes import read_shapes
from core.matching.confidence import ErrorModel
from core.matching.features import Encoder, FeatureCache
from core.matching.matcher import LandmarkMatcher
from core.matching.rows import Row
from core.matching.shafts import Numbers, Shaft
from core.measure.definitions import Catalogue, View

FloatArray = NDArray[np.float64]


def view_matcher(
    encoder: Encoder, cache: FeatureCache, catalogue: Catalogue, error_model: ErrorModel | None = None
) -> LandmarkMatcher:
    """A matcher for references of any bank, which knows shafts, rows and shapes of the catalogue's views.

    Raises ``CatalogueError`` when the shapes are damaged.
    """
    shafts = {view.key: shafts_of(view) for view in catalogue.views.values()}
    rows = {view.key: rows_of(view) for view in catalogue.views.values()}
    return LandmarkMatcher(encoder, cache, error_model, read_shapes(catalogue), shafts, rows)


def matcher_for_points(
    encoder: Encoder, cache: FeatureCache, catalogue: Catalogue, view: View, names: Sequence[str]
) -> LandmarkMatcher:
    """The same for references of one view that have only its points ``names``, in this order."""
    known = read_shapes(catalogue).get(view.key)
    numbers = [view.point_keys.index(name) for name in names]
    shapes = {} if known is None else {view.key: known[:, numbers]}
    shafts, rows = {view.key: shafts_of(view, names)}, {view.key: rows_of(view, names)}
    return LandmarkMatcher(encoder, cache, shapes=shapes, shafts=shafts, rows=rows)


def shafts_of(view: View, names: Sequence[str] | None = None) -> tuple[Shaft, ...]:
    """The shafts of a view by the numbers of their points among ``names``: by default all of the view.

    Those with points that are not named are left out.
    """
    named = view.point_keys if names is None else tuple(names)

    def numbers(keys: tuple[str, ...]) -> Numbers:
        return tuple(named.index(key) for key in keys)

    return tuple(
        Shaft(
            borders=tuple(numbers(border) for border in shaft.borders),
            start=numbers(shaft.start),
            unit=(numbers(shaft.unit[0]), numbers(shaft.unit[1])),
            levels=shaft.levels,
            beside=tuple(numbers(border) for border in shaft.beside),
        )
        for shaft in view.shafts
        if shaft.needed <= set(named)
    )


def rows_of(view: View, names: Sequence[str] | None = None) -> tuple[Row, ...]:
    """The rows of a view by the numbers of their points among ``names``: by default all of the view.

    Those with points that are not named are left out.
    """
    named = view.point_keys if names is None else tuple(names)
    return tuple(
        tuple(tuple(named.index(key) for key in part) for part in row.parts)
        for row in view.rows
        if row.points <= set(named)
    )
