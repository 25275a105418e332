"""MUSDB18 and MUSDB18-HQ: songs with their four stems.

Layout: Rafii, Liutkus, Stöter, Mimilakis, Bittner, "The MUSDB18 corpus for music separation", 2017, and the project
sigsep/sigsep-mus-db (`musdb/configs/mus.yaml`): folders `train` and `test`; in them `Artist - Title.stem.mp4`
(MUSDB18), or folders `Artist - Title` of WAV files (MUSDB18-HQ).
"""

from __future__ import annotations

from pathlib import Path

from mixprior.pipeline.catalogs.datasets.dataset import Track, csv_rows
from mixprior.pipeline.store import sources
from mixprior.pipeline.store.file_names import STEM_FILE_SUFFIX, is_stem_file
from mixprior.pipeline.store.records import InputError

_SPLITS = ("train", "test")
_STEMS = ("vocals", "drums", "bass", "other")
_TRACK_LIST = "tracklist.csv"


def tracks(root: Path) -> list[Track]:
    """Return the songs of `train` and `test`, with their stems.

    The dataset itself has no genres. The project sigsep/website lists them in `tracklist.csv` (Track Name, Genre,
    Source, License): with this file beside `train`, `genre` is filled and missing songs are reported.

    Raises:
        InputError: if there is neither `train` nor `test`, or the list cannot be read.
    """
    if not any((root / split).is_dir() for split in _SPLITS):
        raise InputError(f"{root} holds no folder train or test: unpack musdb18.zip or musdb18hq.zip of MUSDB18 there")
    listed = _listed(root / _TRACK_LIST)
    found: dict[str, Track] = {}
    for split in _SPLITS:
        for name, is_folder in sources.entries(str(root / split)) if (root / split).is_dir() else ():
            title = name if is_folder else name[: -len(STEM_FILE_SUFFIX)]
            if not name.startswith(".") and (is_folder or is_stem_file(name)):
                # A folder comes before the file of its name: where both exist, the uncompressed files are used.
                found.setdefault(title, _track(root / split / name, title, listed, split))
    is_hq = any(track.stems for track in found.values())
    for title in [title for title in listed if title not in found]:
        # The list has no split, so a missing song may belong to either.
        found[title] = _track(root / "train or test" / (title if is_hq else title + STEM_FILE_SUFFIX), title, listed)
    return list(found.values())


def _track(path: Path, name: str, listed: dict[str, dict[str, str]], split: str | None = None) -> Track:
    artist, _, title = name.partition(" - ")
    cells = listed.get(name, {})
    metadata = {
        "track_id": name,
        "title": title or None,
        "artist": artist,
        "genre": cells.get("Genre") or None,
        "split": split,
        "license": cells.get("License") or None,
    }
    if is_stem_file(path.name):
        return Track(path, metadata)
    return Track(path, metadata, {stem: path / f"{stem}.wav" for stem in _STEMS}, path / "mixture.wav")


def _listed(path: Path) -> dict[str, dict[str, str]]:
    """Return the cells of each track in the list, by its name."""
    if not path.is_file():
        return {}
    rows = csv_rows(path)
    header = next(rows, [])
    if not {"Track Name", "Genre"} <= set(header):
        raise InputError(f"{path} is not the list of MUSDB18: no columns Track Name and Genre")
    return {(cells := dict(zip(header, row, strict=True)))["Track Name"]: cells for row in rows}
