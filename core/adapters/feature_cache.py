"""Reference features on disk, so that a second start need not encode the bank again."""

from __future__ import annotations

import logging
import zipfile
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from core.adapters.atomic import write_bytes
from core.errors import WriteError
from core.matching.features import ViewFeatures

log = logging.getLogger(__name__)


class DiskFeatureCache:
    """``FeatureCache`` with one file a key in ``folder`` (created on first use).

    The key holds the hashes of model and references, so a file never goes stale. A file that cannot be
    read is made again; a folder that cannot be written costs time, not results, and is logged.
    ``shipped`` is a folder of such files that came with the program: looked into first, never written.
    """

    def __init__(self, folder: Path, shipped: Path | None = None) -> None:
        self._folder = folder
        self._shipped = shipped

    def load(self, key: str) -> ViewFeatures | None:
        """The features kept under this key, or None."""
        for folder in (self._shipped, self._folder):
            features = _read(folder / file_name(key), key) if folder is not None else None
            if features is not None:
                return features
        return None

    def save(self, key: str, features: ViewFeatures) -> None:
        """Keep features under this key."""
        arrays: dict[str, Any] = {
            field.name: np.asarray(getattr(features, field.name)) for field in fields(ViewFeatures)
        }
        # Descriptors are kept in half precision (see ``compute_features``).
        arrays |= {name: a.astype(np.float16) for name, a in arrays.items() if a.dtype == np.float32}
        buffer = BytesIO()
        np.savez(buffer, **arrays | {"key": np.str_(key)})
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_bytes(self._folder / file_name(key), buffer.getvalue())
        except (OSError, WriteError):
            log.warning("reference features could not be cached: the cache folder is not writable")


def file_name(key: str) -> str:
    """Name of the file that keeps the features of a key."""
    return f"features-{key[:32]}.npz"


def _read(path: Path, key: str) -> ViewFeatures | None:
    """The features in a file, or None when there is none, it is damaged, or it holds another key's."""
    try:
        kept = path.read_bytes()
        with np.load(BytesIO(kept), allow_pickle=False) as data:
            if str(data["key"]) != key:
                return None
            values = {field.name: data[field.name] for field in fields(ViewFeatures)}
            values |= {n: a.astype(np.float32) for n, a in values.items() if a.dtype == np.float16}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):
        log.warning("a damaged feature cache file is made again")
        return None
    return ViewFeatures(**values | {"view": str(values["view"]), "keys": tuple(values["keys"].tolist())})


class MemoryFeatureCache:
    """``FeatureCache`` that lives as long as the object, for evaluations with many reference draws."""

    def __init__(self) -> None:
        self._kept: dict[str, ViewFeatures] = {}

    def load(self, key: str) -> ViewFeatures | None:
        """The features kept under this key, or None."""
        return self._kept.get(key)

    def save(self, key: str, features: ViewFeatures) -> None:
        """Keep features under this key."""
        self._kept[key] = features
