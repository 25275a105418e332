"""A plan and sounds in; a mix and its recipe out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.ceiling import CEILING_DBTP, above, below
from mixprior.mixing.effects.chain import Sum
from mixprior.mixing.effects.settings import MixSettings
from mixprior.mixing.mix.recipe import Input, Output, Recipe, Results
from mixprior.mixing.plan import loudness
from mixprior.mixing.plan.level import GROUP_LEVEL
from mixprior.mixing.plan.loudness import Finish
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Plan, Step
from mixprior.mixing.plan.trim import trimmed
from mixprior.mixing.rules import ratio
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.ratio import RATIO, RATIO_MONO
from mixprior.stats.sound import Sound

_NOTICEABLE_LU = 0.5


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
        ceiling_dbtp: highest true peak of the file.
    """

    sounds: Mapping[str, Sound]
    inputs: Mapping[str, Input]
    summed: Sum
    options: Mapping[str, Any]
    steps: tuple[Step, ...]
    end: Callable[[float], Finish]
    ceiling_dbtp: float = CEILING_DBTP

    def mixed(self, finished: Finish, written: Sound, output: Output, doubts: tuple[Notice, ...] = ()) -> Mixed:
        """The mix and its recipe.

        Args:
            finished: one of what `end` made.
            written: the same as it is in its file.
            output: that file.
            doubts: warnings on what the file does not keep.
        """
        results = _results(self.summed, finished.settings, written)
        moved = _moved_by_the_limiter(self.summed, results)
        last = replace(finished.step, warnings=(*finished.step.warnings, *moved, *doubts))
        steps = (*(_as_reached(step, results) for step in self.steps), last)
        recipe = Recipe(
            inputs=self.inputs,
            output=output,
            options=self.options,
            steps=steps,
            settings=finished.settings,
            results=results,
            warnings=tuple(dict.fromkeys(warning for step in steps for warning in step.warnings)),
        )
        return Mixed(written.audio, written.rate_hz, recipe, self.summed, self.sounds)


def draft(
    plan: Plan,
    sounds: Mapping[str, Sound],
    inputs: Mapping[str, Input],
    options: Options,
    song: Sound | None = None,
    beyond: bool = False,
) -> Draft:
    """Render a plan up to its sum; the loudness of the mix is set at its end, by the options.

    Args:
        plan: what to do.
        sounds: by the name of the track.
        inputs: what the recipe has of each.
        options: how it is mixed.
        song: that the sounds were separated from. Its own true peak is the ceiling where it is above -1 dBTP and the
            options have none.
        beyond: whether the file holds samples past full scale; else that ceiling is 0 dBTP where some would be.

    Raises:
        InputError: if the plan is for other tracks, or has no vocals to be raised.
    """
    plan = trimmed(plan, options.vocal_gain_db)
    summed = chain.sum_up(plan.settings, sounds, plan.summed)
    target_lufs = options.target_lufs if "loudness" in options.steps else None
    limit_dbtp = options.ceiling_dbtp
    if limit_dbtp is None:
        limit_dbtp = _ceiling_dbtp(song, beyond or (summed.sound.peak <= 1.0 and target_lufs is None))

    limited_db: float | None = None

    def end(aim_dbtp: float) -> Finish:
        nonlocal limited_db
        done = loudness.finish(
            summed.sound, plan.settings, target_lufs, aim_dbtp, limit_dbtp, options.limiter, limited_db
        )
        limited_db = None if done.settings.limiter is None else done.settings.gain_db
        return done

    return Draft(sounds, inputs, summed, {**asdict(options), "ceiling_dbtp": limit_dbtp}, plan.steps, end, limit_dbtp)


def _ceiling_dbtp(song: Sound | None, fits: bool) -> float:
    """The ceiling of a mix; of a finished song, its own peak where that is higher and the file can hold it."""
    if song is None or song.true_peak_dbtp is None:
        return CEILING_DBTP
    return max(CEILING_DBTP, above(song.true_peak_dbtp) if fits else min(above(song.true_peak_dbtp), 0.0))


def draft_of_settings(
    settings: MixSettings,
    sounds: Mapping[str, Sound],
    inputs: Mapping[str, Input],
    source: str,
    ceiling_dbtp: float = CEILING_DBTP,
) -> Draft:
    """Render settings as they are: they end as they say, whatever the true peak.

    Args:
        settings: of a recipe.
        sounds: by the name of the track.
        inputs: what the recipe has of each.
        source: where the settings come from, in words.
        ceiling_dbtp: true peak above which the recipe warns.

    Raises:
        InputError: if the settings are for other tracks.
    """
    summed = chain.sum_up(settings, sounds)
    step = Step(name="replay", of="mix", reason=f"all settings from {source}, as they are")

    def end(_: float) -> Finish:
        return Finish(chain.finish(summed.sound, settings), settings, step)

    return Draft(sounds, inputs, summed, {"replay": source, "ceiling_dbtp": ceiling_dbtp}, (), end, ceiling_dbtp)


def render(plan: Plan, sounds: Mapping[str, Sound], inputs: Mapping[str, Input], options: Options) -> Mixed:
    """Render a plan. Arguments and errors are those of `draft`."""
    made = draft(plan, sounds, inputs, options)
    finished = made.end(below(made.ceiling_dbtp))
    sound = finished.sound
    return made.mixed(finished, sound, Output(None, None, sound.rate_hz, sound.duration_s))


def _results(summed: Sum, settings: MixSettings, written: Sound) -> Results:
    found = chain.finished_parts(summed, settings)

    def vocal_to_backing(statistic: str) -> float | None:
        return None if summed.backing is None else ratio.ratio_lu(found[chain.VOCALS], found[chain.BACKING], statistic)

    return Results(
        vocal_to_backing(RATIO),
        vocal_to_backing(RATIO_MONO),
        written.integrated_lufs,
        written.true_peak_dbtp,
        {name: sound.integrated_lufs for name, sound in found.items()},
    )


def _moved_by_the_limiter(summed: Sum, results: Results) -> Iterator[Notice]:
    """A warning where the gain of the limiter, which falls where the backing is loud, moves the ratio audibly."""
    if summed.backing is None or results.vocal_to_backing_lu is None:
        return
    before_lu = ratio.ratio_lu(summed.parts[chain.VOCALS], summed.backing)
    if before_lu is not None and abs(results.vocal_to_backing_lu - before_lu) > _NOTICEABLE_LU:
        moved = f"from {before_lu:+.2f} to {results.vocal_to_backing_lu:+.2f} LU"
        yield Notice(
            "limiter", f"the limiter moves the vocals against the backing {moved}: a lower --target-lufs is cleaner"
        )


def _as_reached(step: Step, results: Results) -> Step:
    """A step of the level with what came of it in the mix: later steps and the limiter move levels, too."""
    if step.name != "level" or not step.target:
        return step
    part_lufs, reached = results.parts_lufs.get(step.of), dict(step.reached)
    if GROUP_LEVEL in step.target and part_lufs is not None and results.integrated_lufs is not None:
        reached[GROUP_LEVEL] = part_lufs - results.integrated_lufs
    ratios = {RATIO: results.vocal_to_backing_lu, RATIO_MONO: results.vocal_to_backing_mono_lu}
    return replace(step, reached=reached | {name: ratios[name] for name in ratios if name in step.target})
