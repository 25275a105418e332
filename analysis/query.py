"""`mixprior query`: priors as a table, JSON or a plot; by name, song by song, or in SQL."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from mixprior.analysis.priors import EVERY_SONG, Priors, open_priors
from mixprior.analysis.table import table
from mixprior.stats.errors import InputError
from mixprior.stats.priors.reliability import LEAST
from mixprior.stats.schema import SCHEMA_VERSION

_LABELS = ("stem", "statistic", "unit", "group")
_NUMBERS = ("p50", "median_low", "median_high", "mean", "mean_low", "mean_high", "sd", "p5", "p25", "p75", "p95")
_LEFT_OUT_IF_WIDE = (("p5", "p95"), ("mean_low", "mean_high"), ("p25", "p75"))
_COLUMNS = 120
_RELIABILITY = {"": "reliability", "_low": "low", "_high": "high", "_sources": "sources", "_songs": "songs"}
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_NOT_MEASURABLE = "-"
_SONG_LABELS = ("stem", "statistic", "unit")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("priors", metavar="PRIORS", help="priors folder, or the output folder of `mixprior mine`")
    parser.add_argument("--stem", help="only this stem (vocals, ..., backing, mixture; song for the whole song)")
    parser.add_argument("--stat", metavar="NAME", help="only this statistic; of a vector, print every bin")
    parser.add_argument("--group", help="only this group of songs (all, genre=rock, ...)")
    parser.add_argument("--songs", action="store_true", help="print the value of each song (needs --stem and --stat)")
    parser.add_argument(
        "--sql", metavar="SELECT", help="answer one SELECT over the views priors, joint, songs and features (DuckDB)"
    )
    parser.add_argument(
        "--sql-limits",
        metavar="S,MB",
        help="seconds and megabytes that the answer of --sql may take (60,2048)",
    )
    parser.add_argument(
        "--regress",
        metavar="STEM:STAT",
        help="regress this statistic on those of --on (least squares): slopes, R2, residual; on several, a run's songs "
        "are read",
    )
    parser.add_argument(
        "--on", metavar="A,B", help="explanatory statistics of --regress: backing:tempo_bpm,mixture:..."
    )
    parser.add_argument(
        "--rank",
        action="store_true",
        help="with --regress: Spearman's rank correlation with each of --on, from a run's songs",
    )
    parser.add_argument("--plot", metavar="FILE", help="draw the statistic of --stat into a .png, .pdf or .svg file")
    parser.add_argument("--json", action="store_true", help="print one JSON object with every column")


def run(args: argparse.Namespace) -> int:
    """Print the answer to stdout, and return 0.

    Raises:
        InputError: if there are no such priors, or they lack the stem, statistic or group.
    """
    if args.sql is not None:
        print(_sql(args), flush=True)
        return 0
    if args.songs:
        print(_songs(args), flush=True)
        return 0
    if args.regress is not None or args.on is not None or args.rank:
        print(_regression(args), flush=True)
        return 0
    priors = open_priors(args.priors)
    rows = [_judged(priors, row) for row in priors.rows(args.stem, args.stat, args.group).to_pylist()]
    if args.plot is not None:
        _plot(rows, args)
        return 0
    unlisted = [] if args.stat else _vectors(priors, args.stem, args.group)
    print(_to_json(args.priors, rows, unlisted) if args.json else _to_table(rows, unlisted), flush=True)
    return 0


def _judged(priors: Priors, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its reliability; null of true stems, and where it is not known."""
    found = priors.reliabilities.find(row["stem"], row["statistic"], row["bin_hz"])
    names = {f"reliability{end}": None if found is None else getattr(found, name) for end, name in _RELIABILITY.items()}
    return {**row, **names}


def _plot(rows: Sequence[Mapping[str, Any]], args: argparse.Namespace) -> None:
    if not args.stat:
        raise InputError("--plot needs --stat: a plot shows one statistic")
    from mixprior.analysis.plot import plot

    plot(rows, args.plot)


def _sql(args: argparse.Namespace) -> str:
    if args.songs or args.plot or args.stem or args.stat or args.group:
        raise InputError("--sql takes no --stem, --stat, --group, --songs or --plot: write the conditions in its WHERE")
    from mixprior.analysis.sql import sql

    return _records(args, sql(args.priors, args.sql, **_sql_limits(args.sql_limits)), sql=args.sql)


