"""Priors: opened, checked and queried."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import and_
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mixprior.analysis.errors import NotPriors, PriorsLookupError, PriorsVersionError
from mixprior.analysis.reliability import Reliabilities
from mixprior.pipeline.store.layout import MANIFEST_FILE, PRIORS_FILE, PRIORS_FOLDER
from mixprior.pipeline.store.places import Place, place
from mixprior.stats import json_document
from mixprior.stats.errors import InputError
from mixprior.stats.priors.grouping import EVERY_SONG as EVERY_SONG
from mixprior.stats.schema import PRIORS_SCHEMA, SCHEMA_VERSION

if TYPE_CHECKING:
    import pandas as pd

    from mixprior.analysis.constants.constants import Constants

PACKAGED = {name: Path(__file__).parent / "packaged" / f"{name}_priors" for name in ("published", "starter")}
"""Priors that come with mixprior, by name; `analysis.packaged` builds them."""

_CHOICES_SHOWN = 30
_SINCE_1_1 = set(PRIORS_SCHEMA.names[PRIORS_SCHEMA.names.index("n_silent") :])
"""Columns that files of the first layout do not have; they read as null."""


@dataclass(frozen=True)
class Prior:
    """One scalar statistic of one stem, over one group of songs.

    Attributes:
        group: "all", or a value of a manifest column ("genre=rock").
        stem: "vocals", ..., "backing", "mixture"; "song" for facts about the whole song.
        statistic: its name, with its unit at the end.
        unit: unit of the numbers.
        n: songs it was measured on; 0 also for a published mean whose number of songs is not known.
        n_missing: songs where it could not be measured.
        mean: arithmetic mean; like all that follow, None where nothing was measured.
        sd: sample standard deviation; None if n is below 2.
        min: smallest value.
        max: largest value.
        p5: quantile, as are the others of this kind; p50 is the median.
    """

    group: str
    stem: str
    statistic: str
    unit: str
    n: int
    n_missing: int
    mean: float | None
    sd: float | None
    min: float | None
    max: float | None
    p5: float | None
    p10: float | None
    p25: float | None
    p50: float | None
    p75: float | None
    p90: float | None
    p95: float | None
    n_silent: int | None = None
    se: float | None = None
    mean_low: float | None = None
    mean_high: float | None = None
    median_low: float | None = None
    median_high: float | None = None
    trimmed_mean: float | None = None
    weighted_mean: float | None = None
    shrunk_mean: float | None = None
    shrinkage: float | None = None
    parent: str | None = None
    n_absent: int | None = None
    share_present: float | None = None
    share_present_low: float | None = None
    share_present_high: float | None = None
    median_level: float | None = None
    median_interpolated_low: float | None = None
    median_interpolated_high: float | None = None


@dataclass(frozen=True)
class Priors:
    """An opened priors folder. Make one with `open_priors`; rows are read from disk by each query.

    Attributes:
        path: the folder that holds `priors.parquet` and `manifest.json`: a `Path`, or a `RemotePath` of a store.
        manifest: facts about the run: songs, groups, definitions, versions.
    """

    path: Place
    manifest: Mapping[str, Any]

    def file(self, name: str) -> Any:
        """Return one of the files beside the manifest as Arrow reads it: its path; of a remote one, its content.

        Raises:
            NotPriors: if it is not the file that the manifest names.
            FileNotFoundError: if the manifest names it and it is gone.
        """
        if name not in self._fetched:
            content = _check_digest(self.path, self.manifest, name)
            if isinstance(self.path, Path):
                return self.path / name
            self._fetched[name] = content or (self.path / name).read_bytes()
        return pa.BufferReader(self._fetched[name])

    @cached_property
    def _fetched(self) -> dict[str, bytes]:
        """Content of files of an object store, each fetched once."""
        return {}

    @cached_property
    def reliabilities(self) -> Reliabilities:
        """How far the statistics of separated stems can be relied on."""
        return Reliabilities.of(self.manifest)

    @cached_property
    def contents(self) -> list[dict[str, Any]]:
        """What the priors hold: group, stem, statistic, unit, `n`, and the number of `bins` (0 for a scalar)."""
        keys = ["group", "stem", "statistic", "unit"]
        rows = self._read(columns=[*keys, "n", "bin"])
        counted = rows.group_by(keys, use_threads=False).aggregate([("n", "max"), ("bin", "count")])
        return counted.rename_columns({"n_max": "n", "bin_count": "bins"}).to_pylist()

    def query(
        self,
        stem: str | None = None,
        statistic: str | None = None,
        group: str | None = None,
        *,
        vectors: bool = False,
    ) -> pd.DataFrame:
        """Return rows of the priors as a pandas frame; arguments and errors are those of `rows`.

        >>> ratio = open_priors("published").query("song", "vocal_to_backing_lu")
        >>> ratio[["group", "n", "mean", "p50"]].round(2).head(2)
                       group    n  mean   p50
        0                all  150 -2.35 -1.96
        1  source=li-musdb18  150 -2.35 -1.96
        """
        import pandas as pd  # here, because it takes longer to load than a lookup takes

        found = self.rows(stem, statistic, group, vectors=vectors)
        return found.to_pandas(types_mapper={pa.int32(): pd.Int32Dtype()}.get)

    def rows(
        self,
        stem: str | None = None,
        statistic: str | None = None,
        group: str | None = None,
        *,
        vectors: bool = False,
    ) -> pa.Table:
        """Return rows of the priors: `mixprior.stats.schema.PRIORS_SCHEMA`, in the order of the file.

        Args:
            stem: only this stem; None for all.
            statistic: only this statistic, its words joined by `_` or `-`; None for all.
            group: only this group; None for all.
            vectors: whether to include the bins of vectors; those of a `statistic` that is named are always included.

        Raises:
            PriorsLookupError: if there is no such stem, statistic or group; the message lists those there are.
            NotPriors: if the file turns out to be damaged.
        """
        named = {"stem": stem, "statistic": statistic and statistic.replace("-", "_"), "group": group}
        wanted = {column: name for column, name in named.items() if name is not None}
        conditions = [pc.field(column) == name for column, name in wanted.items()]
        if statistic is None and not vectors:
            conditions.append(pc.field("bin").is_null())
        found = self._read(reduce(and_, conditions) if conditions else None)
        if not len(found):
            self._check(wanted)
        return found

    def lookup(self, stem: str, statistic: str, group: str = EVERY_SONG) -> Prior:
        """Return the prior of one scalar statistic.

        Raises:
            PriorsLookupError: if there is none, or the statistic is a vector.
            NotPriors: if the file turns out to be damaged.

        >>> open_priors("starter").lookup("vocals", "integrated_lufs").n
        22
        """
        row, *more = self.rows(stem, statistic, group).to_pylist()
        if row.pop("bin") is not None:
            raise PriorsLookupError(f"{statistic} of {stem} is a vector of {1 + len(more)} bins: use rows() or query()")
        del row["bin_hz"]
        return Prior(**row)

    def constants(
        self, *, group: str = EVERY_SONG, stems: Sequence[str] | None = None, weighted: bool = False
    ) -> Constants:
        """Return what FxNorm-automix's effect normalisation brings stems to: means over songs, by effect and stem.

        Args:
            group: group of songs.
            stems: whose constants; None for vocals, drums, bass and other.
            weighted: whether songs weigh by the confidence in their separation.

        Raises:
            PriorsLookupError: if the priors lack the group, a stem or its spectra.
            InputError: if a statistic was measured on no song of the group.

        >>> found = open_priors("starter").constants()
        >>> found.features["eq"]["vocals"].shape, found.n["eq"]["vocals"]
        ((32769,), 22)
        """
        from mixprior.analysis.constants.constants import STEMS, of_priors

        return of_priors(self, group, STEMS if stems is None else stems, weighted)

    def _check(self, wanted: Mapping[str, str]) -> None:
        """Refuse the first name that no row has among the rows with the names before it."""
        found, among = self.contents, ""
        for column, name in wanted.items():
            choices = {row[column] for row in found}
            hidden = (self.manifest.get("withheld") or {}) if column == "group" else {}
            if name in hidden:
                least = self.manifest.get("min_group")
                raise PriorsLookupError(
                    f"the group {name!r} in {self.path} has {hidden[name]} songs; groups below {least} are withheld: "
                    "query a group that contains it, or run `mixprior aggregate --min-group`"
                )
            if name not in choices:
                owners = sorted({row["stem"] for row in self.contents if row[column] == name})
                hint = f"it belongs to {', '.join(owners)}" if owners else suggest(name, choices)
                raise PriorsLookupError(f"no {column} {name!r}{among} in {self.path}; {hint}")
            found = [row for row in found if row[column] == name]
            among = f"{among} of {name}"

    def _read(self, condition: pc.Expression | None = None, columns: Sequence[str] = PRIORS_SCHEMA.names) -> pa.Table:
        file = self.path / PRIORS_FILE if isinstance(self.path, Path) else self.file(PRIORS_FILE)
        schema = pa.schema([PRIORS_SCHEMA.field(name) for name in columns])
        try:
            there = set(pq.read_schema(file).names)  # an older file lacks some, and Arrow would not pass over them
            table = pq.read_table(file, columns=[name for name in columns if name in there], filters=condition)
            for field in schema:
                if field.name not in there:
                    table = table.append_column(field, pa.nulls(len(table), field.type))
            return table.select(list(columns)).cast(schema)
        except (OSError, ValueError, pa.ArrowException) as error:
            damaged = self.path / PRIORS_FILE
            raise NotPriors(f"{damaged} is damaged ({_first_line(error)}); build the priors again") from error


def open_priors(path: str | Place) -> Priors:
    """Open a priors folder, the output folder of a run (its `priors` folder is taken), or packaged priors.

    Args:
        path: a folder, local or an fsspec URL (`s3://`, `gs://`); "published" or "starter", unless a folder here is
            called that, names priors that come with mixprior.

    Raises:
        NotPriors: if there are no priors there, or they are damaged or foreign.
        PriorsVersionError: if they are of another version of the layout.

    >>> open_priors("published").lookup("song", "vocal_to_backing_lu").p50
    -1.96
    """
    folder = place(path)
    if str(path) in PACKAGED and not folder.is_dir():
        folder = PACKAGED[str(path)]
    if not (folder / PRIORS_FILE).is_file() and (folder / PRIORS_FOLDER / PRIORS_FILE).is_file():
        folder = folder / PRIORS_FOLDER
    file = folder / PRIORS_FILE
    if not file.is_file():
        named = f", or {' or '.join(PACKAGED)}" if folder.name == str(path) else ""
        raise NotPriors(f"{folder} holds no {PRIORS_FILE}; give the folder that `mixprior mine` wrote{named}")
    content = None if isinstance(file, Path) else file.read_bytes()
    try:
        schema = pq.read_schema(file if content is None else pa.BufferReader(content))
    except (OSError, pa.ArrowException) as error:
        raise NotPriors(f"{file} is not Parquet, or cut short; build the priors again") from error
    _check_version(file, schema)
    try:
        manifest = json_document.parse((folder / MANIFEST_FILE).read_bytes())
    except (OSError, InputError) as error:
        raise NotPriors(f"{folder / MANIFEST_FILE} is missing or damaged; build the priors again") from error
    _check_digest(folder, manifest, PRIORS_FILE, content)
    priors = Priors(folder, manifest)
    if content is not None:
        priors._fetched[PRIORS_FILE] = content
    return priors


def _check_digest(folder: Place, manifest: Mapping[str, Any], name: str, content: bytes | None = None) -> bytes | None:
    """Refuse a file that is not that of the manifest: damaged, or written by another run since.

    Args:
        folder: of the priors.
        manifest: of the priors.
        name: of the file.
        content: of the file, where it was read already.

    Returns:
        Its content, where it was read.
    """
    said = manifest.get("files_sha256")
    sha256 = said.get(name) if isinstance(said, dict) else None  # older priors have none
    if sha256 is None:
        return content
    content = (folder / name).read_bytes() if content is None else content
    if hashlib.sha256(content).hexdigest() != sha256:
        raise NotPriors(
            f"{folder / name} is not the file that {MANIFEST_FILE} names: it is damaged, or a run is writing it "
            "now; build the priors again if this stays so"
        )
    return content


def _check_version(file: Place, schema: pa.Schema) -> None:
    """Accept the major version that this code reads; columns it does not know are ignored."""
    text = (schema.metadata or {}).get(b"schema_version", b"").decode("utf-8", "replace")
    major = text.split(".")[0]
    if not major.isdecimal():
        raise NotPriors(f"{file} is Parquet, but names no schema_version: these are not priors of mixprior")
    if int(major) > SCHEMA_VERSION:
        remedy = "update mixprior to read them"
    elif int(major) < SCHEMA_VERSION:
        remedy = "build them again with `mixprior mine`"
    else:
        missing = sorted({field.name for field in PRIORS_SCHEMA} - set(schema.names) - _SINCE_1_1)
        if not missing:
            return
        remedy = f"and lack {', '.join(missing)}: build them again with `mixprior mine`"
    raise PriorsVersionError(f"{file}: priors of version {text}, this mixprior reads {SCHEMA_VERSION}; {remedy}")


def suggest(name: str, choices: Iterable[str]) -> str:
    """Return a hint: the choice nearest to an unknown name, and all choices as far as they fit a message."""
    ordered = sorted(choices)
    close = difflib.get_close_matches(name, ordered, n=1)
    more = len(ordered) - _CHOICES_SHOWN
    listed = ", ".join(ordered[:_CHOICES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return (f"did you mean {close[0]}? " if close else "") + f"there are: {listed}"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
