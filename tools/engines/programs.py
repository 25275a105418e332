"""Servers written in Go, built once and kept in the user's cache: `make engines`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

from mixprior.pipeline.store import user_cache

_BUILD_S = 600.0


class NotHere(Exception):
    """What a scenario needs is not on this machine."""


@dataclass(frozen=True)
class Program:
    """A program in Go.

    Attributes:
        package: whose last part is the program's name.
        version: such as 2.77.0.
    """

    package: str
    version: str

    @property
    def path(self) -> Path:
        """Where it is, once it is built."""
        name = self.package.rpartition("/")[2]
        return user_cache.folder() / "engines" / f"{name}-{self.version}" / name


PRISM = Program("github.com/apache/beam/sdks/v2/go/cmd/prism", version("apache-beam"))
VERSITYGW = Program("github.com/versity/versitygw/cmd/versitygw", "1.8.0")
FAKE_GCS = Program("github.com/fsouza/fake-gcs-server", "1.56.1")


def built(program: Program) -> Path:
    """Return a program that was built. Raises NotHere if it was not."""
    if not program.path.exists():
        raise NotHere(f"{program.path.parent.name}, which `make engines` builds where Go is (https://go.dev/dl)")
    return program.path


def build(program: Program) -> None:
    """Build a program, unless it is there.

    Raises:
        NotHere: if it cannot be built.
    """
    folder = program.path.parent
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if program.path.exists():
            return
        if shutil.which("go") is None:
            raise NotHere(f"Go, to build {folder.name} with: https://go.dev/dl")
        command = ["go", "install", f"{program.package}@v{program.version}"]
        environ = {**os.environ, "GOBIN": str(folder)}
        try:
            done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=_BUILD_S)
        except subprocess.TimeoutExpired as error:
            raise NotHere(f"{folder.name} cannot be built: {error}") from error
        if done.returncode:
            raise NotHere(f"{folder.name} cannot be built: {done.stderr.strip()[-500:]}")


def main() -> int:
    """Build all of them; return 1 where one cannot be built."""
    lacking = 0
    for program in (PRISM, VERSITYGW, FAKE_GCS):
        try:
            build(program)
        except NotHere as error:
            sys.stderr.write(f"{error}\n")
            lacking = 1
    return lacking


if __name__ == "__main__":
    sys.exit(main())
