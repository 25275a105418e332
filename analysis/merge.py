"""`mixprior merge`: priors of several catalogs become those that one run over all their songs would give."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mixprior.analysis.priors import MANIFEST_FILE, local_folder, open_priors
from mixprior.pipeline.store import files
from mixprior.pipeline.store.evidence import Evidence, joined_members
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.errors import InputError

_SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("inputs", nargs="+", metavar="PRIORS", help="priors folders, or output folders of runs")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="priors folder to write")
    parser.add_argument("--min-group", type=int, metavar="N", help="publish no smaller groups (that of the inputs)")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Merge, write, and say what was merged; return 0.

    Raises:
        InputError: if an input holds no priors, or they cannot be added together.
    """
    merged, notes = merge([_Input.open(path) for path in args.inputs])
    if args.min_group is not None:
        if args.min_group < 1:
            raise InputError("--min-group takes a number from 1")
        merged = replace(merged, min_group=args.min_group)
    if "://" in args.output:
        raise InputError(f"merge writes to this machine only, not to {args.output}: copy the folder there afterwards")
    out = Path(args.output)
    try:
        # Readers refuse priors without a manifest, which is written last: no old one may vouch for new tables.
        (out / MANIFEST_FILE).unlink(missing_ok=True)
        for name, content in merged.files():
            files.write_bytes(str(out / name), content)
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror or error}") from error
    if merged.members is None:
        (out / "members.parquet").unlink(missing_ok=True)
    for note in notes:
        print(f"mixprior: {note}", file=sys.stderr)
    manifest = merged.manifest()
    if args.json:
        print(json.dumps({"priors": str(out), "songs": manifest["songs"], "hours": manifest["hours"], "notes": notes}))
    else:
        print(f"{len(args.inputs)} priors, {manifest['songs'] or 'unknown number of'} songs: {out}")
    return 0


@dataclass(frozen=True)
class _Input:
    """One of the priors to merge.

    Attributes:
        name: as the user gave it.
        folder: where the priors lie.
        evidence: what its priors rest on, without the digests: a hundred of these would fill the memory.
        rows: the songs' rows, where the run's folder was given.
    """

    name: str
    folder: Path
    evidence: Evidence
    rows: Rows | None

    @classmethod
    def open(cls, path: str) -> _Input:
        folder = open_priors(path).path
        return cls(path, folder, _read(folder, digests=False), Rows.open(local_folder(path)))

    def whole(self) -> Evidence:
        """What its priors rest on."""
        return _read(self.folder, digests=True)

    def without(self, song_ids: pa.Array) -> Evidence:
        """The same with some songs left out."""
        assert self.rows is not None
        return self.rows.without(self.evidence, song_ids)

    @property
    def song_ids(self) -> pa.Array | None:
        """Ids of the songs that count; None where they are not known."""
        members = self.evidence.members
        if members is None:
            return None
        return members.filter(pc.is_null(members["error"]))["song_id"].combine_chunks()


def _read(folder: Path, digests: bool) -> Evidence:
    try:
        return Evidence.read(lambda name: (folder / name).read_bytes(), digests)
    except FileNotFoundError as error:
        missing = Path(str(error.filename)).name
        raise InputError(
            f"{folder} lacks {missing}: it cannot be merged; build it again with `mixprior aggregate`"
        ) from error
    except (KeyError, ValueError, pa.ArrowException) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{folder} is damaged ({error}); build the priors again") from error


def merge(inputs: Sequence[_Input]) -> tuple[Evidence, list[str]]:
    """Merge priors, counting every song once where that can be known.

    Songs that two inputs share are taken from the first, and left out of the other, which must then have its rows at
    hand: a sum cannot be taken apart.

    Returns:
        The merged evidence, and notes on what could not be known or was left out.

    Raises:
        InputError: if two inputs share songs and neither has its rows, or they were measured or corrected differently.
    """
    notes: list[str] = []
    # Those whose songs cannot be left out go first.
    ordered = sorted(inputs, key=lambda each: each.rows is not None)
    parts: list[Callable[[], Evidence]] = []
    seen: pa.Array = pa.array([], pa.string())
    copies: list[pa.Table] = []
    _check_versions(inputs)
    for each in ordered:
        ids = each.song_ids
        if ids is None:
            notes.append(f"{each.name} does not tell its songs: whether others count them too cannot be known")
            parts.append(each.whole)
            continue
        shared = ids.filter(pc.is_in(ids, seen))
        if not len(shared):
            parts.append(each.whole)
        elif each.rows is None:
            shown = ", ".join(shared[:_SHOWN].to_pylist())
            raise InputError(
                f"{each.name} counts {len(shared)} songs that another counts too ({shown}, ...), and only sums of both "
                "are at hand: give the output folder of the run, with its rows"
            )
        else:
            parts.append(partial(each.without, shared))
            members = each.evidence.members
            assert members is not None
            copies.append(members.filter(pc.is_in(members["song_id"], shared)))
            notes.append(f"{each.name} shares {len(shared)} songs with the others: they count once")
        seen = pa.concat_arrays([seen, ids])
    merged = reduce(lambda whole, read: Evidence.merged([whole, read()]), parts[1:], parts[0]())
    dropped = sorted({name for each in inputs for name in each.evidence.group_by} - set(merged.group_by))
    if dropped:
        notes.append(f"not all are grouped by {', '.join(dropped)}: those groups are left out")
    if copies and merged.members is not None:
        merged = replace(merged, members=joined_members([merged.members, *copies]))
    return merged, notes


def _check_versions(inputs: Sequence[_Input]) -> None:
    found = {facts.get("feature_version"): each.name for each in inputs for facts in each.evidence.features.values()}
    if len(found) > 1:
        told = "; ".join(f"{name}: version {version}" for version, name in sorted(found.items(), key=str))
        raise InputError(f"these were measured by different versions of the statistics ({told}): mine the older again")
