"""The network's shapes, its losses, and the export."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from core.matching import heatmaps  # noqa: E402
from training.train.__main__ import parse_shares  # noqa: E402
from training.train.loop import learning_rate  # noqa: E402
from training.train.losses import ViewLoss, answer_logits, bilinear_target, match_loss  # noqa: E402
from training.train.network import (  # noqa: E402
    COARSE_STRIDE,
    FINE_STRIDE,
    MatchNetwork,
    NetworkConfig,
    look_up,
)

TINY = NetworkConfig(
    input_px=64, width=16, transformer_layers=1, transformer_heads=2, coarse_dim=16, fine_dim=16
)


def network():
    torch.manual_seed(0)
    return MatchNetwork(TINY)


def films(count=2):
    return torch.randn(count, 1, 64, 64, generator=torch.Generator().manual_seed(1))


def test_shapes_type_and_unit_length():
    coarse, fine, code = network().eval()(films())
    assert code.shape == (2, TINY.code_dim)
    assert coarse.shape == (2, TINY.coarse_dim, 64 // COARSE_STRIDE, 64 // COARSE_STRIDE)
    assert fine.shape == (2, TINY.fine_dim, 64 // FINE_STRIDE, 64 // FINE_STRIDE)
    for maps in (coarse, fine, code):
        assert maps.dtype == torch.float32
        assert torch.linalg.norm(maps, dim=1).detach().numpy() == pytest.approx(1.0, abs=1e-3)


def test_films_of_a_batch_do_not_mix():
    model, both = network().eval(), films()
    with torch.no_grad():
        together, alone = model(both)[1][0], model(both[:1])[1][0]
    assert together.numpy() == pytest.approx(alone.numpy(), abs=1e-5)


def test_a_long_film_has_long_maps():
    coarse, fine, _ = network().eval()(torch.zeros(1, 1, 128, 48))
    assert coarse.shape[2:] == (8, 3)
    assert fine.shape[2:] == (32, 12)


def test_a_network_of_another_width_works_and_16_bits_hardly_change_it():
    narrow = MatchNetwork(NetworkConfig.of_width(16)).eval()
    usual = MatchNetwork(NetworkConfig.of_width(48))
    assert usual.config == NetworkConfig()
    weights = [sum(part.numel() for part in model.parameters()) for model in (narrow, usual)]
    assert weights[0] < 0.2 * weights[1]
    film = films()
    with torch.no_grad():
        exact = narrow(film)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = narrow(film)
    for a, b in zip(exact, rough, strict=True):
        assert float((a * b.float()).sum(1).min()) > 0.99


def test_new_layers_change_nothing_in_a_trained_network():
    trained, deeper = network(), MatchNetwork(replace(TINY, transformer_layers=3))
    deeper.load_state_dict(trained.state_dict(), strict=False)
    with torch.no_grad():
        before, after = trained.eval()(films()), deeper.eval()(films())
    for a, b in zip(before, after, strict=True):
        assert a.numpy() == pytest.approx(b.numpy(), abs=1e-6)


def test_look_up_is_that_of_the_program():
    maps = torch.nn.functional.normalize(torch.randn(1, 8, 16, 16), dim=1)
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform(-3, 66, (20, 2)), [[1.5, 1.5], [61.5, 61.5]]])
    ours = look_up(maps, torch.from_numpy(points[None]).float(), 4)[0].numpy()
    program = heatmaps.look_up(maps[0].numpy(), points, 4)
    assert ours == pytest.approx(program, abs=1e-4)


def test_answers_are_those_of_the_program():
    model = network().eval()
    points = torch.tensor([[[10.0, 20.0], [40.0, 33.0], [50.5, 5.25]]])
    with torch.no_grad():
        maps = model(films())
        source, target = tuple(m[:1] for m in maps), tuple(m[1:] for m in maps)
        ours = (
            answer_logits(model, source, target, points)[1]
            .flatten(2)
            .softmax(2)[0]
            .reshape(3, 16, 16)
            .numpy()
        )
    coarse, fine, _ = (m[0].numpy() for m in source)
    wanted = [heatmaps.look_up(m, points[0].numpy(), 64 // m.shape[1]) for m in (coarse, fine)]
    scales = tuple(model.log_temperature.exp().tolist())
    answers = heatmaps.Answers.of(target[0][0].numpy(), target[1][0].numpy(), scales)
    program = np.exp(heatmaps.log_maps(answers.logits(np.hstack(wanted))))
    assert ours == pytest.approx(program, abs=1e-4)


@pytest.mark.parametrize("stride", [COARSE_STRIDE, FINE_STRIDE])
def test_the_target_cells_reproduce_the_point(stride):
    side = 64 // stride
    low, high = (stride - 1) / 2, 63 - (stride - 1) / 2
    points = torch.rand(1, 200, 2, generator=torch.Generator().manual_seed(0)) * (high - low) + low
    index, weight = bilinear_target(points, (side, side), stride)
    assert weight.sum(2).numpy() == pytest.approx(1.0, abs=1e-5)
    assert float(weight.min()) >= 0
    assert int(index.min()) >= 0
    assert int(index.max()) < side * side
    centre = torch.stack([index % side, index // side], dim=-1) * stride + (stride - 1) / 2
    found = (centre * weight[..., None]).sum(2)
    assert found.numpy() == pytest.approx(points.numpy(), abs=1e-3)


def test_points_beyond_the_outer_centres_go_to_the_border():
    index, weight = bilinear_target(torch.tensor([[[0.0, 63.0], [-9.0, 99.0]]]), (16, 16), 4)
    chosen = index.gather(2, weight.argmax(2, keepdim=True))
    assert chosen.flatten().tolist() == [15 * 16, 15 * 16]
    index, weight = bilinear_target(torch.tensor([[[99.0, 30.0], [10.0, 150.0]]]), (32, 8), 4)
    chosen = index.gather(2, weight.argmax(2, keepdim=True)).flatten().tolist()
    assert chosen == [7 * 8 + 7, 31 * 8 + 2]


def test_the_loss_is_least_where_the_answer_is():
    model = network().eval()
    with torch.no_grad():
        maps = model(films(1))
        points = torch.tensor([[[21.0, 33.0], [45.0, 17.0], [9.0, 51.0]]])
        weight = torch.ones(1, 3)
        right = match_loss(model, maps, maps, points, points, weight)
        wrong = match_loss(model, maps, maps, points, points.flip(1), weight)
    assert float(right) < float(wrong)


def test_points_without_weight_do_not_count():
    model = network().eval()
    with torch.no_grad():
        maps = model(films(1))
        points = torch.tensor([[[21.0, 33.0], [45.0, 17.0]]])
        other = torch.tensor([[[21.0, 33.0], [3.0, 3.0]]])
        weight = torch.tensor([[1.0, 0.0]])
        first = match_loss(model, maps, maps, points, points, weight)
        second = match_loss(model, maps, maps, points, other, weight)
        nothing = match_loss(model, maps, maps, points, points, weight * 0)
    assert float(first) == pytest.approx(float(second))
    assert float(nothing) == 0.0


def test_the_loss_falls_when_one_pair_is_learned():
    model = network()
    film = films(1)
    shifted = torch.roll(film, (8, 4), dims=(2, 3))
    points = torch.tensor([[[12.0, 12.0], [30.0, 20.0], [20.0, 44.0], [50.0, 40.0]]])
    target, weight = points + torch.tensor([4.0, 8.0]), torch.ones(1, 4)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(25):
        loss = match_loss(model, model(film)[:2], model(shifted)[:2], points, target, weight)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_the_learning_rate_rises_and_falls():
    rates = [learning_rate(step, 1000, 1e-3) for step in range(1000)]
    assert rates[0] == pytest.approx(1e-5)
    assert max(rates) == pytest.approx(1e-3)
    assert rates[99:750] == [1e-3] * 651
    assert rates[-1] == pytest.approx(2e-5, rel=0.01)
    assert all(a > b for a, b in itertools.pairwise(rates[749:]))


def test_until_its_last_quarter_a_run_may_be_made_longer():
    assert [learning_rate(step, 1000, 1e-3) for step in range(750)] == [
        learning_rate(step, 2000, 1e-3) for step in range(750)
    ]


def test_the_view_loss_tells_kinds_of_film_apart():
    torch.manual_seed(0)
    loss = ViewLoss(classes=3, code_dim=8)
    codes = torch.nn.functional.normalize(loss.codes.detach(), dim=1)
    right, wrong = loss(codes, torch.tensor([0, 1, 2])), loss(codes, torch.tensor([1, 2, 0]))
    assert float(right.detach()) < float(wrong.detach())
    assert float(loss(codes, torch.tensor([-1, -1, -1])).detach()) == 0.0
    alone = loss(codes[:1], torch.tensor([0]))
    assert float(loss(codes, torch.tensor([0, -1, -1])).detach()) == pytest.approx(float(alone.detach()))


def test_the_view_loss_takes_over_the_codes_of_known_folders():
    torch.manual_seed(0)
    before, after = ViewLoss(classes=4, code_dim=8), ViewLoss(classes=6, code_dim=8)
    new = after.codes.detach()[4:].clone()
    after.start_from(before.codes.detach(), ["knee", "hand"], ["hand", "knee", "foot"])
    assert torch.equal(after.codes[:2], before.codes[2:])
    assert torch.equal(after.codes[2:4], before.codes[:2])
    assert torch.equal(after.codes[4:], new)


def test_shares():
    assert parse_shares("hand_pa=2,ankle_ap=0.5") == (("hand_pa", 2.0), ("ankle_ap", 0.5))


@pytest.mark.filterwarnings("ignore")  # the exporter announces its successor
def test_the_export_gives_the_same_answers(tmp_path):
    pytest.importorskip("onnx")
    from core.adapters.onnx import OnnxEncoder
    from training.export.__main__ import MAX_DIFFERENCE, export, load_checkpoint

    checkpoint = tmp_path / "newest.pt"
    torch.save({"config": TINY.to_dict(), "network": network().state_dict()}, checkpoint)
    model = load_checkpoint(checkpoint)
    path = tmp_path / "model.onnx"
    assert export(model, path) <= MAX_DIFFERENCE

    import hashlib

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".toml").write_text(f'sha256 = "{digest}"\n')
    encoder = OnnxEncoder(path, providers=("CPUExecutionProvider",))
    assert encoder.input_px == 64
    assert encoder.strides == (COARSE_STRIDE, FINE_STRIDE)
    assert encoder.scales == pytest.approx(model.log_temperature.exp().tolist())
    with torch.no_grad():
        expected = model(films(1))
    for ours, theirs in zip(encoder.encode(films(1)[0, 0].numpy()), expected, strict=True):
        assert ours == pytest.approx(theirs[0].numpy(), abs=1e-4)
    json.dumps(TINY.to_dict())
