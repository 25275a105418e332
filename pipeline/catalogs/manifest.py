"""Manifests: CSV, JSONL or Parquet tables that list songs and their metadata."""

from __future__ import annotations

import csv
import json
import os
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mixprior.pipeline.catalogs import column_types, song_folder
from mixprior.pipeline.store import sources
from mixprior.pipeline.store.records import InputError, Song, SongError
from mixprior.stats.visible import csv_text, visible

Row = tuple[int, Mapping[str, Any]]
"""Number of its line (of Parquet: its row), from 1, and its cells by column."""

_STEM_COLUMNS = ("vocals", "drums", "bass", "other")
_PATH_COLUMNS = ("path", *_STEM_COLUMNS, "mixture")
_MAX_LINE_BYTES = 1 << 20


def songs(location: str) -> Iterator[Song]:
    """Yield the songs of a manifest, in its order.

    `path` names a file, or a folder of stems. It is absolute, or relative to the manifest's folder and within it; a
    link that leads out of it is found when the song is read, and is that song's failure.
    The columns `vocals`, `drums`, `bass`, `other` and `mixture`, where they are filled, name the song's stems and
    its mixture; without `mixture` it is `path` if that is audio, else the sum of the stems. All other columns are
    metadata: each column has one type (bool, int, float or str), that of all its cells.

    The manifest is read twice, so that every fault is reported before the first song is yielded. Of the first time 8
    bytes a row are kept.

    Args:
        location: local path or fsspec URL, ending in .csv, .jsonl, .ndjson or .parquet.

    Raises:
        InputError: with the line (of Parquet: the row) and its fault.
    """
    kind_of = _READERS[_suffix(location)][1]
    kinds: dict[str, str | None] = {}
    hashes = array("q")
    for _, row, song in _read(location, {}):
        hashes.append(hash(song.path))
        for name, value in row.items():
            if name not in _PATH_COLUMNS:
                kinds[name] = column_types.common(
                    kinds.get(name), None if column_types.is_missing(value) else kind_of(value)
                )
    _refuse_duplicates(location, np.frombuffer(hashes, np.int64) if hashes else np.empty(0, np.int64))
    casts = {name: column_types.CASTS[kind or "str"] for name, kind in kinds.items()}
    return (song for _, _, song in _read(location, casts))


def _refuse_duplicates(location: str, hashes: np.ndarray) -> None:
    """Refuse paths that are listed twice; only where two have one hash, the manifest is read again to compare them."""
    ordered = np.sort(hashes)
    twice = set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())
    numbers: dict[str, int] = {}
    for number, row, song in _read(location, {}) if twice else ():
        if hash(song.path) in twice:
            first = numbers.setdefault(song.path, number)
            if first != number:
                raise InputError(f"{_where(location, number)}: {row['path']} is listed twice, first in {first}")


def _read(location: str, casts: Mapping[str, Callable]) -> Iterator[tuple[int, Mapping[str, Any], Song]]:
    folder = os.path.dirname(location)
    for number, row in _READERS[_suffix(location)][0](location):
        try:
            yield number, row, _song(folder, row, casts)
        except InputError as error:
            raise InputError(f"{_where(location, number)}: {error}") from error


def is_manifest(location: str) -> bool:
    """Whether a file is a manifest by its name."""
    return _suffix(location) in _READERS


def _suffix(location: str) -> str:
    return os.path.splitext(location)[1].lower()


def _where(location: str, number: int) -> str:
    return f"{os.path.basename(location)}, {'row' if _suffix(location) == '.parquet' else 'line'} {number}"


def _song(folder: str, row: Mapping[str, Any], casts: Mapping[str, Callable]) -> Song:
    named = {
        column: _resolve(column, row[column], folder)
        for column in _PATH_COLUMNS
        if column in row and not column_types.is_missing(row[column])
    }
    if "path" not in named:
        raise InputError("no `path`")
    metadata = tuple(
        (name, None if column_types.is_missing(row.get(name)) else cast(row[name])) for name, cast in casts.items()
    )
    path = named["path"]
    root = None if os.path.isabs(sources.local_path(row["path"])) or sources.is_remote(path) else folder
    if len(named) == 1 and not song_folder.is_audio(path) and sources.is_folder(path):
        return _folder_song(row["path"], Song(path, metadata=metadata, root=root))
    if len(named) == 1:
        return Song(path, metadata=metadata, root=root)
    stems = tuple((name, named[name]) for name in sorted(_STEM_COLUMNS) if name in named)
    mixture = named.get("mixture", path if song_folder.is_audio(path) else None)
    if "vocals" not in named or (len(stems) == 1 and mixture is None):
        raise InputError("stems need `vocals` and at least one more stem or the mixture")
    return Song(path, stems, mixture, metadata, root)


