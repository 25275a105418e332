"""`mixprior check`: percentiles of a song's statistics among the songs of priors, and what stands out most."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mixprior.stats.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mixprior.analysis.priors import Priors
    from mixprior.analysis.song_rows import SongRows
    from mixprior.mixing.check.check import Check


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mixprior check`."""
    parser.add_argument(
        "mix", nargs="?", metavar="MIX", help="a finished song, which is separated, or a folder with its stems"
    )
    parser.add_argument("--tracks", nargs="+", metavar="TRACK", help="files of a multitrack, or DIR with them")
    parser.add_argument(
        "--roles", metavar="CSV", help="file with columns track,role (DIR/roles.csv, or by name and sound)"
    )
    parser.add_argument("--vocal", metavar="FILE", help="the vocals")
    parser.add_argument("--backing", metavar="FILE", help="the accompaniment: all but the vocals")
    parser.add_argument("--priors", metavar="PRIORS", help="published, starter, or a folder (published, then starter)")
    parser.add_argument("--group", help="group of songs in the priors, as genre=rock (all, or those with vocals)")
    parser.add_argument("--plot", metavar="PNG", help="draw the percentiles")
    parser.add_argument("--json", action="store_true", help="print one JSON object with every statistic")


def run(args: argparse.Namespace) -> int:
    """Print where the song stands, and return 0.

    Raises:
        InputError: if the song cannot be read or measured, or the priors cannot be used.
    """
    from mixprior.analysis import picture
    from mixprior.analysis.packaged.default_priors import open_chain
    from mixprior.mixing.check import check as checks
    from mixprior.mixing.check.standing import check_group
    from mixprior.mixing.mix.status_line import StatusLine

    if args.plot:
        picture.check(args.plot)
    chain = open_chain(args.priors)
    check_group(chain, args.group or "all")
    with StatusLine() as line:
        line.show("separating and measuring" if args.mix else "measuring", 0, 1)
        found = checks.check(_measured(args), chain, args.group or "all")
    if args.plot:
        from mixprior.mixing.check import plot

        plot.write(Path(args.plot), found)
    print(found.to_json() if args.json else found.text(), flush=True)
    return 0


def check(
    song: str | Path | Mapping[str, np.ndarray] | pd.DataFrame,
    rate_hz: int | None = None,
    *,
    priors: Priors | str | Path | None = None,
    group: str | None = None,
) -> Check:
    """Find where the statistics of a song stand among the songs of priors.

    Args:
        song: a finished song as a file, which is separated (needs the extra "mine"), or the folder of its stems; or
            stems as arrays, as `mixprior.measure` takes them ("vocals" and "backing" alone are enough); or the frame
            that `mixprior.measure` returns.
        rate_hz: sample rate of arrays.
        priors: opened priors, "published", "starter", or a folder that `mixprior mine` wrote; behind them, and without
            any, those that come with mixprior: "published", then "starter".
        group: the songs of the priors to compare with, as "genre=rock"; all, or those with vocals for a song with
            vocals.

    Returns:
        `.sentences`, what stands out most; `.found.standings`, each statistic with its percentile and the 95 % interval
        of that; `.to_dict()` and `.text()`.

    Raises:
        InputError: if the song cannot be read, separated or measured, or there are no such priors or group.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> stems = {"vocals": 0.03 * rng.standard_normal((2, 176_400)), "backing": 0.1 * rng.standard_normal((2, 176_400))}
    >>> found = check(stems, 44_100)
    >>> ratio = next(each for each in found.found.standings if each.column.name == "vocal_to_backing_lu")
    >>> round(ratio.value, 1), ratio.percentile.fewest, ratio.percentile.n
    (-10.5, 1, 150)
    """
    import pandas as pd

    from mixprior.analysis.measure import measure
    from mixprior.analysis.packaged.default_priors import open_chain
    from mixprior.analysis.song_rows import SongRows
    from mixprior.measured_song import measure_song
    from mixprior.mixing.check import check as checks

    if isinstance(song, str | Path):
        rows = measure_song(song)
    elif isinstance(song, pd.DataFrame):
        rows = SongRows.of_frame(song)
    elif rate_hz is None:
        raise InputError("give the sample rate of the stems: check(stems, rate_hz)")
    else:
        rows = SongRows.of_frame(measure(song, rate_hz))
    return checks.check(rows, open_chain(priors), group or "all")


def _measured(args: argparse.Namespace) -> SongRows:
    """The statistics of what was given: a finished song, tracks, or vocals and their backing."""
    from mixprior.analysis.measure import measure
    from mixprior.analysis.song_rows import SongRows
    from mixprior.measured_song import measure_song
    from mixprior.mixing.check import stems
    from mixprior.mixing.mix.sounds import Sounds
    from mixprior.mixing.mix.tracks import kept_tracks, paths_given, roles_given

    if args.roles and not args.tracks:
        raise InputError("--roles is for --tracks")
    if args.mix:
        if args.tracks or args.vocal or args.backing:
            raise InputError("give a finished song, or --tracks, or --vocal and --backing")
        return measure_song(args.mix)
    if not (args.tracks or args.vocal or args.backing):
        raise InputError("give a finished song, or --tracks, or --vocal and --backing")
    paths = paths_given(args.vocal, args.backing, args.tracks)
    if args.tracks:
        paths = {name: paths[name] for name in kept_tracks(list(paths))[0]}
        sounds = Sounds(paths)
        parts, routing = stems.of_tracks(sounds, roles_given(args.tracks, args.roles, paths))
        notes = tuple(f"{name} was taken for {role}" for name, role in routing.items())
    else:
        sounds = Sounds(paths)
        parts, notes = stems.of_pair(sounds), ()
    doubts = (*map(str, sounds.warnings), *notes)
    rows = SongRows.of_frame(measure(parts, sounds.rate_hz), " and ".join(args.tracks or map(str, paths.values())))
    return SongRows(rows.name, rows.rows, rows.separated, doubts)
