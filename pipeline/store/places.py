"""A file or folder on this machine or in an object store: as much of `pathlib.Path` as readers take, for both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mixprior.pipeline.store import object_store, sources


@dataclass(frozen=True)
class RemotePath:
    """A file or folder of an object store.

    Attributes:
        url: without a slash at the end.

    >>> here = RemotePath("s3://bucket/run") / "priors"
    >>> str(here), here.name, str(here.parent)
    ('s3://bucket/run/priors', 'priors', 's3://bucket/run')
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        """The last part."""
        return self.url.rpartition("/")[2]

    @property
    def parent(self) -> RemotePath:
        """The folder that it is in."""
        return RemotePath(self.url.rpartition("/")[0])

    def is_file(self) -> bool:
        """Whether there is an object."""
        return object_store.kind(self.url) == "file"

    def is_dir(self) -> bool:
        """Whether there are objects below it."""
        return object_store.kind(self.url) == "directory"

    def read_bytes(self) -> bytes:
        """Return the content. Raises FileNotFoundError if there is none."""
        return object_store.read(self.url)


Place = Path | RemotePath


def place(path: str | Place) -> Place:
    """Return a place by its name: a local path, or a URL that fsspec knows.

    >>> place("outputs/run"), place("gs://bucket/run/")
    (PosixPath('outputs/run'), RemotePath(url='gs://bucket/run'))
    """
    if isinstance(path, RemotePath):
        return path
    if sources.is_remote(str(path)):
        return RemotePath(str(path).rstrip("/"))
    return Path(sources.local_path(str(path)))