def _folder_song(text: str, found: Song) -> Song:
    """Return a song as the folder of its stems; of a folder outside the root, nothing is looked at."""
    if found.root is not None and sources.leads_out(found.path, found.root):
        return found
    song = song_folder.stem_song(found.path, sources.file_names(found.path), found.root)
    if song is None:
        raise InputError(f"the folder {text} does not hold the stems of a song")
    return replace(song, metadata=found.metadata)


def _resolve(column: str, text: object, folder: str) -> str:
    """Return the path in a cell: a URL or absolute path as it is, a relative path from the manifest's folder."""
    if not isinstance(text, str):
        raise InputError(f"`{column}` is {text!r}, not a path")
    if "\0" in text:
        raise InputError(f"`{column}` holds a NUL character")
    try:
        text.encode(errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise InputError(f"`{column}` holds half a character: {text!r}") from error
    if sources.is_remote(text):
        sources.need_driver(text)
        return text
    path = sources.local_path(text)
    if os.path.isabs(path):
        if sources.is_remote(folder):
            raise InputError(f"`{column}` is a local path in a remote manifest: {path}")
        return path
    path = os.path.normpath(path)
    if path == ".." or path.startswith("../"):
        raise InputError(f"`{column}` leads out of the manifest's folder: {text}; give an absolute path instead")
    return os.path.join(folder, path)


def _csv_rows(location: str) -> Iterator[Row]:
    reader = csv.reader((text for _, text in _lines(location)), strict=True)
    try:
        header = next(reader)
        _need_path(header, _where(location, 1))
        for cells in reader:
            if cells and len(cells) != len(header):
                where = _where(location, reader.line_num)
                raise InputError(f"{where}: {len(cells)} cells, but the header has {len(header)}")
            if cells:
                texts = (csv_text(cell) if cell[:1] == "'" else cell for cell in cells)
                yield reader.line_num, dict(zip(header, texts, strict=True))
    except csv.Error as error:
        raise InputError(f"{_where(location, reader.line_num)}: {error}") from error


def _jsonl_rows(location: str) -> Iterator[Row]:
    for number, text in _lines(location):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (RecursionError, ValueError) as error:
            if not isinstance(error, json.JSONDecodeError):
                raise InputError(
                    f"{_where(location, number)}: no JSON: nested too deeply, or a number too long"
                ) from error
            raise InputError(f"{_where(location, number)}: no JSON: {error.msg} at column {error.colno}") from error
        if not isinstance(row, dict):
            raise InputError(f"{_where(location, number)}: no JSON object")
        if "path" not in row:
            raise InputError(f"{_where(location, number)}: no `path` among {', '.join(row) or 'no keys'}")
        yield number, row


def _parquet_rows(location: str) -> Iterator[Row]:
    with _open(location) as file:
        try:
            table = pq.ParquetFile(file)
            _need_path(table.schema_arrow.names, os.path.basename(location))
            rows = (row for batch in table.iter_batches(4096) for row in batch.to_pylist())
            yield from enumerate(rows, 1)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InputError(f"{location} is no readable Parquet file: {visible(str(error))}") from error


def _lines(location: str) -> Iterator[tuple[int, str]]:
    """Yield (number, text) of the lines of a file in UTF-8, with or without a byte order mark."""
    number = 0
    with _open(location) as file:
        while line := file.readline(_MAX_LINE_BYTES):
            number += 1
            if len(line) == _MAX_LINE_BYTES:
                raise InputError(f"{_where(location, number)}: longer than {_MAX_LINE_BYTES} bytes")
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InputError(f"{_where(location, number)}: not UTF-8 text; save the manifest as UTF-8") from error
    if not number:
        raise InputError(f"{_where(location, 1)}: the manifest is empty")


def _open(location: str) -> Any:
    try:
        return sources.open_file(location)
    except SongError as error:
        raise InputError(f"{location} {error}") from error


def _need_path(columns: Sequence[str], where: str) -> None:
    if "path" not in columns:
        raise InputError(f"{where}: no column called `path` among {', '.join(columns) or 'none'}")
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise InputError(f"{where}: the column {twice[0]} appears twice")


_READERS: dict[str, tuple[Callable[[str], Iterator[Row]], Callable[[Any], str]]] = {
    ".csv": (_csv_rows, column_types.of_text),
    ".jsonl": (_jsonl_rows, column_types.of_value),
    ".ndjson": (_jsonl_rows, column_types.of_value),
    ".parquet": (_parquet_rows, column_types.of_value),
}
