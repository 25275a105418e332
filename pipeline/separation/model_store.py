"""The model store: finds the files of a separation model, checks them against a pinned digest, and caches them."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mixprior.pipeline.separation.model_digests import ModelDigests
from mixprior.pipeline.separation.model_folder import ModelFolder, file_sha256
from mixprior.pipeline.separation.model_sources import SOURCES, Fetch
from mixprior.pipeline.store import user_cache
from mixprior.pipeline.store.records import InputError

_log = logging.getLogger(__name__)

DEFAULT_MODEL = "htdemucs"
KNOWN_MODELS = ("htdemucs", "htdemucs_ft", "htdemucs_6s", "hdemucs_mmi", "mdx", "mdx_extra")
PINNED = {"htdemucs": "a743e9dafb2c4999d57429b8b7e67aa44b696562b420f1baae22835c3af50ce3"}
"""`weights_digest` of models, which the files of every source must have."""

PINNED_ARGUMENTS = {"htdemucs": "e53a06d7b6e659d030db17b1dccc9a29c55d1749ef3c6305ab0e6bbd6429f247"}
"""`arguments_digest` of these models: class, constructor arguments and bag. Keys of rows hold that of the weights."""

MODEL_REPO_VARIABLE = "MIXPRIOR_MODEL_REPO"
LICENCE = "weights for research use; see demucs issue 327"
RECORD = "source.json"
_ANEW = ModelDigests()


class ModelUnavailable(InputError):
    """No source has the model; the message names each one and why."""


@dataclass(frozen=True)
class ModelFiles:
    """A model on this machine.

    Attributes:
        name: such as "htdemucs".
        folder: holds its bag and its weights.
        weights_sha256: digest of its weights (`mixprior.pipeline.separation.model_folder.weights_digest`).
        arguments_sha256: digest of what else decides what it computes (`arguments_digest` there).
        source: where it came from, for people.
    """

    name: str
    folder: Path
    weights_sha256: str
    arguments_sha256: str
    source: str


def resolve(name: str = DEFAULT_MODEL, model_repo: str | None = None, digests: ModelDigests = _ANEW) -> ModelFiles:
    """Find a model in the user's folder, else in the cache; else download it into the cache.

    If the user gives a folder, no other place is searched.

    Args:
        name: one of `KNOWN_MODELS`, or any bag in the user's folder.
        model_repo: the user's folder; None takes the environment variable MIXPRIOR_MODEL_REPO, if that is set.
        digests: digest its files and what is in them.

    Raises:
        InputError: if no such model is known.
        ModelUnavailable: if no source has it, or its digest is wrong.
    """
    found = find(name, model_repo, digests)
    if found:
        return found
    _log.warning("fetching the weights of %s, once (%s)", name, LICENCE)
    failures = [f"--model-repo and {MODEL_REPO_VARIABLE} not given"]
    for label, fetch in SOURCES.items():
        try:
            return _keep(name, fetch)
        except InputError as error:
            failures.append(f"{label}: {error}")
        except OSError as error:
            raise ModelUnavailable(f"model {name} cannot be stored in {cache_folder(name)}: {error}") from error
    reasons = "; ".join(failures)
    raise ModelUnavailable(
        f"model {name} is not available: {reasons}. Give --model-repo FOLDER that holds {name}.yaml and weights"
    )


def find(name: str = DEFAULT_MODEL, model_repo: str | None = None, digests: ModelDigests = _ANEW) -> ModelFiles | None:
    """As `resolve`, but without a download: None where the model would have to be fetched."""
    model_repo = model_repo or os.environ.get(MODEL_REPO_VARIABLE)
    if model_repo:
        return _in_user_folder(name, Path(model_repo).expanduser(), digests)
    if name not in KNOWN_MODELS:
        raise InputError(
            f"no model called {name}: known are {', '.join(KNOWN_MODELS)}; --model-repo FOLDER adds others"
        )
    folder = cache_folder(name)
    return _in_cache(name, folder, digests) if folder.exists() else None


def cache_folder(name: str) -> Path:
    """Where the cache keeps a model: `$XDG_CACHE_HOME/mixprior/models/NAME`, by default under `~/.cache`."""
    return user_cache.folder() / "models" / name


def _in_user_folder(name: str, folder: Path, digests: ModelDigests) -> ModelFiles:
    try:
        return _held_to_pins(name, folder, digests.weights(ModelFolder(folder, name)), f"folder {folder}", digests)
    except InputError as error:
        raise ModelUnavailable(f"model {name} cannot be read from the folder given: {error}") from error


def _in_cache(name: str, folder: Path, digests: ModelDigests = _ANEW) -> ModelFiles:
    """The cached model, if no file has changed since it was stored."""
    try:
        record = json.loads((folder / RECORD).read_text())
        weights_sha256, source = record["weights_sha256"], record["origin"]["source"]
        for file, sha256 in record["files"].items():
            if digests.of_file(folder / file) != sha256:
                raise InputError(f"{file} has changed since it was fetched")
        return _held_to_pins(name, folder, weights_sha256, source, digests)
    except (InputError, OSError, ValueError, KeyError, TypeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ModelUnavailable(
            f"model {name} in the cache is damaged ({reason}): delete {folder} and it will be fetched again"
        ) from error


def _keep(name: str, fetch: Fetch) -> ModelFiles:
    """Fetch a model into the cache. It appears there whole or not at all, and the first of several processes wins."""
    folder = cache_folder(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{name}-", ignore_cleanup_errors=True) as temporary:
        stage = Path(temporary) / name
        stage.mkdir()
        origin = fetch(name, stage)
        weights_sha256 = ModelFolder(stage, name).weights_sha256()
        _held_to_pins(name, stage, weights_sha256, origin["source"])
        files = {path.name: file_sha256(path) for path in sorted(stage.iterdir())}
        record = {"model": name, "origin": origin, "weights_sha256": weights_sha256, "files": files, "licence": LICENCE}
        (stage / RECORD).write_text(json.dumps(record, indent=2) + "\n")
        try:
            stage.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    return _in_cache(name, folder)


def _held_to_pins(
    name: str, folder: Path, weights_sha256: str, source: str, digests: ModelDigests = _ANEW
) -> ModelFiles:
    """The model, if its weights and its arguments are those that are pinned, or it is not."""
    arguments_sha256 = digests.arguments(ModelFolder(folder, name))
    for what, found, pins in (
        ("weights", weights_sha256, PINNED),
        ("arguments", arguments_sha256, PINNED_ARGUMENTS),
    ):
        if found != pins.get(name, found):
            raise InputError(f"its {what} are refused: digest {found}, pinned {pins[name]}")
    return ModelFiles(name, folder, weights_sha256, arguments_sha256, source)
