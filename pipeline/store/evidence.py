"""All that a priors folder rests on: the digests, the songs counted, and how they were measured. It merges exactly."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mixprior.pipeline.store import published, seal
from mixprior.pipeline.store.layout import (
    JOINT_FILE,
    MANIFEST_FILE,
    MEMBERS_FILE,
    MOMENTS_FILE,
    PRIORS_FILE,
    STATE_FILE,
    parquet_bytes,
)
from mixprior.pipeline.store.members import LOST, joined_members, lost_from, members_hash, members_of
from mixprior.pipeline.store.rows import Rows
from mixprior.pipeline.store.state import SINCE_1_1, digests_of, moments_table, state_table
from mixprior.stats import json_document
from mixprior.stats.errors import InputError
from mixprior.stats.priors import separation_errors
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.grouping import EVERY_SONG, MIN_GROUP, Group
from mixprior.stats.priors.priors_table import joint_table, priors_table, withheld
from mixprior.stats.priors.reliability import Reliability, document
from mixprior.stats.priors.reliability_estimate import fits, reliabilities
from mixprior.stats.priors.tally import Grouping
from mixprior.stats.priors.unused import NOTHING_UNUSED, Unused, UnusedValue
from mixprior.stats.schema import MEMBERS_SCHEMA, MOMENTS_SCHEMA, SCHEMA_VERSION, STATE_SCHEMA, with_metadata
from mixprior.stats.statistic import SONG


@dataclass(frozen=True)
class Evidence:
    """What priors are made of.

    Attributes:
        digests: mergeable state by group.
        members: songs counted and songs failed, `stats.schema.MEMBERS_SCHEMA`, sorted by song id and feature key;
            None where they are not known, so that it is not known which songs two catalogs share.
        features: how the songs were measured, by feature key.
        versions: versions of the libraries, by name: several where runs of several were merged.
        group_by: columns the songs are grouped by, sorted.
        min_group: groups with fewer songs are not published.
        calibration: corrections that were applied to separated stems, as they were read; None if there were none.
        unused: values of the songs' rows that are not counted.
    """

    digests: Mapping[str, Digest]
    members: pa.Table | None
    features: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, Sequence[str]]
    group_by: tuple[str, ...] = ()
    min_group: int = MIN_GROUP
    calibration: Mapping[str, Any] | None = None
    unused: Unused = NOTHING_UNUSED

    @classmethod
    def of(cls, rows: Rows, digests: Mapping[str, Digest], grouping: Grouping, versions: Mapping[str, str]) -> Evidence:
        """Return what the priors of a run rest on.

        Args:
            rows: of the run, with the table of its songs; a song whose rows are lost counts as failed.
            digests: of the rows, by group.
            grouping: how songs were grouped and corrected.
            versions: versions of the libraries, by name.

        Raises:
            InputError: if other songs were digested than there are rows of.
        """
        members = lost_from(members_of(rows.songs), rows.lost())
        _check_counts(members, digests)
        return cls(
            digests,
            members,
            {key: rows.settings(key) for key in sorted(set(members["feature_key"].to_pylist()))},
            {name: [version] for name, version in versions.items()},
            tuple(sorted(grouping.group_by)),
            grouping.min_group,
            None if grouping.calibration is None else json.loads(grouping.calibration),
            digests[EVERY_SONG].unused if EVERY_SONG in digests else Unused(),
        )

    @classmethod
    def merged(cls, parts: Sequence[Evidence]) -> Evidence:
        """Merge the evidence of catalogs that share no song: what one run over all of them would have.

        Groupings that not all have are left out.

        Raises:
            InputError: if some were corrected for separation in another way than others.
        """
        first = parts[0]
        if any(part.calibration != first.calibration for part in parts):
            raise InputError(
                "these priors were calibrated differently: aggregate their runs again with one calibration"
            )
        group_by = tuple(sorted(set.intersection(*(set(part.group_by) for part in parts))))
        digests: dict[str, list[Digest]] = {}
        for part in parts:
            for group, digest in part.digests.items():
                if _within(group, part.group_by, group_by):
                    digests.setdefault(group, []).append(digest)
        members = [part.members for part in parts if part.members is not None]
        return cls(
            {group: Digest.merged(found) for group, found in sorted(digests.items())},
            joined_members(members) if len(members) == len(parts) else None,
            {key: facts for part in parts for key, facts in part.features.items()},
            {
                name: sorted({version for part in parts for version in part.versions.get(name, ())})
                for name in sorted({name for part in parts for name in part.versions})
            },
            group_by,
            max(part.min_group for part in parts),
            first.calibration,
            Unused.merged([part.unused for part in parts]),
        )

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Give the files of the priors folder, by name; the manifest last: readers refuse a folder without one."""
        sha256 = {}
        for name, table in self._tables():
            content = parquet_bytes(table)
            sha256[name] = hashlib.sha256(content).hexdigest()
            yield name, content
        yield MANIFEST_FILE, json.dumps(self.manifest(sha256), indent=2, sort_keys=True).encode() + b"\n"

    def _tables(self) -> Iterator[tuple[str, pa.Table]]:
        yield STATE_FILE, state_table(self.digests)
        yield MOMENTS_FILE, moments_table(self.digests)
        if self.members is not None:
            yield MEMBERS_FILE, self.members.replace_schema_metadata(_MEMBERS_METADATA)
        yield PRIORS_FILE, priors_table(self.digests, self.min_group)
        yield JOINT_FILE, joint_table(self.digests, self.min_group)

    def write(self, folder: str, beside: Mapping[str, bytes] | None = None) -> None:
        """Write the priors folder, local or an fsspec URL; of several who write it at once, one prevails.

        Args:
            folder: where to write.
            beside: other files that go with it, content by URL.

        Raises:
            InputError: if it cannot be written.
        """
        published.write(folder, self.files, beside or {})

    def manifest(self, sha256: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return what the manifest holds: counts, causes of failure, provenance, definitions and units.

        Args:
            sha256: of the other files, by name.
        """
        cells = {cell.column.name: cell.column for digest in self.digests.values() for cell in digest.cells}
        return {
            "schema_version": SCHEMA_VERSION,
            **(_counts(self.members) if self.members is not None else dict.fromkeys(_COUNTS)),
            "members_sha256": None if self.members is None else members_hash(self.members),
            "files_sha256": dict(sha256 or {}),
            "lost": []
            if self.members is None
            else self.members.filter(pc.equal(self.members["error"], LOST))["song_id"].to_pylist(),
            "group_by": list(self.group_by),
            "min_group": self.min_group,
            "withheld": withheld(self.digests, self.min_group),
            "features": {
                key: {**facts, "songs": songs}
                for key, facts in self.features.items()
                if (songs := self._songs_of(key)) != 0
            },
            "statistics": {
                name: {"unit": column.unit, "definition": column.definition, "resolution": column.resolution}
                for name, column in cells.items()
            },
            "calibration": self.calibration,
            "reliability": document(self._reliabilities()),
            "versions": {name: list(versions) for name, versions in self.versions.items()},
            **({"unused": asdict(self.unused)} if self.unused.count else {}),
        }

    def _reliabilities(self) -> tuple[Reliability, ...]:
        """Of the statistics of separated stems, where all that were separated were so by a model with known errors."""
        errors = separation_errors.shipped()
        separated = [facts for facts in self.features.values() if facts.get("stems") == "separated"]
        if EVERY_SONG not in self.digests or not separated or not all(fits(facts, errors) for facts in separated):
            return ()
        return reliabilities(self.digests[EVERY_SONG], errors)

    @classmethod
    def read(cls, read: Callable[[str], bytes], digests: bool = True) -> Evidence:
        """Read the files that `files` gave.

        Args:
            read: returns the content of a file of the folder; raises FileNotFoundError if it is not there.
            digests: whether to read the digests, which may be large; without them there are none.

        Raises:
            FileNotFoundError: if the manifest or the state is not there.
            InputError: if the state is of another version, or a file is not that of the manifest.
        """
        manifest = json_document.parse(read(MANIFEST_FILE))
        facts = json_document.decode(_Facts, manifest, others=True)

        def table(name: str, schema: pa.Schema) -> pa.Table:
            content = read(name)
            said = manifest.get("files_sha256", {}).get(name)  # older manifests do not say
            if said is not None and hashlib.sha256(content).hexdigest() != said:
                raise InputError(f"{name} is not the file that {MANIFEST_FILE} names: run `mixprior aggregate` again")
            found = seal.table(content)
            try:
                seal.check_columns(found, schema, SINCE_1_1)
            except seal.Damaged as error:
                raise InputError(f"{name} {error}: run `mixprior aggregate` again") from error
            return found

        try:
            members = table(MEMBERS_FILE, MEMBERS_SCHEMA)
        except FileNotFoundError:
            members = None
        features = {
            key: {name: value for name, value in each.items() if name != "songs"}
            for key, each in facts.features.items()
        }
        return cls(
            digests_of(table(STATE_FILE, STATE_SCHEMA), table(MOMENTS_FILE, MOMENTS_SCHEMA)) if digests else {},
            members,
            features,
            facts.versions,
            facts.group_by,
            facts.min_group,
            facts.calibration,
            facts.unused,
        )

    def grouped_by(self, group_by: Sequence[str]) -> Evidence:
        """Return the evidence of fewer groups: those by some of the columns.

        Raises:
            InputError: if it is not grouped by one of them.
        """
        for name in group_by:
            if name not in self.group_by:
                has = ", ".join(self.group_by) or "none"
                raise InputError(f"these priors are not grouped by {name} (they are by: {has})")
        kept = tuple(sorted(set(group_by)))
        digests = {group: found for group, found in self.digests.items() if _within(group, self.group_by, kept)}
        return replace(self, digests=digests, group_by=kept)

    def _songs_of(self, feature_key: str) -> int | None:
        if self.members is None:
            return None
        counted = pc.and_(pc.equal(self.members["feature_key"], feature_key), pc.is_null(self.members["error"]))
        return int(pc.sum(counted).as_py() or 0)


@dataclass(frozen=True)
class _Facts:
    """What is read of a manifest."""

    features: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, tuple[str, ...]]
    group_by: tuple[str, ...]
    min_group: int
    calibration: Mapping[str, Any] | None
    unused: Unused = NOTHING_UNUSED


def unused_of(manifest: Mapping[str, Any]) -> Unused:
    """Return the values that are not counted in priors, by their manifest, which has an entry only where there are."""
    found = manifest.get("unused", {"count": 0, "first": []})
    return Unused(found["count"], tuple(UnusedValue(**value) for value in found["first"]))


_COUNTS = ("songs", "hours", "duplicates", "failed", "failures")
_MEMBERS_METADATA = with_metadata(MEMBERS_SCHEMA).metadata


def _check_counts(members: pa.Table, digests: Mapping[str, Digest]) -> None:
    counted = digests[EVERY_SONG].rows_of(SONG, "duration_s") if EVERY_SONG in digests else 0
    there = members["error"].null_count
    if counted != there:
        raise InputError(
            f"rows of {counted} songs were read, but there are rows of {there}: another run changed them meanwhile; "
            "aggregate again"
        )


def _counts(members: pa.Table) -> dict[str, Any]:
    errors = [error for error in members["error"].to_pylist() if error]
    milliseconds = pc.round(pc.multiply(members["duration_s"], 1000.0))  # whole numbers sum the same in any order
    return {
        "songs": len(members) - len(errors),
        "hours": round((pc.sum(milliseconds).as_py() or 0.0) / 3_600_000, 6),
        "duplicates": pc.sum(members["copies"]).as_py() or 0,
        "failed": len(errors),
        "failures": dict(sorted(Counter(errors).items())),
    }


def _within(group: str, grouped_by: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a group is one of those that grouping by the wanted columns alone gives."""
    return set(Group.parse(group, grouped_by).columns) <= set(wanted)
