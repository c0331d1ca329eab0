"""The smoke test's own parts, and its whole run against a small stand-in for the packaged program."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load_smoke() -> ModuleType:
    spec = importlib.util.spec_from_file_location("orthomatch_smoke", ROOT / "packaging" / "smoke.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


smoke = load_smoke()


def test_numbers_leave_out_times_and_truth_values() -> None:
    value: dict[str, Any] = {"a": [1, {"b": 2.5}], "elapsed_ms": 9, "draft": True, "name": "x"}
    assert dict(smoke.numbers(value)) == {"/a/0": 1.0, "/a/1/b": 2.5}


@pytest.mark.parametrize(
    ("got", "wrong"),
    [
        ({"angle": 12.0}, 0),
        ({"angle": 12.0 * (1 + 1e-7)}, 0),
        ({"angle": 12.001}, 1),
        ({"other": 12.0}, 2),
        ({"angle": None}, 1),
    ],
)
def test_differences_name_every_deviation(got: dict[str, Any], wrong: int) -> None:
    assert len(smoke.differences({"angle": 12.0}, got)) == wrong


def test_environment_holds_nothing_of_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    environment = smoke.bare_environment(tmp_path)
    assert not [name for name in environment if name.startswith(("PYTHON", "VIRTUAL", "CONDA"))]
    assert environment["QT_QPA_PLATFORM"] == "offscreen"


def test_last_json_finds_the_object_after_other_lines() -> None:
    assert smoke.last_json('started\n{"window_ms": 5}\n') == {"window_ms": 5}
    assert smoke.last_json('{\n  "a": {"b": 1}\n}\n') == {"a": {"b": 1}}
    with pytest.raises(smoke.SmokeError, match="expected JSON"):
        smoke.last_json("nothing")


STAND_IN = """#!/bin/sh
case "$1" in
    doctor) [ -z "$PYTHONPATH" ] && echo fine ;;
    measure) echo '{"angle_deg": ANGLE}' > bundle.json; echo '%PDF-1.4' > bundle.pdf ;;
    --self-check) echo '{"window_ms": 5}' ;;
esac
"""
SOURCE = "import pathlib; pathlib.Path('source.json').write_text('{\"angle_deg\": 12.5}')"


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
@pytest.mark.parametrize(("angle", "status"), [("12.5", 0), ("12.6", 1)])
def test_whole_run_notices_a_deviating_number(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    angle: str,
    status: int,
) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    program = bundle / "orthomatch"
    program.write_text(STAND_IN.replace("ANGLE", angle), encoding="utf-8")
    program.chmod(0o755)
    film = tmp_path / "demo.dcm"
    film.write_bytes(b"film")
    monkeypatch.setattr(smoke, "SOURCE_PROGRAM", [sys.executable, "-c", SOURCE])
    assert smoke.main([str(bundle), "--demo", str(film)]) == status
    result = json.loads(capsys.readouterr().out)
    assert result["ok"] == (status == 0)
    assert result["numbers_compared"] == 1


def test_missing_bundle_is_a_problem_not_a_crash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke.main([str(tmp_path / "none"), "--demo", str(tmp_path / "none.dcm")]) == 1
    assert "none" in json.loads(capsys.readouterr().out)["problems"][0]
