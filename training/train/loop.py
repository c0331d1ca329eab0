"""The training loop: pairs in, checkpoints and a log out."""

from __future__ import annotations

import argparse
import json
import time

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from core.measure.loader import load_catalogue
from training.train.losses import ViewLoss, match_loss
from training.train.network import MatchNetwork, NetworkConfig
from training.train.pairs import PairConfig, PairDataset, worker_threads
from training.train.parallel import Team
from training.train.unlabelled import Mixture, UnlabelledPairs

AVERAGE_DECAY = 0.998
"""Part of the running average of the weights that a step keeps; the average is what is exported."""


VIEW_SHARE = 0.5
"""Weight of telling views, handedness and quarter turns apart beside the matching loss."""


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up over 100 steps, the peak, then a linear fall to 2 % of it in the last quarter.

    A run may be continued for more steps than first meant: until its last quarter nothing depends on
    how many there are.
    """
    fall = 0.25 * steps
    progress = max(0.0, (step + 1 - (steps - fall)) / fall)
    return peak * min(1.0, (step + 1) / 100) * (1.0 - 0.98 * min(1.0, progress))


def mixed_precision(device: torch.device) -> bool:
    """Whether the device multiplies 16-bit numbers faster than 32-bit ones."""
    if device.type == "cuda":
        return True
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def train(args: argparse.Namespace, team: Team) -> None:
    """Train as the command line says, as one of a team of processes."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    mixed = mixed_precision(device)
    torch.manual_seed(args.seed)
    newest = args.out / "newest.pt"
    network_config = NetworkConfig.of_width(args.width)
    network = MatchNetwork(network_config).to(device, memory_format=torch.channels_last)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE_DECAY))
    symmetric = frozenset(view.key for view in load_catalogue().views.values() if view.symmetric)
    pair_config = PairConfig(
        shares=args.shares,
        batch=args.batch,
        input_px=network_config.input_px,
        symmetric=symmetric,
        most_films=args.most_films,
    )
    pairs = PairDataset(args.films, pair_config, args.seed, args.steps * args.batch)
    stream: Dataset[tuple[torch.Tensor, ...]] = pairs
    if args.unlabelled is not None:
        count = pair_config.named_points + pair_config.tracked_points
        others = UnlabelledPairs(args.unlabelled, args.seed, len(pairs), pairs.size_of, count)
        stream = Mixture(pairs, others, args.unlabelled_part, args.seed)
    views = ViewLoss(pairs.classes, network_config.code_dim).to(device)
    folders = [name for name, _ in args.shares]
    learned = [*network.parameters(), *views.parameters()]
    optimiser = torch.optim.AdamW(learned, lr=args.peak_rate, weight_decay=0.02)
    start = 0
    if newest.exists():
        state = torch.load(newest, map_location=device, weights_only=True)
        network.load_state_dict(state["running"])
        average.module.load_state_dict(state["network"])
        average.n_averaged.fill_(1)
        views.load_state_dict(state["views"])
        optimiser.load_state_dict(state["optimiser"])
        start = int(state["step"])
    elif args.start_from is not None:
        state = torch.load(args.start_from, map_location=device, weights_only=True)
        missing, _ = network.load_state_dict(state["network"], strict=False)
        print(f"{args.start_from} has no weights for: {', '.join(missing) or 'nothing'}")
        average.module.load_state_dict(network.state_dict())
        if "folders" not in state:
            print(f"{args.start_from} holds nothing learned of views")
        else:
            views.start_from(state["views"]["codes"], state["folders"], folders)

    rest = torch.utils.data.Subset(stream, team.share_of(start * args.batch, len(pairs)))
    loader = DataLoader(
        rest,
        batch_size=args.batch // team.size,
        num_workers=args.workers,
        worker_init_fn=worker_threads,
        prefetch_factor=4 if args.workers else None,
    )
    began, running, running_view = time.monotonic(), None, None

    def save(step: int) -> None:
        if team.rank:
            return
        temporary = newest.with_suffix(".part")
        state = {
            "network": average.module.state_dict(),
            "running": network.state_dict(),
            "views": views.state_dict(),
            "folders": folders,
            "optimiser": optimiser.state_dict(),
            "step": step,
            "config": network_config.to_dict(),
        }
        torch.save(state, temporary)
        temporary.replace(newest)

    network.train()
    with (args.out / "log.jsonl").open("a") as log:
        for step, batch in enumerate(loader, start=start):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, args.steps, args.peak_rate)
            first, second, source, target, weight, view = (
                part.to(device, non_blocking=True) for part in batch
            )
            films = torch.cat([first, second]).to(memory_format=torch.channels_last)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=mixed):
                coarse, fine, code = network(films)
            half = len(first)
            a, b = (coarse[:half].float(), fine[:half].float()), (coarse[half:].float(), fine[half:].float())
            loss = match_loss(network, a, b, source, target, weight)
            loss = loss + match_loss(network, b, a, target, source, weight)
            view_loss = views(code.float(), torch.cat([view, view]))
            loss = loss + VIEW_SHARE * view_loss
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            team.average_gradients(learned)
            torch.nn.utils.clip_grad_norm_(learned, 1.0)
            optimiser.step()
            average.update_parameters(network)
            value = float(loss.detach())
            running = value if running is None else 0.98 * running + 0.02 * value
            value = float(view_loss.detach())
            running_view = value if running_view is None else 0.98 * running_view + 0.02 * value
            if step % 20 == 0 and team.rank == 0:
                minutes = (time.monotonic() - began) / 60
                entry = {"step": step, "loss": running, "view": running_view, "minutes": round(minutes, 2)}
                log.write(json.dumps(entry) + "\n")
                log.flush()
            if (step + 1) % 100 == 0:
                save(step + 1)
            if team.agreed((time.monotonic() - began) / 60 > args.stop_after_minutes):
                save(step + 1)
                break
        else:
            save(args.steps)
