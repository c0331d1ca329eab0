"""Options of the benchmarks that name views."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

KIN = (
    {"hand_pa", "wrist_pa", "wrist_lateral"},
    {"spine_ap", "lumbar_ap", "pelvis_ap"},
    {"spine_lateral", "lumbar_lateral"},
    {"foot_ap", "ankle_ap", "foot_lateral", "ankle_lateral"},
    {
        "pelvis_ap",
        "pelvis_ap_child",
        "hip_replacement_ap",
        "hip_false_profile",
        "hip_frog_leg",
        "full_leg_ap",
    },
    {"pelvis_ap", "lumbar_ap", "spine_ap"},
    {"knee_ap", "knee_lateral", "full_leg_ap"},
    {"elbow_ap", "elbow_lateral"},
    {"shoulder_ap", "shoulder_y"},
)
"""Views that show the same parts of the body: without its own, a film may rightly be taken for another."""


def kin_of(view: str) -> set[str]:
    """The view and all that show a part of what it shows."""
    return {view}.union(*(group for group in KIN if view in group))


def chosen_views(text: str, parser: argparse.ArgumentParser, known: Sequence[str]) -> list[str]:
    """``all``, ``none``, or keys with commas between; ends the command at an unknown one."""
    if text in ("all", "none"):
        return list(known) if text == "all" else []
    wanted = text.split(",")
    for view in wanted:
        if view not in known:
            parser.error(f"unknown view {view!r}; known: {', '.join(known)}")
    return wanted


def named_paths(
    given: Sequence[str], parser: argparse.ArgumentParser, known: Sequence[str]
) -> list[tuple[str, Path]]:
    """``VIEW=PATH`` options; ends the command where there is no such view or path."""
    out = []
    for text in given:
        view, _, path = text.partition("=")
        if view not in known or not path:
            parser.error(f"{text!r} is not VIEW=PATH with one of the views {', '.join(known)}")
        if not Path(path).exists():
            parser.error(f"{path} does not exist")
        out.append((view, Path(path)))
    return out
