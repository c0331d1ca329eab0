"""Loading a model: what is checked, what is said, which provider runs. Models are made here."""

import hashlib
import json

import numpy as np
import onnxruntime
import pytest

from core.adapters import onnx as adapter
from core.adapters.onnx import OnnxEncoder
from core.errors import ModelError

onnx = pytest.importorskip("onnx")

FORMAT = {
    "format": 3, "input_px": 32, "strides": [16, 4], "scales": [20.0, 21.0], "position_width": 8
}  # fmt: skip


def tiny_model(metadata=None):
    """A model of the right form: average pooling in place of a network."""
    h = onnx.helper
    film = h.make_tensor_value_info("film", onnx.TensorProto.FLOAT, [1, 1, "height", "width"])
    position = h.make_tensor_value_info("position", onnx.TensorProto.FLOAT, ["cells", 8])
    nodes, outputs = [], []
    for name, stride in (("coarse", 16), ("fine", 4)):
        nodes.append(
            h.make_node("AveragePool", ["film"], [name], kernel_shape=[stride] * 2, strides=[stride] * 2)
        )
        outputs.append(h.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 1, None, None]))
    nodes.append(h.make_node("ReduceMean", ["film"], ["grey"], axes=[2, 3], keepdims=0))
    nodes.append(h.make_node("ReduceSum", ["position"], ["place"], keepdims=0))
    nodes.append(h.make_node("Mul", ["place", "nothing"], ["none"]))
    nodes.append(h.make_node("Add", ["grey", "none"], ["code"]))
    outputs.append(h.make_tensor_value_info("code", onnx.TensorProto.FLOAT, [1, 1]))
    graph = h.make_graph(
        nodes, "tiny", [film, position], outputs, [onnx.numpy_helper.from_array(np.float32(0.0), "nothing")]
    )
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    if metadata is not None:
        h.set_model_props(model, metadata)
    return model.SerializeToString()


def saved(folder, data, sha256=None):
    path = folder / "model.onnx"
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest() if sha256 is None else sha256
    path.with_suffix(".toml").write_text(f'file = "model.onnx"\nsha256 = "{digest}"\n')
    return path


def good(folder, **changes):
    return saved(folder, tiny_model({"orthomatch": json.dumps(FORMAT | changes)}))


def refusal(path, **options):
    with pytest.raises(ModelError) as caught:
        OnnxEncoder(path, **options)
    assert caught.value.remedy.endswith(".")
    return caught.value


def test_a_sound_model_encodes(tmp_path):
    path = good(tmp_path)
    encoder = OnnxEncoder(path)
    assert encoder.model_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (encoder.input_px, encoder.strides, encoder.scales) == (32, (16, 4), (20.0, 21.0))
    window = np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32)
    coarse, fine, code = encoder.encode(window)
    assert coarse.shape == (1, 2, 2)
    assert fine.shape == (1, 8, 8)
    assert fine[0, 1, 2] == pytest.approx(window[4:8, 8:12].mean(), abs=1e-5)
    assert code == pytest.approx(window.mean(), abs=1e-5)
    long, _, _ = encoder.encode(np.vstack([window, window]))
    assert long.shape == (1, 4, 2)
    mirrored, _, _ = encoder.encode(window[:, ::-1])  # not contiguous
    assert mirrored[0, :, ::-1] == pytest.approx(coarse[0], abs=1e-5)


def test_a_missing_model(tmp_path):
    error = refusal(tmp_path / "model.onnx")
    assert "cannot be read" in error.what
    assert error.path == tmp_path / "model.onnx"


@pytest.mark.parametrize("text", [None, "", "sha256 = ", "file = 'x'", "\udcff"])
def test_a_missing_or_wrong_manifest(tmp_path, text):
    path = good(tmp_path)
    manifest = path.with_suffix(".toml")
    manifest.unlink()
    if text is not None:
        manifest.write_bytes(text.encode("utf-8", "surrogateescape"))
    error = refusal(path)
    assert "manifest" in error.what
    assert error.path == manifest


@pytest.mark.parametrize("at", [0, 100, -1])
def test_a_changed_byte(tmp_path, at):
    path = good(tmp_path)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))
    error = refusal(path)
    assert "damaged" in error.what
    assert error.path == path


@pytest.mark.parametrize("data", [b"", b"no model", bytes(range(256)) * 40])
def test_rubbish_with_a_manifest_that_fits(tmp_path, data):
    path = saved(tmp_path, data)
    error = refusal(path)
    assert "ONNX Runtime cannot use the model" in error.what
    assert error.path == path


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"other": "1"},
        {"orthomatch": "no json"},
        {"orthomatch": "[]"},
        {"orthomatch": json.dumps(FORMAT | {"format": 1})},
        {"orthomatch": json.dumps(FORMAT | {"strides": [16]})},
        {"orthomatch": json.dumps(FORMAT | {"scales": ["a", "b"]})},
        {"orthomatch": json.dumps({"format": 2})},
    ],
)
def test_a_model_of_another_format(tmp_path, metadata):
    path = saved(tmp_path, tiny_model(metadata))
    error = refusal(path)
    assert "format" in error.what
    assert error.path == path


def test_the_provider_that_really_runs_is_reported(tmp_path):
    encoder = OnnxEncoder(good(tmp_path), providers=("CPUExecutionProvider",))
    assert encoder.provider == "CPUExecutionProvider"


def test_a_provider_that_is_not_there_is_passed_over(tmp_path, monkeypatch):
    asked = []
    real = onnxruntime.InferenceSession

    def session(data, options, providers):
        asked.append(list(providers))
        return real(data, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(adapter.onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(adapter.onnxruntime, "InferenceSession", session)
    encoder = OnnxEncoder(good(tmp_path), providers=("CUDAExecutionProvider", "CPUExecutionProvider"))
    assert asked == [["CPUExecutionProvider"]]
    assert encoder.provider == "CPUExecutionProvider"


def test_a_provider_that_the_runtime_drops_is_not_claimed(tmp_path, monkeypatch):
    real = onnxruntime.InferenceSession
    available = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(adapter.onnxruntime, "get_available_providers", lambda: available)
    monkeypatch.setattr(
        adapter.onnxruntime,
        "InferenceSession",
        lambda data, options, providers: real(data, options, providers=["CPUExecutionProvider"]),
    )
    assert OnnxEncoder(good(tmp_path)).provider == "CPUExecutionProvider"


def test_providers_go_from_fast_to_always_there():
    assert adapter.PREFERRED[-1] == "CPUExecutionProvider"


def test_the_shipped_model():
    encoder = OnnxEncoder()
    side = encoder.input_px
    window = np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)
    first, again = encoder.encode(window), encoder.encode(window)
    assert np.linalg.norm(first.code) == pytest.approx(1.0, abs=1e-2)
    for maps, twice, stride in zip(first[:2], again[:2], encoder.strides, strict=True):
        assert maps.shape[1:] == (side // stride, side // stride)
        assert np.linalg.norm(maps, axis=0) == pytest.approx(np.ones(maps.shape[1:]), abs=1e-2)
        assert (maps == twice).all()
    assert all(scale > 0 for scale in encoder.scales)
