"""The matcher with what a bank and the catalogue know of views besides the films."""

from __future__ import annotations

from collections.abc import Sequence

from core.adapters.bank import Bank
from core.matching.confidence import ErrorModel
from core.matching.features import Encoder, FeatureCache
from core.matching.matcher import LandmarkMatcher
from core.matching.shafts import Numbers, Shaft
from core.measure.definitions import Catalogue, View


def bank_matcher(
    encoder: Encoder,
    cache: FeatureCache,
    bank: Bank,
    catalogue: Catalogue,
    error_model: ErrorModel | None = None,
) -> LandmarkMatcher:
    """A matcher for references of ``bank``. Raises ``BankError`` when its shapes are damaged."""
    shafts = {view.key: shafts_of(view) for view in catalogue.views.values()}
    return LandmarkMatcher(encoder, cache, error_model, shapes=bank.shapes(catalogue), shafts=shafts)


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
