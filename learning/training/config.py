"""All that a training can be told, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from mixprior.stats.errors import InputError

PRECISIONS = ("fp32", "bf16")


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained; with the data it settles the weights.

    Attributes:
        steps: most steps.
        batch: examples a step.
        rate: learning rate of AdamW, which falls to 0 over `steps` as half a cosine.
        weight_decay: of AdamW.
        clip: largest norm of the gradient; 0 for any.
        seed: of the first weights, of batches and of dropout.
        check_every: steps between two looks at the choosing songs.
        patience: looks without a new best before the training ends.
        checkpoint_every: steps between two checkpoints.
        device: "cpu", "cuda", "cuda:1".
        precision: "fp32", or "bf16" for products in bfloat16 with weights in fp32.
        mix_weight: of a loss on the mix beside that on its controls; for networks that mix.

    Raises:
        InputError: if a value cannot be.
    """

    steps: int = 2000
    batch: int = 25
    rate: float = 1e-3
    weight_decay: float = 0.0
    clip: float = 0.0
    seed: int = 0
    check_every: int = 50
    patience: int = 10
    checkpoint_every: int = 100
    device: str = "cpu"
    precision: str = "fp32"
    mix_weight: float = 0.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "check_every", "patience", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}: it must be 1 or more")
        if self.precision not in PRECISIONS:
            raise InputError(f"precision is {self.precision!r}: give one of {', '.join(PRECISIONS)}")
        if self.rate <= 0 or self.weight_decay < 0 or self.clip < 0:
            raise InputError("the rate must be above 0, weight_decay and clip 0 or more")
        if not 0 <= self.mix_weight < float("inf"):
            raise InputError(f"the loss on the mix has a weight of {self.mix_weight:g}: give 0 or more")
