"""What `mixprior mix` does with its arguments: reads files, mixes, writes the mix and its recipe."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from mixprior.analysis import picture
from mixprior.analysis.priors import EVERY_SONG
from mixprior.mixing.mix import arguments, explain, plot, recipe, session
from mixprior.mixing.mix.comparison import compare
from mixprior.mixing.mix.recipe import Recipe
from mixprior.mixing.mix.render import Mixed
from mixprior.mixing.mix.separated_song import Separate
from mixprior.mixing.mix.tracks import kept_tracks, paths_given, roles_given
from mixprior.mixing.page import build as page
from mixprior.mixing.page.command_line import Again
from mixprior.mixing.plan import multitrack, pair
from mixprior.mixing.plan.targets import Targets
from mixprior.pipeline.store import files
from mixprior.stats.errors import InputError
from mixprior.stats.visible import visible


def run(args: argparse.Namespace, separate: Separate) -> int:
    """Mix by the arguments, report on stdout, warn on stderr, and return 0.

    Args:
        args: as `mixprior.mixing.mix.command` declares them.
        separate: reads and separates a song.

    Raises:
        InputError: if a file cannot be read, mixed or written, or the priors cannot be used.
    """
    if args.explain:
        if any((args.vocal, args.backing, args.tracks, args.output, args.preset)):
            raise InputError("--explain RECIPE is of a mix that is made; to mix and explain leave out RECIPE")
        print(explain.of_document(recipe.read(args.explain), args.explain), flush=True)
        return 0
    paths = paths_given(args.vocal, args.backing, args.tracks)
    if not args.output:
        raise InputError("give the mix a name with -o")
    save, load = _preset(args, paths)
    if args.plot:
        picture.check(args.plot)
    if args.page:
        page.check(args.page)
    if load:
        mixed = session.replay(paths, args.output, recipe.read_settings(load), str(load), args.stems)
    else:
        mixed = _mix(args, paths)
    if save:
        with files.replacing(save) as path:
            path.write_text(recipe.preset(mixed.recipe.settings), "utf-8")
    if args.plot or args.page:
        _show(args, mixed)
    _report(args, mixed.recipe)
    return 0


def _show(args: argparse.Namespace, mixed: Mixed) -> None:
    comparison = compare(mixed, _targets(args))
    if args.plot:
        plot.write(Path(args.plot), comparison)
    if args.page:
        page.write(args.page, mixed, comparison, Again.of(args))


def _report(args: argparse.Namespace, made: Recipe) -> None:
    for warning in made.warnings:
        print(f"mixprior: warning: {visible(warning)}", file=sys.stderr)
    if args.json:
        print(made.to_json(), end="", flush=True)
        return
    print(visible(f"wrote {made.output.path} and {recipe.path_of(args.output)}"))
    print(explain.of_document(made.to_dict()) if args.explain is not None else explain.short(made), flush=True)


def _mix(args: argparse.Namespace, paths: dict[str, Path]) -> Mixed:
    if args.roles and not args.tracks:
        raise InputError("--roles is for --tracks")
    options = arguments.options(args)
    targets = _targets(args)
    if not args.tracks:
        planner = partial(pair.plan, targets=targets, options=options)
        return session.mix_files(paths, args.output, planner, options, args.stems)
    kept, left_out = kept_tracks(list(paths))
    paths = {name: paths[name] for name in kept}
    roles = roles_given(args.tracks, args.roles, paths)
    planner = partial(multitrack.plan, targets=targets, options=options, roles_given=roles, left_out=left_out)
    return session.mix_files(paths, args.output, planner, options, args.stems)


def _targets(args: argparse.Namespace) -> Targets:
    return Targets.of(args.priors, args.group or EVERY_SONG)


def _preset(args: argparse.Namespace, paths: dict[str, Path]) -> tuple[Path | None, Path | None]:
    if not args.preset:
        return None, None
    what, file = args.preset
    if what not in ("save", "load"):
        raise InputError(f"--preset {what}: it is `save` or `load`, then a file")
    if Path(file).resolve() == recipe.path_of(args.output).resolve():
        raise InputError(f"{file} is the recipe of the mix: give the preset, or the mix, another name")
    if what == "save":
        if Path(file).resolve() in (each.resolve() for each in (Path(args.output), *paths.values())):
            raise InputError(f"{file} is one of the sounds: give the preset a name of its own, as warm.json")
        if not Path(file).parent.is_dir():
            raise InputError(f"{file}: there is no folder {Path(file).parent}; make it first")
        return Path(file), None
    unlike = (*arguments.NAMES, "priors", "group", "only", "also", "without", "roles")
    given = [name for name in unlike if getattr(args, name) is not None]
    if given and not ((args.plot or args.page) and set(given) <= {"priors", "group"}):
        raise InputError(f"a preset is applied as it is: {arguments.flag(given[0])} does not go with it")
    return None, Path(file)
