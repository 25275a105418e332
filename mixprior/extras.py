"""The extras of the package: which of them brings a module that is missing."""

from __future__ import annotations

MODULES = {
    "mine": ("apache_beam", "demucs", "torch", "safetensors", "huggingface_hub", "mutagen", "yaml", "tqdm"),
    "learn": ("torch", "safetensors"),
    "dask": ("dask", "distributed"),
    "aws": ("s3fs",),
    "gcp": ("gcsfs",),
    "npm-weights": ("onnx",),
    "plot": ("matplotlib",),
    "sql": ("duckdb",),
    "xlsx": ("xlsxwriter",),
    "training": ("pyworld", "pkg_resources"),
}
"""Extras, and the modules that are imported from each."""


def advice(error: BaseException) -> str | None:
    """Return how to install the missing module that `error` comes from, in one line; None if it does not.

    >>> advice(ModuleNotFoundError("No module named 'torch'", name="torch"))
    "this needs the module 'torch': pip install 'mixprior[mine]'"
    """
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, ModuleNotFoundError):
            top = (cause.name or "").partition(".")[0]
            for extra, modules in MODULES.items():
                if top in modules:
                    return f"this needs the module {top!r}: pip install 'mixprior[{extra}]'"
        cause = cause.__cause__ or cause.__context__
    return None
