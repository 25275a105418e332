"""The elements that travel between Beam stages: a few bytes each, never audio."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from mixprior.pipeline.store.file_names import is_stem_file
from mixprior.stats.errors import InputError as InputError
from mixprior.stats.visible import as_utf8

OUT_OF_MEMORY, DEVICE_LOST, READ_TROUBLE = "OutOfMemory", "DeviceLost", "ReadTrouble"
PASSING = frozenset({OUT_OF_MEMORY, DEVICE_LOST, READ_TROUBLE})
"""Kinds of failure that are passing trouble: tried again, in this run and in the next."""
_OF_A_LIMIT = frozenset({"TooLong", "TooLarge"})
"""Kinds of failure that follow from a limit the user sets."""

MetadataValue = str | int | float | bool | None


@dataclass(frozen=True)
class Song:
    """One song of a catalog, as found, before it is opened.

    Attributes:
        path: where it is stored: a file, or the folder of its stems. A local path or an fsspec URL (`gs://`, `s3://`).
        stems: (stem name, path) pairs, sorted by name, where the catalog holds stems; empty where it must be separated.
        mixture: path of the mixture that goes with the stems; None where it is the sum of the stems,
            or where there are no stems.
        metadata: (column, value) pairs of the manifest, in its order; empty without a manifest.
        root: folder of the catalog, out of which no link may lead; None where the path was given in full.
    """

    path: str
    stems: tuple[tuple[str, str], ...] = ()
    mixture: str | None = None
    metadata: tuple[tuple[str, MetadataValue], ...] = ()
    root: str | None = field(default=None, compare=False)

    @property
    def has_stems(self) -> bool:
        """Whether its stems are in the catalog, so that nothing is to be separated."""
        return bool(self.stems) or is_stem_file(self.path)

    def to_json(self) -> str:
        """Return the song as one line of JSON."""
        # Not by `asdict`, which takes three times as long: there may be a million.
        return json.dumps(vars(self))

    @classmethod
    def from_json(cls, line: str) -> Song:
        """Return the song that `to_json` wrote."""
        fields = json.loads(line)
        return cls(
            path=fields["path"],
            stems=tuple((name, path) for name, path in fields["stems"]),
            mixture=fields["mixture"],
            metadata=tuple((name, value) for name, value in fields["metadata"]),
            root=fields["root"],
        )


@dataclass(frozen=True)
class Failure:
    """A song that could not be mined, and why.

    Attributes:
        song_id: hash of the song's content; of its path where the content cannot be read.
        path: where it is stored; bytes of its name that are not UTF-8 are written as numbers (`as_utf8`).
        stage: "read", "decode", "separate" or "measure".
        error: kind of failure, in one word (`Truncated`).
        message: what was wrong and what to do, in one line.
    """

    song_id: str
    path: str
    stage: str
    error: str
    message: str

    @classmethod
    def of(cls, song: Song, song_id: str, error: SongError) -> Failure:
        """Return the row of a song that failed."""
        return cls(song_id, as_utf8(song.path), error.stage, error.kind, " ".join(error.message.split()))

    @property
    def is_lasting(self) -> bool:
        """Whether it would come again: a file that could not be read may be back, a limit may be another."""
        return self.stage != "read" and self.error not in PASSING | _OF_A_LIMIT


@dataclass(frozen=True)
class Outcome:
    """What became of one song of the catalog: the element that leaves the extract graph.

    Attributes:
        song: the song, as found.
        song_id: hash of its content; of its path where the content cannot be read.
        status: "mined", "kept" (finished in an earlier run), "duplicate" (same content as another path), "failed"; "to
            mine" before that.
        feature_key: which features folder holds its rows.
        duration_s: length in seconds; None if it failed.
        failure: why it failed; None otherwise.
        flags: what may be wrong with a song that is mined or kept.
    """

    song: Song
    song_id: str
    status: str
    feature_key: str
    duration_s: float | None = None
    failure: Failure | None = None
    flags: tuple[str, ...] = ()


class SongError(Exception):
    """A song that cannot be mined, with the reason in words for people.

    Args:
        stage: "read", "decode", "separate" or "measure".
        message: what was wrong and what to do, in one line, without the song's name.

    The `kind`, which is the class name of a subclass, is the `error` of the failure row.
    """

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(stage, message)
        self.stage = stage
        self.message = message

    @property
    def kind(self) -> str:
        """Kind of failure, in one word: the name of the class."""
        return type(self).__name__

    def __str__(self) -> str:
        return self.message


class Reported(SongError):
    """A song's failure in another process, by its kind.

    Args:
        stage: "read", "decode", "separate" or "measure".
        kind: of failure, in one word.
        message: what was wrong.
    """

    def __init__(self, stage: str, kind: str, message: str) -> None:
        super().__init__(stage, message)
        self.args = (stage, kind, message)
        self._kind = kind

    @property
    def kind(self) -> str:
        """Kind of failure, in one word."""
        return self._kind
