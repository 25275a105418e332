"""Priors of several catalogs become those that one run over all their songs would give."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mixprior.analysis.priors import open_priors
from mixprior.pipeline.store import files, sources
from mixprior.pipeline.store.evidence import Evidence
from mixprior.pipeline.store.layout import MANIFEST_FILE, folder_named
from mixprior.pipeline.store.members import joined_members, members_hash, members_of
from mixprior.pipeline.store.places import Place
from mixprior.pipeline.store.rows import Rows
from mixprior.pipeline.store.songs import NotARun
from mixprior.stats.errors import InputError
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.tally import Grouping, tally
from mixprior.stats.visible import visible

_SHOWN = 3
_WAYS = {
    "stems": ("stems", "model", "weights_sha256", "precision", "overlap", "segment_s"),
    "estimates of reverberation": ("reverb_model_sha256",),
}
"""What songs' numbers depend on beside the songs, and the facts of a run that tell one kind from another."""


@dataclass(frozen=True)
class Merged:
    """What was merged.

    Attributes:
        priors: the folder that was written.
        songs: songs counted; None where an input does not say which songs it counts.
        hours: their length; None likewise.
        notes: what could not be known or was left out, a line each.
    """

    priors: str
    songs: int | None
    hours: float | None
    notes: list[str]


