"""A training falls, reaches every weight, stops early, and goes on after a kill as if nothing had happened."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch

from mixprior.learning.training import curves
from mixprior.learning.training.config import TrainingConfig
from mixprior.learning.training.digest import digest
from mixprior.learning.training.loop import CHECKPOINT, State, train
from mixprior.stats.errors import InputError

TINY = TrainingConfig(steps=24, batch=8, rate=0.02, check_every=4, patience=100, checkpoint_every=3)


class Killed(Exception):
    """As if the process had ended."""


@dataclass
class Line:
    """A network that is to learn a line through noisy points."""

    x: torch.Tensor = field(default_factory=lambda: torch.randn(64, 3, generator=torch.Generator().manual_seed(1)))
    noise: float = 0.0

    @property
    def digest(self):
        return digest(self.x.numpy())

    def model(self):
        return torch.nn.Sequential(
            torch.nn.Linear(3, 16),
            torch.nn.BatchNorm1d(16),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.05),
            torch.nn.Linear(16, 1),
        )

    def _off(self, model, x):
        return ((model(x)[:, 0].float() - x @ torch.tensor([1.0, -2.0, 0.5])) ** 2).mean()

    def loss(self, model, rng, batch):
        return self._off(model, self.x[torch.from_numpy(rng.integers(0, 48, batch))])

    def choosing_loss(self, model):
        return float(self._off(model, self.x[48:]))


def weights(state: State) -> list[bytes]:
    return [value.numpy().tobytes() for value in state.model.state_dict().values()]


def killed_at(step: int):
    def after_step(state):
        if state.step == step:
            raise Killed

    return after_step


def test_the_loss_falls():
    looks = train(Line(), replace(TINY, steps=200)).looks
    assert looks[-1].training_loss < 0.3 * looks[0].training_loss
    assert looks[-1].choosing_loss < 0.3 * looks[0].choosing_loss


def test_gradients_reach_every_parameter():
    seen: dict[str, float] = {}

    def after_step(state):
        for name, parameter in state.model.named_parameters():
            seen[name] = seen.get(name, 0.0) + float(parameter.grad.abs().sum())

    train(Line(), TINY, after_step=after_step)
    assert len(seen) == 6
    assert all(total > 0 for total in seen.values()), seen


@pytest.mark.parametrize("step", [1, 2, 3, 4, 7, 12, 23])
def test_a_training_killed_between_two_steps_ends_with_the_same_weights(tmp_path, step):
    whole = train(Line(), TINY)
    with pytest.raises(Killed):
        train(Line(), TINY, tmp_path, killed_at(step))
    again = train(Line(), TINY, tmp_path)
    assert weights(again) == weights(whole)
    assert again.looks == whole.looks


def test_the_same_seed_gives_the_same_weights_and_another_gives_others():
    one, two, other = (weights(train(Line(), replace(TINY, seed=seed))) for seed in (3, 3, 4))
    assert one == two != other


def test_a_finished_training_is_not_trained_again(tmp_path):
    done = train(Line(), TINY, tmp_path)

    def refuse(_state):
        raise AssertionError("a step was done")

    assert weights(train(Line(), TINY, tmp_path, refuse)) == weights(done)


def test_a_training_that_gets_no_better_stops_and_keeps_its_best_weights():
    class Worse(Line):
        looks = 0

        def choosing_loss(self, model):
            self.looks += 1
            self.kept = self.kept if self.looks > 2 else weights_of(model)
            return abs(self.looks - 2.0)

    def weights_of(model):
        return [value.numpy().copy() for value in model.state_dict().values()]

    task = Worse()
    state = train(task, replace(TINY, steps=1000, patience=3))
    assert state.step == TINY.check_every * 5
    assert all(np.array_equal(a, b) for a, b in zip(task.kept, weights_of(state.model), strict=True))


def test_bf16_trains_too():
    looks = train(Line(), replace(TINY, steps=200, precision="bf16")).looks
    assert looks[-1].training_loss < 0.5 * looks[0].training_loss


def test_a_checkpoint_of_other_data_or_another_configuration_or_a_damaged_one_is_refused(tmp_path):
    train(Line(), TINY, tmp_path)
    with pytest.raises(InputError, match="another configuration"):
        train(Line(), replace(TINY, rate=0.5), tmp_path)
    with pytest.raises(InputError, match="other songs"):
        train(Line(torch.ones(64, 3)), TINY, tmp_path)
    (tmp_path / CHECKPOINT).write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match=r"no checkpoint of this training .*: remove it"):
        train(Line(), TINY, tmp_path)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"precision": "fp8"}, {"rate": 0.0}])
def test_a_configuration_that_cannot_be_is_refused(wrong):
    with pytest.raises(InputError):
        TrainingConfig(**wrong)


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="device cuda:99 is not available"):
        train(Line(), replace(TINY, device="cuda:99"))


def test_curves_have_a_chart_for_each_training():
    looks = train(Line(), TINY).looks
    text = curves.page("Two <networks>", {"a": looks, "b": looks, "none": []})
    assert text.count("<svg") == 2
    assert "Two &lt;networks&gt;" in text
