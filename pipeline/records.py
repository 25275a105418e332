"""The elements that travel between Beam stages: a few bytes each, never audio."""

from __future__ import annotations

from dataclasses import dataclass

MetadataValue = str | int | float | bool | None


@dataclass(frozen=True)
class Song:
    """One song of a catalog, as found, before it is opened.

    Attributes:
        path: where it lies: a file, or the folder of its stems. A local path or an fsspec URL (`gs://`, `s3://`).
        stems: (stem name, path) pairs, sorted by name, where the catalog holds stems; empty where it must be separated.
        mixture: path of the mixture that goes with the stems; None where it is the sum of the stems,
            or where there are no stems.
        metadata: (column, value) pairs of the manifest, in its order; empty without a manifest.
    """

    path: str
    stems: tuple[tuple[str, str], ...] = ()
    mixture: str | None = None
    metadata: tuple[tuple[str, MetadataValue], ...] = ()

    @property
    def has_stems(self) -> bool:
        """Whether its stems are in the catalog, so that nothing is to be separated."""
        return bool(self.stems) or self.path.endswith(".stem.mp4")


class SongError(Exception):
    """A song that cannot be mined, with the reason in words for people.

    Args:
        stage: "read", "decode", "separate" or "measure".
        message: what was wrong and what to do, in one line, without the song's name.

    The class name of a subclass is the `error` of the failure row.
    """

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(stage, message)
        self.stage = stage
        self.message = message

    def __str__(self) -> str:
        return self.message


class InputError(Exception):
    """A mistake in what the user gave: told in one line, exit code 2."""
