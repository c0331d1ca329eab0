"""Makefile, set-up script and package description agree with each other."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import core

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("script", [".ci/run", "packaging/setup.sh"])
def test_scripts_are_executable_and_parse(script: str) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    assert os.access(ROOT / script, os.X_OK)
    subprocess.run([bash, "-n", str(ROOT / script)], check=True)


def test_readme_begins_with_the_two_commands() -> None:
    blocks = re.findall(r"```\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks[0].split("\n")[:2] == ["make run", "make test"]


def test_every_task_the_readme_names_exists() -> None:
    named = set(re.findall(r"`make ([a-z]+)`", (ROOT / "README.md").read_text(encoding="utf-8")))
    rules = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"run", "test", "package", "smoke"} <= named <= rules


def test_program_needs_neither_training_nor_browser_libraries() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[<>=~!\[]", text)[0].lower() for text in project["dependencies"]}
    assert "pyside6-essentials" in needed
    assert not needed & {"torch", "scipy", "numba", "pyside6", "pyside6-addons", "matplotlib"}
    assert project["scripts"] == {"orthomatch": "app.cli:main"}


def test_version_is_a_release_number() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", core.__version__)


def needed_distributions() -> set[str]:
    """Names of the distributions a plain installation brings by its own declaration."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {re.split(r"[<>=~!\[]", text)[0].lower().replace("_", "-") for text in project["dependencies"]}


def test_every_library_the_program_imports_is_declared() -> None:
    imported: set[str] = set()
    for path in [*(ROOT / "app").rglob("*.py"), *(ROOT / "core").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                imported.add(node.module.split(".")[0])
    foreign = imported - sys.stdlib_module_names - {"app", "core"}
    origin = metadata.packages_distributions()
    declared = needed_distributions()
    undeclared = {
        name for name in foreign if not declared & {d.lower().replace("_", "-") for d in origin.get(name, [])}
    }
    assert {"numpy", "pydicom"} <= foreign
    assert not undeclared
