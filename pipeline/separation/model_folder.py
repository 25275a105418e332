"""A folder with a separation model: a bag (`NAME.yaml`) and one weights file for each model of the bag.

The layout is the one of Demucs' repositories on its author's hub: `SIGNATURE.safetensors`, with the model's class and
constructor arguments as JSON in the file's metadata (`demucs.hf.load_safetensors_model` reads the same files). Demucs'
older `SIGNATURE.th` and `SIGNATURE-CHECKSUM.th` are read as well. Reading never runs code from a file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixprior.pipeline.store import sources
from mixprior.pipeline.store.records import InputError

if TYPE_CHECKING:
    from demucs.apply import BagOfModels
    from torch import Tensor


def weights_digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of a model's weights, independent of the file format.

    Over all tensors, sorted by name: the name, type and shape as a JSON array, then the little-endian bytes.
    Floating-point tensors are rounded to half precision first, which is how Demucs releases its weights, so that a
    copy of them in single precision has the same digest.

    >>> import torch
    >>> half = {"scale": torch.tensor([0.5], dtype=torch.float16)}
    >>> weights_digest(half) == weights_digest({"scale": half["scale"].float()})
    True
    """
    import torch

    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu()
        array = (tensor.to(torch.float16) if tensor.is_floating_point() else tensor).contiguous().numpy()
        digest.update(json.dumps([name, array.dtype.name, array.shape]).encode())
        digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).data)
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return sources.sha256(file)


class ModelFolder:
    """The model called `name` in `folder`.

    Raises:
        InputError: if the folder lacks the bag or a file of it. Bags that come with Demucs may be missing.
    """

    def __init__(self, folder: Path, name: str) -> None:
        import yaml

        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder")
        self.bag_file = folder / f"{name}.yaml"
        if not self.bag_file.exists():
            self.bag_file = _demucs_bag(name)
        try:
            self._bag = yaml.safe_load(self.bag_file.read_text())
            self.weights_files = [_weights_file(folder, str(signature)) for signature in self._bag["models"]]
        except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
            raise InputError(f"{folder} holds no model {name}: {self.bag_file.name} cannot be read ({error})") from None

    def weights_sha256(self) -> str:
        """`weights_digest` of the model; of several, the SHA-256 of their digests in the bag's order.

        Raises:
            InputError: if a file is damaged, or is no model of Demucs.
        """
        return _joined([weights_digest(package["state"]) for package in self._packages()])

    def load(self, weights_sha256: str) -> BagOfModels:
        """The model on the CPU, ready to separate.

        Args:
            weights_sha256: what `weights_sha256()` must be: checked on the tensors that are then used.

        Raises:
            InputError: if the weights are others, or cannot be read.
        """
        from demucs.apply import BagOfModels
        from demucs.states import load_model

        packages = list(self._packages())
        found = _joined([weights_digest(package["state"]) for package in packages])
        if found != weights_sha256:
            raise InputError(f"the weights in {self.weights_files[0].parent} are {found}, not {weights_sha256}")
        bag = BagOfModels(
            [load_model(package) for package in packages], self._bag.get("weights"), self._bag.get("segment")
        )
        return bag.eval()

    def _packages(self) -> Iterator[dict[str, Any]]:
        """For each model, what `demucs.states.load_model` takes: its class, arguments and state."""
        for file in self.weights_files:
            try:
                yield _read_th(file) if file.suffix == ".th" else _read_safetensors(file)
            except InputError:
                raise
            except Exception as error:  # bytes that are no model raise errors of many types
                raise InputError(f"{file} cannot be read: {_first_line(error)}") from error


def write_htdemucs(path: Path, state: Mapping[str, Tensor], arguments: Mapping[str, Any]) -> None:
    """Write an HTDemucs model as Demucs' hub holds it.

    Args:
        path: the `.safetensors` file to write.
        state: tensors by parameter name.
        arguments: keyword arguments of `demucs.htdemucs.HTDemucs`.
    """
    from safetensors.torch import save_file

    def fraction(value: Fraction) -> dict[str, Any]:
        return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}

    metadata = {"klass": "demucs.htdemucs.HTDemucs", "args": "[]", "kwargs": json.dumps(arguments, default=fraction)}
    save_file(dict(state), path, metadata)


def _architectures() -> dict[str, type]:
    """The only classes that a weights file may name."""
    from demucs.demucs import Demucs
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs

    return {f"{model.__module__}.{model.__qualname__}": model for model in (Demucs, HDemucs, HTDemucs)}


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import safe_open

    def fraction(value: dict[str, Any]) -> Any:
        return Fraction(value["numerator"], value["denominator"]) if value.get("_type") == "fraction" else value

    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    if "structure" in metadata:
        raise InputError(f"{path} holds quantised weights, which are not supported: take the model without _q")
    if metadata.get("klass") not in _architectures():
        raise InputError(f"{path} is no model of Demucs (class {metadata.get('klass')})")
    return {
        "klass": _architectures()[metadata["klass"]],
        "args": json.loads(metadata["args"], object_hook=fraction),
        "kwargs": json.loads(metadata["kwargs"], object_hook=fraction),
        "state": state,
    }


def _read_th(path: Path) -> dict[str, Any]:
    """A pickle, of which the unpickler builds only tensors, plain values and the classes named here."""
    import torch

    with torch.serialization.safe_globals([*_architectures().values(), Fraction]):
        package = torch.load(path, "cpu", weights_only=True)
    if package["klass"] not in _architectures().values():
        raise InputError(f"{path} is no model of Demucs (class {package['klass']})")
    return {key: package[key] for key in ("klass", "args", "kwargs", "state")}


def _demucs_bag(name: str) -> Path:
    """Path of the bag that comes with Demucs; it does not exist if Demucs has no such bag."""
    from demucs.pretrained import REMOTE_ROOT

    return Path(REMOTE_ROOT) / f"{name}.yaml"


def _weights_file(folder: Path, signature: str) -> Path:
    candidates = [
        folder / f"{signature}.safetensors",
        folder / f"{signature}.th",
        *sorted(folder.glob(f"{signature}-*.th")),
    ]
    for path in candidates:
        if path.is_file():
            return path
    raise InputError(f"{folder} holds no {signature}.safetensors (nor .th)")


def _joined(digests: list[str]) -> str:
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
