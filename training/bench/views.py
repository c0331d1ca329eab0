"""Options of the benchmarks that name views."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


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
