"""The evaluation as a command: `python -m mixprior.mixing.evaluation choose|judge MUSIC -o FOLDER`."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from mixprior.mixing.evaluation import excerpts, results, separated, tables
from mixprior.mixing.evaluation.evaluation import COLUMNS, Part, parts_of_songs, parts_of_steps, rows_of
from mixprior.mixing.evaluation.material import Material
from mixprior.pipeline.catalogs import roles
from mixprior.stats.errors import InputError

ROLES = Path("tools", "data_roles.csv")
SONGS, STEPS = "songs", "steps"
PARTS = {SONGS: parts_of_songs, STEPS: parts_of_steps}
"""What is evaluated: whole songs, damaged in all ways at once; and each step on its own task, in excerpts."""
REPORTS = {SONGS: tables.report_of_songs, STEPS: tables.report_of_steps}


def run(args: argparse.Namespace) -> int:
    """Evaluate, write the rows and the tables, and print the tables.

    Raises:
        InputError: if there is no music or no such scene, or the document has no place for the tables.
    """
    if args.only and args.document is not None:
        raise InputError("tables of --only are not those of a document: leave out --document")
    for what in _kept(args) if args.tables else _evaluated(args):
        path = _path(args, what)
        text = REPORTS[what](list(results.read(path, COLUMNS)))
        path.with_suffix(".md").write_text(text, "utf-8")
        if args.document is not None:
            insert(args.document, f"mix-eval {args.scenes} {what}", text)
        print(text)
    return 0


def _kept(args: argparse.Namespace) -> list[str]:
    """What has rows of an earlier run."""
    kept = [what for what in args.of if _path(args, what).exists()]
    if not kept:
        raise InputError(f"{args.output} has no rows of {' or '.join(args.of)}: leave out --tables")
    return kept


def _evaluated(args: argparse.Namespace) -> Iterator[str]:
    """Evaluate, and say what has rows: those of one before the other is begun."""
    if not args.music.is_dir():
        raise InputError(f"{args.music} is not a folder: give the folder of the music")
    material = Material(args.music, args.responses, args.output, roles.read(args.roles))
    for what, parts in _parts(args, material).items():
        separate = separated.four_stems if what == STEPS else separated.four_stems_of_windows
        separated.fill(separate, material, args.scenes, partial(_show, "songs separated"))
        of_part, shown = partial(rows_of, material, args.scenes), partial(_show, f"parts of {what} mixed")
        results.write(_path(args, what), COLUMNS, of_part, parts, args.workers, shown)
        yield what


def _parts(args: argparse.Namespace, material: Material) -> dict[str, list[Part]]:
    """What is to be evaluated: all, or the scenes that are named."""
    parts = {what: PARTS[what](material, args.scenes) for what in args.of}
    if not args.only:
        return parts
    known = {name for each in parts.values() for name, _ in each}
    if unknown := [name for name in args.only if name not in known]:
        raise InputError(f"--only: there is no scene {unknown[0]!r}; there are: {', '.join(sorted(known))}")
    named = {what: [part for part in each if part[0] in args.only] for what, each in parts.items()}
    return {what: each for what, each in named.items() if each}


def _path(args: argparse.Namespace, what: str) -> Path:
    return args.output / f"{args.scenes}-{what}{'-only' if args.only else ''}.csv"


def insert(document: Path, mark: str, text: str) -> None:
    """Replace what is between two marks `<!-- MARK -->` of a document.

    Raises:
        InputError: if it does not have the mark twice.
    """
    written, between = document.read_text("utf-8"), f"<!-- {mark} -->"
    if written.count(between) != 2:
        raise InputError(f"{document} has no two marks {between}: add them where the tables are to be")
    filled = f"{between}\n{text}{between}"
    document.write_text(re.sub(f"{between}.*{between}", lambda _: filled, written, flags=re.DOTALL), "utf-8")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m mixprior.mixing.evaluation", description=__doc__)
    made.add_argument("scenes", choices=excerpts.SETS, help="scenes that choose what is set, or that judge it once")
    made.add_argument("music", type=Path, help="folder with songs/, more_songs/, multitracks/, stems/ and voices/")
    made.add_argument("--roles", type=Path, default=ROLES, metavar="CSV", help=f"what recordings are for ({ROLES})")
    made.add_argument("-o", "--output", type=Path, required=True, help="folder for stems, rows and tables")
    made.add_argument("--responses", type=Path, help="folder of impulse responses, for the wet scenes")
    made.add_argument("--document", type=Path, metavar="MD", help="document to write the tables into")
    made.add_argument("--of", nargs="+", choices=tuple(PARTS), default=tuple(PARTS), help="what to evaluate (both)")
    made.add_argument("--only", nargs="+", metavar="SCENE", help="these scenes alone, in files of their own")
    made.add_argument("-j", "--workers", type=int, default=2, help="processes (2)")
    made.add_argument("--tables", action="store_true", help="only the tables, from the rows of an earlier run")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 for an error of the input."""
    try:
        return run(parser().parse_args(arguments))
    except InputError as error:
        print(f"mixprior: error: {error}", file=sys.stderr)
        return 2


def _show(what: str, done: int, count: int) -> None:
    print(f"{done} of {count} {what}", file=sys.stderr, flush=True)
