"""Digests of models that a call may take from an earlier one, without torch: by the content of the models' files.

They say which rows belong to a model. Whoever loads the model digests the tensors and the arguments that it then uses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from mixprior.pipeline.separation.model_folder import ModelFolder, file_sha256
from mixprior.pipeline.store import user_cache
from mixprior.pipeline.store.digests import Digests
from mixprior.pipeline.store.records import InputError, SongError

_KIND, _NAME = "models", "digests"


class ModelDigests:
    """Digests files and models anew each time."""

    def of_file(self, path: Path) -> str:
        """Return the SHA-256 of a file, in hex."""
        return file_sha256(path)

    def weights(self, model: ModelFolder) -> str:
        """Return what `ModelFolder.weights_sha256` returns, or raise what it raises."""
        return model.weights_sha256()

    def arguments(self, model: ModelFolder) -> str:
        """Return what `ModelFolder.arguments_sha256` returns, or raise what it raises."""
        return model.arguments_sha256()


class RememberedDigests(ModelDigests):
    """Digests a file anew only if it changed, and a model only if its files did, or the version of Demucs."""

    def __init__(self) -> None:
        try:
            place: str | None = str(user_cache.folder() / "models")
        except InputError:  # without a home folder nothing is remembered
            place = None
        self._files, self._known = Digests(place), user_cache.read(_KIND, _NAME)
        if not isinstance(self._known, dict):
            self._known = {}

    def of_file(self, path: Path) -> str:
        """Return the SHA-256 of a file, in hex.

        Raises:
            InputError: if it cannot be read.
        """
        try:
            sha256 = self._files.sha256(str(path))
        except SongError as error:
            raise InputError(f"{path.name} {error}") from error
        self._files.save()
        return sha256

    def weights(self, model: ModelFolder) -> str:
        """Return what `ModelFolder.weights_sha256` returns, or raise what it raises."""
        return self._remembered("weights", model, model.weights_sha256)

    def arguments(self, model: ModelFolder) -> str:
        """Return what `ModelFolder.arguments_sha256` returns, or raise what it raises."""
        return self._remembered("arguments", model, model.arguments_sha256)

    def _remembered(self, what: str, model: ModelFolder, compute: Callable[[], str]) -> str:
        files = [self.of_file(path) for path in (model.bag_file, *model.weights_files)]
        key = hashlib.sha256(" ".join([what, version("demucs"), *files]).encode()).hexdigest()
        found = self._known.get(key)
        if not isinstance(found, str):
            found = self._known[key] = compute()
            user_cache.write(_KIND, _NAME, self._known)
        return found
