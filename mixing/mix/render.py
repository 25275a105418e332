"""A plan and sounds in; a mix and its recipe out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.ceiling import AIM_DBTP
from mixprior.mixing.effects.chain import Sum
from mixprior.mixing.effects.settings import MixSettings
from mixprior.mixing.mix.recipe import Input, Output, Recipe, Results
from mixprior.mixing.plan import loudness
from mixprior.mixing.plan.loudness import Finish
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Plan, Step
from mixprior.mixing.rules import ratio
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.ratio import RATIO, RATIO_MONO
from mixprior.stats.measures.loudness import integrated_lufs
from mixprior.stats.sound import Sound


@dataclass(frozen=True)
class Mixed:
    """A mix.

    Attributes:
        audio: float32, (2, samples), full scale 1.0.
        rate_hz: its sample rate.
        recipe: what was measured, aimed for and set, and why.
        summed: what was summed, before the gain and the limiter of the mix.
        sounds: what was mixed, by the name of the track.
    """

    audio: np.ndarray
    rate_hz: int
    recipe: Recipe
    summed: Sum = field(repr=False)
    sounds: Mapping[str, Sound] = field(repr=False)


@dataclass(frozen=True)
class Draft:
    """A mix up to its sum, and how it ends.

    Attributes:
        sounds: what is mixed, by the name of the track.
        inputs: what the recipe has of each.
        summed: what was summed.
        options: how it is mixed.
        steps: how it came about, up to the sum.
        end: makes the mix for a true peak that is aimed for, in dBTP.
    """

    sounds: Mapping[str, Sound]
    inputs: Mapping[str, Input]
    summed: Sum
    options: Mapping[str, Any]
    steps: tuple[Step, ...]
    end: Callable[[float], Finish]

    def mixed(self, finished: Finish, written: Sound, output: Output, doubts: tuple[Notice, ...] = ()) -> Mixed:
        """The mix and its recipe.

        Args:
            finished: one of what `end` made.
            written: the same as it is in its file.
            output: that file.
            doubts: warnings on what the file does not keep.
        """
        last = replace(finished.step, warnings=(*finished.step.warnings, *doubts))
        steps = (*self.steps, last)
        recipe = Recipe(
            inputs=self.inputs,
            output=output,
            options=self.options,
            steps=steps,
            settings=finished.settings,
            results=_results(self.summed, finished.settings.gain_db, written),
            warnings=tuple(dict.fromkeys(warning for step in steps for warning in step.warnings)),
        )
        return Mixed(written.audio, written.rate_hz, recipe, self.summed, self.sounds)


def draft(plan: Plan, sounds: Mapping[str, Sound], inputs: Mapping[str, Input], options: Options) -> Draft:
    """Render a plan up to its sum; the loudness of the mix is set at its end, by the options.

    Raises:
        InputError: if the plan is for other tracks.
    """
    summed = chain.sum_up(plan.settings, sounds)
    target_lufs = options.target_lufs if "loudness" in options.steps else None

    def end(aim_dbtp: float) -> Finish:
        return loudness.finish(summed.sound, plan.settings, target_lufs, aim_dbtp)

    return Draft(sounds, inputs, summed, asdict(options), plan.steps, end)


def draft_of_settings(
    settings: MixSettings, sounds: Mapping[str, Sound], inputs: Mapping[str, Input], source: str
) -> Draft:
    """Render settings as they are: they end as they say, whatever the true peak.

    Args:
        settings: of a recipe or a preset.
        sounds: by the name of the track.
        inputs: what the recipe has of each.
        source: where the settings come from, in words.

    Raises:
        InputError: if the settings are for other tracks.
    """
    summed = chain.sum_up(settings, sounds)
    step = Step(name="preset", of="mix", reason=f"all settings from {source}, as they are")

    def end(_: float) -> Finish:
        return Finish(chain.finish(summed.sound, settings), settings, step)

    return Draft(sounds, inputs, summed, {"preset": source}, (), end)


def render(plan: Plan, sounds: Mapping[str, Sound], inputs: Mapping[str, Input], options: Options) -> Mixed:
    """Render a plan. Arguments and errors are those of `draft`."""
    made = draft(plan, sounds, inputs, options)
    finished = made.end(AIM_DBTP)
    sound = finished.sound
    return made.mixed(finished, sound, Output(None, None, sound.rate_hz, sound.duration_s))


def _results(summed: Sum, gain_db: float, written: Sound) -> Results:
    def vocal_to_backing(statistic: str) -> float | None:
        if summed.backing is None:
            return None
        return ratio.ratio_lu(summed.parts[chain.VOCALS], summed.backing, statistic, gain_db=gain_db)

    power = 10 ** (gain_db / 10)
    return Results(
        vocal_to_backing(RATIO),
        vocal_to_backing(RATIO_MONO),
        written.integrated_lufs,
        written.true_peak_dbtp,
        {name: integrated_lufs(sound.blocks.weighted * power) for name, sound in summed.with_backing.items()},
    )
