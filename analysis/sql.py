"""SQL over priors and the songs of their run, by DuckDB: read-only, within limits, without access to any other file."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mixprior.analysis.priors import Priors, open_priors
from mixprior.pipeline.store import files, object_store
from mixprior.pipeline.store.layout import (
    ARCHIVE_FOLDER,
    JOINT_FILE,
    LOOSE_FOLDER,
    LOOSE_PATTERN,
    PARTS_PATTERN,
    PRIORS_FILE,
    SONGS_FILE,
    TABLES_FOLDER,
)
from mixprior.pipeline.store.places import Place, RemotePath
from mixprior.stats.errors import InputError
from mixprior.stats.schema import PRIORS_SCHEMA, SHARDS_SCHEMA

TIME_LIMIT_S = 60.0
MEMORY_LIMIT_MB = 2048
_MOST_ROWS = 1_000_000
_ROWS_AT_A_TIME = 10_000
_TRIES = 4
"""Times that files are listed and read: a run that packs rows removes some in between."""


def sql(
    path: str | Path, query: str, *, time_limit_s: float = TIME_LIMIT_S, memory_limit_mb: int = MEMORY_LIMIT_MB
) -> list[dict[str, Any]]:
    """Answer one SELECT over the views `priors`, `joint`, `songs` and `features`, those that the folder has.

    `features` has a row a song and stem, with the `feature_key` of its file, so that it joins `songs` by `song_id` and
    `feature_key`. `group` is a word of SQL: write it as "group".

    Args:
        path: priors folder, or the output folder of a run, local or an fsspec URL.
        query: one SELECT statement.
        time_limit_s: seconds that the answer may take.
        memory_limit_mb: megabytes that DuckDB may take; nothing is moved to disk. An answer has 1,000,000 rows at most.

    Returns:
        A mapping of column to value for each row; None for null, and for NaN and infinity.

    Raises:
        InputError: if DuckDB is not installed, the query is no SELECT, is wrong or exceeds a limit, or a limit is not
            above 0.
        NotPriors: if there are no priors.
    """
    try:
        import duckdb
    except ImportError as error:
        raise InputError("SQL needs DuckDB: pip install 'mixprior[sql]'") from error
    if not (0 < time_limit_s < math.inf and memory_limit_mb >= 1):
        raise InputError(f"limits of {time_limit_s:g} s and {memory_limit_mb} MB: both must be above 0")
    priors = open_priors(path)
    folder = priors.path.resolve() if isinstance(priors.path, Path) else priors.path
    run = folder.parent if (folder.parent / SONGS_FILE).is_file() else folder
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "python_enable_replacements": "false",  # else a name that is no view is looked up among our own variables
        "memory_limit": f"{memory_limit_mb}MB",
        "temp_directory": "",
    }
    try:
        for tries_left in reversed(range(_TRIES)):
            with duckdb.connect(config=config) as connection:
                try:
                    _make_views(connection, priors, folder, run)
                    names, rows = _answered(connection, query, time_limit_s)
                    break
                except (duckdb.IOException, FileNotFoundError) as error:  # a file that was listed is gone
                    if not tries_left:
                        raise InputError(
                            f"SQL: files of {run} went while they were read: a run is packing rows; ask again"
                        ) from error
    except duckdb.InterruptException as error:
        raise InputError(f"SQL: no answer within {time_limit_s:g} s: narrow the query, or raise the limit") from error
    except duckdb.OutOfMemoryException as error:
        raise InputError(f"SQL: takes more than {memory_limit_mb} MB: narrow the query, or raise the limit") from error
    except duckdb.Error as error:
        raise InputError(f"SQL: {str(error).splitlines()[0]}") from error
    return _records(names, rows)


def _make_views(connection: Any, priors: Priors, folder: Place, run: Place) -> None:
    """Make the views, and forbid everything else."""
    songs = _songs_of(priors, run)
    if isinstance(folder, RemotePath):  # read in place: DuckDB asks for the ranges that it needs
        connection.register_filesystem(object_store.for_queries(folder.url))
    for view in _views(priors, folder, run, songs):
        connection.execute(view)
    of_songs = [run / SONGS_FILE] if songs is None else _files_of(songs, run)
    tables = ", ".join(map(_quoted, (folder / PRIORS_FILE, folder / JOINT_FILE, *of_songs)))
    rows_in = ", ".join(map(_quoted, (run / LOOSE_FOLDER, run / ARCHIVE_FOLDER)))
    for guard in (
        f"SET allowed_paths = [{tables}]",
        f"SET allowed_directories = [{rows_in}]",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ):
        connection.execute(guard)


def _answered(connection: Any, query: str, time_limit_s: float) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names of the columns, and rows."""
    import duckdb

    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise InputError("--sql takes one SELECT: priors are only read")
    with _interrupted_after(connection, time_limit_s):
        answer = connection.execute(statements[0])
        return [column[0] for column in answer.description or ()], _rows(answer)


