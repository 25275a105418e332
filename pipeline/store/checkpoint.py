"""The checkpoint: one file a finished song, one file a failed one, named by content."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa

from mixprior.pipeline.audio.flags import FLAGS
from mixprior.pipeline.store import features, files
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import Failure
from mixprior.stats.schema import FAILURES_SCHEMA


@dataclass(frozen=True)
class Checkpoint:
    """The files of single songs, finished and failed, in a run's folder.

    Attributes:
        folder: of the run.
        feature_key: stands for the version, model and settings the rows were made with.
    """

    folder: RunFolder
    feature_key: str

    def features(self, song_id: str, columns: Sequence[str] | None = None) -> pa.Table | None:
        """Return a finished song's table, or some of its columns; None unless the file counts."""
        try:
            content = files.read_bytes(self.folder.features(self.feature_key, song_id))
        except OSError:
            return None
        return features.parsed(content, self.feature_key, columns)

    def failure(self, song_id: str) -> Failure | None:
        """Return why a song failed in an earlier run, if it did."""
        try:
            table = files.read_table(self.folder.failure(self.feature_key, song_id))
        except (OSError, pa.ArrowInvalid):
            return None
        return Failure(**table.to_pylist()[0])

    def flags(self, song_id: str) -> tuple[str, ...]:
        """Return what may be wrong with a finished song; none where there is no file of it, or a damaged one."""
        try:
            kept = json.loads(files.read_bytes(self.folder.flags(self.feature_key, song_id)))
        except (OSError, ValueError, RecursionError):
            return ()
        names = kept.get("flags") if isinstance(kept, dict) else None
        return (
            tuple(name for name in names if isinstance(name, str) and name in FLAGS) if isinstance(names, list) else ()
        )

    def flagged(self) -> frozenset[str]:
        """Return the ids of the songs that have flags."""
        return frozenset(name.removesuffix(".json") for name in files.below(self.folder.flagged(self.feature_key)))

    def made(self) -> frozenset[str]:
        """Return the ids of the songs that the run that has not ended yet finished, as far as they are listed now."""
        return frozenset(files.below(f"{self.folder.made}/{self.feature_key}"))

    def is_made(self, song_id: str) -> bool:
        """Whether the run that has not ended yet finished the song: this attempt of it, or one that was cut off."""
        return files.exists(self.folder.made_note(self.feature_key, song_id))

    def finish(self, song_id: str, content: bytes, flags: Sequence[str] = ()) -> None:
        """Keep a finished song's file (the metadata of its table carry the key), and forget an earlier failure.

        That this run made it is noted beside the file, not in it: the same song gives the same bytes in every run.
        """
        # First of all: a run that is cut off here mines the song again.
        if flags:
            kept = json.dumps({"flags": list(flags)}).encode()
            files.write_bytes(self.folder.flags(self.feature_key, song_id), kept)
        else:
            files.remove(self.folder.flags(self.feature_key, song_id))
        files.write_bytes(self.folder.features(self.feature_key, song_id), content)
        files.write_bytes(self.folder.made_note(self.feature_key, song_id), b"")
        files.remove(self.folder.failure(self.feature_key, song_id))

    def fail(self, failure: Failure) -> None:
        """Keep why a song failed."""
        table = pa.Table.from_pylist([asdict(failure)], FAILURES_SCHEMA)
        files.write_table(self.folder.failure(self.feature_key, failure.song_id), table)
