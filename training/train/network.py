"""The matching network: one film in, two maps of unit descriptors and one code of the whole film out.

A film is encoded once. A landmark of a reference is a descriptor looked up in the reference's maps;
its place on another film is where that film's maps answer best. The code of a film lies near the codes
of films of the same view and handedness. Nothing in the network knows about anatomy, views or landmark
names: a view that it was not trained on is known by the codes of its references.

Only convolution, group normalisation, matrix products, softmax and fixed-size resizing are used, so
that every execution provider of ONNX Runtime can run it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.matching.position import position_code

COARSE_STRIDE = 16
FINE_STRIDE = 4


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the network. ``input_px`` is the side of the input film where it is square."""

    input_px: int = 256
    width: int = 48
    transformer_layers: int = 6
    transformer_heads: int = 6
    coarse_dim: int = 128
    fine_dim: int = 64
    code_dim: int = 64

    @classmethod
    def of_width(cls, width: int) -> Self:
        """The usual network, with this many channels at stride 4; the width is a multiple of 16."""
        return cls(width=width, transformer_heads=width // 8)

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


class GroupNorm(nn.GroupNorm):
    """Group normalisation computed with 32 bits, which on a CPU is also faster than with 16."""

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input.float(), self.num_groups, self.weight, self.bias, self.eps)


class ConvNorm(nn.Sequential):
    """3x3 convolution, group normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            GroupNorm(8, outputs),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = ConvNorm(width, width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = GroupNorm(8, width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.norm(self.second(self.first(x))))


class Attention(nn.Module):
    """Pre-norm transformer layer over all cells of the coarse map."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width)
        last = nn.Linear(2 * width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), last)
        # A new layer changes nothing at first, so that one may be added to a trained network.
        for layer in (self.out, last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, count, width = tokens.shape
        qkv = self.qkv(self.norm_attention(tokens)).reshape(batch, count, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        # Written out: on a CPU faster in training than the fused operation, above all with 16-bit numbers.
        alike = (query * query.shape[-1] ** -0.5) @ key.transpose(2, 3)
        mixed = alike.softmax(-1).to(value.dtype) @ value
        tokens = tokens + self.out(mixed.transpose(1, 2).reshape(batch, count, width))
        return tokens + self.mlp(self.norm_mlp(tokens))


class MatchNetwork(nn.Module):
    """Film [B, 1, H, W] -> coarse [B, Dc, H/16, W/16], fine [B, Df, H/4, W/4], code [B, D]; unit length.

    Both sides of the film are multiples of 16.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        w = config.width
        self.stem = nn.Sequential(ConvNorm(1, w // 2, stride=2), ConvNorm(w // 2, w, stride=2), Residual(w))
        self.down8 = nn.Sequential(ConvNorm(w, 2 * w, stride=2), Residual(2 * w), Residual(2 * w))
        self.down16 = nn.Sequential(ConvNorm(2 * w, 4 * w, stride=2), Residual(4 * w))
        self.layers = nn.ModuleList(
            Attention(4 * w, config.transformer_heads) for _ in range(config.transformer_layers)
        )
        self.coarse_head = nn.Sequential(nn.LayerNorm(4 * w), nn.Linear(4 * w, config.coarse_dim))
        self.code_head = nn.Sequential(
            nn.LayerNorm(4 * w), nn.Linear(4 * w, 4 * w), nn.GELU(), nn.Linear(4 * w, config.code_dim)
        )
        self.up8 = nn.Conv2d(4 * w, 2 * w, 1)
        self.merge8 = Residual(2 * w)
        self.up4 = nn.Conv2d(2 * w, w, 1)
        self.merge4 = Residual(w)
        self.fine_head = nn.Conv2d(w, config.fine_dim, 1)
        self.log_temperature = nn.Parameter(torch.tensor([3.0, 3.0]))  # coarse, fine: exp = 20

    def forward(self, film: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.encode(film, self.position(film.shape[2], film.shape[3]).to(film.device))

    def position(self, height: int, width: int) -> Tensor:
        """The code [cells, features] of the cells' places for a film of ``height`` x ``width`` pixels."""
        along = self.config.input_px // COARSE_STRIDE
        rows, columns = height // COARSE_STRIDE, width // COARSE_STRIDE
        return torch.from_numpy(position_code(rows, columns, 4 * self.config.width, along))

    def encode(self, film: Tensor, position: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The film's maps and code, given the code of its cells' places (see ``position``)."""
        at4 = self.stem(film)
        at8 = self.down8(at4)
        at16 = self.down16(at8)
        batch, width, rows, columns = at16.shape
        tokens = at16.flatten(2).transpose(1, 2) + position
        for layer in self.layers:
            tokens = layer(tokens)
        coarse = self.coarse_head(tokens).transpose(1, 2).reshape(batch, -1, rows, columns)
        context = tokens.transpose(1, 2).reshape(batch, width, rows, columns)
        at8 = self.merge8(at8 + F.interpolate(self.up8(context), scale_factor=2.0, mode="nearest"))
        at4 = self.merge4(at4 + F.interpolate(self.up4(at8), scale_factor=2.0, mode="nearest"))
        return unit(coarse), unit(self.fine_head(at4)), unit(self.code_head(tokens.mean(1)))


def unit(maps: Tensor) -> Tensor:
    """Descriptors [B, D, ...] scaled to length one."""
    return maps / maps.square().sum(1, keepdim=True).add(1e-6).sqrt()


def look_up(maps: Tensor, points_px: Tensor, stride: int) -> Tensor:
    """Unit descriptors [B, N, D] of ``maps`` at film positions [B, N, 2] (x, y; centres at integers)."""
    height, width = maps.shape[2:]
    cells = (points_px + 0.5) / stride  # in cell units, cell edges at integers
    size = torch.tensor([width, height], dtype=maps.dtype, device=maps.device)
    grid = (2.0 * cells / size - 1.0)[:, :, None]
    found = F.grid_sample(maps, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return F.normalize(found[..., 0].transpose(1, 2), dim=2)