@contextmanager
def _interrupted_after(connection: Any, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _rows(answer: Any) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    while part := answer.fetchmany(_ROWS_AT_A_TIME):
        rows += part
        if len(rows) > _MOST_ROWS:
            raise InputError(f"SQL: more than {_MOST_ROWS} rows: end the query with LIMIT")
    return rows


def _songs_of(priors: Priors, run: Place) -> Place | None:
    """The table of songs that the priors are of: that of the run that ended last, or another run's in the folder."""
    own = priors.manifest.get("members_sha256")
    others = (f"{TABLES_FOLDER}/{name}" for name in files.below(f"{run}/{TABLES_FOLDER}") if name.endswith(".parquet"))
    for table in (run / name for name in (SONGS_FILE, *others)):
        if table.is_file():
            known = (_table(table).schema.metadata or {}).get(b"members_sha256", b"").decode()
            if own is None or known in ("", own):  # older ones do not say
                return table
    return None


def _files_of(songs: Place, run: Place) -> list[Place]:
    """The files that hold a table of songs: itself, or the shards that it names."""
    table = _table(songs)
    if table.schema.names != SHARDS_SCHEMA.names:
        return [songs]
    return [run / TABLES_FOLDER / f"{name}.parquet" for name in table["table"].to_pylist()]


def _table(songs: Place) -> pa.Table:
    try:
        return files.read_table(str(songs))
    except pa.ArrowException as error:
        raise InputError(f"{songs} is damaged: run `mixprior mine` again") from error


def _views(priors: Priors, folder: Place, run: Place, songs: Place | None) -> Iterator[str]:
    there = set(pq.read_schema(priors.file(PRIORS_FILE)).names)
    columns = ", ".join(
        f'"{name}"' if name in there else f'NULL::{"VARCHAR" if name == "parent" else "DOUBLE"} AS "{name}"'
        for name in PRIORS_SCHEMA.names
    )
    whole = _quoted(folder / PRIORS_FILE)
    yield f"CREATE VIEW priors AS SELECT {columns} FROM read_parquet({whole})"  # nosec B608 # quoted
    joint = [folder / JOINT_FILE] if (folder / JOINT_FILE).is_file() else []
    for name, found in (("joint", joint), ("songs", [] if songs is None else _files_of(songs, run))):
        if found:
            quoted = ", ".join(map(_quoted, found))
            yield f'CREATE VIEW "{name}" AS SELECT * FROM read_parquet([{quoted}])'  # nosec B608 # quoted
    literal = re.sub(r"([*?\[])", r"[\1]", str(run))
    globs = [
        _quoted(f"{literal}/{pattern}")
        for place, pattern in ((LOOSE_FOLDER, LOOSE_PATTERN), (ARCHIVE_FOLDER, PARTS_PATTERN))
        if any(name.endswith(".parquet") for name in files.below(f"{run}/{place}"))
    ]
    # A song that was mined again has a file beside its archived row, or is in a later part too.
    newest = (
        " QUALIFY row_number() OVER (PARTITION BY song_id, stem, feature_key "
        f"ORDER BY contains(filename, '/{LOOSE_FOLDER}/') DESC, filename DESC) = 1"
    )
    if globs:
        yield (
            "CREATE VIEW features AS SELECT * EXCLUDE (filename), "  # nosec B608 # quoted
            rf"regexp_extract(filename, '({LOOSE_FOLDER}|{ARCHIVE_FOLDER})/([^/]+)/[^/]+(/[^/]+)?$', 2) AS feature_key "
            f"FROM read_parquet([{', '.join(globs)}], union_by_name = true, filename = true)" + newest
        )


def _quoted(text: object) -> str:
    """Return text as a literal of SQL."""
    return "'" + str(text).replace("'", "''") + "'"


def _records(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"SQL: two columns are called {name}: name them with AS")
    return [{name: _plain(value) for name, value in zip(names, row, strict=True)} for row in rows]


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return value if value is None or isinstance(value, bool | int | str) else str(value)
