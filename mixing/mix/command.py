"""`mixprior mix`: vocal and backing, or all the tracks of a song, become a mix by priors, and a recipe says why."""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from functools import partial
from pathlib import Path

from mixprior.analysis.priors import EVERY_SONG
from mixprior.mixing.mix import explain, plot, recipe, session
from mixprior.mixing.mix.recipe import Recipe
from mixprior.mixing.plan import multitrack, pair
from mixprior.mixing.plan.options import BALANCES, EQ_RULES, RANGE_MEASURES, REVERB_RULES, Options
from mixprior.mixing.plan.step import DEFAULT_STEPS, STEPS
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.rules.roles import read_roles
from mixprior.pipeline.store import files
from mixprior.stats.errors import InputError

_AIMS = {
    "ratio_lu": "level",
    "balance": "level",
    "eq_rule": "eq",
    "loudness_range_lu": "compression",
    "range_measure": "compression",
    "rt60_s": "reverb",
    "wet_dry_db": "reverb",
    "reverb_rule": "reverb",
    "target_lufs": "loudness",
}
"""Arguments that are fields of `Options`, and the step they are for: to give one is to ask for its step."""
_OF_A_PAIR = ("eq_rule", "loudness_range_lu", "range_measure")
_OF_TRACKS = ("roles", "balance")
_AUDIO = {".wav", ".flac", ".ogg", ".mp3", ".m4a", ".aif", ".aiff", ".aac", ".opus"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    sounds = parser.add_argument_group("sounds")
    sounds.add_argument("--vocal", metavar="FILE", help="the voice: WAV, FLAC, Ogg, MP3 or M4A")
    sounds.add_argument("--backing", metavar="FILE", help="all the rest")
    sounds.add_argument("--tracks", nargs="+", metavar="TRACK", help="files of a multitrack, or DIR with them")
    sounds.add_argument("--roles", metavar="CSV", help="columns track,role; without, DIR/roles.csv, or name and sound")
    sounds.add_argument("-o", "--output", metavar="MIX", help=".wav, .flac (24 bit) or .ogg to write")
    sounds.add_argument("--stems", metavar="DIR", help="also write what was summed, at the gain of the mix")
    aims = parser.add_argument_group("aims")
    aims.add_argument("--priors", metavar="PRIORS", help="published, starter, or a folder; published and starter")
    aims.add_argument("--group", help="songs of the priors to go by, as genre=rock; all of them")
    aims.add_argument("--ratio-lu", type=_level, metavar="LU", help="vocal to backing, in place of a prior")
    aims.add_argument("--eq-rule", choices=EQ_RULES, help=f"to equalise a voice beside its backing ({Options.eq_rule})")
    aims.add_argument(
        "--loudness-range-lu", type=_positive, metavar="LU", help="of a voice beside its backing, in place of a prior"
    )
    aims.add_argument("--range-measure", choices=RANGE_MEASURES, help="which loudness range: EBU's or of 100 ms (ebu)")
    aims.add_argument("--rt60-s", type=_positive, metavar="S", help="reverberation time, in place of a prior")
    aims.add_argument("--wet-dry-db", type=_level, metavar="DB", help="level of the reverb, in place of a prior")
    aims.add_argument("--reverb-rule", choices=REVERB_RULES, help="set the reverberation time by the tempo")
    aims.add_argument("--target-lufs", type=_loudness, metavar="LUFS", help='of the mix (-16); or "none"')
    aims.add_argument("--balance", choices=BALANCES, help="tracks of a class among each other (keep)")
    moves = parser.add_argument_group("moves")
    moves.add_argument("--amount", type=_share, metavar="0..1", help="share of every move to make (1)")
    moves.add_argument("--only", type=_steps, metavar="STEPS", help=f"these alone, of {','.join(STEPS)}")
    beside = f"these beside {','.join(DEFAULT_STEPS)}"
    moves.add_argument("--with", dest="also", type=_steps, metavar="STEPS", help=beside)
    moves.add_argument("--without", type=_steps, metavar="STEPS", help="these neither")
    moves.add_argument("--preset", nargs=2, metavar=("save|load", "FILE"), help="keep or take all settings")
    told = parser.add_argument_group("what is told")
    told.add_argument("--explain", nargs="?", const="", metavar="RECIPE", help="why; of a recipe, without mixing")
    told.add_argument("--plot", metavar="PNG", help="draw spectra and levels before, after, and the prior's band")
    told.add_argument("--json", action="store_true", help="print the recipe as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Mix as asked for, tell what was done on stdout and what went amiss on stderr, and return 0.

    Raises:
        InputError: if a file cannot be read, mixed or written, or the priors cannot be used.
    """
    if args.explain:
        if any((args.vocal, args.backing, args.tracks, args.output, args.preset)):
            raise InputError("--explain RECIPE tells of a mix that is made; to mix and explain leave out RECIPE")
        print(explain.of_document(recipe.read(args.explain), args.explain), flush=True)
        return 0
    paths = _paths(args)
    if not args.output:
        raise InputError("give the mix a name with -o")
    save, load = _preset(args, paths)
    if args.plot:
        plot.check(Path(args.plot))
    if load:
        made = session.replay(paths, args.output, recipe.read_settings(load), str(load), args.stems)
    else:
        made = _mix(args, paths)
    if save:
        with files.replacing(save) as path:
            path.write_text(recipe.preset(made.settings), "utf-8")
    if args.plot:
        plot.write(made.settings, paths, Path(args.plot), _targets(args))
    for warning in made.warnings:
        print(f"mixprior: warning: {warning}", file=sys.stderr)
    if args.json:
        print(made.to_json(), end="", flush=True)
    else:
        print(f"wrote {made.output.path} and {session.recipe_path(args.output)}")
        print(explain.of_document(made.to_dict()) if args.explain is not None else explain.short(made), flush=True)
    return 0


def _mix(args: argparse.Namespace, paths: dict[str, Path]) -> Recipe:
    options = _options(args)
    targets = _targets(args)
    if not args.tracks:
        planner = partial(pair.plan, targets=targets, options=options)
        return session.mix_files(paths, args.output, planner, options, args.stems)
    listing = _listing(args)
    listed = read_roles(listing, [path.name for path in paths.values()]) if listing else {}
    roles = {name: listed[path.name] for name, path in paths.items() if path.name in listed}
    planner = partial(multitrack.plan, targets=targets, options=options, roles_given=roles)
    return session.mix_files(paths, args.output, planner, options, args.stems)


def _targets(args: argparse.Namespace) -> Targets:
    return Targets.of(args.priors, args.group or EVERY_SONG)


def _options(args: argparse.Namespace) -> Options:
    for name in _OF_A_PAIR if args.tracks else _OF_TRACKS:
        if getattr(args, name) is not None:
            raise InputError(f"{_flag(name)} is for {'--vocal and --backing' if args.tracks else '--tracks'}")
    given = {name: getattr(args, name) for name in (*_AIMS, "amount") if getattr(args, name) is not None}
    steps = _steps_asked_for(args, [_AIMS[name] for name in given if name in _AIMS])
    if "target_lufs" in given and math.isnan(given["target_lufs"]):
        given["target_lufs"] = None
    return Options(steps=steps, **given)


def _steps_asked_for(args: argparse.Namespace, aimed_at: list[str]) -> tuple[str, ...]:
    """The default's steps and those that an aim is for, or what was chosen."""
    if args.only and (args.without or args.also):
        raise InputError(f"--only and {'--without' if args.without else '--with'} exclude each other")
    steps = set(args.only or (*DEFAULT_STEPS, *(args.also or ()), *aimed_at)) - set(args.without or ())
    if not args.tracks and not steps <= set(pair.POSSIBLE_STEPS):
        raise InputError("pan is a step of --tracks: a voice and its backing stay where they are")
    for step in aimed_at:
        if step not in steps:
            flag = next(_flag(name) for name in _AIMS if _AIMS[name] == step and getattr(args, name) is not None)
            raise InputError(f"{flag} is for the step {step}, which is left out: give one of the two")
    return tuple(step for step in STEPS if step in steps)


def _paths(args: argparse.Namespace) -> dict[str, Path]:
    """Files by the name of the track."""
    if args.tracks and (args.vocal or args.backing):
        raise InputError("give either --vocal and --backing, or --tracks")
    if not args.tracks:
        if not (args.vocal and args.backing):
            raise InputError("give --vocal and --backing, or --tracks")
        return {"vocal": Path(args.vocal), "backing": Path(args.backing)}
    files: list[Path] = []
    for given in map(Path, args.tracks):
        inside = sorted(filter(_is_track, given.iterdir())) if given.is_dir() else [given]
        if not inside:
            raise InputError(f"{given} holds no sound files ({', '.join(sorted(_AUDIO))})")
        files += inside
    name, count = Counter(file.stem for file in files).most_common(1)[0]
    if count > 1:
        raise InputError(f"two tracks are called {name}: rename one, tracks are known by their names")
    return {file.stem: file for file in files}


def _is_track(path: Path) -> bool:
    """Whether a file in a folder is meant: not a hidden one, nor a mix with its recipe beside it."""
    hidden = path.name.startswith(".")
    return path.suffix.lower() in _AUDIO and not hidden and path.is_file() and not session.recipe_path(path).exists()


def _listing(args: argparse.Namespace) -> Path | None:
    """The list of roles: as given, or as it lies in the folder of the tracks."""
    if args.roles:
        return Path(args.roles)
    lying = [Path(given) / "roles.csv" for given in args.tracks]
    return next((path for path in lying if path.is_file()), None)


def _preset(args: argparse.Namespace, paths: dict[str, Path]) -> tuple[Path | None, Path | None]:
    if not args.preset:
        return None, None
    what, file = args.preset
    if what not in ("save", "load"):
        raise InputError(f"--preset {what}: it is `save` or `load`, then a file")
    if Path(file).resolve() == session.recipe_path(args.output).resolve():
        raise InputError(f"{file} is the recipe of the mix: give the preset, or the mix, another name")
    if what == "save":
        if Path(file).resolve() in (each.resolve() for each in (Path(args.output), *paths.values())):
            raise InputError(f"{file} is one of the sounds: give the preset a name of its own, as warm.json")
        if not Path(file).parent.is_dir():
            raise InputError(f"{file}: there is no folder {Path(file).parent}; make it first")
        return Path(file), None
    unlike = (*_AIMS, "amount", "priors", "group", "only", "also", "without", "roles")
    given = [name for name in unlike if getattr(args, name) is not None]
    if given and not (args.plot and set(given) <= {"priors", "group"}):
        raise InputError(f"a preset is played as it is: {_flag(given[0])} does not go with it")
    return None, Path(file)


def _flag(name: str) -> str:
    return "--with" if name == "also" else f"--{name.replace('_', '-')}"


def _steps(text: str) -> tuple[str, ...]:
    steps = tuple(step.strip() for step in text.split(",") if step.strip())
    if not steps:
        raise argparse.ArgumentTypeError(f"name one or more of {', '.join(STEPS)}")
    for step in steps:
        if step not in STEPS:
            raise argparse.ArgumentTypeError(f"{step} is no step; there are: {', '.join(STEPS)}")
    return steps


def _level(text: str) -> float:
    value = float(text)
    if not abs(value) <= 100:
        raise argparse.ArgumentTypeError(f"{text} is no level between -100 and 100")
    return value


def _loudness(text: str) -> float:
    """NaN stands for "none" until it is known that it was asked for."""
    return math.nan if text == "none" else _level(text)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 100")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value
