"""The tracks of a song: which files they are, their classes where a list has them, and which are sums of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.mix import recipe, roles_file
from mixprior.mixing.rules.roles import Role
from mixprior.pipeline.store import file_names
from mixprior.pipeline.store.file_names import AUDIO_SUFFIXES
from mixprior.stats.errors import InputError


def paths_given(vocal: str | None, backing: str | None, tracks: Sequence[str] | None) -> dict[str, Path]:
    """Return files by the name of the track: vocals and their backing, or files and what is in folders.

    Raises:
        InputError: if both or neither are given, a folder holds no sounds, or two tracks have one name.
    """
    if tracks and (vocal or backing):
        raise InputError("give either --vocal and --backing, or --tracks")
    if not tracks:
        if not (vocal and backing):
            raise InputError("give --vocal and --backing, --tracks, or --song")
        return {VOCALS: Path(vocal), BACKING: Path(backing)}
    files: list[Path] = []
    for given in map(Path, tracks):
        inside = sorted(filter(_is_track, given.iterdir())) if given.is_dir() else [given]
        if not inside:
            raise InputError(f"{given} holds no sound files ({', '.join(AUDIO_SUFFIXES)})")
        files += inside
    name, count = Counter(file.stem for file in files).most_common(1)[0]
    if count > 1:
        raise InputError(f"two tracks are called {name}: rename one, tracks are known by their names")
    return {file.stem: file for file in files}


def roles_given(tracks: Sequence[str], listing: str | None, paths: Mapping[str, Path]) -> dict[str, Role]:
    """Return the classes that a list names: the list that is given, or roles.csv in the folder of the tracks.

    Raises:
        InputError: if the list cannot be read, or names a track that is not there.
    """
    beside = [Path(given) / "roles.csv" for given in tracks]
    file = Path(listing) if listing else next((path for path in beside if path.is_file()), None)
    listed = roles_file.read(file, [path.name for path in paths.values()]) if file else {}
    return {name: listed[path.name] for name, path in paths.items() if path.name in listed}


def _is_track(path: Path) -> bool:
    """Whether a file in a folder is a track: not a hidden one, nor a mix with its recipe beside it."""
    hidden = path.name.startswith(".")
    return path.suffix.lower() in AUDIO_SUFFIXES and not hidden and path.is_file() and not recipe.is_mix(path)


def kept_tracks(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divide tracks by their names into those to mix and those that are the sum of others.

    Raises:
        InputError: if a mixture would be left out, and vocals alone are left.

    >>> kept_tracks(["bass", "mixture", "vocals"])
    (['bass', 'vocals'], ['mixture'])
    >>> kept_tracks(["Kick", "mixture"])
    (['Kick', 'mixture'], [])
    """
    sums = file_names.sums(name.lower() for name in names)
    kept = [name for name in names if name.lower() not in sums]
    left_out = [name for name in names if name.lower() in sums]
    if left_out and len(kept) == 1:
        raise InputError(f"{left_out[0]} contains {kept[0]}, and there is no other track: give the stems or a backing")
    return kept, left_out
