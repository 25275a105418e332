"""Tensors as messages between processes: a shape, and samples as little-endian float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

_FLOATS = np.dtype("<f4")


def message(number: int, audio: torch.Tensor, **facts: Any) -> tuple[dict[str, Any], memoryview]:
    """Return facts and content of the message that holds a tensor.

    >>> import torch
    >>> facts, content = message(3, torch.ones(2, 1), model=0)
    >>> facts, tensor(facts, bytes(content)).tolist()
    ({'number': 3, 'shape': [2, 1], 'model': 0}, [[1.0], [1.0]])
    """
    array = np.ascontiguousarray(audio.numpy(), _FLOATS)
    return {"number": number, "shape": list(array.shape), **facts}, array.data.cast("B")


def tensor(facts: dict[str, Any], content: bytes) -> torch.Tensor:
    """Return the tensor that a message holds.

    Raises:
        ValueError: if its shape is no shape, or not that of the content.
    """
    import torch

    shape = facts["shape"]
    if not all(isinstance(size, int) and size > 0 for size in shape):
        raise ValueError(f"{shape} is no shape")
    return torch.from_numpy(np.frombuffer(content, _FLOATS).reshape(shape).astype(np.float32))
