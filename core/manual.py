"""The measurement manual as files: one page a view, and every measurement drawn on a reference film."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.adapters.atomic import write_bytes
from core.adapters.bank import Bank, load_bank
from core.errors import WriteError
from core.manual_pictures import DrawnView, drawn_view, measurement_picture, points_picture
from core.measure.definitions import Catalogue, View
from core.measure.loader import default_catalogue
from core.measure.manual import Drawings, manual_markdown

IMAGES = "images"
"""Folder of the pictures, inside that of the pages."""


def drawn_views(catalogue: Catalogue, bank: Bank) -> dict[str, DrawnView]:
    """What is drawn on which reference, by view; a view without references is not drawn. Reads no image."""
    drawn = {key: drawn_view(view, bank.references(catalogue, key)) for key, view in catalogue.views.items()}
    return {key: view for key, view in drawn.items() if view is not None}


def page_drawings(view: View, drawn: DrawnView) -> Drawings:
    """The pictures that the page of ``view`` shows."""
    return Drawings(
        points=f"{IMAGES}/{view.key}.jpg",
        measurements={
            item.key: f"{IMAGES}/{view.key}/{item.key}.jpg"
            for item in view.measurements
            if item.key in drawn.measured_on
        },
        films=tuple(f"`{film.key}` ({film.digest[:12]})" for film in drawn.films),
    )


def manual_pages(catalogue: Catalogue, drawn: Mapping[str, DrawnView]) -> dict[str, str]:
    """The text of every page by the view's key."""
    return {
        key: manual_markdown(view, page_drawings(view, drawn[key]) if key in drawn else None)
        for key, view in catalogue.views.items()
    }


def write_manual(folder: Path) -> list[Path]:
    """Write pages and pictures of the program's catalogue and bank into ``folder``; returns the pages.

    Pictures of measurements that are no longer drawn are removed. Raises ``WriteError``, and ``BankError``
    for a reference whose image is damaged.
    """
    catalogue = default_catalogue()
    drawn = drawn_views(catalogue, load_bank())
    for key, view in drawn.items():
        _write_pictures(folder, catalogue.view(key), view)
    pages = []
    for key, text in manual_pages(catalogue, drawn).items():
        path = folder / f"{key}.md"
        _write(path, text.encode())
        pages.append(path)
    return pages


def _write_pictures(folder: Path, view: View, drawn: DrawnView) -> None:
    drawings = page_drawings(view, drawn)
    _write(folder / drawings.points, points_picture(view, drawn.films[0]))
    for key, name in drawings.measurements.items():
        _write(folder / name, measurement_picture(view, key, drawn.measured_on[key]))
    wanted = {Path(name).name for name in drawings.measurements.values()}
    for path in (folder / IMAGES / view.key).glob("*.jpg"):
        if path.name not in wanted:
            path.unlink()


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(
            f"The manual cannot be written ({error})", path=path, remedy="Choose another folder."
        ) from error
    write_bytes(path, data)
