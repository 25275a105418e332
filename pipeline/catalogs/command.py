"""The command `mixprior catalog build`: write the manifest of a published dataset, for `mine`."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from mixprior.pipeline.catalogs.datasets.dataset import DATASETS, Track, tracks_of
from mixprior.pipeline.store import files, sources
from mixprior.pipeline.store.file_names import is_stem_file
from mixprior.pipeline.store.records import InputError, MetadataValue
from mixprior.stats.visible import as_utf8, csv_cell, visible

Row = dict[str, MetadataValue]

_SUFFIXES = (".parquet", ".csv", ".jsonl")
_FAULTS = ("missing", "empty", "corrupt")
_BEGINNINGS = {".wav": (b"RIFF", b"RF64"), ".au": (b".snd",)}
_FAULTS_SHOWN = 20


@dataclass(frozen=True)
class Fault:
    """A file of a dataset that cannot be measured.

    Attributes:
        path: where it is expected.
        kind: "missing", "empty" (no bytes) or "corrupt" (does not begin as files of its format do).
    """

    path: Path
    kind: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mixprior catalog` takes to its parser."""
    parser.add_argument("action", choices=["build"], help="build: write the manifest of a dataset")
    parser.add_argument("path", metavar="PATH", help="the folder into which the dataset was unpacked")
    parser.add_argument("--dataset", required=True, choices=list(DATASETS), help="which dataset it is")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="manifest: .parquet, .csv or .jsonl")
    parser.add_argument("--missing", metavar="FILE", help="write every file that is missing, empty or corrupt here")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON, with all of these files")


def run(args: argparse.Namespace) -> int:
    """Write the manifest; print a summary to stdout, and faulty files to stderr.

    A song is listed only if all of its files are there.

    Raises:
        InputError: if the dataset or its metadata is missing, or no song is complete; then no manifest is written.
    """
    if sources.is_remote(args.path) or sources.is_remote(args.output):
        raise InputError("datasets and their manifests must be local: give paths on this machine")
    root, output = (Path(os.path.abspath(os.path.expanduser(path))) for path in (args.path, args.output))
    if output.suffix not in _SUFFIXES:
        raise InputError(f"{output} does not end in {', '.join(_SUFFIXES)}")
    tracks = tracks_of(args.dataset, root)
    faults = [[fault for file in track.files if (fault := _fault(file))] for track in tracks]
    whole = [track for track, faulty in zip(tracks, faults, strict=True) if not faulty]
    found = [fault for faulty in faults for fault in faulty]
    _report(found, len(tracks) - len(whole), len(tracks))
    if args.missing:
        files.write_bytes(args.missing, "".join(f"{fault.kind}\t{visible(fault.path)}\n" for fault in found).encode())
    if not whole:
        raise InputError(f"{root} holds no complete song of {args.dataset}; its metadata names {len(tracks)}")
    _write(output, [_row(args.dataset, track, output.parent) for track in whole])
    summary = {
        "dataset": args.dataset,
        "manifest": str(output),
        "named": len(tracks),
        "listed": len(whole),
        "with_stems": sum(bool(track.stems) or is_stem_file(track.path.name) for track in whole),
        **{kind: [as_utf8(str(fault.path)) for fault in found if fault.kind == kind] for kind in _FAULTS},
    }
    if args.json:
        print(json.dumps(summary, ensure_ascii=False, indent=2))
    else:
        listed = f"{len(whole)} of {len(tracks)} songs of {args.dataset}"
        print(f"{visible(output)}: {listed}, {summary['with_stems']} with stems")
    return 0


def _fault(file: Path) -> Fault | None:
    try:
        if not file.stat().st_size:
            return Fault(file, "empty")
        beginnings = _BEGINNINGS.get(file.suffix)
        if beginnings:
            with open(file, "rb") as opened:
                return None if opened.read(4) in beginnings else Fault(file, "corrupt")
    except OSError:
        return Fault(file, "missing")
    return None


def _report(faults: Sequence[Fault], left_out: int, named: int) -> None:
    if not faults:
        return
    counts = Counter(fault.kind for fault in faults)
    by_kind = ", ".join(f"{counts[kind]} {kind}" for kind in _FAULTS if counts[kind])
    print(f"mixprior: {left_out} of {named} songs are left out; of their files: {by_kind}", file=sys.stderr)
    from tabulate import tabulate  # here: a help text needs no table

    shown = [("", fault.kind, visible(fault.path)) for fault in faults[:_FAULTS_SHOWN]]
    print(tabulate(shown, tablefmt="plain", disable_numparse=True), file=sys.stderr)
    if len(faults) > _FAULTS_SHOWN:
        print(f"  and {len(faults) - _FAULTS_SHOWN} more; --missing FILE lists all", file=sys.stderr)


def _row(dataset: str, track: Track, folder: Path) -> Row:
    named = {"path": track.path, **track.stems, **({"mixture": track.mixture} if track.mixture else {})}
    return {
        **{column: _place(path, folder) for column, path in named.items()},
        "dataset": dataset,
        **track.metadata,
    }


def _place(path: Path, folder: Path) -> str:
    """Return a path as a manifest in a folder has it: relative if it is below the folder, else absolute."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{str(path)!r} is not UTF-8; rename it") from error
    if path.is_relative_to(folder) and not sources.leads_out(str(path), str(folder)):
        return path.relative_to(folder).as_posix()
    return str(path)


def _write(output: Path, rows: Sequence[Row]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if output.suffix == ".parquet":
        table = pa.table({column: [row.get(column) for row in rows] for column in columns})
        # A column of nulls only has a type of its own, which few readers support.
        typed = [field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in table.schema]
        files.write_table(str(output), table.cast(pa.schema(typed)))
        return
    text = io.StringIO()
    if output.suffix == ".csv":
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({column: csv_cell(value) for column, value in row.items()} for row in rows)
    else:
        text.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    files.write_bytes(str(output), text.getvalue().encode())