def merge(
    folders: Sequence[str | Path],
    output: str | Path,
    *,
    group_by: Sequence[str] | None = None,
    min_group: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Merged:
    """Add priors of several catalogs together: what one run over all their songs would give, to the byte.

    Songs that two inputs share are taken from the first, and left out of the other, which must then have its rows at
    hand: a sum cannot be taken apart.

    Args:
        folders: priors folders, or output folders of runs.
        output: priors folder to write, local or an fsspec URL.
        group_by: keep only the groups by these columns; None keeps all that the inputs have in common.
        min_group: publish no smaller groups; None takes the largest limit of the inputs.
        progress: called with (inputs added, inputs in all).

    Raises:
        InputError: if an input holds no priors, two inputs share songs and neither has its rows, they were measured or
            corrected differently, or the output cannot be written.

    >>> merge(["outputs/one", "outputs/two"], "outputs/both").songs  # doctest: +SKIP
    80
    """
    if min_group is not None and min_group < 1:
        raise InputError("--min-group takes a number from 1")
    if not folders:
        raise InputError("there are no priors to merge: give folders")
    output = folder_named(output)
    if sources.is_remote(output):
        files.need_writable(output)  # a bucket may be misspelt
    merged, notes = _merged([_Input.open(path) for path in folders], progress or (lambda done, total: None))
    if not merged.digests:
        raise InputError(f"there is no song in the priors {', '.join(str(folder) for folder in folders)}")
    if group_by is not None:
        merged = merged.grouped_by(group_by)
    if min_group is not None:
        merged = replace(merged, min_group=min_group)
    merged.write(str(output))
    manifest = merged.manifest()
    if merged.unused.count:
        notes.append(merged.unused.text(f"{output}/{MANIFEST_FILE}"))
    return Merged(str(output), manifest["songs"], manifest["hours"], notes)


@dataclass(frozen=True)
class _Input:
    """One of the priors to merge.

    Attributes:
        name: as the user gave it.
        folder: the folder of the priors.
        evidence: what its priors rest on, without the digests: a hundred of these would fill the memory.
        rows: the songs' rows, where the run's folder was given.
    """

    name: str
    folder: Place
    evidence: Evidence
    rows: Rows | None

    @classmethod
    def open(cls, path: str | Path) -> _Input:
        folder = open_priors(path).path
        try:
            rows = Rows.open(path)
        except NotARun:
            rows = None
        return cls(str(path), folder, _read(folder, digests=False), rows)

    def whole(self) -> Evidence:
        """What its priors rest on."""
        return _read(self.folder, digests=True)

    def without(self, song_ids: pa.Array) -> Evidence:
        """The same with some songs left out.

        Raises:
            InputError: if the run was mined again since its priors were built.
        """
        assert self.rows is not None
        return _without(self.name, self.evidence, self.rows, song_ids)

    @property
    def song_ids(self) -> pa.Array | None:
        """Ids of the songs that count; None where they are not known."""
        members = self.evidence.members
        if members is None:
            return None
        return members.filter(pc.is_null(members["error"]))["song_id"].combine_chunks()


def _read(folder: Place, digests: bool) -> Evidence:
    try:
        return Evidence.read(lambda name: (folder / name).read_bytes(), digests)
    except FileNotFoundError as error:
        missing = Path(str(error.filename)).name
        raise InputError(
            f"{folder} lacks {missing}: it cannot be merged; build it again with `mixprior aggregate`"
        ) from error
    except InputError as error:
        raise InputError(f"{folder}: {error}") from error
    except (LookupError, TypeError, AttributeError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{folder} is damaged ({visible(str(error))}); build the priors again") from error


def _merged(inputs: Sequence[_Input], progress: Callable[[int, int], None]) -> tuple[Evidence, list[str]]:
    """Merge priors, counting every song once where that can be known; give notes on what could not."""
    notes: list[str] = []
    # Those whose songs cannot be left out go first.
    ordered = sorted(inputs, key=lambda each: each.rows is not None)
    parts: list[Callable[[], Evidence]] = []
    seen: pa.Array = pa.array([], pa.string())
    copies: list[pa.Table] = []
    _check_versions(inputs)
    notes += _different_ways(inputs)
    for each in ordered:
        ids = each.song_ids
        if ids is None:
            notes.append(f"{each.name} does not list its songs: whether the other inputs count them too is not known")
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
    merged = parts[0]()
    progress(1, len(parts))
    for done, read in enumerate(parts[1:], start=2):
        merged = Evidence.merged([merged, read()])
        progress(done, len(parts))
    dropped = sorted({name for each in inputs for name in each.evidence.group_by} - set(merged.group_by))
    if dropped:
        notes.append(f"not all are grouped by {', '.join(dropped)}: those groups are left out")
    if copies and merged.members is not None:
        merged = replace(merged, members=joined_members([merged.members, *copies]))
    return merged, notes


def _check_versions(inputs: Sequence[_Input]) -> None:
    found = {facts.get("feature_version"): each.name for each in inputs for facts in each.evidence.features.values()}
    if len(found) > 1:
        versions = "; ".join(f"{name}: version {version}" for version, name in sorted(found.items(), key=str))
        raise InputError(f"inputs were measured by different versions of mixprior ({versions}); mine the older again")


def _different_ways(inputs: Sequence[_Input]) -> list[str]:
    """Say which inputs had their stems, or their reverberation, from another model or from other settings."""
    notes = []
    for what, names in _WAYS.items():
        found: dict[tuple[str, ...], list[str]] = {}
        for each in inputs:
            for facts in each.evidence.features.values():
                way = tuple(f"{name} {str(facts[name])[:12]}" for name in names if facts.get(name) is not None)
                if each.name not in found.setdefault(way, []):
                    found[way].append(each.name)
        if any(len(of) < len(inputs) for of in found.values()):
            ways = "; ".join(f"{', '.join(way) or 'unknown'} in {', '.join(of)}" for way, of in sorted(found.items()))
            notes.append(f"{what} are not of one kind ({ways}): differences between these songs are partly those of it")
    return notes


def _without(name: str, evidence: Evidence, rows: Rows, song_ids: pa.Array) -> Evidence:
    """Return what the priors of a run rest on, without some songs. One whose rows are lost now counts as failed."""
    assert evidence.members is not None
    if members_hash(evidence.members) != members_hash(members_of(rows.songs)):
        raise InputError(f"{name} has other songs than when its priors were built: run `mixprior aggregate` again")
    calibration = None if evidence.calibration is None else json.dumps(evidence.calibration)
    grouping = Grouping(evidence.group_by, evidence.min_group, calibration)
    rest = rows.without(song_ids)
    digests: dict[str, list[Digest]] = {}
    for feature_key in rest.feature_keys:
        separated = rest.settings(feature_key)["stems"] == "separated"
        for table in rest.tables(feature_key):
            for group, digest in tally(table, rest.metadata(feature_key), grouping, separated):
                digests.setdefault(group, []).append(digest)
    merged = {group: Digest.merged(found) for group, found in digests.items()}
    return replace(Evidence.of(rest, merged, grouping, {}), versions=evidence.versions)
