"""How well one film's maps answer another film's descriptors, and how well films are told by their codes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.train.network import COARSE_STRIDE, FINE_STRIDE, MatchNetwork, look_up

Maps = tuple[Tensor, Tensor]


def bilinear_target(points_px: Tensor, size: tuple[int, int], stride: int) -> tuple[Tensor, Tensor]:
    """The four cells around each point and their weights.

    ``points_px`` is [B, N, 2]; returns cell indices [B, N, 4] into a map of ``size`` (height, width) and
    weights [B, N, 4] that sum to one, so that the weighted cell centre is the point itself.
    """
    height, width = size
    last = points_px.new_tensor([width - 1.0, height - 1.0])
    cells = torch.minimum(((points_px + 0.5) / stride - 0.5).clamp(min=0.0), last)
    low = torch.minimum(cells.floor(), last - 1.0)
    part = cells - low
    x, y = low.long().unbind(-1)
    first = y * width + x
    index = torch.stack([first, first + 1, first + width, first + width + 1], dim=-1)
    px, py = part.unbind(-1)
    weight = torch.stack([(1 - py) * (1 - px), (1 - py) * px, py * (1 - px), py * px], dim=-1)
    return index, weight


def answer_logits(
    network: MatchNetwork, source: Maps, target: Maps, points_px: Tensor
) -> tuple[Tensor, Tensor]:
    """Coarse [B, N, Hc, Wc] and joint fine [B, N, Hf, Wf] scores of where points lie on the target."""
    scale = network.log_temperature.exp()
    coarse = (
        torch.einsum("bnd,bdhw->bnhw", look_up(source[0], points_px, COARSE_STRIDE), target[0]) * scale[0]
    )
    fine = torch.einsum("bnd,bdhw->bnhw", look_up(source[1], points_px, FINE_STRIDE), target[1]) * scale[1]
    joint = fine + F.interpolate(coarse, scale_factor=4.0, mode="bilinear", align_corners=False)
    return coarse, joint


def match_loss(
    network: MatchNetwork, source: Maps, target: Maps, source_px: Tensor, target_px: Tensor, weight: Tensor
) -> Tensor:
    """Cross-entropy of both answers against the true cells, averaged over points of weight > 0.

    ``source_px`` and ``target_px`` are [B, N, 2], ``weight`` [B, N].
    """
    coarse, joint = answer_logits(network, source, target, source_px)
    total = coarse.new_zeros(())
    for logits, stride, share in ((coarse, COARSE_STRIDE, 0.3), (joint, FINE_STRIDE, 1.0)):
        index, cell_weight = bilinear_target(target_px, (logits.shape[2], logits.shape[3]), stride)
        scores = logits.flatten(2)
        chosen = scores.gather(2, index)
        nll = scores.logsumexp(2) - (chosen * cell_weight).sum(2)
        total = total + share * (nll * weight).sum() / weight.sum().clamp(min=1.0)
    return total


class ViewLoss(nn.Module):
    """Cross-entropy of film codes against one learned code for each kind of film.

    The learned codes serve training alone. ``classes`` is their number; a class of -1 counts for nothing.
    """

    def __init__(self, classes: int, code_dim: int, scale: float = 16.0) -> None:
        super().__init__()
        self.codes = nn.Parameter(F.normalize(torch.randn(classes, code_dim), dim=1))
        self.scale = scale

    @torch.no_grad()
    def start_from(self, codes: Tensor, known: Sequence[str], folders: Sequence[str]) -> None:
        """Take over the learned ``codes`` [classes, D] of those ``known`` folders that are among ``folders``.

        The codes of a folder's kinds follow one another, as many for each folder. Without them the network's
        own codes would change until they suit new random ones.
        """
        own, other = (
            self.codes.view(len(folders), -1, self.codes.shape[1]),
            codes.view(len(known), -1, codes.shape[1]),
        )
        for place, name in enumerate(folders):
            if name in known:
                own[place] = other[known.index(name)]

    def forward(self, code: Tensor, view: Tensor) -> Tensor:
        """Loss of codes [B, D] of films of classes [B]."""
        known = view >= 0
        if not bool(known.any()):
            return code.new_zeros(())
        logits = self.scale * code[known] @ F.normalize(self.codes, dim=1).T
        return F.cross_entropy(logits, view[known])