def _sql_limits(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        seconds, megabytes = text.split(",")
        return {"time_limit_s": float(seconds), "memory_limit_mb": int(megabytes)}
    except ValueError:
        raise InputError(f"--sql-limits takes seconds and megabytes (60,2048), not {text!r}") from None


def _regression(args: argparse.Namespace) -> str:
    if not (args.regress and args.on):
        raise InputError("--regress STEM:STAT and --on STEM:STAT,... belong together: give both")
    from mixprior.analysis.regression import named, rank_correlations, regress

    on = [named(text.strip()) for text in args.on.split(",") if text.strip()]
    answer = rank_correlations if args.rank else regress
    rows = answer(open_priors(args.priors), named(args.regress), on, args.group or EVERY_SONG)
    return _records(args, rows)


def _records(args: argparse.Namespace, rows: Sequence[Mapping[str, Any]], **facts: str) -> str:
    """Return rows of any columns as a table, or as JSON."""
    if args.json:
        document = {"priors": args.priors, "schema_version": SCHEMA_VERSION, **facts, "rows": rows}
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    if not rows:
        return "no rows"
    words = [any(isinstance(row[name], str) for row in rows) for name in rows[0]]
    return table(list(rows[0]), [[_cell(value) for value in row.values()] for row in rows], words)


def _cell(value: Any) -> str:
    if value is None:
        return _NOT_MEASURABLE
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _songs(args: argparse.Namespace) -> str:
    if not (args.stem and args.stat):
        raise InputError("--songs needs --stem and --stat: it prints one number a song")
    from mixprior.analysis.songs import open_songs

    rows = open_songs(args.priors).rows(args.stem, args.stat)
    if args.json:
        document = {"run": args.priors, "schema_version": SCHEMA_VERSION, "rows": rows}
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    lines = []
    for row in rows:
        vector = isinstance(row["value"], list)
        value = [f"{len(row['value'])} bins"] if vector else _with_decimals([row["value"]])
        lines.append((PurePath(row["path"]).name, *(row[name] for name in _SONG_LABELS), *value))
    return table(("song", *_SONG_LABELS, "value"), lines, words=1 + len(_SONG_LABELS))


def _vectors(priors: Priors, stem: str | None, group: str | None) -> list[dict[str, Any]]:
    """Return the vector statistics that a listing of scalars leaves out."""
    return [
        row for row in priors.contents if row["bins"] and stem in (None, row["stem"]) and group in (None, row["group"])
    ]


def _to_json(path: str, rows: Sequence[Mapping[str, Any]], vectors: Sequence[Mapping[str, Any]]) -> str:
    document = {"priors": path, "schema_version": SCHEMA_VERSION, "rows": rows, "vectors": vectors}
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)


def _to_table(rows: Sequence[Mapping[str, Any]], vectors: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of one line a row, and a second of one line a vector, whose bins are not printed."""
    axis = ("bin", "bin_hz") if any(row["bin"] is not None for row in rows) else ()
    names = [name for name in _NUMBERS if name == "mean" or any(row[name] is not None for row in rows)]
    listed = _lines(rows, axis, names)
    for less in _LEFT_OUT_IF_WIDE:
        if len(listed.partition("\n")[0]) <= _COLUMNS:
            break
        names = [name for name in names if name not in less]
        listed = _lines(rows, axis, names)
    blocks = [listed]
    if vectors:
        lines = [(*_labels(row), f"{row['n']}", f"{row['bins']} bins") for row in vectors]
        listed = table((*_LABELS, "n", ""), lines, words=len(_LABELS))
        blocks.append(f"Vectors, whose bins --stat NAME prints:\n{listed}")
    return "\n\n".join(blocks)


def _lines(rows: Sequence[Mapping[str, Any]], axis: Sequence[str], names: Sequence[str]) -> str:
    shares = any(row["share_present"] is not None and row["share_present"] < 1 for row in rows)
    judged = any(row["reliability_sources"] is not None for row in rows)
    lines = []
    for row in rows:
        place = (f"{row[name]:.10g}" for name in (*axis, "n"))
        shown = ([_share(row)] if shares else []) + ([_reliability(row)] if judged else [])
        lines.append((*_labels(row), *place, *shown, *_with_decimals([row[name] for name in names])))
    shown = (["present"] if shares else []) + (["reliable"] if judged else [])
    listed = table((*_LABELS, *axis, "n", *shown, *names), lines, words=len(_LABELS))
    return _dimmed(listed, rows) if sys.stdout.isatty() else listed


def _reliability(row: Mapping[str, Any]) -> str:
    """Reliability, marked where it is too low, and "?" where it is not known."""
    if row["reliability_sources"] is None:
        return _NOT_MEASURABLE
    value = row["reliability"]
    return "?" if value is None else f"{value:.2f}" if value >= LEAST else f"no: {value:.2f}"


def _dimmed(listed: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Grey out the lines of what is not reliable."""
    head, *lines = listed.split("\n")
    doubtful = [row["reliability"] is not None and row["reliability"] < LEAST for row in rows]
    return "\n".join(
        [head, *(f"{_DIM}{line}{_PLAIN}" if dim else line for line, dim in zip(lines, doubtful, strict=True))]
    )


def _share(row: Mapping[str, Any]) -> str:
    """Share of the songs that have the stem, with its interval: the other numbers are of these."""
    share, low, high = (row[f"share_present{end}"] for end in ("", "_low", "_high"))
    return _NOT_MEASURABLE if share is None else f"{100 * share:.0f}% ({100 * low:.0f}-{100 * high:.0f})"


def _labels(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in _LABELS)


def _with_decimals(values: Sequence[float | None]) -> list[str]:
    """Write the numbers of a row with equally many decimals: at least three figures of the largest."""
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    decimals = 3 if largest < 1 else 2 if largest < 1000 else 1
    return [_NOT_MEASURABLE if value is None else f"{value:.{decimals}f}" for value in values]
