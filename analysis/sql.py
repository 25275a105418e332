"""SQL over priors and the songs of their run, by DuckDB: read-only, without access to any other file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from mixprior.analysis.priors import open_priors
from mixprior.pipeline.store.layout import (
    ARCHIVE_FOLDER,
    JOINT_FILE,
    LOOSE_FOLDER,
    LOOSE_PATTERN,
    PARTS_PATTERN,
    PRIORS_FILE,
    SONGS_FILE,
)
from mixprior.stats.errors import InputError
from mixprior.stats.schema import PRIORS_SCHEMA


def sql(path: str | Path, query: str) -> list[dict[str, Any]]:
    """Answer one SELECT over the views `priors`, `joint`, `songs` and `features`, those that the folder has.

    `features` has a row a song and stem, with the `feature_key` of its file, so that it joins `songs` by `song_id` and
    `feature_key`. `group` is a word of SQL: write it as "group".

    Args:
        path: priors folder, or the output folder of a run.
        query: one SELECT statement.

    Returns:
        A mapping of column to value for each row; None for null, and for NaN and infinity.

    Raises:
        InputError: if DuckDB is not installed, or the query is no SELECT or wrong.
        NotPriors: if there are no priors.
    """
    try:
        import duckdb
    except ImportError as error:
        raise InputError("SQL needs DuckDB: pip install 'mixprior[sql]'") from error
    folder = open_priors(path).path.resolve()
    run = folder.parent if (folder.parent / SONGS_FILE).is_file() else folder
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        for view in _views(folder, run):
            connection.execute(view)
        for guard in (
            f"SET allowed_directories = [{_quoted(run)}, {_quoted(folder)}]",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            connection.execute(guard)
        try:
            statements = connection.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise InputError("--sql takes one SELECT: priors are only read")
            answer = connection.execute(statements[0])
            names = [column[0] for column in answer.description or ()]
            rows = answer.fetchall()
        except duckdb.Error as error:
            raise InputError(f"SQL: {str(error).splitlines()[0]}") from error
    return _records(names, rows)


def _views(folder: Path, run: Path) -> Iterator[str]:
    priors = folder / PRIORS_FILE
    there = set(pq.read_schema(priors).names)
    columns = ", ".join(
        f'"{name}"' if name in there else f'NULL::{"VARCHAR" if name == "parent" else "DOUBLE"} AS "{name}"'
        for name in PRIORS_SCHEMA.names
    )
    yield f"CREATE VIEW priors AS SELECT {columns} FROM read_parquet({_quoted(priors)})"  # nosec B608 # quoted
    for name, file in (("joint", folder / JOINT_FILE), ("songs", run / SONGS_FILE)):
        if file.is_file():
            yield f'CREATE VIEW "{name}" AS SELECT * FROM read_parquet({_quoted(file)})'  # nosec B608 # quoted
    literal = re.sub(r"([*?\[])", r"[\1]", str(run))
    globs = [
        _quoted(f"{literal}/{pattern}") for pattern in (LOOSE_PATTERN, PARTS_PATTERN) if next(run.glob(pattern), None)
    ]
    # A song that was mined again has a file beside its archived row until the archive is compacted.
    newest = (
        " QUALIFY row_number() OVER (PARTITION BY song_id, stem, feature_key "
        f"ORDER BY contains(filename, '/{LOOSE_FOLDER}/') DESC, filename DESC) = 1"
    )
    if globs:
        yield (
            "CREATE VIEW features AS SELECT * EXCLUDE (filename), "  # nosec B608 # quoted
            rf"regexp_extract(filename, '({LOOSE_FOLDER}|{ARCHIVE_FOLDER})/([^/]+)/[^/]+(/[^/]+)?$', 2) AS feature_key "
            f"FROM read_parquet([{', '.join(globs)}], union_by_name = true, filename = true)"
            + (newest if len(globs) > 1 else "")
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
