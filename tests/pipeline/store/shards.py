"""Where the songs of a table are stored."""

from __future__ import annotations

from pathlib import Path

from mixprior.pipeline.store import files
from mixprior.pipeline.store.layout import RunFolder, table_in


def shards_of(path: str | Path) -> list[str]:
    """Paths of the shards of a table of songs, or its own if it has none; the table of a run, by its folder, too."""
    names = files.read_table(table_in(path)).to_pydict().get("table")
    return [table_in(path)] if names is None else [RunFolder.at(path).table(name) for name in names]
