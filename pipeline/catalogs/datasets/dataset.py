"""The interface of a dataset to `mixprior catalog build`, and readers of metadata files.

A dataset is a module with `tracks(root) -> list[Track]`, and its line in `DATASETS`.

Layouts are read here, not by mirdata 1.0: of the five it has GTZAN (`gtzan_genre`) and parts of three others
(`fma_keys`, `mtg_jamendo_autotagging_moodtheme`, `medleydb_melody` and `medleydb_pitch`: some of the tracks, without
genre, title or mix), of MUSDB18 nothing; and each loader needs an index that it fetches over the network first.
"""

from __future__ import annotations

import csv
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mixprior.pipeline.store.records import InputError, MetadataValue

DATASETS = {
    "fma": "mixprior.pipeline.catalogs.datasets.fma",
    "jamendo": "mixprior.pipeline.catalogs.datasets.jamendo",
    "musdb": "mixprior.pipeline.catalogs.datasets.musdb",
    "medleydb": "mixprior.pipeline.catalogs.datasets.medleydb",
    "gtzan": "mixprior.pipeline.catalogs.datasets.gtzan",
}
"""The module that reads each dataset."""

_MAX_CELL_CHARS = 1 << 24
"""FMA's biographies of artists are longer than Python's csv module allows by default."""


@dataclass(frozen=True)
class Track:
    """A song that the metadata of a dataset names, whether or not its files exist.

    Attributes:
        path: its audio file, or the folder of its stems.
        metadata: of the dataset: `track_id`, `title`, `artist`, `genre`, `year`, `split`, `tempo_bpm`, and more.
            None where the dataset has no value.
        stems: files by stem name (vocals, drums, bass, other) where the dataset holds stems in files of their own.
        mixture: the mixture that goes with the stems; None without stems.
    """

    path: Path
    metadata: Mapping[str, MetadataValue]
    stems: Mapping[str, Path] = field(default_factory=dict)
    mixture: Path | None = None

    @property
    def files(self) -> list[Path]:
        """The files that the song needs to be measured."""
        if not self.stems:
            return [self.path]
        return [*self.stems.values(), *([self.mixture] if self.mixture else [])]


def tracks_of(dataset: str, root: Path) -> list[Track]:
    """Return the tracks of a dataset in a folder, in the dataset's order.

    Raises:
        InputError: if the folder does not hold the dataset, or its metadata cannot be read.
    """
    if not root.is_dir():
        raise InputError(f"{root} is no folder: give the one into which {dataset} was unpacked")
    found: list[Track] = importlib.import_module(DATASETS[dataset]).tracks(root)
    return found


def need_file(root: Path, names: tuple[str, ...], origin: str) -> Path:
    """Return the first of some files of a dataset that exists and is not empty.

    Args:
        root: the dataset's folder.
        names: possible paths of the file, relative to the folder.
        origin: the archive that contains it, for the message.

    Raises:
        InputError: if there is none, or only an empty one.
    """
    for name in names:
        if (root / name).is_file():
            if not (root / name).stat().st_size:
                raise InputError(f"{root / name} is empty: fetch it again; it is part of {origin}")
            return root / name
    raise InputError(f"{root} holds no {' or '.join(names)}: it is part of {origin}")


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a metadata file in UTF-8, with their ends.

    Raises:
        InputError: if it cannot be read, or is not UTF-8.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            yield from file
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: fetch it again") from error


def csv_rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows of a CSV file, which all have as many cells as the first.

    Raises:
        InputError: if it cannot be read, or a row is cut short.
    """
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_CELL_CHARS))
    reader = csv.reader(lines(path), strict=True)
    width = 0
    try:
        for row in filter(None, reader):
            width = width or len(row)
            if len(row) != width:
                raise InputError(
                    f"{path}, line {reader.line_num}: {len(row)} cells, but the header has {width}; "
                    "if it was cut short, fetch it again"
                )
            yield row
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}; if it was cut short, fetch it again") from error


def year_of(date: str) -> int | None:
    """Return the year of a date in ISO order; None if there is none.

    >>> year_of("2009-01-06 00:00:00"), year_of(""), year_of("0000-00-00")
    (2009, None, None)
    """
    return int(date[:4]) or None if date[:4].isdigit() else None
