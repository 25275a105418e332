"""Files in; a mix and its recipe out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.mixing.effects import ceiling, chain
from mixprior.mixing.effects.chain import Sum
from mixprior.mixing.effects.settings import MixSettings
from mixprior.mixing.mix.recipe import Output, Recipe, Results
from mixprior.mixing.mix.sounds import Sounds
from mixprior.mixing.plan import loudness
from mixprior.mixing.plan.loudness import Finish
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Plan, Step
from mixprior.mixing.rules import ratio
from mixprior.mixing.rules.ratio import RATIO, RATIO_MONO
from mixprior.pipeline.audio import audio_file, writer
from mixprior.pipeline.store import files
from mixprior.stats.errors import InputError
from mixprior.stats.measures.loudness import integrated, integrated_lufs
from mixprior.stats.measures.true_peak import true_peak_dbtp

_CLOSE_LU = 0.1

Planner = Callable[[Mapping[str, np.ndarray], int], Plan]
"""Sounds by name and their rate in; settings without the end of the mix, and the steps that led to them, out."""


def mix_files(
    paths: Mapping[str, str | Path],
    output_path: str | Path,
    planner: Planner,
    options: Options,
    stems_path: str | Path | None = None,
) -> Recipe:
    """Mix files into another (.wav and .flac: 24 bit; .ogg: Vorbis), with the recipe as .json beside it.

    The mix has the highest of the files' sample rates and 44.1 kHz. No file is left half-written.

    Args:
        paths: mono or stereo files, by the name of the track.
        output_path: the mix; what lies there is replaced.
        planner: what to do with the sounds, up to their sum.
        options: what was asked for; loudness is brought about here.
        stems_path: folder for what was summed, at the gain of the mix and before its limiter; None for none.

    Raises:
        InputError: if a file cannot be read, mixed or written.
    """
    output = Path(output_path)
    writer.check_output(output, paths.values())
    sounds = Sounds(paths)
    plan = planner(sounds, sounds.rate_hz)
    summed = chain.sum_up(plan.settings, sounds, sounds.rate_hz)
    target_lufs = options.target_lufs if "loudness" in options.steps else None

    def end(aim_dbtp: float) -> Finish:
        return loudness.finish(summed.audio, sounds.rate_hz, plan.settings, target_lufs, aim_dbtp)

    return _write(output, sounds, summed, end, plan.steps, asdict(options), stems_path)


def replay(
    paths: Mapping[str, str | Path],
    output_path: str | Path,
    settings: MixSettings,
    source: str,
    stems_path: str | Path | None = None,
) -> Recipe:
    """Mix files by settings as they are; of the same files the same mix comes out.

    Byte for byte as .wav and .flac; an .ogg holds the same samples, and a serial number of its own.

    Args:
        paths: files by the names of the settings' tracks.
        output_path: the mix; what lies there is replaced.
        settings: of a recipe or a preset.
        source: where they come from, in words.
        stems_path: as in `mix_files`.

    Raises:
        InputError: if a file cannot be read, mixed or written, or the tracks are others.
    """
    output = Path(output_path)
    writer.check_output(output, paths.values())
    sounds = Sounds(paths)
    summed = chain.sum_up(settings, sounds, sounds.rate_hz)
    step = Step("preset", "mix", f"all settings from {source}, as they are")

    def end(aim_dbtp: float) -> Finish:
        return Finish(chain.finish(summed.audio, settings, sounds.rate_hz), settings, step)

    return _write(output, sounds, summed, end, (), {"preset": source}, stems_path)


def recipe_path(output_path: str | Path) -> Path:
    """Where the recipe of a mix lies: `mix.json` beside `mix.wav`."""
    return Path(output_path).with_suffix(".json")


def _write(
    output: Path,
    sounds: Sounds,
    summed: Sum,
    end: Callable[[float], Finish],
    steps: tuple[Step, ...],
    options: Mapping[str, Any],
    stems_path: str | Path | None,
) -> Recipe:
    rate_hz = sounds.rate_hz
    if stems_path is not None:
        taken = [output, *(Path(given.path) for given in sounds.inputs.values())]
        _check_stems(Path(stems_path), summed.parts, taken)
    with files.replacing(recipe_path(output)) as json_path, files.replacing(output) as audio_path:
        aim_dbtp = ceiling.AIM_DBTP
        while True:
            finished = end(aim_dbtp)
            writer.write(audio_path, finished.audio, rate_hz, output.suffix.lower())
            written = audio_file.read(audio_path)
            peak_dbtp = true_peak_dbtp(written.audio)
            if peak_dbtp is None or peak_dbtp <= ceiling.CEILING_DBTP or finished.step.name == "preset":
                break
            # Coding moved the peak: a lossy format by tenths of a dB, 24 bits by a hair. Aim as much lower.
            aim_dbtp = ceiling.below(aim_dbtp - (peak_dbtp - ceiling.CEILING_DBTP))
        settings = finished.settings
        lufs = integrated(written.audio, rate_hz)
        steps = (
            *steps,
            replace(finished.step, warnings=(*finished.step.warnings, *_missed(finished, lufs, peak_dbtp))),
        )
        if stems_path is not None:
            _write_stems(Path(stems_path), settings, sounds)
        recipe = Recipe(
            inputs=sounds.inputs,
            output=Output(str(output), written.sha256, rate_hz, written.duration_s),
            options=options,
            steps=steps,
            settings=settings,
            results=_results(summed, settings.gain_db, lufs, peak_dbtp),
            warnings=tuple(dict.fromkeys(warning for step in steps for warning in step.warnings)),
        )
        json_path.write_text(recipe.to_json(), "utf-8")
    return recipe


def _check_stems(folder: Path, parts: Mapping[str, object], taken: list[Path]) -> None:
    """Refuse to write stems over the inputs or the mix, or into a file. Raises InputError."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give --stems a folder")
    for path in (folder / f"{name}.wav" for name in parts):
        if path.resolve() in (each.resolve() for each in taken):
            raise InputError(f"{path} is one of the inputs, or the mix: give --stems another folder")


