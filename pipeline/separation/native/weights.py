"""The weights of HTDemucs packed for the native engine's products, in the structures of its headers."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

LAYOUT = 3
"""Number of this arrangement of the weights: `LAYOUT` in engine.c."""
LEVELS = 4
LAYERS = 5
_PANEL = 16

_POINTER = ctypes.c_void_p
_LONG = ctypes.c_long


def _structure(name: str, *fields: tuple[str, Any]) -> type[ctypes.Structure]:
    return type(name, (ctypes.Structure,), {"_fields_": list(fields)})


def _each(names: str, kind: Any) -> list[tuple[str, Any]]:
    return [(name, kind) for name in names.split()]


Branch = _structure(
    "Branch",
    *_each("in_ out in_bias in_gain in_shift out_bias out_gain out_shift scale gram ones biased", _POINTER),
)
Layer = _structure(
    "Layer",
    *_each("in_channels channels hidden out_channels conv_parts branch_parts last", _LONG),
    *_each("conv conv_bias rewrite rewrite_bias transposed transposed_bias", _POINTER),
    ("branch", Branch * 2),
)
Attention = _structure(
    "Attention",
    *_each("query key_value out up down", _POINTER),
    *_each("query_bias key_value_bias out_bias up_bias down_bias", _POINTER),
    *_each("query_gain query_shift key_gain key_shift up_gain up_shift end_gain end_shift", _POINTER),
    ("cross", _LONG),
)
Bridge = _structure("Bridge", *_each("in_ out in_bias out_bias gain shift position", _POINTER))
Model = _structure(
    "Model",
    *_each("encoders sample_encoders decoders sample_decoders", Layer * LEVELS),
    *_each("layers sample_layers", Attention * LAYERS),
    *_each("bridge sample_bridge", Bridge),
    ("embedding", _POINTER),
)


@dataclass
class Packing:
    """How a kind of processor takes a matrix.

    Attributes:
        bf16: whether values are bfloat16; else float.
        depth: to which multiple rows of the matrix are padded with zeros.
    """

    bf16: bool
    depth: int
    kept: list[torch.Tensor] = field(default_factory=list)
    """What the pointers point to."""

    @property
    def step(self) -> int:
        """Values of a column that are side by side."""
        return 2 if self.bf16 else 1

    def parts(self, wanted: int) -> int:
        """Return how many products in two-part bfloat16 are computed of those that are wanted: in floats one."""
        return wanted if self.bf16 else 1

    def matrix(self, *rows: torch.Tensor, parts: int = 1) -> int:
        """Pack a matrix and return its address.

        Args:
            rows: the matrix by rows, each (rows, columns) and padded by itself.
            parts: products in two-part bfloat16, see `add_parts` in product.h.
        """
        import torch

        columns = _up(rows[0].shape[1], _PANEL)
        padded = [
            torch.nn.functional.pad(p, (0, columns - p.shape[1], 0, _up(len(p), self.depth) - len(p))) for p in rows
        ]
        whole = torch.cat(padded)
        high = whole.bfloat16().float() if self.bf16 else whole
        whole = torch.cat([high, whole - high, high][:parts])
        return self._keep(self._panels(whole))

    def _panels(self, matrix: torch.Tensor) -> torch.Tensor:
        import torch

        padded = torch.nn.functional.pad(matrix, (0, 0, 0, _up(len(matrix), self.depth) - len(matrix)))
        panels = padded.reshape(-1, self.step, matrix.shape[1] // _PANEL, _PANEL).permute(2, 0, 3, 1)
        return panels.bfloat16() if self.bf16 else panels

    def matrices(self, *each: torch.Tensor) -> int:
        """Pack matrices (rows, columns) one after the other and return the address of the first."""
        import torch

        return self._keep(torch.stack([self._panels(matrix) for matrix in each]))

    def vector(self, values: torch.Tensor) -> int:
        """Return the address of floats, followed by zeros up to a multiple of a panel."""
        import torch

        flat = values.detach().float().reshape(-1)
        return self._keep(torch.nn.functional.pad(flat, (0, _up(len(flat), _PANEL) - len(flat))))

    def rounded(self, values: torch.Tensor) -> torch.Tensor:
        """Return values as a product has them."""
        return values.bfloat16().double() if self.bf16 else values.double()

    def _keep(self, values: torch.Tensor) -> int:
        self.kept.append(values.detach().contiguous().clone())
        return self.kept[-1].data_ptr()


def pack(model: Any, samples: int, packing: Packing) -> ctypes.Structure:
    """Pack a `demucs.htdemucs.HTDemucs` for segments of `samples` samples."""
    import torch

    with torch.no_grad():
        packed = Model()
        for k in range(LEVELS):
            first, last = k == 0, k == LEVELS - 1
            packed.encoders[k] = _encoder(model.encoder[k], packing, first)
            packed.sample_encoders[k] = _encoder(model.tencoder[k], packing, first)
            packed.decoders[k] = _decoder(model.decoder[k], packing, last)
            packed.sample_decoders[k] = _decoder(model.tdecoder[k], packing, last)
        transformer = model.crosstransformer
        for k in range(LAYERS):
            cross = k % 2 != transformer.classic_parity
            packed.layers[k] = _attention(transformer.layers[k], cross, packing)
            packed.sample_layers[k] = _attention(transformer.layers_t[k], cross, packing)
        frames, rows = -(-samples // 1024), samples
        for _ in range(LEVELS):
            rows = -(-rows // 4)
        packed.bridge, packed.sample_bridge = _bridges(model, frames, rows, packing)
        embedding = model.freq_emb_scale * model.freq_emb(torch.arange(512, device="cpu"))
        packed.embedding = packing.vector(embedding)
    return packed


def _up(value: int, to: int) -> int:
    return -(-value // to) * to


def _flat(kernel: torch.Tensor) -> torch.Tensor:
    """A kernel over one axis alone: (out, in, taps)."""
    return kernel[..., 0] if kernel.dim() == 4 else kernel


def _encoder(layer: Any, packing: Packing, first: bool) -> Any:
    kernel = _flat(layer.conv.weight)
    channels, in_channels, taps = kernel.shape
    conv = packing.parts(3 if first else 1)
    packed = _with_branches(layer, channels, packing, conv)
    packed.in_channels, packed.conv_parts = in_channels, conv
    if layer.freq and not first:
        rows = [kernel[:, :, tap].t() for tap in range(taps)]
    else:
        rows = [kernel.permute(2, 1, 0).reshape(taps * in_channels, channels)]
    packed.conv, packed.conv_bias = packing.matrix(*rows, parts=conv), packing.vector(layer.conv.bias)
    rewrite = layer.rewrite.weight.reshape(2 * channels, channels).t()
    packed.rewrite, packed.rewrite_bias = packing.matrix(_gated(rewrite)), packing.vector(layer.rewrite.bias)
    return packed


def _decoder(layer: Any, packing: Packing, last: bool) -> Any:
    import torch

    kernel = layer.rewrite.weight
    channels = kernel.shape[1]
    parts = packing.parts(3 if last else 1)
    packed = _with_branches(layer, channels, packing, parts)
    if layer.freq:
        packed.rewrite = packing.matrices(*map(_gated, _winograd(kernel)))
    else:
        packed.rewrite = packing.matrix(_gated(kernel.permute(2, 1, 0).reshape(3 * channels, 2 * channels)))
    packed.rewrite_bias = packing.vector(layer.rewrite.bias)
    transposed = _flat(layer.conv_tr.weight)
    packed.out_channels, packed.last = transposed.shape[1], last
    # Output 4 g - 2 + j is tap j + 4 of row g - 1 and tap j of row g.
    before, at = (transposed[:, :, half].permute(0, 2, 1).flatten(1) for half in (slice(4, 8), slice(0, 4)))
    # Rows of the waveform are neighbours in memory: both halves are one part.
    halves = (before, at) if layer.freq else (torch.cat([before, at]),)
    packed.transposed = packing.matrix(*halves, parts=parts)
    packed.transposed_bias = packing.vector(layer.conv_tr.bias)
    return packed


def _winograd(kernel: torch.Tensor) -> torch.Tensor:
    """Of 3x3 kernels (out, in, 3, 3) the 16 matrices (in, out) of Winograd's F(2x2, 3x3), see winograd.h."""
    import torch

    g = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)
    return torch.einsum("fh,tw,oihw->ftio", g, g, kernel.double()).flatten(0, 1).float()


