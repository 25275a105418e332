"""A planner whose targets are what a network predicts of the sounds, where a person did not set them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.learned import console, console_planner, model_file, network
from mixprior.mixing.learned.mel import at_loudness, log_mel_db
from mixprior.mixing.learned.network import Network, Prediction
from mixprior.mixing.plan import pair
from mixprior.mixing.plan.locks import GAIN
from mixprior.mixing.plan.options import ABOUT, Options
from mixprior.mixing.plan.step import Plan, Planner, Step
from mixprior.mixing.plan.targets import Targets
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

OPTION_OF = {
    "vocal_to_backing_lu": "ratio_lu",
    "loudness_range_lu": "loudness_range_lu",
    "rt60_s": "rt60_s",
    "wet_dry_db": "wet_dry_db",
}
"""The option that a predicted statistic stands in for."""


def planner(model: str | Path, base: partial[Plan], targets: Targets, options: Options) -> Planner:
    """Plan a mix by a network and, for what it does not predict, by priors.

    Args:
        model: file that `mixprior train` wrote.
        base: the posterior rule, `pair.plan` or `multitrack.plan`, with its arguments but the sounds.
        targets: priors and group.
        options: how it is mixed; what is set there is not predicted.

    Raises:
        InputError: if it is no model, predicts nothing that the steps of this mix aim for, or a mix of vocals and a
            backing, where there are tracks.
    """
    file = model_file.read(model)
    if console.is_console(file):
        return console_planner.planner(console.of_file(model, file), base, targets, options)
    if base.func is not pair.plan:
        raise InputError(
            f"{model} predicts a mix of vocals and a backing: a model of `mixprior train console` mixes tracks"
        )
    read = network.of_file(model, file)
    used = [name for name in read.targets if _is_wanted(name, options)]
    if not used:
        known = ", ".join(f"{name} ({ABOUT[OPTION_OF[name]].step})" for name in read.targets if name in OPTION_OF)
        raise InputError(
            f"{model} predicts {known or 'nothing that a mix aims for'}: take such a step, and set it by no option"
        )
    return partial(_plan, model=str(model), read=read, used=used, targets=targets, options=options)


def predictions(read: Network, vocals: Sound, backing: Sound) -> dict[str, Prediction]:
    """What a network says of two sounds, whose own levels do not matter; nothing if one is silent."""
    sounds = [each.at(SAMPLE_RATE_HZ) for each in (vocals, backing)]
    if any(each.silent for each in sounds):
        return {}
    heard = [at_loudness(log_mel_db(each.audio), np.array(each.integrated_lufs)) for each in sounds]
    frames = min(each.shape[1] for each in heard)
    return read.predict(np.stack([each[:, :frames] for each in heard]))


def _plan(
    sounds: Mapping[str, Sound], model: str, read: Network, used: list[str], targets: Targets, options: Options
) -> Plan:
    said = predictions(read, sounds[VOCALS], sounds[BACKING])
    if not said:
        return pair.plan(sounds, targets, options)
    values: dict[str, Any] = {OPTION_OF[name]: round(_within(OPTION_OF[name], said[name].mean), 4) for name in used}
    planned = pair.plan(sounds, targets, replace(options, **values))
    words = [
        f"{name} {said[name].mean:.2f} (sd {said[name].sd:.2f}), where its songs have {said[name].prior_mean:.2f} "
        f"(sd {said[name].prior_sd:.2f})"
        for name in used
    ]
    step = Step(
        name="prediction",
        of="mix",
        reason=f"{Path(model).name} predicts {'; '.join(words)}",
        target={name: said[name].mean for name in used},
        priors=tuple(_facts(read, name, said[name]) for name in used),
    )
    return replace(planned, steps=(step, *planned.steps))


def _facts(read: Network, name: str, said: Prediction) -> dict[str, object]:
    return {
        "statistic": name,
        "value": said.prior_mean,
        "sd": said.prior_sd,
        "predicted_sd": said.sd,
        "model_sha256": read.sha256,
    }


def _is_wanted(name: str, options: Options) -> bool:
    option = OPTION_OF.get(name)
    if option is None or getattr(options, option) is not None or ABOUT[option].step not in options.steps:
        return False
    is_set_otherwise = {
        "ratio_lu": options.locks.fixes(VOCALS, GAIN),
        "loudness_range_lu": options.range_measure != "ebu",  # what is predicted is a range by EBU Tech 3342
        "rt60_s": options.reverb_rule is not None,
    }
    return not is_set_otherwise.get(option, False)


def _within(option: str, value: float) -> float:
    limits = ABOUT[option].within
    return value if limits is None else float(np.clip(value, *limits))
