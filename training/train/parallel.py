"""Several training processes that share every step: each takes a part of its pairs, gradients are averaged.

Two processes of one thread each are faster on two cores than one process of two threads, and wait for each
other once a step instead of within every operation, which matters on a computer that does other work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor


class Team:
    """This process among the ``size`` that train together; ``rank`` 0 writes the files."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    def share_of(self, start: int, stop: int) -> range:
        """The pairs out of ``start`` to ``stop`` that this process takes."""
        return range(start + self.rank, stop, self.size)

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace the gradients by their mean over all processes; one that a process lacks counts as zero."""
        if self.size == 1:
            return
        learned = list(parameters)
        for parameter in learned:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in learned if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def agreed(self, wish: bool) -> bool:
        """What the first process wishes."""
        if self.size == 1:
            return wish
        answer = torch.tensor([int(wish)])
        dist.broadcast(answer, src=0)
        return bool(answer.item())


def run_team(work: Callable[[Team], None], size: int) -> None:
    """Run ``work`` in ``size`` processes of one thread each; in this process when there is only one."""
    if size == 1:
        work(Team())
        return
    with TemporaryDirectory() as folder:
        mp.spawn(_member, args=(size, f"file://{Path(folder) / 'meeting'}", work), nprocs=size)


def _member(rank: int, size: int, meeting: str, work: Callable[[Team], None]) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=size)
    try:
        work(Team(rank, size))
    finally:
        dist.destroy_process_group()
