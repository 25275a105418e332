"""A folder with a separation model: a bag (`NAME.yaml`) and one weights file for each model of the bag.

The layout is the one of Demucs' repositories on its author's hub: `SIGNATURE.safetensors`, with the model's class and
constructor arguments as JSON in the file's metadata (`demucs.hf.load_safetensors_model` reads the same files). Demucs'
older `.th` files are pickles, which are programs: none is read.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
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


def arguments_digest(packages: Sequence[Mapping[str, Any]], bag: Mapping[str, Any]) -> str:
    """SHA-256 of all that, besides its weights, decides what a model computes.

    Over the class and the arguments of each model, defaults filled in, and over the bag: the models' signatures, their
    weights in the sum, and the segment. Equal numbers count as equal however they are written. Arguments that take part
    in training alone are left out.

    Args:
        packages: of each model the "klass", the "args" and the "kwargs".
        bag: of the models, as its YAML has it.

    Raises:
        InputError: if a class cannot be built with its arguments.
    """
    models = [(_class_name(package["klass"]), _arguments(package)) for package in packages]
    weights = bag.get("weights") or [[1] * len(arguments["sources"]) for _, arguments in models]
    facts = {
        "models": [[name, _plain(arguments)] for name, arguments in models],
        "signatures": [str(signature) for signature in bag["models"]],
        "weights": _plain(weights),
        "segment": _plain(bag.get("segment")),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


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
            self.bag_file = demucs_bag(name)
        try:
            self.bag: dict[str, Any] = yaml.safe_load(self.bag_file.read_text())
            self.weights_files = [_weights_file(folder, str(signature)) for signature in self.bag["models"]]
        except InputError:
            raise
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
            why = " ".join(str(error).split())
            raise InputError(f"{folder} holds no model {name}: {self.bag_file.name} cannot be read ({why})") from None

    def weights_sha256(self) -> str:
        """`weights_digest` of the model; of several, the SHA-256 of their digests in the bag's order.

        Raises:
            InputError: if a file is damaged, or is no model of Demucs.
        """
        return _joined([weights_digest(package["state"]) for package in self._packages()])

    def arguments_sha256(self) -> str:
        """`arguments_digest` of the model; no tensor is read.

        Raises:
            InputError: if a file is damaged, or is no model of Demucs.
        """
        try:
            return arguments_digest(list(self._packages(with_state=False)), self.bag)
        except (InputError, AttributeError, TypeError, ValueError) as error:
            raise InputError(
                f"the model in {self.weights_files[0].parent} cannot be used: {_first_line(error)}"
            ) from error

    def load(self, weights_sha256: str, arguments_sha256: str) -> BagOfModels:
        """The model on the CPU, ready to separate.

        Args:
            weights_sha256: what `weights_sha256()` must be: checked on the tensors that are then used.
            arguments_sha256: what `arguments_sha256()` must be: checked on the arguments that are then used.

        Raises:
            InputError: if the weights or the arguments are others, or cannot be read.
        """
        from demucs.apply import BagOfModels
        from demucs.states import load_model

        packages = list(self._packages())
        found = _joined([weights_digest(package["state"]) for package in packages])
        if found != weights_sha256:
            raise InputError(f"the weights in {self.weights_files[0].parent} are {found}, not {weights_sha256}")
        found = arguments_digest(packages, self.bag)
        if found != arguments_sha256:
            raise InputError(f"the arguments in {self.weights_files[0].parent} are {found}, not {arguments_sha256}")
        bag = BagOfModels(
            [load_model(package) for package in packages], self.bag.get("weights"), self.bag.get("segment")
        )
        return bag.eval()

    def outline(self) -> BagOfModels:
        """The model without its weights: what it takes and gives. Nothing of it is checked, and nothing computed."""
        import torch
        from demucs.apply import BagOfModels

        with torch.device("meta"):
            models = [package["klass"](*package["args"], **package["kwargs"]) for package in self._packages(False)]
        return BagOfModels(models, self.bag.get("weights"), self.bag.get("segment"))

    def _packages(self, with_state: bool = True) -> Iterator[dict[str, Any]]:
        """For each model, what `demucs.states.load_model` takes: its class, arguments and state."""
        for file in self.weights_files:
            try:
                yield _read_safetensors(file, with_state)
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


def _read_safetensors(path: Path, with_state: bool) -> dict[str, Any]:
    from safetensors import safe_open

    def fraction(value: dict[str, Any]) -> Any:
        return Fraction(value["numerator"], value["denominator"]) if value.get("_type") == "fraction" else value

    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        state = {name: file.get_tensor(name) for name in file.keys() if with_state}  # noqa: SIM118 (not a mapping)
    if "structure" in metadata:
        raise InputError(f"{path} holds quantised weights, which are not supported: take the model without _q")
    if metadata.get("klass") not in _architectures():
        raise InputError(f"{path} is no model of Demucs (class {metadata.get('klass')})")
    args, kwargs = (json.loads(metadata[name], object_hook=fraction) for name in ("args", "kwargs"))
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise InputError(f"{path} does not hold its arguments as a list and by name")
    return {
        "klass": _architectures()[metadata["klass"]],
        "args": args,
        "kwargs": kwargs,
        "state": state,
    }


_TRAINING_ALONE = ("t_dropout", "t_weight_decay", "t_lr", "t_cape_augment", "dconv_init", "rescale")
"""Arguments that set how a model is initialised and trained; weights that are loaded replace what they did."""


def _class_name(model: type) -> str:
    return f"{model.__module__}.{model.__qualname__}"


def _arguments(package: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments that decide what a model computes, by name; unknown ones are dropped on loading."""
    signature = inspect.signature(package["klass"])
    known = {name: value for name, value in package["kwargs"].items() if name in signature.parameters}
    try:
        bound = signature.bind(*package["args"], **known)
    except TypeError as error:
        raise InputError(f"{_class_name(package['klass'])} cannot be built: {error}") from error
    bound.apply_defaults()
    return {name: value for name, value in bound.arguments.items() if name not in _TRAINING_ALONE}


def _plain(value: Any) -> Any:
    """As JSON can hold it, with numbers as fractions in lowest terms."""
    if isinstance(value, int | float | Fraction) and not isinstance(value, bool):
        return str(Fraction(value))
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def demucs_bag(name: str) -> Path:
    """Path of the bag that comes with Demucs; it does not exist if Demucs has no such bag."""
    from demucs.pretrained import REMOTE_ROOT

    return Path(REMOTE_ROOT) / f"{name}.yaml"


def _weights_file(folder: Path, signature: str) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", signature):
        raise InputError(f"{folder} names a model {signature!r}, which is no signature: letters, digits, - and _")
    path = folder / f"{signature}.safetensors"
    if path.is_file():
        return path
    if next(folder.glob(f"{signature}*.th"), None):
        raise InputError(
            f"{folder} holds {signature} as a .th file, which is a pickle and is not read, for it could run code: "
            f"fetch {signature}.safetensors by `mixprior model fetch`, or convert it by tools/export_hf.py of Demucs"
        )
    raise InputError(f"{folder} holds no {signature}.safetensors")


def _joined(digests: list[str]) -> str:
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
