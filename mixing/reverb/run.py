"""What `mixprior reverb` does with its arguments: fits, renders, and looks up in priors."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from mixprior.analysis import picture
from mixprior.analysis.priors import EVERY_SONG, open_priors
from mixprior.mixing.plan import reverb_target
from mixprior.mixing.reverb import decay as reverb_decay
from mixprior.mixing.reverb import fit as reverb_fit
from mixprior.mixing.reverb import plot, settings_file
from mixprior.mixing.reverb import render as reverb_render
from mixprior.mixing.reverb.decay import Decay
from mixprior.mixing.reverb.fit import FittedReverb
from mixprior.mixing.rules.notice import Notice
from mixprior.pipeline.audio import audio_file
from mixprior.pipeline.audio.flags import DAMAGED_PCM
from mixprior.stats.errors import InputError
from mixprior.stats.reverb import energy_decay, response
from mixprior.stats.reverb.columns import ASSUMED
from mixprior.stats.reverb.fdn.fit import fit_decay
from mixprior.stats.reverb.fdn.level import at_level
from mixprior.stats.reverb.fdn.presets import preset
from mixprior.stats.visible import visible

_SEED = 1
_NOTED_DB = 0.05


def run(args: argparse.Namespace) -> int:
    """Run the action, report on stdout, warn on stderr, and return 0.

    Raises:
        InputError: if a file cannot be read or written, or holds nothing to go by.
    """
    {"fit": _fit, "render": _render, "prior": _prior}[args.action](args)
    return 0


def _fit(args: argparse.Namespace) -> None:
    if (args.impulse_response is None) == (args.stem is None):
        raise InputError("give an impulse response, or vocals with --stem: one of the two")
    if args.stem is None and (args.backing or args.response):
        raise InputError("--backing and --response belong to vocals: give --stem")
    if args.plot:
        picture.check(args.plot)
    if args.response:
        reverb_render.check_output(Path(args.response), args.stem, *([args.backing] if args.backing else []))
    if args.output:
        settings_file.check_output(Path(args.output))
    times_s = energy_decay.frame_times_s()
    if args.stem is None:
        file = audio_file.read(args.impulse_response)
        doubts = audio_file.doubts(file.path, file.flags - {DAMAGED_PCM})  # a response begins with a click
        fitted, decay = reverb_fit.to_response(file.sound, args.seed, args.impulse_response)
        target_db = plot.octave_levels_db(decay)
    else:
        stem, *backing = (audio_file.read(path) for path in (args.stem, args.backing) if path)
        doubts = tuple(doubt for file in (stem, *backing) for doubt in file.doubts)
        rest = backing[0].sound if backing else None
        fitted, estimate = reverb_fit.to_vocals(stem.sound, rest, args.seed, args.stem)
        target_db = estimate.decay_db(times_s)
        if args.response:
            sound = response.synthesise(estimate, seed=args.seed)
            reverb_render.write(Path(args.response), response.RATE_HZ, iter([sound]))
    fitted = replace(fitted, warnings=(*(Notice("file", doubt) for doubt in doubts), *fitted.warnings))
    if args.output:
        settings_file.write(Path(args.output), fitted.to_json())
    if args.plot:
        levels_db = (target_db, plot.octave_levels_db(reverb_fit.decay_of(fitted)))
        plot.plot(args.plot, times_s, levels_db, (fitted.target, fitted.reached), fitted.fit.settings, fitted.source)
    _report(args, fitted)


def _render(args: argparse.Namespace) -> None:
    if (args.settings is None) == (args.preset is None):
        raise InputError("give settings, or a preset with --preset: one of the two")
    if args.wet_only and args.wet_dry_db is not None:
        raise InputError("--wet-only has no dry sound that --wet-dry-db could be a level to: give one of the two")
    if args.apply and args.rate is not None:
        raise InputError("--rate is of a response; --apply keeps the rate of its file")
    path = Path(args.output)
    reverb_render.check_output(path, *([args.apply] if args.apply else []))
    settings = preset(args.preset) if args.preset is not None else settings_file.read(args.settings)
    if args.wet_only:
        settings = replace(settings, dry_wet=1.0)
    elif args.wet_dry_db is not None:
        settings = at_level(settings, args.wet_dry_db)
    duration_s = reverb_decay.length_s(settings) if args.duration is None else args.duration
    if args.apply:
        written, doubts = reverb_render.apply(settings, path, args.apply, duration_s)
        _warn(doubts)
    else:
        written = reverb_render.response(settings, path, args.rate or reverb_decay.RATE_HZ, duration_s)
    over_db = 20 * math.log10(written.peak) if written.peak > 0 else -math.inf
    if over_db >= _NOTED_DB:
        _warn([f"{path} peaks {over_db:.1f} dB above full scale; 32-bit floats keep that, 24 bits would cut it"])
    length = f"{written.duration_s:.2f} s at {written.rate_hz} Hz"
    print(f"wrote {visible(path)}: {length}, dry/wet {settings.dry_wet:.4g}", flush=True)


def _prior(args: argparse.Namespace) -> None:
    if (args.tempo is None) != (args.rule is None):
        raise InputError("--tempo and --rule belong together: give both, or neither")
    if args.output:
        settings_file.check_output(Path(args.output))
    source = reverb_target.source(open_priors(args.priors), args.group or EVERY_SONG)
    target = reverb_target.target(source, args.tempo, args.rule)
    found = fit_decay(list(target.rt60_octaves_s), target.wet_dry_db, seed=_SEED, prior=ASSUMED)
    fitted = FittedReverb(
        f"the vocals of {args.priors} (group {target.group})",
        found,
        Decay(target.rt60_s, tuple(map(float, target.rt60_octaves_s)), target.wet_dry_db),
        reverb_decay.of_settings(found.settings),
        reverb_fit.TIMES,
        assumed=reverb_fit.ASSUMED_NAMES,
        facts={"priors": target.to_dict()},
        notes=target.notes,
        warnings=(*(Notice("prior", note) for note in source.notes), *target.warnings),
    )
    _report(args, fitted)


def _report(args: argparse.Namespace, fitted: FittedReverb) -> None:
    if args.output:
        settings_file.write(Path(args.output), fitted.to_json())
    _warn(fitted.warnings)
    print(fitted.to_json() if args.json else fitted.to_text() + "\n", end="", flush=True)


def _warn(warnings: Iterable[Notice | str]) -> None:
    for warning in warnings:
        print(f"mixprior: warning: {visible(warning)}", file=sys.stderr)
