"""The network under ONNX Runtime: provider choice, model check, encoding."""

from __future__ import annotations

import hashlib
import json
import logging
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core.errors import ModelError
from core.matching.features import Encoded
from core.matching.position import position_code
from core.resources import resource_path

Float32 = NDArray[np.float32]

log = logging.getLogger(__name__)

PREFERRED = (
    "CUDAExecutionProvider",
    "DmlExecutionProvider",
    "OpenVINOExecutionProvider",
    "CoreMLExecutionProvider",
    "CPUExecutionProvider",
)
"""Providers from the fastest to the one that is always there."""

FORMAT = 3
"""Of the model file: its inputs, its outputs and what it says of itself."""

REINSTALL = "Install the program again, or put the right file back."


def default_model_path() -> Path:
    """The model that ships with the program."""
    return resource_path("assets", "model.onnx")


class OnnxEncoder:
    """``Encoder`` of one model file. Creating it loads and checks the model.

    Raises ``ModelError`` when the file is missing, damaged, does not match the SHA-256 in the
    ``model.toml`` beside it, or is of another format.
    """

    def __init__(self, path: Path | None = None, providers: tuple[str, ...] = PREFERRED) -> None:
        self.path = path or default_model_path()
        data = _checked_bytes(self.path)
        self._sha256 = hashlib.sha256(data).hexdigest()
        available = onnxruntime.get_available_providers()
        self._session = _open_session(data, self.path, [p for p in providers if p in available])
        self._provider = str(self._session.get_providers()[0])
        self._format = _model_format(self._session, self.path)
        log.info("model %s on %s", self._sha256[:12], self._provider)

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the model file."""
        return self._sha256

    @property
    def provider(self) -> str:
        """The execution provider that ONNX Runtime really uses first."""
        return self._provider

    @property
    def input_px(self) -> int:
        """Side of the square window in pixels."""
        return self._format.input_px

    @property
    def strides(self) -> tuple[int, int]:
        """Window pixels per cell of the coarse and the fine map."""
        return self._format.strides

    @property
    def scales(self) -> tuple[float, float]:
        """Factors on the coarse and the fine correlation."""
        return self._format.scales

    def encode(self, window: Float32) -> Encoded:
        """What the network sees in a standardised window [H, W]. On one core; any thread may call it."""
        film = np.ascontiguousarray(window, dtype=np.float32)[None, None]
        cell = self.strides[0]
        rows, columns = (length // cell for length in window.shape)
        position = position_code(rows, columns, self._format.position_width, self.input_px // cell)
        found = self._session.run(["coarse", "fine", "code"], {"film": film, "position": position})
        coarse, fine, code = (np.asarray(part[0], dtype=np.float32) for part in found)
        return Encoded(coarse, fine, code)


def _checked_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError("The model file cannot be read", path=path, remedy=REINSTALL) from error
    manifest = path.with_suffix(".toml")
    try:
        expected = str(tomllib.loads(manifest.read_text(encoding="utf-8"))["sha256"])
    except (OSError, KeyError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError("The model's manifest cannot be read", path=manifest, remedy=REINSTALL) from error
    if hashlib.sha256(data).hexdigest() != expected:
        raise ModelError(
            "The model file is damaged: its SHA-256 is not the one in its manifest",
            path=path,
            remedy=REINSTALL,
        )
    return data


def _open_session(data: bytes, path: Path, providers: list[str]) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # several windows are encoded side by side
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(data, options, providers=providers)
    except Exception as error:  # ONNX Runtime raises its own types, which share no public base
        raise ModelError(
            f"ONNX Runtime cannot use the model with {', '.join(providers)} ({type(error).__name__})",
            path=path,
            remedy=REINSTALL,
        ) from error


@dataclass(frozen=True)
class _Format:
    """What the model file says of itself."""

    input_px: int
    strides: tuple[int, int]
    scales: tuple[float, float]
    position_width: int


def _model_format(session: onnxruntime.InferenceSession, path: Path) -> _Format:
    try:
        values = json.loads(session.get_modelmeta().custom_metadata_map["orthomatch"])
        if values["format"] != FORMAT:
            raise ValueError("format")
        coarse_stride, fine_stride = values["strides"]
        coarse_scale, fine_scale = values["scales"]
        return _Format(
            int(values["input_px"]),
            (int(coarse_stride), int(fine_stride)),
            (float(coarse_scale), float(fine_scale)),
            int(values["position_width"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            "The file is not a matching model of this program's format", path=path, remedy=REINSTALL
        ) from error
