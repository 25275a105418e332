"""What `mixprior mix` does with its arguments: reads files, mixes, writes the mix and its recipe."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from mixprior.analysis import picture
from mixprior.analysis.priors import EVERY_SONG
from mixprior.analysis.song_rows import SongRows
from mixprior.mixing.learned import planner as learned
from mixprior.mixing.mix import arguments, explain, plot, preset, recipe, replay, session
from mixprior.mixing.mix.comparison import compare
from mixprior.mixing.mix.preset import Preset
from mixprior.mixing.mix.recipe import Recipe
from mixprior.mixing.mix.render import Mixed
from mixprior.mixing.mix.separated_song import Separate, SeparatedSong
from mixprior.mixing.mix.sounds import SONG
from mixprior.mixing.mix.status_line import StatusLine
from mixprior.mixing.mix.tracks import kept_tracks, paths_given, roles_given
from mixprior.mixing.page import build as page
from mixprior.mixing.page.command_line import Again
from mixprior.mixing.page.reference import reference_of
from mixprior.mixing.plan import multitrack, pair
from mixprior.mixing.plan.step import Plan, Planner
from mixprior.mixing.plan.targets import Targets
from mixprior.pipeline.audio import writer
from mixprior.pipeline.store import files
from mixprior.stats.errors import InputError
from mixprior.stats.visible import visible


def run(args: argparse.Namespace, separate: Separate, measure: Callable[[str], SongRows]) -> int:
    """Mix by the arguments, report on stdout, warn on stderr, and return 0.

    Args:
        args: as `mixprior.mixing.mix.command` declares them.
        separate: reads and separates a song.
        measure: measures a song that the mix is to be like.

    Raises:
        InputError: if a file cannot be read, mixed or written, or the priors cannot be used.
    """
    if args.explain:
        if any((args.vocal, args.backing, args.tracks, args.song, args.output, args.preset, args.replay)):
            raise InputError("--explain RECIPE is of a mix that is made; to mix and explain leave out RECIPE")
        print(explain.of_document(recipe.read(args.explain), args.explain), flush=True)
        return 0
    paths = _paths(args)
    if not args.output:
        raise InputError("give the mix a name with -o")
    save, style = _preset(args, paths)
    if args.plot:
        picture.check(args.plot)
    if args.page:
        page.check(args.page)
    with StatusLine() as line:
        targets = _targets(args, style, [] if args.replay else _measured(args, measure, line))
        if args.replay:
            mixed = _replay(args, paths, partial(_separated, separate, line), line.show)
        else:
            mixed = _mix(args, paths, style, targets, save, partial(_separated, separate, line), line.show)
        if args.plot or args.page:
            line.show("drawing", 0, 1)
            _show(args, mixed, targets)
    _report(args, mixed.recipe)
    return 0


def _show(args: argparse.Namespace, mixed: Mixed, targets: Targets) -> None:
    comparison = compare(mixed, targets)
    if args.plot:
        plot.write(Path(args.plot), comparison)
    if args.page:
        page.write(args.page, mixed, comparison, Again.of(args), reference_of(args.like or ()))


def _separated(separate: Separate, line: StatusLine, path: str) -> SeparatedSong:
    return separate(path, partial(line.show, "separating"))


def _measured(args: argparse.Namespace, measure: Callable[[str], SongRows], line: StatusLine) -> list[SongRows]:
    """The statistics of the songs to be like."""
    found = []
    for done, path in enumerate(args.like or ()):
        line.show("measuring the songs to be like", done, len(args.like))
        found.append(measure(path))
    return found


def _report(args: argparse.Namespace, made: Recipe) -> None:
    for warning in made.warnings:
        print(f"mixprior: warning: {visible(warning)}", file=sys.stderr)
    if args.json:
        print(made.to_json(), end="", flush=True)
        return
    print(visible(f"wrote {made.output.path} and {recipe.path_of(args.output)}"))
    print(explain.of_document(made.to_dict()) if args.explain is not None else explain.short(made), flush=True)


def _mix(
    args: argparse.Namespace,
    paths: dict[str, Path],
    style: Preset | None,
    targets: Targets,
    save: Path | None,
    separated: Callable[[str], SeparatedSong],
    stage: session.Stage,
) -> Mixed:
    if args.roles and not args.tracks:
        raise InputError("--roles is for --tracks")
    if args.vocal_offset is not None and not args.vocal:
        raise InputError("--vocal-offset is for --vocal and --backing")
    options = arguments.options(args, style, targets.like)
    if args.by and save:
        raise InputError("--by goes not with --preset save: a style holds no network")
    rule: partial[Plan] = partial(pair.plan, targets=targets, options=options)
    if args.tracks:
        kept, left_out = kept_tracks(list(paths))
        paths = {name: paths[name] for name in kept}
        roles = roles_given(args.tracks, args.roles, paths)
        rule = partial(multitrack.plan, targets=targets, options=options, roles_given=roles, left_out=left_out)
    planner: Planner = learned.planner(args.by, rule, targets, options) if args.by else rule
    if args.song:
        mixed = session.mix_song(separated(args.song), args.output, planner, options, args.stems, stage)
    else:
        offset = args.vocal_offset or 0.0
        mixed = session.mix_files(paths, args.output, planner, options, args.stems, offset, stage)
    if save:
        priors, group = _priors(args, style)
        writer.make_folder(save)
        with files.replacing(save) as path:
            path.write_text(Preset.of(arguments.kind(args), options, priors, group).to_json(), "utf-8")
    return mixed


def _replay(
    args: argparse.Namespace,
    paths: dict[str, Path],
    separated: Callable[[str], SeparatedSong],
    stage: session.Stage,
) -> Mixed:
    unlike = (
        *arguments.NAMES,
        "priors",
        "group",
        "like",
        "by",
        "only",
        "also",
        "without",
        "roles",
        "preset",
        "vocal_offset",
    )
    given = [name for name in unlike if getattr(args, name) is not None]
    if given and not ((args.plot or args.page) and set(given) <= {"priors", "group"}):
        raise InputError(f"--replay makes a mix as it was: {arguments.flag(given[0])} does not go with it")
    made = replay.read(args.replay)
    if args.song:
        return session.replay(separated(args.song), args.output, made, args.stems, stage)
    if args.tracks:
        paths = made.without_mix(paths)
        paths = {name: paths[name] for name in kept_tracks(list(paths))[0]}
    return session.replay(paths, args.output, made, args.stems, stage)


def _priors(args: argparse.Namespace, style: Preset | None) -> tuple[str | None, str | None]:
    """Priors and group: as given, or of the style."""
    if style is None:
        return args.priors, args.group
    return args.priors or style.priors, args.group or style.group


def _targets(args: argparse.Namespace, style: Preset | None, like: Sequence[SongRows]) -> Targets:
    priors, group = _priors(args, style)
    return Targets.of(priors, group or EVERY_SONG, like)


def _paths(args: argparse.Namespace) -> dict[str, Path]:
    """Files by the name of the track, or of the song."""
    if not args.song:
        return paths_given(args.vocal, args.backing, args.tracks)
    if args.vocal or args.backing or args.tracks:
        raise InputError("give --song alone: a finished song is separated into vocals and backing")
    return {SONG: Path(args.song)}


def _preset(args: argparse.Namespace, paths: dict[str, Path]) -> tuple[Path | None, Preset | None]:
    """Where to save the style, and the style that is applied."""
    if not args.preset:
        return None, None
    what, file = args.preset
    if what not in ("save", "load"):
        raise InputError(f"--preset {what}: it is `save` or `load`, then a file")
    if what == "load":
        return None, preset.read(file)
    if args.like:
        raise InputError("--preset save keeps aims and options, and no songs: give --like beside --preset load instead")
    if Path(file).resolve() == recipe.path_of(args.output).resolve():
        raise InputError(f"{file} is the recipe of the mix: give the preset, or the mix, another name")
    if Path(file).resolve() in (each.resolve() for each in (Path(args.output), *paths.values())):
        raise InputError(f"{file} is one of the sounds: give the preset a name of its own, as warm.json")
    writer.check_folder(Path(file))
    return Path(file), None
