"""The training loop: what a step does depends on the state before it, the seed and its number alone.

So a training that was stopped between any two steps, and goes on from its last checkpoint, ends with the weights of one
that was not stopped.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from mixprior.learning.training.config import TrainingConfig
from mixprior.pipeline.store.files import replacing
from mixprior.stats.errors import InputError

CHECKPOINT = "checkpoint.pt"


class Task(Protocol):
    """What is trained, on what."""

    @property
    def digest(self) -> str:
        """Of its data, training and choosing: a checkpoint of other data is refused."""

    def model(self) -> torch.nn.Module:
        """A new network; torch's generator has been seeded."""

    def loss(self, model: torch.nn.Module, rng: np.random.Generator, batch: int) -> torch.Tensor:
        """Loss of one batch, drawn by `rng`."""

    def choosing_loss(self, model: torch.nn.Module) -> float:
        """Loss on the songs that choose when to stop; the network is in evaluation mode, without gradients."""


@dataclass(frozen=True)
class Look:
    """One look at the choosing songs.

    Attributes:
        step: steps done.
        training_loss: mean over the steps since the last look.
        choosing_loss: on the choosing songs.
    """

    step: int
    training_loss: float
    choosing_loss: float


@dataclass
class State:
    """Everything that a training is at, between two steps.

    Attributes:
        model: the network as it is.
        optimizer: of its weights.
        best: weights with the least choosing loss so far; those at the start before the first look.
        step: steps done.
        looks: so far.
        losses: of the steps since the last look.
    """

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    best: dict[str, torch.Tensor]
    step: int = 0
    looks: list[Look] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    @property
    def stale(self) -> int:
        """Looks since the best one."""
        if not self.looks:
            return 0
        losses = [look.choosing_loss for look in self.looks]
        return len(losses) - 1 - losses.index(min(losses))


def train(
    task: Task,
    config: TrainingConfig,
    folder: Path | None = None,
    after_step: Callable[[State], object] | None = None,
) -> State:
    """Train a network, or go on training it.

    Args:
        task: network and data.
        config: how.
        folder: where checkpoints are kept, and where the training goes on if there is one; None for none.
        after_step: called after each step; what it raises ends the training.

    Returns:
        The last state; its network has the best weights, and is in evaluation mode.

    Raises:
        InputError: if the checkpoint is of other songs or another configuration, or the device is not available.
    """
    device = device_of(config)
    data = "" if folder is None else task.digest
    state = _resumed(task, data, config, folder, device) or _begun(task, config, device)
    while state.step < config.steps and state.stale < config.patience:
        _step(task, config, state, device)
        if state.step % config.check_every == 0 or state.step == config.steps:
            _look(task, state)
        if folder is not None and (state.step % config.checkpoint_every == 0 or state.step == config.steps):
            _keep(state, data, config, folder)
        if after_step is not None:
            after_step(state)
    state.model.load_state_dict(state.best)
    state.model.eval()
    return state


def device_of(config: TrainingConfig) -> torch.device:
    """The device.

    Raises:
        InputError: if it is not available.
    """
    try:
        device = torch.device(config.device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {config.device} is not available: {str(error).partition(chr(10))[0]}") from None
    return device


def _begun(task: Task, config: TrainingConfig, device: torch.device) -> State:
    torch.manual_seed(config.seed)
    model = task.model().to(device)
    return State(model, _optimizer(model, config), _weights(model))


def _step(task: Task, config: TrainingConfig, state: State, device: torch.device) -> None:
    torch.manual_seed(hash((config.seed, state.step)) & 0xFFFFFFFF)  # of dropout; hashes of integers never change
    rng = np.random.default_rng([config.seed, state.step])
    for group in state.optimizer.param_groups:
        group["lr"] = 0.5 * config.rate * (1 + math.cos(math.pi * state.step / config.steps))
    state.model.train()
    with _precision(config, device):
        loss = task.loss(state.model, rng, config.batch)
    state.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    if config.clip:
        torch.nn.utils.clip_grad_norm_(state.model.parameters(), config.clip)
    state.optimizer.step()
    state.step += 1
    state.losses.append(float(loss.detach()))


def _look(task: Task, state: State) -> None:
    state.model.eval()
    with torch.no_grad():
        choosing_loss = float(task.choosing_loss(state.model))
    if not state.looks or choosing_loss < min(look.choosing_loss for look in state.looks):
        state.best = _weights(state.model)
    state.looks.append(Look(state.step, float(np.mean(state.losses)), choosing_loss))
    state.losses = []


def _keep(state: State, data: str, config: TrainingConfig, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "config": asdict(config),
        "data": data,
        "model": state.model.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "best": state.best,
        "step": state.step,
        "looks": [asdict(look) for look in state.looks],
        "losses": state.losses,
    }
    with replacing(folder / CHECKPOINT) as path:
        torch.save(content, path)


def _resumed(task: Task, data: str, config: TrainingConfig, folder: Path | None, device: torch.device) -> State | None:
    if folder is None or not (folder / CHECKPOINT).exists():
        return None
    path = folder / CHECKPOINT
    try:
        kept: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        if kept["config"] != asdict(config) or kept["data"] != data:
            raise InputError(
                f"{path} is of a training of other songs or another configuration: give another folder, or remove it"
            )
        state = _begun(task, config, device)
        state.model.load_state_dict(kept["model"])
        state.optimizer.load_state_dict(kept["optimizer"])
        state.best, state.step, state.losses = kept["best"], kept["step"], kept["losses"]
        state.looks = [Look(**look) for look in kept["looks"]]
    except InputError:
        raise
    except Exception as error:  # torch has many for a file that is damaged
        raise InputError(f"{path} is no checkpoint of this training ({type(error).__name__}): remove it") from error
    return state


def _optimizer(model: torch.nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=config.rate, weight_decay=config.weight_decay)


def _weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return copy.deepcopy(model.state_dict())


def _precision(config: TrainingConfig, device: torch.device) -> AbstractContextManager[Any]:
    if config.precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()
