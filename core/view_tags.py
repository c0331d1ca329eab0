"""Which view a file's tags name, and whether that fits what the film looks like.

Tags are often missing, vague or wrong (a whole leg for an ankle), so only what clearly names something else
counts as a contradiction.
"""

from __future__ import annotations

import re

from core.film import FilmTags
from core.measure.definitions import Catalogue, View

# Words of ViewPosition and SNOMED CT codes of ViewCodeSequence (PS3.16 CID 4010) by what is seen from where.
# Words and codes of oblique projections are left out: they say little about which view it is.
_PROJECTIONS = {
    "frontal": frozenset({"AP", "PA", "DP", "PD", "FRONTAL"})
    | {"399348003", "272479007", "399335002", "399071006", "399033003", "399146005"},
    "lateral": frozenset({"LAT", "LATERAL", "LL", "RL", "LLAT", "RLAT", "ML", "LM"})
    | {"399067008", "399198007", "399173006", "399352003", "399260004", "422795009"},
    "axial": frozenset({"AXIAL", "SKYLINE", "MERCHANT", "SUNRISE", "TANGENTIAL"})
    | {"399061009", "399110001", "399284007"},
}
# Parts that hold several others say nothing against one of them.
_WIDE = frozenset({"LEG", "LOWERLIMB", "LOWEREXTREMITY"})
# Defined terms (PS3.16 annex L) of parts that no view of the catalogue shows.
_ELSEWHERE = frozenset({
    "ABDOMEN", "BREAST", "CHEST", "CSPINE", "HEAD", "JAW", "MANDIBLE", "NECK", "RIB", "SKULL", "STERNUM",
    "THORAX",
})  # fmt: skip


def decide_view(catalogue: Catalogue, view: View, tags: FilmTags, *, given: bool) -> tuple[str, bool]:
    """How ``view`` was decided, as a sentence, and whether the file's tags contradict it.

    ``given`` says that a person chose the view, which settles it.
    """
    if given:
        return "Set by the user.", False
    said = ", ".join(_words(tags))
    if not said:
        return "The file does not say what it shows.", False
    if _another_part(catalogue, view, tags) or _another_projection(view, tags):
        text = f"The file's tags say {said}, but the film looks like {view.name}. Please settle the view."
        return text, True
    return f"The film looks like {view.name}; the file's tags say {said}.", False


def _words(tags: FilmTags) -> list[str]:
    words = [tags.body_part, *(meaning or code for code, meaning in tags.region_codes)]
    words += [tags.view_position, *(meaning or code for code, meaning in tags.view_codes)]
    return list(dict.fromkeys(word for word in words if word))


def _another_part(catalogue: Catalogue, view: View, tags: FilmTags) -> bool:
    """Whether the tags name a part of the body that ``view`` does not show."""
    codes = {code for code, _ in tags.region_codes}
    stated: set[str] = set()
    known = set(_ELSEWHERE)
    for other in catalogue.views.values():
        parts = _names(other)
        known |= parts
        if other.tags.region.value in codes:
            stated |= parts
    for text in (tags.body_part, *(meaning for _, meaning in tags.region_codes)):
        words = re.findall("[A-Z]+", text.upper())
        stated |= {word.removesuffix(plural) for word in ("".join(words), *words) for plural in ("", "S")}
    return bool(stated & known - _WIDE) and not stated & _names(view)


def _names(view: View) -> set[str]:
    return {"".join(re.findall("[A-Z]+", part.upper())) for part in view.tags.body_parts}


def _another_projection(view: View, tags: FilmTags) -> bool:
    """Whether the tags name a direction from which ``view`` is not seen."""
    words = set(re.findall("[A-Z]+", tags.view_position.upper()))
    stated = _seen_from(words | {code for code, _ in tags.view_codes})
    usual = _seen_from({*view.tags.positions, view.tags.projection.value})
    return bool(stated) and bool(usual) and not stated & usual


def _seen_from(names: set[str]) -> set[str]:
    return {key for key, known in _PROJECTIONS.items() if names & known}
