"""Songs that may be trained on: of a run or of a folder, by their role, and their stems."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mixprior.mixing.evaluation.separated import kept
from mixprior.pipeline.audio.decode import decode_mixture, decode_stems, fingerprint
from mixprior.pipeline.catalogs import catalog, roles, song_folder
from mixprior.pipeline.catalogs.roles import Recording
from mixprior.pipeline.store import songs as song_tables
from mixprior.pipeline.store import sources
from mixprior.pipeline.store.records import Song, SongError
from mixprior.stats.errors import InputError, SongLeftOut
from mixprior.stats.schema import FINISHED
from mixprior.stats.statistic import BACKING, VOCALS

ROLE = "train-mixer"
"""The role of songs that mixers are trained on."""

Stems = dict[str, np.ndarray]


@dataclass(frozen=True)
class TrainingSong:
    """A song to train on.

    Attributes:
        song: where it is.
        song_id: of its content.
        artists: everybody who is heard, in small letters.
        collection: where it is from; "" where that is not known.
        role: by the table of roles, or the column `role` of its manifest; "" where neither says.
        licence: likewise.
        kept_in: folder that separated stems are kept in, as float16; None to separate each time.
    """

    song: Song
    song_id: str
    artists: frozenset[str] = frozenset()
    collection: str = ""
    role: str = ""
    licence: str = ""
    kept_in: Path | None = field(default=None, compare=False)

    @property
    def is_separated(self) -> bool:
        """Whether its stems can be read, and need not be separated."""
        return self.song.has_stems or (self.kept_in is not None and (self.kept_in / f"{self.song_id}.npz").exists())

    def stems(self) -> Stems:
        """Read its stems, or separate it: float32, (2, samples), 44.1 kHz, by name, summing to the song.

        Raises:
            SongError: if it cannot be read or separated.
        """
        if self.song.has_stems:
            return decode_stems(self.song)[0]
        if self.kept_in is None:
            return self._separated()
        return kept(self.kept_in / f"{self.song_id}.npz", self._separated)

    def pair(self) -> Stems:
        """Its vocals, and its backing."""
        return as_pair(self.stems())

    def _separated(self) -> Stems:
        return separated(decode_mixture(self.song))


def separated(audio: np.ndarray) -> Stems:
    """Separate a sound, (2, samples) at 44.1 kHz, into stems that sum to it. Raises SongError if that fails."""
    from mixprior.pipeline.separation.separator import SeparationSettings, load  # torch and the model

    stems = load(SeparationSettings()).separate(np.ascontiguousarray(audio, np.float32))
    rest = audio - np.sum(list(stems.values()), axis=0)
    return {**stems, "other": stems["other"] + rest} if "other" in stems else stems


def as_pair(stems: Stems) -> Stems:
    """Vocals and backing of stems."""
    rest = [audio for name, audio in stems.items() if name != VOCALS]
    return {VOCALS: stems[VOCALS], BACKING: np.asarray(np.sum(rest, axis=0), np.float32)}


def songs_of(
    location: str | Path, table: Path | None = None, role: str = ROLE, kept_in: Path | None = None
) -> list[TrainingSong]:
    """Find the songs of a run, or of a folder or manifest, that may be trained on; each content once, sorted by id.

    Where a table of roles is given, or a song of the catalog has a column `role`, only songs of the role are taken.
    A catalog without any roles is its owner's to train on. A song that cannot be read is left out, with a warning.

    Args:
        location: output folder of `mixprior mine`; or what that command takes.
        table: CSV file of roles, `mixprior.pipeline.catalogs.roles`.
        role: the role to take.
        kept_in: folder that separated stems are kept in.

    Raises:
        InputError: if there is none of the role, or the table cannot be read.
    """
    known = {each.song_id: each for each in roles.read(table) if each.sha256} if table else {}
    found = {song_id: _song(song, song_id, known, kept_in) for song_id, song in _listed(location)}
    ruled = bool(table) or any(each.role for each in found.values())
    chosen = [each for _, each in sorted(found.items()) if not ruled or each.role == role]
    if not chosen:
        raise InputError(
            f"{location} has no song of role {role} among {len(found)}: give songs that role in the table of roles, or "
            "in a column `role` of their manifest"
        )
    return chosen


def need_artists(songs: Sequence[TrainingSong]) -> None:
    """Refuse songs without artists: nothing would keep those of one apart. Raises InputError."""
    unknown = [each for each in songs if not each.artists]
    if unknown:
        raise InputError(
            f"the artist of {unknown[0].song.path} is not known: mine with a manifest that has a column `artist`, or "
            "give --roles; --split-by song without --errors leaves artists on both sides"
        )


def _listed(location: str | Path) -> Iterable[tuple[str, Song]]:
    """Id and song, each."""
    try:
        rows = song_tables.read(location).to_pylist()
    except song_tables.NotARun:
        return _readable(catalog.open_catalog(str(location)))
    done = [row for row in rows if row["status"] in FINISHED]
    return [(row["song_id"], _of_run(row["path"], json.loads(row["metadata"]))) for row in done]


def _readable(songs: Iterable[Song]) -> Iterator[tuple[str, Song]]:
    for song in songs:
        try:
            yield fingerprint(song), song
        except SongError as error:
            leave_out(song, error)


def leave_out(song: Song, error: SongError) -> None:
    """Warn that a song is not trained on."""
    warnings.warn(SongLeftOut(f"{song.path} is left out: {error.message}"), stacklevel=2)


def _of_run(path: str, metadata: Mapping[str, str]) -> Song:
    facts = tuple(metadata.items())
    if sources.is_folder(path):
        names = [name for name, is_folder in sources.entries(path) if not is_folder]
        found = song_folder.stem_song(path, names)
        if found is not None:
            return Song(found.path, found.stems, found.mixture, facts)
    return Song(path, metadata=facts)


def _song(song: Song, song_id: str, known: Mapping[str, Recording], kept_in: Path | None) -> TrainingSong:
    facts = {name: str(value or "") for name, value in song.metadata}
    row = known.get(song_id)
    if row is not None:
        artists, collection, role, licence = row.artists, row.collection, row.role, row.licence
    else:
        names = (facts.get("artist", ""), *facts.get("featured", "").split(";"))
        artists = frozenset(name for each in names if (name := each.strip().casefold()))
        collection, role, licence = (facts.get(name, "") for name in ("collection", "role", "licence"))
    return TrainingSong(song, song_id, artists, collection, role, licence, kept_in)