def _gated(matrix: torch.Tensor) -> torch.Tensor:
    """Order columns so that a panel of values stands before the panel of their gates."""
    rows, columns = matrix.shape
    return matrix.reshape(rows, 2, columns // (2 * _PANEL), _PANEL).transpose(1, 2).reshape(rows, columns)


def _with_branches(layer: Any, channels: int, packing: Packing, parts: int) -> Any:
    packed = Layer(channels=channels, hidden=layer.dconv.layers[0][0].weight.shape[0], branch_parts=parts)
    for k, branch in enumerate(layer.dconv.layers):
        packed.branch[k] = _branch(branch, k, channels, packing, parts)
    return packed


def _branch(layers: Any, number: int, channels: int, packing: Packing, parts: int) -> Any:
    import torch

    inner, inner_norm, _, outer, outer_norm, _, scale = layers
    kernel, out = inner.weight, outer.weight[:, :, 0].t()
    hidden = len(kernel)
    if number == 0:
        taps = [kernel.permute(2, 1, 0).reshape(3 * channels, hidden)]
    else:
        taps = [kernel[:, :, tap].t() for tap in range(3)]
    exact, bias = out.double() if parts > 1 else packing.rounded(out), outer.bias.double()
    ones = torch.cat([exact.sum(dim=1), bias.sum()[None]])
    biased = torch.cat([exact @ bias, bias.square().sum()[None]])
    return Branch(
        in_=packing.matrix(*taps, parts=parts),
        out=packing.matrix(_gated(out), parts=parts),
        in_bias=packing.vector(inner.bias),
        in_gain=packing.vector(inner_norm.weight),
        in_shift=packing.vector(inner_norm.bias),
        out_bias=packing.vector(outer.bias),
        out_gain=packing.vector(outer_norm.weight),
        out_shift=packing.vector(outer_norm.bias),
        scale=packing.vector(scale.scale),
        gram=packing.vector(exact @ exact.t()),
        ones=packing.vector(ones),
        biased=packing.vector(biased),
    )


def _attention(layer: Any, cross: bool, packing: Packing) -> Any:
    heads = layer.cross_attn if cross else layer.self_attn
    width = heads.embed_dim
    weight, bias = heads.in_proj_weight, heads.in_proj_bias
    first, second = layer.gamma_1.scale, layer.gamma_2.scale
    key_norm, up_norm = (layer.norm2, layer.norm3) if cross else (layer.norm1, layer.norm2)
    return Attention(
        query=packing.matrix(weight[:width].t()),
        key_value=packing.matrix(weight[width:].t()),
        out=packing.matrix((heads.out_proj.weight * first[:, None]).t()),
        up=packing.matrix(layer.linear1.weight.t()),
        down=packing.matrix((layer.linear2.weight * second[:, None]).t()),
        query_bias=packing.vector(bias[:width]),
        key_value_bias=packing.vector(bias[width:]),
        out_bias=packing.vector(heads.out_proj.bias * first),
        up_bias=packing.vector(layer.linear1.bias),
        down_bias=packing.vector(layer.linear2.bias * second),
        query_gain=packing.vector(layer.norm1.weight),
        query_shift=packing.vector(layer.norm1.bias),
        key_gain=packing.vector(key_norm.weight),
        key_shift=packing.vector(key_norm.bias),
        up_gain=packing.vector(up_norm.weight),
        up_shift=packing.vector(up_norm.bias),
        end_gain=packing.vector(layer.norm_out.weight),
        end_shift=packing.vector(layer.norm_out.bias),
        cross=cross,
    )


def _bridges(model: Any, frames: int, rows: int, packing: Packing) -> tuple[Any, Any]:
    from demucs.transformer import create_2d_sin_embedding

    transformer = model.crosstransformer
    width = transformer.layers[0].linear1.in_features
    over_both = create_2d_sin_embedding(width, 8, frames, "cpu", transformer.max_period)
    position = over_both[0].permute(2, 1, 0).reshape(8 * frames, width)
    sample_position = transformer._get_pos_embedding(rows, 1, width, "cpu")[:, 0]

    def bridge(up: Any, down: Any, norm: Any, position: torch.Tensor) -> Any:
        return Bridge(
            in_=packing.matrix(up.weight[:, :, 0].t()),
            out=packing.matrix(down.weight[:, :, 0].t()),
            in_bias=packing.vector(up.bias),
            out_bias=packing.vector(down.bias),
            gain=packing.vector(norm.weight),
            shift=packing.vector(norm.bias),
            position=packing.vector(position),
        )

    return (
        bridge(model.channel_upsampler, model.channel_downsampler, transformer.norm_in, position),
        bridge(model.channel_upsampler_t, model.channel_downsampler_t, transformer.norm_in_t, sample_position),
    )
