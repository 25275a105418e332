"""What a song is called by: its content, not its path."""

from __future__ import annotations

import hashlib

from mixprior.pipeline.audio import decode
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store.ledger import Found, SongKey
from mixprior.pipeline.store.records import Failure, Song, SongError


def fingerprint(song: Song, settings: MiningSettings) -> tuple[SongKey, Found]:
    """Return ((feature key, song id), (song, None)); a song that cannot be read carries its failure instead."""
    key = settings.feature_key(song.has_stems)
    try:
        return (key, decode.fingerprint(song)), (song, None)
    except SongError as error:
        song_id = hashlib.sha256(song.path.encode()).hexdigest()[:16]
        return (key, song_id), (song, Failure.of(song, song_id, error))
