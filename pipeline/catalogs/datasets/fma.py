"""FMA, the Free Music Archive's dataset: clips of 30 s (small, medium, large) or whole songs (full), as MP3.

Layout and columns: Defferrard, Benzi, Vandergheynst, Bresson, "FMA: A Dataset for Music Analysis", ISMIR 2017, and the
project mdeff/fma (README and `utils.py`). `tracks.csv` has two header rows and one that names the index;
`echonest.csv` three and that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mixprior.pipeline.catalogs.datasets.dataset import Track, csv_rows, need_file, year_of
from mixprior.pipeline.store.records import InputError

_SIZES = ("full", "large", "medium", "small")
_FOLDERS = tuple(f"fma_{size}" for size in _SIZES)
_SUBSETS = {"small": ("small",), "medium": ("small", "medium")}
"""Of the values of `set, subset`, those that a download holds; large and full hold all."""

_ORIGIN = "fma_metadata.zip of the project mdeff/fma"
_INDEX = ("track_id",)
_COLUMNS = (
    ("set", "subset"),
    ("set", "split"),
    ("track", "title"),
    ("track", "genre_top"),
    ("track", "genres"),
    ("track", "date_recorded"),
    ("album", "date_released"),
    ("artist", "name"),
)


def tracks(root: Path) -> list[Track]:
    """Return the tracks of the largest download in a folder, beside `fma_metadata`.

    `genre` is FMA's top genre, null where FMA gives several; `genres` are the names of all. `year` is that of the
    album's release, else of the recording. `tempo_bpm` is Echonest's, where `echonest.csv` has it.

    Args:
        root: the folder that holds `fma_metadata` and `fma_small` (or `_medium`, `_large`, `_full`); or this one.

    Raises:
        InputError: if there is no audio folder or no metadata, or a file of metadata cannot be read.
    """
    size = root.name.removeprefix("fma_") if root.name in _FOLDERS else None
    if size:
        root = root.parent
    else:
        size = next((size for size in _SIZES if (root / f"fma_{size}").is_dir()), None)
    if size is None:
        raise InputError(
            f"{root} holds none of {', '.join(_FOLDERS)}: unpack a ZIP file of the project mdeff/fma there"
        )
    table = need_file(root, ("fma_metadata/tracks.csv",), _ORIGIN)
    names = _genre_names(need_file(root, ("fma_metadata/genres.csv",), _ORIGIN))
    tempos = _tempos(root / "fma_metadata" / "echonest.csv")
    found = []
    for row in _table(table, _COLUMNS):
        if size in _SUBSETS and row["set", "subset"] not in _SUBSETS[size]:
            continue
        number = _number(row[_INDEX], table)
        released, recorded = row["album", "date_released"], row["track", "date_recorded"]
        metadata = {
            "track_id": f"{number:06}",
            "title": row["track", "title"] or None,
            "artist": row["artist", "name"] or None,
            "genre": row["track", "genre_top"] or None,
            "genres": _named(row["track", "genres"], names),
            "year": year_of(released) or year_of(recorded),
            "split": row["set", "split"] or None,
            "subset": row["set", "subset"] or None,
            "tempo_bpm": tempos.get(number),
        }
        found.append(Track(root / f"fma_{size}" / f"{number:06}"[:3] / f"{number:06}.mp3", metadata))
    return found


def _table(path: Path, columns: Sequence[tuple[str, ...]]) -> Iterator[dict[tuple[str, ...], str]]:
    """Yield some columns of a table, each named by a tuple: one header row for each of its parts, then the index's."""
    rows = csv_rows(path)
    headers = [next(rows, []) for _ in range(len(columns[0]) + 1)]
    if headers[-1][:1] != list(_INDEX):
        raise InputError(f"{path} is no table of FMA: its line {len(headers)} does not begin with track_id")
    places = {name: place for place, name in enumerate(zip(*headers[:-1], strict=True))} | {_INDEX: 0}
    absent = [" ".join(column) for column in columns if column not in places]
    if absent:
        raise InputError(f"{path} is no table of FMA: no column {absent[0]}")
    for row in rows:
        yield {column: row[places[column]] for column in (_INDEX, *columns)}


def _genre_names(path: Path) -> dict[int, str]:
    rows = csv_rows(path)
    header = next(rows, [])
    if not {"genre_id", "title"} <= set(header):
        raise InputError(f"{path} is no table of FMA: no columns genre_id and title")
    return {_number(row[header.index("genre_id")], path): row[header.index("title")] for row in rows}


def _tempos(path: Path) -> dict[int, float]:
    """Return Echonest's tempo in BPM by track, which FMA has for an eighth of its tracks; 0 means none."""
    if not path.is_file():
        return {}
    column = ("echonest", "audio_features", "tempo")
    tempos = {_number(row[_INDEX], path): row[column] for row in _table(path, [column])}
    return {track: float(tempo) for track, tempo in tempos.items() if re.search("[1-9]", tempo)}


def _number(text: str, path: Path) -> int:
    if not text.isdigit():
        raise InputError(f"{path} is no table of FMA: {text[:40]!r} is no number of a track or genre")
    return int(text)


def _named(ids: str, names: dict[int, str]) -> str | None:
    """Return the names of genres listed by number ("[2, 5]"); genres.csv may lack some, whose number is kept."""
    return ", ".join(names.get(int(number), number) for number in re.findall(r"\d+", ids)) or None