def _missed(finished: Finish, lufs: float | None, peak_dbtp: float | None) -> list[str]:
    """What the written file does not keep: settings that are played as they are, and lossy formats, promise nothing."""
    warnings = []
    if peak_dbtp is not None and peak_dbtp > ceiling.CEILING_DBTP:
        warnings.append(f"true peak {peak_dbtp:+.2f} dBTP: the settings of the preset are played as they are")
    promised = finished.step.reached.get("integrated_lufs")
    if promised is not None and lufs is not None and abs(lufs - promised) > _CLOSE_LU:
        warnings.append(f"the file is at {lufs:.2f} LUFS: its format took away what made the mix {promised:.2f}")
    return warnings


def _write_stems(folder: Path, settings: MixSettings, sounds: Sounds) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, audio in chain.parts(settings, sounds, sounds.rate_hz):
        with files.replacing(folder / f"{name}.wav") as path:
            writer.write(path, chain.gained(audio, settings.gain_db), sounds.rate_hz, writer.UNCLIPPED)


def _results(summed: Sum, gain_db: float, lufs: float | None, peak_dbtp: float | None) -> Results:
    power = 10 ** (gain_db / 10)
    parts = {
        name: replace(blocks, weighted=blocks.weighted * power, mono_weighted=blocks.mono_weighted * power)
        for name, blocks in summed.parts.items()
    }
    voice = next((parts[name] for name in chain.VOICES if name in parts), None)
    backing = parts.get(chain.BACKING)

    def vocal_to_backing(statistic: str) -> float | None:
        return None if voice is None or backing is None else ratio.ratio_lu(voice, backing, statistic)

    loudnesses = {name: integrated_lufs(blocks.weighted) for name, blocks in parts.items()}
    return Results(vocal_to_backing(RATIO), vocal_to_backing(RATIO_MONO), lufs, peak_dbtp, loudnesses)
