"""The kinds of processors that the native engine is built for, and which of them this machine is."""

from __future__ import annotations

import importlib.machinery
import platform
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

_X86 = ("x86_64", "amd64")
_ARM = ("aarch64", "arm64")


class Kind(NamedTuple):
    """A way to build the engine.

    Attributes:
        name: of the library.
        precision: "bf16" or "fp32": of what travels between layers.
        machines: names of `platform.machine()`, in lower case.
        flags: what /proc/cpuinfo must list.
        depth: to which multiple the rows of a packed matrix are padded (`DEPTH` in product.h).
        options: of the compiler.
    """

    name: str
    precision: str
    machines: tuple[str, ...]
    flags: frozenset[str]
    depth: int
    options: tuple[str, ...]


_AVX512 = ("avx512f", "avx512bw", "avx512dq", "avx512vl", "fma")
_AVX512_OPTIONS = ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma")

KINDS = (
    Kind(
        "amx",
        "bf16",
        _X86,
        frozenset({"amx_tile", "amx_bf16", "avx512_bf16", *_AVX512}),
        32,
        (*_AVX512_OPTIONS, "-mavx512bf16", "-mamx-tile", "-mamx-bf16", "-DBF16", "-DAMX"),
    ),
    Kind(
        "avx512_bf16",
        "bf16",
        _X86,
        frozenset({"avx512_bf16", *_AVX512}),
        2,
        (*_AVX512_OPTIONS, "-mavx512bf16", "-DBF16"),
    ),
    Kind("avx512", "fp32", _X86, frozenset(_AVX512), 1, _AVX512_OPTIONS),
    Kind("avx2", "fp32", _X86, frozenset({"avx2", "fma"}), 1, ("-mavx2", "-mfma")),
    Kind("neon", "fp32", _ARM, frozenset(), 1, ()),
)
"""The fastest first."""


def of_machine(machine: str) -> list[Kind]:
    """Return the kinds to build on a machine, by its name as `platform.machine()` has it.

    >>> [kind.name for kind in of_machine("x86_64")]
    ['amx', 'avx512_bf16', 'avx512', 'avx2']
    """
    return [kind for kind in KINDS if machine.lower() in kind.machines]


def chosen(precision: str, machine: str, flags: frozenset[str]) -> list[Kind]:
    """Return the kinds that a processor can run in a precision, the fastest first.

    >>> [kind.name for kind in chosen("fp32", "x86_64", frozenset({"avx2", "fma"}))]
    ['avx2']
    """
    return [kind for kind in of_machine(machine) if kind.precision == precision and kind.flags <= flags]


@lru_cache(maxsize=1)
def processor_flags() -> frozenset[str]:
    """Return what /proc/cpuinfo lists of this processor; nothing where there is no such file."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return frozenset()
    for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, values = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(values.split())
    return frozenset()


def machine() -> tuple[str, frozenset[str]]:
    """Return name and flags of this machine, as `chosen` takes them."""
    return platform.machine(), processor_flags()


def library(kind: Kind) -> Path | None:
    """Return the library of a kind, or None if it was not built."""
    folder = Path(__file__).parent
    paths = (folder / f"_{kind.name}{suffix}" for suffix in importlib.machinery.EXTENSION_SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def here(precision: str) -> Kind | None:
    """Return the fastest kind that is built and that this processor runs, or None."""
    found = chosen(precision, *machine())
    return next((kind for kind in found if library(kind) is not None), None)


if __name__ == "__main__":  # a wheel holds all of them
    missing = [kind.name for kind in of_machine(platform.machine()) if library(kind) is None]
    raise SystemExit(f"not built: {', '.join(missing)}" if missing else 0)
