"""`mixprior mix`: a vocal and a backing become a mix, its levels set by priors, and a recipe that says why."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
import soxr

from analysis.priors import EVERY_SONG, PRIORS_FILE, Priors, open_priors
from mixing import audio_file, ceiling, level
from mixing.audio_file import AudioFile
from mixing.level import LevelTarget
from mixing.mixdown import mix_down
from mixing.recipe import Input, Output, PriorUsed, Recipe, Results, Target
from stats.errors import InputError
from stats.loudness import integrated
from stats.true_peak import true_peak_dbtp

LOWEST_RATE_HZ = 44_100
"""The rate that priors are measured at."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--vocal", required=True, metavar="FILE", help="the voice: WAV, FLAC, Ogg or MP3")
    parser.add_argument("--backing", required=True, metavar="FILE", help="all the rest")
    parser.add_argument("-o", "--output", required=True, metavar="MIX", help=".wav, .flac (24 bit) or .ogg to write")
    parser.add_argument("--priors", metavar="PRIORS", help="priors folder, or the output folder of `mixprior mine`")
    parser.add_argument("--group", help="songs of the priors to go by, as genre=rock; all of them without it")
    parser.add_argument("--ratio-lu", type=_level, metavar="LU", help="vocal to backing to reach, in place of a prior")
    parser.add_argument("--target-lufs", type=_level, metavar="LUFS", help="loudness of the mix, as far as peaks allow")
    parser.add_argument("--json", action="store_true", help="print the recipe as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Mix as asked for, tell what was done on stdout and what went amiss on stderr, and return 0.

    Raises:
        InputError: if a file cannot be read, mixed or written, or the priors cannot be used.
    """
    if args.group and not args.priors:
        raise InputError("--group names songs of priors: give --priors too")
    recipe = mix_files(
        args.vocal,
        args.backing,
        args.output,
        open_priors(args.priors) if args.priors else None,
        args.group or EVERY_SONG,
        args.ratio_lu,
        args.target_lufs,
    )
    for warning in recipe.warnings:
        print(f"mixprior: warning: {warning}", file=sys.stderr)
    if args.json:
        print(recipe.to_json(), end="", flush=True)
        return 0
    results = recipe.results
    print(f"wrote {recipe.output.path} and {recipe_path(args.output)}")
    print(*recipe.reasons, sep="\n")
    print(
        f"reached: vocal to backing {_decibels(results.vocal_to_backing_lu, 'LU')}, "
        f"{_decibels(results.integrated_lufs, 'LUFS')}, {_decibels(results.true_peak_dbtp, 'dBTP')}",
        flush=True,
    )
    return 0


def mix_files(
    vocal_path: str | Path,
    backing_path: str | Path,
    output_path: str | Path,
    priors: Priors | None = None,
    group: str = EVERY_SONG,
    ratio_lu: float | None = None,
    target_lufs: float | None = None,
) -> Recipe:
    """Mix two files into a third (.wav and .flac: 24 bit; .ogg: Vorbis), with the recipe as .json beside it.

    The mix has the highest of the two sample rates and 44.1 kHz. No file is left half-written.

    Args:
        vocal_path: mono or stereo file.
        backing_path: mono or stereo file.
        output_path: the mix; what lies there is replaced.
        priors: where the ratio of vocal to backing comes from; None takes the published mean.
        group: the songs of the priors to go by.
        ratio_lu: the ratio itself, in place of any prior.
        target_lufs: integrated loudness of the mix.

    Raises:
        InputError: if a file cannot be read, mixed or written, or the priors hold no ratio.
    """
    output = Path(output_path)
    audio_file.check_output(output, (vocal_path, backing_path))
    if ratio_lu is not None:
        target = level.asked(ratio_lu)
    else:
        target = level.from_priors(priors, group) if priors else level.PUBLISHED
    vocal, backing = audio_file.read(vocal_path), audio_file.read(backing_path)
    rate_hz = max(vocal.rate_hz, backing.rate_hz, LOWEST_RATE_HZ)
    sounds = (_resample(vocal, rate_hz), _resample(backing, rate_hz))
    with audio_file.replacing(recipe_path(output)) as json_path, audio_file.replacing(output) as audio_path:
        aim_dbtp = ceiling.CEILING_DBTP
        while True:
            mixed = mix_down(*sounds, rate_hz, target, target_lufs, aim_dbtp)
            audio_file.write(audio_path, mixed.audio, rate_hz, output.suffix.lower())
            written = audio_file.read(audio_path)
            peak_dbtp = true_peak_dbtp(written.audio)
            if peak_dbtp is None or peak_dbtp <= ceiling.CEILING_DBTP:
                break
            # Coding moved the peak: a lossy format by tenths of a dB, 24 bits by a hair. Aim as much lower.
            aim_dbtp -= peak_dbtp - ceiling.CEILING_DBTP + ceiling.STEP_DB
        recipe = Recipe(
            inputs={"vocal": _input(vocal, mixed.vocal_lufs), "backing": _input(backing, mixed.backing_lufs)},
            output=Output(str(output_path), written.sha256, rate_hz, written.duration_s),
            target=Target(
                level.RATIO,
                level.DEFINITION,
                target.ratio_lu,
                target.source,
                _prior_used(priors, target) if priors else None,
            ),
            settings=mixed.settings,
            results=Results(
                mixed.vocal_to_backing_lu,
                integrated(written.audio, rate_hz),
                peak_dbtp,
            ),
            reasons=mixed.reasons,
            warnings=mixed.warnings,
        )
        json_path.write_text(recipe.to_json(), "utf-8")
    return recipe


def recipe_path(output_path: str | Path) -> Path:
    """Where the recipe of a mix lies: `mix.json` beside `mix.wav`."""
    return Path(output_path).with_suffix(".json")


def _resample(file: AudioFile, rate_hz: int) -> np.ndarray:
    if file.rate_hz == rate_hz:
        return file.audio
    return np.ascontiguousarray(soxr.resample(file.audio.T, file.rate_hz, rate_hz, "VHQ").T)


def _input(file: AudioFile, lufs: float | None) -> Input:
    return Input(file.path, file.sha256, file.rate_hz, file.channels, file.duration_s, lufs)


def _prior_used(priors: Priors | None, target: LevelTarget) -> PriorUsed | None:
    prior = target.prior
    if priors is None or prior is None or prior.p25 is None or prior.p50 is None or prior.p75 is None:
        return None
    file = priors.path / PRIORS_FILE
    return PriorUsed(
        path=str(file),
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        stem=prior.stem,
        statistic=prior.statistic,
        definition=priors.manifest.get("statistics", {}).get(prior.statistic, {}).get("definition"),
        group=prior.group,
        n=prior.n,
        p25=prior.p25,
        p50=prior.p50,
        p75=prior.p75,
    )


def _level(text: str) -> float:
    value = float(text)
    if not abs(value) <= 100:
        raise argparse.ArgumentTypeError(f"{text} is no level between -100 and 100")
    return value


def _decibels(value: float | None, unit: str) -> str:
    return "not measurable" if value is None else f"{value:.2f} {unit}"
