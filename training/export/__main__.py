"""Write the trained network as ONNX: ``python -m training.export --checkpoint F --out assets``.

Checks that ONNX Runtime gives what torch gives, and refuses to write otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from training.train.network import COARSE_STRIDE, FINE_STRIDE, MatchNetwork, NetworkConfig

MAX_DIFFERENCE = 1e-4  # of unit descriptors


class ParityError(RuntimeError):
    """ONNX Runtime and torch disagree."""


def load_checkpoint(path: Path) -> MatchNetwork:
    """The network of a checkpoint, ready to evaluate."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    network = MatchNetwork(NetworkConfig(**state["config"]))
    network.load_state_dict(state["network"])
    return network.eval()


def export(network: MatchNetwork, path: Path) -> float:
    """Write ``path`` and return the largest difference between torch and ONNX Runtime."""
    side = network.config.input_px
    torch.onnx.export(
        _Encoding(network),
        _inputs(network, side, side),
        path,
        input_names=["film", "position"],
        output_names=["coarse", "fine", "code"],
        dynamic_axes={
            "film": {2: "height", 3: "width"},
            "position": {0: "cells"},
            "coarse": {2: "rows", 3: "columns"},
            "fine": {2: "fine_rows", 3: "fine_columns"},
        },
        opset_version=17,
        dynamo=False,
    )
    scale = network.log_temperature.exp().tolist()
    model = onnx.load(path)
    onnx.helper.set_model_props(
        model,
        {
            "orthomatch": json.dumps(
                {
                    "format": 3,
                    "input_px": side,
                    "strides": [COARSE_STRIDE, FINE_STRIDE],
                    "scales": scale,
                    "position_width": 4 * network.config.width,
                }
            )
        },
    )
    onnx.checker.check_model(model)
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return max(_difference(network, session, *size) for size in ((side, side), (2 * side, 3 * side // 4)))


class _Encoding(nn.Module):
    """``MatchNetwork.encode`` as a module of its own, which is what can be exported."""

    def __init__(self, network: MatchNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, film: Tensor, position: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.network.encode(film, position)


def _inputs(network: MatchNetwork, height: int, width: int) -> tuple[Tensor, Tensor]:
    film = torch.randn(1, 1, height, width, generator=torch.Generator().manual_seed(0))
    return film, network.position(height, width)


def _difference(
    network: MatchNetwork, session: onnxruntime.InferenceSession, height: int, width: int
) -> float:
    """Largest difference between torch and ONNX Runtime for a film of this size."""
    film, position = _inputs(network, height, width)
    outputs = session.run(None, {"film": film.numpy(), "position": position.numpy()})
    with torch.no_grad():
        expected = network(film)
    return max(float(np.abs(o - e.numpy()).max()) for o, e in zip(outputs, expected, strict=True))


def export_checked(checkpoint: Path, folder: Path, licence: str) -> tuple[Path, float]:
    """Write ``model.onnx`` and ``model.toml`` into a folder: the path and the difference to torch.

    Raises ``ParityError``, and writes nothing, when ONNX Runtime does not give what torch gives.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target, temporary = folder / "model.onnx", folder / "model.part.onnx"
    difference = export(load_checkpoint(checkpoint), temporary)
    if difference > MAX_DIFFERENCE:
        temporary.unlink()
        raise ParityError(f"ONNX Runtime differs from torch by {difference:.2e}: nothing written")
    temporary.replace(target)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    (folder / "model.toml").write_text(
        '# Written by python -m training.export; see MODEL_CARD.md.\nfile = "model.onnx"\n'
        f'sha256 = "{digest}"\n'
        f'licence = "{licence}"\n'
    )
    return target, difference


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for model.onnx and model.toml")
    parser.add_argument("--licence", default="MIT")
    args = parser.parse_args()
    target, difference = export_checked(args.checkpoint, args.out, args.licence)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, sha256 {digest[:12]}, parity {difference:.1e}")


if __name__ == "__main__":
    main()
